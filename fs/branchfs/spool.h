/* SPDX-License-Identifier: MIT */
/* Spools: nameless files in memory that hold contents until they are written back. */
#ifndef BRANCHFS_SPOOL_H
#define BRANCHFS_SPOOL_H

/* Returns the descriptor of a spool that holds what model_fd holds; -1: nothing. */
int spool_new(int model_fd);

/*
 * Makes the branch's file hold what the spool holds, with its modification time. Nothing is done
 * for a file that has no name any more.
 */
int spool_write_back(int spool_fd, int branch_fd);

#endif
