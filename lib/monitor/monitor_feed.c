/* SPDX-License-Identifier: MIT */
/*
 * What a caller feeds into a monitor: recordings and logs. And the lines that nobody understands, of
 * these and of what a daemon prints while it runs, which is in monitor_log.c.
 */
#include "monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "engine.h"
#include "source/log_stream.h"

/* ---- lines that no format takes ---- */

struct kept_line {
	uint64_t number;
	size_t length;
};

void ft_unparsed_done(struct ft_unparsed *unparsed)
{
	free(unparsed->bytes);
	unparsed->bytes = NULL;
	unparsed->used = unparsed->room = 0;
}

/* Of a daemon, whose lines come whether or not the caller asks for them. */
#define KEPT_MAX (1u << 20)

/* Without memory for it a line is not listed; it was counted. */
static void keep(uint64_t number, struct ft_bytes line, void *data)
{
	struct ft_unparsed *unparsed = data;
	struct kept_line kept = {number, line.length};
	size_t needed = unparsed->used + sizeof(kept) + line.length;

	if (needed > unparsed->room) {
		char *bytes = realloc(unparsed->bytes, 2 * needed);

		if (!bytes)
			return;
		unparsed->bytes = bytes;
		unparsed->room = 2 * needed;
	}
	memcpy(unparsed->bytes + unparsed->used, &kept, sizeof(kept));
	memcpy(unparsed->bytes + unparsed->used + sizeof(kept), line.data, line.length);
	unparsed->used = needed;
}

static void keep_some(uint64_t number, struct ft_bytes line, void *data)
{
	const struct ft_unparsed *unparsed = data;

	if (unparsed->used < KEPT_MAX)
		keep(number, line, data);
}

void ft_monitor_list_unparsed(struct fusetrace_monitor *monitor, struct ft_log *log)
{
	ft_log_on_unparsed(log, monitor->unparsed.fn ? keep_some : NULL, &monitor->unparsed);
}

void ft_monitor_tell_unparsed(struct fusetrace_monitor *monitor)
{
	struct ft_unparsed unparsed;

	ft_engine_lock();
	unparsed = monitor->unparsed;
	monitor->unparsed.bytes = NULL;
	monitor->unparsed.used = monitor->unparsed.room = 0;
	ft_engine_unlock();
	for (size_t at = 0; unparsed.fn && at < unparsed.used;) {
		struct kept_line kept;

		memcpy(&kept, unparsed.bytes + at, sizeof(kept));
		at += sizeof(kept);
		unparsed.fn(kept.number, unparsed.bytes + at, kept.length, unparsed.data);
		at += kept.length;
	}
	ft_unparsed_done(&unparsed);
}

/* AUTO may come to be LOG. */
static bool may_have_logs(const struct fusetrace_monitor *monitor)
{
	return monitor->source == FUSETRACE_SOURCE_LOG || monitor->source == FUSETRACE_SOURCE_AUTO;
}

int fusetrace_set_unparsed_fn(struct fusetrace_monitor *monitor, fusetrace_unparsed_fn *fn,
			      void *data)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	if (!may_have_logs(monitor))
		return -EINVAL;
	ft_engine_lock();
	monitor->unparsed.fn = fn;
	monitor->unparsed.data = data;
	if (monitor->log)
		ft_log_on_unparsed(monitor->log, fn ? keep : NULL, &monitor->unparsed);
	ft_list_foreach (at, &monitor->logs) {
		struct ft_log *log = FT_CONTAINER(at, struct ft_log_stream, of_monitor)->log;

		if (log)
			ft_monitor_list_unparsed(monitor, log);
	}
	ft_engine_unlock();
	return 0;
}

static void add_counts(struct fusetrace_log_counts *sum, const struct ft_log *log)
{
	struct ft_log_counts counts = {0};

	if (log)
		counts = ft_log_counts(log);
	sum->lines += counts.lines - counts.empty;
	sum->unparsed += counts.unparsed;
}

int fusetrace_log_counts(struct fusetrace_monitor *monitor, struct fusetrace_log_counts *ret_counts)
{
	struct fusetrace_log_counts counts = {0};
	int r = ft_monitor_enter(monitor);

	if (r < 0 || !ret_counts)
		return r < 0 ? r : -EINVAL;
	ft_engine_lock();
	ft_engine_drain();
	add_counts(&counts, monitor->log);
	ft_list_foreach (at, &monitor->logs)
		add_counts(&counts, FT_CONTAINER(at, struct ft_log_stream, of_monitor)->log);
	ft_engine_unlock();
	*ret_counts = counts;
	return 0;
}

/* ---- feeding ---- */

/* What our own lines told of the trace itself. */
static void note_records(struct fusetrace_monitor *monitor, const struct ft_records *records,
			 bool is_end)
{
	ft_monitor_on_lost(monitor, records->lost);
	if (is_end)
		ft_tracker_abandon(monitor->tracker);
	if (records->end_kind)
		ft_monitor_end(monitor, records->end_kind == FT_JSON_UNMOUNTED
						? FUSETRACE_STATE_UNMOUNTED
						: FUSETRACE_STATE_GONE);
}

static int feed_replay(struct fusetrace_monitor *monitor, const void *data, size_t size,
		       bool is_end, struct fusetrace_error *reterr_error)
{
	int r = is_end ? ft_replay_end(&monitor->replay, reterr_error)
		       : ft_replay_push(&monitor->replay, data, size, reterr_error);

	note_records(monitor, &monitor->replay.records, is_end);
	return r;
}

static int feed_log(struct fusetrace_monitor *monitor, const void *data, size_t size, bool is_end,
		    struct fusetrace_error *reterr_error)
{
	int r = is_end ? ft_log_end(monitor->log) : ft_log_push(monitor->log, data, size);

	note_records(monitor, ft_log_records(monitor->log), is_end);
	return r < 0 ? ft_error(reterr_error, r, "%s", fusetrace_strerror(r)) : 0;
}

static int feed(struct fusetrace_monitor *monitor, const void *data, size_t size, bool is_end,
		struct fusetrace_error *reterr_error)
{
	int r = ft_monitor_enter(monitor);

	/* one of the source AUTO has no log of its own, even if others' logs are its source */
	if (r < 0 || (monitor->source != FUSETRACE_SOURCE_REPLAY && !monitor->log))
		return ft_error(reterr_error, r < 0 ? r : -EINVAL,
				"only a monitor of FUSETRACE_SOURCE_REPLAY or _LOG can be fed");
	ft_engine_lock();
	monitor->fed_ns = ft_now_ns();
	r = monitor->log ? feed_log(monitor, data, size, is_end, reterr_error)
			 : feed_replay(monitor, data, size, is_end, reterr_error);
	ft_engine_unlock();
	ft_monitor_tell_unparsed(monitor);
	return r;
}

int fusetrace_feed(struct fusetrace_monitor *monitor, const void *data, size_t size,
		   struct fusetrace_error *reterr_error)
{
	return feed(monitor, data, size, false, reterr_error);
}

int fusetrace_feed_end(struct fusetrace_monitor *monitor, struct fusetrace_error *reterr_error)
{
	return feed(monitor, NULL, 0, true, reterr_error);
}
