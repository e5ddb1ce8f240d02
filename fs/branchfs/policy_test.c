/* SPDX-License-Identifier: MIT */
/* The policies' orders, on candidates made by hand and on a real directory. */
#include "policy.h"

#include <fcntl.h>
#include <string.h>

#include "branch.h"
#include "support.h"
#include "testing.h"

static const struct branch branches[5];

static void assert_order(const char *policy, const uint64_t *free_bytes, size_t count,
			 const size_t *expected)
{
	struct candidate candidates[ARRAY_SIZE(branches)];

	for (size_t i = 0; i < count; i++)
		candidates[i] = (struct candidate){&branches[i], free_bytes[i]};
	policy_find(policy)->rank(candidates, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(candidates[i].branch - branches, expected[i]);
}

static void test_orders(void **state)
{
	static const uint64_t mixed[] = {30, 50, 10, 50, 20};
	static const uint64_t huge[] = {UINT64_MAX, 1, UINT64_MAX - 1};

	assert_order("ff", mixed, 5, (size_t[]){0, 1, 2, 3, 4});
	assert_order("mfs", mixed, 5, (size_t[]){1, 3, 0, 4, 2});
	assert_order("lfs", mixed, 5, (size_t[]){2, 4, 0, 1, 3});
	assert_order("mfs", huge, 3, (size_t[]){0, 2, 1});
	assert_order("lfs", huge, 3, (size_t[]){1, 2, 0});
	assert_order("mfs", mixed, 1, (size_t[]){0});
}

static void test_rand_keeps_every_candidate(void **state)
{
	unsigned int first[ARRAY_SIZE(branches)] = {0};

	for (int round = 0; round < 1000; round++) {
		struct candidate candidates[ARRAY_SIZE(branches)];
		unsigned int seen = 0;

		for (size_t i = 0; i < ARRAY_SIZE(branches); i++)
			candidates[i] = (struct candidate){&branches[i], 1};
		policy_find("rand")->rank(candidates, ARRAY_SIZE(branches));
		for (size_t i = 0; i < ARRAY_SIZE(branches); i++)
			seen |= 1u << (candidates[i].branch - branches);
		assert_int_equal(seen, (1u << ARRAY_SIZE(branches)) - 1);
		first[candidates[0].branch - branches]++;
	}
	/* 200 expected; fewer than 100 happens once in 10^15 runs. */
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		assert_true(first[i] >= 100);
}

static void test_names(void **state)
{
	assert_string_equal(policy_get(0)->name, "ff");
	assert_ptr_equal(policy_find("ff"), policy_get(0));
	assert_non_null(policy_find("mfs"));
	assert_non_null(policy_find("lfs"));
	assert_non_null(policy_find("rand"));
	assert_null(policy_find("best"));
	assert_null(policy_find(""));
	assert_null(policy_get(4));
}

static void test_only_branches_for_new_files_are_ranked(void **state)
{
	AUTO_CLOSE int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct branch mixed[] = {
		{"a", BRANCH_READ_ONLY, fd},     {"b", BRANCH_READ_WRITE, fd},
		{"c", BRANCH_NO_CREATE, fd},     {"d", BRANCH_READ_WRITE, fd},
		{"gone", BRANCH_READ_WRITE, -1},
	};
	struct candidate candidates[BRANCHES_MAX];

	assert_true(fd >= 0);
	assert_int_equal(policy_rank(policy_find("ff"), mixed, ARRAY_SIZE(mixed), candidates), 2);
	assert_ptr_equal(candidates[0].branch, &mixed[1]);
	assert_ptr_equal(candidates[1].branch, &mixed[3]);
	assert_int_equal(policy_rank(policy_find("mfs"), mixed, 1, candidates), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_rand_keeps_every_candidate),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_only_branches_for_new_files_are_ranked),
	};

	return RUN_TESTS(tests);
}
