/* SPDX-License-Identifier: MIT */
/* The verdict for a person, what makes one understand it, and where the daemon stands. */
#include "report_text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

#define THREADS_SHOWN 3

/* ---- the daemon ---- */

static void put_thread(FILE *out, const struct ft_daemon_thread *thread)
{
	fprintf(out, FT_REPORT_INDENT "daemon pid %d thread %d (", thread->pid, thread->id);
	ft_report_put_escaped(out, ft_bytes_of(thread->name));
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
		ft_report_put_escaped(out, ft_bytes_of(thread->target));
	}
	fputc('\n', out);
}

static void put_unreadable(FILE *out, pid_t pid, int error)
{
	fprintf(out, FT_REPORT_INDENT "daemon pid %d: ", pid);
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
			FT_REPORT_INDENT
			"daemon pid %d: is stopped (state T): kill -CONT lets it go on\n",
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
			FT_REPORT_INDENT
			"daemon pid %d: all %zu threads wait for requests: it has taken "
			"this one and not answered\n",
			facts->daemons[0], threads->idle);
	for (size_t i = 0; i < shown; i++)
		put_thread(out, &threads->shown[i]);
	if (threads->idle && shown)
		fprintf(out, FT_REPORT_INDENT "%zu of its %zu threads wait for requests\n",
			threads->idle, threads->total);
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

/* "12ms after" or "3s before". */
static void put_distance(FILE *out, uint64_t moment_ns, uint64_t from_ns)
{
	ft_report_put_duration(out,
			       moment_ns >= from_ns ? moment_ns - from_ns : from_ns - moment_ns);
	fputs(moment_ns >= from_ns ? " after" : " before", out);
}

static void put_unanswered(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;
	const struct fusetrace_op *op = facts->subject;

	fprintf(out, " - %s", fusetrace_op_name(op));
	if (op->present & FT_HAS(UNIQUE))
		fprintf(out, " unique=%" PRIu64, op->unique);
	fputs(" of ", out);
	ft_report_put_path(out, op);
	fputs(" began ", out);
	put_distance(out, op->start_ns, ft_report_base_ns(source));
	fprintf(out, " %s and has not been answered for %.2f s", ft_report_base_name(source),
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
	ft_report_put_escaped(out, ft_bytes_of(wanted));
	if (!ft_facts_is_timeout(facts)) {
		fputs(" was next, and this came:", out);
		return;
	}
	before = source->expect->assign.ops[facts->slot - 1];
	fprintf(out, " was seen, but before %s ", fusetrace_op_name(before));
	ft_report_put_path(out, before);
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
		ft_report_put_escaped(out, ft_bytes_of(match->check_name));
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
		ft_report_put_errno(out, op ? op->error : 0);
		fprintf(out, " (%s)", op ? fusetrace_strerror(-op->error) : "");
		break;
	case FUSETRACE_VERDICT_BEFORE_MARK:
		fputs(" - ", out);
		put_distance(out, op->start_ns + op->duration_ns, ft_report_base_ns(source));
		fprintf(out, " %s: move the mark before the action", ft_report_base_name(source));
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
	ft_report_put_path(out, facts->late);
	fputs(" arrived ", out);
	ft_report_put_duration(out, facts->late_ns);
	fputs(" after the deadline: too late, but it came; on a slow machine set "
	      "FUSETRACE_TIMEOUT_SCALE\n",
	      out);
}

void ft_report_put_verdict(FILE *out, const struct ft_report_source *source)
{
	const struct ft_facts *facts = source->facts;

	fprintf(out, "  verdict : %s", fusetrace_verdict_name(facts->verdict));
	put_detail(out, source);
	fputc('\n', out);
	if (facts->subject && facts->verdict != FUSETRACE_VERDICT_IN_FLIGHT) {
		fputs(FT_REPORT_INDENT, out);
		ft_report_put_op(out, source, facts->subject);
	}
	if (ft_facts_is_stopped(facts) ||
	    (facts->subject ? facts->subject->status == FUSETRACE_STATUS_STARTED
			    : facts->verdict == FUSETRACE_VERDICT_IN_FLIGHT))
		put_daemon(out, facts);
	put_late(out, facts);
}
