/* SPDX-License-Identifier: MIT */
/* The public view of an operation. The struct itself is described in op.h. */
#include "op.h"

#include <errno.h>

#include "event.h"

int fusetrace_op_number(const struct fusetrace_op *op, uint32_t field, uint64_t *ret_number)
{
	const uint64_t numbers[] = {
		[FUSETRACE_FIELD_SEQ] = op->seq,
		[FUSETRACE_FIELD_UNIQUE] = op->unique,
		[FUSETRACE_FIELD_START_NS] = op->start_ns,
		[FUSETRACE_FIELD_DURATION_NS] = op->duration_ns,
		[FUSETRACE_FIELD_ERRNO] = op->error,
		[FUSETRACE_FIELD_PID] = op->pid,
		[FUSETRACE_FIELD_UID] = op->uid,
		[FUSETRACE_FIELD_GID] = op->gid,
		[FUSETRACE_FIELD_NODEID] = op->nodeid,
		[FUSETRACE_FIELD_ENTRY] = op->other,
		[FUSETRACE_FIELD_NODEID2] = op->other,
		[FUSETRACE_FIELD_FH] = op->fh,
		[FUSETRACE_FIELD_OFFSET] = op->offset,
		[FUSETRACE_FIELD_SIZE] = op->size,
		[FUSETRACE_FIELD_REPLY_SIZE] = op->reply_size,
		[FUSETRACE_FIELD_MODE] = op->mode,
		[FUSETRACE_FIELD_FLAGS] = op->flags,
		[FUSETRACE_FIELD_VALID] = op->valid,
	};

	if (field >= sizeof(numbers) / sizeof(numbers[0]))
		return -EINVAL;
	if (!(op->present & UINT32_C(1) << field))
		return -ENODATA;
	*ret_number = numbers[field];
	return 0;
}

int fusetrace_op_bytes(const struct fusetrace_op *op, uint32_t field, const char **ret_bytes,
		       size_t *ret_length)
{
	const struct ft_name *name;

	switch (field) {
	case FUSETRACE_FIELD_PATH:
		name = op->path;
		break;
	case FUSETRACE_FIELD_PATH2:
		name = op->path2;
		break;
	case FUSETRACE_FIELD_NAME:
	case FUSETRACE_FIELD_XATTR:
		name = op->name;
		break;
	case FUSETRACE_FIELD_NAME2:
	case FUSETRACE_FIELD_TARGET:
		name = op->name2;
		break;
	default:
		return -EINVAL;
	}
	if (!name || !(op->present & UINT32_C(1) << field))
		return -ENODATA;
	*ret_bytes = name->bytes;
	*ret_length = name->length;
	return 0;
}

const char *fusetrace_op_name(const struct fusetrace_op *op)
{
	return fusetrace_opcode_name(op->opcode);
}

uint32_t fusetrace_op_opcode(const struct fusetrace_op *op)
{
	return op->opcode;
}

const char *fusetrace_op_path(const struct fusetrace_op *op)
{
	return op->path ? op->path->bytes : NULL;
}

const char *fusetrace_op_path2(const struct fusetrace_op *op)
{
	return op->path2 ? op->path2->bytes : NULL;
}

uint32_t fusetrace_op_status(const struct fusetrace_op *op)
{
	return op->status;
}

int fusetrace_op_errno(const struct fusetrace_op *op)
{
	return op->error;
}

uint64_t fusetrace_op_seq(const struct fusetrace_op *op)
{
	return op->seq;
}

uint64_t fusetrace_op_start_ns(const struct fusetrace_op *op)
{
	/* without FT_HAS(START_NS) it is when a line was read, and only orders the operation */
	return (op->present & FT_HAS(START_NS)) ? op->start_ns : 0;
}

uint64_t fusetrace_op_duration_ns(const struct fusetrace_op *op)
{
	return op->duration_ns;
}

uint32_t fusetrace_op_source(const struct fusetrace_op *op)
{
	return op->source;
}

uint32_t fusetrace_op_marks(const struct fusetrace_op *op)
{
	return op->marks;
}
