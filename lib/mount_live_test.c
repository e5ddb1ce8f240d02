/* SPDX-License-Identifier: MIT */
/*
 * The life of a daemon on real mounts: branchfs, which can be told to misbehave, and shell scripts
 * around it for what daemons do to their processes.
 */
#include <dirent.h>
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
#include "daemons.h"
#include "mounts.h"
#include "process_file.h"
#include "source_kernel.h"
#include "testing.h"

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND)
/* A wait that fails does so within this time of the death; one of two processors may be busy. */
#define AT_ONCE (50 * MS)
#define SLACK (250 * MS)

/* ---- a daemon ---- */

static struct folder {
	char base[64];
	char branch[80];
	char point[80];
} folder;
static struct fusetrace_mount *mounted;
static struct fusetrace_monitor *monitor;
static struct fusetrace_error error;

static const char *branchfs(void)
{
	const char *path = getenv("FUSETRACE_TEST_BRANCHFS");

	return path ? path : "branchfs";
}

static const char *why_not(void)
{
	static struct fusetrace_error reason;

	if (geteuid() != 0)
		return "not root";
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return "no /dev/fuse";
	if (access(branchfs(), X_OK) < 0)
		return "no branchfs";
	return ft_kernel_check(&reason) < 0 ? reason.text : NULL;
}

static bool is_mounted(const char *point)
{
	struct ft_mounts mounts;
	bool result;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	result = ft_mounts_by_point(&mounts, point) != NULL;
	ft_mounts_done(&mounts);
	return result;
}

static int set_up(void **state)
{
	if (why_not())
		return 0;
	memset(&error, 0, sizeof(error));
	strcpy(folder.base, "/tmp/mount_live_XXXXXX");
	if (!mkdtemp(folder.base))
		return -1;
	snprintf(folder.branch, sizeof(folder.branch), "%s/branch", folder.base);
	snprintf(folder.point, sizeof(folder.point), "%s/point", folder.base);
	return mkdir(folder.branch, 0755) < 0 || mkdir(folder.point, 0755) < 0 ? -1 : 0;
}

static void remove_tree(const char *path)
{
	char *argv[] = {"rm", "-rf", "--one-file-system", "--", (char *)path, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static int tear_down(void **state)
{
	if (why_not())
		return 0;
	mounted = fusetrace_mount_free(mounted);
	monitor = fusetrace_monitor_free(monitor);
	assert_false(is_mounted(folder.point));
	remove_tree(folder.base);
	return 0;
}

static void skip_where_impossible(void)
{
	if (!why_not())
		return;
	print_message("# skipped: %s\n", why_not());
	skip();
}

static void make_monitor(void)
{
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING),
				      &monitor, &error),
		0);
	if (fusetrace_monitor_start(monitor, &error) < 0)
		fail_msg("%s", error.text);
}

static void start(char *const argv[])
{
	if (fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv, .mountpoint = folder.point,
						       .monitor = monitor,
						       .flags = FUSETRACE_MOUNT_NEW_SESSION),
				  &mounted, &error) < 0)
		fail_msg("%s", error.text);
}

/* branchfs with an option, or NULL; in the foreground unless is_background. */
static void start_branchfs(const char *option, bool is_background)
{
	char *argv[] = {(char *)branchfs(),
			is_background ? "-orw" : "-f",
			"-o",
			(char *)(option ? option : "rw"),
			folder.branch,
			folder.point,
			NULL};

	start(argv);
}

/* A script that finds branchfs as $0, the branch as $1 and the mountpoint as $2. */
static void start_script(const char *text)
{
	char *argv[] = {"sh",          "-c",         (char *)text, (char *)branchfs(),
			folder.branch, folder.point, NULL};

	start(argv);
}

static void be_ready(void)
{
	if (fusetrace_mount_wait_ready(mounted, SOON, &error) < 0)
		fail_msg("%s", error.text);
	assert_string_equal(fusetrace_mount_point(mounted), folder.point);
	assert_true(is_mounted(folder.point));
}

static struct fusetrace_stop stop_within(uint64_t unmount_ns)
{
	struct fusetrace_stop stop;

	if (fusetrace_mount_stop(mounted,
				 FUSETRACE_STOP_OPTS(.unmount_ns = unmount_ns, .busy_ns = 100 * MS,
						     .term_ns = 300 * MS),
				 &stop, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(fusetrace_mount_pids(mounted, NULL, 0), 0);
	assert_false(is_mounted(folder.point));
	return stop;
}

static void assert_text(const char *text)
{
	if (!strstr(error.text, text))
		fail_msg("'%s' is not in: %s", text, error.text);
}

static void fail_to_mount(int code, const char *text)
{
	uint64_t began = ft_now_ns();

	assert_int_equal(fusetrace_mount_wait_ready(mounted, SOON, &error), code);
	assert_true(ft_now_ns() - began < SOON / 2);
	assert_text(text);
}

static void write_file(const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder.point, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* ---- a life ---- */

static void live(bool is_traced, bool is_background)
{
	struct fusetrace_stop stop;

	skip_where_impossible();
	if (is_traced)
		make_monitor();
	start_branchfs(NULL, is_background);
	be_ready();
	write_file("a", "x");
	assert_true(fusetrace_mount_pids(mounted, NULL, 0) >= 1); /* its parent may still end */
	stop = stop_within(0);
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
	skip_where_impossible();
	make_monitor();
	start_branchfs(NULL, false);
	be_ready();
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "init")), 1);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "statfs")), 0);
}

static void test_whatever_it_mounts(void **state)
{
	char *argv[] = {(char *)branchfs(), "-f", folder.branch, folder.point, NULL};

	skip_where_impossible();
	assert_int_equal(
		fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv), &mounted, &error), 0);
	be_ready();
	stop_within(0);
}

static void test_again(void **state)
{
	struct fusetrace_stop first, second;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	first = stop_within(0);
	second = stop_within(0);
	assert_memory_equal(&first, &second, sizeof(first));
}

static void test_free_stops(void **state)
{
	struct ft_process_stat stat;
	pid_t pid;

	skip_where_impossible();
	start_branchfs(NULL, true);
	be_ready();
	assert_int_equal(fusetrace_mount_pids(mounted, &pid, 1), 1);
	mounted = fusetrace_mount_free(mounted);
	assert_true(ft_process_stat(pid, 0, &stat) < 0 || stat.state == 'Z');
	assert_false(is_mounted(folder.point));
}

/* ---- what daemons do to their processes ---- */

static void test_double_fork(void **state)
{
	skip_where_impossible();
	start_script("( ( exec \"$0\" -f \"$1\" \"$2\" ) & ) ; exit 0");
	be_ready();
	stop_within(0);
}

static void test_reexec(void **state)
{
	skip_where_impossible();
	start_script("exec sh -c 'exec \"$0\" \"$@\"' \"$0\" \"$1\" \"$2\"");
	be_ready();
	assert_int_equal(stop_within(0).step, FUSETRACE_STOP_UNMOUNT);
}

/* It is known by the connection that it holds. */
static void test_environment_is_cleared(void **state)
{
	skip_where_impossible();
	start_script("env -i \"$0\" -f \"$1\" \"$2\" & wait");
	be_ready();
	assert_int_equal(stop_within(0).step, FUSETRACE_STOP_UNMOUNT);
}

static void test_closed_outputs(void **state)
{
	skip_where_impossible();
	start_script("exec \"$0\" -f \"$1\" \"$2\" >&- 2>&-");
	be_ready();
	stop_within(0);
}

/* Nobody who prints waits for us, and the last lines are there. */
static void test_prints_without_end(void **state)
{
	skip_where_impossible();
	make_monitor();
	start_script("yes >&2 & \"$0\" -f \"$1\" \"$2\"; kill $!; wait $! 2>/dev/null; exit 0");
	be_ready();
	write_file("a", "x");
	stop_within(0);
}

static int take_line(const char *line, size_t length, void *data)
{
	snprintf(data, 32, "%s", line);
	return 0;
}

static void test_last_lines(void **state)
{
	char line[32] = "";

	skip_where_impossible();
	start_script("echo out; echo err >&2; exec \"$0\" -f \"$1\" \"$2\"");
	be_ready();
	assert_int_equal(fusetrace_mount_log_lines(mounted, take_line, line), 0);
	assert_true(strcmp(line, "out") == 0 || strcmp(line, "err") == 0);
}

/* ---- what does not mount ---- */

static void test_exit_code(void **state)
{
	skip_where_impossible();
	start_script("echo no such disk >&2; exit 3");
	fail_to_mount(-EPIPE, "it ended with exit code 3 after");
	assert_text("no such disk");
}

static void test_killed_before_mounting(void **state)
{
	skip_where_impossible();
	start_script("kill -9 $$");
	fail_to_mount(-EPIPE, "it was killed by signal 9 (SIGKILL) after");
}

static void test_exit_0_without_a_mount(void **state)
{
	skip_where_impossible();
	start_script("exit 0");
	fail_to_mount(-EPIPE, "but nothing is mounted");
}

static void test_no_such_program(void **state)
{
	char *argv[] = {"/no/such/program", NULL};

	skip_where_impossible();
	assert_int_equal(
		fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv), &mounted, &error),
		-ENOENT);
	assert_text("cannot be started");
}

static void test_never_mounts(void **state)
{
	struct fusetrace_stop stop;

	skip_where_impossible();
	start_script("exec cat /dev/zero >/dev/null");
	assert_int_equal(fusetrace_mount_wait_ready(mounted, 50 * MS, &error), -ETIMEDOUT);
	assert_text("nothing was mounted within");
	stop = stop_within(0);
	assert_int_equal(stop.step, FUSETRACE_STOP_TERM);
	assert_int_equal(stop.status, SIGTERM);
}

static void test_does_not_answer(void **state)
{
	skip_where_impossible();
	start_branchfs("hang=*", false);
	assert_int_equal(fusetrace_mount_wait_ready(mounted, FUSETRACE_SECOND, &error), -ETIMEDOUT);
	assert_text("it is mounted, but has not answered within");
	stop_within(1);
}

static void test_stopped_before_mounting(void **state)
{
	skip_where_impossible();
	start_script("kill -STOP $$; exec \"$0\" -f \"$1\" \"$2\"");
	assert_int_equal(fusetrace_mount_wait_ready(mounted, 200 * MS, &error), -ETIMEDOUT);
	assert_text("its process is stopped");
	kill(fusetrace_mount_pid(mounted), SIGCONT);
	be_ready();
}

/* ---- the steps of a stop ---- */

static void test_ignores_sigterm(void **state)
{
	struct fusetrace_stop stop;
	char text[256];

	skip_where_impossible();
	start_script("trap '' TERM; \"$0\" -f \"$1\" \"$2\"; exec cat /dev/zero >/dev/null");
	be_ready();
	stop = stop_within(100 * MS);
	assert_int_equal(stop.step, FUSETRACE_STOP_KILL);
	assert_true(stop.step_ns[FUSETRACE_STOP_TERM] >= 300 * MS);
	fusetrace_stop_text(&stop, text, sizeof(text));
	assert_non_null(strstr(text, "SIGKILL"));
	assert_non_null(strstr(text, "was killed by signal 9 (SIGKILL)"));
	fusetrace_stop_json(&stop, text, sizeof(text));
	assert_non_null(strstr(text, "\"step\":\"kill\""));
	assert_non_null(fusetrace_mount_last_stacks(mounted));
}

static void test_dead_daemon(void **state)
{
	struct fusetrace_stop stop;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	kill(fusetrace_mount_pid(mounted), SIGKILL);
	stop = stop_within(0);
	assert_int_equal(stop.step, FUSETRACE_STOP_UNMOUNT);
	assert_int_equal(stop.status, SIGKILL);
}

static void test_unmounted_by_somebody_else(void **state)
{
	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	assert_int_equal(umount2(folder.point, 0), 0);
	assert_true(stop_within(0).step <= FUSETRACE_STOP_UNMOUNT);
}

static void test_stopped_daemon(void **state)
{
	struct fusetrace_stop stop;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	kill(fusetrace_mount_pid(mounted), SIGSTOP);
	stop = stop_within(100 * MS);
	assert_true(stop.flags & FUSETRACE_STOP_WAS_STOPPED);
	assert_true(stop.step >= FUSETRACE_STOP_TERM);
}

/* What the kernel has gathered cannot be written back: umount(2) itself hangs. */
static void test_unmount_that_hangs(void **state)
{
	struct fusetrace_stop stop;
	uint64_t began;

	skip_where_impossible();
	start_branchfs("writeback_cache", false);
	be_ready();
	write_file("a", "x");
	kill(fusetrace_mount_pid(mounted), SIGSTOP);
	began = ft_now_ns();
	stop = stop_within(200 * MS);
	assert_true(ft_now_ns() - began < SOON);
	assert_true(stop.flags & FUSETRACE_STOP_WAS_STOPPED);
}

/* ---- in use ---- */

static void test_in_use_is_lazy(void **state)
{
	struct fusetrace_stop stop;
	char path[160];
	int fd;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	write_file("a", "x");
	snprintf(path, sizeof(path), "%s/a", folder.point);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	stop = stop_within(2 * FUSETRACE_SECOND);
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

	skip_where_impossible();
	if (is_traced)
		make_monitor();
	start_branchfs(NULL, false);
	be_ready();
	write_file("a", "x");
	snprintf(path, sizeof(path), "%s/a", folder.point);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, 20 * MS, &error), -ETIMEDOUT);
	assert_text("open file");
	assert_text(path);
	assert_int_equal(pthread_create(&thread, NULL, close_later, &fd), 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, SOON, &error), 0);
	/* Twice: the question unmounts nothing. */
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, SOON, &error), 0);
	assert_true(is_mounted(folder.point));
	pthread_join(thread, NULL);
	assert_int_equal(umount2(folder.point, UMOUNT_NOFOLLOW), 0);
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, 0, &error), -EPIPE);
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

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	pid = fork();
	if (pid == 0) {
		if (chdir(folder.point) == 0)
			execlp("sleep", "sleep", "60", NULL);
		_exit(1);
	}
	for (int i = 0; i < 2000 && !strstr(what, "sleep:"); i++) {
		fusetrace_mount_holders(mounted, name_what, what);
		usleep(1000);
	}
	assert_string_equal(what, "sleep:working directory");
	kill(pid, SIGKILL); /* its end is the event */
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, SOON, &error), 0);
	waitpid(pid, NULL, 0);
}

/* ---- others' mounts ---- */

static void test_covered(void **state)
{
	struct fusetrace_stop stop;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	assert_int_equal(syscall(SYS_mount, "none", folder.point, "tmpfs", 0, NULL), 0);
	assert_int_equal(fusetrace_mount_stop(mounted, NULL, &stop, &error), -EBUSY);
	assert_text("another mount lies on");
	assert_int_equal(fusetrace_mount_pids(mounted, NULL, 0), 1);
	assert_int_equal(fusetrace_mount_wait_unmountable(mounted, 20 * MS, &error), -ETIMEDOUT);
	assert_int_equal(umount2(folder.point, 0), 0);
	stop_within(0);
}

static void test_two_on_one_point(void **state)
{
	struct fusetrace_mount *below;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	below = mounted;
	start_branchfs(NULL, false);
	be_ready();
	assert_true(fusetrace_mount_connection(mounted) != fusetrace_mount_connection(below));
	assert_int_equal(fusetrace_mount_wait_unmountable(below, 0, &error), -ETIMEDOUT);
	mounted = fusetrace_mount_free(mounted);
	assert_true(is_mounted(folder.point));
	mounted = below;
	stop_within(0);
}

static void test_replaced(void **state)
{
	struct fusetrace_mount *old;

	skip_where_impossible();
	start_branchfs(NULL, false);
	be_ready();
	assert_int_equal(umount2(folder.point, 0), 0);
	old = mounted;
	start_branchfs(NULL, false);
	be_ready();
	fusetrace_mount_free(old);
	assert_true(is_mounted(folder.point));
	write_file("a", "x");
	stop_within(0);
}

/* ---- hangs ---- */

static void *make_folder(void *data)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/hangs", folder.point);
	*(int *)data = mkdir(path, 0700) < 0 ? -errno : 0;
	return NULL;
}

static void abort_a_hang(bool is_traced)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	const char *stacks = "";
	pthread_t thread;
	int result = 0;

	skip_where_impossible();
	if (is_traced)
		make_monitor();
	start_branchfs("hang=mkdir", false);
	be_ready();
	assert_int_equal(pthread_create(&thread, NULL, make_folder, &result), 0);
	while (!strstr(stacks, "caller") && ft_now_ns() < deadline) {
		assert_int_equal(fusetrace_mount_take_stacks(mounted, FUSETRACE_ON_HANG_REPORT), 0);
		stacks = fusetrace_mount_last_stacks(mounted);
	}
	assert_non_null(strstr(stacks, "daemon"));
	assert_non_null(strstr(stacks, "request_wait_answer"));
	assert_int_equal(fusetrace_mount_take_stacks(mounted, FUSETRACE_ON_HANG_ABORT), 0);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ECONNABORTED);
	stop_within(0);
	assert_int_equal(fusetrace_mount_abort(mounted), -ENOENT);
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

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_nothing_grows(void **state)
{
	struct fusetrace_monitor *engine = NULL;
	size_t cases = ft_test_cases(30), before = 0;
	int descriptors = 0;

	skip_where_impossible();
	/* Keeps the engine, which is then not set up again and again. */
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &engine, &error),
		0);
	assert_int_equal(fusetrace_monitor_start(engine, &error), 0);
	for (size_t i = 0; i < cases; i++) {
		start_branchfs(NULL, i % 2);
		be_ready();
		stop_within(0);
		mounted = fusetrace_mount_free(mounted);
		if (i == cases / 3) {
			before = ft_test_allocated();
			descriptors = count_descriptors();
		}
	}
	fusetrace_monitor_free(engine);
	assert_true(count_descriptors() <= descriptors);
	assert_true(ft_test_allocated() < before + 64 * 1024);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
		TEST(test_covered),
		TEST(test_two_on_one_point),
		TEST(test_replaced),
		TEST(test_abort_a_hang),
		TEST(test_abort_a_hang_traced),
		TEST(test_nothing_grows),
	};

	ft_test_deadline(280);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
