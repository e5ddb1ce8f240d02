/* SPDX-License-Identifier: MIT */
/*
 * libfuse's loop with many threads, whose interface changed with libfuse 3.12. loop.c is for that
 * and later versions, loop_310.c for earlier ones; the build takes one of them.
 */
#ifndef BRANCHFS_LOOP_H
#define BRANCHFS_LOOP_H

struct fuse;
struct fuse_cmdline_opts;

/* Returns what fuse_loop_mt() returns. */
int loop_run(struct fuse *fuse, const struct fuse_cmdline_opts *options);

#endif
