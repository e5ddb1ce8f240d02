/* SPDX-License-Identifier: MIT */
/* See command_line.h. */
#include "command_line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TEXT_MAX (64 * 1024) /* of /proc: what comes behind is hardly a mountpoint */

/* What the link of /proc leads to, "" where we may not know. */
static char *read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	target[length > 0 ? length : 0] = '\0';
	return strdup(target);
}

int ft_command_line_of(pid_t pid, struct ft_command_line *ret_line)
{
	char path[64];
	ssize_t length;
	int fd FT_AUTO_CLOSE = -1;

	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	*ret_line = (struct ft_command_line){
		.text = malloc(TEXT_MAX),
		.directory = read_link(path),
	};
	if (!ret_line->text || !ret_line->directory) {
		ft_command_line_done(ret_line);
		return -ENOMEM;
	}
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, ret_line->text, TEXT_MAX - 1);
	if (length > 0) { /* a process may overwrite its own, the last NUL as well */
		ret_line->text[length] = '\0';
		ret_line->length = (size_t)length;
	}
	return 0;
}

int ft_command_line_copy(char *const *argv, struct ft_command_line *ret_line)
{
	size_t length = 0;
	char *at;

	for (size_t i = 0; argv[i]; i++)
		length += strlen(argv[i]) + 1;
	*ret_line = (struct ft_command_line){
		.text = malloc(length),
		.length = length,
		.directory = read_link("/proc/self/cwd"),
	};
	if (!ret_line->text || !ret_line->directory) {
		ft_command_line_done(ret_line);
		return -ENOMEM;
	}
	at = ret_line->text;
	for (size_t i = 0; argv[i]; i++)
		at = stpcpy(at, argv[i]) + 1;
	return 0;
}

void ft_command_line_done(struct ft_command_line *line)
{
	free(line->text);
	free(line->directory);
	*line = (struct ft_command_line){0};
}

static bool is_same(const char *argument, const char *directory, const char *path)
{
	char full[2 * PATH_MAX];
	size_t end;

	if (argument[0] == '/')
		snprintf(full, sizeof(full), "%.*s", PATH_MAX, argument);
	else
		snprintf(full, sizeof(full), "%s/%.*s", strcmp(directory, "/") ? directory : "",
			 PATH_MAX - 1, argument);
	end = strlen(full);
	while (end > 1 && full[end - 1] == '/')
		full[--end] = '\0';
	return strcmp(full, path) == 0;
}

bool ft_command_line_names(const struct ft_command_line *line, const char *path)
{
	const char *end = line->text + line->length;

	for (const char *at = line->text; at < end; at += strlen(at) + 1) {
		if (is_same(at, line->directory, path))
			return true;
	}
	return false;
}
