/* SPDX-License-Identifier: MIT */
/*
 * See report_facts.h. What changes is taken under one hold of the lock; the history up to that moment
 * does not change any more and is read afterwards. So counts, lists and verdict agree.
 */
#include "report_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine.h"
#include "opcode.h"

static void push(struct ft_few_ops *few, struct fusetrace_op *op)
{
	few->total++;
	if (few->count < FT_FACTS_OPS)
		few->ops[few->count++] = fusetrace_op_ref(op);
}

/* Drops the oldest one when there is no room. */
static void push_newest(struct ft_few_ops *few, struct fusetrace_op *op)
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

	if (!match->path || is_same_op == ft_match_path(match, op))
		return;
	push_newest(&facts->near, op);
	alike = path ? likeness(match->path, path) : 0;
	if (is_same_op && (!facts->nearest || alike >= facts->nearest_likeness)) {
		replace(&facts->nearest, op);
		facts->nearest_likeness = alike;
	}
}

static void gather_since(struct ft_facts *facts, struct fusetrace_monitor *monitor,
			 const struct fusetrace_expect *expect, uint64_t last_seq)
{
	const struct ft_match *match = expect ? ft_facts_match(expect) : NULL;
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	ft_cursor_init(&cursor, monitor->history, expect ? expect->mark.seq : 0);
	while (cursor.after_seq < last_seq && (op = ft_cursor_next(&cursor, NULL))) {
		facts->since_count++;
		facts->since_failed +=
			op->status == FUSETRACE_STATUS_FAILED && !(op->marks & FUSETRACE_OP_PROBE);
		ft_summary_add(&facts->since, op);
		push_newest(&facts->last, op);
		if (facts->state == FUSETRACE_STATE_GONE && op->status == FUSETRACE_STATUS_UNKNOWN)
			push(&facts->at_end, op);
		if (match && op->status == FUSETRACE_STATUS_FAILED && ft_match_is_meant(match, op))
			replace(&facts->failed, op);
		if (match)
			look_for_near(facts, match, op);
	}
	ft_cursor_done(&cursor);
}

/* An operation may stand in the last list and have been taken as an answer, or have been the last word. */
static void tick_answers(struct ft_facts *facts, const struct fusetrace_expect *expect)
{
	for (size_t i = 0; i < facts->last.count; i++) {
		for (size_t slot = 0; slot < expect->count; slot++)
			facts->is_answer[i] |= expect->assign.ops[slot] == facts->last.ops[i];
	}
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
		if (match && !facts->unanswered && ft_match_is_meant(match, op))
			replace(&facts->unanswered, op);
		if (!facts->busy && !(ft_opcode_get(op->opcode)->behaviour & FT_OPCODE_UNTIMED))
			replace(&facts->busy, op);
		fusetrace_op_unref(op);
	}
}

/* The last lines, each cut; what is empty is left out. */
static void gather_printed(struct ft_facts *facts, const struct fusetrace_monitor *monitor)
{
	char *text FT_AUTO_FREE = NULL;
	size_t size, lines = 0;

	if (!monitor->last_lines.size)
		return;
	text = ft_last_lines_copy(&monitor->last_lines, &size);
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
	facts->state = ret_view->state;
	facts->source = monitor->source;
	facts->lost = ret_view->lost - (expect ? expect->mark.lost : 0);
	gather_in_flight(facts, monitor, expect);
	facts->daemon_count = monitor->daemon_count;
	memcpy(facts->daemons, monitor->daemons, sizeof(facts->daemons));
	if (facts->state == FUSETRACE_STATE_GONE || facts->state == FUSETRACE_STATE_UNMOUNTED)
		gather_printed(facts, monitor);
	facts->trace_path = monitor->trace_path ? strdup(monitor->trace_path) : NULL;
	facts->timeout_scale = monitor->timeout_scale;
}

/* ---- all of it ---- */

/* What a daemon does, when it is to be asked why it does not answer. */
static void look_at_daemons(struct ft_facts *facts)
{
	if (facts->state != FUSETRACE_STATE_MOUNTED || !facts->in_flight.count)
		return;
	for (int i = 0; i < facts->daemon_count; i++)
		ft_daemon_threads_add(&facts->threads, facts->daemons[i]);
}

void ft_facts_gather(struct ft_facts *facts, struct fusetrace_monitor *monitor,
		     const struct fusetrace_expect *expect, int result)
{
	struct ft_monitor_view view;

	*facts = (struct ft_facts){.result = result, .now_ns = ft_now_ns()};
	if (expect) {
		facts->slot = ft_facts_slot(expect);
		facts->answered = expect->assign.filled;
	}
	ft_summary_init(&facts->since);
	ft_engine_lock();
	gather_locked(facts, monitor, expect, &view);
	ft_engine_unlock();
	look_at_daemons(facts); /* before it has changed */
	gather_since(facts, monitor, expect, view.last_seq);
	if (expect)
		tick_answers(facts, expect);
	if (facts->state == FUSETRACE_STATE_GONE)
		ft_monitor_look_for_exit(monitor, &facts->exit);
	ft_facts_judge(facts, expect);
}

static void done_few(struct ft_few_ops *few)
{
	for (size_t i = 0; i < few->count; i++)
		fusetrace_op_unref(few->ops[i]);
}

void ft_facts_done(struct ft_facts *facts)
{
	done_few(&facts->last);
	done_few(&facts->in_flight);
	done_few(&facts->at_end);
	done_few(&facts->near);
	fusetrace_op_unref(facts->failed);
	fusetrace_op_unref(facts->unanswered);
	fusetrace_op_unref(facts->nearest);
	fusetrace_op_unref(facts->busy);
	fusetrace_op_unref(facts->subject);
	fusetrace_op_unref(facts->late);
	ft_summary_done(&facts->since);
	free(facts->trace_path);
}
