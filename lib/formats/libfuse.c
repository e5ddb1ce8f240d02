/* SPDX-License-Identifier: MIT */
/*
 * libfuse's text (-d, -o debug), from 2.9 to 3.19, high level and low level:
 *
 *	unique: 8, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 18880
 *	   unique: 8, success, outsize: 144
 *
 * Since 3.18 "dev " or "cqe " stands before a request. Lines between the two are details
 * (libfuse_details.c). They carry no number: they belong to the last request if they fit it, under
 * threads to another one that has none yet.
 */
#include "libfuse.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/hash.h"
#include "../opcode.h"
#include "formats.h"

#define FUSE_GETATTR 3
#define FUSE_SETATTR 4
#define FUSE_SYMLINK 6
#define FUSE_READ 15
#define FUSE_WRITE 16
#define FUSE_INIT 26
#define FUSE_READDIR 28
#define FUSE_READDIRPLUS 44
/* Sizes of linux/fuse.h. */
#define WRITE_IN_SIZE 80 /* header and fixed part */
#define OUT_HEADER_SIZE 16
#define ENTRY_OUT_SIZE 144  /* a reply that names a node */
#define CREATE_OUT_SIZE 160 /* ... and a handle */

/* Requests that are remembered, by their number, which grows by two. */
#define REQUESTS 256
/* How far back the request is looked for that a detail belongs to. */
#define LOOK_BACK 32
/* Bytes that one record can be spread over by the newlines in its names. */
#define JOINED_MAX (64 * 1024)
/* FT_LINE_TAKEN, of a detail that fits no request. */
#define FT_LINE_UNOWNED 3
/* Names with a newline in them that are remembered. */
#define BROKEN_MAX 32
#define BROKEN_LENGTH_MAX 255
/* Numbers of requests further ahead than that were not given out by the kernel. */
#define UNIQUE_AHEAD_MAX 8192
#define FUSE_INTERRUPT 36

struct request {
	uint64_t unique;
	uint64_t insize; /* 0: not to be relied on */
	uint64_t fh;     /* has_fh: that the handler gave */
	uint64_t moved;  /* has_moved: bytes that it read or wrote */
	uint64_t nodeid;
	uint64_t entry; /* the node that the filesystem says it gave; 0: not told */
	uint32_t opcode;
	bool has_details;
	bool has_reply_details;
	bool has_fh;
	bool has_moved;
};

/* A name with a newline in it: wherever it is printed, it breaks the line. */
struct broken {
	char name[BROKEN_LENGTH_MAX];
	uint8_t length;
};

struct libfuse {
	struct ft_event
		held; /* the last request, not passed on yet for the details that may come */
	bool is_held;
	struct request requests[REQUESTS];
	uint64_t newest;       /* the highest unique of a request */
	uint64_t last;         /* that of the last one printed */
	uint64_t node;         /* of the last NODEID line, for the reply behind it; 0: none */
	bool is_node_doubtful; /* a second one came before a reply */
	/* A request whose handler looks the same path up once more, and that path as a hash. */
	uint64_t looks_again;
	uint64_t looked_up;
	struct broken broken[BROKEN_MAX];
	uint32_t broken_count;
	char *joined; /* a detail line that goes on in the next one */
	size_t joined_size;
	size_t joined_room;
	bool is_guess;    /* joined for the size of the request, not for a name that is known */
	bool is_rejoined; /* lines that were joined in vain are taken anew, each by itself */
};

static const struct ft_line no_line = {.text = {"", 0}};

static struct request *slot_of(struct libfuse *state, uint64_t unique)
{
	return &state->requests[(unique >> 1) % REQUESTS];
}

static struct request *find_request(struct libfuse *state, uint64_t unique)
{
	struct request *request = slot_of(state, unique);

	return request->unique == unique && unique ? request : NULL;
}

static void pass_on(struct libfuse *state, struct ft_sink *sink)
{
	if (state->is_held)
		ft_sink_begin(sink, &no_line, &state->held);
	state->is_held = false;
}

/* ---- requests ---- */

/* ", opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 18880" */
static bool take_request_fields(struct ft_scan *scan, struct ft_event *event, uint64_t *ret_insize)
{
	struct ft_bytes ignored;

	if (!ft_scan_literal(scan, ", opcode: ") || !ft_scan_until(scan, '(', &ignored) ||
	    !ft_scan_u32(scan, &event->opcode) || !ft_scan_literal(scan, "), nodeid: ") ||
	    !ft_scan_u64(scan, &event->nodeid) || !ft_scan_literal(scan, ", insize: ") ||
	    !ft_scan_u64(scan, ret_insize))
		return false;
	event->present |= FT_HAS(NODEID);
	if (ft_scan_is_end(scan))
		return true;
	if (!ft_scan_literal(scan, ", pid: ") || !ft_scan_u32(scan, &event->pid))
		return false;
	event->present |= FT_HAS(PID);
	return ft_scan_is_end(scan);
}

/*
 * The kernel's numbers are even and grow by two; an INTERRUPT has that of its target plus one. What
 * is printed out of that order stood in a file name, or the log has a gap.
 */
static bool is_implausible(const struct libfuse *state, const struct ft_event *event)
{
	if (!state->newest || event->opcode == FUSE_INIT)
		return false;
	return (event->unique & 1) != (event->opcode == FUSE_INTERRUPT) ||
	       event->unique > state->newest + UNIQUE_AHEAD_MAX;
}

/* Threads print theirs a little out of order; much lower ones are of another mount. */
static void note_unique(struct libfuse *state, const struct ft_event *event)
{
	uint64_t unique = event->unique & ~UINT64_C(1);

	state->last = unique;
	if (unique > state->newest || state->newest - unique > UNIQUE_AHEAD_MAX ||
	    event->opcode == FUSE_INIT)
		state->newest = unique;
}

static void remember(struct libfuse *state, const struct ft_event *event, uint64_t insize)
{
	*slot_of(state, event->unique) = (struct request){
		.unique = event->unique,
		.insize = insize,
		.nodeid = event->nodeid,
		.opcode = event->opcode,
	};
}

static bool take_request(struct libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_event event = {.present = FT_HAS(UNIQUE)};
	bool is_ring = ft_scan_literal(&scan, "cqe "); /* its insize leaves the header out */
	bool is_doubtful;
	uint64_t insize;

	if (!is_ring)
		ft_scan_literal(&scan, "dev ");
	if (!ft_scan_literal(&scan, "unique: ") || !ft_scan_u64(&scan, &event.unique) ||
	    !take_request_fields(&scan, &event, &insize))
		return false;
	pass_on(state, sink);
	if (event.opcode == FUSE_INIT)
		ft_sink_restart(sink);
	event.key = event.unique;
	is_doubtful = is_implausible(state, &event);
	event.marks = is_doubtful || line->is_suspect ? FUSETRACE_OP_SUSPECT : 0;
	if (event.opcode == FUSE_WRITE && insize >= WRITE_IN_SIZE && !is_ring) {
		event.size = insize - WRITE_IN_SIZE;
		event.present |= FT_HAS(SIZE);
	}
	state->held = event;
	state->is_held = true;
	remember(state, &event, is_ring ? 0 : insize);
	if (!is_doubtful)
		note_unique(state, &event);
	return true;
}

/* ---- replies ---- */

/* The node that a reply of that size names; 0: none, or not known. */
static uint64_t take_node(struct libfuse *state, uint64_t outsize)
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
static void describe_reply(struct libfuse *state, struct ft_event *event, uint64_t outsize)
{
	const struct request *request = find_request(state, event->unique);
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

/* ", success, outsize: 144" or ", error: -2 (No such file or directory), outsize: 16" */
static bool take_result(struct ft_scan *scan, struct ft_event *event, uint64_t *ret_outsize)
{
	struct ft_bytes ignored;
	uint64_t error = 0;

	if (ft_scan_literal(scan, ", error: ")) {
		ft_scan_char(scan, '-');
		if (!ft_scan_u64(scan, &error) || error > 4095 || !ft_scan_literal(scan, " (") ||
		    !ft_scan_past(scan, "), outsize: ", 12, &ignored))
			return false;
	} else if (!ft_scan_literal(scan, ", success, outsize: ")) {
		return false;
	}
	event->error = (int32_t)error;
	if (!ft_scan_u64(scan, ret_outsize))
		return false;
	ft_scan_literal(scan, " (splice)");
	return ft_scan_is_end(scan);
}

/* Since 3.18, over io_uring: the size of the reply alone, whatever became of the request. */
static bool take_ring_result(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t size;

	if (!ft_scan_literal(scan, ", result=") || !ft_scan_u64(scan, &size) ||
	    !ft_scan_is_end(scan))
		return false;
	event->ending = size ? FT_ENDING_RESULT : FT_ENDING_ENDED;
	return true;
}

static bool take_reply(struct libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_event event = {.opcode = FT_OPCODE_OF_BEGIN, .present = FT_HAS(UNIQUE)};
	uint64_t outsize = 0;

	if (!ft_scan_literal(&scan, "   "))
		return false;
	ft_scan_char(&scan, ' ');
	if (!ft_scan_literal(&scan, "unique: ") || !ft_scan_u64(&scan, &event.unique))
		return false;
	if (!take_result(&scan, &event, &outsize) && !take_ring_result(&scan, &event))
		return false;
	event.key = event.unique;
	pass_on(state, sink);
	if (state->looks_again == event.unique)
		state->looks_again = 0;
	if (event.error == 0)
		describe_reply(state, &event, outsize);
	ft_sink_end(sink, line, &event);
	return true;
}

/* ---- details ---- */

static size_t names_size(const struct request *request, const struct ft_detail *detail)
{
	size_t value = (detail->event.present & FT_HAS(SIZE)) ? (size_t)detail->event.size : 0;

	return request->insize ? ft_detail_names_size(request->opcode, request->insize, value) : 0;
}

/* Whether the detail names another node than the request's. */
static bool is_elsewhere(const struct request *request, const struct ft_detail *detail)
{
	return detail->is_of_node && (detail->event.present & FT_HAS(NODEID)) &&
	       detail->event.nodeid != request->nodeid;
}

/* The newest request that the detail fits, from the last one back; NULL: none. */
static struct request *owner_of(struct libfuse *state, struct ft_detail *detail)
{
	uint64_t unique = state->newest;

	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct request *request = find_request(state, unique);
		struct ft_detail settled = *detail;

		if (!request || request->has_details || is_elsewhere(request, detail) ||
		    ft_detail_settle(&settled, request->opcode, names_size(request, detail)) !=
			    FT_DETAIL_FITS)
			continue;
		*detail = settled;
		return request;
	}
	return NULL;
}

/* "LOOKUP /a" and its like, but for DELETE and RENAME, are followed by "getattr /a". */
static bool is_looked_up_again(const struct request *request)
{
	return request->opcode == FUSE_SETATTR ||
	       (ft_opcode_get(request->opcode)->behaviour & FT_OPCODE_ENTRY);
}

static uint64_t hash_of_path(const struct ft_event *details)
{
	return ft_hash_bytes(details->path2.data ? details->path2 : details->path, 0);
}

static void note_path(struct libfuse *state, const struct request *request,
		      const struct ft_event *details)
{
	state->looks_again = 0;
	if (!details->path.data || !is_looked_up_again(request))
		return;
	state->looks_again = request->unique;
	state->looked_up = hash_of_path(details);
}

/* Whether it is the second line of a request that had one: no other request's. */
static bool is_second(struct libfuse *state, const struct ft_detail *detail)
{
	if (!state->looks_again || detail->opcodes != UINT64_C(1) << FUSE_GETATTR ||
	    !detail->event.path.data || hash_of_path(&detail->event) != state->looked_up)
		return false;
	state->looks_again = 0;
	return true;
}

static void give_details(struct libfuse *state, struct request *request, struct ft_event *details,
			 struct ft_sink *sink)
{
	request->has_details = true;
	note_path(state, request, details);
	if (state->is_held && state->held.unique == request->unique) {
		struct ft_event *held = &state->held;
		uint32_t missing = details->present & ~held->present;

		details->key = held->key;
		details->opcode = held->opcode;
		details->unique = held->unique;
		details->nodeid = held->nodeid;
		details->pid = held->pid;
		if (held->present & ~missing & FT_HAS(SIZE))
			details->size = held->size;
		details->present |= held->present;
		details->marks |= held->marks;
		state->is_held = false;
		ft_sink_begin(sink, &no_line, details);
		return;
	}
	details->key = request->unique;
	ft_sink_amend(sink, details);
}

/* "   create[5] flags: ...", "   read[5] 100 bytes from 0" */
static void take_reply_detail(struct libfuse *state, const struct ft_detail *detail)
{
	uint64_t unique = state->newest;

	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct request *request = find_request(state, unique);

		if (!request || request->has_reply_details || request->opcode > 63 ||
		    !(detail->opcodes & UINT64_C(1) << request->opcode))
			continue;
		request->has_reply_details = true;
		request->has_fh = !(detail->event.present & FT_HAS(SIZE)) &&
				  (detail->event.present & FT_HAS(FH));
		request->fh = detail->event.fh;
		request->has_moved = request->opcode == FUSE_WRITE;
		request->moved = detail->event.reply_size;
		return;
	}
}

static bool take_node_line(struct libfuse *state, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	uint64_t node;

	if (!ft_scan_literal(&scan, "   NODEID: ") || !ft_scan_u64(&scan, &node) ||
	    !ft_scan_is_end(&scan))
		return false;
	state->is_node_doubtful = state->node != 0;
	state->node = node;
	return true;
}

/* ---- details over several lines ---- */

static int take(void *data, const struct ft_line *line, struct ft_sink *sink);

static int keep_joined(struct libfuse *state, struct ft_bytes text, bool has_cr)
{
	size_t needed = text.length + 2;

	if (needed > state->joined_room) {
		char *bytes = realloc(state->joined, 2 * needed);

		if (!bytes)
			return -ENOMEM;
		state->joined = bytes;
		state->joined_room = 2 * needed;
	}
	if (text.data != state->joined)
		memcpy(state->joined, text.data, text.length);
	state->joined_size = text.length;
	if (has_cr)
		state->joined[state->joined_size++] = '\r';
	state->joined[state->joined_size++] = '\n';
	return FT_LINE_PARTIAL;
}

static void remember_broken(struct libfuse *state, struct ft_bytes name)
{
	struct broken *broken = &state->broken[state->broken_count % BROKEN_MAX];

	if (!name.data || name.length > BROKEN_LENGTH_MAX || !memchr(name.data, '\n', name.length))
		return;
	memcpy(broken->name, name.data, name.length);
	broken->length = (uint8_t)name.length;
	state->broken_count++;
}

/* Whether text ends with a known name up to one of its newlines. */
static bool ends_broken(const struct libfuse *state, struct ft_bytes text)
{
	const char *slash = memrchr(text.data, '/', text.length);
	size_t length = slash ? (size_t)(text.data + text.length - slash) - 1 : 0;

	for (uint32_t i = 0; slash && i < state->broken_count && i < BROKEN_MAX; i++) {
		const struct broken *broken = &state->broken[i];

		if (length < broken->length && broken->name[length] == '\n' &&
		    memcmp(slash + 1, broken->name, length) == 0)
			return true;
	}
	return false;
}

/* Whether part of the last request's name is still to come. */
static bool goes_on(struct libfuse *state, const struct ft_detail *detail)
{
	struct request *request = find_request(state, state->last);
	struct ft_detail settled = *detail;
	size_t size;

	if (!request || request->has_details || detail->is_of_reply ||
	    is_elsewhere(request, detail))
		return false;
	size = names_size(request, detail);
	return size && ft_detail_settle(&settled, request->opcode, size) == FT_DETAIL_TOO_SHORT;
}

/* How long the name is that a request makes or looks up; 0: not known. */
static size_t child_length(const struct request *request)
{
	size_t size = request->insize && request->opcode != FUSE_SYMLINK
			      ? ft_detail_names_size(request->opcode, request->insize, 0)
			      : 0;

	return size ? size - 1 : 0;
}

static bool gives_entry(const struct request *request, const struct ft_entry_line *line)
{
	return request && !request->entry && request->nodeid == line->directory &&
	       (ft_opcode_get(request->opcode)->behaviour & FT_OPCODE_ENTRY);
}

/* "  1/d -> 140622799310000": of the newest request that gives such a name a node. */
static int take_entry_line(struct libfuse *state, struct ft_bytes text, bool has_cr,
			   struct ft_sink *sink)
{
	struct ft_entry_line line;
	uint64_t unique = state->newest;
	bool is_short = false;

	if (!ft_handler_parse_entry(text, &line))
		return FT_LINE_OTHER;
	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct request *request = find_request(state, unique);
		struct ft_event named = {.present = 0};
		int fit;

		if (!gives_entry(request, &line))
			continue;
		fit = ft_handler_settle_entry(&line, child_length(request));
		is_short |= fit == FT_DETAIL_TOO_SHORT;
		if (fit != FT_DETAIL_FITS)
			continue;
		request->entry = line.node;
		named.name = line.name;
		remember_broken(state, line.name);
		if (!request->has_details)
			give_details(state, request, &named, sink);
		return FT_LINE_TAKEN;
	}
	if ((is_short || ends_broken(state, text)) && text.length < JOINED_MAX &&
	    !state->is_rejoined)
		return keep_joined(state, text, has_cr);
	return FT_LINE_TAKEN;
}

static int take_detail(struct libfuse *state, struct ft_bytes text, bool has_cr,
		       struct ft_sink *sink)
{
	struct ft_detail detail;
	struct request *request;
	int r = take_entry_line(state, text, has_cr, sink);

	if (r != FT_LINE_OTHER)
		return r;
	if (!ft_detail_parse(text, &detail))
		return state->broken_count && ft_detail_begins(text) && ends_broken(state, text)
			       ? keep_joined(state, text, has_cr)
			       : FT_LINE_OTHER;
	if (state->broken_count && ends_broken(state, text) && text.length < JOINED_MAX)
		return keep_joined(state, text, has_cr);
	if (detail.is_of_reply) {
		take_reply_detail(state, &detail);
		return FT_LINE_TAKEN;
	}
	if (is_second(state, &detail))
		return FT_LINE_TAKEN;
	request = owner_of(state, &detail);
	if (request) {
		remember_broken(state, detail.event.name);
		remember_broken(state, detail.event.name2);
		give_details(state, request, &detail.event, sink);
	} else if (goes_on(state, &detail) && text.length < JOINED_MAX && !state->is_rejoined) {
		state->is_guess = true;
		return keep_joined(state, text, has_cr);
	} else {
		return FT_LINE_UNOWNED;
	}
	return FT_LINE_TAKEN;
}

/*
 * The request is larger than its names, so that these looked as if they went on: what followed the
 * detail were lines of their own.
 */
static int take_apart(struct libfuse *state, struct ft_bytes whole, const struct ft_line *line,
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

/* The next line of a detail that goes on. */
static int take_joined(struct libfuse *state, const struct ft_line *line, struct ft_sink *sink)
{
	size_t needed = state->joined_size + line->text.length;
	struct ft_bytes whole;
	bool is_guess = state->is_guess;
	int r;

	if (needed + 2 > state->joined_room) {
		char *bytes = realloc(state->joined, 2 * needed + 2);

		if (!bytes)
			return -ENOMEM;
		state->joined = bytes;
		state->joined_room = 2 * needed + 2;
	}
	memcpy(state->joined + state->joined_size, line->text.data, line->text.length);
	whole = (struct ft_bytes){state->joined, needed};
	state->joined_size = 0;
	state->is_guess = false;
	r = take_detail(state, whole, line->has_cr, sink);
	if (r != FT_LINE_UNOWNED)
		return r;
	return is_guess ? take_apart(state, whole, line, sink) : FT_LINE_TAKEN;
}

/* ---- the format ---- */

/* What else libfuse prints of itself. */
static bool is_known_line(struct ft_bytes text)
{
	static const char *const begins[] = {
		"FUSE library version: ",
		"INIT: ",
		"   INIT: ",
		"flags=0x",
		"   flags=0x",
		"max_read",
		"   max_",
		"   congestion_threshold=",
		"   time_gran=",
		"nullpath_ok",
		"nopath: ",
		"utime_omit_ok: ",
		"FORGET ",
		"DELETE: ",
		"INTERRUPT: ",
		"NOTIFY: code=",
		"LOOKUP-DOT",
		"QUEUE PATH",
		"DEQUEUE",
		"  secctx: ",
		"  forget ",
		"delete: ",
		"fuse: session exited",
		"starting io-uring",
		"FUSE_INTERRUPT: ",
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		size_t length = strlen(begins[i]);

		if (text.length >= length && memcmp(text.data, begins[i], length) == 0)
			return true;
	}
	return false;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct libfuse *state = data;
	int r;

	if (state->joined_size)
		return take_joined(state, line, sink);
	if (line->text.length < 4)
		return FT_LINE_OTHER;
	if (take_request(state, line, sink) || take_reply(state, line, sink))
		return FT_LINE_TAKEN;
	if (!state->newest)
		return is_known_line(line->text) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	r = take_detail(state, line->text, line->has_cr, sink);
	if (r != FT_LINE_OTHER)
		return r == FT_LINE_UNOWNED ? FT_LINE_TAKEN : r;
	return take_node_line(state, line->text) || is_known_line(line->text) ? FT_LINE_TAKEN
									      : FT_LINE_OTHER;
}

static void flush(void *data, struct ft_sink *sink)
{
	pass_on(data, sink);
}

static void done(void *data)
{
	struct libfuse *state = data;

	free(state->joined);
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
	.state_size = sizeof(struct libfuse),
	.take = take,
	.flush = flush,
	.done = done,
};
