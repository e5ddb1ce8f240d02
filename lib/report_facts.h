/* SPDX-License-Identifier: MIT */
/*
 * What a report is made of: the facts about a monitor at the end of a wait, and the verdict that
 * follows from them. Gathered once; rendered by report.c.
 */
#ifndef FT_REPORT_FACTS_H
#define FT_REPORT_FACTS_H

#include "expect.h"

#define FT_FACTS_OPS 10

/* A few operations, each a reference. */
struct ft_few_ops {
	struct fusetrace_op *ops[FT_FACTS_OPS];
	size_t count;
};
/* Drops the oldest one when there is no room. */
void ft_few_ops_push(struct ft_few_ops *few, struct fusetrace_op *op);
void ft_few_ops_done(struct ft_few_ops *few);

struct ft_facts {
	int result;
	uint32_t verdict; /* FUSETRACE_VERDICT_; 0: the wait itself failed, as for want of memory */
	uint64_t began_ns;
	uint64_t now_ns;
	uint64_t timeout_ns;
	uint64_t lost;
	uint32_t state;
	uint64_t since_count; /* operations since the mark */
	uint64_t since_failed;
	struct fusetrace_summary since; /* by operation */
	struct ft_few_ops last;         /* since the mark, newest last */
	struct ft_few_ops in_flight;
	struct ft_few_ops near; /* same operation elsewhere, or another one on the path */
	/* references, or NULL: of what was meant, the newest failure and the oldest in flight */
	struct fusetrace_op *failed;
	struct fusetrace_op *unanswered;
	struct fusetrace_op *subject; /* what the verdict is about; reference or NULL */
	pid_t daemon;                 /* 0: unknown */
	const char *found;            /* a smart wait: what the last look found; or NULL */
	bool has_no_trace;            /* likewise: nobody knows what happened */
};

/* expect NULL: a wait without matches. Free with ft_facts_done(). */
void ft_facts_gather(struct ft_facts *facts, struct fusetrace_monitor *monitor,
		     const struct fusetrace_expect *expect, int result);
void ft_facts_done(struct ft_facts *facts);

/* The match that the report is about. */
const struct ft_match *ft_facts_match(const struct fusetrace_expect *expect);

#endif
