/* SPDX-License-Identifier: MIT */
/*
 * The hash table of hash.h, and the two hash functions of the library: a finaliser for numbers and
 * a multiply-mix over eight bytes at a time for names, which are short. Names are hostile input,
 * so the tables that hold them are bounded; a collision costs time, never correctness.
 */
#include "hash.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_AT_FIRST 64

int ft_hash_init(struct ft_hash *table)
{
	table->count = 0;
	table->mask = BUCKETS_AT_FIRST - 1;
	table->buckets = calloc(BUCKETS_AT_FIRST, sizeof(*table->buckets));
	return table->buckets ? 0 : -ENOMEM;
}

void ft_hash_done(struct ft_hash *table)
{
	free(table->buckets);
	*table = (struct ft_hash){0};
}

static void grow(struct ft_hash *table)
{
	size_t size = (table->mask + 1) * 2;
	struct ft_hash_node **buckets = calloc(size, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i <= table->mask; i++) {
		struct ft_hash_node *node = table->buckets[i];

		while (node) {
			struct ft_hash_node *next = node->next;

			node->next = buckets[node->hash & (size - 1)];
			buckets[node->hash & (size - 1)] = node;
			node = next;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->mask = size - 1;
}

void ft_hash_insert(struct ft_hash *table, struct ft_hash_node *node, uint64_t hash)
{
	if (table->count > table->mask)
		grow(table);
	node->hash = hash;
	node->next = table->buckets[hash & table->mask];
	table->buckets[hash & table->mask] = node;
	table->count++;
}

void ft_hash_remove(struct ft_hash *table, struct ft_hash_node *node)
{
	struct ft_hash_node **slot = &table->buckets[node->hash & table->mask];

	while (*slot && *slot != node)
		slot = &(*slot)->next;
	if (!*slot)
		return;
	*slot = node->next;
	node->next = NULL;
	table->count--;
}

static struct ft_hash_node *skip_others(struct ft_hash_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct ft_hash_node *ft_hash_first(const struct ft_hash *table, uint64_t hash)
{
	return skip_others(table->buckets[hash & table->mask], hash);
}

struct ft_hash_node *ft_hash_next(const struct ft_hash_node *node)
{
	return skip_others(node->next, node->hash);
}

uint64_t ft_hash_number(uint64_t number)
{
	number ^= number >> 32;
	number *= UINT64_C(0xd6e8feb86659fd93);
	number ^= number >> 32;
	number *= UINT64_C(0xd6e8feb86659fd93);
	return number ^ number >> 32;
}

uint64_t ft_hash_bytes(struct ft_bytes bytes, uint64_t seed)
{
	const char *at = bytes.data;
	size_t left = bytes.length;
	uint64_t hash = seed ^ (bytes.length * UINT64_C(0x9e3779b97f4a7c15));
	uint64_t word;

	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	if (left) {
		word = 0;
		memcpy(&word, at, left);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
	}
	return ft_hash_number(hash);
}
