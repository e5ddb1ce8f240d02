/* SPDX-License-Identifier: MIT */
/*
 * A monitor's logs: what its daemon prints. The lines of all of them are kept for reports; a monitor
 * of FUSETRACE_SOURCE_LOG makes its operations of them.
 */
#include "monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine.h"
#include "source/log_stream.h"

/* A longer line that comes in pieces is kept as several. */
#define REST_BYTES (64u << 10)

static struct ft_log_stream *stream_at(struct ft_list *at)
{
	return FT_CONTAINER(at, struct ft_log_stream, of_monitor);
}

static bool makes_operations(const struct fusetrace_monitor *monitor)
{
	return monitor->source == FUSETRACE_SOURCE_LOG;
}

/* ---- adding ---- */

/* Beside the first one: what two streams tell of the same request is one operation. */
static int add_parser(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	struct ft_log_stream *first =
		ft_list_is_empty(&monitor->logs) ? NULL : stream_at(monitor->logs.next);

	if (first && first->log)
		stream->log = ft_log_new_beside(first->log);
	else
		stream->log = ft_log_new(monitor->tracker, true);
	if (!stream->log)
		return -ENOMEM;
	ft_monitor_list_unparsed(monitor, stream->log);
	return 0;
}

/* Takes ownership of stream, also on failure. */
static int add(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	int r;

	ft_engine_lock();
	r = makes_operations(monitor) ? add_parser(monitor, stream) : 0;
	if (r == 0 && monitor->is_attached)
		r = ft_engine_watch_log(ft_log_stream_poll_fd(stream));
	if (r == 0)
		ft_list_append(&monitor->logs, &stream->of_monitor);
	else
		ft_log_stream_free(stream);
	ft_engine_unlock();
	return r;
}

static int check(const struct fusetrace_monitor *monitor)
{
	int r = ft_monitor_enter(monitor);

	if (r == 0 && monitor->source == FUSETRACE_SOURCE_REPLAY)
		r = -EINVAL;
	return r;
}

int fusetrace_monitor_add_log_fd(struct fusetrace_monitor *monitor, int fd,
				 struct fusetrace_error *reterr_error)
{
	struct ft_log_stream *stream;
	int r = check(monitor);

	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return ft_error(reterr_error, r, "%s", fusetrace_strerror(r));
	}
	r = ft_log_stream_of_fd(fd, &stream);
	if (r == 0)
		r = add(monitor, stream);
	return r < 0 ? ft_error(reterr_error, r, "cannot read the log: %s: give a pipe or socket",
				fusetrace_strerror(r))
		     : 0;
}

int fusetrace_monitor_add_log_file(struct fusetrace_monitor *monitor, const char *path,
				   uint32_t flags, struct fusetrace_error *reterr_error)
{
	struct ft_log_stream *stream;
	int r = check(monitor);

	if (r == 0 && (!path || flags & ~FUSETRACE_LOG_FROM_BEGIN))
		r = -EINVAL;
	if (r == 0)
		r = ft_log_stream_of_file(path, !(flags & FUSETRACE_LOG_FROM_BEGIN), &stream);
	if (r == 0)
		r = add(monitor, stream);
	return r < 0 ? ft_error(reterr_error, r, "cannot follow %s: %s: give a file that is there",
				path ? path : "nothing", fusetrace_strerror(r))
		     : 0;
}

int ft_monitor_use_logs(struct fusetrace_monitor *monitor)
{
	int r = 0;

	monitor->source = FUSETRACE_SOURCE_LOG;
	ft_tracker_set_source(monitor->tracker, FUSETRACE_SOURCE_LOG);
	ft_list_foreach (at, &monitor->logs)
		r = r < 0 ? r : add_parser(monitor, stream_at(at));
	return r;
}

/* ---- watching ---- */

int ft_monitor_watch_logs(struct fusetrace_monitor *monitor)
{
	int r = 0;

	ft_list_foreach (at, &monitor->logs)
		r = r < 0 ? r : ft_engine_watch_log(ft_log_stream_poll_fd(stream_at(at)));
	return r;
}

void ft_monitor_unwatch_logs(struct fusetrace_monitor *monitor)
{
	ft_list_foreach (at, &monitor->logs) {
		if (!stream_at(at)->has_ended)
			ft_engine_unwatch_log(ft_log_stream_poll_fd(stream_at(at)));
	}
}

void ft_monitor_free_logs(struct fusetrace_monitor *monitor)
{
	ft_list_foreach_safe (at, &monitor->logs)
		ft_log_stream_free(stream_at(at));
	ft_last_lines_done(&monitor->last_lines);
}

/* ---- reading ---- */

struct reading {
	struct fusetrace_monitor *monitor;
	struct ft_log_stream *stream;
};

static void push_rest(struct ft_last_lines *lines, struct ft_log_stream *stream)
{
	ft_last_lines_push(lines, stream->rest, stream->rest_size);
	stream->rest_size = 0;
}

/* The rest becomes a line of its own. */
static void end_rest(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	if (!stream->rest_size)
		return;
	push_rest(&monitor->last_lines, stream);
	ft_last_lines_push(&monitor->last_lines, "\n", 1);
	ft_waiters_notify_lines(&monitor->waiters);
}

/* Of a line without an end REST_BYTES at a time are kept; without memory for that it is cut. */
static void add_to_rest(struct fusetrace_monitor *monitor, struct ft_log_stream *stream,
			const char *data, size_t size)
{
	while (size > 0) {
		size_t room = REST_BYTES - stream->rest_size;
		size_t piece = size < room ? size : room;

		if (!stream->rest)
			stream->rest = malloc(REST_BYTES);
		if (!stream->rest)
			return;
		memcpy(stream->rest + stream->rest_size, data, piece);
		stream->rest_size += piece;
		data += piece;
		size -= piece;
		if (stream->rest_size == REST_BYTES)
			end_rest(monitor, stream);
	}
}

/* Lines are kept whole, so that those of two streams do not mix. */
static void keep_lines(struct fusetrace_monitor *monitor, struct ft_log_stream *stream,
		       const char *data, size_t size)
{
	const char *newline = memrchr(data, '\n', size);
	size_t whole = newline ? (size_t)(newline - data) + 1 : 0;

	if (whole) {
		push_rest(&monitor->last_lines, stream);
		ft_last_lines_push(&monitor->last_lines, data, whole);
		ft_waiters_notify_lines(&monitor->waiters);
	}
	add_to_rest(monitor, stream, data + whole, size - whole);
}

/* Behind what is kept there were lines that are not. */
static void note_gap(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	end_rest(monitor, stream);
	monitor->gap_end = monitor->last_lines.total + 1;
}

static int on_bytes(const char *data, size_t size, bool is_gap, void *data_of_fn)
{
	const struct reading *reading = data_of_fn;

	reading->monitor->fed_ns = ft_now_ns();
	if (is_gap)
		note_gap(reading->monitor, reading->stream);
	keep_lines(reading->monitor, reading->stream, data, size);
	if (!reading->stream->log)
		return 0;
	if (is_gap)
		ft_log_gap(reading->stream->log);
	return ft_log_push(reading->stream->log, data, size);
}

/* Lines were dropped, and nothing that is kept came behind them. */
static bool is_missing_lines(const struct ft_log_stream *stream)
{
	return stream->is_behind || stream->has_gap;
}

static void end_stream(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	ft_engine_unwatch_log(ft_log_stream_poll_fd(stream));
	ft_log_stream_close(stream);
	if (is_missing_lines(stream))
		note_gap(monitor, stream);
	end_rest(monitor, stream);
	ft_waiters_notify_lines(&monitor->waiters);
	if (stream->log)
		ft_log_end(stream->log);
}

/* Whether some stream may still tell something. */
static bool has_more(const struct fusetrace_monitor *monitor)
{
	ft_list_foreach (at, &monitor->logs) {
		if (!stream_at(at)->has_ended)
			return true;
	}
	return false;
}

static void read_stream(struct fusetrace_monitor *monitor, struct ft_log_stream *stream)
{
	struct reading reading = {monitor, stream};
	int r = ft_log_stream_drain(stream, on_bytes, &reading);

	if (r < 0)
		ft_log(4, "a log cannot be read: %s", fusetrace_strerror(r));
	if (r > 0 && stream->log)
		ft_log_pause(stream->log);
	if (stream->has_ended)
		end_stream(monitor, stream);
}

/* Nothing more can come: whoever waits need not wait on. An unmount comes before a daemon's end. */
static void end_logs(struct fusetrace_monitor *monitor)
{
	struct ft_mounts mounts FT_CLEANUP(ft_mounts_done) = {0};

	if (monitor->state == FUSETRACE_STATE_MOUNTED && ft_mounts_read(&mounts) == 0)
		ft_monitor_on_mounts(monitor, &mounts);
	if (monitor->state < FUSETRACE_STATE_UNMOUNTED)
		ft_monitor_end(monitor, FUSETRACE_STATE_GONE);
}

/* Lines that were dropped, and what filesystems say that they lost. All streams share one sink. */
static uint64_t count_lost(const struct fusetrace_monitor *monitor)
{
	uint64_t lost = 0;

	ft_list_foreach (at, &monitor->logs) {
		const struct ft_log *log = stream_at(at)->log;

		lost += stream_at(at)->dropped;
		if (log && at == monitor->logs.next)
			lost += ft_log_records(log)->lost;
	}
	return lost;
}

bool ft_monitor_read_logs(struct fusetrace_monitor *monitor)
{
	bool has_ended = false, is_cut = false;

	ft_list_foreach (at, &monitor->logs) {
		struct ft_log_stream *stream = stream_at(at);

		if (stream->has_ended)
			continue;
		read_stream(monitor, stream);
		has_ended |= stream->has_ended;
		is_cut |= stream->is_cut;
	}
	if (!makes_operations(monitor))
		return is_cut;
	ft_monitor_on_lost(monitor, count_lost(monitor));
	if (has_ended && !has_more(monitor))
		end_logs(monitor);
	return is_cut;
}

/* ---- the lines ---- */

bool ft_monitor_logs_have_ended(const struct fusetrace_monitor *monitor)
{
	return !has_more(monitor);
}

bool ft_monitor_has_lost_lines(const struct fusetrace_monitor *monitor, uint64_t place)
{
	bool has_lost = place < monitor->gap_end ||
			!ft_last_lines_has_all_since(&monitor->last_lines, place);

	ft_list_foreach (at, &monitor->logs)
		has_lost |= !stream_at(at)->has_ended && is_missing_lines(stream_at(at));
	return has_lost;
}

char *ft_monitor_copy_lines(const struct fusetrace_monitor *monitor, size_t *ret_size)
{
	size_t size = 0, rests = 0;
	char *text FT_AUTO_FREE = ft_last_lines_copy(&monitor->last_lines, &size);
	char *all;

	ft_list_foreach (at, &monitor->logs)
		rests += stream_at(at)->rest_size + 1;
	all = text ? realloc(text, size + rests + 1) : NULL;
	if (!all)
		return NULL;
	text = NULL;
	ft_list_foreach (at, &monitor->logs) {
		const struct ft_log_stream *stream = stream_at(at);

		if (!stream->rest_size)
			continue;
		memcpy(all + size, stream->rest, stream->rest_size);
		size += stream->rest_size;
		all[size++] = '\n';
	}
	all[size] = '\0';
	*ret_size = size;
	return all;
}

int fusetrace_log_lines(struct fusetrace_monitor *monitor, fusetrace_line_fn *fn, void *data)
{
	int r = ft_monitor_enter(monitor);
	char *text, *line, *end;
	size_t size = 0;

	if (r < 0 || !fn)
		return r < 0 ? r : -EINVAL;
	ft_engine_lock();
	ft_engine_drain();
	text = ft_monitor_copy_lines(monitor, &size);
	ft_engine_unlock();
	if (!text)
		return -ENOMEM;
	for (line = text; r == 0 && line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		if (!end)
			end = text + size;
		*end = '\0';
		r = fn(line, (size_t)(end - line), data);
	}
	free(text);
	return r;
}
