/* SPDX-License-Identifier: MIT */
/* Policies: in which order branches are tried for a new file. */
#ifndef BRANCHFS_POLICY_H
#define BRANCHFS_POLICY_H

#include <stddef.h>
#include <stdint.h>

struct branch;

struct candidate {
	const struct branch *branch;
	uint64_t free_bytes;
};

struct policy {
	const char *name;
	const char *description;
	/* Puts the best candidate first. They come in the order of the command line. */
	void (*rank)(struct candidate *candidates, size_t count);
};

/* The policy number index, NULL behind the last one; 0 is the default. */
const struct policy *policy_get(size_t index);
/* NULL if there is none of that name. */
const struct policy *policy_find(const char *name);

/*
 * Fills candidates (room for BRANCHES_MAX) with the branches that take new files, best first; those
 * without a free block come last whatever the policy. Returns how many there are.
 */
size_t policy_rank(const struct policy *policy, const struct branch *branches, size_t count,
		   struct candidate *candidates);

#endif
