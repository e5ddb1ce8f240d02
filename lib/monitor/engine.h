/* SPDX-License-Identifier: MIT */
/*
 * The engine of a process: one lock, one epoll loop, one thread, however many monitors there are.
 *
 * Whoever holds the lock may drain the sources and so write trackers and histories: the engine's
 * thread when it is woken, and every caller that needs a barrier, in its own thread, without
 * waiting for another one.
 */
#ifndef FT_ENGINE_H
#define FT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

struct fusetrace_monitor;
struct ft_nodes;

/*
 * Adds a monitor whose state is PENDING or MOUNTED: the first one loads the kernel source and, if
 * with_thread, starts the thread. The lock must not be held.
 */
int ft_engine_add(struct fusetrace_monitor *monitor, bool with_thread,
		  struct fusetrace_error *reterr_error);
/*
 * Drains and removes it, if it was added; the last one ends thread and kernel source. The lock must
 * not be held.
 */
void ft_engine_remove(struct fusetrace_monitor *monitor);

/* Before the first use in a process: no lock is held by nobody in a forked child. */
void ft_engine_handle_forks(void);

void ft_engine_lock(void);
void ft_engine_unlock(void);

/* The barrier: takes everything that was emitted before the call. Lock held. */
int ft_engine_drain(void);
/* The set of awaited opcodes of some monitor changed. Lock held. */
void ft_engine_update_awaited(void);
/* A PENDING monitor need not leave that connection out any more. Lock held. */
void ft_engine_include(uint32_t connection);
/* A PENDING monitor has found its mount: its connection is traced, what was kept is replayed. */
void ft_engine_adopt(struct fusetrace_monitor *monitor, uint32_t connection);
/* pidfd becomes readable when a daemon ends: calls ft_monitor_on_exit(). Lock held. */
int ft_engine_watch(int pidfd);
/* It is not told any more. Lock held. */
void ft_engine_unwatch(int pidfd);
/* Likewise a descriptor of a log (log_stream.h), which drains read from then on. */
int ft_engine_watch_log(int fd);
void ft_engine_unwatch_log(int fd);
/* Looks at the mounts now. Lock held. */
void ft_engine_check_mounts(void);
/* Likewise, and at a monitor's daemons: an end that the thread has not noticed yet. Lock held. */
void ft_engine_look_for_end(struct fusetrace_monitor *monitor);

/*
 * A waiter that is about to sleep may stand in for the engine's thread: then it alone is woken by
 * the ring, which saves the way over the other thread. Returns a descriptor to poll for POLLIN, or
 * -1 when another waiter leads or there is no kernel source. The thread takes over again with
 * ft_engine_unlead(), which the leader calls before it looks. The lock must not be held.
 */
int ft_engine_lead(void);
void ft_engine_unlead(void);

/* For callers without the thread. */
int ft_engine_fd(void);
int ft_engine_process(void);

/* For a monitor's tracker. Lock held. */
bool ft_engine_resolve(uint64_t super, struct ft_nodes *nodes, uint64_t nodeid);

#endif
