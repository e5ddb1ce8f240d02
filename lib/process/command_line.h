/* SPDX-License-Identifier: MIT */
/*
 * What a command line names: by it a mount is known to be somebody's own where it cannot be seen which
 * process serves it. One that has ended has none any more, so whoever starts a daemon remembers it.
 */
#ifndef FT_COMMAND_LINE_H
#define FT_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ft_command_line {
	char *text; /* the arguments, each with its NUL; NULL: none are known */
	size_t length;
	char *directory; /* against which relative ones are taken */
};

/* Of a process; empty where it has ended or we may not read it. 0 or -ENOMEM. Free with _done(). */
int ft_command_line_of(pid_t pid, struct ft_command_line *ret_line);
/* Of one that this process starts in its own directory. 0 or -ENOMEM. */
int ft_command_line_copy(char *const *argv, struct ft_command_line *ret_line);
/* Nothing is left in it, so that it may be called again. */
void ft_command_line_done(struct ft_command_line *line);

/* Whether an argument, made absolute, is path but for slashes at its end. */
bool ft_command_line_names(const struct ft_command_line *line, const char *path);

#endif
