/* SPDX-License-Identifier: MIT */
/*
 * Bytes of the FUSE protocol to fields of an event, by the layouts of the opcode table. This is the
 * hot path of every source that sees the wire: one pass, no allocation, no look at bytes that no
 * field needs. Numbers are in the host's byte order, as the kernel writes them. What the fields
 * mean is for the table (opcode.c), what operations they make for the tracker.
 */
#include "wire.h"

#include <stdint.h>
#include <string.h>

#include "op/opcode.h"

/* Only the first size bytes of total are there. */
struct body {
	const char *data;
	size_t size;
	size_t total;
};

static struct body body_of(const void *data, size_t size, size_t total)
{
	return (struct body){data, data ? size : 0, total > size ? total : size};
}

static uint64_t read_number(const char *bytes, size_t width)
{
	uint8_t number8;
	uint16_t number16;
	uint32_t number32;
	uint64_t number64;

	switch (width) {
	case sizeof(number8):
		memcpy(&number8, bytes, sizeof(number8));
		return number8;
	case sizeof(number16):
		memcpy(&number16, bytes, sizeof(number16));
		return number16;
	case sizeof(number32):
		memcpy(&number32, bytes, sizeof(number32));
		return number32;
	default:
		memcpy(&number64, bytes, sizeof(number64));
		return number64;
	}
}

/*
 * A lock names its last byte. One to the end of the file (INT64_MAX, as the kernel has it) has no
 * size. The table lists the end behind the start.
 */
static void store_lock_end(struct ft_event *event, uint64_t end)
{
	if (end >= INT64_MAX || end < event->offset)
		return;
	event->size = end - event->offset + 1;
	event->present |= FT_HAS(SIZE);
}

static void store_number(struct ft_event *event, uint32_t field, uint64_t number)
{
	switch (field) {
	case FUSETRACE_FIELD_ENTRY:
		event->entry = number;
		break;
	case FUSETRACE_FIELD_NODEID2:
		event->nodeid2 = number;
		break;
	case FUSETRACE_FIELD_FH:
		event->fh = number;
		break;
	case FUSETRACE_FIELD_OFFSET:
		event->offset = number;
		break;
	case FUSETRACE_FIELD_SIZE:
		event->size = number;
		break;
	case FUSETRACE_FIELD_REPLY_SIZE:
		event->reply_size = number;
		break;
	case FUSETRACE_FIELD_MODE:
		event->mode = (uint32_t)number;
		break;
	case FUSETRACE_FIELD_FLAGS:
		event->flags = (uint32_t)number;
		break;
	case FUSETRACE_FIELD_VALID:
		event->valid = (uint32_t)number;
		break;
	case FT_WIRE_ENTRY_MODE:
		event->entry_mode = (uint32_t)number;
		return;
	case FT_WIRE_LOCK_END:
		store_lock_end(event, number);
		return;
	default:
		return;
	}
	event->present |= UINT32_C(1) << field;
}

static void read_fields(struct ft_event *event, const struct ft_wire_layout *layout,
			const struct body *body)
{
	uint32_t first_word =
		body->size >= sizeof(first_word) ? (uint32_t)read_number(body->data, 4) : 0;

	for (size_t i = 0; i < FT_WIRE_FIELDS_MAX && layout->fields[i].width; i++) {
		const struct ft_wire_field *field = &layout->fields[i];

		if ((size_t)field->offset + field->width > body->size)
			continue;
		if (field->only_if && !(first_word & field->only_if))
			continue;
		store_number(event, field->field,
			     read_number(body->data + field->offset, field->width));
	}
}

/*
 * Where the names begin. Some requests have a short and a long fixed part, by what was negotiated
 * at INIT, which a trace need not have seen: SETXATTR has 8 bytes, or 16 with FUSE_SETXATTR_EXT;
 * CREATE and MKNOD had 8 before 7.12. The request itself tells:
 * - The second half of the long form is small flags and padding: it always has a zero byte. Without
 *   one, these eight bytes are the beginning of a name that follows the short form.
 * - With one, read as a short form the name would end there, so that all lengths are known and must
 *   add up: short form + name + NUL + value = total. Of a long form they never do: its name begins
 *   behind all of that.
 */
static size_t names_offset(const struct ft_opcode *row, const struct ft_event *event,
			   const struct body *body)
{
	size_t long_size = row->request.size;
	size_t short_size = row->request.short_size;
	uint64_t value_size = row->behaviour & FT_OPCODE_XATTR ? event->size : 0;
	const char *end;

	if (short_size == 0)
		return long_size;
	if (body->total <= long_size)
		return short_size;
	if (body->size < long_size)
		return long_size; /* too little to tell from, and nothing of a name to lose */

	end = memchr(body->data + short_size, '\0', long_size - short_size);
	if (!end)
		return short_size;
	return (uint64_t)(end - body->data) + 1 + value_size == body->total ? short_size
									    : long_size;
}

/* Takes the string at *offset and moves behind its NUL. */
static void read_name(struct ft_event *event, const struct body *body, size_t *offset,
		      uint32_t field, struct ft_bytes *name)
{
	size_t rest = *offset < body->size ? body->size - *offset : 0;
	const char *start = rest ? body->data + *offset : NULL;
	const char *end = rest ? memchr(start, '\0', rest) : NULL;

	if (!end)
		event->marks |= FUSETRACE_OP_TRUNCATED;
	if (!start)
		return;
	name->data = start;
	name->length = end ? (size_t)(end - start) : rest;
	event->present |= UINT32_C(1) << field;
	*offset += name->length + (end ? 1 : 0);
}

static void read_names(struct ft_event *event, const struct ft_opcode *row, const struct body *body)
{
	size_t offset = names_offset(row, event, body);

	if (row->behaviour & FT_OPCODE_NAME)
		read_name(event, body, &offset, FUSETRACE_FIELD_NAME, &event->name);
	if (row->behaviour & FT_OPCODE_NAME2)
		read_name(event, body, &offset, FUSETRACE_FIELD_NAME2, &event->name2);
	if (row->behaviour & FT_OPCODE_TARGET)
		read_name(event, body, &offset, FUSETRACE_FIELD_TARGET, &event->target);
	if (row->behaviour & FT_OPCODE_XATTR)
		read_name(event, body, &offset, FUSETRACE_FIELD_XATTR, &event->xattr);
}

void ft_wire_request(struct ft_event *event, const void *args, size_t size, size_t total)
{
	const struct ft_opcode *row = ft_opcode_get(event->opcode);
	struct body body = body_of(args, size, total);

	read_fields(event, &row->request, &body);
	if (row->behaviour & (FT_OPCODE_NAME | FT_OPCODE_XATTR))
		read_names(event, row, &body);
}

/* struct fuse_getxattr_out: the size, padding. */
#define GETXATTR_OUT_SIZE 8

static void read_asked_size(struct ft_event *event, const struct body *body)
{
	if (body->total != GETXATTR_OUT_SIZE || body->size < sizeof(uint32_t))
		return;
	event->probe_size = read_number(body->data, sizeof(uint32_t));
	if (event->present & FT_HAS(SIZE) && event->size == 0)
		event->reply_size = event->probe_size;
}

void ft_wire_reply(struct ft_event *event, const void *args, size_t size, size_t total)
{
	const struct ft_opcode *row = ft_opcode_get(event->opcode);
	struct body body = body_of(args, size, total);

	if (event->error != 0)
		return;
	read_fields(event, &row->reply, &body);
	if (event->present & FT_HAS(ENTRY) && event->entry == 0)
		event->entry_mode = 0; /* a negative entry's attributes are void */
	if (row->behaviour & FT_OPCODE_PAYLOAD && body.total >= row->reply.size) {
		event->reply_size = body.total - row->reply.size;
		event->present |= FT_HAS(REPLY_SIZE);
	}
	if (row->behaviour & FT_OPCODE_ASKS_SIZE)
		read_asked_size(event, &body);
}

/* struct fuse_direntplus: a struct fuse_entry_out of 128 bytes, then a struct fuse_dirent. */
#define DIRENTPLUS_NAMELEN 144
#define DIRENTPLUS_NAME 152

void ft_wire_entries(const void *listing, size_t size, ft_wire_entry_fn *fn, void *data)
{
	const char *at = listing;

	while (size >= DIRENTPLUS_NAME) {
		uint64_t nodeid = read_number(at, 8);
		size_t length = read_number(at + DIRENTPLUS_NAMELEN, 4);
		size_t step = (DIRENTPLUS_NAME + length + 7) & ~(size_t)7;

		if (length == 0 || length > size - DIRENTPLUS_NAME)
			return;
		if (nodeid)
			fn(nodeid, (struct ft_bytes){at + DIRENTPLUS_NAME, length}, data);
		if (step >= size)
			return;
		at += step;
		size -= step;
	}
}
