/* SPDX-License-Identifier: MIT */
/* Records kept for a mount that nobody knows yet: order, connections, the bound. */
#include "orphans.h"

#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../bpf/record.h"
#include "testing.h"

#define LOOKUP 1
#define INIT 26

static void keep(struct ft_orphans *orphans, uint32_t connection, uint32_t opcode, uint64_t number,
		 size_t size)
{
	struct ft_record *record = calloc(1, sizeof(*record) + size);

	assert_non_null(record);
	record->kind = FT_RECORD_BEGIN;
	record->connection = connection;
	record->opcode = opcode;
	record->unique = number;
	record->size = (uint16_t)size;
	memset(record + 1, (int)(number & 0xff), size);
	ft_orphans_keep(orphans, record, sizeof(*record) + size);
	free(record);
}

struct seen {
	uint64_t count;
	uint64_t first;
	uint64_t last;
	bool is_broken;
};

static void look(const struct ft_record *record, void *data)
{
	struct seen *seen = data;
	const unsigned char *bytes = (const void *)(record + 1);

	seen->is_broken |= seen->count && record->unique <= seen->last;
	for (size_t i = 0; i < record->size; i++)
		seen->is_broken |= bytes[i] != (unsigned char)record->unique;
	if (!seen->count++)
		seen->first = record->unique;
	seen->last = record->unique;
}

static void test_of_one_connection(void **state)
{
	struct ft_orphans orphans = {0};
	struct seen seen = {0};

	ft_orphans_each(&orphans, 5, look, &seen);
	for (uint64_t i = 1; i <= 3000; i++)
		keep(&orphans, i % 3, LOOKUP, i, i % 300);
	ft_orphans_each(&orphans, 1, look, &seen);
	assert_int_equal(seen.count, 1000);
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, 2998);
	assert_false(seen.is_broken);
	assert_int_equal(orphans.dropped, 0);
	ft_orphans_done(&orphans);
	ft_orphans_done(&orphans);
}

/* Numbers of connections are given out again: a mount begins with its INIT. */
static void test_earlier_mount_of_that_number(void **state)
{
	struct ft_orphans orphans = {0};
	struct seen seen = {0};

	keep(&orphans, 5, INIT, 1, 64);
	keep(&orphans, 5, LOOKUP, 2, 10);
	keep(&orphans, 6, INIT, 3, 64);
	keep(&orphans, 5, INIT, 4, 64);
	keep(&orphans, 5, LOOKUP, 5, 10);
	ft_orphans_each(&orphans, 5, look, &seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.first, 4);
	assert_int_equal(seen.last, 5);
	ft_orphans_done(&orphans);
}

static void test_bound(void **state)
{
	struct ft_orphans orphans = {0};
	struct seen seen = {0};

	for (uint64_t i = 1; i <= 2000; i++)
		keep(&orphans, 1, LOOKUP, i, FT_DATA_LARGE);
	assert_true(orphans.room <= 4 << 20);
	assert_true(orphans.used > 3 << 20);
	ft_orphans_each(&orphans, 1, look, &seen);
	assert_int_equal(seen.count + orphans.dropped, 2000);
	assert_int_equal(seen.first, 1); /* the begin matters most */
	assert_false(seen.is_broken);
	ft_orphans_done(&orphans);
	assert_int_equal(orphans.dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_one_connection),
		cmocka_unit_test(test_earlier_mount_of_that_number),
		cmocka_unit_test(test_bound),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
