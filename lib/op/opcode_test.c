/* SPDX-License-Identifier: MIT */
/*
 * Names and layouts against the installed <linux/fuse.h>, name to opcode and back, and numbers that
 * nobody knows.
 */
#include "opcode.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <linux/fuse.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * What the installed header may be too old for, by the documented numbers. It has to be of 7.31
 * (Linux 5.6) at least.
 */
#if FUSE_KERNEL_MINOR_VERSION < 33
struct setxattr_in_ext {
	uint32_t size;
	uint32_t flags;
	uint32_t setxattr_flags;
	uint32_t padding;
};
#define fuse_setxattr_in setxattr_in_ext
#endif
#if FUSE_KERNEL_MINOR_VERSION < 34
#define FUSE_SYNCFS 50
struct fuse_syncfs_in {
	uint64_t padding;
};
#endif
#if FUSE_KERNEL_MINOR_VERSION < 36
struct init_in_ext {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2;
	uint32_t unused[11];
};
#define fuse_init_in init_in_ext
#endif
#if FUSE_KERNEL_MINOR_VERSION < 37
#define FUSE_TMPFILE 51
#endif
#if FUSE_KERNEL_MINOR_VERSION < 39
#define FUSE_STATX 52
struct fuse_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};
#endif
#if FUSE_KERNEL_MINOR_VERSION < 45
#define FUSE_COPY_FILE_RANGE_64 53
struct fuse_copy_file_range_out {
	uint64_t bytes_copied;
};
#endif

#define LAST_FUSE_OPCODE 53u

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

#define SIZE_OF(type_) sizeof(struct type_)

/*
 * All opcodes, with the sizes of what names or payload follow and of what the kernel sends in
 * full. A reply of which nothing is read has none.
 */
struct known {
	uint32_t number;
	const char *name;
	size_t request_size;
	size_t reply_size;
};

/* clang-format off */
static const struct known known[] = {
	{FUSE_LOOKUP, "lookup", 0, SIZE_OF(fuse_entry_out)},
	{FUSE_FORGET, "forget", SIZE_OF(fuse_forget_in), 0},
	{FUSE_GETATTR, "getattr", SIZE_OF(fuse_getattr_in), 0},
	{FUSE_SETATTR, "setattr", SIZE_OF(fuse_setattr_in), 0},
	{FUSE_READLINK, "readlink", 0, 0},
	{FUSE_SYMLINK, "symlink", 0, SIZE_OF(fuse_entry_out)},
	{FUSE_MKNOD, "mknod", SIZE_OF(fuse_mknod_in), SIZE_OF(fuse_entry_out)},
	{FUSE_MKDIR, "mkdir", SIZE_OF(fuse_mkdir_in), SIZE_OF(fuse_entry_out)},
	{FUSE_UNLINK, "unlink", 0, 0},
	{FUSE_RMDIR, "rmdir", 0, 0},
	{FUSE_RENAME, "rename", SIZE_OF(fuse_rename_in), 0},
	{FUSE_LINK, "link", SIZE_OF(fuse_link_in), SIZE_OF(fuse_entry_out)},
	{FUSE_OPEN, "open", SIZE_OF(fuse_open_in), SIZE_OF(fuse_open_out)},
	{FUSE_READ, "read", SIZE_OF(fuse_read_in), 0},
	{FUSE_WRITE, "write", SIZE_OF(fuse_write_in), SIZE_OF(fuse_write_out)},
	{FUSE_STATFS, "statfs", 0, 0},
	{FUSE_RELEASE, "release", SIZE_OF(fuse_release_in), 0},
	{FUSE_FSYNC, "fsync", SIZE_OF(fuse_fsync_in), 0},
	{FUSE_SETXATTR, "setxattr", SIZE_OF(fuse_setxattr_in), 0},
	{FUSE_GETXATTR, "getxattr", SIZE_OF(fuse_getxattr_in), 0},
	{FUSE_LISTXATTR, "listxattr", SIZE_OF(fuse_getxattr_in), 0},
	{FUSE_REMOVEXATTR, "removexattr", 0, 0},
	{FUSE_FLUSH, "flush", SIZE_OF(fuse_flush_in), 0},
	{FUSE_INIT, "init", SIZE_OF(fuse_init_in), 0},
	{FUSE_OPENDIR, "opendir", SIZE_OF(fuse_open_in), SIZE_OF(fuse_open_out)},
	{FUSE_READDIR, "readdir", SIZE_OF(fuse_read_in), 0},
	{FUSE_RELEASEDIR, "releasedir", SIZE_OF(fuse_release_in), 0},
	{FUSE_FSYNCDIR, "fsyncdir", SIZE_OF(fuse_fsync_in), 0},
	{FUSE_GETLK, "getlk", SIZE_OF(fuse_lk_in), 0},
	{FUSE_SETLK, "setlk", SIZE_OF(fuse_lk_in), 0},
	{FUSE_SETLKW, "setlkw", SIZE_OF(fuse_lk_in), 0},
	{FUSE_ACCESS, "access", SIZE_OF(fuse_access_in), 0},
	{FUSE_CREATE, "create", SIZE_OF(fuse_create_in), SIZE_OF(create_out)},
	{FUSE_INTERRUPT, "interrupt", SIZE_OF(fuse_interrupt_in), 0},
	{FUSE_BMAP, "bmap", SIZE_OF(fuse_bmap_in), 0},
	{FUSE_DESTROY, "destroy", 0, 0},
	{FUSE_IOCTL, "ioctl", SIZE_OF(fuse_ioctl_in), SIZE_OF(fuse_ioctl_out)},
	{FUSE_POLL, "poll", SIZE_OF(fuse_poll_in), 0},
	{FUSE_NOTIFY_REPLY, "notify_reply", SIZE_OF(fuse_notify_retrieve_in), 0},
	{FUSE_BATCH_FORGET, "batch_forget", SIZE_OF(fuse_batch_forget_in), 0},
	{FUSE_FALLOCATE, "fallocate", SIZE_OF(fuse_fallocate_in), 0},
	{FUSE_READDIRPLUS, "readdirplus", SIZE_OF(fuse_read_in), 0},
	{FUSE_RENAME2, "rename", SIZE_OF(fuse_rename2_in), 0},
	{FUSE_LSEEK, "lseek", SIZE_OF(fuse_lseek_in), SIZE_OF(fuse_lseek_out)},
	{FUSE_COPY_FILE_RANGE, "copy_file_range", SIZE_OF(fuse_copy_file_range_in),
	 SIZE_OF(fuse_write_out)},
	{FUSE_SETUPMAPPING, "setupmapping", SIZE_OF(fuse_setupmapping_in), 0},
	{FUSE_REMOVEMAPPING, "removemapping", SIZE_OF(fuse_removemapping_in), 0},
	{FUSE_SYNCFS, "syncfs", SIZE_OF(fuse_syncfs_in), 0},
	{FUSE_TMPFILE, "tmpfile", SIZE_OF(fuse_create_in), SIZE_OF(create_out)},
	{FUSE_STATX, "statx", SIZE_OF(fuse_statx_in), 0},
	{FUSE_COPY_FILE_RANGE_64, "copy_file_range", SIZE_OF(fuse_copy_file_range_in),
	 SIZE_OF(fuse_copy_file_range_out)},
	{CUSE_INIT, "cuse_init", SIZE_OF(cuse_init_in), 0},
};
/* clang-format on */

static const uint32_t unknown[] = {
	0, 7, 19, LAST_FUSE_OPCODE + 1, 62, 63, 64, 99, 100, 4095, 4097, 8192, UINT32_MAX};

static bool is_known(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].number == number)
			return true;
	return false;
}

static bool parse(const char *name, struct ft_op_selector *ret_selector)
{
	*ret_selector = (struct ft_op_selector){0};
	return ft_op_selector_parse(name, strlen(name), ret_selector);
}

static bool selects(const struct ft_op_selector *selector, uint32_t number)
{
	return (selector->opcodes & ft_opcode_bit(number)) &&
	       (selector->number == 0 || selector->number == number);
}

static void test_names_are_the_kernels(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_string_equal(fusetrace_opcode_name(known[i].number), known[i].name);
		assert_string_equal(ft_opcode_get(known[i].number)->name, known[i].name);
		assert_int_equal(ft_opcode_get(known[i].number)->number, known[i].number);
	}
	for (uint32_t number = 0; number < 10000; number++)
		assert_int_equal(ft_opcode_get(number)->number == number && number != 0,
				 is_known(number));
}

static void test_names_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(known) + ARRAY_SIZE(unknown); i++) {
		uint32_t number =
			i < ARRAY_SIZE(known) ? known[i].number : unknown[i - ARRAY_SIZE(known)];
		const char *name = fusetrace_opcode_name(number);
		struct ft_op_selector selector;
		uint32_t found = 12345;

		assert_true(parse(name, &selector));
		assert_true(selects(&selector, number));
		assert_int_equal(selector.valid, 0);
		assert_true(ft_opcode_find(name, strlen(name), &found));
		assert_string_equal(fusetrace_opcode_name(found), name);
	}
}

static void test_opcode_bits(void **state)
{
	uint64_t seen = 0;

	for (uint32_t number = 0; number < 63; number++) {
		assert_int_equal(seen & ft_opcode_bit(number), 0);
		seen |= ft_opcode_bit(number);
	}
	assert_int_equal(ft_opcode_bit(63), UINT64_C(1) << 63);
	assert_int_equal(ft_opcode_bit(CUSE_INIT), UINT64_C(1) << 63);
	assert_int_equal(ft_opcode_bit(UINT32_MAX), UINT64_C(1) << 63);
}

static void test_iteration_is_alphabetical_and_complete(void **state)
{
	const char *previous = "";
	size_t n = 0;

	for (const char *name = fusetrace_op_name_next(NULL); name;
	     name = fusetrace_op_name_next(name)) {
		struct ft_op_selector selector;

		assert_true(strcmp(previous, name) < 0);
		assert_true(parse(name, &selector));
		previous = name;
		n++;
	}
	/* The two renames and the two copies share a name; four names stand for setattr. */
	assert_int_equal(n, ARRAY_SIZE(known) - 2 + 4);
	assert_string_equal(fusetrace_op_name_next(NULL), "access");
	assert_string_equal(fusetrace_op_name_next("bmap"), "chmod");
	assert_string_equal(fusetrace_op_name_next("removexattr"), "rename");
	assert_string_equal(fusetrace_op_name_next("rename"), "rmdir");
	assert_null(fusetrace_op_name_next("write"));
}

static void test_unknown_numbers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const char *name = fusetrace_opcode_name(unknown[i]);
		char expected[32];

		snprintf(expected, sizeof(expected), "opcode_%u", unknown[i]);
		assert_string_equal(name, expected);
		assert_ptr_equal(name, fusetrace_opcode_name(unknown[i]));
		assert_int_equal(ft_opcode_get(unknown[i])->behaviour, 0);
		assert_int_equal(ft_opcode_get(unknown[i])->request.size, 0);
	}
}

#define THREADS 4
#define NUMBERS 64
#define FIRST_NUMBER 70000u

static pthread_barrier_t barrier;

/* Every thread asks for the same new number at the same moment, again and again. */
static void *ask_names(void *data)
{
	const char **names = data;

	for (size_t i = 0; i < NUMBERS; i++) {
		pthread_barrier_wait(&barrier);
		names[i] = fusetrace_opcode_name(FIRST_NUMBER + (uint32_t)i);
	}
	return NULL;
}

static void test_threads_get_the_same_names(void **state)
{
	static const char *names[THREADS][NUMBERS];
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_names, names[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&barrier);

	for (size_t k = 0; k < NUMBERS; k++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "opcode_%u", FIRST_NUMBER + (uint32_t)k);
		for (size_t i = 0; i < THREADS; i++) {
			assert_string_equal(names[i][k], expected);
			assert_ptr_equal(names[i][k], names[0][k]);
		}
	}
}

/* Last: it fills the store for the rest of the process. */
static void test_store_has_a_limit(void **state)
{
	const char *early = fusetrace_opcode_name(FIRST_NUMBER);
	char next[32];
	size_t others = 0;

	for (uint32_t number = 100000; number < 101000; number++) {
		const char *name = fusetrace_opcode_name(number);
		char expected[32];

		snprintf(expected, sizeof(expected), "opcode_%u", number);
		if (strcmp(name, "opcode_other") == 0)
			others++;
		else
			assert_string_equal(name, expected);
		assert_ptr_equal(name, fusetrace_opcode_name(number));
	}
	assert_in_range(others, 1, 999);
	assert_ptr_equal(fusetrace_opcode_name(FIRST_NUMBER), early);
	snprintf(next, sizeof(next), "opcode_%d", LAST_FUSE_OPCODE + 1);
	assert_string_equal(fusetrace_opcode_name(LAST_FUSE_OPCODE + 1), next);
	assert_string_equal(fusetrace_opcode_name(99), "opcode_99");
}

static void test_field_names(void **state)
{
	for (uint32_t field = 0; field < FUSETRACE_FIELDS; field++) {
		assert_non_null(fusetrace_field_name(field));
		for (uint32_t other = 0; other < field; other++)
			assert_string_not_equal(fusetrace_field_name(field),
						fusetrace_field_name(other));
	}
	assert_string_equal(fusetrace_field_name(FUSETRACE_FIELD_SEQ), "seq");
	assert_string_equal(fusetrace_field_name(FUSETRACE_FIELD_NODEID2), "nodeid2");
	assert_string_equal(fusetrace_field_name(FUSETRACE_FIELD_TARGET), "target");
	assert_null(fusetrace_field_name(FUSETRACE_FIELDS));
	assert_null(fusetrace_field_name(UINT32_MAX));
}

static void test_behaviours(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct ft_opcode *row = ft_opcode_get(known[i].number);
		bool has_nodeid2 = false;

		for (size_t k = 0; k < FT_WIRE_FIELDS_MAX && row->request.fields[k].width; k++)
			has_nodeid2 |= row->request.fields[k].field == FUSETRACE_FIELD_NODEID2;
		if (row->behaviour & FT_OPCODE_NAME2)
			assert_true(row->behaviour & FT_OPCODE_NAME && has_nodeid2);
		if (row->behaviour & (FT_OPCODE_TARGET | FT_OPCODE_REMOVES))
			assert_true(row->behaviour & FT_OPCODE_NAME);
		if (row->behaviour & FT_OPCODE_XATTR)
			assert_false(row->behaviour & FT_OPCODE_NAME);
		if (row->behaviour & FT_OPCODE_NO_REPLY)
			assert_int_equal(row->reply.size, 0);
		if (row->behaviour & FT_OPCODE_ENTRY)
			assert_true(row->reply.size >= 128);
	}
	assert_true(ft_opcode_get(FUSE_FORGET)->behaviour & FT_OPCODE_NO_REPLY);
	assert_true(ft_opcode_get(FUSE_POLL)->behaviour & FT_OPCODE_UNTIMED);
	assert_true(ft_opcode_get(FUSE_INIT)->behaviour & FT_OPCODE_NO_PATH);
	assert_true(ft_opcode_get(FUSE_RELEASE)->behaviour & FT_OPCODE_CLOSES);
	assert_true(ft_opcode_get(FUSE_RELEASEDIR)->behaviour & FT_OPCODE_CLOSES);
	assert_true(ft_opcode_get(FUSE_OPENDIR)->behaviour & FT_OPCODE_OPENS);
	assert_true(ft_opcode_get(FUSE_CREATE)->behaviour & FT_OPCODE_OPENS);
}

/* ---- layouts ---- */

struct layout_field {
	uint32_t opcode;
	bool is_reply;
	uint8_t field;
	uint8_t width;
	uint16_t offset;
	uint16_t only_if;
};

#define FIELD(opcode_, is_reply_, only_if_, field_, type_, member_)                                \
	{                                                                                          \
		(opcode_), (is_reply_), (field_), sizeof(((struct type_ *)NULL)->member_),         \
			offsetof(struct type_, member_), (only_if_)                                \
	}
#define IN(opcode_, field_, type_, member_)                                                        \
	FIELD(opcode_, false, 0, FUSETRACE_FIELD_##field_, type_, member_)
#define IN_IF(bits_, opcode_, field_, type_, member_)                                              \
	FIELD(opcode_, false, bits_, FUSETRACE_FIELD_##field_, type_, member_)
#define OUT(opcode_, field_, type_, member_)                                                       \
	FIELD(opcode_, true, 0, FUSETRACE_FIELD_##field_, type_, member_)
#define ENTRY_OUT(opcode_)                                                                         \
	OUT(opcode_, ENTRY, fuse_entry_out, nodeid),                                               \
		FIELD(opcode_, true, 0, FT_WIRE_ENTRY_MODE, fuse_entry_out, attr.mode)
#define CREATE_OUT(opcode_)                                                                        \
	OUT(opcode_, ENTRY, create_out, entry.nodeid),                                             \
		FIELD(opcode_, true, 0, FT_WIRE_ENTRY_MODE, create_out, entry.attr.mode),          \
		OUT(opcode_, FH, create_out, open.fh)
#define READ_IN(opcode_, type_)                                                                    \
	IN(opcode_, FH, type_, fh), IN(opcode_, OFFSET, type_, offset),                            \
		IN(opcode_, SIZE, type_, size), IN(opcode_, FLAGS, type_, flags)
#define LK_IN(opcode_)                                                                             \
	IN(opcode_, FH, fuse_lk_in, fh), IN(opcode_, OFFSET, fuse_lk_in, lk.start),                \
		FIELD(opcode_, false, 0, FT_WIRE_LOCK_END, fuse_lk_in, lk.end),                    \
		IN(opcode_, FLAGS, fuse_lk_in, lk.type)
#define COPY_IN(opcode_)                                                                           \
	IN(opcode_, FH, fuse_copy_file_range_in, fh_in),                                           \
		IN(opcode_, OFFSET, fuse_copy_file_range_in, off_in),                              \
		IN(opcode_, NODEID2, fuse_copy_file_range_in, nodeid_out),                         \
		IN(opcode_, SIZE, fuse_copy_file_range_in, len),                                   \
		IN(opcode_, FLAGS, fuse_copy_file_range_in, flags)

/* clang-format off */
static const struct layout_field layout_fields[] = {
	ENTRY_OUT(FUSE_LOOKUP),
	IN_IF(FUSE_GETATTR_FH, FUSE_GETATTR, FH, fuse_getattr_in, fh),
	IN(FUSE_SETATTR, VALID, fuse_setattr_in, valid),
	IN_IF(FATTR_FH, FUSE_SETATTR, FH, fuse_setattr_in, fh),
	IN_IF(FATTR_SIZE, FUSE_SETATTR, SIZE, fuse_setattr_in, size),
	IN_IF(FATTR_MODE, FUSE_SETATTR, MODE, fuse_setattr_in, mode),
	ENTRY_OUT(FUSE_SYMLINK),
	IN(FUSE_MKNOD, MODE, fuse_mknod_in, mode),
	ENTRY_OUT(FUSE_MKNOD),
	IN(FUSE_MKDIR, MODE, fuse_mkdir_in, mode),
	ENTRY_OUT(FUSE_MKDIR),
	IN(FUSE_RENAME, NODEID2, fuse_rename_in, newdir),
	IN(FUSE_LINK, NODEID2, fuse_link_in, oldnodeid),
	ENTRY_OUT(FUSE_LINK),
	IN(FUSE_OPEN, FLAGS, fuse_open_in, flags),
	OUT(FUSE_OPEN, FH, fuse_open_out, fh),
	READ_IN(FUSE_READ, fuse_read_in),
	READ_IN(FUSE_WRITE, fuse_write_in),
	OUT(FUSE_WRITE, REPLY_SIZE, fuse_write_out, size),
	IN(FUSE_RELEASE, FH, fuse_release_in, fh),
	IN(FUSE_RELEASE, FLAGS, fuse_release_in, flags),
	IN(FUSE_FSYNC, FH, fuse_fsync_in, fh),
	IN(FUSE_FSYNC, FLAGS, fuse_fsync_in, fsync_flags),
	IN(FUSE_SETXATTR, SIZE, fuse_setxattr_in, size),
	IN(FUSE_SETXATTR, FLAGS, fuse_setxattr_in, flags),
	IN(FUSE_GETXATTR, SIZE, fuse_getxattr_in, size),
	IN(FUSE_LISTXATTR, SIZE, fuse_getxattr_in, size),
	IN(FUSE_FLUSH, FH, fuse_flush_in, fh),
	IN(FUSE_INIT, FLAGS, fuse_init_in, flags),
	IN(FUSE_OPENDIR, FLAGS, fuse_open_in, flags),
	OUT(FUSE_OPENDIR, FH, fuse_open_out, fh),
	READ_IN(FUSE_READDIR, fuse_read_in),
	IN(FUSE_RELEASEDIR, FH, fuse_release_in, fh),
	IN(FUSE_RELEASEDIR, FLAGS, fuse_release_in, flags),
	IN(FUSE_FSYNCDIR, FH, fuse_fsync_in, fh),
	IN(FUSE_FSYNCDIR, FLAGS, fuse_fsync_in, fsync_flags),
	LK_IN(FUSE_GETLK),
	LK_IN(FUSE_SETLK),
	LK_IN(FUSE_SETLKW),
	IN(FUSE_ACCESS, MODE, fuse_access_in, mask),
	IN(FUSE_CREATE, FLAGS, fuse_create_in, flags),
	IN(FUSE_CREATE, MODE, fuse_create_in, mode),
	CREATE_OUT(FUSE_CREATE),
	IN(FUSE_IOCTL, FH, fuse_ioctl_in, fh),
	IN(FUSE_IOCTL, FLAGS, fuse_ioctl_in, cmd),
	IN(FUSE_IOCTL, SIZE, fuse_ioctl_in, out_size),
	IN(FUSE_POLL, FH, fuse_poll_in, fh),
	IN(FUSE_POLL, FLAGS, fuse_poll_in, events),
	IN(FUSE_NOTIFY_REPLY, OFFSET, fuse_notify_retrieve_in, offset),
	IN(FUSE_NOTIFY_REPLY, SIZE, fuse_notify_retrieve_in, size),
	IN(FUSE_FALLOCATE, FH, fuse_fallocate_in, fh),
	IN(FUSE_FALLOCATE, OFFSET, fuse_fallocate_in, offset),
	IN(FUSE_FALLOCATE, SIZE, fuse_fallocate_in, length),
	IN(FUSE_FALLOCATE, MODE, fuse_fallocate_in, mode),
	READ_IN(FUSE_READDIRPLUS, fuse_read_in),
	IN(FUSE_RENAME2, NODEID2, fuse_rename2_in, newdir),
	IN(FUSE_RENAME2, FLAGS, fuse_rename2_in, flags),
	IN(FUSE_LSEEK, FH, fuse_lseek_in, fh),
	IN(FUSE_LSEEK, OFFSET, fuse_lseek_in, offset),
	IN(FUSE_LSEEK, FLAGS, fuse_lseek_in, whence),
	OUT(FUSE_LSEEK, OFFSET, fuse_lseek_out, offset),
	COPY_IN(FUSE_COPY_FILE_RANGE),
	OUT(FUSE_COPY_FILE_RANGE, REPLY_SIZE, fuse_write_out, size),
	IN(FUSE_SETUPMAPPING, FH, fuse_setupmapping_in, fh),
	IN(FUSE_SETUPMAPPING, OFFSET, fuse_setupmapping_in, foffset),
	IN(FUSE_SETUPMAPPING, SIZE, fuse_setupmapping_in, len),
	IN(FUSE_SETUPMAPPING, FLAGS, fuse_setupmapping_in, flags),
	IN(FUSE_TMPFILE, FLAGS, fuse_create_in, flags),
	IN(FUSE_TMPFILE, MODE, fuse_create_in, mode),
	CREATE_OUT(FUSE_TMPFILE),
	IN_IF(FUSE_GETATTR_FH, FUSE_STATX, FH, fuse_statx_in, fh),
	IN(FUSE_STATX, FLAGS, fuse_statx_in, sx_flags),
	IN(FUSE_STATX, VALID, fuse_statx_in, sx_mask),
	COPY_IN(FUSE_COPY_FILE_RANGE_64),
	OUT(FUSE_COPY_FILE_RANGE_64, REPLY_SIZE, fuse_copy_file_range_out, bytes_copied),
	IN(CUSE_INIT, FLAGS, cuse_init_in, flags),
};
/* clang-format on */

static const struct ft_wire_field *find_field(const struct ft_wire_layout *layout, uint8_t field)
{
	for (size_t i = 0; i < FT_WIRE_FIELDS_MAX && layout->fields[i].width; i++)
		if (layout->fields[i].field == field)
			return &layout->fields[i];
	return NULL;
}

static size_t count_fields(const struct ft_wire_layout *layout)
{
	size_t n = 0;

	while (n < FT_WIRE_FIELDS_MAX && layout->fields[n].width)
		n++;
	return n;
}

static void test_fields_are_the_kernels(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(layout_fields); i++) {
		const struct layout_field *expected = &layout_fields[i];
		const struct ft_opcode *row = ft_opcode_get(expected->opcode);
		const struct ft_wire_field *field = find_field(
			expected->is_reply ? &row->reply : &row->request, expected->field);

		assert_non_null(field);
		if (field->offset != expected->offset || field->width != expected->width ||
		    field->only_if != expected->only_if)
			fail_msg("field %u of %s", expected->field, row->name);
	}
	/* None more. */
	for (uint32_t number = 0; number <= CUSE_INIT; number++)
		n += count_fields(&ft_opcode_get(number)->request) +
		     count_fields(&ft_opcode_get(number)->reply);
	assert_int_equal(n, ARRAY_SIZE(layout_fields));
}

static void test_sizes_are_the_kernels(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct ft_opcode *row = ft_opcode_get(known[i].number);

		if (row->request.size != known[i].request_size ||
		    row->reply.size != known[i].reply_size)
			fail_msg("size of %s", row->name);
	}
	assert_int_equal(ft_opcode_get(FUSE_SETXATTR)->request.short_size, 8);
	assert_int_equal(ft_opcode_get(FUSE_MKNOD)->request.short_size, FUSE_COMPAT_MKNOD_IN_SIZE);
	/* fuse_create_in was fuse_open_in with the mode in its second word. */
	assert_int_equal(ft_opcode_get(FUSE_CREATE)->request.short_size,
			 sizeof(struct fuse_open_in));
}

static void check_inside(const struct ft_wire_layout *layout)
{
	for (size_t i = 0; i < count_fields(layout); i++) {
		const struct ft_wire_field *field = &layout->fields[i];

		assert_true(field->offset + field->width <= layout->size);
		if (layout->short_size)
			assert_true(field->offset + field->width <= layout->short_size);
		assert_true(field->width == 1 || field->width == 2 || field->width == 4 ||
			    field->width == 8);
	}
}

static void test_fields_lie_inside(void **state)
{
	for (uint32_t number = 0; number <= CUSE_INIT; number++) {
		check_inside(&ft_opcode_get(number)->request);
		check_inside(&ft_opcode_get(number)->reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_the_kernels),
		cmocka_unit_test(test_names_round_trip),
		cmocka_unit_test(test_opcode_bits),
		cmocka_unit_test(test_iteration_is_alphabetical_and_complete),
		cmocka_unit_test(test_unknown_numbers),
		cmocka_unit_test(test_threads_get_the_same_names),
		cmocka_unit_test(test_field_names),
		cmocka_unit_test(test_behaviours),
		cmocka_unit_test(test_fields_are_the_kernels),
		cmocka_unit_test(test_sizes_are_the_kernels),
		cmocka_unit_test(test_fields_lie_inside),
		cmocka_unit_test(test_store_has_a_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
