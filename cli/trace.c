/* SPDX-License-Identifier: MIT */
/* See trace.h. */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "armed.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "command.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"

/* How long a reader may take to read on at the end, when signals have no say any more. */
#define PATIENCE_NS (2 * FUSETRACE_SECOND)

/* ---- opening and closing ---- */

void trace_init(struct trace *trace, const struct options *options)
{
	*trace = (struct trace){.options = options, .output.fd = -1};
}

int trace_open(struct trace *trace)
{
	const struct options *options = trace->options;
	struct fusetrace_error error;
	int r = output_open(&trace->output, options->output, options->color, &error);

	if (r < 0)
		return fail(EXIT_SETUP, "%s", error.text);
	trace->view = (struct view){
		.kind = view_kinds[options->format],
		.output = &trace->output,
		.has_lines = !options->quiet,
		.has_events = true,
		.columns = output_columns(&trace->output),
	};
	if (options->summary && fusetrace_summary_new(&trace->summary) < 0)
		return fail(EXIT_SETUP, "out of memory: free some");
	return 0;
}

void trace_close(struct trace *trace)
{
	trace->monitor = fusetrace_monitor_free(trace->monitor);
	trace->taken = (struct fusetrace_mark){0};
	free(trace->match_path);
	trace->match_path = NULL;
	trace->sum_lost += trace->lost;
	trace->lost = 0;
}

void trace_done(struct trace *trace)
{
	trace_close(trace);
	trace->summary = fusetrace_summary_free(trace->summary);
	output_done(&trace->output);
}

/* ---- the selection ---- */

/* Again once the mountpoint is known, as a path may be one under it. */
static int select_operations(struct trace *trace)
{
	const struct options *options = trace->options;
	const char *mountpoint = fusetrace_monitor_mountpoint(trace->monitor);
	struct fusetrace_error error;

	free(trace->match_path);
	trace->match_path = NULL;
	if (options->path && mountpoint)
		trace->match_path = mount_path_inside(options->path, mountpoint);
	trace->match = (struct fusetrace_match){
		.sz = sizeof(trace->match),
		.op = options->op,
		.path = trace->match_path ? trace->match_path : options->path,
		.status = options->failed ? FUSETRACE_MATCH_FAILED : FUSETRACE_MATCH_ANY,
		.flags = options->no_probes ? FUSETRACE_MATCH_NO_PROBES : 0,
		.min_duration_ns = options->slow_ns,
	};
	if (options->has_pid)
		trace->match.pid = options->pid ? (int64_t)options->pid : -1;
	if (fusetrace_match_check(&trace->match, &error) < 0)
		return fail(EXIT_USAGE, "%s", error.text);
	return 0;
}

/* --since */
static bool is_late_enough(const struct trace *trace, const struct fusetrace_op *op)
{
	uint64_t start_ns;

	if (!trace->options->since_ns)
		return true;
	return fusetrace_op_number(op, FUSETRACE_FIELD_START_NS, &start_ns) == 0 &&
	       trace->view.has_base && start_ns >= trace->view.base_ns &&
	       start_ns - trace->view.base_ns >= trace->options->since_ns;
}

/* ---- the beginning ---- */

int trace_new(struct trace *trace, const struct fusetrace_monitor_opts *opts)
{
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(opts, &trace->monitor, &error);

	trace->view.has_base = false;
	if (r < 0) {
		error.code = r;
		return fail_error(&error);
	}
	return select_operations(trace);
}

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * FUSETRACE_SECOND + (uint64_t)now.tv_nsec;
}

int trace_start(struct trace *trace)
{
	struct fusetrace_error error = {0};
	struct ft_json_record head = {
		.kind = FT_JSON_TRACE,
		.has = FT_JSON_HAS_MONO_NS | FT_JSON_HAS_REALTIME_NS,
		.version = ft_bytes_of(fusetrace_version()),
		.mount = ft_bytes_of(fusetrace_monitor_mountpoint(trace->monitor)),
	};
	int r = 0;

	if (trace->options->log)
		r = fusetrace_monitor_add_log_file(trace->monitor, trace->options->log, 0, &error);
	if (r == 0)
		r = fusetrace_monitor_start(trace->monitor, &error);
	if (r < 0) {
		error.code = r;
		return fail_error(&error);
	}
	head.source = fusetrace_monitor_source(trace->monitor);
	head.realtime_ns = realtime_ns();
	head.mono_ns = ft_now_ns();
	trace->begun_ns = head.mono_ns;
	trace->view.base_ns = head.mono_ns;
	trace->view.has_base = true;
	trace->view.kind->head(&trace->view, &head);
	output_pump(&trace->output);
	return 0;
}

int trace_armed(struct trace *trace)
{
	return tell_armed(trace->monitor, false, trace->options->ready_fd);
}

int trace_mounted(struct trace *trace)
{
	int r = select_operations(trace);

	if (r)
		return r;
	trace_tell(trace, FT_JSON_MOUNTED);
	return trace_armed(trace);
}

/* ---- showing ---- */

void trace_event(struct trace *trace, const struct ft_json_record *record)
{
	trace->view.kind->event(&trace->view, record);
}

void trace_tell(struct trace *trace, uint32_t kind)
{
	struct ft_json_record record = {
		.kind = kind,
		.has = FT_JSON_HAS_MONO_NS,
		.mono_ns = ft_now_ns(),
		.mount = ft_bytes_of(fusetrace_monitor_mountpoint(trace->monitor)),
	};

	trace_event(trace, &record);
}

static void set_base(struct trace *trace, const struct fusetrace_op *op)
{
	uint64_t start_ns;

	if (trace->view.has_base ||
	    fusetrace_op_number(op, FUSETRACE_FIELD_START_NS, &start_ns) < 0)
		return;
	trace->view.base_ns = start_ns;
	trace->view.has_base = true;
}

static void show(struct trace *trace, const struct fusetrace_op *op)
{
	set_base(trace, op);
	if (!is_late_enough(trace, op))
		return;
	trace->shown++;
	if (trace->summary)
		fusetrace_summary_add(trace->summary, op);
	if (trace->view.has_lines)
		trace->view.kind->op(&trace->view, op);
}

static int show_next(struct fusetrace_op *op, void *data)
{
	struct trace *trace = data;

	if (trace_is_over(trace) || output_pending(&trace->output) >= OUTPUT_ENOUGH)
		return 1;
	trace->taken.seq = fusetrace_op_seq(op);
	show(trace, op);
	return 0;
}

static int take_first(struct fusetrace_op *op, void *data)
{
	*(uint64_t *)data = fusetrace_op_seq(op);
	return 1;
}

static void tell_gap(struct trace *trace, uint64_t count)
{
	struct ft_json_record record = {
		.kind = FT_JSON_LOST,
		.has = FT_JSON_HAS_MONO_NS | FT_JSON_HAS_COUNT,
		.mono_ns = ft_now_ns(),
		.count = count,
	};

	/* A recording has its own records of losses, at their place. */
	if (count && trace->begun_ns)
		trace_event(trace, &record);
}

/* Operations that the history has dropped before they were looked at leave a gap in the numbers. */
static void check_skipped(struct trace *trace)
{
	uint64_t first, skipped;

	if (!trace->begun_ns ||
	    fusetrace_foreach(trace->monitor, &trace->taken, NULL, take_first, &first) <= 0)
		return;
	skipped = first - trace->taken.seq - 1;
	trace->taken.seq += skipped;
	trace->skipped += skipped;
	tell_gap(trace, skipped);
}

/* To be told behind what was taken: a full ring keeps the older events. */
static void check_lost(struct trace *trace)
{
	uint64_t lost = fusetrace_lost(trace->monitor, NULL);

	tell_gap(trace, lost - trace->lost);
	trace->lost = lost;
}

bool trace_take(struct trace *trace)
{
	struct fusetrace_mark now;
	int r;

	if (trace_is_over(trace) || fusetrace_mark_now(trace->monitor, &now) < 0)
		return true;
	trace->view.columns = output_columns(&trace->output);
	check_skipped(trace);
	r = fusetrace_foreach(trace->monitor, &trace->taken, &trace->match, show_next, trace);
	if (r > 0 && !trace_is_over(trace))
		return false;
	if (trace->taken.seq < now.seq)
		trace->taken.seq = now.seq;
	check_lost(trace);
	return true;
}

bool trace_is_over(const struct trace *trace)
{
	return trace->output.error ||
	       (trace->options->count && trace->shown >= trace->options->count);
}

/* ---- the end ---- */

static int show_in_flight(struct fusetrace_op *op, void *data)
{
	struct trace *trace = data;

	if (!trace_is_over(trace))
		show(trace, op);
	return trace_is_over(trace);
}

/* How a live trace ended, or what is in flight. A recording tells that itself. */
static void show_end(struct trace *trace)
{
	switch (fusetrace_monitor_state(trace->monitor)) {
	case FUSETRACE_STATE_MOUNTED:
		fusetrace_in_flight(trace->monitor, &trace->match, show_in_flight, trace);
		break;
	case FUSETRACE_STATE_UNMOUNTED:
		fusetrace_in_flight(trace->monitor, &trace->match, show_in_flight, trace);
		trace_tell(trace, FT_JSON_UNMOUNTED);
		break;
	case FUSETRACE_STATE_GONE:
		trace_tell(trace, FT_JSON_DAEMON_GONE);
		break;
	default:
		break;
	}
}

/* All that there is, as fast as it is written. */
static int take_all(struct trace *trace, int signal_fd)
{
	int r = 0;

	fusetrace_sync(trace->monitor);
	while (r == 0 && !trace_take(trace))
		r = output_flush(&trace->output, PATIENCE_NS, signal_fd);
	if (r == 0 && trace->begun_ns)
		show_end(trace);
	return r;
}

static void show_summary(struct trace *trace)
{
	const struct summary_totals totals = {
		.lost = trace->sum_lost + trace->lost,
		.duration_ns = trace->begun_ns ? ft_now_ns() - trace->begun_ns : 0,
	};

	if (trace->summary)
		trace->view.kind->summary(&trace->view, trace->summary, &totals);
}

static void tell_lost(const struct trace *trace)
{
	uint64_t lost = trace->sum_lost + trace->lost;

	if (lost)
		message("%" PRIu64 " event%s lost: the trace has gaps%s", lost,
			lost == 1 ? " was" : "s were",
			trace->begun_ns ? ": give it a larger --ring" : "");
	if (trace->skipped)
		message("%" PRIu64 " operation%s not shown, as the output was not read in time: "
			"read it faster or give a larger --max-ops",
			trace->skipped, trace->skipped == 1 ? " was" : "s were");
}

/* A reader that went away has seen enough: no error. */
static int judge_output(const struct trace *trace, int result)
{
	const char *place = trace->output.is_owned ? trace->options->output : "standard output";

	if (result == 0 || result == -EPIPE)
		return EXIT_SATISFIED;
	if (result == -ETIMEDOUT || result == -ECANCELED)
		return fail(
			EXIT_SETUP,
			"the end of the trace is not written, as %s is not read: read it to the "
			"end",
			place);
	return fail(EXIT_SETUP, "cannot write to %s: %s: make room or give another -o", place,
		    strerror(-result));
}

int trace_finish(struct trace *trace, int signal_fd)
{
	int r = trace->monitor ? take_all(trace, signal_fd) : 0;

	show_summary(trace);
	if (r == 0)
		r = output_flush(&trace->output, PATIENCE_NS, signal_fd);
	tell_lost(trace);
	return judge_output(trace, trace->output.error ? trace->output.error : r);
}
