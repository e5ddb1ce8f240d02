/* SPDX-License-Identifier: MIT */
/* Expectations: armed before what they wait for is caused, then waited for, or polled. */
#include "wait_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/error.h"
#include "report.h"
#include "wait.h"

/*
 * The descriptor tells only what comes after it is armed; what came between the mark and then, or
 * had ended before, is made up for here.
 */
static void wake_if_decided(struct fusetrace_expect *expect)
{
	struct ft_monitor_view view;

	ft_monitor_look(expect->monitor, &view);
	if (view.last_seq > expect->mark.seq || view.lost > expect->mark.lost ||
	    ft_wait_verdict(&view))
		eventfd_write(expect->waiter.event_fd, 1);
}

/* A copy of the caller's mark, or one of now. */
static int take_mark(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		     struct fusetrace_mark *ret_mark)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0 || !mark)
		return r < 0 ? r : fusetrace_mark_now(monitor, ret_mark);
	*ret_mark = *mark;
	return 0;
}

int fusetrace_expect_new(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			 const struct fusetrace_match *const *matches, size_t n, uint32_t order,
			 struct fusetrace_expect **ret_expect, struct fusetrace_error *reterr_error)
{
	struct fusetrace_expect *expect;
	struct fusetrace_mark since;
	int r = take_mark(monitor, mark, &since);

	if (r < 0)
		return ft_error(reterr_error, r, "%s", fusetrace_strerror(r));
	r = ft_wait_check_order(order, reterr_error);
	if (r < 0)
		return r;
	expect = malloc(sizeof(*expect));
	if (!expect)
		return -ENOMEM;
	r = ft_expect_init(expect, monitor, &since, matches, n, order, reterr_error);
	if (r < 0) {
		free(expect);
		return r;
	}
	ft_wait_begin(expect);
	r = ft_expect_arm(expect);
	if (r < 0) {
		fusetrace_expect_free(expect);
		return ft_error(reterr_error, r, "cannot arm the wait: %s", fusetrace_strerror(r));
	}
	wake_if_decided(expect);
	*ret_expect = expect;
	return 0;
}

int fusetrace_expect_fd(const struct fusetrace_expect *expect)
{
	return expect ? expect->waiter.event_fd : -EINVAL;
}

int fusetrace_expect_wait(struct fusetrace_expect *expect, uint64_t timeout_ns,
			  struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	int r = expect ? ft_monitor_enter(expect->monitor) : -EINVAL;
	eventfd_t ignored;

	if (r < 0)
		return r;
	eventfd_read(expect->waiter.event_fd, &ignored); /* what comes from now on is news again */
	return ft_wait_and_report(expect, timeout_ns, ret_ops, reterr_report);
}

/* ---- polled ---- */

static void drop_facts(struct fusetrace_expect *expect)
{
	if (expect->at_deadline)
		ft_facts_done(expect->at_deadline);
	free(expect->at_deadline);
	expect->at_deadline = NULL;
}

/* The report is of the deadline, and told later. 0 it looks on, negative: it does not. */
static int begin_late(struct fusetrace_expect *expect, uint64_t timeout_ns)
{
	int r = 0;

	expect->at_deadline = malloc(sizeof(*expect->at_deadline));
	if (!expect->at_deadline)
		return -ETIMEDOUT;
	ft_report_gather(expect->at_deadline, expect, -ETIMEDOUT, timeout_ns);
	if (expect->at_deadline->result != -ETIMEDOUT)
		r = ft_wait_end_by_check(expect, expect->at_deadline);
	return r;
}

/* 0 not yet, 1 or negative: it is decided. */
static int poll_once(struct fusetrace_expect *expect, uint64_t timeout_ns, bool wants_report,
		     uint64_t *ret_until_ns)
{
	int r;

	if (expect->at_deadline) {
		*ret_until_ns = ft_wait_end_of_late(expect, timeout_ns);
		r = ft_wait_look(expect, false);
		if (r > 0)
			ft_wait_is_too_late(expect);
		return r || ft_now_ns() >= *ret_until_ns ? -ETIMEDOUT : 0;
	}
	r = ft_wait_look(expect, ft_now_ns() >= expect->deadline_ns);
	if (r == 0)
		r = ft_wait_look_at_starts(expect);
	if (r == -ETIMEDOUT && wants_report && !expect->culprit) {
		*ret_until_ns = ft_wait_end_of_late(expect, timeout_ns);
		return begin_late(expect, timeout_ns);
	}
	*ret_until_ns = ft_earlier_ns(expect->deadline_ns, ft_expect_next_start_ns(expect));
	return r;
}

static int finish_late(struct fusetrace_expect *expect, struct fusetrace_report **reterr_report)
{
	int r = expect->at_deadline->result;

	if (reterr_report)
		ft_wait_tell(expect, expect->at_deadline, reterr_report);
	else
		ft_facts_done(expect->at_deadline);
	free(expect->at_deadline);
	expect->at_deadline = NULL;
	ft_wait_record(expect, r);
	ft_wait_forget_late(expect);
	return r;
}

static uint64_t time_left(uint64_t until_ns)
{
	uint64_t now_ns = ft_now_ns();

	if (until_ns == UINT64_MAX)
		return FUSETRACE_FOREVER;
	return until_ns > now_ns ? until_ns - now_ns : 0;
}

int fusetrace_expect_poll(struct fusetrace_expect *expect, uint64_t timeout_ns,
			  uint64_t *deadline_ns, uint64_t *ret_again_ns,
			  struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	int r = expect && deadline_ns && ret_again_ns ? ft_monitor_enter(expect->monitor) : -EINVAL;
	eventfd_t ignored;
	uint64_t until_ns;

	if (r < 0)
		return r;
	eventfd_read(expect->waiter.event_fd, &ignored);
	if (*deadline_ns == 0)
		drop_facts(expect); /* of a time that was given up */
	if (timeout_ns == 0)
		return ft_wait_and_report(expect, 0, ret_ops, reterr_report);
	if (*deadline_ns == 0)
		*deadline_ns = ft_deadline_ns(timeout_ns);
	ft_wait_begin_waiting(expect, *deadline_ns);
	r = poll_once(expect, timeout_ns, reterr_report != NULL, &until_ns);
	if (r == 0) {
		*ret_again_ns = time_left(until_ns);
		return -EAGAIN;
	}
	*deadline_ns = 0;
	if (expect->at_deadline)
		return finish_late(expect, reterr_report);
	return ft_wait_finish(expect, r, timeout_ns, ret_ops, reterr_report);
}

struct fusetrace_expect *fusetrace_expect_free(struct fusetrace_expect *expect)
{
	if (!expect)
		return NULL;
	drop_facts(expect);
	ft_expect_done(expect);
	free(expect);
	return NULL;
}
