/* SPDX-License-Identifier: MIT */
/*
 * Which processes serve a FUSE connection: those that hold its /dev/fuse while it is connected; who has been
 * unmounted or aborted serves nothing any more. Asked of the kernel (daemons_kernel.h), else of /proc, which
 * takes long among many processes, and is best effort: what we may not see is not found.
 */
#ifndef FT_DAEMONS_H
#define FT_DAEMONS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Number of those who serve the connection, of which the first max are in pids. The number of one that is
 * over is given out again, so where several have the number they are asked more closely; one alone is
 * taken at his word.
 */
int ft_daemons_of_connection(uint32_t connection, pid_t *pids, int max);
/* Likewise when nobody may be left: one alone is asked, too. */
int ft_daemons_left(uint32_t connection, pid_t *pids, int max);

/* Whether pid has a descriptor of that number, and whether it is of a connection that is not over. */
bool ft_daemons_holds(pid_t pid, uint32_t connection);
bool ft_daemons_serves(pid_t pid, uint32_t connection);

/* Whether pid was started with variable ("NAME=value") in its environment; what we may not read has
 * none. */
bool ft_daemons_has_variable(pid_t pid, const char *variable);
/* The one that begins so ("NAME="), or NULL. Free with free(). */
char *ft_daemons_variable(pid_t pid, const char *beginning);
/*
 * Number of processes that have it, without this one, of which the first max are in pids: what a
 * daemon of ours is known by, also when it has gone into the background.
 */
int ft_daemons_with_variable(const char *variable, pid_t *pids, int max);

bool ft_daemons_is_one_of(pid_t pid, const pid_t *pids, int count);
/* 0: the entry of /proc is no process. */
pid_t ft_daemons_pid_of(const struct dirent *entry);
/* Also when its parent has not asked for it yet. */
bool ft_daemons_has_ended(pid_t pid);
/*
 * Whether pid is ancestor itself, a descendant of it, or may have been one: a child of this process
 * while ancestor has ended (a daemonised child, when we are its subreaper).
 */
bool ft_daemons_is_descendant(pid_t pid, pid_t ancestor);

/* Whether one of pid's arguments names path, as its command line is now (command_line.h). */
bool ft_daemons_has_argument(pid_t pid, const char *path);

#endif
