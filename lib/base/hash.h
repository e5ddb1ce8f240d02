/* SPDX-License-Identifier: MIT */
/*
 * A chained hash table of objects that embed a struct ft_hash_node. The table knows hashes only:
 * a look-up walks the nodes of one hash and the caller compares keys. Grows by itself.
 */
#ifndef FT_BASE_HASH_H
#define FT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct ft_hash_node {
	struct ft_hash_node *next;
	uint64_t hash;
};

struct ft_hash {
	struct ft_hash_node **buckets;
	size_t mask; /* buckets - 1 */
	size_t count;
};

/* 0 or -ENOMEM. */
int ft_hash_init(struct ft_hash *table);
/* Frees the buckets, not the objects. A zeroed or half-built table is fine. */
void ft_hash_done(struct ft_hash *table);

/* Cannot fail: a table that cannot grow gets slower. */
void ft_hash_insert(struct ft_hash *table, struct ft_hash_node *node, uint64_t hash);
void ft_hash_remove(struct ft_hash *table, struct ft_hash_node *node);
/* The first node with that hash, and the next one behind node. NULL at the end. */
struct ft_hash_node *ft_hash_first(const struct ft_hash *table, uint64_t hash);
struct ft_hash_node *ft_hash_next(const struct ft_hash_node *node);

uint64_t ft_hash_number(uint64_t number);
uint64_t ft_hash_bytes(struct ft_bytes bytes, uint64_t seed);

#endif
