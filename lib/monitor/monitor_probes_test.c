/* SPDX-License-Identifier: MIT */
/* What the process asks its own mount for, and wants to be left out of its trace. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor_testing.h"
#include "testing.h"

/* ---- own probes ---- */

static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct stat status;

	assert_non_null(dir);
	for (struct dirent *at = readdir(dir); at; at = readdir(dir))
		assert_int_equal(fstatat(dirfd(dir), at->d_name, &status, 0), 0);
	closedir(dir);
}

/* All that a helper may do to find out whether something is there. */
static void probe(void)
{
	struct stat status;
	char byte;
	int fd;

	assert_int_equal(stat(live_path(&live_own, "missing"), &status), -1);
	assert_int_equal(stat(live_path(&live_own, "sub/file"), &status), 0);
	list(live_path(&live_own, "sub"));
	list(live_path(&live_own, ""));
	fd = open(live_path(&live_own, "sub/file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
}

static void *open_in_thread(void *data)
{
	int fd = open(live_path(&live_own, "sub/other"), O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd < 0 ? data : NULL;
}

static int print_op(struct fusetrace_op *op, void *data)
{
	print_message("# %s %s\n", fusetrace_op_name(op),
		      fusetrace_op_path(op) ? fusetrace_op_path(op) : "");
	return 0;
}

/* In a container it is not known who closed a file. */
static const struct fusetrace_match *match_of_probes(void)
{
	static struct fusetrace_match match = {
		.sz = sizeof(match),
		.op = "release,releasedir",
		.flags = FUSETRACE_MATCH_NOT,
	};
	struct stat status;

	assert_int_equal(stat("/proc/self/ns/pid", &status), 0);
	return status.st_ino == 0xEFFFFFFC ? NULL : &match;
}

static void assert_no_operation(struct fusetrace_monitor *monitor,
				const struct fusetrace_mark *mark)
{
	if (fusetrace_count(monitor, mark, match_of_probes()) == 0)
		return;
	fusetrace_foreach(monitor, mark, NULL, print_op, NULL);
	fail_msg("an own probe is an operation");
}

/* Beside the mount: the kernel knows nothing of it yet, so each name is asked for. */
static void make_files_beside(void)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sub", live_own.source);
	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/sub/%s", live_own.source, i ? "other" : "file");
		file = fopen(path, "we");
		assert_non_null(file);
		fputs("hello", file);
		fclose(file);
	}
}

/* What this thread does counts for nobody, but paths are learnt from it. */
static void test_own_probes(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	pthread_t thread;
	void *result;

	live_skip_where_impossible();
	make_files_beside();
	monitor = live_attach();
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
	for (int i = 0; i < 3; i++)
		probe();
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
	assert_no_operation(monitor, &mark);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, open_in_thread, &mark), 0);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	live_assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/sub/other"));
	live_write_file(live_path(&live_own, "a")); /* this thread again */
	live_assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, &mark), 0);
	live_free_monitor(monitor);
}

/* On and off as fast as can be, while another thread works: each request is on the right side. */
static void *write_often(void *data)
{
	for (int i = 0; i < 200; i++)
		live_write_file(live_path(&live_own, "busy"));
	return NULL;
}

static void test_own_probes_among_others(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	struct stat status;
	pthread_t thread;

	live_skip_where_impossible();
	monitor = live_attach();
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_often, NULL), 0);
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s-%d", i % 2 ? "seen" : "ignored", i);
		if (i % 2 == 0)
			assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
		assert_int_equal(stat(live_path(&live_own, name), &status), -1);
		if (i % 2 == 0)
			assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.path = "/seen-*")), 250);
	assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.path = "/ignored-*")), 0);
	assert_int_equal(
		fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.op = "write", .path = "/busy")),
		200);
	live_free_monitor(monitor);
}

struct stuck {
	struct fusetrace_monitor *monitor;
	int fd;
};

/* Asks a daemon that does not answer. */
static void *ask_in_vain(void *data)
{
	struct stuck *stuck = data;
	struct stat status;

	fusetrace_monitor_ignore(stuck->monitor, gettid(), 1);
	if (write(stuck->fd, "x", 1) != 1)
		return data;
	return (void *)(intptr_t)(stat(live_path(&live_own, "never"), &status) == 0);
}

/* The kernel has sent so many requests that are not answered. */
static void await_waiting(const char *point, long count)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	char path[64];
	long waiting = 0;

	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/waiting", live_connection(point));
	while (waiting < count && ft_now_ns() < deadline) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		assert_int_equal(fscanf(file, "%ld", &waiting), 1);
		fclose(file);
		sched_yield();
	}
	assert_true(waiting >= count);
}

/* One that is in flight keeps nobody from being idle, and dies unseen with the daemon. */
static void test_own_probe_in_flight(void **state)
{
	struct stuck stuck;
	struct fusetrace_mark mark;
	pthread_t thread;
	void *result;
	int ends[2];
	char byte;

	live_skip_where_impossible();
	stuck.monitor = live_attach();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stuck.fd = ends[1];
	assert_int_equal(fusetrace_mark_now(stuck.monitor, &mark), 0);
	ft_test_stop(live_own.daemon);
	assert_int_equal(pthread_create(&thread, NULL, ask_in_vain, &stuck), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	await_waiting(live_own.point, 1);
	assert_int_equal(fusetrace_wait_idle(stuck.monitor, 0, 0, NULL), 0);
	assert_int_equal(fusetrace_in_flight(stuck.monitor, NULL, print_op, NULL), 0);
	kill(live_own.daemon, SIGKILL);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(fusetrace_wait(stuck.monitor, &mark, NULL, SOON, NULL, NULL), -EPIPE);
	assert_no_operation(stuck.monitor, &mark);
	close(ends[0]);
	close(ends[1]);
	live_free_monitor(stuck.monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_own_probes),
		LIVE_TEST(test_own_probes_among_others),
		LIVE_TEST(test_own_probe_in_flight),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
