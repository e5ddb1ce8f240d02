/* SPDX-License-Identifier: MIT */
/*
 * The table of opcodes, as of FUSE 7.45, and the questions that only need the table: names and
 * what a name selects. Offsets are numbers and not offsetof() of <linux/fuse.h>, because the
 * installed header may be older than the kernel; opcode_test.c compares the two. A new opcode is a
 * new row. How rows are applied to bytes is wire.c.
 */
#include "opcode.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* FATTR_ bits of struct fuse_setattr_in, by the names of <linux/fuse.h>. */
#define VALID_MODE (1u << 0)
#define VALID_UID (1u << 1)
#define VALID_GID (1u << 2)
#define VALID_SIZE (1u << 3)
#define VALID_ATIME (1u << 4)
#define VALID_MTIME (1u << 5)
#define VALID_FH (1u << 6)
#define VALID_ATIME_NOW (1u << 7)
#define VALID_MTIME_NOW (1u << 8)

/* getattr_flags of struct fuse_getattr_in and fuse_statx_in. */
#define GETATTR_FH (1u << 0)

/* clang-format off */
#define NAME FT_OPCODE_NAME
#define ENTRY FT_OPCODE_ENTRY
#define OPENS FT_OPCODE_OPENS
#define CLOSES FT_OPCODE_CLOSES
#define NO_REPLY FT_OPCODE_NO_REPLY
#define UNTIMED FT_OPCODE_UNTIMED
#define NO_PATH FT_OPCODE_NO_PATH
#define PAYLOAD FT_OPCODE_PAYLOAD
#define XATTR FT_OPCODE_XATTR
#define ASKS_SIZE FT_OPCODE_ASKS_SIZE

/* A field: name without FUSETRACE_FIELD_, width, offset. */
#define F(field_, width_, offset_) {FUSETRACE_FIELD_##field_, (width_), (offset_), 0}
#define F_IF(bits_, field_, width_, offset_) \
	{FUSETRACE_FIELD_##field_, (width_), (offset_), (bits_)}
/* The fixed part: size, fields. */
#define IN(size_, ...) .request = {(size_), 0, {__VA_ARGS__}}
#define IN_OR_SHORT(size_, short_, ...) .request = {(size_), (short_), {__VA_ARGS__}}
#define OUT(size_, ...) .reply = {(size_), 0, {__VA_ARGS__}}

/* struct fuse_entry_out; its mode is that of the struct fuse_attr at 40. */
#define ENTRY_FIELDS F(ENTRY, 8, 0), {FT_WIRE_ENTRY_MODE, 4, 100, 0}
#define ENTRY_OUT OUT(128, ENTRY_FIELDS)
/* ... followed by struct fuse_open_out. */
#define CREATE_OUT OUT(144, ENTRY_FIELDS, F(FH, 8, 128))
#define OPEN_OUT OUT(16, F(FH, 8, 0))
#define OPEN_IN IN(8, F(FLAGS, 4, 0))
/* Short: create and mknod before 7.12, setxattr without FUSE_SETXATTR_EXT. */
#define CREATE_IN IN_OR_SHORT(16, 8, F(FLAGS, 4, 0), F(MODE, 4, 4))
#define RELEASE_IN IN(24, F(FH, 8, 0), F(FLAGS, 4, 8))
/* fuse_read_in and fuse_write_in are alike. */
#define READ_IN IN(40, F(FH, 8, 0), F(OFFSET, 8, 8), F(SIZE, 4, 16), F(FLAGS, 4, 32))
#define FSYNC_IN IN(16, F(FH, 8, 0), F(FLAGS, 4, 8))
#define GETXATTR_IN IN(8, F(SIZE, 4, 0))
/* flags is the type of the lock. */
#define LK_IN IN(48, F(FH, 8, 0), F(OFFSET, 8, 16), {FT_WIRE_LOCK_END, 8, 24, 0}, F(FLAGS, 4, 32))
/* fh and offset of the source; nodeid2 is the target. */
#define COPY_IN \
	IN(56, F(FH, 8, 0), F(OFFSET, 8, 8), F(NODEID2, 8, 16), F(SIZE, 8, 40), F(FLAGS, 8, 48))

/* CUSE counts from 4096 and folds onto the slots of numbers that FUSE leaves free. */
#define SLOT(number_) ((number_) & 0xfff)
#define ROW(number_, name_, behaviour_, ...) \
	[SLOT(number_)] = {.number = (number_), .name = (name_), .behaviour = (behaviour_), \
		__VA_ARGS__}

static const struct ft_opcode table[] = {
	ROW(1, "lookup", NAME | ENTRY, ENTRY_OUT),
	ROW(2, "forget", NO_REPLY | UNTIMED, IN(8)),
	ROW(3, "getattr", 0, IN(16, F_IF(GETATTR_FH, FH, 8, 8))),
	ROW(4, "setattr", 0, IN(88, F(VALID, 4, 0), F_IF(VALID_FH, FH, 8, 8),
		F_IF(VALID_SIZE, SIZE, 8, 16), F_IF(VALID_MODE, MODE, 4, 68))),
	ROW(5, "readlink", PAYLOAD),
	ROW(6, "symlink", NAME | FT_OPCODE_TARGET | ENTRY, ENTRY_OUT),
	ROW(8, "mknod", NAME | ENTRY, IN_OR_SHORT(16, 8, F(MODE, 4, 0)), ENTRY_OUT),
	ROW(9, "mkdir", NAME | ENTRY, IN(8, F(MODE, 4, 0)), ENTRY_OUT),
	ROW(10, "unlink", NAME | FT_OPCODE_REMOVES),
	ROW(11, "rmdir", NAME | FT_OPCODE_REMOVES),
	ROW(12, "rename", NAME | FT_OPCODE_NAME2, IN(8, F(NODEID2, 8, 0))),
	/* The name is the new one, in the directory nodeid; nodeid2 is the file. */
	ROW(13, "link", NAME | ENTRY, IN(8, F(NODEID2, 8, 0)), ENTRY_OUT),
	ROW(14, "open", OPENS, OPEN_IN, OPEN_OUT),
	ROW(15, "read", PAYLOAD, READ_IN),
	ROW(16, "write", 0, READ_IN, OUT(8, F(REPLY_SIZE, 4, 0))),
	ROW(17, "statfs", UNTIMED),
	ROW(18, "release", CLOSES, RELEASE_IN),
	ROW(20, "fsync", 0, FSYNC_IN),
	ROW(21, "setxattr", XATTR, IN_OR_SHORT(16, 8, F(SIZE, 4, 0), F(FLAGS, 4, 4))),
	ROW(22, "getxattr", XATTR | PAYLOAD | ASKS_SIZE, GETXATTR_IN),
	ROW(23, "listxattr", PAYLOAD | ASKS_SIZE, GETXATTR_IN),
	ROW(24, "removexattr", XATTR),
	ROW(25, "flush", 0, IN(24, F(FH, 8, 0))),
	ROW(26, "init", NO_PATH, IN(64, F(FLAGS, 4, 12))),
	ROW(27, "opendir", OPENS, OPEN_IN, OPEN_OUT),
	ROW(28, "readdir", PAYLOAD, READ_IN),
	ROW(29, "releasedir", CLOSES, RELEASE_IN),
	ROW(30, "fsyncdir", 0, FSYNC_IN),
	ROW(31, "getlk", 0, LK_IN),
	ROW(32, "setlk", 0, LK_IN),
	ROW(33, "setlkw", UNTIMED, LK_IN),
	ROW(34, "access", 0, IN(8, F(MODE, 4, 0))),
	ROW(35, "create", NAME | ENTRY | OPENS, CREATE_IN, CREATE_OUT),
	ROW(36, "interrupt", NO_REPLY | UNTIMED | NO_PATH, IN(8)),
	ROW(37, "bmap", 0, IN(16)),
	ROW(38, "destroy", NO_PATH),
	/* flags is the command, size the room for its result. */
	ROW(39, "ioctl", PAYLOAD, IN(32, F(FH, 8, 0), F(FLAGS, 4, 12), F(SIZE, 4, 28)), OUT(16)),
	/* flags are the events. */
	ROW(40, "poll", UNTIMED, IN(24, F(FH, 8, 0), F(FLAGS, 4, 20))),
	ROW(41, "notify_reply", NO_REPLY | UNTIMED, IN(40, F(OFFSET, 8, 8), F(SIZE, 4, 16))),
	ROW(42, "batch_forget", NO_REPLY | UNTIMED | NO_PATH, IN(8)),
	ROW(43, "fallocate", 0,
		IN(32, F(FH, 8, 0), F(OFFSET, 8, 8), F(SIZE, 8, 16), F(MODE, 4, 24))),
	ROW(44, "readdirplus", PAYLOAD, READ_IN),
	ROW(45, "rename", NAME | FT_OPCODE_NAME2, IN(16, F(NODEID2, 8, 0), F(FLAGS, 4, 8)),
		.kernel_name = "rename2"),
	/* flags is the whence. */
	ROW(46, "lseek", 0, IN(24, F(FH, 8, 0), F(OFFSET, 8, 8), F(FLAGS, 4, 16)),
		OUT(8, F(OFFSET, 8, 0))),
	ROW(47, "copy_file_range", 0, COPY_IN, OUT(8, F(REPLY_SIZE, 4, 0))),
	ROW(48, "setupmapping", 0,
		IN(40, F(FH, 8, 0), F(OFFSET, 8, 8), F(SIZE, 8, 16), F(FLAGS, 8, 24))),
	ROW(49, "removemapping", 0, IN(4)),
	ROW(50, "syncfs", 0, IN(8)),
	/* Its name is always "/": there is none to learn. nodeid is the directory. */
	ROW(51, "tmpfile", ENTRY | OPENS, CREATE_IN, CREATE_OUT),
	/* valid is the mask of STATX_ bits. */
	ROW(52, "statx", 0, IN(24, F_IF(GETATTR_FH, FH, 8, 8), F(FLAGS, 4, 16), F(VALID, 4, 20))),
	ROW(53, "copy_file_range", 0, COPY_IN, OUT(8, F(REPLY_SIZE, 8, 0)),
		.kernel_name = "copy_file_range_64"),
	ROW(4096, "cuse_init", NO_PATH, IN(16, F(FLAGS, 4, 12))),
};
/* clang-format on */

static const struct ft_opcode unknown_opcode = {.name = "unknown"};

/* Names that select SETATTR by what it sets. */
#define SETATTR 4u
static const struct alias {
	const char *name;
	uint32_t valid;
} aliases[] = {
	{"chmod", VALID_MODE},
	{"chown", VALID_UID | VALID_GID},
	{"truncate", VALID_SIZE},
	{"utimens", VALID_ATIME | VALID_MTIME | VALID_ATIME_NOW | VALID_MTIME_NOW},
};

/* What people write when they think of the call and not of the request. */
static const struct usual_word {
	const char *word;
	const char *name;
} usual_words[] = {
	{"close", "release"},     {"closedir", "releasedir"}, {"delete", "unlink"},
	{"fchmod", "chmod"},      {"fchown", "chown"},        {"fdatasync", "fsync"},
	{"fstat", "getattr"},     {"ftruncate", "truncate"},  {"getdents", "readdir"},
	{"list", "readdir"},      {"lock", "setlk"},          {"ls", "readdir"},
	{"lstat", "getattr"},     {"mount", "init"},          {"move", "rename"},
	{"mv", "rename"},         {"pread", "read"},          {"pwrite", "write"},
	{"remove", "unlink"},     {"rm", "unlink"},           {"seek", "lseek"},
	{"stat", "getattr"},      {"touch", "utimens"},       {"unmount", "destroy"},
	{"utimensat", "utimens"},
};

static const char *const field_names[FUSETRACE_FIELDS] = {
	[FUSETRACE_FIELD_SEQ] = "seq",
	[FUSETRACE_FIELD_UNIQUE] = "unique",
	[FUSETRACE_FIELD_START_NS] = "start_ns",
	[FUSETRACE_FIELD_DURATION_NS] = "duration_ns",
	[FUSETRACE_FIELD_ERRNO] = "errno",
	[FUSETRACE_FIELD_PID] = "pid",
	[FUSETRACE_FIELD_UID] = "uid",
	[FUSETRACE_FIELD_GID] = "gid",
	[FUSETRACE_FIELD_NODEID] = "nodeid",
	[FUSETRACE_FIELD_ENTRY] = "entry",
	[FUSETRACE_FIELD_NODEID2] = "nodeid2",
	[FUSETRACE_FIELD_FH] = "fh",
	[FUSETRACE_FIELD_OFFSET] = "offset",
	[FUSETRACE_FIELD_SIZE] = "size",
	[FUSETRACE_FIELD_REPLY_SIZE] = "reply_size",
	[FUSETRACE_FIELD_MODE] = "mode",
	[FUSETRACE_FIELD_FLAGS] = "flags",
	[FUSETRACE_FIELD_VALID] = "valid",
	[FUSETRACE_FIELD_PATH] = "path",
	[FUSETRACE_FIELD_PATH2] = "path2",
	[FUSETRACE_FIELD_NAME] = "name",
	[FUSETRACE_FIELD_NAME2] = "name2",
	[FUSETRACE_FIELD_XATTR] = "xattr",
	[FUSETRACE_FIELD_TARGET] = "target",
};

const char *fusetrace_field_name(uint32_t field)
{
	return field < FUSETRACE_FIELDS ? field_names[field] : NULL;
}

const struct ft_opcode *ft_opcode_get(uint32_t number)
{
	uint32_t slot = SLOT(number);

	if (slot < ARRAY_SIZE(table) && table[slot].name && table[slot].number == number)
		return &table[slot];
	return &unknown_opcode;
}

uint64_t ft_opcode_bit(uint32_t number)
{
	return UINT64_C(1) << (number < 63 ? number : 63);
}

/* ---- names of unknown numbers -----------------------------------------------------------------
 */

/*
 * Names are promised to live for ever and to be different for different numbers. Small numbers,
 * where new opcodes appear, have constants. The others get an entry of a fixed store when they are
 * first seen, published by a lock-free list. Only a forged recording can fill the store; then the
 * rest share one name that claims no number.
 */
#define UNKNOWN_NAME(number) "opcode_" #number
#define TEN_UNKNOWN_NAMES(tens)                                                                    \
	UNKNOWN_NAME(tens##0), UNKNOWN_NAME(tens##1), UNKNOWN_NAME(tens##2),                       \
		UNKNOWN_NAME(tens##3), UNKNOWN_NAME(tens##4), UNKNOWN_NAME(tens##5),               \
		UNKNOWN_NAME(tens##6), UNKNOWN_NAME(tens##7), UNKNOWN_NAME(tens##8),               \
		UNKNOWN_NAME(tens##9)

static const char small_unknown_names[][sizeof("opcode_99")] = {
	TEN_UNKNOWN_NAMES(),  TEN_UNKNOWN_NAMES(1), TEN_UNKNOWN_NAMES(2), TEN_UNKNOWN_NAMES(3),
	TEN_UNKNOWN_NAMES(4), TEN_UNKNOWN_NAMES(5), TEN_UNKNOWN_NAMES(6), TEN_UNKNOWN_NAMES(7),
	TEN_UNKNOWN_NAMES(8), TEN_UNKNOWN_NAMES(9),
};

struct unknown_name {
	struct unknown_name *next;
	uint32_t number;
	char text[sizeof("opcode_4294967295")];
};

static struct unknown_name unknown_store[128];
static _Atomic(uint32_t) unknown_store_used;
static _Atomic(struct unknown_name *) unknown_list;

/* Looks from first on, up to and without last. */
static const char *find_unknown_name(const struct unknown_name *first,
				     const struct unknown_name *last, uint32_t number)
{
	for (; first != last; first = first->next)
		if (first->number == number)
			return first->text;
	return NULL;
}

/* NULL when all are in use. */
static struct unknown_name *take_unknown_entry(void)
{
	uint32_t index;

	/* Looked at before it is counted up, lest the counter wrap and hand out an entry twice. */
	if (atomic_load(&unknown_store_used) >= ARRAY_SIZE(unknown_store))
		return NULL;
	index = atomic_fetch_add(&unknown_store_used, 1);
	return index < ARRAY_SIZE(unknown_store) ? &unknown_store[index] : NULL;
}

static const char *unknown_name(uint32_t number)
{
	/* An entry for a number that another thread published first; for this thread's next one. */
	static _Thread_local struct unknown_name *spare;
	struct unknown_name *head = atomic_load_explicit(&unknown_list, memory_order_acquire);
	const char *text = find_unknown_name(head, NULL, number);
	struct unknown_name *entry;

	if (text)
		return text;
	entry = spare ? spare : take_unknown_entry();
	if (!entry)
		return "opcode_other";
	entry->number = number;
	entry->next = NULL;
	snprintf(entry->text, sizeof(entry->text), "opcode_%u", number);
	spare = entry;
	do {
		text = find_unknown_name(head, entry->next, number);
		if (text)
			return text;
		entry->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&unknown_list, &head, entry, memory_order_acq_rel, memory_order_acquire));
	spare = NULL;
	return entry->text;
}

const char *fusetrace_opcode_name(uint32_t opcode)
{
	const struct ft_opcode *row = ft_opcode_get(opcode);

	if (row != &unknown_opcode)
		return row->name;
	if (opcode < ARRAY_SIZE(small_unknown_names))
		return small_unknown_names[opcode];
	return unknown_name(opcode);
}

/* ---- names to opcodes -------------------------------------------------------------------------
 */

/* A name as it is compared: lower case, without "fuse_". */
struct word {
	size_t length;
	char text[32]; /* longer than any name */
};

/* Cuts what is too long; false if it was. */
static bool word_init(struct word *word, const char *name, size_t length)
{
	static const char prefix[] = "fuse_";
	size_t skip = 0;

	*word = (struct word){0};
	if (length > sizeof(prefix) - 1 && strncasecmp(name, prefix, sizeof(prefix) - 1) == 0)
		skip = sizeof(prefix) - 1;
	for (size_t i = skip; i < length && word->length < sizeof(word->text); i++) {
		char byte = name[i];

		word->text[word->length++] = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
	}
	return word->length == length - skip;
}

static bool word_is(const struct word *word, const char *name)
{
	return name && word->text[0] == name[0] && strlen(name) == word->length &&
	       memcmp(word->text, name, word->length) == 0;
}

/* "opcode_77"; one spelling for one number. */
static bool word_number(const struct word *word, uint32_t *ret_number)
{
	static const char prefix[] = "opcode_";
	size_t skip = sizeof(prefix) - 1;
	uint64_t number;

	if (word->length <= skip || memcmp(word->text, prefix, skip) != 0)
		return false;
	if (word->text[skip] == '0' && word->length > skip + 1)
		return false;
	if (ft_parse_u64_bytes((struct ft_bytes){word->text + skip, word->length - skip}, &number) <
		    0 ||
	    number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

bool ft_opcode_find(const char *name, size_t length, uint32_t *ret_number)
{
	struct word word;

	if (!word_init(&word, name, length) || length == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (word_is(&word, table[i].name) || word_is(&word, table[i].kernel_name)) {
			*ret_number = table[i].number;
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (word_is(&word, aliases[i].name)) {
			*ret_number = SETATTR;
			return true;
		}
	return word_number(&word, ret_number);
}

static void select_opcode(struct ft_op_selector *selector, uint32_t number)
{
	uint64_t bit = ft_opcode_bit(number);

	selector->opcodes |= bit;
	if (bit == ft_opcode_bit(UINT32_MAX))
		selector->number = number;
}

bool ft_op_selector_parse(const char *name, size_t length, struct ft_op_selector *ret_selector)
{
	struct ft_op_selector selector = {0};
	struct word word;
	uint32_t number;

	if (!word_init(&word, name, length) || length == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (word_is(&word, table[i].name) || word_is(&word, table[i].kernel_name))
			select_opcode(&selector, table[i].number);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (word_is(&word, aliases[i].name)) {
			select_opcode(&selector, SETATTR);
			selector.valid = aliases[i].valid;
		}
	if (selector.opcodes == 0 && word_number(&word, &number))
		select_opcode(&selector, number);
	if (selector.opcodes == 0)
		return false;
	*ret_selector = selector;
	return true;
}

const char *fusetrace_op_name_next(const char *name)
{
	const char *next = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table) + ARRAY_SIZE(aliases); i++) {
		const char *other =
			i < ARRAY_SIZE(table) ? table[i].name : aliases[i - ARRAY_SIZE(table)].name;

		if (!other || (name && strcmp(other, name) <= 0))
			continue;
		if (!next || strcmp(other, next) < 0)
			next = other;
	}
	return next;
}

/* ---- misspelt names ---------------------------------------------------------------------------
 */

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with the next one, at most each letter once. */
static size_t edit_distance(const struct word *word, const char *name)
{
	size_t length = strnlen(name, sizeof(word->text));
	size_t cost[sizeof(word->text) + 1][sizeof(word->text) + 1];
	const char *text = word->text;

	for (size_t i = 0; i <= word->length; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= length; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= word->length; i++)
		for (size_t j = 1; j <= length; j++) {
			size_t best = cost[i - 1][j - 1] + (text[i - 1] != name[j - 1]);

			best = min_of(best, min_of(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && text[i - 1] == name[j - 2] &&
			    text[i - 2] == name[j - 1])
				best = min_of(best, cost[i - 2][j - 2] + 1);
			cost[i][j] = best;
		}
	return cost[word->length][length];
}

/* "trunc" is as near to "truncate" as one wrong letter, however many are missing. */
static size_t distance_of(const struct word *word, const char *name)
{
	size_t distance = edit_distance(word, name);
	bool is_beginning = word->length >= 3 && strncmp(name, word->text, word->length) == 0;

	return is_beginning ? min_of(distance, 1) : distance;
}

const char *ft_op_name_nearest(const char *name, size_t length)
{
	size_t best_distance = SIZE_MAX;
	const char *best = NULL;
	struct word word;

	word_init(&word, name, length);
	for (size_t i = 0; i < ARRAY_SIZE(usual_words); i++)
		if (word_is(&word, usual_words[i].word))
			return usual_words[i].name;
	for (const char *other = fusetrace_op_name_next(NULL); other;
	     other = fusetrace_op_name_next(other)) {
		size_t distance = distance_of(&word, other);

		if (distance < best_distance) {
			best_distance = distance;
			best = other;
		}
	}
	return best;
}
