/* SPDX-License-Identifier: MIT */
/* See waiting.h. */
#include "waiting.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "armed.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "command.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"
#include "signals.h"
#include "trace_loop.h"

/* A request that is not answered for so long hangs, however short the wait is. */
#define HANG_NS_MIN (5 * FUSETRACE_SECOND)
#define REQUESTS_MAX 3
#define PATIENCE_NS (2 * FUSETRACE_SECOND)

/* ---- the mount ---- */

/* Of a command that waits for a file: where nothing is mounted, nothing can be said of it. */
static int find_mount_of_operand(const char *path, char **ret_mountpoint)
{
	if (mount_find(path, ret_mountpoint))
		return 0;
	return fail(EXIT_USAGE, "%s is on no FUSE mount: mount it first, or give --mount", path);
}

/* --mount, else the mount of a PATH, else the only one. Free with free(). */
static int find_mount(const struct options *options, char **ret_mountpoint)
{
	int count = 0;

	if (options->mount) {
		*ret_mountpoint = strdup(options->mount);
		return *ret_mountpoint ? 0 : fail(EXIT_SETUP, "out of memory: free some");
	}
	if (options->operand_count)
		return find_mount_of_operand(options->operands[0], ret_mountpoint);
	for (size_t i = 0; count != 1 && i < options->want_count; i++)
		count = mount_guess(options->wants[i].path, ret_mountpoint);
	if (options->want_count == 0)
		count = mount_guess(NULL, ret_mountpoint);
	if (count == 1)
		return 0;
	if (count == 0)
		return fail(EXIT_SETUP, "there is no FUSE mount: mount one first");
	return fail(EXIT_USAGE, "there are %d FUSE mounts: say which one by --mount", count);
}

static int open_output(struct waiting *waiting)
{
	const struct options *options = waiting->options;
	struct fusetrace_error error;

	if (output_open(&waiting->output, options->output, options->color, &error) < 0)
		return fail(EXIT_SETUP, "%s", error.text);
	waiting->view = (struct view){
		.kind = view_kinds[options->format],
		.output = &waiting->output,
		.has_lines = true,
		.has_events = true,
		.has_base = true,
		.base_ns = ft_now_ns(),
		.columns = output_columns(&waiting->output),
	};
	return 0;
}

static int start_monitor(struct waiting *waiting, const char *mountpoint)
{
	const struct options *options = waiting->options;
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = mountpoint,
							     .source = options->source,
							     .flags = FUSETRACE_MONITOR_NO_THREAD,
							     .max_ops = options->max_ops,
							     .ring_bytes = options->ring_bytes),
				      &waiting->monitor, &error);

	if (r == 0 && options->log)
		r = fusetrace_monitor_add_log_file(waiting->monitor, options->log, 0, &error);
	if (r == 0)
		r = fusetrace_monitor_start(waiting->monitor, &error);
	if (r == 0)
		return 0;
	error.code = r;
	return fail_error(&error);
}

int waiting_start(struct waiting *waiting, const struct options *options)
{
	char *mountpoint FT_AUTO_FREE = NULL;
	int r;

	*waiting = (struct waiting){
		.options = options,
		.output.fd = -1,
		.signal_fd = -1,
		.child.error_fd = -1,
	};
	r = find_mount(options, &mountpoint);
	if (r == 0)
		r = open_output(waiting);
	if (r == 0)
		r = start_monitor(waiting, mountpoint);
	return r;
}

void waiting_done(struct waiting *waiting)
{
	child_done(&waiting->child);
	signals_close(waiting->signal_fd);
	waiting->monitor = fusetrace_monitor_free(waiting->monitor);
	output_done(&waiting->output);
}

int waiting_armed(const struct waiting *waiting)
{
	return tell_armed(waiting->monitor, waiting->options->quiet, waiting->options->ready_fd);
}

/* ---- CMD ---- */

static void on_signal(const struct signalfd_siginfo *info, void *data)
{
	struct waiting *waiting = data;

	if (info->ssi_signo == SIGCHLD)
		return;
	waiting->interrupted_by = (int)info->ssi_signo;
	if (++waiting->requests < REQUESTS_MAX)
		signals_pass_on(info, waiting->child.pid);
	else
		kill(waiting->child.pid, SIGKILL);
}

static int take_oldest(struct fusetrace_op *op, void *data)
{
	static const char *const patient[] = {"poll", "setlkw"};

	for (size_t i = 0; i < sizeof(patient) / sizeof(patient[0]); i++) {
		if (strcmp(fusetrace_op_name(op), patient[i]) == 0)
			return 0;
	}
	*(uint64_t *)data = fusetrace_op_start_ns(op);
	return 1;
}

/* Whether a request has been in flight for longer than anybody wants to wait. */
static bool is_hanging(const struct waiting *waiting)
{
	uint64_t limit_ns = waiting->options->timeout_ns;
	uint64_t oldest_ns = 0;

	if (limit_ns < HANG_NS_MIN)
		limit_ns = HANG_NS_MIN;
	return fusetrace_in_flight(waiting->monitor, NULL, take_oldest, &oldest_ns) > 0 &&
	       ft_now_ns() - oldest_ns >= limit_ns;
}

static int on_turn(void *data)
{
	struct waiting *waiting = data;

	if (child_poll(&waiting->child))
		return 1;
	/* After the third request CMD is dead, or in a system call that cannot be left. */
	if (waiting->requests < REQUESTS_MAX)
		waiting->is_hung = is_hanging(waiting);
	return waiting->is_hung || waiting->requests >= REQUESTS_MAX;
}

static void stop_hung(struct waiting *waiting)
{
	const char *name = waiting->options->program[0];

	if (child_stop(&waiting->child))
		message("%s was ended, as the filesystem did not answer it", name);
	else
		message("%s (pid %d) cannot be ended, as the filesystem does not answer it: end "
			"the daemon",
			name, (int)waiting->child.pid);
}

static int loop(struct waiting *waiting)
{
	struct trace_loop loop = {
		.monitor = waiting->monitor,
		.signal_fd = waiting->signal_fd,
		.deadline_ns = UINT64_MAX,
		.on_signal = on_signal,
		.on_turn = on_turn,
		.data = waiting,
	};
	int r = trace_loop_run(&loop);

	if (r < 0)
		return fail(EXIT_SETUP, "cannot go on: %s: try again", fusetrace_strerror(r));
	if (!waiting->child.has_ended)
		stop_hung(waiting);
	return 0;
}

int waiting_run_program(struct waiting *waiting)
{
	char *const *program = waiting->options->program;
	int error, r;

	if (!program)
		return 0;
	waiting->signal_fd = signals_open(false);
	r = waiting->signal_fd < 0 ? waiting->signal_fd : child_start(&waiting->child, program);
	if (r < 0)
		return fail(EXIT_SETUP, "cannot start %s: %s: try again", program[0], strerror(-r));
	waiting->has_child = true;
	r = loop(waiting);
	error = waiting->child.has_ended ? child_exec_error(&waiting->child) : 0;
	if (error)
		return fail(EXIT_SETUP, "cannot run %s: %s: give a program that is there",
			    program[0], strerror(error));
	if (r == 0 && waiting->interrupted_by)
		r = EXIT_BY_SIGNAL + waiting->interrupted_by;
	signals_close(waiting->signal_fd);
	waiting->signal_fd = -1;
	return r;
}

uint64_t waiting_timeout_ns(const struct waiting *waiting)
{
	return waiting->is_hung ? 0 : waiting->options->timeout_ns;
}

/* ---- matches ---- */

int waiting_matches(const struct waiting *waiting, struct fusetrace_match *matches, char **paths)
{
	static const uint32_t statuses[] = {
		[STATUS_OK] = FUSETRACE_MATCH_OK,
		[STATUS_FAILED] = FUSETRACE_MATCH_FAILED,
		[STATUS_ANY] = FUSETRACE_MATCH_ANY,
	};
	const char *mountpoint = fusetrace_monitor_mountpoint(waiting->monitor);
	const struct options *options = waiting->options;

	for (size_t i = 0; i < options->want_count; i++) {
		const struct want *want = &options->wants[i];
		struct fusetrace_error error;

		if (want->path)
			paths[i] = mount_path_inside(want->path, mountpoint);
		matches[i] = (struct fusetrace_match){
			.sz = sizeof(matches[i]),
			.op = want->op,
			.path = paths[i],
			.status = statuses[want->status],
			.error = want->error,
			.label = want->label,
			.min_duration_ns = options->slow_ns,
			.start_timeout_ns = options->start_timeout_ns,
			.flags = (options->no_probes ? FUSETRACE_MATCH_NO_PROBES : 0) |
				 (options->in_flight ? FUSETRACE_MATCH_IN_FLIGHT : 0),
		};
		if (options->has_pid)
			matches[i].pid = options->pid ? (int64_t)options->pid : -1;
		if (fusetrace_match_check(&matches[i], &error) < 0)
			return fail(EXIT_USAGE, "%s", error.text);
	}
	return 0;
}

/* ---- the verdict ---- */

void waiting_show(struct waiting *waiting, const struct fusetrace_op *op)
{
	waiting->view.kind->op(&waiting->view, op);
}

static int write_output(struct waiting *waiting)
{
	int r = output_flush(&waiting->output, PATIENCE_NS, -1);

	if (r == 0 || r == -EPIPE)
		return 0;
	return fail(EXIT_SETUP, "cannot write to %s: %s: make room or give another -o",
		    waiting->output.is_owned ? waiting->options->output : "standard output",
		    strerror(-r));
}

static int judge_program(const struct waiting *waiting)
{
	int exit_code;

	if (!waiting->has_child)
		return EXIT_SATISFIED;
	if (waiting->is_hung || !waiting->child.has_ended)
		return EXIT_UNSATISFIED;
	exit_code = child_exit_code(waiting->child.status);
	if (exit_code)
		message("all is as it should be, but %s ended with exit code %d: look at its "
			"messages",
			waiting->options->program[0], exit_code);
	return exit_code;
}

/* The waits beside the operations that are shown; see fusetrace_foreach_wait(). */
static int write_wait(const struct fusetrace_wait_record *wait, const char *json, void *data)
{
	output_printf(data, "%s\n", json);
	return 0;
}

int waiting_judge(struct waiting *waiting, int result, const struct fusetrace_report *report)
{
	bool is_json = waiting->view.kind == &view_json;
	int exit_code, written;

	if (is_json)
		fusetrace_foreach_wait(waiting->monitor, write_wait, &waiting->output);
	if (report && is_json)
		output_printf(&waiting->output, "%s\n", fusetrace_report_json(report));
	written = write_output(waiting);
	if (report)
		fprintf(stderr, "fusetrace: %s", fusetrace_report_text(report));
	else if (result)
		message("%s", fusetrace_strerror(result));
	exit_code = result ? exit_code_of(result) : judge_program(waiting);
	return exit_code ? exit_code : written;
}
