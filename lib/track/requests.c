/* SPDX-License-Identifier: MIT */
/* See requests.h. */
#include "requests.h"

#include <errno.h>
#include <stdlib.h>

#include "op/opcode.h"

/* How many requests are kept to be used again. */
#define SPARE_MAX 256

int ft_requests_init(struct ft_requests *requests)
{
	ft_list_init(&requests->by_age);
	ft_list_init(&requests->spare);
	return ft_hash_init(&requests->by_key);
}

static void free_request(struct ft_request *request)
{
	free(request->text);
	free(request);
}

static void free_list(struct ft_list *list)
{
	ft_list_foreach_safe (at, list)
		free_request(FT_CONTAINER(at, struct ft_request, by_age));
}

void ft_requests_done(struct ft_requests *requests)
{
	free_list(&requests->by_age);
	free_list(&requests->spare);
	ft_hash_done(&requests->by_key);
}

struct ft_request *ft_requests_find(const struct ft_requests *requests, uint64_t key)
{
	struct ft_hash_node *at = ft_hash_first(&requests->by_key, ft_hash_number(key));

	for (; at; at = ft_hash_next(at)) {
		struct ft_request *request = FT_CONTAINER(at, struct ft_request, by_key);

		if (request->event.key == key)
			return request;
	}
	return NULL;
}

/* Counts it, or takes it back. */
static void count(struct ft_requests *requests, const struct ft_request *request, size_t change)
{
	bool is_untimed = ft_opcode_get(request->event.opcode)->behaviour & FT_OPCODE_UNTIMED;

	if (request->is_ignored)
		requests->ignored_count += change;
	else if (!is_untimed)
		requests->timed_count += change;
}

struct ft_request *ft_requests_take(struct ft_requests *requests)
{
	struct ft_request *request;

	if (ft_list_is_empty(&requests->spare))
		return calloc(1, sizeof(*request));
	request = FT_CONTAINER(requests->spare.next, struct ft_request, by_age);
	ft_list_remove(&request->by_age);
	requests->spare_count--;
	request->is_unlinked = false;
	request->is_ignored = false;
	return request;
}

void ft_requests_add(struct ft_requests *requests, struct ft_request *request)
{
	request->order = ++requests->last_order;
	count(requests, request, 1);
	ft_list_append(&requests->by_age, &request->by_age);
	ft_hash_insert(&requests->by_key, &request->by_key, ft_hash_number(request->event.key));
}

void ft_requests_ignore(struct ft_requests *requests, struct ft_request *request)
{
	count(requests, request, (size_t)-1);
	request->is_ignored = true;
	count(requests, request, 1);
}

void ft_requests_retire(struct ft_requests *requests, struct ft_request *request)
{
	count(requests, request, (size_t)-1);
	ft_hash_remove(&requests->by_key, &request->by_key);
	ft_list_remove(&request->by_age);
	ft_requests_give_back(requests, request);
}

void ft_requests_give_back(struct ft_requests *requests, struct ft_request *request)
{
	if (requests->spare_count == SPARE_MAX) {
		free_request(request);
		return;
	}
	ft_list_append(&requests->spare, &request->by_age);
	requests->spare_count++;
}

/* ---- names ---- */

#define NAMES 6

static void list_names(struct ft_event *event, struct ft_bytes *names[NAMES])
{
	names[0] = &event->path;
	names[1] = &event->path2;
	names[2] = &event->name;
	names[3] = &event->name2;
	names[4] = &event->xattr;
	names[5] = &event->target;
}

/* Whether a name stands in the request's own memory. */
static bool has_own_names(const struct ft_request *request, struct ft_bytes *const names[NAMES])
{
	const char *end = request->text + request->text_size;

	for (size_t i = 0; i < NAMES; i++) {
		if (names[i]->data >= request->text && names[i]->data < end)
			return true;
	}
	return false;
}

/* One behind the other. */
static void copy_names(char *at, struct ft_bytes *const names[NAMES])
{
	for (size_t i = 0; i < NAMES; i++) {
		if (!names[i]->data)
			continue;
		memcpy(at, names[i]->data, names[i]->length);
		names[i]->data = at;
		at += names[i]->length;
	}
}

int ft_request_own_names(struct ft_request *request)
{
	struct ft_bytes *names[NAMES];
	size_t size = 1; /* an empty name is not an absent one */
	char *text;

	list_names(&request->event, names);
	for (size_t i = 0; i < NAMES; i++)
		size += names[i]->data ? names[i]->length : 0;
	if (size <= request->text_size && !has_own_names(request, names)) {
		copy_names(request->text, names);
		return 0;
	}
	text = malloc(size);
	for (size_t i = 0; !text && i < NAMES; i++)
		*names[i] = (struct ft_bytes){NULL, 0};
	if (!text)
		return -ENOMEM;
	copy_names(text, names);
	free(request->text);
	request->text = text;
	request->text_size = size;
	return 0;
}
