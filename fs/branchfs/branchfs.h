/* SPDX-License-Identifier: MIT */
/*
 * The filesystem object. A *branch* (branch.h) is one directory whose contents are shown; the
 * *union* (union.h) is all branches seen as one tree; a *policy* (policy.h) chooses the branch of a
 * new file; *faults* (faults.h) and *write-behind* (write_behind.h) make it slow, broken or late on
 * purpose. The operations are listed in operations.h and sit in ops_*.c.
 *
 * Functions that can fail return 0 or a positive result, or a negative errno; results leave through
 * ret_ pointers. Paths are those of libfuse: absolute within the mount, "/" is its root.
 */
#ifndef BRANCHFS_H
#define BRANCHFS_H

#include <stdbool.h>
#include <stddef.h>

struct branch;
struct fault_list;
struct policy;
struct write_behind;

struct branchfs {
	const struct branch *branches;
	size_t branch_count;
	const struct policy *policy;
	struct fault_list *faults;
	struct write_behind *write_behind; /* NULL: data go to the branches at once */
	bool wants_writeback_cache;
	bool wants_direct_io;
	bool wants_hard_remove;
	int trace_fd; /* -1: no trace */
};

/* The filesystem that the current operation belongs to. */
struct branchfs *branchfs_self(void);

#endif
