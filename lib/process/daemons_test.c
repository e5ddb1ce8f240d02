/* SPDX-License-Identifier: MIT */
/* Which process belongs to whom: ancestors and arguments, with real processes that just wait. */
#include "daemons.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command_line.h"
#include "testing.h"

/* A process that waits, and tells what it is through a pipe; it ends with the test at the latest.
 */
struct child {
	pid_t pid;
	int out; /* what it says */
};

static pid_t read_pid(int fd)
{
	pid_t pid;

	assert_int_equal(read(fd, &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

static void say(int fd, pid_t pid)
{
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

static void wait_for_signal(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* levels 1: a child; 2: a grandchild whose parent lives, and so on. The last one is told of. */
static struct child start_chain(int levels, pid_t *ret_last)
{
	struct child child;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		for (int i = 1; i < levels; i++) {
			if (fork() != 0)
				wait_for_signal();
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		say(ends[1], getpid());
		wait_for_signal();
	}
	close(ends[1]);
	child.out = ends[0];
	*ret_last = read_pid(child.out);
	return child;
}

static void end(struct child *child)
{
	char ignored;

	kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
	while (read(child->out, &ignored, 1) > 0) /* until all that hold the pipe are gone */
		;
	close(child->out);
}

static void test_descendants(void **state)
{
	pid_t child_pid, last;
	struct child one = start_chain(1, &child_pid), three = start_chain(3, &last);

	assert_int_equal(child_pid, one.pid);
	assert_true(ft_daemons_is_descendant(one.pid, one.pid));
	assert_true(ft_daemons_is_descendant(last, three.pid));
	assert_true(ft_daemons_is_descendant(last, getpid()));
	assert_false(ft_daemons_is_descendant(three.pid, last));
	assert_false(ft_daemons_is_descendant(1, one.pid));
	assert_false(ft_daemons_is_descendant(999999999, one.pid));
	/* A brother is none, although both are ours. */
	assert_false(ft_daemons_is_descendant(last, one.pid));
	assert_false(ft_daemons_is_descendant(one.pid, three.pid));
	end(&one);
	end(&three);
}

/* As a filesystem does that goes into the background; we are its subreaper. */
static pid_t start_daemon(pid_t *ret_starter)
{
	pid_t test = getpid(), daemon;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*ret_starter = fork();
	assert_true(*ret_starter >= 0);
	if (*ret_starter == 0) {
		if (fork() != 0)
			_exit(0);
		setsid();
		while (getppid() != test)
			sched_yield();
		say(ends[1], getpid());
		wait_for_signal();
	}
	close(ends[1]);
	daemon = read_pid(ends[0]);
	close(ends[0]);
	return daemon;
}

static void test_daemonised(void **state)
{
	pid_t starter, daemon, other_pid;
	struct child other = start_chain(1, &other_pid);

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	daemon = start_daemon(&starter);
	/* its parent has ended, but was not waited for yet; then it was */
	assert_true(ft_daemons_is_descendant(daemon, starter));
	assert_int_equal(waitpid(starter, NULL, 0), starter);
	assert_true(ft_daemons_is_descendant(daemon, starter));
	/* the one that was never its parent is still there */
	assert_false(ft_daemons_is_descendant(daemon, other_pid));
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	end(&other);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* This program again, with these arguments; see main(). */
static struct child start_with_arguments(const char *first, const char *second, const char *folder)
{
	struct child child;
	char ignored;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		if (chdir(folder) == 0)
			execl("/proc/self/exe", "wait", first, second, NULL);
		_exit(1);
	}
	close(ends[1]);
	child.out = ends[0];
	/* The pipe is closed by exec: then the arguments are the new ones. */
	assert_int_equal(read(child.out, &ignored, 1), 0);
	return child;
}

static void test_arguments(void **state)
{
	struct child child = start_with_arguments("/mnt/a//", "relative dir/x/", "/tmp");
	struct ft_command_line line;

	assert_true(ft_daemons_has_argument(child.pid, "/mnt/a"));
	assert_true(ft_daemons_has_argument(child.pid, "/tmp/relative dir/x"));
	assert_true(ft_daemons_has_argument(child.pid, "/tmp/wait"));
	assert_false(ft_daemons_has_argument(child.pid, "/mnt"));
	assert_false(ft_daemons_has_argument(child.pid, "/mnt/a/b"));
	assert_false(ft_daemons_has_argument(child.pid, "relative dir/x"));
	assert_false(ft_daemons_has_argument(child.pid, "/"));
	assert_int_equal(ft_command_line_of(child.pid, &line), 0);
	end(&child);
	assert_false(ft_daemons_has_argument(child.pid, "/mnt/a"));
	assert_true(ft_command_line_names(&line, "/mnt/a")); /* it is remembered */
	assert_true(ft_command_line_names(&line, "/tmp/relative dir/x"));
	ft_command_line_done(&line);
	assert_false(ft_command_line_names(&line, "/mnt/a"));
	child = start_with_arguments("", "x", "/");
	assert_true(ft_daemons_has_argument(child.pid, "/x"));
	assert_false(ft_daemons_has_argument(child.pid, "x"));
	end(&child);
}

static void test_arguments_of_ours(void **state)
{
	char *argv[] = {"branchfs", "-f", "", "/mnt/a/", "x", NULL};
	struct ft_command_line line;

	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(ft_command_line_copy(argv, &line), 0);
	assert_true(ft_command_line_names(&line, "/mnt/a"));
	assert_true(ft_command_line_names(&line, "/tmp/x"));
	assert_true(ft_command_line_names(&line, "/tmp"));
	assert_false(ft_command_line_names(&line, "/mnt"));
	ft_command_line_done(&line);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descendants),
		cmocka_unit_test(test_daemonised),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_arguments_of_ours),
	};

	if (strcmp(argv[0], "wait") == 0)
		wait_for_signal();
	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
