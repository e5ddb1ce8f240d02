/* SPDX-License-Identifier: MIT */
/* What the tests of formats share: a log goes in, its operations come out. */
#ifndef FT_FORMATS_TESTING_H
#define FT_FORMATS_TESTING_H

#include <stddef.h>

/*
 * The operations that a log tells, as JSON, each with a newline behind it, those last that are still
 * in flight. Free with free().
 */
char *ft_test_log(const char *text, size_t size);
/* The same of a log that comes in pieces: the first one of that size, then others. Neither is 0. */
char *ft_test_log_in_pieces(const char *text, size_t size, size_t first, size_t others);

/* Compares the operations of a log with what is expected; a difference fails the test. */
void ft_test_log_is(const char *text, size_t size, const char *expected);

#define FT_TEST_LOG_IS(text, expected) ft_test_log_is(text, sizeof(text) - 1, expected)

/*
 * A table of logs and what they tell, written for people to read: as in ft_test_log_is(), but with '
 * for " in what is expected.
 */
struct ft_test_log_case {
	const char *what;
	const char *log;
	const char *operations;
};

void ft_test_logs(const struct ft_test_log_case *cases, size_t count);

#endif
