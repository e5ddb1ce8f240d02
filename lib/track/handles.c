/* SPDX-License-Identifier: MIT */
/* The handle table of handles.h: a hash by (nodeid, fh), bounded by dropping the oldest opens. */
#include "handles.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

#define HANDLES_MAX (64 * 1024)

struct handle {
	struct ft_hash_node by_key;
	struct ft_list by_age;
	uint64_t nodeid;
	uint64_t fh;
	uint64_t link;
	uint32_t opens;
};

struct ft_handles {
	struct ft_hash by_key;
	struct ft_list by_age; /* oldest first */
};

static uint64_t hash_key(uint64_t nodeid, uint64_t fh)
{
	return ft_hash_number(ft_hash_number(nodeid) + fh);
}

static struct handle *find(const struct ft_handles *handles, uint64_t nodeid, uint64_t fh)
{
	struct ft_hash_node *at = ft_hash_first(&handles->by_key, hash_key(nodeid, fh));

	for (; at; at = ft_hash_next(at)) {
		struct handle *handle = FT_CONTAINER(at, struct handle, by_key);

		if (handle->nodeid == nodeid && handle->fh == fh)
			return handle;
	}
	return NULL;
}

static void drop(struct ft_handles *handles, struct handle *handle)
{
	ft_hash_remove(&handles->by_key, &handle->by_key);
	ft_list_remove(&handle->by_age);
	free(handle);
}

struct ft_handles *ft_handles_new(void)
{
	struct ft_handles *handles = calloc(1, sizeof(*handles));

	if (!handles)
		return NULL;
	ft_list_init(&handles->by_age);
	if (ft_hash_init(&handles->by_key))
		return ft_handles_free(handles);
	return handles;
}

struct ft_handles *ft_handles_free(struct ft_handles *handles)
{
	if (!handles)
		return NULL;
	ft_list_foreach_safe (at, &handles->by_age)
		drop(handles, FT_CONTAINER(at, struct handle, by_age));
	ft_hash_done(&handles->by_key);
	free(handles);
	return NULL;
}

void ft_handles_open(struct ft_handles *handles, uint64_t nodeid, uint64_t fh, uint64_t link)
{
	struct handle *handle = find(handles, nodeid, fh);

	if (handle) {
		handle->link = link;
		handle->opens++;
		return;
	}
	handle = calloc(1, sizeof(*handle));
	if (!handle)
		return;
	handle->nodeid = nodeid;
	handle->fh = fh;
	handle->link = link;
	handle->opens = 1;
	ft_list_append(&handles->by_age, &handle->by_age);
	ft_hash_insert(&handles->by_key, &handle->by_key, hash_key(nodeid, fh));
	if (handles->by_key.count > HANDLES_MAX)
		drop(handles, FT_CONTAINER(handles->by_age.next, struct handle, by_age));
}

void ft_handles_close(struct ft_handles *handles, uint64_t nodeid, uint64_t fh)
{
	struct handle *handle = find(handles, nodeid, fh);

	if (handle && --handle->opens == 0)
		drop(handles, handle);
}

uint64_t ft_handles_link(const struct ft_handles *handles, uint64_t nodeid, uint64_t fh)
{
	const struct handle *handle = find(handles, nodeid, fh);

	return handle ? handle->link : 0;
}
