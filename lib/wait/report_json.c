/* SPDX-License-Identifier: MIT */
/* A report for a program: one JSON object, as docs/json.md has it. */
#include <string.h>
#include <sys/wait.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report_render.h"

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

/* Text that nobody vouches for, in the escaped form that the report for a person has. */
static json_t *json_of_text(const char *text)
{
	char escaped[1024];

	ft_text_escape(ft_bytes_of(text), escaped, sizeof(escaped));
	return json_string(escaped);
}

static void set_number(json_t *object, const char *key, uint64_t number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

/* Absent means unknown. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(object, key, json_of_text(text));
}

static json_t *json_of_counts(struct ft_facts *facts)
{
	struct fusetrace_summary_row row;
	json_t *counts = json_object();

	for (size_t i = 0; fusetrace_summary_get(&facts->since, i, &row) == 0; i++)
		set_number(counts, row.op, row.count);
	return counts;
}

static json_t *json_of_thread(const struct ft_daemon_thread *thread)
{
	const char state[] = {thread->state, '\0'};
	json_t *object = json_object();

	set_number(object, "pid", (uint64_t)thread->pid);
	set_number(object, "thread", (uint64_t)thread->id);
	set_text(object, "name", thread->name);
	set_text(object, "state", state);
	set_text(object, "wchan", thread->wchan);
	set_text(object, "call", thread->call);
	set_text(object, "target", thread->target);
	if (thread->frames) {
		json_t *stack = json_array();

		for (int i = 0; i < thread->frames; i++)
			json_array_append_new(stack, json_of_text(thread->stack[i]));
		json_object_set_new(object, "stack", stack);
	}
	return object;
}

/* Who serves the mount, and what it is about while it does not answer. */
static void set_daemon(json_t *root, const struct ft_facts *facts)
{
	const struct ft_daemon_threads *threads = &facts->threads;
	static const char *const reasons[] = {"not seen", "no proc", "hidden", "forbidden"};
	json_t *object, *list;

	if (facts->is_daemon_unknown)
		json_object_set_new(root, "daemon_unknown", json_string(reasons[facts->unseen]));
	if (!threads->is_readable)
		return;
	object = json_object();
	list = json_array();
	set_number(object, "threads", threads->total);
	set_number(object, "idle", threads->idle);
	set_number(object, "stopped", threads->stopped);
	for (size_t i = 0; i < threads->count; i++)
		json_array_append_new(list, json_of_thread(&threads->shown[i]));
	json_object_set_new(object, "at_work", list);
	json_object_set_new(root, "daemon", object);
}

static void set_exit(json_t *root, const struct ft_facts *facts)
{
	const struct ft_daemon_exit *exit = &facts->exit;
	pid_t pid = exit->pid ? exit->pid : facts->daemon_count ? facts->daemons[0] : 0;
	json_t *printed;

	if (pid)
		set_number(root, "daemon_pid", (uint64_t)pid);
	if (exit->is_known && WIFSIGNALED(exit->status))
		set_number(root, "signal", (uint64_t)WTERMSIG(exit->status));
	else if (exit->is_known)
		set_number(root, "exit_code", (uint64_t)WEXITSTATUS(exit->status));
	if (!facts->printed_count)
		return;
	printed = json_array();
	for (size_t i = facts->printed_count; i-- > 0;)
		json_array_append_new(printed, json_string(facts->printed[i]));
	json_object_set_new(root, "printed", printed);
}

static void set_expect(json_t *root, const struct ft_report_source *source)
{
	const struct fusetrace_expect *expect = source->expect;
	json_t *answers = json_array();
	json_t *mark;

	for (size_t i = 0; i < source->facts->answered; i++)
		json_array_append_new(answers, json_integer((json_int_t)source->facts->answers[i]));
	json_object_set_new(root, "answers", answers);
	set_number(root, "item", source->facts->slot + 1);
	set_number(root, "items", expect->count);
	set_text(root, "where", expect->matches[source->facts->slot].where);
	set_text(root, "check", expect->matches[source->facts->slot].check_name);
	if (expect->matches[source->facts->slot].user.start_timeout_ns)
		set_number(root, "start_timeout_ns",
			   expect->matches[source->facts->slot].user.start_timeout_ns);
	if (source->facts->refusals)
		set_number(root, "refused", source->facts->refusals);
	if (!expect->has_mark)
		return;
	mark = json_object();
	set_number(mark, "seq", expect->mark.seq);
	set_number(mark, "mono_ns", expect->mark.mono_ns);
	json_object_set_new(root, "mark", mark);
}

static void set_lists(json_t *root, const struct ft_facts *facts)
{
	json_object_set_new(root, "last", json_of_few(&facts->last));
	json_object_set_new(root, "in_flight", json_of_few(&facts->in_flight));
	set_number(root, "in_flight_count", facts->in_flight.total);
	json_object_set_new(root, "near", json_of_few(&facts->near));
	if (facts->at_end.count)
		json_object_set_new(root, "at_end", json_of_few(&facts->at_end));
	if (facts->subject)
		json_object_set_new(root, "subject", json_of_op(facts->subject));
	if (facts->late) {
		json_object_set_new(root, "late", json_of_op(facts->late));
		set_number(root, "late_ns", facts->late_ns);
	}
}

char *ft_report_json(const struct ft_report_source *source)
{
	static const char *const states[] = {"new",       "pending", "mounted",
					     "unmounted", "gone",    "stopped"};
	struct ft_facts *facts = source->facts;
	json_t *root =
		json_pack("{s:i s:s s:s s:i s:s s:s* s:s s:I s:I s:I s:I s:I s:o}", "v", 1, "event",
			  "report", "verdict", fusetrace_verdict_name(facts->verdict), "result",
			  facts->result, "waited_for", source->waited_for, "label", source->label,
			  "state", states[facts->state], "began_ns", (json_int_t)facts->began_ns,
			  "waited_ns", (json_int_t)(facts->now_ns - facts->began_ns), "operations",
			  (json_int_t)facts->since_count, "failed", (json_int_t)facts->since_failed,
			  "lost", (json_int_t)facts->lost, "counts", json_of_counts(facts));
	char *text;

	if (!root)
		return NULL;
	if (facts->timeout_ns != FUSETRACE_FOREVER)
		set_number(root, "timeout_ns", facts->timeout_ns);
	if (facts->timeout_scale > 0)
		json_object_set_new(root, "timeout_scale", json_real(facts->timeout_scale));
	if (source->expect)
		set_expect(root, source);
	set_lists(root, facts);
	set_daemon(root, facts);
	set_exit(root, facts);
	if (facts->found)
		json_object_set_new(root, "found", json_string(facts->found));
	set_text(root, "trace", facts->trace_path);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}
