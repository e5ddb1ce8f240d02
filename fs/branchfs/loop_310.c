/* SPDX-License-Identifier: MIT */
/* The loop for libfuse before 3.12, which has no limit of threads: see loop.h. */
#include "loop.h"

#include <fuse.h>
#include <fuse_lowlevel.h>

int loop_run(struct fuse *fuse, const struct fuse_cmdline_opts *options)
{
	struct fuse_loop_config config = {
		.clone_fd = options->clone_fd,
		.max_idle_threads = options->max_idle_threads,
	};

	return fuse_loop_mt(fuse, &config);
}
