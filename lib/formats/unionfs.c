/* SPDX-License-Identifier: MIT */
/*
 * unionfs-fuse's debug_file, which tells what goes in and what comes out of each function:
 *
 *	unionfs_getattr(): 195: /d/a.txt
 *	unionfs_getattr(): 198: return -2
 *
 * There is no number: an end is that of the newest operation of its name. Paths stand there as they
 * are and may go on in the next line, which then does not begin as those of functions do; they may
 * imitate records (open_ops.h). Files that are open go by their descriptor.
 */
#include "formats.h"
#include "open_ops.h"

/* PATH_MAX and what stands before it. */
#define START_MAX 4400
#define FDS 64
#define FD_PATH_MAX 512

/* FATTR_ bits of linux/fuse.h. */
#define VALID_MODE 1u
#define VALID_UID_GID 6u
#define VALID_SIZE 8u
#define VALID_TIMES 48u

/* What an operation begins with. */
#define PATH 0
#define HANDLE 1 /* fd = 7 */
#define OPENS 2  /* a path, and "fd = 7" before it returns */
#define TWO 3    /* from PATH to PATH */
#define LINK 4   /* from TARGET to PATH */
#define IOCTL 5  /* Unknown ioctl: 21505 */
#define QUIET 6  /* a path, and nothing when it returns */

struct operation {
	const char *name;
	uint32_t opcode;
	uint32_t kind;
	uint32_t valid;
};

struct descriptor {
	char path[FD_PATH_MAX];
	uint16_t length; /* 0: not known */
};

struct unionfs {
	struct ft_open_ops open;
	bool is_seen; /* a line of an operation was */
	/* Another thread's line stood where its text should have been; that is still to come. */
	const struct operation *torn;
	/* The last line told a path that is of no use, and may go on; so much of it at most. */
	size_t useless_left;
	/* A begin that may go on in the next line. */
	char start[START_MAX];
	size_t start_size;
	bool has_cr;
	/* The path of the last operation that opens a file. */
	struct descriptor opening;
	uint64_t opening_key;
	struct descriptor descriptors[FDS];
};

static const struct operation operations[] = {
	{"access", 34, PATH, 0},
	{"chmod", 4, PATH, VALID_MODE},
	{"chown", 4, PATH, VALID_UID_GID},
	{"create", 35, OPENS, 0},
	{"flush", 25, HANDLE, 0},
	{"fsync", 20, HANDLE, 0},
	{"getattr", 3, PATH, 0},
	{"getxattr", 22, PATH, 0},
	{"ioctl", 39, IOCTL, 0},
	{"link", 13, TWO, 0},
	{"listxattr", 23, PATH, 0},
	{"mkdir", 9, PATH, 0},
	{"mknod", 8, PATH, 0},
	{"open", 14, OPENS, 0},
	{"read", 15, HANDLE, 0},
	{"readdir", 28, PATH, 0},
	{"readlink", 5, PATH, 0},
	{"release", 18, HANDLE, 0},
	{"removexattr", 24, PATH, 0},
	{"rename", 12, TWO, 0},
	{"rmdir", 11, QUIET, 0},
	{"setxattr", 21, PATH, 0},
	{"statfs", 17, PATH, 0},
	{"symlink", 6, LINK, 0},
	{"truncate", 4, PATH, VALID_SIZE},
	{"unlink", 10, PATH, 0},
	{"utimens", 4, PATH, VALID_TIMES},
	{"write", 16, HANDLE, 0},
};

static const struct ft_line no_line = {.text = {"", 0}};

/* "find_branch(): 58: " */
static bool take_function(struct ft_scan *scan, struct ft_bytes *ret_name)
{
	uint64_t number;

	return ft_scan_word(scan, ret_name) && ft_scan_literal(scan, "(): ") &&
	       ft_scan_u64(scan, &number) && ft_scan_literal(scan, ": ");
}

static void skip_function(struct ft_scan *scan)
{
	struct ft_scan at = *scan;
	struct ft_bytes name;

	if (take_function(&at, &name))
		*scan = at;
}

/* "unionfs_getattr(): 195: " */
static const struct operation *take_operation(struct ft_scan *scan)
{
	static const char prefix[] = "unionfs_";
	struct ft_bytes name;

	if (!take_function(scan, &name) || name.length < sizeof(prefix) ||
	    memcmp(name.data, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	name.data += sizeof(prefix) - 1;
	name.length -= sizeof(prefix) - 1;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (ft_bytes_equal(name, ft_bytes_of(operations[i].name)))
			return &operations[i];
	}
	return NULL;
}

/* ---- begins ---- */

static uint64_t begin(struct unionfs *state, const struct operation *operation,
		      struct ft_event *event, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_open_op *op = ft_open_ops_begin(&state->open, operation);

	event->key = op->key;
	event->opcode = operation->opcode;
	event->marks |= op->is_doubtful ? FUSETRACE_OP_SUSPECT : 0;
	if (operation->valid) {
		event->valid = operation->valid;
		event->present |= FT_HAS(VALID);
	}
	ft_sink_begin(sink, line, event);
	return op->key;
}

static void end_unknown(struct unionfs *state, const struct operation *operation,
			struct ft_sink *sink)
{
	struct ft_event event = {.ending = FT_ENDING_UNKNOWN};

	ft_open_ops_tell_end(&state->open, ft_open_ops_find(&state->open, operation, false), &event,
			     &no_line, sink);
}

/* from PATH to PATH: where " to /" stands twice, it cannot be told which of them it is. */
static void take_two(struct ft_bytes text, const struct operation *operation,
		     struct ft_event *event)
{
	static const char sign[] = " to /";
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes from, to;

	if (!ft_scan_literal(&scan, "from ") || !ft_scan_past(&scan, sign, sizeof(sign) - 1, &from))
		return;
	to = (struct ft_bytes){scan.at - 1, (size_t)(scan.end - scan.at) + 1};
	if (memmem(to.data, to.length, sign, sizeof(sign) - 1))
		event->marks |= FUSETRACE_OP_SUSPECT;
	if (operation->kind == LINK) {
		event->target = from;
		event->path = to;
	} else {
		event->path = from;
		event->path2 = to;
	}
}

static void set_descriptor(struct descriptor *descriptor, struct ft_bytes path)
{
	descriptor->length = 0;
	if (!path.data || path.length > FD_PATH_MAX)
		return;
	memcpy(descriptor->path, path.data, path.length);
	descriptor->length = (uint16_t)path.length;
}

/* The begin that was held back for a path that might go on. */
static void pass_on(struct unionfs *state, struct ft_sink *sink)
{
	struct ft_scan scan = {state->start, state->start + state->start_size};
	struct ft_event event = {.present = 0};
	const struct operation *operation;
	uint64_t key;

	if (!state->start_size)
		return;
	state->start_size = 0;
	operation = take_operation(&scan);
	if (!operation)
		return;
	skip_function(&scan); /* another thread's, see take_torn_line() */
	if (operation->kind == TWO || operation->kind == LINK)
		take_two(ft_scan_rest(&scan), operation, &event);
	else
		event.path = ft_scan_rest(&scan);
	key = begin(state, operation, &event, &no_line, sink);
	if (operation->kind == OPENS) {
		set_descriptor(&state->opening, event.path);
		state->opening_key = key;
	}
	if (operation->kind == QUIET)
		end_unknown(state, operation, sink);
}

static int hold(struct unionfs *state, const struct ft_line *line, struct ft_sink *sink)
{
	pass_on(state, sink);
	if (line->text.length > START_MAX)
		return FT_LINE_TAKEN;
	memcpy(state->start, line->text.data, line->text.length);
	state->start_size = line->text.length;
	state->has_cr = line->has_cr;
	if (!ft_sink_has_requests(sink))
		return FT_LINE_PARTIAL;
	pass_on(state, sink);
	return FT_LINE_TAKEN;
}

/* Adds a line to the path; one that would be too long was none. */
static int go_on(struct unionfs *state, const struct ft_line *line, struct ft_sink *sink)
{
	size_t size = state->start_size + state->has_cr + 1 + line->text.length;

	if (size > START_MAX) {
		pass_on(state, sink);
		return FT_LINE_OTHER;
	}
	if (state->has_cr)
		state->start[state->start_size++] = '\r';
	state->start[state->start_size++] = '\n';
	memcpy(state->start + state->start_size, line->text.data, line->text.length);
	state->start_size = size;
	state->has_cr = line->has_cr;
	return FT_LINE_PARTIAL;
}

/* ---- descriptors ---- */

static struct descriptor *descriptor_of(struct unionfs *state, uint64_t fd)
{
	return fd < FDS ? &state->descriptors[fd] : NULL;
}

static void begin_on_descriptor(struct unionfs *state, const struct operation *operation,
				uint64_t fd, const struct ft_line *line, struct ft_sink *sink)
{
	struct descriptor *descriptor = descriptor_of(state, fd);
	struct ft_event event = {.fh = fd, .present = FT_HAS(FH)};

	if (descriptor && descriptor->length)
		event.path = (struct ft_bytes){descriptor->path, descriptor->length};
	begin(state, operation, &event, line, sink);
	if (operation->opcode == 18 && descriptor)
		descriptor->length = 0;
}

/* "fd = 7": which file an operation is about, or, of one that opens it, as what. */
static void take_descriptor(struct unionfs *state, const struct operation *operation, uint64_t fd,
			    const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_open_op *op;
	struct descriptor *descriptor = descriptor_of(state, fd);
	struct ft_event more = {.fh = fd, .present = FT_HAS(FH)};

	if (operation->kind == HANDLE) {
		begin_on_descriptor(state, operation, fd, line, sink);
		return;
	}
	op = ft_open_ops_find(&state->open, operation, false);
	if (descriptor)
		descriptor->length = 0;
	if (!op)
		return;
	if (descriptor && op->key == state->opening_key && !op->is_doubtful)
		*descriptor = state->opening;
	more.key = op->key;
	ft_sink_amend(sink, &more);
}

/* ---- ends ---- */

/* "return -2" */
static void take_return(struct unionfs *state, const struct operation *operation,
			struct ft_scan *scan, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_open_op *op = ft_open_ops_find(&state->open, operation, false);
	bool is_negative = ft_scan_char(scan, '-');
	struct ft_event event = {.present = 0};
	uint64_t number;

	if (!op)
		return;
	if (!ft_scan_u64(scan, &number) || !ft_scan_is_end(scan)) {
		event.ending = FT_ENDING_UNKNOWN;
	} else if (is_negative) {
		event.error = number < 4096 ? (int32_t)number : 0;
	} else if (operation->opcode == 15 || operation->opcode == 16) {
		event.reply_size = number;
		event.present = FT_HAS(REPLY_SIZE);
	}
	ft_open_ops_tell_end(&state->open, op, &event, line, sink);
}

/* ---- the format ---- */

static int take_text(struct unionfs *state, const struct ft_line *line, struct ft_sink *sink);

/* What other functions print: a path in it may hold a newline, and what looks like a record. */
static int take_useless(struct unionfs *state, struct ft_scan *scan, const struct ft_sink *sink)
{
	if (ft_scan_literal(scan, "return ") || ft_sink_has_requests(sink))
		return FT_LINE_TAKEN;
	state->useless_left = START_MAX;
	return FT_LINE_PARTIAL;
}

/* The path of the useless line goes on. */
static bool take_useless_rest(struct unionfs *state, const struct ft_line *line)
{
	size_t length = line->text.length + 1;

	if (state->useless_left < length)
		return false;
	state->useless_left -= length;
	return true;
}

/* "Unknown ioctl: 21505", and behind it the next line: the newline is missing. */
static int take_ioctl(struct unionfs *state, const struct operation *operation,
		      struct ft_scan *scan, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event event = {.present = 0};
	struct ft_line rest = *line;
	uint64_t number;

	if (!ft_scan_literal(scan, "Unknown ioctl: "))
		return FT_LINE_OTHER;
	ft_scan_char(scan, '-');
	if (!ft_scan_u64(scan, &number))
		return FT_LINE_OTHER;
	begin(state, operation, &event, line, sink);
	end_unknown(state, operation, sink);
	rest.text = ft_scan_rest(scan);
	return rest.text.length ? take_text(state, &rest, sink) : FT_LINE_TAKEN;
}

/* "return 0" or "fd = 7": all that an operation's line may say but for paths. */
static bool take_number(struct unionfs *state, const struct operation *operation,
			struct ft_scan *scan, const struct ft_line *line, struct ft_sink *sink)
{
	uint64_t fd;

	if (ft_scan_literal(scan, "return ")) {
		take_return(state, operation, scan, line, sink);
		return true;
	}
	if (!ft_scan_literal(scan, "fd = ") || !ft_scan_u64(scan, &fd) || !ft_scan_is_end(scan))
		return false;
	take_descriptor(state, operation, fd, line, sink);
	return true;
}

/*
 * "unionfs_open(): 371: unionfs_release(): 436: /d/a.txt", and the other text is still to come: a
 * path is of the one that tells paths, else the text is of the second one.
 */
static int take_torn_line(struct unionfs *state, const struct operation *operation,
			  struct ft_bytes text, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct operation *second = take_operation(&scan);
	struct ft_line rest = *line;

	if (second && second->kind == HANDLE && operation->kind != HANDLE &&
	    operation->kind != IOCTL && !ft_scan_is_end(&scan) && *scan.at == '/') {
		state->torn = second;
		return hold(state, line, sink);
	}
	state->torn = operation;
	rest.text = text;
	return take_text(state, &rest, sink);
}

static int take_text(struct unionfs *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	const struct operation *operation = take_operation(&scan);
	struct ft_scan other = operation ? scan : ft_scan_of(line->text);
	struct ft_bytes name;

	if (!operation) /* "from: find_branch():63 path: /d" may have been torn off its function */
		return state->is_seen && (ft_scan_literal(&other, "from: ") ||
					  take_function(&other, &name))
			       ? take_useless(state, &other, sink)
			       : FT_LINE_OTHER;
	state->is_seen = true;
	if (take_function(&other, &name))
		return take_torn_line(state, operation, ft_scan_rest(&scan), line, sink);
	if (operation->kind == IOCTL)
		return take_ioctl(state, operation, &scan, line, sink);
	if (take_number(state, operation, &scan, line, sink) ||
	    ft_scan_literal(&scan, "from branch: "))
		return FT_LINE_TAKEN;
	return hold(state, line, sink);
}

/* The text that was torn off. */
static bool take_torn(struct unionfs *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	const struct operation *operation = state->torn;

	if (!operation || !(ft_scan_literal(&scan, "return ") || ft_scan_literal(&scan, "fd = ")))
		return false;
	state->torn = NULL;
	pass_on(state, sink);
	scan = ft_scan_of(line->text);
	return take_number(state, operation, &scan, line, sink);
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct unionfs *state = data;
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_bytes name;

	if (take_torn(state, line, sink))
		return FT_LINE_TAKEN;
	if (state->start_size) {
		if (!take_function(&scan, &name))
			return go_on(state, line, sink);
		pass_on(state, sink);
	} else if (!take_function(&scan, &name) && take_useless_rest(state, line)) {
		return FT_LINE_PARTIAL;
	}
	state->useless_left = 0;
	return take_text(state, line, sink);
}

static void flush(void *data, struct ft_sink *sink)
{
	pass_on(data, sink);
}

static const char *const begins[] = {NULL};

const struct ft_format ft_format_unionfs = {
	.name = "unionfs",
	.title = "unionfs-fuse's debug file",
	.used_by = "unionfs-fuse",
	.how = "unionfs -o debug_file=FILE",
	.note = "no numbers: operations that overlap are marked suspect, as paths are unquoted",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct unionfs),
	.take = take,
	.flush = flush,
};
