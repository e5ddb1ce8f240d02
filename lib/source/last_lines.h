/* SPDX-License-Identifier: MIT */
/*
 * The last bytes that a daemon printed, for reports and for whoever asks for its log: a ring of
 * fixed size, which costs one copy and never grows.
 */
#ifndef FT_LAST_LINES_H
#define FT_LAST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* As much as a pipe holds: what was printed while nobody looked can be looked through. */
#define FT_LAST_LINES_BYTES (1u << 20)

struct ft_last_lines {
	char *bytes;  /* FT_LAST_LINES_BYTES, once there is anything */
	size_t begin; /* of the oldest byte */
	size_t size;
	uint64_t total; /* bytes that were ever pushed: the place behind the newest one */
};

/* All zeros is an empty one. */
void ft_last_lines_done(struct ft_last_lines *lines);
/* Without memory nothing is kept. */
void ft_last_lines_push(struct ft_last_lines *lines, const char *data, size_t size);

/*
 * A copy of what is kept, NUL-terminated, beginning with a whole line. NULL: no memory. Free with
 * free().
 */
char *ft_last_lines_copy(const struct ft_last_lines *lines, size_t *ret_size);
/* Likewise of what was pushed behind a place; what of it is not kept any more is left out. */
char *ft_last_lines_copy_since(const struct ft_last_lines *lines, uint64_t place, size_t *ret_size);
/* Whether all that was pushed behind a place is kept. */
bool ft_last_lines_has_all_since(const struct ft_last_lines *lines, uint64_t place);

#endif
