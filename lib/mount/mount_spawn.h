/* SPDX-License-Identifier: MIT */
/* How the process of a mount is started. */
#ifndef FT_MOUNT_SPAWN_H
#define FT_MOUNT_SPAWN_H

#include "mount.h"

/* Starts the program of opts for a prepared mount, and has read what it prints. */
int ft_mount_spawn(struct fusetrace_mount *mount, const struct fusetrace_mount_opts *opts,
		   struct fusetrace_error *reterr_error);

#endif
