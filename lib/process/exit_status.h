/* SPDX-License-Identifier: MIT */
/* How a process has ended, be it a child of ours or not, reaped or not. Reaps nothing. */
#ifndef FT_EXIT_STATUS_H
#define FT_EXIT_STATUS_H

#include <sys/types.h>

/*
 * A wait status as waitpid(2) has it, for a process whose pidfd is readable. -ENODATA where the kernel
 * does not tell (yet): of somebody else's child before Linux 6.15, or while it has not been reaped and
 * this process may not look into it.
 */
int ft_exit_status(pid_t pid, int pidfd, int *ret_status);

#endif
