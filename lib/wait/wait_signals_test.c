/* SPDX-License-Identifier: MIT */
/* Waits and signal handlers: with FUSETRACE_MONITOR_EINTR each wait is put off, without it none. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/monitor.h"
#include "testing.h"

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND) /* a deadline that no test should reach */
#define UNTOUCHED ((struct fusetrace_report *)1)

static struct fusetrace_monitor *monitor;
static struct fusetrace_expect *expect; /* of two matches: create and unlink */
static struct fusetrace_report *report;

static void on_signal(int signal)
{
}

static void set_up_with(uint32_t flags)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create"),
						   FUSETRACE_MATCH(.op = "unlink")};

	assert_int_equal(
		fusetrace_monitor_new(
			FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY, .flags = flags),
			&monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	/* never idle */
	ft_test_feed(monitor, FT_TEST_OP(.op = "fsync", .status = FUSETRACE_STATUS_STARTED));
	report = UNTOUCHED;
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
		  NULL);
}

static int set_up(void **state)
{
	set_up_with(FUSETRACE_MONITOR_EINTR);
	return 0;
}

static int set_up_without(void **state)
{
	set_up_with(0);
	return 0;
}

static int tear_down(void **state)
{
	expect = fusetrace_expect_free(expect);
	monitor = fusetrace_monitor_free(monitor);
	signal(SIGUSR1, SIG_DFL);
	return 0;
}

static void feed(const char *op)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = "/a"));
}

/* ---- all waits ---- */

static int wait_one(uint64_t timeout_ns)
{
	return fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "create"), timeout_ns, NULL,
			      &report);
}

static int wait_all(uint64_t timeout_ns)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "unlink"),
						   FUSETRACE_MATCH(.op = "create")};

	return fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, timeout_ns, NULL,
				  &report);
}

static int wait_none(uint64_t timeout_ns)
{
	struct fusetrace_op *op = NULL;
	int r = fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "create"), timeout_ns, &op,
				    &report);

	fusetrace_op_unref(op);
	return r;
}

static int wait_idle(uint64_t timeout_ns)
{
	return fusetrace_wait_idle(monitor, 0, timeout_ns, &report);
}

static int wait_state(uint64_t timeout_ns)
{
	return fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, timeout_ns);
}

static int wait_expect(uint64_t timeout_ns)
{
	return fusetrace_expect_wait(expect, timeout_ns, NULL, &report);
}

typedef int wait_fn(uint64_t timeout_ns);
static wait_fn *const waits[] = {wait_one, wait_all, wait_none, wait_idle, wait_state, wait_expect};
#define WAITS (sizeof(waits) / sizeof(waits[0]))

/* ---- a thread that gets signals ---- */

struct waiting {
	wait_fn *wait;
	uint64_t timeout_ns;
	pthread_t thread;
	int result;
	uint64_t took_ns;
	atomic_bool is_done;
};

static void *run_wait(void *data)
{
	struct waiting *waiting = data;
	uint64_t began_ns = ft_now_ns();

	waiting->result = waiting->wait(waiting->timeout_ns);
	waiting->took_ns = ft_now_ns() - began_ns;
	atomic_store(&waiting->is_done, true);
	return NULL;
}

static void start(struct waiting *waiting, wait_fn *wait, uint64_t timeout_ns)
{
	waiting->wait = wait;
	waiting->timeout_ns = timeout_ns;
	atomic_init(&waiting->is_done, false);
	assert_int_equal(pthread_create(&waiting->thread, NULL, run_wait, waiting), 0);
}

static int end(struct waiting *waiting)
{
	assert_int_equal(pthread_join(waiting->thread, NULL), 0);
	return waiting->result;
}

/* Until the wait has returned: nobody knows when its thread sleeps. */
static int end_by_signals(struct waiting *waiting)
{
	while (!atomic_load(&waiting->is_done)) {
		pthread_kill(waiting->thread, SIGUSR1);
		sched_yield();
	}
	return end(waiting);
}

static int put_off(wait_fn *wait)
{
	struct waiting waiting;

	start(&waiting, wait, SOON);
	return end_by_signals(&waiting);
}

/* ---- tests ---- */

static void rule_27_each_wait_is_put_off(void **state)
{
	for (size_t i = 0; i < WAITS; i++) {
		assert_int_equal(put_off(waits[i]), -EINTR);
		assert_ptr_equal(report, UNTOUCHED);
	}
	assert_int_equal(monitor->waiters.waiter_count, 1); /* the expectation's */
	assert_string_equal(fusetrace_strerror(-EINTR), "a signal came in between");
}

/* The same call again gives what it would have given without the signal. */
static void rule_27_waiting_goes_on(void **state)
{
	assert_int_equal(put_off(wait_expect), -EINTR);
	feed("create");
	assert_int_equal(put_off(wait_expect), -EINTR);
	assert_int_equal(put_off(wait_all), -EINTR);
	assert_int_equal(wait_one(SOON), 0);
	feed("unlink");
	assert_int_equal(wait_expect(SOON), 0);
	assert_int_equal(wait_all(SOON), 0);
	assert_ptr_equal(report, UNTOUCHED);
	assert_int_equal(wait_none(SOON), -EEXIST);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_FORBIDDEN);
	fusetrace_report_free(report);
}

static void test_none_and_idle_go_on(void **state)
{
	assert_int_equal(put_off(wait_none), -EINTR);
	assert_int_equal(wait_none(0), 0);
	assert_int_equal(put_off(wait_idle), -EINTR);
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0); /* nothing is in flight any more */
	assert_int_equal(wait_idle(SOON), 0);
	assert_int_equal(put_off(wait_state), -EINTR);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	assert_int_equal(wait_state(SOON), 0);
}

/* An interrupt is for the expectation, whether it sleeps or not. */
static void test_interrupt_in_between(void **state)
{
	assert_int_equal(put_off(wait_expect), -EINTR);
	fusetrace_interrupt(monitor);
	assert_int_equal(wait_expect(SOON), -ECANCELED);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_INTERRUPTED);
	fusetrace_report_free(report);
}

static int check_says_so(const struct fusetrace_op *op, void *data)
{
	return -EINTR;
}

static void test_check_function_is_no_signal(void **state)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.check = check_says_so);

	feed("create");
	report = NULL;
	assert_int_equal(fusetrace_wait(monitor, NULL, match, 0, NULL, &report), -EINTR);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_REFUSED);
	fusetrace_report_free(report);
}

static void rule_27_without_the_flag_none_is(void **state)
{
	for (size_t i = 0; i < WAITS; i++) {
		struct waiting waiting;

		start(&waiting, waits[i], SOON);
		ft_test_await_waiters(monitor, waits[i] == wait_expect ? 1 : 2);
		for (int n = 0; n < 100; n++)
			assert_int_equal(pthread_kill(waiting.thread, SIGUSR1), 0);
		fusetrace_interrupt(monitor);
		assert_int_equal(end(&waiting), -ECANCELED);
		if (waits[i] != wait_state)
			fusetrace_report_free(report);
	}
}

static void rule_16_deadline_with_signals(void **state)
{
	struct waiting waiting;

	start(&waiting, wait_one, 50 * MS);
	assert_int_equal(end_by_signals(&waiting), -ETIMEDOUT);
	assert_in_range(waiting.took_ns, 50 * MS, 550 * MS);
	fusetrace_report_free(report);
}

/* ---- without a trace ---- */

static int wait_untraced(uint64_t timeout_ns)
{
	return fusetrace_wait_visible(NULL, "/tmp/fusetrace/never", FUSETRACE_SMART_ANYWHERE,
				      timeout_ns, NULL);
}

static int wait_untraced_with_the_flag(uint64_t timeout_ns)
{
	return fusetrace_wait_visible(NULL, "/tmp/fusetrace/never",
				      FUSETRACE_SMART_ANYWHERE | FUSETRACE_SMART_EINTR, timeout_ns,
				      NULL);
}

static void rule_27_without_a_trace(void **state)
{
	struct waiting waiting;

	start(&waiting, wait_untraced, 100 * MS);
	assert_int_equal(end_by_signals(&waiting), -ETIMEDOUT);
	assert_int_equal(put_off(wait_untraced_with_the_flag), -EINTR);
}

/* ---- handlers that write to a pipe ---- */

static void set_wakeup_pipe(int fds[2], bool is_readable)
{
	assert_int_equal(pipe(fds), 0);
	if (is_readable)
		assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(fusetrace_set_wakeup_fd(fds[0]), -1);
}

static void close_wakeup_pipe(int fds[2])
{
	assert_int_equal(fusetrace_set_wakeup_fd(-5), fds[0]);
	assert_int_equal(fusetrace_set_wakeup_fd(-1), -1);
	close(fds[0]);
	close(fds[1]);
}

/* A handler that ran before the wait, or in another thread. */
static void rule_27_wakeup_descriptor(void **state)
{
	int fds[2];

	set_wakeup_pipe(fds, true);
	for (size_t i = 0; i < WAITS; i++)
		assert_int_equal(waits[i](SOON), -EINTR);
	assert_int_equal(wait_untraced_with_the_flag(SOON), -EINTR);
	assert_ptr_equal(report, UNTOUCHED);
	feed("create"); /* what is there is told all the same */
	assert_int_equal(wait_one(SOON), 0);
	close_wakeup_pipe(fds);
}

struct writing {
	int fd;
	size_t waiters; /* when there are so many, it waits */
};

static void *write_to(void *data)
{
	const struct writing *writing = data;

	ft_test_await_waiters(monitor, writing->waiters);
	assert_int_equal(write(writing->fd, "x", 1), 1);
	return NULL;
}

static void rule_27_wakeup_while_it_sleeps(void **state)
{
	for (size_t i = 0; i < WAITS; i++) {
		struct writing writing;
		pthread_t thread;
		int fds[2];

		set_wakeup_pipe(fds, false);
		writing = (struct writing){fds[1], waits[i] == wait_expect ? 1 : 2};
		assert_int_equal(pthread_create(&thread, NULL, write_to, &writing), 0);
		assert_int_equal(waits[i](SOON), -EINTR);
		assert_int_equal(pthread_join(thread, NULL), 0);
		close_wakeup_pipe(fds);
	}
}

/* It is the thread's that set it, and for waits with the flag. */
static void test_wakeup_of_others(void **state)
{
	struct waiting waiting;
	int fds[2];

	set_wakeup_pipe(fds, true);
	assert_int_equal(wait_one(20 * MS), -ETIMEDOUT);
	fusetrace_report_free(report);
	assert_int_equal(wait_untraced(20 * MS), -ETIMEDOUT);
	start(&waiting, wait_untraced_with_the_flag, 20 * MS);
	assert_int_equal(end(&waiting), -ETIMEDOUT);
	close_wakeup_pipe(fds);
}

#define signal_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define no_signal_test(test) cmocka_unit_test_setup_teardown(test, set_up_without, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		signal_test(rule_27_each_wait_is_put_off),
		signal_test(rule_27_waiting_goes_on),
		signal_test(test_none_and_idle_go_on),
		signal_test(test_interrupt_in_between),
		signal_test(test_check_function_is_no_signal),
		signal_test(rule_27_wakeup_descriptor),
		signal_test(rule_27_wakeup_while_it_sleeps),
		no_signal_test(test_wakeup_of_others),
		no_signal_test(rule_27_without_the_flag_none_is),
		no_signal_test(rule_27_without_a_trace),
		no_signal_test(rule_16_deadline_with_signals),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
