/* SPDX-License-Identifier: MIT */
/*
 * Which processes serve a FUSE connection: those that hold its /dev/fuse, as /proc says. Read-only,
 * best effort: what we may not see is not found.
 */
#ifndef FT_DAEMONS_H
#define FT_DAEMONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Number of holders of the connection, of which the first max are in pids. */
int ft_daemons_of_connection(uint32_t connection, pid_t *pids, int max);

/*
 * Whether pid is ancestor itself, a descendant of it, or may have been one: a child of this process
 * while ancestor has ended (a daemonised child, when we are its subreaper).
 */
bool ft_daemons_is_descendant(pid_t pid, pid_t ancestor);

/* Whether one of pid's arguments names path (made absolute against its working directory). */
bool ft_daemons_has_argument(pid_t pid, const char *path);

#endif
