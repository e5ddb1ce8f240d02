/* SPDX-License-Identifier: MIT */
/*
 * What the LoggingMixIn of fusepy prints, with the logger's name before it or without any prefix:
 *
 *	DEBUG:fuse.log-mixin:-> write /d/a.txt (b'hello', 0, 4)
 *	DEBUG:fuse.log-mixin:<- write 5
 *
 * There is no number: an end is that of the newest operation of its name. Paths stand there as they
 * are, so their newlines break the line, and they may imitate records (open_ops.h); the arguments are
 * quoted and can be told from the path, as they are the one tuple that ends with the line.
 */
#include <errno.h>

#include "formats.h"
#include "joined.h"
#include "open_ops.h"
#include "python.h"

/* A path that goes on over lines is no longer than this: PATH_MAX and what stands before it. */
#define BROKEN_MAX 4200

/* FATTR_ bits of linux/fuse.h. */
#define VALID_MODE 1u
#define VALID_UID_GID 6u
#define VALID_SIZE 8u
#define VALID_TIMES 48u

struct arguments {
	struct ft_python values[FT_PYTHON_ITEMS_MAX];
	int count;
};

typedef void arguments_fn(const struct arguments *arguments, struct ft_event *event);

struct operation {
	const char *name;
	uint32_t opcode;
	arguments_fn *take; /* NULL: nothing of interest */
	bool gives_text;    /* a string may be its result, and no message of an error */
};

struct fusepy {
	struct ft_open_ops open;
	bool is_traceback;       /* the line before was one of a traceback */
	struct ft_joined broken; /* a start whose path goes on in the next line */
};

/* ---- arguments ---- */

static bool number_at(const struct arguments *arguments, int index, uint64_t *ret_number)
{
	if (index >= arguments->count || arguments->values[index].kind != 'i' ||
	    arguments->values[index].is_negative)
		return false;
	*ret_number = arguments->values[index].number;
	return true;
}

static void take_u64(const struct arguments *arguments, int index, uint32_t field, uint64_t *to,
		     struct ft_event *event)
{
	if (number_at(arguments, index, to))
		event->present |= field;
}

static void take_u32(const struct arguments *arguments, int index, uint32_t field, uint32_t *to,
		     struct ft_event *event)
{
	uint64_t number;

	if (!number_at(arguments, index, &number))
		return;
	*to = (uint32_t)number;
	event->present |= field;
}

static struct ft_bytes text_at(const struct arguments *arguments, int index)
{
	if (index >= arguments->count || arguments->values[index].kind != 's')
		return (struct ft_bytes){NULL, 0};
	return arguments->values[index].text;
}

static void take_mode(const struct arguments *arguments, struct ft_event *event)
{
	take_u32(arguments, 0, FT_HAS(MODE), &event->mode, event);
}

static void take_flags(const struct arguments *arguments, struct ft_event *event)
{
	take_u32(arguments, 0, FT_HAS(FLAGS), &event->flags, event);
}

static void take_first_fh(const struct arguments *arguments, struct ft_event *event)
{
	take_u64(arguments, 0, FT_HAS(FH), &event->fh, event);
}

static void take_second_fh(const struct arguments *arguments, struct ft_event *event)
{
	take_u64(arguments, 1, FT_HAS(FH), &event->fh, event);
}

static void set_valid(struct ft_event *event, uint32_t valid)
{
	event->valid = valid;
	event->present |= FT_HAS(VALID);
}

static void take_chmod(const struct arguments *arguments, struct ft_event *event)
{
	set_valid(event, VALID_MODE);
	take_mode(arguments, event);
}

static void take_chown(const struct arguments *arguments, struct ft_event *event)
{
	(void)arguments;
	set_valid(event, VALID_UID_GID);
}

static void take_truncate(const struct arguments *arguments, struct ft_event *event)
{
	set_valid(event, VALID_SIZE);
	take_u64(arguments, 0, FT_HAS(SIZE), &event->size, event);
	take_second_fh(arguments, event);
}

static void take_utimens(const struct arguments *arguments, struct ft_event *event)
{
	(void)arguments;
	set_valid(event, VALID_TIMES);
}

static void take_read(const struct arguments *arguments, struct ft_event *event)
{
	take_u64(arguments, 0, FT_HAS(SIZE), &event->size, event);
	take_u64(arguments, 1, FT_HAS(OFFSET), &event->offset, event);
	take_u64(arguments, 2, FT_HAS(FH), &event->fh, event);
}

static void take_write(const struct arguments *arguments, struct ft_event *event)
{
	if (arguments->count && arguments->values[0].kind == 'b') {
		event->size = arguments->values[0].size;
		event->present |= FT_HAS(SIZE);
	}
	take_u64(arguments, 1, FT_HAS(OFFSET), &event->offset, event);
	take_u64(arguments, 2, FT_HAS(FH), &event->fh, event);
}

static void take_rename(const struct arguments *arguments, struct ft_event *event)
{
	event->path2 = text_at(arguments, 0);
}

/* The mix-in's path is the new one. */
static void take_link(const struct arguments *arguments, struct ft_event *event)
{
	event->path2 = event->path;
	event->path = text_at(arguments, 0);
}

static void take_symlink(const struct arguments *arguments, struct ft_event *event)
{
	event->target = text_at(arguments, 0);
}

static void take_xattr(const struct arguments *arguments, struct ft_event *event)
{
	event->xattr = text_at(arguments, 0);
}

static void take_setxattr(const struct arguments *arguments, struct ft_event *event)
{
	event->xattr = text_at(arguments, 0);
	if (arguments->count > 1 && arguments->values[1].kind == 'b') {
		event->size = arguments->values[1].size;
		event->present |= FT_HAS(SIZE);
	}
	take_u32(arguments, 2, FT_HAS(FLAGS), &event->flags, event);
}

static const struct operation operations[] = {
	{"access", 34, take_mode, false},
	{"bmap", 37, NULL, false},
	{"chmod", 4, take_chmod, false},
	{"chown", 4, take_chown, false},
	{"create", 35, take_mode, false},
	{"destroy", 38, NULL, false},
	{"flush", 25, take_first_fh, false},
	{"fsync", 20, take_second_fh, false},
	{"fsyncdir", 30, take_second_fh, false},
	{"getattr", 3, take_first_fh, false},
	{"getxattr", 22, take_xattr, true},
	{"init", 26, NULL, false},
	{"ioctl", 39, NULL, false},
	{"link", 13, take_link, false},
	{"listxattr", 23, NULL, false},
	{"lock", 32, take_first_fh, false},
	{"mkdir", 9, take_mode, false},
	{"mknod", 8, take_mode, false},
	{"open", 14, take_flags, false},
	{"opendir", 27, NULL, false},
	{"read", 15, take_read, false},
	{"readdir", 28, take_first_fh, false},
	{"readlink", 5, NULL, true},
	{"release", 18, take_first_fh, false},
	{"releasedir", 29, take_first_fh, false},
	{"removexattr", 24, take_xattr, false},
	{"rename", 12, take_rename, false},
	{"rmdir", 11, NULL, false},
	{"setxattr", 21, take_setxattr, false},
	{"statfs", 17, NULL, false},
	{"symlink", 6, take_symlink, false},
	{"truncate", 4, take_truncate, false},
	{"unlink", 10, NULL, false},
	{"utimens", 4, take_utimens, false},
	{"write", 16, take_write, false},
};

static const struct operation *take_operation(struct ft_scan *scan)
{
	struct ft_bytes word;

	if (!ft_scan_word(scan, &word))
		return NULL;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(operations[i].name)))
			return &operations[i];
	}
	return NULL;
}

/* ---- starts ---- */

/* PATH (ARGUMENTS): the path ends where what follows is one tuple up to the end of the line. */
static bool take_path(struct ft_bytes text, char *scratch, struct ft_bytes *ret_path,
		      struct arguments *ret_arguments)
{
	const char *end = text.data + text.length;
	const char *limit = text.length > BROKEN_MAX ? text.data + BROKEN_MAX : end;
	const char *at = text.data;

	if (text.length == 0 || end[-1] != ')')
		return false;
	for (; (at = memmem(at, (size_t)(limit - at), " (", 2)); at++) {
		struct ft_scan scan = {at + 1, end};

		ret_arguments->count = ft_python_take_tuple(&scan, scratch, ret_arguments->values);
		if (ret_arguments->count < 0 || !ft_scan_is_end(&scan))
			continue;
		*ret_path = (struct ft_bytes){text.data, (size_t)(at - text.data)};
		return true;
	}
	return false;
}

/* A path that holds a record, or a record that was torn and another one behind it? */
static bool holds_record(struct ft_bytes path)
{
	static const char name[] = "fuse.log-mixin";

	return memchr(path.data, '\n', path.length) &&
	       (memmem(path.data, path.length, name, sizeof(name) - 1) ||
		memmem(path.data, path.length, "\n-> ", 4) ||
		memmem(path.data, path.length, "\n<- ", 4));
}

static int keep_broken(struct fusepy *state, struct ft_bytes text, bool has_cr)
{
	/* no path is that long: a line that was torn */
	return text.length + 2 > BROKEN_MAX ? FT_LINE_TAKEN
					    : ft_joined_keep(&state->broken, text, has_cr);
}

/* op path (arguments) */
static int take_start(struct fusepy *state, struct ft_bytes text, const struct ft_line *line,
		      struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct operation *operation = take_operation(&scan);
	struct ft_event event = {.present = 0};
	struct arguments arguments;
	struct ft_open_op *op;

	if (!operation || !ft_scan_char(&scan, ' '))
		return FT_LINE_OTHER;
	if (ft_scan_is_end(&scan) || *scan.at != '/')
		return FT_LINE_TAKEN; /* no path: the end of a name that imitates a record */
	if (!take_path(ft_scan_rest(&scan), line->scratch, &event.path, &arguments))
		return ft_sink_has_requests(sink) ? FT_LINE_TAKEN
						  : keep_broken(state, text, line->has_cr);
	event.opcode = operation->opcode;
	if (operation->take)
		operation->take(&arguments, &event);
	op = ft_open_ops_begin(&state->open, operation);
	event.key = op->key;
	if (op->is_doubtful || holds_record(event.path))
		event.marks = FUSETRACE_OP_SUSPECT;
	ft_sink_begin(sink, line, &event);
	return FT_LINE_TAKEN;
}

/* The next line of a start whose path has a newline. */
static int take_broken(struct fusepy *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_bytes whole = ft_joined_with(&state->broken, line->text);

	return whole.data ? take_start(state, whole, line, sink) : -ENOMEM;
}

/* ---- ends ---- */

/* '[Errno 2] No such file or directory: ...' */
static bool take_errno(struct ft_bytes text, int32_t *ret_error)
{
	struct ft_scan scan = ft_scan_of(text);
	uint64_t number;

	if (!ft_scan_literal(&scan, "[Errno ") || !ft_scan_u64(&scan, &number) ||
	    !ft_scan_char(&scan, ']') || number == 0 || number > 4095)
		return false;
	*ret_error = (int32_t)number;
	return true;
}

static void take_number_result(const struct operation *operation, const struct ft_python *value,
			       struct ft_event *event)
{
	if (value->is_negative) {
		event->error = value->number < 4096 ? (int32_t)value->number : EINVAL;
	} else if (operation->take == take_write) {
		event->reply_size = value->number;
		event->present |= FT_HAS(REPLY_SIZE);
	} else if (operation->opcode == 14 || operation->opcode == 35) {
		event->fh = value->number;
		event->present |= FT_HAS(FH);
	}
}

/* False: not told yet. */
static bool take_result(const struct operation *operation, const struct ft_python *value,
			struct ft_event *event)
{
	if (value->kind == 'i') {
		take_number_result(operation, value, event);
	} else if (value->kind == 'b') {
		event->reply_size = value->size;
		event->present |= FT_HAS(REPLY_SIZE);
	} else if (value->kind == 's') {
		if (ft_bytes_equal(value->text, FT_BYTES_LITERAL("[Unhandled Exception]")))
			return false;
		if (!take_errno(value->text, &event->error) && !operation->gives_text)
			event->ending = FT_ENDING_UNKNOWN;
	}
	return true;
}

/* op result */
static int take_end(struct fusepy *state, struct ft_bytes text, const struct ft_line *line,
		    struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct operation *operation = take_operation(&scan);
	struct ft_event event = {.present = 0};
	struct ft_python value;
	struct ft_open_op *op;

	if (!operation || !ft_scan_char(&scan, ' '))
		return FT_LINE_OTHER;
	op = ft_open_ops_find(&state->open, operation, false);
	if (!op)
		return FT_LINE_TAKEN;
	if (!ft_python_take(&scan, line->scratch, &value))
		value = (struct ft_python){.kind = '?'};
	if (!take_result(operation, &value, &event)) {
		op->is_waiting = true;
		return FT_LINE_TAKEN;
	}
	/* A link's target may be any text, that of an error too. */
	op->is_doubtful |=
		operation->gives_text && event.error && value.kind == 's' && operation->opcode == 5;
	ft_open_ops_tell_end(&state->open, op, &event, line, sink);
	return FT_LINE_TAKEN;
}

/* Uncaught exception from FUSE operation getattr, returning errno.EINVAL. */
static void take_uncaught(struct fusepy *state, struct ft_scan *scan, const struct ft_line *line,
			  struct ft_sink *sink)
{
	const struct operation *operation = take_operation(scan);
	struct ft_open_op *op = operation ? ft_open_ops_find(&state->open, operation, true) : NULL;
	struct ft_event event = {.error = EINVAL};

	if (op && ft_scan_literal(scan, ", returning errno.EINVAL"))
		ft_open_ops_tell_end(&state->open, op, &event, line, sink);
}

/* ---- the format ---- */

/* Python prints one behind each error: indented lines, and the error itself at last. */
static bool take_traceback(struct fusepy *state, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes word;

	if (ft_scan_literal(&scan, "Traceback (most recent call last):")) {
		state->is_traceback = true;
		return true;
	}
	if (!state->is_traceback)
		return false;
	if (ft_scan_literal(&scan, "  File \""))
		return true;
	if (ft_scan_literal(&scan, "    "))
		return !ft_scan_literal(&scan, "unique: ");
	state->is_traceback = false;
	while (ft_scan_word(&scan, &word) && ft_scan_char(&scan, '.'))
		;
	return scan.at > text.data && ft_scan_literal(&scan, ": ");
}

/* Steps behind "fuse.log-mixin:" and its like, if it stands there. */
static void take_logger(struct ft_scan *scan)
{
	if (!ft_scan_literal(scan, "fuse.log-mixin"))
		return;
	while (!ft_scan_is_end(scan) && *scan->at != '-' && *scan->at != '<' && *scan->at != '/')
		scan->at++;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct fusepy *state = data;
	struct ft_scan scan = ft_scan_of(line->text);

	if (state->broken.size)
		return take_broken(state, line, sink);
	if (ft_scan_is_end(&scan))
		return FT_LINE_OTHER;
	take_logger(&scan);
	if (ft_scan_literal(&scan, "-> "))
		return take_start(state, ft_scan_rest(&scan), line, sink);
	if (ft_scan_literal(&scan, "<- "))
		return take_end(state, ft_scan_rest(&scan), line, sink);
	if (ft_scan_literal(&scan, "Uncaught exception from FUSE operation ")) {
		take_uncaught(state, &scan, line, sink);
		return FT_LINE_TAKEN;
	}
	if (ft_scan_literal(&scan, "FUSE operation ") || take_traceback(state, line->text))
		return FT_LINE_TAKEN;
	return FT_LINE_OTHER;
}

static void gap(void *data)
{
	struct fusepy *state = data;

	state->broken.size = 0;
}

static void done(void *data)
{
	struct fusepy *state = data;

	ft_joined_done(&state->broken);
}

static const char *const begins[] = {"fuse.log-mixin", "FUSE operation ",
				     "Uncaught exception from FUSE operation ", NULL};

const struct ft_format ft_format_fusepy = {
	.name = "fusepy",
	.title = "fusepy's LoggingMixIn",
	.used_by = "filesystems written in Python on fusepy",
	.how = "class Filesystem(LoggingMixIn, Operations) and logging.basicConfig(level=DEBUG)",
	.note = "no numbers: operations that overlap are marked suspect, as paths are unquoted",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_OFFSET,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct fusepy),
	.take = take,
	.gap = gap,
	.done = done,
};
