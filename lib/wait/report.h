/* SPDX-License-Identifier: MIT */
/* Why a wait was not satisfied: built once, at its end, from a snapshot of the monitor. */
#ifndef FT_REPORT_H
#define FT_REPORT_H

#include "report_facts.h"

/* The facts of a wait that has ended with result. Free with ft_facts_done(). */
void ft_report_gather(struct ft_facts *facts, const struct fusetrace_expect *expect, int result,
		      uint64_t timeout_ns);
/*
 * Best effort: without memory, or when the wait itself could not be done, *reterr_report stays as it
 * is. expect is that of the facts.
 */
void ft_report_make(struct ft_facts *facts, const struct fusetrace_expect *expect,
		    struct fusetrace_report **reterr_report);
/* Of facts that were gathered elsewhere. waited_for and label (or NULL) are escaped. */
void ft_report_of_facts(struct ft_facts *facts, const char *waited_for, const char *label,
			struct fusetrace_report **reterr_report);
/* For waits without matches (idle). reterr_report may be NULL. */
void ft_report_make_idle(struct fusetrace_monitor *monitor, int result, uint64_t began_ns,
			 uint64_t timeout_ns, struct fusetrace_report **reterr_report);

#endif
