/* SPDX-License-Identifier: MIT */
/* Tells those who wait for it that a trace has begun. */
#ifndef CLI_ARMED_H
#define CLI_ARMED_H

#include <stdbool.h>

struct fusetrace_monitor;

/*
 * The line on standard error, unless is_quiet, and "ready" to ready_fd (-1: none), which is closed.
 * 0 or the exit code.
 */
int tell_armed(struct fusetrace_monitor *monitor, bool is_quiet, int ready_fd);

#endif
