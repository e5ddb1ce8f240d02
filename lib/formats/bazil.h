/* SPDX-License-Identifier: MIT */
/* What the files of bazil.org/fuse's format share. */
#ifndef FT_FORMATS_BAZIL_H
#define FT_FORMATS_BAZIL_H

#include "base/scan.h"
#include "format.h"

/* Opcodes of linux/fuse.h that the library prints under one name with another one. */
enum {
	FT_BAZIL_OPEN = 14,
	FT_BAZIL_RELEASE = 18,
	FT_BAZIL_FSYNC = 20,
	FT_BAZIL_OPENDIR = 27,
	FT_BAZIL_RELEASEDIR = 29,
	FT_BAZIL_FSYNCDIR = 30,
};

/*
 * Takes what stands behind the header of a request and adds what it tells to event, also which of
 * two opcodes it is. What it does not know it passes over.
 */
typedef void ft_bazil_take_fn(struct ft_scan *scan, const struct ft_line *line,
			      struct ft_event *event);

struct ft_bazil_op {
	const char *name;
	uint32_t opcode;
	bool is_certain; /* no second opcode has that name */
	ft_bazil_take_fn *take;
};

/* NULL: the library has none of that name. */
const struct ft_bazil_op *ft_bazil_op_find(struct ft_bytes name);

/* Takes what stands behind the name of a reply that is no error, as the function of a request does. */
void ft_bazil_reply(struct ft_scan *scan, const struct ft_line *line, const struct ft_bazil_op *op,
		    struct ft_event *event);

#endif
