/* SPDX-License-Identifier: MIT */
/*
 * Who serves a monitor's mount, and how the last of them ended. Called by the engine, which watches them.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "engine.h"
#include "process/daemons.h"
#include "process/daemons_kernel.h"
#include "process/exit_status.h"
#include "process/unseen.h"

int ft_monitor_add_daemon(struct fusetrace_monitor *monitor, pid_t pid)
{
	int pidfd;
	int r;

	if (ft_daemons_is_one_of(pid, monitor->daemons, monitor->daemon_count))
		return 0;
	if (monitor->daemon_count == FT_DAEMONS_MAX)
		return -E2BIG;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	r = ft_engine_watch(pidfd);
	if (r < 0) {
		close(pidfd);
		return r;
	}
	monitor->pidfds[monitor->daemon_count] = pidfd;
	monitor->daemons[monitor->daemon_count++] = pid;
	return 0;
}

void ft_monitor_add_daemons(struct fusetrace_monitor *monitor, const pid_t *pids, int count)
{
	monitor->has_seen_holder |= count > 0;
	for (int i = 0; i < count && i < FT_DAEMONS_MAX; i++)
		ft_monitor_add_daemon(monitor, pids[i]);
}

void ft_monitor_find_daemons(struct fusetrace_monitor *monitor)
{
	pid_t pids[FT_DAEMONS_MAX];
	int count = ft_daemons_of_connection(monitor->connection, pids, FT_DAEMONS_MAX);

	ft_monitor_add_daemons(monitor, pids, count);
}

/* Lock held. A daemon has ended: those who hold it still, or for the first time. */
static void find_left(struct fusetrace_monitor *monitor)
{
	pid_t pids[FT_DAEMONS_MAX];
	int count = ft_daemons_left(monitor->connection, pids, FT_DAEMONS_MAX);

	ft_monitor_add_daemons(monitor, pids, count);
}

/* Its descriptor is given to the caller. */
static int remove_daemon(struct fusetrace_monitor *monitor, int index)
{
	int last = --monitor->daemon_count;
	int pidfd = monitor->pidfds[index];

	monitor->pidfds[index] = monitor->pidfds[last];
	monitor->daemons[index] = monitor->daemons[last];
	return pidfd;
}

/*
 * Lock held. Who held it for a moment only, such as a child between fork and exec, or has closed it, is no
 * daemon any more. Where it is not told who holds it they count until they end.
 */
static void drop_former(struct fusetrace_monitor *monitor)
{
	pid_t holders[FT_DAEMONS_MAX];
	int count;

	if (monitor->daemon_count == 0 || !monitor->has_seen_holder)
		return;
	count = ft_daemons_kernel_ask(monitor->connection, holders, FT_DAEMONS_MAX);
	if (count > FT_DAEMONS_MAX || (count < 0 && ft_unseen_why() != FT_UNSEEN_NONE))
		return;
	for (int i = monitor->daemon_count; i-- > 0;) {
		pid_t pid = monitor->daemons[i];
		int pidfd = monitor->pidfds[i];

		if (count < 0 ? ft_daemons_holds(pid, monitor->connection)
			      : ft_daemons_is_one_of(pid, holders, count))
			continue;
		ft_engine_unwatch(pidfd);
		close(remove_daemon(monitor, i));
	}
}

/* Lock held. Asks again when it was not known: what is told changes when somebody reaps it. */
static void ask_exit(struct fusetrace_monitor *monitor)
{
	struct ft_daemon_exit *exit = &monitor->exit;

	if (exit->pid && !exit->is_known)
		exit->is_known = ft_exit_status(exit->pid, monitor->exit_pidfd, &exit->status) == 0;
}

/* Lock held. Takes pidfd. */
static void note_exit(struct fusetrace_monitor *monitor, pid_t pid, int pidfd)
{
	if (monitor->exit_pidfd >= 0)
		close(monitor->exit_pidfd);
	monitor->exit = (struct ft_daemon_exit){.pid = pid};
	monitor->exit_pidfd = pidfd;
	ask_exit(monitor);
}

/*
 * Lock held. It was fusermount3 that has ended, and the descriptor that it sent is on its way: no
 * process holds it before the daemon has taken it.
 */
static bool is_served_later(const struct fusetrace_monitor *monitor)
{
	return monitor->state == FUSETRACE_STATE_MOUNTED && monitor->followed &&
	       ft_daemons_has_argument(monitor->followed, monitor->mountpoint);
}

/*
 * Lock held. The one that was followed has ended well, and which process holds the connection could not
 * be seen: it may be one in the background, of another user.
 */
static bool may_be_served_unseen(const struct fusetrace_monitor *monitor)
{
	return !monitor->has_seen_holder && monitor->exit.is_known && monitor->exit.status == 0 &&
	       ft_unseen_why() != FT_UNSEEN_NONE;
}

/* Lock held. What was unmounted lazily lives on while somebody uses it. */
static bool has_mounted(const struct fusetrace_monitor *monitor)
{
	return monitor->state == FUSETRACE_STATE_MOUNTED ||
	       monitor->state == FUSETRACE_STATE_UNMOUNTED;
}

void ft_monitor_gone(struct fusetrace_monitor *monitor)
{
	/* The end of a request that was given up before it was taken would be told as another one. */
	ft_engine_drain();
	if (monitor->state == FUSETRACE_STATE_UNMOUNTED)
		ft_tracker_abandon(monitor->tracker);
	else
		ft_monitor_end(monitor, FUSETRACE_STATE_GONE);
}

void ft_monitor_on_exit(struct fusetrace_monitor *monitor, int pidfd)
{
	for (int i = 0; i < monitor->daemon_count; i++) {
		pid_t pid = monitor->daemons[i];

		if (monitor->pidfds[i] != pidfd)
			continue;
		note_exit(monitor, pid, remove_daemon(monitor, i));
		if (has_mounted(monitor))
			drop_former(monitor);
		/* A daemon that went into the background leaves a child behind that serves. */
		if (monitor->daemon_count == 0 && has_mounted(monitor))
			find_left(monitor);
		if (monitor->daemon_count == 0 && is_served_later(monitor))
			ft_monitor_add_daemon(monitor, monitor->followed);
		if (monitor->daemon_count == 0 && has_mounted(monitor) &&
		    !may_be_served_unseen(monitor))
			ft_monitor_gone(monitor);
		ft_waiters_notify_lines(
			&monitor->waiters); /* also after an unmount it is the end */
		return;
	}
}

/*
 * Of a daemon that closed its output a moment ago, the process is about to end. Less than the 50 ms in
 * which a wait tells of its death.
 */
#define EXIT_PATIENCE_MS 40

/* A duplicate of the descriptor of a daemon that still runs though the monitor is at its end; or -1. */
static int pidfd_of_last(const struct fusetrace_monitor *monitor)
{
	if (monitor->state != FUSETRACE_STATE_GONE || monitor->exit.pid ||
	    monitor->daemon_count == 0)
		return -1;
	return fcntl(monitor->pidfds[0], F_DUPFD_CLOEXEC, 3);
}

void ft_monitor_look_for_exit(struct fusetrace_monitor *monitor, struct ft_daemon_exit *ret_exit)
{
	struct pollfd descriptor = {.events = POLLIN};
	bool has_ended = false;
	pid_t pid;

	ft_engine_lock();
	descriptor.fd = pidfd_of_last(monitor);
	pid = monitor->daemons[0];
	ft_engine_unlock();
	if (descriptor.fd >= 0)
		has_ended = poll(&descriptor, 1, EXIT_PATIENCE_MS) == 1;
	ft_engine_lock();
	if (has_ended && monitor->exit.pid == 0) {
		note_exit(monitor, pid, descriptor.fd);
		descriptor.fd = -1;
	}
	ask_exit(monitor);
	*ret_exit = monitor->exit;
	ft_engine_unlock();
	if (descriptor.fd >= 0)
		close(descriptor.fd);
}

int fusetrace_monitor_daemon_exit(struct fusetrace_monitor *monitor, pid_t *ret_pid,
				  int *ret_status)
{
	struct ft_daemon_exit exit;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look_for_exit(monitor, &exit);
	if (exit.pid == 0)
		return -EAGAIN;
	if (!exit.is_known)
		return -ENODATA;
	if (ret_pid)
		*ret_pid = exit.pid;
	if (ret_status)
		*ret_status = exit.status;
	return 0;
}

int fusetrace_monitor_daemons(struct fusetrace_monitor *monitor, pid_t *pids, int max)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_engine_lock();
	for (int i = 0; i < monitor->daemon_count && i < max; i++)
		pids[i] = monitor->daemons[i];
	r = monitor->daemon_count;
	ft_engine_unlock();
	return r;
}
