/* SPDX-License-Identifier: MIT */
/*
 * What a report is made of: the facts about a monitor at the end of a wait, and the verdict that
 * follows from them. Gathered once, of one moment; rendered by report_text.c and report_json.c.
 */
#ifndef FT_REPORT_FACTS_H
#define FT_REPORT_FACTS_H

#include "expect.h"
#include "process/daemon_threads.h"
#include "process/unseen.h"

#define FT_FACTS_OPS 10
#define FT_FACTS_LINES 5
#define FT_FACTS_LINE_SIZE 200

/* A few operations, each a reference. */
struct ft_few_ops {
	struct fusetrace_op *ops[FT_FACTS_OPS];
	size_t count;
	uint64_t total; /* with those that there was no room for */
};
/* Drops the oldest one when there is no room. */
void ft_few_ops_push(struct ft_few_ops *few, struct fusetrace_op *op);
void ft_few_ops_done(struct ft_few_ops *few);

struct ft_facts {
	int result;
	size_t slot;       /* of the match that the report is about */
	size_t answered;   /* matches */
	uint64_t *answers; /* numbers of the operations that did, as the matches stand; owned */
	uint64_t refusals; /* by the check function of that match */
	uint32_t verdict; /* FUSETRACE_VERDICT_; 0: the wait itself failed, as for want of memory */
	uint64_t began_ns;
	uint64_t now_ns; /* when the wait ended */
	uint64_t timeout_ns;
	uint64_t lost;
	uint32_t state;
	uint32_t source;
	uint64_t since_count; /* operations since the mark */
	uint64_t since_failed;
	struct fusetrace_summary since; /* by operation */
	struct ft_few_ops last;         /* since the mark, newest last */
	bool is_answer[FT_FACTS_OPS];   /* of last: it answers a match */
	struct ft_few_ops in_flight;    /* oldest first */
	struct ft_few_ops at_end;       /* what had no reply when the daemon ended */
	struct ft_few_ops near;         /* same operation elsewhere, or another one on the path */
	/* references, or NULL: of what was meant, the newest failure and the oldest in flight; the same
	 * operation on the most similar path; what idle waits for first */
	struct fusetrace_op *failed;
	struct fusetrace_op *unanswered;
	struct fusetrace_op *lost_reply;   /* ended without one */
	struct fusetrace_op *refused;      /* by the check function alone */
	struct fusetrace_op *other_result; /* completed, where a failure was asked for */
	struct ft_few_ops
		early;         /* in order: it came before what it was to come after; newest last */
	bool is_refused_early; /* the check function takes none of those */
	struct fusetrace_op *nearest;
	struct fusetrace_op *busy;
	struct fusetrace_op *subject; /* what the verdict is about; reference or NULL */
	struct fusetrace_op *late;    /* the answer that came behind the deadline; likewise */
	uint64_t late_ns;
	size_t nearest_likeness; /* while gathering */
	pid_t daemons[FT_DAEMONS_MAX];
	int daemon_count;
	struct ft_daemon_exit exit;
	struct ft_daemon_threads threads; /* when they may tell something */
	/* Nobody is known to serve what is mounted, though something should: */
	bool is_daemon_unknown;
	enum ft_unseen unseen;                            /* why, as far as /proc tells */
	char printed[FT_FACTS_LINES][FT_FACTS_LINE_SIZE]; /* last lines, newest first */
	size_t printed_count;
	char *trace_path;     /* a copy, or NULL */
	double timeout_scale; /* 0: not told */
	const char *found;    /* a smart wait: what the last look found; or NULL */
	bool has_no_trace;    /* likewise: nobody knows what happened */
};

/* expect NULL: a wait without matches. Free with ft_facts_done(). */
void ft_facts_gather(struct ft_facts *facts, struct fusetrace_monitor *monitor,
		     const struct fusetrace_expect *expect, int result);
/* The daemon's last lines, each cut; what is empty is left out. Lock held. */
void ft_facts_gather_printed(struct ft_facts *facts, const struct fusetrace_monitor *monitor);
void ft_facts_done(struct ft_facts *facts);

/* The match that the report is about, and its place. */
size_t ft_facts_slot(const struct fusetrace_expect *expect);
const struct ft_match *ft_facts_match(const struct fusetrace_expect *expect);

/* What the daemons do, to tell why they do not answer; once. */
void ft_facts_look_at_daemons(struct ft_facts *facts);
/* Nothing decided the wait: it was the time that was over, to end or to begin. */
bool ft_facts_is_timeout(const struct ft_facts *facts);
/* All threads that were seen are stopped by a signal. */
bool ft_facts_is_stopped(const struct ft_facts *facts);

/*
 * Sets verdict and subject (report_verdict.c). May ask check functions, and what one of them returns to
 * end the wait becomes the result. No lock held.
 */
void ft_facts_judge(struct ft_facts *facts, const struct fusetrace_expect *expect);
void ft_facts_set_subject(struct ft_facts *facts, struct fusetrace_op *op);

#endif
