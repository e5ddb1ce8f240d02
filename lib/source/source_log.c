/* SPDX-License-Identifier: MIT */
/* See source_log.h. */
#include "source_log.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "formats/format.h"
#include "formats/prefix.h"
#include "log_sink.h"

#define FORMATS_MAX 32
/* A longer line is passed over: logs that print the contents of files have some of half a megabyte. */
#define LINE_MAX (8u << 20)
/* An envelope in an envelope (a container's log of a daemon's JSON) is as deep as it gets. */
#define ENVELOPES_MAX 2

struct ft_log {
	struct ft_sink *sink; /* own_sink, or that of the log beside which this one is */
	struct ft_sink own_sink;
	const struct ft_format *const *formats;
	struct ft_begins begins;
	void *states[FORMATS_MAX];
	size_t format_count;
	size_t last;          /* the format that took the line before */
	size_t last_but_one;  /* another one that took one before that */
	bool is_partial;      /* ... and wants the next one */
	size_t prefix_length; /* of the last record behind a usual prefix */
	bool is_live;
	bool is_skipping; /* the rest of a line that is too long */
	char *rest;       /* the begin of a line whose end has not come yet */
	size_t rest_size;
	size_t rest_room;
	char *scratch; /* for what is decoded of one line */
	size_t scratch_room;
	struct ft_log_counts counts;
	ft_log_line_fn *unparsed;
	void *unparsed_data;
};

static struct ft_log *new_log(const struct ft_format *const *formats, bool is_live)
{
	struct ft_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->formats = formats;
	ft_begins_init(&log->begins, formats);
	log->is_live = is_live;
	for (; formats[log->format_count]; log->format_count++) {
		size_t size = formats[log->format_count]->state_size;

		log->states[log->format_count] = calloc(1, size ? size : 1);
		if (!log->states[log->format_count])
			return ft_log_free(log);
	}
	return log;
}

struct ft_log *ft_log_new_of(struct ft_tracker *tracker, const struct ft_format *const *formats,
			     bool is_live)
{
	struct ft_log *log = new_log(formats, is_live);

	if (!log)
		return NULL;
	ft_sink_init(&log->own_sink, tracker, is_live);
	log->sink = &log->own_sink;
	return log;
}

struct ft_log *ft_log_new(struct ft_tracker *tracker, bool is_live)
{
	return ft_log_new_of(tracker, ft_formats, is_live);
}

struct ft_log *ft_log_new_beside(struct ft_log *other)
{
	struct ft_log *log = new_log(other->formats, other->is_live);

	if (log)
		log->sink = other->sink;
	return log;
}

struct ft_log *ft_log_free(struct ft_log *log)
{
	if (!log)
		return NULL;
	for (size_t i = 0; i < log->format_count; i++) {
		if (log->formats[i]->done)
			log->formats[i]->done(log->states[i]);
		free(log->states[i]);
	}
	free(log->scratch);
	free(log->rest);
	free(log);
	return NULL;
}

void ft_log_on_unparsed(struct ft_log *log, ft_log_line_fn *fn, void *data)
{
	log->unparsed = fn;
	log->unparsed_data = data;
}

struct ft_log_counts ft_log_counts(const struct ft_log *log)
{
	return log->counts;
}

const struct ft_records *ft_log_records(const struct ft_log *log)
{
	return &log->sink->records;
}

/* ---- one line ---- */

static void flush_format(struct ft_log *log, size_t index)
{
	if (!log->formats[index]->flush)
		return;
	log->sink->format = log->formats[index];
	log->sink->format_index = (uint32_t)index;
	log->formats[index]->flush(log->states[index], log->sink);
}

/* FT_LINE_ or a negative errno. */
static int offer_to(struct ft_log *log, size_t index, const struct ft_line *line)
{
	int r;

	log->sink->format = log->formats[index];
	log->sink->format_index = (uint32_t)index;
	r = log->formats[index]->take(log->states[index], line, log->sink);
	if (r <= 0)
		return r;
	if (index != log->last)
		log->last_but_one = log->last;
	log->last = index;
	log->is_partial = r == FT_LINE_PARTIAL;
	return r;
}

/* Most logs are of one format or of two, a library's and its filesystem's. */
static int offer_to_last(struct ft_log *log, const struct ft_line *line)
{
	int r = offer_to(log, log->last, line);

	/* What a handler prints belongs to a request that its format may still hold back. */
	if (r == FT_LINE_OTHER && log->formats[log->last]->rank == FT_RANK_REQUESTS)
		flush_format(log, log->last);
	if (r == FT_LINE_OTHER && log->last_but_one != log->last)
		r = offer_to(log, log->last_but_one, line);
	return r;
}

static int offer(struct ft_log *log, const struct ft_line *line)
{
	int r = offer_to_last(log, line);

	for (size_t i = 0; r == FT_LINE_OTHER && i < log->format_count; i++) {
		if (i != log->last && i != log->last_but_one)
			r = offer_to(log, i, line);
	}
	return r;
}

/* with_suspect: also behind what is no usual prefix. */
static int offer_behind_prefix(struct ft_log *log, const struct ft_line *line, bool with_suspect)
{
	struct ft_line behind = *line;
	size_t at = 1;
	int r = FT_LINE_OTHER;

	while (r == FT_LINE_OTHER && ft_prefix_next(&log->begins, line->text, &at, &behind)) {
		if (with_suspect || !behind.is_suspect)
			r = offer(log, &behind);
	}
	if (r != FT_LINE_OTHER && !behind.is_suspect)
		log->prefix_length = (size_t)(behind.text.data - line->text.data);
	return r;
}

/*
 * Most records stand behind a prefix as long as the last one's: there is no need to look for the
 * place, nor to offer to anybody else what begins with a date.
 */
static int offer_as_before(struct ft_log *log, const struct ft_line *line)
{
	struct ft_line behind = *line;

	if (!log->prefix_length ||
	    !ft_prefix_at(&log->begins, line->text, log->prefix_length, &behind))
		return FT_LINE_OTHER;
	return offer_to_last(log, &behind);
}

static int offer_torn(struct ft_log *log, struct ft_line *line)
{
	struct ft_bytes whole = line->text;
	size_t at = 1;
	int r = FT_LINE_OTHER;

	while (r == FT_LINE_OTHER && ft_prefix_torn(&log->begins, whole, &at, line))
		r = offer(log, line);
	line->text = whole;
	return r;
}

/* As it is, then behind what an application puts before a record. */
static int offer_all_of(struct ft_log *log, const struct ft_line *line, bool with_suspect)
{
	int r = offer(log, line);

	return r == FT_LINE_OTHER ? offer_behind_prefix(log, line, with_suspect) : r;
}

/* scratch: three parts, each as long as the line: uncoloured, out of its envelope, names. */
static int take_apart(struct ft_log *log, struct ft_line *line)
{
	char *plain = log->scratch + 2 * line->text.length;
	char *message = plain + line->text.length;
	/* A coloured prefix is an unusual one until its colours are gone. */
	bool has_escape = memchr(line->text.data, '\033', line->text.length);
	size_t length;
	int r = offer_as_before(log, line);

	if (r == FT_LINE_OTHER)
		r = offer_all_of(log, line, !has_escape);
	if (r != FT_LINE_OTHER)
		return r;
	if (has_escape) {
		length = ft_prefix_uncolour(line->text, plain);
		if (length)
			line->text = (struct ft_bytes){plain, length};
		r = offer_all_of(log, line, true);
	}
	for (int i = 0; r == FT_LINE_OTHER && i < ENVELOPES_MAX; i++) {
		if (!ft_prefix_envelope(line->text, message, line))
			break;
		r = offer_all_of(log, line, true);
		message += line->text.length;
	}
	return r == FT_LINE_OTHER ? offer_torn(log, line) : r;
}

static int make_room(char **buffer, size_t *room, size_t needed)
{
	size_t size = *room ? *room : 4096;
	char *bytes;

	if (needed <= *room)
		return 0;
	while (size < needed)
		size *= 2;
	bytes = realloc(*buffer, size);
	if (!bytes)
		return -ENOMEM;
	*buffer = bytes;
	*room = size;
	return 0;
}

static void count_unparsed(struct ft_log *log, struct ft_bytes text)
{
	if (text.length == 0) {
		log->counts.empty++;
		return;
	}
	log->counts.unparsed++;
	if (log->unparsed)
		log->unparsed(log->counts.lines, text, log->unparsed_data);
}

static int take_line(struct ft_log *log, const char *data, size_t length)
{
	struct ft_line line = {.text = {data, length}};
	int r = FT_LINE_OTHER;

	log->counts.lines++;
	log->sink->is_doubted = false;
	if (make_room(&log->scratch, &log->scratch_room, 5 * length + 16))
		return -ENOMEM;
	line.scratch = log->scratch;
	line.has_cr = length && data[length - 1] == '\r';
	line.text.length -= line.has_cr;
	if (log->is_partial) {
		log->is_partial = false;
		r = offer_to(log, log->last, &line);
	}
	if (r == FT_LINE_OTHER && line.text.length)
		r = take_apart(log, &line);
	if (r == FT_LINE_OTHER)
		count_unparsed(log, (struct ft_bytes){data, length - line.has_cr});
	return r < 0 ? r : 0;
}

/* ---- lines out of pieces ---- */

/* A line that grows too long is given up; what there is of it can be listed. */
static void give_up(struct ft_log *log, struct ft_bytes begin)
{
	log->counts.lines++;
	log->is_partial = false;
	log->is_skipping = true;
	log->rest_size = 0;
	count_unparsed(log, begin);
}

/* Keeps the begin of a line whose end has not come yet. */
static int keep_rest(struct ft_log *log, const char *data, size_t size)
{
	if (log->is_skipping)
		return 0;
	if (log->rest_size + size > LINE_MAX) {
		give_up(log, log->rest_size ? (struct ft_bytes){log->rest, log->rest_size}
					    : (struct ft_bytes){data, LINE_MAX});
		return 0;
	}
	if (make_room(&log->rest, &log->rest_room, log->rest_size + size))
		return -ENOMEM;
	memcpy(log->rest + log->rest_size, data, size);
	log->rest_size += size;
	return 0;
}

static int take_rest(struct ft_log *log)
{
	size_t size = log->rest_size;

	log->rest_size = 0;
	if (log->is_skipping) {
		log->is_skipping = false;
		return 0;
	}
	return take_line(log, log->rest, size);
}

int ft_log_push(struct ft_log *log, const char *data, size_t size)
{
	const char *end = data + size;
	int r = 0;

	if (log->is_live)
		log->sink->seen_ns = ft_now_ns();
	while (data < end && r == 0) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t length = (size_t)((newline ? newline : end) - data);

		if (newline && !log->rest_size && !log->is_skipping && length <= LINE_MAX) {
			r = take_line(log, data, length);
		} else {
			r = keep_rest(log, data, length);
			if (r == 0 && newline)
				r = take_rest(log);
		}
		data += length + (newline != NULL);
	}
	return r;
}

void ft_log_pause(struct ft_log *log)
{
	for (size_t i = 0; i < log->format_count; i++)
		flush_format(log, i);
}

void ft_log_gap(struct ft_log *log)
{
	ft_log_pause(log);
	for (size_t i = 0; i < log->format_count; i++) {
		if (ft_formats[i]->gap)
			ft_formats[i]->gap(log->states[i]);
	}
	log->rest_size = 0;
	log->is_skipping = false;
	log->is_partial = false;
}

int ft_log_end(struct ft_log *log)
{
	int r = log->rest_size || log->is_skipping ? take_rest(log) : 0;

	ft_log_pause(log);
	return r;
}
