/* SPDX-License-Identifier: MIT */
/*
 * libfuse's text (-d, -o debug), from 2.9 to 3.19, high level and low level:
 *
 *	unique: 8, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 18880
 *	   unique: 8, success, outsize: 144
 *
 * Since 3.18 "dev " or "cqe " stands before a request. Of the lines between the two, see libfuse.h.
 *
 * These logs are large. A line is taken apart by one cursor from left to right, that looks for the next
 * literal or number and never back; nothing is allocated, and an event is filled where it stays.
 */
#include "libfuse.h"

#include <errno.h>
#include <stdlib.h>

#include "formats.h"
#include "op/opcode.h"

#define IN_HEADER_SIZE sizeof(struct fuse_in_header)
#define OUT_HEADER_SIZE sizeof(struct fuse_out_header)
/* A reply that names a node, and one that names a handle, too. */
#define ENTRY_OUT_SIZE (OUT_HEADER_SIZE + sizeof(struct fuse_entry_out))
#define CREATE_OUT_SIZE (ENTRY_OUT_SIZE + sizeof(struct fuse_open_out))
#define WRITE_IN_SIZE (IN_HEADER_SIZE + sizeof(struct fuse_write_in))
/* Numbers of requests further ahead than that were not given out by the kernel. */
#define UNIQUE_AHEAD_MAX 8192

static void pass_on(struct ft_libfuse *state, struct ft_sink *sink)
{
	static const struct ft_line no_line = {.text = {"", 0}};

	if (state->is_held)
		ft_sink_begin(sink, &no_line, &state->held);
	state->is_held = false;
}

/* ---- requests ---- */

struct header {
	uint64_t unique;
	uint64_t nodeid;
	uint64_t insize;
	uint32_t opcode;
	uint32_t pid;
	bool has_pid;
	bool is_ring; /* over io_uring, where insize leaves the header out */
};

/* "unique: 8, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 18880" */
static bool parse_header(struct ft_bytes text, struct header *header)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes ignored;

	header->is_ring = ft_scan_literal(&scan, "cqe ");
	if (!header->is_ring)
		ft_scan_literal(&scan, "dev ");
	if (!ft_scan_literal(&scan, "unique: ") || !ft_scan_u64(&scan, &header->unique) ||
	    !ft_scan_literal(&scan, ", opcode: ") || !ft_scan_until(&scan, '(', &ignored) ||
	    !ft_scan_u32(&scan, &header->opcode) || !ft_scan_literal(&scan, "), nodeid: ") ||
	    !ft_scan_u64(&scan, &header->nodeid) || !ft_scan_literal(&scan, ", insize: ") ||
	    !ft_scan_u64(&scan, &header->insize))
		return false;
	header->pid = 0;
	header->has_pid = !ft_scan_is_end(&scan);
	if (!header->has_pid)
		return true;
	return ft_scan_literal(&scan, ", pid: ") && ft_scan_u32(&scan, &header->pid) &&
	       ft_scan_is_end(&scan);
}

/*
 * The kernel's numbers are even and grow by two; an INTERRUPT has that of its target plus one. What
 * is printed out of that order stood in a file name, or the log has a gap.
 */
static bool is_implausible(const struct ft_libfuse *state, const struct header *header)
{
	if (!state->newest || header->opcode == FUSE_INIT)
		return false;
	return (header->unique & 1) != (header->opcode == FUSE_INTERRUPT) ||
	       header->unique > state->newest + UNIQUE_AHEAD_MAX;
}

/* Threads print theirs a little out of order; much lower ones are of another mount. */
static void note_unique(struct ft_libfuse *state, const struct header *header)
{
	uint64_t unique = header->unique & ~UINT64_C(1);

	state->last = unique;
	if (unique > state->newest || state->newest - unique > UNIQUE_AHEAD_MAX ||
	    header->opcode == FUSE_INIT)
		state->newest = unique;
}

static void remember(struct ft_libfuse *state, const struct header *header)
{
	*ft_libfuse_slot(state, header->unique) = (struct ft_libfuse_request){
		.unique = header->unique,
		.insize = header->is_ring ? 0 : header->insize,
		.nodeid = header->nodeid,
		.opcode = header->opcode,
	};
}

/* The request becomes the one that is held, with what its header tells. */
static void hold(struct ft_libfuse *state, const struct header *header, bool is_suspect)
{
	struct ft_event *event = &state->held;

	state->is_held = true;
	memset(event, 0, sizeof(*event));
	event->key = event->unique = header->unique;
	event->nodeid = header->nodeid;
	event->opcode = header->opcode;
	event->pid = header->pid;
	event->present = FT_HAS(UNIQUE) | FT_HAS(NODEID) | (header->has_pid ? FT_HAS(PID) : 0);
	event->marks = is_suspect ? FUSETRACE_OP_SUSPECT : 0;
	if (header->opcode == FUSE_WRITE && header->insize >= WRITE_IN_SIZE && !header->is_ring) {
		event->size = header->insize - WRITE_IN_SIZE;
		event->present |= FT_HAS(SIZE);
	}
}

static bool take_request(struct ft_libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct header header;
	bool is_doubtful;

	if (!parse_header(line->text, &header))
		return false;
	pass_on(state, sink);
	if (header.opcode == FUSE_INIT)
		ft_sink_restart(sink);
	is_doubtful = is_implausible(state, &header);
	hold(state, &header, is_doubtful || line->is_suspect);
	remember(state, &header);
	if (!is_doubtful)
		note_unique(state, &header);
	return true;
}

/* ---- replies ---- */

struct result {
	uint64_t unique;
	uint64_t outsize;
	uint32_t error;
	uint8_t ending; /* FT_ENDING_ */
};

/* ", error: -2 (No such file or directory), outsize: 16": the text may hold parentheses. */
static bool parse_error(struct ft_scan *scan, struct result *result)
{
	const char *close = memrchr(scan->at, ')', ft_scan_left(scan));

	ft_scan_char(scan, '-');
	if (!close || !ft_scan_u32(scan, &result->error) || result->error > 4095 ||
	    !ft_scan_literal(scan, " (") || close < scan->at)
		return false;
	scan->at = close;
	return ft_scan_literal(scan, "), outsize: ") && ft_scan_u64(scan, &result->outsize);
}

/*
 * ", success, outsize: 144". Since 3.18, over io_uring, ", result=144": the size of the reply alone,
 * whatever became of the request.
 */
static bool parse_success(struct ft_scan *scan, struct result *result)
{
	if (ft_scan_literal(scan, ", success, outsize: ")) {
		if (!ft_scan_u64(scan, &result->outsize))
			return false;
		ft_scan_literal(scan, " (splice)");
		return true;
	}
	if (!ft_scan_literal(scan, ", result=") || !ft_scan_u64(scan, &result->outsize))
		return false;
	result->ending = result->outsize ? FT_ENDING_RESULT : FT_ENDING_UNKNOWN;
	result->outsize = 0;
	return true;
}

static bool parse_result(struct ft_bytes text, struct result *result)
{
	struct ft_scan scan = ft_scan_of(text);
	bool is_told;

	if (!ft_scan_literal(&scan, "   "))
		return false;
	ft_scan_char(&scan, ' ');
	if (!ft_scan_literal(&scan, "unique: ") || !ft_scan_u64(&scan, &result->unique))
		return false;
	result->error = 0;
	result->ending = FT_ENDING_RESULT;
	is_told = ft_scan_literal(&scan, ", error: ") ? parse_error(&scan, result)
						      : parse_success(&scan, result);
	return is_told && ft_scan_is_end(&scan);
}

/* The node that a reply of that size names; 0: none, or not known. */
static uint64_t take_node(struct ft_libfuse *state, uint64_t outsize)
{
	uint64_t node = state->is_node_doubtful ? 0 : state->node;

	if (outsize != ENTRY_OUT_SIZE && outsize != CREATE_OUT_SIZE)
		return 0;
	state->node = 0;
	state->is_node_doubtful = false;
	return node;
}

static bool gives_bytes(uint32_t opcode)
{
	return opcode == FUSE_READ || opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS;
}

/* What a reply of that size holds, and what the handler said of it. */
static void describe_reply(struct ft_libfuse *state, struct ft_event *event, uint64_t outsize)
{
	const struct ft_libfuse_request *request = ft_libfuse_find(state, event->unique);
	uint64_t node = take_node(state, outsize);

	if (request && request->entry)
		node = request->entry;
	if (node) {
		event->entry = node;
		event->present |= FT_HAS(ENTRY);
	}
	if (!request)
		return;
	if (request->has_fh) {
		event->fh = request->fh;
		event->present |= FT_HAS(FH);
	}
	if (gives_bytes(request->opcode) && outsize >= OUT_HEADER_SIZE)
		event->reply_size = outsize - OUT_HEADER_SIZE;
	else if (request->has_moved)
		event->reply_size = request->moved;
	else
		return;
	event->present |= FT_HAS(REPLY_SIZE);
}

static bool take_reply(struct ft_libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct result result;
	struct ft_event event;

	if (!parse_result(line->text, &result))
		return false;
	pass_on(state, sink);
	if (state->looks_again == result.unique)
		state->looks_again = 0;
	memset(&event, 0, sizeof(event));
	event.opcode = FT_OPCODE_OF_BEGIN;
	event.key = event.unique = result.unique;
	event.present = FT_HAS(UNIQUE);
	event.error = (int32_t)result.error;
	event.ending = result.ending;
	if (!result.error)
		describe_reply(state, &event, result.outsize);
	ft_sink_end(sink, line, &event);
	return true;
}

/* ---- lines ---- */

static int take(void *data, const struct ft_line *line, struct ft_sink *sink);

/* What else libfuse prints of itself. */
static bool is_known_line(struct ft_bytes text)
{
	static const struct ft_bytes begins[] = {
		FT_BYTES_LITERAL("FUSE library version: "),
		FT_BYTES_LITERAL("INIT: "),
		FT_BYTES_LITERAL("   INIT: "),
		FT_BYTES_LITERAL("flags=0x"),
		FT_BYTES_LITERAL("   flags=0x"),
		FT_BYTES_LITERAL("max_read"),
		FT_BYTES_LITERAL("   max_"),
		FT_BYTES_LITERAL("   congestion_threshold="),
		FT_BYTES_LITERAL("   time_gran="),
		FT_BYTES_LITERAL("nullpath_ok"),
		FT_BYTES_LITERAL("nopath: "),
		FT_BYTES_LITERAL("utime_omit_ok: "),
		FT_BYTES_LITERAL("FORGET "),
		FT_BYTES_LITERAL("DELETE: "),
		FT_BYTES_LITERAL("INTERRUPT: "),
		FT_BYTES_LITERAL("NOTIFY: code="),
		FT_BYTES_LITERAL("LOOKUP-DOT"),
		FT_BYTES_LITERAL("QUEUE PATH"),
		FT_BYTES_LITERAL("DEQUEUE"),
		FT_BYTES_LITERAL("  secctx: "),
		FT_BYTES_LITERAL("  forget "),
		FT_BYTES_LITERAL("delete: "),
		FT_BYTES_LITERAL("fuse: session exited"),
		FT_BYTES_LITERAL("starting io-uring"),
		FT_BYTES_LITERAL("FUSE_INTERRUPT: "),
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		/* the first byte spares most calls of memcmp(3) */
		if (begins[i].length <= text.length && begins[i].data[0] == text.data[0] &&
		    memcmp(text.data, begins[i].data, begins[i].length) == 0)
			return true;
	}
	return false;
}

static int take_single(struct ft_libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	int r;

	if (line->text.length < 4)
		return FT_LINE_OTHER;
	if (take_request(state, line, sink) || take_reply(state, line, sink))
		return FT_LINE_TAKEN;
	if (!state->newest)
		return is_known_line(line->text) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	r = ft_libfuse_take_detail(state, line->text, line->has_cr, sink);
	if (r != FT_LINE_OTHER)
		return r == FT_LINE_UNOWNED ? FT_LINE_TAKEN : r;
	return ft_libfuse_take_node_line(state, line->text) || is_known_line(line->text)
		       ? FT_LINE_TAKEN
		       : FT_LINE_OTHER;
}

/*
 * The request is larger than its names, so that these looked as if they went on: what followed the
 * detail were lines of their own.
 */
static int take_apart(struct ft_libfuse *state, struct ft_bytes whole, const struct ft_line *line,
		      struct ft_sink *sink)
{
	char *copy = malloc(whole.length);
	struct ft_scan scan = {copy, copy + whole.length};
	struct ft_line one = *line;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, whole.data, whole.length);
	state->is_rejoined = true;
	for (bool is_first = true; ft_scan_until(&scan, '\n', &one.text); is_first = false) {
		one.text.length -= one.text.length && one.text.data[one.text.length - 1] == '\r';
		if (!is_first)
			take(state, &one, sink);
	}
	one.text = ft_scan_rest(&scan);
	take(state, &one, sink);
	state->is_rejoined = false;
	free(copy);
	return FT_LINE_TAKEN;
}

/* The line behind one that was kept. */
static int take_next(struct ft_libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	bool is_guess = state->is_guess;
	struct ft_bytes whole = ft_joined_with(&state->joined, line->text);
	int r;

	if (!whole.data)
		return -ENOMEM;
	state->is_guess = false;
	r = ft_libfuse_take_detail(state, whole, line->has_cr, sink);
	if (r != FT_LINE_UNOWNED)
		return r;
	return is_guess ? take_apart(state, whole, line, sink) : FT_LINE_TAKEN;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_libfuse *state = data;

	return state->joined.size ? take_next(state, line, sink) : take_single(state, line, sink);
}

/* ---- the format ---- */

static void flush(void *data, struct ft_sink *sink)
{
	pass_on(data, sink);
}

static void gap(void *data)
{
	struct ft_libfuse *state = data;

	state->joined.size = 0;
}

static void done(void *data)
{
	struct ft_libfuse *state = data;

	ft_joined_done(&state->joined);
}

static const char *const begins[] = {
	"unique: ", "dev unique: ", "cqe unique: ", "   unique: ", NULL};

const struct ft_format ft_format_libfuse = {
	.name = "libfuse",
	.title = "libfuse text, 2.9 to 3.19",
	.used_by =
		"every program on libfuse: bindfs, fuse-overlayfs, squashfuse, unionfs-fuse, s3fs",
	.how = "-d or -o debug",
	.note = "low-level filesystems print no names; over io_uring no errno",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY |
		 FUSETRACE_GIVES_ERRNO | FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID |
		 FUSETRACE_GIVES_UNIQUE | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct ft_libfuse),
	.take = take,
	.flush = flush,
	.gap = gap,
	.done = done,
};
