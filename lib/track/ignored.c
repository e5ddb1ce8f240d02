/* SPDX-License-Identifier: MIT */
/* See ignored.h. */
#include "ignored.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct running {
	uint32_t thread;
	uint32_t depth;
	uint64_t from_ns;
};

struct ended {
	uint32_t thread;
	uint64_t from_ns;
	uint64_t to_ns; /* not part of it */
};

struct ft_ignored {
	struct running running[FT_IGNORED_THREADS_MAX];
	size_t running_count;
	struct ended
		ended[FT_IGNORED_ENDED_MAX]; /* a ring in the order of to_ns, oldest at first */
	size_t first;
	size_t ended_count;
};

struct ft_ignored *ft_ignored_new(void)
{
	return calloc(1, sizeof(struct ft_ignored));
}

struct ft_ignored *ft_ignored_free(struct ft_ignored *ignored)
{
	free(ignored);
	return NULL;
}

/* ---- begin and end ---- */

static struct running *find_running(struct ft_ignored *ignored, uint32_t thread)
{
	for (size_t i = 0; i < ignored->running_count; i++) {
		if (ignored->running[i].thread == thread)
			return &ignored->running[i];
	}
	return NULL;
}

int ft_ignored_begin(struct ft_ignored *ignored, uint32_t thread, uint64_t now_ns)
{
	struct running *running = find_running(ignored, thread);

	if (running) {
		running->depth++;
		return 0;
	}
	if (ignored->running_count == FT_IGNORED_THREADS_MAX)
		return -ENOSPC;
	ignored->running[ignored->running_count++] = (struct running){
		.thread = thread,
		.depth = 1,
		.from_ns = now_ns,
	};
	return 0;
}

static void drop_old(struct ft_ignored *ignored, uint64_t now_ns)
{
	while (ignored->ended_count &&
	       (ignored->ended_count == FT_IGNORED_ENDED_MAX ||
		now_ns - ignored->ended[ignored->first].to_ns > FT_IGNORED_ENDED_NS)) {
		ignored->first = (ignored->first + 1) % FT_IGNORED_ENDED_MAX;
		ignored->ended_count--;
	}
}

int ft_ignored_end(struct ft_ignored *ignored, uint32_t thread, uint64_t now_ns)
{
	struct running *running = find_running(ignored, thread);

	if (!running)
		return -EINVAL;
	if (--running->depth)
		return 0;
	drop_old(ignored, now_ns);
	ignored->ended[(ignored->first + ignored->ended_count++) % FT_IGNORED_ENDED_MAX] =
		(struct ended){
			.thread = thread,
			.from_ns = running->from_ns,
			.to_ns = now_ns,
		};
	*running = ignored->running[--ignored->running_count];
	return 0;
}

/* ---- looking ---- */

/* Newest first: of what is read now, only the last few can be meant. */
static bool has_ended(const struct ft_ignored *ignored, uint32_t thread, uint64_t time_ns)
{
	for (size_t i = ignored->ended_count; i-- > 0;) {
		const struct ended *ended =
			&ignored->ended[(ignored->first + i) % FT_IGNORED_ENDED_MAX];

		if (ended->to_ns <= time_ns)
			return false;
		if (ended->thread == thread && ended->from_ns <= time_ns)
			return true;
	}
	return false;
}

bool ft_ignored_has(const struct ft_ignored *ignored, uint32_t thread, uint64_t time_ns)
{
	if (!ignored)
		return false;
	for (size_t i = 0; i < ignored->running_count; i++) {
		if (ignored->running[i].thread == thread && ignored->running[i].from_ns <= time_ns)
			return true;
	}
	return has_ended(ignored, thread, time_ns);
}
