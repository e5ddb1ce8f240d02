/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the wire decoder: four bytes of opcode, the rest is taken as a request and as a
 * reply, complete and as the beginning of something longer. Aborts when the event breaks what
 * wire.h promises. Whoever links it gives main(): libFuzzer, or a loop over files.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "op/opcode.h"
#include "source/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3): a release build must check as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

#define NAME_FIELDS (FT_HAS(NAME) | FT_HAS(NAME2) | FT_HAS(XATTR) | FT_HAS(TARGET))

typedef void decode_fn(struct ft_event *event, const void *args, size_t size, size_t total);

struct message {
	uint32_t opcode;
	const char *bytes; /* exactly size, so that a read beyond is seen */
	size_t size;
	size_t total;
};

/* The fields that the table lets a message have, and those it must have. */
static void expected_fields(const struct ft_wire_layout *layout, size_t size, uint32_t *ret_may,
			    uint32_t *ret_must)
{
	*ret_may = *ret_must = 0;
	for (size_t i = 0; i < FT_WIRE_FIELDS_MAX && layout->fields[i].width; i++) {
		const struct ft_wire_field *field = &layout->fields[i];
		uint32_t bit = field->field == FT_WIRE_LOCK_END ? FT_HAS(SIZE) : 0;

		if (field->field < FUSETRACE_FIELDS)
			bit = UINT32_C(1) << field->field;
		if ((size_t)field->offset + field->width > size)
			continue;
		*ret_may |= bit;
		if (!field->only_if && field->field != FT_WIRE_LOCK_END)
			*ret_must |= bit;
	}
}

static bool has_lock_end(const struct ft_wire_layout *layout)
{
	for (size_t i = 0; i < FT_WIRE_FIELDS_MAX && layout->fields[i].width; i++)
		if (layout->fields[i].field == FT_WIRE_LOCK_END)
			return true;
	return false;
}

/* In the message, without a NUL inside, ended by one unless marked as cut. */
static void check_name(const struct message *message, const struct ft_event *event, uint32_t bit,
		       struct ft_bytes name)
{
	REQUIRE(!!(event->present & bit) == (name.data != NULL));
	if (!name.data)
		return;
	REQUIRE(name.data >= message->bytes);
	REQUIRE(name.length <= message->size);
	REQUIRE((size_t)(name.data - message->bytes) <= message->size - name.length);
	REQUIRE(!memchr(name.data, '\0', name.length));
	if (name.data + name.length == message->bytes + message->size)
		REQUIRE(event->marks & FUSETRACE_OP_TRUNCATED);
	else
		REQUIRE(name.data[name.length] == '\0');
}

static void check_names(const struct message *message, const struct ft_event *event,
			uint32_t behaviour)
{
	check_name(message, event, FT_HAS(NAME), event->name);
	check_name(message, event, FT_HAS(NAME2), event->name2);
	check_name(message, event, FT_HAS(XATTR), event->xattr);
	check_name(message, event, FT_HAS(TARGET), event->target);
	if (event->name.data && event->name2.data)
		REQUIRE(event->name2.data > event->name.data + event->name.length);
	if (event->name.data && event->target.data)
		REQUIRE(event->target.data > event->name.data + event->name.length);
	REQUIRE(!event->name.data || behaviour & FT_OPCODE_NAME);
	REQUIRE(!event->name2.data || behaviour & FT_OPCODE_NAME2);
	REQUIRE(!event->xattr.data || behaviour & FT_OPCODE_XATTR);
	REQUIRE(!event->target.data || behaviour & FT_OPCODE_TARGET);
	REQUIRE(event->marks == 0 || event->marks == FUSETRACE_OP_TRUNCATED);
	REQUIRE(event->marks == 0 || behaviour & (FT_OPCODE_NAME | FT_OPCODE_XATTR));
}

static struct ft_event decode(const struct message *message, decode_fn *fn)
{
	struct ft_event event;
	struct ft_event again;

	/* Also what lies between the fields, which memcmp() sees. */
	memset(&event, 0, sizeof(event));
	event.opcode = message->opcode;
	memcpy(&again, &event, sizeof(again));
	fn(&event, message->bytes, message->size, message->total);
	fn(&again, message->bytes, message->size, message->total);
	REQUIRE(memcmp(&event, &again, sizeof(event)) == 0);
	return event;
}

static void check_request(const struct message *message)
{
	const struct ft_opcode *row = ft_opcode_get(message->opcode);
	struct ft_event event = decode(message, ft_wire_request);
	uint32_t may, must;

	expected_fields(&row->request, message->size, &may, &must);
	REQUIRE((event.present & ~NAME_FIELDS & ~may) == 0);
	REQUIRE((event.present & must) == must);
	check_names(message, &event, row->behaviour);
	REQUIRE(event.entry == 0 && event.entry_mode == 0 && event.probe_size == 0);
	if (has_lock_end(&row->request) && event.present & FT_HAS(SIZE))
		REQUIRE(event.size > 0 && event.offset + event.size > event.offset);
}

static void check_reply(const struct message *message)
{
	const struct ft_opcode *row = ft_opcode_get(message->opcode);
	struct ft_event event = decode(message, ft_wire_reply);
	uint32_t may, must;

	expected_fields(&row->reply, message->size, &may, &must);
	if (row->behaviour & FT_OPCODE_PAYLOAD && message->total >= row->reply.size) {
		may |= FT_HAS(REPLY_SIZE);
		must |= FT_HAS(REPLY_SIZE);
		REQUIRE(event.reply_size <= message->total);
	}
	REQUIRE((event.present & ~may) == 0);
	REQUIRE((event.present & must) == must);
	REQUIRE(!event.name.data && !event.name2.data && !event.xattr.data && !event.target.data);
	REQUIRE(event.marks == 0);
	REQUIRE(event.entry_mode == 0 || event.entry != 0);
	REQUIRE(event.probe_size == 0 || row->behaviour & FT_OPCODE_ASKS_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message = {0};
	char *bytes;

	if (size < sizeof(message.opcode))
		return 0;
	memcpy(&message.opcode, data, sizeof(message.opcode));
	message.size = size - sizeof(message.opcode);
	bytes = malloc(message.size ? message.size : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data + sizeof(message.opcode), message.size);
	message.bytes = bytes;

	message.total = message.size;
	check_request(&message);
	check_reply(&message);
	message.total = message.size + 4096;
	check_request(&message);
	check_reply(&message);
	free(bytes);
	return 0;
}
