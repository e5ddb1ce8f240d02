/* SPDX-License-Identifier: MIT */
/* See daemons.h. */
#include "daemons.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command_line.h"
#include "daemons_kernel.h"
#include "fuse_descriptor.h"
#include "process_file.h"

#define ANCESTORS_MAX 64

bool ft_daemons_is_one_of(pid_t pid, const pid_t *pids, int count)
{
	while (count-- > 0) {
		if (pids[count] == pid)
			return true;
	}
	return false;
}

/* ---- who serves one ---- */

pid_t ft_daemons_pid_of(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
}

typedef bool descriptor_fn(pid_t pid, int fd, uint32_t connection);

static bool has_descriptor(pid_t pid, uint32_t connection, descriptor_fn *is_it)
{
	char path[64];
	struct dirent *entry;
	DIR *dir FT_AUTO_CLOSEDIR = NULL;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_it(pid, atoi(entry->d_name), connection))
			return true;
	}
	return false;
}

bool ft_daemons_holds(pid_t pid, uint32_t connection)
{
	return has_descriptor(pid, connection, ft_fuse_descriptor_is_of);
}

bool ft_daemons_serves(pid_t pid, uint32_t connection)
{
	return has_descriptor(pid, connection, ft_fuse_descriptor_serves);
}

static int find(uint32_t connection, descriptor_fn *is_it, pid_t *pids, int max)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = ft_daemons_pid_of(entry);

		if (pid == 0 || !has_descriptor(pid, connection, is_it))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	return count;
}

int ft_daemons_of_connection(uint32_t connection, pid_t *pids, int max)
{
	int count = ft_daemons_kernel_ask(connection, pids, max);

	if (count >= 0)
		return count;
	count = find(connection, ft_fuse_descriptor_is_of, pids, max);
	return count > 1 ? ft_daemons_left(connection, pids, max) : count;
}

int ft_daemons_left(uint32_t connection, pid_t *pids, int max)
{
	int count = ft_daemons_kernel_ask(connection, pids, max);

	return count < 0 ? find(connection, ft_fuse_descriptor_serves, pids, max) : count;
}

/* ---- what a process was started with ---- */

/* The first variable of which the first length bytes are those of text. Free with free(). */
static char *find_variable(pid_t pid, const char *text, size_t length)
{
	FILE *file FT_AUTO_FCLOSE = NULL;
	char *variable FT_AUTO_FREE = NULL;
	char path[64];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && getdelim(&variable, &size, '\0', file) > 0) {
		if (strncmp(variable, text, length) == 0)
			return FT_STEAL_PTR(variable);
	}
	return NULL;
}

char *ft_daemons_variable(pid_t pid, const char *beginning)
{
	return find_variable(pid, beginning, strlen(beginning));
}

bool ft_daemons_has_variable(pid_t pid, const char *variable)
{
	char *found FT_AUTO_FREE = find_variable(pid, variable, strlen(variable) + 1);

	return found != NULL;
}

int ft_daemons_with_variable(const char *variable, pid_t *pids, int max)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = ft_daemons_pid_of(entry);

		if (pid <= 1 || pid == getpid() || !ft_daemons_has_variable(pid, variable))
			continue;
		if (count < max)
			pids[count] = pid;
		count++;
	}
	return count;
}

/* ---- whose child it is ---- */

/* State and parent; 'X' and 0 when the process is gone. */
static char look_at(pid_t pid, pid_t *ret_parent)
{
	struct ft_process_stat stat;

	*ret_parent = 0;
	if (ft_process_stat(pid, 0, &stat) < 0)
		return 'X';
	*ret_parent = stat.parent;
	return stat.state;
}

bool ft_daemons_has_ended(pid_t pid)
{
	pid_t ignored;
	char state = look_at(pid, &ignored);

	return state == 'X' || state == 'Z';
}

bool ft_daemons_is_descendant(pid_t pid, pid_t ancestor)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		pid_t parent;

		if (pid == ancestor)
			return true;
		look_at(pid, &parent);
		if (parent == getpid()) /* handed to us, or a child of ours of its own right */
			return ancestor == parent || ft_daemons_has_ended(ancestor);
		pid = parent;
	}
	return false;
}

bool ft_daemons_has_argument(pid_t pid, const char *path)
{
	struct ft_command_line line;
	bool has_it;

	if (ft_command_line_of(pid, &line) < 0)
		return false;
	has_it = ft_command_line_names(&line, path);
	ft_command_line_done(&line);
	return has_it;
}
