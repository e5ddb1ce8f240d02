/* SPDX-License-Identifier: MIT */
/* What came of a smart wait, and what one in vain says: as other reports do, but of the one file alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "smart.h"
#include "wait/report.h"
#include "wait/report_facts.h"

/* Keeps what is on the file. */
static void filter_in_flight(struct ft_facts *facts, const struct ft_match *match)
{
	struct ft_few_ops all = facts->in_flight;

	facts->in_flight.count = 0;
	for (size_t i = 0; i < all.count; i++) {
		if (ft_match_path(match, all.ops[i]))
			ft_few_ops_push(&facts->in_flight, all.ops[i]);
	}
	ft_few_ops_done(&all);
}

/* Returns how many there are. */
static size_t gather_last(struct ft_facts *facts, const struct ft_smart *smart)
{
	struct ft_cursor cursor;
	struct fusetrace_op *op;
	size_t count = 0;

	ft_few_ops_done(&facts->last);
	ft_few_ops_done(&facts->near);
	ft_cursor_init(&cursor, smart->monitor->history, smart->mark.seq);
	while ((op = ft_cursor_next(&cursor, NULL))) {
		if (!ft_match_path(&smart->matches[0], op))
			continue;
		ft_few_ops_push(&facts->last, op);
		count++;
	}
	ft_cursor_done(&cursor);
	return count;
}

static int gather(struct ft_facts *facts, const struct ft_smart *smart, int result,
		  size_t *ret_count)
{
	const struct fusetrace_match *user =
		FUSETRACE_MATCH(.path = smart->inside, .path_kind = FUSETRACE_PATH_EXACT);
	struct fusetrace_expect expect;
	int r = ft_expect_init(&expect, smart->monitor, &smart->mark, &user, 1, FUSETRACE_ORDER_ANY,
			       NULL);

	if (r < 0)
		return r;
	ft_facts_gather(facts, smart->monitor, &expect, result);
	ft_expect_done(&expect);
	filter_in_flight(facts, &smart->matches[0]);
	*ret_count = gather_last(facts, smart);
	return 0;
}

static void set_verdict(struct ft_facts *facts, struct ft_smart *smart)
{
	if (smart->verdict)
		facts->verdict = smart->verdict;
	else if (facts->result == -ETIMEDOUT)
		facts->verdict = FUSETRACE_VERDICT_NOT_SO;
	if (facts->verdict == FUSETRACE_VERDICT_IN_FLIGHT)
		ft_facts_look_at_daemons(facts);
	fusetrace_op_unref(facts->subject);
	facts->subject = FT_STEAL_PTR(smart->subject);
}

static void render(struct ft_facts *facts, const struct ft_smart *smart, size_t count,
		   struct fusetrace_report **reterr_report)
{
	char path[512], waited_for[640], found[700];

	ft_text_escape(ft_bytes_of(smart->shown ? smart->shown : ""), path, sizeof(path));
	snprintf(waited_for, sizeof(waited_for), "until %s: '%s'", smart->kind->aim, path);
	if (facts->has_no_trace)
		snprintf(found, sizeof(found),
			 "%s; source: none, the filesystem was asked again and again",
			 smart->found[0] ? smart->found : "nothing");
	else
		snprintf(found, sizeof(found), "%s; operations on it: %zu",
			 smart->found[0] ? smart->found : "nothing", count);
	facts->found = found;
	facts->began_ns = smart->began_ns;
	facts->timeout_ns = smart->timeout_ns;
	ft_report_of_facts(facts, waited_for, NULL, reterr_report);
}

/* Without a trace, or before the first look: the result is all there is. */
static void gather_nothing(struct ft_facts *facts, int result)
{
	*facts = (struct ft_facts){
		.result = result,
		.now_ns = ft_now_ns(),
		.verdict = result == -ENOTCONN ? FUSETRACE_VERDICT_UNMOUNTED
					       : FUSETRACE_VERDICT_NOT_SO,
		.has_no_trace = true,
	};
	ft_summary_init(&facts->since);
}

static void record(struct ft_smart *smart, int result)
{
	uint32_t verdict = smart->verdict;
	char path[96]; /* the rest of a long one is left out */
	struct ft_wait_entry entry = {
		.began_ns = smart->began_ns,
		.ended_ns = ft_now_ns(),
		.thread = gettid(),
	};

	if (!verdict && result == -ETIMEDOUT)
		verdict = FUSETRACE_VERDICT_NOT_SO;
	entry.verdict = ft_wait_log_verdict(verdict, result);
	ft_text_escape(ft_bytes_of(smart->shown ? smart->shown : ""), path, sizeof(path));
	snprintf(entry.waited_for, sizeof(entry.waited_for), "until %s: '%s'", smart->kind->aim,
		 path);
	ft_wait_log_add(&smart->monitor->waits, &entry);
}

void ft_smart_report(struct ft_smart *smart, int result, struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;
	size_t count = 0;
	int r = 0;

	if (result == -EINTR || result == -EINVAL || result == -ENOMEM || result == -ECHILD)
		return; /* it has not ended, or was none */
	if (smart->monitor)
		record(smart, result);
	if (!reterr_report || result >= 0)
		return;
	if (smart->monitor && smart->match_count)
		r = gather(&facts, smart, result, &count);
	else
		gather_nothing(&facts, result);
	if (r < 0)
		return;
	set_verdict(&facts, smart);
	render(&facts, smart, count, reterr_report);
	ft_facts_done(&facts);
}
