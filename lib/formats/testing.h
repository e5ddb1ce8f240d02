/* SPDX-License-Identifier: MIT */
/* What the tests of the formats share: a log as a whole, and what is read out of it. */
#ifndef FT_FORMATS_TESTING_H
#define FT_FORMATS_TESTING_H

#include <stddef.h>

/* The operations of a log as JSON, each followed by a newline. Free with free(). */
char *ft_test_log(const char *text, size_t size);

#endif
