/* SPDX-License-Identifier: MIT */
/*
 * The tracker, fed with events as a source would: which end belongs to which begin, which path an
 * operation has, what becomes of requests without an answer.
 */
#include "tracker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "testing.h"

static struct ft_history *history;
static struct ft_tracker *tracker;
static struct ft_cursor cursor;
static uint64_t clock_ns;
static size_t done_count;

static void on_done(struct fusetrace_op *op, void *data)
{
	done_count++;
}

static int set_up(void **state)
{
	history = ft_history_new(10000);
	tracker = ft_tracker_new(FUSETRACE_SOURCE_KERNEL, history, NULL, on_done, NULL);
	ft_cursor_init(&cursor, history, 0);
	clock_ns = 1000;
	done_count = 0;
	return tracker ? 0 : -1;
}

static int tear_down(void **state)
{
	ft_cursor_done(&cursor);
	ft_tracker_free(tracker);
	ft_history_unref(history);
	return 0;
}

/* ---- events ---- */

static struct ft_event event_of(uint64_t key, uint32_t opcode, uint64_t nodeid)
{
	return (struct ft_event){
		.key = key,
		.opcode = opcode,
		.time_ns = clock_ns += 10,
		.present = FT_HAS(UNIQUE) | FT_HAS(NODEID) | FT_HAS(PID),
		.unique = key * 2,
		.nodeid = nodeid,
		.pid = 42,
	};
}

static void begin_name(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.name = ft_bytes_of(name);
	event.present |= FT_HAS(NAME);
	ft_tracker_begin(tracker, &event);
}

static void begin_name2(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name,
			uint64_t nodeid2, const char *name2, uint32_t flags)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.name = ft_bytes_of(name);
	event.name2 = ft_bytes_of(name2);
	event.nodeid2 = nodeid2;
	event.flags = flags;
	event.present |= FT_HAS(NAME) | FT_HAS(NODEID2) | FT_HAS(FLAGS);
	ft_tracker_begin(tracker, &event);
}

static void begin_fh(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t fh)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.fh = fh;
	event.present |= FT_HAS(FH);
	ft_tracker_begin(tracker, &event);
}

static void begin(uint64_t key, uint32_t opcode, uint64_t nodeid)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	ft_tracker_begin(tracker, &event);
}

static void end_error(uint64_t key, uint32_t opcode, uint64_t nodeid, int error)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.error = error;
	ft_tracker_end(tracker, &event);
}

static void end_entry(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.entry = entry;
	event.present |= FT_HAS(ENTRY);
	ft_tracker_end(tracker, &event);
}

static void end_opened(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry, uint64_t fh)
{
	struct ft_event event = event_of(key, opcode, nodeid);

	event.entry = entry;
	event.fh = fh;
	event.present |= FT_HAS(FH) | (entry ? FT_HAS(ENTRY) : 0);
	ft_tracker_end(tracker, &event);
}

/* A whole LOOKUP, its operation passed over. */
static void look_up(uint64_t parent, const char *name, uint64_t nodeid)
{
	begin_name(900, FUSE_LOOKUP, parent, name);
	end_entry(900, FUSE_LOOKUP, parent, nodeid);
	assert_non_null(ft_cursor_next(&cursor, NULL));
}

static const struct fusetrace_op *next(uint32_t opcode, uint32_t status, const char *path)
{
	const struct fusetrace_op *op = ft_cursor_next(&cursor, NULL);

	assert_non_null(op);
	assert_int_equal(op->opcode, opcode);
	assert_int_equal(op->status, status);
	if (path)
		assert_string_equal(fusetrace_op_path(op), path);
	else
		assert_null(fusetrace_op_path(op));
	return op;
}

static void assert_no_more(void)
{
	assert_null(ft_cursor_next(&cursor, NULL));
	assert_int_equal(done_count, ft_history_last_seq(history));
}

static uint64_t number(const struct fusetrace_op *op, uint32_t field)
{
	uint64_t result;

	assert_int_equal(fusetrace_op_number(op, field, &result), 0);
	return result;
}

static void assert_absent(const struct fusetrace_op *op, uint32_t field)
{
	uint64_t result;

	assert_int_equal(fusetrace_op_number(op, field, &result), -ENODATA);
}

/* ---- begin and end ---- */

static void test_pair(void **state)
{
	const struct fusetrace_op *op;

	begin_name(1, FUSE_CREATE, 1, "a");
	assert_int_equal(ft_tracker_in_flight(tracker, false), 1);
	assert_no_more();
	end_opened(1, FUSE_CREATE, 1, 2, 77);
	op = next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(number(op, FUSETRACE_FIELD_SEQ), 1);
	assert_int_equal(number(op, FUSETRACE_FIELD_START_NS), 1010);
	assert_int_equal(number(op, FUSETRACE_FIELD_DURATION_NS), 10);
	assert_int_equal(number(op, FUSETRACE_FIELD_ERRNO), 0);
	assert_int_equal(number(op, FUSETRACE_FIELD_UNIQUE), 2);
	assert_int_equal(number(op, FUSETRACE_FIELD_PID), 42);
	assert_int_equal(number(op, FUSETRACE_FIELD_NODEID), 1);
	assert_int_equal(number(op, FUSETRACE_FIELD_ENTRY), 2);
	assert_int_equal(number(op, FUSETRACE_FIELD_FH), 77);
	assert_absent(op, FUSETRACE_FIELD_SIZE);
	assert_absent(op, FUSETRACE_FIELD_NODEID2);
	assert_int_equal(op->source, FUSETRACE_SOURCE_KERNEL);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	assert_no_more();
}

static void test_overlapping(void **state)
{
	begin_name(1, FUSE_MKDIR, 1, "a");
	begin_name(2, FUSE_MKDIR, 1, "b");
	begin_name(3, FUSE_MKDIR, 1, "c");
	end_entry(2, FUSE_MKDIR, 1, 12);
	end_entry(3, FUSE_MKDIR, 1, 13);
	end_entry(1, FUSE_MKDIR, 1, 11);
	next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/b");
	next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/c");
	next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_no_more();
}

static void test_key_is_used_again(void **state)
{
	const struct fusetrace_op *op;

	begin_name(1, FUSE_MKDIR, 1, "a"); /* its end was lost */
	begin_name(1, FUSE_MKDIR, 1, "b");
	op = next(FUSE_MKDIR, FUSETRACE_STATUS_UNKNOWN, "/a");
	assert_absent(op, FUSETRACE_FIELD_ERRNO);
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	end_entry(1, FUSE_MKDIR, 1, 2);
	next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/b");
	assert_no_more();
}

/* The end of one request and the begin of the next were lost: what is left is no pair. */
static void test_end_of_another_request(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event late;

	look_up(1, "a", 2);
	begin_name(1, FUSE_UNLINK, 1, "a");
	end_error(1, FUSE_GETATTR, 2, 0);
	next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/a");
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a"); /* it was not unlinked */
	assert_absent(op, FUSETRACE_FIELD_START_NS);
	/* the same opcode on the same node, but another request */
	begin(3, FUSE_GETATTR, 2);
	late = event_of(3, FUSE_GETATTR, 2);
	late.unique = 1234;
	ft_tracker_end(tracker, &late);
	next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/a");
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(number(op, FUSETRACE_FIELD_UNIQUE), 1234);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	assert_no_more();
}

/* Kernels before 6.18 tell the request's number only in the reply. */
static void test_unique_comes_with_the_end(void **state)
{
	struct ft_event event = event_of(1, FUSE_GETATTR, 1);

	event.unique = 0;
	event.present &= ~FT_HAS(UNIQUE);
	ft_tracker_begin(tracker, &event);
	end_error(1, FUSE_GETATTR, 1, 0);
	assert_int_equal(
		number(next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/"), FUSETRACE_FIELD_UNIQUE),
		2);
}

static void test_end_without_begin(void **state)
{
	const struct fusetrace_op *op;

	look_up(1, "a", 2);
	end_error(5, FUSE_GETATTR, 2, EIO);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/a");
	assert_absent(op, FUSETRACE_FIELD_START_NS);
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(fusetrace_op_errno(op), EIO);
	/* its name came with the request */
	end_error(6, FUSE_UNLINK, 1, 0);
	next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, NULL);
	/* of an unlinked file */
	begin_name(7, FUSE_UNLINK, 1, "a");
	end_error(7, FUSE_UNLINK, 1, 0);
	next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/a");
	end_error(8, FUSE_GETATTR, 2, 0);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(op->marks, FUSETRACE_OP_UNLINKED);
	assert_no_more();
}

static void test_no_reply_opcodes(void **state)
{
	static const uint32_t opcodes[] = {FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT};
	size_t before;

	for (size_t i = 0; i < 3; i++) {
		begin(10 + i, opcodes[i], 1);
		next(opcodes[i], FUSETRACE_STATUS_COMPLETED,
		     opcodes[i] == FUSE_FORGET ? "/" : NULL);
	}
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	begin(20, FUSE_FORGET, 1);
	before = ft_test_allocated();
	for (int i = 0; i < 500; i++)
		begin(20, FUSE_FORGET, 1);
	assert_true(ft_test_allocated() < before + 1024);
}

static void test_errors(void **state)
{
	begin(1, FUSE_WRITE, 1);
	end_error(1, FUSE_WRITE, 1, ENOSPC);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_FAILED, "/")->error, ENOSPC);
	/* The kernel's own answer when the connection breaks: nobody knows what happened. */
	begin(1, FUSE_WRITE, 1);
	end_error(1, FUSE_WRITE, 1, ECONNABORTED);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/")->error, ECONNABORTED);
}

static void test_probes(void **state)
{
	static const struct {
		uint32_t opcode;
		int error;
		bool is_probe;
	} rows[] = {
		{FUSE_LOOKUP, ENOENT, true},        {FUSE_LOOKUP, EACCES, false},
		{FUSE_GETATTR, ENOENT, false},      {FUSE_GETXATTR, ENODATA, true},
		{FUSE_GETXATTR, EOPNOTSUPP, true},  {FUSE_LISTXATTR, ERANGE, true},
		{FUSE_SETXATTR, EOPNOTSUPP, false}, {FUSE_GETXATTR, EACCES, false},
		{FUSE_FLUSH, ENOSYS, true},         {FUSE_FLUSH, ENOSYS, false},
		{FUSE_LSEEK, ENOSYS, true},         {FUSE_LSEEK, ENOSYS, false},
		{FUSE_IOCTL, ENOSYS, true},         {FUSE_IOCTL, ENOSYS, true},
		{FUSE_IOCTL, ENOTTY, true},         {FUSE_IOCTL, EINVAL, false},
		{FUSE_READ, ENOTTY, false},         {FUSE_READ, ENOSYS, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fusetrace_op *op;

		if (rows[i].opcode == FUSE_LOOKUP)
			begin_name(1, FUSE_LOOKUP, 1, "x");
		else
			begin(1, rows[i].opcode, 1);
		end_error(1, rows[i].opcode, 1, rows[i].error);
		op = ft_cursor_next(&cursor, NULL);
		assert_int_equal(op->status, FUSETRACE_STATUS_FAILED);
		assert_int_equal(op->marks & FUSETRACE_OP_PROBE,
				 rows[i].is_probe ? FUSETRACE_OP_PROBE : 0);
	}
}

/* Asked for 0 bytes, the reply to a getxattr is the size of the value. */
static void test_size_of_xattr(void **state)
{
	for (uint64_t size = 0; size <= 64; size += 64) {
		struct ft_event request = event_of(1, FUSE_GETXATTR, 1);
		struct ft_event reply = event_of(1, FUSE_GETXATTR, 1);
		const struct fusetrace_op *op;

		request.size = size;
		request.xattr = FT_BYTES_LITERAL("user.x");
		request.present |= FT_HAS(SIZE) | FT_HAS(XATTR);
		reply.reply_size = 8;
		reply.probe_size = 11;
		reply.present |= FT_HAS(REPLY_SIZE);
		ft_tracker_begin(tracker, &request);
		ft_tracker_end(tracker, &reply);
		op = next(FUSE_GETXATTR, FUSETRACE_STATUS_COMPLETED, "/");
		assert_int_equal(number(op, FUSETRACE_FIELD_REPLY_SIZE), size ? 8 : 11);
	}
}

/* ---- paths ---- */

static void test_path_is_that_of_the_begin(void **state)
{
	look_up(1, "d", 2);
	look_up(2, "a", 3);
	begin(1, FUSE_WRITE, 3);
	begin_name2(2, FUSE_RENAME2, 1, "d", 1, "e", 0);
	end_error(2, FUSE_RENAME2, 1, 0);
	begin(3, FUSE_WRITE, 3);
	end_error(1, FUSE_WRITE, 3, 0);
	end_error(3, FUSE_WRITE, 3, 0);
	assert_string_equal(
		fusetrace_op_path2(next(FUSE_RENAME2, FUSETRACE_STATUS_COMPLETED, "/d")), "/e");
	next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/d/a");
	next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/e/a");
}

static void test_failed_requests_teach_nothing(void **state)
{
	look_up(1, "a", 2);
	begin_name2(1, FUSE_RENAME, 1, "a", 1, "b", 0);
	end_error(1, FUSE_RENAME, 1, EACCES);
	next(FUSE_RENAME, FUSETRACE_STATUS_FAILED, "/a");
	begin_name(1, FUSE_UNLINK, 1, "a");
	end_error(1, FUSE_UNLINK, 1, EBUSY);
	next(FUSE_UNLINK, FUSETRACE_STATUS_FAILED, "/a");
	begin(1, FUSE_GETATTR, 2);
	end_error(1, FUSE_GETATTR, 2, 0);
	assert_int_equal(next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a")->marks, 0);
	/* a negative entry, by errno or by nodeid 0: the name is free */
	begin_name(1, FUSE_LOOKUP, 1, "a");
	end_error(1, FUSE_LOOKUP, 1, ENOENT);
	next(FUSE_LOOKUP, FUSETRACE_STATUS_FAILED, "/a");
	begin(1, FUSE_GETATTR, 2);
	end_error(1, FUSE_GETATTR, 2, 0);
	assert_int_equal(next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a")->marks,
			 FUSETRACE_OP_UNLINKED);
	look_up(1, "c", 4);
	begin_name(1, FUSE_LOOKUP, 1, "c");
	end_entry(1, FUSE_LOOKUP, 1, 0);
	next(FUSE_LOOKUP, FUSETRACE_STATUS_COMPLETED, "/c");
	begin(1, FUSE_GETATTR, 4);
	end_error(1, FUSE_GETATTR, 4, 0);
	assert_int_equal(next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/c")->marks,
			 FUSETRACE_OP_UNLINKED);
}

static void test_exchange(void **state)
{
	look_up(1, "a", 2);
	look_up(1, "b", 3);
	begin_name2(1, FUSE_RENAME2, 1, "a", 1, "b", 2 /* RENAME_EXCHANGE */);
	end_error(1, FUSE_RENAME2, 1, 0);
	next(FUSE_RENAME2, FUSETRACE_STATUS_COMPLETED, "/a");
	begin(1, FUSE_GETATTR, 2);
	end_error(1, FUSE_GETATTR, 2, 0);
	next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/b");
	begin(1, FUSE_GETATTR, 3);
	end_error(1, FUSE_GETATTR, 3, 0);
	next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
}

static void test_link(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event event;

	look_up(1, "a", 2);
	event = event_of(1, FUSE_LINK, 1);
	event.name = FT_BYTES_LITERAL("b");
	event.nodeid2 = 2;
	event.present |= FT_HAS(NAME) | FT_HAS(NODEID2);
	ft_tracker_begin(tracker, &event);
	end_entry(1, FUSE_LINK, 1, 2);
	op = next(FUSE_LINK, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_string_equal(fusetrace_op_path2(op), "/b");
	assert_int_equal(number(op, FUSETRACE_FIELD_NODEID2), 2);
	assert_absent(op, FUSETRACE_FIELD_ENTRY);
}

/* An open file keeps, among its hard links, the name by which it was opened. */
static void test_handle_keeps_its_name(void **state)
{
	look_up(1, "a", 2);
	begin(1, FUSE_OPEN, 2);
	end_opened(1, FUSE_OPEN, 2, 0, 50);
	next(FUSE_OPEN, FUSETRACE_STATUS_COMPLETED, "/a");
	look_up(1, "b", 2);
	begin(1, FUSE_OPEN, 2);
	end_opened(1, FUSE_OPEN, 2, 0, 51);
	next(FUSE_OPEN, FUSETRACE_STATUS_COMPLETED, "/b");
	begin_fh(1, FUSE_WRITE, 2, 50);
	end_error(1, FUSE_WRITE, 2, 0);
	next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/a");
	begin_fh(1, FUSE_WRITE, 2, 51);
	end_error(1, FUSE_WRITE, 2, 0);
	next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/b");
	/* renamed while open */
	begin_name2(1, FUSE_RENAME, 1, "a", 1, "c", 0);
	end_error(1, FUSE_RENAME, 1, 0);
	next(FUSE_RENAME, FUSETRACE_STATUS_COMPLETED, "/a");
	begin_fh(1, FUSE_RELEASE, 2, 50);
	end_error(1, FUSE_RELEASE, 2, 0);
	next(FUSE_RELEASE, FUSETRACE_STATUS_COMPLETED, "/c");
	begin_fh(1, FUSE_RELEASE, 2, 51);
	end_error(1, FUSE_RELEASE, 2, 0);
	next(FUSE_RELEASE, FUSETRACE_STATUS_COMPLETED, "/b");
}

static void test_unlinked_while_open(void **state)
{
	begin_name(1, FUSE_CREATE, 1, "tmp");
	end_opened(1, FUSE_CREATE, 1, 2, 5);
	next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/tmp");
	begin_name(1, FUSE_UNLINK, 1, "tmp");
	end_error(1, FUSE_UNLINK, 1, 0);
	assert_int_equal(next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks, 0);
	begin_fh(1, FUSE_WRITE, 2, 5);
	end_error(1, FUSE_WRITE, 2, 0);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks,
			 FUSETRACE_OP_UNLINKED);
	/* the nodeid for a new file, in the same place */
	begin_name(1, FUSE_CREATE, 1, "tmp");
	end_opened(1, FUSE_CREATE, 1, 2, 6);
	next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/tmp");
	begin_fh(1, FUSE_WRITE, 2, 6);
	end_error(1, FUSE_WRITE, 2, 0);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks, 0);
}

static void test_unknown_directory(void **state)
{
	const struct fusetrace_op *op;
	const char *name;
	size_t length;

	/* hostile: no name at all, in a directory that nobody knows */
	begin_name(1, FUSE_LOOKUP, 70, "");
	end_error(1, FUSE_LOOKUP, 70, ENOENT);
	op = next(FUSE_LOOKUP, FUSETRACE_STATUS_FAILED, NULL);
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME, &name, &length), 0);
	assert_int_equal(length, 0);
	begin_name2(1, FUSE_RENAME, 70, "a", 71, "b", 0);
	end_error(1, FUSE_RENAME, 70, 0);
	op = next(FUSE_RENAME, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_null(fusetrace_op_path2(op));
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME, &name, &length), 0);
	assert_string_equal(name, "a");
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME2, &name, &length), 0);
	assert_string_equal(name, "b");
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_PATH, &name, &length), -ENODATA);
}

/* ---- in flight ---- */

static size_t count_snapshots(uint64_t behind)
{
	struct fusetrace_op *op;
	size_t count = 0;

	while ((op = ft_tracker_snapshot(tracker, &behind))) {
		assert_int_equal(op->status, FUSETRACE_STATUS_STARTED);
		fusetrace_op_unref(op);
		count++;
	}
	return count;
}

static void test_snapshots(void **state)
{
	struct fusetrace_op *op;
	uint64_t behind = 0;

	look_up(1, "a", 2);
	begin(1, FUSE_WRITE, 2);
	begin_name(2, FUSE_MKDIR, 1, "d");
	begin(3, FUSE_POLL, 2);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 3);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 2); /* a poll may last for ever */
	assert_int_equal(count_snapshots(0), 3);
	op = ft_tracker_snapshot(tracker, &behind);
	assert_string_equal(fusetrace_op_path(op), "/a");
	assert_int_equal(fusetrace_op_start_ns(op), 1030);
	end_error(1, FUSE_WRITE, 2, 0);
	assert_string_equal(fusetrace_op_path(op), "/a"); /* it is the caller's own */
	fusetrace_op_unref(op);
	assert_int_equal(count_snapshots(behind), 2);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 1);
	end_error(2, FUSE_MKDIR, 1, EIO);
	end_error(3, FUSE_POLL, 2, 0);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 0);
	assert_int_equal(count_snapshots(0), 0);
}

static void test_snapshot_of_unlinked(void **state)
{
	struct fusetrace_op *op;
	uint64_t behind = 0;

	look_up(1, "a", 2);
	begin_name(1, FUSE_UNLINK, 1, "a");
	end_error(1, FUSE_UNLINK, 1, 0);
	begin(2, FUSE_WRITE, 2);
	op = ft_tracker_snapshot(tracker, &behind);
	assert_int_equal(fusetrace_op_marks(op), FUSETRACE_OP_UNLINKED);
	fusetrace_op_unref(op);
}

static void test_abandon(void **state)
{
	look_up(1, "a", 2);
	begin(1, FUSE_WRITE, 2);
	begin(2, FUSE_READ, 2);
	ft_tracker_abandon(tracker);
	next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/a");
	next(FUSE_READ, FUSETRACE_STATUS_UNKNOWN, "/a");
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	ft_tracker_abandon(tracker);
	assert_no_more();
	/* An answer that comes all the same is one without a begin. */
	end_error(1, FUSE_WRITE, 2, 0);
	assert_absent(next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/a"), FUSETRACE_FIELD_START_NS);
}

/* A log that tells no replies: the oldest are let go. */
static void test_too_many_in_flight(void **state)
{
	for (uint64_t key = 1; key <= FT_IN_FLIGHT_MAX; key++)
		begin_name(key, FUSE_UNLINK, 1, key == 1 ? "first" : "other");
	assert_no_more();
	begin_name(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, "one more");
	next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/first");
	assert_no_more();
	assert_int_equal(ft_tracker_in_flight(tracker, false), FT_IN_FLIGHT_MAX);
	/* the same key again takes no room */
	begin_name(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, "again");
	next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/one more");
	assert_no_more();
	end_error(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, 0);
	next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/again");
}

/* ---- who is left out ---- */

#define THREAD 42 /* of event_of() */

static void ignore(bool is_ignored)
{
	assert_int_equal(ft_tracker_ignore(tracker, THREAD, is_ignored, clock_ns += 10), 0);
}

/* The moment of the request decides, not that of the reply. */
static void test_ignored(void **state)
{
	begin_name(1, FUSE_UNLINK, 1, "before");
	ignore(true);
	begin_name(2, FUSE_UNLINK, 1, "ignored");
	assert_int_equal(ft_tracker_in_flight(tracker, false), 1);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 1);
	assert_int_equal(count_snapshots(0), 1);
	end_error(1, FUSE_UNLINK, 1, 0);
	ignore(false);
	begin_name(3, FUSE_UNLINK, 1, "after");
	end_error(2, FUSE_UNLINK, 1, 0);
	end_error(3, FUSE_UNLINK, 1, 0);
	assert_int_equal(next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/before")->seq, 1);
	assert_int_equal(next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/after")->seq, 2);
	assert_no_more();
	assert_int_equal(done_count, 2);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
}

static void test_ignored_returns(void **state)
{
	struct ft_event event = event_of(1, FUSE_WRITE, 1);

	ignore(true);
	assert_true(ft_tracker_begin(tracker, &event)); /* its time is from before */
	assert_true(ft_tracker_end(tracker, &event));
	event = event_of(1, FUSE_WRITE, 1);
	assert_false(ft_tracker_begin(tracker, &event));
	assert_false(ft_tracker_end(tracker, &event));
	assert_false(ft_tracker_end(tracker, &event)); /* its begin was not seen */
	event.pid = THREAD + 1;
	assert_true(ft_tracker_begin(tracker, &event));
	ignore(false);
	assert_int_equal(ft_tracker_ignore(tracker, THREAD, false, clock_ns), -EINVAL);
}

/* The kernel names no caller when a file is released; the source knows who ran. */
static void test_ignored_without_a_pid(void **state)
{
	struct ft_event event;

	ignore(true);
	event = event_of(1, FUSE_RELEASE, 1);
	event.pid = 0;
	event.thread = THREAD;
	assert_false(ft_tracker_begin(tracker, &event));
	event.key = 2;
	event.pid = THREAD + 1; /* what is told counts more */
	assert_true(ft_tracker_begin(tracker, &event));
	event.key = 3;
	event.present &= ~FT_HAS(PID);
	assert_false(ft_tracker_begin(tracker, &event));
}

/* What it looked up is known to all. */
static void test_ignored_teach(void **state)
{
	ignore(true);
	begin_name(1, FUSE_LOOKUP, 1, "a");
	end_entry(1, FUSE_LOOKUP, 1, 2);
	begin(1, FUSE_OPEN, 2);
	end_opened(1, FUSE_OPEN, 2, 0, 7);
	begin_name(1, FUSE_LOOKUP, 1, "b"); /* another name of the same file */
	end_entry(1, FUSE_LOOKUP, 1, 2);
	begin(1, FUSE_GETXATTR, 2);
	end_error(1, FUSE_GETXATTR, 2, ENOSYS);
	ignore(false);
	assert_no_more();
	begin_fh(1, FUSE_READ, 2, 7);
	end_error(1, FUSE_READ, 2, 0);
	next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a");
	begin(1, FUSE_GETXATTR, 2);
	end_error(1, FUSE_GETXATTR, 2, ENOSYS); /* not the first one */
	assert_int_equal(next(FUSE_GETXATTR, FUSETRACE_STATUS_FAILED, "/b")->marks, 0);
}

/* Whatever becomes of it. */
static void test_ignored_without_an_end(void **state)
{
	ignore(true);
	begin(1, FUSE_FORGET, 1); /* no reply */
	begin(2, FUSE_WRITE, 1);
	begin(2, FUSE_WRITE, 1); /* the key is used again */
	end_error(2, FUSE_READ, 1, 0);
	begin(3, FUSE_WRITE, 1);
	ft_tracker_abandon(tracker);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	ignore(false);
	begin(3, FUSE_WRITE, 1);
	ft_tracker_abandon(tracker);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/")->seq, 1);
	assert_no_more();
	assert_int_equal(done_count, 1);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 0);
}

/* Of a log: a time that is not to be compared gives way to that of reading. */
static void test_ignored_in_a_log(void **state)
{
	struct ft_event event;

	ignore(true);
	event = event_of(1, FUSE_WRITE, 1);
	event.is_of_other_clock = true;
	event.seen_ns = event.time_ns;
	event.time_ns = 1;
	assert_false(ft_tracker_begin(tracker, &event));
	event.key = 2;
	event.time_ns = 0;
	assert_false(ft_tracker_begin(tracker, &event));
	event.key = 3;
	event.seen_ns = 0; /* read now */
	assert_false(ft_tracker_begin(tracker, &event));
	ignore(false);
	event.key = 4;
	assert_true(ft_tracker_begin(tracker, &event));
}

/* Who asked may be told by a later line. */
static void test_ignored_by_a_later_line(void **state)
{
	struct ft_event event, caller = {.key = 1, .present = FT_HAS(PID), .pid = THREAD};

	ignore(true);
	event = event_of(1, FUSE_WRITE, 1);
	event.present &= ~FT_HAS(PID);
	assert_true(ft_tracker_begin(tracker, &event));
	assert_int_equal(ft_tracker_in_flight(tracker, true), 1);
	ft_tracker_amend(tracker, &caller);
	ft_tracker_amend(tracker, &caller);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 0);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	end_error(1, FUSE_WRITE, 1, 0);
	assert_no_more();
	assert_int_equal(ft_tracker_in_flight(tracker, true), 0);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
	/* One whose caller was told before he was ignored stays. */
	event.present |= FT_HAS(PID);
	event.time_ns = 1;
	assert_true(ft_tracker_begin(tracker, &event));
	caller.present |= FT_HAS(SIZE);
	ft_tracker_amend(tracker, &caller);
	assert_int_equal(ft_tracker_in_flight(tracker, true), 1);
}

/* ---- recordings ---- */

static void record(uint64_t seq, uint32_t status, struct ft_event *event)
{
	struct ft_record_times times = {
		.seq = seq,
		.start_ns = 5,
		.duration_ns = 6,
		.status = (uint8_t)status,
		.source = FUSETRACE_SOURCE_LOG,
	};

	ft_tracker_record(tracker, event, &times);
}

/* Its start lies in the time, whenever it is fed. */
static void test_ignored_record(void **state)
{
	struct ft_event event = event_of(1, FUSE_WRITE, 1);

	assert_int_equal(ft_tracker_ignore(tracker, THREAD, true, 6), 0);
	record(0, FUSETRACE_STATUS_COMPLETED, &event); /* began at 5 */
	assert_int_equal(ft_tracker_ignore(tracker, THREAD, false, 7), 0);
	assert_int_equal(ft_tracker_ignore(tracker, THREAD + 1, true, 5), 0);
	assert_int_equal(ft_tracker_ignore(tracker, THREAD + 1, false, 6), 0);
	event.pid = THREAD + 1;
	record(0, FUSETRACE_STATUS_COMPLETED, &event);
	record(9, FUSETRACE_STATUS_COMPLETED, &event);
	event.pid = THREAD;
	record(0, FUSETRACE_STATUS_COMPLETED, &event);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL)->seq, 1);
	assert_int_equal(next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL)->seq, 2);
	assert_no_more();
}

/* The second half of one that was in flight, ignored by what was known then. */
static void test_ignored_record_of_a_request(void **state)
{
	struct ft_event event;

	ignore(true);
	event = event_of(1, FUSE_WRITE, 1);
	assert_false(ft_tracker_begin(tracker, &event));
	event.present &= ~FT_HAS(PID);
	record(0, FUSETRACE_STATUS_COMPLETED, &event);
	assert_no_more();
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0);
}

static void test_record(void **state)
{
	struct ft_event event = event_of(0, FUSE_LINK, 1);
	const struct fusetrace_op *op;

	event.path = FT_BYTES_LITERAL("/from");
	event.path2 = FT_BYTES_LITERAL("/to");
	event.entry = 8;
	event.nodeid2 = 9;
	event.present |= FT_HAS(ENTRY) | FT_HAS(NODEID2) | FT_HAS(START_NS);
	record(100, FUSETRACE_STATUS_COMPLETED, &event);
	op = next(FUSE_LINK, FUSETRACE_STATUS_COMPLETED, "/from");
	assert_int_equal(number(op, FUSETRACE_FIELD_SEQ), 100);
	assert_int_equal(number(op, FUSETRACE_FIELD_NODEID2), 9);
	assert_absent(op, FUSETRACE_FIELD_ENTRY); /* rather than that of the other field */
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(op->source, FUSETRACE_SOURCE_LOG);
	record(50, FUSETRACE_STATUS_FAILED, &event); /* a number that is gone */
	assert_int_equal(next(FUSE_LINK, FUSETRACE_STATUS_FAILED, "/from")->seq, 101);
	record(0, FUSETRACE_STATUS_UNKNOWN, &event);
	assert_int_equal(next(FUSE_LINK, FUSETRACE_STATUS_UNKNOWN, "/from")->seq, 102);
}

/* A forged number must not use up all that come after it. */
static void test_record_with_the_last_number(void **state)
{
	struct ft_event event = event_of(0, FUSE_WRITE, 1);

	record(UINT64_MAX, FUSETRACE_STATUS_COMPLETED, &event);
	record(0, FUSETRACE_STATUS_COMPLETED, &event);
	record(UINT64_MAX - 1, FUSETRACE_STATUS_COMPLETED, &event);
	record(0, FUSETRACE_STATUS_COMPLETED, &event);
	for (int i = 0; i < 4; i++)
		next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_no_more();
}

/* ---- long run ---- */

/* A quarter of them fills the history, which takes no more memory from then on. */
#define CASES_FILLING_HISTORY 200000

/* Random begins and ends, also lost ones: each begin gives exactly one operation. */
static void test_random(void **state)
{
	uint64_t seed = ft_test_seed(), begins = 0, lone_ends = 0;
	size_t cases = ft_test_cases(CASES_FILLING_HISTORY), after_warm_up = 0;
	bool is_in_flight[64] = {false};

	for (size_t i = 0; i < cases; i++) {
		uint64_t key = ft_test_below(&seed, 64);

		if (ft_test_below(&seed, 2)) {
			begin_name(key, FUSE_LOOKUP, 1 + ft_test_below(&seed, 9), "name");
			is_in_flight[key] = true;
			begins++;
		} else {
			struct ft_event end = event_of(key, FUSE_LOOKUP, 1);

			end.present = FT_HAS(ENTRY);
			end.entry = ft_test_below(&seed, 10);
			ft_tracker_end(tracker, &end);
			lone_ends += !is_in_flight[key];
			is_in_flight[key] = false;
		}
		if (i == cases / 4)
			after_warm_up = ft_test_allocated();
	}
	if (cases >= CASES_FILLING_HISTORY)
		assert_in_range(ft_test_allocated(), 1, after_warm_up + after_warm_up / 4);
	ft_tracker_abandon(tracker);
	assert_int_equal(ft_history_last_seq(history), begins + lone_ends);
	assert_int_equal(done_count, begins + lone_ends);
}

/* ---- what logs tell: little at first, more later, and endings without a result ---- */

static void amend(struct ft_event event)
{
	ft_tracker_amend(tracker, &event);
}

static void end_as(uint64_t key, uint8_t ending)
{
	struct ft_event event = {.key = key, .opcode = FT_OPCODE_OF_BEGIN, .ending = ending};

	ft_tracker_end(tracker, &event);
}

static void test_amend_adds(void **state)
{
	char name[] = "a";
	const struct fusetrace_op *op;

	begin(1, FUSE_MKDIR, 1);
	amend((struct ft_event){.key = 1,
				.present = FT_HAS(NAME) | FT_HAS(MODE) | FT_HAS(PID),
				.name = {name, 1},
				.mode = 0755,
				.pid = 7,
				.marks = FUSETRACE_OP_SUSPECT});
	name[0] = 'x';                                                        /* it was copied */
	amend((struct ft_event){.key = 2, .present = FT_HAS(UID), .uid = 9}); /* of nothing */
	end_entry(1, FUSE_MKDIR, 1, 5);
	op = next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(number(op, FUSETRACE_FIELD_MODE), 0755);
	assert_int_equal(number(op, FUSETRACE_FIELD_PID), 42); /* it was known */
	assert_absent(op, FUSETRACE_FIELD_UID);
	assert_int_equal(fusetrace_op_marks(op), FUSETRACE_OP_SUSPECT);
	/* and the reply taught the name */
	begin(3, FUSE_GETATTR, 5);
	end_error(3, FUSE_GETATTR, 5, 0);
	next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
}

/* A path that is told is better than one that was worked out. */
static void test_amend_path(void **state)
{
	look_up(1, "a", 2);
	begin(1, FUSE_GETATTR, 2);
	amend((struct ft_event){.key = 1, .path = ft_bytes_of("/told"), .present = FT_HAS(PATH)});
	amend((struct ft_event){.key = 1, .present = FT_HAS(SIZE), .size = 3});
	end_error(1, FUSE_GETATTR, 2, 0);
	next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/told");
	begin_name(1, FUSE_UNLINK, 1, "a");
	amend((struct ft_event){.key = 1, .name = ft_bytes_of("b"), .present = FT_HAS(NAME)});
	end_error(1, FUSE_UNLINK, 1, EBUSY);
	next(FUSE_UNLINK, FUSETRACE_STATUS_FAILED, "/a");
}

/* What only a reply can tell is no part of a request; how long the handler took is kept. */
static void test_amend_with_a_whole_record(void **state)
{
	const struct fusetrace_op *op;

	begin(1, FUSE_GETATTR, 1);
	amend((struct ft_event){.key = 1,
				.present = FT_HAS(ERRNO) | FT_HAS(DURATION_NS) | FT_HAS(ENTRY) |
					   FT_HAS(REPLY_SIZE) | FT_HAS(SEQ) | FT_HAS(START_NS)});
	end_as(1, FT_ENDING_UNKNOWN);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	assert_absent(op, FUSETRACE_FIELD_ERRNO);
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_absent(op, FUSETRACE_FIELD_ENTRY);
	assert_absent(op, FUSETRACE_FIELD_REPLY_SIZE);
	begin(2, FUSE_GETATTR, 1);
	amend((struct ft_event){.key = 2, .duration_ns = 99});
	end_as(2, FT_ENDING_ENDED);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	assert_int_equal(number(op, FUSETRACE_FIELD_DURATION_NS), 99);
}

static bool is_unlink(const struct ft_event *event, void *data)
{
	++*(size_t *)data;
	return event->opcode == FUSE_UNLINK;
}

static void test_find_and_newest(void **state)
{
	const struct ft_event *found;
	size_t asked = 0;

	assert_null(ft_tracker_find(tracker, 1));
	assert_null(ft_tracker_newest(tracker, is_unlink, &asked));
	assert_int_equal(asked, 0);
	begin_name(1, FUSE_UNLINK, 1, "a");
	begin_name(2, FUSE_UNLINK, 1, "b");
	begin_name(3, FUSE_RMDIR, 1, "c");
	found = ft_tracker_newest(tracker, is_unlink, &asked);
	assert_non_null(found);
	assert_int_equal(found->key, 2);
	assert_int_equal(asked, 2);
	amend((struct ft_event){.key = 3, .present = FT_HAS(UID), .uid = 5});
	found = ft_tracker_find(tracker, 3);
	assert_non_null(found);
	assert_int_equal(found->uid, 5);
	assert_true(ft_bytes_equal(found->name, ft_bytes_of("c")));
	end_error(3, FUSE_RMDIR, 1, 0);
	assert_null(ft_tracker_find(tracker, 3));
}

static void test_restart(void **state)
{
	uint64_t cursor_of_flight = 0;

	look_up(1, "a", 2);
	begin(1, FUSE_GETATTR, 2);
	end_error(1, FUSE_GETATTR, 2, ENOSYS); /* a probe: the first one of its opcode */
	assert_int_equal(next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/a")->marks,
			 FUSETRACE_OP_PROBE);
	begin_name(2, FUSE_UNLINK, 1, "b");
	ft_tracker_restart(tracker);
	next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/b");
	assert_null(ft_tracker_snapshot(tracker, &cursor_of_flight));
	/* node 2 of another mount is another file, and so is its first probe */
	begin(2, FUSE_GETATTR, 2);
	end_error(2, FUSE_GETATTR, 2, ENOSYS);
	assert_int_equal(next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, NULL)->marks,
			 FUSETRACE_OP_PROBE);
	assert_no_more();
}

static void test_endings(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event event;

	begin(1, FUSE_GETATTR, 1);
	end_as(1, FT_ENDING_UNKNOWN);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	assert_absent(op, FUSETRACE_FIELD_ERRNO);
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	begin(1, FUSE_GETATTR, 1);
	end_as(1, FT_ENDING_ENDED);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	assert_absent(op, FUSETRACE_FIELD_ERRNO);
	begin(1, FUSE_GETATTR, 1);
	event = event_of(1, FT_OPCODE_OF_BEGIN, 1);
	event.duration_ns = 12345; /* told, so it counts more than two times */
	ft_tracker_end(tracker, &event);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	assert_int_equal(number(op, FUSETRACE_FIELD_ERRNO), 0);
	assert_int_equal(number(op, FUSETRACE_FIELD_DURATION_NS), 12345);
	begin(1, FUSE_GETATTR, 1);
	event.ending = FT_ENDING_UNKNOWN;
	ft_tracker_end(tracker, &event);
	op = next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	assert_absent(op, FUSETRACE_FIELD_ERRNO);
	assert_int_equal(number(op, FUSETRACE_FIELD_DURATION_NS), 12345);
	assert_no_more();
}

/* An end that does not say of what: nothing without its begin. */
static void test_opcode_of_begin(void **state)
{
	end_error(1, FT_OPCODE_OF_BEGIN, 1, EIO);
	assert_no_more();
	begin(1, FUSE_GETATTR, 1);
	end_error(2, FT_OPCODE_OF_BEGIN, 1, EIO);
	assert_no_more();
	end_error(1, FT_OPCODE_OF_BEGIN, 1, EIO);
	next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/");
	assert_no_more();
}

/* Its directory's path would be a wrong one. */
static void test_name_that_is_not_told(void **state)
{
	look_up(1, "d", 2);
	begin(1, FUSE_MKDIR, 2);
	end_error(1, FUSE_MKDIR, 2, 0);
	next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, NULL);
	begin(1, FUSE_GETATTR, 2);
	end_error(1, FUSE_GETATTR, 2, 0);
	next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/d");
}

/* A source without times: when the line was read orders it, but is no time of the operation. */
static void test_seen_without_start(void **state)
{
	struct ft_event event = {.key = 1, .opcode = FUSE_STATFS, .seen_ns = 5000};
	const struct fusetrace_op *op;

	ft_tracker_begin(tracker, &event);
	end_as(1, FT_ENDING_ENDED);
	op = next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_absent(op, FUSETRACE_FIELD_START_NS);
	assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(fusetrace_op_start_ns(op), 0);
	assert_int_equal(ft_op_order_ns(op), 5000);
	event.time_ns = 3000; /* read 2 us late */
	ft_tracker_begin(tracker, &event);
	end_as(1, FT_ENDING_ENDED);
	op = next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(number(op, FUSETRACE_FIELD_START_NS), 3000);
	assert_int_equal(ft_op_order_ns(op), 5000);
}

/* A whole record of a live log likewise. */
static void test_seen_record(void **state)
{
	struct ft_event event = {.opcode = FUSE_STATFS, .seen_ns = 5000};
	struct ft_record_times times = {.status = FUSETRACE_STATUS_COMPLETED};
	const struct fusetrace_op *op;

	ft_tracker_record(tracker, &event, &times);
	op = next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(fusetrace_op_start_ns(op), 0);
	assert_int_equal(ft_op_order_ns(op), 5000);
	event.present = FT_HAS(START_NS);
	times.start_ns = 3000;
	ft_tracker_record(tracker, &event, &times);
	op = next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(fusetrace_op_start_ns(op), 3000);
	assert_int_equal(ft_op_order_ns(op), 5000);
}

#define tracker_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tracker_test(test_pair),
		tracker_test(test_overlapping),
		tracker_test(test_key_is_used_again),
		tracker_test(test_end_of_another_request),
		tracker_test(test_unique_comes_with_the_end),
		tracker_test(test_end_without_begin),
		tracker_test(test_no_reply_opcodes),
		tracker_test(test_errors),
		tracker_test(test_probes),
		tracker_test(test_size_of_xattr),
		tracker_test(test_path_is_that_of_the_begin),
		tracker_test(test_failed_requests_teach_nothing),
		tracker_test(test_exchange),
		tracker_test(test_link),
		tracker_test(test_handle_keeps_its_name),
		tracker_test(test_unlinked_while_open),
		tracker_test(test_unknown_directory),
		tracker_test(test_snapshots),
		tracker_test(test_snapshot_of_unlinked),
		tracker_test(test_abandon),
		tracker_test(test_too_many_in_flight),
		tracker_test(test_ignored),
		tracker_test(test_ignored_returns),
		tracker_test(test_ignored_without_a_pid),
		tracker_test(test_ignored_teach),
		tracker_test(test_ignored_without_an_end),
		tracker_test(test_ignored_in_a_log),
		tracker_test(test_ignored_by_a_later_line),
		tracker_test(test_ignored_record),
		tracker_test(test_ignored_record_of_a_request),
		tracker_test(test_record),
		tracker_test(test_record_with_the_last_number),
		tracker_test(test_amend_adds),
		tracker_test(test_amend_path),
		tracker_test(test_amend_with_a_whole_record),
		tracker_test(test_find_and_newest),
		tracker_test(test_restart),
		tracker_test(test_endings),
		tracker_test(test_opcode_of_begin),
		tracker_test(test_name_that_is_not_told),
		tracker_test(test_seen_without_start),
		tracker_test(test_seen_record),
		tracker_test(test_random),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
