/* SPDX-License-Identifier: MIT */
/* The store of orphans.h: one growing buffer, emptied as a whole. */
#include "orphans.h"

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/record.h"
#include "source_kernel.h"

#define BYTES_MAX (4u << 20)

static size_t rounded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

void ft_orphans_done(struct ft_orphans *orphans)
{
	free(orphans->bytes);
	*orphans = (struct ft_orphans){0};
}

void ft_orphans_keep(struct ft_orphans *orphans, const struct ft_record *record, size_t size)
{
	size_t needed = orphans->used + rounded(size);

	if (needed > orphans->room) {
		size_t room = orphans->room ? orphans->room * 2 : 16 * 1024;
		char *bytes = room <= BYTES_MAX ? realloc(orphans->bytes, room) : NULL;

		if (!bytes) {
			orphans->dropped++;
			return;
		}
		orphans->bytes = bytes;
		orphans->room = room;
	}
	memcpy(orphans->bytes + orphans->used, record, size);
	orphans->used = needed;
}

static const struct ft_record *record_at(const struct ft_orphans *orphans, size_t at)
{
	return at < orphans->used ? (const void *)(orphans->bytes + at) : NULL;
}

static size_t behind(const struct ft_record *record, size_t at)
{
	return at + rounded(sizeof(*record) + record->size);
}

/* Where the last mount with that number begins. */
static size_t find_begin(const struct ft_orphans *orphans, uint32_t connection)
{
	const struct ft_record *record;
	size_t begin = 0;

	for (size_t at = 0; (record = record_at(orphans, at)); at = behind(record, at)) {
		if (record->connection == connection && ft_kernel_is_first(record))
			begin = at;
	}
	return begin;
}

void ft_orphans_each(const struct ft_orphans *orphans, uint32_t connection, ft_orphans_fn *fn,
		     void *data)
{
	size_t at = find_begin(orphans, connection);
	const struct ft_record *record;

	for (; (record = record_at(orphans, at)); at = behind(record, at)) {
		if (record->connection == connection)
			fn(record, data);
	}
}
