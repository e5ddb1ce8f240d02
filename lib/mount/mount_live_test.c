/* SPDX-License-Identifier: MIT */
/*
 * The life of a daemon on real mounts: branchfs, which can be told to misbehave, and shell scripts
 * around it for what daemons do to their processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "mount_testing.h"
#include "process/daemons.h"
#include "process/process_file.h"
#include "testing.h"

/* ---- a life ---- */

static void live(bool is_traced, bool is_background)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	if (is_traced)
		life_make_monitor();
	life_start_branchfs(NULL, is_background);
	life_be_ready();
	life_write_file("a", "x");
	assert_true(fusetrace_mount_pids(life.mounted, NULL, 0) >=
		    1); /* its parent may still end */
	stop = life_stop_within(0);
	assert_int_equal(stop.step, FUSETRACE_STOP_UNMOUNT);
	assert_int_equal(stop.flags, FUSETRACE_STOP_HAS_STATUS);
	assert_int_equal(stop.status, 0);
	assert_true(stop.processes >= (is_background ? 2 : 1));
}

static void test_foreground(void **state)
{
	live(false, false);
}

static void test_foreground_traced(void **state)
{
	live(true, false);
}

static void test_background(void **state)
{
	live(false, true);
}

static void test_background_traced(void **state)
{
	live(true, true);
}

/* INIT has been answered: it stands in the trace, and nothing of ours does. */
static void test_ready_is_told_by_the_trace(void **state)
{
	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_int_equal(fusetrace_count(life.monitor, NULL, FUSETRACE_MATCH(.op = "init")), 1);
	assert_int_equal(fusetrace_count(life.monitor, NULL, FUSETRACE_MATCH(.op = "statfs")), 0);
}

static void test_whatever_it_mounts(void **state)
{
	char *argv[] = {(char *)life_branchfs(), "-f", life.branch, life.point, NULL};

	life_skip_where_impossible();
	assert_int_equal(fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv), &life.mounted,
					       &life.error),
			 0);
	life_be_ready();
	life_stop_within(0);
}

static void test_again(void **state)
{
	struct fusetrace_stop first, second;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	first = life_stop_within(0);
	second = life_stop_within(0);
	assert_memory_equal(&first, &second, sizeof(first));
}

static void test_free_stops(void **state)
{
	struct ft_process_stat stat;
	pid_t pid;

	life_skip_where_impossible();
	life_start_branchfs(NULL, true);
	life_be_ready();
	assert_int_equal(fusetrace_mount_pids(life.mounted, &pid, 1), 1);
	life.mounted = fusetrace_mount_free(life.mounted);
	assert_true(ft_process_stat(pid, 0, &stat) < 0 || stat.state == 'Z');
	assert_false(ft_test_is_mounted(life.point));
}

/* ---- what daemons do to their processes ---- */

static void test_double_fork(void **state)
{
	life_skip_where_impossible();
	life_start_script("( ( exec \"$0\" -f \"$1\" \"$2\" ) & ) ; exit 0");
	life_be_ready();
	life_stop_within(0);
}

static void test_reexec(void **state)
{
	life_skip_where_impossible();
	life_start_script("exec sh -c 'exec \"$0\" \"$@\"' \"$0\" \"$1\" \"$2\"");
	life_be_ready();
	assert_int_equal(life_stop_within(0).step, FUSETRACE_STOP_UNMOUNT);
}

/* It is known by the connection that it holds. */
static void test_environment_is_cleared(void **state)
{
	life_skip_where_impossible();
	life_start_script("env -i \"$0\" -f \"$1\" \"$2\" & wait");
	life_be_ready();
	assert_int_equal(life_stop_within(0).step, FUSETRACE_STOP_UNMOUNT);
}

static void test_closed_outputs(void **state)
{
	life_skip_where_impossible();
	life_start_script("exec \"$0\" -f \"$1\" \"$2\" >&- 2>&-");
	life_be_ready();
	life_stop_within(0);
}

/* Nobody who prints waits for us, and the last lines are there. */
static void test_prints_without_end(void **state)
{
	life_skip_where_impossible();
	life_make_monitor();
	life_start_script(
		"yes >&2 & \"$0\" -f \"$1\" \"$2\"; kill $!; wait $! 2>/dev/null; exit 0");
	life_be_ready();
	life_write_file("a", "x");
	life_stop_within(0);
}

static int take_line(const char *line, size_t length, void *data)
{
	snprintf(data, 32, "%s", line);
	return 0;
}

static void test_last_lines(void **state)
{
	char line[32] = "";

	life_skip_where_impossible();
	life_start_script("echo out; echo err >&2; exec \"$0\" -f \"$1\" \"$2\"");
	life_be_ready();
	assert_int_equal(fusetrace_mount_log_lines(life.mounted, take_line, line), 0);
	assert_true(strcmp(line, "out") == 0 || strcmp(line, "err") == 0);
}

/* ---- what does not mount ---- */

static void test_exit_code(void **state)
{
	life_skip_where_impossible();
	life_start_script("echo no such disk >&2; exit 3");
	life_fail_to_mount(-EPIPE, "it ended with exit code 3 after");
	life_assert_text("no such disk");
}

static void test_killed_before_mounting(void **state)
{
	life_skip_where_impossible();
	life_start_script("kill -9 $$");
	life_fail_to_mount(-EPIPE, "it was killed by signal 9 (SIGKILL) after");
}

static void test_exit_0_without_a_mount(void **state)
{
	life_skip_where_impossible();
	life_start_script("exit 0");
	life_fail_to_mount(-EPIPE, "but nothing is mounted");
}

static void test_no_such_program(void **state)
{
	char *argv[] = {"/no/such/program", NULL};

	life_skip_where_impossible();
	assert_int_equal(fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv), &life.mounted,
					       &life.error),
			 -ENOENT);
	life_assert_text("cannot be started");
}

static void test_never_mounts(void **state)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	life_start_script("exec cat /dev/zero >/dev/null");
	assert_int_equal(fusetrace_mount_wait_ready(life.mounted, 50 * MS, &life.error),
			 -ETIMEDOUT);
	life_assert_text("nothing was mounted within");
	stop = life_stop_within(0);
	assert_int_equal(stop.step, FUSETRACE_STOP_TERM);
	assert_int_equal(stop.status, SIGTERM);
}

static void test_does_not_answer(void **state)
{
	life_skip_where_impossible();
	life_start_branchfs("hang=*", false);
	assert_int_equal(fusetrace_mount_wait_ready(life.mounted, FUSETRACE_SECOND, &life.error),
			 -ETIMEDOUT);
	life_assert_text("it is mounted, but has not answered within");
	life_stop_within(1);
}

static void test_stopped_before_mounting(void **state)
{
	life_skip_where_impossible();
	life_start_script("kill -STOP $$; exec \"$0\" -f \"$1\" \"$2\"");
	assert_int_equal(fusetrace_mount_wait_ready(life.mounted, 200 * MS, &life.error),
			 -ETIMEDOUT);
	life_assert_text("its process is stopped");
	kill(fusetrace_mount_pid(life.mounted), SIGCONT);
	life_be_ready();
}

/* ---- the steps of a stop ---- */

static void test_ignores_sigterm(void **state)
{
	struct fusetrace_stop stop;
	char text[256];

	life_skip_where_impossible();
	life_start_script("trap '' TERM; \"$0\" -f \"$1\" \"$2\"; exec cat /dev/zero >/dev/null");
	life_be_ready();
	stop = life_stop_within(100 * MS);
	assert_int_equal(stop.step, FUSETRACE_STOP_KILL);
	assert_true(stop.step_ns[FUSETRACE_STOP_TERM] >= 300 * MS);
	fusetrace_stop_text(&stop, text, sizeof(text));
	assert_non_null(strstr(text, "SIGKILL"));
	assert_non_null(strstr(text, "was killed by signal 9 (SIGKILL)"));
	fusetrace_stop_json(&stop, text, sizeof(text));
	assert_non_null(strstr(text, "\"step\":\"kill\""));
	assert_non_null(fusetrace_mount_last_stacks(life.mounted));
}

static void test_dead_daemon(void **state)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	kill(fusetrace_mount_pid(life.mounted), SIGKILL);
	stop = life_stop_within(0);
	assert_int_equal(stop.step, FUSETRACE_STOP_UNMOUNT);
	assert_int_equal(stop.status, SIGKILL);
}

static void test_unmounted_by_somebody_else(void **state)
{
	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_int_equal(umount2(life.point, 0), 0);
	assert_true(life_stop_within(0).step <= FUSETRACE_STOP_UNMOUNT);
}

static void test_stopped_daemon(void **state)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	ft_test_stop(fusetrace_mount_pid(life.mounted));
	stop = life_stop_within(100 * MS);
	assert_true(stop.flags & FUSETRACE_STOP_WAS_STOPPED);
	assert_true(stop.step >= FUSETRACE_STOP_TERM);
}

/* What the kernel has gathered cannot be written back: umount(2) itself hangs. */
static void test_unmount_that_hangs(void **state)
{
	struct fusetrace_stop stop;
	uint64_t began;

	life_skip_where_impossible();
	life_start_branchfs("writeback_cache", false);
	life_be_ready();
	life_write_file("a", "x");
	ft_test_stop(fusetrace_mount_pid(life.mounted));
	began = ft_now_ns();
	stop = life_stop_within(200 * MS);
	assert_true(ft_now_ns() - began < SOON);
	assert_true(stop.flags & FUSETRACE_STOP_WAS_STOPPED);
}

/* ---- in use ---- */

static void test_in_use_is_lazy(void **state)
{
	struct fusetrace_stop stop;
	char path[160];
	int fd;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	life_write_file("a", "x");
	snprintf(path, sizeof(path), "%s/a", life.point);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	stop = life_stop_within(2 * FUSETRACE_SECOND);
	assert_true(stop.flags & FUSETRACE_STOP_LAZY);
	close(fd);
}

static void *close_later(void *data)
{
	close(*(int *)data);
	return NULL;
}

static void wait_unmountable(bool is_traced)
{
	char path[160];
	pthread_t thread;
	int fd;

	life_skip_where_impossible();
	if (is_traced)
		life_make_monitor();
	life_start_branchfs(NULL, false);
	life_be_ready();
	life_write_file("a", "x");
	snprintf(path, sizeof(path), "%s/a", life.point);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, 20 * MS, &life.error),
			 -ETIMEDOUT);
	life_assert_text("open file");
	life_assert_text(path);
	assert_int_equal(pthread_create(&thread, NULL, close_later, &fd), 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, SOON, &life.error), 0);
	/* Twice: the question unmounts nothing. */
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, SOON, &life.error), 0);
	assert_true(ft_test_is_mounted(life.point));
	pthread_join(thread, NULL);
	assert_int_equal(umount2(life.point, UMOUNT_NOFOLLOW), 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, 0, &life.error), -EPIPE);
}

static void test_wait_unmountable(void **state)
{
	wait_unmountable(false);
}

static void test_wait_unmountable_traced(void **state)
{
	wait_unmountable(true);
}

static int name_what(const struct fusetrace_holder *holder, void *data)
{
	snprintf(data, 64, "%s:%s", holder->comm, holder->what);
	return 1;
}

static void test_holder_that_works_in_it(void **state)
{
	char what[64] = "";
	pid_t pid;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	pid = fork();
	if (pid == 0) {
		if (chdir(life.point) == 0)
			execlp("sleep", "sleep", "60", NULL);
		_exit(1);
	}
	for (int i = 0; i < 2000 && !strstr(what, "sleep:"); i++) {
		fusetrace_mount_holders(life.mounted, name_what, what);
		usleep(1000);
	}
	assert_string_equal(what, "sleep:working directory");
	kill(pid, SIGKILL); /* its end is the event */
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, SOON, &life.error), 0);
	waitpid(pid, NULL, 0);
}

/* ---- hangs ---- */

static void *make_folder(void *data)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/hangs", life.point);
	*(int *)data = mkdir(path, 0700) < 0 ? -errno : 0;
	return NULL;
}

static void abort_a_hang(bool is_traced)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	const char *stacks = "";
	pthread_t thread;
	int result = 0;

	life_skip_where_impossible();
	if (is_traced)
		life_make_monitor();
	life_start_branchfs("hang=mkdir", false);
	life_be_ready();
	assert_int_equal(pthread_create(&thread, NULL, make_folder, &result), 0);
	while (!strstr(stacks, "caller") && ft_now_ns() < deadline) {
		assert_int_equal(
			fusetrace_mount_take_stacks(life.mounted, FUSETRACE_ON_HANG_REPORT), 0);
		stacks = fusetrace_mount_last_stacks(life.mounted);
	}
	assert_non_null(strstr(stacks, "daemon"));
	assert_non_null(strstr(stacks, "request_wait_answer"));
	assert_int_equal(fusetrace_mount_take_stacks(life.mounted, FUSETRACE_ON_HANG_ABORT), 0);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ECONNABORTED);
	life_stop_within(0);
	assert_int_equal(fusetrace_mount_abort(life.mounted), -ENOENT);
}

static void test_abort_a_hang(void **state)
{
	abort_a_hang(false);
}

static void test_abort_a_hang_traced(void **state)
{
	abort_a_hang(true);
}

/* ---- nothing grows ---- */

static void test_nothing_grows(void **state)
{
	struct fusetrace_monitor *engine = NULL;
	size_t cases = ft_test_cases(30), before = 0;
	int descriptors = 0;

	life_skip_where_impossible();
	/* Keeps the engine, which is then not set up again and again. */
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &engine, &life.error),
		0);
	assert_int_equal(fusetrace_monitor_start(engine, &life.error), 0);
	for (size_t i = 0; i < cases; i++) {
		life_start_branchfs(NULL, i % 2);
		life_be_ready();
		life_stop_within(0);
		life.mounted = fusetrace_mount_free(life.mounted);
		if (i == cases / 3) {
			before = ft_test_allocated();
			descriptors = ft_test_descriptors();
		}
	}
	fusetrace_monitor_free(engine);
	assert_true(ft_test_descriptors() <= descriptors);
	assert_true(ft_test_allocated() < before + 64 * 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, life_set_up, life_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_foreground),
		TEST(test_foreground_traced),
		TEST(test_background),
		TEST(test_background_traced),
		TEST(test_ready_is_told_by_the_trace),
		TEST(test_whatever_it_mounts),
		TEST(test_again),
		TEST(test_free_stops),
		TEST(test_double_fork),
		TEST(test_reexec),
		TEST(test_environment_is_cleared),
		TEST(test_closed_outputs),
		TEST(test_prints_without_end),
		TEST(test_last_lines),
		TEST(test_exit_code),
		TEST(test_killed_before_mounting),
		TEST(test_exit_0_without_a_mount),
		TEST(test_no_such_program),
		TEST(test_never_mounts),
		TEST(test_does_not_answer),
		TEST(test_stopped_before_mounting),
		TEST(test_ignores_sigterm),
		TEST(test_dead_daemon),
		TEST(test_unmounted_by_somebody_else),
		TEST(test_stopped_daemon),
		TEST(test_unmount_that_hangs),
		TEST(test_in_use_is_lazy),
		TEST(test_wait_unmountable),
		TEST(test_wait_unmountable_traced),
		TEST(test_holder_that_works_in_it),
		TEST(test_abort_a_hang),
		TEST(test_abort_a_hang_traced),
		TEST(test_nothing_grows),
	};

	ft_test_deadline(280 + (unsigned int)(ft_test_cases(0) / 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
