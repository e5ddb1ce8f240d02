/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes. There are no calls that take a descriptor opened with O_PATH, so they go
 * through the descriptor's path in /proc; that also reaches symbolic links themselves.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "branch.h"
#include "branchfs.h"
#include "support.h"
#include "union.h"

struct attribute {
	const char *name;
	const char *value;
	size_t size;
	int flags;
};

static int set_attribute(int fd, const void *argument)
{
	const struct attribute *attribute = argument;

	return setxattr(fd_path(fd).text, attribute->name, attribute->value, attribute->size,
			attribute->flags);
}

int branchfs_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	const struct attribute attribute = {name, value, size, flags};

	return union_change(branchfs_self(), path, set_attribute, &attribute);
}

int branchfs_getxattr(const char *path, const char *name, char *value, size_t size)
{
	AUTO_CLOSE int fd = union_open(branchfs_self(), path, O_PATH, NULL);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = getxattr(fd_path(fd).text, name, value, size);
	return length < 0 ? -errno : (int)length;
}

int branchfs_listxattr(const char *path, char *names, size_t size)
{
	AUTO_CLOSE int fd = union_open(branchfs_self(), path, O_PATH, NULL);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = listxattr(fd_path(fd).text, names, size);
	return length < 0 ? -errno : (int)length;
}

static int remove_attribute(int fd, const void *name)
{
	return removexattr(fd_path(fd).text, name);
}

int branchfs_removexattr(const char *path, const char *name)
{
	return union_change(branchfs_self(), path, remove_attribute, name);
}
