/* SPDX-License-Identifier: MIT */
/*
 * What the engine sleeps on: the ring, a timer, the mounts, daemons' pidfds, and a wake-up of its
 * own. It says what happened; what to do about it is the engine's (engine.c). Setting up is for one
 * thread; the rest is called with the engine lock held, but for ft_loop_wait().
 */
#ifndef FT_LOOP_H
#define FT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define FT_LOOP_EVENTS_MAX 32

struct ft_loop {
	int epoll_fd;
	int leader_fd; /* an epoll of the ring alone, for the waiter that leads */
	int timer_fd;
	int mounts_fd;
	int wake_fd;
	int ring_fd; /* borrowed */
};

#define FT_LOOP_CLOSED                                                                             \
	{                                                                                          \
		-1, -1, -1, -1, -1, -1                                                             \
	}

/* What happened since the last wait. */
struct ft_loop_events {
	bool timer;
	bool mounts;
	int pidfds[FT_LOOP_EVENTS_MAX]; /* of daemons that ended */
	int pidfd_count;
};

/* 0 or a negative errno; then ft_loop_close() is still needed. */
int ft_loop_open(struct ft_loop *loop);
/* Adds the ring, once; it is borrowed. */
int ft_loop_add_ring(struct ft_loop *loop, int ring_fd);
void ft_loop_close(struct ft_loop *loop);

/* Sleeps up to timeout_ms (-1: no limit). 0 or a negative errno. */
int ft_loop_wait(const struct ft_loop *loop, int timeout_ms, struct ft_loop_events *ret_events);
/* Makes a sleeping wait return. */
void ft_loop_wake(const struct ft_loop *loop);

/* Once, that long from now. */
int ft_loop_set_timer(const struct ft_loop *loop, uint64_t delay_ns);
int ft_loop_watch(const struct ft_loop *loop, int pidfd);
/* A log: that it can be read ends the sleep and is told nobody. */
int ft_loop_watch_log(const struct ft_loop *loop, int fd);
/* Of either kind. */
void ft_loop_unwatch(const struct ft_loop *loop, int pidfd);

/*
 * Whether the ring ends a wait. While it does not, leader_fd is polled for it by another thread;
 * records up to this moment do not make it readable.
 */
void ft_loop_take_ring(const struct ft_loop *loop);
void ft_loop_leave_ring(const struct ft_loop *loop);

#endif
