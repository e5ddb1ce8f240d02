/* SPDX-License-Identifier: MIT */
/*
 * The node table: nodeid -> path, learnt from the entries that replies name and moved by renames.
 *
 * A node has links (directory, name), one for each name that was seen; the one last looked up is
 * first and gives the path. FORGET is not visible to every source, so the table lives without it:
 * a nodeid that comes back under another name gets that name, and the least recently used nodes
 * are dropped at a limit.
 */
#ifndef FT_NODES_H
#define FT_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define FT_NODE_ROOT 1

struct ft_nodes;

/*
 * Asks elsewhere for a nodeid that the table does not know: calls ft_nodes_add() for each level it
 * finds and returns true when the path is complete. May be NULL.
 */
typedef bool ft_nodes_resolve_fn(struct ft_nodes *nodes, uint64_t nodeid, void *data);

/* max_nodes: 0 = 262,144. NULL: no memory. */
struct ft_nodes *ft_nodes_new(size_t max_nodes, ft_nodes_resolve_fn *resolve, void *data);
struct ft_nodes *ft_nodes_free(struct ft_nodes *nodes);

/* The reply to an operation on (parent, name) named this node. */
void ft_nodes_add(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name, uint64_t nodeid);
/* (parent, name) is gone; a node without any other link keeps this path and counts as unlinked. */
void ft_nodes_remove(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name);
/* Something in a directory was renamed, and what is not told: its names are not known any more. */
void ft_nodes_forget_names(struct ft_nodes *nodes, uint64_t directory);
void ft_nodes_rename(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name,
		     uint64_t new_parent, struct ft_bytes new_name, bool is_exchange);

/*
 * The path of a node, valid until the next call; absent when unknown. link is one returned by
 * ft_nodes_link() (0: the one last looked up); *ret_unlinked says that the name is gone.
 */
struct ft_bytes ft_nodes_path(struct ft_nodes *nodes, uint64_t nodeid, uint64_t link,
			      bool *ret_unlinked);
/* The path of a name in a directory; "." is the directory itself, ".." its parent. */
struct ft_bytes ft_nodes_child_path(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name);
/* The node of a path, where all names on the way are known; 0: not known. */
uint64_t ft_nodes_find(const struct ft_nodes *nodes, struct ft_bytes path);
/* Which link gives the node's path now, to remember with an open file. 0: none. */
uint64_t ft_nodes_link(struct ft_nodes *nodes, uint64_t nodeid);
/* Marks a node as having no name any more (the resolver found it so). */
void ft_nodes_set_unlinked(struct ft_nodes *nodes, uint64_t nodeid);

size_t ft_nodes_count(const struct ft_nodes *nodes);

#endif
