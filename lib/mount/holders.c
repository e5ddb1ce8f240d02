/* SPDX-License-Identifier: MIT */
/*
 * See holders.h. An open file tells its mount in /proc/PID/fdinfo (mnt_id), a mapping its device in
 * /proc/PID/maps; of directories there is the path alone.
 */
#include "holders.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/mounts.h"
#include "process/process_file.h"

#define MINOR_BITS 20

struct search {
	const struct ft_held *held;
	fusetrace_holder_fn *fn;
	void *data;
	int count;
	int result; /* of fn: not 0 ends it */
	struct fusetrace_holder holder;
	char comm[FT_PROCESS_NAME_SIZE];
};

static void tell(struct search *search, const char *what, const char *path)
{
	search->holder.what = what;
	search->holder.path = path;
	search->count++;
	search->result = search->fn(&search->holder, search->data);
}

static bool is_inside(const struct search *search, const char *path)
{
	size_t length = strlen(search->held->mountpoint);

	return strncmp(path, search->held->mountpoint, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

/* What a link of /proc/PID points to, if that lies in the mount by its name. */
static bool read_link(const struct search *search, const char *name, char *target, size_t size)
{
	char path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", search->holder.pid, name);
	length = readlink(path, target, size - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return is_inside(search, target);
}

/* ---- of a process ---- */

static void check_directory(struct search *search, const char *name, const char *what)
{
	char target[PATH_MAX];

	if (!search->result && read_link(search, name, target, sizeof(target)))
		tell(search, what, target);
}

/* Another mount may lie there, or have lain there. */
static bool is_of_mount(const struct search *search, const char *fd)
{
	char name[64], text[1024];
	const char *line;
	int id;

	snprintf(name, sizeof(name), "fdinfo/%.20s", fd);
	if (ft_process_file(search->holder.pid, 0, name, text, sizeof(text)) < 0)
		return true;
	line = strstr(text, "mnt_id:");
	return !line || sscanf(line, "mnt_id: %d", &id) != 1 || id == search->held->id;
}

static void check_files(struct search *search)
{
	char path[64], name[64], target[PATH_MAX];
	DIR *dir FT_AUTO_CLOSEDIR = NULL;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/fd", search->holder.pid);
	dir = opendir(path);
	while (!search->result && dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(name, sizeof(name), "fd/%.20s", entry->d_name);
		if (read_link(search, name, target, sizeof(target)) &&
		    is_of_mount(search, entry->d_name))
			tell(search, "open file", target);
	}
}

/*
 * "START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH", numbers but the inode in hexadecimal. A process
 * in uninterruptible sleep may hold the lock that reading this takes.
 */
static void check_maps(struct search *search)
{
	FILE *file FT_AUTO_FCLOSE = NULL;
	char *line FT_AUTO_FREE = NULL;
	struct ft_process_stat stat;
	unsigned int major, minor;
	char path[64];
	size_t size = 0;

	if (search->result || ft_process_stat(search->holder.pid, 0, &stat) < 0 ||
	    stat.state == 'D')
		return;
	snprintf(path, sizeof(path), "/proc/%d/maps", search->holder.pid);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		char *slash = strchr(line, '/');

		if (!slash || sscanf(line, "%*s %*s %*s %x:%x", &major, &minor) != 2 ||
		    (major << MINOR_BITS | minor) != search->held->connection)
			continue;
		slash[strcspn(slash, "\n")] = '\0';
		tell(search, "mapped file", slash);
		return; /* one of them says enough */
	}
}

static void check_process(struct search *search, pid_t pid)
{
	search->holder.pid = pid;
	search->holder.comm = search->comm;
	if (ft_process_file(pid, 0, "comm", search->comm, sizeof(search->comm)) < 0)
		return;
	check_directory(search, "cwd", "working directory");
	check_directory(search, "root", "root directory");
	check_files(search);
	check_maps(search);
}

/* ---- mounts ---- */

static void check_mounts(struct search *search, const struct ft_mount *list, size_t count)
{
	for (size_t i = 0; !search->result && i < count; i++) {
		if (list[i].parent != search->held->id)
			continue;
		search->holder = (struct fusetrace_holder){.comm = list[i].type};
		tell(search, "mount", list[i].mountpoint);
	}
}

int ft_holders_each(const struct ft_held *held, fusetrace_holder_fn *fn, void *data)
{
	struct search search = {.held = held, .fn = fn, .data = data};
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct ft_mounts mounts;
	struct dirent *entry;

	if (ft_mounts_read(&mounts) == 0) {
		check_mounts(&search, mounts.entries, mounts.count);
		check_mounts(&search, mounts.others, mounts.other_count);
		ft_mounts_done(&mounts);
	}
	while (!search.result && dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			check_process(&search, (pid_t)atoi(entry->d_name));
	}
	return search.result ? search.result : search.count;
}
