/* SPDX-License-Identifier: MIT */
/*
 * What expect, forbid, idle and the smart waits share: they find the mount, arm the trace, run CMD, and judge. While
 * CMD runs the loop of trace_loop.h turns; afterwards there is nothing to look after but the wait
 * itself, so signals act as usual again and the library's own waits do the rest.
 */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "child.h"
#include "output.h"
#include "views/view.h"

struct options;

struct waiting {
	const struct options *options;
	struct fusetrace_monitor *monitor;
	struct output output; /* reports as JSON, operations that are shown */
	struct view view;
	int signal_fd;
	struct child child; /* CMD */
	bool has_child;
	int interrupted_by; /* a signal that came while CMD ran */
	int requests;       /* how many of them */
	bool is_hung;       /* CMD waits for a request that is not answered */
};

/* Each returns 0 or, having told why, the exit code. */

/* Finds the mount, starts the trace. Free with waiting_done(), also after a failure. */
int waiting_start(struct waiting *waiting, const struct options *options);
void waiting_done(struct waiting *waiting);

/* Tells that all is armed; to be called when nothing of CMD can be missed any more. */
int waiting_armed(const struct waiting *waiting);

/*
 * Runs CMD, if there is one, until it ends. An exit code other than 0 is final; else signals act as
 * usual when it returns.
 */
int waiting_run_program(struct waiting *waiting);

/* How long the library shall wait yet: nothing when CMD hangs. */
uint64_t waiting_timeout_ns(const struct waiting *waiting);

/* Makes matches of the wants. paths are filled with what is to be freed. */
int waiting_matches(const struct waiting *waiting, struct fusetrace_match *matches, char **paths);

/* Shows an operation that was waited for. */
void waiting_show(struct waiting *waiting, const struct fusetrace_op *op);

/*
 * Prints what came of it and returns the exit code: that of result, a negative errno of a wait, or
 * that of CMD when result is 0. report may be NULL.
 */
int waiting_judge(struct waiting *waiting, int result, const struct fusetrace_report *report);

#endif
