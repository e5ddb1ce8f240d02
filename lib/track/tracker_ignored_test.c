/* SPDX-License-Identifier: MIT */
/*
 * What the tracker leaves out: the requests of threads that are ignored, and yet it learns from them.
 */
#include "tracker_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "testing.h"

static void ignore(bool is_ignored)
{
	assert_int_equal(
		ft_tracker_ignore(track.tracker, TRACK_THREAD, is_ignored, track.clock_ns += 10),
		0);
}

/* The moment of the request decides, not that of the reply. */
static void test_ignored(void **state)
{
	track_begin_name(1, FUSE_UNLINK, 1, "before");
	ignore(true);
	track_begin_name(2, FUSE_UNLINK, 1, "ignored");
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 1);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 1);
	assert_int_equal(track_count_snapshots(0), 1);
	track_end_error(1, FUSE_UNLINK, 1, 0);
	ignore(false);
	track_begin_name(3, FUSE_UNLINK, 1, "after");
	track_end_error(2, FUSE_UNLINK, 1, 0);
	track_end_error(3, FUSE_UNLINK, 1, 0);
	assert_int_equal(track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/before")->seq, 1);
	assert_int_equal(track_next(FUSE_UNLINK, FUSETRACE_STATUS_COMPLETED, "/after")->seq, 2);
	track_assert_no_more();
	assert_int_equal(track.done_count, 2);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
}

static void test_ignored_returns(void **state)
{
	struct ft_event event = track_event_of(1, FUSE_WRITE, 1);

	ignore(true);
	assert_true(ft_tracker_begin(track.tracker, &event)); /* its time is from before */
	assert_true(ft_tracker_end(track.tracker, &event));
	event = track_event_of(1, FUSE_WRITE, 1);
	assert_false(ft_tracker_begin(track.tracker, &event));
	assert_false(ft_tracker_end(track.tracker, &event));
	assert_false(ft_tracker_end(track.tracker, &event)); /* its begin was not seen */
	event.pid = TRACK_THREAD + 1;
	assert_true(ft_tracker_begin(track.tracker, &event));
	ignore(false);
	assert_int_equal(ft_tracker_ignore(track.tracker, TRACK_THREAD, false, track.clock_ns),
			 -EINVAL);
}

/* The kernel names no caller when a file is released; the source knows who ran. */
static void test_ignored_without_a_pid(void **state)
{
	struct ft_event event;

	ignore(true);
	event = track_event_of(1, FUSE_RELEASE, 1);
	event.pid = 0;
	event.thread = TRACK_THREAD;
	assert_false(ft_tracker_begin(track.tracker, &event));
	event.key = 2;
	event.pid = TRACK_THREAD + 1; /* what is told counts more */
	assert_true(ft_tracker_begin(track.tracker, &event));
	event.key = 3;
	event.present &= ~FT_HAS(PID);
	assert_false(ft_tracker_begin(track.tracker, &event));
}

/* What it looked up is known to all. */
static void test_ignored_teach(void **state)
{
	ignore(true);
	track_begin_name(1, FUSE_LOOKUP, 1, "a");
	track_end_entry(1, FUSE_LOOKUP, 1, 2);
	track_begin(1, FUSE_OPEN, 2);
	track_end_opened(1, FUSE_OPEN, 2, 0, 7);
	track_begin_name(1, FUSE_LOOKUP, 1, "b"); /* another name of the same file */
	track_end_entry(1, FUSE_LOOKUP, 1, 2);
	track_begin(1, FUSE_GETXATTR, 2);
	track_end_error(1, FUSE_GETXATTR, 2, ENOSYS);
	ignore(false);
	track_assert_no_more();
	track_begin_fh(1, FUSE_READ, 2, 7);
	track_end_error(1, FUSE_READ, 2, 0);
	track_next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a");
	track_begin(1, FUSE_GETXATTR, 2);
	track_end_error(1, FUSE_GETXATTR, 2, ENOSYS); /* not the first one */
	assert_int_equal(track_next(FUSE_GETXATTR, FUSETRACE_STATUS_FAILED, "/b")->marks, 0);
}

/* Whatever becomes of it. */
static void test_ignored_without_an_end(void **state)
{
	ignore(true);
	track_begin(1, FUSE_FORGET, 1); /* no reply */
	track_begin(2, FUSE_WRITE, 1);
	track_begin(2, FUSE_WRITE, 1); /* the key is used again */
	track_end_error(2, FUSE_READ, 1, 0);
	track_begin(3, FUSE_WRITE, 1);
	ft_tracker_abandon(track.tracker);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	ignore(false);
	track_begin(3, FUSE_WRITE, 1);
	ft_tracker_abandon(track.tracker);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_UNKNOWN, "/")->seq, 1);
	track_assert_no_more();
	assert_int_equal(track.done_count, 1);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 0);
}

/* Of a log: a time that is not to be compared gives way to that of reading. */
static void test_ignored_in_a_log(void **state)
{
	struct ft_event event;

	ignore(true);
	event = track_event_of(1, FUSE_WRITE, 1);
	event.is_of_other_clock = true;
	event.seen_ns = event.time_ns;
	event.time_ns = 1;
	assert_false(ft_tracker_begin(track.tracker, &event));
	event.key = 2;
	event.time_ns = 0;
	assert_false(ft_tracker_begin(track.tracker, &event));
	event.key = 3;
	event.seen_ns = 0; /* read now */
	assert_false(ft_tracker_begin(track.tracker, &event));
	ignore(false);
	event.key = 4;
	assert_true(ft_tracker_begin(track.tracker, &event));
}

/* Who asked may be told by a later line. */
static void test_ignored_by_a_later_line(void **state)
{
	struct ft_event event, caller = {.key = 1, .present = FT_HAS(PID), .pid = TRACK_THREAD};

	ignore(true);
	event = track_event_of(1, FUSE_WRITE, 1);
	event.present &= ~FT_HAS(PID);
	assert_true(ft_tracker_begin(track.tracker, &event));
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 1);
	ft_tracker_amend(track.tracker, &caller);
	ft_tracker_amend(track.tracker, &caller);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 0);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	track_end_error(1, FUSE_WRITE, 1, 0);
	track_assert_no_more();
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 0);
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
	/* One whose caller was told before he was ignored stays. */
	event.present |= FT_HAS(PID);
	event.time_ns = 1;
	assert_true(ft_tracker_begin(track.tracker, &event));
	caller.present |= FT_HAS(SIZE);
	ft_tracker_amend(track.tracker, &caller);
	assert_int_equal(ft_tracker_in_flight(track.tracker, true), 1);
}

/* Its start lies in the time, whenever it is fed. */
static void test_ignored_record(void **state)
{
	struct ft_event event = track_event_of(1, FUSE_WRITE, 1);

	assert_int_equal(ft_tracker_ignore(track.tracker, TRACK_THREAD, true, 6), 0);
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event); /* began at 5 */
	assert_int_equal(ft_tracker_ignore(track.tracker, TRACK_THREAD, false, 7), 0);
	assert_int_equal(ft_tracker_ignore(track.tracker, TRACK_THREAD + 1, true, 5), 0);
	assert_int_equal(ft_tracker_ignore(track.tracker, TRACK_THREAD + 1, false, 6), 0);
	event.pid = TRACK_THREAD + 1;
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event);
	track_record(9, FUSETRACE_STATUS_COMPLETED, &event);
	event.pid = TRACK_THREAD;
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL)->seq, 1);
	assert_int_equal(track_next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL)->seq, 2);
	track_assert_no_more();
}

/* The second half of one that was in flight, ignored by what was known then. */
static void test_ignored_record_of_a_request(void **state)
{
	struct ft_event event;

	ignore(true);
	event = track_event_of(1, FUSE_WRITE, 1);
	assert_false(ft_tracker_begin(track.tracker, &event));
	event.present &= ~FT_HAS(PID);
	track_record(0, FUSETRACE_STATUS_COMPLETED, &event);
	track_assert_no_more();
	assert_int_equal(ft_tracker_in_flight(track.tracker, false), 0);
}

#define tracker_test(test) cmocka_unit_test_setup_teardown(test, track_set_up, track_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tracker_test(test_ignored),
		tracker_test(test_ignored_returns),
		tracker_test(test_ignored_without_a_pid),
		tracker_test(test_ignored_teach),
		tracker_test(test_ignored_without_an_end),
		tracker_test(test_ignored_in_a_log),
		tracker_test(test_ignored_by_a_later_line),
		tracker_test(test_ignored_record),
		tracker_test(test_ignored_record_of_a_request),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
