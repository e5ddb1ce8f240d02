/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's lines in their full and their compact form:
 *
 *	2026-11-22T09:15:38.549926Z  INFO fuse::create{parent=1 name=a.txt mode=0o644}: demo: new
 *	2026-11-22T09:15:39.314989Z  INFO fuse::create: demo: src/bin/demo.rs:16: new parent=1 name=a.txt
 *
 * Before the spans may stand a thread's name and number, behind them the target, the file and the
 * line. What a program prints with % is not quoted: a line whose fields do not end goes on in the
 * next one, a span event's fields end at the last brace of the line, and what could also be
 * something else is suspect.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats.h"
#include "tracing_text.h"

/* What a record's names can spread it over. */
#define LINES_MAX 16
#define LENGTH_MAX (64 * 1024)
/* Beginnings of records that were seen inside a name, and how much of them tells them again. */
#define INNER_MAX 8
#define INNER_LENGTH 48

struct tracing_text {
	struct ft_tracing tracing;
	struct ft_tracing_lines lines; /* of a record that is not taken yet */
	bool may_go_on;                /* the line before was a message, which may hold newlines */
	bool is_held; /* it is whole, but for the line behind it; else its braces are open */
	struct ft_line first; /* its first line, without the text; the time is the record's own */
	char inner[INNER_MAX][INNER_LENGTH];
	uint32_t inner_count;
};

/* ---- a record ---- */

/* Whether a beginning like this stood in a name before. */
static bool was_inner(const struct tracing_text *state, struct ft_bytes text)
{
	for (uint32_t i = 0; i < state->inner_count && i < INNER_MAX; i++) {
		if (text.length >= INNER_LENGTH &&
		    memcmp(text.data, state->inner[i], INNER_LENGTH) == 0)
			return true;
	}
	return false;
}

static void pass_on(struct tracing_text *state, struct ft_tracing_reading *reading,
		    struct ft_sink *sink)
{
	reading->record.is_suspect |= was_inner(state, reading->line.text);
	state->may_go_on = reading->record.kind == FT_TRACING_MESSAGE;
	ft_tracing_take(&state->tracing, &reading->line, &reading->record, sink);
}

static int take_record(struct tracing_text *state, struct ft_tracing_reading *reading,
		       struct ft_sink *sink)
{
	int r = ft_tracing_read(&state->tracing, reading);

	if (r == FT_LINE_TAKEN)
		pass_on(state, reading, sink);
	return r;
}

/* ---- records over several lines ---- */

/* Whether a record begins here: with a time, if the one before has one, too. */
static bool is_head(const struct tracing_text *state, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_time time;

	return ft_tracing_scan_head(&scan, &time) && time.clock == state->first.time.clock;
}

/* Each of the lines on its own, as they make no record together. */
static void take_separately(struct tracing_text *state, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(ft_tracing_lines_text(&state->lines));
	struct ft_line single = {.is_suspect = true};
	struct ft_tracing_reading reading;

	while (!ft_scan_is_end(&scan)) {
		if (!ft_scan_until(&scan, '\n', &single.text)) {
			single.text = ft_scan_rest(&scan);
			scan.at = scan.end;
		}
		ft_tracing_start(&reading, &single, ft_tracing_lines_scratch(&state->lines));
		take_record(state, &reading, sink);
	}
}

/* Every brace that was opened is closed: what looks like an end inside is not. */
static bool is_balanced(struct ft_bytes text)
{
	long depth = 0;

	for (size_t i = 0; i < text.length; i++)
		depth += (text.data[i] == '{') - (text.data[i] == '}');
	return depth <= 0;
}

/* Remembers lines inside that look like records; returns whether there are any. */
static bool note_inner(struct tracing_text *state, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes before;
	bool r = false;

	while (ft_scan_until(&scan, '\n', &before)) {
		if (!is_head(state, ft_scan_rest(&scan)))
			continue;
		r = true;
		if (ft_scan_left(&scan) >= INNER_LENGTH)
			memcpy(state->inner[state->inner_count++ % INNER_MAX], scan.at,
			       INNER_LENGTH);
	}
	return r;
}

/* The next line of a record whose braces are open. */
static int take_joined(struct tracing_text *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_tracing_reading reading;
	int r = ft_tracing_lines_add(&state->lines, line);

	if (r < 0)
		return r;
	ft_tracing_start(&reading, line, ft_tracing_lines_scratch(&state->lines));
	reading.line.text = ft_tracing_lines_text(&state->lines);
	r = FT_LINE_PARTIAL;
	if (is_balanced(reading.line.text)) {
		reading.line.is_suspect |= note_inner(state, reading.line.text);
		r = take_record(state, &reading, sink);
	}
	if (r == FT_LINE_PARTIAL && state->lines.count < LINES_MAX &&
	    state->lines.size < LENGTH_MAX)
		return FT_LINE_PARTIAL;
	if (r != FT_LINE_TAKEN)
		take_separately(state, sink);
	ft_tracing_lines_clear(&state->lines);
	return FT_LINE_TAKEN;
}

/* The record before; is_cut: the line behind it is none, so a name may go on there. */
static void settle_held(struct tracing_text *state, bool is_cut, struct ft_sink *sink)
{
	struct ft_tracing_reading reading;

	state->first.text = ft_tracing_lines_text(&state->lines);
	state->first.is_suspect |= is_cut;
	ft_tracing_start(&reading, &state->first, ft_tracing_lines_scratch(&state->lines));
	reading.record.is_cut = is_cut;
	take_record(state, &reading, sink);
	ft_tracing_lines_clear(&state->lines);
	state->is_held = false;
}

/* Keeps a record that is not whole, or may not be. */
static int keep(struct tracing_text *state, const struct ft_tracing_reading *reading,
		const struct ft_line *line)
{
	int r = ft_tracing_lines_add(&state->lines, line);

	state->is_held = reading->may_hold;
	state->first = *line;
	state->first.time = reading->line.time;
	return r < 0 ? r : FT_LINE_PARTIAL;
}

/*
 * The line behind a record that may go on. One that begins no record is the rest of a name, or
 * somebody else's: the record's operation is doubtful, and its name is not known.
 */
static int take_behind_held(struct tracing_text *state, const struct ft_line *line,
			    bool begins_record, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_time time;
	bool is_out_of_time = ft_tracing_scan_head(&scan, &time) &&
			      ft_tracing_is_out_of_time(&state->tracing, &time);

	settle_held(state, !begins_record || is_out_of_time, sink);
	if (begins_record || is_out_of_time)
		return FT_LINE_OTHER;
	if (!ft_sink_has_requests(sink))
		return FT_LINE_TAKEN;
	ft_sink_doubt(sink);
	return FT_LINE_OTHER;
}

/*
 * What is kept, when the next line comes. OTHER: that line is one of its own. A request that stands
 * in a name cannot be told from the library's own one, so neither is lost, but it is doubtful.
 */
static int take_kept(struct tracing_text *state, const struct ft_line *line, struct ft_sink *sink)
{
	bool is_coloured =
		state->lines.is_coloured && line->text.length && line->text.data[0] == '\033';
	bool begins_record = is_coloured || is_head(state, line->text);

	if (state->is_held)
		return take_behind_held(state, line, begins_record, sink);
	if (!begins_record || !ft_sink_has_requests(sink))
		return take_joined(state, line, sink);
	ft_tracing_lines_clear(&state->lines);
	ft_sink_doubt(sink);
	return FT_LINE_OTHER;
}

/* ---- the format ---- */

static bool may_begin(char c)
{
	return c == ' ' || (unsigned char)(c - '0') <= 9 || c == 'D' || c == 'E' || c == 'T';
}

/* What stands behind a message is suspect unless it is a line of a library that prints its own. */
static void check_behind_message(struct tracing_text *state, const struct ft_line *line,
				 struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_time time;

	if (ft_sink_has_requests(sink) || ft_tracing_scan_head(&scan, &time) ||
	    (state->lines.is_coloured && !ft_scan_is_end(&scan) && *scan.at == '\033'))
		state->may_go_on = false;
	else
		ft_sink_doubt(sink);
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct tracing_text *state = data;
	struct ft_tracing_reading reading;
	int r = FT_LINE_OTHER;

	if (state->lines.size)
		r = take_kept(state, line, sink);
	if (r != FT_LINE_OTHER)
		return r;
	if (state->may_go_on)
		check_behind_message(state, line, sink);
	if (line->text.length < 8 || !may_begin(line->text.data[0])) {
		state->lines.is_coloured |= line->text.length && line->text.data[0] == '\033';
		return FT_LINE_OTHER;
	}
	ft_tracing_start(&reading, line, line->scratch);
	r = ft_tracing_read(&state->tracing, &reading);
	if (r == FT_LINE_PARTIAL || reading.may_hold)
		return keep(state, &reading, line);
	if (r == FT_LINE_TAKEN)
		pass_on(state, &reading, sink);
	return r;
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_text *state = data;

	if (state->lines.size && state->is_held)
		settle_held(state, false, sink);
	ft_tracing_flush(&state->tracing, sink);
}

static void gap(void *data)
{
	struct tracing_text *state = data;

	ft_tracing_lines_clear(&state->lines);
	state->may_go_on = false;
}

static void done(void *data)
{
	struct tracing_text *state = data;

	ft_tracing_lines_done(&state->lines);
}

static const char *const begins[] = {NULL};

const struct ft_format ft_format_tracing = {
	.name = "tracing",
	.title = "Rust's tracing-subscriber, one line a record: full (the default) and compact",
	.used_by = "Rust daemons with a span for each operation: mountpoint-s3, fuse3, own ones",
	.how = "tracing_subscriber::fmt().with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)",
	.note = "a span is an operation by its name (\"fuse::lookup\"); what is told depends on its "
		"fields (ino, parent, name, offset, size, errno, ...); those printed with % are not quoted",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct tracing_text),
	.take = take,
	.flush = flush,
	.gap = gap,
	.done = done,
};
