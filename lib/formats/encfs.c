/* SPDX-License-Identifier: MIT */
/*
 * What encfs -v prints, behind a date and a level, with the place in its source at the end:
 *
 *	op: getattr : /srv/encrypted/CjTE8qs5ulnSt4dVo8MRG-4Y [encfs.cpp:156]
 *	op: getattr error: No such file or directory [encfs.cpp:186]
 *	rename /srv/encrypted/AbC -> /srv/encrypted/dEf [DirNode.cpp:566]
 *
 * An operation that succeeds says no more, so it ends as unknown when the next one begins. Names are
 * encrypted ones, which no user can choose; the folder that they are in is cut off.
 */
#include "base/errno_text.h"
#include "formats.h"

#define ROOT_MAX 1024

struct encfs {
	uint64_t last_key;
	const char *name;    /* of the operation in flight; NULL: none */
	char root[ROOT_MAX]; /* the encrypted folder, with a '/' at its end */
	size_t root_length;
};

/* FATTR_ bits of linux/fuse.h. */
#define VALID_MODE 1u
#define VALID_UID_GID 6u
#define VALID_SIZE 8u
#define VALID_TIMES 48u

static const struct operation {
	const char *name;
	uint32_t opcode;
	uint32_t valid;
} operations[] = {
	{"chmod", 4, VALID_MODE},
	{"chown", 4, VALID_UID_GID},
	{"fgetattr", 3, 0},
	{"flush", 25, 0},
	{"fsync", 20, 0},
	{"ftruncate", 4, VALID_SIZE},
	{"getattr", 3, 0},
	{"getxattr", 22, 0},
	{"link", 13, 0},
	{"listxattr", 23, 0},
	{"mkdir", 9, 0},
	{"mknod", 8, 0},
	{"open", 14, 0},
	{"read", 15, 0},
	{"readdir", 28, 0},
	{"readlink", 5, 0},
	{"release", 18, 0},
	{"removexattr", 24, 0},
	{"rename", 12, 0},
	{"rmdir", 11, 0},
	{"setxattr", 21, 0},
	{"statfs", 17, 0},
	{"symlink", 6, 0},
	{"truncate", 4, VALID_SIZE},
	{"unlink", 10, 0},
	{"utime", 4, VALID_TIMES},
	{"utimens", 4, VALID_TIMES},
	{"write", 16, 0},
};

static const struct operation *find_operation(struct ft_bytes word)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(operations[i].name)))
			return &operations[i];
	}
	return NULL;
}

/* Cuts off " [encfs.cpp:156]". */
static bool cut_place(struct ft_scan *scan)
{
	const char *bracket = memrchr(scan->at, '[', ft_scan_left(scan));

	if (!bracket || bracket == scan->at || bracket[-1] != ' ' || scan->end[-1] != ']' ||
	    !memmem(bracket, (size_t)(scan->end - bracket), ".cpp:", 5))
		return false;
	scan->end = bracket - 1;
	return true;
}

static void end_last(struct encfs *state, const struct ft_line *line, struct ft_sink *sink,
		     int error)
{
	struct ft_event end = {
		.key = state->last_key,
		.opcode = FT_OPCODE_OF_BEGIN,
		.error = error,
		.ending = error ? FT_ENDING_RESULT : FT_ENDING_UNKNOWN,
	};

	if (state->name)
		ft_sink_end(sink, line, &end);
	state->name = NULL;
}

/* In the mount, as far as that is known: /srv/encrypted/X is /X. */
static struct ft_bytes path_in_mount(const struct encfs *state, struct ft_bytes path)
{
	size_t cut = state->root_length ? state->root_length - 1 : 0;

	if (cut && path.length == cut && memcmp(path.data, state->root, cut) == 0)
		return FT_BYTES_LITERAL("/");
	if (cut && path.length > cut && memcmp(path.data, state->root, state->root_length) == 0)
		return (struct ft_bytes){path.data + cut, path.length - cut};
	return path;
}

static void begin(struct encfs *state, const struct operation *operation, struct ft_event *event,
		  const struct ft_line *line, struct ft_sink *sink)
{
	end_last(state, line, sink, 0);
	state->name = operation->name;
	event->key = ++state->last_key;
	event->opcode = operation->opcode;
	if (operation->valid) {
		event->valid = operation->valid;
		event->present |= FT_HAS(VALID);
	}
	ft_sink_begin(sink, line, event);
}

/* "op: getattr : PATH" or "op: getattr error: TEXT" */
static bool take_op(struct encfs *state, struct ft_scan *scan, const struct ft_line *line,
		    struct ft_sink *sink)
{
	const struct operation *operation;
	struct ft_event event = {.present = 0};
	struct ft_bytes word;

	if (!ft_scan_word(scan, &word))
		return false;
	operation = find_operation(word);
	if (!operation)
		return false;
	if (ft_scan_literal(scan, " error: ")) {
		int error = ft_errno_of_text(ft_scan_rest(scan));

		/* of another one: two threads */
		if (error && state->name == operation->name)
			end_last(state, line, sink, error);
		return true;
	}
	if (!ft_scan_literal(scan, " : "))
		return false;
	event.path = path_in_mount(state, ft_scan_rest(scan));
	begin(state, operation, &event, line, sink);
	return true;
}

/* "PATH, mode 33188, dev 0" */
static void cut_mode(struct ft_scan *scan, struct ft_event *event)
{
	static const char sign[] = ", mode ";
	struct ft_scan mode = *scan;
	struct ft_bytes path;

	if (!ft_scan_past(&mode, sign, sizeof(sign) - 1, &path) ||
	    !ft_scan_u32(&mode, &event->mode))
		return;
	event->present |= FT_HAS(MODE);
	scan->end = path.data + path.length;
}

static bool has_two_names(const struct operation *operation)
{
	return operation->opcode == 6 || operation->opcode == 12 || operation->opcode == 13;
}

/* "rename PATH -> PATH", "link PATH -> PATH", "symlink PATH -> TARGET" */
static bool take_two(struct encfs *state, const struct operation *operation, struct ft_scan *scan,
		     const struct ft_line *line, struct ft_sink *sink)
{
	static const char sign[] = " -> ";
	struct ft_event event = {.present = 0};
	struct ft_bytes first;

	if (ft_scan_is_end(scan) || *scan->at != '/' ||
	    !ft_scan_past(scan, sign, sizeof(sign) - 1, &first))
		return false;
	event.path = path_in_mount(state, first);
	if (operation->opcode == 6)
		event.target = ft_scan_rest(scan);
	else
		event.path2 = path_in_mount(state, ft_scan_rest(scan));
	begin(state, operation, &event, line, sink);
	return true;
}

/* "encfs_open for PATH, flags 33345", "doing statfs of PATH" */
static bool take_for(struct encfs *state, struct ft_scan *scan, const struct ft_line *line,
		     struct ft_sink *sink)
{
	static const char sign[] = ", flags ";
	struct ft_event event = {.present = 0};
	struct ft_scan flags;
	struct ft_bytes path;

	if (ft_scan_literal(scan, "doing statfs of ")) {
		event.path = path_in_mount(state, ft_scan_rest(scan));
		begin(state, find_operation(FT_BYTES_LITERAL("statfs")), &event, line, sink);
		return true;
	}
	if (!ft_scan_literal(scan, "encfs_open for "))
		return false;
	flags = *scan;
	if (!ft_scan_past(&flags, sign, sizeof(sign) - 1, &path) ||
	    !ft_scan_u32(&flags, &event.flags))
		return false;
	event.present |= FT_HAS(FLAGS);
	event.path = path_in_mount(state, path);
	begin(state, find_operation(FT_BYTES_LITERAL("open")), &event, line, sink);
	return true;
}

/* "mkdir on PATH", "unlink PATH": the latter without the folder. */
static bool take_own(struct encfs *state, struct ft_scan *scan, const struct ft_line *line,
		     struct ft_sink *sink)
{
	const struct operation *operation;
	struct ft_event event = {.present = 0};
	struct ft_bytes word;
	bool is_whole;

	if (!ft_scan_word(scan, &word) || !ft_scan_char(scan, ' '))
		return false;
	is_whole = ft_scan_literal(scan, "on ");
	operation = find_operation(word);
	if (operation && has_two_names(operation))
		return !is_whole && take_two(state, operation, scan, line, sink);
	if (!operation || is_whole == (operation->opcode == 10))
		return false;
	cut_mode(scan, &event);
	if (is_whole) {
		event.path = path_in_mount(state, ft_scan_rest(scan));
	} else {
		event.path = (struct ft_bytes){line->scratch, ft_scan_left(scan) + 1};
		line->scratch[0] = '/';
		memcpy(line->scratch + 1, scan->at, ft_scan_left(scan));
	}
	begin(state, operation, &event, line, sink);
	return true;
}

static void take_root(struct encfs *state, struct ft_bytes root)
{
	if (root.length == 0 || root.length > ROOT_MAX || root.data[root.length - 1] != '/')
		return;
	memcpy(state->root, root.data, root.length);
	state->root_length = root.length;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct encfs *state = data;
	struct ft_scan scan = ft_scan_of(line->text);

	if (line->text.length < 8 || !cut_place(&scan))
		return FT_LINE_OTHER;
	if (ft_scan_literal(&scan, "Root directory: ")) {
		take_root(state, ft_scan_rest(&scan));
		return FT_LINE_TAKEN;
	}
	if (ft_scan_literal(&scan, "op: "))
		return take_op(state, &scan, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	if (take_for(state, &scan, line, sink))
		return FT_LINE_TAKEN;
	return take_own(state, &scan, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
}

static const char *const begins[] = {
	"op: ",     "mkdir on /", "mknod on /", "readdir on /",     "Root directory: ",  "unlink ",
	"rename /", "link /",     "symlink /",  "encfs_open for /", "doing statfs of /", NULL};

const struct ft_format ft_format_encfs = {
	.name = "encfs",
	.title = "encfs 1.9",
	.used_by = "encfs",
	.how = "encfs -f -v",
	.note = "names are encrypted; only failures have an end; with -d, libfuse's text tells all",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_TIME,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct encfs),
	.take = take,
};
