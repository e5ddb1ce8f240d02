/* SPDX-License-Identifier: MIT */
/*
 * What libfuse's high-level library prints between a request and its reply, by the thread that
 * handles it and without its number:
 *
 *	create flags: 0x8241 /d/a.txt 0100644 umask=0022
 *	   write[5] 5 bytes to 0
 *
 * Names stand there as they are, with blanks and newlines. How long they are is known from the size
 * of the request, so they are found all the same, and nothing in them is taken for a record.
 */
#include "libfuse.h"

#include "../opcode.h"

#define BIT(opcode) (UINT64_C(1) << (opcode))

/* Opcodes of linux/fuse.h that print details. */
enum {
	LOOKUP = 1,
	GETATTR = 3,
	SETATTR = 4,
	READLINK = 5,
	SYMLINK = 6,
	MKNOD = 8,
	MKDIR = 9,
	UNLINK = 10,
	RMDIR = 11,
	RENAME = 12,
	LINK = 13,
	OPEN = 14,
	READ = 15,
	WRITE = 16,
	STATFS = 17,
	RELEASE = 18,
	FSYNC = 20,
	SETXATTR = 21,
	GETXATTR = 22,
	LISTXATTR = 23,
	REMOVEXATTR = 24,
	FLUSH = 25,
	OPENDIR = 27,
	READDIR = 28,
	RELEASEDIR = 29,
	FSYNCDIR = 30,
	GETLK = 31,
	SETLK = 32,
	SETLKW = 33,
	ACCESS = 34,
	CREATE = 35,
	IOCTL = 39,
	POLL = 40,
	FALLOCATE = 43,
	READDIRPLUS = 44,
	RENAME2 = 45,
	LSEEK = 46,
	COPY_FILE_RANGE = 47,
};

/* SETATTR bits of linux/fuse.h. */
#define FATTR_MODE 1u
#define FATTR_UID_GID 6u
#define FATTR_SIZE 8u
#define FATTR_ATIME_MTIME 48u

/* ---- pieces ---- */

/* [5] or [NULL]; nothing else may stand there, and nothing at all is fine. */
static bool take_handle(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_char(scan, '['))
		return true;
	if (ft_scan_literal(scan, "NULL]"))
		return true;
	if (!ft_scan_u64(scan, &event->fh) || !ft_scan_char(scan, ']'))
		return false;
	event->present |= FT_HAS(FH);
	return true;
}

static bool take_flags(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t flags;

	if (!ft_scan_literal(scan, "flags: 0x") || !ft_scan_hex(scan, &flags))
		return false;
	event->flags = (uint32_t)flags;
	event->present |= FT_HAS(FLAGS);
	return true;
}

/* Cuts the last word off what is left, with the blank before it. */
static bool cut_word(struct ft_scan *scan, struct ft_scan *ret_word)
{
	const char *blank = memrchr(scan->at, ' ', ft_scan_left(scan));

	if (!blank)
		return false;
	*ret_word = (struct ft_scan){blank + 1, scan->end};
	scan->end = blank;
	return true;
}

static struct ft_bytes last_component(struct ft_bytes path)
{
	const char *slash = memrchr(path.data, '/', path.length);
	const char *begin = slash ? slash + 1 : path.data;

	return (struct ft_bytes){begin, (size_t)(path.data + path.length - begin)};
}

/* "(null)" stands for a file without a name. */
static void set_path(struct ft_event *event, struct ft_bytes path)
{
	if (!ft_bytes_equal(path, FT_BYTES_LITERAL("(null)")))
		event->path = path;
}

static void set_size(struct ft_event *event, uint64_t size)
{
	event->size = size;
	event->present |= FT_HAS(SIZE);
}

static void set_mode(struct ft_event *event, uint32_t mode)
{
	event->mode = mode;
	event->present |= FT_HAS(MODE);
}

static void set_valid(struct ft_event *event, uint32_t valid)
{
	event->valid = valid;
	event->present |= FT_HAS(VALID);
}

/* ---- one function a kind of line; the keyword and [fh] have been taken ---- */

typedef bool take_fn(struct ft_scan *scan, struct ft_detail *detail);

static bool take_path(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' '))
		return false;
	set_path(&detail->event, ft_scan_rest(scan));
	return true;
}

static bool take_child(struct ft_scan *scan, struct ft_detail *detail)
{
	detail->names_child = true;
	return take_path(scan, detail);
}

/* PATH 0MODE umask=0022, and for mknod a device number between them. */
static bool take_new(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint64_t number;
	uint32_t mode;

	detail->names_child = true;
	if (!ft_scan_char(scan, ' '))
		return false;
	detail->event.path = ft_scan_rest(scan);
	if (!cut_word(scan, &word) || !ft_scan_literal(&word, "umask=") || !cut_word(scan, &word))
		return true; /* cut short by a newline in the name */
	if (ft_scan_literal(&word, "0x") && ft_scan_hex(&word, &number) && !cut_word(scan, &word))
		return true;
	if (ft_scan_octal(&word, &mode))
		set_mode(&detail->event, mode);
	detail->event.path = ft_scan_rest(scan);
	return true;
}

/* flags: 0x8241 PATH [0MODE umask=0022] */
static bool take_open(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' ') || !take_flags(scan, &detail->event))
		return false;
	return take_path(scan, detail);
}

static bool take_create(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' ') || !take_flags(scan, &detail->event))
		return false;
	return take_new(scan, detail);
}

/* Two paths behind one another. */
static bool take_two(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' '))
		return false;
	detail->names_child = true;
	detail->joined = ft_scan_rest(scan);
	return true;
}

static bool take_two_arrow(struct ft_scan *scan, struct ft_detail *detail)
{
	detail->has_arrow = true;
	return take_two(scan, detail);
}

/* The handle stands there already: the line is printed when the file is open. */
static bool take_lite_open(struct ft_scan *scan, struct ft_detail *detail)
{
	detail->names_child = detail->opcodes == BIT(CREATE);
	return take_open(scan, detail);
}

static bool take_new_link(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' '))
		return false;
	detail->event.path2 = ft_scan_rest(scan);
	detail->event.name = last_component(detail->event.path2);
	return true;
}

/* Without the target: how much of the request's names is the path's is not known. */
static bool take_new_symlink(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!take_path(scan, detail))
		return false;
	detail->event.name = last_component(detail->event.path);
	return true;
}

/* PATH NUMBER: the number is octal, 0100644 or 100600. */
static bool take_path_mode(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint32_t mode;

	if (!ft_scan_char(scan, ' ') || !cut_word(scan, &word) || !ft_scan_octal(&word, &mode))
		return false;
	set_mode(&detail->event, mode);
	set_path(&detail->event, ft_scan_rest(scan));
	return true;
}

static bool take_chmod(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_MODE);
	return take_path_mode(scan, detail);
}

/* PATH WORD WORD */
static bool take_path_two_words(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;

	if (!ft_scan_char(scan, ' ') || !cut_word(scan, &word) || !cut_word(scan, &word))
		return false;
	set_path(&detail->event, ft_scan_rest(scan));
	return true;
}

static bool take_chown(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_UID_GID);
	return take_path_two_words(scan, detail);
}

static bool take_utimens(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_ATIME_MTIME);
	return take_path_two_words(scan, detail);
}

/* PATH SIZE, or SIZE alone. */
static bool take_size(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint64_t size;

	if (!cut_word(scan, &word) || !ft_scan_u64(&word, &size) || !ft_scan_is_end(&word))
		return false;
	set_size(&detail->event, size);
	if (ft_scan_char(scan, ' '))
		set_path(&detail->event, ft_scan_rest(scan));
	return true;
}

static bool take_truncate(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_SIZE);
	return take_size(scan, detail);
}

/* PATH NAME SIZE [0xFLAGS] */
static bool take_xattr_value(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint64_t number;

	if (!ft_scan_char(scan, ' ') || !cut_word(scan, &word))
		return false;
	if (ft_scan_literal(&word, "0x")) {
		if (!ft_scan_hex(&word, &number) || !cut_word(scan, &word))
			return false;
		detail->event.flags = (uint32_t)number;
		detail->event.present |= FT_HAS(FLAGS);
	}
	if (!ft_scan_u64(&word, &number))
		return false;
	set_size(&detail->event, number);
	detail->joined = ft_scan_rest(scan);
	return true;
}

/* PATH NAME */
static bool take_xattr(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' '))
		return false;
	detail->joined = ft_scan_rest(scan);
	return true;
}

/* 5 bytes to 0 flags: 0x8001; read: "from"; in libfuse-lite's reply: 5 bytes */
static bool take_range(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_event *event = &detail->event;
	uint64_t size;

	if (!ft_scan_char(scan, ' ') || !ft_scan_u64(scan, &size) ||
	    !ft_scan_literal(scan, " bytes"))
		return false;
	set_size(event, size);
	event->reply_size = size;
	if (ft_scan_is_end(scan))
		return detail->is_of_reply;
	if (!(ft_scan_literal(scan, " to ") || ft_scan_literal(scan, " from ")) ||
	    !ft_scan_u64(scan, &event->offset))
		return false;
	event->present |= FT_HAS(OFFSET);
	return true;
}

static bool take_listing(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_literal(scan, " from ") || !ft_scan_u64(scan, &detail->event.offset))
		return false;
	detail->event.present |= FT_HAS(OFFSET);
	return true;
}

/* PATH mode %x, offset: %llu, length: %llu */
static bool take_fallocate(struct ft_scan *scan, struct ft_detail *detail)
{
	static const char sign[] = " mode ";
	struct ft_event *event = &detail->event;
	struct ft_bytes path;
	uint64_t mode, size;

	if (!ft_scan_char(scan, ' ') || !ft_scan_past(scan, sign, sizeof(sign) - 1, &path) ||
	    !ft_scan_hex(scan, &mode) || !ft_scan_literal(scan, ", offset: ") ||
	    !ft_scan_u64(scan, &event->offset) || !ft_scan_literal(scan, ", length: ") ||
	    !ft_scan_u64(scan, &size))
		return false;
	set_path(event, path);
	set_size(event, size);
	set_mode(event, (uint32_t)mode);
	event->present |= FT_HAS(OFFSET);
	return true;
}

/* OFFSET WHENCE */
static bool take_lseek(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_event *event = &detail->event;
	uint32_t whence;

	if (!ft_scan_char(scan, ' ') || !ft_scan_u64(scan, &event->offset) ||
	    !ft_scan_char(scan, ' ') || !ft_scan_u32(scan, &whence))
		return false;
	event->flags = whence;
	event->present |= FT_HAS(OFFSET) | FT_HAS(FLAGS);
	return true;
}

/* Whatever follows is of no interest. */
static bool take_rest(struct ft_scan *scan, struct ft_detail *detail)
{
	if (ft_scan_char(scan, ' '))
		take_flags(scan, &detail->event);
	return true;
}

/* ---- the lines ---- */

static const struct keyword {
	const char *word;
	uint64_t opcodes;
	take_fn *take;
} keywords[] = {
	/* in capitals: libfuse-lite, the library of ntfs-3g, but for LOOKUP */
	{"ACCESS", BIT(ACCESS), take_path_mode},
	{"CREATE", BIT(CREATE), take_lite_open},
	{"FLUSH", BIT(FLUSH), take_rest},
	{"FSYNC", BIT(FSYNC), take_rest},
	{"LINK", BIT(LINK), take_new_link},
	{"LOOKUP", BIT(LOOKUP), take_child},
	{"MKDIR", BIT(MKDIR), take_child},
	{"MKNOD", BIT(MKNOD), take_child},
	{"OPEN", BIT(OPEN), take_lite_open},
	{"READ", BIT(READ), take_range},
	{"RELEASE", BIT(RELEASE), take_rest},
	{"RENAME", BIT(RENAME), take_two_arrow},
	{"RMDIR", BIT(RMDIR), take_child},
	{"SYMLINK", BIT(SYMLINK), take_new_symlink},
	{"UNLINK", BIT(UNLINK), take_child},
	{"WRITE", BIT(WRITE), take_range},
	{"access", BIT(ACCESS), take_path_mode},
	{"chmod", BIT(SETATTR), take_chmod},
	{"chown", BIT(SETATTR), take_chown},
	{"create", BIT(CREATE), take_create},
	{"fallocate", BIT(FALLOCATE), take_fallocate},
	{"fgetattr", BIT(GETATTR), take_path},
	{"flush", BIT(FLUSH), take_rest},
	{"fsync", BIT(FSYNC), take_rest},
	{"fsyncdir", BIT(FSYNCDIR), take_rest},
	{"ftruncate", BIT(SETATTR), take_truncate},
	{"getattr", BIT(GETATTR), take_path},
	{"getxattr", BIT(GETXATTR), take_xattr_value},
	{"ioctl", BIT(IOCTL), take_rest},
	{"link", BIT(LINK), take_two},
	{"listxattr", BIT(LISTXATTR), take_size},
	{"lock", BIT(GETLK) | BIT(SETLK) | BIT(SETLKW), take_rest},
	{"lseek", BIT(LSEEK), take_lseek},
	{"mkdir", BIT(MKDIR), take_new},
	{"mknod", BIT(MKNOD), take_new},
	{"open", BIT(OPEN), take_open},
	{"opendir", BIT(OPENDIR), take_open},
	{"poll", BIT(POLL), take_rest},
	{"read", BIT(READ), take_range},
	{"readdir", BIT(READDIR), take_listing},
	{"readdirplus", BIT(READDIRPLUS), take_listing},
	{"readlink", BIT(READLINK), take_size},
	{"release", BIT(RELEASE), take_rest},
	{"release+flush", BIT(RELEASE), take_rest},
	{"releasedir", BIT(RELEASEDIR), take_rest},
	{"removexattr", BIT(REMOVEXATTR), take_xattr},
	{"rename", BIT(RENAME) | BIT(RENAME2), take_two},
	{"rmdir", BIT(RMDIR), take_child},
	{"setxattr", BIT(SETXATTR), take_xattr_value},
	{"statfs", BIT(STATFS), take_path},
	{"symlink", BIT(SYMLINK), take_two},
	{"truncate", BIT(SETATTR), take_truncate},
	{"unlink", BIT(UNLINK), take_child},
	{"utime", BIT(SETATTR), take_utimens},
	{"utimens", BIT(SETATTR), take_utimens},
	{"write", BIT(WRITE), take_range},
	{"writepage", BIT(WRITE), take_range},
};

/* Letters and '+', up to the '[' or blank that follows. */
static struct ft_bytes take_keyword(struct ft_scan *scan)
{
	const char *begin = scan->at;

	while (!ft_scan_is_end(scan) &&
	       ((unsigned char)((*scan->at | 0x20) - 'a') < 26 || *scan->at == '+'))
		scan->at++;
	return (struct ft_bytes){begin, (size_t)(scan->at - begin)};
}

/* By halving: the table is in order of strcmp(3). */
static const struct keyword *find_keyword(struct ft_bytes word)
{
	size_t low = 0, high = sizeof(keywords) / sizeof(keywords[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strncmp(word.data, keywords[middle].word, word.length);

		if (order == 0 && keywords[middle].word[word.length] != '\0')
			order = -1;
		if (order == 0)
			return &keywords[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool ft_detail_parse(struct ft_bytes text, struct ft_detail *ret_detail)
{
	struct ft_scan scan = ft_scan_of(text);
	const struct keyword *keyword;
	struct ft_bytes word;

	if (ft_handler_begins(text))
		return ft_handler_parse(text, ret_detail);
	*ret_detail = (struct ft_detail){.is_of_reply = ft_scan_literal(&scan, "   ")};
	ft_scan_literal(&scan, "  "); /* libfuse-lite, before CREATE */
	word = take_keyword(&scan);
	keyword = word.length ? find_keyword(word) : NULL;
	if (!keyword || !take_handle(&scan, &ret_detail->event))
		return false;
	ret_detail->opcodes = keyword->opcodes;
	return keyword->take(&scan, ret_detail);
}

bool ft_detail_begins(struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	struct ft_event ignored = {.present = 0};
	struct ft_bytes word;

	if (ft_handler_begins(text))
		return true;
	ft_scan_literal(&scan, "   ");
	word = take_keyword(&scan);
	return word.length && find_keyword(word) && take_handle(&scan, &ignored) &&
	       ft_scan_char(&scan, ' ');
}

/* ---- names of known length ---- */

size_t ft_detail_names_size(uint32_t opcode, uint64_t insize, size_t xattr_size)
{
	size_t fixed;

	switch (opcode) {
	case LOOKUP:
	case UNLINK:
	case RMDIR:
	case SYMLINK:
	case REMOVEXATTR:
		fixed = 40;
		break;
	case MKDIR:
	case RENAME:
	case LINK:
	case GETXATTR:
		fixed = 48;
		break;
	case MKNOD:
	case CREATE:
	case RENAME2:
		fixed = 56;
		break;
	case SETXATTR:
		fixed = 48 + xattr_size;
		break;
	default:
		return 0;
	}
	return insize > fixed ? (size_t)(insize - fixed) : 0;
}

/* One path whose last component is length bytes long. */
static int settle_one(struct ft_detail *detail, size_t length)
{
	struct ft_event *event = &detail->event;

	event->name = last_component(event->path);
	if (event->name.length == length || !length)
		return FT_DETAIL_FITS;
	return event->name.length < length ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
}

/* What of the request the two names take that "first second" would be. */
static size_t size_of_two(uint32_t opcode, struct ft_bytes first, struct ft_bytes second)
{
	switch (opcode) {
	case SYMLINK: /* the target as it is, then the path */
		return first.length + 1 + last_component(second).length + 1;
	case LINK:
		return last_component(second).length + 1;
	default:
		return last_component(first).length + 1 + last_component(second).length + 1;
	}
}

static void set_two(struct ft_event *event, uint32_t opcode, struct ft_bytes first,
		    struct ft_bytes second)
{
	if (opcode == SYMLINK) {
		event->target = first;
		event->path = second;
		event->name = last_component(second);
		return;
	}
	event->path = first;
	event->path2 = second;
	event->name = last_component(opcode == LINK ? second : first);
	if (opcode != LINK)
		event->name2 = last_component(second);
}

/* RENAME2's flags stand behind the paths since libfuse 3. */
static struct ft_bytes cut_rename_flags(struct ft_event *event, struct ft_bytes joined)
{
	struct ft_scan scan = ft_scan_of(joined), word;
	uint64_t flags;

	if (!cut_word(&scan, &word) || !ft_scan_literal(&word, "0x") ||
	    !ft_scan_hex(&word, &flags) || !ft_scan_is_end(&word))
		return joined;
	event->flags = (uint32_t)flags;
	event->present |= FT_HAS(FLAGS);
	return ft_scan_rest(&scan);
}

/* "first second": the blank between them is the one with which the sizes come out. */
static int settle_two(struct ft_detail *detail, uint32_t opcode, size_t names_size)
{
	struct ft_bytes joined = detail->joined;
	const char *sign = detail->has_arrow ? " -> /" : " /";
	bool is_short = true; /* with the next line, it may fit */
	bool is_found = false;
	const char *end, *at;

	if (opcode == RENAME || opcode == RENAME2)
		joined = cut_rename_flags(&detail->event, joined);
	end = joined.data + joined.length;
	for (at = joined.data; (at = memmem(at, (size_t)(end - at), sign, strlen(sign))); at++) {
		struct ft_bytes first = {joined.data, (size_t)(at - joined.data)};
		const char *slash = at + strlen(sign) - 1;
		struct ft_bytes second = {slash, (size_t)(end - slash)};

		is_short = size_of_two(opcode, first, second) < names_size;
		if (names_size && size_of_two(opcode, first, second) != names_size)
			continue;
		if (is_found) { /* by their sizes, it may be either */
			detail->event.marks |= FUSETRACE_OP_SUSPECT;
			break;
		}
		set_two(&detail->event, opcode, first, second);
		is_found = true;
	}
	if (is_found)
		return FT_DETAIL_FITS;
	return is_short && names_size ? FT_DETAIL_TOO_SHORT : FT_DETAIL_OTHER;
}

/* PATH NAME, where the name takes names_size bytes with its NUL. */
static int settle_xattr(struct ft_detail *detail, size_t names_size)
{
	struct ft_bytes joined = detail->joined;
	const char *blank;

	if (names_size > 1 && joined.length > names_size &&
	    joined.data[joined.length - names_size] == ' ')
		blank = joined.data + joined.length - names_size;
	else
		blank = memrchr(joined.data, ' ', joined.length);
	if (!blank)
		return FT_DETAIL_OTHER;
	detail->event.xattr =
		(struct ft_bytes){blank + 1, (size_t)(joined.data + joined.length - blank) - 1};
	set_path(&detail->event, (struct ft_bytes){joined.data, (size_t)(blank - joined.data)});
	return FT_DETAIL_FITS;
}

int ft_detail_settle(struct ft_detail *detail, uint32_t opcode, size_t names_size)
{
	if (!(detail->opcodes & BIT(opcode & 63)) || opcode > 63)
		return FT_DETAIL_OTHER;
	if (detail->is_of_node)
		return ft_handler_settle(detail, names_size);
	if (detail->names_child && detail->joined.data)
		return settle_two(detail, opcode, names_size);
	if (detail->joined.data)
		return settle_xattr(detail, names_size);
	if (detail->names_child && names_size)
		return settle_one(detail, names_size - 1);
	return FT_DETAIL_FITS;
}
