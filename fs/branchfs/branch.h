/* SPDX-License-Identifier: MIT */
/* One branch: a directory whose contents are shown, and what may be done to it. */
#ifndef BRANCHFS_BRANCH_H
#define BRANCHFS_BRANCH_H

#include <limits.h>
#include <stddef.h>

struct fusetrace_error;

/* Sets of branches are bit masks; bit 0 is the first branch. */
#define BRANCHES_MAX 64

enum branch_mode {
	BRANCH_READ_WRITE,
	BRANCH_READ_ONLY,
	BRANCH_NO_CREATE, /* what is there may be changed and removed; new files go elsewhere */
};

struct branch {
	char *path; /* as the user wrote it */
	enum branch_mode mode;
	int root_fd; /* O_PATH, opened before the mount: nothing can come in between */
};

/*
 * Parses "BRANCH[=RW|RO|NC][:BRANCH...]", where "\:" stands for a colon in a name. Opens nothing.
 * Free with branches_free().
 */
int branches_parse(const char *text, struct branch **ret_branches, size_t *ret_count,
		   struct fusetrace_error *reterr_error);
int branches_open(struct branch *branches, size_t count, struct fusetrace_error *reterr_error);
void branches_free(struct branch *branches, size_t count);

/* Refuses a mountpoint that is in a branch or holds one: the mount would show itself. */
int branches_check_mountpoint(const struct branch *branches, size_t count, const char *mountpoint,
			      struct fusetrace_error *reterr_error);

/*
 * Opens path in the branch and returns the descriptor. No symbolic link is followed, not even one
 * in the middle: what another branch shows as a directory must not lead out of this one. -ENOENT
 * also when something other than a directory stands in the way.
 */
int branch_open(const struct branch *branch, const char *path, int flags);

/* The directory that holds path, and path's last component, which lies within path. */
int branch_split_path(const char *path, char parent[PATH_MAX], const char **ret_name);
/* Opens that directory (O_PATH). */
int branch_open_parent(const struct branch *branch, const char *path, const char **ret_name);

/* The path of a descriptor, for calls that take none, or none that was opened with O_PATH. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);

#endif
