/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's pretty form, a record over several lines with an empty one behind it:
 *
 *	  2026-11-22T09:15:38.955067Z  INFO demo: new
 *	    at src/bin/demo.rs:16 on main ThreadId(1)
 *	    in demo::fuse::create with parent: 1, name: a.txt, mode: 0o644
 *
 * The innermost span comes first. A record's lines are kept until it ends, as a name that is printed
 * with % may break them; an empty line in a name ends it too early. Messages of the crate fuser are
 * records of their own (fuser.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "formats.h"
#include "prefix.h"
#include "tracing.h"

#define TEXT_MAX (64 * 1024)
/* Spans inside one another. */
#define SPANS_MAX 16
/* What places and spans begin with. */
#define INDENT "    "
/* Of the seconds of an uptime. */
#define UPTIME_WIDTH 4

struct tracing_pretty {
	struct ft_tracing tracing;
	bool is_coloured;  /* lines come with their colours, but for the first of a record */
	bool is_seen;      /* places or spans were, so that the stream is of this form */
	bool is_ours;      /* the record that is kept has them */
	bool is_elsewhere; /* the lines of a record that another format has taken */
	char *text;        /* the record's lines so far, and room for what is decoded of them */
	size_t size;
	size_t room;
};

/* A record while it is read. */
struct reading {
	struct ft_line line; /* its time is the record's */
	struct ft_tracing_scratch scratch;
	struct ft_bytes head; /* behind time and level */
	struct ft_bytes spans[SPANS_MAX];
	size_t span_count;
	struct ft_tracing_record record;
};

/* ---- lines ---- */

/* "   0.000279503s": in the full form one with fewer blanks before it begins a line. */
static bool take_uptime(struct ft_scan *scan, struct ft_time *ret_time)
{
	const char *point = memchr(scan->at, '.', ft_scan_left(scan));

	return point && point - scan->at >= UPTIME_WIDTH && ft_scan_uptime(scan, ret_time);
}

/* "  TIME  INFO ", where the time may be missing. */
static bool take_head(struct ft_scan *scan, struct ft_time *ret_time)
{
	*ret_time = (struct ft_time){.clock = FT_CLOCK_NONE};
	if (!ft_scan_literal(scan, "  "))
		return false;
	if ((ft_scan_time(scan, ret_time) || take_uptime(scan, ret_time)) &&
	    !ft_scan_char(scan, ' '))
		return false;
	ft_scan_char(scan, ' ');
	return ft_tracing_scan_level(scan);
}

static bool is_head(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_time ignored;

	return take_head(&scan, &ignored);
}

static bool is_of_fuser(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_time ignored;

	return take_head(&scan, &ignored) &&
	       (ft_scan_literal(&scan, "fuser::") || ft_scan_literal(&scan, "fuser: ") ||
		ft_scan_literal(&scan, "fuse::request: "));
}

/* "    at FILE:LINE on THREAD", "    on THREAD", "    in TARGET::SPAN" */
static bool is_indented(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);

	return ft_scan_literal(&scan, INDENT) &&
	       (ft_scan_literal(&scan, "at ") || ft_scan_literal(&scan, "in ") ||
		ft_scan_literal(&scan, "on "));
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

/* The ", " behind which a key stands, with all braces before it closed if is_paired; or the end. */
static const char *end_of_value(const struct ft_scan *scan, bool is_paired)
{
	long depth = 0;

	for (const char *at = scan->at; at < scan->end; at++) {
		struct ft_scan behind = {at + 2, scan->end};
		struct ft_bytes key;

		depth += is_paired * ((*at == '{' || *at == '(') - (*at == '}' || *at == ')'));
		if (depth <= 0 && *at == ',' && scan->end - at > 2 && at[1] == ' ' &&
		    take_key(&behind, &key))
			return at;
	}
	return depth > 0 ? NULL : scan->end;
}

static struct ft_bytes take_value(struct ft_scan *scan, struct ft_tracing_scratch *scratch)
{
	struct ft_scan quoted = *scan;
	struct ft_bytes value;
	const char *end;

	if (ft_scan_quoted(&quoted, scratch->at, &value) &&
	    (ft_scan_is_end(&quoted) || *quoted.at == ',')) {
		if (value.data == scratch->at)
			scratch->at += value.length;
		*scan = quoted;
		return value;
	}
	end = end_of_value(scan, true);
	if (!end) /* a brace in a name */
		end = end_of_value(scan, false);
	value = (struct ft_bytes){scan->at, (size_t)(end - scan->at)};
	scan->at = end;
	return value;
}

static void take_fields(struct reading *reading, struct ft_scan *scan, ft_tracing_add_fn *add)
{
	struct ft_bytes key;

	while (take_key(scan, &key)) {
		if (!add(&reading->record, key, take_value(scan, &reading->scratch)))
			reading->record.is_suspect = true;
		if (!ft_scan_literal(scan, ", "))
			return;
	}
}

/* ---- spans ---- */

/* "demo::fuse::create with parent: 1, name: a.txt" */
static void take_span(struct tracing_pretty *state, struct reading *reading, struct ft_bytes text)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes name = text;
	uint32_t opcode;

	if (record->has_span) {
		record->is_inner = true;
		return;
	}
	if (!ft_scan_past(&scan, " with ", 6, &name))
		scan.at = scan.end;
	if (!ft_tracing_opcode(&state->tracing, name, &opcode))
		return;
	record->has_span = true;
	record->opcode = opcode;
	take_fields(reading, &scan, ft_tracing_add);
}

/* "src/bin/demo.rs:16 on main ThreadId(1)", or what stands behind "on" alone. */
static void take_thread(struct reading *reading, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes before, thread = text;
	const char *number = memmem(text.data, text.length, "ThreadId(", 9);

	if (number)
		thread = (struct ft_bytes){number, (size_t)(text.data + text.length - number)};
	else if (ft_scan_past(&scan, " on ", 4, &before))
		thread = ft_scan_rest(&scan);
	reading->record.thread = ft_tracing_thread(thread);
}

/* ---- the event ---- */

/* "new", or "close, time.busy: 2.16ms, time.idle: 20.8µs" */
static bool take_kind(struct reading *reading, struct ft_bytes text)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes busy;

	if (ft_scan_literal(&scan, "close, time.busy: ") &&
	    ft_scan_past(&scan, ", time.idle: ", 13, &busy) &&
	    ft_tracing_durations(busy, ft_scan_rest(&scan), &record->duration_ns)) {
		record->kind = FT_TRACING_CLOSE;
		return true;
	}
	if (!ft_tracing_kind_of(text, &record->kind))
		return false;
	if (record->kind != FT_TRACING_CLOSE || reading->line.time.clock == FT_CLOCK_NONE)
		return true;
	record->kind = FT_TRACING_MESSAGE; /* where lines have times, a close has its own */
	return false;
}

/* "demo: created, ino: 4711", with or without the target. */
static void take_event(struct reading *reading)
{
	struct ft_scan scan = ft_scan_of(reading->head), behind = scan;
	struct ft_bytes target, word;
	const char *comma;

	if (ft_scan_past(&behind, ": ", 2, &target) && !memchr(target.data, ' ', target.length))
		scan = behind;
	if (take_kind(reading, ft_scan_rest(&scan)) || take_kind(reading, reading->head))
		return;
	behind = scan;
	comma = take_key(&behind, &word) ? scan.at : end_of_value(&scan, false);
	reading->record.message = (struct ft_bytes){scan.at, (size_t)(comma - scan.at)};
	scan.at = comma;
	ft_scan_literal(&scan, ", ");
	take_fields(reading, &scan, ft_tracing_add_own);
}

/* ---- a record ---- */

/* Cuts the text at the lines that are places or spans. */
static void cut(struct reading *reading, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes part;
	bool is_first = true;

	do {
		static const char sign[] = "\n" INDENT;
		const char *begin = scan.at;

		/* up to the next one; "\n    " without one of the words belongs to a name */
		do {
			if (!ft_scan_past(&scan, sign, sizeof(sign) - 1, &part))
				scan.at = scan.end;
		} while (!ft_scan_is_end(&scan) &&
			 !is_indented((struct ft_bytes){scan.at - 4, ft_scan_left(&scan) + 4}));
		part = (struct ft_bytes){begin, (size_t)(scan.at - begin)};
		part.length -= ft_scan_is_end(&scan) ? 0 : sizeof(sign) - 1;
		if (is_first)
			reading->head = part;
		else if (part.data[0] != 'i')
			take_thread(reading, (struct ft_bytes){part.data + 3, part.length - 3});
		else if (reading->span_count < SPANS_MAX)
			reading->spans[reading->span_count++] =
				(struct ft_bytes){part.data + 3, part.length - 3};
		is_first = false;
	} while (!ft_scan_is_end(&scan));
}

static void take_record(struct tracing_pretty *state, const struct ft_line *line,
			struct ft_sink *sink)
{
	struct ft_scan scan = {state->text, state->text + state->size};
	struct reading reading;

	memset(&reading, 0, offsetof(struct reading, record.fields));
	reading.line = *line;
	reading.scratch.at = state->text + state->size;
	state->size = 0;
	if (!state->is_ours || !take_head(&scan, &reading.line.time))
		return;
	cut(&reading, ft_scan_rest(&scan));
	take_event(&reading);
	for (size_t i = reading.span_count; i > 0; i--)
		take_span(state, &reading, reading.spans[i - 1]);
	reading.record.is_suspect |= line->is_suspect;
	ft_tracing_take(&state->tracing, &reading.line, &reading.record, sink);
}

static int keep(struct tracing_pretty *state, struct ft_bytes text, bool has_cr)
{
	/* what is decoded of it goes behind it */
	size_t needed = 3 * (state->size + text.length + 2);

	if (needed > state->room) {
		char *bytes = realloc(state->text, 2 * needed);

		if (!bytes)
			return -ENOMEM;
		state->text = bytes;
		state->room = 2 * needed;
	}
	if (state->size)
		state->text[state->size++] = '\n';
	memcpy(state->text + state->size, text.data, text.length);
	state->size += text.length;
	if (has_cr)
		state->text[state->size++] = '\r';
	return FT_LINE_PARTIAL;
}

/* ---- the format ---- */

/* The first line of a record, or one of a record that another format has taken. */
static int take_first(struct tracing_pretty *state, const struct ft_line *line)
{
	if (line->text.length < 8 || line->text.data[0] != ' ')
		return FT_LINE_OTHER;
	if (is_indented(line->text))
		return state->is_elsewhere ? FT_LINE_TAKEN : FT_LINE_OTHER;
	if (!is_head(line->text))
		return FT_LINE_OTHER;
	state->is_elsewhere = is_of_fuser(line->text);
	state->is_ours = false;
	return state->is_elsewhere ? FT_LINE_OTHER : keep(state, line->text, line->has_cr);
}

/* A line behind the first one. */
static int take_next(struct tracing_pretty *state, const struct ft_line *line, struct ft_sink *sink)
{
	if (line->text.length == 0) {
		take_record(state, line, sink);
		return FT_LINE_TAKEN;
	}
	if (is_indented(line->text)) {
		state->is_seen = state->is_ours = true;
	} else if (!state->is_seen || (is_head(line->text) && state->is_ours) ||
		   state->size > TEXT_MAX) {
		take_record(state, line, sink);
		return take_first(state, line);
	}
	return keep(state, line->text, line->has_cr);
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	static const char colour[] = "  \033[";
	struct tracing_pretty *state = data;
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_line plain = *line;
	size_t length;

	if (!state->size) {
		state->is_coloured |= ft_scan_bytes(&scan, colour, sizeof(colour) - 1);
		return take_first(state, line);
	}
	length = state->is_coloured ? ft_prefix_uncolour(line->text, line->scratch) : 0;
	if (length)
		plain.text = (struct ft_bytes){line->scratch, length};
	return take_next(state, &plain, sink);
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_pretty *state = data;

	ft_tracing_flush(&state->tracing, sink);
}

static void gap(void *data)
{
	struct tracing_pretty *state = data;

	state->size = 0;
}

static void done(void *data)
{
	struct tracing_pretty *state = data;

	free(state->text);
}

static const char *const begins[] = {NULL};

const struct ft_format ft_format_tracing_pretty = {
	.name = "tracing-pretty",
	.title = "Rust's tracing-subscriber, pretty records of several lines",
	.used_by = "filesystems written in Rust with a span for each operation",
	.how = "tracing_subscriber::fmt().pretty() with FmtSpan::NEW | FmtSpan::CLOSE",
	.note = "what is told depends on the fields of the spans; those printed with % are unquoted",
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
