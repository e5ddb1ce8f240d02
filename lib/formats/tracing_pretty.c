/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's pretty form, several lines a record and an empty one behind it:
 *
 *	  2026-11-22T09:15:38.955067Z  INFO demo: close, time.busy: 2.16ms, time.idle: 20.8us
 *	    at src/bin/demo.rs:16 on main ThreadId(1)
 *	    in demo::fuse::create with parent: 1, name: a.txt, mode: 0o644
 *
 * The innermost span comes first. The first line alone may as well be what another format reads (the
 * requests of the fuser crate): it is only remembered, unless its message is that of a span event.
 * Names that a program prints with % are not quoted: the second half of one that holds a newline may
 * look like anything, also like a record; such a record stands where none can begin.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats.h"
#include "tracing.h"

/* What a record's names can spread it over. */
#define LINES_MAX 64
#define LENGTH_MAX (64 * 1024)
/* Before "at", "in" and "on". */
#define INDENT "    "
#define INDENT_LENGTH 4

struct tracing_pretty {
	struct ft_tracing tracing;
	struct ft_tracing_lines lines; /* of the record so far */
	bool is_ours;     /* more than its first line was seen, or that is one of a span event */
	bool is_suspect;  /* it begins where none can, or holds what looks like a beginning */
	bool has_places;  /* records have a line with their place in the source */
	bool is_coloured; /* the line that is offered next is one without its colours */
};

/* A record while it is read. */
struct reading {
	struct ft_line line; /* its time is the record's */
	struct ft_tracing_scratch scratch;
	struct ft_tracing_record record;
};

/* ---- lines ---- */

/* The lines behind the first one: "    at", "    in", "    on". */
static bool is_detail(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);

	return ft_scan_literal(&scan, INDENT) &&
	       (ft_scan_literal(&scan, "at ") || ft_scan_literal(&scan, "in ") ||
		ft_scan_literal(&scan, "on "));
}

static bool take_head(struct ft_scan *scan, struct ft_time *ret_time)
{
	return ft_scan_literal(scan, "  ") && ft_tracing_scan_head(scan, ret_time);
}

static bool is_head(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_time ignored;

	return take_head(&scan, &ignored);
}

/* Up to the end of the record or to a line of detail; what lies between may hold newlines. */
static struct ft_bytes take_section(struct ft_scan *scan)
{
	struct ft_bytes section = {scan->at, 0};
	const char *at = scan->at;

	while ((at = memchr(at, '\n', (size_t)(scan->end - at)))) {
		if (is_detail((struct ft_bytes){at + 1, (size_t)(scan->end - at) - 1}))
			break;
		at++;
	}
	section.length = (size_t)((at ? at : scan->end) - section.data);
	if (at && section.length && section.data[section.length - 1] == '\r')
		section.length--; /* all lines of the log end so */
	scan->at = at ? at + 1 : scan->end;
	return section;
}

/* ---- fields ---- */

/* "key: " */
static bool take_key(struct ft_scan *scan, struct ft_bytes *ret_key)
{
	const char *at = scan->at;

	while (at < scan->end && (ft_is_word_char(*at) || *at == '.' || *at == '#'))
		at++;
	if (at == scan->at || scan->end - at < 2 || at[0] != ':' || at[1] != ' ')
		return false;
	*ret_key = (struct ft_bytes){scan->at, (size_t)(at - scan->at)};
	scan->at = at + 2;
	return true;
}

/* Up to ", key: "; quotes that are not closed before that are part of the value. */
static struct ft_bytes take_raw(struct ft_scan *scan)
{
	const char *begin = scan->at;
	const char *at = begin;

	while ((at = memmem(at, (size_t)(scan->end - at), ", ", 2))) {
		struct ft_scan behind = {at + 2, scan->end};
		struct ft_bytes ignored;

		if (take_key(&behind, &ignored))
			break;
		at++;
	}
	scan->at = at ? at : scan->end;
	return (struct ft_bytes){begin, (size_t)(scan->at - begin)};
}

/* Of debug text, where the keys of a struct look like those of fields, what its brackets hold. */
static bool take_struct(struct ft_scan *scan, struct ft_bytes *ret_value)
{
	const char *at = scan->at;
	long depth = 0;

	while (at < scan->end && ft_is_word_char(*at))
		at++;
	if (at == scan->at || at == scan->end || (*at != '(' && *at != ' '))
		return false;
	if (*at == ' ' && (scan->end - at < 2 || at[1] != '{'))
		return false;
	for (; at < scan->end; at++) {
		depth += (*at == '(' || *at == '{') - (*at == ')' || *at == '}');
		if (depth == 0 && *at != ' ')
			break;
	}
	if (at == scan->end || (at + 1 < scan->end && at[1] != ','))
		return false;
	*ret_value = (struct ft_bytes){scan->at, (size_t)(at - scan->at) + 1};
	scan->at = at + 1;
	return true;
}

static struct ft_bytes take_value(struct ft_scan *scan, struct ft_tracing_scratch *scratch)
{
	struct ft_scan quoted = *scan;
	struct ft_bytes value;

	if (ft_scan_quoted(&quoted, scratch->at, &value) &&
	    (ft_scan_is_end(&quoted) || *quoted.at == ',')) {
		if (value.data == scratch->at)
			scratch->at += value.length;
		*scan = quoted;
		return value;
	}
	return take_struct(scan, &value) ? value : take_raw(scan);
}

static void take_fields(struct ft_bytes text, ft_tracing_add_fn *add,
			struct ft_tracing_record *record, struct ft_tracing_scratch *scratch)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes key;

	while (take_key(&scan, &key)) {
		if (!add(record, key, take_value(&scan, scratch)))
			record->is_suspect = true;
		if (!ft_scan_literal(&scan, ", "))
			return;
	}
}

/* ---- sections ---- */

/* "close, time.busy: 2.16ms, time.idle: 20.8us", or a word alone. */
static bool find_kind(struct ft_bytes message, const struct ft_time *time,
		      struct ft_tracing_record *record)
{
	struct ft_scan scan = ft_scan_of(message);
	struct ft_bytes busy;

	if (ft_scan_literal(&scan, "close, time.busy: ") &&
	    ft_scan_past(&scan, ", time.idle: ", 13, &busy) &&
	    ft_tracing_durations(busy, ft_scan_rest(&scan), &record->duration_ns)) {
		record->kind = FT_TRACING_CLOSE;
		return true;
	}
	/* where lines have times, a close has its own: this is the program's message */
	return ft_tracing_kind_of(message, &record->kind) &&
	       (record->kind != FT_TRACING_CLOSE || time->clock == FT_CLOCK_NONE);
}

/* "demo: " before the message */
static void skip_target(struct ft_scan *scan)
{
	struct ft_scan behind = *scan;
	struct ft_bytes name = ft_tracing_scan_name(&behind);

	if (name.length && ft_scan_literal(&behind, ": "))
		*scan = behind;
}

/* The kind of the record, or the program's message with its fields. */
static void take_message(struct ft_bytes text, struct reading *reading)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan = ft_scan_of(text), fields;
	struct ft_bytes key;

	skip_target(&scan);
	if (find_kind(ft_scan_rest(&scan), &reading->line.time, record))
		return;
	record->kind = FT_TRACING_MESSAGE;
	fields = scan;
	if (!take_key(&fields, &key)) {
		record->message = take_raw(&scan);
		ft_scan_literal(&scan, ", ");
	}
	take_fields(ft_scan_rest(&scan), ft_tracing_add_own, record, &reading->scratch);
}

/* "in demo::fuse::create with parent: 1, name: a.txt"; of several operations the outermost one. */
static void take_span(struct tracing_pretty *state, struct ft_bytes text, struct reading *reading,
		      size_t *depth)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan = ft_scan_of(text);
	struct ft_tracing_record span;

	ft_scan_literal(&scan, INDENT "in ");
	ft_tracing_record_init(&span);
	span.name = ft_tracing_scan_name(&scan);
	(*depth)++;
	if (!ft_tracing_opcode(&state->tracing, span.name, &span.opcode))
		return;
	if (ft_scan_literal(&scan, " with "))
		take_fields(ft_scan_rest(&scan), ft_tracing_add, &span, &reading->scratch);
	if (!ft_tracing_is_operation(&span))
		return;
	record->has_span = true;
	record->opcode = span.opcode;
	record->name = span.name;
	record->is_inner = *depth > 1;
	record->is_suspect |= span.is_suspect;
	record->count = span.count;
	memcpy(record->fields, span.fields, span.count * sizeof(span.fields[0]));
}

/* "at src/bin/demo.rs:16 on main ThreadId(1)" */
static void take_place(struct ft_bytes text, struct reading *reading)
{
	const char *number = memmem(text.data, text.length, "ThreadId(", 9);
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes before;

	if (number)
		scan.at = number;
	else if (!ft_scan_past(&scan, " on ", 4, &before))
		return;
	reading->record.thread = ft_tracing_thread(ft_scan_rest(&scan));
}

/* ---- a record ---- */

static void take_record(struct tracing_pretty *state, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(ft_tracing_lines_text(&state->lines));
	struct reading reading;
	size_t depth = 0;

	if (!state->is_ours || ft_scan_is_end(&scan))
		return;
	reading.line = (struct ft_line){.text = ft_scan_rest(&scan)};
	reading.scratch.at = ft_tracing_lines_scratch(&state->lines);
	ft_tracing_record_init(&reading.record);
	if (!take_head(&scan, &reading.line.time))
		return;
	take_message(take_section(&scan), &reading);
	while (!ft_scan_is_end(&scan)) {
		struct ft_bytes section = take_section(&scan);

		if (section.data[INDENT_LENGTH] == 'i') {
			take_span(state, section, &reading, &depth);
			continue;
		}
		state->has_places |= section.data[INDENT_LENGTH] == 'a';
		take_place(section, &reading);
	}
	reading.record.is_suspect |= state->is_suspect;
	if (reading.record.has_span)
		ft_tracing_take(&state->tracing, &reading.line, &reading.record, sink);
}

static void finish(struct tracing_pretty *state, struct ft_sink *sink)
{
	take_record(state, sink);
	ft_tracing_lines_clear(&state->lines);
	state->is_ours = state->is_suspect = false;
}

/* ---- the format ---- */

static bool is_event_head(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_tracing_record ignored;
	struct ft_time time;

	if (!take_head(&scan, &time))
		return false;
	skip_target(&scan);
	return find_kind(ft_scan_rest(&scan), &time, &ignored);
}

/* A first line. */
static int start(struct tracing_pretty *state, const struct ft_line *line, bool is_suspect)
{
	int r = ft_tracing_lines_add(&state->lines, line);

	if (r < 0)
		return r;
	state->is_suspect = is_suspect || line->is_suspect;
	state->is_ours = is_event_head(line->text);
	return state->is_ours ? FT_LINE_PARTIAL : FT_LINE_OTHER;
}

/* A line behind the first one. What goes on in a message that may not be ours is left out. */
static int add(struct tracing_pretty *state, const struct ft_line *line, struct ft_sink *sink)
{
	int r;

	state->is_ours |= is_detail(line->text);
	if (!state->is_ours) {
		/* the message goes on, if records do not end without their place */
		if (state->has_places && !ft_sink_has_requests(sink))
			ft_sink_doubt(sink);
		return FT_LINE_OTHER;
	}
	r = ft_tracing_lines_add(&state->lines, line);
	if (r < 0)
		return r;
	if (state->lines.count < LINES_MAX && state->lines.size < LENGTH_MAX)
		return FT_LINE_PARTIAL;
	state->is_suspect = true;
	finish(state, sink);
	return FT_LINE_TAKEN;
}

/* Whether the line is the one that was remembered, which is offered again without its colours. */
static bool is_without_escape(const struct tracing_pretty *state, const struct ft_line *line)
{
	struct ft_bytes first = ft_tracing_lines_text(&state->lines);
	const char *escape = memchr(first.data, '\033', first.length);
	size_t common = escape ? (size_t)(escape - first.data) : 0;

	return common && common <= line->text.length &&
	       memcmp(first.data, line->text.data, common) == 0;
}

/* What looks like a beginning while a record goes on. */
static int take_second_head(struct tracing_pretty *state, const struct ft_line *line,
			    struct ft_sink *sink)
{
	/* where no empty line was, or the line with the place is missing */
	bool is_in_name = state->is_ours || (state->has_places && !is_without_escape(state, line));

	if (state->is_ours && !ft_sink_has_requests(sink)) {
		state->is_suspect = true; /* it stands in a name */
		return add(state, line, sink);
	}
	if (is_in_name)
		ft_sink_doubt(sink);
	finish(state, sink);
	return start(state, line, is_in_name);
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct tracing_pretty *state = data;

	if (line->text.length > 2 && memcmp(line->text.data, "  \033", 3) == 0) {
		state->lines.is_coloured = true;
		return FT_LINE_OTHER;
	}
	if (state->lines.size == 0)
		return is_head(line->text) ? start(state, line, false) : FT_LINE_OTHER;
	if (line->text.length == 0) {
		finish(state, sink);
		return FT_LINE_TAKEN;
	}
	return is_head(line->text) ? take_second_head(state, line, sink) : add(state, line, sink);
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_pretty *state = data;
	struct ft_bytes text = ft_tracing_lines_text(&state->lines);

	/* the last line of a log that was cut off; without it, the rest is still to come */
	if (text.length && memmem(text.data, text.length, "\n" INDENT "in ", INDENT_LENGTH + 4))
		finish(state, sink);
	ft_tracing_flush(&state->tracing, sink);
}

static void gap(void *data)
{
	struct tracing_pretty *state = data;

	ft_tracing_lines_clear(&state->lines);
}

static void done(void *data)
{
	struct tracing_pretty *state = data;

	ft_tracing_lines_done(&state->lines);
}

static const char *const begins[] = {NULL};

const struct ft_format ft_format_tracing_pretty = {
	.name = "tracing-pretty",
	.title = "Rust's tracing-subscriber, pretty: several lines a record",
	.used_by = "Rust daemons with a span for each operation",
	.how = "tracing_subscriber::fmt().pretty().with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)",
	.note = "as tracing",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct tracing_pretty),
	.take = take,
	.flush = flush,
	.gap = gap,
	.done = done,
};
