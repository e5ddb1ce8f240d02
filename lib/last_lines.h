/* SPDX-License-Identifier: MIT */
/*
 * The last bytes that a daemon printed, for reports and for whoever asks for its log: a ring of
 * fixed size, which costs one copy and never grows.
 */
#ifndef FT_LAST_LINES_H
#define FT_LAST_LINES_H

#include <stddef.h>

#include "base/bytes.h"

#define FT_LAST_LINES_BYTES (64u << 10)

struct ft_last_lines {
	char *bytes;  /* FT_LAST_LINES_BYTES, once there is anything */
	size_t begin; /* of the oldest byte */
	size_t size;
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

#endif
