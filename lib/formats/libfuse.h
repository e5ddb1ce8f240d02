/* SPDX-License-Identifier: MIT */
/*
 * The parts of the libfuse parser: records that carry a unique (libfuse.c) and the lines between
 * them, which carry none: those of libfuse's high level (libfuse_details.c) and of filesystems on its
 * low level (libfuse_handlers.c).
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
	bool has_arrow;         /* " -> " stands between the two paths */
	bool is_of_node;        /* of a low-level filesystem: event.nodeid is that of the request */
	uint8_t kind;           /* ... and for libfuse_handlers.c alone: what stands in tail */
	struct ft_bytes tail;
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

/* ---- low-level filesystems: the same, called by the functions above ---- */

bool ft_handler_begins(struct ft_bytes text);
bool ft_handler_parse(struct ft_bytes text, struct ft_detail *ret_detail);
int ft_handler_settle(struct ft_detail *detail, size_t names_size);

/* "  1/d -> 140622799310000": the node that a name was given. */
struct ft_entry_line {
	uint64_t directory;
	struct ft_bytes tail; /* all behind the '/' */
	struct ft_bytes name; /* of it; set by ft_handler_settle_entry(), like node */
	uint64_t node;
};
bool ft_handler_parse_entry(struct ft_bytes text, struct ft_entry_line *ret_line);
/* name_length 0: unknown. */
int ft_handler_settle_entry(struct ft_entry_line *line, size_t name_length);

#endif
