/* SPDX-License-Identifier: MIT */
/*
 * The monitor: its life from new to free, and what sources tell it. Its mount and daemons are in
 * monitor_mount.c, what reads its history is in query.c, what waits for it in wait.c.
 */
#include "monitor.h"

#include <errno.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bpf/record.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "check.h"
#include "engine.h"
#include "op/opcode.h"
#include "probe.h"
#include "process/daemons.h"
#include "source/source_kernel.h"
#include "source/wire.h"

#define MAX_OPS_BY_DEFAULT (1u << 20)
/* PROC_PID_INIT_INO of the kernel's linux/proc_ns.h */
#define INITIAL_PIDS 0xEFFFFFFCu
#define MAX_OPS_MAX (UINT64_C(1) << 32) /* half a terabyte */

FT_DEFINE_CLEANUP(struct fusetrace_monitor, fusetrace_monitor_free)
#define AUTO_MONITOR FT_CLEANUP(fusetrace_monitor_free_cleanup)

int ft_monitor_enter(const struct fusetrace_monitor *monitor)
{
	if (!monitor)
		return -EINVAL;
	if (monitor->owner != getpid())
		return -ECHILD;
	return ft_check_is_running() ? -EDEADLK : 0;
}

/* ---- what the tracker asks and tells ---- */

static bool resolve(struct ft_nodes *nodes, uint64_t nodeid, void *data)
{
	const struct fusetrace_monitor *monitor = data;

	return ft_engine_resolve(monitor->super, nodes, nodeid);
}

/* When a recording's operation ended; one of another clock's future, or of no clock, ended now. */
static void note_replayed(struct fusetrace_monitor *monitor, const struct fusetrace_op *op)
{
	uint64_t now = monitor->fed_ns;
	uint64_t end_ns = (op->present & FT_HAS(START_NS)) ? op->start_ns + op->duration_ns : now;

	if (end_ns > now || end_ns < op->start_ns)
		end_ns = now;
	if (end_ns > monitor->last_event_ns)
		monitor->last_event_ns = end_ns;
}

static void on_done(struct fusetrace_op *op, void *data)
{
	struct fusetrace_monitor *monitor = data;

	ft_summary_add(&monitor->totals, op);
	ft_waiters_notify(&monitor->waiters, op);
	if (monitor->source != FUSETRACE_SOURCE_KERNEL)
		note_replayed(monitor, op);
}

/* ---- new and free ---- */

/* Whether this process has the numbers of threads that the BPF program sees. */
static bool is_in_initial_pids(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == INITIAL_PIDS;
}

static int find_mount(struct fusetrace_monitor *monitor, const char *path,
		      struct fusetrace_error *reterr_error)
{
	struct ft_mounts mounts FT_CLEANUP(ft_mounts_done) = {0};
	const struct ft_mount *mount = NULL;
	int r = ft_mounts_read(&mounts);

	if (r == 0)
		r = ft_mounts_find(&mounts, path, &mount);
	if (r == -EMEDIUMTYPE)
		return ft_error(
			reterr_error, r,
			"%s is not on a FUSE mount: give a mountpoint of /proc/self/mountinfo "
			"or a path under one",
			path);
	if (r < 0)
		return ft_error(reterr_error, r, "%s: %s", path, fusetrace_strerror(r));
	monitor->connection = mount->connection;
	monitor->mountpoint = strdup(mount->mountpoint);
	return monitor->mountpoint ? 0 : -ENOMEM;
}

static int check_opts(const struct fusetrace_monitor_opts *opts,
		      struct fusetrace_error *reterr_error)
{
	bool is_pending = opts->flags & FUSETRACE_MONITOR_PENDING;

	if (opts->sz != sizeof(*opts))
		return ft_error(reterr_error, -EINVAL,
				"options of another version of the library: use "
				"FUSETRACE_MONITOR_OPTS()");
	if (opts->source > FUSETRACE_SOURCE_REPLAY)
		return ft_error(reterr_error, -EINVAL, "source %u cannot be monitored",
				opts->source);
	if (opts->max_ops > MAX_OPS_MAX)
		return ft_error(reterr_error, -EINVAL, "max_ops %llu: at most %llu can be kept",
				(unsigned long long)opts->max_ops, (unsigned long long)MAX_OPS_MAX);
	if (opts->source < FUSETRACE_SOURCE_LOG && !opts->mount == !is_pending)
		return ft_error(reterr_error, -EINVAL,
				"either a mount or FUSETRACE_MONITOR_PENDING is needed");
	return 0;
}

int fusetrace_monitor_new(const struct fusetrace_monitor_opts *opts,
			  struct fusetrace_monitor **ret_monitor,
			  struct fusetrace_error *reterr_error)
{
	struct fusetrace_monitor *monitor AUTO_MONITOR = NULL;
	int r;

	if (!opts || !ret_monitor)
		return ft_error(reterr_error, -EINVAL, "no options or no place for the monitor");
	r = check_opts(opts, reterr_error);
	if (r < 0)
		return r;
	ft_engine_handle_forks();
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return ft_error(reterr_error, -ENOMEM, "out of memory");
	ft_list_init(&monitor->of_engine);
	ft_list_init(&monitor->logs);
	monitor->exit_pidfd = -1;
	monitor->owner = getpid();
	monitor->sees_threads = is_in_initial_pids();
	monitor->flags = opts->flags;
	monitor->ring_bytes = opts->ring_bytes;
	monitor->is_auto = opts->source == FUSETRACE_SOURCE_AUTO;
	monitor->source = opts->source ? opts->source : FUSETRACE_SOURCE_KERNEL;
	ft_summary_init(&monitor->totals);
	ft_wait_log_init(&monitor->waits);
	if (opts->mount && monitor->source != FUSETRACE_SOURCE_REPLAY)
		r = find_mount(monitor, opts->mount, reterr_error);
	if (r < 0)
		return r;
	monitor->history = ft_history_new(opts->max_ops ? opts->max_ops : MAX_OPS_BY_DEFAULT);
	if (monitor->history)
		monitor->tracker = ft_tracker_new(monitor->source, monitor->history, resolve,
						  on_done, monitor);
	if (!monitor->tracker)
		return ft_error(reterr_error, -ENOMEM, "out of memory");
	monitor->replay.records.tracker = monitor->tracker;
	monitor->replay.records.source = FUSETRACE_SOURCE_REPLAY;
	if (monitor->source == FUSETRACE_SOURCE_LOG) {
		monitor->log = ft_log_new(monitor->tracker, false);
		if (!monitor->log)
			return ft_error(reterr_error, -ENOMEM, "out of memory");
	}
	*ret_monitor = FT_STEAL_PTR(monitor);
	return 0;
}

struct fusetrace_monitor *fusetrace_monitor_free(struct fusetrace_monitor *monitor)
{
	if (!monitor)
		return NULL;
	if (monitor->owner == getpid() && monitor->tracker) {
		fusetrace_monitor_stop(monitor);
		ft_probes_forget(monitor);
	}
	for (int i = 0; i < monitor->daemon_count; i++)
		close(monitor->pidfds[i]);
	if (monitor->exit_pidfd >= 0)
		close(monitor->exit_pidfd);
	ft_replay_done(&monitor->replay);
	ft_log_free(monitor->log);
	ft_unparsed_done(&monitor->unparsed);
	ft_monitor_free_logs(monitor);
	ft_listings_done(&monitor->listings);
	ft_waiters_done(&monitor->waiters);
	ft_wait_log_done(&monitor->waits);
	ft_summary_done(&monitor->totals);
	ft_tracker_free(monitor->tracker);
	ft_history_unref(monitor->history);
	ft_mounts_done(&monitor->before);
	ft_command_line_done(&monitor->followed_line);
	free(monitor->mountpoint);
	free(monitor->trace_path);
	free(monitor);
	return NULL;
}

/* ---- states ---- */

void ft_monitor_end(struct fusetrace_monitor *monitor, uint32_t state)
{
	if (monitor->state >= state ||
	    (monitor->state == FUSETRACE_STATE_NEW && state != FUSETRACE_STATE_STOPPED))
		return;
	monitor->state = state;
	/* A waiter that wakes up after the stop still learns what had happened before. */
	if (!monitor->end)
		monitor->end = state;
	/* After a lazy unmount what is in flight is still answered. */
	if (state != FUSETRACE_STATE_UNMOUNTED)
		ft_tracker_abandon(monitor->tracker);
	ft_waiters_notify_all(&monitor->waiters);
}

uint32_t fusetrace_monitor_source(struct fusetrace_monitor *monitor)
{
	uint32_t source;

	ft_engine_lock();
	source = monitor->source;
	ft_engine_unlock();
	return source;
}

uint32_t fusetrace_monitor_state(struct fusetrace_monitor *monitor)
{
	uint32_t state;

	ft_engine_lock();
	state = monitor->state;
	ft_engine_unlock();
	return state;
}

const char *fusetrace_monitor_mountpoint(struct fusetrace_monitor *monitor)
{
	const char *mountpoint;

	ft_engine_lock();
	mountpoint = monitor->mountpoint;
	ft_engine_unlock();
	return mountpoint;
}

/* ---- start and stop ---- */

static int start_live(struct fusetrace_monitor *monitor, struct fusetrace_error *reterr_error)
{
	pid_t pids[FT_DAEMONS_MAX];
	int count;
	int r = 0;

	if (monitor->flags & FUSETRACE_MONITOR_PENDING) {
		r = ft_mounts_read(&monitor->before);
		monitor->state = FUSETRACE_STATE_PENDING;
	} else {
		monitor->state = FUSETRACE_STATE_MOUNTED;
		monitor->has_begun = true;
	}
	if (r == 0)
		r = ft_engine_add(monitor, !(monitor->flags & FUSETRACE_MONITOR_NO_THREAD),
				  reterr_error);
	if (r < 0) {
		monitor->state = FUSETRACE_STATE_NEW;
		return r;
	}
	if (!monitor->connection)
		return 0;
	/* This may read all of /proc: not while others wait for the lock. */
	count = ft_daemons_of_connection(monitor->connection, pids, FT_DAEMONS_MAX);
	ft_engine_lock();
	ft_monitor_add_daemons(monitor, pids, count);
	ft_engine_unlock();
	return 0;
}

/* The kernel if it can be traced, else what the daemon prints. */
static int start_some(struct fusetrace_monitor *monitor, struct fusetrace_error *reterr_error)
{
	int r = start_live(monitor, reterr_error);

	if (!monitor->is_auto || (r != -EPERM && r != -EOPNOTSUPP) ||
	    ft_list_is_empty(&monitor->logs))
		return r;
	r = ft_monitor_use_logs(monitor);
	return r < 0 ? ft_error(reterr_error, r, "out of memory")
		     : start_live(monitor, reterr_error);
}

int fusetrace_monitor_start(struct fusetrace_monitor *monitor, struct fusetrace_error *reterr_error)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return ft_error(reterr_error, r, "%s", fusetrace_strerror(r));
	if (fusetrace_monitor_state(monitor) != FUSETRACE_STATE_NEW)
		return ft_error(reterr_error, -EALREADY, "the monitor was started before");
	monitor->last_event_ns = ft_now_ns(); /* of the time before, nothing is known */
	if (monitor->source != FUSETRACE_SOURCE_REPLAY)
		return start_some(monitor, reterr_error);
	ft_engine_lock();
	monitor->state = FUSETRACE_STATE_MOUNTED;
	ft_engine_unlock();
	return 0;
}

int fusetrace_monitor_stop(struct fusetrace_monitor *monitor)
{
	if (!monitor)
		return -EINVAL;
	if (monitor->owner != getpid())
		return -ECHILD;
	ft_engine_lock();
	/* Who waits is told how it ended, not that somebody stopped the monitor a moment later. */
	if (monitor->is_attached && monitor->state == FUSETRACE_STATE_MOUNTED)
		ft_engine_look_for_end(monitor);
	ft_engine_unlock();
	ft_engine_remove(monitor);
	ft_engine_lock();
	ft_monitor_end(monitor, FUSETRACE_STATE_STOPPED);
	ft_engine_unlock();
	return 0;
}

int fusetrace_interrupt(struct fusetrace_monitor *monitor)
{
	if (!monitor)
		return -EINVAL;
	if (monitor->owner != getpid())
		return -ECHILD;
	ft_engine_lock();
	monitor->interrupts++;
	ft_waiters_notify_all(&monitor->waiters);
	ft_engine_unlock();
	return 0;
}

int ft_monitor_ignore(struct fusetrace_monitor *monitor, pid_t thread, bool is_ignored)
{
	if (monitor->is_attached)
		ft_engine_drain(); /* a log's lines count by when they are read */
	return ft_tracker_ignore(monitor->tracker, (uint32_t)thread, is_ignored, ft_now_ns());
}

int fusetrace_monitor_ignore(struct fusetrace_monitor *monitor, pid_t thread, int is_ignored)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0 || thread <= 0)
		return r < 0 ? r : -EINVAL;
	ft_engine_lock();
	r = ft_monitor_ignore(monitor, thread, is_ignored);
	ft_engine_unlock();
	return r;
}

int fusetrace_fd(struct fusetrace_monitor *monitor)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	return monitor->is_attached ? ft_engine_fd() : -EINVAL;
}

int fusetrace_process(struct fusetrace_monitor *monitor)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	r = monitor->is_attached ? ft_engine_process() : 0;
	ft_monitor_tell_unparsed(monitor);
	return r;
}

/* ---- events ---- */

struct listed {
	struct fusetrace_monitor *monitor;
	uint64_t directory;
};

static void on_listed(uint64_t nodeid, struct ft_bytes name, void *data)
{
	const struct listed *listed = data;

	ft_tracker_entry(listed->monitor->tracker, listed->directory, name, nodeid);
}

/* What a READDIRPLUS reply names becomes known before anybody uses it. */
static void learn_listing(struct fusetrace_monitor *monitor, const struct ft_record *record)
{
	struct ft_bytes listing = ft_listings_take(&monitor->listings, record->key);
	struct listed listed = {monitor, record->nodeid};

	ft_wire_entries(listing.data, listing.length, on_listed, &listed);
}

static void on_event(struct fusetrace_monitor *monitor, const struct ft_record *record)
{
	struct ft_event event;
	bool is_begin = ft_kernel_event(record, &event);
	bool is_counted;

	/* The kernel gives numbers of connections out again. */
	if (ft_kernel_is_first(record) && monitor->has_begun) {
		monitor->is_replaced = true;
		ft_monitor_end(monitor, FUSETRACE_STATE_UNMOUNTED);
		ft_tracker_abandon(monitor->tracker);
	}
	if (monitor->is_replaced || !monitor->is_confirmed)
		return;
	monitor->super = record->super;
	if (!monitor->sees_threads)
		event.thread = 0;
	is_counted = is_begin ? ft_tracker_begin(monitor->tracker, &event)
			      : ft_tracker_end(monitor->tracker, &event);
	if (is_counted && !(ft_opcode_get(event.opcode)->behaviour & FT_OPCODE_UNTIMED))
		monitor->last_event_ns = event.time_ns;
}

void ft_monitor_on_record(struct fusetrace_monitor *monitor, const struct ft_record *record)
{
	struct ft_bytes data = {(const char *)(record + 1), record->size};

	if (record->kind == FT_RECORD_LISTING) {
		ft_listings_add(&monitor->listings, record->key, record->total, data);
		return;
	}
	if (record->kind == FT_RECORD_END)
		learn_listing(monitor, record);
	on_event(monitor, record);
}

void ft_monitor_on_cached(struct fusetrace_monitor *monitor, uint64_t directory,
			  struct ft_bytes name, uint64_t nodeid, bool is_gone)
{
	if (is_gone)
		ft_tracker_unlinked(monitor->tracker, directory, name, nodeid);
	else
		ft_tracker_entry(monitor->tracker, directory, name, nodeid);
}

void ft_monitor_on_lost(struct fusetrace_monitor *monitor, uint64_t total)
{
	uint64_t lost = total - monitor->lost_before;

	if (lost == monitor->lost)
		return;
	monitor->lost = lost;
	ft_waiters_notify_all(&monitor->waiters);
}
