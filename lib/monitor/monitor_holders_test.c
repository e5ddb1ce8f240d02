/* SPDX-License-Identifier: MIT */
/* Who holds a connection, asked of the kernel: the daemon, whoever else does, and how soon it is told. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor_testing.h"
#include "process/daemons_kernel.h"
#include "process/fuse_descriptor.h"
#include "testing.h"

#define HOLDERS_MAX 8
#define DESCRIPTORS_MAX 256

static void assert_held_by_daemon_alone(uint32_t connection)
{
	pid_t pids[HOLDERS_MAX];

	assert_int_equal(ft_daemons_kernel_ask(connection, pids, HOLDERS_MAX), 1);
	assert_int_equal(pids[0], live_own.daemon);
}

/* A copy of the daemon's descriptor. */
static int copy_descriptor(uint32_t connection)
{
	int pidfd = pidfd_open(live_own.daemon, 0);
	int copy = -1;

	assert_true(pidfd >= 0);
	for (int fd = 0; fd < DESCRIPTORS_MAX && copy < 0; fd++) {
		if (ft_fuse_descriptor_is_of(live_own.daemon, fd, connection))
			copy = pidfd_getfd(pidfd, fd, 0);
	}
	close(pidfd);
	return copy;
}

static void test_who_holds_it(void **state)
{
	struct fusetrace_monitor *monitor;
	pid_t pids[HOLDERS_MAX];
	uint32_t connection;
	int copy;

	live_skip_where_impossible();
	monitor = live_attach();
	connection = live_connection(live_own.point);
	assert_held_by_daemon_alone(connection);
	copy = copy_descriptor(connection);
	if (copy >= 0) { /* Linux 6.17 */
		assert_int_equal(ft_daemons_kernel_ask(connection, pids, HOLDERS_MAX), 2);
		assert_int_equal(pids[0] + pids[1], getpid() + live_own.daemon);
		close(copy);
		assert_held_by_daemon_alone(connection);
	}
	assert_int_equal(ft_daemons_kernel_ask(connection + 1000, pids, HOLDERS_MAX), 0);
	live_free_monitor(monitor);
	assert_true(ft_daemons_kernel_ask(connection, pids, HOLDERS_MAX) <
		    0); /* nothing is loaded any more */
}

/* Its descriptor is of a number that is given out again. */
static void test_one_that_is_over(void **state)
{
	struct fusetrace_monitor *monitor;
	pid_t pids[HOLDERS_MAX];
	uint32_t connection;

	live_skip_where_impossible();
	monitor = live_attach();
	connection = live_connection(live_own.point);
	ft_test_stop(live_own.daemon);
	assert_int_equal(umount2(live_own.point, 0), 0);
	assert_int_equal(ft_daemons_kernel_ask(connection, pids, HOLDERS_MAX), 0);
	live_free_monitor(monitor);
}

/* In a PID namespace whose /proc shows the numbers of another one. */
static int look_in_namespace(struct live_mount *mount)
{
	struct fusetrace_monitor *monitor;
	pid_t pids[HOLDERS_MAX];
	bool is_told;

	if (getpid() != 1)
		return 2;
	live_start_daemon(mount);
	live_await_mounted(mount->point);
	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = mount->point), &monitor, NULL) <
	    0)
		return 3;
	is_told = fusetrace_monitor_start(monitor, NULL) == 0 &&
		  fusetrace_monitor_daemons(monitor, pids, HOLDERS_MAX) == 1 &&
		  pids[0] == mount->daemon;
	fusetrace_monitor_free(monitor);
	live_end_daemon(mount);
	return is_told ? 0 : 4;
}

static void test_in_a_pid_namespace(void **state)
{
	int status;
	pid_t pid;

	live_skip_where_impossible();
	live_make_folders(&live_other[0]);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pid = unshare(CLONE_NEWPID) == 0 ? fork() : -1;
		if (pid == 0)
			_exit(look_in_namespace(&live_other[0]));
		_exit(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)
			      ? WEXITSTATUS(status)
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- a death among many processes ---- */

#define PROCESSES 200
#define DESCRIPTORS 100
#define TRIES 3
#define SOON_ENOUGH_NS (FUSETRACE_SECOND / 20)

static void start_processes(pid_t *pids)
{
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int k = 0; k < DESCRIPTORS; k++)
			open("/dev/null", O_RDONLY | O_CLOEXEC);
		for (;;)
			pause();
	}
}

static void end_processes(const pid_t *pids)
{
	for (int i = 0; i < PROCESSES; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < PROCESSES; i++)
		waitpid(pids[i], NULL, 0);
}

/* From the death of the daemon to the return of the wait. */
static uint64_t time_of_death(void)
{
	struct fusetrace_monitor *monitor = live_attach();
	struct live_waiting waiting;
	uint64_t began_ns;

	live_start_waiting(&waiting, monitor);
	began_ns = ft_now_ns();
	assert_int_equal(kill(live_own.daemon, SIGKILL), 0);
	pthread_join(waiting.thread, NULL);
	began_ns = ft_now_ns() - began_ns;
	assert_int_equal(waiting.result, -EPIPE);
	live_free_monitor(monitor);
	live_end_daemon(&live_own);
	return began_ns;
}

static void test_death_among_many_processes(void **state)
{
	uint64_t shortest_ns = UINT64_MAX;
	pid_t pids[PROCESSES];

	live_skip_where_impossible();
	start_processes(pids);
	for (int i = 0; i < TRIES && shortest_ns > SOON_ENOUGH_NS; i++) {
		if (live_own.daemon == 0) {
			live_start_daemon(&live_own);
			live_await_mounted(live_own.point);
		}
		shortest_ns = ft_earlier_ns(shortest_ns, time_of_death());
	}
	end_processes(pids);
	assert_in_range(shortest_ns, 0, SOON_ENOUGH_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_who_holds_it),
		LIVE_TEST(test_one_that_is_over),
		LIVE_TEST(test_in_a_pid_namespace),
		LIVE_TEST(test_death_among_many_processes),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
