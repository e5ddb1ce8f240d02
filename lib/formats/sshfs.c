/* SPDX-License-Identifier: MIT */
/*
 * What sshfs 3 prints of the SFTP messages that it exchanges with the server:
 *
 *	[00003] MKDIR
 *	  [00003]         STATUS       28bytes (4ms)
 *
 * These are no FUSE requests: a READ of the kernel may become four of SFTP, an LSTAT belongs to a
 * lookup, an open or an attribute, and what the cache answers is not seen at all. Only the messages
 * that sshfs sends once for each request of one kind are operations here; the others are known, and
 * left out. A STATUS is printed without its code: it may be a success or a failure. What brings
 * data is a success.
 */
#include "base/scan.h"
#include "formats.h"

#define MILLISECOND_NS UINT64_C(1000000)

#define STATFS 17

static const struct message {
	const char *name;
	uint32_t opcode; /* 0: may belong to several, or to none */
} messages[] = {
	{"LSTAT", 0}, {"OPEN", 0},     {"READ", 0},    {"WRITE", 0},    {"CLOSE", 0},
	{"FSTAT", 0}, {"READDIR", 0},  {"OPENDIR", 0}, {"SETSTAT", 0},  {"FSETSTAT", 0},
	{"MKDIR", 9}, {"RMDIR", 11},   {"REMOVE", 10}, {"SYMLINK", 6},  {"READLINK", 5},
	{"STAT", 0},  {"EXTENDED", 0}, {"RENAME", 0},  {"REALPATH", 0}, {"INIT", 0},
};

static const char *const replies[] = {"STATUS", "HANDLE", "DATA",
				      "NAME",   "ATTRS",  "EXTENDED_REPLY"};

/* "[00003] ", five digits or more */
static bool take_id(struct ft_scan *scan, uint64_t *ret_id)
{
	const char *begin = scan->at + 1;

	return ft_scan_char(scan, '[') && ft_scan_u64(scan, ret_id) && scan->at - begin >= 5 &&
	       ft_scan_literal(scan, "] ");
}

static int take_request(struct ft_scan *scan, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event event = {.present = 0};
	struct ft_bytes word;

	if (!take_id(scan, &event.key) || !ft_scan_word(scan, &word) || !ft_scan_is_end(scan))
		return FT_LINE_OTHER;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (!ft_bytes_equal(word, ft_bytes_of(messages[i].name)))
			continue;
		event.opcode = messages[i].opcode;
		if (event.opcode)
			ft_sink_begin(sink, line, &event);
		return FT_LINE_TAKEN;
	}
	return FT_LINE_OTHER;
}

static bool is_reply(struct ft_bytes word)
{
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(replies[i])))
			return true;
	}
	return false;
}

/* EXTENDED is a rename, a link, an fsync or a statfs; only the last one is answered with data. */
static void begin_statfs(uint64_t key, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event event = {.key = key, .opcode = STATFS};

	ft_sink_begin(sink, line, &event);
}

/* "  [00003]         STATUS       28bytes (4ms)" */
static int take_reply(struct ft_scan *scan, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_event event = {.opcode = FT_OPCODE_OF_BEGIN};
	uint64_t size, milliseconds;
	struct ft_bytes word;

	if (!take_id(scan, &event.key))
		return FT_LINE_OTHER;
	ft_scan_chars(scan, ' '); /* the longest word leaves no room for any */
	if (!ft_scan_word(scan, &word) || !is_reply(word) || !ft_scan_chars(scan, ' ') ||
	    !ft_scan_u64(scan, &size) || !ft_scan_literal(scan, "bytes (") ||
	    !ft_scan_u64(scan, &milliseconds) || !ft_scan_literal(scan, "ms)") ||
	    !ft_scan_is_end(scan))
		return FT_LINE_OTHER;
	if (ft_bytes_equal(word, FT_BYTES_LITERAL("EXTENDED_REPLY")))
		begin_statfs(event.key, line, sink);
	if (ft_bytes_equal(word, FT_BYTES_LITERAL("STATUS")))
		event.ending = FT_ENDING_UNKNOWN;
	if (milliseconds < UINT64_MAX / MILLISECOND_NS)
		event.duration_ns = milliseconds * MILLISECOND_NS; /* 0: less than one */
	ft_sink_end(sink, line, &event);
	return FT_LINE_TAKEN;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);

	if (ft_scan_is_end(&scan))
		return FT_LINE_OTHER;
	if (*scan.at == '[')
		return take_request(&scan, line, sink);
	return ft_scan_literal(&scan, "  ") ? take_reply(&scan, line, sink) : FT_LINE_OTHER;
}

/* Nothing is printed before them. */
static const char *const begins[] = {NULL};

const struct ft_format ft_format_sshfs = {
	.name = "sshfs",
	.title = "sshfs 3, SFTP messages",
	.used_by = "sshfs",
	.how = "-d or -o sshfs_debug",
	.note = "only mkdir, rmdir, unlink, symlink, readlink and statfs, without names: the other "
		"messages are no requests of the kernel; the first four end, but nothing tells how; "
		"durations in whole milliseconds",
	.gives = FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_DURATION | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = 1, /* it remembers nothing */
	.take = take,
};
