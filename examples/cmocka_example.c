/* SPDX-License-Identifier: MIT */
/*
 * A test suite of a filesystem in cmocka: what the filesystem did is asserted, not guessed, and no
 * test sleeps. FUSE_MOUNT names a mounted filesystem to run against.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

static struct fusetrace_monitor *monitor;
static const char *mount;

static int start(void **state)
{
	struct fusetrace_error error;

	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = mount), &monitor, &error) == 0 &&
	    fusetrace_monitor_start(monitor, &error) == 0)
		return 0;
	print_error("%s\n", error.text);
	return -1;
}

static int stop(void **state)
{
	monitor = fusetrace_monitor_free(monitor);
	return 0;
}

/* Fails the test with the report when the wait was not satisfied. */
static void assert_wait(int result, struct fusetrace_report *report)
{
	if (result < 0 && report)
		print_error("%s", fusetrace_report_text(report));
	fusetrace_report_free(report);
	assert_int_equal(result, 0);
}

static void write_file(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mount, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	close(fd);
}

static void test_release_follows_write(void **state)
{
	const struct fusetrace_match *order[] = {
		FUSETRACE_MATCH(.op = "write", .path = "/a.txt", .min_size = 5),
		FUSETRACE_MATCH(.op = "release", .path = "/a.txt"),
	};
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark;

	fusetrace_mark_now(monitor, &mark);
	write_file("a.txt");
	assert_wait(fusetrace_wait_all(monitor, &mark, order, 2, FUSETRACE_ORDER_IN_ORDER,
				       5 * FUSETRACE_SECOND, NULL, &report),
		    report);
}

static void test_reading_does_not_write(void **state)
{
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark;
	char path[4096];

	snprintf(path, sizeof(path), "%s/a.txt", mount);
	write_file("a.txt");
	fusetrace_wait_idle(monitor, 0, 5 * FUSETRACE_SECOND, NULL);
	fusetrace_mark_now(monitor, &mark);
	assert_int_equal(access(path, R_OK), 0);
	assert_wait(fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "write,create"), 0,
					NULL, &report),
		    report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_follows_write),
		cmocka_unit_test(test_reading_does_not_write),
	};

	mount = getenv("FUSE_MOUNT");
	if (!mount) {
		fprintf(stderr, "set FUSE_MOUNT to a FUSE mountpoint\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
