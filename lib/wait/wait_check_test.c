/* SPDX-License-Identifier: MIT */
/*
 * What a wait says of operations that came when their check function was not to be asked, as their turn
 * had not come: it is asked before the verdict, so that the verdict is true.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fed_testing.h"
#include "monitor/monitor.h"
#include "testing.h"

static struct fusetrace_report *report;

static int tear_down(void **state)
{
	report = fusetrace_report_free(report);
	return fed_tear_down(state);
}

static void feed_sized(const char *path, uint64_t size)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = path, .size = size));
}

/* A check function and what it saw. */
struct check {
	uint64_t wanted_size;
	int fails_with;
	int calls;
	pthread_t thread;
	int64_t count; /* that a call into the library gave */
};

static int check_size(const struct fusetrace_op *op, void *data)
{
	struct check *check = data;
	uint64_t size = 0;

	check->calls++;
	check->thread = pthread_self();
	check->count = fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0);
	fusetrace_op_number(op, FUSETRACE_FIELD_SIZE, &size);
	return check->fails_with ? check->fails_with : size == check->wanted_size;
}

#define SIZED(check_, ...)                                                                         \
	FUSETRACE_MATCH(.op = "write", .check = check_size, .check_name = "is_right",              \
			.data = (check_), __VA_ARGS__)

/* A create of /a, then that match. */
static int look_after_create(const struct fusetrace_match *match, uint32_t order)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create", .path = "/a"),
						   match};

	report = fusetrace_report_free(report);
	return fusetrace_wait_all(monitor, NULL, matches, 2, order, 0, NULL, &report);
}

static void assert_says(const char *text)
{
	if (!strstr(fusetrace_report_text(report), text))
		fail_msg("no '%s' in: %s", text, fusetrace_report_text(report));
}

static void rule_39_too_early_and_refused(void **state)
{
	struct check check = {.wanted_size = 7};

	feed_sized("/b", 1);
	feed_sized("/b", 2);
	feed("create", "/a");
	assert_int_equal(look_after_create(SIZED(&check), FUSETRACE_ORDER_IN_ORDER), -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_REFUSED);
	assert_says("refused by the check is_right 2 times, and before its turn, last:\n");
	assert_non_null(strstr(fusetrace_report_json(report), "\"refused\":2"));
	assert_int_equal(check.calls, 2);
	/* a strict order has none of its own before its first one has come */
	assert_int_equal(look_after_create(SIZED(&check), FUSETRACE_ORDER_STRICT), -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_REFUSED);
}

static void rule_39_too_early_and_taken(void **state)
{
	struct check check = {.wanted_size = 7};

	feed_sized("/right", 7);
	feed_sized("/wrong", 8);
	feed("create", "/a");
	assert_int_equal(look_after_create(SIZED(&check), FUSETRACE_ORDER_IN_ORDER), -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_ORDER);
	assert_says("was seen, but before create /a:\n            ");
	assert_non_null(strstr(strstr(fusetrace_report_text(report), "but before"), "/right"));
	assert_int_equal(check.calls, 2);
	assert_true(pthread_equal(check.thread, pthread_self()));
	assert_int_equal(check.count, -EDEADLK);
}

/* Nobody reads a verdict then. */
static void test_not_asked_without_a_report(void **state)
{
	const struct fusetrace_match *matches[2] = {FUSETRACE_MATCH(.op = "create")};
	struct check check = {.wanted_size = 7};

	matches[1] = SIZED(&check);
	feed_sized("/b", 1);
	feed("create", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_IN_ORDER, 0,
					    NULL, NULL),
			 -ETIMEDOUT);
	assert_int_equal(check.calls, 0);
}

/* However much came too early, the wait ends. */
static void test_asked_ten_times_at_most(void **state)
{
	struct check check = {.wanted_size = 7};

	for (int i = 0; i < 1000; i++)
		feed_sized("/b", 1);
	feed("create", "/a");
	assert_int_equal(look_after_create(SIZED(&check), FUSETRACE_ORDER_IN_ORDER), -ETIMEDOUT);
	assert_int_equal(check.calls, 10);
	assert_says("10 times");
}

static void rule_32_check_asked_for_the_verdict_ends_the_wait(void **state)
{
	struct check check = {.fails_with = -EUCLEAN};

	feed_sized("/b", 1);
	feed_sized("/c", 1);
	feed("create", "/a");
	assert_int_equal(look_after_create(SIZED(&check), FUSETRACE_ORDER_IN_ORDER), -EUCLEAN);
	assert_int_equal(check.calls, 1);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_REFUSED);
	assert_says("is_right - it failed at:\n            ");
	assert_non_null(strstr(strstr(fusetrace_report_text(report), "it failed at"), "/c"));
}

/* What the check would not have taken is no violation: the wait goes on. */
static void rule_05_strict_order_asks_the_check(void **state)
{
	const struct fusetrace_match *matches[3] = {FUSETRACE_MATCH(.op = "create"), NULL,
						    FUSETRACE_MATCH(.op = "unlink")};
	struct check check = {.wanted_size = 7};

	matches[1] = FUSETRACE_MATCH(.op = "mkdir");
	matches[2] = SIZED(&check);
	feed("create", "/a");
	feed_sized("/b", 1);
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 3, FUSETRACE_ORDER_STRICT, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(check.calls, 1);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	report = fusetrace_report_free(report);
	feed_sized("/b", 7);
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 3, FUSETRACE_ORDER_STRICT,
					    FUSETRACE_FOREVER, NULL, &report),
			 -EILSEQ);
	assert_says("order violated at item 2: mkdir");
}

static void rule_39_before_the_mark_and_refused(void **state)
{
	struct check check = {.wanted_size = 7};
	struct fusetrace_mark mark;

	feed_sized("/b", 1);
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	feed("create", "/a");
	assert_int_equal(fusetrace_wait(monitor, &mark, SIZED(&check), 0, NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	report = fusetrace_report_free(report);
	check.wanted_size = 1;
	assert_int_equal(fusetrace_wait(monitor, &mark, SIZED(&check), 0, NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_BEFORE_MARK);
}

/* The number is that of the check function that the report is about. */
static void test_each_check_counts_for_itself(void **state)
{
	struct check first = {.wanted_size = 1}, second = {.wanted_size = 9};
	const struct fusetrace_match *matches[] = {SIZED(&first, .path = "/a"),
						   SIZED(&second, .path = "/b")};

	feed_sized("/a", 3);
	feed_sized("/a", 2);
	feed_sized("/a", 1);
	feed_sized("/b", 2);
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, 0, NULL,
					    &report),
			 -ETIMEDOUT);
	assert_int_equal(second.calls, 1);
	assert_says("refused by the check is_right 1 times, last:\n");
}

#define check_test(test) cmocka_unit_test_setup_teardown(test, fed_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		check_test(rule_39_too_early_and_refused),
		check_test(rule_39_too_early_and_taken),
		check_test(test_not_asked_without_a_report),
		check_test(test_asked_ten_times_at_most),
		check_test(rule_32_check_asked_for_the_verdict_ends_the_wait),
		check_test(rule_05_strict_order_asks_the_check),
		check_test(rule_39_before_the_mark_and_refused),
		check_test(test_each_check_counts_for_itself),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
