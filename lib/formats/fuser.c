/* SPDX-License-Identifier: MIT */
/*
 * Requests as the Rust crates fuser (all versions) and fuse print them:
 *
 *	FUSE( 16) ino 0x0000000000000002 CREATE name "a.txt", mode 0o100644, flags 0x8241
 *	FUSE(  8) ino 0x0000000000000001: LOOKUP name "d"
 *	fuse::request: LOOKUP(4) parent 0x0000000000000001, name "d"
 *
 * The second form is that of fuser 0.4 to 0.7, the third that of fuse 0.3. Replies are never printed,
 * but one: "[Not Implemented] access(ino: 0x1, mask: 1)", of a request that the filesystem leaves to
 * the crate.
 */
#include <errno.h>

#include "formats.h"
#include "op/opcode.h"

/* FATTR_ bits of linux/fuse.h. */
#define VALID_MODE 1u
#define VALID_UID 2u
#define VALID_GID 4u
#define VALID_SIZE 8u
#define VALID_ATIME 16u
#define VALID_MTIME 32u
#define VALID_FH 64u
#define VALID_ATIME_NOW 128u
#define VALID_MTIME_NOW 256u
#define VALID_CTIME 1024u

/* Opcodes of linux/fuse.h. */
enum {
	SETATTR = 4,
	SYMLINK = 6,
	LINK = 13,
	SETXATTR = 21,
	GETXATTR = 22,
	REMOVEXATTR = 24,
	INIT = 26,
	INTERRUPT = 36,
};

/* Numbers of requests further ahead than that were not given out by the kernel. */
#define UNIQUE_AHEAD_MAX 8192

struct fuser {
	uint64_t newest; /* unique of the last request */
	uint64_t last;   /* ... whose reply may be told; 0: none */
	uint32_t last_opcode;
	bool is_timed; /* a logger puts the time before its records */
};

/* One request's line, while it is read. */
struct request {
	struct ft_scan scan;
	struct ft_event event;
	char *scratch; /* where the next name goes */
};

/* ---- values ---- */

static bool take_quoted(struct request *request, struct ft_bytes *ret_name)
{
	const char *before = request->scan.at;

	if (!ft_scan_quoted(&request->scan, request->scratch, ret_name))
		return false;
	request->scratch += request->scan.at - before;
	return true;
}

/* 0x8241, 0o100644 or 4096; inside of a word and parentheses or not: FileHandle(3), Some(50). */
static bool take_number(struct request *request, uint64_t *ret_number)
{
	struct ft_scan *scan = &request->scan;
	struct ft_scan at = *scan;
	struct ft_bytes word;
	uint32_t octal;
	int depth = 0;

	while (!ft_scan_is_end(&at) && (unsigned char)(*at.at - '0') > 9) {
		if (!ft_scan_word(&at, &word) || !ft_scan_char(&at, '('))
			return false;
		depth++;
	}
	if (ft_scan_literal(&at, "0x")) {
		if (!ft_scan_hex(&at, ret_number))
			return false;
	} else if (ft_scan_literal(&at, "0o")) {
		if (!ft_scan_octal(&at, &octal))
			return false;
		*ret_number = octal;
	} else if (!ft_scan_u64(&at, ret_number)) {
		return false;
	}
	while (depth-- > 0) {
		if (!ft_scan_char(&at, ')'))
			return false;
	}
	*scan = at;
	return true;
}

/* Steps over a value: up to the ", " or " }" that is in no quotes and in no parentheses. */
static void skip_value(struct request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes ignored;
	int depth = 0;

	while (!ft_scan_is_end(scan)) {
		char c = *scan->at;

		if (c == '"' && take_quoted(request, &ignored))
			continue;
		if (depth == 0 && (c == ',' || c == '}'))
			return;
		depth += (c == '(' || c == '{' || c == '[') - (c == ')' || c == '}' || c == ']');
		scan->at++;
	}
}

static void set64(struct request *request, uint32_t field, uint64_t *to)
{
	if (take_number(request, to))
		request->event.present |= field;
}

static void set32(struct request *request, uint32_t field, uint32_t *to)
{
	uint64_t number;

	if (!take_number(request, &number))
		return;
	*to = (uint32_t)number;
	request->event.present |= field;
}

/* ---- fields ---- */

typedef void field_fn(struct request *request);

static void take_name(struct request *request)
{
	struct ft_event *event = &request->event;
	bool is_xattr = event->opcode == SETXATTR || event->opcode == GETXATTR ||
			event->opcode == REMOVEXATTR;

	take_quoted(request, is_xattr ? &event->xattr : &event->name);
}

static void take_newname(struct request *request)
{
	struct ft_event *event = &request->event;

	take_quoted(request, event->opcode == LINK ? &event->name : &event->name2);
}

/* Until 0.16 the values of SYMLINK's target and link were printed the other way round. */
static void take_target(struct request *request)
{
	take_quoted(request, &request->event.target);
}

static void take_link(struct request *request)
{
	struct ft_event *event = &request->event;
	struct ft_bytes text;

	if (!take_quoted(request, &text))
		return;
	if (event->target.data)
		event->name = event->target;
	event->target = text;
}

static void take_link_name(struct request *request)
{
	take_quoted(request, &request->event.name);
}

static void take_offset(struct request *request)
{
	set64(request, FT_HAS(OFFSET), &request->event.offset);
}

/* GetSize(GetXAttrSize) asks how large the value is: 0. */
static void take_size(struct request *request)
{
	struct ft_event *event = &request->event;

	if (ft_scan_literal(&request->scan, "GetSize(")) {
		event->size = 0;
		event->present |= FT_HAS(SIZE);
		skip_value(request);
		return;
	}
	set64(request, FT_HAS(SIZE), &event->size);
}

static void take_fh(struct request *request)
{
	set64(request, FT_HAS(FH), &request->event.fh);
}

static void take_flags(struct request *request)
{
	set32(request, FT_HAS(FLAGS), &request->event.flags);
}

static void take_mode(struct request *request)
{
	set32(request, FT_HAS(MODE), &request->event.mode);
}

static void take_valid(struct request *request)
{
	set32(request, FT_HAS(VALID), &request->event.valid);
}

static void take_new_directory(struct request *request)
{
	set64(request, FT_HAS(NODEID2), &request->event.nodeid2);
}

/* The third form's LINK: ino is the file, newparent the directory that the others call ino. */
static void take_new_parent(struct request *request)
{
	struct ft_event *event = &request->event;
	uint64_t number;

	if (event->opcode != LINK) {
		take_new_directory(request);
	} else if (take_number(request, &number)) {
		event->nodeid2 = event->nodeid;
		event->nodeid = number;
		event->present |= FT_HAS(NODEID2);
	}
}

/* FilenameInDir { dir: INodeNo(2), name: "a b.txt" } */
static bool take_place(struct request *request, uint64_t *ret_directory, struct ft_bytes *ret_name)
{
	return ft_scan_literal(&request->scan, "FilenameInDir { dir: ") &&
	       take_number(request, ret_directory) && ft_scan_literal(&request->scan, ", name: ") &&
	       take_quoted(request, ret_name) && ft_scan_literal(&request->scan, " }");
}

/* CopyFileRangeFile { inode: INodeNo(3), file_handle: FileHandle(1), offset: 0 } */
static bool take_file(struct request *request, uint64_t *ret_node, uint64_t *ret_fh,
		      uint64_t *ret_offset)
{
	return ft_scan_literal(&request->scan, "CopyFileRangeFile { inode: ") &&
	       take_number(request, ret_node) &&
	       ft_scan_literal(&request->scan, ", file_handle: ") && take_number(request, ret_fh) &&
	       ft_scan_literal(&request->scan, ", offset: ") && take_number(request, ret_offset) &&
	       ft_scan_literal(&request->scan, " }");
}

static void take_source(struct request *request)
{
	struct ft_event *event = &request->event;
	uint64_t node;

	if (take_place(request, &node, &event->name))
		return;
	if (take_file(request, &node, &event->fh, &event->offset))
		event->present |= FT_HAS(FH) | FT_HAS(OFFSET);
}

static void take_destination(struct request *request)
{
	struct ft_event *event = &request->event;
	struct ft_bytes name;
	uint64_t node, ignored;

	if (take_place(request, &node, &name)) {
		if (event->opcode == LINK) {
			event->name = name;
			return;
		}
		event->name2 = name;
	} else if (!take_file(request, &node, &ignored, &ignored)) {
		return;
	}
	event->nodeid2 = node;
	event->present |= FT_HAS(NODEID2);
}

/* ---- SETATTR: mode: Some(33152), uid: None, ... ---- */

static void note_valid(struct request *request, uint32_t bit)
{
	request->event.valid |= bit;
}

static void take_optional(struct request *request, uint32_t bit, field_fn *take)
{
	if (ft_scan_literal(&request->scan, "None"))
		return;
	note_valid(request, bit);
	if (take)
		take(request);
	else if (ft_scan_literal(&request->scan, "Some(Now)"))
		note_valid(request, bit == VALID_ATIME ? VALID_ATIME_NOW : VALID_MTIME_NOW);
}

static void take_new_mode(struct request *request)
{
	take_optional(request, VALID_MODE, take_mode);
}

static void take_new_uid(struct request *request)
{
	request->event.present |= FT_HAS(VALID);
	take_optional(request, VALID_UID, NULL);
}

static void take_new_gid(struct request *request)
{
	take_optional(request, VALID_GID, NULL);
}

static void take_new_size(struct request *request)
{
	take_optional(request, VALID_SIZE, take_size);
}

static void take_atime(struct request *request)
{
	take_optional(request, VALID_ATIME, NULL);
}

static void take_mtime(struct request *request)
{
	take_optional(request, VALID_MTIME, NULL);
}

static void take_ctime(struct request *request)
{
	take_optional(request, VALID_CTIME, NULL);
}

static void take_attr_fh(struct request *request)
{
	take_optional(request, VALID_FH, take_fh);
}

static const struct field {
	const char *key; /* with the blank or colon behind it */
	field_fn *take;
} fields[] = {
	{"name ", take_name},
	{"fh ", take_fh},
	{"offset ", take_offset},
	{"size ", take_size},
	{"flags ", take_flags},
	{"mode ", take_mode},
	{"mask ", take_mode},
	{"mode: ", take_new_mode},
	{"uid: ", take_new_uid},
	{"gid: ", take_new_gid},
	{"size: ", take_new_size},
	{"atime: ", take_atime},
	{"mtime: ", take_mtime},
	{"ctime: ", take_ctime},
	{"file_handle: ", take_attr_fh},
	{"from ", take_source},
	{"src ", take_source},
	{"to ", take_destination},
	{"dest ", take_destination},
	{"len ", take_size},
	{"newname ", take_newname},
	{"newdir ", take_new_directory},
	{"newparent ", take_new_parent},
	{"oldnodeid ", take_new_directory},
	{"ino ", take_new_directory}, /* of LINK: the file */
	{"target ", take_target},
	{"link_name ", take_link_name},
	{"link ", take_link},
	{"valid ", take_valid},
	{"whence ", take_flags},
	{"oldname ", take_name},
};

static bool take_field(struct request *request)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (*request->scan.at != fields[i].key[0] ||
		    !ft_scan_bytes(&request->scan, fields[i].key, strlen(fields[i].key)))
			continue;
		fields[i].take(request);
		return true;
	}
	return false;
}

/* name "a.txt", mode 0o100644, flags 0x8241 */
static void take_fields(struct request *request)
{
	while (!ft_scan_is_end(&request->scan)) {
		take_field(request);
		skip_value(request);
		ft_scan_char(&request->scan, ',');
		if (!ft_scan_chars(&request->scan, ' '))
			return;
	}
}

/* ---- lines ---- */

/* Names that the kernel writes with an underscore, or that are not requests of the kernel. */
static bool find_opcode(struct ft_bytes word, uint32_t *ret_opcode)
{
	static const struct {
		const char *word;
		uint32_t opcode;
	} others[] = {{"NOTIFYREPLY", 41}, {"BATCHFORGET", 42}, {"CUSE_INIT", 4096}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(others[i].word))) {
			*ret_opcode = others[i].opcode;
			return true;
		}
	}
	return ft_opcode_find(word.data, word.length, ret_opcode);
}

/* FUSE( 16) ino 0x0000000000000002 CREATE; with a colon before the name since 0.4 and until 0.7. */
static bool take_head(struct request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes word;

	if (!ft_scan_literal(scan, "FUSE("))
		return false;
	ft_scan_chars(scan, ' ');
	if (!ft_scan_u64(scan, &request->event.unique) || !ft_scan_literal(scan, ") ino 0x") ||
	    !ft_scan_hex(scan, &request->event.nodeid))
		return false;
	ft_scan_char(scan, ':');
	request->event.present = FT_HAS(UNIQUE) | FT_HAS(NODEID);
	if (!ft_scan_char(scan, ' ') || !ft_scan_word(scan, &word))
		return false; /* a request that the crate does not know: nothing tells what it is */
	ft_scan_char(scan, ' ');
	return find_opcode(word, &request->event.opcode);
}

/* fuse::request: LOOKUP(4) parent 0x0000000000000001, name "d" */
static bool take_old_head(struct request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes word;

	if (!ft_scan_literal(scan, "fuse::request"))
		return false;
	if ((!ft_scan_literal(scan, ": ") && !ft_scan_literal(scan, "] ")) ||
	    !ft_scan_word(scan, &word) || !ft_scan_char(scan, '(') ||
	    !ft_scan_u64(scan, &request->event.unique) || !ft_scan_literal(scan, ") ") ||
	    !find_opcode(word, &request->event.opcode))
		return false;
	request->event.present = FT_HAS(UNIQUE);
	if (!ft_scan_literal(scan, "ino 0x") && !ft_scan_literal(scan, "parent 0x"))
		return true;
	if (!ft_scan_hex(scan, &request->event.nodeid))
		return false;
	request->event.present |= FT_HAS(NODEID);
	ft_scan_literal(scan, ", ");
	return true;
}

/* As in libfuse.c: the kernel's numbers are even and grow, an INTERRUPT has one that is odd. */
static bool is_implausible(const struct fuser *state, const struct ft_event *event)
{
	if (!state->newest || event->opcode == INIT)
		return false;
	return (event->unique & 1) != (event->opcode == INTERRUPT) ||
	       event->unique > state->newest + UNIQUE_AHEAD_MAX;
}

static bool take_request(struct fuser *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct request request = {
		.scan = ft_scan_of(line->text),
		.scratch = line->scratch,
	};
	struct ft_event *event = &request.event;
	bool is_doubtful;

	if (!take_head(&request)) {
		request = (struct request){
			.scan = ft_scan_of(line->text),
			.scratch = line->scratch,
		};
		if (!take_old_head(&request))
			return false;
	}
	take_fields(&request);
	if (event->opcode == INIT)
		ft_sink_restart(sink);
	/* Names are quoted, but a handler's message may hold anything, and not behind a time. */
	is_doubtful = is_implausible(state, event) ||
		      (state->is_timed && line->time.clock == FT_CLOCK_NONE);
	event->marks = is_doubtful ? FUSETRACE_OP_SUSPECT : 0;
	event->key = event->unique;
	state->is_timed |= line->time.clock != FT_CLOCK_NONE;
	if (!is_doubtful)
		state->newest = event->unique & ~UINT64_C(1);
	state->last = event->unique;
	state->last_opcode = event->opcode;
	ft_sink_begin(sink, line, event);
	return true;
}

/* "[Not Implemented] access(ino: 0x1, mask: 1)": how the crate answers the request before. */
static bool take_refusal(struct fuser *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_event end = {.opcode = FT_OPCODE_OF_BEGIN, .error = ENOSYS};
	struct ft_bytes word;
	uint32_t opcode;

	if (!ft_scan_literal(&scan, "[Not Implemented] ") || !ft_scan_word(&scan, &word) ||
	    !ft_scan_char(&scan, '('))
		return false;
	if (!state->last || !ft_opcode_find(word.data, word.length, &opcode) ||
	    strcmp(ft_opcode_get(opcode)->name, ft_opcode_get(state->last_opcode)->name) != 0)
		return true;
	if (opcode == SYMLINK || opcode == LINK)
		end.error = EPERM;
	end.key = state->last;
	state->last = 0;
	ft_sink_end(sink, line, &end);
	return true;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct fuser *state = data;

	if (line->text.length < 8)
		return FT_LINE_OTHER;
	switch (line->text.data[0]) {
	case 'F':
	case 'f':
		return take_request(state, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	case '[':
		return take_refusal(state, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	case 'I':
		return memcmp(line->text.data, "INIT res", 8) == 0 ? FT_LINE_TAKEN : FT_LINE_OTHER;
	default:
		return FT_LINE_OTHER;
	}
}

static const char *const begins[] = {"FUSE(",           "fuse::request: ",
				     "fuse::request] ", "[Not Implemented] ",
				     "INIT response: ", NULL};

const struct ft_format ft_format_fuser = {
	.name = "fuser",
	.title = "Rust's fuser and fuse, all versions",
	.used_by = "filesystems written in Rust, through env_logger or tracing",
	.how = "RUST_LOG=fuser=debug",
	.note = "requests only, and 0.8 without their names: the end comes from the filesystem's own spans, or ENOSYS from the crate",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET |
		 FUSETRACE_GIVES_UNIQUE | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct fuser),
	.take = take,
};
