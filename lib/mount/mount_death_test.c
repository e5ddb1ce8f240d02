/* SPDX-License-Identifier: MIT */
/*
 * The death of a daemon at each stage of its life: whoever waits for it is told at once, with the cause,
 * and never by a timeout. One that is only stopped is not dead, and is said to be stopped.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "mount_testing.h"
#include "testing.h"

/* ---- who waits ---- */

static pthread_t waiting;
static _Atomic uint64_t ended_ns;
static int result;

static void *wait_ready(void *data)
{
	result = fusetrace_mount_wait_ready(life.mounted, SOON, &life.error);
	ended_ns = ft_now_ns();
	return NULL;
}

static void *wait_for_operation(void *data)
{
	struct fusetrace_report *report = NULL;

	result = fusetrace_wait(life.monitor, NULL,
				FUSETRACE_MATCH(.op = "create", .path = "/never"), SOON, NULL,
				&report);
	ended_ns = ft_now_ns();
	if (report)
		snprintf(life.error.text, sizeof(life.error.text), "%s",
			 fusetrace_report_text(report));
	fusetrace_report_free(report);
	return NULL;
}

static void *stop(void *data)
{
	struct fusetrace_stop found;

	result = fusetrace_mount_stop(life.mounted, FUSETRACE_STOP_OPTS(.unmount_ns = SOON), &found,
				      &life.error);
	ended_ns = ft_now_ns();
	fusetrace_stop_text(&found, life.error.text, sizeof(life.error.text));
	return NULL;
}

static void begin(void *(*fn)(void *))
{
	assert_int_equal(pthread_create(&waiting, NULL, fn, NULL), 0);
}

/* Until the daemon is where the test wants it. */
static void await_text(const char *text)
{
	uint64_t deadline = ft_deadline_ns(SOON);

	do {
		assert_true(ft_now_ns() < deadline);
		assert_int_equal(
			fusetrace_mount_take_stacks(life.mounted, FUSETRACE_ON_HANG_REPORT), 0);
	} while (!strstr(fusetrace_mount_last_stacks(life.mounted), text));
}

/* The thread has ended at once after began_ns, with that. */
static void told(uint64_t began_ns, int code, const char *text)
{
	pthread_join(waiting, NULL);
	assert_int_equal(result, code);
	print_message("# told after %.1f ms\n", (double)(ended_ns - began_ns) / 1e6);
	if (ended_ns - began_ns >= AT_ONCE)
		fail_msg("told after %.1f ms", (double)(ended_ns - began_ns) / 1e6);
	life_assert_text(text);
}

static uint64_t send(int number)
{
	uint64_t now = ft_now_ns();

	kill(fusetrace_mount_pid(life.mounted), number);
	return now;
}

/* ---- before it mounts ---- */

static void before_mounting(int number, const char *text)
{
	uint64_t began;

	life_skip_where_impossible();
	life_start_script("exec sleep 60");
	begin(wait_ready);
	await_text("(sleep)");
	began = send(number);
	told(began, -EPIPE, text);
}

static void test_before_mounting_sigkill(void **state)
{
	before_mounting(SIGKILL, "it was killed by signal 9 (SIGKILL)");
}

static void test_before_mounting_abort(void **state)
{
	before_mounting(SIGABRT, "it was killed by signal 6 (SIGABRT)");
}

static void test_before_mounting_exit_0(void **state)
{
	uint64_t began;

	life_skip_where_impossible();
	life_start_script("trap 'exit 0' USR1; echo ready; while :; do sleep 0.01; done");
	begin(wait_ready);
	await_text("(sleep)");
	began = send(SIGUSR1);
	told(began, -EPIPE, "it ended with exit code 0");
}

/* A wait for an operation of the mount that never comes ends with it. */
static void test_before_mounting_wait(void **state)
{
	uint64_t began;

	life_skip_where_impossible();
	life_make_monitor();
	life_start_script("exec sleep 60");
	await_text("(sleep)");
	begin(wait_for_operation);
	ft_test_await_waiters(life.monitor, 1);
	began = send(SIGKILL);
	assert_int_equal(fusetrace_mount_wait_ready(life.mounted, SOON, NULL), -EPIPE);
	told(began, -EPIPE, "ended");
}

/* ---- before INIT is answered ---- */

/* It is mounted and our probe waits. Without a trace, callers of other mounts are shown as well. */
static void await_probe(void)
{
	uint64_t deadline = ft_deadline_ns(SOON);

	while (!ft_test_is_mounted(life.point))
		assert_true(ft_now_ns() < deadline);
	await_text("request_wait_answer");
}

static void before_init(int number, const char *text)
{
	uint64_t began;

	life_skip_where_impossible();
	life_start_branchfs("hang=*", false);
	begin(wait_ready);
	await_probe();
	began = send(number);
	told(began, -EPIPE, text);
}

static void test_before_init_sigkill(void **state)
{
	before_init(SIGKILL, "it was mounted, but was killed by signal 9 (SIGKILL)");
}

static void test_before_init_abort(void **state)
{
	before_init(SIGABRT, "it was mounted, but was killed by signal 6 (SIGABRT)");
}

/*
 * Mounted, killed and reaped before the monitor knew of the mount, so there is nobody that it could
 * watch. As that takes a moment of chance, somebody whom it does not follow mounts here.
 */
static void test_before_the_monitor_knows(void **state)
{
	char *argv[] = {"sh", "-c", "exec sleep 1000", NULL};
	int status;
	pid_t pid;

	life_skip_where_impossible();
	life_make_monitor();
	life_start(argv);
	pid = life_start_beside("hang=*");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	kill(fusetrace_mount_pid(life.mounted), SIGKILL);
	while (fusetrace_mount_status(life.mounted, &status) == 0)
		usleep(1000);
	life_fail_to_mount(-EPIPE, "it was mounted, but was killed by signal 9 (SIGKILL)");
	assert_int_equal(fusetrace_monitor_state(life.monitor), FUSETRACE_STATE_GONE);
	life_stop_within(0);
}

static void await_state(uint32_t state)
{
	uint64_t end = ft_now_ns() + SOON;

	while (fusetrace_monitor_state(life.monitor) != state) {
		assert_true(ft_now_ns() < end);
		usleep(100);
		fusetrace_process(life.monitor);
	}
}

/* It finds by the trace what is mounted. */
static void start_unnamed(char *const argv[])
{
	life_skip_where_impossible();
	life_make_monitor();
	if (fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv, .monitor = life.monitor),
				  &life.mounted, &life.error) < 0)
		fail_msg("%s", life.error.text);
}

/* It was mounted and killed before anybody asked. */
static void test_before_anybody_looks(void **state)
{
	char *argv[] = {(char *)life_branchfs(), "-f", life.branch, life.point, NULL};

	start_unnamed(argv);
	await_state(FUSETRACE_STATE_MOUNTED);
	kill(fusetrace_mount_pid(life.mounted), SIGKILL);
	await_state(FUSETRACE_STATE_GONE);
	assert_null(fusetrace_mount_point(life.mounted));
	assert_true(ft_test_is_mounted(life.point));
	assert_int_equal(fusetrace_mount_check(life.mounted), 0);
	assert_string_equal(fusetrace_mount_point(life.mounted), life.point);
	assert_true(life_stop_within(0).flags & FUSETRACE_STOP_WAS_DEAD);
}

static void test_unmounted_before_anybody_looks(void **state)
{
	char *argv[] = {(char *)life_branchfs(), "-f", life.branch, life.point, NULL};

	start_unnamed(argv);
	await_state(FUSETRACE_STATE_MOUNTED);
	assert_int_equal(umount2(life.point, 0), 0);
	await_state(FUSETRACE_STATE_UNMOUNTED);
	assert_null(fusetrace_mount_point(life.mounted));
	life_fail_to_mount(-EPIPE, "it was mounted, but ended with exit code 0");
	assert_string_equal(fusetrace_mount_point(life.mounted), life.point);
	assert_int_equal(fusetrace_mount_abort(life.mounted), -ENOENT);
	life_stop_within(0);
}

static void test_before_init_stopped(void **state)
{
	life_skip_where_impossible();
	life_start_branchfs("hang=*", false);
	begin(wait_ready);
	await_probe();
	send(SIGSTOP);
	assert_int_equal(pthread_tryjoin_np(waiting, NULL), EBUSY);
	fusetrace_mount_abort(life.mounted); /* sets the probe free */
	kill(fusetrace_mount_pid(life.mounted), SIGCONT);
	pthread_join(waiting, NULL);
	assert_int_equal(result, -EPIPE);
}

/* ---- during a wait, and during a request ---- */

/*
 * The process that serves. Of a daemon that went into the background the one that was started is listed
 * too, until it has ended: its death would tell nothing.
 */
static pid_t serving(bool is_background)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	pid_t started = fusetrace_mount_pid(life.mounted);
	pid_t pids[4];
	int count;

	do {
		assert_true(ft_now_ns() < deadline);
		count = fusetrace_monitor_daemons(life.monitor, pids, 4);
	} while (count != 1 || (pids[0] == started) == is_background);
	return pids[0];
}

static void during_a_wait(int number, bool is_background, const char *text)
{
	uint64_t began;
	pid_t daemon;

	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs(NULL, is_background);
	life_be_ready();
	begin(wait_for_operation);
	ft_test_await_waiters(life.monitor, 1);
	daemon = serving(is_background);
	began = ft_now_ns();
	kill(daemon, number);
	told(began, -EPIPE, text);
}

static void test_during_a_wait_sigkill(void **state)
{
	during_a_wait(SIGKILL, false, "signal 9");
}

static void test_during_a_wait_abort(void **state)
{
	during_a_wait(SIGABRT, false, "signal 6");
}

static void *make_folder(void *data)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/hangs", life.point);
	result = mkdir(path, 0700) < 0 ? -errno : 0;
	ended_ns = ft_now_ns();
	return NULL;
}

static int is_one(struct fusetrace_op *op, void *data)
{
	return 1;
}

/* A wait that ends while the daemon is stopped says so, whether it is asked for anything or not. */
static void is_said_to_be_stopped(uint32_t verdict, const char *path)
{
	struct fusetrace_report *report = NULL;

	assert_int_equal(fusetrace_wait(life.monitor, NULL,
					FUSETRACE_MATCH(.op = "mkdir,lookup", .path = path),
					300 * MS, NULL, &report),
			 -ETIMEDOUT);
	snprintf(life.error.text, sizeof(life.error.text), "%s", fusetrace_report_text(report));
	assert_int_equal(fusetrace_report_verdict(report), verdict);
	fusetrace_report_free(report);
	life_assert_text("is stopped (state T)");
}

static void test_during_a_wait_stopped(void **state)
{
	pid_t daemon;

	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs(NULL, false);
	life_be_ready();
	daemon = serving(false);
	ft_test_stop(daemon);
	is_said_to_be_stopped(FUSETRACE_VERDICT_NEVER_STARTED, "/hangs");
	begin(make_folder);
	while (fusetrace_in_flight(life.monitor, NULL, is_one, NULL) != 1)
		sched_yield();
	is_said_to_be_stopped(FUSETRACE_VERDICT_IN_FLIGHT, "/hangs");
	assert_int_equal(kill(daemon, SIGCONT), 0);
	pthread_join(waiting, NULL);
	assert_int_equal(result, 0);
}

static void test_during_a_wait_in_the_background(void **state)
{
	during_a_wait(SIGKILL, true, "daemon");
}

static void test_during_a_request(void **state)
{
	uint64_t began;

	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs("hang=mkdir", false);
	life_be_ready();
	begin(make_folder);
	await_text("caller");
	began = send(SIGKILL);
	pthread_join(waiting, NULL);
	assert_true(ended_ns - began < AT_ONCE);
	/* EIO: the daemon was just about to read it (fs/fuse/dev.c, fuse_dev_do_read()) */
	assert_true(result == -ECONNABORTED || result == -EIO);
}

/* ---- during the unmount ---- */

static void during_unmount(int number, const char *text)
{
	uint64_t began;

	life_skip_where_impossible();
	life_start_script("\"$0\" -f \"$1\" \"$2\"; exec sleep 60");
	life_be_ready();
	begin(stop);
	await_text("(sleep)"); /* unmounted, and it does not end */
	began = send(number);
	told(began, 0, text);
}

static void test_during_unmount_sigkill(void **state)
{
	during_unmount(SIGKILL, "the daemon was killed by signal 9 (SIGKILL)");
}

static void test_during_unmount_abort(void **state)
{
	during_unmount(SIGABRT, "the daemon was killed by signal 6 (SIGABRT)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, life_set_up, life_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_before_mounting_sigkill),
		TEST(test_before_mounting_abort),
		TEST(test_before_mounting_exit_0),
		TEST(test_before_mounting_wait),
		TEST(test_before_init_sigkill),
		TEST(test_before_init_abort),
		TEST(test_before_the_monitor_knows),
		TEST(test_before_anybody_looks),
		TEST(test_unmounted_before_anybody_looks),
		TEST(test_before_init_stopped),
		TEST(test_during_a_wait_sigkill),
		TEST(test_during_a_wait_abort),
		TEST(test_during_a_wait_in_the_background),
		TEST(test_during_a_wait_stopped),
		TEST(test_during_a_request),
		TEST(test_during_unmount_sigkill),
		TEST(test_during_unmount_abort),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
