/* SPDX-License-Identifier: MIT */
/*
 * What bazil.org/fuse and its relatives print through fuse.Debug, mostly behind a prefix:
 *
 *	<- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=23571] "d"
 *	-> [ID=0x8] Lookup error=ENOENT
 *
 * Here are the headers, the errors and what must be remembered of a request for its reply; the rest
 * of both is in bazil_args.c. Names are quoted, but applications print the same names unquoted
 * beside the library's lines, and such a name may hold a record; it cannot without standing quoted
 * in a request before. From then on, all operations are suspect.
 */
#include "bazil.h"

#include "base/errno_text.h"
#include "base/parse.h"
#include "formats.h"
#include "op/opcode.h"

/* Requests that are remembered, by their number, which grows by two. */
#define REQUESTS 256
/* Handles are small numbers that are used again. */
#define HANDLES 4096
/* Opcodes that the library does not know and whose requests have not been printed yet. */
#define UNKNOWN_MAX 16
/* INIT is not printed; behind it, a mount begins with one of these ... */
#define FIRST_UNIQUE_MAX 4
/* ... which no thread prints that much later. */
#define LATE_UNIQUES 64

struct request {
	uint64_t unique; /* 0: none */
	uint32_t opcode;
};

struct bazil {
	struct request requests[REQUESTS];
	uint64_t last_unique;
	uint32_t unknown[UNKNOWN_MAX];
	uint32_t unknown_count;
	bool has_record_in_name;
	uint8_t is_directory[HANDLES / 8];
};

static struct request *slot_of(struct bazil *state, uint64_t unique)
{
	return &state->requests[(unique >> 1) % REQUESTS];
}

/* ---- directories: told of an Open, but not of a Release or Fsync ---- */

static void note_handle(struct bazil *state, uint64_t handle, bool is_directory)
{
	uint8_t bit = (uint8_t)(1u << handle % 8);

	if (handle >= HANDLES)
		return;
	if (is_directory)
		state->is_directory[handle / 8] |= bit;
	else
		state->is_directory[handle / 8] &= (uint8_t)~bit;
}

static bool is_directory(const struct bazil *state, const struct ft_event *event)
{
	return (event->present & FT_HAS(FH)) && event->fh < HANDLES &&
	       (state->is_directory[event->fh / 8] & 1u << event->fh % 8);
}

static void use_handle(struct bazil *state, struct ft_event *event)
{
	if (event->opcode == FT_BAZIL_RELEASE && is_directory(state, event))
		event->opcode = FT_BAZIL_RELEASEDIR;
	else if (event->opcode == FT_BAZIL_FSYNC && is_directory(state, event))
		event->opcode = FT_BAZIL_FSYNCDIR;
}

/* ---- requests ---- */

/* "ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=23571" */
static bool take_header(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, "ID=0x") || !ft_scan_hex(scan, &event->unique) ||
	    !ft_scan_literal(scan, " Node=0x") || !ft_scan_hex(scan, &event->nodeid) ||
	    !ft_scan_literal(scan, " Uid=") || !ft_scan_u32(scan, &event->uid) ||
	    !ft_scan_literal(scan, " Gid=") || !ft_scan_u32(scan, &event->gid) ||
	    !ft_scan_literal(scan, " Pid=") || !ft_scan_u32(scan, &event->pid))
		return false;
	event->key = event->unique;
	event->present = FT_HAS(UNIQUE) | FT_HAS(NODEID) | FT_HAS(UID) | FT_HAS(GID) | FT_HAS(PID);
	return true;
}

/* What every header holds, and so every record. */
static bool holds_record(struct ft_bytes name)
{
	return name.length && memmem(name.data, name.length, "ID=0x", 5);
}

static void note_names(struct bazil *state, const struct ft_event *event)
{
	state->has_record_in_name |= holds_record(event->name) || holds_record(event->name2) ||
				     holds_record(event->target) || holds_record(event->xattr);
}

/* The marks of a record that stands in this line. */
static uint32_t marks_of(const struct bazil *state)
{
	return state->has_record_in_name ? FUSETRACE_OP_SUSPECT : 0;
}

static void note_mount(struct bazil *state, const struct ft_line *line, uint64_t unique,
		       struct ft_sink *sink)
{
	if (line->is_suspect || state->has_record_in_name)
		return;
	if (unique <= FIRST_UNIQUE_MAX && state->last_unique > LATE_UNIQUES) {
		*state = (struct bazil){.last_unique = 0};
		ft_sink_restart(sink);
	}
	if (unique > state->last_unique)
		state->last_unique = unique;
}

static void begin(struct bazil *state, const struct ft_line *line, struct ft_event *event,
		  struct ft_sink *sink)
{
	note_mount(state, line, event->unique, sink);
	use_handle(state, event);
	event->marks |= marks_of(state);
	*slot_of(state, event->unique) = (struct request){event->unique, event->opcode};
	ft_sink_begin(sink, line, event);
	note_names(state, event);
}

/* "No opcode 43", of the request that is printed next, as a header without brackets. */
static int take_no_opcode(struct bazil *state, struct ft_scan *scan)
{
	uint32_t opcode;

	if (!ft_scan_u32(scan, &opcode) || !ft_scan_is_end(scan))
		return FT_LINE_OTHER;
	if (state->unknown_count < UNKNOWN_MAX)
		state->unknown[state->unknown_count++] = opcode;
	return FT_LINE_TAKEN;
}

static int take_unknown(struct bazil *state, const struct ft_line *line, struct ft_scan *scan,
			struct ft_sink *sink)
{
	struct ft_event event = {.opcode = 0};

	if (!take_header(scan, &event) || !ft_scan_is_end(scan))
		return FT_LINE_OTHER;
	if (state->unknown_count == 0) /* the log begins here: nothing tells what it is */
		return FT_LINE_TAKEN;
	event.opcode = state->unknown[0];
	state->unknown_count--;
	memmove(state->unknown, state->unknown + 1, state->unknown_count * sizeof(uint32_t));
	begin(state, line, &event, sink);
	return FT_LINE_TAKEN;
}

/* "Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=23571] "d"" */
static int take_request(struct bazil *state, const struct ft_line *line, struct ft_scan *scan,
			struct ft_sink *sink)
{
	struct ft_event event = {.opcode = 0};
	const struct ft_bazil_op *op;
	struct ft_bytes word;

	if (ft_scan_left(scan) > 3 && memcmp(scan->at, "ID=", 3) == 0)
		return take_unknown(state, line, scan, sink);
	if (!ft_scan_word(scan, &word) || !ft_scan_literal(scan, " ["))
		return FT_LINE_OTHER;
	op = ft_bazil_op_find(word);
	if (!op || !take_header(scan, &event) || !ft_scan_char(scan, ']'))
		return FT_LINE_OTHER;
	event.opcode = op->opcode;
	op->take(scan, line, &event);
	begin(state, line, &event, sink);
	return FT_LINE_TAKEN;
}

/* ---- replies ---- */

/* "errno 524", of which Go has no text either. */
static int take_number(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	uint32_t number;

	return ft_scan_literal(&scan, "errno ") && ft_scan_u32(&scan, &number) && number <= 4095
		       ? (int)number
		       : 0;
}

/*
 * "ENOENT", "EIO: function not implemented", which is what was sent and what the program had said, or
 * "directory not empty", for errors that the library has no name of.
 */
static void take_error(struct ft_bytes text, struct ft_event *event)
{
	const char *colon = memchr(text.data, ':', text.length);
	size_t length = colon ? (size_t)(colon - text.data) : text.length;
	char name[24];
	int error = 0;

	if (length < sizeof(name) && text.data[0] == 'E') {
		memcpy(name, text.data, length);
		name[length] = '\0';
		if (ft_parse_errno(name, &error) < 0)
			error = 0;
	}
	if (!error)
		error = ft_errno_of_text(text);
	if (!error)
		error = take_number(text);
	event->error = error;
	if (!error)
		event->ending = FT_ENDING_UNKNOWN;
}

static void take_result(struct ft_scan *scan, const struct ft_line *line,
			const struct ft_bazil_op *op, struct ft_event *event)
{
	if (ft_scan_literal(scan, " error=") && !ft_scan_is_end(scan))
		take_error(ft_scan_rest(scan), event);
	else if (op)
		ft_bazil_reply(scan, line, op, event);
}

/* "0x8] Lookup error=ENOENT" */
static int take_reply(struct bazil *state, const struct ft_line *line, struct ft_scan *scan,
		      struct ft_sink *sink)
{
	struct ft_event event = {.present = FT_HAS(UNIQUE), .opcode = FT_OPCODE_OF_BEGIN};
	const struct ft_bazil_op *op;
	const struct request *request;
	struct ft_bytes word;

	if (!ft_scan_hex(scan, &event.unique) || !ft_scan_literal(scan, "] ") ||
	    !ft_scan_word(scan, &word) || (!ft_scan_is_end(scan) && *scan->at != ' '))
		return FT_LINE_OTHER;
	op = ft_bazil_op_find(word);
	if (!op && !ft_bytes_equal(word, FT_BYTES_LITERAL("Header")))
		return FT_LINE_OTHER;
	take_result(scan, line, op, &event);
	request = slot_of(state, event.unique);
	if (request->unique != event.unique && op && op->is_certain)
		event.opcode = op->opcode;
	if (request->unique == event.unique && op && op->opcode == FT_BAZIL_OPEN &&
	    (event.present & FT_HAS(FH)))
		note_handle(state, event.fh, request->opcode == FT_BAZIL_OPENDIR);
	else if (op && op->opcode == 35 && (event.present & FT_HAS(FH))) /* CREATE */
		note_handle(state, event.fh, false);
	event.key = event.unique;
	event.marks = marks_of(state);
	ft_sink_end(sink, line, &event);
	return FT_LINE_TAKEN;
}

/* "=> InvalidateEntry 0x2 "a.txt"": told to the kernel, not asked by it. */
static int take_notification(struct ft_scan *scan)
{
	struct ft_bytes word;

	return ft_scan_word(scan, &word) && ft_scan_literal(scan, " 0x") ? FT_LINE_TAKEN
									 : FT_LINE_OTHER;
}

/* ---- the format ---- */

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);

	if (ft_scan_is_end(&scan))
		return FT_LINE_OTHER;
	switch (*scan.at) {
	case '<':
		if (ft_scan_literal(&scan, "<- "))
			return take_request(data, line, &scan, sink);
		break;
	case '-':
		if (ft_scan_literal(&scan, "-> [ID=0x"))
			return take_reply(data, line, &scan, sink);
		break;
	case '=':
		if (ft_scan_literal(&scan, "=> "))
			return take_notification(&scan);
		break;
	case 'N':
		if (ft_scan_literal(&scan, "No opcode "))
			return take_no_opcode(data, &scan);
		break;
	default:
		break;
	}
	return FT_LINE_OTHER;
}

static const char *const begins[] = {"<- ", "-> [ID=0x", "=> ", "No opcode ", NULL};

const struct ft_format ft_format_bazil = {
	.name = "bazil",
	.title = "bazil.org/fuse and its relatives",
	.used_by = "rclone mount, restic mount and others on bazil.org/fuse or anacrolix/fuse",
	.how = "fuse.Debug; rclone -vv --debug-fuse, restic with DEBUG_LOG=file",
	.note = "behind a name that holds a record of this format, all operations are suspect; "
		"rclone's own lines print names unquoted but in --use-json-log",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID |
		 FUSETRACE_GIVES_UNIQUE,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct bazil),
	.take = take,
};
