/* SPDX-License-Identifier: MIT */
/*
 * Renders the facts of a wait that was not satisfied: a few lines for a person, the verdict first,
 * and the same as JSON for a program.
 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "report_facts.h"

struct fusetrace_report {
	uint32_t verdict;
	char *text;
	char *json;
};

#define NEAR_SHOWN 3
#define KINDS_SHOWN 8

const char *fusetrace_verdict_name(uint32_t verdict)
{
	static const char *const names[] = {
		[FUSETRACE_VERDICT_NEVER_STARTED] = "never started",
		[FUSETRACE_VERDICT_IN_FLIGHT] = "in flight",
		[FUSETRACE_VERDICT_FAILED] = "failed",
		[FUSETRACE_VERDICT_REFUSED] = "refused by the check",
		[FUSETRACE_VERDICT_BEFORE_MARK] = "before the mark",
		[FUSETRACE_VERDICT_OTHER_PATH] = "on another path",
		[FUSETRACE_VERDICT_ORDER] = "order violated",
		[FUSETRACE_VERDICT_DAEMON_DIED] = "daemon died",
		[FUSETRACE_VERDICT_EVENTS_LOST] = "events lost",
		[FUSETRACE_VERDICT_NO_EVENTS] = "no events",
		[FUSETRACE_VERDICT_FORBIDDEN] = "forbidden operation seen",
		[FUSETRACE_VERDICT_NOT_IDLE] = "not idle",
		[FUSETRACE_VERDICT_UNMOUNTED] = "unmounted",
		[FUSETRACE_VERDICT_INTERRUPTED] = "interrupted",
		[FUSETRACE_VERDICT_NOT_SO] = "not so",
	};

	if (verdict == 0 || verdict >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[verdict];
}

/* ---- text ---- */

static void put_path(FILE *out, const struct fusetrace_op *op)
{
	char path[400];

	ft_text_escape(ft_name_bytes(op->path ? op->path : op->name), path, sizeof(path));
	fprintf(out, "%s", op->path || op->name ? path : "(path unknown)");
}

static void put_outcome(FILE *out, const struct fusetrace_op *op)
{
	char duration[FT_DURATION_SIZE];
	const char *name = ft_errno_name(op->error);

	ft_format_duration(op->duration_ns, false, duration, sizeof(duration));
	switch (op->status) {
	case FUSETRACE_STATUS_STARTED:
		fprintf(out, "in flight");
		break;
	case FUSETRACE_STATUS_COMPLETED:
		fprintf(out, "ok %s", duration);
		break;
	case FUSETRACE_STATUS_FAILED:
		if (name)
			fprintf(out, "%s %s", name, duration);
		else
			fprintf(out, "errno %d %s", op->error, duration);
		break;
	default:
		fprintf(out, "unknown (never answered)");
	}
}

/* "+0.012s release /db/index  ok 0.2ms": the time is from the begin of the wait. */
static void put_op(FILE *out, const struct ft_facts *facts, const struct fusetrace_op *op)
{
	double since = ((double)op->start_ns - (double)facts->began_ns) / 1e9;

	fprintf(out, "%+.3fs %-10s ", since, fusetrace_op_name(op));
	put_path(out, op);
	fprintf(out, "  ");
	put_outcome(out, op);
	fprintf(out, "\n");
}

/* Name, state and wait channel of the daemon's first thread, for what is stuck. */
static void put_daemon(FILE *out, const struct ft_facts *facts)
{
	char path[64], state = '?', wchan[128] = "";
	FILE *file;

	if (!facts->daemon)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", facts->daemon);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/wchan", facts->daemon);
	file = fopen(path, "re");
	if (file && fscanf(file, "%127s", wchan) != 1)
		wchan[0] = '\0';
	if (file)
		fclose(file);
	fprintf(out, "            daemon pid %d: state %c%s%s\n", facts->daemon, state,
		wchan[0] && wchan[0] != '0' ? ", sleeps in " : "",
		wchan[0] && wchan[0] != '0' ? wchan : "");
}

static void put_verdict(FILE *out, const struct ft_facts *facts,
			const struct fusetrace_expect *expect)
{
	const struct fusetrace_op *op = facts->subject;

	fprintf(out, "  verdict : %s", fusetrace_verdict_name(facts->verdict));
	switch (facts->verdict) {
	case FUSETRACE_VERDICT_IN_FLIGHT:
		if (op) /* else it is a question of our own, which is no operation */
			fprintf(out, " - %s unique=%" PRIu64 " has not been answered for %.2f s",
				fusetrace_op_name(op), op->unique,
				(double)(facts->now_ns - op->start_ns) / 1e9);
		fprintf(out, "\n");
		put_daemon(out, facts);
		return;
	case FUSETRACE_VERDICT_BEFORE_MARK:
		fprintf(out, " - %.3f s before the wait began: move the mark before the action",
			((double)facts->began_ns - (double)op->start_ns) / 1e9);
		break;
	case FUSETRACE_VERDICT_REFUSED:
		fprintf(out, " %" PRIu64 " times, last:", expect ? expect->refused : 0);
		break;
	case FUSETRACE_VERDICT_EVENTS_LOST:
		fprintf(out, " - %" PRIu64 ": absence proves nothing", facts->lost);
		break;
	case FUSETRACE_VERDICT_NO_EVENTS:
		fprintf(out, " of any kind arrived: is it this mount, is the answer cached by the "
			     "kernel, does FUSE passthrough hide it?");
		break;
	case FUSETRACE_VERDICT_ORDER:
		fprintf(out, " at item %zu", expect->failed_slot + 1);
		break;
	default:
		break;
	}
	fprintf(out, "\n");
	if (op) {
		fprintf(out, "            ");
		put_op(out, facts, op);
	}
}

static void put_seen(FILE *out, struct ft_facts *facts)
{
	struct fusetrace_summary_row row;

	fprintf(out, "  seen    : %" PRIu64 " operations since the mark", facts->since_count);
	for (size_t i = 0; i < KINDS_SHOWN && fusetrace_summary_get(&facts->since, i, &row) == 0;
	     i++)
		fprintf(out, "%s %s %" PRIu64, i ? "," : ":", row.op, row.count);
	fprintf(out, "; failed %" PRIu64 "; lost %" PRIu64 "\n", facts->since_failed, facts->lost);
}

static bool is_among(const struct ft_few_ops *few, const struct fusetrace_op *op)
{
	for (size_t i = 0; i < few->count; i++) {
		if (few->ops[i] == op)
			return true;
	}
	return false;
}

/* The newest ones, without those that stand in another list already (may be NULL). */
static void put_list(FILE *out, const struct ft_facts *facts, const struct ft_few_ops *few,
		     const struct ft_few_ops *shown, size_t max, const char *title)
{
	size_t first = few->count > max ? few->count - max : 0;

	for (size_t i = first; i < few->count; i++) {
		if (shown && is_among(shown, few->ops[i]))
			continue;
		fprintf(out, "  %-8s: ", title);
		put_op(out, facts, few->ops[i]);
		title = "";
	}
}

/* Whether the time that was given has to do with the result. */
static bool has_limit(const struct ft_facts *facts)
{
	return (facts->result == -ETIMEDOUT || facts->result == -EBUSY) && facts->timeout_ns &&
	       facts->timeout_ns != FUSETRACE_FOREVER;
}

static char *render_text(struct ft_facts *facts, const struct fusetrace_expect *expect,
			 const char *waited_for, const char *label)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s%s%s: %s after %.3f s", label ? label : "", label ? ": " : "", waited_for,
		fusetrace_strerror(facts->result), (double)(facts->now_ns - facts->began_ns) / 1e9);
	if (has_limit(facts))
		fprintf(out, " (limit %.3f s)", (double)facts->timeout_ns / 1e9);
	fprintf(out, "\n");
	put_verdict(out, facts, expect);
	if (facts->found)
		fprintf(out, "  found   : %s\n", facts->found);
	if (!facts->has_no_trace)
		put_seen(out, facts);
	put_list(out, facts, &facts->last, NULL, FT_FACTS_OPS, "last");
	put_list(out, facts, &facts->in_flight, NULL, FT_FACTS_OPS, "pending");
	put_list(out, facts, &facts->near, &facts->last, NEAR_SHOWN, "near");
	fclose(out);
	return text;
}

/* ---- JSON ---- */

/* An operation by the library's own writer, so that it has the same shape everywhere. */
static json_t *json_of_op(const struct fusetrace_op *op)
{
	int length = fusetrace_op_json(op, NULL, 0);
	char *text FT_AUTO_FREE = malloc((size_t)length + 1);

	if (!text)
		return json_null();
	fusetrace_op_json(op, text, (size_t)length + 1);
	return json_loadb(text, (size_t)length, 0, NULL);
}

static json_t *json_of_few(const struct ft_few_ops *few)
{
	json_t *list = json_array();

	for (size_t i = 0; i < few->count; i++)
		json_array_append_new(list, json_of_op(few->ops[i]));
	return list;
}

static json_t *json_of_counts(struct ft_facts *facts)
{
	struct fusetrace_summary_row row;
	json_t *counts = json_object();

	for (size_t i = 0; fusetrace_summary_get(&facts->since, i, &row) == 0; i++)
		json_object_set_new(counts, row.op, json_integer((json_int_t)row.count));
	return counts;
}

static char *render_json(struct ft_facts *facts, const char *waited_for, const char *label)
{
	json_t *root =
		json_pack("{s:i s:s s:s s:i s:s s:s* s:I s:I s:I s:I s:o s:o s:o s:o}", "v", 1,
			  "event", "report", "verdict", fusetrace_verdict_name(facts->verdict),
			  "result", facts->result, "waited_for", waited_for, "label", label,
			  "waited_ns", (json_int_t)(facts->now_ns - facts->began_ns), "operations",
			  (json_int_t)facts->since_count, "failed", (json_int_t)facts->since_failed,
			  "lost", (json_int_t)facts->lost, "counts", json_of_counts(facts), "last",
			  json_of_few(&facts->last), "in_flight", json_of_few(&facts->in_flight),
			  "near", json_of_few(&facts->near));
	char *text = NULL;

	if (root && facts->timeout_ns != FUSETRACE_FOREVER)
		json_object_set_new(root, "timeout_ns",
				    json_integer((json_int_t)facts->timeout_ns));
	if (root && facts->found)
		json_object_set_new(root, "found", json_string(facts->found));
	if (root && facts->subject)
		json_object_set_new(root, "subject", json_of_op(facts->subject));
	if (root)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* ---- objects ---- */

static void make(struct ft_facts *facts, const struct fusetrace_expect *expect,
		 const char *waited_for, const char *label, struct fusetrace_report **reterr_report)
{
	struct fusetrace_report *report = facts->verdict ? calloc(1, sizeof(*report)) : NULL;

	if (!report)
		return;
	report->verdict = facts->verdict;
	report->text = render_text(facts, expect, waited_for, label);
	report->json = render_json(facts, waited_for, label);
	if (!report->text || !report->json)
		report = fusetrace_report_free(report);
	if (report)
		*reterr_report = report;
}

void ft_report_make(struct fusetrace_expect *expect, int result, uint64_t timeout_ns,
		    struct fusetrace_report **reterr_report)
{
	const struct ft_match *match = ft_facts_match(expect);
	char waited_for[512], escaped[1024], label[512];
	struct ft_facts facts;

	if (!reterr_report)
		return;
	ft_facts_gather(&facts, expect->monitor, expect, result);
	facts.began_ns = expect->began_ns;
	facts.timeout_ns = timeout_ns;
	ft_match_describe(match, waited_for, sizeof(waited_for));
	ft_text_escape(ft_bytes_of(waited_for), escaped, sizeof(escaped));
	ft_text_escape(ft_bytes_of(match->label), label, sizeof(label));
	make(&facts, expect, escaped, match->label ? label : NULL, reterr_report);
	ft_facts_done(&facts);
}

void ft_report_of_facts(struct ft_facts *facts, const char *waited_for,
			struct fusetrace_report **reterr_report)
{
	make(facts, NULL, waited_for, NULL, reterr_report);
}

void ft_report_make_idle(struct fusetrace_monitor *monitor, int result, uint64_t began_ns,
			 uint64_t timeout_ns, struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;

	if (!reterr_report)
		return;
	ft_facts_gather(&facts, monitor, NULL, result);
	facts.began_ns = began_ns;
	facts.timeout_ns = timeout_ns;
	make(&facts, NULL, "idle", NULL, reterr_report);
	ft_facts_done(&facts);
}

uint32_t fusetrace_report_verdict(const struct fusetrace_report *report)
{
	return report->verdict;
}

const char *fusetrace_report_text(const struct fusetrace_report *report)
{
	return report->text;
}

const char *fusetrace_report_json(const struct fusetrace_report *report)
{
	return report->json;
}

struct fusetrace_report *fusetrace_report_free(struct fusetrace_report *report)
{
	if (!report)
		return NULL;
	free(report->text);
	free(report->json);
	free(report);
	return NULL;
}
