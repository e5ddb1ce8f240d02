/* SPDX-License-Identifier: MIT */
/* See mount_paths.h. Which mount a path lies on is the library's knowledge: a monitor is asked. */
#include "mount_paths.h"

#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"

/* Each of up to four bytes, as in \040. */
#define LINE_ROOM (4 * 4 * PATH_MAX)

/* ---- the table of mounts ---- */

static void end_table(FILE **table)
{
	if (*table)
		endmntent(*table);
}
#define AUTO_END_TABLE FT_CLEANUP(end_table)

static bool is_fuse(const char *type)
{
	return strcmp(type, "fuse") == 0 || strcmp(type, "fuseblk") == 0 ||
	       strcmp(type, "virtiofs") == 0 || strncmp(type, "fuse.", 5) == 0 ||
	       strncmp(type, "fuseblk.", 8) == 0;
}

void mount_each(mount_fn *fn, void *data)
{
	FILE *table AUTO_END_TABLE = setmntent("/proc/self/mounts", "re");
	char *line FT_AUTO_FREE = malloc(LINE_ROOM);
	struct mntent entry;

	while (table && line && getmntent_r(table, &entry, line, LINE_ROOM)) {
		if (is_fuse(entry.mnt_type))
			fn(entry.mnt_dir, entry.mnt_type, data);
	}
}

struct search {
	const char *mountpoint;
	char *type;
	size_t size;
	bool is_found;
};

static void compare(const char *mountpoint, const char *type, void *data)
{
	struct search *search = data;

	if (strcmp(mountpoint, search->mountpoint) != 0)
		return;
	snprintf(search->type, search->size, "%s", type);
	search->is_found = true;
}

bool mount_type(const char *mountpoint, char *type, size_t size)
{
	struct search search = {mountpoint, type, size, false};

	snprintf(type, size, "fuse");
	mount_each(compare, &search);
	return search.is_found;
}

/* ---- devices ---- */

/* Asks for nothing but the device, and that not to be brought up to date: the daemon is not asked.
 */
static bool device_of(int fd, const char *path, int flags, dev_t *ret_device)
{
	struct statx found;

	flags |= AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW;
	if (statx(fd, path, flags, 0, &found) < 0)
		return false;
	*ret_device = makedev(found.stx_dev_major, found.stx_dev_minor);
	return true;
}

bool mount_device(const char *mountpoint, dev_t *ret_device)
{
	return device_of(AT_FDCWD, mountpoint, 0, ret_device);
}

bool mount_holds_fd(const char *mountpoint, int fd)
{
	dev_t device, of_mount;

	return device_of(fd, "", AT_EMPTY_PATH, &device) && mount_device(mountpoint, &of_mount) &&
	       device == of_mount;
}

/* ---- paths ---- */

/* The mountpoint above path; NULL: it lies on none. Free with free(). */
static char *mountpoint_of(const char *path)
{
	struct fusetrace_monitor *monitor;
	char *mountpoint;

	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = path, .max_ops = 1), &monitor,
				  NULL) < 0)
		return NULL;
	mountpoint = strdup(fusetrace_monitor_mountpoint(monitor));
	fusetrace_monitor_free(monitor);
	return mountpoint;
}

static bool is_on(const char *path, const char *mountpoint)
{
	char *found FT_AUTO_FREE = mountpoint_of(path);

	return found && strcmp(found, mountpoint) == 0;
}

/* The folder that path is in, or would be: it need not exist itself. Free with free(). */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

bool mount_holds(const char *mountpoint, const char *path)
{
	char *parent FT_AUTO_FREE = parent_of(path);

	return is_on(path, mountpoint) || (parent && is_on(parent, mountpoint));
}

struct count {
	int mounts;
	char *last;
};

static void count_mount(const char *mountpoint, const char *type, void *data)
{
	struct count *count = data;

	count->mounts++;
	free(count->last);
	count->last = strdup(mountpoint);
}

bool mount_find(const char *path, char **ret_mountpoint)
{
	*ret_mountpoint = mountpoint_of(path);
	return *ret_mountpoint;
}

int mount_guess(const char *path, char **ret_mountpoint)
{
	struct count count = {0, path ? mountpoint_of(path) : NULL};

	if (count.last)
		count.mounts = 1;
	else
		mount_each(count_mount, &count);
	if (count.mounts == 1 && count.last)
		*ret_mountpoint = FT_STEAL_PTR(count.last);
	free(count.last);
	return count.mounts;
}

/* Whether a path is free of empty, "." and ".." components, so that its text says where it leads.
 */
static bool is_plain(const char *path)
{
	while (*path == '/') {
		size_t length = strcspn(path + 1, "/");
		bool is_dots = (length == 1 && path[1] == '.') ||
			       (length == 2 && path[1] == '.' && path[2] == '.');

		if (length == 0 || is_dots)
			return false;
		path += 1 + length;
	}
	return true;
}

/* What follows the shortest beginning of path that lies on the mount. NULL: none does. */
static char *behind_mount(const char *path, const char *mountpoint)
{
	char *beginning FT_AUTO_FREE = strdup(path);
	size_t length = strlen(path);

	for (size_t i = 1; beginning && i < length; i++) {
		if (path[i] != '/')
			continue;
		beginning[i] = '\0';
		if (is_on(beginning, mountpoint))
			return is_plain(path + i) ? strdup(path + i) : NULL;
		beginning[i] = '/';
	}
	return NULL;
}

/*
 * The library knows a path under the mountpoint by its text, also one that is relative to the
 * working directory. What is left are symbolic links on the way to the mount.
 */
char *mount_path_inside(const char *path, const char *mountpoint)
{
	bool is_here = path[0] != '/' && is_on(".", mountpoint);
	char *inside = is_here ? NULL : behind_mount(path, mountpoint);

	return inside ? inside : strdup(path);
}
