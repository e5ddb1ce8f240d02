/* SPDX-License-Identifier: MIT */
/* Waits for operations, in one call: all of several, one, none. */
#include "wait.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "monitor/check.h"
#include "monitor/engine.h"
#include "wait_steps.h"

void ft_wait_begin_waiting(struct fusetrace_expect *expect, uint64_t deadline_ns)
{
	expect->deadline_ns = deadline_ns;
	if (!expect->waits_since_ns)
		expect->waits_since_ns = ft_now_ns();
}

int ft_wait_and_report(struct fusetrace_expect *expect, uint64_t timeout_ns,
		       struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	ft_wait_begin_waiting(expect, ft_wait_deadline(timeout_ns));
	return ft_wait_finish(expect, ft_wait_until(expect, expect->deadline_ns), timeout_ns,
			      ret_ops, reterr_report);
}

void ft_wait_begin(struct fusetrace_expect *expect)
{
	ft_engine_lock();
	expect->interrupts = expect->monitor->interrupts;
	expect->is_after_stop = expect->monitor->state == FUSETRACE_STATE_STOPPED;
	ft_engine_unlock();
}

int ft_wait_check_order(uint32_t order, struct fusetrace_error *reterr_error)
{
	if (order > FUSETRACE_ORDER_STRICT)
		return ft_error(reterr_error, -EINVAL, "order %u does not exist", order);
	return 0;
}

int fusetrace_wait_all(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		       const struct fusetrace_match *const *matches, size_t n, uint32_t order,
		       uint64_t timeout_ns, struct fusetrace_op **ret_ops,
		       struct fusetrace_report **reterr_report)
{
	struct fusetrace_expect expect;
	int r = ft_monitor_enter(monitor);

	if (r == 0)
		r = ft_wait_check_order(order, NULL);
	if (r == 0)
		r = ft_expect_init(&expect, monitor, mark, matches, n, order, NULL);
	if (r < 0)
		return r;
	ft_wait_begin(&expect);
	r = ft_wait_and_report(&expect, timeout_ns, ret_ops, reterr_report);
	ft_expect_done(&expect);
	return r;
}

int fusetrace_wait(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		   const struct fusetrace_match *match, uint64_t timeout_ns,
		   struct fusetrace_op **ret_op, struct fusetrace_report **reterr_report)
{
	return fusetrace_wait_all(monitor, mark, &match, 1, FUSETRACE_ORDER_ANY, timeout_ns, ret_op,
				  reterr_report);
}

/* A forbidden operation that is in flight has been asked for, whatever becomes of it. */
static int find_in_flight(struct fusetrace_op *op, void *data)
{
	struct fusetrace_expect *expect = data;
	const struct ft_match *match = &expect->matches[0];
	bool may_become_another =
		(match->user.flags & FUSETRACE_MATCH_NOT) && ft_match_is_meant(match, op);
	int r;

	if (may_become_another || ft_match_is_by_chance(match, op) || !ft_match_test(match, op) ||
	    !ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL))
		return 0;
	r = ft_check_run(match, op);
	if (r == 0)
		return 0;
	expect->culprit = fusetrace_op_ref(op);
	return r < 0 ? r : -EEXIST;
}

/*
 * What is in flight is asked for before what has ended, with a barrier each: so an operation that ends
 * in between is seen, too.
 */
static int none_until(struct fusetrace_expect *expect, uint64_t deadline_ns)
{
	int r = fusetrace_in_flight(expect->monitor, NULL, find_in_flight, expect);

	if (r == 0)
		r = ft_wait_until(expect, deadline_ns);
	if (deadline_ns == 0 || (r <= 0 && r != -EOVERFLOW))
		return r;
	r = fusetrace_in_flight(expect->monitor, NULL, find_in_flight, expect);
	return r ? r : ft_wait_look(expect, true);
}

int fusetrace_wait_none(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			const struct fusetrace_match *match, uint64_t window_ns,
			struct fusetrace_op **reterr_op, struct fusetrace_report **reterr_report)
{
	struct fusetrace_expect expect;
	int r = ft_monitor_enter(monitor);

	if (r == 0)
		r = ft_expect_init(&expect, monitor, mark, &match, 1, FT_EXPECT_NONE, NULL);
	if (r < 0)
		return r;
	ft_wait_begin(&expect);
	r = none_until(&expect, ft_wait_deadline(window_ns));
	if (r < 0 && !ft_wait_is_put_off(&expect, r)) {
		if (reterr_op && expect.culprit)
			*reterr_op = fusetrace_op_ref(expect.culprit);
		ft_wait_report(&expect, r, window_ns, reterr_report);
	}
	if (!ft_wait_is_put_off(&expect, r))
		ft_wait_record(&expect, r);
	ft_expect_done(&expect);
	return r < 0 ? r : 0;
}
