/* SPDX-License-Identifier: MIT */
/*
 * The monitor and its mount: who serves it, which one it is when it comes later, and when it has
 * gone. Called by the engine, which watches daemons and mountinfo.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "engine.h"
#include "process/connection.h"
#include "process/daemons.h"
#include "process/daemons_kernel.h"
#include "process/exit_status.h"
#include "process/unseen.h"

/* ---- daemons ---- */

/* Lock held. Names pid as a daemon of the mount, once. */
static int add_daemon(struct fusetrace_monitor *monitor, pid_t pid)
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
		add_daemon(monitor, pids[i]);
}

/* Lock held. Those who hold the connection's /dev/fuse now. */
static void find_daemons(struct fusetrace_monitor *monitor)
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
			add_daemon(monitor, monitor->followed);
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

/* ---- mounts ---- */

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
	find_daemons(monitor);
	if (monitor->daemon_count == 0) /* a kernel that does not tell */
		add_daemon(monitor, monitor->followed);
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

/*
 * 0 when it has gone by now, after which it may be another one's. Also the answer where fusectl is not
 * mounted: then the number alone has to do.
 */
static uint64_t identity_of(const struct ft_mount *mount, bool *ret_is_there)
{
	uint64_t identity = ft_connection_identity(mount->connection);

	*ret_is_there = ft_mounts_is_still_there(mount);
	return *ret_is_there ? identity : 0;
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
		monitor->identity = identity_of(found, &monitor->is_confirmed);
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
		bool is_there;

		if (ft_mounts_by_connection(&monitor->before, mount->connection) ||
		    !is_mount_of(mount, monitor))
			continue;
		/* Whoever was found to hold its connection may be another's, if it has gone since. */
		identity = identity_of(mount, &is_there);
		if (!is_there)
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
		r = add_daemon(monitor, pid);
	}
	ft_engine_unlock();
	ft_command_line_done(&line);
	return r;
}

int fusetrace_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid)
{
	return ft_monitor_follow(monitor, pid, NULL);
}
