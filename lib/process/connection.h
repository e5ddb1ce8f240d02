/* SPDX-License-Identifier: MIT */
/*
 * A FUSE connection as the kernel shows it in /sys/fs/fuse/connections, which belongs to the kernel:
 * nothing here asks a daemon.
 */
#ifndef FT_CONNECTION_H
#define FT_CONNECTION_H

#include <stdint.h>

/*
 * What tells a connection from a later one that got its number: the inode of its folder. 0 when it is
 * gone or the folder is not mounted.
 */
uint64_t ft_connection_identity(uint32_t connection);

/* Aborts it if it still has that identity (0: whatever has the number). 0 or a negative errno. */
int ft_connection_abort(uint32_t connection, uint64_t identity);

#endif
