/* SPDX-License-Identifier: MIT */
/* See report_facts.h. */
#include "report_facts.h"

#include <errno.h>

#include "base/clock.h"
#include "engine.h"

static void push(struct ft_few_ops *few, struct fusetrace_op *op)
{
	if (few->count < FT_FACTS_OPS)
		few->ops[few->count++] = fusetrace_op_ref(op);
}

void ft_few_ops_push(struct ft_few_ops *few, struct fusetrace_op *op)
{
	if (few->count == FT_FACTS_OPS) {
		fusetrace_op_unref(few->ops[0]);
		for (size_t i = 1; i < FT_FACTS_OPS; i++)
			few->ops[i - 1] = few->ops[i];
		few->count--;
	}
	push(few, op);
}

static void replace(struct fusetrace_op **place, struct fusetrace_op *op)
{
	fusetrace_op_unref(*place);
	*place = op ? fusetrace_op_ref(op) : NULL;
}

static void set_subject(struct ft_facts *facts, struct fusetrace_op *op)
{
	replace(&facts->subject, op);
}

const struct ft_match *ft_facts_match(const struct fusetrace_expect *expect)
{
	if (expect->failure)
		return &expect->matches[expect->failed_slot];
	for (size_t i = 0; i < expect->count; i++) {
		if (!expect->assign.ops[i])
			return &expect->matches[i];
	}
	return &expect->matches[0];
}

/* ---- gathering ---- */

static void gather_since(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			 const struct fusetrace_expect *expect)
{
	const struct ft_match *match = expect ? ft_facts_match(expect) : NULL;
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	ft_cursor_init(&cursor, monitor->history, expect ? expect->mark.seq : 0);
	while ((op = ft_cursor_next(&cursor, NULL))) {
		facts->since_count++;
		facts->since_failed +=
			op->status == FUSETRACE_STATUS_FAILED && !(op->marks & FUSETRACE_OP_PROBE);
		ft_summary_add(&facts->since, op);
		ft_few_ops_push(&facts->last, op);
		if (match && op->status == FUSETRACE_STATUS_FAILED && ft_match_is_meant(match, op))
			replace(&facts->failed, op);
		if (match && match->path && ft_match_op(match, op) != ft_match_path(match, op))
			ft_few_ops_push(&facts->near, op);
	}
	ft_cursor_done(&cursor);
}

static void gather_in_flight(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			     const struct ft_match *match)
{
	struct fusetrace_op *op;
	uint64_t cursor = 0;

	ft_engine_lock();
	while ((op = ft_tracker_snapshot(monitor->tracker, &cursor))) {
		push(&facts->in_flight, op);
		if (match && !facts->unanswered && ft_match_is_meant(match, op))
			replace(&facts->unanswered, op);
		fusetrace_op_unref(op);
	}
	facts->daemon = monitor->daemon_count ? monitor->daemons[0] : 0;
	ft_engine_unlock();
}

/* The newest operation up to the mark that would have answered. */
static struct fusetrace_op *find_before_mark(const struct fusetrace_expect *expect)
{
	const struct ft_match *match = ft_facts_match(expect);
	struct fusetrace_op *found = NULL;
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	ft_cursor_init(&cursor, expect->monitor->history, 0);
	while (expect->has_mark && (op = ft_cursor_next(&cursor, NULL))) {
		if (ft_match_since(match, op, &expect->mark) || !ft_match_test(match, op))
			continue;
		fusetrace_op_unref(found);
		found = fusetrace_op_ref(op);
	}
	ft_cursor_done(&cursor);
	return found;
}

static struct fusetrace_op *find_in(const struct ft_few_ops *few, const struct ft_match *match,
				    bool (*test)(const struct ft_match *match,
						 const struct fusetrace_op *op))
{
	for (size_t i = few->count; i-- > 0;) {
		if (test(match, few->ops[i]))
			return few->ops[i];
	}
	return NULL;
}

/* ---- the verdict ---- */

/* Why nothing answered in time, from the most telling reason to the least. */
static uint32_t verdict_of_timeout(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	const struct ft_match *match = ft_facts_match(expect);
	struct fusetrace_op *before;

	set_subject(facts, facts->unanswered);
	if (facts->subject)
		return FUSETRACE_VERDICT_IN_FLIGHT;
	set_subject(facts, expect->last_refused);
	if (facts->subject)
		return FUSETRACE_VERDICT_REFUSED;
	set_subject(facts, facts->failed);
	if (facts->subject)
		return FUSETRACE_VERDICT_FAILED;
	before = find_before_mark(expect);
	set_subject(facts, before);
	fusetrace_op_unref(before);
	if (facts->subject)
		return FUSETRACE_VERDICT_BEFORE_MARK;
	set_subject(facts, find_in(&facts->near, match, ft_match_op));
	if (facts->subject)
		return FUSETRACE_VERDICT_OTHER_PATH;
	return facts->since_count || facts->in_flight.count ? FUSETRACE_VERDICT_NEVER_STARTED
							    : FUSETRACE_VERDICT_NO_EVENTS;
}

static uint32_t verdict_of(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	if (expect)
		set_subject(facts, expect->culprit);
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
		return FUSETRACE_VERDICT_NOT_IDLE;
	case ETIMEDOUT:
		return expect ? verdict_of_timeout(facts, expect) : FUSETRACE_VERDICT_NEVER_STARTED;
	case ECANCELED:
	case ESHUTDOWN:
		return FUSETRACE_VERDICT_INTERRUPTED;
	default: /* a check function ended the wait */
		return expect && expect->failure == facts->result ? FUSETRACE_VERDICT_REFUSED : 0;
	}
}

void ft_facts_gather(struct ft_facts *facts, struct fusetrace_monitor *monitor,
		     const struct fusetrace_expect *expect, int result)
{
	struct ft_monitor_view view;

	*facts = (struct ft_facts){.result = result, .now_ns = ft_now_ns()};
	ft_summary_init(&facts->since);
	ft_monitor_look(monitor, &view);
	facts->state = view.state;
	facts->lost = view.lost - (expect ? expect->mark.lost : 0);
	gather_since(facts, monitor, expect);
	gather_in_flight(facts, monitor, expect ? ft_facts_match(expect) : NULL);
	facts->verdict = verdict_of(facts, expect);
}

void ft_few_ops_done(struct ft_few_ops *few)
{
	for (size_t i = 0; i < few->count; i++)
		fusetrace_op_unref(few->ops[i]);
	few->count = 0;
}

void ft_facts_done(struct ft_facts *facts)
{
	ft_few_ops_done(&facts->last);
	ft_few_ops_done(&facts->in_flight);
	ft_few_ops_done(&facts->near);
	fusetrace_op_unref(facts->failed);
	fusetrace_op_unref(facts->unanswered);
	fusetrace_op_unref(facts->subject);
	ft_summary_done(&facts->since);
}
