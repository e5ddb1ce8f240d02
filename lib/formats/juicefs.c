/* SPDX-License-Identifier: MIT */
/*
 * JuiceFS's access log, the file .accesslog in the root of the mount: one line at the end of each
 * operation, with the result in front of the error since 1.2, and behind it before that:
 *
 *	2026.11.25 12:59:40.787091 [uid:0,gid:0,pid:7] lookup (1,d): (2,[...]) - OK <0.000304>
 *	2021.01.15 08:26:11.003330 [uid:0,gid:0,pid:4403] write (17669,8666,4993160): OK <0.000010>
 *
 * Names stand between commas as they are; since 1.3 those with control characters, backquotes or
 * bytes that are no UTF-8 are quoted as Go does, without the quotes. What stands around names is of
 * a fixed form, so a record is read from both of its ends. Before 1.3 a name may hold a newline,
 * and behind it a whole record.
 */
#include <errno.h>

#include "base/errno_text.h"
#include "formats.h"
#include "joined.h"
#include "juicefs.h"

/* Two names of 255 bytes or a target of 4095, each byte quoted: more is no record that goes on. */
#define BROKEN_MAX 20000
#define HEAD_LENGTH_MIN 20

#define READ 15
#define RELEASE 18
#define READDIR 28
#define SETLK 32
#define SETLKW 33
#define READDIRPLUS 44

#define TELLS_NODE (FT_JUICEFS_NAMES | FT_JUICEFS_RESULT | FT_JUICEFS_ENTRY)

struct juicefs {
	uint64_t last_key;
	bool is_seen; /* a record was */
	bool releases_handles;
	enum ft_juicefs_quoting quoting;
	struct ft_joined broken; /* a record whose name goes on in the next line */
	struct ft_time broken_time;
};

static const struct ft_juicefs_method methods[] = {
#define METHOD(name, opcode, arguments, behaviour)                                                 \
	{                                                                                          \
		{name, sizeof(name) - 1}, opcode, arguments, behaviour                             \
	}
	METHOD("getattr", 3, "n", 0),
	METHOD("lookup", 1, "na", TELLS_NODE),
	METHOD("read", READ, "nsoh", FT_JUICEFS_COUNT),
	METHOD("write", 16, "nsoh", 0),
	METHOD("open", 14, "nf", 0),
	METHOD("flush", 25, "nh", 0),
	METHOD("release", RELEASE, "nh", 0),
	METHOD("access", 34, "nk", 0),
	METHOD("copy_file_range", 47, "nomosf", 0),
	METHOD("create", 35, "naM", TELLS_NODE),
	METHOD("fallocate", 43, "nkos", 0),
	METHOD("flock", SETLK, "n", FT_JUICEFS_CHANGED),
	METHOD("fsync", 20, "nf", 0),
	METHOD("getlk", 31, "n", 0),
	METHOD("getxattr", 22, "nxs", FT_JUICEFS_NAMES | FT_JUICEFS_RESULT | FT_JUICEFS_COUNT),
	METHOD("ioctl", 39, "nf", 0),
	METHOD("link", 13, "mna", TELLS_NODE),
	METHOD("listxattr", 23, "ns", FT_JUICEFS_COUNT),
	METHOD("mkdir", 9, "naM", TELLS_NODE),
	METHOD("mknod", 8, "naM-", TELLS_NODE),
	METHOD("opendir", 27, "n", 0),
	METHOD("readdir", READDIR, "nso", 0),
	METHOD("readlink", 5, "n", 0),
	METHOD("releasedir", 29, "n", 0),
	METHOD("removexattr", 24, "nx", FT_JUICEFS_NAMES),
	METHOD("rename", 12, "nambf", FT_JUICEFS_NAMES),
	METHOD("rmdir", 11, "na", FT_JUICEFS_NAMES),
	METHOD("setattr", 4, "", 0),
	METHOD("setlk", SETLK, "n", 0),
	METHOD("setxattr", 21, "nxsf", FT_JUICEFS_NAMES),
	METHOD("statfs", 17, "n", 0),
	METHOD("symlink", 6, "nat", TELLS_NODE),
	METHOD("unlink", 10, "na", FT_JUICEFS_NAMES),
#undef METHOD
};

static const struct ft_juicefs_method *find_method(struct ft_bytes word)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (ft_bytes_equal(word, methods[i].name))
			return &methods[i];
	}
	return NULL;
}

/* The last place of text in bytes; NULL: none. */
static const char *find_last(struct ft_bytes bytes, const char *text, size_t length)
{
	const char *at = bytes.data + bytes.length;

	while ((at = memrchr(bytes.data, text[0], (size_t)(at - bytes.data)))) {
		if ((size_t)(bytes.data + bytes.length - at) >= length &&
		    memcmp(at, text, length) == 0)
			return at;
	}
	return NULL;
}

/* ---- records ---- */

/* " <0.000304>": takes it off the end. */
static bool cut_duration(struct ft_bytes *text, uint64_t *ret_duration_ns)
{
	const char *begin = memrchr(text->data, '<', text->length);
	struct ft_scan scan;
	uint64_t seconds, micros;

	if (!begin || begin == text->data || begin[-1] != ' ')
		return false;
	scan = (struct ft_scan){begin + 1, text->data + text->length};
	if (!ft_scan_u64(&scan, &seconds) || !ft_scan_char(&scan, '.') ||
	    ft_scan_left(&scan) != 7 || !ft_scan_u64(&scan, &micros) || !ft_scan_char(&scan, '>') ||
	    !ft_scan_is_end(&scan) || seconds > UINT32_MAX)
		return false;
	text->length = (size_t)(begin - 1 - text->data);
	*ret_duration_ns = seconds * UINT64_C(1000000000) + micros * 1000;
	return true;
}

/* OK, no such file or directory, errno 524 */
static bool take_error(struct ft_bytes text, int *ret_error)
{
	struct ft_scan scan = ft_scan_of(text);
	uint64_t number;

	*ret_error = 0;
	if (ft_bytes_equal(text, FT_BYTES_LITERAL("OK")))
		return true;
	if (ft_scan_literal(&scan, "errno ") && ft_scan_u64(&scan, &number) &&
	    ft_scan_is_end(&scan) && number < 4096)
		*ret_error = (int)number;
	else
		*ret_error = ft_errno_of_text(text);
	return *ret_error != 0;
}

/* (1,d): (2,[...]) - OK */
static bool take_new_form(struct ft_juicefs_record *record, struct ft_bytes text)
{
	const char *sign = find_last(text, " - ", 3);
	const char *end = text.data + text.length;
	const char *close;

	if (!sign ||
	    !take_error((struct ft_bytes){sign + 3, (size_t)(end - sign - 3)}, &record->error))
		return false;
	text.length = (size_t)(sign - text.data);
	if (!(record->method->behaviour & FT_JUICEFS_NAMES))
		close = memchr(text.data, ')', text.length);
	else if (record->method->behaviour & FT_JUICEFS_RESULT)
		close = find_last(text, "):", 2);
	else
		close = text.length && sign[-1] == ')' ? sign - 1 : NULL;
	if (!close)
		return false;
	record->arguments = (struct ft_bytes){text.data, (size_t)(close - text.data)};
	close++;
	close += close < sign && *close == ':';
	record->result = (struct ft_bytes){close, (size_t)(sign - close)};
	return true;
}

/* (1,d): OK (2,[...]) */
static bool take_old_form(struct ft_juicefs_record *record, struct ft_bytes text)
{
	const char *end = text.data + text.length;
	const char *close = record->method->behaviour & FT_JUICEFS_NAMES
				    ? find_last(text, "): ", 3)
				    : memmem(text.data, text.length, "): ", 3);
	const char *error, *behind;

	if (!close)
		return false;
	error = close + 3;
	for (behind = error; behind < end; behind++) {
		if (*behind == ' ' && behind + 1 < end && (behind[1] == '(' || behind[1] == '['))
			break;
	}
	if (!take_error((struct ft_bytes){error, (size_t)(behind - error)}, &record->error))
		return false;
	record->arguments = (struct ft_bytes){text.data, (size_t)(close - text.data)};
	record->result = (struct ft_bytes){behind, (size_t)(end - behind)};
	record->is_old = true;
	return true;
}

/* "[uid:0,gid:0,pid:7] lookup (" */
static bool take_head(struct ft_scan *scan, struct ft_juicefs_record *record)
{
	struct ft_event *event = &record->event;
	struct ft_bytes word;

	if (!ft_scan_literal(scan, "[uid:") || !ft_scan_u32(scan, &event->uid) ||
	    !ft_scan_literal(scan, ",gid:") || !ft_scan_u32(scan, &event->gid) ||
	    !ft_scan_literal(scan, ",pid:") || !ft_scan_u32(scan, &event->pid) ||
	    !ft_scan_literal(scan, "] ") || !ft_scan_word(scan, &word) ||
	    !ft_scan_literal(scan, " ("))
		return false;
	event->present = FT_HAS(UID) | FT_HAS(GID) | FT_HAS(PID);
	record->method = find_method(word);
	return record->method;
}

/* 1.1 tells more of what it releases; 1.3 more of what it reads, and quotes names. */
static void note_version(struct juicefs *state, const struct ft_juicefs_record *record)
{
	struct ft_bytes text = record->arguments;
	size_t commas = 0;

	if (record->method->opcode != READ && record->method->opcode != READDIR &&
	    record->method->opcode != RELEASE)
		return;
	for (size_t i = 0; i < text.length; i++)
		commas += text.data[i] == ',';
	if (record->method->opcode == RELEASE)
		state->releases_handles |= commas > 0;
	else if (!record->is_old && record->result.length > 1 &&
		 record->result.data[1] == '(') /* or a file of its own */
		state->quoting = commas == 3 ? FT_JUICEFS_QUOTED : FT_JUICEFS_RAW;
}

/* SETLKW and READDIRPLUS are told by an argument. */
static uint32_t opcode_of(const struct ft_juicefs_record *record)
{
	struct ft_bytes text = record->arguments;
	uint32_t opcode = record->method->opcode;

	if ((opcode == READDIR || opcode == SETLK) && memmem(text.data, text.length, ",true", 5))
		return opcode == READDIR ? READDIRPLUS : SETLKW;
	return opcode;
}

static void pass_on(struct juicefs *state, struct ft_juicefs_record *record,
		    const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event *begin = &record->event;
	struct ft_line begin_line = *line;
	struct ft_event end = {
		.opcode = FT_OPCODE_OF_BEGIN,
		.error = record->error,
		.duration_ns = record->duration_ns,
	};

	/* The time is that of the end. */
	if (begin_line.time.ns >= record->duration_ns)
		begin_line.time.ns -= record->duration_ns;
	else
		begin_line.time.clock = FT_CLOCK_NONE;
	begin->opcode = opcode_of(record);
	begin->key = end.key = ++state->last_key;
	if (end.error == 0)
		ft_juicefs_result(record, &end);
	ft_sink_begin(sink, &begin_line, begin);
	ft_sink_end(sink, line, &end);
}

static int keep_broken(struct juicefs *state, struct ft_bytes text, const struct ft_line *line)
{
	if (state->quoting == FT_JUICEFS_QUOTED)
		return FT_LINE_OTHER; /* no name goes on there */
	if (text.length + 2 > BROKEN_MAX)
		return FT_LINE_TAKEN;
	if (text.data != state->broken.bytes)
		state->broken_time = line->time;
	return ft_joined_keep(&state->broken, text, line->has_cr);
}

/* From "[uid:" on. */
static int take_text(struct juicefs *state, struct ft_bytes text, const struct ft_line *line,
		     struct ft_sink *sink)
{
	struct ft_juicefs_record record = {.scratch = line->scratch};
	struct ft_scan scan = ft_scan_of(text);
	struct ft_bytes rest;

	if (!take_head(&scan, &record))
		return FT_LINE_OTHER;
	rest = ft_scan_rest(&scan);
	if (!cut_duration(&rest, &record.duration_ns) ||
	    (!take_new_form(&record, rest) && !take_old_form(&record, rest)))
		return keep_broken(state, text, line);
	state->is_seen = true;
	note_version(state, &record);
	if (text.data == state->broken.bytes) /* may have held another record */
		record.event.marks |= FUSETRACE_OP_SUSPECT;
	record.is_first = record.is_old && !state->releases_handles;
	record.quoting = record.is_old ? FT_JUICEFS_RAW : state->quoting;
	ft_juicefs_arguments(&record);
	pass_on(state, &record, line, sink);
	return FT_LINE_TAKEN;
}

/* "2026.11.25 12:59:40.787091 " */
static bool take_time(struct ft_line *line)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_time time;

	if (scan.at[4] != '.' || !ft_scan_time(&scan, &time) || !ft_scan_char(&scan, ' '))
		return false;
	line->time = time;
	line->text = ft_scan_rest(&scan);
	return true;
}

static int take_rest(struct juicefs *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_line first = *line;
	struct ft_bytes whole;

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

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct juicefs *state = data;
	struct ft_line record = *line;

	if (state->broken.size)
		return take_rest(state, line, sink);
	/* printed each second while there is nothing to tell */
	if (state->is_seen && ft_bytes_equal(line->text, FT_BYTES_LITERAL("#")))
		return FT_LINE_TAKEN;
	if (line->text.length < HEAD_LENGTH_MIN)
		return FT_LINE_OTHER;
	if (line->text.data[0] != '[' && !take_time(&record))
		return FT_LINE_OTHER;
	return take_text(state, record.text, &record, sink);
}

static void gap(void *data)
{
	struct juicefs *state = data;

	state->broken.size = 0;
}

static void done(void *data)
{
	struct juicefs *state = data;

	ft_joined_done(&state->broken);
}

static const char *const begins[] = {"[uid:", NULL};

const struct ft_format ft_format_juicefs = {
	.name = "juicefs",
	.title = "JuiceFS access log, 1.0 to 1.4",
	.used_by = "juicefs",
	.how = "cat .accesslog, in the root of the mount, while it runs",
	.note = "written when an operation ends: what hangs is not seen; a slow reader loses lines; "
		"forge-proof since 1.3, which quotes names",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_OFFSET |
		 FUSETRACE_GIVES_PID,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct juicefs),
	.take = take,
	.gap = gap,
	.done = done,
};
