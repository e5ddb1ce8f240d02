/* SPDX-License-Identifier: MIT */
/*
 * READDIRPLUS replies in pieces: the kernel source delivers a large reply as several records, which
 * are put together here until its end comes. A few at a time, bounded; what is dropped is found by
 * the resolver, if at all.
 */
#ifndef FT_LISTINGS_H
#define FT_LISTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define FT_LISTINGS_MAX 8

struct ft_listings {
	struct ft_listing {
		uint64_t key; /* of the request; 0: free */
		uint64_t age;
		char *bytes;
		size_t size;
		size_t room;
	} entries[FT_LISTINGS_MAX];
	uint64_t last_age;
};

void ft_listings_done(struct ft_listings *listings);
/* A piece that does not follow the one before ends the listing there. */
void ft_listings_add(struct ft_listings *listings, uint64_t key, uint64_t offset,
		     struct ft_bytes piece);
/* What came for that request, valid until the next call; empty when nothing did. It is free then.
 */
struct ft_bytes ft_listings_take(struct ft_listings *listings, uint64_t key);

#endif
