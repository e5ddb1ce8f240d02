/* SPDX-License-Identifier: MIT */
/*
 * What the node table of nodes.h consists of: nodes, found by nodeid, and their links, found by directory and
 * name. Parents are referred to by nodeid, not by pointer, so that any node may be dropped at any time.
 */
#ifndef FT_NODES_TABLE_H
#define FT_NODES_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "nodes.h"

#define FT_NODES_PATH_MAX (64 * 1024) /* bytes */

struct ft_node {
	struct ft_hash_node by_id;
	struct ft_list recency; /* in ft_nodes.by_recency or, without a name, .unlinked */
	struct ft_list links;   /* most recently looked up first */
	uint64_t nodeid;
	uint64_t children; /* links that have it as their directory */
	uint64_t epoch;    /* of path */
	char *path;        /* kept path or NULL */
	size_t path_length;
	uint32_t resolve_tries;
	uint16_t link_count;
	bool is_unlinked; /* path is the last it had */
};

/* One name of a node. */
struct ft_link {
	struct ft_hash_node by_name;
	struct ft_list of_node;
	struct ft_node *node;
	uint64_t parent;
	uint64_t id;
	uint32_t length;
	char name[];
};

struct ft_nodes {
	struct ft_hash by_id;
	struct ft_hash by_name;
	struct ft_list by_recency; /* least recently used first */
	struct ft_list unlinked;   /* likewise */
	size_t unlinked_count;
	ft_nodes_resolve_fn *resolve;
	void *data;
	size_t max_nodes;
	uint64_t epoch;
	uint64_t last_link;
	bool is_resolving;
	bool has_strays; /* a dropped directory had children: counts of children may be too low */
	char scratch[FT_NODES_PATH_MAX];
};

/* NULL: there is none. */
struct ft_node *ft_node_find(const struct ft_nodes *nodes, uint64_t nodeid);
struct ft_link *ft_link_find(const struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name);

static inline struct ft_bytes ft_link_name(const struct ft_link *link)
{
	return (struct ft_bytes){link->name, link->length};
}

/* NULL: it has no name that is known. */
static inline struct ft_link *ft_node_first_link(const struct ft_node *node)
{
	return ft_list_is_empty(&node->links)
		       ? NULL
		       : FT_CONTAINER(node->links.next, struct ft_link, of_node);
}

/* It was used just now. */
void ft_node_touch(struct ft_nodes *nodes, struct ft_node *node);
void ft_node_mark_unlinked(struct ft_nodes *nodes, struct ft_node *node, bool is_unlinked);
void ft_node_forget_path(struct ft_node *node);
/*
 * The node keeps the path that it has now, for good. Nobody is asked for it: an answer could drop
 * the very nodes that the caller is about to change. (nodes_paths.c)
 */
void ft_node_freeze_path(struct ft_nodes *nodes, struct ft_node *node);

/* NULL: no memory. */
struct ft_node *ft_node_new(struct ft_nodes *nodes, uint64_t nodeid);
/* With its links. */
void ft_node_free(struct ft_nodes *nodes, struct ft_node *node);
/* The node's first link from now on. NULL: no memory. */
struct ft_link *ft_link_new(struct ft_nodes *nodes, struct ft_node *node, uint64_t parent_id,
			    struct ft_bytes name);
void ft_link_free(struct ft_nodes *nodes, struct ft_link *link);

/* Drops the least recently used nodes; the root stays, as it cannot be learnt again. */
void ft_nodes_keep_limit(struct ft_nodes *nodes);

#endif
