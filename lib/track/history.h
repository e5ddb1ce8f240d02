/* SPDX-License-Identifier: MIT */
/*
 * The history: completed operations in order, in chunks of a fixed number, bounded by dropping
 * whole chunks. One thread appends (whoever holds the engine lock); any number of readers follow
 * without a lock, which they take only to step from chunk to chunk. What a reader holds stays
 * valid: chunks are reference counted and immutable up to their published count.
 */
#ifndef FT_HISTORY_H
#define FT_HISTORY_H

#include <stdatomic.h>
#include <stdint.h>

#include "op/op.h"

#define FT_CHUNK_OPS 1024

struct ft_name_block;

struct ft_chunk {
	_Atomic uint32_t references;
	_Atomic uint32_t count; /* published operations: those below it never change */
	uint32_t capacity;
	uint64_t before; /* operations that the history had taken before this chunk's first */
	struct ft_name_block *blocks; /* the names, newest block first */
	struct fusetrace_op ops[];
};

/* A chunk of its own for one operation, as for a snapshot of what is in flight. NULL: no memory. */
struct ft_chunk *ft_chunk_new(uint32_t capacity);
struct ft_chunk *ft_chunk_ref(struct ft_chunk *chunk);
void ft_chunk_unref(struct ft_chunk *chunk);
/* A copy of bytes that lives as long as the chunk; NULL for absent bytes or without memory. */
const struct ft_name *ft_chunk_name(struct ft_chunk *chunk, struct ft_bytes bytes, uint32_t hash);

struct ft_history;

/* max_ops is rounded up to whole chunks. Reference counted: monitor and readers share it. */
struct ft_history *ft_history_new(uint64_t max_ops);
struct ft_history *ft_history_ref(struct ft_history *history);
struct ft_history *ft_history_unref(struct ft_history *history);

/* ---- the writer ---- */

/*
 * Where the next operation goes: the caller fills it, with names from ft_history_intern() (after
 * this call, as they live in its chunk), and publishes it. seq and chunk are set. NULL: no memory,
 * the operation cannot be kept; ft_history_unkept() counts these.
 */
struct fusetrace_op *ft_history_reserve(struct ft_history *history);
/* One copy of equal bytes a chunk. NULL for absent bytes or without memory. */
const struct ft_name *ft_history_intern(struct ft_history *history, struct ft_bytes bytes);
/* Makes the reserved operation visible. A recording that has its own numbers sets op->seq before.
 */
void ft_history_publish(struct ft_history *history, struct fusetrace_op *op);

/* ---- readers ---- */

uint64_t ft_history_last_seq(struct ft_history *history);
/* Operations that there was no memory for. */
uint64_t ft_history_unkept(struct ft_history *history);
/* Sequence number of the oldest kept operation, or of the next one when empty. */
uint64_t ft_history_first_seq(struct ft_history *history);

struct ft_cursor {
	struct ft_history *history; /* owns a reference */
	struct ft_chunk *chunk;     /* owns a reference, or NULL */
	uint32_t index;
	uint64_t after_seq; /* what comes next is behind this one */
};

/* Behind the operation after_seq. Free with ft_cursor_done(). */
void ft_cursor_init(struct ft_cursor *cursor, struct ft_history *history, uint64_t after_seq);
void ft_cursor_done(struct ft_cursor *cursor);
/*
 * The next operation, owned by the cursor's chunk until the next call; NULL: none yet. What the
 * history dropped before the cursor came to it is added to *ret_skipped (may be NULL); gaps between
 * a recording's own numbers are not, except that a cursor whose begin is gone cannot tell them.
 */
struct fusetrace_op *ft_cursor_next(struct ft_cursor *cursor, uint64_t *ret_skipped);

#endif
