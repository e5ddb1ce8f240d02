/* SPDX-License-Identifier: MIT */
/*
 * An expectation: what is waited for, since when, and how far it has come. All waits for
 * operations are one of these; they differ in the mode and in when they begin to count. Used by
 * one thread at a time, without the engine lock.
 */
#ifndef FT_EXPECT_H
#define FT_EXPECT_H

#include "assign.h"
#include "monitor/monitor.h"

#define FT_EXPECT_NONE 100u /* beside FUSETRACE_ORDER_: none of them may happen */

struct ft_facts;

struct fusetrace_expect {
	struct fusetrace_monitor *monitor;
	struct ft_match *matches;
	size_t count;
	uint32_t order; /* FUSETRACE_ORDER_ or FT_EXPECT_NONE */
	struct fusetrace_mark mark;
	bool has_mark;
	uint64_t interrupts; /* of the monitor when it began */
	bool is_after_stop;  /* it began when the monitor had been stopped: that is its end */
	uint64_t began_ns;
	uint64_t waits_since_ns;    /* of the first call that waits; 0: there was none */
	uint64_t starts_checked_ns; /* who had to begin by then has */
	uint64_t deadline_ns;       /* of the call that waits; 0: it looks once, UINT64_MAX: none */
	/* The last answer came, but behind the deadline: reference, and how late. */
	struct fusetrace_op *late;
	uint64_t late_ns;
	/* It is polled, and timed out: what is told of it, while it looks on; owned, NULL: it does not. */
	struct ft_facts *at_deadline;
	uint32_t verdict;        /* of its report, once there was one */
	struct ft_cursor cursor; /* behind what was looked at */
	struct ft_assign assign;
	size_t next; /* ordered: the slot whose turn it is */
	struct ft_waiter waiter;
	bool *fits; /* room for one operation's */

	/* why it fails, once it does */
	int failure;
	size_t failed_slot;
	struct fusetrace_op *culprit; /* reference */
	uint64_t *refused;            /* by slot: how often its check function has */
	uint64_t skipped; /* operations that the history dropped before they were looked at */
};

/* mark NULL: everything in the history counts. Free with ft_expect_done(). */
int ft_expect_init(struct fusetrace_expect *expect, struct fusetrace_monitor *monitor,
		   const struct fusetrace_mark *mark, const struct fusetrace_match *const *matches,
		   size_t count, uint32_t order, struct fusetrace_error *reterr_error);
void ft_expect_done(struct fusetrace_expect *expect);

/* Makes the waiter that the engine wakes. */
int ft_expect_arm(struct fusetrace_expect *expect);

/*
 * Takes what is new in the history up to last_seq into account. 1: satisfied (mode NONE: never),
 * 0: not yet, negative: failed for good.
 */
int ft_expect_look(struct fusetrace_expect *expect, uint64_t last_seq);

/* What comes by itself has no place in a strict order where it is not named; "*" does not name it. */
bool ft_expect_passes_over(const struct fusetrace_expect *expect, const struct ft_match *match,
			   const struct fusetrace_op *op);

/* When the next match must have begun, of those without an answer; UINT64_MAX: none has to. */
uint64_t ft_expect_next_start_ns(const struct fusetrace_expect *expect);
/*
 * 1 and the place of a match that had to have begun by now_ns and has not, as far as can be seen in
 * what is in flight; 0 all have; -ENOMEM.
 */
int ft_expect_find_not_begun(struct fusetrace_expect *expect, uint64_t now_ns, size_t *ret_slot);

#endif
