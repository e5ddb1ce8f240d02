/* SPDX-License-Identifier: MIT */
/*
 * The sink, fed as formats feed it: one operation of what two of them say of a request, keys that
 * do not meet, and whose clock a time is of.
 */
#include "log_sink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "testing.h"

#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* A daemon's library with and without replies, and what its own code prints. */
static const struct ft_format requests = {.rank = FT_RANK_REQUESTS, .gives = FUSETRACE_GIVES_REPLY};
static const struct ft_format starts = {.rank = FT_RANK_REQUESTS};
static const struct ft_format handlers = {.rank = FT_RANK_HANDLERS, .gives = FUSETRACE_GIVES_REPLY};

static struct ft_history *history;
static struct ft_tracker *tracker;
static struct ft_cursor cursor;
static struct ft_sink sink;

static void on_done(struct fusetrace_op *op, void *data)
{
}

static int set_up(void **state)
{
	history = ft_history_new(1000);
	tracker = ft_tracker_new(FUSETRACE_SOURCE_LOG, history, NULL, on_done, NULL);
	ft_cursor_init(&cursor, history, 0);
	ft_sink_init(&sink, tracker, false);
	return tracker ? 0 : -1;
}

static int tear_down(void **state)
{
	ft_cursor_done(&cursor);
	ft_tracker_free(tracker);
	ft_history_unref(history);
	return 0;
}

/* ---- what formats say ---- */

static struct ft_line line;

static void speak(const struct ft_format *format)
{
	sink.format = format;
	sink.format_index = format == &handlers ? 5 : format == &starts ? 1 : 0;
}

static void begin(const struct ft_format *format, uint64_t key, uint32_t opcode, const char *path)
{
	struct ft_event event = {.key = key, .opcode = opcode, .path = ft_bytes_of(path)};

	event.present = path ? FT_HAS(PATH) : 0;
	speak(format);
	ft_sink_begin(&sink, &line, &event);
}

static void end(const struct ft_format *format, uint64_t key, int error)
{
	struct ft_event event = {.key = key, .opcode = FT_OPCODE_OF_BEGIN, .error = error};

	speak(format);
	ft_sink_end(&sink, &line, &event);
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
	assert_int_equal(op->marks & ~FUSETRACE_OP_SUSPECT, 0);
	return op;
}

static void assert_in_flight(size_t count)
{
	assert_null(ft_cursor_next(&cursor, NULL));
	assert_int_equal(ft_tracker_in_flight(tracker, false), count);
}

/* ---- ranks ---- */

static void test_handler_alone(void **state)
{
	begin(&handlers, 1, FUSE_READ, "/a");
	end(&handlers, 1, EIO);
	next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/a");
	assert_in_flight(0);
}

/* Two say it, one operation it is; how it ended is what the outer one says. */
static void test_handler_inside_a_request(void **state)
{
	begin(&requests, 2, FUSE_READ, NULL);
	begin(&handlers, 9, FUSE_READ, "/a");
	end(&handlers, 9, EIO);
	assert_in_flight(1);
	end(&requests, 2, ENOENT);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/a")->error, ENOENT);
	assert_in_flight(0);
}

/* The newest request of its kind that has none yet. */
static void test_two_handlers(void **state)
{
	begin(&requests, 2, FUSE_READ, NULL);
	begin(&requests, 4, FUSE_READ, NULL);
	begin(&requests, 6, FUSE_WRITE, NULL);
	begin(&handlers, 1, FUSE_READ, "/four");
	begin(&handlers, 3, FUSE_READ, "/two");
	begin(&handlers, 5, FUSE_READ, "/none"); /* no request is left for it */
	end(&handlers, 5, 0);
	end(&requests, 2, 0);
	end(&requests, 4, 0);
	end(&requests, 6, 0);
	next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/two");
	next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/four");
	next(FUSE_WRITE, FUSETRACE_STATUS_COMPLETED, NULL);
	assert_in_flight(0);
}

static void test_names_tell_handlers_apart(void **state)
{
	struct ft_event event = {.opcode = FUSE_LOOKUP, .present = FT_HAS(NODEID), .nodeid = 1};
	static const char *const names[] = {"a", "b"};

	for (uint64_t i = 0; i < 2; i++) {
		speak(&requests);
		event.key = i;
		event.name = ft_bytes_of(names[i]);
		ft_sink_begin(&sink, &line, &event);
	}
	event = (struct ft_event){.opcode = FUSE_LOOKUP, .present = FT_HAS(UID), .uid = 7};
	event.name = ft_bytes_of("a");
	speak(&handlers);
	ft_sink_begin(&sink, &line, &event);
	end(&requests, 0, 0);
	end(&requests, 1, 0);
	assert_int_equal(next(FUSE_LOOKUP, FUSETRACE_STATUS_COMPLETED, "/a")->uid, 7);
	assert_int_equal(next(FUSE_LOOKUP, FUSETRACE_STATUS_COMPLETED, "/b")->uid, 0);
}

/* Where the library tells no replies, the end of the handler is that of the request. */
static void test_handler_ends_a_request(void **state)
{
	begin(&starts, 2, FUSE_READ, NULL);
	begin(&handlers, 9, FUSE_READ, "/a");
	begin(&starts, 4, FUSE_WRITE, NULL); /* the first one is still being handled */
	assert_in_flight(2);
	end(&handlers, 9, EIO);
	next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/a");
	assert_in_flight(1);
}

/* ... and without a handler nothing will ever tell. */
static void test_request_without_replies(void **state)
{
	begin(&starts, 2, FUSE_READ, "/a");
	assert_in_flight(1);
	begin(&starts, 4, FUSE_READ, "/b");
	next(FUSE_READ, FUSETRACE_STATUS_UNKNOWN, "/a");
	assert_in_flight(1);
	end(&starts, 4, EIO); /* told after all */
	next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/b");
	begin(&starts, 6, FUSE_READ, "/c");
	assert_in_flight(1);
}

static void test_amended_by_a_handler(void **state)
{
	struct ft_event more = {.key = 9, .present = FT_HAS(SIZE), .size = 77};

	begin(&requests, 2, FUSE_READ, NULL);
	begin(&handlers, 9, FUSE_READ, "/a");
	speak(&handlers);
	ft_sink_amend(&sink, &more);
	more.key = 10; /* of no request */
	more.size = 88;
	ft_sink_amend(&sink, &more);
	end(&requests, 2, 0);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a")->size, 77);
}

/* A handler whose end was not printed: its key, used again, is that of the second request. */
static void test_key_of_a_handler_is_used_again(void **state)
{
	begin(&starts, 2, FUSE_READ, NULL);
	begin(&handlers, 9, FUSE_READ, "/a");
	begin(&starts, 4, FUSE_WRITE, NULL);
	begin(&handlers, 9, FUSE_WRITE, "/b");
	end(&handlers, 9, EIO);
	next(FUSE_WRITE, FUSETRACE_STATUS_FAILED, "/b");
	assert_in_flight(1);
}

static void test_many_handlers(void **state)
{
	for (uint64_t i = 0; i < 3 * FT_SINK_ATTACHED_MAX; i++) {
		begin(&starts, i, FUSE_READ, NULL);
		begin(&handlers, i, FUSE_READ, "/a");
	}
	end(&handlers, 0, EIO); /* forgotten */
	assert_in_flight(3 * FT_SINK_ATTACHED_MAX);
	for (uint64_t i = 2 * FT_SINK_ATTACHED_MAX; i < 3 * FT_SINK_ATTACHED_MAX; i++) {
		end(&handlers, i, EIO);
		next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/a");
	}
	assert_in_flight(2 * FT_SINK_ATTACHED_MAX);
}

/* ---- keys ---- */

static void test_keys_of_formats_never_meet(void **state)
{
	static const uint64_t keys[] = {0, 1, UINT64_C(3) << 56, UINT64_C(7) << 56, UINT64_MAX};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
			begin(&requests, keys[i], FUSE_READ, "/requests");
			begin(&starts, keys[j], FUSE_READ, "/starts");
			assert_in_flight(2);
			end(&starts, keys[j], EIO);
			next(FUSE_READ, FUSETRACE_STATUS_FAILED, "/starts");
			end(&requests, keys[i], 0);
			next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/requests");
			assert_in_flight(0);
		}
	}
}

static void test_restart(void **state)
{
	begin(&starts, 2, FUSE_READ, NULL);
	begin(&handlers, 9, FUSE_READ, "/a");
	begin(&starts, 4, FUSE_READ, "/b");
	ft_sink_restart(&sink);
	next(FUSE_READ, FUSETRACE_STATUS_UNKNOWN, "/a");
	next(FUSE_READ, FUSETRACE_STATUS_UNKNOWN, "/b");
	assert_in_flight(0);
	begin(&starts, 2, FUSE_WRITE, "/c");
	end(&handlers, 9, EIO); /* of the mount before */
	assert_in_flight(1);
}

static void test_suspect(void **state)
{
	begin(&requests, 2, FUSE_READ, "/a");
	line.is_suspect = true;
	begin(&requests, 4, FUSE_READ, "/b");
	line.is_suspect = false;
	end(&requests, 2, 0);
	end(&requests, 4, 0);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a")->marks, 0);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/b")->marks,
			 FUSETRACE_OP_SUSPECT);
}

/* The kernel's RENAME2 is a rename to a handler; other operations stay apart. */
static void test_handler_of_another_opcode(void **state)
{
	begin(&requests, 2, FUSE_RENAME2, NULL);
	begin(&handlers, 9, FUSE_RENAME, "/a");
	begin(&handlers, 11, FUSE_LINK, "/b");
	end(&requests, 2, 0);
	next(FUSE_RENAME2, FUSETRACE_STATUS_COMPLETED, "/a");
	assert_in_flight(0);
}

/* What a format says of the line that is offered counts for those that are asked behind it. */
static void test_doubt(void **state)
{
	begin(&requests, 2, FUSE_READ, "/a");
	ft_sink_doubt(&sink);
	begin(&requests, 4, FUSE_READ, "/b");
	sink.is_doubted = false;
	begin(&requests, 6, FUSE_READ, "/c");
	for (uint64_t key = 2; key <= 6; key += 2)
		end(&requests, key, 0);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a")->marks, 0);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/b")->marks,
			 FUSETRACE_OP_SUSPECT);
	assert_int_equal(next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/c")->marks, 0);
}

/* ---- clocks ---- */

/* The operation of a begin at one time and an end at another. */
static const struct fusetrace_op *timed(uint32_t clock, uint64_t from_ns, uint64_t to_ns,
					uint32_t tick_ns)
{
	line.time = (struct ft_time){.ns = from_ns, .clock = clock, .tick_ns = tick_ns};
	begin(&requests, 2, FUSE_READ, "/a");
	line.time.ns = to_ns;
	end(&requests, 2, 0);
	line.time = (struct ft_time){.clock = FT_CLOCK_NONE};
	return next(FUSE_READ, FUSETRACE_STATUS_COMPLETED, "/a");
}

static bool has_duration(const struct fusetrace_op *op)
{
	return op->present & FT_HAS(DURATION_NS);
}

/* Of a file: as they are. */
static void test_times_of_a_file(void **state)
{
	static const uint32_t clocks[] = {FT_CLOCK_MONOTONIC, FT_CLOCK_UTC, FT_CLOCK_LOCAL,
					  FT_CLOCK_DAY, FT_CLOCK_START};

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		const struct fusetrace_op *op = timed(clocks[i], HOUR, HOUR + 5000, 1000);

		assert_int_equal(fusetrace_op_start_ns(op), HOUR);
		assert_int_equal(op->duration_ns, 5000);
		assert_true(has_duration(op));
	}
	assert_int_equal(timed(FT_CLOCK_NONE, HOUR, HOUR, 0)->present & FT_HAS(START_NS), 0);
}

/* Whole seconds tell when, but not how long. */
static void test_coarse_times(void **state)
{
	const struct fusetrace_op *op = timed(FT_CLOCK_UTC, HOUR, HOUR + SECOND, 1000000000);

	assert_int_equal(fusetrace_op_start_ns(op), HOUR);
	assert_false(has_duration(op));
	assert_true(has_duration(timed(FT_CLOCK_UTC, HOUR, HOUR + SECOND, 1000000)));
	/* a clock that was set back */
	assert_false(has_duration(timed(FT_CLOCK_UTC, HOUR, HOUR - 1, 1000)));
}

static void test_midnight(void **state)
{
	const struct fusetrace_op *op = timed(FT_CLOCK_DAY, DAY - 10, 20, 1);

	assert_int_equal(fusetrace_op_start_ns(op), DAY - 10);
	assert_int_equal(op->duration_ns, 30);
	assert_int_equal(fusetrace_op_start_ns(timed(FT_CLOCK_DAY, 30, 40, 1)), DAY + 30);
	/* a thread that was slow to print */
	op = timed(FT_CLOCK_DAY, DAY - 5, 50, 1);
	assert_int_equal(fusetrace_op_start_ns(op), DAY - 5);
	assert_int_equal(op->duration_ns, 55);
	/* a long night */
	assert_int_equal(fusetrace_op_start_ns(timed(FT_CLOCK_DAY, 20 * HOUR, 20 * HOUR, 1)),
			 DAY + 20 * HOUR);
	assert_int_equal(fusetrace_op_start_ns(timed(FT_CLOCK_DAY, DAY - 1, DAY - 1, 1)),
			 2 * DAY - 1);
	assert_int_equal(fusetrace_op_start_ns(timed(FT_CLOCK_DAY, 1, 1, 1)), 2 * DAY + 1);
}

/* Live: the machine came up at noon of day 100, UTC; that was an hour ago; its zone is UTC+2. */
static void set_live(void)
{
	sink.seen_ns = HOUR;
	sink.wall_minus_mono_ns = 100 * DAY + 12 * HOUR;
	sink.zone_ns = 2 * (int64_t)HOUR;
}

static void test_live_times(void **state)
{
	set_live();
	assert_int_equal(timed(FT_CLOCK_MONOTONIC, 7, 8, 1)->start_ns, 7);
	assert_int_equal(timed(FT_CLOCK_UTC, 100 * DAY + 12 * HOUR + 7, 0, 1)->start_ns, 7);
	assert_int_equal(timed(FT_CLOCK_LOCAL, 100 * DAY + 14 * HOUR + 7, 0, 1)->start_ns, 7);
	assert_int_equal(timed(FT_CLOCK_DAY, 14 * HOUR + 7, 0, 1)->start_ns, 7);
	/* from before the machine came up */
	assert_int_equal(timed(FT_CLOCK_UTC, 99 * DAY, 0, 1)->start_ns, 1);
	/* the daemon's second 3 is now, and so it stays */
	assert_int_equal(timed(FT_CLOCK_START, 3 * SECOND, 4 * SECOND, 1)->start_ns, HOUR);
	sink.seen_ns += 5 * SECOND;
	assert_int_equal(timed(FT_CLOCK_START, 4 * SECOND, 4 * SECOND, 1)->start_ns, HOUR + SECOND);
}

/* 23:59:59, read shortly after midnight, was yesterday; zone and day are those of the machine. */
static void test_live_midnight(void **state)
{
	set_live();
	sink.seen_ns = 10 * HOUR + SECOND; /* 00:00:01 of the next day here, 22:00:01 UTC */
	assert_int_equal(timed(FT_CLOCK_DAY, DAY - SECOND, 0, 1)->start_ns, 10 * HOUR - SECOND);
	assert_int_equal(timed(FT_CLOCK_DAY, 0, 0, 1)->start_ns, 10 * HOUR);
}

static void test_live_without_times(void **state)
{
	const struct fusetrace_op *op;

	set_live();
	op = timed(FT_CLOCK_NONE, 0, 0, 0);
	assert_int_equal(op->start_ns, HOUR); /* orders it against marks */
	assert_int_equal(fusetrace_op_start_ns(op), 0);
	assert_int_equal(op->present & (FT_HAS(START_NS) | FT_HAS(DURATION_NS)), 0);
}

#define sink_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sink_test(test_handler_alone),
		sink_test(test_handler_inside_a_request),
		sink_test(test_two_handlers),
		sink_test(test_names_tell_handlers_apart),
		sink_test(test_handler_ends_a_request),
		sink_test(test_request_without_replies),
		sink_test(test_amended_by_a_handler),
		sink_test(test_key_of_a_handler_is_used_again),
		sink_test(test_many_handlers),
		sink_test(test_keys_of_formats_never_meet),
		sink_test(test_restart),
		sink_test(test_suspect),
		sink_test(test_handler_of_another_opcode),
		sink_test(test_doubt),
		sink_test(test_times_of_a_file),
		sink_test(test_coarse_times),
		sink_test(test_midnight),
		sink_test(test_live_times),
		sink_test(test_live_midnight),
		sink_test(test_live_without_times),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
