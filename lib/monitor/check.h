/* SPDX-License-Identifier: MIT */
/*
 * Runs a caller's check function. It runs without any lock of ours, and while it does, calls back
 * into the library that would wait are refused with -EDEADLK.
 */
#ifndef FT_CHECK_H
#define FT_CHECK_H

#include <stdbool.h>

#include "op/match.h"

/* 1 when the match has no check function or it said yes, 0 for no, negative: end the wait. */
int ft_check_run(const struct ft_match *match, const struct fusetrace_op *op);
/* Likewise of a line. */
int ft_check_run_line(const struct fusetrace_line *wanted, const char *line, size_t length);
/* Whether this thread is inside a check function. */
bool ft_check_is_running(void);

#endif
