/* SPDX-License-Identifier: MIT */
/*
 * What must not happen, and what may have been lost: when a wait may say no, and when nobody can tell.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "testing.h"

/* ---- none ---- */

static void rule_07_none(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *unlink = FUSETRACE_MATCH(.op = "unlink");
	struct fusetrace_op *offender = NULL;

	feed("create", "/a");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	feed("unlink", "/a");
	feed("unlink", "/b");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, &offender, NULL), -EEXIST);
	assert_string_equal(fusetrace_op_path(offender), "/a"); /* the first one */
	fusetrace_op_unref(offender);
	mark = mark_now();
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	/* Asked for, whatever became of it. */
	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "unlink", .path = "/c", .status = FUSETRACE_STATUS_UNKNOWN));
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), -EEXIST);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark,
				    FUSETRACE_MATCH(.op = "unlink", .status = FUSETRACE_MATCH_OK),
				    0, NULL, NULL),
		0);
}

static void rule_07_none_within_a_window(void **state)
{
	uint64_t began_ns = ft_now_ns();

	assert_int_equal(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					     30 * MS, NULL, NULL),
			 0);
	assert_true(ft_now_ns() - began_ns >= 30 * MS);
	/* no further event is possible: the window need not be sat out */
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					     FUSETRACE_FOREVER, NULL, NULL),
			 0);
}

static void *run_none(void *data)
{
	*(int *)data = fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					   FUSETRACE_FOREVER, NULL, NULL);
	return NULL;
}

static void test_none_is_woken_by_the_offender(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_none, &result), 0);
	ft_test_await_waiters(monitor, 1);
	feed("create", "/a");
	feed("unlink", "/a");
	pthread_join(thread, NULL);
	assert_int_equal(result, -EEXIST);
}

static void test_none_sees_what_is_in_flight(void **state)
{
	const struct fusetrace_match *unlink = FUSETRACE_MATCH(.op = "unlink");
	struct fusetrace_mark mark;

	begin_in_flight(1, 10 /* UNLINK */, "/a", ft_now_ns() - 1);
	mark = mark_now();
	/* begun before the mark */
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	assert_int_equal(fusetrace_wait_none(monitor, &mark,
					     FUSETRACE_MATCH(.op = "unlink",
							     .flags = FUSETRACE_MATCH_IN_FLIGHT),
					     0, NULL, NULL),
			 -EEXIST);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, unlink, 0, NULL, NULL), -EEXIST);
	begin_in_flight(2, 10, "/b", ft_now_ns());
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), -EEXIST);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), 0, NULL, NULL),
		0);
	/* everything but unlinks is forbidden: these are allowed */
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL,
				    FUSETRACE_MATCH(.op = "unlink", .flags = FUSETRACE_MATCH_NOT),
				    0, NULL, NULL),
		0);
	/* whether it will succeed is not known */
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL,
				    FUSETRACE_MATCH(.op = "unlink", .status = FUSETRACE_MATCH_OK),
				    0, NULL, NULL),
		0);
}

/* ---- loss ---- */

static void rule_08_loss(void **state)
{
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");
	struct fusetrace_mark before = mark_now(), after;

	ft_test_feed_line(monitor, LOST(3));
	after = mark_now();
	feed("write", "/a");
	feed("write", "/b");
	assert_int_equal(fusetrace_lost(monitor, NULL), 3);
	assert_int_equal(fusetrace_lost(monitor, &after), 0);
	/* What was seen was seen. */
	assert_int_equal(look(&before, a), 0);
	assert_int_equal(fusetrace_wait_all(monitor, &before, TWO(a, b), 2,
					    FUSETRACE_ORDER_IN_ORDER, 0, NULL, NULL),
			 0);
	/* What was not seen may have happened all the same. */
	assert_int_equal(look(&before, FUSETRACE_MATCH(.path = "/c")), -EOVERFLOW);
	assert_int_equal(
		fusetrace_wait_none(monitor, &before, FUSETRACE_MATCH(.path = "/c"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait_none(monitor, &before, a, 0, NULL, NULL), -EEXIST);
	/* Something may have come between. */
	assert_int_equal(fusetrace_wait_all(monitor, &before, TWO(a, b), 2, FUSETRACE_ORDER_STRICT,
					    0, NULL, NULL),
			 -EOVERFLOW);
	/* Lost before the mark: no matter. */
	assert_int_equal(
		fusetrace_wait_none(monitor, &after, FUSETRACE_MATCH(.path = "/c"), 0, NULL, NULL),
		0);
	assert_int_equal(fusetrace_wait_all(monitor, &after, TWO(a, b), 2, FUSETRACE_ORDER_STRICT,
					    0, NULL, NULL),
			 0);
	assert_int_equal(look(&after, FUSETRACE_MATCH(.path = "/c")), -ETIMEDOUT);
}

static void *run_strict(void *data)
{
	*(int *)data = fusetrace_wait_all(
		monitor, NULL, TWO(FUSETRACE_MATCH(.path = "/a"), FUSETRACE_MATCH(.path = "/b")), 2,
		FUSETRACE_ORDER_STRICT, SOON, NULL, NULL);
	return NULL;
}

static void test_loss_wakes_a_strict_wait(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_strict, &result), 0);
	ft_test_await_waiters(monitor, 1);
	feed("write", "/a");
	ft_test_feed_line(monitor, LOST(3));
	pthread_join(thread, NULL);
	assert_int_equal(result, -EOVERFLOW);
}

/* What the history dropped is as good as lost; numbers that a recording left out are not. */
static void test_dropped_by_the_history(void **state)
{
	struct fusetrace_monitor *large = monitor;
	struct fusetrace_mark mark;

	monitor = ft_test_monitor(1);
	feed("mkdir", "/first");
	mark = mark_now();
	for (int i = 0; i < 5000; i++)
		feed("write", "/a");
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait_none(monitor, &(struct fusetrace_mark){0},
					     FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
			 -EOVERFLOW);
	assert_int_equal(look(&mark, FUSETRACE_MATCH(.op = "write")), 0);
	fusetrace_monitor_free(monitor);
	monitor = large;
	mark = mark_now();
	for (uint64_t i = 1; i < 3000; i++)
		ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .seq = i * 10));
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		0);
}

/* The first /a may have been lost, and the second one come in its turn. */
static void rule_08_loss_before_a_violated_order(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");

	ft_test_feed_line(monitor, LOST(3));
	feed("write", "/a");
	feed("write", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, &mark, TWO(a, b), 2, FUSETRACE_ORDER_STRICT, 0,
					    NULL, NULL),
			 -EOVERFLOW);
}

static void *wait_in_order(void *data)
{
	*(int *)data = fusetrace_wait_all(
		monitor, NULL, TWO(FUSETRACE_MATCH(.path = "/a"), FUSETRACE_MATCH(.path = "/b")), 2,
		FUSETRACE_ORDER_STRICT, SOON, NULL, NULL);
	return NULL;
}

/* Nobody can tell the order any more: who waits is told so at once. */
static void rule_33_loss_ends_a_wait_in_strict_order(void **state)
{
	uint64_t began_ns = ft_now_ns();
	pthread_t thread;
	int result = 0;

	assert_int_equal(pthread_create(&thread, NULL, wait_in_order, &result), 0);
	ft_test_await_waiters(monitor, 1);
	ft_test_feed_line(monitor, LOST(3));
	pthread_join(thread, NULL);
	assert_int_equal(result, -EOVERFLOW);
	assert_true(ft_now_ns() - began_ns < SOON / 2);
}

/* What was seen is an offender, whatever was lost. */
static void rule_07_in_flight_with_a_loss(void **state)
{
	struct fusetrace_mark mark = mark_now();

	ft_test_feed_line(monitor, LOST(3));
	feed_started("write", "/a");
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), 0, NULL, NULL),
		-EEXIST);
}

/* One that is in flight when the window opens ends it at once. */
static void rule_07_first_offender_at_once(void **state)
{
	struct fusetrace_mark mark = mark_now();
	uint64_t began_ns;

	feed_started("write", "/a");
	began_ns = ft_now_ns();
	assert_int_equal(fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), SOON,
					     NULL, NULL),
			 -EEXIST);
	assert_true(ft_now_ns() - began_ns < SOON / 2);
}

/* "Everything but writes that succeed": how the one in flight goes is not known yet. */
static void rule_07_inverted_and_in_flight(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *but_writes =
		FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK,
				.flags = FUSETRACE_MATCH_NOT);

	feed_started("write", "/a");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, but_writes, 0, NULL, NULL), 0);
	feed_started("create", "/b");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, but_writes, 0, NULL, NULL), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(rule_07_none),
		FED_TEST(rule_07_none_within_a_window),
		FED_TEST(test_none_is_woken_by_the_offender),
		FED_TEST(test_none_sees_what_is_in_flight),
		FED_TEST(rule_08_loss),
		FED_TEST(test_loss_wakes_a_strict_wait),
		FED_TEST(test_dropped_by_the_history),
		FED_TEST(rule_08_loss_before_a_violated_order),
		FED_TEST(rule_33_loss_ends_a_wait_in_strict_order),
		FED_TEST(rule_07_in_flight_with_a_loss),
		FED_TEST(rule_07_first_offender_at_once),
		FED_TEST(rule_07_inverted_and_in_flight),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
