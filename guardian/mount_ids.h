/* SPDX-License-Identifier: MIT */
/*
 * Numbers of mounts that are never given out again (Linux 6.8), also of those that no path leads to:
 * another mount covers them. Walks no path, so it asks no daemon.
 */
#ifndef GUARDIAN_MOUNT_IDS_H
#define GUARDIAN_MOUNT_IDS_H

#include <stdint.h>

/* That of the mount which mountinfo has as id; 0: it is gone, or the kernel does not tell. */
uint64_t mount_id_of(int id);
/* Whether it is mounted here: 1, 0, or a negative errno when the kernel does not tell. */
int mount_id_is_there(uint64_t mount_id);

#endif
