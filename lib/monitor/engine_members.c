/* SPDX-License-Identifier: MIT */
/*
 * Monitors come and go: the first one brings loop, thread and kernel source up, the last one takes
 * them down, and a forked child has none of it.
 */
#include <pthread.h>

#include "base/error.h"
#include "engine_state.h"
#include "process/daemons_kernel.h"

/* Serialises adding and removing monitors, which may load programs and join the thread. */
static pthread_mutex_t setup_lock = PTHREAD_MUTEX_INITIALIZER;

/* setup_lock held, as for all that brings something up. */
static void bring_down(void)
{
	ft_loop_close(&ft_engine.loop);
	ft_engine.has_leader = false;
	ft_daemons_kernel_use(-1);
	ft_engine.kernel = ft_kernel_free(ft_engine.kernel);
	ft_hash_done(&ft_engine.by_connection);
	ft_orphans_done(&ft_engine.orphans);
	ft_engine.is_up = false;
}

/* ---- forks ---- */

static void before_fork(void)
{
	pthread_mutex_lock(&setup_lock);
	ft_engine_lock();
}

static void after_fork_in_parent(void)
{
	ft_engine_unlock();
	pthread_mutex_unlock(&setup_lock);
}

/*
 * The child has the parent's ring and descriptors, which it must not touch, but not its thread: it
 * gives all of it up and may start anew.
 */
static void after_fork_in_child(void)
{
	ft_engine.has_thread = false;
	if (ft_engine.is_up)
		bring_down();
	ft_engine_unlock();
	pthread_mutex_unlock(&setup_lock);
}

static void handle_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void ft_engine_handle_forks(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, handle_forks);
}

/* ---- up ---- */

static int bring_up(struct fusetrace_error *reterr_error)
{
	int r;

	if (ft_engine.is_up)
		return 0;
	ft_list_init(&ft_engine.monitors);
	ft_engine.log_count = 0;
	r = ft_hash_init(&ft_engine.by_connection);
	if (r == 0)
		r = ft_engine_open_loop();
	if (r < 0) {
		bring_down();
		return ft_error(reterr_error, r, "cannot set up the trace: %s",
				fusetrace_strerror(r));
	}
	ft_engine.is_up = true;
	return 0;
}

/* The kernel source, for the first monitor that needs it. */
static int bring_kernel_up(uint64_t ring_bytes, struct fusetrace_error *reterr_error)
{
	struct ft_kernel *kernel;
	int r;

	if (ft_engine.kernel)
		return 0;
	r = ft_kernel_new(ring_bytes, &kernel, reterr_error);
	if (r < 0)
		return r;
	ft_engine_lock();
	r = ft_loop_add_ring(&ft_engine.loop, ft_kernel_fd(kernel));
	if (r == 0) {
		ft_engine.lost_any = 0;
		ft_engine.kernel = kernel;
	}
	ft_engine_unlock();
	if (r < 0) {
		ft_kernel_free(kernel);
		return ft_error(reterr_error, r, "cannot set up the trace: %s",
				fusetrace_strerror(r));
	}
	ft_daemons_kernel_use(ft_kernel_holders_fd(kernel));
	return 0;
}

struct cached {
	struct fusetrace_monitor *monitor;
	bool is_gone; /* which ones are wanted */
};

static void on_cached(uint64_t directory, struct ft_bytes name, uint64_t nodeid, bool is_gone,
		      void *data)
{
	const struct cached *cached = data;

	if (is_gone == cached->is_gone)
		ft_monitor_on_cached(cached->monitor, directory, name, nodeid, is_gone);
}

/*
 * Lock held. What the kernel knows of a mount that is in use already. Twice: a name that is gone
 * may be the one of another file now, which must be known first.
 */
static void learn_cached(struct fusetrace_monitor *monitor)
{
	struct cached cached = {.monitor = monitor};

	ft_kernel_snapshot(ft_engine.kernel, monitor->mountpoint, on_cached, &cached,
			   &monitor->super);
	cached.is_gone = true;
	ft_kernel_snapshot(ft_engine.kernel, monitor->mountpoint, on_cached, &cached,
			   &monitor->super);
}

/* Lock held. */
static int enter(struct fusetrace_monitor *monitor)
{
	int r = 0;

	monitor->is_attached = true;
	ft_list_append(&ft_engine.monitors, &monitor->of_engine);
	r = ft_monitor_watch_logs(monitor);
	if (r < 0)
		return r;
	if (!ft_engine_is_kernel(monitor)) {
		if (monitor->connection)
			ft_engine_check_mounts(); /* it may have gone since it was looked up */
		return 0;
	}
	if (monitor->state == FUSETRACE_STATE_MOUNTED) {
		if (!ft_engine_is_traced(monitor->connection))
			r = ft_kernel_trace(ft_engine.kernel, monitor->connection, true);
		ft_engine_drain(); /* what came before is not ours */
		monitor->lost_before = ft_kernel_lost(ft_engine.kernel, monitor->connection);
		ft_hash_insert(&ft_engine.by_connection, &monitor->by_connection,
			       ft_hash_number(monitor->connection));
		learn_cached(monitor);
		ft_engine_check_mounts(); /* it may have gone since it was looked up */
		return r;
	}
	monitor->lost_before = ft_kernel_lost_unknown(ft_engine.kernel);
	for (size_t i = 0; r == 0 && i < monitor->before.count; i++) {
		if (!ft_engine_is_traced(monitor->before.entries[i].connection))
			r = ft_kernel_trace(ft_engine.kernel, monitor->before.entries[i].connection,
					    false);
	}
	ft_engine_update_take_unknown();
	return r;
}

int ft_engine_add(struct fusetrace_monitor *monitor, bool with_thread,
		  struct fusetrace_error *reterr_error)
{
	int r;

	pthread_mutex_lock(&setup_lock);
	r = bring_up(reterr_error);
	if (r == 0 && ft_engine_is_kernel(monitor))
		r = bring_kernel_up(monitor->ring_bytes, reterr_error);
	if (r == 0) {
		ft_engine_lock();
		r = enter(monitor);
		ft_engine_unlock();
		if (r == 0 && with_thread)
			r = ft_engine_start_thread();
		if (r < 0)
			ft_error(reterr_error, r, "cannot start the trace: %s",
				 fusetrace_strerror(r));
	}
	if (r < 0 && ft_engine.is_up && ft_list_is_empty(&ft_engine.monitors)) {
		ft_engine_lock();
		bring_down();
		ft_engine_unlock();
	}
	pthread_mutex_unlock(&setup_lock);
	if (r < 0)
		ft_engine_remove(monitor);
	return r;
}

void ft_engine_remove(struct fusetrace_monitor *monitor)
{
	bool is_last;

	pthread_mutex_lock(&setup_lock);
	ft_engine_lock();
	if (!monitor->is_attached) { /* never added, or another thread was faster */
		ft_engine_unlock();
		pthread_mutex_unlock(&setup_lock);
		return;
	}
	ft_engine_drain();
	ft_list_remove(&monitor->of_engine);
	if (monitor->connection && ft_engine_is_kernel(monitor)) {
		ft_hash_remove(&ft_engine.by_connection, &monitor->by_connection);
		if (!ft_engine_is_traced(monitor->connection))
			ft_kernel_forget(ft_engine.kernel, monitor->connection);
	}
	ft_engine_forget_excluded(monitor);
	for (int i = 0; i < monitor->daemon_count; i++)
		ft_loop_unwatch(&ft_engine.loop, monitor->pidfds[i]);
	ft_monitor_unwatch_logs(monitor);
	ft_engine_update_take_unknown();
	ft_engine_update_awaited();
	monitor->is_attached = false;
	is_last = ft_list_is_empty(&ft_engine.monitors);
	ft_engine_unlock();
	if (is_last) {
		ft_engine_stop_thread();
		ft_engine_lock();
		bring_down();
		ft_engine_unlock();
	}
	pthread_mutex_unlock(&setup_lock);
}
