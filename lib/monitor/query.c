/* SPDX-License-Identifier: MIT */
/*
 * Looking at a monitor's history without waiting: marks, counts, loops, readers, summaries. Each
 * begins with a barrier, but for the reader, which takes what there is.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "engine.h"
#include "monitor.h"

void ft_monitor_look_locked(struct fusetrace_monitor *monitor, struct ft_monitor_view *ret_view)
{
	if (monitor->is_attached)
		ft_engine_drain();
	ret_view->state = monitor->state;
	ret_view->end = monitor->end;
	ret_view->last_seq = ft_history_last_seq(monitor->history);
	ret_view->lost = monitor->lost + ft_history_unkept(monitor->history);
	ret_view->interrupts = monitor->interrupts;
	ret_view->last_event_ns = monitor->last_event_ns;
	ret_view->printed = monitor->last_lines.total;
	ret_view->in_flight = ft_tracker_in_flight(monitor->tracker, true);
}

void ft_monitor_look(struct fusetrace_monitor *monitor, struct ft_monitor_view *ret_view)
{
	ft_engine_lock();
	ft_monitor_look_locked(monitor, ret_view);
	ft_engine_unlock();
}

int fusetrace_mark_now(struct fusetrace_monitor *monitor, struct fusetrace_mark *ret_mark)
{
	struct ft_monitor_view view;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	*ret_mark = (struct fusetrace_mark){
		.seq = view.last_seq,
		.mono_ns = ft_now_ns(),
		.lost = view.lost,
		.printed = view.printed,
	};
	return 0;
}

int fusetrace_sync(struct fusetrace_monitor *monitor)
{
	struct ft_monitor_view view;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	return 0;
}

uint64_t fusetrace_lost(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark)
{
	struct ft_monitor_view view;

	if (ft_monitor_enter(monitor) < 0)
		return 0;
	ft_monitor_look(monitor, &view);
	return view.lost - (mark ? mark->lost : 0);
}

/* ---- loops ---- */

int fusetrace_foreach(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		      const struct fusetrace_match *match, fusetrace_op_fn *fn, void *data)
{
	struct ft_monitor_view view;
	struct ft_match compiled;
	struct ft_cursor cursor;
	struct fusetrace_op *op;
	int r = ft_monitor_enter(monitor);

	if (r == 0)
		r = ft_match_init(&compiled, match, fusetrace_monitor_mountpoint(monitor), NULL);
	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	ft_cursor_init(&cursor, monitor->history, mark ? mark->seq : 0);
	while (r == 0 && (op = ft_cursor_next(&cursor, NULL)) && op->seq <= view.last_seq) {
		if (!ft_match_test(&compiled, op))
			continue;
		r = ft_check_run(&compiled, op);
		if (r > 0)
			r = fn(op, data);
	}
	ft_cursor_done(&cursor);
	ft_match_done(&compiled);
	return r;
}

static int count_one(struct fusetrace_op *op, void *data)
{
	++*(int64_t *)data;
	return 0;
}

int64_t fusetrace_count(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			const struct fusetrace_match *match)
{
	int64_t count = 0;
	int r = fusetrace_foreach(monitor, mark, match, count_one, &count);

	return r < 0 ? r : count;
}

int fusetrace_in_flight(struct fusetrace_monitor *monitor, const struct fusetrace_match *match,
			fusetrace_op_fn *fn, void *data)
{
	struct ft_monitor_view view;
	struct ft_match compiled;
	struct fusetrace_op *op;
	uint64_t cursor = 0;
	int r = ft_monitor_enter(monitor);

	if (r == 0)
		r = ft_match_init(&compiled, match, fusetrace_monitor_mountpoint(monitor), NULL);
	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	while (r == 0) {
		ft_engine_lock();
		op = ft_tracker_snapshot(monitor->tracker, &cursor);
		ft_engine_unlock();
		if (!op)
			break;
		if (ft_match_test(&compiled, op)) {
			r = ft_check_run(&compiled, op);
			if (r > 0)
				r = fn(op, data);
		}
		fusetrace_op_unref(op);
	}
	ft_match_done(&compiled);
	return r;
}

/* ---- readers ---- */

struct fusetrace_reader {
	struct ft_cursor cursor;
};

int fusetrace_reader_new(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			 struct fusetrace_reader **ret_reader)
{
	struct fusetrace_reader *reader;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	ft_cursor_init(&reader->cursor, monitor->history,
		       mark ? mark->seq : ft_history_first_seq(monitor->history) - 1);
	*ret_reader = reader;
	return 0;
}

struct fusetrace_reader *fusetrace_reader_free(struct fusetrace_reader *reader)
{
	if (!reader)
		return NULL;
	ft_cursor_done(&reader->cursor);
	free(reader);
	return NULL;
}

int fusetrace_reader_next(struct fusetrace_reader *reader, struct fusetrace_op **ret_op,
			  uint64_t *ret_skipped)
{
	struct fusetrace_op *op;

	if (!reader || !ret_op)
		return -EINVAL;
	op = ft_cursor_next(&reader->cursor, ret_skipped);
	if (!op)
		return 0;
	*ret_op = op;
	return 1;
}

/* ---- totals ---- */

int fusetrace_summary_add_monitor(struct fusetrace_summary *summary,
				  struct fusetrace_monitor *monitor)
{
	struct ft_monitor_view view;
	int r = ft_monitor_enter(monitor);

	if (r < 0)
		return r;
	ft_monitor_look(monitor, &view);
	ft_engine_lock();
	r = ft_summary_merge(summary, &monitor->totals);
	ft_engine_unlock();
	return r;
}
