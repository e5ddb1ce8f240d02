/* SPDX-License-Identifier: MIT */
/*
 * The parts of the libfuse parser. Requests and replies carry a number (libfuse.c). The lines between
 * them, which carry none, are taken apart: those of libfuse's high level (libfuse_details.c) and of
 * filesystems on its low level (libfuse_handlers.c). Then the request is looked for that they belong
 * to (libfuse_owners.c), which tells how long their names are (libfuse_names.c).
 */
#ifndef FT_FORMATS_LIBFUSE_H
#define FT_FORMATS_LIBFUSE_H

#include <linux/fuse.h>

#include "joined.h"

/* ---- lines without a number ---- */

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
 * writes them to detail->event. What does not fit may be tried for another request.
 */
int ft_detail_settle(struct ft_detail *detail, uint32_t opcode, size_t names_size);

/* The path of a detail line, which is "(null)" for a file without a name. */
void ft_detail_set_path(struct ft_event *event, struct ft_bytes path);

/* Low-level filesystems: the same, called by the functions above. */

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

/* ---- requests, and whose a line is ---- */

/* Requests that are remembered, by their number, which grows by two. */
#define FT_LIBFUSE_REQUESTS 256
/* Names with a newline in them that are remembered. */
#define FT_LIBFUSE_BROKEN 32
#define FT_LIBFUSE_NAME_MAX 255

/* Bytes that one record can be spread over by the newlines in its names. */
#define FT_LIBFUSE_JOINED_MAX (64 * 1024)

struct ft_libfuse_request {
	uint64_t unique;
	uint64_t insize; /* 0: not to be relied on */
	uint64_t fh;     /* has_fh: that the handler gave */
	uint64_t moved;  /* has_moved: bytes that it read or wrote */
	uint64_t nodeid;
	uint64_t entry; /* the node that the filesystem says it gave; 0: not told */
	uint32_t opcode;
	bool has_details;
	bool has_reply_details;
	bool has_fh;
	bool has_moved;
};

/* Up to 255 bytes, the last ones of a longer text. */
struct ft_libfuse_name {
	size_t length; /* of the whole */
	char bytes[FT_LIBFUSE_NAME_MAX];
};

/* Names with a newline in them: wherever one is printed, it breaks the line. */
struct ft_libfuse_breaks {
	struct ft_libfuse_name names[FT_LIBFUSE_BROKEN];
	uint32_t count;
};

/* The state of the format. */
struct ft_libfuse {
	struct ft_event
		held; /* the last request, not passed on yet for the details that may come */
	bool is_held;
	struct ft_libfuse_request requests[FT_LIBFUSE_REQUESTS];
	uint64_t newest;       /* the highest unique of a request */
	uint64_t last;         /* that of the last one printed */
	uint64_t node;         /* of the last NODEID line, for the reply behind it; 0: none */
	bool is_node_doubtful; /* a second one came before a reply */
	/* A request whose handler looks the same path up once more. */
	uint64_t looks_again;
	struct ft_libfuse_name looked_up;
	struct ft_joined joined; /* a detail line that goes on in the next one */
	bool is_guess;           /* ... for the size of the request, not for a name that is known */
	bool is_rejoined;        /* lines that were joined in vain are taken anew, each by itself */
	struct ft_libfuse_breaks breaks;
};

static inline struct ft_libfuse_request *ft_libfuse_slot(struct ft_libfuse *state, uint64_t unique)
{
	return &state->requests[(unique >> 1) % FT_LIBFUSE_REQUESTS];
}

/* NULL: not known, or no longer. */
static inline struct ft_libfuse_request *ft_libfuse_find(struct ft_libfuse *state, uint64_t unique)
{
	struct ft_libfuse_request *request = ft_libfuse_slot(state, unique);

	return request->unique == unique && unique ? request : NULL;
}

/* FT_LINE_TAKEN, of a detail that fits no request. */
#define FT_LINE_UNOWNED 3

/* One line, or several that belong together. FT_LINE_ or a negative errno. */
int ft_libfuse_take_detail(struct ft_libfuse *state, struct ft_bytes text, bool has_cr,
			   struct ft_sink *sink);
/* "   NODEID: 2" */
bool ft_libfuse_take_node_line(struct ft_libfuse *state, struct ft_bytes text);

#endif
