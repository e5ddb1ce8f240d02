/* SPDX-License-Identifier: MIT */
/* The ring of last_lines.h. */
#include "last_lines.h"

#include <stdlib.h>

void ft_last_lines_done(struct ft_last_lines *lines)
{
	free(lines->bytes);
	*lines = (struct ft_last_lines){NULL};
}

void ft_last_lines_push(struct ft_last_lines *lines, const char *data, size_t size)
{
	size_t at, first;

	if (!size)
		return;
	if (!lines->bytes)
		lines->bytes = malloc(FT_LAST_LINES_BYTES);
	if (!lines->bytes)
		return;
	lines->total += size;
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

bool ft_last_lines_has_all_since(const struct ft_last_lines *lines, uint64_t place)
{
	return place >= lines->total - lines->size;
}

char *ft_last_lines_copy_since(const struct ft_last_lines *lines, uint64_t place, size_t *ret_size)
{
	bool has_all = ft_last_lines_has_all_since(lines, place);
	size_t size = !has_all ? lines->size : place < lines->total ? lines->total - place : 0;
	size_t begin = (lines->begin + lines->size - size) % FT_LAST_LINES_BYTES;
	size_t to_end = FT_LAST_LINES_BYTES - begin;
	size_t first = size < to_end ? size : to_end;
	char *copy = malloc(size + 1);
	const char *newline;
	size_t cut = 0;

	if (!copy)
		return NULL;
	if (size) {
		memcpy(copy, lines->bytes + begin, first);
		memcpy(copy + first, lines->bytes, size - first);
	}
	if (!has_all) { /* the oldest line may have lost its begin */
		newline = memchr(copy, '\n', size);
		cut = newline ? (size_t)(newline - copy) + 1 : 0;
	}
	memmove(copy, copy + cut, size - cut);
	copy[size - cut] = '\0';
	*ret_size = size - cut;
	return copy;
}

char *ft_last_lines_copy(const struct ft_last_lines *lines, size_t *ret_size)
{
	return ft_last_lines_copy_since(lines, 0, ret_size);
}
