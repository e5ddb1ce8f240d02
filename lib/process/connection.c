/* SPDX-License-Identifier: MIT */
/* See connection.h, and Documentation/filesystems/fuse/fuse.rst of the kernel. */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FUSECTL_MAGIC 0x65735543 /* FUSE_CTL_SUPER_MAGIC of the kernel's fs/fuse/control.c */

bool ft_connections_are_mounted(void)
{
	struct statfs status;

	return statfs(FT_CONNECTIONS, &status) == 0 && status.f_type == FUSECTL_MAGIC;
}

/* Its name there is the minor number of the device, of which major is 0. */
static int open_folder(uint32_t connection)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), FT_CONNECTIONS "/%u", connection);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

uint64_t ft_connection_identity(uint32_t connection)
{
	int fd FT_AUTO_CLOSE = open_folder(connection);

	return fd < 0 ? 0 : inode_of(fd);
}

uint64_t ft_connection_identity_of(const struct ft_mount *mount)
{
	uint64_t identity = ft_connection_identity(mount->connection);

	return ft_mounts_is_still_there(mount) ? identity : FT_CONNECTION_GONE;
}

/* A file of the connection itself, even when its number is another's by now. */
static int open_file(uint32_t connection, uint64_t identity, const char *name, int flags)
{
	int folder FT_AUTO_CLOSE = open_folder(connection);
	int fd;

	if (folder < 0)
		return folder;
	if (identity && inode_of(folder) != identity)
		return -ENOENT;
	fd = openat(folder, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

long ft_connection_waiting(uint32_t connection)
{
	FILE *file FT_AUTO_FCLOSE = NULL;
	char path[64];
	long waiting;

	snprintf(path, sizeof(path), FT_CONNECTIONS "/%u/waiting", connection);
	file = fopen(path, "re");
	return file && fscanf(file, "%ld", &waiting) == 1 ? waiting : -1;
}

int ft_connection_abort(uint32_t connection, uint64_t identity)
{
	int fd FT_AUTO_CLOSE = open_file(connection, identity, "abort", O_WRONLY);

	if (fd == -ENOENT && !ft_connections_are_mounted())
		return -ENOMEDIUM;
	if (fd < 0)
		return fd;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}
