/* SPDX-License-Identifier: MIT */
/* See open_ops.h. */
#include "open_ops.h"

#include <string.h>

struct ft_open_op *ft_open_ops_begin(struct ft_open_ops *open, const void *kind)
{
	struct ft_open_op *op;

	bool is_alone = true;

	if (open->count == FT_OPEN_OPS_MAX)
		ft_open_ops_end(open, &open->ops[0]);
	for (size_t i = 0; i < open->count; i++) {
		if (open->ended - open->ops[i].began > FT_OPEN_OPS_PATIENCE)
			continue;
		open->ops[i].is_doubtful = true;
		is_alone = false;
	}
	op = &open->ops[open->count];
	*op = (struct ft_open_op){
		.key = ++open->last_key,
		.kind = kind,
		.began = open->ended,
		.is_doubtful = !is_alone,
	};
	open->count++;
	return op;
}

struct ft_open_op *ft_open_ops_find(struct ft_open_ops *open, const void *kind, bool is_waiting)
{
	for (size_t i = open->count; i-- > 0;) {
		struct ft_open_op *op = &open->ops[i];

		if (op->kind == kind && op->is_waiting == is_waiting)
			return op;
	}
	return NULL;
}

void ft_open_ops_end(struct ft_open_ops *open, struct ft_open_op *op)
{
	size_t behind = (size_t)(&open->ops[open->count] - (op + 1));

	memmove(op, op + 1, behind * sizeof(*op));
	open->count--;
	open->ended++;
}

void ft_open_ops_tell_end(struct ft_open_ops *open, struct ft_open_op *op, struct ft_event *event,
			  const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event doubt = {.key = op->key, .marks = FUSETRACE_OP_SUSPECT};

	if (op->is_doubtful)
		ft_sink_amend(sink, &doubt);
	event->key = op->key;
	event->opcode = FT_OPCODE_OF_BEGIN;
	ft_sink_end(sink, line, event);
	ft_open_ops_end(open, op);
}
