/* SPDX-License-Identifier: MIT */
/* See op_of_events.h. */
#include "op_of_events.h"

#include <linux/fuse.h>

#include "op/opcode.h"

/* ---- request ---- */

static void take_numbers(struct fusetrace_op *op, const struct ft_event *begin)
{
	op->present = begin->present;
	op->marks = (uint8_t)begin->marks;
	op->opcode = (uint16_t)begin->opcode;
	op->unique = begin->unique;
	op->nodeid = begin->nodeid;
	op->other = (begin->present & FT_HAS(NODEID2)) ? begin->nodeid2 : 0;
	op->fh = begin->fh;
	op->offset = begin->offset;
	op->size = begin->size;
	op->pid = begin->pid;
	op->uid = begin->uid;
	op->gid = begin->gid;
	op->mode = begin->mode;
	op->flags = begin->flags;
	op->valid = begin->valid;
}

static const struct ft_name *take_name(struct ft_history *history, struct ft_chunk *alone,
				       struct ft_bytes bytes)
{
	return alone ? ft_chunk_name(alone, bytes, 0) : ft_history_intern(history, bytes);
}

/* NAME and NAME2 stand only for a path that is not known. */
static void take_names(struct fusetrace_op *op, const struct ft_event *begin,
		       struct ft_history *history, struct ft_chunk *alone)
{
	/* a link's name is the last component of its second path */
	bool is_told = begin->path.data || begin->opcode == FUSE_LINK;
	struct ft_bytes name = is_told ? (struct ft_bytes){NULL, 0} : begin->name;
	struct ft_bytes name2 = begin->path2.data ? (struct ft_bytes){NULL, 0} : begin->name2;

	op->path = take_name(history, alone, begin->path);
	op->path2 = take_name(history, alone, begin->path2);
	op->name = take_name(history, alone, begin->xattr.data ? begin->xattr : name);
	op->name2 = take_name(history, alone, begin->target.data ? begin->target : name2);
	op->present &= ~(FT_HAS(PATH) | FT_HAS(PATH2) | FT_HAS(NAME) | FT_HAS(NAME2) |
			 FT_HAS(XATTR) | FT_HAS(TARGET));
	op->present |= op->path ? FT_HAS(PATH) : 0;
	op->present |= op->path2 ? FT_HAS(PATH2) : 0;
	if (op->name)
		op->present |= begin->xattr.data ? FT_HAS(XATTR) : FT_HAS(NAME);
	if (op->name2)
		op->present |= begin->target.data ? FT_HAS(TARGET) : FT_HAS(NAME2);
}

void ft_op_take_request(struct fusetrace_op *op, const struct ft_event *begin,
			struct ft_history *history, struct ft_chunk *alone)
{
	take_numbers(op, begin);
	take_names(op, begin, history, alone);
}

/* ---- reply ---- */

void ft_op_take_reply(struct fusetrace_op *op, const struct ft_event *end)
{
	uint32_t replied = end->present & (FT_HAS(ENTRY) | FT_HAS(FH) | FT_HAS(REPLY_SIZE));

	if (!(op->present & FT_HAS(NODEID2)) && (replied & FT_HAS(ENTRY)))
		op->other = end->entry;
	else
		replied &= ~FT_HAS(ENTRY);
	op->present &= ~FT_HAS(ENTRY);
	if ((replied & FT_HAS(FH)) && !(op->present & FT_HAS(FH)))
		op->fh = end->fh;
	if (replied & FT_HAS(REPLY_SIZE))
		op->reply_size = end->reply_size;
	op->present |= replied;
}

bool ft_op_is_size_probe(const struct fusetrace_op *op)
{
	return (ft_opcode_get(op->opcode)->behaviour & FT_OPCODE_ASKS_SIZE) &&
	       (op->present & FT_HAS(SIZE)) && op->size == 0;
}

/* ---- times ---- */

void ft_op_take_start(struct fusetrace_op *op, uint64_t start_ns, uint64_t seen_ns)
{
	uint64_t late_us;

	op->start_ns = start_ns ? start_ns : seen_ns;
	op->present |= start_ns ? FT_HAS(START_NS) : 0;
	if (seen_ns <= op->start_ns)
		return;
	late_us = (seen_ns - op->start_ns + 999) / 1000;
	op->seen_late_us = late_us < UINT32_MAX ? (uint32_t)late_us : UINT32_MAX;
}

void ft_op_take_duration(struct fusetrace_op *op, const struct ft_event *begin,
			 const struct ft_event *end)
{
	if (end->duration_ns)
		op->duration_ns = end->duration_ns;
	else if (end->ending == FT_ENDING_UNKNOWN)
		return; /* what was printed may not be the end */
	else if (begin && begin->time_ns && end->time_ns >= begin->time_ns)
		op->duration_ns = end->time_ns - begin->time_ns;
	else if (begin && begin->duration_ns)
		op->duration_ns = begin->duration_ns;
	else
		return;
	op->present |= FT_HAS(DURATION_NS);
}
