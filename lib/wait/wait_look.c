/* SPDX-License-Identifier: MIT */
/*
 * Waiting: register, drain, look, sleep on the waiter's own eventfd, look again. The barrier comes
 * after the registration, so nothing falls between looking and sleeping; the state of the monitor
 * is read together with the barrier, so what happened just before an end still counts.
 */
#include "wait_steps.h"

#include <errno.h>

#include "base/clock.h"
#include "wait.h"

static bool was_lost(const struct fusetrace_expect *expect, const struct ft_monitor_view *view)
{
	return view->lost > expect->mark.lost || (expect->skipped && expect->has_mark);
}

int ft_wait_look(struct fusetrace_expect *expect, bool is_last)
{
	bool had_failed = expect->failure;
	struct ft_monitor_view view;
	int r, state;

	ft_monitor_look(expect->monitor, &view);
	r = ft_expect_look(expect, view.last_seq);
	/* Something may have come between, or what came too early had its turn. */
	if ((r > 0 || (r == -EILSEQ && !had_failed)) && expect->order == FUSETRACE_ORDER_STRICT &&
	    was_lost(expect, &view))
		return expect->failure = -EOVERFLOW;
	if (r)
		return r;
	state = expect->is_after_stop ? -ESHUTDOWN : ft_wait_verdict(&view);
	if (expect->order == FT_EXPECT_NONE && (state || is_last))
		return was_lost(expect, &view) ? -EOVERFLOW : 1;
	if (state)
		return state;
	if (view.interrupts != expect->interrupts)
		return -ECANCELED;
	if (was_lost(expect, &view) && (is_last || expect->order == FUSETRACE_ORDER_STRICT))
		return -EOVERFLOW;
	return is_last ? -ETIMEDOUT : 0;
}

int ft_wait_look_at_starts(struct fusetrace_expect *expect)
{
	uint64_t now_ns = ft_now_ns();
	size_t slot;
	int r;

	if (now_ns < ft_expect_next_start_ns(expect))
		return 0;
	r = ft_expect_find_not_begun(expect, now_ns, &slot);
	if (r <= 0)
		return r;
	/* what has ended between the two looks has begun, too */
	r = ft_wait_look(expect, true);
	if ((r == -ETIMEDOUT || r == -EOVERFLOW) && expect->assign.ops[slot])
		return 0;
	if (r != -ETIMEDOUT)
		return r; /* also that its begin may have been lost */
	expect->failed_slot = slot;
	return expect->failure = -ETIME;
}

int ft_wait_until(struct fusetrace_expect *expect, uint64_t deadline_ns)
{
	/* What has already happened needs neither a descriptor nor a registration. */
	int r = ft_wait_look(expect, false);

	if (r == 0)
		r = ft_wait_look_at_starts(expect);
	if (r || deadline_ns == 0)
		return r ? r : ft_wait_look(expect, true);
	r = ft_expect_arm(expect);
	while (r == 0) {
		bool is_last = ft_now_ns() >= deadline_ns;

		r = ft_wait_look(expect, is_last);
		if (r == 0)
			r = ft_wait_look_at_starts(expect);
		if (r == 0)
			r = ft_wait_sleep(
				expect->monitor, &expect->waiter, -1,
				ft_earlier_ns(deadline_ns, ft_expect_next_start_ns(expect)));
	}
	return r;
}
