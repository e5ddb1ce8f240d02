/* SPDX-License-Identifier: MIT */
/*
 * What the smart waits (smart_wait.c) are made of: one looks at a file, by asking the filesystem or
 * at the operations, and sleeps until something happens to the file or above it, or for a while that
 * grows from 1 to 50 ms: what comes into a filesystem from behind sends no event.
 */
#ifndef FT_SMART_H
#define FT_SMART_H

#include "monitor/ask.h"
#include "monitor/probe.h"
#include "wait/expect.h"

struct ft_smart;

struct ft_smart_kind {
	const char *aim; /* "it is gone" */
	/* 1: so it is, 0: not yet, with ft_smart_found(); negative: over. Behind a barrier. */
	int (*look)(struct ft_smart *smart, const struct ft_monitor_view *view);
	/* What happened before the end of the mount counts: it is looked at once more. */
	bool is_of_history;
};

struct ft_smart {
	const struct ft_smart_kind *kind;
	void *data;                        /* of the kind */
	struct fusetrace_monitor *monitor; /* NULL: there is no trace */
	struct fusetrace_mark mark;        /* since which operations count */
	uint32_t flags;                    /* FUSETRACE_SMART_ */
	char *inside;                      /* path in the mount */
	char *shown;                       /* as this machine has it, where it does */
	struct ft_target target;           /* root NULL: there is nothing to ask */
	struct ft_probe *probe;
	struct ft_match *matches; /* of the path, then what happens to the directories above */
	size_t match_count;
	struct ft_waiter waiter;
	uint64_t began_ns;
	uint64_t timeout_ns;
	uint64_t deadline_ns;
	uint64_t interrupts;

	/* for the report */
	char found[512];              /* what the last look found */
	uint32_t verdict;             /* FUSETRACE_VERDICT_; 0: what follows from the result */
	struct fusetrace_op *subject; /* reference or NULL */
};

/*
 * path as a match has it; without a monitor one of this machine. Waits for a mount to come. 0, or a
 * negative errno of a wait, told in *reterr_report. Free with ft_smart_done(), also on failure.
 */
int ft_smart_init(struct ft_smart *smart, struct fusetrace_monitor *monitor,
		  const struct fusetrace_mark *mark, const char *path, uint32_t flags,
		  uint64_t timeout_ns);
void ft_smart_done(struct ft_smart *smart);

/* The wait itself: 0 or a negative errno. */
int ft_smart_run(struct ft_smart *smart);

/* Asks a question of ask.h; negative: the wait is over. For look(). */
int ft_smart_ask(struct ft_smart *smart, uint32_t question, const char *xattr,
		 struct ft_answer *ret_answer);
/* Notes what was found, for the report. */
__attribute__((format(printf, 2, 3))) void ft_smart_found(struct ft_smart *smart,
							  const char *format, ...);
/* Likewise of an error that the filesystem gave as its answer. */
void ft_smart_found_error(struct ft_smart *smart, int error);

/* The report of result, if it is wanted and has one. */
void ft_smart_report(struct ft_smart *smart, int result, struct fusetrace_report **reterr_report);

#endif
