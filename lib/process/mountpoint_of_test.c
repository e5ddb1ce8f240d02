/* SPDX-License-Identifier: MIT */
/* Which mount a process serves, with daemons that really do. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "monitor/monitor_testing.h"
#include "testing.h"

static void assert_serves(pid_t pid, const char *point)
{
	char *found;

	assert_int_equal(fusetrace_mountpoint_of(pid, &found), 0);
	assert_string_equal(found, point);
	free(found);
}

static void assert_serves_nothing(pid_t pid, int code)
{
	char *found;

	assert_int_equal(fusetrace_mountpoint_of(pid, &found), code);
}

static void test_each_its_own(void **state)
{
	live_skip_where_impossible();
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	live_await_mounted(live_other[0].point);
	assert_serves(live_other[0].daemon, live_other[0].point);
	assert_serves(live_own.daemon, live_own.point);
	live_end_daemon(&live_other[0]);
}

/* Their ancestor's is the one on top, which was mounted last. */
static void test_descendants(void **state)
{
	live_skip_where_impossible();
	live_make_folders(&live_other[0]);
	live_start_daemon(&live_other[0]);
	live_await_mounted(live_other[0].point);
	assert_serves(getpid(), live_other[0].point);
	live_end_daemon(&live_other[0]);
	assert_serves(getpid(), live_own.point);
}

/* As of a daemon whose descriptors are not told. It stops itself once it has its arguments. */
static void test_argument(void **state)
{
	pid_t pid;

	live_skip_where_impossible();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("sh", "sh", "-c", "kill -STOP $$", "sh", live_own.point, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_serves(pid, live_own.point);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_nothing(void **state)
{
	pid_t pid;

	live_skip_where_impossible();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("sleep", "sleep", "60", NULL);
		_exit(127);
	}
	assert_serves_nothing(pid, -ENOENT);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_serves_nothing(pid, -ESRCH); /* though other children of ours serve something */
	waitpid(pid, NULL, 0);
	assert_serves_nothing(pid, -ESRCH);
	assert_serves_nothing(0, -EINVAL);
	assert_int_equal(fusetrace_mountpoint_of(getpid(), NULL), -EINVAL);
}

/* It holds a descriptor of its connection's number still, which the next mount has got. */
static void test_number_of_an_earlier_one(void **state)
{
	struct live_mount *next = &live_other[0];
	uint32_t before;

	live_skip_where_impossible();
	before = live_connection(live_own.point);
	live_make_folders(next);
	ft_test_stop(live_own.daemon);
	assert_int_equal(umount2(live_own.point, 0), 0);
	live_start_daemon(next);
	live_await_mounted(next->point);
	if (live_connection(next->point) != before)
		print_message("# the number was given to somebody else\n");
	assert_serves_nothing(live_own.daemon, -ENOENT);
	assert_serves(next->daemon, next->point);
	live_end_daemon(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_each_its_own),
		LIVE_TEST(test_descendants),
		LIVE_TEST(test_argument),
		LIVE_TEST(test_nothing),
		LIVE_TEST(test_number_of_an_earlier_one),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
