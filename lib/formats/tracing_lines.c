/* SPDX-License-Identifier: MIT */
/* Records of tracing.h that go over several lines: what was read of one is kept here. */
#include <errno.h>
#include <stdlib.h>

#include "prefix.h"
#include "tracing.h"

#define ROOM_AT_FIRST 4096

/* What is decoded of the lines goes behind them: two bytes for each of theirs. */
static int make_room(struct ft_tracing_lines *lines, size_t size)
{
	size_t room = lines->room ? lines->room : ROOM_AT_FIRST;
	char *bytes;

	while (room < 3 * size)
		room *= 2;
	if (room == lines->room)
		return 0;
	bytes = realloc(lines->bytes, room);
	if (!bytes)
		return -ENOMEM;
	lines->bytes = bytes;
	lines->room = room;
	return 0;
}

int ft_tracing_lines_add(struct ft_tracing_lines *lines, const struct ft_line *line)
{
	struct ft_bytes text = line->text;
	size_t length = 0;
	char *at;
	int r = make_room(lines, lines->size + text.length + 2);

	if (r < 0)
		return r;
	if (lines->count++) {
		if (lines->has_cr) /* in the middle of a name; behind the last line it is the end's */
			lines->bytes[lines->size++] = '\r';
		lines->bytes[lines->size++] = '\n';
	}
	lines->has_cr = line->has_cr;
	at = lines->bytes + lines->size;
	if (lines->is_coloured)
		length = ft_prefix_uncolour(text, at);
	if (length == 0 && text.length) {
		memcpy(at, text.data, text.length);
		length = text.length;
	}
	lines->size += length;
	return 0;
}

struct ft_bytes ft_tracing_lines_text(const struct ft_tracing_lines *lines)
{
	return (struct ft_bytes){lines->bytes, lines->size};
}

char *ft_tracing_lines_scratch(const struct ft_tracing_lines *lines)
{
	return lines->bytes + lines->size;
}

void ft_tracing_lines_clear(struct ft_tracing_lines *lines)
{
	lines->size = 0;
	lines->count = 0;
}

void ft_tracing_lines_done(struct ft_tracing_lines *lines)
{
	free(lines->bytes);
}
