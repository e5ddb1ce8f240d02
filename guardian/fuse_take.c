/* SPDX-License-Identifier: MIT */
/*
 * See fuse_mounts.h. Numbers of connections are given out again, and anybody may mount over a
 * mountpoint. So a mount is opened (O_PATH, which the daemon does not notice), recognised by the
 * descriptor, and unmounted through it: by path, another one could be met.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_identity.h"
#include "fuse_mounts.h"
#include "mount_ids.h"
#include "process/daemons.h"
#include "process/mounts.h"

#define HELPER_MS 10000
#define PROBE_MS 2000
#define HOLDERS_MAX 8
#define DEPTH_MAX 32 /* of mounts in mounts */

/* ---- asking ---- */

typedef bool question_fn(const void *about);

static void wait_for_end(pid_t pid, int milliseconds)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0)
		poll(&ended, 1, milliseconds);
}

/* By a process of its own, as it may hang: then it is not so. */
static bool is_so(question_fn *question, const void *about)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(question(about) ? 1 : 0);
	if (pid < 0)
		return false;
	wait_for_end(pid, PROBE_MS);
	if (waitpid(pid, &status, WNOHANG) != pid) {
		kill(pid, SIGKILL);
		return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool is_not_connected(const void *fd)
{
	struct statfs ignored;

	return fstatfs(*(const int *)fd, &ignored) < 0 && errno == ENOTCONN;
}

static bool can_be_opened(const void *path)
{
	return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) >= 0;
}

/* ---- whose mount it is ---- */

/*
 * Whether the mount that found is about is it. Where the kernel gives mounts no numbers of their own,
 * only at its own place: elsewhere it may be a bind mount of somebody else.
 */
static bool is_known_mount(struct leftover *leftover, const struct ft_file_identity *found,
			   bool is_here)
{
	if (found->device != leftover->connection)
		return false;
	if (leftover->mount_id && found->mount_id)
		return leftover->mount_id == found->mount_id;
	if (!is_here || !fuse_mount_is_alive(leftover))
		return false;
	leftover->mount_id = found->mount_id;
	return true;
}

/* An ending process first loses its memory, and so its program; then its descriptors. */
static bool is_ending(pid_t pid)
{
	char path[64], program[8];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, program, sizeof(program)) < 0 && errno == ENOENT;
}

/* No process serves it, as far as we see. */
static bool is_unserved(uint32_t connection)
{
	pid_t pids[HOLDERS_MAX];
	int count = ft_daemons_left(connection, pids, HOLDERS_MAX);

	if (count > HOLDERS_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		if (!is_ending(pids[i]))
			return false;
		wait_for_end(pids[i], PROBE_MS);
	}
	return true;
}

/* It came after the expectation: numbers only grow. */
static bool is_new(const struct leftover *leftover, uint64_t mount_id)
{
	return leftover->before && mount_id > leftover->before;
}

static bool is_expected_mount(const struct leftover *leftover, const struct processes *processes,
			      const struct ft_file_identity *found, int fd)
{
	bool is_later = is_new(leftover, found->mount_id);

	if (leftover->before && !is_later)
		return false;
	return processes_serve(processes, leftover, found->device) ||
	       (is_later && is_unserved(found->device) && is_so(is_not_connected, &fd));
}

static bool is_ours(struct leftover *leftover, const struct processes *processes,
		    const struct ft_file_identity *found, bool is_here, int fd)
{
	if (leftover->connection)
		return is_known_mount(leftover, found, is_here);
	if (!is_here || !is_expected_mount(leftover, processes, found, fd))
		return false;
	fuse_mount_learn(leftover, found->device, found->mount_id);
	return true;
}

static bool is_at(const struct ft_mount *mount, const char *path)
{
	return strcmp(mount->mountpoint, path) == 0;
}

/* An expected mount is known by the process that serves it, also when another one covers it. */
static void find_expected(struct leftover *leftover, const struct processes *processes,
			  const struct ft_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count && !leftover->connection; i++) {
		const struct ft_mount *mount = &mounts->entries[i];
		uint64_t mount_id;

		if (!is_at(mount, leftover->path) ||
		    !processes_serve(processes, leftover, mount->connection))
			continue;
		mount_id = mount_id_of(mount->id);
		if (!leftover->before || is_new(leftover, mount_id))
			fuse_mount_learn(leftover, mount->connection, mount_id);
	}
}

bool fuse_mount_may_be_below(const struct leftover *leftover)
{
	struct ft_mounts mounts;
	bool is_any = false;

	if (!leftover->path || leftover->connection || ft_mounts_read(&mounts) < 0)
		return false;
	for (size_t i = 0; i < mounts.count && !is_any; i++) {
		const struct ft_mount *mount = &mounts.entries[i];

		is_any = is_at(mount, leftover->path) && ft_mounts_is_covered(&mounts, mount->id) &&
			 is_new(leftover, mount_id_of(mount->id)) && is_unserved(mount->connection);
	}
	ft_mounts_done(&mounts);
	return is_any;
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

/* The id in mountinfo of the mount that fd lies on, which lasts as long as fd; 0: not to be had. */
static int id_of(int fd)
{
	FILE *file FT_AUTO_FCLOSE = NULL;
	char path[64], line[128];
	int id = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && id == 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "mnt_id: %d", &id) != 1)
			id = 0;
	}
	return id;
}

/* What is looked through for a leftover, and with whom. */
struct search {
	struct leftover *leftover;
	const struct processes *processes;
	const struct leftovers *all;
	struct ft_mounts mounts;
};

static bool is_one_of(const struct leftovers *all, const struct ft_mount *mount)
{
	ft_list_foreach (node, &all->list) {
		const struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		if (leftover->connection != mount->connection || !is_at(mount, leftover->path))
			continue;
		if (leftover->mount_id ? leftover->mount_id == mount_id_of(mount->id)
				       : fuse_mount_is_alive(leftover))
			return true;
	}
	return false;
}

/* Whether a mount lies in that one, or in one in it, that is nobody's of all: it would go along. */
static bool has_others(const struct ft_mounts *mounts, int id, const struct leftovers *all,
		       int depth)
{
	if (depth == DEPTH_MAX)
		return true;
	for (size_t i = 0; i < mounts->other_count; i++) {
		if (mounts->others[i].parent == id)
			return true;
	}
	for (size_t i = 0; i < mounts->count; i++) {
		const struct ft_mount *mount = &mounts->entries[i];

		if (mount->parent == id &&
		    (!is_one_of(all, mount) || has_others(mounts, mount->id, all, depth + 1)))
			return true;
	}
	return false;
}

/* Read anew, as it has been held by fd since. */
static bool holds_others(int fd, const struct leftovers *all)
{
	struct ft_mounts mounts;
	bool is_any;

	if (ft_mounts_read(&mounts) < 0)
		return true;
	is_any = has_others(&mounts, id_of(fd), all, 0);
	ft_mounts_done(&mounts);
	return is_any;
}

static bool lies_in_fuse(const struct ft_mounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const char *point = mounts->entries[i].mountpoint;
		size_t length = strlen(point);

		if (strncmp(point, path, length) == 0 && path[length] == '/')
			return true;
	}
	return false;
}

/* -1: problem says why, if it is worth telling. */
static int open_mount(const struct search *search, const char *path)
{
	int fd;

	if (lies_in_fuse(&search->mounts, path) && !is_so(can_be_opened, path)) {
		leftover_problem(search->leftover, "what it lies in does not answer");
		return -1;
	}
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		leftover_problem(search->leftover, "it cannot be reached: %s", strerror(errno));
	return fd;
}

/* What the helper did is seen by looking. */
static bool is_gone(const char *path, const struct ft_file_identity *found)
{
	struct ft_file_identity after;
	int r = found->mount_id ? mount_id_is_there(found->mount_id) : -ENODATA;

	if (r >= 0)
		return r == 0;
	return ft_file_identity(AT_FDCWD, path, &after) < 0 || after.device != found->device ||
	       after.mount_id != found->mount_id;
}

/* Whether the mount that is seen on path is the one, and is gone now. */
static bool take_at(struct search *search, const char *path)
{
	struct leftover *leftover = search->leftover;
	int fd FT_AUTO_CLOSE = open_mount(search, path);
	struct ft_file_identity found;
	int r;

	if (fd < 0 || ft_file_identity(fd, "", &found) < 0 ||
	    !is_ours(leftover, search->processes, &found, strcmp(path, leftover->path) == 0, fd))
		return false;
	if (holds_others(fd, search->all)) {
		leftover_problem(leftover, "another mount lies in it");
		return false;
	}
	r = unmount(fd, path);
	if (r == 0 && is_gone(path, &found))
		return true;
	leftover_problem(leftover, "it cannot be unmounted: %s", strerror(r < 0 ? -r : EPERM));
	return false;
}

bool fuse_mount_take(struct leftover *leftover, const struct processes *processes,
		     const struct leftovers *all)
{
	struct search search = {.leftover = leftover, .processes = processes, .all = all};
	bool is_taken = false;

	if (!leftover->path || ft_mounts_read(&search.mounts) < 0)
		return false;
	find_expected(leftover, processes, &search.mounts);
	for (size_t i = search.mounts.count; i-- > 0 && !is_taken;) {
		const struct ft_mount *mount = &search.mounts.entries[i];

		/* its directory, or one above, may have got another name */
		if (is_at(mount, leftover->path) ||
		    (leftover->connection && mount->connection == leftover->connection))
			is_taken = take_at(&search, mount->mountpoint);
	}
	ft_mounts_done(&search.mounts);
	if (!is_taken && !leftover->problem[0] && leftover->connection &&
	    fuse_mount_is_there(leftover))
		leftover_problem(leftover, "another mount covers it");
	return is_taken;
}
