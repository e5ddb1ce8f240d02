/* SPDX-License-Identifier: MIT */
/* Who has a file open, as /proc tells: the filesystem that it lies on is not asked. */
#ifndef FT_OPEN_FILES_H
#define FT_OPEN_FILES_H

#include <sys/types.h>

/*
 * A process that has path, absolute and as its own mount namespace calls it, open for writing; 0: none
 * that this process may look at.
 */
pid_t ft_open_files_writer(const char *path);

#endif
