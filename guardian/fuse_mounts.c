/* SPDX-License-Identifier: MIT */
/*
 * See fuse_mounts.h. Numbers of connections are given out again, and anybody may mount over a
 * mountpoint. So a mount is opened (O_PATH, which the daemon does not notice), recognised by the
 * descriptor, and unmounted through it: by path, another one could be met.
 */
#include "fuse_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_identity.h"
#include "process/daemons.h"
#include "process/mounts.h"

#define CONNECTIONS "/sys/fs/fuse/connections"
#define HELPER_MS 10000
#define PROBE_MS 2000
#define HOLDERS_MAX 8

/* ---- connections ---- */

/* 0: there is none, or fusectl is not mounted. */
static uint64_t connection_identity(uint32_t connection)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), CONNECTIONS "/%u", connection);
	return stat(path, &status) == 0 ? status.st_ino : 0;
}

void fuse_mount_learn(struct leftover *leftover, uint32_t connection)
{
	leftover->connection = connection;
	leftover->identity = connection_identity(connection);
}

bool fuse_mount_is_alive(const struct leftover *leftover)
{
	uint64_t identity = leftover->connection ? connection_identity(leftover->connection) : 0;

	return identity != 0 && identity == leftover->identity;
}

bool fuse_mount_abort(const struct leftover *leftover)
{
	int fd FT_AUTO_CLOSE = -1;
	char path[64];

	if (!fuse_mount_is_alive(leftover))
		return false;
	snprintf(path, sizeof(path), CONNECTIONS "/%u/abort", leftover->connection);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "1", 1) == 1;
}

/* ---- whose mount it is ---- */

static bool is_known_mount(const struct leftover *leftover, const struct ft_file_identity *found)
{
	uint64_t identity;

	if (found->device != leftover->connection)
		return false;
	if (leftover->mount_id && found->mount_id)
		return leftover->mount_id == found->mount_id;
	identity = connection_identity(found->device);
	return identity != 0 && identity == leftover->identity;
}

/* An ending process first loses its memory, and so its program; then its descriptors. */
static bool is_ending(pid_t pid)
{
	char path[64], program[8];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, program, sizeof(program)) < 0 && errno == ENOENT;
}

static void wait_for_end(pid_t pid, int milliseconds)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0)
		poll(&ended, 1, milliseconds);
}

/*
 * The mount of fd has no daemon any more. The question is asked by a process of its own: if there is
 * a daemon after all, which we may not see, it may hang.
 */
static bool is_not_connected(int fd)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct statfs ignored;

		_exit(fstatfs(fd, &ignored) < 0 && errno == ENOTCONN ? 1 : 0);
	}
	if (pid < 0)
		return false;
	wait_for_end(pid, PROBE_MS);
	if (waitpid(pid, &status, WNOHANG) != pid) {
		kill(pid, SIGKILL);
		return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool is_dead(uint32_t connection, int fd)
{
	pid_t pids[HOLDERS_MAX];
	int count = ft_daemons_of_connection(connection, pids, HOLDERS_MAX);

	if (count > HOLDERS_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		if (!is_ending(pids[i]))
			return false;
		wait_for_end(pids[i], PROBE_MS);
	}
	return is_not_connected(fd);
}

static bool is_expected_mount(const struct leftover *leftover, const struct processes *processes,
			      const struct ft_file_identity *found, int fd)
{
	bool is_new = leftover->before && found->mount_id && leftover->before != found->mount_id;

	if (leftover->before && !is_new)
		return false;
	return processes_serve(processes, leftover, found->device) ||
	       (is_new && is_dead(found->device, fd));
}

static bool is_ours(struct leftover *leftover, const struct processes *processes,
		    const struct ft_file_identity *found, int fd)
{
	if (leftover->connection)
		return is_known_mount(leftover, found);
	if (!is_expected_mount(leftover, processes, found, fd))
		return false;
	fuse_mount_learn(leftover, found->device);
	leftover->mount_id = found->mount_id;
	return true;
}

bool fuse_mount_is_there(const struct leftover *leftover)
{
	struct ft_mounts mounts;
	uint64_t identity;
	bool is_there = false;

	if (!leftover->connection || ft_mounts_read(&mounts) < 0)
		return false;
	for (size_t i = 0; i < mounts.count; i++)
		is_there |= mounts.entries[i].connection == leftover->connection &&
			    strcmp(mounts.entries[i].mountpoint, leftover->path) == 0;
	ft_mounts_done(&mounts);
	identity = connection_identity(leftover->connection);
	return is_there && (identity == 0 || identity == leftover->identity);
}

/* ---- unmounting ---- */

static void wait_for_helper(pid_t pid)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0 && poll(&ended, 1, HELPER_MS) != 1)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* For those who may not unmount themselves. */
static int unmount_by_helper(const char *path)
{
	char *argv[] = {(char *)"fusermount3", (char *)"-u", (char *)"-z", (char *)"-q",
			(char *)"--",          (char *)path, NULL};
	posix_spawnattr_t attributes;
	sigset_t all;
	pid_t pid;
	int r;

	sigfillset(&all);
	if (posix_spawnattr_init(&attributes) != 0)
		return -ENOMEM;
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (r == 0)
		wait_for_helper(pid);
	return -r;
}

/* fd is the mount's root. */
static int unmount(int fd, const char *path)
{
	char handle[64];

	snprintf(handle, sizeof(handle), "/proc/self/fd/%d", fd);
	if (umount2(handle, MNT_DETACH) == 0)
		return 0;
	return errno == EPERM ? unmount_by_helper(path) : -errno;
}

/* Whether the mount that is seen on path is the one, and is gone now. */
static bool take_at(struct leftover *leftover, const struct processes *processes, const char *path)
{
	int fd FT_AUTO_CLOSE = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct ft_file_identity found, after;
	int r;

	if (fd < 0 || ft_file_identity(fd, "", &found) < 0 ||
	    !is_ours(leftover, processes, &found, fd))
		return false;
	r = unmount(fd, path);
	/* What the helper did is seen by looking. */
	if (r == 0 && (ft_file_identity(AT_FDCWD, path, &after) < 0 ||
		       after.device != found.device || after.mount_id != found.mount_id))
		return true;
	leftover_problem(leftover, "it cannot be unmounted: %s", strerror(r < 0 ? -r : EPERM));
	return false;
}

bool fuse_mount_take(struct leftover *leftover, const struct processes *processes)
{
	struct ft_mounts mounts;
	bool is_taken = false, is_covered = false;

	if (!leftover->path || ft_mounts_read(&mounts) < 0)
		return false;
	for (size_t i = mounts.count; i-- > 0 && !is_taken;) {
		const struct ft_mount *mount = &mounts.entries[i];
		/* its directory, or one above, may have got another name */
		bool is_it = leftover->connection && mount->connection == leftover->connection;
		bool is_here = strcmp(mount->mountpoint, leftover->path) == 0;

		if (!is_it && !is_here)
			continue;
		is_taken = take_at(leftover, processes, mount->mountpoint);
		is_covered |= is_it && is_here && !is_taken;
	}
	ft_mounts_done(&mounts);
	if (is_covered && !leftover->problem[0])
		leftover_problem(leftover, "another mount covers it");
	return is_taken;
}
