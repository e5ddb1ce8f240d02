/* SPDX-License-Identifier: MIT */
/* See process_file.h. */
#include "process_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int ft_process_file(pid_t pid, pid_t thread, const char *name, char *buffer, size_t size)
{
	int fd FT_AUTO_CLOSE = -1;
	char path[64];
	ssize_t length;

	if (thread)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, thread, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, buffer, size - 1);
	if (length < 0)
		return -errno;
	if (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	return (int)length;
}

/* Fields 4 to 51 of proc_pid_stat(5) lie between the state and the exit code. */
#define FIELDS_BEFORE_EXIT_CODE 48

static int exit_code_of(const char *fields)
{
	int code = 0;

	for (int i = 0; i < FIELDS_BEFORE_EXIT_CODE && fields; i++) {
		fields = strchr(fields, ' ');
		fields = fields ? fields + 1 : NULL;
	}
	return fields && sscanf(fields, "%d", &code) == 1 ? code : 0;
}

int ft_process_stat(pid_t pid, pid_t thread, struct ft_process_stat *ret_stat)
{
	char text[1024];
	const char *name, *after_name;
	int r = ft_process_file(pid, thread, "stat", text, sizeof(text));

	if (r < 0)
		return r;
	name = strchr(text, '(');
	after_name = strrchr(text, ')'); /* the name may hold anything, also parentheses */
	if (!name || !after_name || after_name < name || strlen(after_name) < 4)
		return -EBADMSG;
	snprintf(ret_stat->name, sizeof(ret_stat->name), "%.*s", (int)(after_name - name - 1),
		 name + 1);
	ret_stat->state = after_name[2];
	ret_stat->parent = (pid_t)atoi(after_name + 4);
	ret_stat->exit_code = exit_code_of(after_name + 4);
	return 0;
}
