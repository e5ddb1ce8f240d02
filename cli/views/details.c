/* SPDX-License-Identifier: MIT */
/* See details.h. Numbers of flags are those of Linux on the machine that runs this. */
#include "details.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "base/text.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Bits of setattr's VALID, FATTR_ of linux/fuse.h. */
#define SETS_MODE (1u << 0)
#define SETS_OWNER (3u << 1)
#define SETS_SIZE (1u << 3)
#define SETS_TIMES (3u << 4 | 3u << 7)

/* ---- words ---- */

static void put(struct details *details, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One more word. What does not fit is left out. */
static void put(struct details *details, const char *format, ...)
{
	size_t room = sizeof(details->text) - details->length;
	va_list arguments;
	int length;

	if (details->length && room > 1) {
		details->text[details->length++] = ' ';
		room--;
	}
	va_start(arguments, format);
	length = vsnprintf(details->text + details->length, room, format, arguments);
	va_end(arguments);
	if (length > 0)
		details->length += (size_t)length < room ? (size_t)length : room - 1;
}

struct bit {
	uint32_t bit;
	const char *name; /* NULL: not worth a word */
};

/* "A|B|0x40" */
static void put_bits(struct details *details, uint32_t value, const char *first,
		     const struct bit *bits, size_t count)
{
	char text[512] = "";
	size_t length = (size_t)snprintf(text, sizeof(text), "%s", first);

	for (size_t i = 0; i < count; i++) {
		if ((value & bits[i].bit) != bits[i].bit)
			continue;
		value &= ~bits[i].bit;
		if (bits[i].name)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
						   length ? "|" : "", bits[i].name);
	}
	if (value)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s0x%x",
					   length ? "|" : "", value);
	if (length)
		put(details, "%s", text);
}

/* ---- what an operation can show ---- */

static bool number(const struct fusetrace_op *op, uint32_t field, uint64_t *ret_number)
{
	return fusetrace_op_number(op, field, ret_number) == 0;
}

/* "3/5 @0": got, asked for where that differs, at which offset. Who asks for 0 asks for the size.
 */
static void put_range(struct details *details, const struct fusetrace_op *op)
{
	uint64_t asked, got, offset;
	bool has_asked = number(op, FUSETRACE_FIELD_SIZE, &asked);
	bool has_got = number(op, FUSETRACE_FIELD_REPLY_SIZE, &got);

	if (has_asked && has_got && asked && got != asked)
		put(details, "%" PRIu64 "/%" PRIu64, got, asked);
	else if (has_got || (has_asked && asked))
		put(details, "%" PRIu64, has_got ? got : asked);
	if (number(op, FUSETRACE_FIELD_OFFSET, &offset))
		put(details, "@%" PRIu64, offset);
}

static void put_size(struct details *details, const struct fusetrace_op *op)
{
	uint64_t size;

	if (number(op, FUSETRACE_FIELD_SIZE, &size) && size)
		put(details, "%" PRIu64, size);
}

static void put_open_flags(struct details *details, const struct fusetrace_op *op)
{
	/* O_SYNC holds the bit of O_DSYNC and O_TMPFILE that of O_DIRECTORY: the larger first. */
	static const struct bit bits[] = {
		{O_SYNC, "O_SYNC"},
		{O_DSYNC, "O_DSYNC"},
		{O_CREAT, "O_CREAT"},
		{O_EXCL, "O_EXCL"},
		{O_TRUNC, "O_TRUNC"},
		{O_APPEND, "O_APPEND"},
		{O_TMPFILE, "O_TMPFILE"},
		{O_DIRECTORY, "O_DIRECTORY"},
		{O_DIRECT, "O_DIRECT"},
		{O_NOATIME, "O_NOATIME"},
		{O_NOFOLLOW, "O_NOFOLLOW"},
		{O_NONBLOCK, "O_NONBLOCK"},
		{O_PATH, "O_PATH"},
		{O_NOCTTY, NULL},
		{O_CLOEXEC, NULL},
		{0100000 /* O_LARGEFILE of the kernel */, NULL},
		{040 /* __FMODE_EXEC */, "for exec"},
	};
	static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
	uint64_t flags;

	if (!number(op, FUSETRACE_FIELD_FLAGS, &flags))
		return;
	put_bits(details, (uint32_t)flags & ~(uint32_t)O_ACCMODE, modes[flags & O_ACCMODE], bits,
		 ARRAY_SIZE(bits));
}

static void put_rename_flags(struct details *details, const struct fusetrace_op *op)
{
	static const struct bit bits[] = {
		{RENAME_NOREPLACE, "RENAME_NOREPLACE"},
		{RENAME_EXCHANGE, "RENAME_EXCHANGE"},
		{RENAME_WHITEOUT, "RENAME_WHITEOUT"},
	};
	uint64_t flags;

	if (number(op, FUSETRACE_FIELD_FLAGS, &flags))
		put_bits(details, (uint32_t)flags, "", bits, ARRAY_SIZE(bits));
}

static void put_xattr_flags(struct details *details, const struct fusetrace_op *op)
{
	static const struct bit bits[] = {
		{XATTR_CREATE, "XATTR_CREATE"},
		{XATTR_REPLACE, "XATTR_REPLACE"},
	};
	uint64_t flags;

	if (number(op, FUSETRACE_FIELD_FLAGS, &flags))
		put_bits(details, (uint32_t)flags, "", bits, ARRAY_SIZE(bits));
}

static void put_fallocate_mode(struct details *details, const struct fusetrace_op *op)
{
	static const struct bit bits[] = {
		{FALLOC_FL_KEEP_SIZE, "KEEP_SIZE"},
		{FALLOC_FL_PUNCH_HOLE, "PUNCH_HOLE"},
		{FALLOC_FL_COLLAPSE_RANGE, "COLLAPSE_RANGE"},
		{FALLOC_FL_ZERO_RANGE, "ZERO_RANGE"},
		{FALLOC_FL_INSERT_RANGE, "INSERT_RANGE"},
		{FALLOC_FL_UNSHARE_RANGE, "UNSHARE_RANGE"},
	};
	uint64_t mode;

	if (number(op, FUSETRACE_FIELD_MODE, &mode))
		put_bits(details, (uint32_t)mode, "", bits, ARRAY_SIZE(bits));
}

static void put_sync_flags(struct details *details, const struct fusetrace_op *op)
{
	uint64_t flags;

	if (number(op, FUSETRACE_FIELD_FLAGS, &flags) && (flags & 1))
		put(details, "data only");
}

static void put_mode(struct details *details, const struct fusetrace_op *op)
{
	static const struct bit types[] = {
		{S_IFSOCK, "socket"},
		{S_IFBLK, "block"},
		{S_IFCHR, "character"},
		{S_IFIFO, "fifo"},
	};
	uint64_t mode;

	if (!number(op, FUSETRACE_FIELD_MODE, &mode))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if ((mode & S_IFMT) == types[i].bit)
			put(details, "%s", types[i].name);
	}
	put(details, "%04o", (unsigned int)mode & 07777);
}

static void put_access(struct details *details, const struct fusetrace_op *op)
{
	uint64_t mask;

	if (!number(op, FUSETRACE_FIELD_MODE, &mask))
		return;
	if ((mask & 7) == F_OK)
		put(details, "exists");
	else
		put(details, "%s%s%s", mask & R_OK ? "r" : "-", mask & W_OK ? "w" : "-",
		    mask & X_OK ? "x" : "-");
}

static void put_setattr(struct details *details, const struct fusetrace_op *op)
{
	uint64_t valid, value;

	if (!number(op, FUSETRACE_FIELD_VALID, &valid))
		return;
	if (valid & SETS_MODE) {
		put(details, "chmod");
		put_mode(details, op);
	}
	if (valid & SETS_OWNER)
		put(details, "chown");
	if (valid & SETS_SIZE) {
		put(details, "truncate");
		if (number(op, FUSETRACE_FIELD_SIZE, &value))
			put(details, "%" PRIu64, value);
	}
	if (valid & SETS_TIMES)
		put(details, "utimens");
}

static void put_xattr(struct details *details, const struct fusetrace_op *op)
{
	char escaped[4 * (XATTR_NAME_MAX + 1)];
	const char *name;
	size_t length;

	if (fusetrace_op_bytes(op, FUSETRACE_FIELD_XATTR, &name, &length) < 0)
		return;
	ft_text_escape((struct ft_bytes){name, length}, escaped, sizeof(escaped));
	put(details, "%s", escaped);
}

static void put_whence(struct details *details, const struct fusetrace_op *op)
{
	static const char *const names[] = {"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA",
					    "SEEK_HOLE"};
	uint64_t whence;

	if (number(op, FUSETRACE_FIELD_FLAGS, &whence) && whence < ARRAY_SIZE(names))
		put(details, "%s", names[whence]);
}

static void put_lock(struct details *details, const struct fusetrace_op *op)
{
	static const char *const names[] = {
		[F_RDLCK] = "F_RDLCK", [F_WRLCK] = "F_WRLCK", [F_UNLCK] = "F_UNLCK"};
	uint64_t type;

	if (number(op, FUSETRACE_FIELD_FLAGS, &type) && type < ARRAY_SIZE(names))
		put(details, "%s", names[type]);
}

static void put_command(struct details *details, const struct fusetrace_op *op)
{
	uint64_t command;

	if (number(op, FUSETRACE_FIELD_FLAGS, &command))
		put(details, "0x%" PRIx64, command);
}

/* ---- the table ---- */

typedef void put_fn(struct details *details, const struct fusetrace_op *op);

static const struct row {
	const char *op;
	put_fn *shows[3];
} rows[] = {
	{"access", {put_access}},
	{"copy_file_range", {put_range}},
	{"create", {put_open_flags, put_mode}},
	{"fallocate", {put_range, put_fallocate_mode}},
	{"fsync", {put_sync_flags}},
	{"fsyncdir", {put_sync_flags}},
	{"getlk", {put_lock, put_range}},
	{"getxattr", {put_xattr, put_range}},
	{"ioctl", {put_command}},
	{"listxattr", {put_range}},
	{"lseek", {put_whence, put_range}},
	{"mkdir", {put_mode}},
	{"mknod", {put_mode}},
	{"open", {put_open_flags}},
	{"poll", {put_command}},
	{"read", {put_range}},
	{"readdir", {put_range}},
	{"readdirplus", {put_range}},
	{"removexattr", {put_xattr}},
	{"rename", {put_rename_flags}},
	{"setattr", {put_setattr}},
	{"setlk", {put_lock, put_range}},
	{"setlkw", {put_lock, put_range}},
	{"setxattr", {put_xattr, put_size, put_xattr_flags}},
	{"tmpfile", {put_open_flags, put_mode}},
	{"write", {put_range}},
};

void details_of(const struct fusetrace_op *op, struct details *ret_details)
{
	const char *name = fusetrace_op_name(op);
	uint64_t offset;

	ret_details->length = 0;
	ret_details->text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].op, name) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].shows) && rows[i].shows[k]; k++)
			rows[i].shows[k](ret_details, op);
		return;
	}
	if (number(op, FUSETRACE_FIELD_OFFSET, &offset))
		put_range(ret_details, op);
}
