/* SPDX-License-Identifier: MIT */
/* See listings.h. Buffers are kept and used again. */
#include "listings.h"

#include <stdlib.h>

void ft_listings_done(struct ft_listings *listings)
{
	for (size_t i = 0; i < FT_LISTINGS_MAX; i++)
		free(listings->entries[i].bytes);
	*listings = (struct ft_listings){0};
}

static struct ft_listing *find(struct ft_listings *listings, uint64_t key)
{
	for (size_t i = 0; i < FT_LISTINGS_MAX; i++) {
		if (listings->entries[i].key == key)
			return &listings->entries[i];
	}
	return NULL;
}

static struct ft_listing *oldest(struct ft_listings *listings)
{
	struct ft_listing *found = &listings->entries[0];

	for (size_t i = 1; i < FT_LISTINGS_MAX; i++) {
		if (listings->entries[i].age < found->age)
			found = &listings->entries[i];
	}
	return found;
}

/* The listing of that key, a free place, or that of the oldest, whose end was lost. */
static struct ft_listing *begin(struct ft_listings *listings, uint64_t key)
{
	struct ft_listing *listing = find(listings, key);

	if (!listing)
		listing = find(listings, 0);
	if (!listing)
		listing = oldest(listings);
	listing->key = key;
	listing->age = ++listings->last_age;
	listing->size = 0;
	return listing;
}

void ft_listings_add(struct ft_listings *listings, uint64_t key, uint64_t offset,
		     struct ft_bytes piece)
{
	struct ft_listing *listing = offset == 0 ? begin(listings, key) : find(listings, key);
	size_t needed;

	if (!listing || listing->size != offset)
		return;
	needed = listing->size + piece.length;
	if (needed > listing->room) {
		char *bytes = realloc(listing->bytes, needed * 2);

		if (!bytes)
			return;
		listing->bytes = bytes;
		listing->room = needed * 2;
	}
	memcpy(listing->bytes + listing->size, piece.data, piece.length);
	listing->size = needed;
}

struct ft_bytes ft_listings_take(struct ft_listings *listings, uint64_t key)
{
	struct ft_listing *listing = key ? find(listings, key) : NULL;

	if (!listing)
		return (struct ft_bytes){NULL, 0};
	listing->key = 0;
	return (struct ft_bytes){listing->bytes, listing->size};
}
