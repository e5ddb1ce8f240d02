/* SPDX-License-Identifier: MIT */
/*
 * Waiting until nothing is in flight and nothing new comes, and for a state of the mount. The kernel's own
 * count of requests has the last word on what is in flight.
 */
#include "wait.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/engine.h"
#include "process/connection.h"
#include "report.h"

#define IDLE_RECHECK_NS 50000000u

long ft_wait_kernel_count(const struct fusetrace_monitor *monitor)
{
	return ft_connection_waiting(monitor->connection);
}

/*
 * A request that its caller took back before the daemon saw it, or whose end was lost, would be in
 * flight for ever: the kernel knows better. It also counts what an ignored thread waits for: then
 * nothing is dropped before that has been answered.
 */
static void drop_taken_back(struct fusetrace_monitor *monitor, struct ft_monitor_view *view)
{
	if (view->in_flight == 0 || ft_wait_kernel_count(monitor) != 0)
		return;
	ft_engine_lock();
	ft_engine_drain();
	if (ft_wait_kernel_count(monitor) == 0)
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
