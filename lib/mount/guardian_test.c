/* SPDX-License-Identifier: MIT */
/*
 * The library's side of the guardian, with the real program: many threads at once, one that is killed
 * meanwhile, fork(), and no descriptors left. What it then takes away is in tests/guardian/.
 */
#include "guardian.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "base/clock.h"
#include "testing.h"

#define MARK "FUSETRACE_DAEMON=1-00000000feedbeef"
#define THREADS 8
#define TURNS 60
#define SOON_NS UINT64_C(20000000000)

static char base[64];

static int set_up(void **state)
{
	const char *program = getenv("FUSETRACE_TEST_GUARDIAN");

	strcpy(base, "/tmp/guardian_lib_XXXXXX");
	if (!mkdtemp(base) || setenv("XDG_RUNTIME_DIR", base, 1) < 0)
		return -1;
	return program && access(program, X_OK) == 0 ? fusetrace_set_guardian(program) : 0;
}

static int tear_down(void **state)
{
	char path[96];

	fusetrace_set_guardian(NULL);
	snprintf(path, sizeof(path), "%s/fusetrace", base);
	rmdir(path);
	return rmdir(base);
}

static void skip_without_program(void)
{
	const char *program = getenv("FUSETRACE_TEST_GUARDIAN");

	if (program && access(program, X_OK) == 0)
		return;
	print_message("# skipped: FUSETRACE_TEST_GUARDIAN does not name the program\n");
	skip();
}

/* base/name, which is there. */
static char *make_directory(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", base, name);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	return path;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void await_gone(const char *path)
{
	uint64_t end_ns = ft_now_ns() + SOON_NS;

	while (exists(path)) {
		if (ft_now_ns() > end_ns)
			fail_msg("%s is still there", path);
		usleep(2000);
	}
}

/* ---- guardians of this process ---- */

static int pid_in(const char *fdinfo)
{
	FILE *file = fopen(fdinfo, "re");
	char line[128];
	int pid = 0;

	while (file && pid == 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pid: %d", &pid) != 1)
			pid = 0;
	}
	if (file)
		fclose(file);
	return pid;
}

static bool is_guardian(const char *number)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", number);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = '\0';
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%s/fdinfo/4", number);
	return strcmp(name, "fusetrace-guard\n") == 0 && pid_in(path) == (int)getpid();
}

/* Number of them; a signal for each, 0 none. */
static int guardians(int signal_number)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !is_guardian(entry->d_name))
			continue;
		count++;
		if (signal_number)
			kill((pid_t)atoi(entry->d_name), signal_number);
	}
	if (dir)
		closedir(dir);
	return count;
}

/* ---- threads ---- */

static atomic_int failures, running;

/* Registers, confirms and forgets; a number is nobody else's meanwhile. */
static void *register_and_forget(void *data)
{
	char mountpoint[64];

	snprintf(mountpoint, sizeof(mountpoint), "/nowhere/%s", (const char *)data);
	for (int i = 0; i < TURNS; i++) {
		int mount = ft_guardian_expect(mountpoint, MARK);
		int directory = ft_guardian_directory(mountpoint);

		failures += mount <= 0 || directory <= 0 || mount == directory;
		failures += ft_guardian_mounted(mount, 5, 6) != 0;
		ft_guardian_forget(mount);
		failures += ft_guardian_mounted(mount, 5, 6) != -ENOENT;
		ft_guardian_forget(directory);
		ft_guardian_forget(directory);
	}
	running--;
	return NULL;
}

typedef void disturb_fn(void);

static void with_threads(disturb_fn *disturb)
{
	static char names[THREADS][4] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	pthread_t threads[THREADS];

	failures = 0;
	running = THREADS;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, register_and_forget, names[i]),
				 0);
	while (disturb && running > 0)
		disturb();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failures, 0);
}

static void test_threads(void **state)
{
	skip_without_program();
	with_threads(NULL);
	assert_int_equal(guardians(0), 1);
}

static atomic_int killed;

static void kill_it(void)
{
	killed += guardians(SIGKILL);
	usleep(1000);
}

/* A call that starts another one may find that one killed, too: then it says so, and no more. */
static void *register_while_killed(void *data)
{
	uint64_t end_ns = ft_now_ns() + SOON_NS;

	for (int i = 0; i < TURNS || (killed == 0 && ft_now_ns() < end_ns); i++) {
		int entry = ft_guardian_directory("/nowhere");

		failures += entry == 0 || (entry < 0 && entry != -EPIPE);
		ft_guardian_forget(entry);
	}
	running--;
	return NULL;
}

/*
 * What was registered before is still known, and a guardian for it is there at the next call; one that
 * was being killed may have taken a message with it, which nobody notices before the one behind it.
 */
static void await_new_guardian(int entry)
{
	uint64_t end_ns = ft_now_ns() + SOON_NS;

	while (guardians(SIGKILL) > 0)
		usleep(1000);
	while (guardians(0) == 0) {
		assert_true(ft_now_ns() < end_ns);
		assert_int_equal(ft_guardian_mounted(entry, 0, 0), 0);
	}
	assert_int_equal(guardians(0), 1);
}

static void test_killed_meanwhile(void **state)
{
	pthread_t threads[THREADS];
	char path[128];
	int entry;

	skip_without_program();
	failures = killed = 0;
	running = THREADS;
	entry = ft_guardian_directory(make_directory("kept", path));
	assert_true(entry > 0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, register_while_killed, NULL);
	while (running > 0)
		kill_it();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failures, 0);
	assert_true(killed > 0);
	await_new_guardian(entry);
	assert_true(exists(path));
	ft_guardian_forget(entry);
	assert_int_equal(rmdir(path), 0);
}

/* ---- fork() ---- */

static void fork_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		ft_guardian_forget(1); /* of the parent's entries none is its own */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_fork_meanwhile(void **state)
{
	skip_without_program();
	with_threads(fork_once);
	assert_int_equal(guardians(0), 1);
}

/* The child's end takes away what is the child's, and nothing of its parent. */
static void test_child_has_its_own(void **state)
{
	char ours[128], its[128];
	int entry, status;
	pid_t pid;

	skip_without_program();
	make_directory("its", its);
	entry = ft_guardian_directory(make_directory("ours", ours));
	assert_true(entry > 0);
	pid = fork();
	if (pid == 0)
		_exit(ft_guardian_mounted(entry, 0, 0) == -ENOENT && ft_guardian_directory(its) > 0
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	await_gone(its);
	assert_true(exists(ours));
	assert_int_equal(ft_guardian_mounted(entry, 0, 0), 0);
	ft_guardian_forget(entry);
	assert_int_equal(rmdir(ours), 0);
}

/* It has closed all, and the socket's number is that of a file of its own: the child keeps it. */
static int use_the_number(void)
{
	int file, status;
	pid_t pid;

	if (ft_guardian_directory("/nowhere") <= 0)
		return 1;
	close_range(3, ~0U, 0);
	file = open("/dev/null", O_RDONLY);
	for (int i = 0; i < 20; i++)
		dup(file);
	pid = fork();
	if (pid == 0) {
		for (int fd = file; fd <= file + 20; fd++) {
			if (fcntl(fd, F_GETFD) < 0)
				_exit(2);
		}
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 2;
}

static void test_number_of_the_socket(void **state)
{
	int status;
	pid_t pid;

	skip_without_program();
	pid = fork(); /* with other descriptors closed, as sanitizers have some */
	if (pid == 0)
		_exit(use_the_number());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- descriptors ---- */

static int use_up(int *fds, int max)
{
	int count = 0;

	while (count < max && (fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		count++;
	return count;
}

/* Where no guardian can be started; one that was killed a moment ago may take a message with it. */
static int fail_to_register(void)
{
	uint64_t end_ns = ft_now_ns() + SOON_NS;
	int entry = 0;

	do {
		ft_guardian_forget(entry);
		entry = ft_guardian_directory("/nowhere");
	} while (entry > 0 && ft_now_ns() < end_ns);
	return entry;
}

/* With n of them left for it; all that it took is given back. */
static void with_left(int n, bool is_running)
{
	int fds[256], count, entry, before;

	entry = ft_guardian_directory("/nowhere");
	assert_true(entry > 0);
	before = ft_test_descriptors();
	if (!is_running)
		while (guardians(SIGKILL) > 0)
			usleep(1000);
	count = use_up(fds, 256);
	assert_true(count > n && count < 256);
	for (int i = 0; i < n; i++)
		close(fds[--count]);
	ft_guardian_forget(entry);
	entry = !is_running && n < 3 ? fail_to_register() : ft_guardian_directory("/nowhere");
	/* pidfd, both ends, the copies: five at the most */
	if (is_running || n >= 5)
		assert_true(entry > 0);
	else if (n < 3)
		assert_int_equal(entry, -EMFILE);
	while (count > 0)
		close(fds[--count]);
	ft_guardian_forget(entry);
	entry = ft_guardian_directory("/nowhere");
	assert_true(entry > 0);
	assert_int_equal(ft_test_descriptors(), before);
	ft_guardian_forget(entry);
}

static void test_descriptors_exhausted(void **state)
{
	struct rlimit limit, few;

	skip_without_program();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = (struct rlimit){128, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int n = 0; n < 7; n++) {
		with_left(n, true);
		with_left(n, false);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
	static char path[5 * 4096];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	skip_without_program();
	assert_int_equal(ft_guardian_directory(NULL), -EINVAL);
	assert_int_equal(ft_guardian_directory(""), -EINVAL); /* not the working directory */
	assert_int_equal(ft_guardian_directory(path), -ENAMETOOLONG);
	assert_int_equal(ft_guardian_expect("/a", NULL), -EINVAL);
	assert_int_equal(ft_guardian_expect("/a", ""), -EINVAL);
	assert_int_equal(ft_guardian_expect("", MARK), -EINVAL);
	assert_int_equal(ft_guardian_expect("/a", "HOME=/root"), -EINVAL);
	assert_int_equal(ft_guardian_expect("/a", "FUSETRACE_DAEMON="), -EINVAL);
	assert_int_equal(ft_guardian_mounted(0, 1, 1), -ENOENT);
	ft_guardian_forget(0);
	ft_guardian_forget(-1);
	assert_int_equal(fusetrace_set_guardian("relative"), -EINVAL);
}

/* A child registers path and ends; in the test's folder. */
static void leave(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(chdir(base) == 0 && ft_guardian_directory(path) > 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_ways_to_write_a_path(void **state)
{
	static const char *const ways[] = {"tree",          "tree/",   "./tree", "tree/.",
					   ".//tree/.//./", ".hidden", "...",    "./.hidden/"};
	char path[128], inside[160];

	skip_without_program();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		make_directory(strstr(ways[i], "tree")  ? "tree"
			       : strstr(ways[i], "hid") ? ".hidden"
							: "...",
			       path);
		snprintf(inside, sizeof(inside), "%s/inside", path);
		assert_int_equal(mkdir(inside, 0755), 0);
		leave(ways[i]);
		await_gone(path);
	}
}

/* The slash would lead to what it points at. */
static void test_link_with_a_slash(void **state)
{
	char tree[128], link[128], last[128];

	skip_without_program();
	make_directory("tree", tree);
	snprintf(link, sizeof(link), "%s/link", base);
	assert_int_equal(symlink("tree", link), 0);
	leave("link/");
	leave(make_directory("last", last)); /* by then the other's has had its time, too */
	await_gone(last);
	while (guardians(0) > 1)
		usleep(1000);
	assert_true(exists(tree));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(tree), 0);
}

static void test_program_that_is_missing(void **state)
{
	skip_without_program();
	while (guardians(SIGKILL) > 0)
		usleep(1000);
	assert_int_equal(fusetrace_set_guardian("/nowhere/guardian"), 0);
	assert_int_equal(fail_to_register(), -ENOENT);
	assert_int_equal(fusetrace_set_guardian("/dev/null"), 0);
	assert_int_equal(ft_guardian_directory("/nowhere"), -EACCES);
}

/* A child that is forked while other threads run is told these as leaks, when it ends. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_thread_leaks=0";
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_threads),
		TEST(test_killed_meanwhile),
		TEST(test_fork_meanwhile),
		TEST(test_child_has_its_own),
		TEST(test_number_of_the_socket),
		TEST(test_descriptors_exhausted),
		TEST(test_ways_to_write_a_path),
		TEST(test_link_with_a_slash),
		TEST(test_program_that_is_missing),
	};

	ft_test_deadline(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
