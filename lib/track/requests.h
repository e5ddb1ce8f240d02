/* SPDX-License-Identifier: MIT */
/*
 * Requests without a reply yet: found by the source's key, listed by age. A request owns its names.
 */
#ifndef FT_REQUESTS_H
#define FT_REQUESTS_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/list.h"
#include "op/event.h"

struct ft_request {
	struct ft_hash_node by_key;
	struct ft_list by_age;
	struct ft_event event; /* the begin, its names pointing into text */
	uint64_t order;        /* grows with each one */
	bool is_unlinked;
	bool is_ignored; /* once it is in flight: ft_requests_ignore() */
	char *text;
	size_t text_size;
};

struct ft_requests {
	struct ft_hash by_key;
	struct ft_list by_age; /* oldest first */
	struct ft_list spare;
	size_t spare_count;
	size_t ignored_count; /* in flight and ignored */
	size_t timed_count;   /* in flight without the untimed and the ignored ones */
	uint64_t last_order;
};

/* 0 or -ENOMEM; then ft_requests_done() is to be called all the same. */
int ft_requests_init(struct ft_requests *requests);
void ft_requests_done(struct ft_requests *requests);

/* NULL: no such key is in flight. */
struct ft_request *ft_requests_find(const struct ft_requests *requests, uint64_t key);

/*
 * One for the caller to fill in and to add, or to give back. What is in it is not zeroed but for
 * is_unlinked and is_ignored. NULL: no memory.
 */
struct ft_request *ft_requests_take(struct ft_requests *requests);
/* In flight from now on, by event.key and event.opcode. */
void ft_requests_add(struct ft_requests *requests, struct ft_request *request);
/* Of one that is in flight: its caller is one whose requests are left out. */
void ft_requests_ignore(struct ft_requests *requests, struct ft_request *request);
/* Takes request out of flight and back. */
void ft_requests_retire(struct ft_requests *requests, struct ft_request *request);
/* Of one that was not added. */
void ft_requests_give_back(struct ft_requests *requests, struct ft_request *request);

/*
 * Copies the event's names into the request's own memory. They may point there already: `text` is
 * then replaced. -ENOMEM: the event has no names any more.
 */
int ft_request_own_names(struct ft_request *request);

#endif
