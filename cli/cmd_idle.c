/* SPDX-License-Identifier: MIT */
/* fusetrace idle: runs CMD, if there is one, and waits until the filesystem has nothing to do. */
#include "command.h"
#include "options.h"
#include "waiting.h"

static int wait_and_judge(struct waiting *waiting, const struct options *options)
{
	struct fusetrace_report *report = NULL;
	int r = fusetrace_wait_idle(waiting->monitor, options->quiet_for_ns,
				    waiting_timeout_ns(waiting), &report);

	r = waiting_judge(waiting, r, report);
	fusetrace_report_free(report);
	return r;
}

static int run(const struct options *options)
{
	struct waiting waiting;
	int r = waiting_start(&waiting, options);

	if (r == 0)
		r = waiting_armed(&waiting);
	if (r == 0)
		r = waiting_run_program(&waiting);
	if (r == 0)
		r = wait_and_judge(&waiting, options);
	waiting_done(&waiting);
	return r;
}

const struct command cmd_idle = {
	.name = "idle",
	.usage = "[OPTIONS] [-- CMD...]",
	.summary = "wait until a filesystem has nothing to do",
	.details = "Idle is when no request is in flight and none came for the time of --quiet-\n"
		   "for. It is a second choice: to expect the operation that is meant is exact,\n"
		   "and faster.\n"
		   "\n"
		   "  fusetrace idle --mount mnt -- tar -C mnt -xf data.tar\n",
	.options = OPTIONS_IDLE | OPTIONS_WAIT | OPTIONS_TIMEOUT | OPTIONS_OUTPUT | OPTIONS_TRACE |
		   OPTIONS_READY,
	.operand = OPERAND_NONE,
	.flags = COMMAND_RUNS_PROGRAM,
	.run = run,
};
