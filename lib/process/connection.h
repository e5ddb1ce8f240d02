/* SPDX-License-Identifier: MIT */
/*
 * A FUSE connection as the kernel shows it in /sys/fs/fuse/connections, which belongs to the kernel:
 * nothing here asks a daemon.
 */
#ifndef FT_CONNECTION_H
#define FT_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "mounts.h"

#define FT_CONNECTIONS "/sys/fs/fuse/connections"
/* Whether the kernel's fusectl is mounted there; in a container mostly not. */
bool ft_connections_are_mounted(void);

/*
 * What tells a connection from a later one that got its number: the inode of its folder. 0 when it is
 * gone or the folder is not mounted.
 */
uint64_t ft_connection_identity(uint32_t connection);
/*
 * Of a mount that was read from mountinfo. FT_CONNECTION_GONE, which no connection has: the mount is no
 * longer there, and its number may be another's by now.
 */
#define FT_CONNECTION_GONE UINT64_MAX
uint64_t ft_connection_identity_of(const struct ft_mount *mount);

/* The kernel's own count of unanswered requests; -1: it is gone, or fusectl is not mounted. */
long ft_connection_waiting(uint32_t connection);

/*
 * Aborts it if it still has that identity (0: whatever has the number). 0; -ENOENT: it is gone;
 * -ENOMEDIUM: nothing is mounted at FT_CONNECTIONS; or another negative errno.
 */
int ft_connection_abort(uint32_t connection, uint64_t identity);

#endif
