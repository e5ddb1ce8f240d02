/* SPDX-License-Identifier: MIT */
/*
 * The FUSE mounts of this mount namespace, from /proc/self/mountinfo. Nothing here touches a FUSE
 * filesystem: a daemon that hangs cannot hang us.
 */
#ifndef FT_MOUNTS_H
#define FT_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ft_mount {
	uint32_t connection; /* device number as the kernel has it: major << 20 | minor */
	size_t order;        /* a later one covers all that lies below its mountpoint */
	int id;              /* of the mount; given out again when it has gone */
	int parent;          /* id of the mount that it is mounted on */
	char *mountpoint;
	char *type; /* "fuse", "fuse.sshfs", "fuseblk" */
};

struct ft_mounts {
	struct ft_mount *entries; /* the FUSE mounts, in mount order */
	size_t count;
	struct ft_mount *others; /* those of other filesystems */
	size_t other_count;
};

/* Reads them anew. 0 or a negative errno. Free with ft_mounts_done(). */
int ft_mounts_read(struct ft_mounts *ret_mounts);
/* Likewise from a file in the format of /proc/self/mountinfo. */
int ft_mounts_parse(FILE *file, struct ft_mounts *ret_mounts);
void ft_mounts_done(struct ft_mounts *mounts);
/* Takes entry number index out; the others may change their places. */
void ft_mounts_remove(struct ft_mounts *mounts, size_t index);

/* The mount with that connection that covers all others on its point, or NULL. */
const struct ft_mount *ft_mounts_by_connection(const struct ft_mounts *mounts, uint32_t connection);
/* The FUSE mount that is seen on exactly that normalised absolute path, or NULL. */
const struct ft_mount *ft_mounts_by_point(const struct ft_mounts *mounts, const char *path);
/* The FUSE mount with that id and connection, or NULL. */
const struct ft_mount *ft_mounts_by_id(const struct ft_mounts *mounts, int id, uint32_t connection);
/* Whether it still is, read anew: numbers of mounts and connections are given out again at once. */
bool ft_mounts_is_still_there(const struct ft_mount *mount);
/* Whether another mount, of any filesystem, lies on the mount itself or on something in it. */
bool ft_mounts_is_covered(const struct ft_mounts *mounts, int id);

/*
 * The FUSE mount that path lies on: walks the path up to the first FUSE mountpoint, following
 * symbolic links on the way, and goes on by text alone. Points into mounts. -ENOENT, -ENOTDIR,
 * -EACCES, -ELOOP as open(2); -EMEDIUMTYPE when it exists but is not on FUSE.
 */
int ft_mounts_find(const struct ft_mounts *mounts, const char *path,
		   const struct ft_mount **ret_mount);

#endif
