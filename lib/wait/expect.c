/* SPDX-License-Identifier: MIT */
/* How an expectation takes operations into account; see expect.h. Waiting itself is in wait.c. */
#include "expect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "monitor/check.h"
#include "monitor/engine.h"

int ft_expect_init(struct fusetrace_expect *expect, struct fusetrace_monitor *monitor,
		   const struct fusetrace_mark *mark, const struct fusetrace_match *const *matches,
		   size_t count, uint32_t order, struct fusetrace_error *reterr_error)
{
	const char *mountpoint = fusetrace_monitor_mountpoint(monitor);
	int r = 0;

	*expect = (struct fusetrace_expect){.monitor = monitor, .order = order};
	expect->waiter.event_fd = -1;
	if (!matches || count == 0 || (order > FUSETRACE_ORDER_STRICT && order != FT_EXPECT_NONE))
		return ft_error(reterr_error, -EINVAL, "nothing to wait for, or no such order");
	expect->began_ns = ft_now_ns();
	expect->has_mark = mark != NULL;
	if (mark)
		expect->mark = *mark;
	ft_cursor_init(&expect->cursor, monitor->history, mark ? mark->seq : 0);
	expect->matches = calloc(count, sizeof(*expect->matches));
	expect->fits = calloc(count, sizeof(*expect->fits));
	expect->refused = calloc(count, sizeof(*expect->refused));
	if (!expect->matches || !expect->fits || !expect->refused)
		r = -ENOMEM;
	while (r == 0 && expect->count < count) {
		r = ft_match_init(&expect->matches[expect->count], matches[expect->count],
				  mountpoint, reterr_error);
		expect->count += r == 0;
	}
	if (r == 0)
		r = ft_assign_init(&expect->assign, count);
	if (r < 0)
		ft_expect_done(expect);
	return r;
}

void ft_expect_done(struct fusetrace_expect *expect)
{
	if (expect->waiter.event_fd >= 0) {
		ft_engine_lock();
		ft_waiters_remove(&expect->monitor->waiters, &expect->waiter);
		ft_engine_update_awaited();
		ft_engine_unlock();
	}
	for (size_t i = 0; i < expect->count; i++)
		ft_match_done(&expect->matches[i]);
	free(expect->matches);
	free(expect->fits);
	free(expect->refused);
	ft_assign_done(&expect->assign);
	ft_cursor_done(&expect->cursor);
	fusetrace_op_unref(expect->culprit);
	fusetrace_op_unref(expect->late);
}

int ft_expect_arm(struct fusetrace_expect *expect)
{
	int r;

	if (expect->waiter.event_fd >= 0)
		return 0;
	expect->waiter.matches = expect->matches;
	expect->waiter.count = expect->count;
	ft_engine_lock();
	r = ft_waiters_add(&expect->monitor->waiters, &expect->waiter);
	ft_engine_update_awaited();
	ft_engine_unlock();
	return r;
}

static int fail(struct fusetrace_expect *expect, int failure, struct fusetrace_op *op, size_t slot)
{
	expect->failure = failure;
	expect->failed_slot = slot;
	if (!expect->culprit)
		expect->culprit = fusetrace_op_ref(op);
	return failure;
}

bool ft_expect_passes_over(const struct fusetrace_expect *expect, const struct ft_match *match,
			   const struct fusetrace_op *op)
{
	return expect->order == FUSETRACE_ORDER_STRICT && ft_match_is_by_chance(match, op);
}

/* 1 the operation answers match number i, 0 not, negative: the check function ended the wait. */
static int answers(struct fusetrace_expect *expect, struct fusetrace_op *op, size_t i)
{
	const struct ft_match *match = &expect->matches[i];
	int r;

	if (!ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL) ||
	    ft_expect_passes_over(expect, match, op) || !ft_match_test(match, op))
		return 0;
	r = ft_check_run(match, op);
	if (r < 0)
		return fail(expect, r, op, i);
	expect->refused[i] += r == 0;
	return r;
}

/*
 * A match that asks for success fails at once when the operation that was meant failed; whether it
 * was meant is the check function's to say, too. 0 or negative.
 */
static int look_for_failure(struct fusetrace_expect *expect, struct fusetrace_op *op, size_t i)
{
	const struct ft_match *match = &expect->matches[i];
	int r;

	if (match->user.status != FUSETRACE_MATCH_OK ||
	    (match->user.flags & (FUSETRACE_MATCH_ALLOW_FAILURE | FUSETRACE_MATCH_NOT)) ||
	    op->status != FUSETRACE_STATUS_FAILED || (op->marks & FUSETRACE_OP_PROBE) ||
	    !ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL) ||
	    ft_expect_passes_over(expect, match, op) || !ft_match_is_meant(match, op))
		return 0;
	r = ft_check_run(match, op);
	return r ? fail(expect, r < 0 ? r : -EREMOTEIO, op, i) : 0;
}

static int look_any(struct fusetrace_expect *expect, struct fusetrace_op *op)
{
	bool fits_some = false;
	int r;

	for (size_t i = 0; i < expect->count; i++) {
		r = answers(expect, op, i);
		if (r < 0)
			return r;
		expect->fits[i] = r;
		fits_some |= r;
	}
	if (fits_some) {
		r = ft_assign_offer(&expect->assign, op, expect->fits);
		if (r < 0)
			return r;
	}
	/* Afterwards, as a failure that answers one match may set another one free. */
	for (size_t i = 0; i < expect->count; i++) {
		r = expect->assign.ops[i] ? 0 : look_for_failure(expect, op, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_ordered(struct fusetrace_expect *expect, struct fusetrace_op *op)
{
	int r = answers(expect, op, expect->next);

	if (r < 0)
		return r;
	if (r > 0)
		return ft_assign_put(&expect->assign, op, expect->next++) < 0 ? -ENOMEM : 0;
	r = look_for_failure(expect, op, expect->next);
	if (r < 0)
		return r;
	if (expect->order != FUSETRACE_ORDER_STRICT || expect->next == 0)
		return 0;
	for (size_t i = 0; i < expect->count; i++) {
		r = i == expect->next ? 0 : answers(expect, op, i);
		if (r > 0)
			return fail(expect, -EILSEQ, op, expect->next);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_none(struct fusetrace_expect *expect, struct fusetrace_op *op)
{
	for (size_t i = 0; i < expect->count; i++) {
		int r = ft_match_is_by_chance(&expect->matches[i], op) ? 0 : answers(expect, op, i);

		if (r)
			return r < 0 ? r : fail(expect, -EEXIST, op, i);
	}
	return 0;
}

static int look_at(struct fusetrace_expect *expect, struct fusetrace_op *op)
{
	if (expect->order == FT_EXPECT_NONE)
		return look_none(expect, op);
	if (op->status == FUSETRACE_STATUS_UNKNOWN)
		return 0; /* nobody knows whether it happened: it satisfies nothing */
	return expect->order == FUSETRACE_ORDER_ANY ? look_any(expect, op)
						    : look_ordered(expect, op);
}

int ft_expect_look(struct fusetrace_expect *expect, uint64_t last_seq)
{
	while (!expect->failure && expect->assign.filled < expect->count &&
	       expect->cursor.after_seq < last_seq) {
		struct fusetrace_op *op = ft_cursor_next(&expect->cursor, &expect->skipped);
		int r = op ? look_at(expect, op) : 0;

		if (r < 0)
			return r;
		if (!op)
			break;
	}
	return expect->failure ? expect->failure : expect->assign.filled == expect->count;
}
