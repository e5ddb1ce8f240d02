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

#include "op/opcode.h"

#define BIT(opcode) (UINT64_C(1) << (opcode))

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
	ft_detail_set_path(&detail->event, ft_scan_rest(scan));
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
	if (!ft_scan_cut_word(scan, &word) || !ft_scan_literal(&word, "umask=") ||
	    !ft_scan_cut_word(scan, &word))
		return true; /* cut short by a newline in the name */
	if (ft_scan_literal(&word, "0x") && ft_scan_hex(&word, &number) &&
	    !ft_scan_cut_word(scan, &word))
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
	detail->names_child = detail->opcodes == BIT(FUSE_CREATE);
	return take_open(scan, detail);
}

static bool take_new_link(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!ft_scan_char(scan, ' '))
		return false;
	detail->event.path2 = ft_scan_rest(scan);
	detail->event.name = ft_bytes_last_component(detail->event.path2);
	return true;
}

/* Without the target: how much of the request's names is the path's is not known. */
static bool take_new_symlink(struct ft_scan *scan, struct ft_detail *detail)
{
	if (!take_path(scan, detail))
		return false;
	detail->event.name = ft_bytes_last_component(detail->event.path);
	return true;
}

/* PATH NUMBER: the number is octal, 0100644 or 100600. */
static bool take_path_mode(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint32_t mode;

	if (!ft_scan_char(scan, ' ') || !ft_scan_cut_word(scan, &word) ||
	    !ft_scan_octal(&word, &mode))
		return false;
	set_mode(&detail->event, mode);
	ft_detail_set_path(&detail->event, ft_scan_rest(scan));
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

	if (!ft_scan_char(scan, ' ') || !ft_scan_cut_word(scan, &word) ||
	    !ft_scan_cut_word(scan, &word))
		return false;
	ft_detail_set_path(&detail->event, ft_scan_rest(scan));
	return true;
}

static bool take_chown(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_UID | FATTR_GID);
	return take_path_two_words(scan, detail);
}

static bool take_utimens(struct ft_scan *scan, struct ft_detail *detail)
{
	set_valid(&detail->event, FATTR_ATIME | FATTR_MTIME);
	return take_path_two_words(scan, detail);
}

/* PATH SIZE, or SIZE alone. */
static bool take_size(struct ft_scan *scan, struct ft_detail *detail)
{
	struct ft_scan word;
	uint64_t size;

	if (!ft_scan_cut_word(scan, &word) || !ft_scan_u64(&word, &size) || !ft_scan_is_end(&word))
		return false;
	set_size(&detail->event, size);
	if (ft_scan_char(scan, ' '))
		ft_detail_set_path(&detail->event, ft_scan_rest(scan));
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

	if (!ft_scan_char(scan, ' ') || !ft_scan_cut_word(scan, &word))
		return false;
	if (ft_scan_literal(&word, "0x")) {
		if (!ft_scan_hex(&word, &number) || !ft_scan_cut_word(scan, &word))
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
	ft_detail_set_path(event, path);
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
	{"ACCESS", BIT(FUSE_ACCESS), take_path_mode},
	{"CREATE", BIT(FUSE_CREATE), take_lite_open},
	{"FLUSH", BIT(FUSE_FLUSH), take_rest},
	{"FSYNC", BIT(FUSE_FSYNC), take_rest},
	{"LINK", BIT(FUSE_LINK), take_new_link},
	{"LOOKUP", BIT(FUSE_LOOKUP), take_child},
	{"MKDIR", BIT(FUSE_MKDIR), take_child},
	{"MKNOD", BIT(FUSE_MKNOD), take_child},
	{"OPEN", BIT(FUSE_OPEN), take_lite_open},
	{"READ", BIT(FUSE_READ), take_range},
	{"RELEASE", BIT(FUSE_RELEASE), take_rest},
	{"RENAME", BIT(FUSE_RENAME), take_two_arrow},
	{"RMDIR", BIT(FUSE_RMDIR), take_child},
	{"SYMLINK", BIT(FUSE_SYMLINK), take_new_symlink},
	{"UNLINK", BIT(FUSE_UNLINK), take_child},
	{"WRITE", BIT(FUSE_WRITE), take_range},
	{"WRITEPAGE", BIT(FUSE_WRITE), take_range},
	{"access", BIT(FUSE_ACCESS), take_path_mode},
	{"chmod", BIT(FUSE_SETATTR), take_chmod},
	{"chown", BIT(FUSE_SETATTR), take_chown},
	{"create", BIT(FUSE_CREATE), take_create},
	{"fallocate", BIT(FUSE_FALLOCATE), take_fallocate},
	{"fgetattr", BIT(FUSE_GETATTR), take_path},
	{"flush", BIT(FUSE_FLUSH), take_rest},
	{"fsync", BIT(FUSE_FSYNC), take_rest},
	{"fsyncdir", BIT(FUSE_FSYNCDIR), take_rest},
	{"ftruncate", BIT(FUSE_SETATTR), take_truncate},
	{"getattr", BIT(FUSE_GETATTR), take_path},
	{"getxattr", BIT(FUSE_GETXATTR), take_xattr_value},
	{"ioctl", BIT(FUSE_IOCTL), take_rest},
	{"link", BIT(FUSE_LINK), take_two},
	{"listxattr", BIT(FUSE_LISTXATTR), take_size},
	{"lock", BIT(FUSE_GETLK) | BIT(FUSE_SETLK) | BIT(FUSE_SETLKW), take_rest},
	{"lseek", BIT(FUSE_LSEEK), take_lseek},
	{"mkdir", BIT(FUSE_MKDIR), take_new},
	{"mknod", BIT(FUSE_MKNOD), take_new},
	{"open", BIT(FUSE_OPEN), take_open},
	{"opendir", BIT(FUSE_OPENDIR), take_open},
	{"poll", BIT(FUSE_POLL), take_rest},
	{"read", BIT(FUSE_READ), take_range},
	{"readdir", BIT(FUSE_READDIR), take_listing},
	{"readdirplus", BIT(FUSE_READDIRPLUS), take_listing},
	{"readlink", BIT(FUSE_READLINK), take_size},
	{"release", BIT(FUSE_RELEASE), take_rest},
	{"release+flush", BIT(FUSE_RELEASE), take_rest},
	{"releasedir", BIT(FUSE_RELEASEDIR), take_rest},
	{"removexattr", BIT(FUSE_REMOVEXATTR), take_xattr},
	{"rename", BIT(FUSE_RENAME) | BIT(FUSE_RENAME2), take_two},
	{"rmdir", BIT(FUSE_RMDIR), take_child},
	{"setxattr", BIT(FUSE_SETXATTR), take_xattr_value},
	{"statfs", BIT(FUSE_STATFS), take_path},
	{"symlink", BIT(FUSE_SYMLINK), take_two},
	{"truncate", BIT(FUSE_SETATTR), take_truncate},
	{"unlink", BIT(FUSE_UNLINK), take_child},
	{"utime", BIT(FUSE_SETATTR), take_utimens},
	{"utimens", BIT(FUSE_SETATTR), take_utimens},
	{"write", BIT(FUSE_WRITE), take_range},
	{"writepage", BIT(FUSE_WRITE), take_range},
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

/* Most keywords differ in their first letters: no call of memcmp(3). */
static int compare(struct ft_bytes word, const char *keyword)
{
	for (size_t i = 0; i < word.length; i++) {
		if (word.data[i] != keyword[i])
			return (unsigned char)word.data[i] - (unsigned char)keyword[i];
	}
	return keyword[word.length] ? -1 : 0;
}

/* By halving: the table is in order of strcmp(3). */
static const struct keyword *find_keyword(struct ft_bytes word)
{
	size_t low = 0, high = sizeof(keywords) / sizeof(keywords[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(word, keywords[middle].word);

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
	bool is_of_reply = ft_scan_literal(&scan, "   ");
	const struct keyword *keyword;
	struct ft_bytes word;

	if (ft_handler_begins(text))
		return ft_handler_parse(text, ret_detail);
	ft_scan_literal(&scan, "  "); /* libfuse-lite, before CREATE */
	word = take_keyword(&scan);
	keyword = word.length ? find_keyword(word) : NULL;
	if (!keyword)
		return false;
	memset(ret_detail, 0, sizeof(*ret_detail));
	ret_detail->is_of_reply = is_of_reply;
	ret_detail->opcodes = keyword->opcodes;
	return take_handle(&scan, &ret_detail->event) && keyword->take(&scan, ret_detail);
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
