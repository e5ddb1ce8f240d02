/* SPDX-License-Identifier: MIT */
/*
 * The steps of a wait for operations, of which those in wait.c are made and those of expectations in
 * expect_wait.c: it begins, looks (wait_look.c) and ends (wait_end.c).
 */
#ifndef FT_WAIT_STEPS_H
#define FT_WAIT_STEPS_H

#include "expect.h"

/* ---- the begin ---- */

int ft_wait_check_order(uint32_t order, struct fusetrace_error *reterr_error);
/* What happens to the monitor from now on ends the wait. */
void ft_wait_begin(struct fusetrace_expect *expect);
/* Of each call that waits. */
void ft_wait_begin_waiting(struct fusetrace_expect *expect, uint64_t deadline_ns);
/* A call from its begin to its end. */
int ft_wait_and_report(struct fusetrace_expect *expect, uint64_t timeout_ns,
		       struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report);

/* ---- looking ---- */

/*
 * One look. 1 satisfied, 0 not yet, negative: over. is_last: the deadline has passed, so "not yet"
 * becomes the final word.
 */
int ft_wait_look(struct fusetrace_expect *expect, bool is_last);
/* Likewise, whether all have begun that had to. */
int ft_wait_look_at_starts(struct fusetrace_expect *expect);
/* Looks and sleeps until it is decided: 1 or negative. */
int ft_wait_until(struct fusetrace_expect *expect, uint64_t deadline_ns);

/* ---- the end; r: 1 or negative ---- */

/* A signal ended the sleep, not the wait: there is nothing to explain. */
bool ft_wait_is_put_off(const struct fusetrace_expect *expect, int r);
/*
 * Whether the last answer came behind the deadline, though before it was looked for. The kernel tells
 * when that was, in our clock; a log's time may be of any.
 */
bool ft_wait_is_too_late(struct fusetrace_expect *expect);
void ft_wait_forget_late(struct fusetrace_expect *expect);
/* How long a wait in vain looks on for what comes too late. */
uint64_t ft_wait_end_of_late(const struct fusetrace_expect *expect, uint64_t timeout_ns);
/* A check function that was asked for the sake of the verdict has ended the wait. */
int ft_wait_end_by_check(struct fusetrace_expect *expect, const struct ft_facts *facts);
/* Makes the report; ends with the facts. */
void ft_wait_tell(struct fusetrace_expect *expect, struct ft_facts *facts,
		  struct fusetrace_report **reterr_report);
/* In the monitor's record of waits. */
void ft_wait_record(struct fusetrace_expect *expect, int r);
/* Returns the result, which is another one than before when a check function says so. */
int ft_wait_report(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		   struct fusetrace_report **reterr_report);
int ft_wait_finish(struct fusetrace_expect *expect, int r, uint64_t timeout_ns,
		   struct fusetrace_op **ret_ops, struct fusetrace_report **reterr_report);

#endif
