/* SPDX-License-Identifier: MIT */
/* See names.h. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define GAP "..."
#define GAP_COLUMNS 3

char *name_escape(struct ft_bytes name)
{
	size_t length = ft_text_escape(name, NULL, 0);
	char *text = malloc(length + 1);

	if (text)
		ft_text_escape(name, text, length + 1);
	return text;
}

size_t name_width(const char *text)
{
	return ft_utf8_width(ft_bytes_of(text));
}

/* Bytes of whole characters that take up to columns columns. */
static size_t bytes_of_columns(const char *text, size_t columns)
{
	size_t length = strlen(text);
	size_t used = 0;

	while (used < length) {
		uint32_t code_point;
		size_t size = ft_utf8_decode(text + used, length - used, &code_point);
		size_t width = ft_utf8_width((struct ft_bytes){text + used, size ? size : 1});

		if (width > columns)
			break;
		columns -= width;
		used += size ? size : 1;
	}
	return used;
}

void name_shorten(char *text, size_t columns)
{
	size_t width = name_width(text);
	size_t kept, head, tail;

	if (width <= columns)
		return;
	if (columns <= 2 * GAP_COLUMNS) { /* too narrow for two ends */
		text[bytes_of_columns(text, columns)] = '\0';
		return;
	}
	kept = columns - GAP_COLUMNS;
	head = bytes_of_columns(text, kept / 2);
	/* A wide character at the border is left out: the rest may be a column shorter. */
	tail = bytes_of_columns(text, width - (kept - kept / 2));
	if (name_width(text + tail) > kept - kept / 2)
		tail += bytes_of_columns(text + tail, 2);
	memcpy(text + head, GAP, GAP_COLUMNS);
	memmove(text + head + GAP_COLUMNS, text + tail, strlen(text + tail) + 1);
}
