/* SPDX-License-Identifier: MIT */
/*
 * The operation as it is kept in memory. Operations live in chunks of the history (history.c): the
 * chunk owns their names, and a reference to an operation is one to its chunk.
 */
#ifndef FT_OP_H
#define FT_OP_H

#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "base/bytes.h"

/* An interned name: immutable, NUL behind the last byte, owned by a chunk. */
struct ft_name {
	uint32_t hash;
	uint32_t length;
	char bytes[];
};

struct ft_chunk;

struct fusetrace_op {
	uint64_t seq;
	uint64_t start_ns;
	uint64_t duration_ns;
	uint64_t unique;
	uint64_t nodeid;
	uint64_t other; /* ENTRY of the reply, or NODEID2 of the request: no opcode has need of both
			 */
	uint64_t fh;
	uint64_t offset;
	uint64_t size;
	uint64_t reply_size;
	const struct ft_name *path;
	const struct ft_name *path2;
	const struct ft_name *name;  /* NAME or XATTR */
	const struct ft_name *name2; /* NAME2 or TARGET */
	struct ft_chunk *chunk;
	uint32_t present; /* FT_HAS() bits */
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t flags;
	uint32_t valid;
	uint16_t error;
	uint16_t opcode;
	uint8_t status;
	uint8_t source;
	uint8_t marks;
	uint8_t reserved;
	uint32_t seen_late_us; /* of a live log: how long after start_ns the line was read */
};

_Static_assert(sizeof(struct fusetrace_op) <= 160, "memory per operation is a promise");

/*
 * When the operation began, as marks see it: a line of a log that was read after a mark belongs
 * behind it, whatever the daemon's clock says. 0: not known.
 */
static inline uint64_t ft_op_order_ns(const struct fusetrace_op *op)
{
	return op->start_ns ? op->start_ns + op->seen_late_us * UINT64_C(1000) : 0;
}

static inline struct ft_bytes ft_name_bytes(const struct ft_name *name)
{
	return name ? (struct ft_bytes){name->bytes, name->length} : (struct ft_bytes){NULL, 0};
}

#endif
