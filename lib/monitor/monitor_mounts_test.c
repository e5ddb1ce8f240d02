/* SPDX-License-Identifier: MIT */
/* Mounts that come and go while they are traced, and daemons that end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "monitor_testing.h"
#include "process/daemons.h"
#include "process/mounts.h"
#include "testing.h"

/* ---- mounts that come ---- */

static void test_pending(void **state)
{
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_PENDING);
	assert_null(fusetrace_monitor_mountpoint(monitor));
	live_write_file(live_path(&live_own, "other mount"));
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	assert_int_equal(fusetrace_monitor_follow(monitor, live_other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	assert_string_equal(fusetrace_monitor_mountpoint(monitor), live_other[0].point);
	live_assert_wait(monitor, NULL,
			 FUSETRACE_MATCH(.op = "init", .status = FUSETRACE_MATCH_OK));
	live_write_file(live_path(&live_other[0], "a"));
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.path = "/other mount")),
			 0);
	live_end_daemon(&live_other[0]);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, SOON), 0);
	live_free_monitor(monitor);
}

/* What was lost before anybody could know whose it was may have been the new mount's. */
static void test_loss_while_pending(void **state)
{
	struct fusetrace_monitor *monitor;
	struct stat status;

	live_skip_where_impossible();
	monitor = live_start_monitor(
		FUSETRACE_MONITOR_OPTS(.ring_bytes = 4096, .flags = FUSETRACE_MONITOR_PENDING |
								    FUSETRACE_MONITOR_NO_THREAD));
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	live_await_mounted(live_other[0].point);
	for (int i = 0; i < 200; i++)
		stat(live_path(&live_other[0], "none"), &status);
	assert_int_equal(fusetrace_monitor_follow(monitor, live_other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	assert_true(fusetrace_lost(monitor, NULL) > 0);
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	live_end_daemon(&live_other[0]);
	live_free_monitor(monitor);
}

/* Both daemons are children of this process: each monitor gets its own one's mount. */
static void test_two_pending(void **state)
{
	struct fusetrace_monitor *pending[2];

	live_skip_where_impossible();
	for (int i = 0; i < 2; i++) {
		pending[i] = live_start_monitor(
			FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
		live_make_folders(&live_other[i]);
	}
	for (int i = 1; i >= 0; i--) {
		live_start_daemon(&live_other[i]);
		assert_int_equal(fusetrace_monitor_follow(pending[i], live_other[i].daemon), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fusetrace_wait_state(pending[i], FUSETRACE_STATE_MOUNTED, SOON),
				 0);
		assert_string_equal(fusetrace_monitor_mountpoint(pending[i]), live_other[i].point);
		live_assert_wait(pending[i], NULL, FUSETRACE_MATCH(.op = "init"));
	}
	for (int i = 0; i < 2; i++) {
		live_end_daemon(&live_other[i]);
		live_free_monitor(pending[i]);
	}
}

/* The kernel gives the number of the mount that went to the one that comes. */
static void test_pending_while_another_goes(void **state)
{
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
	live_end_daemon(&live_own);
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	assert_int_equal(fusetrace_monitor_follow(monitor, live_other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "init"));
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "init")), 1);
	live_end_daemon(&live_other[0]);
	live_free_monitor(monitor);
}

/* Nobody looked between one mount going and the next one coming, which gets its number. */
static void exchange_unseen(struct live_mount *next)
{
	struct fusetrace_monitor *monitor;
	uint32_t before;

	live_skip_where_impossible();
	before = live_connection(live_own.point);
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING |
								     FUSETRACE_MONITOR_NO_THREAD));
	live_end_daemon(&live_own);
	live_start_daemon(next);
	live_await_mounted(next->point);
	live_write_file(live_path(next, "a"));
	assert_int_equal(fusetrace_monitor_follow(monitor, next->daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	if (live_connection(next->point) != before)
		print_message("# the number was given to somebody else\n");
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "init"));
	live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	live_end_daemon(next);
	live_free_monitor(monitor);
}

static void test_pending_unseen_exchange(void **state)
{
	live_make_folders(&live_other[0]);
	exchange_unseen(&live_other[0]);
}

static void test_pending_unseen_exchange_on_its_point(void **state)
{
	exchange_unseen(&live_own);
}

/* ---- mounts that go ---- */

static void test_unmount(void **state)
{
	live_skip_where_impossible();
	for (int i = 0; i < 5; i++) {
		struct fusetrace_monitor *monitor = live_attach();
		struct live_waiting waiting;
		uint64_t began_ns;

		live_write_file(live_path(&live_own, "a"));
		live_start_waiting(&waiting, monitor);
		began_ns = ft_now_ns();
		assert_int_equal(umount2(live_own.point, 0), 0);
		pthread_join(waiting.thread, NULL);
		assert_int_equal(waiting.result, -ENOTCONN);
		assert_true(waiting.ended_ns - began_ns < FUSETRACE_SECOND);
		/* its daemon ends because of that, which changes nothing any more */
		waitpid(live_own.daemon, NULL, 0);
		assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
						FUSETRACE_FOREVER, NULL, NULL),
				 -ENOTCONN);
		assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_UNMOUNTED);
		live_assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "write", .path = "/a"));
		live_free_monitor(monitor);
		live_start_daemon(&live_own);
		live_await_mounted(live_own.point);
	}
}

/* Nobody looked when the mount went; then another one got its number. */
static void test_replaced_unseen(void **state)
{
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point,
							    .flags = FUSETRACE_MONITOR_NO_THREAD));
	live_end_daemon(&live_own);
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	live_await_mounted(live_other[0].point);
	live_write_file(live_path(&live_other[0], "stranger"));
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.path = "/stranger"), SOON,
					NULL, NULL),
			 -ENOTCONN);
	live_end_daemon(&live_other[0]);
	live_free_monitor(monitor);
}

/* Likewise without the kernel as the source, which tells of the other one's INIT. */
static void test_replaced_unseen_in_a_log(void **state)
{
	struct fusetrace_monitor *monitor;
	uint32_t before;

	live_skip_where_impossible();
	before = live_connection(live_own.point);
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point,
							    .source = FUSETRACE_SOURCE_LOG,
							    .flags = FUSETRACE_MONITOR_NO_THREAD));
	live_end_daemon(&live_own);
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	live_await_mounted(live_other[0].point);
	if (live_connection(live_other[0].point) != before)
		print_message("# the number was given to somebody else\n");
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, SOON), 0);
	assert_int_equal(
		fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.path = "/a"), SOON, NULL, NULL),
		-ENOTCONN);
	live_end_daemon(&live_other[0]);
	live_free_monitor(monitor);
}

/* Nobody looked when the filesystem ended, and then the monitor was stopped: what is a wait told? */
static int result_after_unseen_end(void (*end)(struct live_mount *))
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.path = "/never");
	struct fusetrace_monitor *monitor =
		live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point,
							  .flags = FUSETRACE_MONITOR_NO_THREAD));
	struct fusetrace_expect *expect;
	int r;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	end(&live_own);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	r = fusetrace_expect_wait(expect, SOON, NULL, NULL);
	fusetrace_expect_free(expect);
	live_free_monitor(monitor);
	return r;
}

static void kill_daemon(struct live_mount *mount)
{
	siginfo_t info;

	assert_int_equal(kill(mount->daemon, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)mount->daemon, &info, WEXITED | WNOWAIT), 0);
}

static void rule_15_an_end_that_nobody_saw_before_the_stop(void **state)
{
	live_skip_where_impossible();
	assert_int_equal(result_after_unseen_end(kill_daemon), -EPIPE);
	live_end_daemon(&live_own);
	live_start_daemon(&live_own);
	live_await_mounted(live_own.point);
	assert_int_equal(result_after_unseen_end(live_end_daemon), -ENOTCONN);
}

static void test_unmounted_before_the_start(void **state)
{
	struct fusetrace_monitor *monitor;

	live_skip_where_impossible();
	assert_int_equal(fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = live_own.point),
					       &monitor, NULL),
			 0);
	live_keep(monitor);
	live_end_daemon(&live_own);
	fusetrace_monitor_start(monitor, NULL);
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, SOON, NULL, NULL), -ENOTCONN);
	live_free_monitor(monitor);
}

static void *stat_a_file(void *data)
{
	struct stat status;

	stat(data, &status);
	return NULL;
}

static int count_status(struct fusetrace_op *op, void *data)
{
	int *counts = data;

	counts[fusetrace_op_status(op)]++;
	return 0;
}

static void await_in_flight(struct fusetrace_monitor *monitor)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	int counts[5] = {0};

	while (!counts[FUSETRACE_STATUS_STARTED] && ft_now_ns() < deadline) {
		sched_yield();
		assert_int_equal(fusetrace_in_flight(monitor, NULL, count_status, counts), 0);
	}
	assert_int_equal(counts[FUSETRACE_STATUS_STARTED], 1);
}

/* The daemon is stopped, so that a request stays without an answer. */
static pthread_t leave_in_flight(struct fusetrace_monitor *monitor)
{
	static char path[PATH_MAX];
	pthread_t thread;

	ft_test_stop(live_own.daemon);
	snprintf(path, sizeof(path), "%s/stuck", live_own.point);
	assert_int_equal(pthread_create(&thread, NULL, stat_a_file, path), 0);
	await_in_flight(monitor);
	return thread;
}

/* What is in flight then is still answered, and told once. */
static void test_unmounted_lazily(void **state)
{
	struct fusetrace_monitor *monitor;
	struct live_waiting waiting;
	pthread_t thread;
	int counts[5] = {0};

	live_skip_where_impossible();
	monitor = live_attach();
	live_start_waiting(&waiting, monitor);
	thread = leave_in_flight(monitor);
	assert_int_equal(umount2(live_own.point, MNT_DETACH), 0);
	pthread_join(waiting.thread, NULL);
	assert_int_equal(waiting.result, -ENOTCONN);
	assert_int_equal(fusetrace_in_flight(monitor, NULL, count_status, counts), 0);
	assert_int_equal(counts[FUSETRACE_STATUS_STARTED], 1);
	assert_int_equal(kill(live_own.daemon, SIGCONT), 0);
	pthread_join(thread, NULL);
	waitpid(live_own.daemon, NULL, 0);
	memset(counts, 0, sizeof(counts));
	assert_int_equal(fusetrace_foreach(monitor, NULL, FUSETRACE_MATCH(.path = "/stuck"),
					   count_status, counts),
			 0);
	assert_int_equal(counts[FUSETRACE_STATUS_FAILED], 1);
	assert_int_equal(counts[FUSETRACE_STATUS_UNKNOWN], 0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_UNMOUNTED);
	live_free_monitor(monitor);
}

static void stat_until_killed(void)
{
	struct stat stat;

	lstat(live_path(&live_own, "stuck"), &stat);
	_exit(0);
}

/* The kernel tells nobody that a request was taken back which the daemon had not read yet. */
static void rule_22_what_was_taken_back_is_not_awaited(void **state)
{
	struct fusetrace_monitor *monitor;
	int counts[5] = {0};
	pid_t pid;

	live_skip_where_impossible();
	monitor = live_attach();
	ft_test_stop(live_own.daemon);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		stat_until_killed();
	await_in_flight(monitor);
	assert_int_equal(fusetrace_wait_idle(monitor, 10 * MS, 50 * MS, NULL), -EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(fusetrace_wait_idle(monitor, 10 * MS, SOON / 2, NULL), 0);
	assert_int_equal(fusetrace_in_flight(monitor, NULL, count_status, counts), 0);
	assert_int_equal(counts[FUSETRACE_STATUS_STARTED], 0);
	assert_int_equal(kill(live_own.daemon, SIGCONT), 0);
	live_free_monitor(monitor);
}

static void test_daemon_is_killed(void **state)
{
	struct fusetrace_monitor *monitor;
	struct live_waiting waiting;
	uint64_t began_ns;
	pthread_t thread;
	pid_t pids[8];
	int counts[5] = {0};

	live_skip_where_impossible();
	monitor = live_attach();
	assert_int_equal(fusetrace_monitor_daemons(monitor, pids, 8), 1);
	assert_int_equal(pids[0], live_own.daemon);
	live_start_waiting(&waiting, monitor);
	thread = leave_in_flight(monitor);
	began_ns = ft_now_ns();
	assert_int_equal(kill(live_own.daemon, SIGKILL), 0);
	pthread_join(waiting.thread, NULL);
	assert_int_equal(waiting.result, -EPIPE);
	print_message("# EPIPE %llu us after SIGKILL\n",
		      (unsigned long long)(waiting.ended_ns - began_ns) / 1000);
	assert_true(waiting.ended_ns - began_ns < 500 * MS);
	pthread_join(thread, NULL);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_GONE);
	/* It is listed, and satisfies nothing. */
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, count_status, counts), 0);
	assert_int_equal(counts[FUSETRACE_STATUS_UNKNOWN], 1);
	assert_int_equal(counts[FUSETRACE_STATUS_COMPLETED], 0);
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, SOON, NULL, NULL), -EPIPE);
	live_free_monitor(monitor);
}

/* ---- who serves one ---- */

#define LOOKS 500

/* NULL, or a text that says what was found instead of the daemon. */
static void *look_for_daemons(void *data)
{
	const uint32_t *connection = data;
	pid_t pids[2] = {0};

	for (int i = 0; i < LOOKS; i++) {
		if (ft_daemons_left(*connection, pids, 2) != 1 || pids[0] != live_own.daemon)
			return "others than the daemon";
	}
	return NULL;
}

static uint32_t connection_of_own(void)
{
	struct ft_mounts mounts FT_CLEANUP(ft_mounts_done) = {0};

	assert_int_equal(ft_mounts_read(&mounts), 0);
	return ft_mounts_by_point(&mounts, live_own.point)->connection;
}

/* Who looks has the daemon's descriptor for a moment, and must not be taken for a daemon himself. */
static void test_who_looks_serves_nothing(void **state)
{
	void *found, *found_beside;
	uint32_t connection;
	pthread_t beside;
	pid_t other;
	int status;

	live_skip_where_impossible();
	connection = connection_of_own();
	other = fork();
	assert_true(other >= 0);
	if (other == 0)
		_exit(look_for_daemons(&connection) ? 1 : 0);
	assert_int_equal(pthread_create(&beside, NULL, look_for_daemons, &connection), 0);
	found = look_for_daemons(&connection);
	assert_int_equal(pthread_join(beside, &found_beside), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_null(found);
	assert_null(found_beside);
	assert_int_equal(status, 0);
}

/* A process that has the daemon's descriptor until go says so, and lives on. */
static pid_t start_holder(int said[2], int go[2])
{
	pid_t holder;
	char byte = 0;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (holder)
		return holder;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 3, pidfd = pidfd_open(live_own.daemon, 0); fd < 64; fd++)
		pidfd_getfd(pidfd, fd, 0);
	if (write(said[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
		_exit(1);
	for (int fd = 3; fd < 256; fd++) {
		if (fd != said[1])
			close(fd);
	}
	if (write(said[1], &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Such as a child between fork and exec: it is not waited for when the daemon dies. */
static void test_who_held_it_for_a_moment(void **state)
{
	struct fusetrace_monitor *monitor;
	int said[2], go[2];
	pid_t holder, pids[4];
	char byte = 0;

	live_skip_where_impossible();
	holder = start_holder(said, go);
	assert_int_equal(read(said[0], &byte, 1), 1);
	monitor = live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point));
	assert_int_equal(fusetrace_monitor_daemons(monitor, pids, 4), 2);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(read(said[0], &byte, 1), 1);
	kill(live_own.daemon, SIGKILL);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_GONE, SOON), 0);
	live_free_monitor(monitor);
	kill(holder, SIGKILL);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	for (int i = 0; i < 2; i++) {
		close(said[i]);
		close(go[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_pending),
		LIVE_TEST(test_loss_while_pending),
		LIVE_TEST(test_two_pending),
		LIVE_TEST(test_pending_while_another_goes),
		LIVE_TEST(test_pending_unseen_exchange),
		LIVE_TEST(test_pending_unseen_exchange_on_its_point),
		LIVE_TEST(test_unmount),
		LIVE_TEST(rule_15_an_end_that_nobody_saw_before_the_stop),
		LIVE_TEST(test_replaced_unseen),
		LIVE_TEST(test_replaced_unseen_in_a_log),
		LIVE_TEST(test_unmounted_before_the_start),
		LIVE_TEST(test_unmounted_lazily),
		LIVE_TEST(rule_22_what_was_taken_back_is_not_awaited),
		LIVE_TEST(test_daemon_is_killed),
		LIVE_TEST(test_who_looks_serves_nothing),
		LIVE_TEST(test_who_held_it_for_a_moment),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
