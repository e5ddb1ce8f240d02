/* SPDX-License-Identifier: MIT */
/*
 * The engine's loop, and the thread that runs it: it blocks all signals and is named "fusetrace". A
 * waiter may stand in for it, and a caller without it turns the loop by hand.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "engine_state.h"

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

static bool has_waiters(void)
{
	ft_list_foreach (at, &ft_engine.monitors) {
		if (FT_CONTAINER(at, struct fusetrace_monitor, of_engine)->waiters.waiter_count)
			return true;
	}
	return false;
}

/* taken: in the interval that has just passed. */
static bool is_busy(int taken)
{
	return taken > 0 &&
	       (uint64_t)taken * DRAIN_INTERVAL_NS >= BUSY_RECORDS * ft_engine.interval_ns;
}

static int set_timer(uint64_t interval_ns)
{
	ft_engine.interval_ns = interval_ns;
	return ft_loop_set_timer(&ft_engine.loop, interval_ns);
}

static void handle(const struct ft_loop_events *events, int taken)
{
	if (events->timer)
		set_timer(is_busy(taken) && has_waiters() ? BUSY_INTERVAL_NS : DRAIN_INTERVAL_NS);
	if (events->mounts)
		ft_engine_check_mounts();
	for (int i = 0; i < events->pidfd_count; i++)
		ft_engine_on_exit_of(events->pidfds[i]);
}

/* One turn: waits up to timeout_ms, then does what there is to do. Returns records taken. */
static int turn(int timeout_ms)
{
	struct ft_loop_events events;
	int r = ft_loop_wait(&ft_engine.loop, timeout_ms, &events);
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
		is_stopping = ft_engine.is_stopping;
		is_flooded = ft_engine.is_flooded;
		ft_engine_unlock();
	}
	return NULL;
}

int ft_engine_open_loop(void)
{
	int r = ft_loop_open(&ft_engine.loop);

	return r < 0 ? r : set_timer(DRAIN_INTERVAL_NS);
}

int ft_engine_start_thread(void)
{
	sigset_t all, before;
	int r;

	if (ft_engine.has_thread)
		return 0;
	ft_engine.is_stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&ft_engine.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ft_engine.has_thread = r == 0;
	return -r;
}

void ft_engine_stop_thread(void)
{
	if (!ft_engine.has_thread)
		return;
	ft_engine_lock();
	ft_engine.is_stopping = true;
	ft_engine_unlock();
	ft_loop_wake(&ft_engine.loop);
	pthread_join(ft_engine.thread, NULL);
	ft_engine.has_thread = false;
}

/* ---- leading ---- */

int ft_engine_lead(void)
{
	int fd = -1;

	ft_engine_lock();
	if (ft_engine.is_up && ft_engine.kernel && ft_engine.has_thread && !ft_engine.has_leader) {
		ft_engine.has_leader = true;
		ft_loop_leave_ring(&ft_engine.loop);
		ft_engine_drain(); /* what came in between would wake nobody */
		fd = ft_engine.loop.leader_fd;
	}
	ft_engine_unlock();
	return fd;
}

void ft_engine_unlead(void)
{
	ft_engine_lock();
	if (ft_engine.is_up && ft_engine.has_leader) {
		ft_engine.has_leader = false;
		ft_engine_drain(); /* so that the thread finds nothing to wake up for */
		ft_loop_take_ring(&ft_engine.loop);
	}
	ft_engine_unlock();
}

int ft_engine_fd(void)
{
	return ft_engine.loop.epoll_fd;
}

int ft_engine_process(void)
{
	return turn(0);
}
