/* SPDX-License-Identifier: MIT */
/*
 * Waiting: register, drain, look, sleep on the waiter's own eventfd, look again. The barrier comes
 * after the registration, so nothing falls between looking and sleeping; the state of the monitor
 * is read together with the barrier, so what happened just before an end still counts.
 */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "monitor/check.h"
#include "monitor/engine.h"
#include "report.h"

/* How much longer a wait in vain looks on for what comes too late: a tenth of its time, at most this. */
#define LATE_NS_MAX 100000000u

/* ---- waits for operations ---- */

static bool was_lost(const struct fusetrace_expect *expect, const struct ft_monitor_view *view)
{
	return view->lost > expect->mark.lost || (expect->skipped && expect->has_mark);
}

/*
 * One look. 1 satisfied, 0 not yet, negative: over. is_last: the deadline has passed, so "not yet"
 * becomes the final word.
 */
static int look(struct fusetrace_expect *expect, bool is_last)
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

/* What has ended between the look and this one has begun, too: so there is another look. */
static int look_at_starts(struct fusetrace_expect *expect)
{
	uint64_t now_ns = ft_now_ns();
	size_t slot;
	int r;

	if (now_ns < ft_expect_next_start_ns(expect))
		return 0;
	r = ft_expect_find_not_begun(expect, now_ns, &slot);
	if (r <= 0)
		return r;
	r = look(expect, true);
	if ((r == -ETIMEDOUT || r == -EOVERFLOW) && expect->assign.ops[slot])
		return 0;
	if (r != -ETIMEDOUT)
		return r; /* also that its begin may have been lost */
	expect->failed_slot = slot;
	return expect->failure = -ETIME;
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static int wait_until(struct fusetrace_expect *expect, uint64_t deadline_ns)
{
	/* What has already happened needs neither a descriptor nor a registration. */
	int r = look(expect, false);

	if (r == 0)
		r = look_at_starts(expect);
	if (r || deadline_ns == 0)
		return r ? r : look(expect, true);
	r = ft_expect_arm(expect);
	while (r == 0) {
		bool is_last = ft_now_ns() >= deadline_ns;

		r = look(expect, is_last);
		if (r == 0)
			r = look_at_starts(expect);
		if (r == 0)
			r = ft_wait_sleep(expect->monitor, &expect->waiter, -1,
					  earlier(deadline_ns, ft_expect_next_start_ns(expect)));
	}
	return r;
}

static void give_ops(const struct fusetrace_expect *expect, struct fusetrace_op **ret_ops)
{
	for (size_t i = 0; ret_ops && i < expect->count; i++)
		ret_ops[i] = fusetrace_op_ref(expect->assign.ops[i]);
}

/* A signal ended the sleep, not the wait: there is nothing to explain. */
static bool is_put_off(const struct fusetrace_expect *expect, int r)
{
	return r == -EINTR && !expect->culprit; /* else a check function said so */
}

/*
 * Whether the last answer came behind the deadline, though before it was looked for. The kernel tells
 * when that was, in our clock; a log's time may be of any.
 */
static bool is_too_late(struct fusetrace_expect *expect)
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

static void forget_late(struct fusetrace_expect *expect)
{
	expect->late = fusetrace_op_unref(expect->late);
	expect->late_ns = 0;
}

static uint64_t end_of_late(const struct fusetrace_expect *expect, uint64_t timeout_ns)
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
	uint64_t until_ns = end_of_late(expect, timeout_ns);
	int r;

	do {
		r = ft_wait_sleep(expect->monitor, &expect->waiter, -1, until_ns);
		if (r == 0)
			r = look(expect, false);
	} while (r == 0 && ft_now_ns() < until_ns);
	if (r > 0)
		is_too_late(expect);
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

static void record(struct fusetrace_expect *expect, int r)
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

/* A check function that was asked for the sake of the verdict has ended the wait. */
static int end_by_check(struct fusetrace_expect *expect, const struct ft_facts *facts)
{
	expect->failed_slot = facts->slot;
	if (!expect->culprit)
		expect->culprit = fusetrace_op_ref(facts->subject);
	return expect->failure = facts->result;
}

/* Ends with the facts. */
static void tell(struct fusetrace_expect *expect, struct ft_facts *facts,
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

/* Returns the result, which is another one than before when a check function says so. */
static int report(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		  struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;

	if (!reterr_report)
		return r;
	ft_report_gather(&facts, expect, r, timeout_ns);
	if (facts.result != r)
		r = end_by_check(expect, &facts);
	if (r == -ETIMEDOUT && expect->deadline_ns && !expect->late)
		look_on(expect, timeout_ns);
	tell(expect, &facts, reterr_report);
	return r;
}

/* r: 1 or negative. */
static int finish(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		  struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	if (r > 0 && expect->order != FT_EXPECT_NONE && is_too_late(expect))
		r = -ETIMEDOUT;
	if (r > 0) {
		if (expect->order != FT_EXPECT_NONE)
			give_ops(expect, ret_ops);
		record(expect, 0);
		return 0;
	}
	if (!is_put_off(expect, r) && (timeout_ns || reterr_report)) {
		r = report(expect, r, timeout_ns, reterr_report);
		record(expect, r);
	}
	forget_late(expect);
	return r;
}

static void begin_waiting(struct fusetrace_expect *expect, uint64_t deadline_ns)
{
	expect->deadline_ns = deadline_ns;
	if (!expect->waits_since_ns)
		expect->waits_since_ns = ft_now_ns();
}

static int wait_and_report(struct fusetrace_expect *expect, uint64_t timeout_ns,
			   struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	begin_waiting(expect, ft_wait_deadline(timeout_ns));
	return finish(expect, wait_until(expect, expect->deadline_ns), timeout_ns, ret_ops,
		      reterr_report);
}

static void begin(struct fusetrace_expect *expect)
{
	ft_engine_lock();
	expect->interrupts = expect->monitor->interrupts;
	expect->is_after_stop = expect->monitor->state == FUSETRACE_STATE_STOPPED;
	ft_engine_unlock();
}

static int check_order(uint32_t order, struct fusetrace_error *reterr_error)
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
		r = check_order(order, NULL);
	if (r == 0)
		r = ft_expect_init(&expect, monitor, mark, matches, n, order, NULL);
	if (r < 0)
		return r;
	begin(&expect);
	r = wait_and_report(&expect, timeout_ns, ret_ops, reterr_report);
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
		r = wait_until(expect, deadline_ns);
	if (deadline_ns == 0 || (r <= 0 && r != -EOVERFLOW))
		return r;
	r = fusetrace_in_flight(expect->monitor, NULL, find_in_flight, expect);
	return r ? r : look(expect, true);
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
	begin(&expect);
	r = none_until(&expect, ft_wait_deadline(window_ns));
	if (r < 0 && !is_put_off(&expect, r)) {
		if (reterr_op && expect.culprit)
			*reterr_op = fusetrace_op_ref(expect.culprit);
		report(&expect, r, window_ns, reterr_report);
	}
	if (!is_put_off(&expect, r))
		record(&expect, r);
	ft_expect_done(&expect);
	return r < 0 ? r : 0;
}

/* ---- expectations ---- */

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
	r = check_order(order, reterr_error);
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
	begin(expect);
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
	return wait_and_report(expect, timeout_ns, ret_ops, reterr_report);
}

/* ---- expectations that are polled ---- */

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
		r = end_by_check(expect, expect->at_deadline);
	return r;
}

/* 0 not yet, 1 or negative: it is decided. */
static int poll_once(struct fusetrace_expect *expect, uint64_t timeout_ns, bool wants_report,
		     uint64_t *ret_until_ns)
{
	int r;

	if (expect->at_deadline) {
		*ret_until_ns = end_of_late(expect, timeout_ns);
		r = look(expect, false);
		if (r > 0)
			is_too_late(expect);
		return r || ft_now_ns() >= *ret_until_ns ? -ETIMEDOUT : 0;
	}
	r = look(expect, ft_now_ns() >= expect->deadline_ns);
	if (r == 0)
		r = look_at_starts(expect);
	if (r == -ETIMEDOUT && wants_report && !expect->culprit) {
		*ret_until_ns = end_of_late(expect, timeout_ns);
		return begin_late(expect, timeout_ns);
	}
	*ret_until_ns = earlier(expect->deadline_ns, ft_expect_next_start_ns(expect));
	return r;
}

static int finish_late(struct fusetrace_expect *expect, struct fusetrace_report **reterr_report)
{
	int r = expect->at_deadline->result;

	if (reterr_report)
		tell(expect, expect->at_deadline, reterr_report);
	else
		ft_facts_done(expect->at_deadline);
	free(expect->at_deadline);
	expect->at_deadline = NULL;
	record(expect, r);
	forget_late(expect);
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
		return wait_and_report(expect, 0, ret_ops, reterr_report);
	if (*deadline_ns == 0)
		*deadline_ns = ft_deadline_ns(timeout_ns);
	begin_waiting(expect, *deadline_ns);
	r = poll_once(expect, timeout_ns, reterr_report != NULL, &until_ns);
	if (r == 0) {
		*ret_again_ns = time_left(until_ns);
		return -EAGAIN;
	}
	*deadline_ns = 0;
	if (expect->at_deadline)
		return finish_late(expect, reterr_report);
	return finish(expect, r, timeout_ns, ret_ops, reterr_report);
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
