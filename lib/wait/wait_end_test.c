/* SPDX-License-Identifier: MIT */
/*
 * How waits end, and who is woken: by many threads, an interrupt, a stop, the end of the mount, in a
 * forked child; idle and states.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "monitor/monitor.h"
#include "testing.h"

/* ---- threads ---- */

#define WAITINGS 24

static void rule_34_many_threads(void **state)
{
	struct waiting waitings[WAITINGS] = {{.result = 1}};
	char paths[WAITINGS][16];

	for (int i = 0; i < WAITINGS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/%d", i);
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create", .path = paths[i]));
	}
	ft_test_await_waiters(monitor, WAITINGS);
	for (int i = WAITINGS - 1; i >= 0; i--) {
		feed("write", paths[i]);
		feed("create", paths[i]);
	}
	for (int i = 0; i < WAITINGS; i++) {
		assert_int_equal(end_wait(&waitings[i]), 0);
		assert_int_equal(waitings[i].seq, 2 * (WAITINGS - i));
	}
	assert_int_equal(monitor->waiters.waiter_count, 0);
}

/* One operation answers all who wait for it: none takes it from another. */
static void rule_34_many_threads_for_one(void **state)
{
	struct waiting waitings[WAITINGS] = {{.result = 1}};

	for (int i = 0; i < WAITINGS; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, WAITINGS);
	feed("create", "/a");
	for (int i = 0; i < WAITINGS; i++) {
		assert_int_equal(end_wait(&waitings[i]), 0);
		assert_int_equal(waitings[i].seq, 1);
	}
}

/* Feeding and waiting as fast as can be: no wake-up may get lost between looking and sleeping. */
static void *feed_numbers(void *data)
{
	char path[16];

	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = path));
	}
	return NULL;
}

static void rule_14_no_lost_wake_ups(void **state)
{
	pthread_t thread;
	char path[16];

	assert_int_equal(pthread_create(&thread, NULL, feed_numbers, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		uint64_t began_ns = ft_now_ns();

		snprintf(path, sizeof(path), "/%d", i);
		assert_int_equal(fusetrace_wait(monitor, NULL,
						FUSETRACE_MATCH(.op = "create", .path = path), SOON,
						NULL, NULL),
				 0);
		assert_true(ft_now_ns() - began_ns < SOON / 2);
	}
	pthread_join(thread, NULL);
}

/* ---- how it can be left ---- */

static void rule_29_interrupt(void **state)
{
	struct waiting waitings[3] = {{.timeout_ns = FUSETRACE_FOREVER}};

	for (int i = 0; i < 3; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, 3);
	assert_int_equal(fusetrace_interrupt(monitor), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(end_wait(&waitings[i]), -ECANCELED);
	/* Waits that begin later are none of its business. */
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "create")), -ETIMEDOUT);
	assert_int_equal(fusetrace_interrupt(NULL), -EINVAL);
}

static void rule_29_stop(void **state)
{
	struct waiting waitings[3] = {{.timeout_ns = FUSETRACE_FOREVER}};

	feed("write", "/a");
	for (int i = 0; i < 3; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, 3);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(end_wait(&waitings[i]), -ESHUTDOWN);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	/* What happened before still counts; what did not happen never will. */
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write")), 0);
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "create"),
					FUSETRACE_FOREVER, NULL, NULL),
			 -ESHUTDOWN);
}

/* Waiters may wake up only after the stop: what ended first is what they are told. */
static void rule_15_the_first_end_counts(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint32_t state, verdict;
	} rows[] = {
		{"{\"v\":1,\"event\":\"unmounted\"}\n", -ENOTCONN, FUSETRACE_STATE_UNMOUNTED,
		 FUSETRACE_VERDICT_UNMOUNTED},
		{"{\"v\":1,\"event\":\"daemon_gone\",\"pid\":5}\n", -EPIPE, FUSETRACE_STATE_GONE,
		 FUSETRACE_VERDICT_DAEMON_DIED},
	};

	for (size_t i = 0; i < 2; i++) {
		struct waiting waitings[3] = {0};
		struct fusetrace_monitor *before = monitor;
		const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
		struct fusetrace_expect *armed;
		struct fusetrace_report *report = NULL;

		monitor = ft_test_monitor(0);
		assert_int_equal(fusetrace_expect_new(monitor, NULL, &match, 1, 0, &armed, NULL),
				 0);
		for (int j = 0; j < 3; j++)
			start_wait(&waitings[j], match);
		ft_test_await_waiters(monitor, 4);
		ft_test_feed_line(monitor, rows[i].line);
		assert_int_equal(fusetrace_monitor_stop(monitor), 0);
		assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_STOPPED);
		/* This one looks for the first time after the stop, whatever the threads did. */
		assert_int_equal(fusetrace_expect_wait(armed, SOON, NULL, &report), rows[i].result);
		assert_int_equal(fusetrace_report_verdict(report), rows[i].verdict);
		fusetrace_report_free(report);
		for (int j = 0; j < 3; j++)
			assert_int_equal(end_wait(&waitings[j]), rows[i].result);
		/* What begins after the stop hears of the stop. */
		assert_int_equal(look(NULL, match), -ESHUTDOWN);
		assert_int_equal(fusetrace_wait_idle(monitor, 0, 0, NULL), -ESHUTDOWN);
		assert_int_equal(fusetrace_wait_state(monitor, rows[i].state, SOON), 0);
		fusetrace_expect_free(armed);
		fusetrace_monitor_free(monitor);
		monitor = before;
	}
}

static int count_one(struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	return 0;
}

static int count_in_flight(void)
{
	int count = 0;

	assert_int_equal(fusetrace_in_flight(monitor, NULL, count_one, &count), 0);
	return count;
}

static void rule_15_ends_of_the_mount(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint32_t state;
		int unknown; /* what was unmounted may be in use, and be answered yet */
	} rows[] = {
		{"{\"v\":1,\"event\":\"unmounted\"}\n", -ENOTCONN, FUSETRACE_STATE_UNMOUNTED, 0},
		{"{\"v\":1,\"event\":\"daemon_gone\",\"pid\":5}\n", -EPIPE, FUSETRACE_STATE_GONE,
		 1},
	};

	for (size_t i = 0; i < 2; i++) {
		struct waiting waiting = {.timeout_ns = FUSETRACE_FOREVER};
		struct fusetrace_monitor *before = monitor;

		monitor = ft_test_monitor(0);
		begin_in_flight(1, 16 /* WRITE */, "/a", ft_now_ns());
		start_wait(&waiting, FUSETRACE_MATCH(.op = "create"));
		ft_test_await_waiters(monitor, 1);
		feed("mkdir", "/just/before");
		ft_test_feed_line(monitor, rows[i].line);
		assert_int_equal(end_wait(&waiting), rows[i].result);
		assert_int_equal(fusetrace_monitor_state(monitor), rows[i].state);
		/* What was seen just before the end still counts. */
		assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "mkdir")), 0);
		/* What was in flight is listed, and satisfies nothing. */
		assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "write")),
				 rows[i].unknown);
		assert_int_equal(count_in_flight(), 1 - rows[i].unknown);
		assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write")), rows[i].result);
		fusetrace_monitor_free(monitor);
		monitor = before;
	}
}

static int in_forked_child(struct fusetrace_expect *parents)
{
	struct fusetrace_mark mark;
	struct fusetrace_expect *expect;
	struct fusetrace_reader *reader;
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
	int failures = 0;

	alarm(20);
	failures += look(NULL, match) != -ECHILD;
	failures += fusetrace_wait_all(monitor, NULL, &match, 1, 0, 0, NULL, NULL) != -ECHILD;
	failures += fusetrace_wait_none(monitor, NULL, match, 0, NULL, NULL) != -ECHILD;
	failures += fusetrace_wait_idle(monitor, 0, 0, NULL) != -ECHILD;
	failures += fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0) != -ECHILD;
	failures += fusetrace_mark_now(monitor, &mark) != -ECHILD;
	failures += fusetrace_sync(monitor) != -ECHILD;
	failures += fusetrace_count(monitor, NULL, NULL) != -ECHILD;
	failures += fusetrace_expect_new(monitor, NULL, &match, 1, 0, &expect, NULL) != -ECHILD;
	failures += fusetrace_reader_new(monitor, NULL, &reader) != -ECHILD;
	failures += fusetrace_interrupt(monitor) != -ECHILD;
	failures += fusetrace_feed(monitor, "\n", 1, NULL) != -ECHILD;
	failures += fusetrace_monitor_start(monitor, NULL) != -ECHILD;
	failures += fusetrace_monitor_stop(monitor) != -ECHILD;
	failures += fusetrace_monitor_daemons(monitor, NULL, 0) != -ECHILD;
	failures += fusetrace_fd(monitor) != -ECHILD;
	failures += fusetrace_monitor_mountpoint(monitor) != NULL;
	failures += fusetrace_monitor_state(monitor) != FUSETRACE_STATE_MOUNTED;
	fusetrace_expect_free(parents);
	fusetrace_monitor_free(monitor);
	/* A monitor of its own is its own. */
	monitor = ft_test_monitor(0);
	feed("create", "/a");
	failures += look(NULL, match) != 0;
	failures += look(NULL, FUSETRACE_MATCH(.op = "mkdir")) != -ETIMEDOUT;
	fusetrace_monitor_free(monitor);
	return failures;
}

static void *feed_all_the_time(void *data)
{
	atomic_bool *is_over = data;

	while (!atomic_load(is_over))
		feed("create", "/a");
	return NULL;
}

/*
 * Forked while other threads wait and feed, so that one of them often has the lock: the child may only
 * free, and nothing hangs.
 */
static void rule_34_fork(void **state)
{
	const struct fusetrace_match *mkdir = FUSETRACE_MATCH(.op = "mkdir");
	struct fusetrace_expect *expect;
	struct waiting waiting = {0};
	atomic_bool is_over = false;
	pthread_t thread;

	assert_int_equal(fusetrace_expect_new(monitor, NULL, &mkdir, 1, 0, &expect, NULL), 0);
	start_wait(&waiting, mkdir);
	ft_test_await_waiters(monitor, 2);
	assert_int_equal(pthread_create(&thread, NULL, feed_all_the_time, &is_over), 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(in_forked_child(expect));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	feed("mkdir", "/still/well");
	assert_int_equal(end_wait(&waiting), 0);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

/* ---- idle and states ---- */

static void rule_22_idle(void **state)
{
	uint64_t began_ns = ft_now_ns();

	feed("write", "/a");
	assert_int_equal(fusetrace_wait_idle(monitor, 30 * MS, SOON, NULL), 0);
	assert_in_range(ft_now_ns() - began_ns, 30 * MS, SOON / 2);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, 0, NULL), 0);
	assert_int_equal(fusetrace_wait_idle(monitor, FUSETRACE_FOREVER, 10 * MS, NULL), -EBUSY);
	assert_int_equal(fusetrace_wait_idle(monitor, SOON, 10 * MS, NULL), -EBUSY);
	/* long quiet already: no need to wait once more */
	assert_int_equal(fusetrace_wait_idle(monitor, 30 * MS, 0, NULL), 0);
}

/* Before anything was seen, nothing is known about the time before the start either. */
static void test_idle_at_the_start(void **state)
{
	uint64_t began_ns = ft_now_ns();
	struct fusetrace_monitor *fresh = ft_test_monitor(0);

	assert_int_equal(fusetrace_wait_idle(fresh, 30 * MS, SOON, NULL), 0);
	assert_true(ft_now_ns() - began_ns >= 30 * MS);
	fusetrace_monitor_free(fresh);
}

static void rule_22_idle_with_something_in_flight(void **state)
{
	begin_in_flight(1, 16 /* WRITE */, "/a", ft_now_ns());
	assert_int_equal(fusetrace_wait_idle(monitor, 0, 10 * MS, NULL), -EBUSY);
	ft_tracker_abandon(monitor->tracker);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
	begin_in_flight(2, 40 /* POLL */, "/a", ft_now_ns()); /* may last for ever */
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
}

static void *run_idle(void *data)
{
	*(int *)data = fusetrace_wait_idle(monitor, FUSETRACE_FOREVER, FUSETRACE_FOREVER, NULL);
	return NULL;
}

static void rule_29_idle_can_be_left(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_idle, &result), 0);
	ft_test_await_waiters(monitor, 1);
	fusetrace_interrupt(monitor);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ECANCELED);
	assert_int_equal(pthread_create(&thread, NULL, run_idle, &result), 0);
	ft_test_await_waiters(monitor, 1);
	fusetrace_monitor_stop(monitor);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ESHUTDOWN);
}

static void test_wait_state(void **state)
{
	uint64_t began_ns = ft_now_ns();

	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0), 0);
	/* Later than asked for: PENDING has been, or was never needed. */
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_PENDING, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_NEW, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, 20 * MS),
			 -ETIMEDOUT);
	assert_in_range(ft_now_ns() - began_ns, 20 * MS, 520 * MS);
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_STOPPED, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, FUSETRACE_FOREVER),
			 -ESHUTDOWN);
}

static void *run_wait_state(void *data)
{
	*(int *)data = fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, SOON);
	return NULL;
}

static void test_wait_state_is_woken(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_wait_state, &result), 0);
	ft_test_await_waiters(monitor, 1);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
}

static void rule_29_a_wait_for_a_state_can_be_left(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_wait_state, &result), 0);
	ft_test_await_waiters(monitor, 1);
	fusetrace_interrupt(monitor);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(rule_34_many_threads),
		FED_TEST(rule_34_many_threads_for_one),
		FED_TEST(rule_14_no_lost_wake_ups),
		FED_TEST(rule_29_interrupt),
		FED_TEST(rule_29_stop),
		FED_TEST(rule_15_the_first_end_counts),
		FED_TEST(rule_15_ends_of_the_mount),
		FED_TEST(rule_34_fork),
		FED_TEST(rule_22_idle),
		FED_TEST(test_idle_at_the_start),
		FED_TEST(rule_22_idle_with_something_in_flight),
		FED_TEST(rule_29_idle_can_be_left),
		FED_TEST(rule_29_a_wait_for_a_state_can_be_left),
		FED_TEST(test_wait_state),
		FED_TEST(test_wait_state_is_woken),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
