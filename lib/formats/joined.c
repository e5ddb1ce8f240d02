/* SPDX-License-Identifier: MIT */
/* See joined.h. */
#include "joined.h"

#include <errno.h>
#include <stdlib.h>

static int make_room(struct ft_joined *joined, size_t needed)
{
	char *bytes;

	if (needed <= joined->room)
		return 0;
	bytes = realloc(joined->bytes, 2 * needed);
	if (!bytes)
		return -ENOMEM;
	joined->bytes = bytes;
	joined->room = 2 * needed;
	return 0;
}

int ft_joined_keep(struct ft_joined *joined, struct ft_bytes text, bool has_cr)
{
	bool is_kept = text.data == joined->bytes;

	if (make_room(joined, text.length + 2))
		return -ENOMEM;
	if (!is_kept)
		memcpy(joined->bytes, text.data, text.length);
	joined->size = text.length;
	if (has_cr)
		joined->bytes[joined->size++] = '\r';
	joined->bytes[joined->size++] = '\n';
	return FT_LINE_PARTIAL;
}

struct ft_bytes ft_joined_with(struct ft_joined *joined, struct ft_bytes next)
{
	struct ft_bytes whole = {NULL, joined->size + next.length};

	if (make_room(joined, whole.length + 2))
		return whole;
	memcpy(joined->bytes + joined->size, next.data, next.length);
	whole.data = joined->bytes;
	joined->size = 0;
	return whole;
}

void ft_joined_done(struct ft_joined *joined)
{
	free(joined->bytes);
}
