/* SPDX-License-Identifier: MIT */
/*
 * Monitors on a real mount: bindfs, which every distribution has and which negotiates what most
 * filesystems do. What needs no mount is tested beside the units; other filesystems and the command
 * are tested in tests/live.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "process/mounts.h"
#include "source/source_kernel.h"
#include "testing.h"

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND)

#ifdef __SANITIZE_THREAD__ /* which cannot start threads in a forked child */
#define CHILD_FLAGS FUSETRACE_MONITOR_NO_THREAD
#else
#define CHILD_FLAGS 0
#endif

/* ---- a mount ---- */

struct mount {
	char base[32]; /* folder of its own, with the other two in it */
	char source[48];
	char point[48];
	pid_t daemon; /* 0: not running */
};

static struct mount own, other[2];
static struct fusetrace_monitor *monitors[4]; /* for tear_down() to free, after a failure too */

static const char *why_not(void)
{
	static struct fusetrace_error error;

	if (geteuid() != 0)
		return "not root";
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return "no /dev/fuse";
	if (access("/usr/bin/bindfs", X_OK) < 0)
		return "no bindfs";
	return ft_kernel_check(&error) < 0 ? error.text : NULL;
}

static const struct ft_mount *find_mount(const struct ft_mounts *mounts, const char *point)
{
	return ft_mounts_by_point(mounts, point);
}

static bool is_mounted(const char *point)
{
	struct ft_mounts mounts;
	bool result;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	result = find_mount(&mounts, point) != NULL;
	ft_mounts_done(&mounts);
	return result;
}

/* Until the mount table says so; it becomes readable by POLLPRI when it changes. */
static void await_mounted(const char *point)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	struct pollfd table = {
		.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
		.events = POLLPRI,
	};

	assert_true(table.fd >= 0);
	while (!is_mounted(point)) {
		assert_true(ft_now_ns() < deadline);
		poll(&table, 1, 100);
	}
	close(table.fd);
}

static void start_daemon(struct mount *mount)
{
	mount->daemon = fork();
	assert_true(mount->daemon >= 0);
	if (mount->daemon == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/usr/bin/bindfs", "bindfs", "-f", mount->source, mount->point, NULL);
		_exit(127);
	}
}

static void make_folders(struct mount *mount)
{
	strcpy(mount->base, "/tmp/monitor_live_XXXXXX");
	assert_non_null(mkdtemp(mount->base));
	snprintf(mount->source, sizeof(mount->source), "%s/source", mount->base);
	snprintf(mount->point, sizeof(mount->point), "%s/point", mount->base);
	assert_int_equal(mkdir(mount->source, 0755), 0);
	assert_int_equal(mkdir(mount->point, 0755), 0);
	mount->daemon = 0;
}

static void end_daemon(struct mount *mount)
{
	if (is_mounted(mount->point) && umount2(mount->point, 0) < 0)
		umount2(mount->point, MNT_DETACH | MNT_FORCE);
	if (mount->daemon > 0) {
		kill(mount->daemon, SIGCONT);
		kill(mount->daemon, SIGTERM);
		waitpid(mount->daemon, NULL, 0);
	}
	mount->daemon = 0;
}

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char child[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (unlink(child) < 0)
			remove_folder(child);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static void remove_mount(struct mount *mount)
{
	end_daemon(mount);
	if (!is_mounted(mount->point))
		remove_folder(mount->base);
}

static int set_up(void **state)
{
	if (why_not())
		return 0;
	memset(other, 0, sizeof(other));
	make_folders(&own);
	start_daemon(&own);
	await_mounted(own.point);
	return 0;
}

static int tear_down(void **state)
{
	if (why_not())
		return 0;
	remove_mount(&own);
	for (size_t i = 0; i < 2; i++) {
		if (other[i].base[0])
			remove_mount(&other[i]);
	}
	for (size_t i = 0; i < 4; i++)
		monitors[i] = fusetrace_monitor_free(monitors[i]);
	return 0;
}

static void skip_where_impossible(void)
{
	if (!why_not())
		return;
	print_message("# skipped: %s\n", why_not());
	skip();
}

/* The deadline of the whole run: what hangs on a mount is set free, and no mount stays behind. */
static void on_deadline(int signal)
{
	static const char message[] = "Bail out! the deadline has passed\n";
	ssize_t ignored = write(STDOUT_FILENO, message, sizeof(message) - 1);

	umount2(own.point, MNT_DETACH | MNT_FORCE);
	umount2(other[0].point, MNT_DETACH | MNT_FORCE);
	umount2(other[1].point, MNT_DETACH | MNT_FORCE);
	_exit(ignored > 0 ? 1 : 2); /* the daemons end with their parent */
}

static char *path_of(const struct mount *mount, const char *name)
{
	static _Thread_local char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", mount->point, name);
	return path;
}

static void write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(close(fd), 0);
}

static struct fusetrace_monitor *start_monitor(const struct fusetrace_monitor_opts *opts)
{
	struct fusetrace_monitor *monitor = NULL;
	struct fusetrace_error error = {0};

	if (fusetrace_monitor_new(opts, &monitor, &error) < 0 ||
	    fusetrace_monitor_start(monitor, &error) < 0)
		fail_msg("%s", error.text);
	for (size_t i = 0; i < 4; i++) {
		if (!monitors[i]) {
			monitors[i] = monitor;
			return monitor;
		}
	}
	fail_msg("too many monitors");
	return NULL;
}

static void free_monitor(struct fusetrace_monitor *monitor)
{
	for (size_t i = 0; i < 4; i++) {
		if (monitors[i] == monitor)
			monitors[i] = NULL;
	}
	assert_null(fusetrace_monitor_free(monitor));
}

static struct fusetrace_monitor *attach(void)
{
	return start_monitor(FUSETRACE_MONITOR_OPTS(.mount = own.point));
}

/* What went wrong is in the report. */
static void assert_wait(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			const struct fusetrace_match *match)
{
	struct fusetrace_report *report = NULL;

	if (fusetrace_wait(monitor, mark, match, SOON, NULL, &report) < 0)
		fail_msg("%s", fusetrace_report_text(report));
}

/* ---- operations ---- */

static void test_release(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;

	skip_where_impossible();
	monitor = attach();
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	assert_string_equal(fusetrace_monitor_mountpoint(monitor), own.point);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
		write_file(path_of(&own, "a.txt"));
		assert_wait(monitor, &mark,
			    FUSETRACE_MATCH(.op = "release", .path = "/a.txt",
					    .status = FUSETRACE_MATCH_OK));
		assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.op = "write")),
				 1);
		/* by its path in the file tree, too */
		assert_int_equal(fusetrace_wait(monitor, &mark,
						FUSETRACE_MATCH(.op = "write",
								.path = path_of(&own, "a.txt")),
						0, NULL, NULL),
				 0);
		assert_int_equal(fusetrace_wait_none(monitor, &mark,
						     FUSETRACE_MATCH(.op = "unlink,rename"), 0,
						     NULL, NULL),
				 0);
	}
	assert_int_equal(fusetrace_wait_idle(monitor, 10 * MS, SOON, NULL), 0);
	assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	free_monitor(monitor);
}

/* Everything was looked at before, so the kernel asks for no names any more. */
static void test_attach_in_use(void **state)
{
	struct fusetrace_monitor *monitor;
	struct dirent *entry;
	char file[PATH_MAX], folder[PATH_MAX];
	int open_fd, fd;
	struct stat status;
	DIR *dir;

	skip_where_impossible();
	snprintf(file, sizeof(file), "%s/d", own.source);
	assert_int_equal(mkdir(file, 0755), 0);
	snprintf(file, sizeof(file), "%s/d/f", own.source);
	write_file(file);
	snprintf(folder, sizeof(folder), "%s/d", own.point);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		;
	closedir(dir);
	snprintf(file, sizeof(file), "%s/d/f", own.point);
	open_fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(open_fd >= 0);
	assert_int_equal(stat(file, &status), 0);

	monitor = attach();
	fd = openat(open_fd, "", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, -1); /* not a directory: nothing to do with it */
	fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	close(open_fd);
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "open", .path = "/d/f"));
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/d/f"));
	snprintf(folder, sizeof(folder), "%s/e", own.point);
	snprintf(file, sizeof(file), "%s/d", own.point);
	assert_int_equal(rename(file, folder), 0);
	snprintf(file, sizeof(file), "%s/e/f", own.point);
	assert_int_equal(chmod(file, 0600), 0);
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "rename", .path = "/e"));
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "chmod", .path = "/e/f"));
	free_monitor(monitor);
}

#define THREADS 6
#define FILES 30

struct worker {
	pthread_t thread;
	struct fusetrace_monitor *monitor;
	int number;
	int result;
};

static void *work(void *data)
{
	struct worker *worker = data;
	char name[32], path[PATH_MAX];

	for (int i = 0; i < FILES && worker->result == 0; i++) {
		struct fusetrace_mark mark;
		int fd;

		snprintf(name, sizeof(name), "/t%d_%d", worker->number, i);
		snprintf(path, sizeof(path), "%s%s", own.point, name);
		worker->result = fusetrace_mark_now(worker->monitor, &mark);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		close(fd);
		if (worker->result == 0)
			worker->result = fusetrace_wait(
				worker->monitor, &mark,
				FUSETRACE_MATCH(.op = "release", .path = name), SOON, NULL, NULL);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct worker workers[THREADS];
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = attach();
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.monitor = monitor, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].result, 0);
	}
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "create")),
			 THREADS * FILES);
	free_monitor(monitor);
}

/* ---- mounts that come ---- */

static void test_pending(void **state)
{
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_PENDING);
	assert_null(fusetrace_monitor_mountpoint(monitor));
	write_file(path_of(&own, "other mount"));
	make_folders(&other[0]);
	start_daemon(&other[0]);
	assert_int_equal(fusetrace_monitor_follow(monitor, other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	assert_string_equal(fusetrace_monitor_mountpoint(monitor), other[0].point);
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "init", .status = FUSETRACE_MATCH_OK));
	write_file(path_of(&other[0], "a"));
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.path = "/other mount")),
			 0);
	end_daemon(&other[0]);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, SOON), 0);
	free_monitor(monitor);
}

/* What was lost before anybody could know whose it was may have been the new mount's. */
static void test_loss_while_pending(void **state)
{
	struct fusetrace_monitor *monitor;
	struct stat status;

	skip_where_impossible();
	monitor = start_monitor(
		FUSETRACE_MONITOR_OPTS(.ring_bytes = 4096, .flags = FUSETRACE_MONITOR_PENDING |
								    FUSETRACE_MONITOR_NO_THREAD));
	make_folders(&other[0]);
	start_daemon(&other[0]);
	await_mounted(other[0].point);
	for (int i = 0; i < 200; i++)
		stat(path_of(&other[0], "none"), &status);
	assert_int_equal(fusetrace_monitor_follow(monitor, other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	assert_true(fusetrace_lost(monitor, NULL) > 0);
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	end_daemon(&other[0]);
	free_monitor(monitor);
}

/* Both daemons are children of this process: each monitor gets its own one's mount. */
static void test_two_pending(void **state)
{
	struct fusetrace_monitor *pending[2];

	skip_where_impossible();
	for (int i = 0; i < 2; i++) {
		pending[i] =
			start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
		make_folders(&other[i]);
	}
	for (int i = 1; i >= 0; i--) {
		start_daemon(&other[i]);
		assert_int_equal(fusetrace_monitor_follow(pending[i], other[i].daemon), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fusetrace_wait_state(pending[i], FUSETRACE_STATE_MOUNTED, SOON),
				 0);
		assert_string_equal(fusetrace_monitor_mountpoint(pending[i]), other[i].point);
		assert_wait(pending[i], NULL, FUSETRACE_MATCH(.op = "init"));
	}
	for (int i = 0; i < 2; i++) {
		end_daemon(&other[i]);
		free_monitor(pending[i]);
	}
}

/* The kernel gives the number of the mount that went to the one that comes. */
static void test_pending_while_another_goes(void **state)
{
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING));
	end_daemon(&own);
	make_folders(&other[0]);
	start_daemon(&other[0]);
	assert_int_equal(fusetrace_monitor_follow(monitor, other[0].daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "init"));
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "init")), 1);
	end_daemon(&other[0]);
	free_monitor(monitor);
}

static uint32_t connection_of(const struct mount *mount)
{
	struct ft_mounts mounts;
	uint32_t connection;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	connection = find_mount(&mounts, mount->point)->connection;
	ft_mounts_done(&mounts);
	return connection;
}

/* Nobody looked between one mount going and the next one coming, which gets its number. */
static void exchange_unseen(struct mount *next)
{
	struct fusetrace_monitor *monitor;
	uint32_t before;

	skip_where_impossible();
	before = connection_of(&own);
	monitor = start_monitor(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING |
								FUSETRACE_MONITOR_NO_THREAD));
	end_daemon(&own);
	start_daemon(next);
	await_mounted(next->point);
	write_file(path_of(next, "a"));
	assert_int_equal(fusetrace_monitor_follow(monitor, next->daemon), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, SOON), 0);
	if (connection_of(next) != before)
		print_message("the number was given to somebody else\n");
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "init"));
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	end_daemon(next);
	free_monitor(monitor);
}

static void test_pending_unseen_exchange(void **state)
{
	make_folders(&other[0]);
	exchange_unseen(&other[0]);
}

static void test_pending_unseen_exchange_on_its_point(void **state)
{
	exchange_unseen(&own);
}

/* ---- mounts that go ---- */

struct waiting {
	pthread_t thread;
	struct fusetrace_monitor *monitor;
	int result;
	uint64_t ended_ns;
};

static void *wait_for_ever(void *data)
{
	struct waiting *waiting = data;

	waiting->result = fusetrace_wait(waiting->monitor, NULL,
					 FUSETRACE_MATCH(.op = "unlink", .path = "/never"),
					 FUSETRACE_FOREVER, NULL, NULL);
	waiting->ended_ns = ft_now_ns();
	return NULL;
}

static void start_waiting(struct waiting *waiting, struct fusetrace_monitor *monitor)
{
	waiting->monitor = monitor;
	assert_int_equal(pthread_create(&waiting->thread, NULL, wait_for_ever, waiting), 0);
	ft_test_await_waiters(monitor, 1);
}

static void test_unmount(void **state)
{
	skip_where_impossible();
	for (int i = 0; i < 5; i++) {
		struct fusetrace_monitor *monitor = attach();
		struct waiting waiting;
		uint64_t began_ns;

		write_file(path_of(&own, "a"));
		start_waiting(&waiting, monitor);
		began_ns = ft_now_ns();
		assert_int_equal(umount2(own.point, 0), 0);
		pthread_join(waiting.thread, NULL);
		assert_int_equal(waiting.result, -ENOTCONN);
		assert_true(waiting.ended_ns - began_ns < FUSETRACE_SECOND);
		/* its daemon ends because of that, which changes nothing any more */
		waitpid(own.daemon, NULL, 0);
		assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
						FUSETRACE_FOREVER, NULL, NULL),
				 -ENOTCONN);
		assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_UNMOUNTED);
		assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "write", .path = "/a"));
		free_monitor(monitor);
		start_daemon(&own);
		await_mounted(own.point);
	}
}

/* Nobody looked when the mount went; then another one got its number. */
static void test_replaced_unseen(void **state)
{
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = start_monitor(
		FUSETRACE_MONITOR_OPTS(.mount = own.point, .flags = FUSETRACE_MONITOR_NO_THREAD));
	end_daemon(&own);
	make_folders(&other[0]);
	start_daemon(&other[0]);
	await_mounted(other[0].point);
	write_file(path_of(&other[0], "stranger"));
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.path = "/stranger"), SOON,
					NULL, NULL),
			 -ENOTCONN);
	end_daemon(&other[0]);
	free_monitor(monitor);
}

/* Nobody looked when the filesystem ended, and then the monitor was stopped: what is a wait told? */
static int result_after_unseen_end(void (*end)(struct mount *))
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.path = "/never");
	struct fusetrace_monitor *monitor = start_monitor(
		FUSETRACE_MONITOR_OPTS(.mount = own.point, .flags = FUSETRACE_MONITOR_NO_THREAD));
	struct fusetrace_expect *expect;
	int r;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	end(&own);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	r = fusetrace_expect_wait(expect, SOON, NULL, NULL);
	fusetrace_expect_free(expect);
	free_monitor(monitor);
	return r;
}

static void kill_daemon(struct mount *mount)
{
	siginfo_t info;

	assert_int_equal(kill(mount->daemon, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)mount->daemon, &info, WEXITED | WNOWAIT), 0);
}

static void rule_15_an_end_that_nobody_saw_before_the_stop(void **state)
{
	skip_where_impossible();
	assert_int_equal(result_after_unseen_end(kill_daemon), -EPIPE);
	end_daemon(&own);
	start_daemon(&own);
	await_mounted(own.point);
	assert_int_equal(result_after_unseen_end(end_daemon), -ENOTCONN);
}

static void test_unmounted_before_the_start(void **state)
{
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = own.point), &monitor, NULL),
		0);
	monitors[0] = monitor;
	end_daemon(&own);
	fusetrace_monitor_start(monitor, NULL);
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, SOON, NULL, NULL), -ENOTCONN);
	free_monitor(monitor);
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

/* The daemon is stopped, so that a request stays without an answer; then it is killed. */
static void test_daemon_is_killed(void **state)
{
	struct fusetrace_monitor *monitor;
	struct waiting waiting;
	uint64_t began_ns, deadline = ft_deadline_ns(SOON);
	pthread_t thread;
	char path[PATH_MAX];
	pid_t pids[8];
	int counts[5] = {0};

	skip_where_impossible();
	monitor = attach();
	assert_int_equal(fusetrace_monitor_daemons(monitor, pids, 8), 1);
	assert_int_equal(pids[0], own.daemon);
	start_waiting(&waiting, monitor);
	assert_int_equal(kill(own.daemon, SIGSTOP), 0);
	snprintf(path, sizeof(path), "%s/stuck", own.point);
	assert_int_equal(pthread_create(&thread, NULL, stat_a_file, path), 0);
	while (!counts[FUSETRACE_STATUS_STARTED] && ft_now_ns() < deadline) {
		sched_yield();
		assert_int_equal(fusetrace_in_flight(monitor, NULL, count_status, counts), 0);
	}
	assert_int_equal(counts[FUSETRACE_STATUS_STARTED], 1);
	began_ns = ft_now_ns();
	assert_int_equal(kill(own.daemon, SIGKILL), 0);
	pthread_join(waiting.thread, NULL);
	assert_int_equal(waiting.result, -EPIPE);
	print_message("# EPIPE %llu us after SIGKILL\n",
		      (unsigned long long)(waiting.ended_ns - began_ns) / 1000);
	assert_true(waiting.ended_ns - began_ns < 500 * MS);
	pthread_join(thread, NULL);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_GONE);
	/* It is listed, and satisfies nothing. */
	memset(counts, 0, sizeof(counts));
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, count_status, counts), 0);
	assert_int_equal(counts[FUSETRACE_STATUS_UNKNOWN], 1);
	assert_int_equal(counts[FUSETRACE_STATUS_COMPLETED], 0);
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, SOON, NULL, NULL), -EPIPE);
	free_monitor(monitor);
}

/* ---- loss ---- */

static void test_ring_overflows(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	struct stat status;

	skip_where_impossible();
	/* Nobody reads meanwhile. */
	monitor = start_monitor(FUSETRACE_MONITOR_OPTS(.mount = own.point, .ring_bytes = 4096,
						       .flags = FUSETRACE_MONITOR_NO_THREAD));
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	write_file(path_of(&own, "a"));
	for (int i = 0; i < 200; i++)
		stat(path_of(&own, "none"), &status);
	assert_true(fusetrace_lost(monitor, &mark) > 0);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 10 * MS,
					NULL, NULL),
			 -EOVERFLOW);
	/* afterwards all is well again */
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(unlink(path_of(&own, "a")), 0);
	assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "unlink", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, &mark), 0);
	free_monitor(monitor);
}

/* ---- several monitors, no thread, many times ---- */

static void test_two_monitors(void **state)
{
	struct fusetrace_monitor *first, *second;

	skip_where_impossible();
	first = attach();
	write_file(path_of(&own, "a"));
	second = attach();
	write_file(path_of(&own, "b"));
	assert_wait(first, NULL, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_wait(first, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	assert_wait(second, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	assert_int_equal(fusetrace_count(second, NULL, FUSETRACE_MATCH(.op = "create")), 1);
	free_monitor(first);
	write_file(path_of(&own, "c"));
	assert_wait(second, NULL, FUSETRACE_MATCH(.op = "release", .path = "/c"));
	free_monitor(second);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_no_thread(void **state)
{
	struct fusetrace_reader *reader;
	struct fusetrace_monitor *monitor;
	struct fusetrace_op *op;
	struct pollfd descriptor = {.events = POLLIN};
	uint64_t deadline = ft_deadline_ns(SOON);
	int threads = count_threads();
	bool is_seen = false;

	skip_where_impossible();
	monitor = start_monitor(
		FUSETRACE_MONITOR_OPTS(.mount = own.point, .flags = FUSETRACE_MONITOR_NO_THREAD));
	assert_int_equal(count_threads(), threads);
	assert_int_equal(fusetrace_reader_new(monitor, NULL, &reader), 0);
	descriptor.fd = fusetrace_fd(monitor);
	assert_true(descriptor.fd >= 0);
	write_file(path_of(&own, "a"));
	while (!is_seen && ft_now_ns() < deadline) {
		poll(&descriptor, 1, 1000);
		assert_true(fusetrace_process(monitor) >= 0);
		while (fusetrace_reader_next(reader, &op, NULL) == 1)
			is_seen |= strcmp(fusetrace_op_name(op), "release") == 0;
	}
	assert_true(is_seen);
	fusetrace_reader_free(reader);
	/* A wait does the work itself. */
	write_file(path_of(&own, "b"));
	assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/b"));
	/* It notices the unmount, too. */
	end_daemon(&own);
	assert_int_equal(
		fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), SOON, NULL, NULL),
		-ENOTCONN);
	assert_int_equal(count_threads(), threads);
	free_monitor(monitor);
}

/* ---- own probes ---- */

static void list(const char *path)
{
	DIR *dir = opendir(path);
	struct stat status;

	assert_non_null(dir);
	for (struct dirent *at = readdir(dir); at; at = readdir(dir))
		assert_int_equal(fstatat(dirfd(dir), at->d_name, &status, 0), 0);
	closedir(dir);
}

/* All that a helper may do to find out whether something is there. */
static void probe(void)
{
	struct stat status;
	char byte;
	int fd;

	assert_int_equal(stat(path_of(&own, "missing"), &status), -1);
	assert_int_equal(stat(path_of(&own, "sub/file"), &status), 0);
	list(path_of(&own, "sub"));
	list(path_of(&own, ""));
	fd = open(path_of(&own, "sub/file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
}

static void *open_in_thread(void *data)
{
	int fd = open(path_of(&own, "sub/other"), O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd < 0 ? data : NULL;
}

static int print_op(struct fusetrace_op *op, void *data)
{
	print_message("# %s %s\n", fusetrace_op_name(op),
		      fusetrace_op_path(op) ? fusetrace_op_path(op) : "");
	return 0;
}

/* In a container it is not known who closed a file. */
static const struct fusetrace_match *match_of_probes(void)
{
	static struct fusetrace_match match = {
		.sz = sizeof(match),
		.op = "release,releasedir",
		.flags = FUSETRACE_MATCH_NOT,
	};
	struct stat status;

	assert_int_equal(stat("/proc/self/ns/pid", &status), 0);
	return status.st_ino == 0xEFFFFFFC ? NULL : &match;
}

static void assert_no_operation(struct fusetrace_monitor *monitor,
				const struct fusetrace_mark *mark)
{
	if (fusetrace_count(monitor, mark, match_of_probes()) == 0)
		return;
	fusetrace_foreach(monitor, mark, NULL, print_op, NULL);
	fail_msg("an own probe is an operation");
}

/* Beside the mount: the kernel knows nothing of it yet, so each name is asked for. */
static void make_files_beside(void)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sub", own.source);
	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/sub/%s", own.source, i ? "other" : "file");
		file = fopen(path, "we");
		assert_non_null(file);
		fputs("hello", file);
		fclose(file);
	}
}

/* What this thread does counts for nobody, but paths are learnt from it. */
static void test_own_probes(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	pthread_t thread;
	void *result;

	skip_where_impossible();
	make_files_beside();
	monitor = attach();
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
	for (int i = 0; i < 3; i++)
		probe();
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
	assert_no_operation(monitor, &mark);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, open_in_thread, &mark), 0);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/sub/other"));
	write_file(path_of(&own, "a")); /* this thread again */
	assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/a"));
	assert_int_equal(fusetrace_lost(monitor, &mark), 0);
	free_monitor(monitor);
}

/* On and off as fast as can be, while another thread works: each request is on the right side. */
static void *write_often(void *data)
{
	for (int i = 0; i < 200; i++)
		write_file(path_of(&own, "busy"));
	return NULL;
}

static void test_own_probes_among_others(void **state)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_mark mark;
	struct stat status;
	pthread_t thread;

	skip_where_impossible();
	monitor = attach();
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_often, NULL), 0);
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s-%d", i % 2 ? "seen" : "ignored", i);
		if (i % 2 == 0)
			assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 1), 0);
		assert_int_equal(stat(path_of(&own, name), &status), -1);
		if (i % 2 == 0)
			assert_int_equal(fusetrace_monitor_ignore(monitor, gettid(), 0), 0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.path = "/seen-*")), 250);
	assert_int_equal(fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.path = "/ignored-*")), 0);
	assert_int_equal(
		fusetrace_count(monitor, &mark, FUSETRACE_MATCH(.op = "write", .path = "/busy")),
		200);
	free_monitor(monitor);
}

struct stuck {
	struct fusetrace_monitor *monitor;
	int fd;
};

/* Asks a daemon that does not answer. */
static void *ask_in_vain(void *data)
{
	struct stuck *stuck = data;
	struct stat status;

	fusetrace_monitor_ignore(stuck->monitor, gettid(), 1);
	if (write(stuck->fd, "x", 1) != 1)
		return data;
	return (void *)(intptr_t)(stat(path_of(&own, "never"), &status) == 0);
}

/* The kernel has sent so many requests that are not answered. */
static void await_waiting(const char *point, long count)
{
	struct ft_mounts mounts;
	uint64_t deadline = ft_deadline_ns(SOON);
	char path[64];
	long waiting = 0;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/waiting",
		 find_mount(&mounts, point)->connection);
	ft_mounts_done(&mounts);
	while (waiting < count && ft_now_ns() < deadline) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		assert_int_equal(fscanf(file, "%ld", &waiting), 1);
		fclose(file);
		sched_yield();
	}
	assert_true(waiting >= count);
}

/* One that is in flight keeps nobody from being idle, and dies unseen with the daemon. */
static void test_own_probe_in_flight(void **state)
{
	struct stuck stuck;
	struct fusetrace_mark mark;
	pthread_t thread;
	void *result;
	int ends[2];
	char byte;

	skip_where_impossible();
	stuck.monitor = attach();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stuck.fd = ends[1];
	assert_int_equal(fusetrace_mark_now(stuck.monitor, &mark), 0);
	kill(own.daemon, SIGSTOP);
	assert_int_equal(pthread_create(&thread, NULL, ask_in_vain, &stuck), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	await_waiting(own.point, 1);
	assert_int_equal(fusetrace_wait_idle(stuck.monitor, 0, 0, NULL), 0);
	assert_int_equal(fusetrace_in_flight(stuck.monitor, NULL, print_op, NULL), 0);
	kill(own.daemon, SIGKILL);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(fusetrace_wait(stuck.monitor, &mark, NULL, SOON, NULL, NULL), -EPIPE);
	assert_no_operation(stuck.monitor, &mark);
	close(ends[0]);
	close(ends[1]);
	free_monitor(stuck.monitor);
}

/* ---- signals ---- */

static void on_user_signal(int signal)
{
}

struct put_off {
	struct fusetrace_expect *expect;
	pthread_t thread;
	int result;
	atomic_bool is_done;
};

static void *wait_for_a_signal(void *data)
{
	struct put_off *put_off = data;

	put_off->result = fusetrace_expect_wait(put_off->expect, SOON, NULL, NULL);
	atomic_store(&put_off->is_done, true);
	return NULL;
}

/* A wait that leads, and so sleeps on the ring itself, goes on where it was. */
static void test_signal_puts_a_wait_off(void **state)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "release", .path = "/a");
	struct put_off put_off = {.result = 0};
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = start_monitor(
		FUSETRACE_MONITOR_OPTS(.mount = own.point, .flags = FUSETRACE_MONITOR_EINTR));
	assert_int_equal(fusetrace_expect_new(monitor, NULL, &match, 1, 0, &put_off.expect, NULL),
			 0);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_user_signal}, NULL);
	assert_int_equal(pthread_create(&put_off.thread, NULL, wait_for_a_signal, &put_off), 0);
	while (!atomic_load(&put_off.is_done)) {
		pthread_kill(put_off.thread, SIGUSR1);
		sched_yield();
	}
	pthread_join(put_off.thread, NULL);
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(put_off.result, -EINTR);
	write_file(path_of(&own, "a"));
	assert_int_equal(fusetrace_expect_wait(put_off.expect, SOON, NULL, NULL), 0);
	fusetrace_expect_free(put_off.expect);
	free_monitor(monitor);
}

/* ---- threads and processes ---- */

/* A line of /proc/self/task/TID/status as a hexadecimal number. */
static uint64_t read_status(const char *tid, const char *key)
{
	char path[320], line[256];
	unsigned long long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0)
			number = strtoull(line + strlen(key), NULL, 16);
	}
	fclose(file);
	return number;
}

static bool is_named(const char *tid, const char *name)
{
	char path[320], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

/* What the thread of the library blocks; 0: it is not there. */
static uint64_t blocked_by_thread(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	uint64_t blocked = 0;

	assert_non_null(dir);
	while (!blocked && (entry = readdir(dir))) {
		if (is_named(entry->d_name, "fusetrace"))
			blocked = read_status(entry->d_name, "SigBlk:");
	}
	closedir(dir);
	return blocked;
}

/* Signals are for the program's own threads: Ctrl-C, a test framework's alarm. */
static void test_thread_blocks_signals(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGPROF};
	uint64_t deadline = ft_deadline_ns(SOON), blocked = 0;
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = attach();
	while (!blocked && ft_now_ns() < deadline) { /* it names itself when it begins to run */
		sched_yield();
		blocked = blocked_by_thread();
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_true(blocked >> (signals[i] - 1) & 1);
	free_monitor(monitor);
	assert_int_equal(blocked_by_thread(), 0);
}

static int lowest_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* FUSETRACE_TEST_CASES tells how often. */
static void test_start_and_stop(void **state)
{
	size_t times = ft_test_cases(200), allocated = 0;
	int threads = 0, descriptor = 0;

	skip_where_impossible();
	for (size_t i = 0; i < times; i++) {
		struct fusetrace_monitor *monitor = attach();

		if (i % 20 == 0) {
			write_file(path_of(&own, "a"));
			assert_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release"));
		}
		if (i % 2)
			assert_int_equal(fusetrace_monitor_stop(monitor), 0);
		free_monitor(monitor);
		if (i == 20) {
			threads = count_threads();
			descriptor = lowest_descriptor();
			allocated = ft_test_allocated();
		}
	}
	assert_int_equal(count_threads(), threads);
	assert_int_equal(lowest_descriptor(), descriptor);
	assert_true(ft_test_allocated() < allocated + 256 * 1024);
}

static void *stop(void *data)
{
	return (void *)(intptr_t)fusetrace_monitor_stop(data);
}

static void test_stopped_by_many_threads(void **state)
{
	skip_where_impossible();
	for (int i = 0; i < 10; i++) {
		struct fusetrace_monitor *monitor = attach();
		struct waiting waiting;
		pthread_t threads[4];
		void *result;

		start_waiting(&waiting, monitor);
		for (int j = 0; j < 4; j++)
			assert_int_equal(pthread_create(&threads[j], NULL, stop, monitor), 0);
		for (int j = 0; j < 4; j++) {
			pthread_join(threads[j], &result);
			assert_null(result);
		}
		pthread_join(waiting.thread, NULL);
		assert_int_equal(waiting.result, -ESHUTDOWN);
		free_monitor(monitor);
	}
}

/* ---- forks ---- */

static int in_forked_child(struct fusetrace_monitor *parents)
{
	struct fusetrace_monitor *monitor = NULL;
	int r;

	alarm(20);
	if (fusetrace_sync(parents) != -ECHILD)
		return 1;
	fusetrace_monitor_free(parents);
	r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = own.point, .flags = CHILD_FLAGS),
				  &monitor, NULL);
	if (r == 0)
		r = fusetrace_monitor_start(monitor, NULL);
	if (r < 0)
		return 2;
	close(open(path_of(&own, "child"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	r = fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "release", .path = "/child"), SOON,
			   NULL, NULL);
	fusetrace_monitor_free(monitor);
	return r == 0 ? 0 : 3;
}

static void test_fork(void **state)
{
	struct fusetrace_monitor *monitor;

	skip_where_impossible();
	monitor = attach();
	for (int i = 0; i < 3; i++) {
		struct fusetrace_mark mark;
		int status;
		pid_t pid;

		assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(in_forked_child(monitor));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		/* The parent's trace saw it as well, and goes on. */
		assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/child"));
		write_file(path_of(&own, "parent"));
		assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = "/parent"));
		assert_int_equal(fusetrace_lost(monitor, NULL), 0);
	}
	free_monitor(monitor);
}

#define live_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_release),
		live_test(test_attach_in_use),
		live_test(test_many_threads),
		live_test(test_pending),
		live_test(test_loss_while_pending),
		live_test(test_two_pending),
		live_test(test_pending_while_another_goes),
		live_test(test_pending_unseen_exchange),
		live_test(test_pending_unseen_exchange_on_its_point),
		live_test(test_unmount),
		live_test(rule_15_an_end_that_nobody_saw_before_the_stop),
		live_test(test_replaced_unseen),
		live_test(test_unmounted_before_the_start),
		live_test(test_daemon_is_killed),
		live_test(test_ring_overflows),
		live_test(test_two_monitors),
		live_test(test_no_thread),
		live_test(test_own_probes),
		live_test(test_own_probes_among_others),
		live_test(test_own_probe_in_flight),
		live_test(test_signal_puts_a_wait_off),
		live_test(test_thread_blocks_signals),
		live_test(test_start_and_stop),
		live_test(test_stopped_by_many_threads),
		live_test(test_fork),
	};

	signal(SIGALRM, on_deadline);
	ft_test_deadline(280);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
