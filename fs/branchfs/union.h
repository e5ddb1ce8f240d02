/* SPDX-License-Identifier: MIT */
/*
 * All branches as one tree. A path may have a copy in several branches: the *visible* copy is that
 * of the first branch that has it. Directories are merged.
 */
#ifndef BRANCHFS_UNION_H
#define BRANCHFS_UNION_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct branch;
struct branchfs;

/*
 * Opens the visible copy and returns its descriptor; flags are those of branch_open(). ret_branch
 * may be NULL.
 */
int union_open(const struct branchfs *fs, const char *path, int flags,
	       const struct branch **ret_branch);

/* The branches that have path, and those that are read-only, as bit masks. */
uint64_t union_holders(const struct branchfs *fs, const char *path);
uint64_t union_read_only(const struct branchfs *fs);

/* lstat(2) on the union. */
int union_stat(const struct branchfs *fs, const char *path, struct stat *ret_st);
/* The same of one copy: of what fd stands for when name is "", or of name in the directory fd. */
int union_stat_copy(const struct branchfs *fs, int fd, const char *name, struct stat *ret_st);
/* An inode number that differs between branches on different devices. */
uint64_t union_inode(dev_t device, ino_t inode);

/* 1 or 0: whether the directory is empty in all branches. */
int union_is_empty(const struct branchfs *fs, const char *path);

int union_statvfs(const struct branchfs *fs, struct statvfs *ret_space);

/*
 * Changes every copy of path that is in a writable branch. change() gets an O_PATH descriptor and
 * returns as system calls do. -EROFS when the visible copy is in a read-only branch.
 */
typedef int change_fn(int fd, const void *argument);
int union_change(const struct branchfs *fs, const char *path, change_fn *change,
		 const void *argument);

#endif
