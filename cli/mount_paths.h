/* SPDX-License-Identifier: MIT */
/*
 * Questions about mounts and about the paths that a person writes. Nothing here touches a FUSE
 * filesystem: the tables of mounts, the text of the path and what the kernel has in memory give the
 * answers.
 */
#ifndef CLI_MOUNT_PATHS_H
#define CLI_MOUNT_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls fn for each FUSE mount, in mount order. */
typedef void mount_fn(const char *mountpoint, const char *type, void *data);
void mount_each(mount_fn *fn, void *data);

/*
 * Whether a FUSE filesystem is mounted there, covered by another one or not. Its type, such as
 * "fuse.sshfs", is written to type; "fuse" when there is none.
 */
bool mount_type(const char *mountpoint, char *type, size_t size);
/* The device number of what is mounted there, which is also that of the connection. */
bool mount_device(const char *mountpoint, dev_t *ret_device);

/* Whether path, which need not exist, lies on that mount. */
bool mount_holds(const char *mountpoint, const char *path);
/* Likewise of what an open descriptor refers to. */
bool mount_holds_fd(const char *mountpoint, int fd);

/* The mountpoint above path, to be freed with free(); false: it lies on none. */
bool mount_find(const char *path, char **ret_mountpoint);
/*
 * The mount that is meant when none is named: that of path (may be NULL), else the only one there
 * is. Returns how many it could be; with 1 *ret_mountpoint is set, to be freed with free().
 */
int mount_guess(const char *path, char **ret_mountpoint);

/*
 * A path as a match takes it: one that leads to the mount through symbolic links becomes its path
 * in the mount; every other one stays. NULL without memory. Free with free().
 */
char *mount_path_inside(const char *path, const char *mountpoint);

#endif
