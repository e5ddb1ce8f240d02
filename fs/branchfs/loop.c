/* SPDX-License-Identifier: MIT */
/* The loop for libfuse 3.12 and later: see loop.h. */
#include "loop.h"

#include <errno.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <limits.h>

int loop_run(struct fuse *fuse, const struct fuse_cmdline_opts *options)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, (unsigned int)options->clone_fd);
	/* The default is not accepted by all versions. */
	if (options->max_idle_threads != UINT_MAX)
		fuse_loop_cfg_set_idle_threads(config, options->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, options->max_threads);
	result = fuse_loop_mt(fuse, config);
	fuse_loop_cfg_destroy(config);
	return result;
}
