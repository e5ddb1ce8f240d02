/* SPDX-License-Identifier: MIT */
/*
 * The union: finding, merging and changing copies. What is said here once holds everywhere:
 * - What is visible is decided by the first branch that has the path. Contents come from there and
 *   go there; the other copies of a file are shadowed until it is removed.
 * - A change of metadata is made to all writable copies, so that the next one looks the same if the
 *   first branch is taken away one day.
 * New objects are clone.c's matter, removing and renaming ops_name.c's.
 */
#include "union.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "branch.h"
#include "branchfs.h"
#include "support.h"
#include "write_behind.h"

int union_open(const struct branchfs *fs, const char *path, int flags,
	       const struct branch **ret_branch)
{
	for (size_t i = 0; i < fs->branch_count; i++) {
		int fd = branch_open(&fs->branches[i], path, flags);

		if (fd == -ENOENT)
			continue;
		if (fd >= 0 && ret_branch)
			*ret_branch = &fs->branches[i];
		return fd;
	}
	return -ENOENT;
}

uint64_t union_holders(const struct branchfs *fs, const char *path)
{
	uint64_t holders = 0;

	for (size_t i = 0; i < fs->branch_count; i++) {
		AUTO_CLOSE int fd = branch_open(&fs->branches[i], path, O_PATH);

		if (fd >= 0)
			holders |= UINT64_C(1) << i;
	}
	return holders;
}

uint64_t union_read_only(const struct branchfs *fs)
{
	uint64_t read_only = 0;

	for (size_t i = 0; i < fs->branch_count; i++) {
		if (fs->branches[i].mode == BRANCH_READ_ONLY)
			read_only |= UINT64_C(1) << i;
	}
	return read_only;
}

/* A new entry changes the times and the link count of one copy only: show the sum of them all. */
static void merge_directory(struct stat *shown, const struct stat *copy)
{
	if (is_later(&copy->st_mtim, &shown->st_mtim))
		shown->st_mtim = copy->st_mtim;
	if (is_later(&copy->st_ctim, &shown->st_ctim))
		shown->st_ctim = copy->st_ctim;
	if (copy->st_nlink > 2)
		shown->st_nlink += copy->st_nlink - 2; /* its subdirectories */
}

int union_stat(const struct branchfs *fs, const char *path, struct stat *ret_st)
{
	bool is_found = false;
	struct stat shown = {0};

	for (size_t i = 0; i < fs->branch_count; i++) {
		AUTO_CLOSE int fd = branch_open(&fs->branches[i], path, O_PATH);
		struct stat copy;
		int result;

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		result = union_stat_copy(fs, fd, "", &copy);
		if (result < 0)
			return result;
		if (!is_found)
			shown = copy;
		else if (S_ISDIR(copy.st_mode))
			merge_directory(&shown, &copy);
		is_found = true;
		if (!S_ISDIR(shown.st_mode))
			break;
	}
	if (!is_found)
		return -ENOENT;
	*ret_st = shown;
	return 0;
}

int union_stat_copy(const struct branchfs *fs, int fd, const char *name, struct stat *ret_st)
{
	int result = write_behind_stat(fs->write_behind, fd, name, ret_st);

	if (result == 0)
		ret_st->st_ino = union_inode(ret_st->st_dev, ret_st->st_ino);
	return result;
}

/* Multiplying by an odd constant spreads the device over the bits that inode numbers leave free. */
uint64_t union_inode(dev_t device, ino_t inode)
{
	return inode ^ (device * UINT64_C(0x9e3779b97f4a7c15));
}

/* 1 or 0 for the directory that dir reads. */
static int has_entries(DIR *dir)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return 1;
	}
	return errno ? -errno : 0;
}

int union_is_empty(const struct branchfs *fs, const char *path)
{
	for (size_t i = 0; i < fs->branch_count; i++) {
		int fd = branch_open(&fs->branches[i], path, O_RDONLY | O_DIRECTORY);
		DIR *dir;
		int result;

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		dir = fdopendir(fd);
		if (!dir) {
			close(fd);
			return -ENOMEM;
		}
		result = has_entries(dir);
		closedir(dir);
		if (result != 0)
			return result < 0 ? result : 0;
	}
	return 1;
}

/* Adds a branch's blocks, converted to the block size of the sum. */
static void add_space(struct statvfs *sum, const struct statvfs *space, bool takes_new_data)
{
	if (sum->f_frsize == 0) {
		sum->f_bsize = space->f_bsize;
		sum->f_frsize = space->f_frsize;
		sum->f_namemax = space->f_namemax;
	}
	if (space->f_namemax < sum->f_namemax)
		sum->f_namemax = space->f_namemax;
	sum->f_blocks += space->f_blocks * space->f_frsize / sum->f_frsize;
	sum->f_files += space->f_files;
	if (!takes_new_data)
		return;
	sum->f_bfree += space->f_bfree * space->f_frsize / sum->f_frsize;
	sum->f_bavail += space->f_bavail * space->f_frsize / sum->f_frsize;
	sum->f_ffree += space->f_ffree;
	sum->f_favail += space->f_favail;
}

/*
 * Several branches may share a device, which counts once. Room where nothing new can be stored is
 * not free.
 */
int union_statvfs(const struct branchfs *fs, struct statvfs *ret_space)
{
	struct statvfs sum = {0};
	dev_t devices[BRANCHES_MAX];
	bool takes_new_data[BRANCHES_MAX];
	struct statvfs spaces[BRANCHES_MAX];
	size_t device_count = 0;

	for (size_t i = 0; i < fs->branch_count; i++) {
		const struct branch *branch = &fs->branches[i];
		struct stat root;
		size_t known = 0;

		if (fstat(branch->root_fd, &root) < 0)
			return -errno;
		while (known < device_count && devices[known] != root.st_dev)
			known++;
		if (known == device_count) {
			if (fstatvfs(branch->root_fd, &spaces[known]) < 0)
				return -errno;
			devices[known] = root.st_dev;
			takes_new_data[known] = false;
			device_count++;
		}
		if (branch->mode == BRANCH_READ_WRITE)
			takes_new_data[known] = true;
	}
	for (size_t i = 0; i < device_count; i++)
		add_space(&sum, &spaces[i], takes_new_data[i]);
	*ret_space = sum;
	return 0;
}

int union_change(const struct branchfs *fs, const char *path, change_fn *change,
		 const void *argument)
{
	bool is_found = false;
	int result = 0;

	for (size_t i = 0; i < fs->branch_count; i++) {
		const struct branch *branch = &fs->branches[i];
		AUTO_CLOSE int fd = branch_open(branch, path, O_PATH);

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		if (branch->mode == BRANCH_READ_ONLY && !is_found)
			return -EROFS;
		is_found = true;
		if (branch->mode == BRANCH_READ_ONLY)
			continue;
		if (change(fd, argument) < 0 && result == 0)
			result = -errno;
	}
	return is_found ? result : -ENOENT;
}
