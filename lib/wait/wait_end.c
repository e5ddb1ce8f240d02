/* SPDX-License-Identifier: MIT */
/* How a wait ends: what it gives, what came just too late, the report, the record of waits. */
#include "wait_steps.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "report.h"
#include "wait.h"

/* How much longer a wait in vain looks on for what comes too late: a tenth of its time, at most this. */
#define LATE_NS_MAX 100000000u

static void give_ops(const struct fusetrace_expect *expect, struct fusetrace_op **ret_ops)
{
	for (size_t i = 0; ret_ops && i < expect->count; i++)
		ret_ops[i] = fusetrace_op_ref(expect->assign.ops[i]);
}

bool ft_wait_is_put_off(const struct fusetrace_expect *expect, int r)
{
	return r == -EINTR && !expect->culprit; /* else a check function said so */
}

bool ft_wait_is_too_late(struct fusetrace_expect *expect)
{
	uint64_t last_ns = 0;

	if (expect->deadline_ns == 0 || ft_now_ns() < expect->deadline_ns)
		return false;
	for (size_t i = 0; i < expect->count; i++) {
		struct fusetrace_op *op = expect->assign.ops[i];
		uint64_t end_ns = op->start_ns + op->duration_ns;

		if (op->source != FUSETRACE_SOURCE_KERNEL || !op->start_ns || end_ns <= last_ns)
			continue;
		last_ns = end_ns;
		expect->failed_slot = i;
	}
	if (last_ns <= expect->deadline_ns)
		return false;
	expect->late = fusetrace_op_ref(expect->assign.ops[expect->failed_slot]);
	expect->late_ns = last_ns - expect->deadline_ns;
	return true;
}

void ft_wait_forget_late(struct fusetrace_expect *expect)
{
	expect->late = fusetrace_op_unref(expect->late);
	expect->late_ns = 0;
}

uint64_t ft_wait_end_of_late(const struct fusetrace_expect *expect, uint64_t timeout_ns)
{
	uint64_t more_ns = timeout_ns / 10 < LATE_NS_MAX ? timeout_ns / 10 : LATE_NS_MAX;

	return expect->deadline_ns + more_ns;
}

/*
 * The deadline has passed, the wait has failed: does it come after all? One look there is in any case,
 * as the last one and the facts may have taken longer than this is to last.
 */
static void look_on(struct fusetrace_expect *expect, uint64_t timeout_ns)
{
	uint64_t until_ns = ft_wait_end_of_late(expect, timeout_ns);
	int r;

	do {
		r = ft_wait_sleep(expect->monitor, &expect->waiter, -1, until_ns);
		if (r == 0)
			r = ft_wait_look(expect, false);
	} while (r == 0 && ft_now_ns() < until_ns);
	if (r > 0)
		ft_wait_is_too_late(expect);
}

/* ---- the record of waits ---- */

static uint64_t last_answer(const struct fusetrace_expect *expect)
{
	uint64_t seq = 0;

	for (size_t i = 0; i < expect->count; i++) {
		const struct fusetrace_op *op = expect->assign.ops[i];

		if (op && op->seq > seq)
			seq = op->seq;
	}
	return seq;
}

void ft_wait_record(struct fusetrace_expect *expect, int r)
{
	const struct ft_match *match = ft_facts_match(expect);
	struct ft_wait_entry entry = {
		.began_ns = expect->began_ns,
		.ended_ns = ft_now_ns(),
		.answer = last_answer(expect),
		.thread = gettid(),
		.verdict = ft_wait_log_verdict(expect->verdict, r),
	};
	size_t length = 0;

	if (expect->order == FT_EXPECT_NONE)
		length = (size_t)snprintf(entry.waited_for, sizeof(entry.waited_for), "no ");
	ft_match_describe(match, entry.waited_for + length, sizeof(entry.waited_for) - length);
	if (match->label)
		snprintf(entry.label, sizeof(entry.label), "%s", match->label);
	ft_wait_log_add(&expect->monitor->waits, &entry);
}

int ft_wait_end_by_check(struct fusetrace_expect *expect, const struct ft_facts *facts)
{
	expect->failed_slot = facts->slot;
	if (!expect->culprit)
		expect->culprit = fusetrace_op_ref(facts->subject);
	return expect->failure = facts->result;
}

void ft_wait_tell(struct fusetrace_expect *expect, struct ft_facts *facts,
		  struct fusetrace_report **reterr_report)
{
	if (expect->late) {
		facts->late = fusetrace_op_ref(expect->late);
		facts->late_ns = expect->late_ns;
	}
	ft_report_make(facts, expect, reterr_report);
	expect->verdict = facts->verdict;
	ft_facts_done(facts);
}

int ft_wait_report(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		   struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;

	if (!reterr_report)
		return r;
	ft_report_gather(&facts, expect, r, timeout_ns);
	if (facts.result != r)
		r = ft_wait_end_by_check(expect, &facts);
	if (r == -ETIMEDOUT && expect->deadline_ns && !expect->late)
		look_on(expect, timeout_ns);
	ft_wait_tell(expect, &facts, reterr_report);
	return r;
}

int ft_wait_finish(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		   struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	if (r > 0 && expect->order != FT_EXPECT_NONE && ft_wait_is_too_late(expect))
		r = -ETIMEDOUT;
	if (r > 0) {
		if (expect->order != FT_EXPECT_NONE)
			give_ops(expect, ret_ops);
		ft_wait_record(expect, 0);
		return 0;
	}
	if (!ft_wait_is_put_off(expect, r) && (timeout_ns || reterr_report)) {
		r = ft_wait_report(expect, r, timeout_ns, reterr_report);
		ft_wait_record(expect, r);
	}
	ft_wait_forget_late(expect);
	return r;
}
