/* SPDX-License-Identifier: MIT */
/*
 * What the fields of spans and events mean (tracing.h). Their names are the programmer's choice;
 * those here are the usual ones, and what a field means may depend on the operation: "ino" beside
 * "parent" is the node that a lookup found, alone it is what the request is about.
 */
#include "tracing.h"

#include <linux/fuse.h>
#include <strings.h>

#include "op/opcode.h"

enum meaning {
	INO,
	PARENT,
	NEW_PARENT,
	NAME,
	NEW_NAME,
	PATH,
	NEW_PATH,
	TARGET,
	XATTR,
	FH,
	OFFSET,
	SIZE,
	MODE,
	FLAGS,
	UNIQUE, /* from here on of who asks */
	PID,
	UID,
	GID,
};

struct field_name {
	const char *name;
	uint8_t length;
	uint8_t meaning;
};

#define FIELD(name, meaning)                                                                       \
	{                                                                                          \
		name, sizeof(name) - 1, meaning                                                    \
	}

static const struct field_name names[] = {
	FIELD("ino", INO),
	FIELD("name", NAME),
	FIELD("parent", PARENT),
	FIELD("fh", FH),
	FIELD("offset", OFFSET),
	FIELD("size", SIZE),
	FIELD("mode", MODE),
	FIELD("flags", FLAGS),
	FIELD("inode", INO),
	FIELD("nodeid", INO),
	FIELD("node_id", INO),
	FIELD("parent_ino", PARENT),
	FIELD("parent_inode", PARENT),
	FIELD("newparent", NEW_PARENT),
	FIELD("new_parent", NEW_PARENT),
	FIELD("filename", NAME),
	FIELD("file_name", NAME),
	FIELD("newname", NEW_NAME),
	FIELD("new_name", NEW_NAME),
	FIELD("path", PATH),
	FIELD("newpath", NEW_PATH),
	FIELD("new_path", NEW_PATH),
	FIELD("target", TARGET),
	FIELD("link", TARGET),
	FIELD("link_name", NAME),
	FIELD("xattr", XATTR),
	FIELD("file_handle", FH),
	FIELD("handle", FH),
	FIELD("off", OFFSET),
	FIELD("len", SIZE),
	FIELD("length", SIZE),
	FIELD("count", SIZE),
	FIELD("req", UNIQUE),
	FIELD("unique", UNIQUE),
	FIELD("request_id", UNIQUE),
	FIELD("pid", PID),
	FIELD("uid", UID),
	FIELD("gid", GID),
};

static bool find_meaning(struct ft_bytes key, enum meaning *ret_meaning)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct field_name *name = &names[i];

		if (name->length == key.length && name->name[0] == key.data[0] &&
		    memcmp(name->name, key.data, key.length) == 0) {
			*ret_meaning = name->meaning;
			return true;
		}
	}
	return false;
}

static bool is_name(enum meaning meaning)
{
	return meaning >= NAME && meaning <= XATTR;
}

bool ft_tracing_is_name(struct ft_bytes key)
{
	enum meaning meaning;

	return find_meaning(key, &meaning) && is_name(meaning);
}

/* Words that are also names of spans which have nothing to do with files: "poll", "FramedWrite::flush". */
static bool is_common_word(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_LINK:
	case FUSE_RENAME:
	case FUSE_OPEN:
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_RELEASE:
	case FUSE_FLUSH:
	case FUSE_INIT:
	case FUSE_ACCESS:
	case FUSE_CREATE:
	case FUSE_INTERRUPT:
	case FUSE_DESTROY:
	case FUSE_POLL:
		return true;
	default:
		return false;
	}
}

/* "fuse::read", "MemFs::read" */
static bool names_filesystem(struct ft_bytes name)
{
	for (size_t i = 0; i + 1 < name.length; i++) {
		if ((name.data[i] | 0x20) == 'f' &&
		    ((name.data[i + 1] | 0x20) == 's' ||
		     (i + 3 < name.length && strncasecmp(name.data + i, "fuse", 4) == 0)))
			return true;
	}
	return false;
}

bool ft_tracing_is_operation(const struct ft_tracing_record *record)
{
	if (!is_common_word(record->opcode))
		return true;
	for (size_t i = 0; i < record->count; i++) {
		enum meaning meaning;

		if (find_meaning(record->fields[i].key, &meaning) &&
		    (meaning <= FH || meaning == UNIQUE))
			return true;
	}
	return names_filesystem(record->name);
}

/* ---- values ---- */

struct ft_bytes ft_tracing_unwrapped(struct ft_bytes value)
{
	for (;;) {
		struct ft_scan scan = ft_scan_of(value);
		struct ft_bytes word;

		if (!ft_scan_word(&scan, &word) || !ft_scan_char(&scan, '(') ||
		    value.data[value.length - 1] != ')')
			return value;
		value = (struct ft_bytes){scan.at, ft_scan_left(&scan) - 1};
	}
}

bool ft_tracing_number(struct ft_bytes value, bool is_octal, uint64_t *ret_number)
{
	struct ft_scan scan = ft_scan_of(ft_tracing_unwrapped(value));
	uint32_t octal;
	bool r;

	if (ft_scan_literal(&scan, "0x")) {
		r = ft_scan_hex(&scan, ret_number);
	} else if (ft_scan_literal(&scan, "0o") ||
		   (is_octal && ft_scan_left(&scan) > 1 && *scan.at == '0')) {
		r = ft_scan_octal(&scan, &octal);
		*ret_number = r ? octal : 0;
	} else {
		r = ft_scan_u64(&scan, ret_number);
	}
	return r && ft_scan_is_end(&scan);
}

static void set_u64(struct ft_event *event, uint32_t bit, uint64_t *member, struct ft_bytes value)
{
	uint64_t number;

	if ((event->present & bit) || !ft_tracing_number(value, false, &number))
		return;
	*member = number;
	event->present |= bit;
}

static bool set_u32(struct ft_event *event, uint32_t bit, uint32_t *member, struct ft_bytes value)
{
	uint64_t number;

	if ((event->present & bit) || !ft_tracing_number(value, bit == FT_HAS(MODE), &number) ||
	    number > UINT32_MAX)
		return false;
	*member = (uint32_t)number;
	event->present |= bit;
	return true;
}

/* Rust prints U+FFFD for bytes that are no UTF-8: then the name is not known. */
static bool is_lossy(struct ft_bytes text)
{
	return memchr(text.data, '\xef', text.length) &&
	       memmem(text.data, text.length, "\xef\xbf\xbd", 3);
}

static void set_name(struct ft_event *event, uint32_t bit, struct ft_bytes *member,
		     struct ft_bytes value)
{
	if ((event->present & bit) || is_lossy(value))
		return;
	*member = value;
	event->present |= bit;
}

/* ---- requests ---- */

/* The nodes that fields name, before it is known what the request does with them. */
struct nodes {
	struct ft_bytes ino; /* data NULL: not told */
	struct ft_bytes parent;
	struct ft_bytes new_parent;
};

static void take_name(struct ft_event *event, uint32_t behaviour, struct ft_bytes value)
{
	if (behaviour & FT_OPCODE_XATTR)
		set_name(event, FT_HAS(XATTR), &event->xattr, value);
	else if ((behaviour & FT_OPCODE_NAME) && event->opcode != FUSE_LINK)
		set_name(event, FT_HAS(NAME), &event->name, value);
}

static void take_new_name(struct ft_event *event, struct ft_bytes value)
{
	if (event->opcode == FUSE_LINK)
		set_name(event, FT_HAS(NAME), &event->name, value);
	else
		set_name(event, FT_HAS(NAME2), &event->name2, value);
}

/* A whole path, as far as can be seen: others are names of something else. */
static void take_path(struct ft_event *event, uint32_t bit, struct ft_bytes *member,
		      struct ft_bytes value)
{
	if (value.length && value.data[0] == '/')
		set_name(event, bit, member, value);
}

/* In SETATTR these are what is set, else who asks. */
static void take_attribute(struct ft_event *event, enum meaning meaning, struct ft_bytes value)
{
	bool is_setattr = event->opcode == FUSE_SETATTR;
	uint32_t valid = 0;
	uint64_t ignored;

	switch (meaning) {
	case MODE:
		if (set_u32(event, FT_HAS(MODE), &event->mode, value))
			valid = FATTR_MODE;
		break;
	case UID:
		if (!is_setattr)
			set_u32(event, FT_HAS(UID), &event->uid, value);
		else if (ft_tracing_number(value, false, &ignored))
			valid = FATTR_UID;
		break;
	case GID:
		if (!is_setattr)
			set_u32(event, FT_HAS(GID), &event->gid, value);
		else if (ft_tracing_number(value, false, &ignored))
			valid = FATTR_GID;
		break;
	default:
		set_u64(event, FT_HAS(SIZE), &event->size, value);
		valid = (event->present & FT_HAS(SIZE)) ? FATTR_SIZE : 0;
	}
	if (is_setattr && valid) {
		event->valid |= valid;
		event->present |= FT_HAS(VALID);
	}
}

static void take_field(struct ft_event *event, uint32_t behaviour, enum meaning meaning,
		       struct ft_bytes value)
{
	switch (meaning) {
	case NAME:
		take_name(event, behaviour, value);
		return;
	case NEW_NAME:
		take_new_name(event, value);
		return;
	case PATH:
		take_path(event, FT_HAS(PATH), &event->path, value);
		return;
	case NEW_PATH:
		take_path(event, FT_HAS(PATH2), &event->path2, value);
		return;
	case TARGET:
		if (behaviour & FT_OPCODE_TARGET)
			set_name(event, FT_HAS(TARGET), &event->target, value);
		return;
	case XATTR:
		if (behaviour & FT_OPCODE_XATTR)
			set_name(event, FT_HAS(XATTR), &event->xattr, value);
		return;
	case FH:
		set_u64(event, FT_HAS(FH), &event->fh, value);
		return;
	case OFFSET:
		set_u64(event, FT_HAS(OFFSET), &event->offset, value);
		return;
	case FLAGS:
		set_u32(event, FT_HAS(FLAGS), &event->flags, value);
		return;
	case UNIQUE:
		set_u64(event, FT_HAS(UNIQUE), &event->unique, value);
		return;
	case PID:
		set_u32(event, FT_HAS(PID), &event->pid, value);
		return;
	default:
		take_attribute(event, meaning, value);
	}
}

static void take_nodes(struct ft_event *event, uint32_t behaviour, const struct nodes *nodes)
{
	struct ft_bytes directory = nodes->parent.data ? nodes->parent : nodes->ino;

	if (event->opcode == FUSE_LINK) {
		if (nodes->new_parent.data)
			directory = nodes->new_parent;
		set_u64(event, FT_HAS(NODEID), &event->nodeid, directory);
		if (nodes->ino.data && directory.data != nodes->ino.data)
			set_u64(event, FT_HAS(NODEID2), &event->nodeid2, nodes->ino);
		return;
	}
	if (!(behaviour & FT_OPCODE_NAME) && nodes->ino.data)
		directory = nodes->ino;
	if (directory.data)
		set_u64(event, FT_HAS(NODEID), &event->nodeid, directory);
	if (nodes->new_parent.data)
		set_u64(event, FT_HAS(NODEID2), &event->nodeid2, nodes->new_parent);
	if ((behaviour & FT_OPCODE_ENTRY) && nodes->parent.data && nodes->ino.data)
		set_u64(event, FT_HAS(ENTRY), &event->entry, nodes->ino);
}

/*
 * In flat form the fields of all spans are in one list, root first: those of the operation are the
 * last ones of their names, and what is told only once may be of a span around it.
 */
static bool is_of_other_span(const struct ft_tracing_record *record, enum meaning meaning)
{
	if (!record->is_flat)
		return false;
	return (meaning == PATH && (record->is_inner || record->has_outer)) ||
	       (meaning >= UNIQUE && record->has_outer);
}

void ft_tracing_describe(const struct ft_tracing_record *record, struct ft_event *event)
{
	uint32_t behaviour = ft_opcode_get(record->opcode)->behaviour;
	bool is_last_first = record->is_flat && record->has_outer && !record->is_inner;
	struct nodes nodes = {.ino = {NULL, 0}};

	event->opcode = record->opcode;
	for (size_t i = 0; i < record->count; i++) {
		size_t at = is_last_first ? record->count - i - 1 : i;
		const struct ft_tracing_field *field = &record->fields[at];
		enum meaning meaning;

		if (!find_meaning(field->key, &meaning) || is_of_other_span(record, meaning))
			continue;
		if (record->is_cut && at == record->count - 1 && is_name(meaning))
			continue; /* half a name is none */
		if (meaning == INO)
			nodes.ino = nodes.ino.data ? nodes.ino : field->value;
		else if (meaning == PARENT)
			nodes.parent = nodes.parent.data ? nodes.parent : field->value;
		else if (meaning == NEW_PARENT)
			nodes.new_parent = nodes.new_parent.data ? nodes.new_parent : field->value;
		else
			take_field(event, behaviour, meaning, field->value);
	}
	take_nodes(event, behaviour, &nodes);
}
