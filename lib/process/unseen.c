/* SPDX-License-Identifier: MIT */
/* See unseen.h. */
#include "unseen.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

bool ft_unseen_is_hidden(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return access(path, F_OK) < 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static bool is_readable(const char *pid)
{
	DIR *dir FT_AUTO_CLOSEDIR = NULL;
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	return dir || (errno != EACCES && errno != EPERM);
}

enum ft_unseen ft_unseen_why(void)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;

	if (!dir || access("/proc/self", F_OK) < 0)
		return FT_UNSEEN_NO_PROC;
	if (ft_unseen_is_hidden(1)) /* every namespace has one */
		return FT_UNSEEN_HIDDEN;
	while ((entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) && !is_readable(entry->d_name))
			return FT_UNSEEN_FORBIDDEN;
	}
	return FT_UNSEEN_NONE;
}
