/* SPDX-License-Identifier: MIT */
/*
 * From nodes to paths and back.
 *
 * Paths are built by climbing from link to parent link into a scratch buffer, and kept with the
 * node until something above it moves: every rename of a node that is a parent starts a new epoch,
 * and a kept path of an older epoch is built again.
 */
#include <stdlib.h>
#include <string.h>

#include "nodes_table.h"

#define DEPTH_MAX 4096

/* Puts component and the slash before it in front of scratch[*at]. */
static bool prepend(struct ft_nodes *nodes, size_t *at, struct ft_bytes component)
{
	if (*at < component.length + 1)
		return false;
	*at -= component.length;
	memcpy(nodes->scratch + *at, component.data, component.length);
	nodes->scratch[--*at] = '/';
	return true;
}

/* What the resolver does not find the first time it rarely finds later: ask ever less often. */
static bool resolve(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_node *node = ft_node_find(nodes, nodeid);
	bool is_found;

	if (!nodes->resolve || nodes->is_resolving)
		return false;
	if (!node)
		node = ft_node_new(nodes, nodeid);
	if (!node)
		return false;
	node->resolve_tries++;
	if (node->resolve_tries & (node->resolve_tries - 1))
		return false;
	nodes->is_resolving = true;
	is_found = nodes->resolve(nodes, nodeid, nodes->data);
	nodes->is_resolving = false;
	ft_nodes_keep_limit(nodes);
	return is_found;
}

/*
 * Climbs from (parent, name) to the root, from the end of scratch forwards. A missing node on the
 * way is resolved once for each level; false: the path is not known.
 */
static bool climb(struct ft_nodes *nodes, size_t *at, uint64_t parent)
{
	bool was_resolved = false;

	for (int depth = 0; parent != FT_NODE_ROOT; depth++) {
		struct ft_node *node = ft_node_find(nodes, parent);
		struct ft_link *link = node ? ft_node_first_link(node) : NULL;

		if (node && node->path && (node->epoch == nodes->epoch || node->is_unlinked)) {
			if (*at < node->path_length)
				return false;
			*at -= node->path_length;
			memcpy(nodes->scratch + *at, node->path, node->path_length);
			return true;
		}
		if (!link) {
			if (was_resolved || !resolve(nodes, parent))
				return false;
			was_resolved = true;
			continue;
		}
		if (depth > DEPTH_MAX || !prepend(nodes, at, ft_link_name(link)))
			return false;
		parent = link->parent;
		was_resolved = false;
	}
	return true;
}

static struct ft_bytes scratch_from(struct ft_nodes *nodes, size_t at)
{
	if (at == FT_NODES_PATH_MAX)
		nodes->scratch[--at] = '/';
	return (struct ft_bytes){nodes->scratch + at, FT_NODES_PATH_MAX - at};
}

static void keep_path(struct ft_nodes *nodes, struct ft_node *node, struct ft_bytes path)
{
	char *copy = malloc(path.length);

	if (!copy)
		return;
	memcpy(copy, path.data, path.length);
	free(node->path);
	node->path = copy;
	node->path_length = path.length;
	node->epoch = nodes->epoch;
}

static struct ft_bytes path_by_link(struct ft_nodes *nodes, const struct ft_link *link)
{
	size_t at = FT_NODES_PATH_MAX;

	if (!prepend(nodes, &at, ft_link_name(link)) || !climb(nodes, &at, link->parent))
		return (struct ft_bytes){NULL, 0};
	return scratch_from(nodes, at);
}

static const struct ft_link *link_by_id(const struct ft_node *node, uint64_t id)
{
	ft_list_foreach (at, &node->links) {
		const struct ft_link *link = FT_CONTAINER(at, struct ft_link, of_node);

		if (link->id == id)
			return link;
	}
	return NULL;
}

struct ft_bytes ft_nodes_path(struct ft_nodes *nodes, uint64_t nodeid, uint64_t link,
			      bool *ret_unlinked)
{
	struct ft_bytes path = {NULL, 0};
	size_t at = FT_NODES_PATH_MAX;
	struct ft_node *node;

	*ret_unlinked = false;
	if (nodeid == FT_NODE_ROOT)
		return FT_BYTES_LITERAL("/");
	node = ft_node_find(nodes, nodeid);
	if (node && link && link_by_id(node, link) &&
	    link_by_id(node, link) != ft_node_first_link(node))
		return path_by_link(nodes, link_by_id(node, link));
	if (!node || !node->path || (node->epoch != nodes->epoch && !node->is_unlinked)) {
		if (!climb(nodes, &at, nodeid))
			return path;
		path = scratch_from(nodes, at);
		node = ft_node_find(nodes, nodeid);
		if (!node)
			return path;
		if (!node->is_unlinked)
			keep_path(nodes, node, path);
	}
	ft_node_touch(nodes, node);
	*ret_unlinked = node->is_unlinked;
	return node->path ? (struct ft_bytes){node->path, node->path_length} : path;
}

struct ft_bytes ft_nodes_child_path(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name)
{
	struct ft_bytes path;
	bool is_unlinked;

	if (name.length == 0 || (name.length == 1 && name.data[0] == '.'))
		return ft_nodes_path(nodes, parent, 0, &is_unlinked);
	if (name.length == 2 && memcmp(name.data, "..", 2) == 0) {
		path = ft_nodes_path(nodes, parent, 0, &is_unlinked);
		while (path.length > 1 && path.data[path.length - 1] != '/')
			path.length--;
		if (path.length > 1)
			path.length--;
		return path;
	}
	path = ft_nodes_path(nodes, parent, 0, &is_unlinked);
	if (!path.data || path.length + name.length + 1 > FT_NODES_PATH_MAX)
		return (struct ft_bytes){NULL, 0};
	if (path.length == 1)
		path.length = 0;                         /* the root brings its own slash */
	memmove(nodes->scratch, path.data, path.length); /* it may lie in scratch already */
	nodes->scratch[path.length] = '/';
	memcpy(nodes->scratch + path.length + 1, name.data, name.length);
	return (struct ft_bytes){nodes->scratch, path.length + 1 + name.length};
}

uint64_t ft_nodes_link(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_node *node = ft_node_find(nodes, nodeid);
	struct ft_link *link = node ? ft_node_first_link(node) : NULL;

	return link ? link->id : 0;
}

uint64_t ft_nodes_find(const struct ft_nodes *nodes, struct ft_bytes path)
{
	const char *at = path.data, *end = path.data + path.length;
	uint64_t nodeid = FT_NODE_ROOT;

	while (at < end && nodeid) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		struct ft_bytes name = {at, (size_t)((slash ? slash : end) - at)};
		const struct ft_link *link = ft_link_find(nodes, nodeid, name);

		if (name.length)
			nodeid = link ? link->node->nodeid : 0;
		at += name.length + 1;
	}
	return nodeid;
}

void ft_node_freeze_path(struct ft_nodes *nodes, struct ft_node *node)
{
	bool is_unlinked, was_resolving = nodes->is_resolving;
	struct ft_bytes path;

	nodes->is_resolving = true;
	path = ft_nodes_path(nodes, node->nodeid, 0, &is_unlinked);
	nodes->is_resolving = was_resolving;
	if (path.data && path.data != node->path)
		keep_path(nodes, node, path);
	ft_node_mark_unlinked(nodes, node, true);
}
