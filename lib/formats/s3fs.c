/* SPDX-License-Identifier: MIT */
/*
 * What s3fs prints when an operation begins, behind the time and a level:
 *
 *	s3fs.cpp:s3fs_create(964): [path=/d/a.txt][mode=100644][flags=0x8241]
 *	s3fs.cpp:s3fs_rename(1570): [from=/d/a.txt][to=/d/b.txt]
 *
 * Ends are never printed. Paths stand there as they are: one ends where nothing but the fields that
 * the operation has follows, and goes on in the next line if there is no such place.
 */
#include <errno.h>

#include "formats.h"
#include "joined.h"

/* PATH_MAX and the fields: more is no record that goes on, but one that was torn. */
#define BROKEN_MAX 4400

enum {
	MODE = 1 << 0,
	FLAGS = 1 << 1,
	SIZE = 1 << 2,
	OFFSET = 1 << 3,
	FD = 1 << 4,
	UID = 1 << 5,
	GID = 1 << 6,
	TIMES = 1 << 7,
	MASK = 1 << 8,
	DEVICE = 1 << 9,
	XATTR = 1 << 10,
};

/* FATTR_ bits of linux/fuse.h. */
#define VALID_MODE 1u
#define VALID_UID_GID 6u
#define VALID_SIZE 8u
#define VALID_TIMES 48u

struct s3fs {
	uint64_t last_key;
	struct ft_joined broken; /* a record whose path goes on in the next line */
	struct ft_time broken_time;
};

static const struct operation {
	const char *name;
	uint32_t opcode;
	uint32_t fields; /* that follow the path */
	uint32_t valid;
} operations[] = {
	{"access", 34, MASK, 0},
	{"chmod", 4, MODE, VALID_MODE},
	{"chmod_nocopy", 4, MODE, VALID_MODE},
	{"chown", 4, UID | GID, VALID_UID_GID},
	{"chown_nocopy", 4, UID | GID, VALID_UID_GID},
	{"create", 35, MODE | FLAGS, 0},
	{"flush", 25, FD, 0},
	{"fsync", 20, FD, 0},
	{"getattr", 3, 0, 0},
	{"getxattr", 22, XATTR | SIZE, 0},
	{"link", 13, 0, 0},
	{"listxattr", 23, SIZE, 0},
	{"mkdir", 9, MODE, 0},
	{"mknod", 8, MODE | DEVICE, 0},
	{"open", 14, FLAGS, 0},
	{"opendir", 27, FLAGS, 0},
	{"read", 15, SIZE | OFFSET | FD, 0},
	{"readdir", 28, 0, 0},
	{"readlink", 5, 0, 0},
	{"release", 18, FD, 0},
	{"removexattr", 24, XATTR, 0},
	{"rename", 12, 0, 0},
	{"rmdir", 11, 0, 0},
	{"setxattr", 21, XATTR | SIZE | FLAGS, 0},
	{"statfs", 17, 0, 0},
	{"symlink", 6, 0, 0},
	{"truncate", 4, SIZE, VALID_SIZE},
	{"unlink", 10, 0, 0},
	{"utimens", 4, TIMES, VALID_TIMES},
	{"utimens_nocopy", 4, TIMES, VALID_TIMES},
	{"write", 16, SIZE | OFFSET | FD, 0},
};

static const struct operation *find_operation(struct ft_bytes word)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(operations[i].name)))
			return &operations[i];
	}
	return NULL;
}

/* ---- fields ---- */

static const struct field {
	const char *key; /* with the bracket before it and the sign behind it */
	uint32_t bit;
} fields[] = {
	{"[mode=", MODE},
	{"[flags=0x", FLAGS},
	{"[flags=", FLAGS},
	{"[size=", SIZE},
	{"[offset=", OFFSET},
	{"[pseudo_fd=", FD},
	{"[fd=", FD},
	{"[uid=", UID},
	{"[gid=", GID},
	{"[mtime=", TIMES},
	{"[ctime/atime=", TIMES << 16}, /* in pairs */
	{"[atime=", TIMES << 16},
	{"[mask=", MASK},
	{"[dev=", DEVICE},
	{"[name=", XATTR},
};

static void set_flags(struct ft_event *event, struct ft_scan value, bool is_hex)
{
	uint64_t flags;

	if (is_hex ? !ft_scan_hex(&value, &flags) : !ft_scan_u64(&value, &flags))
		return;
	event->flags = (uint32_t)flags;
	event->present |= FT_HAS(FLAGS);
}

/* "R_OK W_OK X_OK " */
static void set_mask(struct ft_event *event, struct ft_bytes value)
{
	static const char letters[] = "XWR";

	for (uint32_t i = 0; i < 3; i++) {
		if (memchr(value.data, letters[i], value.length))
			event->mode |= 1u << i;
	}
	event->present |= FT_HAS(MODE);
}

static void set_field(struct ft_event *event, const struct field *field, struct ft_bytes value)
{
	struct ft_scan scan = ft_scan_of(value);

	switch (field->bit) {
	case MODE:
		event->present |= ft_scan_octal(&scan, &event->mode) ? FT_HAS(MODE) : 0;
		break;
	case FLAGS:
		set_flags(event, scan, strchr(field->key, 'x'));
		break;
	case SIZE:
		event->present |= ft_scan_u64(&scan, &event->size) ? FT_HAS(SIZE) : 0;
		break;
	case OFFSET:
		event->present |= ft_scan_u64(&scan, &event->offset) ? FT_HAS(OFFSET) : 0;
		break;
	case FD:
		event->present |= ft_scan_u64(&scan, &event->fh) ? FT_HAS(FH) : 0;
		break;
	case MASK:
		set_mask(event, value);
		break;
	case XATTR:
		event->xattr = value;
		break;
	default:
		break;
	}
}

/* Takes "[size=5][offset=0]" up to the end, if these are fields of the operation, each once. */
static bool take_fields(struct ft_scan scan, const struct operation *operation,
			struct ft_event *event)
{
	uint32_t left = operation->fields | (operation->fields & TIMES) << 16;

	while (!ft_scan_is_end(&scan)) {
		const struct field *field = NULL;
		struct ft_bytes value;

		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !field; i++) {
			if (ft_scan_left(&scan) > 1 && scan.at[1] == fields[i].key[1] &&
			    ft_scan_bytes(&scan, fields[i].key, strlen(fields[i].key)))
				field = &fields[i];
		}
		if (!field || !(left & field->bit) || !ft_scan_until(&scan, ']', &value))
			return false;
		left &= ~field->bit;
		set_field(event, field, value);
	}
	return true;
}

/* PATH][size=5][offset=0] */
static bool take_path(struct ft_bytes text, const struct operation *operation,
		      struct ft_event *event)
{
	const char *end = text.data + text.length;
	const char *at = text.data;

	for (; (at = memchr(at, ']', (size_t)(end - at))); at++) {
		struct ft_event whole = *event;

		if (!take_fields((struct ft_scan){at + 1, end}, operation, &whole))
			continue;
		*event = whole;
		event->path = (struct ft_bytes){text.data, (size_t)(at - text.data)};
		return true;
	}
	return false;
}

/* FROM][to=TO] */
static bool take_two(struct ft_bytes text, struct ft_event *event)
{
	static const char sign[] = "][to=";
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes from, to;

	if (text.length == 0 || text.data[text.length - 1] != ']' ||
	    !ft_scan_past(&scan, sign, sizeof(sign) - 1, &from))
		return false;
	to = ft_scan_rest(&scan);
	to.length--;
	if (memmem(to.data, to.length, sign, sizeof(sign) - 1))
		event->marks |= FUSETRACE_OP_SUSPECT; /* which of them is it? */
	if (event->opcode == 6) {
		event->target = from;
		event->path = to;
	} else {
		event->path = from;
		event->path2 = to;
	}
	return true;
}

/* ---- lines ---- */

static int keep_broken(struct s3fs *state, struct ft_bytes text, const struct ft_line *line,
		       const struct ft_sink *sink)
{
	/* Maybe torn by a record of libfuse, which goes to another stream. */
	if (ft_sink_has_requests(sink))
		return FT_LINE_OTHER;
	if (text.length + 2 > BROKEN_MAX)
		return FT_LINE_TAKEN;
	if (text.data != state->broken.bytes)
		state->broken_time = line->time;
	return ft_joined_keep(&state->broken, text, line->has_cr);
}

/* A path that holds a record, or a record that was torn and another one behind it? */
static bool holds_record(struct ft_bytes path)
{
	static const char sign[] = "s3fs.cpp:s3fs_";

	return path.data && memmem(path.data, path.length, sign, sizeof(sign) - 1);
}

static int take_text(struct s3fs *state, struct ft_bytes text, const struct ft_line *line,
		     struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct operation *operation;
	struct ft_event event = {.present = 0};
	struct ft_bytes word, number;
	bool is_complete;

	if (!ft_scan_literal(&scan, "s3fs.cpp:s3fs_") || !ft_scan_word(&scan, &word) ||
	    !ft_scan_char(&scan, '(') || !ft_scan_until(&scan, ')', &number) ||
	    !ft_scan_literal(&scan, ": "))
		return FT_LINE_OTHER;
	operation = find_operation(word);
	if (!operation)
		return FT_LINE_TAKEN;
	event.opcode = operation->opcode;
	if (ft_scan_literal(&scan, "[path="))
		is_complete = take_path(ft_scan_rest(&scan), operation, &event);
	else if (ft_scan_literal(&scan, "[from="))
		is_complete = take_two(ft_scan_rest(&scan), &event);
	else
		return FT_LINE_TAKEN; /* what else it says */
	if (!is_complete) /* "[path=/] uid=0, gid=0, mode=40700": a second line of getattr */
		return memmem(text.data, text.length, "] uid=", 6)
			       ? FT_LINE_TAKEN
			       : keep_broken(state, text, line, sink);
	if (text.data == state->broken.bytes && holds_record(event.path))
		event.marks |= FUSETRACE_OP_SUSPECT;
	if (operation->valid) {
		event.valid = operation->valid;
		event.present |= FT_HAS(VALID);
	}
	event.key = ++state->last_key;
	ft_sink_begin(sink, line, &event);
	event = (struct ft_event){
		.key = state->last_key,
		.opcode = FT_OPCODE_OF_BEGIN,
		.ending = FT_ENDING_UNKNOWN,
	};
	ft_sink_end(sink, line, &event);
	return FT_LINE_TAKEN;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct s3fs *state = data;
	struct ft_line first = *line;
	struct ft_bytes whole;

	if (!state->broken.size)
		return take_text(state, line->text, line, sink);
	if (state->broken.size + line->text.length > BROKEN_MAX) {
		state->broken.size = 0;
		return FT_LINE_OTHER;
	}
	whole = ft_joined_with(&state->broken, line->text);
	if (!whole.data)
		return -ENOMEM;
	first.time = state->broken_time;
	return take_text(state, whole, &first, sink);
}

static void gap(void *data)
{
	struct s3fs *state = data;

	state->broken.size = 0;
}

static void done(void *data)
{
	struct s3fs *state = data;

	ft_joined_done(&state->broken);
}

static const char *const begins[] = {"s3fs.cpp:s3fs_", NULL};

const struct ft_format ft_format_s3fs = {
	.name = "s3fs",
	.title = "s3fs 1.90",
	.used_by = "s3fs",
	.how = "s3fs -f -o dbglevel=info, or debug for read and write",
	.note = "begins only; with -d -d, libfuse's text tells all",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct s3fs),
	.take = take,
	.gap = gap,
	.done = done,
};
