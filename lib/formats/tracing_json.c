/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's JSON, one object a line, with or without flatten_event():
 *
 *	{"timestamp":"...","level":"INFO","fields":{"message":"new"},"target":"demo",
 *	 "span":{"mode":"0o644","name":"a.txt","parent":1,"name":"fuse::create"},"spans":[]}
 *
 * "span" is the innermost one, "spans" are those that are entered, from the root on: new, exit and
 * close are told while their span is not. A span's own name is the last of the members called "name".
 * What a program prints with ? is text in quotes within the string.
 */
#include <errno.h>

#include "../base/json_scan.h"
#include "formats.h"
#include "tracing.h"

struct tracing_json {
	struct ft_tracing tracing;
};

/* A line while it is read. */
struct reading {
	struct tracing_json *state;
	struct ft_line line; /* its time is the record's */
	struct ft_tracing_scratch scratch;
	struct ft_bytes span; /* data NULL: none */
	struct ft_bytes spans;
	struct ft_bytes busy;
	struct ft_bytes idle;
	struct ft_tracing_record record;
};

/* ---- values ---- */

static bool key_is(const struct ft_json_member *member, const char *key)
{
	return ft_bytes_equal(member->key, ft_bytes_of(key));
}

/* Of a string its text, and of that what stands in quotes; else what stands there. */
static struct ft_bytes value_of(struct reading *reading, const struct ft_json_member *member)
{
	struct ft_tracing_scratch *scratch = &reading->scratch;
	struct ft_bytes text = member->value, inner;
	struct ft_scan scan;

	if (member->kind != '"')
		return text;
	if (!ft_json_scan_text(member->value, scratch->at, &text))
		return member->value;
	if (text.data == scratch->at)
		scratch->at += text.length;
	scan = ft_scan_of(text);
	if (!ft_scan_quoted(&scan, scratch->at, &inner) || !ft_scan_is_end(&scan))
		return text;
	if (inner.data == scratch->at)
		scratch->at += inner.length;
	return inner;
}

/* ---- spans ---- */

/* Takes the object that begins here; its fields if it is the first one of an operation. */
static bool take_span(struct reading *reading, struct ft_scan *scan)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_bytes name = {NULL, 0};
	struct ft_json_member member;
	uint32_t opcode;
	int r;

	if (!ft_json_scan_open(scan))
		return false;
	while ((r = ft_json_scan_next(scan, &member)) == 1) {
		if (record->has_span)
			continue;
		if (!key_is(&member, "name")) {
			record->is_suspect |=
				!ft_tracing_add(record, member.key, value_of(reading, &member));
			continue;
		}
		if (name.data) /* the one before was a field */
			ft_tracing_add(record, member.key, name);
		name = value_of(reading, &member);
	}
	if (r < 0)
		return false;
	if (record->has_span) {
		record->is_inner = true;
	} else if (name.data && ft_tracing_opcode(&reading->state->tracing, name, &opcode)) {
		record->has_span = true;
		record->opcode = opcode;
	} else {
		record->count = 0;
	}
	return true;
}

/* From the root on. */
static bool take_spans(struct reading *reading)
{
	/* entered, so that it is the last of the list, too */
	bool is_listed = reading->record.kind == FT_TRACING_ENTER ||
			 reading->record.kind == FT_TRACING_MESSAGE;
	struct ft_scan scan = ft_scan_of(reading->spans);

	if (reading->spans.data && ft_scan_char(&scan, '[')) {
		while (!ft_scan_is_end(&scan) && *scan.at == '{') {
			if (!take_span(reading, &scan))
				return false;
			ft_scan_char(&scan, ',');
		}
		if (is_listed && reading->spans.length > 2)
			return true;
	}
	scan = ft_scan_of(reading->span);
	return !reading->span.data || take_span(reading, &scan);
}

/* ---- the event ---- */

/* What stands in "fields", or at the top where the event is flattened. */
static void take_event_member(struct reading *reading, const struct ft_json_member *member)
{
	struct ft_tracing_record *record = &reading->record;

	if (key_is(member, "message"))
		record->message = value_of(reading, member);
	else if (key_is(member, "time.busy"))
		reading->busy = value_of(reading, member);
	else if (key_is(member, "time.idle"))
		reading->idle = value_of(reading, member);
	else
		ft_tracing_add_own(record, member->key, value_of(reading, member));
}

static bool take_fields(struct reading *reading, struct ft_bytes fields)
{
	struct ft_scan scan = ft_scan_of(fields);
	struct ft_json_member member;
	int r;

	if (!ft_json_scan_open(&scan))
		return false;
	while ((r = ft_json_scan_next(&scan, &member)) == 1)
		take_event_member(reading, &member);
	return r == 0;
}

static bool is_about_the_line(const struct ft_json_member *member)
{
	return key_is(member, "level") || key_is(member, "target") || key_is(member, "filename") ||
	       key_is(member, "line_number");
}

static void take_time(struct reading *reading, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);

	if (!ft_scan_time(&scan, &reading->line.time))
		ft_scan_uptime(&scan, &reading->line.time);
}

static bool take_member(struct reading *reading, const struct ft_json_member *member)
{
	if (key_is(member, "timestamp")) {
		take_time(reading, member->value);
	} else if (member->kind == '{' && key_is(member, "fields")) {
		return take_fields(reading, member->value);
	} else if (member->kind == '{' && key_is(member, "span")) {
		reading->span = member->value;
	} else if (member->kind == '[' && key_is(member, "spans")) {
		reading->spans = member->value;
	} else if (key_is(member, "threadId") ||
		   (key_is(member, "threadName") && !reading->record.thread)) {
		reading->record.thread = ft_tracing_thread(member->value);
	} else if (!is_about_the_line(member)) {
		take_event_member(reading, member);
	}
	return true;
}

/* A span event has its word and nothing else; where lines have times, a close has its own. */
static void find_kind(struct reading *reading)
{
	struct ft_tracing_record *record = &reading->record;
	enum ft_tracing_kind kind;
	bool has_times = reading->busy.data && reading->idle.data &&
			 ft_tracing_durations(reading->busy, reading->idle, &record->duration_ns);

	if (record->own_count || !ft_tracing_kind_of(record->message, &kind))
		return;
	if (kind == FT_TRACING_CLOSE && !has_times && reading->line.time.clock != FT_CLOCK_NONE)
		return;
	record->kind = kind;
}

/* ---- the format ---- */

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct reading reading;
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_json_member member;
	int r;

	if (line->text.length < 16 || *scan.at != '{' || !ft_json_scan_open(&scan))
		return FT_LINE_OTHER;
	memset(&reading, 0, offsetof(struct reading, record.fields));
	reading.state = data;
	reading.line = *line;
	reading.scratch.at = line->scratch;
	while ((r = ft_json_scan_next(&scan, &member)) == 1) {
		if (!take_member(&reading, &member))
			return FT_LINE_OTHER;
	}
	if (r < 0 || (!reading.span.data && !reading.spans.data))
		return FT_LINE_OTHER;
	find_kind(&reading);
	if (!take_spans(&reading))
		return FT_LINE_OTHER;
	/* a message in no operation may be a record of somebody else */
	if (reading.record.kind == FT_TRACING_MESSAGE && !reading.record.has_span)
		return FT_LINE_OTHER;
	reading.record.is_map = true;
	reading.record.is_suspect |= line->is_suspect;
	ft_tracing_take(&reading.state->tracing, &reading.line, &reading.record, sink);
	return FT_LINE_TAKEN;
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_json *state = data;

	ft_tracing_flush(&state->tracing, sink);
}

static const char *const begins[] = {"{\"timestamp\":", NULL};

const struct ft_format ft_format_tracing_json = {
	.name = "tracing-json",
	.title = "Rust's tracing-subscriber, JSON",
	.used_by = "filesystems written in Rust with a span for each operation",
	.how = "tracing_subscriber::fmt().json() with FmtSpan::NEW | FmtSpan::CLOSE",
	.note = "what is told depends on the fields of the spans",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET |
		 FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct tracing_json),
	.take = take,
	.flush = flush,
};
