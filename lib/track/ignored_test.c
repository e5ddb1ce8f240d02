/* SPDX-License-Identifier: MIT */
/* Whose requests are left out, and when; the last test compares with a model. */
#include "ignored.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

static struct ft_ignored *ignored;

static int set_up(void **state)
{
	ignored = ft_ignored_new();
	return ignored ? 0 : -1;
}

static int tear_down(void **state)
{
	ignored = ft_ignored_free(ignored);
	return 0;
}

static void begin(uint32_t thread, uint64_t now_ns)
{
	assert_int_equal(ft_ignored_begin(ignored, thread, now_ns), 0);
}

static void end(uint32_t thread, uint64_t now_ns)
{
	assert_int_equal(ft_ignored_end(ignored, thread, now_ns), 0);
}

static void test_from_begin_to_end(void **state)
{
	assert_false(ft_ignored_has(NULL, 7, 100));
	assert_false(ft_ignored_has(ignored, 7, 100));
	begin(7, 100);
	assert_false(ft_ignored_has(ignored, 7, 99));
	assert_true(ft_ignored_has(ignored, 7, 100));
	assert_true(ft_ignored_has(ignored, 7, UINT64_MAX));
	assert_false(ft_ignored_has(ignored, 8, 100));
	end(7, 200);
	assert_false(ft_ignored_has(ignored, 7, 99));
	assert_true(ft_ignored_has(ignored, 7, 100));
	assert_true(ft_ignored_has(ignored, 7, 199));
	assert_false(ft_ignored_has(ignored, 7, 200));
	assert_false(ft_ignored_has(ignored, 8, 150));
}

static void test_nested(void **state)
{
	assert_int_equal(ft_ignored_end(ignored, 7, 50), -EINVAL);
	begin(7, 100);
	begin(7, 200);
	begin(8, 250);
	end(7, 300);
	assert_true(ft_ignored_has(ignored, 7, 350));
	end(7, 400);
	assert_true(ft_ignored_has(ignored, 7, 150)); /* of the outer one */
	assert_true(ft_ignored_has(ignored, 7, 350));
	assert_false(ft_ignored_has(ignored, 7, 400));
	assert_true(ft_ignored_has(ignored, 8, 450));
	assert_int_equal(ft_ignored_end(ignored, 7, 500), -EINVAL);
}

/* The same number again, of another thread perhaps. */
static void test_several_times(void **state)
{
	for (uint64_t now = 100; now < 1000; now += 100) {
		begin(7, now);
		end(7, now + 10);
	}
	for (uint64_t now = 100; now < 1000; now += 100) {
		assert_true(ft_ignored_has(ignored, 7, now + 5));
		assert_false(ft_ignored_has(ignored, 7, now + 50));
	}
}

static void test_old_ones_are_forgotten(void **state)
{
	begin(7, 100);
	end(7, 200);
	begin(8, 200);
	end(8, 200 + FT_IGNORED_ENDED_NS);
	assert_true(ft_ignored_has(ignored, 7, 150));
	begin(8, 201 + FT_IGNORED_ENDED_NS);
	end(8, 201 + FT_IGNORED_ENDED_NS);
	assert_false(ft_ignored_has(ignored, 7, 150));
	assert_true(ft_ignored_has(ignored, 8, 200));
}

static void test_only_so_many_are_kept(void **state)
{
	for (uint64_t i = 0; i <= FT_IGNORED_ENDED_MAX; i++) {
		begin(7, 10 * i);
		end(7, 10 * i + 5);
	}
	assert_false(ft_ignored_has(ignored, 7, 0));
	for (uint64_t i = 1; i <= FT_IGNORED_ENDED_MAX; i++)
		assert_true(ft_ignored_has(ignored, 7, 10 * i));
}

static void test_too_many_threads(void **state)
{
	for (uint32_t thread = 1; thread <= FT_IGNORED_THREADS_MAX; thread++)
		begin(thread, thread);
	assert_int_equal(ft_ignored_begin(ignored, FT_IGNORED_THREADS_MAX + 1, 5000), -ENOSPC);
	begin(7, 5000); /* which is one of them */
	end(9, 5000);
	begin(FT_IGNORED_THREADS_MAX + 1, 5000);
	for (uint32_t thread = 1; thread <= FT_IGNORED_THREADS_MAX + 1; thread++)
		assert_int_equal(ft_ignored_has(ignored, thread, 6000), thread != 9);
}

/* ---- the model: which thread was ignored at which time, as a table ---- */

#define THREADS 5
#define TIMES 400

static void test_random(void **state)
{
	uint64_t seed = ft_test_seed();

	for (size_t round = 0; round < ft_test_cases(200); round++) {
		static bool was_ignored[THREADS + 1][TIMES];
		uint32_t depth[THREADS + 1] = {0};

		for (uint64_t now = 1; now < TIMES; now++) {
			uint32_t thread = 1 + (uint32_t)ft_test_below(&seed, THREADS);

			if (ft_test_below(&seed, 2)) {
				begin(thread, now);
				depth[thread]++;
			} else if (depth[thread]) {
				end(thread, now);
				depth[thread]--;
			} else {
				assert_int_equal(ft_ignored_end(ignored, thread, now), -EINVAL);
			}
			for (uint32_t i = 1; i <= THREADS; i++)
				was_ignored[i][now] = depth[i];
		}
		for (uint32_t thread = 1; thread <= THREADS; thread++) {
			for (uint64_t time = 1; time < TIMES; time++)
				assert_int_equal(ft_ignored_has(ignored, thread, time),
						 was_ignored[thread][time]);
		}
		tear_down(NULL);
		set_up(NULL);
	}
}

#define ignored_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ignored_test(test_from_begin_to_end),
		ignored_test(test_nested),
		ignored_test(test_several_times),
		ignored_test(test_old_ones_are_forgotten),
		ignored_test(test_only_so_many_are_kept),
		ignored_test(test_too_many_threads),
		ignored_test(test_random),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
