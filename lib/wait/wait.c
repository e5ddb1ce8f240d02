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

#define IDLE_RECHECK_NS 50000000u
/* How much longer a wait in vain looks on for what comes too late: a tenth of its time, at most this. */
#define LATE_NS_MAX 100000000u

/* ---- sleeping ---- */

int ft_wait_poll(struct pollfd *descriptors, nfds_t count, uint64_t deadline_ns)
{
	uint64_t now = ft_now_ns();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = {(time_t)(left / FUSETRACE_SECOND),
				   (long)(left % FUSETRACE_SECOND)};
	int r = ppoll(descriptors, count, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL);

	return r < 0 ? -errno : 0;
}

int ft_wait_sleep(struct fusetrace_monitor *monitor, const struct ft_waiter *waiter, int fd,
		  uint64_t deadline_ns)
{
	bool has_thread = !(monitor->flags & FUSETRACE_MONITOR_NO_THREAD);
	int lead_fd = has_thread ? ft_engine_lead() : -1;
	struct pollfd descriptors[] = {
		{.fd = waiter->event_fd, .events = POLLIN},
		{.fd = has_thread ? lead_fd : ft_engine_fd(), .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	eventfd_t ignored;
	int r = ft_wait_poll(descriptors, 3, deadline_ns);

	if (lead_fd >= 0)
		ft_engine_unlead();
	if (r == -EINTR)
		return (monitor->flags & FUSETRACE_MONITOR_EINTR) ? r : 0;
	if (r < 0)
		return r;
	if (!has_thread && descriptors[1].revents)
		ft_engine_process();
	eventfd_read(waiter->event_fd, &ignored);
	return 0;
}

int ft_wait_verdict(const struct ft_monitor_view *view)
{
	switch (view->end) {
	case FUSETRACE_STATE_UNMOUNTED:
		return -ENOTCONN;
	case FUSETRACE_STATE_GONE:
		return -EPIPE;
	case FUSETRACE_STATE_STOPPED:
		return -ESHUTDOWN;
	default:
		return 0;
	}
}

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

uint64_t ft_wait_deadline(uint64_t timeout_ns)
{
	return timeout_ns ? ft_deadline_ns(timeout_ns) : 0;
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

/*
 * The deadline has passed, the wait has failed: does it come after all? One look there is in any case,
 * as the last one and the facts may have taken longer than this is to last.
 */
static void look_on(struct fusetrace_expect *expect, uint64_t timeout_ns)
{
	uint64_t more_ns = timeout_ns / 10 < LATE_NS_MAX ? timeout_ns / 10 : LATE_NS_MAX;
	uint64_t until_ns = expect->deadline_ns + more_ns;
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

static void report(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		   struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;

	if (!reterr_report)
		return;
	ft_report_gather(&facts, expect, r, timeout_ns);
	if (r == -ETIMEDOUT && expect->deadline_ns && !expect->late)
		look_on(expect, timeout_ns);
	if (expect->late) {
		facts.late = fusetrace_op_ref(expect->late);
		facts.late_ns = expect->late_ns;
	}
	ft_report_make(&facts, expect, reterr_report);
	expect->verdict = facts.verdict;
	ft_facts_done(&facts);
}

static int wait_and_report(struct fusetrace_expect *expect, uint64_t timeout_ns,
			   struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report)
{
	int r;

	expect->deadline_ns = ft_wait_deadline(timeout_ns);
	if (!expect->waits_since_ns)
		expect->waits_since_ns = ft_now_ns();
	r = wait_until(expect, expect->deadline_ns);
	if (r > 0 && expect->order != FT_EXPECT_NONE && is_too_late(expect))
		r = -ETIMEDOUT;
	if (r > 0) {
		if (expect->order != FT_EXPECT_NONE)
			give_ops(expect, ret_ops);
		record(expect, 0);
		return 0;
	}
	if (!is_put_off(expect, r) && (timeout_ns || reterr_report)) {
		report(expect, r, timeout_ns, reterr_report);
		record(expect, r);
	}
	forget_late(expect);
	return r;
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

struct fusetrace_expect *fusetrace_expect_free(struct fusetrace_expect *expect)
{
	if (!expect)
		return NULL;
	ft_expect_done(expect);
	free(expect);
	return NULL;
}

/* ---- idle and states ---- */

long ft_wait_kernel_count(uint32_t connection)
{
	char path[64];
	FILE *file;
	long waiting = -1;

	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/waiting", connection);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &waiting) != 1)
		waiting = -1;
	fclose(file);
	return waiting;
}

/*
 * A request that its caller took back before the daemon saw it, or whose end was lost, would be in
 * flight for ever: the kernel knows better. It also counts what an ignored thread waits for: then
 * nothing is dropped before that has been answered.
 */
static void drop_taken_back(struct fusetrace_monitor *monitor, struct ft_monitor_view *view)
{
	if (view->in_flight == 0 || ft_wait_kernel_count(monitor->connection) != 0)
		return;
	ft_engine_lock();
	ft_engine_drain();
	if (ft_wait_kernel_count(monitor->connection) == 0)
		ft_tracker_abandon(monitor->tracker);
	view->in_flight = ft_tracker_in_flight(monitor->tracker, true);
	ft_engine_unlock();
}

static int idle_until(struct fusetrace_monitor *monitor, struct ft_waiter *waiter,
		      uint64_t quiet_ns, uint64_t deadline_ns, const struct ft_monitor_view *first)
{
	struct ft_monitor_view view;
	int r = 0;

	while (r == 0) {
		uint64_t now, quiet_at;

		ft_monitor_look(monitor, &view);
		now = ft_now_ns();
		r = first->state == FUSETRACE_STATE_STOPPED ? -ESHUTDOWN : ft_wait_verdict(&view);
		if (r == 0 && view.interrupts != first->interrupts)
			r = -ECANCELED;
		if (r)
			return r;
		quiet_at = quiet_ns > UINT64_MAX - view.last_event_ns
				   ? UINT64_MAX
				   : view.last_event_ns + quiet_ns;
		if (now >= quiet_at)
			drop_taken_back(monitor, &view);
		if (view.in_flight == 0 && now >= quiet_at)
			return 1;
		if (now >= deadline_ns)
			return -EBUSY;
		if (view.in_flight)
			quiet_at = now + IDLE_RECHECK_NS;
		r = ft_wait_sleep(monitor, waiter, -1,
				  quiet_at < deadline_ns ? quiet_at : deadline_ns);
	}
	return r;
}

int ft_wait_register(struct fusetrace_monitor *monitor, struct ft_waiter *waiter, bool is_adding)
{
	int r = 0;

	ft_engine_lock();
	if (is_adding)
		r = ft_waiters_add(&monitor->waiters, waiter);
	else
		ft_waiters_remove(&monitor->waiters, waiter);
	ft_engine_update_awaited();
	ft_engine_unlock();
	return r;
}

static void record_idle(struct fusetrace_monitor *monitor, int r, uint64_t began_ns)
{
	ft_wait_log_add(&monitor->waits,
			&(struct ft_wait_entry){
				.began_ns = began_ns,
				.ended_ns = ft_now_ns(),
				.thread = gettid(),
				.verdict = ft_wait_log_verdict(
					r == -EBUSY ? FUSETRACE_VERDICT_NOT_IDLE : 0, r),
				.waited_for = "idle",
			});
}

int fusetrace_wait_idle(struct fusetrace_monitor *monitor, uint64_t quiet_ns, uint64_t timeout_ns,
			struct fusetrace_report **reterr_report)
{
	struct ft_waiter waiter = {.event_fd = -1, .wants_any = true};
	struct ft_monitor_view view;
	uint64_t began_ns = ft_now_ns();
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	r = ft_wait_register(monitor, &waiter, true);
	if (r < 0)
		return r;
	r = idle_until(monitor, &waiter, quiet_ns, ft_wait_deadline(timeout_ns), &view);
	ft_wait_register(monitor, &waiter, false);
	if (r < 0 && r != -EINTR)
		ft_report_make_idle(monitor, r, began_ns, timeout_ns, reterr_report);
	if (r != -EINTR)
		record_idle(monitor, r, began_ns);
	return r > 0 ? 0 : r;
}

int fusetrace_wait_state(struct fusetrace_monitor *monitor, uint32_t state, uint64_t timeout_ns)
{
	struct ft_waiter waiter = {.event_fd = -1};
	uint64_t deadline_ns = ft_wait_deadline(timeout_ns);
	struct ft_monitor_view view, first;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look(monitor, &first);
	r = ft_wait_register(monitor, &waiter, true);
	while (r == 0) {
		bool is_last = ft_now_ns() >= deadline_ns;

		ft_monitor_look(monitor, &view);
		if (view.state >= state) {
			r = view.state > state && view.end != state ? ft_wait_verdict(&view) : 0;
			break;
		}
		if (view.interrupts != first.interrupts)
			r = -ECANCELED;
		else if (is_last)
			r = -ETIMEDOUT;
		else
			r = ft_wait_sleep(monitor, &waiter, -1, deadline_ns);
	}
	ft_wait_register(monitor, &waiter, false);
	return r;
}
