/* SPDX-License-Identifier: MIT */
/* What a descriptor of some process is to a FUSE connection. */
#ifndef FT_FUSE_DESCRIPTOR_H
#define FT_FUSE_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether descriptor fd of process pid is one of /dev/fuse, for a connection of that number. */
bool ft_fuse_descriptor_is_of(pid_t pid, int fd, uint32_t connection);

/*
 * Likewise, of a connection that has not been unmounted or aborted. It takes a copy for that: to be asked
 * where there is doubt. Any thread, also with locks held that are taken before a fork. No: before Linux
 * 6.17, which does not tell, and of processes that we may not look into.
 */
bool ft_fuse_descriptor_serves(pid_t pid, int fd, uint32_t connection);

#endif
