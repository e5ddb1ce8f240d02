/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a mount: until it stands in mountinfo, which the kernel tells by POLLPRI, and its INIT has
 * been answered, which the trace tells or, without one, a STATFS that the kernel holds back until then.
 * Each turn looks at the processes first, so that what one did before its end is seen.
 */
#include "mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guardian.h"
#include "monitor/engine.h"
#include "monitor/monitor.h"
#include "process/connection.h"
#include "process/daemons.h"

/* The cause of an end that is on its way: the connection is closed before the process has ended. */
#define CAUSE_NS (FUSETRACE_SECOND / 2)

static double seconds_of(const struct fusetrace_mount *mount)
{
	return (double)(ft_now_ns() - mount->began_ns) / 1e9;
}

/* ---- which mount ---- */

/*
 * Both numbers of a mount that has gone are given out again at once, before anybody has seen it gone. On
 * the very same mountpoint only the connection's identity tells.
 */
static bool was_before(const struct fusetrace_mount *mount, const struct ft_mount *found)
{
	const struct ft_mount *entry =
		ft_mounts_by_id(&mount->before, found->id, found->connection);

	if (!entry || strcmp(entry->mountpoint, found->mountpoint) != 0)
		return false;
	return !mount->identity_before || !mount->mountpoint ||
	       ft_connection_identity(found->connection) == mount->identity_before;
}

/* Whether a process of ours holds the connection; none at all: it is on its way from fusermount3. */
static bool is_held_by_us(struct fusetrace_mount *mount, uint32_t connection, bool *ret_is_held)
{
	pid_t first = fusetrace_mount_pid(mount);
	pid_t holders[FT_PROCESSES_MAX];
	int count;

	*ret_is_held = true;
	if (ft_daemons_holds(first, connection))
		return true;
	count = ft_daemons_of_connection(connection, holders, FT_PROCESSES_MAX);
	*ret_is_held = count > 0;
	for (int i = 0; i < count && i < FT_PROCESSES_MAX; i++) {
		if (ft_daemons_has_variable(holders[i], mount->mark) ||
		    ft_daemons_is_descendant(holders[i], first))
			return true;
	}
	return false;
}

static bool is_ours(struct fusetrace_mount *mount, const struct ft_mount *found)
{
	bool is_held;

	if (was_before(mount, found))
		return false;
	if (is_held_by_us(mount, found->connection, &is_held))
		return true;
	if (is_held)
		return false;
	return mount->mountpoint ||
	       ft_daemons_has_argument(fusetrace_mount_pid(mount), found->mountpoint) ||
	       ft_command_line_names(&mount->command, found->mountpoint);
}

/*
 * It looks itself for what the process that it follows mounts. Where the daemon is gone already, its mount
 * is the one that nobody holds.
 */
static const struct ft_mount *find_of_monitor(struct fusetrace_monitor *monitor,
					      const struct ft_mounts *mounts)
{
	const struct ft_mount *found = NULL;
	bool is_gone;

	ft_engine_lock();
	if (monitor->state == FUSETRACE_STATE_PENDING && monitor->is_attached)
		ft_engine_check_mounts();
	is_gone = monitor->state == FUSETRACE_STATE_GONE;
	if (monitor->connection && (is_gone || monitor->state == FUSETRACE_STATE_MOUNTED))
		found = ft_mounts_by_connection(mounts, monitor->connection);
	if (found && is_gone && strcmp(found->mountpoint, monitor->mountpoint) != 0)
		found = NULL;
	ft_engine_unlock();
	if (found && is_gone && ft_daemons_left(found->connection, NULL, 0) > 0)
		return NULL;
	return found;
}

static const struct ft_mount *find(struct fusetrace_mount *mount, const struct ft_mounts *mounts)
{
	const struct ft_mount *found;

	if (mount->mountpoint) {
		found = ft_mounts_by_point(mounts, mount->mountpoint);
		return found && is_ours(mount, found) ? found : NULL;
	}
	if (mount->monitor)
		return find_of_monitor(mount->monitor, mounts);
	for (size_t i = 0; i < mounts->count; i++) {
		if (is_ours(mount, &mounts->entries[i]))
			return &mounts->entries[i];
	}
	return NULL;
}

/* Without a guardian it goes on as well. */
static void guard(struct fusetrace_mount *mount)
{
	if (mount->guarded == 0)
		mount->guarded = ft_guardian_expect(mount->mountpoint, mount->mark);
	if (mount->guarded > 0)
		ft_guardian_mounted(mount->guarded, mount->connection, mount->identity);
}

static int adopt(struct fusetrace_mount *mount, const struct ft_mount *found)
{
	if (!mount->mountpoint)
		mount->mountpoint = strdup(found->mountpoint);
	if (!mount->mountpoint)
		return -ENOMEM;
	mount->id = found->id;
	mount->connection = found->connection;
	mount->identity = ft_connection_identity_of(found);
	mount->is_mounted = true;
	guard(mount);
	if (mount->monitor)
		ft_monitor_take_mount(mount->monitor, found, mount->identity,
				      fusetrace_mount_pid(mount));
	return 0;
}

/* What came and went again between two looks: the monitor, which follows the daemon, has seen it. As ft_mount_look(). */
static int adopt_gone(struct fusetrace_mount *mount)
{
	struct fusetrace_monitor *monitor = mount->monitor;
	struct ft_mount gone = {.id = -1};
	int r = 0;

	ft_engine_lock();
	if (monitor->end == FUSETRACE_STATE_UNMOUNTED &&
	    monitor->followed == fusetrace_mount_pid(mount)) {
		gone.connection = monitor->connection;
		gone.mountpoint = strdup(monitor->mountpoint);
	}
	ft_engine_unlock();
	if (gone.mountpoint)
		r = adopt(mount, &gone) < 0 ? -ENOMEM : 1;
	free(gone.mountpoint);
	return r;
}

int ft_mount_look(struct fusetrace_mount *mount)
{
	const struct ft_mount *found;
	struct ft_mounts mounts;
	int r;

	if (mount->is_mounted)
		return 1;
	r = ft_mounts_read(&mounts);
	if (r < 0)
		return r;
	found = find(mount, &mounts);
	if (found)
		r = adopt(mount, found) < 0 ? -ENOMEM : 1;
	else if (mount->monitor && !mount->mountpoint)
		r = adopt_gone(mount);
	ft_mounts_done(&mounts);
	return r;
}

/* ---- how it failed ---- */

static void await_end(struct fusetrace_mount *mount)
{
	uint64_t deadline = ft_deadline_ns(CAUSE_NS);

	while (ft_mount_running(mount, true) > 0) {
		if (ft_mount_sleep(mount, NULL, 0, deadline) < 0)
			return;
	}
}

static void describe_end(struct fusetrace_mount *mount, char *text, size_t size)
{
	const struct ft_process *outcome;

	pthread_mutex_lock(&mount->lock);
	outcome = ft_processes_outcome(&mount->processes);
	ft_mount_describe_end(outcome ? outcome : &mount->processes.entries[0], text, size);
	pthread_mutex_unlock(&mount->lock);
}

/*
 * What ends well takes its mount along. So where that is still there though the first process ended with
 * exit code 0, it may be that one in the background served, and was gone before anybody saw it.
 */
static bool may_have_been_another(struct fusetrace_mount *mount)
{
	const struct ft_process *outcome;
	struct ft_place place;
	bool is_first, is_there;

	pthread_mutex_lock(&mount->lock);
	outcome = ft_processes_outcome(&mount->processes);
	is_first = outcome == &mount->processes.entries[0] && outcome->status == 0;
	pthread_mutex_unlock(&mount->lock);
	is_there = is_first && ft_mount_find_own(mount, &place);
	if (is_there)
		free(place.mountpoint);
	return is_there;
}

/* Nobody need wait for its operations any more, either. */
static void end_monitor(struct fusetrace_mount *mount)
{
	if (!mount->monitor)
		return;
	ft_engine_lock();
	ft_monitor_gone(mount->monitor);
	ft_engine_unlock();
}

/* Of a daemon that never mounted. */
static int fail_unmounted(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error)
{
	int status = 0;
	char end[64];

	describe_end(mount, end, sizeof(end));
	fusetrace_mount_status(mount, &status);
	end_monitor(mount);
	return ft_mount_fail(mount, reterr_error, -EPIPE, "it %s after %.3g s%s", end,
			     seconds_of(mount), status == 0 ? ", but nothing is mounted" : "");
}

/* Of one that has gone, with its mount or from under it. */
static int fail_gone(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error)
{
	char end[128] = "is no longer there";

	await_end(mount);
	if (ft_mount_running(mount, false) == 0) {
		describe_end(mount, end, sizeof(end));
		if (may_have_been_another(mount))
			strcat(end, ", or in the background, where nobody saw how,");
		end_monitor(mount);
	}
	return ft_mount_fail(mount, reterr_error, -EPIPE, "it was mounted, but %s after %.3g s",
			     end, seconds_of(mount));
}

static int fail_late(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error)
{
	bool is_stopped;

	pthread_mutex_lock(&mount->lock);
	is_stopped = ft_processes_is_stopped(&mount->processes);
	pthread_mutex_unlock(&mount->lock);
	return ft_mount_fail(
		mount, reterr_error, -ETIMEDOUT, "%s within %.3g s%s",
		mount->is_mounted ? "it is mounted, but has not answered" : "nothing was mounted",
		seconds_of(mount), is_stopped ? "; its process is stopped, as by SIGSTOP" : "");
}

/* ---- waiting ---- */

/* Whether no process is left that could still mount or answer. */
static bool is_deserted(struct fusetrace_mount *mount)
{
	int status;

	ft_mount_running(mount, false);
	if (fusetrace_mount_status(mount, &status) == 0)
		return false;
	/* One that forked and ended during the first look has its child in the second. */
	return ft_mount_running(mount, true) == 0 && ft_mount_running(mount, true) == 0 &&
	       !ft_mount_may_be_served(mount);
}

static bool has_failed(struct fusetrace_mount *mount)
{
	int status;

	return fusetrace_mount_status(mount, &status) == 1 && status;
}

static int wait_for_mount(struct fusetrace_mount *mount, uint64_t deadline_ns,
			  struct fusetrace_error *reterr_error)
{
	int r;

	for (;;) {
		bool is_over = has_failed(mount) || is_deserted(mount);

		r = ft_mount_look(mount); /* after the look at the processes */
		if (r)
			return r < 0 ? ft_mount_fail(mount, reterr_error, r, "%s",
						     fusetrace_strerror(r))
				     : 0;
		if (is_over)
			return fail_unmounted(mount, reterr_error);
		r = ft_mount_sleep(mount, NULL, 0, deadline_ns);
		if (r == -ETIMEDOUT && ft_mount_look(mount) <= 0)
			return fail_late(mount, reterr_error);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
	}
}

static int ask(const char *path, int flags)
{
	struct statfs ignored;

	(void)flags;
	return statfs(path, &ignored) < 0 ? -errno : 0;
}

static bool is_no_answer(int r)
{
	return r == -ENOTCONN || r == -ECONNABORTED || r == -ECONNREFUSED;
}

/* 0 answered, -EPIPE the connection is no more, -ETIMEDOUT, -EINTR: the probe goes on. */
static int wait_for_probe(struct fusetrace_mount *mount, uint64_t deadline_ns)
{
	struct pollfd probe;
	int result = 0;
	int r = 0;

	if (!mount->probe)
		r = ft_task_start(ask, mount->mountpoint, 0, mount->monitor, &mount->probe);
	while (r == 0 && !ft_task_is_done(mount->probe, &result)) {
		if (is_deserted(mount))
			return -EPIPE;
		probe = (struct pollfd){.fd = ft_task_fd(mount->probe), .events = POLLIN};
		r = ft_mount_sleep(mount, &probe, 1, deadline_ns);
	}
	if (r < 0)
		return r;
	mount->probe = ft_task_free(mount->probe);
	return is_no_answer(result) ? -EPIPE : 0;
}

/*
 * The kernel sends nothing else before INIT is answered: any operation that has ended tells it. The
 * processes are watched beside it: one that was gone, and reaped, before the monitor knew of its mount
 * is none that the monitor could watch.
 */
static int wait_for_trace(struct fusetrace_mount *mount, uint64_t deadline_ns)
{
	const struct fusetrace_match *any =
		FUSETRACE_MATCH(.flags = FUSETRACE_MATCH_ALLOW_FAILURE | FUSETRACE_MATCH_IN_FLIGHT);
	const struct fusetrace_mark from_its_start = {0};
	struct fusetrace_expect *expect;
	struct fusetrace_op *op = NULL;
	struct pollfd descriptor;
	int error = 0;
	int r = fusetrace_expect_new(mount->monitor, &from_its_start, &any, 1, FUSETRACE_ORDER_ANY,
				     &expect, NULL);

	if (r < 0)
		return r;
	while ((r = fusetrace_expect_wait(expect, 0, &op, NULL)) == -ETIMEDOUT) {
		r = is_deserted(mount) ? -EPIPE : 0;
		descriptor = (struct pollfd){.fd = fusetrace_expect_fd(expect), .events = POLLIN};
		if (r == 0)
			r = ft_mount_sleep(mount, &descriptor, 1, deadline_ns);
		if (r < 0)
			break;
	}
	fusetrace_expect_free(expect);
	if (r < 0)
		return r == -ENOTCONN || r == -ESHUTDOWN ? -EPIPE : r;
	error = strcmp(fusetrace_op_name(op), "init") == 0 ? fusetrace_op_errno(op) : 0;
	fusetrace_op_unref(op);
	return error ? -EPIPE : 0;
}

static int wait_for_answer(struct fusetrace_mount *mount, uint64_t deadline_ns)
{
	int r = -EOVERFLOW;

	if (mount->monitor && !mount->probe &&
	    fusetrace_monitor_source(mount->monitor) == FUSETRACE_SOURCE_KERNEL)
		r = wait_for_trace(mount, deadline_ns);
	return r == -EOVERFLOW ? wait_for_probe(mount, deadline_ns) : r;
}

/* What answered was the directory below if the mount has gone again. */
static bool is_there(struct fusetrace_mount *mount)
{
	struct ft_place place;

	if (!ft_mount_find_own(mount, &place))
		return false;
	free(place.mountpoint);
	return !is_deserted(mount);
}

int fusetrace_mount_wait_ready(struct fusetrace_mount *mount, uint64_t timeout_ns,
			       struct fusetrace_error *reterr_error)
{
	uint64_t deadline_ns = ft_deadline_ns(timeout_ns);
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	r = wait_for_mount(mount, deadline_ns, reterr_error);
	if (r < 0)
		return r;
	r = mount->is_ready ? 0 : wait_for_answer(mount, deadline_ns);
	if (r == -EINTR)
		return r;
	if (r == -ETIMEDOUT)
		return fail_late(mount, reterr_error);
	if (r == -EPIPE || (r == 0 && !is_there(mount)))
		return fail_gone(mount, reterr_error);
	if (r < 0)
		return ft_mount_fail(mount, reterr_error, r, "%s", fusetrace_strerror(r));
	mount->is_ready = true;
	return 0;
}
