/* SPDX-License-Identifier: MIT */
/* The monitor's life without a mount: options, states, references that outlive it, many at once. */
#include "monitor.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "testing.h"

static int try_new(const struct fusetrace_monitor_opts *opts, const char *expected_text)
{
	struct fusetrace_monitor *monitor = NULL;
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(opts, &monitor, &error);

	if (r == 0) {
		assert_non_null(monitor);
		assert_null(fusetrace_monitor_free(monitor));
		return 0;
	}
	assert_null(monitor);
	assert_int_equal(error.code, r);
	if (expected_text && !strstr(error.text, expected_text))
		fail_msg("%s", error.text);
	assert_int_equal(fusetrace_monitor_new(opts, &monitor, NULL), r);
	return r;
}

static void test_options(void **state)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(fusetrace_monitor_new(NULL, &monitor, NULL), -EINVAL);
	assert_int_equal(fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = 3), NULL, NULL),
			 -EINVAL);
	assert_int_equal(
		try_new(&(struct fusetrace_monitor_opts){.source = 3}, "FUSETRACE_MONITOR_OPTS()"),
		-EINVAL);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.source = 77, .mount = "/"), "source 77"),
			 -EINVAL);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.mount = NULL), "PENDING"), -EINVAL);
	assert_int_equal(
		try_new(FUSETRACE_MONITOR_OPTS(.mount = "/", .flags = FUSETRACE_MONITOR_PENDING),
			"PENDING"),
		-EINVAL);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.mount = "/proc"), "not on a FUSE mount"),
			 -EMEDIUMTYPE);
	assert_int_equal(
		try_new(FUSETRACE_MONITOR_OPTS(.mount = "/no/such/place"), "/no/such/place"),
		-ENOENT);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.mount = ""), NULL), -ENOENT);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.mount = "/etc/passwd/x"), NULL), -ENOTDIR);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING), NULL),
			 0);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY), NULL),
			 0);
	assert_int_equal(try_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY,
							.max_ops = UINT64_MAX),
				 "max_ops"),
			 -EINVAL);
	assert_null(fusetrace_monitor_free(NULL));
}

static void test_states(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_error error = {0};

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_NEW);
	assert_null(fusetrace_monitor_mountpoint(monitor));
	assert_int_equal(fusetrace_monitor_daemons(monitor, NULL, 0), 0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	assert_int_equal(fusetrace_monitor_start(monitor, &error), -EALREADY);
	assert_int_equal(error.code, -EALREADY);
	/* what only live monitors have */
	assert_int_equal(fusetrace_fd(monitor), -EINVAL);
	assert_int_equal(fusetrace_process(monitor), 0);
	assert_int_equal(fusetrace_monitor_follow(monitor, 1), -EINVAL);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_STOPPED);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), -EALREADY);
	fusetrace_monitor_free(monitor);
	assert_int_equal(fusetrace_monitor_start(NULL, NULL), -EINVAL);
	assert_int_equal(fusetrace_monitor_stop(NULL), -EINVAL);
	assert_int_equal(fusetrace_monitor_follow(NULL, 1), -EINVAL);
	assert_int_equal(fusetrace_fd(NULL), -EINVAL);
	assert_int_equal(fusetrace_process(NULL), -EINVAL);
}

/* A later end does not become an earlier one. */
static void test_first_end_stays(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);

	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"daemon_gone\"}\n");
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_GONE);
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_STOPPED);
	fusetrace_monitor_free(monitor);
}

/* Stopped before it was ever started: the waits say so, rather than for ever nothing. */
static void test_stop_of_a_new_one(void **state)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_STOPPED);
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, FUSETRACE_FOREVER, NULL, NULL),
			 -ESHUTDOWN);
	fusetrace_monitor_free(monitor);
}

static void test_operations_outlive_the_monitor(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_op *op;

	ft_test_feed(monitor, FT_TEST_OP(.op = "rename", .path = "/a", .path2 = "/b", .size = 5));
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, 0, &op, NULL), 0);
	fusetrace_monitor_free(monitor);
	assert_string_equal(fusetrace_op_path(op), "/a");
	assert_string_equal(fusetrace_op_path2(op), "/b");
	fusetrace_op_unref(op);
}

static void *use(void *data)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(100);
	bool is_broken = false;

	for (int i = 0; i < 300; i++) {
		ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a"));
		is_broken |= fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "write"), 0, NULL,
					    NULL) != 0;
		is_broken |= fusetrace_count(monitor, NULL, NULL) != i + 1;
	}
	fusetrace_monitor_free(monitor);
	return is_broken ? monitor : NULL;
}

static void test_many_at_once(void **state)
{
	pthread_t threads[8];
	void *result;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, NULL), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

static void *stop(void *data)
{
	assert_int_equal(fusetrace_monitor_stop(data), 0);
	return NULL;
}

static void *watch_state(void *data)
{
	while (fusetrace_monitor_state(data) != FUSETRACE_STATE_STOPPED)
		;
	return NULL;
}

static void test_stopped_by_many_threads(void **state)
{
	struct fusetrace_monitor *monitor;
	pthread_t threads[5];

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY),
				      &monitor, NULL),
		0);
	assert_int_equal(pthread_create(&threads[4], NULL, watch_state, monitor), 0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stop, monitor), 0);
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	fusetrace_monitor_free(monitor);
}

static void test_memory_stays_flat(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(2000);
	size_t cases = ft_test_cases(60000), after_warm_up = 0;
	char path[32];

	for (size_t i = 0; i < cases + 10000; i++) {
		snprintf(path, sizeof(path), "/%zu", i);
		ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = path));
		if (i == 10000)
			after_warm_up = ft_test_allocated();
	}
	assert_in_range(ft_test_allocated(), 1, after_warm_up + after_warm_up / 4);
	fusetrace_monitor_free(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_first_end_stays),
		cmocka_unit_test(test_stop_of_a_new_one),
		cmocka_unit_test(test_operations_outlive_the_monitor),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_stopped_by_many_threads),
		cmocka_unit_test(test_memory_stays_flat),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
