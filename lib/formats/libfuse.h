/* SPDX-License-Identifier: MIT */
/*
 * The two halves of the libfuse parser: records that carry a unique (libfuse.c) and the lines
 * between them, which carry none (libfuse_details.c).
 */
#ifndef FT_FORMATS_LIBFUSE_H
#define FT_FORMATS_LIBFUSE_H

#include "format.h"

/* A detail line, taken apart. Names point into the line. */
struct ft_detail {
	uint64_t opcodes; /* which requests it may belong to, as 1 << opcode */
	bool is_of_reply; /* indented: what the handler gave */
	bool names_child; /* the last component of its path is in the request: its length is known */
	struct ft_event event;
	struct ft_bytes joined; /* two paths, or a path and an attribute, not yet told apart */
};

/*
 * Takes a detail line apart; false: it is none. What stands in event is right unless a name holds
 * blanks, which ft_detail_settle() sees to.
 */
bool ft_detail_parse(struct ft_bytes text, struct ft_detail *ret_detail);

/* Whether a line begins like a detail line; what follows may be cut off by a newline in a name. */
bool ft_detail_begins(struct ft_bytes text);

/* How much of a request its names take, all of them together with their NULs; 0: none or unknown. */
size_t ft_detail_names_size(uint32_t opcode, uint64_t insize, size_t xattr_size);

#define FT_DETAIL_FITS 1
#define FT_DETAIL_TOO_SHORT 0 /* part of a name is in the lines that follow */
#define FT_DETAIL_OTHER (-1)  /* of another request */

/*
 * Finds the names of a request whose names take names_size bytes (0: unknown) in a detail line, and
 * writes them to detail->event.
 */
int ft_detail_settle(struct ft_detail *detail, uint32_t opcode, size_t names_size);

#endif
