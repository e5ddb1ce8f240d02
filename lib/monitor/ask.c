/* SPDX-License-Identifier: MIT */
/*
 * See ask.h. What lstat(2) says of a path may be as old as the timeouts that the filesystem gave the
 * kernel. Two calls get past them: statx(2) with AT_STATX_FORCE_SYNC sends GETATTR, and mknod(2) of a
 * name with a slash behind it sends LOOKUP, as the kernel must know whether the name is there
 * (LOOKUP_EXCL in fs/namei.c, fuse_dentry_revalidate() in fs/fuse/dir.c), and then always fails: no
 * such thing as a device with a slash can be made, so nothing is asked for that could change
 * anything. What the kernel learns by it everybody sees. A kernel that does not look anew (seen to do
 * so: 6.18) leaves the answer as old as its cache.
 */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"

#define FD_LINK_ROOM (sizeof("/proc/self/fd/") + 12)

static dev_t device_of(const struct statx *found)
{
	return makedev(found->stx_dev_major, found->stx_dev_minor);
}

/*
 * A mount of our own of the same filesystem, that nobody sees: whoever asks through the mountpoint
 * makes an unmount fail with EBUSY while the daemon thinks. Who may not make one uses the mountpoint,
 * by an O_PATH descriptor. No daemon is asked for either, and both go with the question.
 */
static int open_mount(const char *mountpoint)
{
	int fd = open_tree(AT_FDCWD, mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		fd = open(mountpoint, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_root(const struct ft_target *target)
{
	struct statx found;
	int fd FT_AUTO_CLOSE = -1;

	if (!target->device || !target->is_root_on_device) {
		fd = open(target->root, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : ft_steal_fd(&fd);
	}
	fd = open_mount(target->root);
	if (fd < 0)
		return fd;
	/* What is there may be what the mount had covered. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &found) < 0)
		return -errno;
	return device_of(&found) == target->device ? ft_steal_fd(&fd) : -ENOTCONN;
}

/* The path from the root on, "" for the root itself. */
static const char *relative(const struct ft_target *target)
{
	return target->path + strspn(target->path, "/");
}

/* The kernel looks up each name of the path anew. */
static void refresh_names(int root, const char *path)
{
	char name[PATH_MAX + 1];
	size_t length = strlen(path);

	if (length == 0 || length >= PATH_MAX)
		return;
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(name, path, i);
		memcpy(name + i, "/", 2);
		mknodat(root, name, S_IFREG | 0600, 0); /* fails, see above */
	}
}

static void ask_status(const struct ft_target *target, int root, int flags,
		       struct ft_answer *answer)
{
	const char *path = relative(target);
	struct statx found;

	flags |= AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*path ? 0 : AT_EMPTY_PATH);
	if (statx(root, path, flags, STATX_BASIC_STATS, &found) < 0) {
		answer->result = errno == ENOTDIR ? -ENOENT : -errno;
		return;
	}
	if (target->device && !target->is_root_on_device && device_of(&found) != target->device) {
		answer->result = -ENOTCONN;
		return;
	}
	answer->mode = found.stx_mode;
	answer->inode = found.stx_ino;
	answer->size_bytes = found.stx_size;
	answer->changed_s = found.stx_mtime.tv_sec;
	answer->changed_ns = found.stx_mtime.tv_nsec;
}

/* They are never cached. */
static void ask_xattr(const struct ft_target *target, int root, const char *xattr,
		      struct ft_answer *answer)
{
	char path[FD_LINK_ROOM + PATH_MAX];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", root, relative(target));
	size = xattr ? lgetxattr(path, xattr, NULL, 0) : llistxattr(path, NULL, 0);
	if (size < 0)
		answer->result = errno == ENODATA ? -ENOENT : -errno;
	else if (!xattr && size == 0)
		answer->result = -ENOENT;
}

void ft_ask(const struct ft_target *target, uint32_t question, const char *xattr,
	    struct ft_answer *ret_answer)
{
	int root FT_AUTO_CLOSE = open_root(target);

	*ret_answer = (struct ft_answer){.result = root < 0 ? root : 0};
	if (root < 0)
		return;
	switch (question) {
	case FT_ASK_NAME:
		refresh_names(root, relative(target));
		ask_status(target, root, AT_STATX_FORCE_SYNC, ret_answer);
		break;
	case FT_ASK_STATUS:
		ask_status(target, root, 0, ret_answer);
		break;
	case FT_ASK_XATTR:
		ask_xattr(target, root, xattr, ret_answer);
		break;
	default:
		ask_xattr(target, root, NULL, ret_answer);
	}
}
