/* SPDX-License-Identifier: MIT */
/* Percentiles against sorted values, merging against adding, and the ends of the range. */
#include "histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALUES 20000

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int compare_values(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* What the header promises, from the definition. */
static uint64_t exact_percentile(const uint64_t *sorted, size_t n, uint32_t per_mille)
{
	unsigned __int128 rank = ((unsigned __int128)n * per_mille + 999) / 1000;

	if (rank == 0)
		rank = 1;
	return sorted[rank - 1];
}

static void assert_near(uint64_t got, uint64_t exact)
{
	uint64_t difference = got > exact ? got - exact : exact - got;

	if (difference > exact / 64 + 1)
		fail_msg("%llu is too far from %llu", (unsigned long long)got,
			 (unsigned long long)exact);
}

static void test_empty(void **state)
{
	struct ft_histogram histogram = {0};

	assert_int_equal(ft_histogram_percentile(&histogram, 0), 0);
	assert_int_equal(ft_histogram_percentile(&histogram, 500), 0);
	assert_int_equal(ft_histogram_percentile(&histogram, 1000), 0);
}

static void test_one_value_is_every_percentile(void **state)
{
	static const uint64_t values[] = {0,          1,
					  31,         32,
					  33,         63,
					  64,         65,
					  1000003,    INT64_MAX - 1,
					  INT64_MAX,  (uint64_t)INT64_MAX + 1,
					  UINT64_MAX, UINT64_MAX - 1};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct ft_histogram histogram = {0};

		ft_histogram_add(&histogram, values[i]);
		for (uint32_t per_mille = 0; per_mille <= 1000; per_mille += 125)
			assert_true(ft_histogram_percentile(&histogram, per_mille) == values[i]);
	}
}

static void test_small_values_are_exact(void **state)
{
	struct ft_histogram histogram = {0};

	for (uint64_t value = 1; value <= 60; value++)
		ft_histogram_add(&histogram, value);
	assert_int_equal(ft_histogram_percentile(&histogram, 500), 30);
	assert_int_equal(ft_histogram_percentile(&histogram, 501), 31);
	assert_int_equal(ft_histogram_percentile(&histogram, 950), 57);
	assert_int_equal(ft_histogram_percentile(&histogram, 1), 1);
	assert_int_equal(ft_histogram_percentile(&histogram, 999), 60);
	assert_int_equal(ft_histogram_percentile(&histogram, 5000), 60);
}

/* On both sides of each power of two a value and its neighbours keep their order and distance. */
static void test_octave_edges(void **state)
{
	for (uint32_t bit = 1; bit < 64; bit++) {
		for (int delta = -1; delta <= 1; delta++) {
			struct ft_histogram histogram = {0};
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;

			ft_histogram_add(&histogram, 0);
			ft_histogram_add(&histogram, value);
			ft_histogram_add(&histogram, UINT64_MAX);
			assert_near(ft_histogram_percentile(&histogram, 500), value);
		}
	}
}

/* Each round has its own spread: a few octaves, all of them, or many equal values. */
static uint64_t draw(uint64_t *seed, uint32_t round)
{
	uint64_t value = next_random(seed);

	switch (round % 3) {
	case 0:
		return 1000 + value % 1000000;
	case 1:
		return value >> (next_random(seed) % 64);
	default:
		return 1 + value % 7;
	}
}

static void test_random_against_exact(void **state)
{
	uint64_t *values = calloc(VALUES, sizeof(*values));
	struct ft_histogram *histogram = calloc(1, sizeof(*histogram));
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

	assert_non_null(values);
	assert_non_null(histogram);
	for (uint32_t round = 0; round < 30; round++) {
		size_t n = 1 + next_random(&seed) % VALUES;
		uint64_t before = 0;

		memset(histogram, 0, sizeof(*histogram));
		for (size_t i = 0; i < n; i++) {
			values[i] = draw(&seed, round);
			ft_histogram_add(histogram, values[i]);
		}
		qsort(values, n, sizeof(*values), compare_values);
		assert_true(ft_histogram_percentile(histogram, 0) == values[0]);
		assert_true(ft_histogram_percentile(histogram, 1000) == values[n - 1]);
		for (uint32_t per_mille = 1; per_mille < 1000; per_mille++) {
			uint64_t got = ft_histogram_percentile(histogram, per_mille);

			assert_near(got, exact_percentile(values, n, per_mille));
			assert_true(got >= before && got >= values[0] && got <= values[n - 1]);
			before = got;
		}
	}
	free(values);
	free(histogram);
}

static void test_merge_is_adding(void **state)
{
	struct ft_histogram *parts = calloc(4, sizeof(*parts));
	struct ft_histogram *whole = &parts[3];
	uint64_t seed = 7;

	assert_non_null(parts);
	for (size_t i = 0; i < 3000; i++) {
		uint64_t value = draw(&seed, i % 3) | 4; /* never 0, so that min is not */

		ft_histogram_add(&parts[i % 2], value);
		ft_histogram_add(whole, value);
	}
	/* parts[2] is empty: merging it, and merging into it, must not invent a minimum of 0 */
	ft_histogram_merge(&parts[0], &parts[2]);
	ft_histogram_merge(&parts[2], &parts[0]);
	ft_histogram_merge(&parts[2], &parts[1]);
	assert_memory_equal(&parts[2], whole, sizeof(*whole));
	free(parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_value_is_every_percentile),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_octave_edges),
		cmocka_unit_test(test_random_against_exact),
		cmocka_unit_test(test_merge_is_adding),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
