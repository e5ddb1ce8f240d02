/* SPDX-License-Identifier: MIT */
/* See nodes_table.h. */
#include "nodes_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define UNLINKED_MAX (16 * 1024) /* nodes without a name, kept for those that have them open */
#define LINKS_MAX 64             /* names kept of one file with very many hard links */

/* ---- look-up ---- */

struct ft_node *ft_node_find(const struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_hash_node *at = ft_hash_first(&nodes->by_id, ft_hash_number(nodeid));

	for (; at; at = ft_hash_next(at)) {
		struct ft_node *node = FT_CONTAINER(at, struct ft_node, by_id);

		if (node->nodeid == nodeid)
			return node;
	}
	return NULL;
}

struct ft_link *ft_link_find(const struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name)
{
	struct ft_hash_node *at = ft_hash_first(&nodes->by_name, ft_hash_bytes(name, parent));

	for (; at; at = ft_hash_next(at)) {
		struct ft_link *link = FT_CONTAINER(at, struct ft_link, by_name);

		if (link->parent == parent && ft_bytes_equal(ft_link_name(link), name))
			return link;
	}
	return NULL;
}

void ft_node_touch(struct ft_nodes *nodes, struct ft_node *node)
{
	ft_list_remove(&node->recency);
	ft_list_append(node->is_unlinked ? &nodes->unlinked : &nodes->by_recency, &node->recency);
}

void ft_node_mark_unlinked(struct ft_nodes *nodes, struct ft_node *node, bool is_unlinked)
{
	nodes->unlinked_count -= node->is_unlinked;
	nodes->unlinked_count += is_unlinked;
	node->is_unlinked = is_unlinked;
	ft_node_touch(nodes, node);
}

/* ---- nodes and links ---- */

void ft_node_forget_path(struct ft_node *node)
{
	free(FT_STEAL_PTR(node->path));
}

void ft_link_free(struct ft_nodes *nodes, struct ft_link *link)
{
	struct ft_node *parent = ft_node_find(nodes, link->parent);

	if (parent && parent->children)
		parent->children--;
	ft_hash_remove(&nodes->by_name, &link->by_name);
	ft_list_remove(&link->of_node);
	link->node->link_count--;
	free(link);
}

void ft_node_free(struct ft_nodes *nodes, struct ft_node *node)
{
	nodes->has_strays |= node->children != 0;
	while (ft_node_first_link(node))
		ft_link_free(nodes, ft_node_first_link(node));
	ft_hash_remove(&nodes->by_id, &node->by_id);
	ft_list_remove(&node->recency);
	nodes->unlinked_count -= node->is_unlinked;
	ft_node_forget_path(node);
	free(node);
}

void ft_nodes_keep_limit(struct ft_nodes *nodes)
{
	while (nodes->unlinked_count > UNLINKED_MAX)
		ft_node_free(nodes, FT_CONTAINER(nodes->unlinked.next, struct ft_node, recency));
	ft_node_touch(nodes, ft_node_find(nodes, FT_NODE_ROOT));
	while (nodes->by_id.count > nodes->max_nodes) {
		struct ft_node *node =
			FT_CONTAINER(nodes->by_recency.next, struct ft_node, recency);

		if (node->nodeid == FT_NODE_ROOT) /* all others have no name */
			node = FT_CONTAINER(nodes->unlinked.next, struct ft_node, recency);
		ft_node_free(nodes, node);
	}
}

struct ft_node *ft_node_new(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->nodeid = nodeid;
	ft_list_init(&node->links);
	ft_list_init(&node->recency);
	ft_list_append(&nodes->by_recency, &node->recency);
	ft_hash_insert(&nodes->by_id, &node->by_id, ft_hash_number(nodeid));
	return node;
}

struct ft_link *ft_link_new(struct ft_nodes *nodes, struct ft_node *node, uint64_t parent_id,
			    struct ft_bytes name)
{
	struct ft_link *link = malloc(sizeof(*link) + name.length);
	struct ft_node *parent = ft_node_find(nodes, parent_id);

	if (!link)
		return NULL;
	link->node = node;
	link->parent = parent_id;
	link->id = ++nodes->last_link;
	link->length = (uint32_t)name.length;
	memcpy(link->name, name.data, name.length);
	if (!parent)
		parent = ft_node_new(nodes, parent_id);
	if (parent)
		parent->children++;
	nodes->has_strays |= !parent;
	if (node->link_count == LINKS_MAX)
		ft_link_free(nodes, FT_CONTAINER(node->links.previous, struct ft_link, of_node));
	node->link_count++;
	ft_list_append(node->links.next, &link->of_node); /* in front of the first */
	ft_hash_insert(&nodes->by_name, &link->by_name, ft_hash_bytes(name, parent_id));
	return link;
}
