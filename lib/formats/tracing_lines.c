/* SPDX-License-Identifier: MIT */
/*
 * tracing-subscriber's full and compact form (tracing_text.c), line by line. A newline in what is
 * printed with % breaks a record: one whose fields do not end goes on in the next line, and one of the
 * compact form, which has no braces, is held until the next line is seen to be a record.
 */
#include <errno.h>
#include <stdlib.h>

#include "formats.h"
#include "prefix.h"
#include "tracing_text.h"

/* What a record's names can spread it over. */
#define JOINED_LINES_MAX 16
#define JOINED_MAX (64 * 1024)
/* Beginnings of records that were seen inside a name, and how much of them tells them again. */
#define INNER_MAX 8
#define INNER_LENGTH 48

struct tracing_lines {
	struct ft_tracing tracing;
	char inner[INNER_MAX][INNER_LENGTH];
	uint32_t inner_count;
	bool is_coloured; /* the line that is offered next is one without its colours */
	char *joined;     /* a record that goes on in the next line */
	size_t joined_size;
	size_t joined_room;
	uint32_t joined_lines;
	bool is_held; /* it is whole unless the next line is no record */
};

/* ---- records over several lines ---- */

/* Whether a beginning like this stood in a name before. */
static bool was_inner(const struct tracing_lines *state, struct ft_bytes text)
{
	for (uint32_t i = 0; i < state->inner_count && i < INNER_MAX; i++) {
		if (text.length >= INNER_LENGTH &&
		    memcmp(text.data, state->inner[i], INNER_LENGTH) == 0)
			return true;
	}
	return false;
}

/* Takes the text as one record, as far as it is one. */
static int take_record(struct tracing_lines *state, struct ft_tracing_reading *reading,
		       struct ft_bytes text, struct ft_sink *sink)
{
	int r;

	reading->line.is_suspect |= was_inner(state, text);
	r = ft_tracing_text_take(reading, text, sink);
	state->is_held = r == FT_LINE_PARTIAL && reading->is_whole;
	return r;
}

static int append(struct tracing_lines *state, struct ft_bytes text, bool has_cr)
{
	/* what is decoded of it goes behind it */
	size_t needed = 3 * (state->joined_size + text.length + 2);

	if (needed > state->joined_room) {
		char *bytes = realloc(state->joined, 2 * needed);

		if (!bytes)
			return -ENOMEM;
		state->joined = bytes;
		state->joined_room = 2 * needed;
	}
	if (state->joined_lines++)
		state->joined[state->joined_size++] = '\n';
	if (state->is_coloured && memchr(text.data, '\033', text.length))
		state->joined_size += ft_prefix_uncolour(text, state->joined + state->joined_size);
	else {
		memcpy(state->joined + state->joined_size, text.data, text.length);
		state->joined_size += text.length;
	}
	if (has_cr)
		state->joined[state->joined_size++] = '\r';
	return FT_LINE_PARTIAL;
}

/* Each of the lines on its own, as they make no record together. */
static void take_separately(struct tracing_lines *state, const struct ft_line *line,
			    struct ft_sink *sink)
{
	struct ft_scan scan = {state->joined, state->joined + state->joined_size};
	char *scratch = state->joined + state->joined_size;
	struct ft_line single = *line;
	struct ft_tracing_reading reading;

	single.is_suspect = true;
	while (!ft_scan_is_end(&scan)) {
		struct ft_bytes text;

		if (!ft_scan_until(&scan, '\n', &text)) {
			text = ft_scan_rest(&scan);
			scan.at = scan.end;
		}
		ft_tracing_text_start(&reading, &state->tracing, &single, scratch);
		take_record(state, &reading, text, sink);
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
static bool note_inner(struct tracing_lines *state)
{
	struct ft_scan scan = {state->joined, state->joined + state->joined_size};
	struct ft_bytes before;
	bool r = false;

	while (ft_scan_until(&scan, '\n', &before)) {
		struct ft_scan inner = scan;
		struct ft_time ignored;

		if (!ft_tracing_text_head(&inner, &ignored))
			continue;
		r = true;
		if (ft_scan_left(&scan) >= INNER_LENGTH)
			memcpy(state->inner[state->inner_count++ % INNER_MAX], scan.at,
			       INNER_LENGTH);
	}
	return r;
}

static int take_joined(struct tracing_lines *state, const struct ft_line *line,
		       struct ft_sink *sink)
{
	struct ft_bytes whole;
	struct ft_tracing_reading reading;
	int r = append(state, line->text, line->has_cr);

	if (r < 0)
		return r;
	whole = (struct ft_bytes){state->joined, state->joined_size};
	ft_tracing_text_start(&reading, &state->tracing, line, state->joined + state->joined_size);
	if (is_balanced(whole)) {
		/* whether the next line belonged to it cannot be told */
		reading.line.is_suspect |= note_inner(state) || state->is_held;
		r = take_record(state, &reading, whole, sink);
	}
	if (r == FT_LINE_PARTIAL && state->joined_lines < JOINED_LINES_MAX &&
	    whole.length < JOINED_MAX)
		return FT_LINE_PARTIAL;
	if (r != FT_LINE_TAKEN)
		take_separately(state, line, sink);
	state->joined_size = 0;
	state->joined_lines = 0;
	return FT_LINE_TAKEN;
}

/* ---- the format ---- */

static bool may_begin(char c)
{
	return c == ' ' || (unsigned char)(c - '0') <= 9 || c == 'D' || c == 'E' || c == 'T';
}

/* What is held was whole; is_suspect: or the next line stood in its name. */
static void pass_on(struct tracing_lines *state, bool is_suspect, struct ft_sink *sink)
{
	static const struct ft_line no_line = {.text = {"", 0}};
	struct ft_bytes text = {state->joined, state->joined_size};
	struct ft_tracing_reading reading;

	state->is_held = false;
	state->joined_size = 0;
	state->joined_lines = 0;
	ft_tracing_text_start(&reading, &state->tracing, &no_line, state->joined + text.length);
	reading.line.is_suspect = is_suspect;
	take_record(state, &reading, text, sink);
}

/* Whether it does not go on with what is held. */
static bool begins_record(struct ft_bytes text, struct ft_time *ret_time)
{
	struct ft_scan scan = ft_scan_of(text);

	*ret_time = (struct ft_time){.clock = FT_CLOCK_NONE};
	return text.length == 0 || text.data[0] == '\033' || ft_tracing_text_head(&scan, ret_time);
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct tracing_lines *state = data;
	struct ft_tracing_reading reading;
	struct ft_time time;
	int r;

	if (state->is_held && begins_record(line->text, &time))
		pass_on(state,
			time.clock != FT_CLOCK_NONE &&
				ft_tracing_is_out_of_time(&state->tracing, &time),
			sink);
	if (state->joined_size)
		return take_joined(state, line, sink);
	if (line->text.length < 8 || !may_begin(line->text.data[0])) {
		state->is_coloured |= line->text.length && line->text.data[0] == '\033';
		return FT_LINE_OTHER;
	}
	ft_tracing_text_start(&reading, &state->tracing, line, line->scratch);
	reading.may_hold = true;
	r = take_record(state, &reading, line->text, sink);
	return r == FT_LINE_PARTIAL ? append(state, line->text, line->has_cr) : r;
}

static void flush(void *data, struct ft_sink *sink)
{
	struct tracing_lines *state = data;

	if (state->is_held)
		pass_on(state, false, sink);
	ft_tracing_flush(&state->tracing, sink);
}

static void gap(void *data)
{
	struct tracing_lines *state = data;

	state->joined_size = 0;
	state->joined_lines = 0;
}

static void done(void *data)
{
	struct tracing_lines *state = data;

	free(state->joined);
}

static const char *const begins[] = {NULL};

const struct ft_format ft_format_tracing = {
	.name = "tracing",
	.title = "Rust's tracing-subscriber, full and compact lines",
	.used_by =
		"mountpoint-s3, fuse3, filesystems written in Rust with a span for each operation",
	.how = "tracing_subscriber::fmt() with FmtSpan::NEW | FmtSpan::CLOSE",
	.note = "what is told depends on the span's fields and on the span events that are switched "
		"on; fields printed with % are not quoted",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct tracing_lines),
	.take = take,
	.flush = flush,
	.gap = gap,
	.done = done,
};
