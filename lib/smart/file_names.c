/* SPDX-License-Identifier: MIT */
/* See file_names.h. */
#include "file_names.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/event.h"

#define EXCHANGE 2u /* RENAME_EXCHANGE of linux/fs.h */
/* Records of two processors may come in another order than their times say. */
#define SLACK_NS 100000u

static bool is_rename(const struct fusetrace_op *op)
{
	return op->opcode == FUSE_RENAME || op->opcode == FUSE_RENAME2;
}

/* What follows name in path if it is the path or a directory above it, else NULL. */
static const char *behind(const struct ft_name *name, const char *path)
{
	if (!name || strncmp(path, name->bytes, name->length) != 0)
		return NULL;
	if (path[name->length] != '/' && path[name->length] != '\0')
		return NULL;
	return path + name->length;
}

bool ft_file_names_change(const struct fusetrace_op *op, const char *path)
{
	if (op->status != FUSETRACE_STATUS_COMPLETED)
		return false;
	if (is_rename(op))
		return behind(op->path, path) || behind(op->path2, path);
	return (op->opcode == FUSE_UNLINK || op->opcode == FUSE_RMDIR) && behind(op->path, path);
}

/* ---- going back ---- */

/* All that may have changed a name, oldest first, each a reference. */
struct changes {
	struct fusetrace_op **ops;
	size_t count;
	size_t room;
};

static int add_change(struct changes *changes, struct fusetrace_op *op)
{
	if (changes->count == changes->room) {
		size_t room = changes->room ? 2 * changes->room : 16;
		struct fusetrace_op **ops = realloc(changes->ops, room * sizeof(*ops));

		if (!ops)
			return -ENOMEM;
		changes->ops = ops;
		changes->room = room;
	}
	changes->ops[changes->count++] = fusetrace_op_ref(op);
	return 0;
}

static void free_changes(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		fusetrace_op_unref(changes->ops[i]);
	free(changes->ops);
}

static int collect(struct changes *changes, struct ft_history *history, uint64_t since_seq,
		   uint64_t last_seq)
{
	struct ft_cursor cursor;
	struct fusetrace_op *op;
	int r = 0;

	ft_cursor_init(&cursor, history, since_seq);
	while (r == 0 && (op = ft_cursor_next(&cursor, NULL)) && op->seq <= last_seq) {
		if (op->status == FUSETRACE_STATUS_COMPLETED &&
		    (is_rename(op) || op->opcode == FUSE_UNLINK || op->opcode == FUSE_RMDIR))
			r = add_change(changes, op);
	}
	ft_cursor_done(&cursor);
	return r;
}

static struct ft_name_border border_of(const struct fusetrace_op *op)
{
	bool is_timed = op->start_ns && (op->present & FT_HAS(DURATION_NS));

	return (struct ft_name_border){op->seq, is_timed ? op->start_ns + op->duration_ns : 0};
}

/* Takes path, also on failure. */
static int push(struct ft_file_names *names, char *path)
{
	if (path && names->count == names->room) {
		size_t room = names->room ? 2 * names->room : 4;
		struct ft_file_name *all = realloc(names->names, room * sizeof(*all));

		if (!all) {
			free(path);
			return -ENOMEM;
		}
		names->names = all;
		names->room = room;
	}
	if (!path)
		return -ENOMEM;
	names->names[names->count++] = (struct ft_file_name){.path = path};
	return 0;
}

static char *joined(const struct ft_name *name, const char *rest)
{
	char *path;

	return asprintf(&path, "%s%s", name->bytes, rest) < 0 ? NULL : path;
}

/* 1: the file had another name before, which is pushed; 0: op is nothing to it; -ENOENT: it was not
 * called so before. */
static int step_back(struct ft_file_names *names, const struct fusetrace_op *op)
{
	struct ft_file_name *now = &names->names[names->count - 1];
	const char *rest_of_old = behind(op->path, now->path);
	const char *rest_of_new = is_rename(op) ? behind(op->path2, now->path) : NULL;
	bool is_exchange = is_rename(op) && (op->present & FT_HAS(FLAGS)) && (op->flags & EXCHANGE);
	char *before = NULL;

	if (!rest_of_old && !rest_of_new)
		return 0;
	if (op->path == op->path2)
		return 0; /* renamed to itself */
	now->from = border_of(op);
	if (rest_of_new && op->path)
		before = joined(op->path, rest_of_new);
	else if (rest_of_old && is_exchange && op->path2)
		before = joined(op->path2, rest_of_old);
	else
		return -ENOENT;
	return push(names, before) < 0 ? -ENOMEM : 1;
}

int ft_file_names_init(struct ft_file_names *names, struct ft_history *history, uint64_t since_seq,
		       uint64_t last_seq, const char *path)
{
	struct changes changes = {0};
	int r;

	*names = (struct ft_file_names){0};
	r = push(names, strdup(path));
	if (r == 0)
		r = collect(&changes, history, since_seq, last_seq);
	for (size_t i = changes.count; r >= 0 && i-- > 0;)
		r = step_back(names, changes.ops[i]);
	free_changes(&changes);
	if (r == -ENOMEM)
		ft_file_names_done(names);
	return r == -ENOMEM ? r : 0;
}

void ft_file_names_done(struct ft_file_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i].path);
	free(names->names);
	*names = (struct ft_file_names){0};
}

/* ---- looking ---- */

/* Whether op began behind the border. */
static bool is_behind(const struct ft_name_border *border, const struct fusetrace_op *op,
		      uint64_t slack_ns)
{
	if (border->time_ns && op->start_ns)
		return op->start_ns + slack_ns >= border->time_ns;
	return !op->seq || op->seq > border->seq; /* what is in flight has no number yet */
}

static bool is_called(const struct ft_file_name *name, const struct fusetrace_op *op)
{
	return strcmp(name->path, op->path->bytes) == 0;
}

/* The name that the file had when op began: the newest one whose border is behind it. */
static size_t find_name(const struct ft_file_names *names, const struct fusetrace_op *op)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (is_behind(&names->names[middle].from, op, 0))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool ft_file_names_has(const struct ft_file_names *names, const struct fusetrace_op *op)
{
	size_t found;

	if (!op->path || (op->marks & FUSETRACE_OP_UNLINKED))
		return false;
	found = find_name(names, op);
	if (found < names->count && is_called(&names->names[found], op))
		return true;
	return found > 0 && is_behind(&names->names[found - 1].from, op, SLACK_NS) &&
	       is_called(&names->names[found - 1], op);
}
