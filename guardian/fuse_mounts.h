/* SPDX-License-Identifier: MIT */
/*
 * The mount of a leftover: whether one that is there is the one that was registered, and taking it
 * away. Asks no daemon anything.
 */
#ifndef GUARDIAN_FUSE_MOUNTS_H
#define GUARDIAN_FUSE_MOUNTS_H

#include "leftovers.h"
#include "processes.h"

/*
 * Unmounts it lazily, if it is there and ours. One that was only expected is ours if a process of
 * the leftover serves it, or if it came after the expectation and its daemon has ended. Whether
 * something was unmounted; problem says why not.
 */
bool fuse_mount_take(struct leftover *leftover, const struct processes *processes);

/* Notes that it is the mount of this connection. */
void fuse_mount_learn(struct leftover *leftover, uint32_t connection);
/* Whether its connection is there and still the same one. */
bool fuse_mount_is_alive(const struct leftover *leftover);
/* Whether the mount that it is known by is there, maybe covered by another. */
bool fuse_mount_is_there(const struct leftover *leftover);
/* Aborts its connection; false if it is not known to be the same, or may not be aborted. */
bool fuse_mount_abort(const struct leftover *leftover);

#endif
