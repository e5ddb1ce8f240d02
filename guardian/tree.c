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

struct removal {
	int root;
	unsigned int moved; /* directories that were moved up to the root */
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

	snprintf(to, sizeof(to), ".fusetrace-%d-%u", (int)getpid(), removal->moved);
	if (renameat(parent, name, removal->root, to) < 0)
		failed(removal, errno);
	else
		removal->moved++;
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

/* Why it may not even be looked at, or NULL: a daemon that hangs would hang us. */
static const char *why_not(const char *path)
{
	const struct ft_mount *mount;
	const char *reason = NULL;
	struct ft_mounts mounts;

	if (ft_mounts_read(&mounts) < 0)
		return "the mounts cannot be read";
	if (ft_mounts_find(&mounts, path, &mount) == 0)
		reason = "it lies on a FUSE filesystem";
	for (size_t i = 0; !reason && i < mounts.other_count; i++) {
		if (strcmp(mounts.others[i].mountpoint, path) == 0)
			reason = "something is mounted on it";
	}
	ft_mounts_done(&mounts);
	return reason;
}

static void remove_same(struct leftover *leftover, int root, deed_fn *tell, void *data)
{
	char handle[64];
	int error;

	snprintf(handle, sizeof(handle), "/proc/self/fd/%d", root);
	chmod(handle, 0700); /* if it is not ours, the next call says so */
	error = empty_root(root);
	if (unlinkat(AT_FDCWD, leftover->path, AT_REMOVEDIR) < 0 && errno != ENOENT && error == 0)
		error = errno;
	leftover->is_done = error == 0;
	if (error == EXDEV || error == EBUSY)
		leftover_problem(leftover, "something is mounted in it");
	else if (error != 0)
		leftover_problem(leftover, "it cannot be removed: %s", strerror(error));
	else if (tell)
		tell(&(struct deed){"removed", leftover->path, 0, NULL}, data);
}

void tree_remove(struct leftover *leftover, deed_fn *tell, void *data)
{
	const char *reason = why_not(leftover->path);
	int root FT_AUTO_CLOSE = -1;

	if (reason) {
		leftover_problem(leftover, "%s", reason);
		return;
	}
	root = open(leftover->path, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 && errno != ENOENT && errno != ENOTDIR)
		leftover_problem(leftover, "it cannot be opened: %s", strerror(errno));
	else if (root < 0 || !is_same(root, leftover))
		leftover->is_done = true;
	else
		remove_same(leftover, root, tell, data);
}
