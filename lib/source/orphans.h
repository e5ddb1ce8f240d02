/* SPDX-License-Identifier: MIT */
/*
 * Records of connections that no monitor has yet: while a mount is waited for, its first requests
 * (INIT before all) come before anybody can know whose they are. Kept as they came, bounded.
 */
#ifndef FT_ORPHANS_H
#define FT_ORPHANS_H

#include <stddef.h>
#include <stdint.h>

struct ft_record;

struct ft_orphans {
	char *bytes; /* records behind one another, each a multiple of eight bytes long */
	size_t used;
	size_t room;
	uint64_t dropped; /* records beyond the limit */
};

void ft_orphans_done(struct ft_orphans *orphans);
void ft_orphans_keep(struct ft_orphans *orphans, const struct ft_record *record, size_t size);

/*
 * Calls fn for each record of the connection, in order. The kernel gives numbers of connections out
 * again: what came before the last INIT is of an earlier mount and is left out.
 */
typedef void ft_orphans_fn(const struct ft_record *record, void *data);
void ft_orphans_each(const struct ft_orphans *orphans, uint32_t connection, ft_orphans_fn *fn,
		     void *data);

#endif
