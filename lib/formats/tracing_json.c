/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's JSON, one object a line:
 *
 *	{"timestamp":"2026-11-22T09:15:39.109420Z","level":"INFO","fields":{"message":"new"},
 *	 "target":"demo","span":{"mode":"0o644","name":"a.txt","parent":1,"name":"fuse::create"},
 *	 "spans":[]}
 *
 * The last member of a span is its name, even if one of its fields is called so. "spans" are those
 * that the record stands in, root first: "new", "exit" and "close" do not stand in the span that
 * they are of, which tells them from messages of the program. With flatten_event(true) the members of
 * "fields" are members of the line.
 */
#include "formats.h"
#include "tracing.h"

#include "base/json_scan.h"

struct tracing_json {
	struct ft_tracing tracing;
};

/* A line while it is read. */
struct reading {
	struct ft_line line; /* its time is the record's */
	struct ft_tracing_scratch scratch;
	struct ft_tracing_record record;
	struct ft_bytes span;  /* the object; data NULL: none */
	struct ft_bytes spans; /* the array */
	struct ft_bytes busy;
	struct ft_bytes idle;
};

#define KEY_IS(member, text) ft_bytes_equal((member)->key, FT_BYTES_LITERAL(text))

/* ---- values ---- */

/* A string as it was before JSON escaped it; other values as they stand there. */
static struct ft_bytes text_of(struct reading *reading, const struct ft_json_member *member)
{
	struct ft_bytes text;

	if (member->kind != '"' || !ft_json_scan_text(member->value, reading->scratch.at, &text))
		return member->value;
	if (text.data == reading->scratch.at)
		reading->scratch.at += text.length;
	return text;
}

/* What ?field prints is text with quotes of its own. */
static struct ft_bytes value_of(struct reading *reading, const struct ft_json_member *member)
{
	struct ft_bytes text = text_of(reading, member);
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes value;

	if (text.length < 2 || text.data[0] != '"' || text.data[text.length - 1] != '"' ||
	    !ft_scan_quoted(&scan, reading->scratch.at, &value) || !ft_scan_is_end(&scan))
		return text;
	if (value.data == reading->scratch.at)
		reading->scratch.at += value.length;
	return value;
}

/* ---- spans ---- */

/* The span that begins here. It is the operation's if there is none yet and its name is one's. */
static bool take_span(struct tracing_json *state, struct reading *reading, struct ft_scan *scan)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_json_member member, last = {.kind = '\0'};
	int r;

	if (!ft_json_scan_open(scan))
		return false;
	if (!record->has_span)
		record->count = 0;
	while ((r = ft_json_scan_next(scan, &member)) == 1) {
		if (last.kind && !record->has_span &&
		    !ft_tracing_add(record, last.key, value_of(reading, &last)))
			record->is_suspect = true;
		last = member;
	}
	if (r < 0)
		return false;
	if (record->has_span || last.kind != '"' || !KEY_IS(&last, "name"))
		return true;
	record->name = last.value;
	record->has_span = ft_tracing_opcode(&state->tracing, last.value, &record->opcode) &&
			   ft_tracing_is_operation(record);
	return true;
}

/* Of which span in the list the operation is, and whether the record stands in one inside it. */
static bool take_spans(struct tracing_json *state, struct reading *reading, bool *ret_is_in_span)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan = ft_scan_of(reading->spans);
	struct ft_bytes last = {NULL, 0};
	bool had_span = false;

	ft_scan_char(&scan, '[');
	while (!ft_scan_is_end(&scan) && *scan.at == '{') {
		had_span = record->has_span;
		last.data = scan.at;
		if (!take_span(state, reading, &scan))
			return false;
		last.length = (size_t)(scan.at - last.data);
		ft_scan_char(&scan, ',');
	}
	*ret_is_in_span = last.data && ft_bytes_equal(last, reading->span);
	if (reading->span.data && !*ret_is_in_span) {
		had_span = record->has_span;
		scan = ft_scan_of(reading->span);
		if (!take_span(state, reading, &scan))
			return false;
	}
	record->is_inner = had_span;
	return true;
}

/* ---- the event ---- */

static void take_own(struct reading *reading, const struct ft_json_member *member)
{
	struct ft_tracing_record *record = &reading->record;

	if (KEY_IS(member, "message"))
		record->message = text_of(reading, member);
	else if (KEY_IS(member, "time.busy"))
		reading->busy = member->value;
	else if (KEY_IS(member, "time.idle"))
		reading->idle = member->value;
	else if (!ft_tracing_add_own(record, member->key, value_of(reading, member)))
		record->is_suspect = true;
}

static void take_fields(struct reading *reading, struct ft_bytes object)
{
	struct ft_scan scan = ft_scan_of(object);
	struct ft_json_member member;

	if (!ft_json_scan_open(&scan))
		return;
	while (ft_json_scan_next(&scan, &member) == 1)
		take_own(reading, &member);
}

static void take_time(struct ft_bytes text, struct ft_time *time)
{
	struct ft_scan scan = ft_scan_of(text);

	if (!ft_scan_time(&scan, time))
		ft_scan_uptime(&scan, time);
}

static void take_member(struct reading *reading, const struct ft_json_member *member)
{
	if (member->kind == '{' && KEY_IS(member, "fields"))
		take_fields(reading, member->value);
	else if (member->kind == '{' && KEY_IS(member, "span"))
		reading->span = member->value;
	else if (member->kind == '[' && KEY_IS(member, "spans"))
		reading->spans = member->value;
	else if (KEY_IS(member, "timestamp"))
		take_time(member->value, &reading->line.time);
	else if (KEY_IS(member, "threadId") ||
		 (KEY_IS(member, "threadName") && !reading->record.thread))
		reading->record.thread = ft_tracing_thread(member->value);
	else if (!KEY_IS(member, "level") && !KEY_IS(member, "target") &&
		 !KEY_IS(member, "filename") && !KEY_IS(member, "line_number"))
		take_own(reading, member);
}

/* What kind of record it is; is_in_span: it stands in the span that it names. */
static void find_kind(struct reading *reading, bool is_in_span)
{
	struct ft_tracing_record *record = &reading->record;
	bool has_durations = reading->busy.data && reading->idle.data;
	enum ft_tracing_kind kind;

	if (record->own_count || !ft_tracing_kind_of(record->message, &kind))
		return;
	if (is_in_span != (kind == FT_TRACING_ENTER) && reading->spans.data)
		return;
	/* where lines have times, a close has its own */
	if (kind == FT_TRACING_CLOSE && reading->line.time.clock != FT_CLOCK_NONE &&
	    (!has_durations ||
	     !ft_tracing_durations(reading->busy, reading->idle, &record->duration_ns)))
		return;
	record->kind = kind;
}

/* ---- the format ---- */

static bool is_ours(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);

	return ft_scan_literal(&scan, "{\"timestamp\":\"") ||
	       ft_scan_literal(&scan, "{\"level\":\"") || ft_scan_literal(&scan, "{\"fields\":{");
}

static bool take_line(struct reading *reading)
{
	struct ft_scan scan = ft_scan_of(reading->line.text);
	struct ft_json_member member;
	int r;

	ft_json_scan_open(&scan);
	while ((r = ft_json_scan_next(&scan, &member)) == 1)
		take_member(reading, &member);
	return r == 0;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct tracing_json *state = data;
	struct reading reading;
	bool is_in_span = false;

	if (!is_ours(line->text))
		return FT_LINE_OTHER;
	reading.line = *line;
	reading.scratch.at = line->scratch;
	reading.span = reading.spans = reading.busy = reading.idle = (struct ft_bytes){NULL, 0};
	ft_tracing_record_init(&reading.record);
	reading.record.is_map = true;
	if (!take_line(&reading) || !take_spans(state, &reading, &is_in_span))
		return FT_LINE_OTHER;
	find_kind(&reading, is_in_span);
	/* what is no operation is the program's own matter */
	if (!reading.record.has_span)
		return reading.record.kind != FT_TRACING_MESSAGE ? FT_LINE_TAKEN : FT_LINE_OTHER;
	reading.record.is_suspect |= line->is_suspect;
	ft_tracing_take(&state->tracing, &reading.line, &reading.record, sink);
	return FT_LINE_TAKEN;
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_json *state = data;

	ft_tracing_flush(&state->tracing, sink);
}

static const char *const begins[] = {"{\"timestamp\":\"", NULL};

const struct ft_format ft_format_tracing_json = {
	.name = "tracing-json",
	.title = "Rust's tracing-subscriber, JSON lines",
	.used_by = "Rust daemons with a span for each operation",
	.how = "tracing_subscriber::fmt().json().with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)",
	.note = "a span is an operation by its name (\"fuse::lookup\"); what is told depends on its "
		"fields: ino, parent, name, offset, size, errno, ...",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET |
		 FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct tracing_json),
	.take = take,
	.flush = flush,
};
