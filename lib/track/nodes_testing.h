/* SPDX-License-Identifier: MIT */
/* What tests of the node table share: what a trace tells it, and which paths it then names. */
#ifndef FT_NODES_TESTING_H
#define FT_NODES_TESTING_H

#include "track/nodes.h"

void nodes_add(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t nodeid);
void nodes_remove(struct ft_nodes *nodes, uint64_t parent, const char *name);
void nodes_move(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		const char *new_name);
void nodes_exchange(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		    const char *new_name);

/* NULL: none is known. */
void nodes_assert_bytes(struct ft_bytes bytes, const char *expected);
void nodes_assert_path(struct ft_nodes *nodes, uint64_t nodeid, const char *expected);
void nodes_assert_unlinked(struct ft_nodes *nodes, uint64_t nodeid, const char *expected);
void nodes_assert_child(struct ft_nodes *nodes, uint64_t parent, const char *name,
			const char *expected);

#endif
