/* SPDX-License-Identifier: MIT */
/* See tables.h. */
#include "tables.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "op/opcode.h"

#define RENAME_FLAG_EXCHANGE 2

int ft_tables_init(struct ft_tables *tables, ft_nodes_resolve_fn *resolve, void *data)
{
	tables->nodes = ft_nodes_new(0, resolve, data);
	tables->handles = ft_handles_new();
	return tables->nodes && tables->handles ? 0 : -ENOMEM;
}

void ft_tables_done(struct ft_tables *tables)
{
	tables->handles = ft_handles_free(tables->handles);
	tables->nodes = ft_nodes_free(tables->nodes);
}

/* ---- what a request is about ---- */

/*
 * Two paths of one operation are looked up one after the other; the table's answer lives only until
 * the next question, so the first one is put aside here.
 */
static struct ft_bytes put_aside(struct ft_bytes path, char **owner)
{
	*owner = path.data ? malloc(path.length + 1) : NULL;
	if (!*owner)
		return (struct ft_bytes){NULL, 0};
	memcpy(*owner, path.data, path.length);
	return (struct ft_bytes){*owner, path.length};
}

static struct ft_bytes path_of_node(struct ft_tables *tables, const struct ft_event *event,
				    bool *ret_unlinked)
{
	uint64_t link = 0;

	if (event->present & FT_HAS(FH))
		link = ft_handles_link(tables->handles, event->nodeid, event->fh);
	return ft_nodes_path(tables->nodes, event->nodeid, link, ret_unlinked);
}

void ft_tables_find_paths(struct ft_tables *tables, struct ft_event *event, bool *ret_unlinked,
			  char **ret_owner)
{
	uint32_t behaviour = ft_opcode_get(event->opcode)->behaviour;
	bool ignored;

	*ret_unlinked = false;
	if (event->path.data || !(event->present & FT_HAS(NODEID)) ||
	    (behaviour & FT_OPCODE_NO_PATH))
		return;
	if (event->opcode == FUSE_LINK) {
		event->path = put_aside(
			ft_nodes_path(tables->nodes, event->nodeid2, 0, ret_unlinked), ret_owner);
		if (!event->path2.data && event->name.data)
			event->path2 =
				ft_nodes_child_path(tables->nodes, event->nodeid, event->name);
		if (!event->path2.data)
			event->name2 = event->name;
		return;
	}
	/* The directory's own path would be a wrong one. */
	if ((behaviour & FT_OPCODE_NAME) && !event->name.data)
		return;
	if (behaviour & FT_OPCODE_NAME)
		event->path = ft_nodes_child_path(tables->nodes, event->nodeid, event->name);
	else
		event->path = path_of_node(tables, event, ret_unlinked);
	if (!(event->present & FT_HAS(NODEID2)))
		return;
	event->path = put_aside(event->path, ret_owner);
	event->path2 = (behaviour & FT_OPCODE_NAME2)
			       ? ft_nodes_child_path(tables->nodes, event->nodeid2, event->name2)
			       : ft_nodes_path(tables->nodes, event->nodeid2, 0, &ignored);
}

/* ---- what replies teach ---- */

static void learn_handle(struct ft_tables *tables, const struct ft_event *begin,
			 const struct ft_event *end)
{
	uint64_t nodeid = (end->present & FT_HAS(ENTRY)) ? end->entry : begin->nodeid;

	if (end->present & FT_HAS(FH))
		ft_handles_open(tables->handles, nodeid, end->fh,
				ft_nodes_link(tables->nodes, nodeid));
}

/* RENAME's second one. A log that has whole paths may not have its node. */
static uint64_t new_directory(const struct ft_tables *tables, const struct ft_event *begin)
{
	struct ft_bytes path = begin->path2;
	const char *slash;

	if (begin->present & FT_HAS(NODEID2) || !path.data)
		return begin->nodeid2;
	slash = memrchr(path.data, '/', path.length);
	path.length = slash ? (size_t)(slash - path.data) : 0;
	return ft_nodes_find(tables->nodes, path);
}

void ft_tables_learn(struct ft_tables *tables, const struct ft_event *begin,
		     const struct ft_event *end)
{
	uint32_t behaviour = ft_opcode_get(begin->opcode)->behaviour;

	if (behaviour & FT_OPCODE_CLOSES)
		ft_handles_close(tables->handles, begin->nodeid, begin->fh);
	if (end->error == ENOENT && begin->opcode == FUSE_LOOKUP && begin->name.data)
		ft_nodes_remove(tables->nodes, begin->nodeid, begin->name);
	if (end->error || (begin->marks & FUSETRACE_OP_TRUNCATED))
		return; /* nothing to learn, or under which name is not known */
	if ((behaviour & FT_OPCODE_ENTRY) && (end->present & FT_HAS(ENTRY)) && begin->name.data) {
		if (end->entry)
			ft_nodes_add(tables->nodes, begin->nodeid, begin->name, end->entry);
		else
			ft_nodes_remove(tables->nodes, begin->nodeid, begin->name);
	}
	if (behaviour & FT_OPCODE_OPENS)
		learn_handle(tables, begin, end);
	if ((behaviour & FT_OPCODE_REMOVES) && begin->name.data)
		ft_nodes_remove(tables->nodes, begin->nodeid, begin->name);
	if ((behaviour & FT_OPCODE_NAME2) && !begin->name.data && !begin->path.data)
		ft_nodes_forget_names(tables->nodes, begin->nodeid);
	if ((behaviour & FT_OPCODE_NAME2) && begin->name.data && begin->name2.data)
		ft_nodes_rename(tables->nodes, begin->nodeid, begin->name,
				new_directory(tables, begin), begin->name2,
				begin->flags & RENAME_FLAG_EXCHANGE);
}
