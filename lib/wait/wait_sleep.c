/* SPDX-License-Identifier: MIT */
/* How every wait sleeps: its deadline, its waiter, who wakes it, and what the end of a mount means to it. */
#include "wait.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/sleep.h"
#include "monitor/engine.h"

uint64_t ft_wait_deadline(uint64_t timeout_ns)
{
	return timeout_ns ? ft_deadline_ns(timeout_ns) : 0;
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

int ft_wait_sleep(struct fusetrace_monitor *monitor, const struct ft_waiter *waiter, int fd,
		  uint64_t deadline_ns)
{
	bool has_thread = !(monitor->flags & FUSETRACE_MONITOR_NO_THREAD);
	int lead_fd = has_thread ? ft_engine_lead() : -1;
	struct pollfd descriptors[4] = {
		{.fd = waiter->event_fd, .events = POLLIN},
		{.fd = has_thread ? lead_fd : ft_engine_fd(), .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	eventfd_t ignored;
	int r = ft_sleep(descriptors, 3, deadline_ns, monitor->flags & FUSETRACE_MONITOR_EINTR);

	if (lead_fd >= 0)
		ft_engine_unlead();
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
