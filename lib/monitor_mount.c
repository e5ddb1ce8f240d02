/* SPDX-License-Identifier: MIT */
/*
 * The monitor and its mount: who serves it, which one it is when it comes later, and when it has
 * gone. Called by the engine, which watches daemons and mountinfo.
 */
#include "monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "daemons.h"
#include "engine.h"

/* ---- daemons ---- */

/* Lock held. Names pid as a daemon of the mount, once. */
static int add_daemon(struct fusetrace_monitor *monitor, pid_t pid)
{
	int pidfd;
	int r;

	for (int i = 0; i < monitor->daemon_count; i++) {
		if (monitor->daemons[i] == pid)
			return 0;
	}
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
	for (int i = 0; i < count && i < FT_DAEMONS_MAX; i++)
		add_daemon(monitor, pids[i]);
}

/* Lock held. Those who hold the connection's /dev/fuse now. */
static void find_daemons(struct fusetrace_monitor *monitor)
{
	pid_t pids[FT_DAEMONS_MAX];

	ft_monitor_add_daemons(monitor, pids,
			       ft_daemons_of_connection(monitor->connection, pids, FT_DAEMONS_MAX));
}

static void remove_daemon(struct fusetrace_monitor *monitor, int index)
{
	int last = --monitor->daemon_count;

	close(monitor->pidfds[index]);
	monitor->pidfds[index] = monitor->pidfds[last];
	monitor->daemons[index] = monitor->daemons[last];
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

void ft_monitor_on_exit(struct fusetrace_monitor *monitor, int pidfd)
{
	for (int i = 0; i < monitor->daemon_count; i++) {
		if (monitor->pidfds[i] != pidfd)
			continue;
		remove_daemon(monitor, i);
		/* A daemon that went into the background leaves a child behind that serves. */
		if (monitor->daemon_count == 0 && monitor->state == FUSETRACE_STATE_MOUNTED)
			find_daemons(monitor);
		if (monitor->daemon_count == 0 && is_served_later(monitor))
			add_daemon(monitor, monitor->followed);
		if (monitor->daemon_count == 0 && monitor->state == FUSETRACE_STATE_MOUNTED)
			ft_monitor_end(monitor, FUSETRACE_STATE_GONE);
		return;
	}
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

/* ---- mounts ---- */

/* Lock held. Whether a mount that has appeared is the one that the followed process made. */
static bool is_mount_of(const struct ft_mount *mount, pid_t pid)
{
	pid_t holders[FT_DAEMONS_MAX];
	int count;

	if (ft_daemons_has_argument(pid, mount->mountpoint))
		return true;
	count = ft_daemons_of_connection(mount->connection, holders, FT_DAEMONS_MAX);
	for (int i = 0; i < count && i < FT_DAEMONS_MAX; i++) {
		if (ft_daemons_is_descendant(holders[i], pid))
			return true;
	}
	return false;
}

static void adopt(struct fusetrace_monitor *monitor, const struct ft_mount *mount)
{
	monitor->mountpoint = strdup(mount->mountpoint);
	if (!monitor->mountpoint)
		return;
	monitor->state = FUSETRACE_STATE_MOUNTED;
	monitor->is_confirmed = true;
	ft_engine_adopt(monitor, mount->connection);
	monitor->has_begun = true;
	find_daemons(monitor);
	if (monitor->daemon_count == 0) /* a kernel that does not tell */
		add_daemon(monitor, monitor->followed);
	ft_waiters_notify_all(&monitor->waiters);
}

static bool is_among(const struct ft_mount *mount, const struct ft_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->entries[i].connection == mount->connection &&
		    strcmp(mounts->entries[i].mountpoint, mount->mountpoint) == 0)
			return true;
	}
	return false;
}

/* The kernel gives numbers of connections out again: one that has gone may be the awaited one's. */
static void forget_gone(struct fusetrace_monitor *monitor, const struct ft_mounts *mounts)
{
	for (size_t i = monitor->before.count; i-- > 0;) {
		uint32_t connection = monitor->before.entries[i].connection;

		if (is_among(&monitor->before.entries[i], mounts))
			continue;
		ft_mounts_remove(&monitor->before, i);
		if (!ft_mounts_by_connection(&monitor->before, connection))
			ft_engine_include(connection);
	}
}

void ft_monitor_on_new(struct fusetrace_monitor *monitor, uint32_t connection)
{
	for (size_t i = monitor->before.count; i-- > 0;) {
		if (monitor->before.entries[i].connection == connection)
			ft_mounts_remove(&monitor->before, i);
	}
}

/*
 * By the mountpoint until it is certain that the connection is the one that was looked up; then by
 * the connection, as it may be moved or bound elsewhere.
 */
static bool is_still_mounted(struct fusetrace_monitor *monitor, const struct ft_mounts *mounts)
{
	const struct ft_mount looked_up = {
		.connection = monitor->connection,
		.mountpoint = monitor->mountpoint,
	};

	if (monitor->is_confirmed)
		return ft_mounts_by_connection(mounts, monitor->connection);
	monitor->is_confirmed = is_among(&looked_up, mounts);
	return monitor->is_confirmed;
}

void ft_monitor_on_mounts(struct fusetrace_monitor *monitor, const struct ft_mounts *mounts)
{
	if (monitor->state == FUSETRACE_STATE_MOUNTED) {
		if (monitor->connection && !is_still_mounted(monitor, mounts))
			ft_monitor_end(monitor, FUSETRACE_STATE_UNMOUNTED);
		return;
	}
	if (monitor->state != FUSETRACE_STATE_PENDING)
		return;
	forget_gone(monitor, mounts);
	if (!monitor->followed)
		return;
	for (size_t i = 0; i < mounts->count; i++) {
		const struct ft_mount *mount = &mounts->entries[i];

		if (ft_mounts_by_connection(&monitor->before, mount->connection) ||
		    !is_mount_of(mount, monitor->followed))
			continue;
		adopt(monitor, mount);
		return;
	}
}

int fusetrace_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	if (pid <= 0 || !monitor->is_attached)
		return -EINVAL;
	ft_engine_lock();
	if (monitor->state == FUSETRACE_STATE_PENDING) {
		monitor->followed = pid;
		ft_engine_check_mounts();
	} else {
		r = add_daemon(monitor, pid);
	}
	ft_engine_unlock();
	return r;
}
