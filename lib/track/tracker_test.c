/* SPDX-License-Identifier: MIT */
/*
 * The tracker, fed with events as a source would: which end belongs to which begin, which path an
 * operation has, what becomes of requests without an answer.
 */
#include "tracker_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "testing.h"

/* ---- begin and end ---- */

static void test_pair(void **state)
{
	const struct fusetrace_op *op;

	track_begin_name(1, FUSE_CREATE, 1, "a");
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 1);
	track_assert_no_more();
	track_end_opened(1, FUSE_CREATE, 1, 2, 77);
	op = track_next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_SEQ), 1);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_START_NS), 1010);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_DURATION_NS), 10);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_ERRNO), 0);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_UNIQUE), 2);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_PID), 42);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_NODEID), 1);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_ENTRY), 2);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_FH), 77);
	track_assert_absent(op, FUSETRACE_FIELD_SIZE);
	track_assert_absent(op, FUSETRACE_FIELD_NODEID2);
	assert_int_equal(op->source, FUSETRACE_SOURCE_KERNEL);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	track_assert_no_more();
}

static void test_overlapping(void **state)
{
	track_begin_name(1, FUSE_MKDIR, 1, "a");
	track_begin_name(2, FUSE_MKDIR, 1, "b");
	track_begin_name(3, FUSE_MKDIR, 1, "c");
	track_end_entry(2, FUSE_MKDIR, 1, 12);
	track_end_entry(3, FUSE_MKDIR, 1, 13);
	track_end_entry(1, FUSE_MKDIR, 1, 11);
	track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/b");
	track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/c");
	track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/a");
	track_assert_no_more();
}

static void test_key_is_used_again(void **state)
{
	const struct fusetrace_op *op;

	track_begin_name(1, FUSE_MKDIR, 1, "a"); /* its end was lost */
	track_begin_name(1, FUSE_MKDIR, 1, "b");
	op = track_next(FUSE_MKDIR, FUSETRACE_STATUS_UNKNOWN, "/a");
	track_assert_absent(op, FUSETRACE_FIELD_ERRNO);
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	track_end_entry(1, FUSE_MKDIR, 1, 2);
	track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/b");
	track_assert_no_more();
}

/* The end of one request and the begin of the next were lost: what is left is no pair. */
static void test_end_of_another_request(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event late;

	track_look_up(1, "a", 2);
	track_begin_name(1, FUSE_UNLINK, 1, "a");
	track_end_error(1, FUSE_GETATTR, 2, 0);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/a");
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a"); /* it was not unlinked */
	track_assert_absent(op, FUSETRACE_FIELD_START_NS);
	/* the same opcode on the same node, but another request */
	track_begin(3, FUSE_GETATTR, 2);
	late = track_event_of(3, FUSE_GETATTR, 2);
	late.unique = 1234;
	ft_tracker_end(track.tracker, &late);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/a");
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_UNIQUE), 1234);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	track_assert_no_more();
}

/* Kernels before 6.18 tell the request's number only in the reply. */
static void test_unique_comes_with_the_end(void **state)
{
	struct ft_event event = track_event_of(1, FUSE_GETATTR, 1);

	event.unique = 0;
	event.present &= ~FT_HAS(UNIQUE);
	ft_tracker_begin(track.tracker, &event);
	track_end_error(1, FUSE_GETATTR, 1, 0);
	assert_int_equal(track_number(track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/"),
				      FUSETRACE_FIELD_UNIQUE),
			 2);
}

static void test_end_without_begin(void **state)
{
	const struct fusetrace_op *op;

	track_look_up(1, "a", 2);
	track_end_error(5, FUSE_GETATTR, 2, EIO);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/a");
	track_assert_absent(op, FUSETRACE_FIELD_START_NS);
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(fusetrace_op_errno(op), EIO);
	/* its name came with the request */
	track_end_error(6, FUSE_UNLINK, 1, 0);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, NULL);
	/* of an unlinked file */
	track_begin_name(7, FUSE_UNLINK, 1, "a");
	track_end_error(7, FUSE_UNLINK, 1, 0);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/a");
	track_end_error(8, FUSE_GETATTR, 2, 0);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(op->marks, FUSETRACE_OP_UNLINKED);
	track_assert_no_more();
}

static void test_no_reply_opcodes(void **state)
{
	static const uint32_t opcodes[] = {FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT};
	size_t before;

	for (size_t i = 0; i < 3; i++) {
		track_begin(10 + i, opcodes[i], 1);
		track_next(opcodes[i], FUSETRACE_STATUS_COMPLETED,
			   opcodes[i] == FUSE_FORGET ? "/" : NULL);
	}
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	track_begin(20, FUSE_FORGET, 1);
	before = ft_test_allocated();
	for (int i = 0; i < 500; i++)
		track_begin(20, FUSE_FORGET, 1);
	assert_true(ft_test_allocated() < before + 1024);
}

static void test_errors(void **state)
{
	track_begin(1, FUSE_WRITE, 1);
	track_end_error(1, FUSE_WRITE, 1, ENOSPC);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_FAILED, "/")->error, ENOSPC);
	/* The kernel's own answer when the connection breaks: nobody knows what happened. */
	track_begin(1, FUSE_WRITE, 1);
	track_end_error(1, FUSE_WRITE, 1, ECONNABORTED);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/")->error,
			 ECONNABORTED);
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
			track_begin_name(1, FUSE_LOOKUP, 1, "x");
		else
			track_begin(1, rows[i].opcode, 1);
		track_end_error(1, rows[i].opcode, 1, rows[i].error);
		op = ft_cursor_next(&track.cursor, NULL);
		assert_int_equal(op->status, FUSETRACE_STATUS_FAILED);
		assert_int_equal(op->marks & FUSETRACE_OP_PROBE,
				 rows[i].is_probe ? FUSETRACE_OP_PROBE : 0);
	}
}

/* Asked for 0 bytes, the reply to a getxattr is the size of the value. */
static void test_size_of_xattr(void **state)
{
	for (uint64_t size = 0; size <= 64; size += 64) {
		struct ft_event request = track_event_of(1, FUSE_GETXATTR, 1);
		struct ft_event reply = track_event_of(1, FUSE_GETXATTR, 1);
		const struct fusetrace_op *op;

		request.size = size;
		request.xattr = FT_BYTES_LITERAL("user.x");
		request.present |= FT_HAS(SIZE) | FT_HAS(XATTR);
		reply.reply_size = 8;
		reply.probe_size = 11;
		reply.present |= FT_HAS(REPLY_SIZE);
		ft_tracker_begin(track.tracker, &request);
		ft_tracker_end(track.tracker, &reply);
		op = track_next(FUSE_GETXATTR, FUSETRACE_STATUS_COMPLETED, "/");
		assert_int_equal(track_number(op, FUSETRACE_FIELD_REPLY_SIZE), size ? 8 : 11);
	}
}

/* ---- paths ---- */

static void test_path_is_that_of_the_begin(void **state)
{
	track_look_up(1, "d", 2);
	track_look_up(2, "a", 3);
	track_begin(1, FUSE_WRITE, 3);
	track_begin_name2(2, FUSE_RENAME2, 1, "d", 1, "e", 0);
	track_end_error(2, FUSE_RENAME2, 1, 0);
	track_begin(3, FUSE_WRITE, 3);
	track_end_error(1, FUSE_WRITE, 3, 0);
	track_end_error(3, FUSE_WRITE, 3, 0);
	assert_string_equal(
		fusetrace_op_path2(track_next(FUSE_RENAME2, FUSETRACE_STATUS_COMPLETED, "/d")),
		"/e");
	track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/d/a");
	track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/e/a");
}

static void test_failed_requests_teach_nothing(void **state)
{
	track_look_up(1, "a", 2);
	track_begin_name2(1, FUSE_RENAME, 1, "a", 1, "b", 0);
	track_end_error(1, FUSE_RENAME, 1, EACCES);
	track_next(FUSE_RENAME, FUSETRACE_STATUS_FAILED, "/a");
	track_begin_name(1, FUSE_UNLINK, 1, "a");
	track_end_error(1, FUSE_UNLINK, 1, EBUSY);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_FAILED, "/a");
	track_begin(1, FUSE_GETATTR, 2);
	track_end_error(1, FUSE_GETATTR, 2, 0);
	assert_int_equal(track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a")->marks, 0);
	/* a negative entry, by errno or by nodeid 0: the name is free */
	track_begin_name(1, FUSE_LOOKUP, 1, "a");
	track_end_error(1, FUSE_LOOKUP, 1, ENOENT);
	track_next(FUSE_LOOKUP, FUSETRACE_STATUS_FAILED, "/a");
	track_begin(1, FUSE_GETATTR, 2);
	track_end_error(1, FUSE_GETATTR, 2, 0);
	assert_int_equal(track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a")->marks,
			 FUSETRACE_OP_UNLINKED);
	track_look_up(1, "c", 4);
	track_begin_name(1, FUSE_LOOKUP, 1, "c");
	track_end_entry(1, FUSE_LOOKUP, 1, 0);
	track_next(FUSE_LOOKUP, FUSETRACE_STATUS_COMPLETED, "/c");
	track_begin(1, FUSE_GETATTR, 4);
	track_end_error(1, FUSE_GETATTR, 4, 0);
	assert_int_equal(track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/c")->marks,
			 FUSETRACE_OP_UNLINKED);
}

static void test_exchange(void **state)
{
	track_look_up(1, "a", 2);
	track_look_up(1, "b", 3);
	track_begin_name2(1, FUSE_RENAME2, 1, "a", 1, "b", 2 /* RENAME_EXCHANGE */);
	track_end_error(1, FUSE_RENAME2, 1, 0);
	track_next(FUSE_RENAME2, FUSETRACE_STATUS_COMPLETED, "/a");
	track_begin(1, FUSE_GETATTR, 2);
	track_end_error(1, FUSE_GETATTR, 2, 0);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/b");
	track_begin(1, FUSE_GETATTR, 3);
	track_end_error(1, FUSE_GETATTR, 3, 0);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
}

static void test_link(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event event;

	track_look_up(1, "a", 2);
	event = track_event_of(1, FUSE_LINK, 1);
	event.name = FT_BYTES_LITERAL("b");
	event.nodeid2 = 2;
	event.present |= FT_HAS(NAME) | FT_HAS(NODEID2);
	ft_tracker_begin(track.tracker, &event);
	track_end_entry(1, FUSE_LINK, 1, 2);
	op = track_next(FUSE_LINK, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_string_equal(fusetrace_op_path2(op), "/b");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_NODEID2), 2);
	track_assert_absent(op, FUSETRACE_FIELD_ENTRY);
}

/* An open file keeps, among its hard links, the name by which it was opened. */
static void test_handle_keeps_its_name(void **state)
{
	track_look_up(1, "a", 2);
	track_begin(1, FUSE_OPEN, 2);
	track_end_opened(1, FUSE_OPEN, 2, 0, 50);
	track_next(FUSE_OPEN, FUSETRACE_STATUS_COMPLETED, "/a");
	track_look_up(1, "b", 2);
	track_begin(1, FUSE_OPEN, 2);
	track_end_opened(1, FUSE_OPEN, 2, 0, 51);
	track_next(FUSE_OPEN, FUSETRACE_STATUS_COMPLETED, "/b");
	track_begin_fh(1, FUSE_WRITE, 2, 50);
	track_end_error(1, FUSE_WRITE, 2, 0);
	track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/a");
	track_begin_fh(1, FUSE_WRITE, 2, 51);
	track_end_error(1, FUSE_WRITE, 2, 0);
	track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/b");
	/* renamed while open */
	track_begin_name2(1, FUSE_RENAME, 1, "a", 1, "c", 0);
	track_end_error(1, FUSE_RENAME, 1, 0);
	track_next(FUSE_RENAME, FUSETRACE_STATUS_COMPLETED, "/a");
	track_begin_fh(1, FUSE_RELEASE, 2, 50);
	track_end_error(1, FUSE_RELEASE, 2, 0);
	track_next(FUSE_RELEASE, FUSETRACE_STATUS_COMPLETED, "/c");
	track_begin_fh(1, FUSE_RELEASE, 2, 51);
	track_end_error(1, FUSE_RELEASE, 2, 0);
	track_next(FUSE_RELEASE, FUSETRACE_STATUS_COMPLETED, "/b");
}

static void test_unlinked_while_open(void **state)
{
	track_begin_name(1, FUSE_CREATE, 1, "tmp");
	track_end_opened(1, FUSE_CREATE, 1, 2, 5);
	track_next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/tmp");
	track_begin_name(1, FUSE_UNLINK, 1, "tmp");
	track_end_error(1, FUSE_UNLINK, 1, 0);
	assert_int_equal(track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks, 0);
	track_begin_fh(1, FUSE_WRITE, 2, 5);
	track_end_error(1, FUSE_WRITE, 2, 0);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks,
			 FUSETRACE_OP_UNLINKED);
	/* the nodeid for a new file, in the same place */
	track_begin_name(1, FUSE_CREATE, 1, "tmp");
	track_end_opened(1, FUSE_CREATE, 1, 2, 6);
	track_next(FUSE_CREATE, FUSETRACE_STATUS_COMPLETED, "/tmp");
	track_begin_fh(1, FUSE_WRITE, 2, 6);
	track_end_error(1, FUSE_WRITE, 2, 0);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/tmp")->marks, 0);
}

static void test_unknown_directory(void **state)
{
	const struct fusetrace_op *op;
	const char *name;
	size_t length;

	/* hostile: no name at all, in a directory that nobody knows */
	track_begin_name(1, FUSE_LOOKUP, 70, "");
	track_end_error(1, FUSE_LOOKUP, 70, ENOENT);
	op = track_next(FUSE_LOOKUP, FUSETRACE_STATUS_FAILED, NULL);
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME, &name, &length), 0);
	assert_int_equal(length, 0);
	track_begin_name2(1, FUSE_RENAME, 70, "a", 71, "b", 0);
	track_end_error(1, FUSE_RENAME, 70, 0);
	op = track_next(FUSE_RENAME, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_null(fusetrace_op_path2(op));
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME, &name, &length), 0);
	assert_string_equal(name, "a");
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_NAME2, &name, &length), 0);
	assert_string_equal(name, "b");
	assert_int_equal(fusetrace_op_bytes(op, FUSETRACE_FIELD_PATH, &name, &length), -ENODATA);
}

/* ---- in flight ---- */

static void test_snapshots(void **state)
{
	struct fusetrace_op *op;
	uint64_t behind = 0;

	track_look_up(1, "a", 2);
	track_begin(1, FUSE_WRITE, 2);
	track_begin_name(2, FUSE_MKDIR, 1, "d");
	track_begin(3, FUSE_POLL, 2);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 3);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true),
			 2); /* a poll may last for ever */
	assert_int_equal(track_count_snapshots(0), 3);
	op = ft_tracker_snapshot(track.tracker, &behind);
	assert_string_equal(fusetrace_op_path(op), "/a");
	assert_int_equal(fusetrace_op_start_ns(op), 1030);
	track_end_error(1, FUSE_WRITE, 2, 0);
	assert_string_equal(fusetrace_op_path(op), "/a"); /* it is the caller's own */
	fusetrace_op_unref(op);
	assert_int_equal(track_count_snapshots(behind), 2);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 1);
	track_end_error(2, FUSE_MKDIR, 1, EIO);
	track_end_error(3, FUSE_POLL, 2, 0);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 0);
	assert_int_equal(track_count_snapshots(0), 0);
}

static void test_snapshot_of_unlinked(void **state)
{
	struct fusetrace_op *op;
	uint64_t behind = 0;

	track_look_up(1, "a", 2);
	track_begin_name(1, FUSE_UNLINK, 1, "a");
	track_end_error(1, FUSE_UNLINK, 1, 0);
	track_begin(2, FUSE_WRITE, 2);
	op = ft_tracker_snapshot(track.tracker, &behind);
	assert_int_equal(fusetrace_op_marks(op), FUSETRACE_OP_UNLINKED);
	fusetrace_op_unref(op);
}

static void test_abandon(void **state)
{
	track_look_up(1, "a", 2);
	track_begin(1, FUSE_WRITE, 2);
	track_begin(2, FUSE_READ, 2);
	ft_tracker_abandon(track.tracker);
	track_next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/a");
	track_next(FUSE_READ, FUSETRACE_STATUS_UNKNOWN, "/a");
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	ft_tracker_abandon(track.tracker);
	track_assert_no_more();
	/* An answer that comes all the same is one without a begin. */
	track_end_error(1, FUSE_WRITE, 2, 0);
	track_assert_absent(track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, "/a"),
			    FUSETRACE_FIELD_START_NS);
}

/* A log that tells no replies: the oldest are let go. */
static void test_too_many_in_flight(void **state)
{
	for (uint64_t key = 1; key <= FT_IN_FLIGHT_MAX; key++)
		track_begin_name(key, FUSE_UNLINK, 1, key == 1 ? "first" : "other");
	track_assert_no_more();
	track_begin_name(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, "one more");
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/first");
	track_assert_no_more();
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), FT_IN_FLIGHT_MAX);
	/* the same key again takes no room */
	track_begin_name(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, "again");
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/one more");
	track_assert_no_more();
	track_end_error(FT_IN_FLIGHT_MAX + 1, FUSE_UNLINK, 1, 0);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/again");
}

/* ---- recordings ---- */

static void test_record(void **state)
{
	struct ft_event event = track_event_of(0, FUSE_LINK, 1);
	const struct fusetrace_op *op;

	event.path = FT_BYTES_LITERAL("/from");
	event.path2 = FT_BYTES_LITERAL("/to");
	event.entry = 8;
	event.nodeid2 = 9;
	event.present |= FT_HAS(ENTRY) | FT_HAS(NODEID2) | FT_HAS(START_NS);
	track_record(100, FUSETRACE_STATUS_COMPLETED, &event);
	op = track_next(FUSE_LINK, FUSETRACE_STATUS_COMPLETED, "/from");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_SEQ), 100);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_NODEID2), 9);
	track_assert_absent(op, FUSETRACE_FIELD_ENTRY); /* rather than that of the other field */
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(op->source, FUSETRACE_SOURCE_LOG);
	track_record(50, FUSETRACE_STATUS_FAILED, &event); /* a number that is gone */
	assert_int_equal(track_next(FUSE_LINK, FUSETRACE_STATUS_FAILED, "/from")->seq, 101);
	track_record(0, FUSETRACE_STATUS_UNKNOWN, &event);
	assert_int_equal(track_next(FUSE_LINK, FUSETRACE_STATUS_UNKNOWN, "/from")->seq, 102);
}

/* A forged number must not use up all that come after it. */
static void test_record_with_the_last_number(void **state)
{
	struct ft_event event = track_event_of(0, FUSE_WRITE, 1);

	track_record(UINT64_MAX, FUSETRACE_STATUS_COMPLETED, &event);
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event);
	track_record(UINT64_MAX - 1, FUSETRACE_STATUS_COMPLETED, &event);
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event);
	for (int i = 0; i < 4; i++)
		track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL);
	track_assert_no_more();
}

/* ---- long run ---- */

/* A quarter of them fills the track.history, which takes no more memory from then on. */
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
			track_begin_name(key, FUSE_LOOKUP, 1 + ft_test_below(&seed, 9), "name");
			is_in_flight[key] = true;
			begins++;
		} else {
			struct ft_event end = track_event_of(key, FUSE_LOOKUP, 1);

			end.present = FT_HAS(ENTRY);
			end.entry = ft_test_below(&seed, 10);
			ft_tracker_end(track.tracker, &end);
			lone_ends += !is_in_flight[key];
			is_in_flight[key] = false;
		}
		if (i == cases / 4)
			after_warm_up = ft_test_allocated();
	}
	if (cases >= CASES_FILLING_HISTORY)
		assert_in_range(ft_test_allocated(), 1, after_warm_up + after_warm_up / 4);
	ft_tracker_abandon(track.tracker);
	assert_int_equal(ft_history_last_seq(track.history), begins + lone_ends);
	assert_int_equal(track.done_count, begins + lone_ends);
}

#define tracker_test(test) cmocka_unit_test_setup_teardown(test, track_set_up, track_tear_down)

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
		tracker_test(test_record),
		tracker_test(test_record_with_the_last_number),
		tracker_test(test_random),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
