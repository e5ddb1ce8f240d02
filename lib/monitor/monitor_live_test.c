/* SPDX-License-Identifier: MIT */
/*
 * Monitors on a real mount: bindfs, which every distribution has and which negotiates what most
 * filesystems do. What needs no mount is tested beside the units; other filesystems and the command
 * are tested in tests/live.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor_testing.h"

/* ---- operations ---- */

static void test_release(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;

	live_skip_where_impossible();
	monitor = live_attach();
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	assert_string_equal(fusetrace_monitor_mountpoint(monitor), live_own.point);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
		live_write_file(live_path(&live_own, "a.txt"));
		live_assert_wait(monitor, &mark,
				 FUSETRACE_MATCH(.op = "release", .path = "/a.txt",
						 .status = FUSETRACE_MATCH_OK));
		assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.op = "write")),
				 1);
		/* by its path in the file tree, too */
		assert_int_equal(
			fusetrace_wait(monitor, &mark,
				       FUSETRACE_MATCH(.op = "write",
						       .path = live_path(&live_own, "a.txt")),
				       0, NULL, NULL),
			0);
		assert_int_equal(fusetrace_wait_none(monitor, &mark,
						     FUSETRACE_MATCH(.op = "unlink,rename"), 0,
						     NULL, NULL),
				 0);
	}
	assert_int_equal(fusetrace_wait_idle(monitor, 10 * MS, SOON, NULL), 0);
	assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	live_free_monitor(monitor);
}

/* Everything was looked at before, so the kernel asks for no names any more. */
static void test_attach_in_use(void **state)
{
	struct fusetrace_monitor *monitor;
	struct dirent *entry;
	char file[PATH_MAX], folder[PATH_MAX];
	int open_fd, fd;
	struct stat status;
	DIR *dir;

	live_skip_where_impossible();
	snprintf(file, sizeof(file), "%s/d", live_own.source);
	assert_int_equal(mkdir(file, 0755), 0);
	snprintf(file, sizeof(file), "%s/d/f", live_own.source);
	live_write_file(file);
	snprintf(folder, sizeof(folder), "%s/d", live_own.point);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		;
	closedir(dir);
	snprintf(file, sizeof(file), "%s/d/f", live_own.point);
	open_fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(open_fd >= 0);
	assert_int_equal(stat(file, &status), 0);

	monitor = live_attach();
	fd = openat(open_fd, "", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, -1); /* not a directory: nothing to do with it */
	fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	close(open_fd);
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "open", .path = "/d/f"));
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/d/f"));
	snprintf(folder, sizeof(folder), "%s/e", live_own.point);
	snprintf(file, sizeof(file), "%s/d", live_own.point);
	assert_int_equal(rename(file, folder), 0);
	snprintf(file, sizeof(file), "%s/e/f", live_own.point);
	assert_int_equal(chmod(file, 0600), 0);
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "rename", .path = "/e"));
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "chmod", .path = "/e/f"));
	live_free_monitor(monitor);
}

#define THREADS 6
#define FILES 30

struct worker {
	pthread_t thread;
	struct fusetrace_monitor *monitor;
	int number;
	int result;
};

static void *work(void *data)
{
	struct worker *worker = data;
	char name[32], path[PATH_MAX];

	for (int i = 0; i < FILES && worker->result == 0; i++) {
		struct fusetrace_mark mark;
		int fd;

		snprintf(name, sizeof(name), "/t%d_%d", worker->number, i);
		snprintf(path, sizeof(path), "%s%s", live_own.point, name);
		worker->result = fusetrace_mark_now(worker->monitor, &mark);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		close(fd);
		if (worker->result == 0)
			worker->result = fusetrace_wait(
				worker->monitor, &mark,
				FUSETRACE_MATCH(.op = "release", .path = name), SOON, NULL, NULL);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct worker workers[THREADS];
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_attach();
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.monitor = monitor, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].result, 0);
	}
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "create")),
			 THREADS * FILES);
	live_free_monitor(monitor);
}

/* The reader takes what there is, and bindfs prints nothing that would wake the thread. */
static void rule_23_sync_is_a_barrier(void **state)
{
	struct fusetrace_reader *reader;
	struct fusetrace_monitor *monitor;
	struct fusetrace_op *op;

	live_skip_where_impossible();
	monitor = live_attach();
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	for (int i = 0; i < 30; i++) {
		bool is_seen = false;

		assert_int_equal(mkdir(live_path(&live_own, "d"), 0755), 0);
		assert_int_equal(rmdir(live_path(&live_own, "d")), 0);
		assert_int_equal(fusetrace_sync(monitor), 0);
		while (fusetrace_reader_next(reader, &op, NULL) == 1)
			is_seen |= strcmp(fusetrace_op_name(op), "rmdir") == 0;
		assert_true(is_seen);
	}
	fusetrace_reader_free(reader);
	live_free_monitor(monitor);
}

/* ---- loss ---- */

static void rule_33_a_full_ring_loses_and_counts(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	struct stat status;

	live_skip_where_impossible();
	/* Nobody reads meanwhile. */
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point,
							    .ring_bytes = 4096,
							    .flags = FUSETRACE_MONITOR_NO_THREAD));
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	live_write_file(live_path(&live_own, "a"));
	for (int i = 0; i < 200; i++)
		stat(live_path(&live_own, "none"), &status);
	assert_true(fusetrace_lost(monitor, &mark) > 0);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 10 * MS,
					NULL, NULL),
			 -EOVERFLOW);
	/* afterwards all is well again */
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(unlink(live_path(&live_own, "a")), 0);
	live_assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "unlink", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, &mark), 0);
	live_free_monitor(monitor);
}

/* ---- several monitors, no thread, many times ---- */

static void test_two_monitors(void **state)
{
	struct fusetrace_monitor *first, *second;

	live_skip_where_impossible();
	first = live_attach();
	live_write_file(live_path(&live_own, "a"));
	second = live_attach();
	live_write_file(live_path(&live_own, "b"));
	live_assert_wait(first, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	live_assert_wait(first, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	live_assert_wait(second, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	assert_int_equal(fusetrace_count(second, NULL, FUSETRACE_MATCH(.op = "create")), 1);
	live_free_monitor(first);
	live_write_file(live_path(&live_own, "c"));
	live_assert_wait(second, NULL, FUSETRACE_MATCH(.op = "release", .path = "/c"));
	live_free_monitor(second);
}

static void test_no_thread(void **state)
{
	struct fusetrace_reader *reader;
	struct fusetrace_monitor *monitor;
	struct fusetrace_op *op;
	struct pollfd descriptor = {.events = POLLIN};
	uint64_t deadline = ft_deadline_ns(SOON);
	int threads = live_count_threads();
	bool is_seen = false;

	live_skip_where_impossible();
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point,
							    .flags = FUSETRACE_MONITOR_NO_THREAD));
	assert_int_equal(live_count_threads(), threads);
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	descriptor.fd = fusetrace_fd(monitor);
	assert_true(descriptor.fd >= 0);
	live_write_file(live_path(&live_own, "a"));
	while (!is_seen && ft_now_ns() < deadline) {
		poll(&descriptor, 1, 1000);
		assert_true(fusetrace_process(monitor) >= 0);
		while (fusetrace_reader_next(reader, &op, NULL) == 1)
			is_seen |= strcmp(fusetrace_op_name(op), "release") == 0;
	}
	assert_true(is_seen);
	fusetrace_reader_free(reader);
	/* A wait does the work itself. */
	live_write_file(live_path(&live_own, "b"));
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	/* It notices the unmount, too. */
	live_end_daemon(&live_own);
	assert_int_equal(
		fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), SOON, NULL, NULL),
		-ENOTCONN);
	assert_int_equal(live_count_threads(), threads);
	live_free_monitor(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_release),
		LIVE_TEST(test_attach_in_use),
		LIVE_TEST(test_many_threads),
		LIVE_TEST(rule_33_a_full_ring_loses_and_counts),
		LIVE_TEST(rule_23_sync_is_a_barrier),
		LIVE_TEST(test_two_monitors),
		LIVE_TEST(test_no_thread),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
