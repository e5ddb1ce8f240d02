/* SPDX-License-Identifier: MIT */
/* See open_files.h. */
#include "open_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Whether a descriptor is one for writing, by its flags in fdinfo. */
static bool is_for_writing(int process, const char *number)
{
	char name[NAME_MAX + 16];
	char line[128];
	FILE *file FT_AUTO_FCLOSE = NULL;
	unsigned int flags;
	int fd;

	snprintf(name, sizeof(name), "fdinfo/%s", number);
	fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "flags: %o", &flags) == 1)
			return !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
	}
	return false;
}

static bool is_writer(int process, const char *path)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder FT_AUTO_CLOSEDIR = fd < 0 ? NULL : fdopendir(fd);
	size_t length = strlen(path);
	char link[PATH_MAX];
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		ssize_t size = readlinkat(fd, entry->d_name, link, sizeof(link));

		if (size == (ssize_t)length && memcmp(link, path, length) == 0 &&
		    is_for_writing(process, entry->d_name))
			return true;
	}
	return false;
}

pid_t ft_open_files_writer(const char *path)
{
	DIR *folder FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		int process FT_AUTO_CLOSE = -1;

		if (pid <= 0 || *end)
			continue;
		process = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process >= 0 && is_writer(process, path))
			return (pid_t)pid;
	}
	return 0;
}
