/* SPDX-License-Identifier: MIT */
/* New objects: choosing their branch, and bringing their directory there. */
#ifndef BRANCHFS_CLONE_H
#define BRANCHFS_CLONE_H

#include <sys/types.h>

struct branch;
struct branchfs;

/* The S_IFMT bits of mode say what it is. */
struct new_object {
	mode_t mode;
	dev_t device;       /* device nodes */
	const char *target; /* symbolic links */
	int open_flags;     /* regular files, which are opened as well */
};

/*
 * Makes the object in the best branch that can take it; it belongs to the caller of the operation.
 * Returns 0, for a regular file its descriptor. -EEXIST when any branch has the path.
 */
int union_create(const struct branchfs *fs, const char *path, const struct new_object *object);

/*
 * As branch_open_parent(). Directories that only other branches have are cloned from them, with
 * mode, owner and times.
 */
int union_clone_parent(const struct branchfs *fs, const struct branch *branch, const char *path,
		       const char **ret_name);

#endif
