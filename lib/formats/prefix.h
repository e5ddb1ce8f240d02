/* SPDX-License-Identifier: MIT */
/*
 * What applications put around a record: colours, dates, levels, "DEBUG : fuse: ", the file and line
 * of the logger, an envelope of JSON or key="value". Peeled off here, once for all formats.
 */
#ifndef FT_FORMATS_PREFIX_H
#define FT_FORMATS_PREFIX_H

#include "format.h"

#define FT_PREFIX_LENGTH_MAX 400
#define FT_BEGINS_MAX 96

/* What records begin with, of all formats: two bytes at least. */
struct ft_begins {
	const char *texts[FT_BEGINS_MAX];
	size_t lengths[FT_BEGINS_MAX];
	size_t count;
	/* The first two bytes of each, and a bit for each two bytes that one of them begins with. */
	uint16_t pairs[FT_BEGINS_MAX];
	uint64_t is_pair[(1 << 16) / 64];
};
void ft_begins_init(struct ft_begins *begins, const struct ft_format *const *formats);

/*
 * The next place at or behind *at in which a record may begin behind a prefix; true and a line that
 * begins there, with the time of the prefix, if it has one. *at is set behind it. Start with 1.
 */
bool ft_prefix_next(const struct ft_begins *begins, struct ft_bytes whole, size_t *at,
		    struct ft_line *ret_line);

/* Whether a record may begin just there behind a usual prefix; then as ft_prefix_next(). */
bool ft_prefix_at(const struct ft_begins *begins, struct ft_bytes whole, size_t at,
		  struct ft_line *ret_line);

/*
 * A record in the middle of a word, where the application's own line was torn: only beginnings that
 * are long enough to be no accident. The line is suspect. *at as above.
 */
bool ft_prefix_torn(const struct ft_begins *begins, struct ft_bytes whole, size_t *at,
		    struct ft_line *ret_line);

/*
 * Copies text without colours (ESC [ ... m) to out, which has room for all of it; returns the
 * length, or 0 if there are none.
 */
size_t ft_prefix_uncolour(struct ft_bytes text, char *out);

/*
 * The message in {"msg":"...","time":"..."} or in time="..." msg="...": true and a line of it, decoded
 * into scratch, which has room for as many bytes as text.
 */
bool ft_prefix_envelope(struct ft_bytes text, char *scratch, struct ft_line *ret_line);

#endif
