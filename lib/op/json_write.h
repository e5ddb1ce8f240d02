/* SPDX-License-Identifier: MIT */
/*
 * The JSON form of an operation and of what else a recording tells (docs/json.md): the record that
 * is written and read, the list of its keys, and the writer. json_read.h is the way back.
 */
#ifndef FT_JSON_WRITE_H
#define FT_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct fusetrace_op;

#define FT_JSON_VERSION 1

/* What a line is about. */
#define FT_JSON_OP 0u
#define FT_JSON_TRACE 1u   /* the head of a recording */
#define FT_JSON_LOST 2u    /* events were lost here */
#define FT_JSON_MOUNTED 3u /* ... a mount that was waited for is there */
#define FT_JSON_UNMOUNTED 4u
#define FT_JSON_DAEMON_GONE 5u
#define FT_JSON_WAIT 6u  /* somebody waited for operations, and this came of it */
#define FT_JSON_OTHER 7u /* read only: an event of a later version, to be passed over */

/* Which numbers of an event line are known. */
#define FT_JSON_HAS_MONO_NS (1u << 0)
#define FT_JSON_HAS_REALTIME_NS (1u << 1)
#define FT_JSON_HAS_COUNT (1u << 2)
#define FT_JSON_HAS_PID (1u << 3)
#define FT_JSON_HAS_BEGAN_NS (1u << 4)
#define FT_JSON_HAS_ANSWER (1u << 5)

/* All bytes are borrowed: from the caller by the writer, from the reader by its caller. */
struct ft_json_record {
	uint32_t kind;
	uint32_t source; /* FUSETRACE_SOURCE_; AUTO: not told */

	/* FT_JSON_OP: request and reply in one event. Its key and time_ns are not used. */
	struct ft_event event;
	uint64_t seq; /* 0: none */
	uint64_t start_ns;
	uint64_t duration_ns;
	uint32_t status;         /* FUSETRACE_STATUS_; 0: not told */
	struct ft_bytes op_name; /* instead of the opcode's name, such as "chmod"; writer only */

	/* the other kinds */
	uint32_t has; /* FT_JSON_HAS_ bits */
	uint32_t pid; /* the daemon; of a wait: the thread that waited */
	uint64_t mono_ns;
	uint64_t realtime_ns;
	uint64_t count;          /* events lost */
	struct ft_bytes mount;   /* mountpoint */
	struct ft_bytes version; /* of the fusetrace that wrote the recording */
	uint64_t began_ns;       /* a wait, which ended at mono_ns */
	uint64_t answer;         /* seq of the operation that answered it last */
	struct ft_bytes label;
	struct ft_bytes waited_for;
	struct ft_bytes verdict;
};

/*
 * The keys of an operation in the order in which they are written, after v, seq, op and opcode:
 * the names, status, the numbers, the marks, source. X(FIELD or MARK, key, member of the record).
 */
#define FT_JSON_NAMES(X)                                                                           \
	X(PATH, "path", event.path)                                                                \
	X(PATH2, "path2", event.path2)                                                             \
	X(NAME, "name", event.name)                                                                \
	X(NAME2, "name2", event.name2)                                                             \
	X(XATTR, "xattr", event.xattr)                                                             \
	X(TARGET, "target", event.target)

#define FT_JSON_NUMBERS(X)                                                                         \
	X(ERRNO, "errno", event.error)                                                             \
	X(START_NS, "start_ns", start_ns)                                                          \
	X(DURATION_NS, "duration_ns", duration_ns)                                                 \
	X(PID, "pid", event.pid)                                                                   \
	X(UID, "uid", event.uid)                                                                   \
	X(GID, "gid", event.gid)                                                                   \
	X(UNIQUE, "unique", event.unique)                                                          \
	X(NODEID, "nodeid", event.nodeid)                                                          \
	X(ENTRY, "entry", event.entry)                                                             \
	X(NODEID2, "nodeid2", event.nodeid2)                                                       \
	X(FH, "fh", event.fh)                                                                      \
	X(OFFSET, "offset", event.offset)                                                          \
	X(SIZE, "size", event.size)                                                                \
	X(REPLY_SIZE, "reply_size", event.reply_size)                                              \
	X(MODE, "mode", event.mode)                                                                \
	X(FLAGS, "flags", event.flags)                                                             \
	X(VALID, "valid", event.valid)

#define FT_JSON_MARKS(X)                                                                           \
	X(PROBE, "probe", event.marks)                                                             \
	X(UNLINKED, "unlinked", event.marks)                                                       \
	X(SUSPECT, "suspect", event.marks)                                                         \
	X(TRUNCATED, "truncated", event.marks)

/* Likewise of the other kinds, after v and event: the names, with source behind the first, then these. */
#define FT_JSON_EVENT_NUMBERS(X)                                                                   \
	X(COUNT, "count", count)                                                                   \
	X(PID, "pid", pid)                                                                         \
	X(MONO_NS, "mono_ns", mono_ns)                                                             \
	X(REALTIME_NS, "realtime_ns", realtime_ns)                                                 \
	X(BEGAN_NS, "began_ns", began_ns)                                                          \
	X(ANSWER, "answer", answer)

#define FT_JSON_EVENT_NAMES(X)                                                                     \
	X("fusetrace", version)                                                                    \
	X("label", label)                                                                          \
	X("waited_for", waited_for)                                                                \
	X("verdict", verdict)

/* The words of the schema, NULL for a number that has none. Static. */
const char *ft_json_kind_word(uint32_t kind);
const char *ft_json_status_word(uint32_t status);
const char *ft_json_source_word(uint32_t source);

/* Whether a reader finds this very opcode by its name alone; else "opcode" is written beside it. */
bool ft_json_name_tells_opcode(uint32_t opcode);

/* The operation as a record, with bytes borrowed from op. */
void ft_json_record_of_op(const struct fusetrace_op *op, struct ft_json_record *ret_record);

/*
 * The record as one line without a newline. Writes at most size bytes with a final NUL and returns
 * the length that the line has, whatever size is; buffer may be NULL when size is 0.
 */
size_t ft_json_write(const struct ft_json_record *record, char *buffer, size_t size);

#endif
