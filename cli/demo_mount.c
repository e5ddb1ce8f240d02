/* SPDX-License-Identifier: MIT */
/* See demo_mount.h. */
#include "demo_mount.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A program of ours: beside this one, where the build puts it (folder/name), or along PATH. */
static void find_program(const char *folder, const char *name, char *path, size_t size)
{
	char here[PATH_ROOM - 100];
	ssize_t length = readlink("/proc/self/exe", here, sizeof(here) - 1);
	char *slash;

	here[length > 0 ? length : 0] = '\0';
	slash = strrchr(here, '/');
	if (slash) {
		*slash = '\0';
		snprintf(path, size, "%s/%s", here, name);
		if (is_there(path))
			return;
		snprintf(path, size, "%s/%s/%s", here, folder, name);
		if (is_there(path))
			return;
	}
	snprintf(path, size, "%s", name);
}

/* The one of a build that is not installed; else the library knows where it is. */
static void find_guardian(void)
{
	char program[PATH_ROOM];

	find_program("../guardian", "fusetrace-guardian", program, sizeof(program));
	if (program[0] == '/')
		fusetrace_set_guardian(program);
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
	/* without a guardian the demonstration goes on */
	mount->guarded = fusetrace_guard_directory(mount->folder);
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
	struct fusetrace_error error = {0};
	int r;

	find_program("../fs/branchfs", "branchfs", program, sizeof(program));
	r = fusetrace_mount_start(
		FUSETRACE_MOUNT_OPTS(.argv = argv, .mountpoint = mount->mountpoint,
				     .monitor = mount->monitor,
				     .flags = FUSETRACE_MOUNT_EINTR | FUSETRACE_MOUNT_NEW_SESSION),
		&mount->mount, &error);
	if (r == -ENOENT)
		return fail(EXIT_CANNOT_RUN,
			    "branchfs is not there: install it beside fusetrace or "
			    "along PATH");
	if (r < 0)
		return fail(EXIT_SETUP, "cannot start %s: %s: try again", program, error.text);
	daemon_pid = fusetrace_mount_pid(mount->mount);
	r = fusetrace_mount_wait_ready(mount->mount, MOUNT_TIMEOUT_NS, &error);
	if (r < 0 && !is_interrupted)
		return fail(EXIT_SETUP, "branchfs could not mount: %s: see 'fusetrace doctor'",
			    error.text);
	return 0;
}

int demo_mount_start(struct demo_mount *mount, const char *options)
{
	int r;

	*mount = (struct demo_mount){.guarded = -1};
	r = start_monitor(mount);
	if (r)
		return r;
	find_guardian();
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
	alarm(0);
	/* the tour is over: nobody waits for what is late on purpose */
	if (is_interrupted && mount->mount)
		fusetrace_mount_abort(mount->mount);
	daemon_pid = 0;
	mount->mount = fusetrace_mount_free(mount->mount);
	mount->monitor = fusetrace_monitor_free(mount->monitor);
	if (mount->folder[0])
		nftw(mount->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	mount->folder[0] = '\0';
	fusetrace_guard_forget(mount->guarded);
}

const char *demo_path(const struct demo_mount *mount, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", mount->mountpoint, name);
	return path;
}
