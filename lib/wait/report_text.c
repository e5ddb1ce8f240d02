/* SPDX-License-Identifier: MIT */
/*
 * A report for a person: what was waited for, the verdict and what makes one understand it, then what
 * else is known. At most about 40 lines, whatever happened.
 */
#include "report_render.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"

#define NEAR_SHOWN 3
#define AT_END_SHOWN 5
#define IN_FLIGHT_SHOWN 6
#define KINDS_SHOWN 8
#define THREADS_SHOWN 3
#define INDENT "            "

/* ---- pieces ---- */

static void put_escaped(FILE *out, struct ft_bytes bytes)
{
	char text[400];

	ft_text_escape(bytes, text, sizeof(text));
	fputs(text, out);
}

static void put_duration(FILE *out, uint64_t duration_ns)
{
	char text[FT_DURATION_SIZE];

	ft_format_duration(duration_ns, false, text, sizeof(text));
	fputs(text, out);
}

/* "12ms after" or "3s before". */
static void put_distance(FILE *out, uint64_t moment_ns, uint64_t from_ns)
{
	put_duration(out, moment_ns >= from_ns ? moment_ns - from_ns : from_ns - moment_ns);
	fputs(moment_ns >= from_ns ? " after" : " before", out);
}

/* "/a", of a rename or a link "/a -> /b". */
static void put_path(FILE *out, const struct fusetrace_op *op)
{
	const struct ft_name *second = op->path2 ? op->path2 : op->name2;

	if (op->path || op->name)
		put_escaped(out, ft_name_bytes(op->path ? op->path : op->name));
	else
		fputs("(path unknown)", out);
	if (!second)
		return;
	fputs(" -> ", out);
	put_escaped(out, ft_name_bytes(second));
}

static void put_errno(FILE *out, int error)
{
	const char *name = ft_errno_name(error);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "errno %d", error);
}

static void put_outcome(FILE *out, const struct fusetrace_op *op)
{
	switch (op->status) {
	case FUSETRACE_STATUS_STARTED:
		fputs("in flight", out);
		return;
	case FUSETRACE_STATUS_COMPLETED:
		fputs("ok", out);
		break;
	case FUSETRACE_STATUS_FAILED:
		put_errno(out, op->error);
		break;
	default:
		fputs("unknown (never answered)", out);
		return;
	}
	if (op->present & FT_HAS(DURATION_NS)) {
		fputc(' ', out);
		put_duration(out, op->duration_ns);
	}
}

/* The mark, or the begin of the wait. */
static uint64_t base_ns(const struct ft_report_source *source)
{
	const struct fusetrace_expect *expect = source->expect;

	return expect && expect->has_mark && expect->mark.mono_ns ? expect->mark.mono_ns
								  : source->facts->began_ns;
}

static const char *base_name(const struct ft_report_source *source)
{
	return base_ns(source) == source->facts->began_ns ? "the wait began" : "the mark";
}

/* "+0.012s release /db/index  ok 0.2ms": the time is from the mark, "?" if nobody saw it sent. */
static void put_op(FILE *out, const struct ft_report_source *source, const struct fusetrace_op *op)
{
	double since = ((double)op->start_ns - (double)base_ns(source)) / 1e9;

	if (op->start_ns)
		fprintf(out, "%+.3fs ", since);
	else
		fputs("?       ", out);
	fprintf(out, "%-10s ", fusetrace_op_name(op));
	put_path(out, op);
	fputs("  ", out);
	put_outcome(out, op);
	fputc('\n', out);
}

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

/* ---- the daemon ---- */

static void put_thread(FILE *out, const struct ft_daemon_thread *thread)
{
	fprintf(out, INDENT "daemon pid %d thread %d (", thread->pid, thread->id);
	put_escaped(out, ft_bytes_of(thread->name));
	fprintf(out, "): state %c", thread->state);
	if (thread->state == 'R')
		fputs(", runs", out);
	else if (thread->wchan[0])
		fprintf(out, ", sleeps in %s", thread->wchan);
	else
		fputs(", where it sleeps is not readable: it has another user, or more rights",
		      out);
	for (int i = 0; i < thread->frames; i++) {
		if (i > 0 || strcmp(thread->stack[i], thread->wchan) != 0)
			fprintf(out, " < %s", thread->stack[i]);
	}
	if (thread->call[0])
		fprintf(out, ", in %s", thread->call);
	if (thread->target[0]) {
		fputs(" of ", out);
		put_escaped(out, ft_bytes_of(thread->target));
	}
	fputc('\n', out);
}

static void put_unreadable(FILE *out, pid_t pid, int error)
{
	fprintf(out, INDENT "daemon pid %d: ", pid);
	if (error && error != ENOENT)
		fprintf(out, "its threads are not readable: %s\n", fusetrace_strerror(-error));
	else if (ft_unseen_is_hidden(pid))
		fputs("/proc hides it from us (hidepid): what it does is not readable\n", out);
	else
		fputs("it has ended meanwhile\n", out);
}

/* What the daemon is about while it does not answer; nothing when it is not known who it is. */
static void put_daemon(FILE *out, const struct ft_facts *facts)
{
	const struct ft_daemon_threads *threads = &facts->threads;
	size_t shown = threads->count < THREADS_SHOWN ? threads->count : THREADS_SHOWN;

	if (facts->daemon_count == 0)
		return;
	if (!threads->is_readable) {
		put_unreadable(out, facts->daemons[0], threads->error);
		return;
	}
	if (ft_facts_is_stopped(facts)) {
		fprintf(out,
			INDENT "daemon pid %d: is stopped (state T): kill -CONT lets it go on\n",
			facts->daemons[0]);
		return;
	}
	/* The first thread of libfuse's loop only waits for the others. */
	while (shown > 1 && threads->shown[shown - 1].rank > threads->shown[0].rank + 2)
		shown--;
	if (threads->idle && threads->idle + shown >= threads->total && shown &&
	    threads->shown[0].id == threads->shown[0].pid)
		shown = 0; /* only that one is left */
	if (threads->idle && shown == 0)
		fprintf(out,
			INDENT "daemon pid %d: all %zu threads wait for requests: it has taken "
			       "this one and not answered\n",
			facts->daemons[0], threads->idle);
	for (size_t i = 0; i < shown; i++)
		put_thread(out, &threads->shown[i]);
	if (threads->idle && shown)
		fprintf(out, INDENT "%zu of its %zu threads wait for requests\n", threads->idle,
			threads->total);
}

static void put_exit(FILE *out, const struct ft_facts *facts)
{
	const struct ft_daemon_exit *exit = &facts->exit;

	if (exit->pid == 0)
		fputs(" - it closed its output, and which process it was is not known", out);
	else if (!exit->is_known)
		fprintf(out, " - pid %d ended; how is known to its parent alone", exit->pid);
	else if (WIFSIGNALED(exit->status))
		fprintf(out, " - pid %d was killed by signal %d (SIG%s)%s", exit->pid,
			WTERMSIG(exit->status),
			sigabbrev_np(WTERMSIG(exit->status)) ? sigabbrev_np(WTERMSIG(exit->status))
							     : "?",
			WCOREDUMP(exit->status) ? ", core dumped" : "");
	else
		fprintf(out, " - pid %d ended with exit code %d", exit->pid,
			WEXITSTATUS(exit->status));
}

/* ---- the verdict ---- */

static void put_unanswered(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	const struct fusetrace_op *op = facts->subject;

	fprintf(out, " - %s", fusetrace_op_name(op));
	if (op->present & FT_HAS(UNIQUE))
		fprintf(out, " unique=%" PRIu64, op->unique);
	fputs(" of ", out);
	put_path(out, op);
	fputs(" began ", out);
	put_distance(out, op->start_ns, base_ns(source));
	fprintf(out, " %s and has not been answered for %.2f s", base_name(source),
		facts->now_ns > op->start_ns ? (double)(facts->now_ns - op->start_ns) / 1e9 : 0.0);
}

static void put_never(FILE *out, const struct ft_facts *facts)
{
	if (facts->late)
		fputs(" before the deadline", out);
	else if (facts->busy)
		fputs(" - another request has not been answered, which may be why:", out);
	else if (facts->state == FUSETRACE_STATE_PENDING)
		fputs(" - nothing is mounted yet", out);
	else
		fputs(" - other operations came, none like this: is the answer in the kernel's "
		      "cache, is the name right?",
		      out);
}

static void put_order(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	const struct fusetrace_op *before;
	char wanted[512];

	ft_match_describe(&source->expect->matches[facts->slot], wanted, sizeof(wanted));
	fprintf(out, " at item %zu: ", facts->slot + 1);
	put_escaped(out, ft_bytes_of(wanted));
	if (!ft_facts_is_timeout(facts)) {
		fputs(" was next, and this came:", out);
		return;
	}
	before = source->expect->assign.ops[facts->slot - 1];
	fprintf(out, " was seen, but before %s ", fusetrace_op_name(before));
	put_path(out, before);
	fputc(':', out);
}

static void put_refused(FILE *out, const struct ft_report_source *source)
{
	const struct fusetrace_expect *expect = source->expect;
	const struct ft_facts *facts = source->facts;
	const struct ft_match *match = &expect->matches[facts->slot];

	if (facts->subject && facts->subject == facts->other_result) {
		fputs(" of its result:", out);
		return;
	}
	if (match->check_name) {
		fputc(' ', out);
		put_escaped(out, ft_bytes_of(match->check_name));
	}
	if (!ft_facts_is_timeout(facts))
		fputs(" - it failed at:", out);
	else
		fprintf(out, " %" PRIu64 " times%s, last:", facts->refusals,
			facts->is_refused_early ? ", and before its turn" : "");
}

static void put_no_events(FILE *out, const struct ft_facts *facts)
{
	if (facts->state == FUSETRACE_STATE_PENDING)
		fputs(" - nothing is mounted yet", out);
	else if (facts->source == FUSETRACE_SOURCE_LOG)
		fputs(" of any kind arrived: does the daemon print its operations?", out);
	else
		fputs(" of any kind arrived: is it this mount, is the answer cached by the "
		      "kernel, does FUSE passthrough hide it?",
		      out);
}

/* The verdict's own words, behind its name. */
static void put_detail(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	const struct fusetrace_op *op = facts->subject;

	switch (facts->verdict) {
	case FUSETRACE_VERDICT_NEVER_STARTED:
		put_never(out, facts);
		break;
	case FUSETRACE_VERDICT_IN_FLIGHT:
		if (op) /* else it is a question of our own, which is no operation */
			put_unanswered(out, source);
		break;
	case FUSETRACE_VERDICT_FAILED:
		fputs(" - completed with ", out);
		put_errno(out, op ? op->error : 0);
		fprintf(out, " (%s)", op ? fusetrace_strerror(-op->error) : "");
		break;
	case FUSETRACE_VERDICT_BEFORE_MARK:
		fputs(" - ", out);
		put_distance(out, op->start_ns + op->duration_ns, base_ns(source));
		fprintf(out, " %s: move the mark before the action", base_name(source));
		break;
	case FUSETRACE_VERDICT_OTHER_PATH:
		fputs(" - the nearest one:", out);
		break;
	case FUSETRACE_VERDICT_REFUSED:
		put_refused(out, source);
		break;
	case FUSETRACE_VERDICT_EVENTS_LOST:
		fprintf(out,
			" - %" PRIu64 ": absence proves nothing: use a larger ring, or end "
			"what else makes the mount busy",
			facts->lost);
		break;
	case FUSETRACE_VERDICT_NO_EVENTS:
		put_no_events(out, facts);
		break;
	case FUSETRACE_VERDICT_ORDER:
		put_order(out, source);
		break;
	case FUSETRACE_VERDICT_DAEMON_DIED:
		put_exit(out, facts);
		break;
	case FUSETRACE_VERDICT_UNMOUNTED:
		fputs(" - nothing more can come", out);
		break;
	case FUSETRACE_VERDICT_NOT_IDLE:
		fputs(facts->busy ? " - this has not been answered:"
				  : " - operations keep coming, last:",
		      out);
		break;
	default:
		break;
	}
}

static void put_late(FILE *out, const struct ft_facts *facts)
{
	if (!facts->late)
		return;
	fprintf(out, "  late    : %s ", fusetrace_op_name(facts->late));
	put_path(out, facts->late);
	fputs(" arrived ", out);
	put_duration(out, facts->late_ns);
	fputs(" after the deadline: too late, but it came; on a slow machine set "
	      "FUSETRACE_TIMEOUT_SCALE\n",
	      out);
}

static void put_verdict(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;

	fprintf(out, "  verdict : %s", fusetrace_verdict_name(facts->verdict));
	put_detail(out, source);
	fputc('\n', out);
	if (facts->subject && facts->verdict != FUSETRACE_VERDICT_IN_FLIGHT) {
		fputs(INDENT, out);
		put_op(out, source, facts->subject);
	}
	if (ft_facts_is_stopped(facts) ||
	    (facts->subject ? facts->subject->status == FUSETRACE_STATUS_STARTED
			    : facts->verdict == FUSETRACE_VERDICT_IN_FLIGHT))
		put_daemon(out, facts);
	put_late(out, facts);
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
		put_escaped(out, ft_bytes_of(match->where));
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
		put_op(out, source, facts->last.ops[i]);
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
		put_op(out, source, few->ops[i]);
	}
	if (few->total > shown)
		fprintf(out, INDENT "and %" PRIu64 " more\n", few->total - shown);
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
		put_op(out, source, near->ops[i]);
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
	put_verdict(out, source);
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
		put_escaped(out, ft_bytes_of(facts->trace_path));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}
