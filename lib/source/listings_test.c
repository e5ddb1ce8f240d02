/* SPDX-License-Identifier: MIT */
/* READDIRPLUS replies in pieces, and the entries in them. */
#include "listings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire.h"

static struct ft_bytes bytes(const char *text)
{
	return ft_bytes_of(text);
}

static void test_pieces_become_one(void **state)
{
	struct ft_listings listings = {0};
	struct ft_bytes whole;

	ft_listings_add(&listings, 7, 0, bytes("abc"));
	ft_listings_add(&listings, 8, 0, bytes("other"));
	ft_listings_add(&listings, 7, 3, bytes("def"));
	whole = ft_listings_take(&listings, 7);
	assert_true(ft_bytes_equal(whole, bytes("abcdef")));
	assert_int_equal(ft_listings_take(&listings, 7).length, 0);
	assert_true(ft_bytes_equal(ft_listings_take(&listings, 8), bytes("other")));
	ft_listings_done(&listings);
}

static void test_a_gap_ends_it(void **state)
{
	struct ft_listings listings = {0};

	ft_listings_add(&listings, 7, 0, bytes("abc"));
	ft_listings_add(&listings, 7, 6, bytes("ghi"));
	ft_listings_add(&listings, 9, 3, bytes("begin was lost"));
	assert_true(ft_bytes_equal(ft_listings_take(&listings, 7), bytes("abc")));
	assert_int_equal(ft_listings_take(&listings, 9).length, 0);
	ft_listings_done(&listings);
}

static void test_a_key_begins_anew(void **state)
{
	struct ft_listings listings = {0};

	ft_listings_add(&listings, 7, 0, bytes("old"));
	ft_listings_add(&listings, 7, 0, bytes("new"));
	assert_true(ft_bytes_equal(ft_listings_take(&listings, 7), bytes("new")));
	ft_listings_done(&listings);
}

static void test_the_oldest_gives_way(void **state)
{
	struct ft_listings listings = {0};

	for (uint64_t key = 1; key <= FT_LISTINGS_MAX + 1; key++)
		ft_listings_add(&listings, key, 0, bytes("x"));
	assert_int_equal(ft_listings_take(&listings, 1).length, 0);
	for (uint64_t key = 2; key <= FT_LISTINGS_MAX + 1; key++)
		assert_int_equal(ft_listings_take(&listings, key).length, 1);
	ft_listings_done(&listings);
}

/* ---- entries ---- */

#define ENTRY_SIZE(length) ((152 + (length) + 7) / 8 * 8)

struct seen {
	int count;
	uint64_t nodeids[4];
	char names[4][16];
};

static void put_entry(char *at, uint64_t nodeid, const char *name)
{
	uint32_t length = (uint32_t)strlen(name);

	memset(at, 0, ENTRY_SIZE(length));
	memcpy(at, &nodeid, 8);
	memcpy(at + 144, &length, 4);
	memcpy(at + 152, name, length);
}

static void on_entry(uint64_t nodeid, struct ft_bytes name, void *data)
{
	struct seen *seen = data;

	assert_true(seen->count < 4 && name.length < 16);
	seen->nodeids[seen->count] = nodeid;
	memcpy(seen->names[seen->count], name.data, name.length);
	seen->count++;
}

static void test_entries(void **state)
{
	char listing[ENTRY_SIZE(1) + ENTRY_SIZE(9) + ENTRY_SIZE(3)];
	struct seen seen = {0};

	put_entry(listing, 0, ".");
	put_entry(listing + ENTRY_SIZE(1), 42, "nine-char");
	put_entry(listing + ENTRY_SIZE(1) + ENTRY_SIZE(9), 43, "abc");
	ft_wire_entries(listing, sizeof(listing), on_entry, &seen);
	assert_int_equal(seen.count, 2); /* without a node there is nothing to know */
	assert_int_equal(seen.nodeids[0], 42);
	assert_string_equal(seen.names[0], "nine-char");
	assert_string_equal(seen.names[1], "abc");
}

/* Cut anywhere, in a buffer of that very size: no read beyond, only whole entries. */
static void test_entries_cut(void **state)
{
	char listing[2 * ENTRY_SIZE(3)];

	put_entry(listing, 1, "abc");
	put_entry(listing + ENTRY_SIZE(3), 2, "def");
	for (size_t size = 0; size <= sizeof(listing); size++) {
		char *exact = malloc(size ? size : 1);
		struct seen seen = {0};

		memcpy(exact, listing, size);
		ft_wire_entries(exact, size, on_entry, &seen);
		assert_int_equal(seen.count, (size >= 155) + (size >= ENTRY_SIZE(3) + 155));
		free(exact);
	}
}

static void test_entries_hostile(void **state)
{
	char listing[ENTRY_SIZE(3)];
	struct seen seen = {0};
	uint32_t huge = UINT32_MAX;

	put_entry(listing, 1, "abc");
	memcpy(listing + 144, &huge, 4);
	ft_wire_entries(listing, sizeof(listing), on_entry, &seen);
	ft_wire_entries(NULL, 0, on_entry, &seen);
	assert_int_equal(seen.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_become_one),
		cmocka_unit_test(test_a_gap_ends_it),
		cmocka_unit_test(test_a_key_begins_anew),
		cmocka_unit_test(test_the_oldest_gives_way),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_entries_cut),
		cmocka_unit_test(test_entries_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
