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
 * the leftover serves it, or if it came after the expectation and its daemon has ended. One in which
 * another mount lies stays, unless that is of all, too: it would go along. Whether something was
 * unmounted; problem says why not.
 */
bool fuse_mount_take(struct leftover *leftover, const struct processes *processes,
		     const struct leftovers *all);

/* Notes that it is the mount of this connection; mount_id 0: unknown. */
void fuse_mount_learn(struct leftover *leftover, uint32_t connection, uint64_t mount_id);
/* Whether its connection is there and still the same one. */
bool fuse_mount_is_alive(const struct leftover *leftover);
/* Whether the mount that it is known by is there, maybe covered by another. */
bool fuse_mount_is_there(const struct leftover *leftover);
/*
 * Whether a mount that came after the expectation and has no daemon lies below another one on its
 * place: it may be ours, which cannot be seen before the other one is gone.
 */
bool fuse_mount_may_be_below(const struct leftover *leftover);
/* Whether something else is mounted on its place, which its daemon might take for its own. */
bool fuse_mount_is_mistakable(const struct leftover *leftover);
/* Aborts its connection; false if it is not known to be the same, or may not be aborted. */
bool fuse_mount_abort(const struct leftover *leftover);

#endif
