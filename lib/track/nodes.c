/* SPDX-License-Identifier: MIT */
/* The node table of nodes.h: what replies and renames change in it. */
#include <stdlib.h>
#include <string.h>

#include "nodes_table.h"

#define MAX_NODES_BY_DEFAULT (256 * 1024)

struct ft_nodes *ft_nodes_new(size_t max_nodes, ft_nodes_resolve_fn *resolve, void *data)
{
	struct ft_nodes *nodes = calloc(1, sizeof(*nodes));

	if (!nodes)
		return NULL;
	nodes->max_nodes = max_nodes ? max_nodes : MAX_NODES_BY_DEFAULT;
	nodes->resolve = resolve;
	nodes->data = data;
	ft_list_init(&nodes->by_recency);
	ft_list_init(&nodes->unlinked);
	if (ft_hash_init(&nodes->by_id) || ft_hash_init(&nodes->by_name) ||
	    !ft_node_new(nodes, FT_NODE_ROOT))
		return ft_nodes_free(nodes);
	return nodes;
}

struct ft_nodes *ft_nodes_free(struct ft_nodes *nodes)
{
	if (!nodes)
		return NULL;
	ft_list_foreach_safe (at, &nodes->by_recency)
		ft_node_free(nodes, FT_CONTAINER(at, struct ft_node, recency));
	ft_list_foreach_safe (at, &nodes->unlinked)
		ft_node_free(nodes, FT_CONTAINER(at, struct ft_node, recency));
	ft_hash_done(&nodes->by_name);
	ft_hash_done(&nodes->by_id);
	free(nodes);
	return NULL;
}

size_t ft_nodes_count(const struct ft_nodes *nodes)
{
	return nodes->by_id.count;
}

/* ---- changes ---- */

/* What is below the node has another path now. */
static void move_children(struct ft_nodes *nodes, const struct ft_node *node)
{
	nodes->epoch += node->children || nodes->has_strays;
}

void ft_nodes_set_unlinked(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_node *node = ft_node_find(nodes, nodeid);

	if (!node || node->is_unlinked)
		return;
	ft_node_freeze_path(nodes, node);
	while (ft_node_first_link(node))
		ft_link_free(nodes, ft_node_first_link(node));
}

static bool is_dot(struct ft_bytes name)
{
	return name.length == 0 || (name.length <= 2 && memcmp(name.data, "..", name.length) == 0);
}

void ft_nodes_add(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name, uint64_t nodeid)
{
	struct ft_link *link;
	struct ft_node *node;

	if (nodeid == FT_NODE_ROOT || nodeid == 0 || is_dot(name))
		return;
	link = ft_link_find(nodes, parent, name);
	if (link && link->node->nodeid == nodeid) {
		ft_node_touch(nodes, link->node);
		if (ft_node_first_link(link->node) == link)
			return;
		ft_list_remove(&link->of_node);
		ft_list_append(link->node->links.next, &link->of_node);
		ft_node_forget_path(link->node);
		move_children(nodes, link->node);
		return;
	}
	if (link)
		ft_nodes_remove(nodes, parent, name);
	node = ft_node_find(nodes, nodeid);
	if (!node)
		node = ft_node_new(nodes, nodeid);
	if (!node)
		return;
	if (node->is_unlinked || ft_node_first_link(node))
		move_children(nodes, node);
	ft_node_mark_unlinked(nodes, node, false);
	node->resolve_tries = 0;
	ft_node_forget_path(node);
	ft_link_new(nodes, node, parent, name);
	ft_node_touch(nodes, node);
	ft_nodes_keep_limit(nodes);
}

void ft_nodes_remove(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name)
{
	struct ft_link *link = ft_link_find(nodes, parent, name);
	struct ft_node *node;

	if (!link)
		return;
	node = link->node;
	if (node->link_count == 1) {
		ft_node_freeze_path(nodes, node);
	} else {
		ft_node_forget_path(node);
		move_children(nodes, node);
	}
	ft_link_free(nodes, link);
}

static bool has_link_in(const struct ft_node *node, uint64_t directory)
{
	ft_list_foreach (at, &node->links) {
		if (FT_CONTAINER(at, struct ft_link, of_node)->parent == directory)
			return true;
	}
	return false;
}

void ft_nodes_forget_names(struct ft_nodes *nodes, uint64_t directory)
{
	const struct ft_node *parent = ft_node_find(nodes, directory);

	if (!parent || (!parent->children && !nodes->has_strays))
		return;
	ft_list_foreach_safe (at, &nodes->by_recency) {
		struct ft_node *node = FT_CONTAINER(at, struct ft_node, recency);

		if (node->nodeid != FT_NODE_ROOT && has_link_in(node, directory))
			ft_node_free(nodes, node);
	}
	nodes->epoch++; /* paths of what is below */
}

/* Gives the link of (parent, name) another place; the node's path and all below it change. */
static void move_link(struct ft_nodes *nodes, struct ft_link *link, uint64_t parent,
		      struct ft_bytes name)
{
	struct ft_node *node = link->node;
	uint64_t id = link->id;

	ft_link_free(nodes, link);
	link = ft_link_new(nodes, node, parent, name);
	if (link)
		link->id = id; /* open files stay with their link */
	ft_node_forget_path(node);
	move_children(nodes, node);
}

/* The name means something else now, and it is not known whether the node has another one. */
static void lose_link(struct ft_nodes *nodes, struct ft_link *link)
{
	ft_node_forget_path(link->node);
	move_children(nodes, link->node);
	ft_link_free(nodes, link);
}

void ft_nodes_rename(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name,
		     uint64_t new_parent, struct ft_bytes new_name, bool is_exchange)
{
	struct ft_link *from = ft_link_find(nodes, parent, name);
	struct ft_link *to = ft_link_find(nodes, new_parent, new_name);

	if (from && from == to)
		return;
	if (to && is_exchange) {
		move_link(nodes, to, parent, name);
	} else if (to && from) {
		ft_nodes_remove(nodes, new_parent, new_name);
	} else if (to) {
		/* Unknown source: what the target named is not there any more, or is the source. */
		lose_link(nodes, to);
	}
	if (from)
		move_link(nodes, from, new_parent, new_name);
	else
		nodes->epoch += nodes->has_strays;
}
