/* SPDX-License-Identifier: MIT */
/*
 * Path patterns. Paths are bytes; what is valid UTF-8 in them counts as characters.
 *
 *	*	any run within a component
 *	**	any run, across components; as a whole component it stands for any number of them,
 *		none too: a, two stars, b matches a/b, a/x/b and a/x/y/b
 *	?	one character within a component
 *	[a-z]	one of these within a component; [!a-z] and [^a-z] none of these
 *	\x	x itself
 *
 * A pattern without a slash is matched against the last component of the path. Any other one is
 * matched against the whole path, and may leave out the first slash.
 */
#ifndef FT_BASE_GLOB_H
#define FT_BASE_GLOB_H

#include <stdbool.h>

#include "bytes.h"

/* Needs no memory and never exponential time: two places to go back to are all that it keeps. */
bool ft_glob_match(struct ft_bytes pattern, struct ft_bytes path);

/* Whether a * ? or [ occurs, escaped or not: an escaped one needs the matcher to unescape it. */
bool ft_glob_has_magic(struct ft_bytes pattern);

#endif
