/* SPDX-License-Identifier: MIT */
/* The hash table against a plain array, collisions, growth, and what the hash functions promise. */
#include "hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "list.h"
#include "testing.h"

#define KEYS 500
#define STEPS 100000

struct item {
	struct ft_hash_node node;
	uint64_t key;
	bool is_in;
};

static struct item *find(const struct ft_hash *table, uint64_t key, uint64_t hash)
{
	struct ft_hash_node *at = ft_hash_first(table, hash);

	for (; at; at = ft_hash_next(at)) {
		assert_int_equal(at->hash, hash);
		if (FT_CONTAINER(at, struct item, node)->key == key)
			return FT_CONTAINER(at, struct item, node);
	}
	return NULL;
}

/* hash_mask makes collisions: 0 puts all into one chain. */
static void run_against_array(uint64_t hash_mask)
{
	uint64_t seed = ft_test_seed();
	struct item *items = calloc(KEYS, sizeof(*items));
	struct ft_hash table;
	size_t count = 0;

	assert_non_null(items);
	assert_int_equal(ft_hash_init(&table), 0);
	for (size_t i = 0; i < KEYS; i++)
		items[i].key = i;
	for (size_t step = 0; step < STEPS / (hash_mask ? 1 : 20); step++) {
		struct item *item = &items[ft_test_below(&seed, KEYS)];
		uint64_t hash = ft_hash_number(item->key) & hash_mask;

		assert_ptr_equal(find(&table, item->key, hash), item->is_in ? item : NULL);
		if (item->is_in)
			ft_hash_remove(&table, &item->node);
		else
			ft_hash_insert(&table, &item->node, hash);
		item->is_in = !item->is_in;
		count += item->is_in ? 1 : -1;
		assert_int_equal(table.count, count);
	}
	for (size_t i = 0; i < KEYS; i++)
		assert_ptr_equal(find(&table, i, ft_hash_number(i) & hash_mask),
				 items[i].is_in ? &items[i] : NULL);
	ft_hash_done(&table);
	free(items);
}

static void test_against_array(void **state)
{
	run_against_array(UINT64_MAX);
}

static void test_collisions(void **state)
{
	run_against_array(7);
	run_against_array(0);
}

static void test_remove_what_is_not_in(void **state)
{
	struct item in = {.key = 1}, out = {.key = 2};
	struct ft_hash table;

	assert_int_equal(ft_hash_init(&table), 0);
	ft_hash_insert(&table, &in.node, 5);
	out.node.hash = 5;
	ft_hash_remove(&table, &out.node);
	assert_int_equal(table.count, 1);
	assert_ptr_equal(find(&table, 1, 5), &in);
	ft_hash_done(&table);
}

/* Neighbouring numbers must not share buckets: nodeids are often counted up, or addresses. */
static void test_numbers_spread(void **state)
{
	static const uint64_t strides[] = {1, 8, 64, 4096, UINT64_C(1) << 32};

	for (size_t i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
		unsigned int buckets[256] = {0}, worst = 0;

		for (uint64_t n = 0; n < 256 * 16; n++) {
			unsigned int bucket = ft_hash_number(n * strides[i]) & 255;

			if (++buckets[bucket] > worst)
				worst = buckets[bucket];
		}
		assert_in_range(worst, 16, 48);
	}
}

static void test_bytes(void **state)
{
	char text[64 + 8], copy[64 + 8];
	uint64_t hashes[64];

	memset(text, 'x', sizeof(text));
	memset(copy, 'x', sizeof(copy));
	for (size_t length = 0; length < 64; length++) {
		hashes[length] = ft_hash_bytes((struct ft_bytes){text, length}, 0);
		/* wherever the bytes lie, and whatever lies behind them */
		for (size_t shift = 1; shift < 8; shift++) {
			copy[shift + length] = '!';
			assert_int_equal(ft_hash_bytes((struct ft_bytes){copy + shift, length}, 0),
					 hashes[length]);
			copy[shift + length] = 'x';
		}
		for (size_t other = 0; other < length; other++)
			assert_int_not_equal(hashes[other], hashes[length]);
		assert_int_not_equal(ft_hash_bytes((struct ft_bytes){text, length}, 1),
				     hashes[length]);
	}
	assert_int_not_equal(ft_hash_bytes(FT_BYTES_LITERAL("a\0"), 0),
			     ft_hash_bytes(FT_BYTES_LITERAL("a"), 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_remove_what_is_not_in),
		cmocka_unit_test(test_numbers_spread),
		cmocka_unit_test(test_bytes),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
