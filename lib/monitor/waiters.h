/* SPDX-License-Identifier: MIT */
/*
 * Who shall be woken by which operation. A waiter has an eventfd and a few matches; the engine runs
 * the cheap part of a match on each completed operation. Many waiters may be pending: those that
 * name an exact path are found by its hash. Protected by the engine lock.
 */
#ifndef FT_WAITERS_H
#define FT_WAITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "op/match.h"

struct ft_waiter {
	int event_fd; /* owned; -1 while not registered */
	const struct ft_match *matches;
	size_t count;
	bool wants_any;   /* every completed operation */
	bool wants_lines; /* every line of the daemon's */
};

struct ft_waiter_slot {
	uint64_t opcodes;
	uint32_t path_hash;
	const struct ft_match *match; /* NULL: any operation */
	struct ft_waiter *waiter;
};

#define FT_WAITER_BUCKETS 256

struct ft_waiters {
	struct ft_waiter_bucket {
		struct ft_waiter_slot *slots;
		size_t count;
		size_t room;
	} buckets[FT_WAITER_BUCKETS + 1]; /* the last: no exact path */
	uint32_t opcode_users[64];        /* registered matches by opcode bit */
	uint64_t opcodes;                 /* bits with users: who has no user wakes nobody */
	size_t waiter_count;
	struct ft_waiter **all;
	size_t all_room;
};

void ft_waiters_done(struct ft_waiters *waiters);

/* Makes the eventfd and registers; 0, -EMFILE, -ENOMEM. */
int ft_waiters_add(struct ft_waiters *waiters, struct ft_waiter *waiter);
/* Unregisters and closes; a waiter that is not registered is fine. */
void ft_waiters_remove(struct ft_waiters *waiters, struct ft_waiter *waiter);

/* Wakes whom a completed operation may concern. */
void ft_waiters_notify(struct ft_waiters *waiters, const struct fusetrace_op *op);
/* Wakes who waits for lines. */
void ft_waiters_notify_lines(struct ft_waiters *waiters);
/* Wakes everybody: the state changed. */
void ft_waiters_notify_all(struct ft_waiters *waiters);

#endif
