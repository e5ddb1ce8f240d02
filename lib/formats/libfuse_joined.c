/* SPDX-License-Identifier: MIT */
/*
 * Detail lines of libfuse that a newline in a name broke in two or more. The next line is appended
 * to what was kept, and the whole is taken anew. Two things tell that it goes on: the size of the
 * request, which its names do not fill yet, or a name that was seen before.
 */
#include "libfuse.h"

#include <errno.h>
#include <stdlib.h>

/* ---- what is kept ---- */

static int make_room(struct ft_libfuse_joined *joined, size_t needed)
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

int ft_libfuse_keep(struct ft_libfuse_joined *joined, struct ft_bytes text, bool has_cr)
{
	/* what was kept before may be the begin of text */
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

struct ft_bytes ft_libfuse_join(struct ft_libfuse_joined *joined, struct ft_bytes next)
{
	struct ft_bytes whole = {NULL, joined->size + next.length};

	if (make_room(joined, whole.length + 2))
		return whole;
	memcpy(joined->bytes + joined->size, next.data, next.length);
	whole.data = joined->bytes;
	joined->size = 0;
	joined->is_guess = false;
	return whole;
}

/* ---- names that break lines ---- */

void ft_libfuse_remember_broken(struct ft_libfuse_joined *joined, struct ft_bytes name)
{
	struct ft_libfuse_name *broken = &joined->broken[joined->broken_count % FT_LIBFUSE_BROKEN];

	if (!name.data || name.length > FT_LIBFUSE_NAME_MAX ||
	    !memchr(name.data, '\n', name.length))
		return;
	memcpy(broken->bytes, name.data, name.length);
	broken->length = name.length;
	joined->broken_count++;
}

bool ft_libfuse_ends_broken(const struct ft_libfuse_joined *joined, struct ft_bytes text)
{
	const char *slash;
	size_t length;

	if (!joined->broken_count)
		return false;
	slash = memrchr(text.data, '/', text.length);
	length = slash ? (size_t)(text.data + text.length - slash) - 1 : 0;
	for (uint32_t i = 0; slash && i < joined->broken_count && i < FT_LIBFUSE_BROKEN; i++) {
		const struct ft_libfuse_name *broken = &joined->broken[i];

		if (length < broken->length && broken->bytes[length] == '\n' &&
		    memcmp(slash + 1, broken->bytes, length) == 0)
			return true;
	}
	return false;
}
