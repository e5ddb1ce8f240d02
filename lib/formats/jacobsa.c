/* SPDX-License-Identifier: MIT */
/*
 * What jacobsa/fuse prints with MountConfig.DebugLogger and ErrorLogger, which gcsfuse uses:
 *
 *	fuse_debug: 2026/11/22 09:10:20.324815 Op 0x00000006        connection.go:426] <- LookUpInode (parent 1, name "d", PID 17064)
 *	fuse_debug: 2026/11/22 09:10:20.324939 Op 0x00000006        connection.go:521] -> Error: "no such file or directory"
 *	fuse: 2026/11/22 09:10:20.363728 Op 0x0000001c *fuseops.ReleaseFileHandleOp] -> Error: "function not implemented"
 *
 * Depending on the version an unexpected error is told by the last line alone or as well. Names are
 * quoted by Go's %q, those of extended attributes a second time without quotes, at the end of a line:
 * behind one that holds a record, all operations are suspect.
 */
#include "base/errno_text.h"
#include "base/scan.h"
#include "formats.h"
#include "go_mode.h"
#include "op/opcode.h"

#include <errno.h>

/* Requests that are remembered, by their number, which grows by two. */
#define REQUESTS 256

enum {
	INIT = 26,
	FALLOCATE = 43,
};

struct jacobsa {
	uint64_t requests[REQUESTS];
	bool has_record_in_name;
};

/* ---- operations ---- */

struct op {
	const char *name;
	uint32_t opcode;
	bool is_ambiguous; /* another opcode has that name, too */
};

static const struct op ops[] = {
	{"BatchForget", 42, false},
	{"CreateFile", 35, false},
	{"CreateLink", 13, false},
	{"CreateSymlink", 6, false},
	{"Fallocate", FALLOCATE, false},
	{"FlushFile", 25, false},
	{"ForgetInode", 2, false},
	{"GetInodeAttributes", 3, false},
	{"GetXattr", 22, false},
	{"ListXattr", 23, false},
	{"LookUpInode", 1, false},
	{"MkDir", 9, false},
	{"MkNode", 8, false},
	{"OpenDir", 27, false},
	{"OpenFile", 14, false},
	{"ReadDir", 28, false},
	{"ReadDirPlus", 44, false},
	{"ReadFile", 15, false},
	{"ReadSymlink", 5, false},
	{"ReleaseDirHandle", 29, false},
	{"ReleaseFileHandle", 18, false},
	{"RemoveXattr", 24, false},
	{"Rename", 12, false},
	{"RmDir", 11, false},
	{"SetInodeAttributes", 4, false},
	{"SetXattr", 21, false},
	{"StatFS", 17, false},
	{"SyncFS", 50, false},
	{"SyncFile", 20, true}, /* FSYNC or FSYNCDIR: the library does not tell them apart */
	{"Unlink", 10, false},
	{"WriteFile", 16, false},
	{"init", INIT, false},
	{"interrupt", 36, false},
	{"unknown", 0, true}, /* the opcode stands behind it */
};

static const struct op *find_op(struct ft_bytes name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].name[0] == name.data[0] &&
		    ft_bytes_equal(name, ft_bytes_of(ops[i].name)))
			return &ops[i];
	}
	return NULL;
}

/* ---- what stands in the parentheses of a request ---- */

static bool take_quoted(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event,
			struct ft_bytes *ret_bytes)
{
	/* nothing decoded is longer than what it was decoded from */
	if (ft_scan_quoted(scan, line->scratch + (scan->at - line->text.data), ret_bytes))
		return true;
	event->marks |= FUSETRACE_OP_TRUNCATED; /* the line was torn */
	return false;
}

static void take_number(struct ft_scan *scan, uint64_t *field, uint32_t has, struct ft_event *event)
{
	if (ft_scan_u64(scan, field))
		event->present |= has;
}

static void take_name(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	uint32_t behaviour = ft_opcode_get(event->opcode)->behaviour;

	take_quoted(scan, line, event, behaviour & FT_OPCODE_XATTR ? &event->xattr : &event->name);
}

/* "mode -rw-------" of attributes, "mode 0" of Fallocate */
static void take_mode(struct ft_scan *scan, struct ft_event *event)
{
	bool is_known = event->opcode == FALLOCATE ? ft_scan_u32(scan, &event->mode)
						   : ft_scan_go_mode(scan, &event->mode);

	if (is_known)
		event->present |= FT_HAS(MODE);
}

/* "4096 bytes" is the only part that begins with a number. */
static void take_bytes(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t size;

	if (!ft_scan_u64(scan, &size) || !ft_scan_literal(scan, " bytes"))
		return;
	event->size = size;
	event->present |= FT_HAS(SIZE);
}

/* What is named by the word that was taken; false: what follows must not be read. */
static bool take_part(struct ft_scan *scan, struct ft_bytes word, const struct ft_line *line,
		      struct ft_event *event)
{
	uint64_t number;

	if (ft_bytes_equal(word, FT_BYTES_LITERAL("inode")) ||
	    ft_bytes_equal(word, FT_BYTES_LITERAL("parent")) ||
	    ft_bytes_equal(word, FT_BYTES_LITERAL("old_parent"))) {
		take_number(scan, &event->nodeid, FT_HAS(NODEID), event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("name"))) {
		if (ft_scan_is_end(scan) || *scan->at != '"' || event->xattr.data)
			return false; /* without quotes, the second time */
		take_name(scan, line, event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("PID"))) {
		if (ft_scan_u32(scan, &event->pid))
			event->present |= FT_HAS(PID);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("handle"))) {
		take_number(scan, &event->fh, FT_HAS(FH), event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("offset"))) {
		take_number(scan, &event->offset, FT_HAS(OFFSET), event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("size")) ||
		   ft_bytes_equal(word, FT_BYTES_LITERAL("length"))) {
		take_number(scan, &event->size, FT_HAS(SIZE), event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("mode"))) {
		take_mode(scan, event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("new_parent"))) {
		take_number(scan, &event->nodeid2, FT_HAS(NODEID2), event);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("old_name"))) {
		take_quoted(scan, line, event, &event->name);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("new_name"))) {
		take_quoted(scan, line, event, &event->name2);
	} else if (ft_bytes_equal(word, FT_BYTES_LITERAL("opcode"))) {
		if (ft_scan_u64(scan, &number) && number < FT_OPCODE_OF_BEGIN)
			event->opcode = (uint32_t)number;
	}
	return true;
}

/* "(inode 3, PID 7, handle 0, offset 0, 5 bytes)" */
static void take_parts(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	struct ft_bytes word, ignored;

	do {
		if (ft_scan_is_end(scan))
			return;
		if (*scan->at >= '0' && *scan->at <= '9')
			take_bytes(scan, event);
		else if (!ft_scan_word(scan, &word) || !ft_scan_char(scan, ' '))
			break;
		else if (!take_part(scan, word, line, event))
			return;
		if (event->marks & FUSETRACE_OP_TRUNCATED) /* inside a name */
			return;
	} while (ft_scan_past(scan, ", ", 2, &ignored));
	if (ft_scan_is_end(scan) || scan->end[-1] != ')')
		event->marks |= FUSETRACE_OP_TRUNCATED; /* the line was torn */
}

/* ---- requests ---- */

static uint32_t marks_of(const struct jacobsa *state)
{
	return state->has_record_in_name ? FUSETRACE_OP_SUSPECT : 0;
}

static int take_request(struct jacobsa *state, const struct ft_line *line, struct ft_scan *scan,
			struct ft_event *event, struct ft_sink *sink)
{
	struct ft_bytes word;
	const struct op *op;

	if (!ft_scan_word(scan, &word))
		return FT_LINE_OTHER;
	op = find_op(word);
	if (!op || (!ft_scan_is_end(scan) && !ft_scan_literal(scan, " (")))
		return FT_LINE_OTHER;
	event->opcode = op->opcode;
	take_parts(scan, line, event);
	if (event->opcode == 0) /* the line was torn before it was told */
		return FT_LINE_TAKEN;
	if (event->opcode == INIT && !line->is_suspect && !state->has_record_in_name)
		ft_sink_restart(sink);
	if (event->xattr.length && memmem(event->xattr.data, event->xattr.length, "Op 0x", 5))
		state->has_record_in_name = true;
	event->marks |= marks_of(state);
	state->requests[(event->unique >> 1) % REQUESTS] = event->unique;
	ft_sink_begin(sink, line, event);
	return FT_LINE_TAKEN;
}

/* ---- replies ---- */

/* What is no errno of Go's is sent as EIO. */
static int errno_of(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	int error = ft_errno_of_text(text);
	uint32_t number;

	if (error)
		return error;
	if (ft_scan_literal(&scan, "errno ") && ft_scan_u32(&scan, &number) && number <= 4095)
		return (int)number;
	return EIO;
}

/* "Error: "no such file or directory"" */
static bool take_error(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	struct ft_bytes text;

	if (!ft_scan_literal(scan, "Error: "))
		return false;
	if (ft_scan_quoted(scan, line->scratch, &text))
		event->error = errno_of(text);
	else
		event->ending = FT_ENDING_UNKNOWN; /* the line was torn */
	return true;
}

/* "LookUpInode (inode 2)", before 2024-06 "OK (inode 2)" */
static bool take_success(struct ft_scan *scan, struct ft_event *event, const struct op **ret_op)
{
	struct ft_bytes word;

	if (!ft_scan_word(scan, &word))
		return false;
	*ret_op = find_op(word);
	if ((!*ret_op && !ft_bytes_equal(word, FT_BYTES_LITERAL("OK"))) ||
	    !ft_scan_literal(scan, " ("))
		return false;
	if (ft_scan_literal(scan, "inode "))
		take_number(scan, &event->entry, FT_HAS(ENTRY), event);
	else if (ft_scan_literal(scan, "handle "))
		take_number(scan, &event->fh, FT_HAS(FH), event);
	return true;
}

/* op: the one that the error logger names, or NULL */
static int take_reply(struct jacobsa *state, const struct ft_line *line, struct ft_scan *scan,
		      const struct op *op, struct ft_event *event, struct ft_sink *sink)
{
	if (!take_error(scan, line, event) && (op || !take_success(scan, event, &op)))
		return FT_LINE_OTHER;
	event->opcode = FT_OPCODE_OF_BEGIN;
	if (state->requests[(event->unique >> 1) % REQUESTS] != event->unique && op &&
	    !op->is_ambiguous)
		event->opcode = op->opcode; /* the log began behind the request */
	event->marks = marks_of(state);
	ft_sink_end(sink, line, event);
	return FT_LINE_TAKEN;
}

/* ---- the format ---- */

/* "connection.go:426] " or "*fuseops.RmDirOp] ", of which *ret_op is told */
static bool take_place(struct ft_scan *scan, const struct op **ret_op)
{
	struct ft_bytes word;

	*ret_op = NULL;
	if (ft_scan_literal(scan, "*fuseops.")) {
		if (!ft_scan_word(scan, &word) || word.length < 3)
			return false;
		*ret_op = find_op((struct ft_bytes){word.data, word.length - 2});
		return *ret_op && ft_scan_literal(scan, "] ");
	}
	return ft_scan_word(scan, &word) && ft_scan_literal(scan, ".go:") &&
	       ft_scan_word(scan, &word) && ft_scan_literal(scan, "] ");
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event event = {.present = FT_HAS(UNIQUE)};
	struct ft_scan scan = ft_scan_of(line->text);
	const struct op *op;

	if (!ft_scan_literal(&scan, "Op 0x") || !ft_scan_hex(&scan, &event.unique) ||
	    !ft_scan_chars(&scan, ' ') || !take_place(&scan, &op))
		return FT_LINE_OTHER;
	event.key = event.unique;
	if (!op && ft_scan_literal(&scan, "<- "))
		return take_request(data, line, &scan, &event, sink);
	if (ft_scan_literal(&scan, "-> "))
		return take_reply(data, line, &scan, op, &event, sink);
	return FT_LINE_OTHER;
}

static const char *const begins[] = {"Op 0x", NULL};

const struct ft_format ft_format_jacobsa = {
	.name = "jacobsa",
	.title = "jacobsa/fuse",
	.used_by = "gcsfuse and others on jacobsa/fuse",
	.how = "MountConfig.DebugLogger and ErrorLogger, both; gcsfuse --log-severity trace",
	.note = "how much was read is not told; gcsfuse's text logs have the hours of a 12-hour "
		"clock; behind an extended attribute whose name holds a record of this format, all "
		"operations are suspect",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID |
		 FUSETRACE_GIVES_UNIQUE,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct jacobsa),
	.take = take,
};
