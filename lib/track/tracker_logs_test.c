/* SPDX-License-Identifier: MIT */
/*
 * What logs tell the tracker: little at first, more later, and endings without a result.
 */
#include "tracker_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "testing.h"

static void amend(struct ft_event event)
{
	ft_tracker_amend(track.tracker, &event);
}

static void end_as(uint64_t key, uint8_t ending)
{
	struct ft_event event = {.key = key, .opcode = FT_OPCODE_OF_BEGIN, .ending = ending};

	ft_tracker_end(track.tracker, &event);
}

static void test_amend_adds(void **state)
{
	char name[] = "a";
	const struct fusetrace_op *op;

	track_begin(1, FUSE_MKDIR, 1);
	amend((struct ft_event){.key = 1,
				.present = FT_HAS(NAME) | FT_HAS(MODE) | FT_HAS(PID),
				.name = {name, 1},
				.mode = 0755,
				.pid = 7,
				.marks = FUSETRACE_OP_SUSPECT});
	name[0] = 'x';                                                        /* it was copied */
	amend((struct ft_event){.key = 2, .present = FT_HAS(UID), .uid = 9}); /* of nothing */
	track_end_entry(1, FUSE_MKDIR, 1, 5);
	op = track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_MODE), 0755);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_PID), 42); /* it was known */
	track_assert_absent(op, FUSETRACE_FIELD_UID);
	assert_int_equal(fusetrace_op_marks(op), FUSETRACE_OP_SUSPECT);
	/* and the reply taught the name */
	track_begin(3, FUSE_GETATTR, 5);
	track_end_error(3, FUSE_GETATTR, 5, 0);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/a");
}

/* A path that is told is better than one that was worked out. */
static void test_amend_path(void **state)
{
	track_look_up(1, "a", 2);
	track_begin(1, FUSE_GETATTR, 2);
	amend((struct ft_event){.key = 1, .path = ft_bytes_of("/told"), .present = FT_HAS(PATH)});
	amend((struct ft_event){.key = 1, .present = FT_HAS(SIZE), .size = 3});
	track_end_error(1, FUSE_GETATTR, 2, 0);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/told");
	track_begin_name(1, FUSE_UNLINK, 1, "a");
	amend((struct ft_event){.key = 1, .name = ft_bytes_of("b"), .present = FT_HAS(NAME)});
	track_end_error(1, FUSE_UNLINK, 1, EBUSY);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_FAILED, "/a");
}

/* What only a reply can tell is no part of a request; how long the handler took is kept. */
static void test_amend_with_a_whole_record(void **state)
{
	const struct fusetrace_op *op;

	track_begin(1, FUSE_GETATTR, 1);
	amend((struct ft_event){.key = 1,
				.present = FT_HAS(ERRNO) | FT_HAS(DURATION_NS) | FT_HAS(ENTRY) |
					   FT_HAS(REPLY_SIZE) | FT_HAS(SEQ) | FT_HAS(START_NS)});
	end_as(1, FT_ENDING_UNKNOWN);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	track_assert_absent(op, FUSETRACE_FIELD_ERRNO);
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	track_assert_absent(op, FUSETRACE_FIELD_ENTRY);
	track_assert_absent(op, FUSETRACE_FIELD_REPLY_SIZE);
	track_begin(2, FUSE_GETATTR, 1);
	amend((struct ft_event){.key = 2, .duration_ns = 99});
	end_as(2, FT_ENDING_ENDED);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_DURATION_NS), 99);
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

	assert_null(ft_tracker_find(track.tracker, 1));
	assert_null(ft_tracker_newest(track.tracker, is_unlink, &asked));
	assert_int_equal(asked, 0);
	track_begin_name(1, FUSE_UNLINK, 1, "a");
	track_begin_name(2, FUSE_UNLINK, 1, "b");
	track_begin_name(3, FUSE_RMDIR, 1, "c");
	found = ft_tracker_newest(track.tracker, is_unlink, &asked);
	assert_non_null(found);
	assert_int_equal(found->key, 2);
	assert_int_equal(asked, 2);
	amend((struct ft_event){.key = 3, .present = FT_HAS(UID), .uid = 5});
	found = ft_tracker_find(track.tracker, 3);
	assert_non_null(found);
	assert_int_equal(found->uid, 5);
	assert_true(ft_bytes_equal(found->name, ft_bytes_of("c")));
	track_end_error(3, FUSE_RMDIR, 1, 0);
	assert_null(ft_tracker_find(track.tracker, 3));
}

static void test_restart(void **state)
{
	uint64_t cursor_of_flight = 0;

	track_look_up(1, "a", 2);
	track_begin(1, FUSE_GETATTR, 2);
	track_end_error(1, FUSE_GETATTR, 2, ENOSYS); /* a probe: the first one of its opcode */
	assert_int_equal(track_next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/a")->marks,
			 FUSETRACE_OP_PROBE);
	track_begin_name(2, FUSE_UNLINK, 1, "b");
	ft_tracker_restart(track.tracker);
	track_next(FUSE_UNLINK, FUSETRACE_STATUS_UNKNOWN, "/b");
	assert_null(ft_tracker_snapshot(track.tracker, &cursor_of_flight));
	/* node 2 of another mount is another file, and so is its first probe */
	track_begin(2, FUSE_GETATTR, 2);
	track_end_error(2, FUSE_GETATTR, 2, ENOSYS);
	assert_int_equal(track_next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, NULL)->marks,
			 FUSETRACE_OP_PROBE);
	track_assert_no_more();
}

static void test_endings(void **state)
{
	const struct fusetrace_op *op;
	struct ft_event event;

	track_begin(1, FUSE_GETATTR, 1);
	end_as(1, FT_ENDING_UNKNOWN);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	track_assert_absent(op, FUSETRACE_FIELD_ERRNO);
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	track_begin(1, FUSE_GETATTR, 1);
	end_as(1, FT_ENDING_ENDED);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	track_assert_absent(op, FUSETRACE_FIELD_ERRNO);
	track_begin(1, FUSE_GETATTR, 1);
	event = track_event_of(1, FT_OPCODE_OF_BEGIN, 1);
	event.duration_ns = 12345; /* told, so it counts more than two times */
	ft_tracker_end(track.tracker, &event);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/");
	assert_int_equal(track_number(op, FUSETRACE_FIELD_ERRNO), 0);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_DURATION_NS), 12345);
	track_begin(1, FUSE_GETATTR, 1);
	event.ending = FT_ENDING_UNKNOWN;
	ft_tracker_end(track.tracker, &event);
	op = track_next(FUSE_GETATTR, FUSETRACE_STATUS_UNKNOWN, "/");
	track_assert_absent(op, FUSETRACE_FIELD_ERRNO);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_DURATION_NS), 12345);
	track_assert_no_more();
}

/* An end that does not say of what: nothing without its begin. */
static void test_opcode_of_begin(void **state)
{
	track_end_error(1, FT_OPCODE_OF_BEGIN, 1, EIO);
	track_assert_no_more();
	track_begin(1, FUSE_GETATTR, 1);
	track_end_error(2, FT_OPCODE_OF_BEGIN, 1, EIO);
	track_assert_no_more();
	track_end_error(1, FT_OPCODE_OF_BEGIN, 1, EIO);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_FAILED, "/");
	track_assert_no_more();
}

/* Its directory's path would be a wrong one. */
static void test_name_that_is_not_told(void **state)
{
	track_look_up(1, "d", 2);
	track_begin(1, FUSE_MKDIR, 2);
	track_end_error(1, FUSE_MKDIR, 2, 0);
	track_next(FUSE_MKDIR, FUSETRACE_STATUS_COMPLETED, NULL);
	track_begin(1, FUSE_GETATTR, 2);
	track_end_error(1, FUSE_GETATTR, 2, 0);
	track_next(FUSE_GETATTR, FUSETRACE_STATUS_COMPLETED, "/d");
}

/* A source without times: when the line was read orders it, but is no time of the operation. */
static void test_seen_without_start(void **state)
{
	struct ft_event event = {.key = 1, .opcode = FUSE_STATFS, .seen_ns = 5000};
	const struct fusetrace_op *op;

	ft_tracker_begin(track.tracker, &event);
	end_as(1, FT_ENDING_ENDED);
	op = track_next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	track_assert_absent(op, FUSETRACE_FIELD_START_NS);
	track_assert_absent(op, FUSETRACE_FIELD_DURATION_NS);
	assert_int_equal(fusetrace_op_start_ns(op), 0);
	assert_int_equal(ft_op_order_ns(op), 5000);
	event.time_ns = 3000; /* read 2 us late */
	ft_tracker_begin(track.tracker, &event);
	end_as(1, FT_ENDING_ENDED);
	op = track_next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(track_number(op, FUSETRACE_FIELD_START_NS), 3000);
	assert_int_equal(ft_op_order_ns(op), 5000);
}

/* A whole record of a live log likewise. */
static void test_seen_record(void **state)
{
	struct ft_event event = {.opcode = FUSE_STATFS, .seen_ns = 5000};
	struct ft_record_times times = {.status = FUSETRACE_STATUS_COMPLETED};
	const struct fusetrace_op *op;

	ft_tracker_record(track.tracker, &event, &times);
	op = track_next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(fusetrace_op_start_ns(op), 0);
	assert_int_equal(ft_op_order_ns(op), 5000);
	event.present = FT_HAS(START_NS);
	times.start_ns = 3000;
	ft_tracker_record(track.tracker, &event, &times);
	op = track_next(FUSE_STATFS, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_int_equal(fusetrace_op_start_ns(op), 3000);
	assert_int_equal(ft_op_order_ns(op), 5000);
}

#define tracker_test(test) cmocka_unit_test_setup_teardown(test, track_set_up, track_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
