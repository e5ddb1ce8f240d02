/* SPDX-License-Identifier: MIT */
/*
 * Where threads stand in the kernel, as /proc/PID/task/TID tells: for root the whole stack, for others
 * the function in which it waits.
 */
#ifndef FT_STACKS_H
#define FT_STACKS_H

#include <stdio.h>
#include <sys/types.h>

/* All threads of a process, what it is before its number: "daemon". */
void ft_stacks_of_process(FILE *out, const char *what, pid_t pid);
/* One thread, by its own number. */
void ft_stacks_of_thread(FILE *out, const char *what, pid_t pid, pid_t thread);
/* All threads, of any process but without, that wait for the answer of some FUSE daemon. */
void ft_stacks_of_waiting(FILE *out, const char *what);

#endif
