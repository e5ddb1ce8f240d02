/* SPDX-License-Identifier: MIT */
/* See reading.h. */
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command.h"
#include "message.h"
#include "options.h"
#include "views/names.h"

/* Longer than any line that the library takes: what fills it without a newline is refused. */
#define BUFFER_SIZE (2 * FT_JSON_LINE_MAX)
/* What is read at once: it stays in the processor's cache until it is shown. */
#define PIECE_SIZE (256u << 10)
/* The view takes operations piece by piece, and no log tells one in less than four bytes. */
#define KEPT_OPS (PIECE_SIZE / 4)

int reading_init(struct reading *reading, const struct options *options)
{
	*reading = (struct reading){
		.buffer = malloc(BUFFER_SIZE + 1), /* for a last newline */
		.input.fd = -1,
	};
	trace_init(&reading->trace, options);
	return reading->buffer ? 0 : -ENOMEM;
}

void reading_done(struct reading *reading)
{
	ft_json_reader_done(&reading->json);
	trace_done(&reading->trace);
	free(reading->buffer);
}

/* ---- what is shown ---- */

static void show_head(struct reading *reading, const struct ft_json_record *record)
{
	struct view *view = &reading->trace.view;

	reading->has_head = true;
	view->has_base = record->has & FT_JSON_HAS_MONO_NS;
	view->base_ns = record->mono_ns;
	view->kind->head(view, record);
}

/* A recording that does not begin with a head gets an empty one. */
static void need_head(struct reading *reading)
{
	if (!reading->has_head)
		show_head(reading, &(struct ft_json_record){.kind = FT_JSON_TRACE});
}

static void show_event(struct reading *reading, const char *line, size_t length)
{
	struct ft_json_record record;

	if (ft_json_read(&reading->json, line, length, &record, NULL) < 0)
		return;
	switch (record.kind) {
	case FT_JSON_TRACE:
		show_head(reading, &record);
		break;
	case FT_JSON_LOST:
	case FT_JSON_MOUNTED:
	case FT_JSON_UNMOUNTED:
	case FT_JSON_DAEMON_GONE:
	case FT_JSON_WAIT:
		need_head(reading);
		trace_event(&reading->trace, &record);
		break;
	default:
		break; /* an operation whose name is like that, or an event of a later version */
	}
}

/* What a log tells of losses, behind the operations that came with it. */
static void show_loss(struct reading *reading, uint64_t before)
{
	struct ft_json_record record = {
		.kind = FT_JSON_LOST,
		.has = FT_JSON_HAS_COUNT,
		.count = fusetrace_lost(reading->trace.monitor, NULL) - before,
	};

	if (record.count == 0)
		return;
	need_head(reading);
	trace_event(&reading->trace, &record);
}

/* --unparsed */
static void show_unparsed(uint64_t number, const char *line, size_t length, void *data)
{
	struct reading *reading = data;
	char *text FT_AUTO_FREE = name_escape((struct ft_bytes){line, length});

	if (text)
		output_printf(&reading->trace.output, "%" PRIu64 ": %s\n", number, text);
}

/* What was fed and not yet shown. -EPIPE: nothing more can be written. */
static int show_operations(struct reading *reading)
{
	struct trace *trace = &reading->trace;

	if (!trace->options->unparsed && fusetrace_count(trace->monitor, &trace->taken, NULL) > 0)
		need_head(reading);
	while (!trace_take(trace)) {
		if (output_flush(&trace->output, FUSETRACE_FOREVER, -1) < 0)
			break;
	}
	if (output_pending(&trace->output) >= OUTPUT_ENOUGH)
		output_flush(&trace->output, FUSETRACE_FOREVER, -1);
	return trace->output.error ? -EPIPE : 0;
}

/* ---- what is read ---- */

static int refuse(struct reading *reading, int r, const struct fusetrace_error *error)
{
	progress_end(&reading->progress);
	if (r != -EBADMSG)
		return fail(EXIT_SETUP, "%s: %s: try again", reading->name, fusetrace_strerror(r));
	return fail(EXIT_USAGE, "%s: %s", reading->name, error->text);
}

static int feed(struct reading *reading, const char *data, size_t size)
{
	struct fusetrace_error error = {0};
	uint64_t lost = fusetrace_lost(reading->trace.monitor, NULL);
	int r = fusetrace_feed(reading->trace.monitor, data, size, &error);
	int shown = show_operations(reading);

	if (reading->is_log)
		show_loss(reading, lost);
	return r < 0 ? refuse(reading, r, &error) : shown;
}

/* The first line of data that may be an event; all of them end with a newline. */
static bool find_event(const char *data, size_t size, size_t *ret_begin, size_t *ret_end)
{
	/* A quote within a name is escaped, so this stands for a key or a whole word. */
	const char *word = memmem(data, size, "\"event\"", 7);
	size_t begin, end;

	if (!word)
		return false;
	for (begin = (size_t)(word - data); begin > 0 && data[begin - 1] != '\n';)
		begin--;
	for (end = (size_t)(word - data); end < size && data[end] != '\n';)
		end++;
	*ret_begin = begin;
	*ret_end = end < size ? end + 1 : size;
	return true;
}

/* Whole lines: events are shown where they stand among the operations. */
static int take_lines(struct reading *reading, const char *data, size_t size)
{
	int r = 0;

	while (r == 0 && size) {
		size_t begin = size, end = size;
		bool has_event = find_event(data, size, &begin, &end);

		r = feed(reading, data, begin);
		if (r == 0 && has_event)
			r = feed(reading, data + begin, end - begin);
		if (r == 0 && has_event && !reading->is_log)
			show_event(reading, data + begin, end - begin);
		data += end;
		size -= end;
	}
	return r;
}

/* Takes all whole lines out of the buffer; one that fills it is fed as it is. */
static int take_buffer(struct reading *reading)
{
	const char *newline = memrchr(reading->buffer, '\n', reading->used);
	size_t whole = newline ? (size_t)(newline + 1 - reading->buffer) : 0;
	int r;

	if (!newline && reading->used == BUFFER_SIZE) {
		reading->used = 0;
		return feed(reading, reading->buffer, BUFFER_SIZE);
	}
	r = take_lines(reading, reading->buffer, whole);
	reading->used -= whole;
	memmove(reading->buffer, reading->buffer + whole, reading->used);
	output_pump(&reading->trace.output);
	progress_show(&reading->progress, reading->input.taken, reading->input.size);
	return r;
}

/* The end of what was fed: what has no end yet will have none. */
static int end_feed(struct reading *reading)
{
	struct fusetrace_error error = {0};
	int r = fusetrace_feed_end(reading->trace.monitor, &error);

	return r < 0 ? refuse(reading, r, &error) : show_operations(reading);
}

/* With --unparsed, that no line was understood is what was asked for. */
static int judge_log(struct reading *reading)
{
	if (reading->trace.options->unparsed)
		return 0;
	progress_end(&reading->progress);
	return understood_judge(&reading->understood, reading->trace.monitor, reading->name);
}

/* The last line may lack its newline. */
static int take_end(struct reading *reading)
{
	int r = 0;

	if (reading->used) {
		reading->buffer[reading->used++] = '\n';
		r = take_lines(reading, reading->buffer, reading->used);
	}
	if (r == 0)
		r = end_feed(reading);
	return r ? r : judge_log(reading);
}

/* It cannot be read on: what came before it counts, a line that is cut off does not. */
static int take_broken_end(struct reading *reading, int error_code,
			   const struct fusetrace_error *error)
{
	int r = reading->trace.monitor ? end_feed(reading) : 0;

	if (r)
		return r;
	progress_end(&reading->progress);
	if (error_code == -EBADMSG)
		return fail(EXIT_USAGE, "%s: %s", reading->name, error->text);
	return fail(EXIT_SETUP, "cannot read %s: %s: give a recording or a log", reading->name,
		    strerror(-error_code));
}

/* More bytes into the buffer; 0 at the end, or a negative errno. */
static ssize_t fill_buffer(struct reading *reading, struct fusetrace_error *reterr_error)
{
	size_t room = BUFFER_SIZE - reading->used;
	ssize_t size = input_read(&reading->input, reading->buffer + reading->used,
				  room < PIECE_SIZE ? room : PIECE_SIZE, reterr_error);

	reading->used += size > 0 ? (size_t)size : 0;
	return size;
}

/*
 * A recording begins with one of our own JSON lines. In it, every line must be one; anything else
 * is a log, in which our lines may stand as well.
 */
static bool is_recording(const struct reading *reading)
{
	static const char begin[] = "{\"v\":";
	const char *at = reading->buffer;
	const char *end = reading->buffer + reading->used;

	while (at < end && (*at == '\n' || *at == '\r' || *at == ' '))
		at++;
	return at < end && (size_t)(end - at) >= sizeof(begin) - 1 &&
	       memcmp(at, begin, sizeof(begin) - 1) == 0;
}

/* With --unparsed a recording is a log, too: what is wrong with it is what is looked for. */
static int open_trace(struct reading *reading)
{
	bool lists_unparsed = reading->trace.options->unparsed;
	int r;

	reading->is_log = lists_unparsed || !is_recording(reading);
	r = trace_new(&reading->trace,
		      FUSETRACE_MONITOR_OPTS(.source = reading->is_log ? FUSETRACE_SOURCE_LOG
								       : FUSETRACE_SOURCE_REPLAY,
					     .max_ops = KEPT_OPS));
	if (r == 0 && lists_unparsed)
		fusetrace_set_unparsed_fn(reading->trace.monitor, show_unparsed, reading);
	return r;
}

static int take_file(struct reading *reading)
{
	struct fusetrace_error error = {0};
	ssize_t size;
	int r;

	/* What it is shows in the first line. */
	reading->used = 0;
	do
		size = fill_buffer(reading, &error);
	while (size > 0 && reading->used < 6);
	understood_begin(&reading->understood, reading->buffer, reading->used);
	r = size < 0 && !reading->used ? 0 : open_trace(reading);
	while (r == 0 && size > 0) {
		r = take_buffer(reading);
		if (r == 0)
			size = fill_buffer(reading, &error);
	}
	if (r)
		return r;
	return size < 0 ? take_broken_end(reading, (int)size, &error) : take_end(reading);
}

int reading_file(struct reading *reading, const char *path)
{
	const struct trace *trace = &reading->trace;
	bool is_standard = strcmp(path, "-") == 0;
	int fd, r;

	reading->name = is_standard ? "standard input" : path;
	reading->has_head = false;
	trace_close(&reading->trace);
	fd = is_standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(EXIT_SETUP, "cannot read %s: %s: give a recording or a log",
			    reading->name, strerror(errno));
	r = input_open(&reading->input, fd);
	progress_begin(&reading->progress, !trace->view.has_lines || !trace->output.is_terminal);
	if (r == 0)
		r = take_file(reading);
	else
		r = fail(EXIT_SETUP, "out of memory: free some");
	progress_end(&reading->progress);
	input_done(&reading->input);
	return r;
}
