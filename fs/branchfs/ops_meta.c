/* SPDX-License-Identifier: MIT */
/*
 * Operations on what a file is, not what it holds: attributes, permissions, times, symbolic links'
 * targets, the size of the filesystem. With fi the file is open and its descriptor is used, else
 * the path.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>

#include "branch.h"
#include "branchfs.h"
#include "support.h"
#include "union.h"
#include "write_behind.h"

int branchfs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct branchfs *fs = branchfs_self();

	return fi ? union_stat_copy(fs, (int)fi->fh, "", st) : union_stat(fs, path, st);
}

/* Only asked without default_permissions: then caller and daemon are the same user. */
int branchfs_access(const char *path, int mask)
{
	const struct branch *branch;
	AUTO_CLOSE int fd = union_open(branchfs_self(), path, O_PATH, &branch);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A directory is merged, its other copies may be writable. */
	if ((mask & W_OK) && branch->mode == BRANCH_READ_ONLY && !S_ISDIR(st.st_mode))
		return -EROFS;
	return access(fd_path(fd).text, mask) < 0 ? -errno : 0;
}

static int change_mode(int fd, const void *mode)
{
	return chmod(fd_path(fd).text, *(const mode_t *)mode);
}

int branchfs_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	if (fi)
		return fchmod((int)fi->fh, mode) < 0 ? -errno : 0;
	return union_change(branchfs_self(), path, change_mode, &mode);
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static int change_owner(int fd, const void *argument)
{
	const struct owner *owner = argument;

	return fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH);
}

int branchfs_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	if (fi)
		return fchown((int)fi->fh, uid, gid) < 0 ? -errno : 0;
	return union_change(branchfs_self(), path, change_owner, &(struct owner){uid, gid});
}

static int change_times(int fd, const void *times)
{
	return utimensat(fd, "", times, AT_EMPTY_PATH);
}

/* UTIME_NOW and UTIME_OMIT mean the same to the branch. */
int branchfs_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
	const struct branchfs *fs = branchfs_self();
	AUTO_CLOSE int fd = -1;
	int result;

	if (fi)
		result = futimens((int)fi->fh, times) < 0 ? -errno : 0;
	else
		result = union_change(fs, path, change_times, times);
	if (result < 0 || !fs->write_behind)
		return result;

	/* Data that wait for the file would bring times of their own. */
	if (!fi)
		fd = union_open(fs, path, O_PATH, NULL);
	write_behind_utimens(fs->write_behind, fi ? (int)fi->fh : fd, times);
	return 0;
}

int branchfs_readlink(const char *path, char *buffer, size_t size)
{
	AUTO_CLOSE int fd = union_open(branchfs_self(), path, O_PATH, NULL);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = readlinkat(fd, "", buffer, size - 1);
	if (length < 0)
		return -errno;
	buffer[length] = '\0';
	return 0;
}

int branchfs_statfs(const char *path, struct statvfs *space)
{
	return union_statvfs(branchfs_self(), space);
}
