/* SPDX-License-Identifier: MIT */
/*
 * What stands in the braces of go-fuse's requests, by opcode: one function a kind of braces, as
 * fuse/print.go in go-fuse has one that prints it.
 *
 *	{Fh 1 [0 +4096)  L 0 RDONLY,0x8000}	READ
 *	{i2 NOREPLACE}				RENAME2
 *
 * Nothing in them was chosen by a user, so the next "}" and the like can be looked for.
 */
#include "go_fuse.h"

#include <fcntl.h>

/* Opcodes of linux/fuse.h whose braces tell something. */
enum {
	GETATTR = 3,
	SETATTR = 4,
	MKNOD = 8,
	MKDIR = 9,
	RENAME = 12,
	LINK = 13,
	OPEN = 14,
	READ = 15,
	WRITE = 16,
	RELEASE = 18,
	FSYNC = 20,
	SETXATTR = 21,
	GETXATTR = 22,
	LISTXATTR = 23,
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
	NOTIFY_REPLY = 41,
	FALLOCATE = 43,
	READDIRPLUS = 44,
	RENAME2 = 45,
	LSEEK = 46,
	COPY_FILE_RANGE = 47,
	TMPFILE = 51,
	STATX = 52,
	COPY_FILE_RANGE_64 = 53,
};

/* SETATTR bits of linux/fuse.h. */
#define FATTR_MODE (1u << 0)
#define FATTR_UID (1u << 1)
#define FATTR_GID (1u << 2)
#define FATTR_SIZE (1u << 3)
#define FATTR_ATIME (1u << 4)
#define FATTR_MTIME (1u << 5)
#define FATTR_FH (1u << 6)

/* ---- names of flags ---- */

struct flag {
	const char *name;
	uint32_t bits;
};

static const struct flag open_flags[] = {
	{"WRONLY", O_WRONLY},   {"RDWR", O_RDWR},
	{"APPEND", O_APPEND},   {"ASYNC", O_ASYNC},
	{"CREAT", O_CREAT},     {"EXCL", O_EXCL},
	{"NOCTTY", O_NOCTTY},   {"NONBLOCK", O_NONBLOCK},
	{"SYNC", O_SYNC},       {"TRUNC", O_TRUNC},
	{"CLOEXEC", O_CLOEXEC}, {"DIRECTORY", O_DIRECTORY},
	{"DIRECT", O_DIRECT},   {"NOATIME", O_NOATIME},
	{"LARGEFILE", 0x8000}, /* as the kernel counts; 0 for a C program of 64 bits */
	{"EXEC", 0x20},         {"O_RDONLY", O_RDONLY}, /* these two stand for no flag at all */
	{"RDONLY", O_RDONLY},   {NULL, 0},
};

static const struct flag rename_flags[] = {
	{"NOREPLACE", 1}, {"EXCHANGE", 2}, {"WHITEOUT", 4}, {NULL, 0}};
static const struct flag access_modes[] = {{"x", 1}, {"w", 2}, {"r", 4}, {NULL, 0}};
static const struct flag whences[] = {{"SET", 0},  {"CUR", 1},  {"END", 2},
				      {"DATA", 3}, {"HOLE", 4}, {NULL, 0}};

static bool take_flag(struct ft_scan *scan, const struct flag *table, uint32_t *flags)
{
	struct ft_bytes word;
	uint64_t rest;

	if (ft_scan_literal(scan, "0x")) {
		if (!ft_scan_hex(scan, &rest))
			return false;
		*flags |= (uint32_t)rest;
		return true;
	}
	if (!ft_scan_word(scan, &word))
		return false;
	for (; table->name; table++) {
		if (table->name[0] == word.data[0] &&
		    ft_bytes_equal(word, ft_bytes_of(table->name))) {
			*flags |= table->bits;
			return true;
		}
	}
	return false;
}

/* "WRONLY,CREAT,0x8000", in any order, or nothing; false: one of them is not known. */
static bool take_flags(struct ft_scan *scan, const struct flag *table, uint32_t *ret_flags)
{
	*ret_flags = 0;
	if (ft_scan_is_end(scan) || *scan->at == ' ' || *scan->at == '}' || *scan->at == ']')
		return true;
	do {
		if (!take_flag(scan, table, ret_flags))
			return false;
	} while (ft_scan_char(scan, ','));
	return true;
}

/* ---- pieces ---- */

static void set_flags(struct ft_event *event, uint32_t flags)
{
	event->flags = flags;
	event->present |= FT_HAS(FLAGS);
}

static void set_size(struct ft_event *event, uint64_t size)
{
	event->size = size;
	event->present |= FT_HAS(SIZE);
}

static void take_open_flags(struct ft_scan *scan, struct ft_event *event)
{
	uint32_t flags;

	if (take_flags(scan, open_flags, &flags))
		set_flags(event, flags);
}

static bool take_handle(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, "Fh ") || !ft_scan_u64(scan, &event->fh))
		return false;
	event->present |= FT_HAS(FH);
	ft_scan_char(scan, ' ');
	return true;
}

static void take_mode(struct ft_scan *scan, struct ft_event *event)
{
	if (ft_scan_octal(scan, &event->mode))
		event->present |= FT_HAS(MODE);
}

/* "[0 +4096)" */
static bool take_range(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t size;

	if (!ft_scan_char(scan, '[') || !ft_scan_u64(scan, &event->offset) ||
	    !ft_scan_literal(scan, " +") || !ft_scan_u64(scan, &size) || !ft_scan_char(scan, ')'))
		return false;
	event->present |= FT_HAS(OFFSET);
	set_size(event, size);
	return true;
}

/* ---- one function a kind of braces; scan stands behind the first and ends with the last ---- */

typedef void take_fn(struct ft_scan *scan, struct ft_event *event);

/* Fh 0 FH: whether the handle counts is told since 2.10, and no handle was 0 before. */
static void take_getattr(struct ft_scan *scan, struct ft_event *event)
{
	if (take_handle(scan, event) && event->fh == 0 && !ft_scan_literal(scan, "FH"))
		event->present &= ~FT_HAS(FH);
}

/* mode 0100600, uid 1, gid 1, size 50, atime 1577934245.000000000, fh 1 */
static void take_setattr(struct ft_scan *scan, struct ft_event *event)
{
	static const struct flag attributes[] = {
		{"mode", FATTR_MODE},   {"uid", FATTR_UID},
		{"gid", FATTR_GID},     {"size", FATTR_SIZE},
		{"atime", FATTR_ATIME}, {"mtime", FATTR_MTIME},
		{"fh", FATTR_FH},       {NULL, 0},
	};
	struct ft_bytes ignored;
	uint32_t attribute;

	event->present |= FT_HAS(VALID);
	do {
		uint64_t number;

		attribute = 0;
		if (!take_flag(scan, attributes, &attribute) || !ft_scan_char(scan, ' '))
			return;
		event->valid |= attribute;
		if (attribute == FATTR_MODE) {
			take_mode(scan, event);
		} else if (attribute == FATTR_SIZE && ft_scan_u64(scan, &number)) {
			set_size(event, number);
		} else if (attribute == FATTR_FH && ft_scan_u64(scan, &number)) {
			event->fh = number;
			event->present |= FT_HAS(FH);
		}
	} while (ft_scan_until(scan, ' ', &ignored));
}

/* 0755 (mask 022) */
static void take_new(struct ft_scan *scan, struct ft_event *event)
{
	take_mode(scan, event);
}

/* 0100644 [WRONLY,CREAT,TRUNC,0x8000] (022) */
static void take_create(struct ft_scan *scan, struct ft_event *event)
{
	take_mode(scan, event);
	if (ft_scan_literal(scan, " ["))
		take_open_flags(scan, event);
}

/* i2 NOREPLACE; the flags were a number before 2.9, and RENAME has none. */
static void take_rename(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t number;
	uint32_t flags;

	if (!ft_scan_char(scan, 'i') || !ft_scan_u64(scan, &event->nodeid2))
		return;
	event->present |= FT_HAS(NODEID2);
	if (!ft_scan_char(scan, ' '))
		return;
	if (ft_scan_left(scan) < 2 && ft_scan_hex(scan, &number))
		set_flags(event, (uint32_t)number);
	else if (take_flags(scan, rename_flags, &flags))
		set_flags(event, flags);
}

/* Oldnodeid: n3 */
static void take_link(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, "Oldnodeid: "))
		return;
	ft_scan_char(scan, 'n');
	if (ft_scan_u64(scan, &event->nodeid2))
		event->present |= FT_HAS(NODEID2);
}

/* Fh 1 [0 +4096)  L 0 RDONLY,0x8000 */
static void take_io(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	uint64_t lock_owner;

	if (take_handle(scan, event) && take_range(scan, event) &&
	    ft_scan_past(scan, " L ", 3, &ignored) && ft_scan_u64(scan, &lock_owner) &&
	    ft_scan_char(scan, ' '))
		take_open_flags(scan, event);
}

/* Fh 1 WRONLY,0x8000  L0 */
static void take_release(struct ft_scan *scan, struct ft_event *event)
{
	if (take_handle(scan, event))
		take_open_flags(scan, event);
}

/* Fh 1 Flags 0; older versions print nothing. */
static void take_fsync(struct ft_scan *scan, struct ft_event *event)
{
	uint64_t flags;

	if (take_handle(scan, event) && ft_scan_literal(scan, "Flags ") &&
	    ft_scan_hex(scan, &flags))
		set_flags(event, (uint32_t)flags);
}

/* sz 1 f0 */
static void take_xattr(struct ft_scan *scan, struct ft_event *event)
{
	uint32_t flags;
	uint64_t size;

	if (!ft_scan_literal(scan, "sz ") || !ft_scan_u64(scan, &size))
		return;
	set_size(event, size);
	if (ft_scan_literal(scan, " f") && ft_scan_octal(scan, &flags))
		set_flags(event, flags);
}

static void take_flush(struct ft_scan *scan, struct ft_event *event)
{
	take_handle(scan, event);
}

/* u=0 g=0 x,w,r */
static void take_access(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, "u=") || !ft_scan_u32(scan, &event->uid) ||
	    !ft_scan_literal(scan, " g=") || !ft_scan_u32(scan, &event->gid))
		return;
	event->present |= FT_HAS(UID) | FT_HAS(GID);
	if (ft_scan_char(scan, ' ') && take_flags(scan, access_modes, &event->mode))
		event->present |= FT_HAS(MODE);
}

/* Fh 1 Flags DIR Cmd 0x5401 Arg 0x7ffd95799470, insz 0 outsz 0 */
static void take_ioctl(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	uint64_t command, size;

	if (!take_handle(scan, event) || !ft_scan_past(scan, "Cmd ", 4, &ignored))
		return;
	if (ft_scan_literal(scan, "0x") ? !ft_scan_hex(scan, &command)
					: !ft_scan_u64(scan, &command))
		return;
	set_flags(event, (uint32_t)command);
	if (ft_scan_past(scan, " outsz ", 7, &ignored) && ft_scan_u64(scan, &size))
		set_size(event, size);
}

/* Fh 1 [0 +4096) mod 00 */
static void take_fallocate(struct ft_scan *scan, struct ft_event *event)
{
	if (take_handle(scan, event) && take_range(scan, event) && ft_scan_literal(scan, " mod "))
		take_mode(scan, event);
}

/* Fh 1 [DATA +0) */
static void take_lseek(struct ft_scan *scan, struct ft_event *event)
{
	uint32_t whence = 0;

	if (!take_handle(scan, event) || !ft_scan_char(scan, '[') ||
	    !take_flag(scan, whences, &whence))
		return;
	set_flags(event, whence);
	if (ft_scan_literal(scan, " +") && ft_scan_u64(scan, &event->offset))
		event->present |= FT_HAS(OFFSET);
}

/* Fh 1 [0 +100) => n4 Fh 2 [0, 100) */
static void take_copy(struct ft_scan *scan, struct ft_event *event)
{
	if (!take_handle(scan, event) || !take_range(scan, event) || !ft_scan_literal(scan, " => "))
		return;
	if ((ft_scan_char(scan, 'n') || ft_scan_char(scan, 'i')) &&
	    ft_scan_u64(scan, &event->nodeid2))
		event->present |= FT_HAS(NODEID2);
}

/* Fh 7 Owner 7 {[0,9) t1 p4711} FLOCK: since 2.10; Fh is the owner, too, not the handle. */
static void take_lock(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	uint64_t last;
	uint32_t type;

	if (!ft_scan_past(scan, "{[", 2, &ignored) || !ft_scan_u64(scan, &event->offset) ||
	    !ft_scan_char(scan, ',') || !ft_scan_u64(scan, &last))
		return;
	event->present |= FT_HAS(OFFSET);
	if (last < INT64_MAX && last >= event->offset)
		set_size(event, last - event->offset + 1);
	if (ft_scan_literal(scan, ") t") && ft_scan_u32(scan, &type))
		set_flags(event, type);
}

static void take_notify_reply(struct ft_scan *scan, struct ft_event *event)
{
	take_range(scan, event);
}

static take_fn *const takers[] = {
	[GETATTR] = take_getattr,
	[SETATTR] = take_setattr,
	[MKNOD] = take_new,
	[MKDIR] = take_new,
	[RENAME] = take_rename,
	[LINK] = take_link,
	[OPEN] = take_open_flags,
	[READ] = take_io,
	[WRITE] = take_io,
	[RELEASE] = take_release,
	[FSYNC] = take_fsync,
	[SETXATTR] = take_xattr,
	[GETXATTR] = take_xattr,
	[LISTXATTR] = take_xattr,
	[FLUSH] = take_flush,
	[OPENDIR] = take_open_flags,
	[READDIR] = take_io,
	[RELEASEDIR] = take_release,
	[FSYNCDIR] = take_fsync,
	[GETLK] = take_lock,
	[SETLK] = take_lock,
	[SETLKW] = take_lock,
	[ACCESS] = take_access,
	[CREATE] = take_create,
	[IOCTL] = take_ioctl,
	[NOTIFY_REPLY] = take_notify_reply,
	[FALLOCATE] = take_fallocate,
	[READDIRPLUS] = take_io,
	[RENAME2] = take_rename,
	[LSEEK] = take_lseek,
	[COPY_FILE_RANGE] = take_copy,
	[TMPFILE] = take_create,
	[STATX] = take_getattr,
	[COPY_FILE_RANGE_64] = take_copy,
};

/* ---- requests ---- */

/* Takes a brace and all up to the one that closes it; *ret_inner is what stands between them. */
static bool take_braces(struct ft_scan *scan, struct ft_scan *ret_inner)
{
	const char *at = scan->at;
	int depth = 0;

	for (; at < scan->end; at++) {
		if (*at == '{')
			depth++;
		else if (*at == '}' && --depth == 0)
			break;
		else if (*at == '"') /* names begin here */
			return false;
	}
	if (at == scan->end)
		return false;
	*ret_inner = (struct ft_scan){scan->at + 1, at};
	scan->at = at + 1;
	return true;
}

/*
 * Before 2.6 some requests were printed as Go prints any struct, of which the header is known, and
 * the rest for IOCTL:
 *
 *	*fuse._IoctlIn: &{{72 39 464 3 {{0 0} 14225} 0} 1 0 21505 140735012325488 0 0}
 */
static void take_plain_struct(struct ft_scan *scan, struct ft_event *event)
{
	struct ft_bytes ignored;
	struct ft_scan inner, header;
	uint64_t number[6];

	if (!ft_scan_past(scan, "&", 1, &ignored) || !take_braces(scan, &inner))
		return;
	if (inner.at == inner.end || *inner.at != '{' || !take_braces(&inner, &header) ||
	    !ft_scan_past(&header, "{{", 2, &ignored) || !ft_scan_u32(&header, &event->uid) ||
	    !ft_scan_char(&header, ' ') || !ft_scan_u32(&header, &event->gid) ||
	    !ft_scan_literal(&header, "} ") || !ft_scan_u32(&header, &event->pid))
		return;
	event->present |= FT_HAS(UID) | FT_HAS(GID) | FT_HAS(PID);
	if (event->opcode != IOCTL)
		return;
	for (int i = 0; i < 6; i++) {
		if (!ft_scan_char(&inner, ' ') || !ft_scan_u64(&inner, &number[i]))
			return;
	}
	event->fh = number[0];
	event->present |= FT_HAS(FH);
	set_flags(event, (uint32_t)number[2]);
	set_size(event, number[5]);
}

/* Fh 1 Kh 1 Flags 0x0, without braces; what the flags are is not the events that POLL asks for. */
static void take_poll(struct ft_scan *scan, struct ft_event *event)
{
	take_handle(scan, event);
}

void ft_go_fuse_args(struct ft_scan *scan, struct ft_event *event)
{
	size_t count = sizeof(takers) / sizeof(takers[0]);
	struct ft_scan inner;

	if (ft_scan_is_end(scan))
		return;
	if (event->opcode == POLL && *scan->at == 'F') {
		take_poll(scan, event);
	} else if (*scan->at == '*') {
		take_plain_struct(scan, event);
	} else if (*scan->at == '{' && take_braces(scan, &inner)) {
		if (event->opcode < count && takers[event->opcode])
			takers[event->opcode](&inner, event);
	}
}
