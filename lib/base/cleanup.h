/* SPDX-License-Identifier: MIT */
/*
 * Scope-bound ownership: a local that owns something is declared with one of these, initialised at
 * its declaration, and given away with FT_STEAL_PTR() or FT_STEAL_FD().
 */
#ifndef FT_BASE_CLEANUP_H
#define FT_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FT_CLEANUP(function) __attribute__((cleanup(function)))

/* Declares the cleanup function of a type that has a free function taking and returning it. */
#define FT_DEFINE_CLEANUP(type, free_function)                                                     \
	static inline void free_function##_cleanup(type **slot)                                    \
	{                                                                                          \
		if (*slot)                                                                         \
			free_function(*slot);                                                      \
	}

static inline void ft_free_cleanup(void *slot)
{
	free(*(void **)slot);
}

static inline void ft_close_cleanup(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ft_fclose_cleanup(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void ft_closedir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define FT_AUTO_FREE FT_CLEANUP(ft_free_cleanup)
#define FT_AUTO_CLOSE FT_CLEANUP(ft_close_cleanup)
#define FT_AUTO_FCLOSE FT_CLEANUP(ft_fclose_cleanup)
#define FT_AUTO_CLOSEDIR FT_CLEANUP(ft_closedir_cleanup)

#define FT_STEAL_PTR(pointer)                                                                      \
	({                                                                                         \
		__typeof__(pointer) stolen_ = (pointer);                                           \
		(pointer) = NULL;                                                                  \
		stolen_;                                                                           \
	})

#define FT_SWAP(a, b)                                                                              \
	do {                                                                                       \
		__typeof__(a) swapped_ = (a);                                                      \
		(a) = (b);                                                                         \
		(b) = swapped_;                                                                    \
	} while (0)

static inline int ft_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
