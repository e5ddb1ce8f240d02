/* SPDX-License-Identifier: MIT */
/* Why a wait was not satisfied: built once, at its end, from a snapshot of the monitor. */
#ifndef FT_REPORT_H
#define FT_REPORT_H

#include "expect.h"

struct ft_facts;

/*
 * result is what the wait returns. Best effort: without memory, or when the wait itself could not
 * be done, *reterr_report stays as it is.
 * reterr_report may be NULL.
 */
void ft_report_make(struct fusetrace_expect *expect, int result, uint64_t timeout_ns,
		    struct fusetrace_report **reterr_report);
/* Of facts that were gathered elsewhere. waited_for is escaped. */
void ft_report_of_facts(struct ft_facts *facts, const char *waited_for,
			struct fusetrace_report **reterr_report);
/* For waits without matches (idle). */
void ft_report_make_idle(struct fusetrace_monitor *monitor, int result, uint64_t began_ns,
			 uint64_t timeout_ns, struct fusetrace_report **reterr_report);

#endif
