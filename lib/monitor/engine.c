/* SPDX-License-Identifier: MIT */
/* The engine of ft_engine.h: routes records to monitors, and watches mounts and daemons. */
#include "engine_state.h"

#include <errno.h>
#include <linux/types.h>
#include <poll.h>
#include <string.h>

#include "../../bpf/record.h"

struct ft_engine ft_engine = {
	.lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
	.loop = FT_LOOP_CLOSED,
};

void ft_engine_lock(void)
{
	pthread_mutex_lock(&ft_engine.lock);
}

void ft_engine_unlock(void)
{
	pthread_mutex_unlock(&ft_engine.lock);
}

bool ft_engine_is_traced(uint32_t connection)
{
	struct ft_hash_node *at =
		ft_hash_first(&ft_engine.by_connection, ft_hash_number(connection));

	for (; at; at = ft_hash_next(at)) {
		if (FT_CONTAINER(at, struct fusetrace_monitor, by_connection)->connection ==
		    connection)
			return true;
	}
	return false;
}

/* ---- records ---- */

/* Of a connection that is no monitor's yet. */
static void keep(const struct ft_record *record)
{
	if (!ft_engine.takes_unknown)
		return;
	if (ft_kernel_is_first(record)) {
		ft_list_foreach (at, &ft_engine.monitors)
			ft_monitor_on_new(FT_CONTAINER(at, struct fusetrace_monitor, of_engine),
					  record->connection);
	}
	ft_orphans_keep(&ft_engine.orphans, record, ft_kernel_record_size(record));
}

static void on_record(const struct ft_record *record, void *data)
{
	struct ft_hash_node *at =
		ft_hash_first(&ft_engine.by_connection, ft_hash_number(record->connection));
	bool is_taken = false;

	for (; at; at = ft_hash_next(at)) {
		struct fusetrace_monitor *monitor =
			FT_CONTAINER(at, struct fusetrace_monitor, by_connection);

		if (monitor->connection != record->connection)
			continue;
		ft_monitor_on_record(monitor, record);
		is_taken |= !monitor->is_replaced;
	}
	if (!is_taken)
		keep(record);
}

static void check_lost(void)
{
	uint64_t lost_any = ft_kernel_lost_any(ft_engine.kernel);

	if (lost_any == ft_engine.lost_any)
		return;
	ft_engine.lost_any = lost_any;
	ft_list_foreach (at, &ft_engine.monitors) {
		struct fusetrace_monitor *monitor =
			FT_CONTAINER(at, struct fusetrace_monitor, of_engine);

		if (monitor->state == FUSETRACE_STATE_MOUNTED && ft_engine_is_kernel(monitor))
			ft_monitor_on_lost(monitor,
					   ft_kernel_lost(ft_engine.kernel, monitor->connection));
	}
}

int ft_engine_drain(void)
{
	int r = 0;

	if (ft_engine.kernel) {
		r = ft_kernel_drain(ft_engine.kernel, on_record, NULL);
		check_lost();
	}
	if (!ft_engine.log_count)
		return r;
	ft_engine.is_flooded = false;
	ft_list_foreach (at, &ft_engine.monitors)
		ft_engine.is_flooded |=
			ft_monitor_read_logs(FT_CONTAINER(at, struct fusetrace_monitor, of_engine));
	return r;
}

void ft_engine_update_awaited(void)
{
	uint64_t opcodes = 0;

	if (!ft_engine.kernel)
		return;
	ft_list_foreach (at, &ft_engine.monitors)
		opcodes |= FT_CONTAINER(at, struct fusetrace_monitor, of_engine)->waiters.opcodes;
	ft_kernel_await(ft_engine.kernel, opcodes);
}

bool ft_engine_resolve(uint64_t super, struct ft_nodes *nodes, uint64_t nodeid)
{
	return ft_engine.kernel && ft_kernel_resolve(ft_engine.kernel, super, nodes, nodeid);
}

/* ---- mounts and daemons ---- */

void ft_engine_update_take_unknown(void)
{
	ft_engine.takes_unknown = false;
	if (!ft_engine.kernel)
		return;
	ft_list_foreach (at, &ft_engine.monitors) {
		const struct fusetrace_monitor *monitor =
			FT_CONTAINER(at, struct fusetrace_monitor, of_engine);

		ft_engine.takes_unknown |=
			ft_engine_is_kernel(monitor) && monitor->state == FUSETRACE_STATE_PENDING;
	}
	ft_kernel_take_unknown(ft_engine.kernel, ft_engine.takes_unknown);
	if (!ft_engine.takes_unknown)
		ft_orphans_done(&ft_engine.orphans);
}

void ft_engine_include(uint32_t connection)
{
	if (ft_engine.kernel && !ft_engine_is_traced(connection))
		ft_kernel_forget(ft_engine.kernel, connection);
}

void ft_engine_forget_excluded(struct fusetrace_monitor *monitor)
{
	for (size_t i = 0; i < monitor->before.count; i++)
		ft_engine_include(monitor->before.entries[i].connection);
	ft_mounts_done(&monitor->before);
}

static void replay(const struct ft_record *record, void *data)
{
	ft_monitor_on_record(data, record);
}

void ft_engine_adopt(struct fusetrace_monitor *monitor, uint32_t connection)
{
	uint64_t missed, lost;

	monitor->connection = connection;
	if (!ft_engine_is_kernel(monitor)) {
		ft_mounts_done(&monitor->before);
		return;
	}
	if (!ft_engine_is_traced(connection))
		ft_kernel_trace(ft_engine.kernel, connection, true);
	ft_engine_drain();
	/* What was lost while nobody knew whose it was may have been this mount's. */
	missed = ft_kernel_lost_unknown(ft_engine.kernel) - monitor->lost_before +
		 ft_engine.orphans.dropped;
	lost = ft_kernel_lost(ft_engine.kernel, connection);
	monitor->lost_before = lost - missed;
	ft_monitor_on_lost(monitor, lost);
	ft_hash_insert(&ft_engine.by_connection, &monitor->by_connection,
		       ft_hash_number(connection));
	ft_orphans_each(&ft_engine.orphans, connection, replay, monitor);
	ft_engine_forget_excluded(monitor);
}

void ft_engine_check_mounts(void)
{
	struct ft_mounts mounts;

	if (ft_mounts_read(&mounts) < 0)
		return;
	ft_engine_drain();
	ft_list_foreach (at, &ft_engine.monitors)
		ft_monitor_on_mounts(FT_CONTAINER(at, struct fusetrace_monitor, of_engine),
				     &mounts);
	ft_mounts_done(&mounts);
	ft_engine_update_take_unknown();
}

void ft_engine_on_exit_of(int pidfd)
{
	struct pollfd descriptor = {.fd = pidfd, .events = POLLIN};

	/* Since the event was noted, the number may have become that of another daemon. */
	if (poll(&descriptor, 1, 0) != 1)
		return;
	ft_engine_drain();
	ft_loop_unwatch(&ft_engine.loop, pidfd);
	ft_list_foreach (at, &ft_engine.monitors)
		ft_monitor_on_exit(FT_CONTAINER(at, struct fusetrace_monitor, of_engine), pidfd);
}

int ft_engine_watch(int pidfd)
{
	return ft_loop_watch(&ft_engine.loop, pidfd);
}

void ft_engine_unwatch(int pidfd)
{
	ft_loop_unwatch(&ft_engine.loop, pidfd);
}

int ft_engine_watch_log(int fd)
{
	int r = ft_loop_watch_log(&ft_engine.loop, fd);

	ft_engine.log_count += r == 0;
	return r;
}

void ft_engine_unwatch_log(int fd)
{
	ft_loop_unwatch(&ft_engine.loop, fd);
	ft_engine.log_count--;
}

/* The mounts come first: a daemon that was unmounted ends, too, and that is not why. */
void ft_engine_look_for_end(struct fusetrace_monitor *monitor)
{
	int pidfds[FT_DAEMONS_MAX];
	int count = monitor->daemon_count;

	memcpy(pidfds, monitor->pidfds, sizeof(pidfds));
	ft_engine_check_mounts();
	for (int i = 0; monitor->state == FUSETRACE_STATE_MOUNTED && i < count; i++)
		ft_engine_on_exit_of(pidfds[i]);
}
