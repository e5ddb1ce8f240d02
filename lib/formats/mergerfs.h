/* SPDX-License-Identifier: MIT */
/* What mergerfs.c and mergerfs_fields.c share: one record. */
#ifndef FT_FORMATS_MERGERFS_H
#define FT_FORMATS_MERGERFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/scan.h"
#include "op/event.h"

struct ft_mergerfs_record {
	struct ft_event event;
	bool is_reply;
	bool is_tail;        /* what is left of a reply that another record interrupted */
	bool has_quotes;     /* a quoted value, well formed */
	bool has_error;      /* reply: how it ended is known */
	bool has_fields;     /* reply: something behind error and len */
	bool has_attributes; /* reply: sizes are those of a file from here on */
	bool has_handle;     /* GETATTR: fh counts */
};

/* How a piece of a record ends. */
#define FT_MERGERFS_OK 0
#define FT_MERGERFS_OPEN 1   /* in the middle of a quoted value */
#define FT_MERGERFS_BROKEN 2 /* no record of mergerfs, or one that was torn */

/* Takes "ts=... dir=IN unique=0x..." up to the pid, or "ts=... dir=OUT unique=0x...". */
bool ft_mergerfs_header(struct ft_scan *scan, struct ft_mergerfs_record *ret_record);

/*
 * Takes the key=value pairs that follow, up to the end of the line or the next record. decoded has
 * room for twice as many bytes as are left.
 */
int ft_mergerfs_fields(struct ft_scan *scan, char *decoded, struct ft_mergerfs_record *record);

#endif
