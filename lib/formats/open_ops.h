/* SPDX-License-Identifier: MIT */
/*
 * Operations that have begun, for logs that print no number: an end is that of the newest one of its
 * kind. Where several run at the same time, this is a guess, and where names stand unquoted, the
 * second one may have been forged by the first one's name; so all that overlap are doubtful.
 */
#ifndef FT_FORMATS_OPEN_OPS_H
#define FT_FORMATS_OPEN_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

/* One that outlived that many others was lost: it makes no other one doubtful. */
#define FT_OPEN_OPS_PATIENCE 32
/* More than that at the same time: the oldest is given up. */
#define FT_OPEN_OPS_MAX 64

struct ft_open_op {
	uint64_t key; /* for the sink */
	const void *kind;
	uint64_t began; /* operations that had ended by then */
	bool is_doubtful;
	bool is_waiting; /* for its result: ft_open_ops_find() with is_waiting */
};

struct ft_open_ops {
	struct ft_open_op ops[FT_OPEN_OPS_MAX]; /* oldest first */
	size_t count;
	uint64_t last_key;
	uint64_t ended;
};

/* Valid until the next call. */
struct ft_open_op *ft_open_ops_begin(struct ft_open_ops *open, const void *kind);
/* The newest one of the kind, NULL: none. */
struct ft_open_op *ft_open_ops_find(struct ft_open_ops *open, const void *kind, bool is_waiting);
void ft_open_ops_end(struct ft_open_ops *open, struct ft_open_op *op);
/* Likewise, and tells the sink of it: all of *event but key and opcode. */
void ft_open_ops_tell_end(struct ft_open_ops *open, struct ft_open_op *op, struct ft_event *event,
			  const struct ft_line *line, struct ft_sink *sink);

#endif
