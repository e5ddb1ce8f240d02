/* SPDX-License-Identifier: MIT */
/*
 * fusetrace wait-written, wait-visible and wait-gone: run CMD, if there is one, and wait until the
 * filesystem has what is meant. The library knows what that is; here is only who is asked.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "command.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"
#include "waiting.h"

/* One of the library's smart waits. */
typedef int wait_fn(const struct waiting *waiting, const struct fusetrace_mark *mark,
		    const char *path, struct fusetrace_report **reterr_report);

static int wait_and_judge(struct waiting *waiting, const struct fusetrace_mark *mark, wait_fn *wait)
{
	const char *mountpoint = fusetrace_monitor_mountpoint(waiting->monitor);
	char *path FT_AUTO_FREE = mount_path_inside(waiting->options->operands[0], mountpoint);
	struct fusetrace_report *report = NULL;
	int r;

	if (!path)
		return fail(EXIT_SETUP, "out of memory: free some");
	r = wait(waiting, mark, path, &report);
	r = waiting_judge(waiting, r, report);
	fusetrace_report_free(report);
	return r;
}

static int run(const struct options *options, wait_fn *wait)
{
	struct fusetrace_mark mark;
	struct waiting waiting;
	int r = waiting_start(&waiting, options);
	int error = r == 0 ? fusetrace_mark_now(waiting.monitor, &mark) : 0;

	if (error < 0)
		r = fail(EXIT_SETUP, "cannot look at the trace: %s: try again",
			 fusetrace_strerror(error));
	if (r == 0)
		r = waiting_armed(&waiting);
	if (r == 0)
		r = waiting_run_program(&waiting);
	if (r == 0)
		r = wait_and_judge(&waiting, &mark, wait);
	waiting_done(&waiting);
	return r;
}

/* ---- written ---- */

static int wait_written(const struct waiting *waiting, const struct fusetrace_mark *mark,
			const char *path, struct fusetrace_report **reterr_report)
{
	uint32_t proof;
	int r = fusetrace_wait_written(waiting->monitor, mark, path,
				       waiting->has_child ? 0 : FUSETRACE_SMART_CLOSED,
				       waiting_timeout_ns(waiting), &proof, NULL, reterr_report);

	if (r == 0 && !waiting->options->quiet)
		message("%s is written (%s)", waiting->options->operands[0],
			fusetrace_proof_name(proof));
	return r;
}

static int run_written(const struct options *options)
{
	return run(options, wait_written);
}

const struct command cmd_wait_written = {
	.name = "wait-written",
	.usage = "[OPTIONS] PATH [-- CMD...]",
	.summary = "wait until what was written to a file has arrived",
	.details =
		"Written means: each write has been answered, and then its handle was released,\n"
		"or the file synced, and nothing of the kind is in flight. A file that was\n"
		"renamed to PATH has its past with it. A write, fsync or flush that failed ends\n"
		"it at once with exit code 1. What showed it is told: release, fsync, truncate\n"
		"or closed.\n"
		"\n"
		"With CMD only what is written from its start on counts, so CMD must write.\n"
		"Without CMD a file is also written that nobody writes to, that no process has\n"
		"open for writing, and of whose filesystem no earlier request is in flight.\n"
		"\n"
		"  fusetrace wait-written mnt/a -- cp a mnt/a\n"
		"  cp a mnt/a; fusetrace wait-written mnt/a\n",
	.options = OPTIONS_WAIT | OPTIONS_TIMEOUT | OPTIONS_OUTPUT | OPTIONS_TRACE | OPTIONS_READY,
	.operand = OPERAND_FILE,
	.flags = COMMAND_RUNS_PROGRAM,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_written,
};

/* ---- visible ---- */

static int wait_visible(const struct waiting *waiting, const struct fusetrace_mark *mark,
			const char *path, struct fusetrace_report **reterr_report)
{
	static const uint32_t flags[] = {
		[KIND_ANY] = 0,
		[KIND_FILE] = FUSETRACE_SMART_FILE,
		[KIND_DIRECTORY] = FUSETRACE_SMART_DIRECTORY,
	};

	return fusetrace_wait_visible(waiting->monitor, path, flags[waiting->options->kind],
				      waiting_timeout_ns(waiting), reterr_report);
}

static int run_visible(const struct options *options)
{
	return run(options, wait_visible);
}

const struct command cmd_wait_visible = {
	.name = "wait-visible",
	.usage = "[OPTIONS] PATH [-- CMD...]",
	.summary = "wait until a filesystem shows a file",
	.details =
		"The filesystem itself is asked, past what the kernel has cached: at once, after\n"
		"each operation on PATH, and every 50 ms, as what its server or its branch gets\n"
		"from elsewhere sends no operation. A filesystem that does not answer ends it at\n"
		"the timeout, or after a second if that is later. Its own questions are not part\n"
		"of any trace of this command.\n"
		"\n"
		"  fusetrace wait-visible mnt/a -- cp a branch/a\n"
		"  fusetrace wait-visible --kind directory --timeout 10s mnt/new\n",
	.options = OPTIONS_VISIBLE | OPTIONS_WAIT | OPTIONS_TIMEOUT | OPTIONS_OUTPUT |
		   OPTIONS_TRACE | OPTIONS_READY,
	.operand = OPERAND_FILE,
	.flags = COMMAND_RUNS_PROGRAM,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_visible,
};

/* ---- gone ---- */

static int wait_gone(const struct waiting *waiting, const struct fusetrace_mark *mark,
		     const char *path, struct fusetrace_report **reterr_report)
{
	return fusetrace_wait_gone(waiting->monitor, path, 0, waiting_timeout_ns(waiting),
				   reterr_report);
}

static int run_gone(const struct options *options)
{
	return run(options, wait_gone);
}

const struct command cmd_wait_gone = {
	.name = "wait-gone",
	.usage = "[OPTIONS] PATH [-- CMD...]",
	.summary = "wait until a filesystem shows nothing of that name",
	.details = "As wait-visible: the filesystem itself is asked. A mount that ends is not a\n"
		   "file that is gone: that is exit code 3.\n"
		   "\n"
		   "  fusetrace wait-gone mnt/a -- rm mnt/a\n",
	.options = OPTIONS_WAIT | OPTIONS_TIMEOUT | OPTIONS_OUTPUT | OPTIONS_TRACE | OPTIONS_READY,
	.operand = OPERAND_FILE,
	.flags = COMMAND_RUNS_PROGRAM,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_gone,
};
