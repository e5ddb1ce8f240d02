/* SPDX-License-Identifier: MIT */
/*
 * A report for a person: what was waited for, the verdict and what makes one understand it, then what
 * else is known. At most about 40 lines, whatever happened.
 */
#include "report_text.h"

#include <errno.h>
#include <inttypes.h>

#define NEAR_SHOWN 3
#define AT_END_SHOWN 5
#define IN_FLIGHT_SHOWN 6
#define KINDS_SHOWN 8

/* ---- the first line ---- */

static void put_end(FILE *out, const struct ft_facts *facts)
{
	fprintf(out, ": %s after %.3f s\n", fusetrace_strerror(facts->result),
		(double)(facts->now_ns - facts->began_ns) / 1e9);
}

static void put_limit(FILE *out, const struct ft_facts *facts)
{
	if (facts->timeout_ns == 0) {
		fputs(": it was looked for once\n", out);
		return;
	}
	fprintf(out, " within %.3f s", (double)facts->timeout_ns / 1e9);
	if (facts->timeout_scale > 0)
		fprintf(out, " (scale %g)", facts->timeout_scale);
	fputc('\n', out);
}

/* The other limit: it was not even asked for. */
static void put_start_limit(FILE *out, const struct ft_report_source *source)
{
	uint64_t limit_ns = ft_facts_match(source->expect)->user.start_timeout_ns;

	fprintf(out, " begun within %.3f s\n", (double)limit_ns / 1e9);
}

static void put_first(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	bool is_none = source->expect && source->expect->order == FT_EXPECT_NONE;

	if (source->label)
		fprintf(out, "%s: ", source->label);
	if (facts->found)
		fprintf(out, "in vain: waited %s", source->waited_for);
	else if (!source->expect)
		fputs("not idle", out);
	else
		fprintf(out, "%s%s", is_none ? "forbidden: " : "no ", source->waited_for);
	if (facts->result == -ETIMEDOUT || facts->result == -EBUSY)
		put_limit(out, facts);
	else if (facts->result == -ETIME)
		put_start_limit(out, source);
	else
		put_end(out, facts);
}

/* ---- what else is known ---- */

static void put_waiting(FILE *out, const struct ft_report_source *source)
{
	const struct fusetrace_expect *expect = source->expect;
	const struct ft_match *match = expect ? &expect->matches[source->facts->slot] : NULL;

	if (!expect)
		return;
	fprintf(out, "  waiting : %s", source->waited_for);
	if (expect->count > 1)
		fprintf(out, " (item %zu of %zu, %zu answered)", source->facts->slot + 1,
			expect->count, source->facts->answered);
	if (expect->has_mark && expect->mark.mono_ns)
		fprintf(out, " since mark #%" PRIu64, expect->mark.seq);
	if (match->where) {
		fputs(" (", out);
		ft_report_put_escaped(out, ft_bytes_of(match->where));
		fputc(')', out);
	}
	fputc('\n', out);
}

static void put_seen(FILE *out, const struct ft_report_source *source)
{
	struct ft_facts *facts = source->facts;
	struct fusetrace_summary_row row;

	fprintf(out, "  seen    : %" PRIu64 " operations since the mark", facts->since_count);
	for (size_t i = 0; i < KINDS_SHOWN && fusetrace_summary_get(&facts->since, i, &row) == 0;
	     i++)
		fprintf(out, "%s %s %" PRIu64, i ? "," : ":", row.op, row.count);
	fprintf(out, "; failed %" PRIu64 "; lost %" PRIu64 "\n", facts->since_failed, facts->lost);
}

static void put_last(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	bool is_any_answer = false;

	for (size_t i = 0; i < facts->last.count; i++)
		is_any_answer |= facts->is_answer[i];
	for (size_t i = 0; i < facts->last.count; i++) {
		fprintf(out, "  %-8s: ", i ? "" : "last");
		if (is_any_answer)
			fputs(facts->is_answer[i] ? "* " : "  ", out);
		ft_report_put_op(out, source, facts->last.ops[i]);
	}
}

static bool is_among(const struct ft_few_ops *few, const struct fusetrace_op *op)
{
	for (size_t i = 0; i < few->count; i++) {
		if (few->ops[i] == op)
			return true;
	}
	return false;
}

/* The oldest ones, and how many more there are. */
static void put_oldest(FILE *out, const struct ft_report_source *source,
		       const struct ft_few_ops *few, size_t max, const char *title)
{
	size_t shown = few->count < max ? few->count : max;

	for (size_t i = 0; i < shown; i++) {
		fprintf(out, "  %-8s: ", i ? "" : title);
		ft_report_put_op(out, source, few->ops[i]);
	}
	if (few->total > shown)
		fprintf(out, FT_REPORT_INDENT "and %" PRIu64 " more\n", few->total - shown);
}

/* Near misses that do not stand above already. */
static void put_near(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	const struct ft_few_ops *near = &facts->near;
	const char *title = "near";

	for (size_t i = near->count > NEAR_SHOWN ? near->count - NEAR_SHOWN : 0; i < near->count;
	     i++) {
		if (is_among(&facts->last, near->ops[i]))
			continue;
		fprintf(out, "  %-8s: ", title);
		ft_report_put_op(out, source, near->ops[i]);
		title = "";
	}
}

/* Nobody is seen to serve the mount: that is no proof that nobody does. */
static void put_unknown(FILE *out, const struct ft_facts *facts)
{
	static const char *const reasons[] = {
		[FT_UNSEEN_NONE] = ("no process of this PID namespace is seen to hold it (before "
				    "Linux 6.17 the kernel does not tell)"),
		[FT_UNSEEN_NO_PROC] = "/proc is not mounted",
		[FT_UNSEEN_HIDDEN] = "/proc hides the processes of other users (hidepid)",
		[FT_UNSEEN_FORBIDDEN] = "what processes of other users hold is not readable",
	};

	if (facts->is_daemon_unknown)
		fprintf(out, "  daemon  : which one it is and whether it lives is not known: %s\n",
			reasons[facts->unseen]);
}

static void put_printed(FILE *out, const struct ft_facts *facts)
{
	for (size_t i = facts->printed_count; i-- > 0;)
		fprintf(out, "  %-8s: %s\n", i + 1 == facts->printed_count ? "printed" : "",
			facts->printed[i]);
}

char *ft_report_text(const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_first(out, source);
	ft_report_put_verdict(out, source);
	put_unknown(out, facts);
	put_printed(out, facts);
	put_oldest(out, source, &facts->at_end, AT_END_SHOWN, "at end");
	put_waiting(out, source);
	if (facts->found)
		fprintf(out, "  found   : %s\n", facts->found);
	if (!facts->has_no_trace)
		put_seen(out, source);
	put_last(out, source);
	put_oldest(out, source, &facts->in_flight, IN_FLIGHT_SHOWN, "pending");
	put_near(out, source);
	if (facts->trace_path) {
		fputs("  trace   : ", out);
		ft_report_put_escaped(out, ft_bytes_of(facts->trace_path));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}
