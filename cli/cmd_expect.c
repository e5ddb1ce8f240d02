/* SPDX-License-Identifier: MIT */
/*
 * fusetrace expect: arms, runs CMD and waits for the operations that it must cause. Only what
 * begins after the trace was armed counts, so nothing old can satisfy it and nothing is missed.
 */
#include <stdlib.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "waiting.h"

struct expectation {
	struct waiting waiting;
	struct fusetrace_match matches[WANTS_MAX];
	char *paths[WANTS_MAX];
	struct fusetrace_expect *expect;
};

static int arm(struct expectation *expectation, const struct options *options)
{
	const struct fusetrace_match *matches[WANTS_MAX];
	struct fusetrace_error error = {0};
	int r = waiting_matches(&expectation->waiting, expectation->matches, expectation->paths);

	if (r)
		return r;
	for (size_t i = 0; i < options->want_count; i++)
		matches[i] = &expectation->matches[i];
	r = fusetrace_expect_new(expectation->waiting.monitor, NULL, matches, options->want_count,
				 options->order, &expectation->expect, &error);
	if (r < 0) {
		error.code = r;
		return fail_error(&error);
	}
	return waiting_armed(&expectation->waiting);
}

static int wait_and_judge(struct expectation *expectation, const struct options *options)
{
	struct waiting *waiting = &expectation->waiting;
	struct fusetrace_op *ops[WANTS_MAX] = {NULL};
	struct fusetrace_report *report = NULL;
	int r = fusetrace_expect_wait(expectation->expect, waiting_timeout_ns(waiting), ops,
				      &report);

	for (size_t i = 0; i < options->want_count; i++) {
		if (ops[i] && options->show)
			waiting_show(waiting, ops[i]);
		fusetrace_op_unref(ops[i]);
	}
	r = waiting_judge(waiting, r, report);
	fusetrace_report_free(report);
	return r;
}

static int run(const struct options *options)
{
	struct expectation expectation = {.expect = NULL};
	int r = waiting_start(&expectation.waiting, options);

	if (r == 0)
		r = arm(&expectation, options);
	if (r == 0)
		r = waiting_run_program(&expectation.waiting);
	if (r == 0)
		r = wait_and_judge(&expectation, options);
	fusetrace_expect_free(expectation.expect);
	for (size_t i = 0; i < WANTS_MAX; i++)
		free(expectation.paths[i]);
	waiting_done(&expectation.waiting);
	return r;
}

const struct command cmd_expect = {
	.name = "expect",
	.usage = "[OPTIONS] OP [PATH] [--and OP [PATH]]... [-- CMD...]",
	.summary = "run CMD and wait for operations that it must cause",
	.details =
		"Only what begins after the trace was armed counts. PATH is a path on the mount\n"
		"or in it, exact or a glob; without it any path will do. Several operations are\n"
		"each answered by one of their own. Options about an operation belong to the OP\n"
		"before them; before the first OP they hold for all. Without CMD it only waits.\n"
		"\n"
		"The exit code is 0 if all of it happened and CMD ended with 0, that of CMD if\n"
		"it failed all the same, else 1, 3 or 4 (see 'fusetrace --help') with a report\n"
		"of why. While CMD runs no time counts, unless a request stays unanswered for\n"
		"that long.\n"
		"\n"
		"  fusetrace expect create '/a*' --timeout 5s -- touch mnt/a\n"
		"  fusetrace expect write /a --and release /a --order in-order -- cp a mnt/a\n"
		"  fusetrace expect write --errno ENOSPC -- dd if=/dev/zero of=mnt/big\n",
	.options = OPTIONS_MATCH | OPTIONS_EXPECT | OPTIONS_WAIT | OPTIONS_TIMEOUT |
		   OPTIONS_OUTPUT | OPTIONS_TRACE | OPTIONS_READY,
	.operand = OPERAND_OPERATION,
	.flags = COMMAND_RUNS_PROGRAM,
	.min_operands = 1,
	.run = run,
};
