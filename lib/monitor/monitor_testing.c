/* SPDX-License-Identifier: MIT */
/* See monitor_testing.h. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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
#include "monitor_testing.h"
#include "process/mounts.h"
#include "testing.h"

#define BINDFS "/usr/bin/bindfs"

struct live_mount live_own, live_other[2];
static struct fusetrace_monitor *monitors[4]; /* for live_tear_down(), after a failure too */

static const char *why_not(void)
{
	return ft_test_why_no_mounts(BINDFS);
}

/* Until the mount table says so; it becomes readable by POLLPRI when it changes. */
void live_await_mounted(const char *point)
{
	uint64_t deadline = ft_deadline_ns(SOON);
	struct pollfd table = {
		.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
		.events = POLLPRI,
	};

	assert_true(table.fd >= 0);
	while (!ft_test_is_mounted(point)) {
		assert_true(ft_now_ns() < deadline);
		poll(&table, 1, 100);
	}
	close(table.fd);
}

uint32_t live_connection(const char *point)
{
	struct ft_mounts mounts;
	uint32_t connection;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	connection = ft_mounts_by_point(&mounts, point)->connection;
	ft_mounts_done(&mounts);
	return connection;
}

void live_start_daemon(struct live_mount *mount)
{
	mount->daemon = fork();
	assert_true(mount->daemon >= 0);
	if (mount->daemon == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(BINDFS, "bindfs", "-f", mount->source, mount->point, NULL);
		_exit(127);
	}
}

void live_make_folders(struct live_mount *mount)
{
	strcpy(mount->base, "/tmp/monitor_live_XXXXXX");
	assert_non_null(mkdtemp(mount->base));
	snprintf(mount->source, sizeof(mount->source), "%s/source", mount->base);
	snprintf(mount->point, sizeof(mount->point), "%s/point", mount->base);
	assert_int_equal(mkdir(mount->source, 0755), 0);
	assert_int_equal(mkdir(mount->point, 0755), 0);
	mount->daemon = 0;
}

void live_end_daemon(struct live_mount *mount)
{
	if (ft_test_is_mounted(mount->point) && umount2(mount->point, 0) < 0)
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

static void remove_mount(struct live_mount *mount)
{
	live_end_daemon(mount);
	if (!ft_test_is_mounted(mount->point))
		remove_folder(mount->base);
}

int live_set_up(void **state)
{
	if (why_not())
		return 0;
	memset(live_other, 0, sizeof(live_other));
	live_make_folders(&live_own);
	live_start_daemon(&live_own);
	live_await_mounted(live_own.point);
	return 0;
}

int live_tear_down(void **state)
{
	if (why_not())
		return 0;
	remove_mount(&live_own);
	for (size_t i = 0; i < 2; i++) {
		if (live_other[i].base[0])
			remove_mount(&live_other[i]);
	}
	for (size_t i = 0; i < 4; i++)
		monitors[i] = fusetrace_monitor_free(monitors[i]);
	return 0;
}

void live_skip_where_impossible(void)
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

	umount2(live_own.point, MNT_DETACH | MNT_FORCE);
	umount2(live_other[0].point, MNT_DETACH | MNT_FORCE);
	umount2(live_other[1].point, MNT_DETACH | MNT_FORCE);
	_exit(ignored > 0 ? 1 : 2); /* the daemons end with their parent */
}

char *live_path(const struct live_mount *mount, const char *name)
{
	static _Thread_local char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", mount->point, name);
	return path;
}

void live_write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(close(fd), 0);
}

void live_keep(struct fusetrace_monitor *monitor)
{
	size_t place = 0;

	while (place < 4 && monitors[place])
		place++;
	assert_true(place < 4);
	monitors[place] = monitor;
}

struct fusetrace_monitor *live_start_monitor(const struct fusetrace_monitor_opts *opts)
{
	struct fusetrace_monitor *monitor = NULL;
	struct fusetrace_error error = {0};

	if (fusetrace_monitor_new(opts, &monitor, &error) < 0 ||
	    fusetrace_monitor_start(monitor, &error) < 0)
		fail_msg("%s", error.text);
	live_keep(monitor);
	return monitor;
}

void live_free_monitor(struct fusetrace_monitor *monitor)
{
	for (size_t i = 0; i < 4; i++) {
		if (monitors[i] == monitor)
			monitors[i] = NULL;
	}
	assert_null(fusetrace_monitor_free(monitor));
}

struct fusetrace_monitor *live_attach(void)
{
	return live_start_monitor(FUSETRACE_MONITOR_OPTS(.mount = live_own.point));
}

/* What went wrong is in the report. */
void live_assert_wait(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		      const struct fusetrace_match *match)
{
	struct fusetrace_report *report = NULL;

	if (fusetrace_wait(monitor, mark, match, SOON, NULL, &report) < 0)
		fail_msg("%s", fusetrace_report_text(report));
}

static void *wait_for_ever(void *data)
{
	struct live_waiting *waiting = data;

	waiting->result = fusetrace_wait(waiting->monitor, NULL,
					 FUSETRACE_MATCH(.op = "unlink", .path = "/never"),
					 FUSETRACE_FOREVER, NULL, NULL);
	waiting->ended_ns = ft_now_ns();
	return NULL;
}

void live_start_waiting(struct live_waiting *waiting, struct fusetrace_monitor *monitor)
{
	waiting->monitor = monitor;
	assert_int_equal(pthread_create(&waiting->thread, NULL, wait_for_ever, waiting), 0);
	ft_test_await_waiters(monitor, 1);
}

int live_count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

void live_deadline(void)
{
	signal(SIGALRM, on_deadline);
	ft_test_deadline(280);
}
