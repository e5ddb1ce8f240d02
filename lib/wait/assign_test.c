/* SPDX-License-Identifier: MIT */
/* Assigning operations to slots: against brute force, in the natural order, and fast enough. */
#include "assign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "testing.h"
#include "track/history.h"

#define SLOTS_MAX 6
#define OPS_MAX 8

/* Operations of one chunk, which dies when the last reference is given back. */
static struct ft_chunk *new_ops(size_t count)
{
	struct ft_chunk *chunk = ft_chunk_new((uint32_t)count);

	assert_non_null(chunk);
	memset(chunk->ops, 0, count * sizeof(chunk->ops[0]));
	for (size_t i = 0; i < count; i++)
		chunk->ops[i].chunk = chunk;
	return chunk;
}

/* The largest number of slots that the operations from number op on can fill. */
static size_t brute_force(bool fits[][SLOTS_MAX], size_t ops, size_t slots, size_t op,
			  uint32_t used)
{
	size_t best, filled;

	if (op == ops)
		return 0;
	best = brute_force(fits, ops, slots, op + 1, used);
	for (size_t slot = 0; slot < slots; slot++) {
		if (!fits[op][slot] || (used >> slot & 1))
			continue;
		filled = 1 + brute_force(fits, ops, slots, op + 1, used | 1u << slot);
		if (filled > best)
			best = filled;
	}
	return best;
}

static void check_assignment(const struct ft_assign *assign, const struct ft_chunk *chunk,
			     bool fits[][SLOTS_MAX])
{
	size_t filled = 0;

	for (size_t i = 0; i < assign->slots; i++) {
		if (!assign->ops[i])
			continue;
		filled++;
		assert_true(fits[assign->ops[i] - chunk->ops][i]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(assign->ops[i], assign->ops[j]);
	}
	assert_int_equal(filled, assign->filled);
}

static void test_against_brute_force(void **state)
{
	uint64_t seed = ft_test_seed();

	for (size_t i = ft_test_cases(3000); i > 0; i--) {
		size_t slots = 1 + ft_test_below(&seed, SLOTS_MAX);
		size_t ops = 1 + ft_test_below(&seed, OPS_MAX);
		uint64_t density = 1 + ft_test_below(&seed, 9);
		bool fits[OPS_MAX][SLOTS_MAX] = {{false}};
		struct ft_chunk *chunk = new_ops(ops);
		struct ft_assign assign;

		assert_int_equal(ft_assign_init(&assign, slots), 0);
		for (size_t op = 0; op < ops; op++) {
			for (size_t slot = 0; slot < slots; slot++)
				fits[op][slot] = ft_test_below(&seed, 10) < density;
			assert_in_range(ft_assign_offer(&assign, &chunk->ops[op], fits[op]), 0, 1);
			check_assignment(&assign, chunk, fits);
			assert_int_equal(assign.filled, brute_force(fits, op + 1, slots, 0, 0));
		}
		ft_assign_done(&assign);
		ft_chunk_unref(chunk);
	}
}

/* The same match five times: the results come in the order in which the operations did. */
static void test_equal_matches_keep_the_order(void **state)
{
	struct ft_chunk *chunk = new_ops(7);
	const bool all[5] = {true, true, true, true, true};
	struct ft_assign assign;

	assert_int_equal(ft_assign_init(&assign, 5), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(ft_assign_offer(&assign, &chunk->ops[i], all), 1);
	assert_int_equal(ft_assign_offer(&assign, &chunk->ops[5], all), 0);
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(assign.ops[i], &chunk->ops[i]);
	ft_assign_done(&assign);
	ft_chunk_unref(chunk);
}

/* An early wide match gives way to a later narrow one. */
static void test_first_fit_would_fail(void **state)
{
	struct ft_chunk *chunk = new_ops(2);
	const bool both[2] = {true, true}, first_only[2] = {true, false};
	struct ft_assign assign;

	assert_int_equal(ft_assign_init(&assign, 2), 0);
	assert_int_equal(ft_assign_offer(&assign, &chunk->ops[0], both), 1);
	assert_int_equal(ft_assign_offer(&assign, &chunk->ops[1], first_only), 1);
	assert_ptr_equal(assign.ops[0], &chunk->ops[1]);
	assert_ptr_equal(assign.ops[1], &chunk->ops[0]);
	ft_assign_done(&assign);
	ft_assign_done(&assign);
	ft_chunk_unref(chunk);
}

static void test_put(void **state)
{
	struct ft_chunk *chunk = new_ops(1);
	struct ft_assign assign;

	assert_int_equal(ft_assign_init(&assign, 3), 0);
	assert_int_equal(ft_assign_put(&assign, &chunk->ops[0], 2), 1);
	assert_int_equal(assign.filled, 1);
	assert_ptr_equal(assign.ops[2], &chunk->ops[0]);
	ft_chunk_unref(chunk); /* the slot has its own reference */
	assert_int_equal(assign.ops[2]->seq, 0);
	ft_assign_done(&assign);
}

/*
 * A thousand slots, and twenty thousand operations that no slot has room for: the worst for a
 * search that begins anew each time. Seconds would be too slow, and minutes is what it would take.
 */
static void test_a_thousand_slots(void **state)
{
	enum { slots = 1000 };
	struct ft_chunk *chunk = new_ops(2 * slots + 20000);
	bool *fits = calloc(slots, sizeof(*fits));
	uint64_t deadline = ft_deadline_ns(20 * FUSETRACE_SECOND);
	struct ft_assign assign;

	assert_non_null(fits);
	assert_int_equal(ft_assign_init(&assign, slots), 0);
	memset(fits, true, slots - 1); /* the last slot stays free */
	for (size_t i = 0; i < slots - 1; i++)
		assert_int_equal(ft_assign_offer(&assign, &chunk->ops[i], fits), 1);
	for (size_t i = slots; i < slots + 20000; i++)
		assert_int_equal(ft_assign_offer(&assign, &chunk->ops[i], fits), 0);
	memset(fits, false, slots);
	fits[slots - 1] = true;
	assert_int_equal(ft_assign_offer(&assign, &chunk->ops[slots + 20000], fits), 1);
	assert_int_equal(assign.filled, slots);
	assert_true(ft_now_ns() < deadline);
	ft_assign_done(&assign);
	free(fits);
	ft_chunk_unref(chunk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_brute_force),
		cmocka_unit_test(test_equal_matches_keep_the_order),
		cmocka_unit_test(test_first_fit_would_fail),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_a_thousand_slots),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
