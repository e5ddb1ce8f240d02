/* SPDX-License-Identifier: MIT */
/*
 * Chunks of operations, their names, and the cursors over them. See history.h for who may do what.
 *
 * Names are interned a chunk at a time: the table of what the current chunk already holds belongs
 * to the writer and is cleared with each new chunk, so a chunk can be dropped as a whole.
 */
#include "history.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define NAME_BLOCK_SIZE (16 * 1024)
#define INTERN_SLOTS 4096 /* a power of two, several times FT_CHUNK_OPS */

struct ft_name_block {
	struct ft_name_block *next;
	size_t used;
	size_t size;
	char data[];
};

struct ft_history {
	_Atomic uint32_t references;
	_Atomic uint64_t last_seq;
	_Atomic uint64_t unkept;
	pthread_mutex_t lock;     /* chunks, first, count, dropped_seq */
	struct ft_chunk **chunks; /* a ring of max_chunks, oldest at first */
	size_t max_chunks;
	size_t first;
	size_t count;
	uint64_t dropped_seq;     /* of the last operation that was dropped; 0: none was */
	struct ft_chunk *current; /* writer only */
	uint32_t filled;          /* writer only: reserved and published */
	const struct ft_name *interned[INTERN_SLOTS]; /* writer only */
};

/* ---- chunks and names ---- */

struct ft_chunk *ft_chunk_new(uint32_t capacity)
{
	struct ft_chunk *chunk;

	chunk = malloc(sizeof(*chunk) + (size_t)capacity * sizeof(chunk->ops[0]));
	if (!chunk)
		return NULL;
	atomic_init(&chunk->references, 1);
	atomic_init(&chunk->count, 0);
	chunk->capacity = capacity;
	chunk->before = 0;
	chunk->blocks = NULL;
	return chunk;
}

struct ft_chunk *ft_chunk_ref(struct ft_chunk *chunk)
{
	atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed);
	return chunk;
}

void ft_chunk_unref(struct ft_chunk *chunk)
{
	if (!chunk || atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) != 1)
		return;
	while (chunk->blocks) {
		struct ft_name_block *block = chunk->blocks;

		chunk->blocks = block->next;
		free(block);
	}
	free(chunk);
}

struct fusetrace_op *fusetrace_op_ref(struct fusetrace_op *op)
{
	ft_chunk_ref(op->chunk);
	return op;
}

struct fusetrace_op *fusetrace_op_unref(struct fusetrace_op *op)
{
	if (op)
		ft_chunk_unref(op->chunk);
	return NULL;
}

static struct ft_name_block *block_with_room(struct ft_chunk *chunk, size_t size)
{
	struct ft_name_block *block = chunk->blocks;
	size_t block_size = chunk->capacity == 1 ? size : NAME_BLOCK_SIZE;

	if (block && block->size - block->used >= size)
		return block;
	if (block_size < size)
		block_size = size;
	block = malloc(sizeof(*block) + block_size);
	if (!block)
		return NULL;
	block->used = 0;
	block->size = block_size;
	block->next = chunk->blocks;
	chunk->blocks = block;
	return block;
}

const struct ft_name *ft_chunk_name(struct ft_chunk *chunk, struct ft_bytes bytes, uint32_t hash)
{
	size_t align = _Alignof(struct ft_name);
	size_t size = (sizeof(struct ft_name) + bytes.length + align) & ~(align - 1);
	struct ft_name_block *block;
	struct ft_name *name;

	if (!bytes.data)
		return NULL;
	block = block_with_room(chunk, size);
	if (!block)
		return NULL;
	name = (struct ft_name *)(block->data + block->used);
	block->used += size;
	name->hash = hash;
	name->length = (uint32_t)bytes.length;
	memcpy(name->bytes, bytes.data, bytes.length);
	name->bytes[bytes.length] = '\0';
	return name;
}

/* ---- the history ---- */

struct ft_history *ft_history_new(uint64_t max_ops)
{
	struct ft_history *history = calloc(1, sizeof(*history));

	if (!history)
		return NULL;
	history->max_chunks = max_ops / FT_CHUNK_OPS + 2;
	history->chunks = calloc(history->max_chunks, sizeof(struct ft_chunk *));
	if (!history->chunks) {
		free(history);
		return NULL;
	}
	atomic_init(&history->references, 1);
	atomic_init(&history->last_seq, 0);
	atomic_init(&history->unkept, 0);
	pthread_mutex_init(&history->lock, NULL);
	return history;
}

struct ft_history *ft_history_ref(struct ft_history *history)
{
	atomic_fetch_add_explicit(&history->references, 1, memory_order_relaxed);
	return history;
}

struct ft_history *ft_history_unref(struct ft_history *history)
{
	if (!history ||
	    atomic_fetch_sub_explicit(&history->references, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < history->count; i++)
		ft_chunk_unref(history->chunks[(history->first + i) % history->max_chunks]);
	pthread_mutex_destroy(&history->lock);
	free(history->chunks);
	free(history);
	return NULL;
}

/* Opens a new chunk, dropping the oldest one when the history is full. */
static int add_chunk(struct ft_history *history)
{
	struct ft_chunk *chunk = ft_chunk_new(FT_CHUNK_OPS);
	struct ft_chunk *dropped = NULL;

	if (!chunk)
		return -1;
	pthread_mutex_lock(&history->lock);
	if (history->current)
		chunk->before = history->current->before + history->filled;
	if (history->count == history->max_chunks) {
		dropped = history->chunks[history->first];
		history->dropped_seq = dropped->ops[dropped->capacity - 1].seq;
		history->first = (history->first + 1) % history->max_chunks;
		history->count--;
	}
	history->chunks[(history->first + history->count) % history->max_chunks] = chunk;
	history->count++;
	pthread_mutex_unlock(&history->lock);
	history->current = chunk;
	history->filled = 0;
	memset(history->interned, 0, sizeof(history->interned));
	ft_chunk_unref(dropped);
	return 0;
}

struct fusetrace_op *ft_history_reserve(struct ft_history *history)
{
	struct fusetrace_op *op;

	if ((!history->current || history->filled == FT_CHUNK_OPS) && add_chunk(history)) {
		atomic_fetch_add_explicit(&history->unkept, 1, memory_order_relaxed);
		return NULL;
	}
	op = &history->current->ops[history->filled];
	memset(op, 0, sizeof(*op));
	op->seq = atomic_load_explicit(&history->last_seq, memory_order_relaxed) + 1;
	op->chunk = history->current;
	return op;
}

const struct ft_name *ft_history_intern(struct ft_history *history, struct ft_bytes bytes)
{
	const struct ft_name *name;
	uint32_t hash;

	if (!bytes.data)
		return NULL;
	hash = (uint32_t)ft_hash_bytes(bytes, 0);
	for (uint32_t probe = 0; probe < 16; probe++) {
		const struct ft_name **slot = &history->interned[(hash + probe) % INTERN_SLOTS];

		if (*slot &&
		    ((*slot)->hash != hash || !ft_bytes_equal(ft_name_bytes(*slot), bytes)))
			continue;
		if (!*slot)
			*slot = ft_chunk_name(history->current, bytes, hash);
		return *slot;
	}
	name = ft_chunk_name(history->current, bytes, hash); /* a crowded spot: a second copy */
	return name;
}

void ft_history_publish(struct ft_history *history, struct fusetrace_op *op)
{
	history->filled++;
	atomic_store_explicit(&op->chunk->count, history->filled, memory_order_release);
	atomic_store_explicit(&history->last_seq, op->seq, memory_order_release);
}

/* ---- readers ---- */

uint64_t ft_history_last_seq(struct ft_history *history)
{
	return atomic_load_explicit(&history->last_seq, memory_order_acquire);
}

uint64_t ft_history_unkept(struct ft_history *history)
{
	return atomic_load_explicit(&history->unkept, memory_order_relaxed);
}

uint64_t ft_history_first_seq(struct ft_history *history)
{
	uint64_t seq = 1;

	pthread_mutex_lock(&history->lock);
	if (history->count) {
		struct ft_chunk *oldest = history->chunks[history->first];

		if (atomic_load_explicit(&oldest->count, memory_order_acquire))
			seq = oldest->ops[0].seq;
		else
			seq = atomic_load(&history->last_seq) + 1;
	}
	pthread_mutex_unlock(&history->lock);
	return seq;
}

/* Lock held. How many operations behind after_seq were dropped, as far as numbers can tell. */
static uint64_t count_dropped(const struct ft_history *history, uint64_t after_seq)
{
	uint64_t dropped = history->count ? history->chunks[history->first]->before : 0;

	if (after_seq >= history->dropped_seq)
		return 0;
	return history->dropped_seq - after_seq < dropped ? history->dropped_seq - after_seq
							  : dropped;
}

/*
 * The chunk that holds the first operation behind after_seq, as a new reference; the oldest one
 * when that operation is gone, NULL when there is none.
 */
static struct ft_chunk *find_chunk(struct ft_history *history, uint64_t after_seq,
				   uint64_t *ret_dropped)
{
	struct ft_chunk *chunk = NULL;
	size_t low = 0, high;

	pthread_mutex_lock(&history->lock);
	*ret_dropped = count_dropped(history, after_seq);
	/* The last chunk that begins at or before after_seq, unless all of it is before that. */
	high = history->count;
	while (low < high) {
		size_t middle = (low + high) / 2;

		chunk = history->chunks[(history->first + middle) % history->max_chunks];
		if (atomic_load_explicit(&chunk->count, memory_order_acquire) &&
		    chunk->ops[0].seq <= after_seq)
			low = middle + 1;
		else
			high = middle;
	}
	chunk = NULL;
	for (size_t i = low ? low - 1 : 0; i < history->count && !chunk; i++) {
		struct ft_chunk *next = history->chunks[(history->first + i) % history->max_chunks];
		uint32_t count = atomic_load_explicit(&next->count, memory_order_acquire);

		if (count && next->ops[count - 1].seq > after_seq)
			chunk = ft_chunk_ref(next);
	}
	pthread_mutex_unlock(&history->lock);
	return chunk;
}

void ft_cursor_init(struct ft_cursor *cursor, struct ft_history *history, uint64_t after_seq)
{
	*cursor = (struct ft_cursor){.history = ft_history_ref(history), .after_seq = after_seq};
}

void ft_cursor_done(struct ft_cursor *cursor)
{
	ft_chunk_unref(cursor->chunk);
	ft_history_unref(cursor->history);
	*cursor = (struct ft_cursor){0};
}

/*
 * Moves to the chunk of the operation behind after_seq. false: there is none yet. One that comes
 * from another chunk knows exactly how many it missed.
 */
static bool enter_chunk(struct ft_cursor *cursor, uint64_t *ret_skipped)
{
	struct ft_chunk *chunk;
	uint32_t low = 0, high;

	if (ft_history_last_seq(cursor->history) <= cursor->after_seq)
		return false;
	chunk = find_chunk(cursor->history, cursor->after_seq, ret_skipped);
	if (!chunk)
		return false;
	if (cursor->chunk)
		*ret_skipped = chunk->before - cursor->chunk->before - cursor->index;
	ft_chunk_unref(cursor->chunk);
	cursor->chunk = chunk;
	high = atomic_load_explicit(&chunk->count, memory_order_acquire);
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (chunk->ops[middle].seq <= cursor->after_seq)
			low = middle + 1;
		else
			high = middle;
	}
	cursor->index = low;
	return true;
}

struct fusetrace_op *ft_cursor_next(struct ft_cursor *cursor, uint64_t *ret_skipped)
{
	struct fusetrace_op *op;
	uint32_t count = 0;

	if (cursor->chunk)
		count = atomic_load_explicit(&cursor->chunk->count, memory_order_acquire);
	if (cursor->index >= count) {
		uint64_t skipped;

		if ((cursor->chunk && cursor->index < cursor->chunk->capacity) ||
		    !enter_chunk(cursor, &skipped))
			return NULL;
		if (ret_skipped)
			*ret_skipped += skipped;
	}
	op = &cursor->chunk->ops[cursor->index++];
	cursor->after_seq = op->seq;
	return op;
}
