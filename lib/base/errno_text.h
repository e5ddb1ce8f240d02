/* SPDX-License-Identifier: MIT */
/* Errors as programs print them: "No such file or directory", Go's "no such file or directory". */
#ifndef FT_BASE_ERRNO_TEXT_H
#define FT_BASE_ERRNO_TEXT_H

#include "bytes.h"

/* The errno whose strerror(3) text in English that is, in any case; 0: unknown. */
int ft_errno_of_text(struct ft_bytes text);

#endif
