/* SPDX-License-Identifier: MIT */
/* See fuse_mounts.h: connections, and what mountinfo says. Taking one away is in fuse_take.c. */
#include "fuse_mounts.h"

#include <errno.h>
#include <string.h>

#include "mount_ids.h"
#include "process/connection.h"
#include "process/mounts.h"

/* ---- connections ---- */

void fuse_mount_learn(struct leftover *leftover, uint32_t connection, uint64_t mount_id)
{
	leftover->connection = connection;
	leftover->identity = ft_connection_identity(connection);
	leftover->mount_id = mount_id;
}

bool fuse_mount_is_alive(const struct leftover *leftover)
{
	uint64_t identity = leftover->connection ? ft_connection_identity(leftover->connection) : 0;

	return identity != 0 && identity == leftover->identity;
}

bool fuse_mount_abort(const struct leftover *leftover)
{
	return leftover->identity &&
	       ft_connection_abort(leftover->connection, leftover->identity) == 0;
}

/* ---- what is there ---- */

static bool is_at(const struct ft_mount *mount, const char *path)
{
	return strcmp(mount->mountpoint, path) == 0;
}

bool fuse_mount_is_there(const struct leftover *leftover)
{
	struct ft_mounts mounts;
	bool is_there = false;
	int r = leftover->mount_id ? mount_id_is_there(leftover->mount_id) : -ENODATA;

	if (r >= 0)
		return r > 0;
	if (!leftover->connection || ft_mounts_read(&mounts) < 0)
		return false;
	for (size_t i = 0; i < mounts.count; i++)
		is_there |= mounts.entries[i].connection == leftover->connection &&
			    is_at(&mounts.entries[i], leftover->path);
	ft_mounts_done(&mounts);
	return is_there &&
	       (ft_connection_identity(leftover->connection) == 0 || fuse_mount_is_alive(leftover));
}

bool fuse_mount_is_mistakable(const struct leftover *leftover)
{
	bool is_other = false;
	struct ft_mounts mounts;

	if (!leftover->path || ft_mounts_read(&mounts) < 0)
		return leftover->path != NULL;
	for (size_t i = 0; i < mounts.count; i++)
		is_other |= is_at(&mounts.entries[i], leftover->path) &&
			    mounts.entries[i].connection != leftover->connection;
	for (size_t i = 0; i < mounts.other_count; i++)
		is_other |= is_at(&mounts.others[i], leftover->path);
	ft_mounts_done(&mounts);
	return is_other;
}
