/* SPDX-License-Identifier: MIT */
/*
 * Ownership bound to a scope, errors for people, the two kinds of number that options hold, and
 * time. Knows nothing of filesystems.
 */
#ifndef BRANCHFS_SUPPORT_H
#define BRANCHFS_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct fusetrace_error;

/* For locals: closed, or freed, at the end of the scope. Negative descriptors and NULL are fine. */
#define AUTO_CLOSE __attribute__((cleanup(close_cleanup)))
#define AUTO_FREE __attribute__((cleanup(free_cleanup)))

static inline void close_cleanup(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void free_cleanup(void *slot)
{
	free(*(void **)slot);
}

/* The descriptor, which the caller owns from now on; *fd becomes -1. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/* Fills *reterr_error (may be NULL) with "what went wrong: what to do". Returns code. */
__attribute__((format(printf, 3, 4))) int explain(struct fusetrace_error *reterr_error, int code,
						  const char *format, ...);

/* "300ms", "2s", "50us", "1m" in nanoseconds; -EINVAL for anything else. */
int parse_duration(const char *text, uint64_t *ret_ns);
/* A number from 1 on; -EINVAL for anything else. */
int parse_count(const char *text, uint64_t *ret_count);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);
bool is_later(const struct timespec *left, const struct timespec *right);

#endif
