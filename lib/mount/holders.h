/* SPDX-License-Identifier: MIT */
/*
 * Who keeps a mount from being unmounted, as /proc tells: open files, working and root directories,
 * mapped files, mounts on it. The filesystem is asked nothing: links of /proc are read, never followed.
 */
#ifndef FT_HOLDERS_H
#define FT_HOLDERS_H

#include <stdint.h>

#include <fusetrace/fusetrace.h>

struct ft_held {
	const char *mountpoint;
	int id; /* of the mount */
	uint32_t connection;
};

/* Returns how many there are, or what fn returned if that is not 0. */
int ft_holders_each(const struct ft_held *held, fusetrace_holder_fn *fn, void *data);

#endif
