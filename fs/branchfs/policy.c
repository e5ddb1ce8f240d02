/* SPDX-License-Identifier: MIT */
/*
 * The create policies: one function and one row each. A policy only sorts; trying the branches in
 * that order until one takes the file is clone.c's matter.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>

#include "branch.h"

static void keep_order(struct candidate *candidates, size_t count)
{
}

/* Equal ones stay in the order of the command line, which is that of the array of branches. */
static int compare_most_free(const void *left_candidate, const void *right_candidate)
{
	const struct candidate *left = left_candidate;
	const struct candidate *right = right_candidate;

	if (left->free_bytes != right->free_bytes)
		return left->free_bytes < right->free_bytes ? 1 : -1;
	return left->branch < right->branch ? -1 : 1;
}

static int compare_least_free(const void *left_candidate, const void *right_candidate)
{
	const struct candidate *left = left_candidate;
	const struct candidate *right = right_candidate;

	if (left->free_bytes != right->free_bytes)
		return left->free_bytes < right->free_bytes ? -1 : 1;
	return left->branch < right->branch ? -1 : 1;
}

static void most_free_first(struct candidate *candidates, size_t count)
{
	qsort(candidates, count, sizeof(*candidates), compare_most_free);
}

static void least_free_first(struct candidate *candidates, size_t count)
{
	qsort(candidates, count, sizeof(*candidates), compare_least_free);
}

static void shuffle(struct candidate *candidates, size_t count)
{
	uint32_t random[BRANCHES_MAX] = {0};

	/* Cannot fail for so few bytes, once the system's pool is filled. */
	(void)!getrandom(random, sizeof(random), 0);
	for (size_t left = count; left > 1; left--) {
		size_t chosen = random[left - 1] % left;
		struct candidate swapped = candidates[chosen];

		candidates[chosen] = candidates[left - 1];
		candidates[left - 1] = swapped;
	}
}

static const struct policy policies[] = {
	{"ff", "the first branch", keep_order},
	{"mfs", "the branch with the most free space", most_free_first},
	{"lfs", "the branch with the least free space", least_free_first},
	{"rand", "any branch", shuffle},
};

const struct policy *policy_get(size_t index)
{
	return index < sizeof(policies) / sizeof(policies[0]) ? &policies[index] : NULL;
}

const struct policy *policy_find(const char *name)
{
	const struct policy *policy;

	for (size_t i = 0; (policy = policy_get(i)); i++) {
		if (strcmp(policy->name, name) == 0)
			return policy;
	}
	return NULL;
}

/* Keeps the order within both halves. */
static void move_full_ones_back(struct candidate *candidates, size_t count)
{
	struct candidate full[BRANCHES_MAX];
	size_t full_count = 0;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (candidates[i].free_bytes == 0)
			full[full_count++] = candidates[i];
		else
			candidates[kept++] = candidates[i];
	}
	memcpy(candidates + kept, full, full_count * sizeof(*full));
}

size_t policy_rank(const struct policy *policy, const struct branch *branches, size_t count,
		   struct candidate *candidates)
{
	size_t ranked = 0;

	for (size_t i = 0; i < count; i++) {
		struct statvfs space;

		if (branches[i].mode != BRANCH_READ_WRITE ||
		    fstatvfs(branches[i].root_fd, &space) < 0)
			continue;
		candidates[ranked++] = (struct candidate){
			.branch = &branches[i],
			.free_bytes = (uint64_t)space.f_bavail * space.f_frsize,
		};
	}
	policy->rank(candidates, ranked);
	move_full_ones_back(candidates, ranked);
	return ranked;
}
