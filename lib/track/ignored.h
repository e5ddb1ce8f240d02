/* SPDX-License-Identifier: MIT */
/*
 * Whose requests are left out: threads that only look at what others have done, and since when. What
 * a thread asked for counts by the moment when it asked, as records are read later than that; so
 * intervals are kept, and an interval that has ended still counts for what began in it. Protected by
 * the engine lock.
 */
#ifndef FT_IGNORED_H
#define FT_IGNORED_H

#include <stdbool.h>
#include <stdint.h>

#define FT_IGNORED_THREADS_MAX 1024u
/* Ended ones are forgotten after that time, or when so many came behind them. */
#define FT_IGNORED_ENDED_NS UINT64_C(60000000000)
#define FT_IGNORED_ENDED_MAX 1024u

struct ft_ignored;

struct ft_ignored *ft_ignored_new(void);
struct ft_ignored *ft_ignored_free(struct ft_ignored *ignored);

/* From now on. Nests: as many ends are needed. -ENOSPC: too many threads. */
int ft_ignored_begin(struct ft_ignored *ignored, uint32_t thread, uint64_t now_ns);
/* -EINVAL: the thread is not ignored. now_ns never goes back. */
int ft_ignored_end(struct ft_ignored *ignored, uint32_t thread, uint64_t now_ns);

/* Whether the thread was ignored at that time. NULL as ignored: no. */
bool ft_ignored_has(const struct ft_ignored *ignored, uint32_t thread, uint64_t time_ns);

#endif
