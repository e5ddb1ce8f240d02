/* SPDX-License-Identifier: MIT */
/*
 * The node table of nodes.h.
 *
 * Paths are built by climbing from link to parent link into a scratch buffer, and kept with the
 * node until something above it moves: every rename of a node that is a parent starts a new epoch,
 * and a kept path of an older epoch is built again. Parents are referred to by nodeid, not by
 * pointer, so that any node may be dropped at any time.
 */
#include "nodes.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/list.h"

#define MAX_NODES_BY_DEFAULT (256 * 1024)
#define DEPTH_MAX 4096
#define PATH_SIZE_MAX (64 * 1024)
#define UNLINKED_MAX (16 * 1024) /* nodes without a name, kept for those that have them open */
#define LINKS_MAX 64             /* names kept of one file with very many hard links */

struct node {
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

struct link {
	struct ft_hash_node by_name;
	struct ft_list of_node;
	struct node *node;
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
	char scratch[PATH_SIZE_MAX];
};

/* ---- look-up ---- */

static struct node *find_node(const struct ft_nodes *nodes, uint64_t nodeid)
{
	struct ft_hash_node *at = ft_hash_first(&nodes->by_id, ft_hash_number(nodeid));

	for (; at; at = ft_hash_next(at)) {
		struct node *node = FT_CONTAINER(at, struct node, by_id);

		if (node->nodeid == nodeid)
			return node;
	}
	return NULL;
}

static struct ft_bytes link_name(const struct link *link)
{
	return (struct ft_bytes){link->name, link->length};
}

static struct link *find_link(const struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name)
{
	struct ft_hash_node *at = ft_hash_first(&nodes->by_name, ft_hash_bytes(name, parent));

	for (; at; at = ft_hash_next(at)) {
		struct link *link = FT_CONTAINER(at, struct link, by_name);

		if (link->parent == parent && ft_bytes_equal(link_name(link), name))
			return link;
	}
	return NULL;
}

static struct link *first_link(const struct node *node)
{
	return ft_list_is_empty(&node->links)
		       ? NULL
		       : FT_CONTAINER(node->links.next, struct link, of_node);
}

static void touch(struct ft_nodes *nodes, struct node *node)
{
	ft_list_remove(&node->recency);
	ft_list_append(node->is_unlinked ? &nodes->unlinked : &nodes->by_recency, &node->recency);
}

static void set_unlinked(struct ft_nodes *nodes, struct node *node, bool is_unlinked)
{
	nodes->unlinked_count -= node->is_unlinked;
	nodes->unlinked_count += is_unlinked;
	node->is_unlinked = is_unlinked;
	touch(nodes, node);
}

/* ---- nodes and links ---- */

static void forget_path(struct node *node)
{
	free(FT_STEAL_PTR(node->path));
}

static void free_link(struct ft_nodes *nodes, struct link *link)
{
	struct node *parent = find_node(nodes, link->parent);

	if (parent && parent->children)
		parent->children--;
	ft_hash_remove(&nodes->by_name, &link->by_name);
	ft_list_remove(&link->of_node);
	link->node->link_count--;
	free(link);
}

static void free_node(struct ft_nodes *nodes, struct node *node)
{
	nodes->has_strays |= node->children != 0;
	while (first_link(node))
		free_link(nodes, first_link(node));
	ft_hash_remove(&nodes->by_id, &node->by_id);
	ft_list_remove(&node->recency);
	nodes->unlinked_count -= node->is_unlinked;
	forget_path(node);
	free(node);
}

/* Drops the least recently used nodes; the root stays, as it cannot be learnt again. */
static void keep_limit(struct ft_nodes *nodes)
{
	while (nodes->unlinked_count > UNLINKED_MAX)
		free_node(nodes, FT_CONTAINER(nodes->unlinked.next, struct node, recency));
	touch(nodes, find_node(nodes, FT_NODE_ROOT));
	while (nodes->by_id.count > nodes->max_nodes) {
		struct node *node = FT_CONTAINER(nodes->by_recency.next, struct node, recency);

		if (node->nodeid == FT_NODE_ROOT) /* all others have no name */
			node = FT_CONTAINER(nodes->unlinked.next, struct node, recency);
		free_node(nodes, node);
	}
}

static struct node *add_node(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->nodeid = nodeid;
	ft_list_init(&node->links);
	ft_list_init(&node->recency);
	ft_list_append(&nodes->by_recency, &node->recency);
	ft_hash_insert(&nodes->by_id, &node->by_id, ft_hash_number(nodeid));
	return node;
}

static struct link *add_link(struct ft_nodes *nodes, struct node *node, uint64_t parent_id,
			     struct ft_bytes name)
{
	struct link *link = malloc(sizeof(*link) + name.length);
	struct node *parent = find_node(nodes, parent_id);

	if (!link)
		return NULL;
	link->node = node;
	link->parent = parent_id;
	link->id = ++nodes->last_link;
	link->length = (uint32_t)name.length;
	memcpy(link->name, name.data, name.length);
	if (!parent)
		parent = add_node(nodes, parent_id);
	if (parent)
		parent->children++;
	nodes->has_strays |= !parent;
	if (node->link_count == LINKS_MAX)
		free_link(nodes, FT_CONTAINER(node->links.previous, struct link, of_node));
	node->link_count++;
	ft_list_append(node->links.next, &link->of_node); /* in front of the first */
	ft_hash_insert(&nodes->by_name, &link->by_name, ft_hash_bytes(name, parent_id));
	return link;
}

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
	    !add_node(nodes, FT_NODE_ROOT))
		return ft_nodes_free(nodes);
	return nodes;
}

struct ft_nodes *ft_nodes_free(struct ft_nodes *nodes)
{
	if (!nodes)
		return NULL;
	ft_list_foreach_safe (at, &nodes->by_recency)
		free_node(nodes, FT_CONTAINER(at, struct node, recency));
	ft_list_foreach_safe (at, &nodes->unlinked)
		free_node(nodes, FT_CONTAINER(at, struct node, recency));
	ft_hash_done(&nodes->by_name);
	ft_hash_done(&nodes->by_id);
	free(nodes);
	return NULL;
}

size_t ft_nodes_count(const struct ft_nodes *nodes)
{
	return nodes->by_id.count;
}

/* ---- paths ---- */

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
	struct node *node = find_node(nodes, nodeid);
	bool is_found;

	if (!nodes->resolve || nodes->is_resolving)
		return false;
	if (!node)
		node = add_node(nodes, nodeid);
	if (!node)
		return false;
	node->resolve_tries++;
	if (node->resolve_tries & (node->resolve_tries - 1))
		return false;
	nodes->is_resolving = true;
	is_found = nodes->resolve(nodes, nodeid, nodes->data);
	nodes->is_resolving = false;
	keep_limit(nodes);
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
		struct node *node = find_node(nodes, parent);
		struct link *link = node ? first_link(node) : NULL;

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
		if (depth > DEPTH_MAX || !prepend(nodes, at, link_name(link)))
			return false;
		parent = link->parent;
		was_resolved = false;
	}
	return true;
}

static struct ft_bytes scratch_from(struct ft_nodes *nodes, size_t at)
{
	if (at == PATH_SIZE_MAX)
		nodes->scratch[--at] = '/';
	return (struct ft_bytes){nodes->scratch + at, PATH_SIZE_MAX - at};
}

static void keep_path(struct ft_nodes *nodes, struct node *node, struct ft_bytes path)
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

static struct ft_bytes path_by_link(struct ft_nodes *nodes, const struct link *link)
{
	size_t at = PATH_SIZE_MAX;

	if (!prepend(nodes, &at, link_name(link)) || !climb(nodes, &at, link->parent))
		return (struct ft_bytes){NULL, 0};
	return scratch_from(nodes, at);
}

static const struct link *link_by_id(const struct node *node, uint64_t id)
{
	ft_list_foreach (at, &node->links) {
		const struct link *link = FT_CONTAINER(at, struct link, of_node);

		if (link->id == id)
			return link;
	}
	return NULL;
}

struct ft_bytes ft_nodes_path(struct ft_nodes *nodes, uint64_t nodeid, uint64_t link,
			      bool *ret_unlinked)
{
	struct ft_bytes path = {NULL, 0};
	size_t at = PATH_SIZE_MAX;
	struct node *node;

	*ret_unlinked = false;
	if (nodeid == FT_NODE_ROOT)
		return FT_BYTES_LITERAL("/");
	node = find_node(nodes, nodeid);
	if (node && link && link_by_id(node, link) && link_by_id(node, link) != first_link(node))
		return path_by_link(nodes, link_by_id(node, link));
	if (!node || !node->path || (node->epoch != nodes->epoch && !node->is_unlinked)) {
		if (!climb(nodes, &at, nodeid))
			return path;
		path = scratch_from(nodes, at);
		node = find_node(nodes, nodeid);
		if (!node)
			return path;
		if (!node->is_unlinked)
			keep_path(nodes, node, path);
	}
	touch(nodes, node);
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
	if (!path.data || path.length + name.length + 1 > PATH_SIZE_MAX)
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
	struct node *node = find_node(nodes, nodeid);
	struct link *link = node ? first_link(node) : NULL;

	return link ? link->id : 0;
}

/* ---- changes ---- */

/* What is below the node has another path now. */
static void move_children(struct ft_nodes *nodes, const struct node *node)
{
	nodes->epoch += node->children || nodes->has_strays;
}

/*
 * The node keeps the path that it has now, for good. Nobody is asked for it: an answer could drop
 * the very nodes that the caller is about to change.
 */
static void freeze_path(struct ft_nodes *nodes, struct node *node)
{
	bool is_unlinked, was_resolving = nodes->is_resolving;
	struct ft_bytes path;

	nodes->is_resolving = true;
	path = ft_nodes_path(nodes, node->nodeid, 0, &is_unlinked);
	nodes->is_resolving = was_resolving;
	if (path.data && path.data != node->path)
		keep_path(nodes, node, path);
	set_unlinked(nodes, node, true);
}

void ft_nodes_set_unlinked(struct ft_nodes *nodes, uint64_t nodeid)
{
	struct node *node = find_node(nodes, nodeid);

	if (!node || node->is_unlinked)
		return;
	freeze_path(nodes, node);
	while (first_link(node))
		free_link(nodes, first_link(node));
}

static bool is_dot(struct ft_bytes name)
{
	return name.length == 0 || (name.length <= 2 && memcmp(name.data, "..", name.length) == 0);
}

void ft_nodes_add(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name, uint64_t nodeid)
{
	struct link *link;
	struct node *node;

	if (nodeid == FT_NODE_ROOT || nodeid == 0 || is_dot(name))
		return;
	link = find_link(nodes, parent, name);
	if (link && link->node->nodeid == nodeid) {
		touch(nodes, link->node);
		if (first_link(link->node) == link)
			return;
		ft_list_remove(&link->of_node);
		ft_list_append(link->node->links.next, &link->of_node);
		forget_path(link->node);
		move_children(nodes, link->node);
		return;
	}
	if (link)
		ft_nodes_remove(nodes, parent, name);
	node = find_node(nodes, nodeid);
	if (!node)
		node = add_node(nodes, nodeid);
	if (!node)
		return;
	if (node->is_unlinked || first_link(node))
		move_children(nodes, node);
	set_unlinked(nodes, node, false);
	node->resolve_tries = 0;
	forget_path(node);
	add_link(nodes, node, parent, name);
	touch(nodes, node);
	keep_limit(nodes);
}

void ft_nodes_remove(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name)
{
	struct link *link = find_link(nodes, parent, name);
	struct node *node;

	if (!link)
		return;
	node = link->node;
	if (node->link_count == 1) {
		freeze_path(nodes, node);
	} else {
		forget_path(node);
		move_children(nodes, node);
	}
	free_link(nodes, link);
}

uint64_t ft_nodes_find(const struct ft_nodes *nodes, struct ft_bytes path)
{
	const char *at = path.data, *end = path.data + path.length;
	uint64_t nodeid = FT_NODE_ROOT;

	while (at < end && nodeid) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		struct ft_bytes name = {at, (size_t)((slash ? slash : end) - at)};
		const struct link *link = find_link(nodes, nodeid, name);

		if (name.length)
			nodeid = link ? link->node->nodeid : 0;
		at += name.length + 1;
	}
	return nodeid;
}

static bool has_link_in(const struct node *node, uint64_t directory)
{
	ft_list_foreach (at, &node->links) {
		if (FT_CONTAINER(at, struct link, of_node)->parent == directory)
			return true;
	}
	return false;
}

void ft_nodes_forget_names(struct ft_nodes *nodes, uint64_t directory)
{
	const struct node *parent = find_node(nodes, directory);

	if (!parent || (!parent->children && !nodes->has_strays))
		return;
	ft_list_foreach_safe (at, &nodes->by_recency) {
		struct node *node = FT_CONTAINER(at, struct node, recency);

		if (node->nodeid != FT_NODE_ROOT && has_link_in(node, directory))
			free_node(nodes, node);
	}
	nodes->epoch++; /* paths of what is below */
}

/* Gives the link of (parent, name) another place; the node's path and all below it change. */
static void move_link(struct ft_nodes *nodes, struct link *link, uint64_t parent,
		      struct ft_bytes name)
{
	struct node *node = link->node;
	uint64_t id = link->id;

	free_link(nodes, link);
	link = add_link(nodes, node, parent, name);
	if (link)
		link->id = id; /* open files stay with their link */
	forget_path(node);
	move_children(nodes, node);
}

/* The name means something else now, and it is not known whether the node has another one. */
static void lose_link(struct ft_nodes *nodes, struct link *link)
{
	forget_path(link->node);
	move_children(nodes, link->node);
	free_link(nodes, link);
}

void ft_nodes_rename(struct ft_nodes *nodes, uint64_t parent, struct ft_bytes name,
		     uint64_t new_parent, struct ft_bytes new_name, bool is_exchange)
{
	struct link *from = find_link(nodes, parent, name);
	struct link *to = find_link(nodes, new_parent, new_name);

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
