/* SPDX-License-Identifier: MIT */
/*
 * Requests and replies made from the structs of <linux/fuse.h> through the decoder: whole, cut at
 * every length, at any address, and in all forms that differ by what was negotiated. That the
 * layouts are the kernel's is for opcode_test.c.
 */
#include "wire.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/fuse.h>

#include <cmocka.h>

#include "op/opcode.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Newer than some installed headers: by their documented numbers. */
#define TMPFILE 51
#define STATX 52
#define COPY_FILE_RANGE_64 53
struct statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};
struct setxattr_in {
	uint32_t size;
	uint32_t flags;
	uint32_t setxattr_flags;
	uint32_t padding;
};

struct create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

struct direntplus {
	struct fuse_entry_out entry;
	struct fuse_dirent dirent;
};

/* ---- samples: a message and what it must decode to ---- */

struct sample {
	uint32_t opcode;
	bool is_reply;
	const void *fixed;
	size_t fixed_size;
	const char *tail;
	size_t tail_size;
	struct ft_event expected;
};

#define FIXED(type_, ...)                                                                          \
	.fixed = &(const struct type_){__VA_ARGS__}, .fixed_size = sizeof(struct type_)
/* Names: the last NUL is the literal's own. */
#define NAMES(text_) .tail = (text_), .tail_size = sizeof(text_)
#define DATA(text_) .tail = (text_), .tail_size = sizeof(text_) - 1
#define EXPECT(...) .expected = {__VA_ARGS__}
#define TEXT(text_)                                                                                \
	{                                                                                          \
		(text_), sizeof(text_) - 1                                                         \
	}
#define REPLY .is_reply = true

#define BIG (UINT64_C(0x1122334455667788))

/* clang-format off */
static const struct sample samples[] = {
	{FUSE_LOOKUP, NAMES("caf\xc3\xa9.txt"),
	 EXPECT(.present = FT_HAS(NAME), .name = TEXT("caf\xc3\xa9.txt"))},
	{FUSE_LOOKUP, REPLY,
	 FIXED(fuse_entry_out, .nodeid = BIG, .generation = 7,
	       .attr = {.ino = 9, .mode = S_IFDIR | 0755}),
	 EXPECT(.present = FT_HAS(ENTRY), .entry = BIG, .entry_mode = S_IFDIR | 0755)},
	/* Nodeid 0: the name is known not to exist. The rest may be anything. */
	{FUSE_LOOKUP, REPLY, FIXED(fuse_entry_out, .entry_valid = 5, .attr = {.mode = 0xffff}),
	 EXPECT(.present = FT_HAS(ENTRY))},
	{FUSE_FORGET, FIXED(fuse_forget_in, .nlookup = 3)},
	{FUSE_GETATTR, FIXED(fuse_getattr_in, .getattr_flags = FUSE_GETATTR_FH, .fh = 12),
	 EXPECT(.present = FT_HAS(FH), .fh = 12)},
	{FUSE_GETATTR, FIXED(fuse_getattr_in, .fh = 12)},
	{FUSE_GETATTR, REPLY, FIXED(fuse_attr_out, .attr_valid = 1, .attr = {.ino = 9, .size = 5})},
	{FUSE_SETATTR,
	 FIXED(fuse_setattr_in, .valid = FATTR_MODE, .fh = 1, .size = 2, .mode = S_IFREG | 0600),
	 EXPECT(.present = FT_HAS(VALID) | FT_HAS(MODE), .valid = FATTR_MODE,
		.mode = S_IFREG | 0600)},
	{FUSE_SETATTR,
	 FIXED(fuse_setattr_in, .valid = FATTR_SIZE | FATTR_FH, .fh = 77, .size = BIG, .mode = 4),
	 EXPECT(.present = FT_HAS(VALID) | FT_HAS(FH) | FT_HAS(SIZE),
		.valid = FATTR_SIZE | FATTR_FH, .fh = 77, .size = BIG)},
	{FUSE_SETATTR, FIXED(fuse_setattr_in, .valid = FATTR_UID | FATTR_GID, .uid = 3, .gid = 4),
	 EXPECT(.present = FT_HAS(VALID), .valid = FATTR_UID | FATTR_GID)},
	{FUSE_READLINK},
	{FUSE_READLINK, REPLY, DATA("a/target"),
	 EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 8)},
	{FUSE_SYMLINK, NAMES("link\0../a/target"),
	 EXPECT(.present = FT_HAS(NAME) | FT_HAS(TARGET), .name = TEXT("link"),
		.target = TEXT("../a/target"))},
	{FUSE_MKNOD, FIXED(fuse_mknod_in, .mode = S_IFIFO | 0644, .rdev = 5, .umask = 022),
	 NAMES("fifo"),
	 EXPECT(.present = FT_HAS(MODE) | FT_HAS(NAME), .mode = S_IFIFO | 0644,
		.name = TEXT("fifo"))},
	/* With FUSE_SECURITY_CTX a context follows the name. */
	{FUSE_MKDIR, FIXED(fuse_mkdir_in, .mode = 0751, .umask = 022),
	 NAMES("dir\0\x28\0\0\0\1\0\0\0\4\0\0\0\0\0\0\0security.selinux\0ctx"),
	 EXPECT(.present = FT_HAS(MODE) | FT_HAS(NAME), .mode = 0751, .name = TEXT("dir"))},
	{FUSE_UNLINK, NAMES("new\nline"),
	 EXPECT(.present = FT_HAS(NAME), .name = TEXT("new\nline"))},
	{FUSE_RMDIR, NAMES("d"), EXPECT(.present = FT_HAS(NAME), .name = TEXT("d"))},
	{FUSE_RENAME, FIXED(fuse_rename_in, .newdir = 8), NAMES("old\0newer"),
	 EXPECT(.present = FT_HAS(NODEID2) | FT_HAS(NAME) | FT_HAS(NAME2), .nodeid2 = 8,
		.name = TEXT("old"), .name2 = TEXT("newer"))},
	{FUSE_RENAME2, FIXED(fuse_rename2_in, .newdir = 8, .flags = RENAME_EXCHANGE),
	 NAMES("old\0newer"),
	 EXPECT(.present = FT_HAS(NODEID2) | FT_HAS(FLAGS) | FT_HAS(NAME) | FT_HAS(NAME2),
		.nodeid2 = 8, .flags = RENAME_EXCHANGE, .name = TEXT("old"),
		.name2 = TEXT("newer"))},
	{FUSE_LINK, FIXED(fuse_link_in, .oldnodeid = 5), NAMES("hard"),
	 EXPECT(.present = FT_HAS(NODEID2) | FT_HAS(NAME), .nodeid2 = 5, .name = TEXT("hard"))},
	{FUSE_OPEN, FIXED(fuse_open_in, .flags = O_RDWR | O_TRUNC),
	 EXPECT(.present = FT_HAS(FLAGS), .flags = O_RDWR | O_TRUNC)},
	{FUSE_OPEN, REPLY, FIXED(fuse_open_out, .fh = BIG, .open_flags = FOPEN_KEEP_CACHE),
	 EXPECT(.present = FT_HAS(FH), .fh = BIG)},
	{FUSE_READ,
	 FIXED(fuse_read_in, .fh = 1, .offset = BIG, .size = 131072, .lock_owner = 6,
	       .flags = O_RDWR),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(FLAGS), .fh = 1,
		.offset = BIG, .size = 131072, .flags = O_RDWR)},
	{FUSE_READ, REPLY, DATA("hello"), EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 5)},
	{FUSE_WRITE,
	 FIXED(fuse_write_in, .fh = 2, .offset = 4096, .size = 5, .write_flags = 1,
	       .flags = O_APPEND),
	 DATA("hello"),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(FLAGS), .fh = 2,
		.offset = 4096, .size = 5, .flags = O_APPEND)},
	{FUSE_WRITE, REPLY, FIXED(fuse_write_out, .size = 5),
	 EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 5)},
	{FUSE_RELEASE, FIXED(fuse_release_in, .fh = 2, .flags = O_RDWR, .lock_owner = 4),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(FLAGS), .fh = 2, .flags = O_RDWR)},
	{FUSE_FSYNC, FIXED(fuse_fsync_in, .fh = 2, .fsync_flags = FUSE_FSYNC_FDATASYNC),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(FLAGS), .fh = 2, .flags = FUSE_FSYNC_FDATASYNC)},
	{FUSE_FLUSH, FIXED(fuse_flush_in, .fh = 2, .lock_owner = 9),
	 EXPECT(.present = FT_HAS(FH), .fh = 2)},
	{FUSE_SETXATTR, FIXED(setxattr_in, .size = 5, .flags = 1, .setxattr_flags = 1),
	 DATA("user.tag\0va\0ue"),
	 EXPECT(.present = FT_HAS(SIZE) | FT_HAS(FLAGS) | FT_HAS(XATTR), .size = 5, .flags = 1,
		.xattr = TEXT("user.tag"))},
	{FUSE_GETXATTR, FIXED(fuse_getxattr_in, .size = 128), NAMES("security.capability"),
	 EXPECT(.present = FT_HAS(SIZE) | FT_HAS(XATTR), .size = 128,
		.xattr = TEXT("security.capability"))},
	{FUSE_GETXATTR, REPLY, DATA("the value"),
	 EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 9)},
	{FUSE_LISTXATTR, FIXED(fuse_getxattr_in, .size = 0), EXPECT(.present = FT_HAS(SIZE))},
	{FUSE_REMOVEXATTR, NAMES("user.tag"),
	 EXPECT(.present = FT_HAS(XATTR), .xattr = TEXT("user.tag"))},
	{FUSE_INIT,
	 FIXED(fuse_init_in, .major = 7, .minor = 45, .max_readahead = 1, .flags = 0x73fffffb),
	 EXPECT(.present = FT_HAS(FLAGS), .flags = 0x73fffffb)},
	{FUSE_SETLK,
	 FIXED(fuse_lk_in, .fh = 6, .owner = 9,
	       .lk = {.start = 100, .end = 149, .type = F_WRLCK, .pid = 4}),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(FLAGS), .fh = 6,
		.offset = 100, .size = 50, .flags = F_WRLCK)},
	{FUSE_SETLKW,
	 FIXED(fuse_lk_in, .fh = 6, .lk = {.end = INT64_MAX, .type = F_UNLCK}, .lk_flags = 1),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(FLAGS), .fh = 6, .flags = F_UNLCK)},
	{FUSE_ACCESS, FIXED(fuse_access_in, .mask = 6), EXPECT(.present = FT_HAS(MODE), .mode = 6)},
	{FUSE_CREATE, FIXED(fuse_create_in, .flags = O_CREAT, .mode = S_IFREG | 0640, .umask = 022),
	 NAMES("a.txt"),
	 EXPECT(.present = FT_HAS(FLAGS) | FT_HAS(MODE) | FT_HAS(NAME), .flags = O_CREAT,
		.mode = S_IFREG | 0640, .name = TEXT("a.txt"))},
	{FUSE_CREATE, REPLY,
	 FIXED(create_out, .entry = {.nodeid = 31, .attr = {.mode = S_IFREG | 0640}},
	       .open = {.fh = 32, .open_flags = 3}),
	 EXPECT(.present = FT_HAS(ENTRY) | FT_HAS(FH), .entry = 31, .entry_mode = S_IFREG | 0640,
		.fh = 32)},
	/* The kernel sends "/" as its name. */
	{TMPFILE, FIXED(fuse_create_in, .flags = O_RDWR, .mode = S_IFREG | 0600), NAMES("/"),
	 EXPECT(.present = FT_HAS(FLAGS) | FT_HAS(MODE), .flags = O_RDWR, .mode = S_IFREG | 0600)},
	{FUSE_IOCTL,
	 FIXED(fuse_ioctl_in, .fh = 3, .flags = 8, .cmd = 0x80087601, .arg = 77, .out_size = 8),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(FLAGS) | FT_HAS(SIZE), .fh = 3, .flags = 0x80087601,
		.size = 8)},
	{FUSE_IOCTL, REPLY, FIXED(fuse_ioctl_out, .result = 0), DATA("12345678"),
	 EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 8)},
	{FUSE_POLL, FIXED(fuse_poll_in, .fh = 3, .kh = 4, .flags = 1, .events = 0x19),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(FLAGS), .fh = 3, .flags = 0x19)},
	{FUSE_FALLOCATE, FIXED(fuse_fallocate_in, .fh = 3, .offset = 10, .length = BIG, .mode = 3),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(MODE), .fh = 3,
		.offset = 10, .size = BIG, .mode = 3)},
	{FUSE_LSEEK, FIXED(fuse_lseek_in, .fh = 3, .offset = 10, .whence = 4),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(FLAGS), .fh = 3, .offset = 10,
		.flags = 4)},
	{FUSE_LSEEK, REPLY, FIXED(fuse_lseek_out, .offset = 4096),
	 EXPECT(.present = FT_HAS(OFFSET), .offset = 4096)},
	{FUSE_COPY_FILE_RANGE,
	 FIXED(fuse_copy_file_range_in, .fh_in = 1, .off_in = 2, .nodeid_out = 3, .fh_out = 4,
	       .off_out = 5, .len = BIG, .flags = 7),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(NODEID2) | FT_HAS(SIZE) |
			   FT_HAS(FLAGS),
		.fh = 1, .offset = 2, .nodeid2 = 3, .size = BIG, .flags = 7)},
	{COPY_FILE_RANGE_64, REPLY, FIXED(fuse_lseek_out, .offset = BIG),
	 EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = BIG)},
	{STATX,
	 FIXED(statx_in, .getattr_flags = FUSE_GETATTR_FH, .fh = 8, .sx_flags = 0x2000,
	       .sx_mask = 0xfff),
	 EXPECT(.present = FT_HAS(FH) | FT_HAS(FLAGS) | FT_HAS(VALID), .fh = 8, .flags = 0x2000,
		.valid = 0xfff)},
	{FUSE_READDIRPLUS, REPLY,
	 FIXED(direntplus, .entry = {.nodeid = 5},
	       .dirent = {.ino = 5, .off = 1, .namelen = 3, .type = 8}),
	 DATA("abc\0\0\0\0\0"), EXPECT(.present = FT_HAS(REPLY_SIZE), .reply_size = 160)},
	{2000, NAMES("something that is not known yet, and quite long so")},
};
/* clang-format on */

/* ---- decoding ---- */

/* An event and the bytes that its names point into: just as many as there are, for ASan. */
struct decoded {
	struct ft_event event;
	char *bytes;
};

static size_t sample_size(const struct sample *sample)
{
	return sample->fixed_size + sample->tail_size;
}

static struct decoded decode(const struct sample *sample, size_t size)
{
	struct decoded decoded = {.event.opcode = sample->opcode, .bytes = malloc(size ? size : 1)};
	size_t fixed_size = size < sample->fixed_size ? size : sample->fixed_size;

	assert_non_null(decoded.bytes);
	if (fixed_size)
		memcpy(decoded.bytes, sample->fixed, fixed_size);
	if (size > fixed_size)
		memcpy(decoded.bytes + fixed_size, sample->tail, size - fixed_size);
	if (sample->is_reply)
		ft_wire_reply(&decoded.event, decoded.bytes, size, sample_size(sample));
	else
		ft_wire_request(&decoded.event, decoded.bytes, size, sample_size(sample));
	return decoded;
}

static void assert_bytes(struct ft_bytes got, struct ft_bytes expected)
{
	assert_int_equal(got.length, expected.length);
	assert_int_equal(got.data == NULL, expected.data == NULL);
	assert_true(ft_bytes_equal(got, expected));
}

static void assert_event(const struct ft_event *got, const struct ft_event *expected)
{
	assert_int_equal(got->present, expected->present);
	assert_int_equal(got->marks, expected->marks);
	assert_int_equal(got->nodeid2, expected->nodeid2);
	assert_int_equal(got->fh, expected->fh);
	assert_int_equal(got->offset, expected->offset);
	assert_int_equal(got->size, expected->size);
	assert_int_equal(got->mode, expected->mode);
	assert_int_equal(got->flags, expected->flags);
	assert_int_equal(got->valid, expected->valid);
	assert_int_equal(got->entry, expected->entry);
	assert_int_equal(got->entry_mode, expected->entry_mode);
	assert_int_equal(got->reply_size, expected->reply_size);
	assert_bytes(got->name, expected->name);
	assert_bytes(got->name2, expected->name2);
	assert_bytes(got->xattr, expected->xattr);
	assert_bytes(got->target, expected->target);
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct decoded decoded = decode(&samples[i], sample_size(&samples[i]));

		assert_event(&decoded.event, &samples[i].expected);
		free(decoded.bytes);
	}
}

static const struct ft_wire_field *find_field(const struct sample *sample, uint8_t field)
{
	const struct ft_opcode *row = ft_opcode_get(sample->opcode);
	const struct ft_wire_layout *layout = sample->is_reply ? &row->reply : &row->request;

	for (size_t i = 0; i < FT_WIRE_FIELDS_MAX && layout->fields[i].width; i++)
		if (layout->fields[i].field == field)
			return &layout->fields[i];
	return NULL;
}

/* Whether the bytes of a field are among the first size ones. */
static bool is_captured(const struct sample *sample, uint8_t field, size_t size)
{
	const struct ft_wire_field *found = find_field(sample, field);

	if (!found && field == FUSETRACE_FIELD_SIZE)
		found = find_field(sample, FT_WIRE_LOCK_END);
	if (!found) /* reply_size by the total, which is always known */
		return true;
	return found->offset + found->width <= size;
}

/* A cut name is absent or the beginning of the name, and marked. Returns if it was whole. */
static bool check_cut_name(struct ft_bytes got, struct ft_bytes expected, uint32_t marks)
{
	if (!expected.data) {
		assert_null(got.data);
		return true;
	}
	assert_true(got.length <= expected.length);
	if (got.length)
		assert_memory_equal(got.data, expected.data, got.length);
	if (!(marks & FUSETRACE_OP_TRUNCATED))
		assert_int_equal(got.length, expected.length);
	return got.data && got.length == expected.length;
}

static void check_cut(const struct sample *sample, size_t size)
{
	static const uint32_t names = FT_HAS(NAME) | FT_HAS(NAME2) | FT_HAS(XATTR) | FT_HAS(TARGET);
	struct decoded decoded = decode(sample, size);
	struct ft_event *event = &decoded.event;
	uint32_t numbers = 0;
	bool is_whole;

	for (uint8_t field = 0; field < FUSETRACE_FIELDS; field++)
		if (sample->expected.present & ~names & (UINT32_C(1) << field) &&
		    is_captured(sample, field, size))
			numbers |= UINT32_C(1) << field;
	assert_int_equal(event->present & ~names, numbers);
	if (numbers & FT_HAS(OFFSET))
		assert_int_equal(event->offset, sample->expected.offset);
	if (numbers & FT_HAS(FH))
		assert_int_equal(event->fh, sample->expected.fh);
	if (numbers & FT_HAS(ENTRY))
		assert_int_equal(event->entry, sample->expected.entry);
	if (numbers & FT_HAS(REPLY_SIZE))
		assert_int_equal(event->reply_size, sample->expected.reply_size);

	is_whole = check_cut_name(event->name, sample->expected.name, event->marks);
	is_whole &= check_cut_name(event->name2, sample->expected.name2, event->marks);
	is_whole &= check_cut_name(event->xattr, sample->expected.xattr, event->marks);
	is_whole &= check_cut_name(event->target, sample->expected.target, event->marks);
	if (!is_whole)
		assert_true(event->marks & FUSETRACE_OP_TRUNCATED);
	if (!(sample->expected.present & names))
		assert_int_equal(event->marks, 0);
	free(decoded.bytes);
}

static void test_cut_at_every_length(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		for (size_t size = 0; size <= sample_size(&samples[i]); size++)
			check_cut(&samples[i], size);
}

static void test_cut_name_is_marked(void **state)
{
	struct ft_event event = {.opcode = FUSE_LOOKUP};

	ft_wire_request(&event, "abcdef", 3, 7);
	assert_bytes(event.name, FT_BYTES_LITERAL("abc"));
	assert_int_equal(event.marks, FUSETRACE_OP_TRUNCATED);

	event = (struct ft_event){.opcode = FUSE_LOOKUP};
	ft_wire_request(&event, "abc", 4, 4);
	assert_int_equal(event.marks, 0);
}

/* ---- forms that only the request itself tells ---- */

struct form {
	uint32_t opcode;
	bool is_short;
	uint32_t words[4]; /* the fixed part */
	size_t name_length;
	size_t value_size;
	size_t extension_size;
	unsigned char filler;
};

static void check_form(const struct form *form)
{
	char tail[512] = {0};
	struct sample sample = {
		.opcode = form->opcode,
		.fixed = form->words,
		.fixed_size = form->is_short ? 8 : 16,
		.tail = tail,
		.tail_size = form->name_length + 1 + form->value_size + form->extension_size,
	};
	struct decoded decoded;

	memset(tail, form->filler, sample.tail_size);
	memset(tail, form->filler ? form->filler : 'n', form->name_length);
	tail[form->name_length] = '\0';
	decoded = decode(&sample, sample_size(&sample));
	assert_bytes(form->opcode == FUSE_SETXATTR ? decoded.event.xattr : decoded.event.name,
		     (struct ft_bytes){tail, form->name_length});
	assert_int_equal(decoded.event.marks, 0);
	free(decoded.bytes);
}

static void test_setxattr_forms(void **state)
{
	static const unsigned char fillers[] = {0, 1, 'v', 0xff};
	static const size_t value_sizes[] = {0, 1, 7, 8, 9, 10, 16, 17, 100};

	for (uint32_t bits = 0; bits < 12; bits++)
		for (size_t length = 1; length < 40; length++)
			for (size_t k = 0; k < ARRAY_SIZE(value_sizes); k++)
				for (size_t f = 0; f < ARRAY_SIZE(fillers); f++) {
					uint32_t size = (uint32_t)value_sizes[k];
					struct form form = {
						.opcode = FUSE_SETXATTR,
						.is_short = bits & 1,
						.words = {size, bits >> 2, bits >> 1 & 1, 0},
						.name_length = length,
						.value_size = size,
						.filler = fillers[f],
					};

					check_form(&form);
				}
}

static void test_create_and_mknod_forms(void **state)
{
	static const uint32_t opcodes[] = {FUSE_CREATE, FUSE_MKNOD};
	static const uint32_t umasks[] = {0, 1, 022, 077, 0777};

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		for (size_t u = 0; u < ARRAY_SIZE(umasks); u++)
			for (size_t length = 1; length < 40; length++)
				for (size_t extension = 0; extension < 64; extension += 8) {
					struct form form = {
						.opcode = opcodes[i],
						.words = {1, 0100644, umasks[u],
							  extension & 8 ? 1 : 0},
						.name_length = length,
						.extension_size = extension,
						.filler = extension & 16 ? 'e' : 0,
					};

					check_form(&form);
					form.is_short = true;
					form.extension_size = 0; /* came much later */
					check_form(&form);
				}
}

/* ---- replies ---- */

static void test_failed_reply_has_nothing(void **state)
{
	struct create_out out = {.entry = {.nodeid = 5, .attr = {.mode = 4}}, .open = {.fh = 6}};
	struct ft_event event = {.opcode = FUSE_CREATE, .error = 2};

	ft_wire_reply(&event, &out, sizeof(out), sizeof(out));
	assert_int_equal(event.present, 0);
	assert_int_equal(event.entry_mode, 0);
}

/* Whether eight bytes are a value or the size of one, only the request can tell. */
static void test_xattr_size_reply(void **state)
{
	static const uint32_t opcodes[] = {FUSE_GETXATTR, FUSE_LISTXATTR};
	struct fuse_getxattr_out out = {.size = 300};

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct ft_event event = {.opcode = opcodes[i]};

		ft_wire_reply(&event, &out, sizeof(out), sizeof(out));
		assert_int_equal(event.present, FT_HAS(REPLY_SIZE));
		assert_int_equal(event.reply_size, 8);
		assert_int_equal(event.probe_size, 300);

		event = (struct ft_event){.opcode = opcodes[i], .present = FT_HAS(SIZE)};
		ft_wire_reply(&event, &out, sizeof(out), sizeof(out));
		assert_int_equal(event.present, FT_HAS(REPLY_SIZE) | FT_HAS(SIZE));
		assert_int_equal(event.reply_size, 300);

		event = (struct ft_event){
			.opcode = opcodes[i], .present = FT_HAS(SIZE), .size = 64};
		ft_wire_reply(&event, &out, sizeof(out), sizeof(out));
		assert_int_equal(event.reply_size, 8);

		event = (struct ft_event){.opcode = opcodes[i]};
		ft_wire_reply(&event, "nine bytes", 9, 9);
		assert_int_equal(event.reply_size, 9);
		assert_int_equal(event.probe_size, 0);
	}
}

/* Page data are not captured: there is only the total. */
static void test_payload_counts_uncaptured_bytes(void **state)
{
	struct ft_event event = {.opcode = FUSE_READ};

	ft_wire_reply(&event, NULL, 0, 131072);
	assert_int_equal(event.present, FT_HAS(REPLY_SIZE));
	assert_int_equal(event.reply_size, 131072);

	event = (struct ft_event){.opcode = FUSE_READDIR};
	ft_wire_reply(&event, NULL, 0, 0);
	assert_int_equal(event.present, FT_HAS(REPLY_SIZE));
	assert_int_equal(event.reply_size, 0);

	event = (struct ft_event){.opcode = FUSE_IOCTL};
	ft_wire_reply(&event, "shorter", 7, 7);
	assert_int_equal(event.present, 0);
}

/* ---- odd input ---- */

static void test_lock_ranges(void **state)
{
	static const struct {
		uint64_t start, end, size;
	} rows[] = {
		{0, 0, 1},          {5, 4, 0},
		{0, INT64_MAX, 0},  {7, INT64_MAX - 1, INT64_MAX - 7},
		{3, UINT64_MAX, 0}, {UINT64_MAX, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fuse_lk_in in = {.lk = {.start = rows[i].start, .end = rows[i].end}};
		struct ft_event event = {.opcode = FUSE_GETLK};

		ft_wire_request(&event, &in, sizeof(in), sizeof(in));
		assert_int_equal(event.size, rows[i].size);
		assert_int_equal(!!(event.present & FT_HAS(SIZE)), rows[i].size != 0);
	}
}

static void test_nothing_at_all(void **state)
{
	static const uint32_t numbers[] = {0, 7, 63, 64, 4095, 4097, UINT32_MAX};

	for (uint32_t number = 0; number < 64 + ARRAY_SIZE(numbers); number++) {
		uint32_t opcode = number < 64 ? number : numbers[number - 64];
		struct ft_event event = {.opcode = opcode};

		ft_wire_request(&event, NULL, 0, 0);
		assert_int_equal(event.present, 0);
		ft_wire_request(&event, NULL, 100, 100);
		assert_int_equal(event.present, 0);
		ft_wire_reply(&event, NULL, 100, 100);
		assert_int_equal(event.present & ~FT_HAS(REPLY_SIZE), 0);
	}
}

/* Messages come from rings and pipes at any address. */
static void test_any_alignment(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		for (size_t shift = 1; shift < 8; shift++) {
			_Alignas(8) char room[512];
			struct decoded decoded = decode(&samples[i], sample_size(&samples[i]));
			struct ft_event event = {.opcode = samples[i].opcode};
			size_t size = sample_size(&samples[i]);

			assert_true(shift + size <= sizeof(room));
			memcpy(room + shift, decoded.bytes, size);
			if (samples[i].is_reply)
				ft_wire_reply(&event, room + shift, size, size);
			else
				ft_wire_request(&event, room + shift, size, size);
			assert_event(&event, &samples[i].expected);
			free(decoded.bytes);
		}
}

/* A total below size is the caller's mistake: what is there counts. */
static void test_total_below_size(void **state)
{
	struct {
		struct setxattr_in in;
		char name[5];
	} request = {{.size = 0}, "name"};
	struct ft_event event = {.opcode = FUSE_SETXATTR};

	ft_wire_request(&event, &request, sizeof(request.in) + sizeof(request.name), 0);
	assert_bytes(event.xattr, FT_BYTES_LITERAL("name"));
	assert_int_equal(event.marks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_cut_at_every_length),
		cmocka_unit_test(test_cut_name_is_marked),
		cmocka_unit_test(test_setxattr_forms),
		cmocka_unit_test(test_create_and_mknod_forms),
		cmocka_unit_test(test_failed_reply_has_nothing),
		cmocka_unit_test(test_xattr_size_reply),
		cmocka_unit_test(test_payload_counts_uncaptured_bytes),
		cmocka_unit_test(test_lock_ranges),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_any_alignment),
		cmocka_unit_test(test_total_below_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
