/* SPDX-License-Identifier: MIT */
/*
 * Which mount is a monitor's own, when it comes later, and when it has gone. Called by the engine, which
 * watches mountinfo.
 */
#include "monitor.h"

#include <errno.h>
#include <string.h>

#include "engine.h"
#include "process/connection.h"
#include "process/daemons.h"

/*
 * Lock held. Whether a mount that has appeared is the one that the followed process made. It may have ended
 * by now, and have left the mount to one in the background that cannot be seen.
 */
static bool is_mount_of(const struct ft_mount *mount, const struct fusetrace_monitor *monitor)
{
	pid_t pid = monitor->followed;
	pid_t holders[FT_DAEMONS_MAX];
	int count;

	if (ft_daemons_has_argument(pid, mount->mountpoint))
		return true;
	count = ft_daemons_of_connection(mount->connection, holders, FT_DAEMONS_MAX);
	for (int i = 0; i < count && i < FT_DAEMONS_MAX; i++) {
		if (ft_daemons_is_descendant(holders[i], pid))
			return true;
	}
	return count <= 0 && ft_command_line_names(&monitor->followed_line, mount->mountpoint);
}

static void adopt(struct fusetrace_monitor *monitor, const struct ft_mount *mount,
		  uint64_t identity)
{
	monitor->identity = identity;
	monitor->mountpoint = strdup(mount->mountpoint);
	if (!monitor->mountpoint)
		return;
	monitor->state = FUSETRACE_STATE_MOUNTED;
	monitor->is_confirmed = true;
	ft_engine_adopt(monitor, mount->connection);
	monitor->has_begun = true;
	ft_monitor_find_daemons(monitor);
	if (monitor->daemon_count == 0) /* a kernel that does not tell */
		ft_monitor_add_daemon(monitor, monitor->followed);
	ft_waiters_notify_all(&monitor->waiters);
}

static const struct ft_mount *same_of(const struct ft_mount *mount, const struct ft_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->entries[i].connection == mount->connection &&
		    strcmp(mounts->entries[i].mountpoint, mount->mountpoint) == 0)
			return &mounts->entries[i];
	}
	return NULL;
}

/* The kernel gives numbers of connections out again: one that has gone may be the awaited one's. */
static void forget_gone(struct fusetrace_monitor *monitor, const struct ft_mounts *mounts)
{
	for (size_t i = monitor->before.count; i-- > 0;) {
		uint32_t connection = monitor->before.entries[i].connection;

		if (same_of(&monitor->before.entries[i], mounts))
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

/* The number of a connection that is over is given out again at once, to a mount elsewhere. */
static bool is_same_connection(const struct fusetrace_monitor *monitor)
{
	uint64_t identity = monitor->identity ? ft_connection_identity(monitor->connection) : 0;

	return !identity || identity == monitor->identity;
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
	const struct ft_mount *found;

	if (monitor->is_confirmed)
		return ft_mounts_by_connection(mounts, monitor->connection) &&
		       is_same_connection(monitor);
	found = same_of(&looked_up, mounts);
	if (found)
		monitor->identity = ft_connection_identity_of(found);
	monitor->is_confirmed = found && monitor->identity != FT_CONNECTION_GONE;
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
		uint64_t identity;

		if (ft_mounts_by_connection(&monitor->before, mount->connection) ||
		    !is_mount_of(mount, monitor))
			continue;
		/* Whoever was found to hold its connection may be another's, if it has gone since. */
		identity = ft_connection_identity_of(mount);
		if (identity == FT_CONNECTION_GONE)
			continue;
		adopt(monitor, mount, identity);
		return;
	}
}

void ft_monitor_take_mount(struct fusetrace_monitor *monitor, const struct ft_mount *mount,
			   uint64_t identity, pid_t followed)
{
	ft_engine_lock();
	if (monitor->state == FUSETRACE_STATE_PENDING && monitor->is_attached) {
		monitor->followed = followed;
		adopt(monitor, mount, identity);
		ft_engine_check_mounts(); /* it may have gone since it was looked up */
	}
	ft_engine_unlock();
}

int ft_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid, char *const *argv)
{
	struct ft_command_line line = {0};
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	if (pid <= 0 || !monitor->is_attached)
		return -EINVAL;
	r = argv ? ft_command_line_copy(argv, &line) : ft_command_line_of(pid, &line);
	if (r < 0)
		return r;
	ft_engine_lock();
	if (monitor->state == FUSETRACE_STATE_PENDING) {
		ft_command_line_done(&monitor->followed_line);
		monitor->followed_line = line;
		line = (struct ft_command_line){0};
		monitor->followed = pid;
		ft_engine_check_mounts();
	} else {
		r = ft_monitor_add_daemon(monitor, pid);
	}
	ft_engine_unlock();
	ft_command_line_done(&line);
	return r;
}

int fusetrace_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid)
{
	return ft_monitor_follow(monitor, pid, NULL);
}
