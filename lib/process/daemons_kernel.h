/* SPDX-License-Identifier: MIT */
/*
 * Which processes serve a FUSE connection, asked of the kernel: a BPF iterator over the open files of all
 * processes (bpf/holders.bpf.c), which is there while the kernel source is. Any thread.
 */
#ifndef FT_DAEMONS_KERNEL_H
#define FT_DAEMONS_KERNEL_H

#include <stdint.h>
#include <sys/types.h>

/* The link of the iterator, which lives until this is called again; -1: there is none. */
void ft_daemons_kernel_use(int link_fd);

/*
 * Number of the processes of this PID namespace that hold the connection's /dev/fuse, of which the first
 * max are in pids; a connection that has been unmounted or aborted is held by none. -EOPNOTSUPP where there
 * is no iterator, or another negative errno.
 */
int ft_daemons_kernel_ask(uint32_t connection, pid_t *pids, int max);

#endif
