/* SPDX-License-Identifier: MIT */
/* What begin and end of an operation (event.h) become in the operation that is kept (op.h). */
#ifndef FT_OP_OF_EVENTS_H
#define FT_OP_OF_EVENTS_H

#include "history.h"
#include "op/event.h"

/*
 * Numbers and names of the request. The names are interned in history or, of an operation that is
 * not in it, owned by the chunk `alone`.
 */
void ft_op_take_request(struct fusetrace_op *op, const struct ft_event *begin,
			struct ft_history *history, struct ft_chunk *alone);
/* start_ns 0: not told. A time that the source does not tell still orders it against marks. */
void ft_op_take_start(struct fusetrace_op *op, uint64_t start_ns, uint64_t seen_ns);
/* The numbers of the reply, but for its errno. */
void ft_op_take_reply(struct fusetrace_op *op, const struct ft_event *end);
/* begin may be NULL: not seen. */
void ft_op_take_duration(struct fusetrace_op *op, const struct ft_event *begin,
			 const struct ft_event *end);

/* A request for an attribute with no room for it asks for its size, which is the whole reply. */
bool ft_op_is_size_probe(const struct fusetrace_op *op);

#endif
