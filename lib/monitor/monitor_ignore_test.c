/* SPDX-License-Identifier: MIT */
/*
 * fusetrace_monitor_ignore() without a mount: an ignored thread is seen by nobody, whatever is asked,
 * in recordings and in logs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "monitor.h"
#include "testing.h"

#define OWN 7
#define OTHER 8

static void ignore(int is_ignored)
{
	assert_int_equal(fusetrace_monitor_ignore(monitor, OWN, is_ignored), 0);
}

static void feed_of(uint32_t pid, const char *op)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = "/a", .pid = pid));
}

static int count_op(struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	return 0;
}

static int count_in_flight(void)
{
	int count = 0;

	assert_int_equal(fusetrace_in_flight(monitor, NULL, count_op, &count), 0);
	return count;
}

static void test_refused(void **state)
{
	int status;
	pid_t child;

	assert_int_equal(fusetrace_monitor_ignore(NULL, OWN, 1), -EINVAL);
	assert_int_equal(fusetrace_monitor_ignore(monitor, 0, 1), -EINVAL);
	assert_int_equal(fusetrace_monitor_ignore(monitor, -1, 1), -EINVAL);
	assert_int_equal(fusetrace_monitor_ignore(monitor, OWN, 0), -EINVAL);
	child = fork();
	if (child == 0)
		_exit(fusetrace_monitor_ignore(monitor, OWN, 1) != -ECHILD);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Neither history nor counts, totals, in flight, waits and expectations, and no hole in the numbers. */
static void test_nobody_sees_it(void **state)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.path = "/a");
	struct fusetrace_expect *expect;
	struct fusetrace_summary *summary;
	struct fusetrace_summary_row row;
	struct fusetrace_op *op = NULL;
	struct pollfd descriptor = {.events = POLLIN};

	assert_int_equal(fusetrace_expect_new(monitor, NULL, &match, 1, 0, &expect, NULL), 0);
	descriptor.fd = fusetrace_expect_fd(expect);
	ignore(1);
	feed_of(OWN, "write");
	ft_test_feed(monitor, FT_TEST_OP(.op = "read", .path = "/a", .pid = OWN,
					 .status = FUSETRACE_STATUS_STARTED));
	assert_int_equal(count_in_flight(), 0);
	assert_int_equal(poll(&descriptor, 1, 0), 0);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIMEDOUT);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, match, 0, NULL, NULL), 0);
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 0);
	feed_of(OTHER, "write");
	assert_int_equal(fusetrace_expect_wait(expect, SOON, &op, NULL), 0);
	assert_int_equal(fusetrace_op_seq(op), 1);
	assert_int_equal(fusetrace_summary_new(&summary), 0);
	assert_int_equal(fusetrace_summary_add_monitor(summary, monitor), 0);
	assert_int_equal(fusetrace_summary_get(summary, 0, &row), 0);
	assert_int_equal(row.count, 1);
	assert_int_equal(fusetrace_summary_get(summary, 1, &row), -ERANGE);
	fusetrace_summary_free(summary);
	fusetrace_op_unref(op);
	fusetrace_expect_free(expect);
}

static void test_nested(void **state)
{
	ignore(1);
	ignore(1);
	ignore(0);
	feed_of(OWN, "write");
	ignore(0);
	assert_int_equal(fusetrace_monitor_ignore(monitor, OWN, 0), -EINVAL);
	feed_of(OWN, "read");
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 1);
}

/* It neither keeps the mount from being idle nor moves the time since when it is. */
static void test_idle(void **state)
{
	uint64_t last_event_ns;

	feed_of(OTHER, "write");
	last_event_ns = monitor->last_event_ns;
	ignore(1);
	feed_of(OWN, "write");
	ft_test_feed(monitor, FT_TEST_OP(.op = "read", .path = "/a", .pid = OWN,
					 .status = FUSETRACE_STATUS_STARTED));
	assert_int_equal(monitor->last_event_ns, last_event_ns);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, 0, NULL), 0);
	/* Given up with the rest: nobody has seen it. */
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), 1);
}

/* ---- logs ---- */

#define BEGIN(n, pid)                                                                              \
	"unique: " #n ", opcode: UNLINK (10), nodeid: 1, insize: 42, pid: " #pid "\nunlink /" #n   \
	"\n"
#define END(n) "   unique: " #n ", success, outsize: 16\n"

static void print(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* A line counts by when it was printed, as far as that can be known: both calls read what there is. */
static void test_log(void **state)
{
	struct fusetrace_monitor *log;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG), &log,
				      NULL),
		0);
	assert_int_equal(fusetrace_monitor_add_log_fd(log, ends[0], NULL), 0);
	assert_int_equal(fusetrace_monitor_start(log, NULL), 0);
	print(ends[1], BEGIN(2, 7));
	assert_int_equal(fusetrace_monitor_ignore(log, OWN, 1), 0);
	print(ends[1], BEGIN(4, 7) BEGIN(6, 8) END(2) END(6));
	assert_int_equal(fusetrace_monitor_ignore(log, OWN, 0), 0);
	print(ends[1], END(4) BEGIN(8, 7) END(8));
	assert_int_equal(fusetrace_wait(log, NULL, FUSETRACE_MATCH(.path = "/8"), SOON, NULL, NULL),
			 0);
	assert_int_equal(fusetrace_count(log, NULL, FUSETRACE_MATCH(.path = "/2")), 1);
	assert_int_equal(fusetrace_count(log, NULL, FUSETRACE_MATCH(.path = "/4")), 0);
	assert_int_equal(fusetrace_count(log, NULL, NULL), 3);
	fusetrace_monitor_free(log);
	close(ends[1]);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 300

/* Each with a number of its own. */
static void *ignore_and_feed(void *data)
{
	uint32_t pid = (uint32_t)(uintptr_t)data;

	for (int i = 0; i < ROUNDS; i++) {
		if (fusetrace_monitor_ignore(monitor, (pid_t)pid, 1) < 0)
			return data;
		feed_of(pid, "write");
		if (fusetrace_monitor_ignore(monitor, (pid_t)pid, 0) < 0)
			return data;
		feed_of(pid, "read");
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ignore_and_feed, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "write")), 0);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "read")),
			 THREADS * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(test_refused), FED_TEST(test_nobody_sees_it),
		FED_TEST(test_nested),  FED_TEST(test_idle),
		FED_TEST(test_log),     FED_TEST(test_many_threads),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
