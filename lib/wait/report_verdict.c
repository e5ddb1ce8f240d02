/* SPDX-License-Identifier: MIT */
/* Which verdict follows from the facts of a wait, and which operation it is about. */
#include <errno.h>

#include "monitor/check.h"
#include "report_facts.h"

const char *fusetrace_verdict_name(uint32_t verdict)
{
	static const char *const names[] = {
		[FUSETRACE_VERDICT_NEVER_STARTED] = "never started",
		[FUSETRACE_VERDICT_IN_FLIGHT] = "in flight",
		[FUSETRACE_VERDICT_FAILED] = "failed",
		[FUSETRACE_VERDICT_REFUSED] = "refused by the check",
		[FUSETRACE_VERDICT_BEFORE_MARK] = "before the mark",
		[FUSETRACE_VERDICT_OTHER_PATH] = "on another path",
		[FUSETRACE_VERDICT_ORDER] = "order violated",
		[FUSETRACE_VERDICT_DAEMON_DIED] = "daemon died",
		[FUSETRACE_VERDICT_EVENTS_LOST] = "events lost",
		[FUSETRACE_VERDICT_NO_EVENTS] = "no events",
		[FUSETRACE_VERDICT_FORBIDDEN] = "forbidden operation seen",
		[FUSETRACE_VERDICT_NOT_IDLE] = "not idle",
		[FUSETRACE_VERDICT_UNMOUNTED] = "unmounted",
		[FUSETRACE_VERDICT_INTERRUPTED] = "interrupted",
		[FUSETRACE_VERDICT_NOT_SO] = "not so",
	};

	if (verdict == 0 || verdict >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[verdict];
}

/* The newest operations up to the mark that would have answered, but for the check function. */
static void find_before_mark(const struct fusetrace_expect *expect, struct ft_few_ops *before)
{
	const struct ft_match *match = ft_facts_match(expect);
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	ft_cursor_init(&cursor, expect->monitor->history, 0);
	while (expect->has_mark && (op = ft_cursor_next(&cursor, NULL))) {
		if (op->status == FUSETRACE_STATUS_UNKNOWN ||
		    ft_match_since(match, op, &expect->mark) ||
		    ft_expect_passes_over(expect, match, op) || !ft_match_test(match, op))
			continue;
		ft_few_ops_push(before, op);
	}
	ft_cursor_done(&cursor);
}

static uint32_t verdict_about(struct ft_facts *facts, struct fusetrace_op *op, uint32_t verdict)
{
	if (!op)
		return 0;
	ft_facts_set_subject(facts, op);
	return verdict;
}

/*
 * A verdict about operations that the check function was not asked about, as it was not their turn:
 * it is asked now, about the newest one first, so that what is said is true.
 */
static uint32_t verdict_about_any(struct ft_facts *facts, const struct ft_match *match,
				  const struct ft_few_ops *few, uint32_t verdict)
{
	int r = 0;

	for (size_t i = few->count; r == 0 && i-- > 0;) {
		r = ft_check_run(match, few->ops[i]);
		if (r)
			ft_facts_set_subject(facts, few->ops[i]);
	}
	if (r < 0)
		facts->result = r;
	return r < 0 ? FUSETRACE_VERDICT_REFUSED : r ? verdict : 0;
}

static uint32_t verdict_of_early(struct ft_facts *facts, const struct ft_match *match)
{
	const struct ft_few_ops *early = &facts->early;
	uint32_t verdict = verdict_about_any(facts, match, early, FUSETRACE_VERDICT_ORDER);

	if (verdict || early->count == 0)
		return verdict;
	facts->is_refused_early = true;
	facts->refusals = early->count;
	return verdict_about(facts, early->ops[early->count - 1], FUSETRACE_VERDICT_REFUSED);
}

static uint32_t verdict_of_before(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	struct ft_few_ops before = {.count = 0};
	uint32_t verdict;

	find_before_mark(expect, &before);
	verdict = verdict_about_any(facts, ft_facts_match(expect), &before,
				    FUSETRACE_VERDICT_BEFORE_MARK);
	ft_few_ops_done(&before);
	return verdict;
}

/* What came behind the deadline was in flight at it, or had not begun. */
static uint32_t verdict_of_late(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	bool had_begun = ft_op_order_ns(expect->late) < expect->deadline_ns;

	return verdict_about(facts, expect->late,
			     had_begun ? FUSETRACE_VERDICT_IN_FLIGHT
				       : FUSETRACE_VERDICT_NEVER_STARTED);
}

/* Why nothing answered in time, from the most telling reason to the least. */
static uint32_t verdict_of_timeout(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	uint32_t verdict = 0;

	if (expect->late)
		return verdict_of_late(facts, expect);
	verdict = verdict_about(facts, facts->unanswered, FUSETRACE_VERDICT_IN_FLIGHT);
	if (!verdict)
		verdict = verdict_about(facts, facts->refused, FUSETRACE_VERDICT_REFUSED);
	if (!verdict)
		verdict = verdict_about(facts, facts->other_result, FUSETRACE_VERDICT_REFUSED);
	if (!verdict)
		verdict = verdict_about(facts, facts->failed, FUSETRACE_VERDICT_FAILED);
	if (!verdict)
		verdict = verdict_of_early(facts, ft_facts_match(expect));
	if (!verdict)
		verdict = verdict_of_before(facts, expect);
	if (!verdict)
		verdict = verdict_about(facts, facts->nearest, FUSETRACE_VERDICT_OTHER_PATH);
	if (verdict)
		return verdict;
	/* What comes before it, such as a lookup, may be what is not answered. */
	ft_facts_set_subject(facts, facts->busy);
	return facts->since_count || facts->in_flight.count ? FUSETRACE_VERDICT_NEVER_STARTED
							    : FUSETRACE_VERDICT_NO_EVENTS;
}

/* What kept it busy: what is in flight, else what came last. */
static uint32_t verdict_of_busy(struct ft_facts *facts)
{
	size_t count = facts->last.count;

	if (!verdict_about(facts, facts->busy, FUSETRACE_VERDICT_NOT_IDLE) && count)
		ft_facts_set_subject(facts, facts->last.ops[count - 1]);
	return FUSETRACE_VERDICT_NOT_IDLE;
}

static uint32_t verdict_of(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	if (expect)
		ft_facts_set_subject(facts, expect->culprit);
	switch (-facts->result) {
	case EPIPE:
		return FUSETRACE_VERDICT_DAEMON_DIED;
	case ENOTCONN:
		return FUSETRACE_VERDICT_UNMOUNTED;
	case EOVERFLOW:
		return FUSETRACE_VERDICT_EVENTS_LOST;
	case EILSEQ:
		return FUSETRACE_VERDICT_ORDER;
	case EEXIST:
		return FUSETRACE_VERDICT_FORBIDDEN;
	case EREMOTEIO:
		return FUSETRACE_VERDICT_FAILED;
	case EBUSY:
		return verdict_of_busy(facts);
	case ETIME:
	case ETIMEDOUT:
		return expect ? verdict_of_timeout(facts, expect) : FUSETRACE_VERDICT_NEVER_STARTED;
	case ECANCELED:
	case ESHUTDOWN:
		return FUSETRACE_VERDICT_INTERRUPTED;
	default: /* a check function ended the wait */
		return expect && expect->failure == facts->result ? FUSETRACE_VERDICT_REFUSED : 0;
	}
}

void ft_facts_judge(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	facts->verdict = verdict_of(facts, expect);
}
