/* SPDX-License-Identifier: MIT */
/* Looking without waiting: counts, loops, readers, what is in flight, totals. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "monitor.h"
#include "testing.h"

static void test_mark(void **state)
{
	struct fusetrace_mark mark;
	uint64_t before = ft_now_ns();

	feed("write", "/a");
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"lost\",\"count\":7}\n");
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(mark.seq, 1);
	assert_int_equal(mark.lost, 7);
	assert_int_equal(mark.printed, 0);
	assert_in_range(mark.mono_ns, before, ft_now_ns());
	assert_int_equal(fusetrace_lost(monitor, NULL), 7);
	assert_int_equal(fusetrace_lost(monitor, &mark), 0);
	assert_int_equal(fusetrace_lost(NULL, NULL), 0);
	assert_int_equal(fusetrace_sync(monitor), 0);
	assert_int_equal(fusetrace_sync(NULL), -EINVAL);
}

/* Since a mark: what completed after it, whenever it began. */
static void test_count(void **state)
{
	const struct fusetrace_match *write = FUSETRACE_MATCH(.op = "write");
	uint64_t before_ns = ft_now_ns();
	struct fusetrace_mark mark;

	feed("write", "/a");
	feed("write", "/b");
	feed("read", "/a");
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	feed("write", "/a");
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 4);
	assert_int_equal(fusetrace_count(monitor, NULL, write), 3);
	assert_int_equal(fusetrace_count(monitor, &mark, write), 1);
	assert_int_equal(fusetrace_count(monitor, &(struct fusetrace_mark){0}, write), 3);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.path = "/a")), 3);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "wriet")), -EINVAL);
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .start_ns = before_ns));
	assert_int_equal(fusetrace_count(monitor, &mark, write), 2);
}

static int check_fails(const struct fusetrace_op *op, void *data)
{
	return -EUCLEAN;
}

struct visits {
	uint64_t seqs[10];
	size_t count;
	size_t stop_after;
};

static int visit(struct fusetrace_op *op, void *data)
{
	struct visits *visits = data;

	visits->seqs[visits->count++] = fusetrace_op_seq(op);
	return visits->count == visits->stop_after ? 42 : 0;
}

static int visit_and_enter(struct fusetrace_op *op, void *data)
{
	*(int64_t *)data = fusetrace_count(monitor, NULL, NULL);
	return 1;
}

static void test_foreach(void **state)
{
	struct visits visits = {0};
	int64_t count = 0;

	for (int i = 0; i < 5; i++)
		feed(i % 2 ? "write" : "read", "/a");
	assert_int_equal(
		fusetrace_foreach(monitor, NULL, FUSETRACE_MATCH(.op = "read"), visit, &visits), 0);
	assert_int_equal(visits.count, 3);
	assert_int_equal(visits.seqs[0], 1);
	assert_int_equal(visits.seqs[2], 5);
	visits = (struct visits){.stop_after = 2};
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, visit, &visits), 42);
	assert_int_equal(visits.count, 2);
	assert_int_equal(fusetrace_foreach(monitor, NULL, FUSETRACE_MATCH(.check = check_fails),
					   visit, &visits),
			 -EUCLEAN);
	/* No lock is held: it may ask again. */
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, visit_and_enter, &count), 1);
	assert_int_equal(count, 5);
}

static int feed_more(struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	feed("write", "/more");
	return 0;
}

/* It ends with what was there when it began. */
static void test_foreach_that_feeds(void **state)
{
	int visited = 0;

	for (int i = 0; i < 10; i++)
		feed("write", "/a");
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, feed_more, &visited), 0);
	assert_int_equal(visited, 10);
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 20);
}

static void test_in_flight(void **state)
{
	struct visits visits = {0};

	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 0);
	begin_in_flight(1, 16, "/a", ft_now_ns());
	begin_in_flight(2, 15, "/b", ft_now_ns());
	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 0);
	assert_int_equal(visits.count, 2);
	visits.count = 0;
	assert_int_equal(
		fusetrace_in_flight(monitor, FUSETRACE_MATCH(.op = "write"), visit, &visits), 0);
	assert_int_equal(visits.count, 1);
	visits = (struct visits){.stop_after = 1};
	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 42);
	assert_int_equal(
		fusetrace_in_flight(monitor, FUSETRACE_MATCH(.op = "wirte"), visit, &visits),
		-EINVAL);
}

/* A recording that was cut off while something was in flight. */
static void test_in_flight_of_a_recording(void **state)
{
	struct visits visits = {0};

	ft_test_feed_line(monitor,
			  "{\"v\":1,\"op\":\"write\",\"path\":\"/a\",\"status\":\"started\","
			  "\"unique\":5}\n"
			  "{\"v\":1,\"op\":\"read\",\"path\":\"/b\",\"status\":\"started\"}\n"
			  "{\"v\":1,\"op\":\"read\",\"path\":\"/c\",\"status\":\"started\"}\n");
	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 0);
	assert_int_equal(visits.count, 3);
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 0);
	/* the reply to one of them */
	ft_test_feed_line(monitor, "{\"v\":1,\"op\":\"write\",\"path\":\"/a\",\"errno\":0,"
				   "\"unique\":5}\n");
	assert_int_equal(
		fusetrace_count(monitor, NULL,
				FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK)),
		1);
	visits.count = 0;
	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 0);
	assert_int_equal(visits.count, 2);
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	visits.count = 0;
	assert_int_equal(fusetrace_in_flight(monitor, NULL, visit, &visits), 0);
	assert_int_equal(visits.count, 0);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "read")), 2);
	assert_int_equal(
		fusetrace_count(monitor, NULL,
				FUSETRACE_MATCH(.op = "read", .status = FUSETRACE_MATCH_OK)),
		0);
}

/* ---- readers ---- */

static void test_reader(void **state)
{
	struct fusetrace_reader *reader, *from_mark;
	struct fusetrace_mark mark;
	struct fusetrace_op *op;
	uint64_t skipped = 0;

	feed("write", "/a");
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	assert_int_equal(fusetrace_reader_new(monitor, &mark, &from_mark), 0);
	assert_int_equal(fusetrace_reader_next(from_mark, &op, NULL), 0);
	feed("read", "/a");
	assert_int_equal(fusetrace_reader_next(from_mark, &op, NULL), 1);
	assert_int_equal(fusetrace_op_seq(op), 2);
	assert_int_equal(fusetrace_reader_next(reader, &op, &skipped), 1);
	assert_int_equal(fusetrace_op_seq(op), 1);
	assert_int_equal(fusetrace_reader_next(NULL, &op, NULL), -EINVAL);
	assert_int_equal(fusetrace_reader_next(reader, NULL, NULL), -EINVAL);
	/* It outlives the monitor. */
	fed_tear_down(NULL);
	assert_int_equal(fusetrace_reader_next(reader, &op, &skipped), 1);
	assert_string_equal(fusetrace_op_name(op), "read");
	assert_int_equal(fusetrace_reader_next(reader, &op, &skipped), 0);
	assert_int_equal(skipped, 0);
	assert_null(fusetrace_reader_free(reader));
	assert_null(fusetrace_reader_free(from_mark));
	assert_null(fusetrace_reader_free(NULL));
}

static void test_reader_is_overtaken(void **state)
{
	struct fusetrace_reader *reader;
	struct fusetrace_op *op;
	uint64_t skipped = 0, seen = 0;

	fed_tear_down(NULL);
	monitor = ft_test_monitor(1);
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	for (int i = 0; i < 6000; i++)
		feed("write", "/a");
	while (fusetrace_reader_next(reader, &op, &skipped) == 1)
		seen++;
	assert_true(skipped > 0);
	assert_int_equal(seen + skipped, 6000);
	fusetrace_reader_free(reader);
	/* One that begins at the oldest has missed nothing. */
	skipped = 0;
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	assert_int_equal(fusetrace_reader_next(reader, &op, &skipped), 1);
	assert_int_equal(skipped, 0);
	fusetrace_reader_free(reader);
}

/* ---- totals ---- */

static void test_totals_outlive_the_history(void **state)
{
	struct fusetrace_summary *summary;
	struct fusetrace_summary_row row;

	fed_tear_down(NULL);
	monitor = ft_test_monitor(1);
	for (int i = 0; i < 5000; i++)
		ft_test_feed(monitor,
			     FT_TEST_OP(.op = "write", .path = "/a", .error = i % 10 == 0));
	assert_true(fusetrace_count(monitor, NULL, NULL) < 5000);
	assert_int_equal(fusetrace_summary_new(&summary), 0);
	assert_int_equal(fusetrace_summary_add_monitor(summary, monitor), 0);
	assert_int_equal(fusetrace_summary_get(summary, 0, &row), 0);
	assert_string_equal(row.op, "write");
	assert_int_equal(row.count, 5000);
	assert_int_equal(row.failed, 500);
	assert_int_equal(fusetrace_summary_add_monitor(summary, NULL), -EINVAL);
	fusetrace_summary_free(summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(test_mark),
		FED_TEST(test_count),
		FED_TEST(test_foreach),
		FED_TEST(test_foreach_that_feeds),
		FED_TEST(test_in_flight),
		FED_TEST(test_in_flight_of_a_recording),
		FED_TEST(test_reader),
		FED_TEST(test_reader_is_overtaken),
		FED_TEST(test_totals_outlive_the_history),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
