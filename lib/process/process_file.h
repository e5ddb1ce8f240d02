/* SPDX-License-Identifier: MIT */
/*
 * Files of /proc/PID that tell of a process without its help: none of those read here takes a lock that
 * a process which hangs in a filesystem could hold.
 */
#ifndef FT_PROCESS_FILE_H
#define FT_PROCESS_FILE_H

#include <stddef.h>
#include <sys/types.h>

#define FT_PROCESS_NAME_SIZE 64

struct ft_process_stat {
	char name[FT_PROCESS_NAME_SIZE]; /* as it is: may hold anything but a NUL */
	char state;                      /* R, S, D, T, Z, ... of proc_pid_stat(5) */
	pid_t parent;
	int exit_code; /* wait status of a zombie; 0 to who may not know */
};

/* Of the process, or of one of its threads (0: none). Negative errno when it is gone. */
int ft_process_stat(pid_t pid, pid_t thread, struct ft_process_stat *ret_stat);

/*
 * The text of a file of the process or of its thread (0: none), with a NUL and without the last newline;
 * what does not fit is cut. Its length, or a negative errno.
 */
int ft_process_file(pid_t pid, pid_t thread, const char *name, char *buffer, size_t size);

#endif
