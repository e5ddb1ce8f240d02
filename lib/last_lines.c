/* SPDX-License-Identifier: MIT */
/* The ring of last_lines.h. */
#include "last_lines.h"

#include <stdlib.h>

void ft_last_lines_done(struct ft_last_lines *lines)
{
	free(lines->bytes);
	*lines = (struct ft_last_lines){NULL, 0, 0};
}

void ft_last_lines_push(struct ft_last_lines *lines, const char *data, size_t size)
{
	size_t at, first;

	if (!lines->bytes)
		lines->bytes = malloc(FT_LAST_LINES_BYTES);
	if (!lines->bytes)
		return;
	if (size > FT_LAST_LINES_BYTES) {
		data += size - FT_LAST_LINES_BYTES;
		size = FT_LAST_LINES_BYTES;
	}
	at = (lines->begin + lines->size) % FT_LAST_LINES_BYTES;
	first = FT_LAST_LINES_BYTES - at < size ? FT_LAST_LINES_BYTES - at : size;
	memcpy(lines->bytes + at, data, first);
	memcpy(lines->bytes, data + first, size - first);
	lines->size += size;
	if (lines->size > FT_LAST_LINES_BYTES) {
		lines->begin = (lines->begin + lines->size) % FT_LAST_LINES_BYTES;
		lines->size = FT_LAST_LINES_BYTES;
	}
}

char *ft_last_lines_copy(const struct ft_last_lines *lines, size_t *ret_size)
{
	size_t to_end = FT_LAST_LINES_BYTES - lines->begin;
	size_t first = lines->size < to_end ? lines->size : to_end;
	char *copy = malloc(lines->size + 1);
	const char *newline;
	size_t cut = 0;

	if (!copy)
		return NULL;
	if (lines->size) {
		memcpy(copy, lines->bytes + lines->begin, first);
		memcpy(copy + first, lines->bytes, lines->size - first);
	}
	if (lines->size == FT_LAST_LINES_BYTES) { /* the oldest line may have lost its begin */
		newline = memchr(copy, '\n', lines->size);
		cut = newline ? (size_t)(newline - copy) + 1 : 0;
	}
	memmove(copy, copy + cut, lines->size - cut);
	copy[lines->size - cut] = '\0';
	*ret_size = lines->size - cut;
	return copy;
}
