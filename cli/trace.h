/* SPDX-License-Identifier: MIT */
/*
 * A trace that is shown: a monitor, the selection, the view and its output, and the summary. run,
 * attach and read differ in where operations come from and when they end; what is shown of them
 * and how is the same, and here.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "output.h"
#include "views/view.h"

struct options;

struct trace {
	const struct options *options;
	struct output output;
	struct view view;
	struct fusetrace_summary *summary; /* NULL: not wanted */
	struct fusetrace_monitor *monitor; /* NULL between trace_close() and trace_begin() */
	struct fusetrace_mark taken;       /* behind the last operation that was looked at */
	struct fusetrace_match match;      /* what is selected */
	char *match_path;                  /* owned; in match */
	uint64_t begun_ns;                 /* CLOCK_MONOTONIC, of a live trace; 0: a recording */
	uint64_t shown;                    /* operations */
	uint64_t lost;                     /* events of this monitor, as far as told */
	uint64_t sum_lost;                 /* likewise of those before it */
	uint64_t skipped; /* operations that came faster than they could be written */
};

/* Cannot fail. Free with trace_done(). */
void trace_init(struct trace *trace, const struct options *options);
void trace_done(struct trace *trace);

/* What follows returns 0 or, having told why, the exit code. */

/* A monitor that is not started yet. */
int trace_new(struct trace *trace, const struct fusetrace_monitor_opts *opts);
/* Opens the output and chooses the view. */
int trace_open(struct trace *trace);
/*
 * Starts a live one and shows its head. A trace whose mount comes later has no mountpoint yet:
 * trace_mounted() is called then.
 */
int trace_start(struct trace *trace);
/* Prints that the trace is armed, and tells whoever waits at --ready-fd. */
int trace_armed(struct trace *trace);
int trace_mounted(struct trace *trace);
/* Gives the monitor back, so that the next one can come. */
void trace_close(struct trace *trace);

/* Shows what is new, while the output takes it. True: that was all, false: the rest waits. */
bool trace_take(struct trace *trace);
/* Whether --count is reached, or nothing more can be written. */
bool trace_is_over(const struct trace *trace);

/* A record of another kind than an operation, shown at its place. */
void trace_event(struct trace *trace, const struct ft_json_record *record);
/* One of the kinds that need no more than a time and, of MOUNTED, the mountpoint. */
void trace_tell(struct trace *trace, uint32_t kind);

/*
 * The end: takes what is left, shows what is still in flight, the summary, and writes it all,
 * unless nobody reads it or signal_fd (-1: none) has something. Returns the exit code for the
 * output alone.
 */
int trace_finish(struct trace *trace, int signal_fd);

#endif
