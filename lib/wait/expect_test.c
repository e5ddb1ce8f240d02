/* SPDX-License-Identifier: MIT */
/* Expectations: armed before the action, with a descriptor that says when it is worth a look. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "monitor/monitor.h"
#include "testing.h"

#define SOON_MS 20000

static struct fusetrace_expect *expect_since(const struct fusetrace_mark *mark,
					     const struct fusetrace_match *match)
{
	struct fusetrace_expect *expect;

	assert_int_equal(
		fusetrace_expect_new(monitor, mark, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	return expect;
}

static struct fusetrace_expect *expect_one(const struct fusetrace_match *match)
{
	return expect_since(NULL, match);
}

static bool is_readable(const struct fusetrace_expect *expect, int timeout_ms)
{
	struct pollfd descriptor = {.fd = fusetrace_expect_fd(expect), .events = POLLIN};

	assert_true(descriptor.fd >= 0);
	return poll(&descriptor, 1, timeout_ms) == 1;
}

static void test_counts_only_what_starts_after(void **state)
{
	struct fusetrace_expect *expect;
	uint64_t before_ns = ft_now_ns();

	feed("create", "/a");
	expect = expect_one(FUSETRACE_MATCH(.op = "create"));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	/* completed after, but begun before */
	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/a", .start_ns = before_ns));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	/* Satisfied stays satisfied. */
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	assert_null(fusetrace_expect_free(expect));
	assert_null(fusetrace_expect_free(NULL));
}

static void test_in_flight(void **state)
{
	uint64_t before_ns = ft_now_ns();
	struct fusetrace_expect *expect =
		expect_one(FUSETRACE_MATCH(.op = "create", .flags = FUSETRACE_MATCH_IN_FLIGHT));

	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/a", .start_ns = before_ns));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

static void test_operations_are_given(void **state)
{
	const struct fusetrace_match *matches[2] = {FUSETRACE_MATCH(.op = "write"),
						    FUSETRACE_MATCH(.op = "create")};
	struct fusetrace_expect *expect;
	struct fusetrace_op *ops[2] = {NULL, NULL};

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 0, ops, NULL), -ETIMEDOUT);
	assert_null(ops[0]); /* only on success */
	assert_null(ops[1]);
	feed("write", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 0, ops, NULL), 0);
	assert_int_equal(fusetrace_op_seq(ops[0]), 2);
	assert_int_equal(fusetrace_op_seq(ops[1]), 1);
	fusetrace_expect_free(expect);
	fusetrace_op_unref(ops[0]);
	fusetrace_op_unref(ops[1]);
}

/* ---- since a mark ---- */

static const struct fusetrace_mark beginning;

/* What has happened since the mark counts, what had happened before it does not. */
static void test_since_a_mark(void **state)
{
	struct fusetrace_expect *expect;
	struct fusetrace_mark mark;
	uint64_t before_ns;

	feed("mkdir", "/a");
	before_ns = ft_now_ns();
	mark = mark_now();
	expect = expect_since(&mark, FUSETRACE_MATCH(.op = "mkdir"));
	assert_false(is_readable(expect, 0)); /* there is nothing to look at */
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	fusetrace_expect_free(expect);
	ft_test_feed(monitor, FT_TEST_OP(.op = "rmdir", .path = "/a", .start_ns = before_ns));
	feed("create", "/a");
	expect = expect_since(&mark, FUSETRACE_MATCH(.op = "create"));
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
	expect = expect_since(&mark, FUSETRACE_MATCH(.op = "mkdir,rmdir"));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	feed("mkdir", "/b"); /* and what comes */
	assert_true(is_readable(expect, SOON_MS));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

/* The caller's mark need not live as long as the expectation. */
static void test_mark_is_copied(void **state)
{
	struct fusetrace_mark mark = mark_now();
	struct fusetrace_expect *expect = expect_since(&mark, FUSETRACE_MATCH(.op = "create"));

	memset(&mark, 0xff, sizeof(mark));
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

static void test_since_the_beginning(void **state)
{
	struct fusetrace_expect *expect;

	expect = expect_since(&beginning, FUSETRACE_MATCH(.op = "create"));
	assert_false(is_readable(expect, 0));
	fusetrace_expect_free(expect);
	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/a", .start_ns = 1));
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .has_no_start = true));
	expect = expect_since(&beginning, FUSETRACE_MATCH(.op = "create"));
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
	expect = expect_since(&beginning, FUSETRACE_MATCH(.op = "write"));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

/* Loss since the mark leaves a miss open, and an order; what was seen was seen. */
static void test_loss_since_a_mark(void **state)
{
	const struct fusetrace_match *create = FUSETRACE_MATCH(.op = "create");
	const struct fusetrace_match *unlink = FUSETRACE_MATCH(.op = "unlink");
	struct fusetrace_mark after;
	const struct fusetrace_mark *marks[2] = {&beginning, &after};
	struct fusetrace_expect *expect;

	ft_test_feed_line(monitor, LOST(3));
	assert_int_equal(fusetrace_expect_new(monitor, &beginning, &create, 1,
					      FUSETRACE_ORDER_STRICT, &expect, NULL),
			 0);
	assert_true(is_readable(expect, 0)); /* it is decided */
	assert_int_equal(fusetrace_expect_wait(expect, SOON, NULL, NULL), -EOVERFLOW);
	fusetrace_expect_free(expect);
	after = mark_now();
	feed("create", "/a");
	for (int i = 0; i < 2; i++) {
		expect = expect_since(marks[i], create);
		assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
		fusetrace_expect_free(expect);
		expect = expect_since(marks[i], unlink);
		assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL),
				 i == 0 ? -EOVERFLOW : -ETIMEDOUT);
		fusetrace_expect_free(expect);
	}
}

/* So does what the history has dropped since; what it keeps counts. */
static void test_dropped_since_a_mark(void **state)
{
	const struct fusetrace_match *seen = FUSETRACE_MATCH(.op = "write");
	const struct fusetrace_match *unseen = FUSETRACE_MATCH(.op = "mkdir");
	struct fusetrace_mark middle;
	struct fusetrace_expect *expect;

	fusetrace_monitor_free(monitor);
	monitor = ft_test_monitor(1);
	feed("mkdir", "/first");
	for (int i = 0; i < 5000; i++)
		feed("write", "/a");
	expect = expect_since(&beginning, seen);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
	expect = expect_since(&beginning, unseen);
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -EOVERFLOW);
	fusetrace_expect_free(expect);
	middle = mark_now();
	expect = expect_since(&middle, unseen);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	fusetrace_expect_free(expect);
}

/* ---- the descriptor ---- */

static void test_descriptor(void **state)
{
	struct fusetrace_expect *expect = expect_one(FUSETRACE_MATCH(.op = "create", .path = "/a"));

	assert_false(is_readable(expect, 0));
	feed("create", "/b");
	feed("write", "/a");
	assert_false(is_readable(expect, 0)); /* none of its business */
	feed("create", "/a");
	assert_true(is_readable(expect, 0));
	assert_true(is_readable(expect, 0)); /* until it was looked at */
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	assert_false(is_readable(expect, 0));
	fusetrace_expect_free(expect);
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	return 0;
}

static int is_b(const struct fusetrace_op *op, void *data)
{
	return strcmp(fusetrace_op_path(op), "/b") == 0;
}

/* Whose failure it is, the check function knows; without one every failure counts. */
static void test_a_check_tells_whose_failure_it_is(void **state)
{
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "create", .status = FUSETRACE_MATCH_OK, .check = is_b);
	struct fusetrace_mark mark;

	fusetrace_mark_now(monitor, &mark);
	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/a", .error = EIO));
	for (uint32_t order = FUSETRACE_ORDER_ANY; order <= FUSETRACE_ORDER_STRICT; order++)
		assert_int_equal(
			fusetrace_wait_all(monitor, &mark, &match, 1, order, 0, NULL, NULL),
			-ETIMEDOUT);
	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/b", .error = EIO));
	for (uint32_t order = FUSETRACE_ORDER_ANY; order <= FUSETRACE_ORDER_STRICT; order++)
		assert_int_equal(
			fusetrace_wait_all(monitor, &mark, &match, 1, order, 0, NULL, NULL),
			-EREMOTEIO);
}

/* A loop of poll and look must not spin when a look finds nothing. */
static void test_descriptor_after_a_vain_look(void **state)
{
	struct fusetrace_expect *expect =
		expect_one(FUSETRACE_MATCH(.op = "create", .check = refuse));

	feed("create", "/a");
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	assert_false(is_readable(expect, 0));
	feed("create", "/b");
	assert_true(is_readable(expect, 0));
	fusetrace_expect_free(expect);
}

static void test_descriptor_tells_of_ends(void **state)
{
	struct fusetrace_expect *expect = expect_one(FUSETRACE_MATCH(.op = "create"));
	struct fusetrace_expect *late;

	ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = "/a", .error = EIO));
	assert_true(is_readable(expect, 0));
	fusetrace_expect_free(expect);
	expect = expect_one(FUSETRACE_MATCH(.op = "create"));
	fusetrace_interrupt(monitor);
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, SOON, NULL, NULL), -ECANCELED);
	fusetrace_expect_free(expect);
	expect = expect_one(FUSETRACE_MATCH(.op = "create"));
	fusetrace_monitor_stop(monitor);
	assert_true(is_readable(expect, 0));
	assert_int_equal(fusetrace_expect_wait(expect, SOON, NULL, NULL), -ESHUTDOWN);
	/* armed when all was over */
	late = expect_one(FUSETRACE_MATCH(.op = "create"));
	assert_true(is_readable(late, 0));
	assert_int_equal(fusetrace_expect_wait(late, SOON, NULL, NULL), -ESHUTDOWN);
	fusetrace_expect_free(late);
	fusetrace_expect_free(expect);
}

/* While expectations are made, operations come: what falls between mark and arming is not lost. */
struct stream {
	bool *is_over;
	uint64_t fed;
};

static void *feed_all_the_time(void *data)
{
	struct stream *stream = data;

	while (!__atomic_load_n(stream->is_over, __ATOMIC_RELAXED) && stream->fed < 100000) {
		feed("create", "/a");
		stream->fed++;
	}
	return NULL;
}

static void test_descriptor_while_operations_come(void **state)
{
	bool is_over = false;
	struct stream stream = {.is_over = &is_over};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, feed_all_the_time, &stream), 0);
	for (int i = 0; i < 300; i++) {
		struct fusetrace_expect *expect = expect_one(FUSETRACE_MATCH(.op = "create"));
		int r = -ETIMEDOUT;

		while (r == -ETIMEDOUT) {
			assert_true(is_readable(expect, SOON_MS));
			r = fusetrace_expect_wait(expect, 0, NULL, NULL);
		}
		assert_int_equal(r, 0);
		fusetrace_expect_free(expect);
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* ---- how it ends ---- */

static void test_failures_stay(void **state)
{
	const struct fusetrace_match *matches[2] = {FUSETRACE_MATCH(.path = "/a"),
						    FUSETRACE_MATCH(.path = "/b")};
	struct fusetrace_expect *expect;

	assert_int_equal(fusetrace_expect_new(monitor, NULL, matches, 2, FUSETRACE_ORDER_STRICT,
					      &expect, NULL),
			 0);
	feed("write", "/a");
	feed("write", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, SOON, NULL, NULL), -EILSEQ);
	feed("write", "/b");
	assert_int_equal(fusetrace_expect_wait(expect, SOON, NULL, NULL), -EILSEQ);
	fusetrace_expect_free(expect);
}

static void test_refused(void **state)
{
	const struct fusetrace_match *wrong = FUSETRACE_MATCH(.op = "creat");
	struct fusetrace_error error = {0};
	struct fusetrace_expect *expect = NULL;

	assert_int_equal(fusetrace_expect_new(monitor, NULL, &wrong, 1, 0, &expect, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "\"create\""));
	assert_int_equal(fusetrace_expect_new(monitor, NULL, &wrong, 0, 0, &expect, NULL), -EINVAL);
	assert_int_equal(fusetrace_expect_new(monitor, NULL, NULL, 1, 0, &expect, NULL), -EINVAL);
	assert_int_equal(fusetrace_expect_new(monitor, NULL, &wrong, 1, 100, &expect, &error),
			 -EINVAL);
	assert_int_equal(fusetrace_expect_new(NULL, NULL, &wrong, 1, 0, &expect, &error), -EINVAL);
	assert_null(expect);
	assert_int_equal(fusetrace_expect_fd(NULL), -EINVAL);
	assert_int_equal(fusetrace_expect_wait(NULL, 0, NULL, NULL), -EINVAL);
}

/* The body of a with-block was left by an exception: nobody waits, nothing stays behind. */
static void test_freed_without_a_wait(void **state)
{
	struct fusetrace_expect *expects[50];
	size_t before = ft_test_allocated();
	int lowest = dup(0), after;

	close(lowest);
	for (int i = 0; i < 50; i++)
		expects[i] = expect_one(FUSETRACE_MATCH(.op = "create", .path = "/a"));
	feed("create", "/a");
	for (int i = 0; i < 50; i++)
		fusetrace_expect_free(expects[(i * 7) % 50]);
	assert_int_equal(monitor->waiters.waiter_count, 0);
	assert_int_equal(monitor->waiters.opcodes, 0);
	after = dup(0);
	close(after);
	assert_int_equal(lowest, after);
	assert_true(ft_test_allocated() <
		    before + 400 * 1024); /* a chunk of the history, no more */
}

static void *wait_for_it(void *data)
{
	return (void *)(intptr_t)fusetrace_expect_wait(data, SOON, NULL, NULL);
}

static void test_waited_for_in_another_thread(void **state)
{
	struct fusetrace_expect *expect = expect_one(FUSETRACE_MATCH(.op = "create"));
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, expect), 0);
	feed("write", "/a");
	feed("create", "/a");
	pthread_join(thread, &result);
	assert_null(result);
	fusetrace_expect_free(expect);
}

/* One deadline after another on the same expectation: it goes on where it was. */
static void test_wait_again_after_a_timeout(void **state)
{
	const struct fusetrace_match *matches[2] = {FUSETRACE_MATCH(.op = "create"),
						    FUSETRACE_MATCH(.op = "create")};
	struct fusetrace_expect *expect;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 1000000, NULL, NULL), -ETIMEDOUT);
	feed("create", "/b");
	assert_int_equal(fusetrace_expect_wait(expect, 1000000, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

/* ---- polled ---- */

static struct fusetrace_expect *expect_create(void)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
	struct fusetrace_expect *expect = NULL;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	return expect;
}

static void test_poll(void **state)
{
	struct fusetrace_expect *expect = expect_create();
	struct fusetrace_op *op = NULL;
	uint64_t deadline_ns = 0, first_ns, again_ns = 0;

	assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND * 60, &deadline_ns,
					       &again_ns, &op, NULL),
			 -EAGAIN);
	assert_true(deadline_ns && again_ns > FUSETRACE_SECOND * 50);
	first_ns = deadline_ns;
	assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND * 60, &deadline_ns,
					       &again_ns, &op, NULL),
			 -EAGAIN);
	assert_int_equal(deadline_ns, first_ns);
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND * 60, &deadline_ns,
					       &again_ns, &op, NULL),
			 0);
	assert_string_equal(fusetrace_op_path(op), "/a");
	fusetrace_op_unref(op);
	fusetrace_expect_free(expect);
	assert_int_equal(fusetrace_expect_poll(NULL, 0, &deadline_ns, &again_ns, NULL, NULL),
			 -EINVAL);
}

/* Polls until it is over, without sleeping. */
static int poll_to_the_end(struct fusetrace_expect *expect, uint64_t timeout_ns,
			   uint64_t *ret_longest_ns, struct fusetrace_report **report)
{
	uint64_t deadline_ns = 0, again_ns, began_ns;
	int r;

	do {
		began_ns = ft_now_ns();
		r = fusetrace_expect_poll(expect, timeout_ns, &deadline_ns, &again_ns, NULL,
					  report);
		if (ft_now_ns() - began_ns > *ret_longest_ns)
			*ret_longest_ns = ft_now_ns() - began_ns;
	} while (r == -EAGAIN);
	return r;
}

static void rule_38_polled(void **state)
{
	struct fusetrace_expect *expect = expect_create();
	struct fusetrace_report *report = NULL;
	uint64_t deadline_ns = 0, again_ns, began_ns = ft_now_ns(), longest_ns = 0;
	char line[300];

	assert_int_equal(poll_to_the_end(expect, FUSETRACE_SECOND / 5, &longest_ns, &report),
			 -ETIMEDOUT);
	assert_true(ft_now_ns() - began_ns >= FUSETRACE_SECOND / 5 + FUSETRACE_SECOND / 50);
	assert_null(strstr(fusetrace_report_text(report), "late"));
	assert_true(longest_ns < FUSETRACE_SECOND / 10); /* it sleeps in none of them */
	report = fusetrace_report_free(report);
	/* without a report it does not look on */
	began_ns = ft_now_ns();
	assert_int_equal(poll_to_the_end(expect, FUSETRACE_SECOND / 10, &longest_ns, NULL),
			 -ETIMEDOUT);
	/* it comes behind the deadline, while it looks on: the text is of the deadline */
	while (fusetrace_expect_poll(expect, FUSETRACE_SECOND, &deadline_ns, &again_ns, NULL,
				     &report) == -EAGAIN &&
	       ft_now_ns() <= deadline_ns)
		usleep(1000);
	snprintf(line, sizeof(line),
		 "{\"v\":1,\"op\":\"create\",\"path\":\"/a\",\"unique\":9,\"status\":\"completed\","
		 "\"errno\":0,\"source\":\"kernel\",\"start_ns\":%llu,\"duration_ns\":1}\n",
		 (unsigned long long)ft_now_ns());
	ft_test_feed_line(monitor, line);
	assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND, &deadline_ns, &again_ns,
					       NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(deadline_ns, 0);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NO_EVENTS);
	assert_non_null(strstr(fusetrace_report_text(report), "  late    : create /a arrived"));
	fusetrace_report_free(report);
	fusetrace_expect_free(expect);
}

/* Given up while it looks on, it begins anew with the next deadline, or is freed. */
static void test_poll_that_is_given_up(void **state)
{
	struct fusetrace_expect *expect = expect_create();
	struct fusetrace_report *report = NULL;
	uint64_t deadline_ns = 0, again_ns;

	for (int i = 0; i < 2; i++) {
		deadline_ns = 0;
		do {
			assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND / 10,
							       &deadline_ns, &again_ns, NULL,
							       &report),
					 -EAGAIN);
			usleep(1000);
		} while (ft_now_ns() < deadline_ns);
		assert_int_equal(fusetrace_expect_poll(expect, FUSETRACE_SECOND / 10, &deadline_ns,
						       &again_ns, NULL, &report),
				 -EAGAIN);
	}
	assert_null(report);
	fusetrace_expect_free(expect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(test_poll),
		FED_TEST(rule_38_polled),
		FED_TEST(test_poll_that_is_given_up),
		FED_TEST(test_counts_only_what_starts_after),
		FED_TEST(test_in_flight),
		FED_TEST(test_operations_are_given),
		FED_TEST(test_since_a_mark),
		FED_TEST(test_mark_is_copied),
		FED_TEST(test_since_the_beginning),
		FED_TEST(test_loss_since_a_mark),
		FED_TEST(test_dropped_since_a_mark),
		FED_TEST(test_descriptor),
		FED_TEST(test_descriptor_after_a_vain_look),
		FED_TEST(test_a_check_tells_whose_failure_it_is),
		FED_TEST(test_descriptor_tells_of_ends),
		FED_TEST(test_descriptor_while_operations_come),
		FED_TEST(test_failures_stay),
		FED_TEST(test_refused),
		FED_TEST(test_freed_without_a_wait),
		FED_TEST(test_waited_for_in_another_thread),
		FED_TEST(test_wait_again_after_a_timeout),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
