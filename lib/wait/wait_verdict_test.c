/* SPDX-License-Identifier: MIT */
/*
 * Which verdict a wait in vain gets. Several of these were found by the model (model_test.c).
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "testing.h"

static struct fusetrace_report *start_report; /* of wait_with_start() */

static int tear_down(void **state)
{
	start_report = fusetrace_report_free(start_report);
	return fed_tear_down(state);
}

static uint32_t verdict_of(const struct fusetrace_mark *mark, const struct fusetrace_match *match)
{
	struct fusetrace_report *report = NULL;
	uint32_t verdict;

	assert_int_equal(fusetrace_wait(monitor, mark, match, 0, NULL, &report), -ETIMEDOUT);
	verdict = fusetrace_report_verdict(report);
	fusetrace_report_free(report);
	return verdict;
}

/* What began before the mark does not count when it ends: "in flight" would let one wait longer. */
static void rule_39_in_flight_is_what_would_count(void **state)
{
	struct fusetrace_mark mark;
	const struct fusetrace_match *write = FUSETRACE_MATCH(.op = "write", .path = "/a");

	feed_started("write", "/a");
	mark = mark_now();
	assert_int_not_equal(verdict_of(&mark, write), FUSETRACE_VERDICT_IN_FLIGHT);
	assert_int_equal(verdict_of(&mark, FUSETRACE_MATCH(.op = "write", .path = "/a",
							   .flags = FUSETRACE_MATCH_IN_FLIGHT)),
			 FUSETRACE_VERDICT_IN_FLIGHT);
}

/* A wait since now, or for what is in flight, with count writes that must begin in start_ns. */
static int wait_with_start(uint64_t start_ns, size_t count, uint64_t timeout_ns)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *write =
		FUSETRACE_MATCH(.op = "write", .flags = FUSETRACE_MATCH_IN_FLIGHT,
				.start_timeout_ns = start_ns);
	const struct fusetrace_match *matches[] = {write, write};

	start_report = fusetrace_report_free(start_report);
	return fusetrace_wait_all(monitor, &mark, matches, count, FUSETRACE_ORDER_ANY, timeout_ns,
				  NULL, &start_report);
}

static void rule_20_it_must_begin_in_time(void **state)
{
	uint64_t began = ft_now_ns();

	assert_int_equal(wait_with_start(30 * MS, 1, SOON), -ETIME);
	assert_in_range(ft_now_ns() - began, 30 * MS, SOON / 2);
	assert_int_equal(fusetrace_report_verdict(start_report), FUSETRACE_VERDICT_NO_EVENTS);
	assert_non_null(strstr(fusetrace_report_text(start_report), "begun within 0.030 s"));
	assert_non_null(
		strstr(fusetrace_report_json(start_report), "\"start_timeout_ns\":30000000"));
	/* The time that is shorter ends it. */
	assert_int_equal(wait_with_start(SOON, 1, 30 * MS), -ETIMEDOUT);
	assert_int_equal(wait_with_start(30 * MS, 1, 0), -ETIMEDOUT);
}

static void rule_20_what_is_in_flight_has_begun(void **state)
{
	feed_started("write", "/a");
	assert_int_equal(wait_with_start(30 * MS, 1, 90 * MS), -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(start_report), FUSETRACE_VERDICT_IN_FLIGHT);
	/* Each has to begin by one of its own. */
	assert_int_equal(wait_with_start(30 * MS, 2, SOON), -ETIME);
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	return 0;
}

/* What the check has refused did begin, but is not what was meant: nothing has failed. */
static void rule_20_refused_by_the_check(void **state)
{
	struct fusetrace_report *report = NULL;

	feed("write", "/a");
	assert_int_equal(fusetrace_wait(monitor, NULL,
					FUSETRACE_MATCH(.op = "write", .check = refuse,
							.start_timeout_ns = 30 * MS),
					SOON, NULL, &report),
			 -ETIME);
	assert_non_null(strstr(fusetrace_report_text(report), " 1 times, last:"));
	fusetrace_report_free(report);
}

/* Its begin may be what was lost. */
static void rule_20_no_verdict_on_loss(void **state)
{
	struct fusetrace_mark mark = mark_now();

	ft_test_feed_line(monitor, LOST(3));
	assert_int_equal(fusetrace_wait(monitor, &mark,
					FUSETRACE_MATCH(.op = "write", .start_timeout_ns = 30 * MS),
					SOON, NULL, NULL),
			 -EOVERFLOW);
}

/* For an expectation the time begins when it is waited for, and goes on from call to call. */
static void rule_20_from_the_first_wait_on(void **state)
{
	struct fusetrace_expect *expect;
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "write", .start_timeout_ns = 60 * MS);
	uint64_t began;
	int r;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	usleep(70000);
	began = ft_now_ns();
	do {
		r = fusetrace_expect_wait(expect, 10 * MS, NULL, NULL);
	} while (r == -ETIMEDOUT && ft_now_ns() - began < SOON);
	assert_int_equal(r, -ETIME);
	assert_in_range(ft_now_ns() - began, 60 * MS, SOON / 2);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIME);
	fusetrace_expect_free(expect);
}

static void *feed_a_moment_too_late(void *data)
{
	usleep(310000);
	feed("create", "/a");
	return NULL;
}

/* While it looks on for what comes too late, it gets an answer that it had not when it ended. */
static void rule_37_the_report_is_of_one_moment(void **state)
{
	const struct fusetrace_match *matches[] = {
		FUSETRACE_MATCH(.op = "create"),
		FUSETRACE_MATCH(.op = "mkdir"),
	};
	struct fusetrace_report *report = NULL;
	pthread_t thread;
	json_t *json;
	char answered[32];

	assert_int_equal(pthread_create(&thread, NULL, feed_a_moment_too_late, NULL), 0);
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY,
					    300 * MS, NULL, &report),
			 -ETIMEDOUT);
	pthread_join(thread, NULL);
	json = json_loads(fusetrace_report_json(report), 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "answers")),
			 json_integer_value(json_object_get(json, "operations")));
	snprintf(answered, sizeof(answered), "of 2, %zu answered",
		 json_array_size(json_object_get(json, "answers")));
	assert_non_null(strstr(fusetrace_report_text(report), answered));
	json_decref(json);
	fusetrace_report_free(report);
}

/* What comes by itself is not told as what "*" in a strict order lacks. */
static void rule_39_nothing_by_chance_in_a_strict_order(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create"),
						   FUSETRACE_MATCH(.op = "*")};
	struct fusetrace_report *report = NULL;

	feed("statfs", "/");
	feed("create", "/a");
	feed_started("statfs", "/");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_STRICT, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	fusetrace_report_free(report);
}

/* An unknown result satisfies nothing, so an earlier mark would not help. */
static void rule_39_unknown_before_the_mark(void **state)
{
	struct fusetrace_mark mark;

	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "write", .path = "/a", .status = FUSETRACE_STATUS_UNKNOWN));
	mark = mark_now();
	assert_int_equal(verdict_of(&mark, FUSETRACE_MATCH(.op = "write")),
			 FUSETRACE_VERDICT_NO_EVENTS);
}

/* It did start, and ended otherwise than was asked for. */
static void rule_39_another_result(void **state)
{
	struct fusetrace_mark mark = mark_now();

	feed("write", "/a");
	assert_int_equal(
		verdict_of(&mark, FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_FAILED)),
		FUSETRACE_VERDICT_REFUSED);
}

/* It did come, but for the order it would have been the answer. */
static void rule_39_came_too_early(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create", .path = "/a"),
						   FUSETRACE_MATCH(.op = "write", .path = "/b")};
	struct fusetrace_report *report = NULL;

	feed("write", "/b");
	feed("create", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_IN_ORDER, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_ORDER);
	assert_non_null(strstr(fusetrace_report_text(report),
			       "item 2: write path=/b was seen, but before create /a:\n"));
	fusetrace_report_free(report);
}

/* What answers one match did not come too early for the next one. */
static void rule_39_an_answer_is_not_too_early(void **state)
{
	const struct fusetrace_match *twice[] = {FUSETRACE_MATCH(.op = "write"),
						 FUSETRACE_MATCH(.op = "write")};
	struct fusetrace_report *report = NULL;

	feed("write", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, twice, 2, FUSETRACE_ORDER_IN_ORDER, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	fusetrace_report_free(report);
}

#define verdict_test(test) cmocka_unit_test_setup_teardown(test, fed_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		verdict_test(rule_39_in_flight_is_what_would_count),
		verdict_test(rule_20_it_must_begin_in_time),
		verdict_test(rule_20_what_is_in_flight_has_begun),
		verdict_test(rule_20_refused_by_the_check),
		verdict_test(rule_20_no_verdict_on_loss),
		verdict_test(rule_20_from_the_first_wait_on),
		verdict_test(rule_37_the_report_is_of_one_moment),
		verdict_test(rule_39_nothing_by_chance_in_a_strict_order),
		verdict_test(rule_39_unknown_before_the_mark),
		verdict_test(rule_39_another_result),
		verdict_test(rule_39_came_too_early),
		verdict_test(rule_39_an_answer_is_not_too_early),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
