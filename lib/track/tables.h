/* SPDX-License-Identifier: MIT */
/*
 * What the requests and replies of a mount tell of its files: the node table and the handle table, asked for
 * the paths of a request, and taught by its reply.
 */
#ifndef FT_TABLES_H
#define FT_TABLES_H

#include "handles.h"
#include "nodes.h"
#include "op/event.h"

struct ft_tables {
	struct ft_nodes *nodes;
	struct ft_handles *handles;
};

/* 0 or -ENOMEM; then ft_tables_done() is to be called all the same. */
int ft_tables_init(struct ft_tables *tables, ft_nodes_resolve_fn *resolve, void *data);
void ft_tables_done(struct ft_tables *tables);

/*
 * Fills path and path2 of event, where they are known, from its nodeids and names. They live until the tables
 * are asked or taught again, and as long as *ret_owner, which is to be freed.
 */
void ft_tables_find_paths(struct ft_tables *tables, struct ft_event *event, bool *ret_unlinked,
			  char **ret_owner);
/* begin was answered with end. */
void ft_tables_learn(struct ft_tables *tables, const struct ft_event *begin,
		     const struct ft_event *end);

#endif
