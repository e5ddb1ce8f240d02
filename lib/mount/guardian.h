/* SPDX-License-Identifier: MIT */
/*
 * The guardian: a small process of ours that takes away what this process leaves behind when it ends
 * without doing so itself (SIGKILL, OOM, _exit, exec). Started with the first entry; it ends with
 * this process. Any thread; a forked child has no entries and a guardian of its own.
 *
 * It knows of an entry from the moment when a function here returns: what is sent is read even when
 * the sender is dead. One that was killed is noticed at the next call, and another one started. When
 * none can be started that is logged once, and these functions give the errno: callers go on.
 */
#ifndef FT_GUARDIAN_H
#define FT_GUARDIAN_H

#include <stdint.h>

/*
 * A mount that is about to be made on mountpoint by a process whose environment holds mark
 * ("FUSETRACE_DAEMON=<pid>-<random>"). Called before that process is started, so that there is no
 * moment in which it would be forgotten. Number of the entry (> 0), or a negative errno.
 */
int ft_guardian_expect(const char *mountpoint, const char *mark);
/*
 * The mount of entry is there: only the one with this connection (device number as the kernel has
 * it) and identity (inode of /sys/fs/fuse/connections/N, 0: unknown) is ours to take away. 0 or a
 * negative errno; -ENOENT: there is no such entry.
 */
int ft_guardian_mounted(int entry, uint32_t connection, uint64_t identity);
/*
 * A directory tree to remove, after the mounts; never through a mount. One that is not there yet is
 * taken to be ours when it is there, if we own it; when it has been made, a second entry makes it
 * known, and the first one is forgotten. Number of the entry (> 0), or
 * a negative errno.
 */
int ft_guardian_directory(const char *path);
/* It has been taken away by ourselves. What is no entry is ignored. */
void ft_guardian_forget(int entry);

#endif
