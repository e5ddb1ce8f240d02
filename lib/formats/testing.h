/* SPDX-License-Identifier: MIT */
/* What the tests of the log formats share. Not part of the library. */
#ifndef FT_FORMATS_TESTING_H
#define FT_FORMATS_TESTING_H

#include <stddef.h>

/*
 * The operations that a log tells, in the order in which they ended, as JSON, with newlines between
 * them. Free with free().
 */
char *ft_test_log(const char *text, size_t size);

#endif
