/* SPDX-License-Identifier: MIT */
/* fusetrace attach: shows the operations of a mount that is there, until somebody ends it. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "command.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"
#include "signals.h"
#include "trace.h"
#include "trace_loop.h"

struct attach {
	struct trace trace;
	uint64_t deadline_ns;
	bool is_interrupted;
};

static void on_signal(const struct signalfd_siginfo *info, void *data)
{
	struct attach *attach = data;

	if (info->ssi_signo != SIGCHLD)
		attach->is_interrupted = true;
}

static int on_turn(void *data)
{
	struct attach *attach = data;

	trace_take(&attach->trace);
	return attach->is_interrupted || trace_is_over(&attach->trace) ||
	       ft_now_ns() >= attach->deadline_ns ||
	       fusetrace_monitor_state(attach->trace.monitor) != FUSETRACE_STATE_MOUNTED;
}

/* A trace that is written into the mount would trace its own writing for ever. */
static int check_output(const struct trace *trace)
{
	const char *path = trace->options->output;
	const char *mountpoint = fusetrace_monitor_mountpoint(trace->monitor);
	bool is_standard = !path || strcmp(path, "-") == 0;

	if (is_standard ? !mount_holds_fd(mountpoint, STDOUT_FILENO)
			: !mount_holds(mountpoint, path))
		return 0;
	return fail(EXIT_USAGE, "%s lies on the traced mount: write the trace elsewhere",
		    is_standard ? "standard output" : path);
}

/* exit_code is that of the output, which comes first. */
static int judge(const struct trace *trace, int exit_code)
{
	const char *mountpoint = fusetrace_monitor_mountpoint(trace->monitor);

	switch (fusetrace_monitor_state(trace->monitor)) {
	case FUSETRACE_STATE_UNMOUNTED:
		message("%s was unmounted", mountpoint);
		return exit_code;
	case FUSETRACE_STATE_GONE:
		message("the daemon of %s ended: take the mount away by 'umount -l %s'", mountpoint,
			mountpoint);
		return exit_code ? exit_code : EXIT_GONE;
	default:
		return exit_code;
	}
}

static int show(struct attach *attach, int signal_fd)
{
	struct trace *trace = &attach->trace;
	struct trace_loop loop = {
		.monitor = trace->monitor,
		.output = &trace->output,
		.signal_fd = signal_fd,
		.deadline_ns = attach->deadline_ns,
		.on_signal = on_signal,
		.on_turn = on_turn,
		.data = attach,
	};
	int r = trace_loop_run(&loop);

	if (r < 0)
		return fail(EXIT_SETUP, "cannot go on: %s: try again", fusetrace_strerror(r));
	return judge(trace, trace_finish(trace, signal_fd));
}

static int start(struct attach *attach, const struct options *options)
{
	struct trace *trace = &attach->trace;
	int r = trace_new(trace, FUSETRACE_MONITOR_OPTS(.mount = options->operands[0],
							.source = options->source,
							.flags = FUSETRACE_MONITOR_NO_THREAD,
							.max_ops = options->max_ops,
							.ring_bytes = options->ring_bytes));

	if (r == 0)
		r = check_output(trace);
	if (r == 0)
		r = trace_open(trace);
	if (r == 0)
		r = trace_start(trace);
	if (r == 0)
		r = trace_armed(trace);
	attach->deadline_ns =
		options->duration_ns ? ft_deadline_ns(options->duration_ns) : UINT64_MAX;
	return r;
}

static int run(const struct options *options)
{
	struct attach attach = {.is_interrupted = false};
	int signal_fd = signals_open(false);
	int r;

	if (signal_fd < 0)
		return fail(EXIT_SETUP, "signals: %s: try again", fusetrace_strerror(signal_fd));
	trace_init(&attach.trace, options);
	r = start(&attach, options);
	if (r == 0)
		r = show(&attach, signal_fd);
	trace_done(&attach.trace);
	signals_end(signal_fd);
	return r;
}

const struct command cmd_attach = {
	.name = "attach",
	.usage = "[OPTIONS] MOUNTPOINT",
	.summary = "show the operations of a mounted filesystem",
	.details =
		"MOUNTPOINT may be any path under it; it is looked up, never touched. The trace\n"
		"ends when it is interrupted (SIGINT, SIGTERM), when the filesystem is\n"
		"unmounted, both with exit code 0, or when its daemon ends (3).\n"
		"\n"
		"  fusetrace attach --op create,unlink --path '/inbox/**' /mnt\n"
		"  fusetrace attach --format json -o trace.jsonl --duration 10s /mnt\n",
	.options = OPTIONS_SELECT | OPTIONS_ATTACH | OPTIONS_LINES | OPTIONS_OUTPUT |
		   OPTIONS_TRACE | OPTIONS_READY,
	.operand = OPERAND_MOUNT,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
