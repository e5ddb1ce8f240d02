/* SPDX-License-Identifier: MIT */
/*
 * The engine of engine.h: routes records to monitors, watches mounts and daemons, and runs the
 * thread. The thread blocks all signals and is named "fusetrace".
 */
#include "engine.h"

#include <errno.h>
#include <linux/types.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/record.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "loop.h"
#include "monitor.h"
#include "source/orphans.h"
#include "source/source_kernel.h"

/* How often the ring is emptied when nobody waits for anything: wake-ups are what tracing costs. */
#define DRAIN_INTERVAL_NS 20000000
/* How long the lock is left to others between two turns, while a daemon floods us. */
#define FLOOD_PAUSE_NS 200000
/*
 * ... and when somebody does while many other operations go on: those that lie before the awaited
 * one must be read first, so they shall not pile up.
 */
#define BUSY_INTERVAL_NS 1000000
#define BUSY_RECORDS 128 /* in DRAIN_INTERVAL_NS */

static struct engine {
	pthread_mutex_t lock;
	struct ft_list monitors; /* all below: lock */
	struct ft_hash by_connection;
	struct ft_kernel *kernel;
	uint64_t lost_any;
	bool takes_unknown; /* somebody is PENDING */
	size_t log_count;   /* streams of all monitors */
	struct ft_orphans orphans;
	bool is_up;
	bool has_thread;
	bool is_stopping;
	bool is_flooded;  /* a daemon prints faster than it can be read */
	pthread_t thread; /* has_thread */
	bool has_leader;
	uint64_t interval_ns; /* of the timer */
	struct ft_loop loop;  /* has its own rules */
} engine = {
	.lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
	.loop = FT_LOOP_CLOSED,
};

/* Serialises adding and removing monitors, which may load programs and join the thread. */
static pthread_mutex_t setup_lock = PTHREAD_MUTEX_INITIALIZER;

void ft_engine_lock(void)
{
	pthread_mutex_lock(&engine.lock);
}

void ft_engine_unlock(void)
{
	pthread_mutex_unlock(&engine.lock);
}

/* Whether some monitor has this connection. */
static bool is_traced(uint32_t connection)
{
	struct ft_hash_node *at = ft_hash_first(&engine.by_connection, ft_hash_number(connection));

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
	if (!engine.takes_unknown)
		return;
	if (ft_kernel_is_first(record)) {
		ft_list_foreach (at, &engine.monitors)
			ft_monitor_on_new(FT_CONTAINER(at, struct fusetrace_monitor, of_engine),
					  record->connection);
	}
	ft_orphans_keep(&engine.orphans, record, ft_kernel_record_size(record));
}

static void on_record(const struct ft_record *record, void *data)
{
	struct ft_hash_node *at =
		ft_hash_first(&engine.by_connection, ft_hash_number(record->connection));
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

static bool is_kernel(const struct fusetrace_monitor *monitor)
{
	return monitor->source == FUSETRACE_SOURCE_KERNEL;
}

static void check_lost(void)
{
	uint64_t lost_any = ft_kernel_lost_any(engine.kernel);

	if (lost_any == engine.lost_any)
		return;
	engine.lost_any = lost_any;
	ft_list_foreach (at, &engine.monitors) {
		struct fusetrace_monitor *monitor =
			FT_CONTAINER(at, struct fusetrace_monitor, of_engine);

		if (monitor->state == FUSETRACE_STATE_MOUNTED && is_kernel(monitor))
			ft_monitor_on_lost(monitor,
					   ft_kernel_lost(engine.kernel, monitor->connection));
	}
}

int ft_engine_drain(void)
{
	int r = 0;

	if (engine.kernel) {
		r = ft_kernel_drain(engine.kernel, on_record, NULL);
		check_lost();
	}
	if (!engine.log_count)
		return r;
	engine.is_flooded = false;
	ft_list_foreach (at, &engine.monitors)
		engine.is_flooded |=
			ft_monitor_read_logs(FT_CONTAINER(at, struct fusetrace_monitor, of_engine));
	return r;
}

void ft_engine_update_awaited(void)
{
	uint64_t opcodes = 0;

	if (!engine.kernel)
		return;
	ft_list_foreach (at, &engine.monitors)
		opcodes |= FT_CONTAINER(at, struct fusetrace_monitor, of_engine)->waiters.opcodes;
	ft_kernel_await(engine.kernel, opcodes);
}

bool ft_engine_resolve(uint64_t super, struct ft_nodes *nodes, uint64_t nodeid)
{
	return engine.kernel && ft_kernel_resolve(engine.kernel, super, nodes, nodeid);
}

/* ---- mounts and daemons ---- */

static void update_take_unknown(void)
{
	engine.takes_unknown = false;
	if (!engine.kernel)
		return;
	ft_list_foreach (at, &engine.monitors) {
		const struct fusetrace_monitor *monitor =
			FT_CONTAINER(at, struct fusetrace_monitor, of_engine);

		engine.takes_unknown |=
			is_kernel(monitor) && monitor->state == FUSETRACE_STATE_PENDING;
	}
	ft_kernel_take_unknown(engine.kernel, engine.takes_unknown);
	if (!engine.takes_unknown)
		ft_orphans_done(&engine.orphans);
}

void ft_engine_include(uint32_t connection)
{
	if (engine.kernel && !is_traced(connection))
		ft_kernel_forget(engine.kernel, connection);
}

/* Takes back what a PENDING monitor had excluded, once nobody is PENDING any more. */
static void forget_excluded(struct fusetrace_monitor *monitor)
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
	if (!is_kernel(monitor)) {
		ft_mounts_done(&monitor->before);
		return;
	}
	if (!is_traced(connection))
		ft_kernel_trace(engine.kernel, connection, true);
	ft_engine_drain();
	/* What was lost while nobody knew whose it was may have been this mount's. */
	missed = ft_kernel_lost_unknown(engine.kernel) - monitor->lost_before +
		 engine.orphans.dropped;
	lost = ft_kernel_lost(engine.kernel, connection);
	monitor->lost_before = lost - missed;
	ft_monitor_on_lost(monitor, lost);
	ft_hash_insert(&engine.by_connection, &monitor->by_connection, ft_hash_number(connection));
	ft_orphans_each(&engine.orphans, connection, replay, monitor);
	forget_excluded(monitor);
}

void ft_engine_check_mounts(void)
{
	struct ft_mounts mounts;

	if (ft_mounts_read(&mounts) < 0)
		return;
	ft_engine_drain();
	ft_list_foreach (at, &engine.monitors)
		ft_monitor_on_mounts(FT_CONTAINER(at, struct fusetrace_monitor, of_engine),
				     &mounts);
	ft_mounts_done(&mounts);
	update_take_unknown();
}

static void on_exit_of(int pidfd)
{
	struct pollfd descriptor = {.fd = pidfd, .events = POLLIN};

	/* Since the event was noted, the number may have become that of another daemon. */
	if (poll(&descriptor, 1, 0) != 1)
		return;
	ft_engine_drain();
	ft_loop_unwatch(&engine.loop, pidfd);
	ft_list_foreach (at, &engine.monitors)
		ft_monitor_on_exit(FT_CONTAINER(at, struct fusetrace_monitor, of_engine), pidfd);
}

int ft_engine_watch(int pidfd)
{
	return ft_loop_watch(&engine.loop, pidfd);
}

int ft_engine_watch_log(int fd)
{
	int r = ft_loop_watch_log(&engine.loop, fd);

	engine.log_count += r == 0;
	return r;
}

void ft_engine_unwatch_log(int fd)
{
	ft_loop_unwatch(&engine.loop, fd);
	engine.log_count--;
}

/* The mounts come first: a daemon that was unmounted ends, too, and that is not why. */
void ft_engine_look_for_end(struct fusetrace_monitor *monitor)
{
	int pidfds[FT_DAEMONS_MAX];
	int count = monitor->daemon_count;

	memcpy(pidfds, monitor->pidfds, sizeof(pidfds));
	ft_engine_check_mounts();
	for (int i = 0; monitor->state == FUSETRACE_STATE_MOUNTED && i < count; i++)
		on_exit_of(pidfds[i]);
}

/* ---- the loop ---- */

static bool has_waiters(void)
{
	ft_list_foreach (at, &engine.monitors) {
		if (FT_CONTAINER(at, struct fusetrace_monitor, of_engine)->waiters.waiter_count)
			return true;
	}
	return false;
}

/* taken: in the interval that has just passed. */
static bool is_busy(int taken)
{
	return taken > 0 &&
	       (uint64_t)taken * DRAIN_INTERVAL_NS >= BUSY_RECORDS * engine.interval_ns;
}

static int set_timer(uint64_t interval_ns)
{
	engine.interval_ns = interval_ns;
	return ft_loop_set_timer(&engine.loop, interval_ns);
}

static void handle(const struct ft_loop_events *events, int taken)
{
	if (events->timer)
		set_timer(is_busy(taken) && has_waiters() ? BUSY_INTERVAL_NS : DRAIN_INTERVAL_NS);
	if (events->mounts)
		ft_engine_check_mounts();
	for (int i = 0; i < events->pidfd_count; i++)
		on_exit_of(events->pidfds[i]);
}

/* One turn: waits up to timeout_ms, then does what there is to do. Returns records taken. */
static int turn(int timeout_ms)
{
	struct ft_loop_events events;
	int r = ft_loop_wait(&engine.loop, timeout_ms, &events);
	int taken;

	if (r < 0)
		return r;
	ft_engine_lock();
	taken = ft_engine_drain();
	handle(&events, taken);
	ft_engine_unlock();
	return taken < 0 ? 0 : taken;
}

static void *run(void *data)
{
	const struct timespec pause = {0, FLOOD_PAUSE_NS};
	bool is_stopping = false, is_flooded = false;

	pthread_setname_np(pthread_self(), "fusetrace");
	while (!is_stopping) {
		if (is_flooded)
			nanosleep(&pause, NULL); /* the lock is for others, too */
		turn(-1);
		ft_engine_lock();
		is_stopping = engine.is_stopping;
		is_flooded = engine.is_flooded;
		ft_engine_unlock();
	}
	return NULL;
}

/* ---- leading ---- */

int ft_engine_lead(void)
{
	int fd = -1;

	ft_engine_lock();
	if (engine.is_up && engine.kernel && engine.has_thread && !engine.has_leader) {
		engine.has_leader = true;
		ft_loop_leave_ring(&engine.loop);
		ft_engine_drain(); /* what came in between would wake nobody */
		fd = engine.loop.leader_fd;
	}
	ft_engine_unlock();
	return fd;
}

void ft_engine_unlead(void)
{
	ft_engine_lock();
	if (engine.is_up && engine.has_leader) {
		engine.has_leader = false;
		ft_engine_drain(); /* so that the thread finds nothing to wake up for */
		ft_loop_take_ring(&engine.loop);
	}
	ft_engine_unlock();
}

int ft_engine_fd(void)
{
	return engine.loop.epoll_fd;
}

int ft_engine_process(void)
{
	return turn(0);
}

/* ---- up and down; setup_lock held ---- */

static void bring_down(void)
{
	ft_loop_close(&engine.loop);
	engine.has_leader = false;
	engine.kernel = ft_kernel_free(engine.kernel);
	ft_hash_done(&engine.by_connection);
	ft_orphans_done(&engine.orphans);
	engine.is_up = false;
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
	engine.has_thread = false;
	if (engine.is_up)
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

	if (engine.is_up)
		return 0;
	ft_list_init(&engine.monitors);
	engine.log_count = 0;
	r = ft_hash_init(&engine.by_connection);
	if (r == 0)
		r = ft_loop_open(&engine.loop);
	if (r == 0)
		r = set_timer(DRAIN_INTERVAL_NS);
	if (r < 0) {
		bring_down();
		return ft_error(reterr_error, r, "cannot set up the trace: %s",
				fusetrace_strerror(r));
	}
	engine.is_up = true;
	return 0;
}

/* The kernel source, for the first monitor that needs it. */
static int bring_kernel_up(uint64_t ring_bytes, struct fusetrace_error *reterr_error)
{
	struct ft_kernel *kernel;
	int r;

	if (engine.kernel)
		return 0;
	r = ft_kernel_new(ring_bytes, &kernel, reterr_error);
	if (r < 0)
		return r;
	ft_engine_lock();
	r = ft_loop_add_ring(&engine.loop, ft_kernel_fd(kernel));
	engine.lost_any = 0;
	engine.kernel = kernel;
	ft_engine_unlock();
	return r < 0 ? ft_error(reterr_error, r, "cannot set up the trace: %s",
				fusetrace_strerror(r))
		     : 0;
}

static int start_thread(void)
{
	sigset_t all, before;
	int r;

	if (engine.has_thread)
		return 0;
	engine.is_stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&engine.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	engine.has_thread = r == 0;
	return -r;
}

static void stop_thread(void)
{
	if (!engine.has_thread)
		return;
	ft_engine_lock();
	engine.is_stopping = true;
	ft_engine_unlock();
	ft_loop_wake(&engine.loop);
	pthread_join(engine.thread, NULL);
	engine.has_thread = false;
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

	ft_kernel_snapshot(engine.kernel, monitor->mountpoint, on_cached, &cached, &monitor->super);
	cached.is_gone = true;
	ft_kernel_snapshot(engine.kernel, monitor->mountpoint, on_cached, &cached, &monitor->super);
}

/* Lock held. */
static int enter(struct fusetrace_monitor *monitor)
{
	int r = 0;

	monitor->is_attached = true;
	ft_list_append(&engine.monitors, &monitor->of_engine);
	r = ft_monitor_watch_logs(monitor);
	if (r < 0)
		return r;
	if (!is_kernel(monitor)) {
		if (monitor->connection)
			ft_engine_check_mounts(); /* it may have gone since it was looked up */
		return 0;
	}
	if (monitor->state == FUSETRACE_STATE_MOUNTED) {
		if (!is_traced(monitor->connection))
			r = ft_kernel_trace(engine.kernel, monitor->connection, true);
		ft_engine_drain(); /* what came before is not ours */
		monitor->lost_before = ft_kernel_lost(engine.kernel, monitor->connection);
		ft_hash_insert(&engine.by_connection, &monitor->by_connection,
			       ft_hash_number(monitor->connection));
		learn_cached(monitor);
		ft_engine_check_mounts(); /* it may have gone since it was looked up */
		return r;
	}
	monitor->lost_before = ft_kernel_lost_unknown(engine.kernel);
	for (size_t i = 0; r == 0 && i < monitor->before.count; i++) {
		if (!is_traced(monitor->before.entries[i].connection))
			r = ft_kernel_trace(engine.kernel, monitor->before.entries[i].connection,
					    false);
	}
	update_take_unknown();
	return r;
}

int ft_engine_add(struct fusetrace_monitor *monitor, bool with_thread,
		  struct fusetrace_error *reterr_error)
{
	int r;

	pthread_mutex_lock(&setup_lock);
	r = bring_up(reterr_error);
	if (r == 0 && is_kernel(monitor))
		r = bring_kernel_up(monitor->ring_bytes, reterr_error);
	if (r == 0) {
		ft_engine_lock();
		r = enter(monitor);
		ft_engine_unlock();
		if (r == 0 && with_thread)
			r = start_thread();
		if (r < 0)
			ft_error(reterr_error, r, "cannot start the trace: %s",
				 fusetrace_strerror(r));
	}
	if (r < 0 && engine.is_up && ft_list_is_empty(&engine.monitors)) {
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
	if (monitor->connection && is_kernel(monitor)) {
		ft_hash_remove(&engine.by_connection, &monitor->by_connection);
		if (!is_traced(monitor->connection))
			ft_kernel_forget(engine.kernel, monitor->connection);
	}
	forget_excluded(monitor);
	for (int i = 0; i < monitor->daemon_count; i++)
		ft_loop_unwatch(&engine.loop, monitor->pidfds[i]);
	ft_monitor_unwatch_logs(monitor);
	update_take_unknown();
	ft_engine_update_awaited();
	monitor->is_attached = false;
	is_last = ft_list_is_empty(&engine.monitors);
	ft_engine_unlock();
	if (is_last) {
		stop_thread();
		ft_engine_lock();
		bring_down();
		ft_engine_unlock();
	}
	pthread_mutex_unlock(&setup_lock);
}
