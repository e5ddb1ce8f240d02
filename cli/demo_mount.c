/* SPDX-License-Identifier: MIT */
/* See demo_mount.h. */
#include "demo_mount.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "message.h"

#define MOUNT_TIMEOUT_NS (10 * FUSETRACE_SECOND)
/* Far more than the demonstration takes. */
#define LIMIT_S 60
#define PATH_ROOM 4096

/* ---- interruption ---- */

static volatile sig_atomic_t is_interrupted;
static volatile pid_t daemon_pid;

/* Without its daemon a mount answers everything at once, so nothing keeps us from cleaning up. */
static void interrupt(int signal)
{
	is_interrupted = 1;
	if (daemon_pid > 0)
		kill(daemon_pid, SIGKILL);
}

bool demo_is_interrupted(void)
{
	return is_interrupted;
}

static void handle_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
	struct sigaction action = {.sa_handler = interrupt};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	alarm(LIMIT_S);
}

/* ---- the daemon ---- */

static bool is_there(const char *path)
{
	return access(path, X_OK) == 0;
}

/* Beside this program, where the build puts it, or along PATH. */
static void find_branchfs(char *path, size_t size)
{
	static const char *const places[] = {"branchfs", "../fs/branchfs/branchfs"};
	char here[PATH_ROOM];
	ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);
	char *slash;

	here[length > 0 ? length : 0] = '\0';
	slash = strrchr(here, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, "%.*s/%s", (int)(slash - here), here, places[i]);
		if (is_there(path))
			return;
	}
	snprintf(path, size, "branchfs");
}

static int make_folders(struct demo_mount *mount)
{
	const char *parent = getenv("TMPDIR");

	snprintf(mount->folder, sizeof(mount->folder), "%s/fusetrace-demo-XXXXXX",
		 parent && parent[0] == '/' && strlen(parent) < 200 ? parent : "/tmp");
	if (!mkdtemp(mount->folder)) {
		mount->folder[0] = '\0';
		return -errno;
	}
	snprintf(mount->branch, sizeof(mount->branch), "%s/branch", mount->folder);
	snprintf(mount->mountpoint, sizeof(mount->mountpoint), "%s/mnt", mount->folder);
	if (mkdir(mount->branch, 0700) < 0 || mkdir(mount->mountpoint, 0700) < 0)
		return -errno;
	return 0;
}

static int start_monitor(struct demo_mount *mount)
{
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING),
				      &mount->monitor, &error);

	if (r == 0)
		r = fusetrace_monitor_start(mount->monitor, &error);
	error.code = r;
	return r < 0 ? fail_error(&error) : 0;
}

static int start_daemon(struct demo_mount *mount, const char *options)
{
	char program[PATH_ROOM];
	char *argv[] = {program,           "-f", "-o", (char *)options, mount->branch,
			mount->mountpoint, NULL};
	int r;

	find_branchfs(program, sizeof(program));
	r = child_start(&mount->daemon, argv, &(struct child_opts){.is_ours = true});
	if (r < 0)
		return fail(EXIT_SETUP, "cannot start %s: %s: try again", program, strerror(-r));
	daemon_pid = mount->daemon.pid;
	r = fusetrace_monitor_follow(mount->monitor, mount->daemon.pid);
	for (int i = 0; r == 0 && i < 100; i++) {
		r = fusetrace_wait_state(mount->monitor, FUSETRACE_STATE_MOUNTED,
					 MOUNT_TIMEOUT_NS / 100);
		if (r != -ETIMEDOUT || child_poll(&mount->daemon) || is_interrupted)
			break;
		r = 0;
	}
	if (child_poll(&mount->daemon) && child_exec_error(&mount->daemon))
		return fail(EXIT_CANNOT_RUN,
			    "branchfs is not there: install it beside fusetrace or "
			    "along PATH");
	if (r < 0 && !is_interrupted)
		return fail(EXIT_SETUP, "branchfs could not mount: %s: see 'fusetrace doctor'",
			    fusetrace_strerror(r));
	return 0;
}

int demo_mount_start(struct demo_mount *mount, const char *options)
{
	int r;

	*mount = (struct demo_mount){.daemon.error_fd = -1};
	r = start_monitor(mount);
	if (r)
		return r;
	r = make_folders(mount);
	if (r < 0)
		return fail(EXIT_SETUP, "cannot make a folder in the temporary one: %s: set TMPDIR",
			    strerror(-r));
	handle_signals();
	return start_daemon(mount, options);
}

/* ---- the end ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	remove(path);
	return 0;
}

void demo_mount_done(struct demo_mount *mount)
{
	bool was_mounted = mount->monitor && fusetrace_monitor_mountpoint(mount->monitor);

	child_stop(&mount->daemon);
	daemon_pid = 0;
	alarm(0);
	if (was_mounted)
		umount2(mount->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
	mount->monitor = fusetrace_monitor_free(mount->monitor);
	child_done(&mount->daemon);
	if (mount->folder[0])
		nftw(mount->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	mount->folder[0] = '\0';
}

const char *demo_path(const struct demo_mount *mount, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", mount->mountpoint, name);
	return path;
}
