/* SPDX-License-Identifier: MIT */
/*
 * The history: order and numbers, what a cursor sees when operations are dropped under it, what
 * outlives what, and a writer with readers beside it. Run the threads under TSan.
 */
#include "history.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "op/event.h"
#include "testing.h"

/* Appends an operation with path "/<number>"; seq 0: the history's own. */
static struct fusetrace_op *append(struct ft_history *history, uint64_t number, uint64_t seq)
{
	struct fusetrace_op *op = ft_history_reserve(history);
	char path[32];

	assert_non_null(op);
	snprintf(path, sizeof(path), "/%llu", (unsigned long long)number);
	op->unique = number;
	op->path = ft_history_intern(history, ft_bytes_of(path));
	op->present = FT_HAS(PATH);
	if (seq)
		op->seq = seq;
	ft_history_publish(history, op);
	return op;
}

static void append_many(struct ft_history *history, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		append(history, ft_history_last_seq(history) + 1, 0);
}

/* ---- order ---- */

static void test_empty(void **state)
{
	struct ft_history *history = ft_history_new(10);
	struct ft_cursor cursor;

	assert_int_equal(ft_history_last_seq(history), 0);
	assert_int_equal(ft_history_first_seq(history), 1);
	ft_cursor_init(&cursor, history, 0);
	assert_null(ft_cursor_next(&cursor, NULL));
	assert_null(ft_cursor_next(&cursor, NULL));
	ft_cursor_done(&cursor);
	ft_cursor_done(&cursor);
	assert_null(ft_history_unref(history));
	assert_null(ft_history_unref(NULL));
}

static void test_order_and_numbers(void **state)
{
	struct ft_history *history = ft_history_new(10000);
	struct fusetrace_op *op;
	struct ft_cursor cursor;
	uint64_t skipped = 0;

	append_many(history, 3000);
	assert_int_equal(ft_history_first_seq(history), 1);
	assert_int_equal(ft_history_last_seq(history), 3000);
	for (uint64_t after = 0; after < 3000; after += 511) {
		uint64_t expected = after;

		ft_cursor_init(&cursor, history, after);
		while ((op = ft_cursor_next(&cursor, &skipped))) {
			char path[32];

			assert_int_equal(op->seq, ++expected);
			snprintf(path, sizeof(path), "/%llu", (unsigned long long)expected);
			assert_string_equal(fusetrace_op_path(op), path);
		}
		assert_int_equal(expected, 3000);
		ft_cursor_done(&cursor);
	}
	assert_int_equal(skipped, 0);
	ft_history_unref(history);
}

static void test_cursor_at_the_end_goes_on(void **state)
{
	struct ft_history *history = ft_history_new(0);
	struct ft_cursor cursor;

	ft_cursor_init(&cursor, history, 0);
	for (uint64_t i = 1; i < 3 * FT_CHUNK_OPS; i++) {
		assert_null(ft_cursor_next(&cursor, NULL));
		append(history, i, 0);
		assert_int_equal(ft_cursor_next(&cursor, NULL)->unique, i);
	}
	assert_null(ft_cursor_next(&cursor, NULL));
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

static void test_reserved_is_not_visible(void **state)
{
	struct ft_history *history = ft_history_new(10);
	struct fusetrace_op *op = ft_history_reserve(history);
	struct ft_cursor cursor;

	assert_int_equal(op->seq, 1);
	ft_cursor_init(&cursor, history, 0);
	assert_null(ft_cursor_next(&cursor, NULL));
	assert_int_equal(ft_history_first_seq(history), 1);
	/* A reservation that is not published is given out again. */
	assert_ptr_equal(ft_history_reserve(history), op);
	ft_history_publish(history, op);
	assert_ptr_equal(ft_cursor_next(&cursor, NULL), op);
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

/* ---- dropping ---- */

static void test_bound(void **state)
{
	struct ft_history *history = ft_history_new(3000);
	uint64_t kept;

	append_many(history, 20000);
	kept = ft_history_last_seq(history) - ft_history_first_seq(history) + 1;
	assert_in_range(kept, 3000, 3000 + 2 * FT_CHUNK_OPS);
	assert_int_equal(ft_history_last_seq(history), 20000);
	ft_history_unref(history);
}

static uint64_t read_all(struct ft_cursor *cursor, uint64_t *skipped)
{
	uint64_t count = 0;

	while (ft_cursor_next(cursor, skipped))
		count++;
	return count;
}

static void test_overtaken_cursor_counts(void **state)
{
	struct ft_history *history = ft_history_new(1);
	struct ft_cursor cursor;
	uint64_t skipped = 0, seen = 0;

	append_many(history, 100);
	ft_cursor_init(&cursor, history, 0);
	while (seen < 50) {
		assert_non_null(ft_cursor_next(&cursor, &skipped));
		seen++;
	}
	append_many(history, 10 * FT_CHUNK_OPS);
	/* The chunk that it holds is read to its end first: nothing of it is lost. */
	seen += read_all(&cursor, &skipped);
	assert_true(skipped > 0);
	assert_int_equal(seen + skipped, 100 + 10 * FT_CHUNK_OPS);
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

/* A cursor that begins behind an operation that is gone has missed what came next. */
static void test_cursor_that_begins_too_late(void **state)
{
	static const uint64_t begins[] = {0, 1, 500, 5000};
	struct ft_history *history = ft_history_new(1);

	append_many(history, 10 * FT_CHUNK_OPS);
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct ft_cursor cursor;
		uint64_t skipped = 0, seen;

		ft_cursor_init(&cursor, history, begins[i]);
		seen = read_all(&cursor, &skipped);
		assert_int_equal(begins[i] + skipped + seen, 10 * FT_CHUNK_OPS);
		assert_true(skipped > 0);
		ft_cursor_done(&cursor);
	}
	ft_history_unref(history);
}

/* ---- recordings with numbers of their own ---- */

static void test_gaps_are_not_skipped(void **state)
{
	struct ft_history *history = ft_history_new(100000);
	struct ft_cursor cursor;
	uint64_t skipped = 0, seen = 0, last = 0;
	struct fusetrace_op *op;

	for (uint64_t i = 1; i <= 5000; i++)
		append(history, i, i * 10);
	append(history, 5001, 0);
	assert_int_equal(ft_history_last_seq(history), 50001);
	assert_int_equal(ft_history_first_seq(history), 10);
	for (uint64_t after = 0; after < 50000; after += 997) {
		ft_cursor_init(&cursor, history, after);
		op = ft_cursor_next(&cursor, &skipped);
		assert_int_equal(op->seq, after / 10 * 10 + 10);
		ft_cursor_done(&cursor);
	}
	ft_cursor_init(&cursor, history, 0);
	while ((op = ft_cursor_next(&cursor, &skipped))) {
		assert_true(op->seq > last);
		last = op->seq;
		seen++;
	}
	assert_int_equal(seen, 5001);
	assert_int_equal(skipped, 0);
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

static void test_gaps_and_dropping(void **state)
{
	struct ft_history *history = ft_history_new(1);
	struct ft_cursor cursor;
	uint64_t skipped = 0, seen;

	append(history, 1, 7);
	ft_cursor_init(&cursor, history, 0);
	assert_non_null(ft_cursor_next(&cursor, &skipped));
	for (uint64_t i = 2; i <= 6 * FT_CHUNK_OPS; i++)
		append(history, i, i * 1000);
	seen = 1 + read_all(&cursor, &skipped);
	assert_true(skipped > 0);
	assert_int_equal(seen + skipped, 6 * FT_CHUNK_OPS);
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

/* ---- what outlives what ---- */

static void test_references_outlive_the_history(void **state)
{
	struct ft_history *history = ft_history_new(1);
	struct fusetrace_op *kept[50];
	struct ft_cursor cursor;

	for (uint64_t i = 0; i < 50; i++) {
		kept[i] = fusetrace_op_ref(append(history, i, 0));
		append_many(history, 700);
	}
	ft_cursor_init(&cursor, history, 0);
	assert_null(ft_history_unref(history));
	for (uint64_t i = 0; i < 50; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/%llu", (unsigned long long)i);
		assert_string_equal(fusetrace_op_path(kept[i]), path);
		assert_null(fusetrace_op_unref(kept[i]));
	}
	assert_non_null(ft_cursor_next(&cursor, NULL)); /* it shares the history */
	ft_cursor_done(&cursor);
	assert_null(fusetrace_op_unref(NULL));
}

static void test_operation_stays_with_its_cursor(void **state)
{
	struct ft_history *history = ft_history_new(1);
	struct ft_cursor cursor;
	struct fusetrace_op *op;

	append(history, 77, 0);
	ft_cursor_init(&cursor, history, 0);
	op = ft_cursor_next(&cursor, NULL);
	append_many(history, 10 * FT_CHUNK_OPS);
	assert_string_equal(fusetrace_op_path(op), "/77");
	ft_cursor_done(&cursor);
	ft_history_unref(history);
}

/* ---- names ---- */

static void test_interning(void **state)
{
	struct ft_history *history = ft_history_new(10);
	const struct ft_name *first, *other;
	char *long_name = malloc(64 * 1024);

	assert_non_null(long_name);
	memset(long_name, 'n', 64 * 1024);
	ft_history_reserve(history);
	assert_null(ft_history_intern(history, (struct ft_bytes){NULL, 0}));
	first = ft_history_intern(history, FT_BYTES_LITERAL("/a"));
	assert_string_equal(first->bytes, "/a");
	assert_int_equal(first->length, 2);
	assert_ptr_equal(ft_history_intern(history, FT_BYTES_LITERAL("/a")), first);
	other = ft_history_intern(history, FT_BYTES_LITERAL("/ab"));
	assert_ptr_not_equal(other, first);
	other = ft_history_intern(history, FT_BYTES_LITERAL(""));
	assert_non_null(other);
	assert_int_equal(other->length, 0);
	other = ft_history_intern(history, (struct ft_bytes){long_name, 64 * 1024});
	assert_int_equal(other->length, 64 * 1024);
	assert_int_equal(strlen(other->bytes), 64 * 1024);
	assert_string_equal(first->bytes, "/a");
	free(long_name);
	ft_history_unref(history);
}

/* More different names than the table has slots: each is right, whether shared or not. */
static void test_interning_a_crowd(void **state)
{
	struct ft_history *history = ft_history_new(10);
	const struct ft_name **names = calloc(20000, sizeof(void *));

	assert_non_null(names);
	ft_history_reserve(history);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20000; i++) {
			char text[32];

			snprintf(text, sizeof(text), "/dir/%d", i);
			names[i] = ft_history_intern(history, ft_bytes_of(text));
			assert_string_equal(names[i]->bytes, text);
		}
	}
	for (int i = 0; i < 20000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "/dir/%d", i);
		assert_string_equal(names[i]->bytes, text);
	}
	free(names);
	ft_history_unref(history);
}

/* One copy a chunk: ten thousand operations on one path keep it about ten times. */
static void test_interning_saves_memory(void **state)
{
	struct ft_history *history = ft_history_new(100000);
	size_t before = ft_test_allocated();
	char path[1024];

	memset(path, 'p', sizeof(path));
	for (int i = 0; i < 20 * FT_CHUNK_OPS; i++) {
		struct fusetrace_op *op = ft_history_reserve(history);

		op->path = ft_history_intern(history, (struct ft_bytes){path, sizeof(path)});
		ft_history_publish(history, op);
	}
	assert_in_range(ft_test_allocated() - before, 1,
			20 * FT_CHUNK_OPS * (sizeof(struct fusetrace_op) + 40));
	ft_history_unref(history);
}

/* ---- long runs ---- */

/* FUSETRACE_TEST_CASES=10000000 for the long form. */
static void test_memory_stays_flat(void **state)
{
	struct ft_history *history = ft_history_new(4096);
	size_t cases = ft_test_cases(500000), after_warm_up;

	append_many(history, 20000);
	after_warm_up = ft_test_allocated();
	append_many(history, cases);
	assert_in_range(ft_test_allocated(), after_warm_up / 2, after_warm_up + after_warm_up / 4);
	assert_int_equal(ft_history_last_seq(history), 20000 + cases);
	ft_history_unref(history);
}

#define READERS 3

struct reading {
	struct ft_history *history;
	uint64_t total;
	uint64_t seen;
	uint64_t skipped;
	bool is_broken;
};

static void *read_along(void *data)
{
	struct reading *reading = data;
	struct fusetrace_op *kept = NULL, *op;
	struct ft_cursor cursor;
	uint64_t last = 0;

	ft_cursor_init(&cursor, reading->history, 0);
	while (last < reading->total) {
		char path[32];

		op = ft_cursor_next(&cursor, &reading->skipped);
		if (!op)
			continue;
		snprintf(path, sizeof(path), "/%llu", (unsigned long long)op->seq);
		if (op->seq <= last || op->unique != op->seq ||
		    strcmp(fusetrace_op_path(op), path) != 0)
			reading->is_broken = true;
		last = op->seq;
		reading->seen++;
		if (op->seq % 1000 == 0) {
			fusetrace_op_unref(kept);
			kept = fusetrace_op_ref(op);
		}
		if (kept && kept->unique != kept->seq)
			reading->is_broken = true;
	}
	fusetrace_op_unref(kept);
	ft_cursor_done(&cursor);
	return NULL;
}

static void test_writer_and_readers(void **state)
{
	struct ft_history *history = ft_history_new(4096);
	struct reading readings[READERS];
	pthread_t threads[READERS];
	uint64_t total = ft_test_cases(200000);

	for (int i = 0; i < READERS; i++) {
		readings[i] = (struct reading){.history = history, .total = total};
		assert_int_equal(pthread_create(&threads[i], NULL, read_along, &readings[i]), 0);
	}
	append_many(history, total);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(readings[i].is_broken);
		assert_int_equal(readings[i].seen + readings[i].skipped, total);
	}
	ft_history_unref(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order_and_numbers),
		cmocka_unit_test(test_cursor_at_the_end_goes_on),
		cmocka_unit_test(test_reserved_is_not_visible),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_overtaken_cursor_counts),
		cmocka_unit_test(test_cursor_that_begins_too_late),
		cmocka_unit_test(test_gaps_are_not_skipped),
		cmocka_unit_test(test_gaps_and_dropping),
		cmocka_unit_test(test_references_outlive_the_history),
		cmocka_unit_test(test_operation_stays_with_its_cursor),
		cmocka_unit_test(test_interning),
		cmocka_unit_test(test_interning_a_crowd),
		cmocka_unit_test(test_interning_saves_memory),
		cmocka_unit_test(test_memory_stays_flat),
		cmocka_unit_test(test_writer_and_readers),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
