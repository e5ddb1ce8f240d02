/* SPDX-License-Identifier: MIT */
/*
 * The time to begin: a match with a start_timeout_ns must have been asked for by then, if only as an
 * operation in flight. Nothing is noted when an operation begins; what is in flight is looked through
 * when the time is over.
 */
#include "expect.h"

static uint64_t start_ns(const struct fusetrace_expect *expect, size_t slot)
{
	uint64_t limit_ns = expect->matches[slot].user.start_timeout_ns;
	uint64_t left_ns = UINT64_MAX - expect->waits_since_ns;

	return limit_ns && limit_ns < left_ns ? expect->waits_since_ns + limit_ns : UINT64_MAX;
}

/* Whether it has no answer, and nobody has looked whether it has begun. */
static bool is_open(const struct fusetrace_expect *expect, size_t slot)
{
	return !expect->assign.ops[slot] && start_ns(expect, slot) > expect->starts_checked_ns;
}

uint64_t ft_expect_next_start_ns(const struct fusetrace_expect *expect)
{
	uint64_t next_ns = UINT64_MAX;

	for (size_t i = 0; expect->order != FT_EXPECT_NONE && i < expect->count; i++) {
		if (is_open(expect, i) && start_ns(expect, i) < next_ns)
			next_ns = start_ns(expect, i);
	}
	return next_ns;
}

struct begun {
	struct fusetrace_expect *expect;
	struct ft_assign assign; /* what is in flight, for the matches without an answer */
};

/* Each operation in flight is the begin of one match, as each that has ended answers one. */
static int offer(struct fusetrace_op *op, void *data)
{
	struct begun *begun = data;
	struct fusetrace_expect *expect = begun->expect;
	bool fits_some = false;
	int r = 0;

	for (size_t i = 0; i < expect->count; i++) {
		const struct ft_match *match = &expect->matches[i];
		bool is_inverted = match->user.flags & FUSETRACE_MATCH_NOT;

		expect->fits[i] =
			!expect->assign.ops[i] && !ft_expect_passes_over(expect, match, op) &&
			ft_match_is_meant(match, op) != is_inverted &&
			ft_match_since(match, op, expect->has_mark ? &expect->mark : NULL);
		fits_some |= expect->fits[i];
	}
	if (fits_some)
		r = ft_assign_offer(&begun->assign, op, expect->fits);
	return r < 0 ? r : 0;
}

int ft_expect_find_not_begun(struct fusetrace_expect *expect, uint64_t now_ns, size_t *ret_slot)
{
	struct begun begun = {.expect = expect};
	bool is_found = false;
	int r = ft_assign_init(&begun.assign, expect->count);

	if (r == 0)
		r = fusetrace_in_flight(expect->monitor, NULL, offer, &begun);
	for (size_t i = 0; r == 0 && !is_found && i < expect->count; i++) {
		is_found =
			is_open(expect, i) && start_ns(expect, i) <= now_ns && !begun.assign.ops[i];
		*ret_slot = i;
	}
	if (r == 0 && !is_found)
		expect->starts_checked_ns = now_ns;
	ft_assign_done(&begun.assign);
	return r < 0 ? r : is_found;
}
