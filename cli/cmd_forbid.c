/* SPDX-License-Identifier: MIT */
/* fusetrace forbid: runs CMD and fails if it causes one of these operations. */
#include <stdlib.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "waiting.h"

struct ban {
	struct waiting waiting;
	struct fusetrace_mark mark;
	struct fusetrace_match matches[WANTS_MAX];
	char *paths[WANTS_MAX];
};

static int arm(struct ban *ban)
{
	int r = waiting_matches(&ban->waiting, ban->matches, ban->paths);

	if (r)
		return r;
	r = fusetrace_mark_now(ban->waiting.monitor, &ban->mark);
	if (r < 0)
		return fail(exit_code_of(r), "cannot arm: %s: try again", fusetrace_strerror(r));
	return waiting_armed(&ban->waiting);
}

/* The time after CMD is spent with the first one; the others are looked up at its end. */
static int check_and_judge(struct ban *ban, const struct options *options)
{
	struct fusetrace_report *report = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->want_count; i++)
		r = fusetrace_wait_none(ban->waiting.monitor, &ban->mark, &ban->matches[i],
					i == 0 ? options->within_ns : 0, NULL, &report);
	r = waiting_judge(&ban->waiting, r, report);
	fusetrace_report_free(report);
	return r;
}

static int run(const struct options *options)
{
	struct ban ban = {.mark = {0}};
	int r;

	if (!options->program && !options->within_ns)
		return fail(EXIT_USAGE, "nothing to watch: give CMD behind --, or --within");
	r = waiting_start(&ban.waiting, options);
	if (r == 0)
		r = arm(&ban);
	if (r == 0)
		r = waiting_run_program(&ban.waiting);
	if (r == 0)
		r = check_and_judge(&ban, options);
	for (size_t i = 0; i < WANTS_MAX; i++)
		free(ban.paths[i]);
	waiting_done(&ban.waiting);
	return r;
}

const struct command cmd_forbid = {
	.name = "forbid",
	.usage = "[OPTIONS] OP [PATH] [--and OP [PATH]]... [-- CMD...]",
	.summary = "run CMD and fail if it causes one of these operations",
	.details =
		"Counts what begins after the trace was armed, up to the end of CMD and for the\n"
		"time of --within; operations that fail count as well, and those still in\n"
		"flight. OP and PATH are as for expect; OP may be a list, and * is any.\n"
		"\n"
		"The exit code is 0 if nothing of it was seen and CMD ended with 0, that of CMD\n"
		"if it failed, 1 if something was seen, 4 if events were lost: then nobody can\n"
		"know.\n"
		"\n"
		"  fusetrace forbid unlink,rename '/keep/**' -- make -C mnt clean\n"
		"  fusetrace forbid '*' '*.tmp' --within 200ms -- ./tool mnt\n",
	.options = OPTIONS_MATCH | OPTIONS_FORBID | OPTIONS_WAIT | OPTIONS_OUTPUT | OPTIONS_TRACE |
		   OPTIONS_READY,
	.operand = OPERAND_OPERATION,
	.flags = COMMAND_RUNS_PROGRAM,
	.min_operands = 1,
	.run = run,
};
