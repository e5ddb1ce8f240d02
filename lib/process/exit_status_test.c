/* SPDX-License-Identifier: MIT */
/* How processes have ended: by exit and by signal, of our own and of others, reaped and not. */
#include "exit_status.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "process_file.h"
#include "testing.h"

#define PATIENCE_MS 20000

static void end_as(int signal_number, int code)
{
	prctl(PR_SET_DUMPABLE, 0); /* no core is left behind */
	if (signal_number)
		kill(getpid(), signal_number);
	_exit(code);
}

/* A child that has ended; its pidfd. */
static int start_and_end(int signal_number, int code, pid_t *ret_pid)
{
	struct pollfd ended = {.events = POLLIN};
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		end_as(signal_number, code);
	ended.fd = pidfd_open(pid, 0);
	assert_true(ended.fd >= 0);
	assert_int_equal(poll(&ended, 1, PATIENCE_MS), 1);
	*ret_pid = pid;
	return ended.fd;
}

static bool kernel_tells_of_reaped(void)
{
	struct utsname name;
	int major, minor;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 15);
}

static void check_end(int signal_number, int code)
{
	int status, fd;
	pid_t pid;

	fd = start_and_end(signal_number, code, &pid);
	assert_int_equal(ft_exit_status(pid, fd, &status), 0);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, signal_number ? -1 : code);
	assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal_number);
	assert_int_equal(waitpid(pid, NULL, 0), pid); /* it was not reaped by the question */
	if (kernel_tells_of_reaped()) {
		status = -1;
		assert_int_equal(ft_exit_status(pid, fd, &status), 0);
		assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1,
				 signal_number ? -1 : code);
		assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal_number);
	} else {
		assert_int_equal(ft_exit_status(pid, fd, &status), -ENODATA);
	}
	close(fd);
}

static void test_own_child(void **state)
{
	check_end(0, 0);
	check_end(0, 7);
	check_end(0, 255);
	check_end(SIGKILL, 0);
	check_end(SIGABRT, 0);
}

/* A grandchild whose parent does not reap it: only /proc tells, and only to who may look. */
static void test_zombie_of_another(void **state)
{
	struct pollfd ended = {.events = POLLIN};
	int pipe_fds[2], status = 0;
	pid_t parent, child;

	if (geteuid() != 0)
		skip(); /* not of a process of other rights */
	assert_int_equal(pipe(pipe_fds), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		child = fork();
		if (child == 0) {
			pause();
			_exit(0);
		}
		if (write(pipe_fds[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipe_fds[0], &child, sizeof(child)), sizeof(child));
	ended.fd = pidfd_open(child, 0);
	assert_true(ended.fd >= 0);
	assert_int_equal(ft_exit_status(child, ended.fd, &status), -ENODATA); /* it still runs */
	kill(child, SIGTERM);
	assert_int_equal(poll(&ended, 1, PATIENCE_MS), 1);
	assert_int_equal(ft_exit_status(child, ended.fd, &status), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	close(ended.fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_names(void **state)
{
	static const char hostile[] = ") Z 1 (x";
	struct ft_process_stat stat;
	char old[16], text[4];

	prctl(PR_GET_NAME, old);
	prctl(PR_SET_NAME, hostile);
	assert_int_equal(ft_process_stat(getpid(), 0, &stat), 0);
	prctl(PR_SET_NAME, old);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.parent, getppid());
	assert_string_equal(stat.name, hostile);
	assert_true(ft_process_stat(INT32_MAX, 0, &stat) < 0);
	assert_int_equal(ft_process_file(getpid(), 0, "no such file", text, sizeof(text)), -ENOENT);
	assert_int_equal(ft_process_file(getpid(), getpid(), "stat", text, sizeof(text)), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_child),
		cmocka_unit_test(test_zombie_of_another),
		cmocka_unit_test(test_names),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
