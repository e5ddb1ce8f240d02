/* SPDX-License-Identifier: MIT */
/*
 * What bazil.org/fuse prints behind the header of a request and behind the name of a reply: one
 * function a kind of request, as its String() methods are in fuse.go.
 *
 *	"a.txt" fl=OpenWriteOnly+OpenCreate mode=-rw-r--r-- umask=-----w--w-		Create
 *	{0x3 gen=0 valid=1m0s attr={...}} {0x1 fl=0}				its reply
 *
 * Names are quoted by Go's %q and come first, so nothing behind them was chosen by a user.
 */
#include "bazil.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "go_mode.h"

/* SETATTR bits of linux/fuse.h. */
#define FATTR_MODE (1u << 0)
#define FATTR_UID (1u << 1)
#define FATTR_GID (1u << 2)
#define FATTR_SIZE (1u << 3)
#define FATTR_ATIME (1u << 4)
#define FATTR_MTIME (1u << 5)
#define FATTR_FH (1u << 6)
#define FATTR_ATIME_NOW (1u << 7)
#define FATTR_MTIME_NOW (1u << 8)
#define FATTR_LOCKOWNER (1u << 9)

/* ---- pieces ---- */

/* Decoded into line->scratch at the place of what was read: nothing grows by it. */
static bool take_quoted(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event,
			struct ft_bytes *ret_bytes)
{
	ft_scan_char(scan, ' ');
	if (ft_scan_quoted(scan, line->scratch + (scan->at - line->text.data), ret_bytes))
		return true;
	event->marks |= FUSETRACE_OP_TRUNCATED; /* the line was torn */
	return false;
}

/* " fl=", or whatever text is, anywhere ahead: only where no name follows. */
static bool find(struct ft_scan *scan, const char *text)
{
	struct ft_bytes ignored;

	return ft_scan_past(scan, text, strlen(text), &ignored);
}

/* "0x1" */
static bool take_hex(struct ft_scan *scan, uint64_t *ret_number)
{
	return ft_scan_literal(scan, "0x") && ft_scan_hex(scan, ret_number);
}

static bool take_handle(struct ft_scan *scan, struct ft_event *event)
{
	ft_scan_char(scan, ' ');
	if (!take_hex(scan, &event->fh))
		return false;
	event->present |= FT_HAS(FH);
	return true;
}

static bool take_size(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_char(scan, ' ') || !ft_scan_u64(scan, &event->size))
		return false;
	event->present |= FT_HAS(SIZE);
	return true;
}

/* " @0x1000" of a Read, " @4096" of a Write */
static void take_offset(struct ft_scan *scan, struct ft_event *event)
{
	if (!ft_scan_literal(scan, " @"))
		return;
	if (take_hex(scan, &event->offset) || ft_scan_u64(scan, &event->offset))
		event->present |= FT_HAS(OFFSET);
}

static void set_reply_size(struct ft_event *event, uint64_t size)
{
	event->reply_size = size;
	event->probe_size = size;
	event->present |= FT_HAS(REPLY_SIZE);
}

/* ---- flags and modes ---- */

struct flag {
	const char *name;
	uint32_t bits;
};

static const struct flag open_flags[] = {
	{"OpenReadOnly", O_RDONLY}, {"OpenWriteOnly", O_WRONLY},  {"OpenReadWrite", O_RDWR},
	{"OpenAppend", O_APPEND},   {"OpenCreate", O_CREAT},      {"OpenDirectory", O_DIRECTORY},
	{"OpenExclusive", O_EXCL},  {"OpenNonblock", O_NONBLOCK}, {"OpenSync", O_SYNC},
	{"OpenTruncate", O_TRUNC},
};

static bool take_flag(struct ft_scan *scan, uint32_t *flags)
{
	struct ft_bytes word;
	uint64_t rest;

	if (take_hex(scan, &rest)) {
		*flags |= (uint32_t)rest;
		return true;
	}
	if (!ft_scan_word(scan, &word))
		return false;
	for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(open_flags[i].name))) {
			*flags |= open_flags[i].bits;
			return true;
		}
	}
	return false;
}

/* "OpenWriteOnly+OpenCreate+0x8000"; what has a flag that is not known is no number. */
static void take_open_flags(struct ft_scan *scan, struct ft_event *event)
{
	uint32_t flags = 0;

	do {
		if (!take_flag(scan, &flags))
			return;
	} while (ft_scan_char(scan, '+'));
	event->flags = flags;
	event->present |= FT_HAS(FLAGS);
}

static void take_mode(struct ft_scan *scan, struct ft_event *event)
{
	if (find(scan, " mode=") && ft_scan_go_mode(scan, &event->mode))
		event->present |= FT_HAS(MODE);
}

/* ---- requests ---- */

/* "a.txt" */
static void take_name(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	take_quoted(scan, line, event, &event->name);
}

/* mask=0x1 */
static void take_access(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	uint64_t mask;

	if (!find(scan, " mask=") || !take_hex(scan, &mask))
		return;
	event->mode = (uint32_t)mask;
	event->present |= FT_HAS(MODE);
}

/* "a.txt" fl=OpenWriteOnly+OpenCreate mode=-rw-r--r-- umask=-----w--w- */
static void take_create(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!take_quoted(scan, line, event, &event->name))
		return;
	if (ft_scan_literal(scan, " fl="))
		take_open_flags(scan, event);
	take_mode(scan, event);
}

/* "d" mode=drwxr-xr-x umask=-----w--w-: the library puts the type there, the kernel does not. */
static void take_mkdir(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!take_quoted(scan, line, event, &event->name))
		return;
	take_mode(scan, event);
	event->mode &= ~(uint32_t)S_IFMT;
}

/* Name "fifo" mode=prw-r--r-- umask=-----w--w- rdev=0 */
static void take_mknod(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (ft_scan_literal(scan, " Name") && take_quoted(scan, line, event, &event->name))
		take_mode(scan, event);
}

/* 0x1 4096 @0 mode=... */
static void take_fallocate(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (take_handle(scan, event) && take_size(scan, event))
		take_offset(scan, event);
}

/* 0x1 fl=0x0 lk=0x...; the same of Lock and Poll */
static void take_only_handle(struct ft_scan *scan, const struct ft_line *line,
			     struct ft_event *event)
{
	take_handle(scan, event);
}

/* Handle 0x1 Flags 0 */
static void take_fsync(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!ft_scan_literal(scan, " Handle") || !take_handle(scan, event) ||
	    !ft_scan_literal(scan, " Flags ") || !ft_scan_u32(scan, &event->flags))
		return;
	event->present |= FT_HAS(FLAGS);
}

/* 0x0 fl=0, where the handle does not count, or 0x1 fl=GetattrFh */
static void take_getattr(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	take_handle(scan, event);
	if (!find(scan, " fl=GetattrFh"))
		event->present &= ~FT_HAS(FH);
}

/* "user.k" 256 @0 */
static void take_getxattr(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (take_quoted(scan, line, event, &event->xattr))
		take_size(scan, event);
}

static void take_listxattr(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	take_size(scan, event);
}

static void take_removexattr(struct ft_scan *scan, const struct ft_line *line,
			     struct ft_event *event)
{
	take_quoted(scan, line, event, &event->xattr);
}

/* The length of a value, quoted or in hexadecimal; false: "..." stands for the rest of it. */
static bool take_value(struct ft_scan *scan, const struct ft_line *line, uint64_t *ret_size)
{
	struct ft_bytes value;

	if (!ft_scan_is_end(scan) && *scan->at == '"') {
		if (!ft_scan_quoted(scan, line->scratch + (scan->at - line->text.data), &value))
			return false;
		*ret_size = value.length;
	} else {
		const char *begin = scan->at;

		while (!ft_scan_is_end(scan) && ft_hex_digit(*scan->at) >= 0)
			scan->at++;
		*ret_size = (uint64_t)(scan->at - begin) / 2;
	}
	return ft_scan_is_end(scan) || *scan->at == ' ';
}

/* "user.k" "v" fl=0, before 2023 "user.k" 76 fl=0 @0x0 */
static void take_setxattr(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (take_quoted(scan, line, event, &event->xattr) && ft_scan_char(scan, ' ') &&
	    take_value(scan, line, &event->size))
		event->present |= FT_HAS(SIZE);
}

/* node 3 to "hard" */
static void take_link(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!ft_scan_literal(scan, " node ") || !ft_scan_u64(scan, &event->nodeid2) ||
	    !ft_scan_literal(scan, " to"))
		return;
	event->present |= FT_HAS(NODEID2);
	take_quoted(scan, line, event, &event->name);
}

/* dir=true fl=OpenReadOnly+OpenDirectory */
static void take_open(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (ft_scan_literal(scan, " dir=true"))
		event->opcode = FT_BAZIL_OPENDIR;
	if (find(scan, " fl="))
		take_open_flags(scan, event);
}

/* 0x1 4096 @0x0 dir=false fl=0 lock=0 ffl=OpenReadOnly; that of a Write has no dir= */
static void take_io(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!take_handle(scan, event) || !take_size(scan, event))
		return;
	take_offset(scan, event);
	if (ft_scan_literal(scan, " dir=true"))
		event->opcode = 28; /* READDIR */
	if (find(scan, " ffl="))
		take_open_flags(scan, event);
}

/* 0x1 fl=OpenReadOnly rfl=0 owner=0x0; of a directory, too: bazil.c knows the handle */
static void take_release(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (take_handle(scan, event) && ft_scan_literal(scan, " fl="))
		take_open_flags(scan, event);
}

/* "a.txt" dir=false */
static void take_remove(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (take_quoted(scan, line, event, &event->name) && ft_scan_literal(scan, " dir=true"))
		event->opcode = 11; /* RMDIR */
}

/* from "a.txt" to dirnode 0x2 "b.txt" */
static void take_rename(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (!ft_scan_literal(scan, " from") || !take_quoted(scan, line, event, &event->name) ||
	    !ft_scan_literal(scan, " to dirnode ") || !take_hex(scan, &event->nodeid2))
		return;
	event->present |= FT_HAS(NODEID2);
	take_quoted(scan, line, event, &event->name2);
}

/* from "link" to target "a.txt" */
static void take_symlink(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	if (ft_scan_literal(scan, " from") && take_quoted(scan, line, event, &event->name) &&
	    ft_scan_literal(scan, " to target"))
		take_quoted(scan, line, event, &event->target);
}

static uint32_t take_attribute(struct ft_scan *scan, struct ft_event *event)
{
	if (ft_scan_literal(scan, "mode=")) {
		if (ft_scan_go_mode(scan, &event->mode))
			event->present |= FT_HAS(MODE);
		return FATTR_MODE;
	}
	if (ft_scan_literal(scan, "size=")) {
		if (ft_scan_u64(scan, &event->size))
			event->present |= FT_HAS(SIZE);
		return FATTR_SIZE;
	}
	if (ft_scan_literal(scan, "handle=")) /* or INVALID-0x0 */
		return take_handle(scan, event) ? FATTR_FH : 0;
	if (ft_scan_literal(scan, "uid="))
		return FATTR_UID;
	if (ft_scan_literal(scan, "gid="))
		return FATTR_GID;
	if (ft_scan_literal(scan, "lockowner"))
		return FATTR_LOCKOWNER;
	if (ft_scan_literal(scan, "atime=now"))
		return FATTR_ATIME_NOW;
	if (ft_scan_literal(scan, "mtime=now"))
		return FATTR_MTIME_NOW;
	if (ft_scan_literal(scan, "atime="))
		return FATTR_ATIME;
	return ft_scan_literal(scan, "mtime=") ? FATTR_MTIME : 0;
}

/* mode=-rw------- size=50 atime=2020-01-02 03:04:05 +0000 UTC handle=0x1 lockowner */
static void take_setattr(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
	struct ft_bytes ignored;

	event->present |= FT_HAS(VALID);
	while (ft_scan_until(scan, ' ', &ignored))
		event->valid |= take_attribute(scan, event);
}

/* opcode=45 */
static void take_unrecognized(struct ft_scan *scan, const struct ft_line *line,
			      struct ft_event *event)
{
	if (ft_scan_literal(scan, " opcode="))
		ft_scan_u32(scan, &event->opcode);
}

static void take_nothing(struct ft_scan *scan, const struct ft_line *line, struct ft_event *event)
{
}

static const struct ft_bazil_op ops[] = {
	{"Access", 34, true, take_access},
	{"BatchForget", 42, true, take_nothing},
	{"Create", 35, true, take_create},
	{"Destroy", 38, true, take_nothing},
	{"FAllocate", 43, true, take_fallocate},
	{"Flush", 25, true, take_only_handle},
	{"Forget", 2, true, take_nothing},
	{"Fsync", FT_BAZIL_FSYNC, false, take_fsync},
	{"Getattr", 3, true, take_getattr},
	{"Getxattr", 22, true, take_getxattr},
	{"Init", 26, true, take_nothing},
	{"Interrupt", 36, true, take_nothing},
	{"Link", 13, true, take_link},
	{"Listxattr", 23, true, take_listxattr},
	{"Lock", 32, false, take_only_handle}, /* SETLK */
	{"LockWait", 33, true, take_only_handle},
	{"Lookup", 1, true, take_name},
	{"Mkdir", 9, true, take_mkdir},
	{"Mknod", 8, true, take_mknod},
	{"NotifyReply", 41, true, take_nothing},
	{"Open", FT_BAZIL_OPEN, false, take_open},
	{"Poll", 40, true, take_only_handle},
	{"QueryLock", 31, true, take_only_handle},
	{"Read", 15, false, take_io},
	{"Readlink", 5, true, take_nothing},
	{"Release", FT_BAZIL_RELEASE, false, take_release},
	{"Remove", 10, false, take_remove},
	{"Removexattr", 24, true, take_removexattr},
	{"Rename", 12, true, take_rename},
	{"Setattr", 4, true, take_setattr},
	{"Setxattr", 21, true, take_setxattr},
	{"Statfs", 17, true, take_nothing},
	{"Symlink", 6, true, take_symlink},
	{"Unlock", 32, false, take_only_handle}, /* SETLK, or SETLKW */
	{"Unrecognized", 0, false, take_unrecognized},
	{"Write", 16, true, take_io},
};

const struct ft_bazil_op *ft_bazil_op_find(struct ft_bytes name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].name[0] == name.data[0] &&
		    ft_bytes_equal(name, ft_bytes_of(ops[i].name)))
			return &ops[i];
	}
	return NULL;
}

/* ---- replies ---- */

/* {0x3 gen=0 valid=1m0s attr={...}} {0x1 fl=0}, or without the braces only one of the two */
static void take_entry(struct ft_scan *scan, struct ft_event *event)
{
	ft_scan_char(scan, '{');
	if (!take_hex(scan, &event->entry) || !ft_scan_literal(scan, " gen="))
		return;
	event->present |= FT_HAS(ENTRY);
	if (find(scan, " mode="))
		ft_scan_go_mode(scan, &event->entry_mode);
	if (find(scan, "}} {"))
		take_handle(scan, event);
}

void ft_bazil_reply(struct ft_scan *scan, const struct ft_line *line, const struct ft_bazil_op *op,
		    struct ft_event *event)
{
	uint64_t size;

	if (!ft_scan_char(scan, ' '))
		return;
	switch (op->opcode) {
	case 1:  /* LOOKUP */
	case 6:  /* SYMLINK */
	case 8:  /* MKNOD */
	case 9:  /* MKDIR */
	case 13: /* LINK */
	case 35: /* CREATE */
		take_entry(scan, event);
		break;
	case FT_BAZIL_OPEN:
		take_handle(scan, event);
		break;
	case 15: /* READ */
	case 16: /* WRITE */
		if (ft_scan_u64(scan, &size))
			set_reply_size(event, size);
		break;
	case 5:  /* READLINK */
	case 22: /* GETXATTR */
	case 23: /* LISTXATTR */
		if (take_value(scan, line, &size))
			set_reply_size(event, size);
		break;
	default:
		break;
	}
}
