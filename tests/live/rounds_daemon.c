/* SPDX-License-Identifier: MIT */
/*
 * The filesystem of rounds_daemon.h, on libfuse's low-level API: every request of the kernel is one
 * function here. File number N has the nodeid N + 2, and exists from its CREATE to its UNLINK.
 */
#define FUSE_USE_VERSION 35

#include "rounds_daemon.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FILE (FUSE_ROOT_ID + 1)
#define MICROSECOND 1000L

static struct rounds_truth *truth;
static atomic_bool does_exist[ROUNDS_FILES_MAX];
static _Atomic uint64_t random_state;

uint64_t rounds_handle(unsigned int file, uint64_t count)
{
	return (uint64_t)(file + 1) << 40 | count;
}

/* A multiplicative generator, good enough to vary times; any thread. */
static uint64_t next_random(void)
{
	uint64_t mixed = atomic_fetch_add(&random_state, 0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return mixed ^ (mixed >> 31);
}

/* Half of the releases are done at once, most others within 0.3 ms, a few take up to 10 ms. */
static void take_time(void)
{
	uint64_t random = next_random();
	long limit = random % 64 == 1 ? 10000 : 300;
	struct timespec time = {.tv_nsec = (long)(random >> 8) % limit * MICROSECOND};

	if (random % 2 == 1)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static bool parse_name(const char *name, unsigned int *ret_file)
{
	char rest;

	return sscanf(name, "f%u%c", ret_file, &rest) == 1 && *ret_file < ROUNDS_FILES_MAX;
}

static struct stat attributes(fuse_ino_t nodeid)
{
	bool is_root = nodeid == FUSE_ROOT_ID;

	return (struct stat){
		.st_ino = nodeid,
		.st_mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0644,
		.st_nlink = is_root ? 2 : 1,
	};
}

static struct fuse_entry_param entry_of(unsigned int file)
{
	return (struct fuse_entry_param){.ino = FIRST_FILE + file,
					 .attr = attributes(FIRST_FILE + file)};
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	unsigned int file;

	if (!parse_name(name, &file) || !does_exist[file]) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	entry = entry_of(file);
	fuse_reply_entry(request, &entry);
}

static void on_getattr(fuse_req_t request, fuse_ino_t nodeid, struct fuse_file_info *info)
{
	struct stat status = attributes(nodeid);

	fuse_reply_attr(request, &status, 0);
}

static void on_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *info)
{
	struct fuse_entry_param entry;
	unsigned int file;

	if (!parse_name(name, &file)) {
		fuse_reply_err(request, EINVAL);
		return;
	}
	does_exist[file] = true;
	info->fh = rounds_handle(file, atomic_fetch_add(&truth->created[file], 1) + 1);
	entry = entry_of(file);
	fuse_reply_create(request, &entry, info);
}

static void on_write(fuse_req_t request, fuse_ino_t nodeid, const char *data, size_t size,
		     off_t offset, struct fuse_file_info *info)
{
	fuse_reply_write(request, size);
}

static void on_release(fuse_req_t request, fuse_ino_t nodeid, struct fuse_file_info *info)
{
	take_time();
	atomic_fetch_add(&truth->released[nodeid - FIRST_FILE], 1);
	fuse_reply_err(request, 0);
}

static void on_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	unsigned int file;

	if (parse_name(name, &file))
		does_exist[file] = false;
	fuse_reply_err(request, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.create = on_create,
	.write = on_write,
	.release = on_release,
	.unlink = on_unlink,
};

static int serve(const char *mountpoint)
{
	char program[] = "rounds";
	char *words[] = {program, NULL};
	struct fuse_args arguments = FUSE_ARGS_INIT(1, words);
	struct fuse_loop_config settings = {.max_idle_threads = 4};
	struct fuse_session *session =
		fuse_session_new(&arguments, &operations, sizeof(operations), NULL);
	int r = -1;

	if (!session)
		return -1;
	if (fuse_set_signal_handlers(session) == 0) {
		if (fuse_session_mount(session, mountpoint) == 0) {
			r = fuse_session_loop_mt(session, &settings);
			fuse_session_unmount(session);
		}
		fuse_remove_signal_handlers(session);
	}
	fuse_session_destroy(session);
	fuse_opt_free_args(&arguments);
	return r;
}

/* False when the parent ended before it had said so. */
static bool wait_for_go(pid_t parent)
{
	int r;

	do {
		r = getppid() == parent ? sem_wait(&truth->may_mount) : -1;
	} while (r < 0 && getppid() == parent);
	return r == 0;
}

pid_t rounds_daemon_start(const char *mountpoint, struct rounds_truth *shared, unsigned int seed)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	int r;

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	truth = shared;
	random_state = seed;
	r = wait_for_go(parent) ? serve(mountpoint) : -1;
	rmdir(mountpoint);
	_exit(r >= 0 ? 0 : 1); /* more than 0: a signal ended the loop */
}
