/* SPDX-License-Identifier: MIT */
/*
 * Writes records as JSON lines, without memory of its own and without a library: this runs once
 * for each traced operation. Text is copied in runs of plain bytes; what JSON, a terminal or a
 * JavaScript reader would take for something else is escaped. What may be written and what it
 * means is in json_write.h and docs/json.md.
 */
#include "json_write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <linux/fuse.h>

#include "base/text.h"
#include "op.h"
#include "opcode.h"

/*
 * Up to this one, STATX, an opcode is the first of its name, but for RENAME2; and every reader of
 * version 1 knows its name. A new opcode does not move it.
 */
#define LAST_TOLD_OPCODE 52

/* Where the line goes: at most room bytes of it, but all are counted. */
struct cursor {
	char *at;
	size_t room;
	size_t length;
};

static __attribute__((noinline)) void put_what_fits(struct cursor *cursor, const char *bytes,
						    size_t length)
{
	memcpy(cursor->at, bytes, cursor->room);
	cursor->at += cursor->room;
	cursor->room = 0;
	cursor->length += length;
}

static inline void put(struct cursor *cursor, const char *bytes, size_t length)
{
	if (__builtin_expect(length > cursor->room, 0)) {
		put_what_fits(cursor, bytes, length);
		return;
	}
	memcpy(cursor->at, bytes, length);
	cursor->at += length;
	cursor->room -= length;
	cursor->length += length;
}

#define PUT_LITERAL(cursor, text) put(cursor, text, sizeof(text) - 1)

static void put_word(struct cursor *cursor, const char *word)
{
	put(cursor, word, strlen(word));
}

/* ---- numbers ---- */

static const char digit_pairs[] = "00010203040506070809"
				  "10111213141516171819"
				  "20212223242526272829"
				  "30313233343536373839"
				  "40414243444546474849"
				  "50515253545556575859"
				  "60616263646566676869"
				  "70717273747576777879"
				  "80818283848586878889"
				  "90919293949596979899";

static void put_decimal(struct cursor *cursor, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	while (number >= 100) {
		first -= 2;
		memcpy(digits + first, digit_pairs + number % 100 * 2, 2);
		number /= 100;
	}
	if (number >= 10) {
		first -= 2;
		memcpy(digits + first, digit_pairs + number * 2, 2);
	} else {
		digits[--first] = (char)('0' + number);
	}
	put(cursor, digits + first, sizeof(digits) - first);
}

/* Many readers have no integer beyond 63 bits: what is larger is given as a string. */
static void put_number(struct cursor *cursor, uint64_t number)
{
	if (number <= INT64_MAX) {
		put_decimal(cursor, number);
		return;
	}
	PUT_LITERAL(cursor, "\"");
	put_decimal(cursor, number);
	PUT_LITERAL(cursor, "\"");
}

/* ---- text ---- */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A bit in each byte that is zero. Bytes above one that is zero may be wrong, which is harmless. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - EACH_BYTE(0x01)) & ~word & EACH_BYTE(0x80);
}

/* Whether none of eight bytes is a control character, a quote, a backslash or beyond ASCII. */
static inline bool is_plain_word(uint64_t word)
{
	uint64_t special = (word | (word - EACH_BYTE(0x20))) & EACH_BYTE(0x80);

	special |= zero_bytes(word ^ EACH_BYTE('"'));
	special |= zero_bytes(word ^ EACH_BYTE('\\'));
	special |= zero_bytes(word ^ EACH_BYTE(0x7f));
	return special == 0;
}

static inline bool is_plain_byte(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static size_t plain_run(const char *text, size_t length)
{
	size_t i = 0;
	uint64_t word;

	for (; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (!is_plain_word(word))
			break;
	}
	while (i < length && is_plain_byte((unsigned char)text[i]))
		i++;
	return i;
}

static void put_code_point(struct cursor *cursor, uint32_t code_point)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = {'\\',
			       'u',
			       hex[code_point >> 12 & 15],
			       hex[code_point >> 8 & 15],
			       hex[code_point >> 4 & 15],
			       hex[code_point & 15]};

	put(cursor, escape, sizeof(escape));
}

static void put_special_ascii(struct cursor *cursor, unsigned char byte)
{
	static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
				       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

	if (byte < sizeof(letters) && letters[byte]) {
		const char escape[] = {'\\', letters[byte]};

		put(cursor, escape, sizeof(escape));
		return;
	}
	put_code_point(cursor, byte);
}

/*
 * U+0080 to U+009F can move a terminal's cursor, U+2028 and U+2029 end a line for JavaScript; other
 * characters beyond ASCII stand for themselves. Returns the length of the character, 0 for none.
 */
static size_t put_beyond_ascii(struct cursor *cursor, const char *text, size_t length)
{
	uint32_t code_point;
	size_t used = ft_utf8_decode(text, length, &code_point);

	if (used == 0)
		return 0;
	if (code_point < 0xa0 || code_point == 0x2028 || code_point == 0x2029)
		put_code_point(cursor, code_point);
	else
		put(cursor, text, used);
	return used;
}

/* What is not plain: one byte or one character. Returns its length, 0 if it has no JSON form. */
static size_t put_special(struct cursor *cursor, const char *text, size_t length)
{
	unsigned char byte = (unsigned char)text[0];

	if (byte == '\0')
		return 0;
	if (byte >= 0x80)
		return put_beyond_ascii(cursor, text, length);
	put_special_ascii(cursor, byte);
	return 1;
}

/* The inside of a JSON string. A NUL, or a byte that is no character, becomes U+FFFD: false then.
 */
static bool put_escaped(struct cursor *cursor, const char *text, size_t length)
{
	bool is_exact = true;

	for (;;) {
		size_t used = plain_run(text, length);

		put(cursor, text, used);
		text += used;
		length -= used;
		if (length == 0)
			return is_exact;

		used = put_special(cursor, text, length);
		if (used == 0) {
			PUT_LITERAL(cursor, "\xef\xbf\xbd");
			is_exact = false;
			used = 1;
		}
		text += used;
		length -= used;
	}
}

/* In pieces, so that no name is too long for the stack. */
static void put_base64(struct cursor *cursor, struct ft_bytes bytes)
{
	char text[4 * 64 + 1];

	while (bytes.length > 0) {
		size_t taken = bytes.length < 3 * 64 ? bytes.length : 3 * 64;
		struct ft_bytes piece = {bytes.data, taken};

		put(cursor, text, ft_base64_encode(piece, text, sizeof(text)));
		bytes.data += taken;
		bytes.length -= taken;
	}
}

/*
 * key is `,"path":"` and bytes_key `","path_bytes":"`. A name with a NUL is none: it has no exact
 * form, since a reader would take what stands before the NUL for the whole.
 */
static void put_name(struct cursor *cursor, const char *key, const char *bytes_key,
		     struct ft_bytes name)
{
	put_word(cursor, key);
	if (!put_escaped(cursor, name.data, name.length) && !memchr(name.data, 0, name.length)) {
		put_word(cursor, bytes_key);
		put_base64(cursor, name);
	}
	PUT_LITERAL(cursor, "\"");
}

#define PUT_NAME(cursor, key, name)                                                                \
	put_name(cursor, ",\"" key "\":\"", "\",\"" key "_bytes\":\"", name)

#define PUT_NUMBER(cursor, key, number)                                                            \
	(PUT_LITERAL(cursor, ",\"" key "\":"), put_number(cursor, number))

/* key is `,"status":"`. */
static void put_word_field(struct cursor *cursor, const char *key, const char *word)
{
	if (!word)
		return;
	put_word(cursor, key);
	put_word(cursor, word);
	PUT_LITERAL(cursor, "\"");
}

/* ---- records ---- */

const char *ft_json_kind_word(uint32_t kind)
{
	static const char *const words[] = {
		[FT_JSON_TRACE] = "trace",
		[FT_JSON_LOST] = "lost",
		[FT_JSON_MOUNTED] = "mounted",
		[FT_JSON_UNMOUNTED] = "unmounted",
		[FT_JSON_DAEMON_GONE] = "daemon_gone",
		[FT_JSON_WAIT] = "wait",
	};

	return kind < sizeof(words) / sizeof(words[0]) ? words[kind] : NULL;
}

const char *ft_json_status_word(uint32_t status)
{
	static const char *const words[] = {
		[FUSETRACE_STATUS_STARTED] = "started",
		[FUSETRACE_STATUS_COMPLETED] = "completed",
		[FUSETRACE_STATUS_FAILED] = "failed",
		[FUSETRACE_STATUS_UNKNOWN] = "unknown",
	};

	return status < sizeof(words) / sizeof(words[0]) ? words[status] : NULL;
}

const char *ft_json_source_word(uint32_t source)
{
	static const char *const words[] = {
		[FUSETRACE_SOURCE_KERNEL] = "kernel",
		[FUSETRACE_SOURCE_LOG] = "log",
		[FUSETRACE_SOURCE_REPLAY] = "replay",
	};

	return source < sizeof(words) / sizeof(words[0]) ? words[source] : NULL;
}

/* The row of unknown opcodes has number 0, which is no opcode. */
static bool has_name(uint32_t opcode)
{
	return opcode != 0 && ft_opcode_get(opcode)->number == opcode;
}

bool ft_json_name_tells_opcode(uint32_t opcode)
{
	return opcode != FUSE_RENAME2 && opcode <= LAST_TOLD_OPCODE && has_name(opcode);
}

static void put_op_name(struct cursor *cursor, const struct ft_json_record *record)
{
	uint32_t opcode = record->event.opcode;

	PUT_LITERAL(cursor, ",\"op\":\"");
	if (record->op_name.data) {
		put_escaped(cursor, record->op_name.data, record->op_name.length);
		PUT_LITERAL(cursor, "\"");
		return;
	}
	if (has_name(opcode)) {
		put_word(cursor, ft_opcode_get(opcode)->name);
	} else {
		PUT_LITERAL(cursor, "opcode_");
		put_decimal(cursor, opcode);
	}
	PUT_LITERAL(cursor, "\"");
	if (!ft_json_name_tells_opcode(opcode))
		PUT_NUMBER(cursor, "opcode", opcode);
}

static void put_op(struct cursor *cursor, const struct ft_json_record *record)
{
	uint32_t present = record->event.present;

	if (record->seq > 0)
		PUT_NUMBER(cursor, "seq", record->seq);
	put_op_name(cursor, record);

#define PUT_PRESENT_NAME(field, key, member)                                                       \
	if ((present & FT_HAS(field)) && record->member.data)                                      \
		PUT_NAME(cursor, key, record->member);
	FT_JSON_NAMES(PUT_PRESENT_NAME)
#undef PUT_PRESENT_NAME

	put_word_field(cursor, ",\"status\":\"", ft_json_status_word(record->status));

#define PUT_PRESENT_NUMBER(field, key, member)                                                     \
	if (present & FT_HAS(field))                                                               \
		PUT_NUMBER(cursor, key, (uint64_t)record->member);
	FT_JSON_NUMBERS(PUT_PRESENT_NUMBER)
#undef PUT_PRESENT_NUMBER

#define PUT_MARK(mark, key, member)                                                                \
	if (record->member & FUSETRACE_OP_##mark)                                                  \
		PUT_LITERAL(cursor, ",\"" key "\":true");
	FT_JSON_MARKS(PUT_MARK)
#undef PUT_MARK

	put_word_field(cursor, ",\"source\":\"", ft_json_source_word(record->source));
}

static void put_event(struct cursor *cursor, const struct ft_json_record *record)
{
	put_word_field(cursor, ",\"event\":\"", ft_json_kind_word(record->kind));
	if (record->mount.data)
		PUT_NAME(cursor, "mount", record->mount);
	put_word_field(cursor, ",\"source\":\"", ft_json_source_word(record->source));
#define PUT_PRESENT_NAME(key, member)                                                              \
	if (record->member.data)                                                                   \
		PUT_NAME(cursor, key, record->member);
	FT_JSON_EVENT_NAMES(PUT_PRESENT_NAME)
#undef PUT_PRESENT_NAME

#define PUT_PRESENT_NUMBER(number, key, member)                                                    \
	if (record->has & FT_JSON_HAS_##number)                                                    \
		PUT_NUMBER(cursor, key, record->member);
	FT_JSON_EVENT_NUMBERS(PUT_PRESENT_NUMBER)
#undef PUT_PRESENT_NUMBER
}

size_t ft_json_write(const struct ft_json_record *record, char *buffer, size_t size)
{
	char nowhere[1];
	struct cursor cursor = {size > 0 ? buffer : nowhere, size > 0 ? size - 1 : 0, 0};

	PUT_LITERAL(&cursor, "{\"v\":1");
	if (record->kind == FT_JSON_OP)
		put_op(&cursor, record);
	else
		put_event(&cursor, record);
	PUT_LITERAL(&cursor, "}");
	*cursor.at = '\0';
	return cursor.length;
}

/* ---- operations ---- */

static struct ft_bytes name_if(const struct fusetrace_op *op, uint32_t bit,
			       const struct ft_name *name)
{
	return ft_name_bytes(op->present & bit ? name : NULL);
}

void ft_json_record_of_op(const struct fusetrace_op *op, struct ft_json_record *ret_record)
{
	*ret_record = (struct ft_json_record){
		.kind = FT_JSON_OP,
		.source = op->source,
		.seq = op->seq,
		.start_ns = op->start_ns,
		.duration_ns = op->duration_ns,
		.status = op->status,
		.event =
			{
				.opcode = op->opcode,
				.present = op->present,
				.marks = op->marks,
				.unique = op->unique,
				.nodeid = op->nodeid,
				.pid = op->pid,
				.uid = op->uid,
				.gid = op->gid,
				.nodeid2 = op->other,
				.entry = op->other,
				.fh = op->fh,
				.offset = op->offset,
				.size = op->size,
				.mode = op->mode,
				.flags = op->flags,
				.valid = op->valid,
				.error = op->error,
				.reply_size = op->reply_size,
				.path = name_if(op, FT_HAS(PATH), op->path),
				.path2 = name_if(op, FT_HAS(PATH2), op->path2),
				.name = name_if(op, FT_HAS(NAME), op->name),
				.name2 = name_if(op, FT_HAS(NAME2), op->name2),
				.xattr = name_if(op, FT_HAS(XATTR), op->name),
				.target = name_if(op, FT_HAS(TARGET), op->name2),
			},
	};
}

int fusetrace_op_json(const struct fusetrace_op *op, char *buffer, size_t size)
{
	struct ft_json_record record;
	size_t length;

	if (!op || (!buffer && size > 0))
		return -EINVAL;

	ft_json_record_of_op(op, &record);
	length = ft_json_write(&record, buffer, size);
	return length <= INT_MAX ? (int)length : -EOVERFLOW;
}
