/* SPDX-License-Identifier: MIT */
/*
 * See daemons.h. A /dev/fuse descriptor tells its connection in /proc/PID/fdinfo/FD
 * ("fuse_connection:", since Linux 6.17); where it does not, no server is found.
 *
 * The number of a connection is given out again as soon as it is unmounted, and whoever served it still
 * holds a descriptor of that number until he ends. poll(2) tells them apart: it reports an error for a
 * descriptor whose connection is over (fuse_dev_poll()).
 */
#include "daemons.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process_file.h"

#define ANCESTORS_MAX 64

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd FT_AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (length >= 0)
		buffer[length] = '\0';
	return length;
}

/* ---- whether a connection is over ---- */

/* A copy of the descriptor in a child that somebody forks meanwhile would keep the connection alive. */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
	pthread_mutex_lock(&fork_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&fork_lock);
}

/*
 * Before all others: what is registered first is called last before a fork, and this lock is taken with
 * those of others held.
 */
__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

/* Who may not look (EPERM, or a kernel before 5.6) takes it as connected. */
static bool is_connected(pid_t pid, int fd)
{
	struct pollfd descriptor = {.events = 0};
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	bool result;

	if (pidfd < 0)
		return errno != ESRCH;
	pthread_mutex_lock(&fork_lock);
	descriptor.fd = pidfd_getfd(pidfd, fd, 0);
	result =
		descriptor.fd < 0 ? errno != ESRCH && errno != EBADF : poll(&descriptor, 1, 0) == 0;
	if (descriptor.fd >= 0)
		close(descriptor.fd);
	pthread_mutex_unlock(&fork_lock);
	return result;
}

/* ---- who serves one ---- */

static bool descriptor_serves(const char *pid, const char *fd, uint32_t connection)
{
	char path[PATH_MAX], text[1024];
	unsigned int number;
	const char *line;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 9 || memcmp(text, "/dev/fuse", 9) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	if (read_file(path, text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "fuse_connection:");
	return line && sscanf(line, "fuse_connection: %u", &number) == 1 && number == connection &&
	       is_connected((pid_t)atoi(pid), atoi(fd));
}

static bool process_serves(const char *pid, uint32_t connection)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir FT_AUTO_CLOSEDIR = NULL;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    descriptor_serves(pid, entry->d_name, connection))
			return true;
	}
	return false;
}

int ft_daemons_of_connection(uint32_t connection, pid_t *pids, int max)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_serves(entry->d_name, connection))
			continue;
		if (count < max)
			pids[count] = (pid_t)atoi(entry->d_name);
		count++;
	}
	return count;
}

bool ft_daemons_serves(pid_t pid, uint32_t connection)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	return process_serves(name, connection);
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
		pid_t pid =
			isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;

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

static bool has_ended(pid_t pid)
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
			return ancestor == parent || has_ended(ancestor);
		pid = parent;
	}
	return false;
}

bool ft_daemons_has_argument(pid_t pid, const char *path)
{
	char file[64], text[64 * 1024], here[PATH_MAX], full[2 * PATH_MAX];
	ssize_t length, here_length;

	snprintf(file, sizeof(file), "/proc/%d/cwd", pid);
	here_length = readlink(file, here, sizeof(here) - 1);
	here[here_length > 0 ? here_length : 0] = '\0';
	snprintf(file, sizeof(file), "/proc/%d/cmdline", pid);
	length = read_file(file, text, sizeof(text));
	for (const char *at = text; length > 0 && at < text + length; at += strlen(at) + 1) {
		size_t end;

		if (at[0] == '/')
			snprintf(full, sizeof(full), "%.*s", PATH_MAX, at);
		else
			snprintf(full, sizeof(full), "%s/%.*s", strcmp(here, "/") ? here : "",
				 PATH_MAX - 1, at);
		end = strlen(full);
		while (end > 1 && full[end - 1] == '/')
			full[--end] = '\0';
		if (strcmp(full, path) == 0)
			return true;
	}
	return false;
}
