/* SPDX-License-Identifier: MIT */
/*
 * See tree.h. Each step is taken from the descriptor of the directory above, by openat2(2), which
 * refuses to cross into another mount, a bind mount too, and to follow a link: nobody can lead us
 * elsewhere by exchanging a directory meanwhile.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_identity.h"
#include "process/mounts.h"

/* Descriptors and stack that a deep tree may take; what lies deeper is moved up first. */
#define DEPTH_MAX 200
#define NAMES_MAX 100 /* that something in the tree may have already */

struct removal {
	int root;
	unsigned int moved; /* directories that were moved up to the root */
	unsigned int names; /* that were tried for them */
	int error;          /* the first one, positive */
};

static void failed(struct removal *removal, int error)
{
	if (removal->error == 0)
		removal->error = error;
}

static int open_below(int directory, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));
}

/* Also one that its owner may not read; a mode never keeps rm -r of the owner from it either. */
static int open_directory(int parent, const char *name)
{
	int fd = open_below(parent, name, O_RDONLY | O_DIRECTORY);
	char path[64];
	int handle FT_AUTO_CLOSE = -1;

	if (fd >= 0 || errno != EACCES)
		return fd;
	handle = open_below(parent, name, O_PATH | O_DIRECTORY);
	if (handle < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	if (chmod(path, 0700) < 0)
		return -1;
	return open_below(parent, name, O_RDONLY | O_DIRECTORY);
}

static void empty(struct removal *removal, int directory, int depth);

/* Directory name in parent is too deep: it is removed when it is the root's. */
static void move_up(struct removal *removal, int parent, const char *name)
{
	char to[64];

	for (int attempt = 0; attempt < NAMES_MAX; attempt++) {
		snprintf(to, sizeof(to), ".fusetrace-%d-%u", (int)getpid(), removal->names++);
		if (renameat(parent, name, removal->root, to) == 0) {
			removal->moved++;
			return;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			break;
	}
	failed(removal, errno);
}

static void remove_directory(struct removal *removal, int parent, const char *name, int depth)
{
	int fd;

	if (depth == DEPTH_MAX) {
		move_up(removal, parent, name);
		return;
	}
	fd = open_directory(parent, name);
	if (fd < 0) {
		failed(removal, errno);
		return;
	}
	empty(removal, fd, depth + 1);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		failed(removal, errno);
}

/* Takes directory, and removes all that is in it. */
static void empty(struct removal *removal, int directory, int depth)
{
	struct dirent *entry;
	DIR *listing;

	fchmod(directory, 0700); /* if it is not ours, the next call says so */
	listing = fdopendir(directory);
	if (!listing) {
		failed(removal, errno);
		close(directory);
		return;
	}
	while ((entry = readdir(listing))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno == EISDIR || (errno == EPERM && entry->d_type == DT_DIR))
			remove_directory(removal, directory, name, depth);
		else
			failed(removal, errno);
	}
	closedir(listing);
}

/* As often as there were deep directories. */
static int empty_root(int root)
{
	struct removal removal = {.root = root};
	unsigned int moved;

	do {
		int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return errno;
		moved = removal.moved;
		removal.error = 0;
		empty(&removal, fd, 0);
	} while (removal.moved != moved);
	return removal.error;
}

static bool is_same(int fd, const struct leftover *leftover)
{
	struct ft_file_identity found;
	struct stat status;

	/* registered before it was made */
	if (leftover->inode == 0)
		return fstat(fd, &status) == 0 && status.st_uid == geteuid();
	return ft_file_identity(fd, "", &found) == 0 && found.device == leftover->device &&
	       found.inode == leftover->inode && found.born_ns == leftover->born_ns;
}

/* A daemon that hangs would hang us. */
static bool lies_on_fuse(const char *path, const char **ret_reason)
{
	const struct ft_mount *mount;
	struct ft_mounts mounts;

	*ret_reason = "it lies on a FUSE filesystem";
	if (ft_mounts_read(&mounts) < 0) {
		*ret_reason = "the mounts cannot be read";
		return true;
	}
	if (ft_mounts_find(&mounts, path, &mount) != 0)
		*ret_reason = NULL;
	ft_mounts_done(&mounts);
	return *ret_reason != NULL;
}

/* The directory above, and the name in it; the path itself may lead through links up to there. */
static int open_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char *parent FT_AUTO_FREE = strndup(path, slash == path ? 1 : (size_t)(slash - path));

	if (!parent)
		return -1;
	*ret_name = slash + 1;
	return open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void remove_same(struct leftover *leftover, int parent, const char *name, int root,
			deed_fn *tell, void *data)
{
	char handle[64];
	int error;

	snprintf(handle, sizeof(handle), "/proc/self/fd/%d", root);
	chmod(handle, 0700); /* if it is not ours, the next call says so */
	error = empty_root(root);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT && error == 0)
		error = errno;
	leftover->is_done = error == 0;
	if (error == EXDEV || error == EBUSY)
		leftover_problem(leftover, "something is mounted in it");
	else if (error != 0)
		leftover_problem(leftover, "it cannot be removed: %s", strerror(error));
	else if (tell)
		tell(&(struct deed){"removed", leftover->path, 0, NULL}, data);
}

static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

void tree_remove(struct leftover *leftover, deed_fn *tell, void *data)
{
	int parent FT_AUTO_CLOSE = -1, root FT_AUTO_CLOSE = -1;
	const char *reason, *name = "";

	if (lies_on_fuse(leftover->path, &reason)) {
		leftover_problem(leftover, "%s", reason);
		return;
	}
	parent = open_parent(leftover->path, &name);
	if (parent >= 0 && (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
		leftover_problem(leftover, "its path does not end in a name");
		return;
	}
	/* By the kernel, not by comparing paths: they may be written in many ways. */
	root = parent < 0 ? -1 : open_below(parent, name, O_PATH | O_DIRECTORY);
	if (root < 0 && errno == EXDEV)
		leftover_problem(leftover, "something is mounted on it");
	else if (root < 0 && !is_absent(errno))
		leftover_problem(leftover, "it cannot be opened: %s", strerror(errno));
	else if (root < 0 || !is_same(root, leftover))
		leftover->is_done = true;
	else
		remove_same(leftover, parent, name, root, tell, data);
}
