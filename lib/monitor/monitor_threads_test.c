/* SPDX-License-Identifier: MIT */
/* Signals, threads and forks of a process that traces a mount. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor_testing.h"
#include "testing.h"

#ifdef __SANITIZE_THREAD__ /* which cannot start threads in a forked child */
#define CHILD_FLAGS FUSETRACE_MONITOR_NO_THREAD
#else
#define CHILD_FLAGS 0
#endif

/* ---- signals ---- */

static void on_user_signal(int signal)
{
}

struct put_off {
	struct fusetrace_expect *expect;
	pthread_t thread;
	int result;
	atomic_bool is_done;
};

static void *wait_for_a_signal(void *data)
{
	struct put_off *put_off = data;

	put_off->result = fusetrace_expect_wait(put_off->expect, SOON, NULL, NULL);
	atomic_store(&put_off->is_done, true);
	return NULL;
}

/* A wait that leads, and so sleeps on the ring itself, goes on where it was. */
static void test_signal_puts_a_wait_off(void **state)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "release", .path = "/a");
	struct put_off put_off = {.result = 0};
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_start_monitor(
		FUSETRACE_MONITOR_OPTS(.mount = live_own.point, .flags = FUSETRACE_MONITOR_EINTR));
	assert_int_equal(fusetrace_expect_new(monitor, NULL, &match, 1, 0, &put_off.expect, NULL),
			 0);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_user_signal}, NULL);
	assert_int_equal(pthread_create(&put_off.thread, NULL, wait_for_a_signal, &put_off), 0);
	while (!atomic_load(&put_off.is_done)) {
		pthread_kill(put_off.thread, SIGUSR1);
		sched_yield();
	}
	pthread_join(put_off.thread, NULL);
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(put_off.result, -EINTR);
	live_write_file(live_path(&live_own, "a"));
	assert_int_equal(fusetrace_expect_wait(put_off.expect, SOON, NULL, NULL), 0);
	fusetrace_expect_free(put_off.expect);
	live_free_monitor(monitor);
}

/* ---- threads and processes ---- */

/* Signals are for the program's own threads: Ctrl-C, a test framework's alarm. */
static void rule_28_thread_blocks_signals(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGPROF};
	uint64_t deadline = ft_deadline_ns(SOON), blocked = 0;
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_attach();
	while (!blocked && ft_now_ns() < deadline) { /* it names itself when it begins to run */
		sched_yield();
		blocked = ft_test_blocked_signals("fusetrace");
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_true(blocked >> (signals[i] - 1) & 1);
	live_free_monitor(monitor);
	assert_int_equal(ft_test_blocked_signals("fusetrace"), 0);
}

static int lowest_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* FUSETRACE_TEST_CASES tells how often. */
static void test_start_and_stop(void **state)
{
	size_t times = ft_test_cases(80), allocated = 0;
	int threads = 0, descriptor = 0;

	live_skip_where_impossible();
	for (size_t i = 0; i < times; i++) {
		struct fusetrace_monitor *monitor = live_attach();

		if (i % 20 == 0) {
			live_write_file(live_path(&live_own, "a"));
			live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release"));
		}
		if (i % 2)
			assert_int_equal(fusetrace_monitor_stop(monitor), 0);
		live_free_monitor(monitor);
		if (i == 20) {
			threads = live_count_threads();
			descriptor = lowest_descriptor();
			allocated = ft_test_allocated();
		}
	}
	assert_int_equal(live_count_threads(), threads);
	assert_int_equal(lowest_descriptor(), descriptor);
	assert_true(ft_test_allocated() < allocated + 256 * 1024);
}

static void *stop(void *data)
{
	return (void *)(intptr_t)fusetrace_monitor_stop(data);
}

static void test_stopped_by_many_threads(void **state)
{
	live_skip_where_impossible();
	for (int i = 0; i < 10; i++) {
		struct fusetrace_monitor *monitor = live_attach();
		struct live_waiting waiting;
		pthread_t threads[4];
		void *result;

		live_start_waiting(&waiting, monitor);
		for (int j = 0; j < 4; j++)
			assert_int_equal(pthread_create(&threads[j], NULL, stop, monitor), 0);
		for (int j = 0; j < 4; j++) {
			pthread_join(threads[j], &result);
			assert_null(result);
		}
		pthread_join(waiting.thread, NULL);
		assert_int_equal(waiting.result, -ESHUTDOWN);
		live_free_monitor(monitor);
	}
}

static void *attach(void *data)
{
	for (int i = 0; i < 20; i++) {
		struct fusetrace_monitor *monitor = NULL;
		int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = live_own.point),
					      &monitor, NULL);

		if (r == 0)
			r = fusetrace_monitor_start(monitor, NULL);
		if (r == 0)
			r = fusetrace_sync(monitor);
		fusetrace_monitor_free(monitor);
		if (r < 0)
			return (void *)(intptr_t)r;
	}
	return NULL;
}

/* The first one brings up what all share, the last one takes it down. */
static void rule_34_many_threads_attach(void **state)
{
	int count = live_count_threads();
	pthread_t threads[4];
	void *result;

	live_skip_where_impossible();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, attach, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(live_count_threads(), count);
}

struct wait_of_op {
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	const char *op;
	pthread_t thread;
	int result;
	uint64_t ended_ns;
};

static void *wait_for_op(void *data)
{
	struct wait_of_op *wait = data;

	wait->result = fusetrace_wait(wait->monitor, &wait->mark, FUSETRACE_MATCH(.op = wait->op),
				      SOON, NULL, NULL);
	wait->ended_ns = ft_now_ns();
	return NULL;
}

/* From the operation to the end of the second wait. */
static uint64_t time_second_wait(struct fusetrace_monitor *monitor, const char *path)
{
	struct wait_of_op waits[2] = {{.op = "mkdir"}, {.op = "rmdir"}};
	uint64_t began_ns;

	for (int i = 0; i < 2; i++) {
		waits[i].monitor = monitor;
		assert_int_equal(fusetrace_mark_now(monitor, &waits[i].mark), 0);
		assert_int_equal(pthread_create(&waits[i].thread, NULL, wait_for_op, &waits[i]), 0);
		ft_test_await_waiters(monitor, i + 1);
	}
	assert_int_equal(mkdir(path, 0755), 0);
	pthread_join(waits[0].thread, NULL);
	began_ns = ft_now_ns();
	assert_int_equal(rmdir(path), 0);
	pthread_join(waits[1].thread, NULL);
	assert_int_equal(waits[0].result, 0);
	assert_int_equal(waits[1].result, 0);
	return waits[1].ended_ns - began_ns;
}

/*
 * The first one takes events from the kernel itself; when it has its own, somebody else must. Where nobody
 * does, they are taken every 20 ms.
 */
static void rule_34_the_others_are_woken_after_the_first(void **state)
{
	struct fusetrace_monitor *monitor;
	int late = 0;

	live_skip_where_impossible();
	monitor = live_attach();
	for (int i = 0; i < 40; i++)
		late += time_second_wait(monitor, live_path(&live_own, "dir")) > 5 * MS;
	print_message("# %d of 40 were late\n", late);
	assert_true(late < 20);
	live_free_monitor(monitor);
}

/* ---- forks ---- */

static int in_forked_child(struct fusetrace_monitor *parents)
{
	struct fusetrace_monitor *monitor = NULL;
	int r;

	alarm(20);
	if (fusetrace_sync(parents) != -ECHILD)
		return 1;
	fusetrace_monitor_free(parents);
	r = fusetrace_monitor_new(
		FUSETRACE_MONITOR_OPTS(.mount = live_own.point, .flags = CHILD_FLAGS), &monitor,
		NULL);
	if (r == 0)
		r = fusetrace_monitor_start(monitor, NULL);
	if (r < 0)
		return 2;
	close(open(live_path(&live_own, "child"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	r = fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/child"), SOON,
			   NULL, NULL);
	fusetrace_monitor_free(monitor);
	return r == 0 ? 0 : 3;
}

static void test_fork(void **state)
{
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_attach();
	for (int i = 0; i < 3; i++) {
		struct fusetrace_mark mark;
		int status;
		pid_t pid;

		assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(in_forked_child(monitor));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		/* The parent's trace saw it as well, and goes on. */
		live_assert_wait(monitor, &mark,
				 FUSETRACE_MATCH(.op = "release", .path = "/child"));
		live_write_file(live_path(&live_own, "parent"));
		live_assert_wait(monitor, &mark,
				 FUSETRACE_MATCH(.op = "release", .path = "/parent"));
		assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	}
	live_free_monitor(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_signal_puts_a_wait_off),
		LIVE_TEST(rule_28_thread_blocks_signals),
		LIVE_TEST(test_start_and_stop),
		LIVE_TEST(test_stopped_by_many_threads),
		LIVE_TEST(rule_34_many_threads_attach),
		LIVE_TEST(rule_34_the_others_are_woken_after_the_first),
		LIVE_TEST(test_fork),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
