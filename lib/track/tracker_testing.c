/* SPDX-License-Identifier: MIT */
#include "tracker_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <linux/fuse.h>

struct track track;

static void on_done(struct fusetrace_op *op, void *data)
{
	track.done_count++;
}

int track_set_up(void **state)
{
	track.history = ft_history_new(10000);
	track.tracker = ft_tracker_new(FUSETRACE_SOURCE_KERNEL, track.history, NULL, on_done, NULL);
	ft_cursor_init(&track.cursor, track.history, 0);
	track.clock_ns = 1000;
	track.done_count = 0;
	return track.tracker ? 0 : -1;
}

int track_tear_down(void **state)
{
	ft_cursor_done(&track.cursor);
	ft_tracker_free(track.tracker);
	ft_history_unref(track.history);
	return 0;
}

/* ---- events ---- */

struct ft_event track_event_of(uint64_t key, uint32_t opcode, uint64_t nodeid)
{
	return (struct ft_event){
		.key = key,
		.opcode = opcode,
		.time_ns = track.clock_ns += 10,
		.present = FT_HAS(UNIQUE) | FT_HAS(NODEID) | FT_HAS(PID),
		.unique = key * 2,
		.nodeid = nodeid,
		.pid = TRACK_THREAD,
	};
}

void track_begin_name(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.name = ft_bytes_of(name);
	event.present |= FT_HAS(NAME);
	ft_tracker_begin(track.tracker, &event);
}

void track_begin_name2(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name,
		       uint64_t nodeid2, const char *name2, uint32_t flags)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.name = ft_bytes_of(name);
	event.name2 = ft_bytes_of(name2);
	event.nodeid2 = nodeid2;
	event.flags = flags;
	event.present |= FT_HAS(NAME) | FT_HAS(NODEID2) | FT_HAS(FLAGS);
	ft_tracker_begin(track.tracker, &event);
}

void track_begin_fh(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t fh)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.fh = fh;
	event.present |= FT_HAS(FH);
	ft_tracker_begin(track.tracker, &event);
}

void track_begin(uint64_t key, uint32_t opcode, uint64_t nodeid)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	ft_tracker_begin(track.tracker, &event);
}

void track_end_error(uint64_t key, uint32_t opcode, uint64_t nodeid, int error)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.error = error;
	ft_tracker_end(track.tracker, &event);
}

void track_end_entry(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.entry = entry;
	event.present |= FT_HAS(ENTRY);
	ft_tracker_end(track.tracker, &event);
}

void track_end_opened(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry, uint64_t fh)
{
	struct ft_event event = track_event_of(key, opcode, nodeid);

	event.entry = entry;
	event.fh = fh;
	event.present |= FT_HAS(FH) | (entry ? FT_HAS(ENTRY) : 0);
	ft_tracker_end(track.tracker, &event);
}

void track_look_up(uint64_t parent, const char *name, uint64_t nodeid)
{
	track_begin_name(900, FUSE_LOOKUP, parent, name);
	track_end_entry(900, FUSE_LOOKUP, parent, nodeid);
	assert_non_null(ft_cursor_next(&track.cursor, NULL));
}

const struct fusetrace_op *track_next(uint32_t opcode, uint32_t status, const char *path)
{
	const struct fusetrace_op *op = ft_cursor_next(&track.cursor, NULL);

	assert_non_null(op);
	assert_int_equal(op->opcode, opcode);
	assert_int_equal(op->status, status);
	if (path)
		assert_string_equal(fusetrace_op_path(op), path);
	else
		assert_null(fusetrace_op_path(op));
	return op;
}

void track_assert_no_more(void)
{
	assert_null(ft_cursor_next(&track.cursor, NULL));
	assert_int_equal(track.done_count, ft_history_last_seq(track.history));
}

uint64_t track_number(const struct fusetrace_op *op, uint32_t field)
{
	uint64_t result;

	assert_int_equal(fusetrace_op_number(op, field, &result), 0);
	return result;
}

void track_assert_absent(const struct fusetrace_op *op, uint32_t field)
{
	uint64_t result;

	assert_int_equal(fusetrace_op_number(op, field, &result), -ENODATA);
}

void track_record(uint64_t seq, uint32_t status, struct ft_event *event)
{
	struct ft_record_times times = {
		.seq = seq,
		.start_ns = 5,
		.duration_ns = 6,
		.status = (uint8_t)status,
		.source = FUSETRACE_SOURCE_LOG,
	};

	ft_tracker_record(track.tracker, event, &times);
}

size_t track_count_snapshots(uint64_t behind)
{
	struct fusetrace_op *op;
	size_t count = 0;

	while ((op = ft_tracker_snapshot(track.tracker, &behind))) {
		assert_int_equal(op->status, FUSETRACE_STATUS_STARTED);
		fusetrace_op_unref(op);
		count++;
	}
	return count;
}
