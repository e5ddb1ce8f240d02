/* SPDX-License-Identifier: MIT */
/*
 * A borrowed run of bytes. File names and log text are bytes with a length: they may hold anything
 * but are never assumed to end with a NUL.
 */
#ifndef FT_BASE_BYTES_H
#define FT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ft_bytes {
	const char *data; /* NULL: absent, which differs from empty */
	size_t length;
};

#define FT_BYTES_LITERAL(text) ((struct ft_bytes){(text), sizeof(text) - 1})

static inline struct ft_bytes ft_bytes_of(const char *text)
{
	return (struct ft_bytes){text, text ? strlen(text) : 0};
}

static inline bool ft_bytes_equal(struct ft_bytes a, struct ft_bytes b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* What stands behind the last '/'; all of it if there is none. */
static inline struct ft_bytes ft_bytes_last_component(struct ft_bytes path)
{
	const char *slash = path.length ? memrchr(path.data, '/', path.length) : NULL;
	const char *begin = slash ? slash + 1 : path.data;

	return (struct ft_bytes){begin, (size_t)(path.data + path.length - begin)};
}

#endif
