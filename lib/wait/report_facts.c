/* SPDX-License-Identifier: MIT */
/*
 * See report_facts.h. What changes is taken under one hold of the lock; the history up to that moment
 * does not change any more and is read afterwards. So counts, lists and verdict agree.
 */
#include "report_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "monitor/engine.h"
#include "op/opcode.h"

static void push(struct ft_few_ops *few, struct fusetrace_op *op)
{
	few->total++;
	if (few->count < FT_FACTS_OPS)
		few->ops[few->count++] = fusetrace_op_ref(op);
}

void ft_few_ops_push(struct ft_few_ops *few, struct fusetrace_op *op)
{
	if (few->count == FT_FACTS_OPS) {
		fusetrace_op_unref(few->ops[0]);
		memmove(few->ops, few->ops + 1, (FT_FACTS_OPS - 1) * sizeof(few->ops[0]));
		few->count--;
	}
	push(few, op);
}

static void replace(struct fusetrace_op **place, struct fusetrace_op *op)
{
	struct fusetrace_op *old = *place;

	*place = op ? fusetrace_op_ref(op) : NULL;
	fusetrace_op_unref(old);
}

void ft_facts_set_subject(struct ft_facts *facts, struct fusetrace_op *op)
{
	replace(&facts->subject, op);
}

size_t ft_facts_slot(const struct fusetrace_expect *expect)
{
	if (expect->failure || expect->late)
		return expect->failed_slot;
	for (size_t i = 0; i < expect->count; i++) {
		if (!expect->assign.ops[i])
			return i;
	}
	return 0;
}

const struct ft_match *ft_facts_match(const struct fusetrace_expect *expect)
{
	return &expect->matches[ft_facts_slot(expect)];
}

/* ---- the history ---- */

/* Letters that two paths have in common at their begin and at their end. */
static size_t likeness(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t shorter = a_length < b_length ? a_length : b_length;
	size_t begin = 0, end = 0;

	while (begin < shorter && a[begin] == b[begin])
		begin++;
	while (end < shorter - begin && a[a_length - 1 - end] == b[b_length - 1 - end])
		end++;
	return begin + end;
}

static void look_for_near(struct ft_facts *facts, const struct ft_match *match,
			  struct fusetrace_op *op)
{
	bool is_same_op = ft_match_op(match, op);
	const char *path = fusetrace_op_path(op);
	size_t alike;

	if (!match->path || (match->user.flags & FUSETRACE_MATCH_NOT) ||
	    is_same_op == ft_match_path(match, op))
		return;
	ft_few_ops_push(&facts->near, op);
	alike = path ? likeness(match->path, path) : 0;
	if (is_same_op && (!facts->nearest || alike >= facts->nearest_likeness)) {
		replace(&facts->nearest, op);
		facts->nearest_likeness = alike;
	}
}

/* Whether the operation is one that would have answered, or may have, but for how it went. */
static bool is_candidate(const struct fusetrace_expect *expect, const struct ft_match *match,
			 const struct fusetrace_op *op)
{
	bool is_inverted = match->user.flags & FUSETRACE_MATCH_NOT;
	bool counts = ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL);

	return counts && !ft_expect_passes_over(expect, match, op) &&
	       ft_match_is_meant(match, op) != is_inverted;
}

/* In order a match is asked for when those before it have been answered. */
static bool is_before_its_turn(const struct fusetrace_expect *expect, const struct fusetrace_op *op)
{
	return expect->order != FUSETRACE_ORDER_ANY && expect->next &&
	       op->seq <= expect->assign.ops[expect->next - 1]->seq;
}

static bool is_answer(const struct fusetrace_expect *expect, const struct fusetrace_op *op)
{
	for (size_t slot = 0; slot < expect->count; slot++) {
		if (expect->assign.ops[slot] == op)
			return true;
	}
	return false;
}

/*
 * Whether it would have answered, had what stands before it in the order come first; but for its check
 * function, which is not asked before the turn has come.
 */
static bool is_too_early(const struct fusetrace_expect *expect, const struct ft_match *match,
			 const struct fusetrace_op *op)
{
	return op->status != FUSETRACE_STATUS_UNKNOWN && is_before_its_turn(expect, op) &&
	       ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL) &&
	       !ft_expect_passes_over(expect, match, op) && ft_match_test(match, op) &&
	       !is_answer(expect, op);
}

/* Whether only the check function can have kept the operation from being the answer. */
static bool is_refused(const struct fusetrace_expect *expect, const struct ft_match *match,
		       const struct fusetrace_op *op)
{
	if (!match->user.check || op->status == FUSETRACE_STATUS_UNKNOWN ||
	    !ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL) ||
	    ft_expect_passes_over(expect, match, op) || !ft_match_test(match, op))
		return false;
	/* Before its turn nobody asked the check function. */
	if (is_before_its_turn(expect, op))
		return false;
	for (size_t i = 0; i < expect->count; i++) {
		if (expect->assign.ops[i] == op)
			return !expect->assign.fits[i][match - expect->matches];
	}
	return true;
}

/* One that ended: how that went is not what was asked for. */
static void note_result(struct ft_facts *facts, const struct ft_match *match,
			struct fusetrace_op *op)
{
	if (op->status == FUSETRACE_STATUS_UNKNOWN && !facts->lost_reply)
		replace(&facts->lost_reply, op);
	else if (op->status == FUSETRACE_STATUS_FAILED &&
		 !(match->user.flags & FUSETRACE_MATCH_NOT))
		replace(&facts->failed, op);
	else if (op->status == FUSETRACE_STATUS_COMPLETED && !ft_match_test(match, op))
		replace(&facts->other_result, op);
}

static void compare(struct ft_facts *facts, const struct fusetrace_expect *expect,
		    struct fusetrace_op *op)
{
	const struct ft_match *match = ft_facts_match(expect);

	if (is_too_early(expect, match, op))
		ft_few_ops_push(&facts->early, op);
	else if (is_candidate(expect, match, op))
		note_result(facts, match, op);
	if (is_refused(expect, match, op))
		replace(&facts->refused, op);
	look_for_near(facts, match, op);
}

static void gather_since(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			 const struct fusetrace_expect *expect, uint64_t last_seq)
{
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	ft_cursor_init(&cursor, monitor->history, expect ? expect->mark.seq : 0);
	while (cursor.after_seq < last_seq && (op = ft_cursor_next(&cursor, NULL))) {
		facts->since_count++;
		facts->since_failed +=
			op->status == FUSETRACE_STATUS_FAILED && !(op->marks & FUSETRACE_OP_PROBE);
		ft_summary_add(&facts->since, op);
		ft_few_ops_push(&facts->last, op);
		if (facts->state == FUSETRACE_STATE_GONE && op->status == FUSETRACE_STATUS_UNKNOWN)
			push(&facts->at_end, op);
		if (expect)
			compare(facts, expect, op);
	}
	ft_cursor_done(&cursor);
	/* What may still be answered is more telling than what never will be. */
	if (!facts->unanswered)
		replace(&facts->unanswered, facts->lost_reply);
}

/* An operation may stand in the last list and have been taken as an answer, or have been the last word. */
static void tick_answers(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	for (size_t i = 0; i < facts->last.count; i++)
		facts->is_answer[i] = is_answer(expect, facts->last.ops[i]);
}

/* ---- what changes: lock held ---- */

static void gather_in_flight(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			     const struct fusetrace_expect *expect)
{
	const struct ft_match *match = expect ? ft_facts_match(expect) : NULL;
	struct fusetrace_op *op;
	uint64_t cursor = 0;

	while ((op = ft_tracker_snapshot(monitor->tracker, &cursor))) {
		push(&facts->in_flight, op);
		if (match && !facts->unanswered && is_candidate(expect, match, op))
			replace(&facts->unanswered, op);
		if (!facts->busy && !(ft_opcode_get(op->opcode)->behaviour & FT_OPCODE_UNTIMED))
			replace(&facts->busy, op);
		fusetrace_op_unref(op);
	}
}

void ft_facts_gather_printed(struct ft_facts *facts, const struct fusetrace_monitor *monitor)
{
	char *text FT_AUTO_FREE = NULL;
	size_t size, lines = 0;

	if (facts->printed_count)
		return;
	text = ft_monitor_copy_lines(monitor, &size);
	for (size_t end = text ? size : 0; end > 0 && lines < FT_FACTS_LINES;) {
		size_t length = 0;

		while (length < end && text[end - 1 - length] != '\n')
			length++;
		if (length)
			ft_text_escape((struct ft_bytes){text + end - length, length},
				       facts->printed[lines++], FT_FACTS_LINE_SIZE);
		end -= length;
		end -= end > 0;
	}
	facts->printed_count = lines; /* newest first */
}

static void gather_locked(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			  const struct fusetrace_expect *expect, struct ft_monitor_view *ret_view)
{
	ft_monitor_look_locked(monitor, ret_view);
	facts->state = ret_view->end && !(expect && expect->is_after_stop) ? ret_view->end
									   : ret_view->state;
	facts->source = monitor->source;
	facts->lost = ret_view->lost - (expect ? expect->mark.lost : 0);
	gather_in_flight(facts, monitor, expect);
	facts->daemon_count = monitor->daemon_count;
	memcpy(facts->daemons, monitor->daemons, sizeof(facts->daemons));
	if (facts->state == FUSETRACE_STATE_GONE || facts->state == FUSETRACE_STATE_UNMOUNTED)
		ft_facts_gather_printed(facts, monitor);
	facts->trace_path = monitor->trace_path ? strdup(monitor->trace_path) : NULL;
	facts->timeout_scale = monitor->timeout_scale;
}

/* ---- all of it ---- */

bool ft_facts_is_timeout(const struct ft_facts *facts)
{
	return facts->result == -ETIMEDOUT || facts->result == -ETIME;
}

bool ft_facts_is_stopped(const struct ft_facts *facts)
{
	const struct ft_daemon_threads *threads = &facts->threads;

	return threads->total && threads->stopped == threads->total;
}

void ft_facts_look_at_daemons(struct ft_facts *facts)
{
	if (facts->state != FUSETRACE_STATE_MOUNTED || facts->threads.total)
		return;
	for (int i = 0; i < facts->daemon_count; i++)
		ft_daemon_threads_add(&facts->threads, facts->daemons[i]);
}

/* It may be why nothing comes, or it may live: so it is told that nobody knows. */
static void look_whether_unknown(struct ft_facts *facts)
{
	bool is_live =
		facts->source == FUSETRACE_SOURCE_KERNEL || facts->source == FUSETRACE_SOURCE_LOG;

	facts->is_daemon_unknown = is_live && facts->state == FUSETRACE_STATE_MOUNTED &&
				   facts->daemon_count == 0 &&
				   (ft_facts_is_timeout(facts) || facts->result == -EBUSY);
	if (facts->is_daemon_unknown)
		facts->unseen = ft_unseen_why();
}

/* The wait may look on for what comes too late, and get more answers. */
static void take_answers(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	facts->answers = calloc(expect->count, sizeof(*facts->answers));
	for (size_t i = 0; facts->answers && i < expect->count; i++) {
		if (expect->assign.ops[i])
			facts->answers[facts->answered++] = expect->assign.ops[i]->seq;
	}
}

/* Of one that has nothing to do only this is worth telling; and what it has to do a log may not say. */
static void look_whether_stopped(struct ft_facts *facts)
{
	ft_facts_look_at_daemons(facts);
	if (!ft_facts_is_stopped(facts))
		facts->threads = (struct ft_daemon_threads){0};
}

void ft_facts_gather(struct ft_facts *facts, struct fusetrace_monitor *monitor,
		     const struct fusetrace_expect *expect, int result)
{
	struct ft_monitor_view view;

	*facts = (struct ft_facts){.result = result, .now_ns = ft_now_ns()};
	if (expect) {
		facts->slot = ft_facts_slot(expect);
		take_answers(facts, expect);
		facts->refusals = expect->refused[facts->slot];
	}
	ft_summary_init(&facts->since);
	ft_engine_lock();
	gather_locked(facts, monitor, expect, &view);
	ft_engine_unlock();
	if (facts->in_flight.count)
		ft_facts_look_at_daemons(facts); /* before it has changed */
	else if (ft_facts_is_timeout(facts))
		look_whether_stopped(facts);
	look_whether_unknown(facts);
	gather_since(facts, monitor, expect, view.last_seq);
	if (expect)
		tick_answers(facts, expect);
	if (facts->state == FUSETRACE_STATE_GONE)
		ft_monitor_look_for_exit(monitor, &facts->exit);
	ft_facts_judge(facts, expect);
}

void ft_few_ops_done(struct ft_few_ops *few)
{
	for (size_t i = 0; i < few->count; i++)
		fusetrace_op_unref(few->ops[i]);
	few->count = few->total = 0;
}

void ft_facts_done(struct ft_facts *facts)
{
	ft_few_ops_done(&facts->last);
	ft_few_ops_done(&facts->in_flight);
	ft_few_ops_done(&facts->at_end);
	ft_few_ops_done(&facts->near);
	ft_few_ops_done(&facts->early);
	fusetrace_op_unref(facts->failed);
	fusetrace_op_unref(facts->other_result);
	fusetrace_op_unref(facts->refused);
	fusetrace_op_unref(facts->lost_reply);
	fusetrace_op_unref(facts->unanswered);
	fusetrace_op_unref(facts->nearest);
	fusetrace_op_unref(facts->busy);
	fusetrace_op_unref(facts->subject);
	fusetrace_op_unref(facts->late);
	ft_summary_done(&facts->since);
	free(facts->trace_path);
	free(facts->answers);
}
