/* SPDX-License-Identifier: MIT */
/* Names that come from a filesystem, as text for people: escaped, and cut to fit a terminal. */
#ifndef CLI_VIEWS_NAMES_H
#define CLI_VIEWS_NAMES_H

#include <stddef.h>

#include "base/bytes.h"

/* Escaped; NULL without memory. Free with free(). */
char *name_escape(struct ft_bytes name);

/* Takes the middle out of escaped text that is wider than columns. */
void name_shorten(char *text, size_t columns);

/* Columns of escaped text. */
size_t name_width(const char *text);

#endif
