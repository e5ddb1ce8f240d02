/* SPDX-License-Identifier: MIT */
/*
 * One record of mergerfs, key by key. The header of a request has a fixed order; what follows is
 * read by its keys, whose meaning depends on the opcode: "size" is the length of a write, of a file
 * after truncate, or of a file whose attributes a reply gives.
 */
#include "mergerfs.h"

#include "op/opcode.h"

/* Opcodes of linux/fuse.h whose keys have a meaning of their own. */
enum {
	SETATTR = 4,
	GETATTR = 3,
	IOCTL = 39,
	POLL = 40,
	COPY_FILE_RANGE = 47,
	STATX = 52,
	COPY_FILE_RANGE_64 = 53,
};

/* SETATTR and GETATTR bits of linux/fuse.h. */
#define FATTR_MODE (1u << 0)
#define FATTR_SIZE (1u << 3)
#define FATTR_FH (1u << 6)
#define GETATTR_FH (1u << 0)

/* allow-idmap: the caller's ids are not passed on. */
#define NO_ID UINT32_MAX

enum field {
	FIELD_NONE,
	FIELD_ATTRIBUTES,
	FIELD_DATA_SIZE,
	FIELD_ERROR,
	FIELD_FH,
	FIELD_FLAGS,
	FIELD_FLAGS_ALONE, /* unless the opcode has a better one */
	FIELD_GETATTR_FLAGS,
	FIELD_LEN,
	FIELD_LINKNAME,
	FIELD_LOCK_END,
	FIELD_MODE,
	FIELD_NAME,
	FIELD_NEWNAME,
	FIELD_NODEID,
	FIELD_NODEID2,
	FIELD_OFFSET,
	FIELD_SIZE,
	FIELD_VALID,
};

struct key {
	const char *name;
	size_t length;
	enum field field;
	bool is_octal;
};

#define KEY(name, field, ...)                                                                      \
	{                                                                                          \
		(name), sizeof(name) - 1, (field), __VA_ARGS__                                     \
	}

static const struct key keys[] = {
	KEY("attr_valid", FIELD_ATTRIBUTES),
	KEY("cmd", FIELD_FLAGS),
	KEY("data_size", FIELD_DATA_SIZE),
	KEY("error", FIELD_ERROR),
	KEY("events", FIELD_FLAGS),
	KEY("fh", FIELD_FH),
	KEY("fh_in", FIELD_FH),
	KEY("flags", FIELD_FLAGS_ALONE),
	KEY("fsync_flags", FIELD_FLAGS),
	KEY("getattr_flags", FIELD_GETATTR_FLAGS),
	KEY("len", FIELD_LEN),
	KEY("length", FIELD_SIZE),
	KEY("linkname", FIELD_LINKNAME),
	KEY("lk_end", FIELD_LOCK_END),
	KEY("lk_start", FIELD_OFFSET),
	KEY("lk_type", FIELD_FLAGS),
	KEY("mask", FIELD_MODE),
	KEY("mode", FIELD_MODE, true),
	KEY("name", FIELD_NAME),
	KEY("newdir", FIELD_NODEID2),
	KEY("newname", FIELD_NEWNAME),
	KEY("nodeid", FIELD_NODEID),
	KEY("nodeid_out", FIELD_NODEID2),
	KEY("off_in", FIELD_OFFSET),
	KEY("offset", FIELD_OFFSET),
	KEY("oldname", FIELD_NAME),
	KEY("oldnodeid", FIELD_NODEID2),
	KEY("out_size", FIELD_SIZE),
	KEY("size", FIELD_SIZE),
	KEY("sx_flags", FIELD_FLAGS),
	KEY("sx_mask", FIELD_VALID),
	KEY("valid", FIELD_VALID),
	KEY("whence", FIELD_FLAGS),
};

static const struct key other_key = {"", 0, FIELD_NONE, false};

static const struct key *find_key(struct ft_bytes name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].length == name.length && keys[i].name[0] == name.data[0] &&
		    memcmp(keys[i].name, name.data, name.length) == 0)
			return &keys[i];
	}
	return &other_key;
}

/* ---- the header ---- */

static bool take_request_header(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;

	if (!ft_scan_literal(scan, " opcode=") || !ft_scan_until(scan, ' ', &ignored) ||
	    !ft_scan_literal(scan, "opcode_id=") || !ft_scan_u32(scan, &event->opcode) ||
	    !ft_scan_literal(scan, " nodeid=") || !ft_scan_u64(scan, &event->nodeid) ||
	    !ft_scan_literal(scan, " uid=") || !ft_scan_u32(scan, &event->uid) ||
	    !ft_scan_literal(scan, " gid=") || !ft_scan_u32(scan, &event->gid) ||
	    !ft_scan_literal(scan, " pid=") || !ft_scan_u32(scan, &event->pid))
		return false;
	event->present |= FT_HAS(NODEID) | FT_HAS(PID);
	event->present |= event->uid != NO_ID ? FT_HAS(UID) : 0;
	event->present |= event->gid != NO_ID ? FT_HAS(GID) : 0;
	return true;
}

bool ft_mergerfs_header(struct ft_scan *scan, struct ft_mergerfs_record *ret_record)
{
	struct ft_mergerfs_record record = {.event = {.present = FT_HAS(UNIQUE)}};
	struct ft_event *event = &record.event;

	if (!ft_scan_literal(scan, "ts=") || !ft_scan_u64(scan, &event->time_ns) ||
	    !ft_scan_literal(scan, " dir="))
		return false;
	record.is_reply = ft_scan_literal(scan, "OUT");
	if ((!record.is_reply && !ft_scan_literal(scan, "IN")) ||
	    !ft_scan_literal(scan, " unique=0x") || !ft_scan_hex(scan, &event->unique))
		return false;
	event->key = event->unique;
	if (record.is_reply)
		event->opcode = FT_OPCODE_OF_BEGIN;
	else if (!take_request_header(scan, event))
		return false;
	*ret_record = record;
	return true;
}

/* ---- numbers ---- */

static bool is_opcode(const struct ft_mergerfs_record *record, uint32_t a, uint32_t b)
{
	return record->event.opcode == a || record->event.opcode == b;
}

/* Whether the value counts: SETATTR prints what it does not set, too. */
static bool counts(const struct ft_mergerfs_record *record, enum field field)
{
	uint32_t bit = field == FIELD_FH     ? FATTR_FH
		       : field == FIELD_SIZE ? FATTR_SIZE
		       : field == FIELD_MODE ? FATTR_MODE
					     : 0;

	if (bit && record->event.opcode == SETATTR)
		return record->event.valid & bit;
	if (field == FIELD_FH && is_opcode(record, GETATTR, STATX))
		return record->has_handle;
	if (field == FIELD_FLAGS_ALONE)
		return !is_opcode(record, IOCTL, POLL);
	if (field == FIELD_LEN)
		return is_opcode(record, COPY_FILE_RANGE, COPY_FILE_RANGE_64);
	return true;
}

static void set_lock_end(struct ft_event *event, uint64_t end)
{
	if (end >= INT64_MAX || end < event->offset)
		return; /* to the end of the file, however far that is */
	event->size = end - event->offset + 1;
	event->present |= FT_HAS(SIZE);
}

static void set_request_number(struct ft_mergerfs_record *record, enum field field, uint64_t number)
{
	struct ft_event *event = &record->event;

	if (!counts(record, field))
		return;
	switch (field) {
	case FIELD_FH:
		event->fh = number;
		event->present |= FT_HAS(FH);
		return;
	case FIELD_FLAGS:
	case FIELD_FLAGS_ALONE:
		event->flags = (uint32_t)number;
		event->present |= FT_HAS(FLAGS);
		return;
	case FIELD_MODE:
		event->mode = (uint32_t)number;
		event->present |= FT_HAS(MODE);
		return;
	case FIELD_NODEID2:
		event->nodeid2 = number;
		event->present |= FT_HAS(NODEID2);
		return;
	case FIELD_OFFSET:
		event->offset = number;
		event->present |= FT_HAS(OFFSET);
		return;
	case FIELD_LEN: /* of COPY_FILE_RANGE, see counts() */
	case FIELD_SIZE:
		event->size = number;
		event->present |= FT_HAS(SIZE);
		return;
	case FIELD_VALID:
		event->valid = (uint32_t)number;
		event->present |= FT_HAS(VALID);
		return;
	case FIELD_GETATTR_FLAGS:
		record->has_handle = number & GETATTR_FH;
		return;
	case FIELD_LOCK_END:
		set_lock_end(event, number);
		return;
	default:
		return;
	}
}

static void set_reply_size(struct ft_event *event, uint64_t size)
{
	event->reply_size = size;
	event->probe_size = size;
	event->present |= FT_HAS(REPLY_SIZE);
}

static void set_reply_number(struct ft_mergerfs_record *record, enum field field, uint64_t number)
{
	struct ft_event *event = &record->event;

	record->has_fields |= field != FIELD_ERROR && field != FIELD_LEN;
	switch (field) {
	case FIELD_ERROR:
		event->error = (int32_t)number;
		record->has_error = true;
		return;
	case FIELD_NODEID:
		event->entry = number;
		event->present |= FT_HAS(ENTRY);
		return;
	case FIELD_FH:
		event->fh = number;
		event->present |= FT_HAS(FH);
		return;
	case FIELD_ATTRIBUTES:
		record->has_attributes = true;
		return;
	case FIELD_SIZE:
		if (record->has_attributes || record->is_tail)
			return;
		set_reply_size(event, number);
		return;
	case FIELD_DATA_SIZE:
		set_reply_size(event, number);
		return;
	default:
		return;
	}
}

static bool is_next_record(const struct ft_scan *scan)
{
	return ft_scan_left(scan) > 3 && memcmp(scan->at, "ts=", 3) == 0;
}

/* The next record may follow without a blank. */
static void skip_value(struct ft_scan *scan)
{
	while (!ft_scan_is_end(scan) && *scan->at != ' ' && *scan->at != '\n' && *scan->at != '"' &&
	       !(*scan->at == 't' && is_next_record(scan)))
		scan->at++;
}

/* 5, -2, 0x1F or 755, as its key says; errors are negative. */
static bool take_number(struct ft_scan *scan, const struct key *key, uint64_t *ret_number)
{
	uint32_t octal;

	if (ft_scan_literal(scan, "0x"))
		return ft_scan_hex(scan, ret_number);
	if (key->is_octal) {
		if (!ft_scan_octal(scan, &octal))
			return false;
		*ret_number = octal;
		return true;
	}
	if (key->field == FIELD_ERROR)
		ft_scan_char(scan, '-');
	return ft_scan_u64(scan, ret_number) && (key->field != FIELD_ERROR || *ret_number <= 4095);
}

static bool take_plain(struct ft_scan *scan, const struct key *key,
		       struct ft_mergerfs_record *record)
{
	uint64_t number;

	if (key->field == FIELD_NONE) {
		skip_value(scan);
		record->has_fields = true;
		return true;
	}
	if (!take_number(scan, key, &number))
		return false;
	if (record->is_reply)
		set_reply_number(record, key->field, number);
	else
		set_request_number(record, key->field, number);
	return true;
}

/* ---- text ---- */

static void set_text(struct ft_mergerfs_record *record, enum field field, struct ft_bytes text)
{
	struct ft_event *event = &record->event;

	record->has_fields |= record->is_reply;
	if (record->is_reply) {
		if (field == FIELD_LINKNAME)
			set_reply_size(event, text.length);
		return;
	}
	if (text.length == 0) /* SETXATTR in 2.42 prints another place of the request */
		return;
	if (field == FIELD_NEWNAME)
		event->name2 = text;
	else if (field == FIELD_LINKNAME)
		event->target = text;
	else if (field == FIELD_NAME && ft_opcode_get(event->opcode)->behaviour & FT_OPCODE_XATTR)
		event->xattr = text;
	else if (field == FIELD_NAME && event->opcode != FT_OPCODE_OF_BEGIN)
		event->name = text;
}

static int take_quoted(struct ft_scan *scan, char *decoded, enum field field,
		       struct ft_mergerfs_record *record)
{
	struct ft_bytes text;

	if (!ft_scan_quoted(scan, decoded, &text))
		return FT_MERGERFS_OPEN;
	/* quotes inside are escaped: what stands behind this one is no name's */
	if (!ft_scan_is_end(scan) && *scan->at != ' ' && *scan->at != '\n')
		return FT_MERGERFS_BROKEN;
	record->has_quotes = true;
	set_text(record, field, text);
	return FT_MERGERFS_OK;
}

/* ---- fields ---- */

static bool take_key(struct ft_scan *scan, const struct key **ret_key)
{
	const char *at = scan->at;
	struct ft_bytes name;

	while (at < scan->end && (ft_is_word_char(*at) || *at == '.'))
		at++;
	name = (struct ft_bytes){scan->at, (size_t)(at - scan->at)};
	if (name.length == 0 || at == scan->end || *at != '=')
		return false;
	scan->at = at + 1;
	*ret_key = find_key(name);
	return true;
}

int ft_mergerfs_fields(struct ft_scan *scan, char *decoded, struct ft_mergerfs_record *record)
{
	const char *begin = scan->at;

	for (;;) {
		const struct key *key;
		int r;

		ft_scan_chars(scan, ' ');
		if (ft_scan_is_end(scan) || *scan->at == '\n' || is_next_record(scan))
			return FT_MERGERFS_OK;
		if (!take_key(scan, &key))
			return FT_MERGERFS_BROKEN;
		if (!ft_scan_is_end(scan) && *scan->at == '"') {
			r = take_quoted(scan, decoded + (scan->at - begin), key->field, record);
			if (r != FT_MERGERFS_OK)
				return r;
			continue;
		}
		if (!take_plain(scan, key, record))
			return FT_MERGERFS_BROKEN;
		if (!ft_scan_is_end(scan) && *scan->at != ' ' && *scan->at != '\n' &&
		    !is_next_record(scan))
			return FT_MERGERFS_BROKEN;
	}
}
