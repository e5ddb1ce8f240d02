/* SPDX-License-Identifier: MIT */
/* A record that a newline in a name broke in two or more: its lines so far, until the next one comes. */
#ifndef FT_FORMATS_JOINED_H
#define FT_FORMATS_JOINED_H

#include "format.h"

struct ft_joined {
	char *bytes;
	size_t size; /* 0: none is kept */
	size_t room;
};

/* Keeps a text, which may be what ft_joined_with() gave: FT_LINE_PARTIAL, or -ENOMEM. */
int ft_joined_keep(struct ft_joined *joined, struct ft_bytes text, bool has_cr);
/*
 * What was kept with the next line behind it; nothing is kept then. It is the buffer's, until the next
 * call. Its data are NULL without memory.
 */
struct ft_bytes ft_joined_with(struct ft_joined *joined, struct ft_bytes next);
void ft_joined_done(struct ft_joined *joined);

#endif
