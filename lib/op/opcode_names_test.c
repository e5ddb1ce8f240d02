/* SPDX-License-Identifier: MIT */
/* What may be called an operation, what may not, and what was meant then. */
#include "opcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <linux/fuse.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static bool parse(const char *name, struct ft_op_selector *ret_selector)
{
	*ret_selector = (struct ft_op_selector){0};
	return ft_op_selector_parse(name, strlen(name), ret_selector);
}

static void test_selectors(void **state)
{
	static const struct {
		const char *name;
		uint64_t opcodes;
		uint32_t valid;
		uint32_t number;
	} rows[] = {
		{"read", UINT64_C(1) << 15, 0, 0},
		{"READ", UINT64_C(1) << 15, 0, 0},
		{"FUSE_READ", UINT64_C(1) << 15, 0, 0},
		{"Fuse_ReadDirPlus", UINT64_C(1) << 44, 0, 0},
		{"opcode_15", UINT64_C(1) << 15, 0, 0},
		{"rename", UINT64_C(1) << 12 | UINT64_C(1) << 45, 0, 0},
		{"FUSE_RENAME2", UINT64_C(1) << 45, 0, 0},
		{"copy_file_range", UINT64_C(1) << 47 | UINT64_C(1) << 53, 0, 0},
		{"COPY_FILE_RANGE_64", UINT64_C(1) << 53, 0, 0},
		{"setattr", UINT64_C(1) << 4, 0, 0},
		{"chmod", UINT64_C(1) << 4, FATTR_MODE, 0},
		{"chown", UINT64_C(1) << 4, FATTR_UID | FATTR_GID, 0},
		{"TRUNCATE", UINT64_C(1) << 4, FATTR_SIZE, 0},
		{"utimens", UINT64_C(1) << 4,
		 FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW, 0},
		{"cuse_init", UINT64_C(1) << 63, 0, 4096},
		{"opcode_4096", UINT64_C(1) << 63, 0, 4096},
		{"opcode_0", UINT64_C(1) << 0, 0, 0},
		{"OPCODE_62", UINT64_C(1) << 62, 0, 0},
		{"opcode_63", UINT64_C(1) << 63, 0, 63},
		{"opcode_4294967295", UINT64_C(1) << 63, 0, UINT32_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ft_op_selector selector;

		assert_true(parse(rows[i].name, &selector));
		assert_int_equal(selector.opcodes, rows[i].opcodes);
		assert_int_equal(selector.valid, rows[i].valid);
		assert_int_equal(selector.number, rows[i].number);
	}
}

static void test_names_that_are_none(void **state)
{
	static const char *const names[] = {
		"",
		"*",
		"rea",
		"readd",
		" read",
		"fuse_",
		"fuse_fuse_read",
		"unknown",
		"opcode_",
		"opcode_01",
		"opcode_-1",
		"opcode_4294967296",
		"opcode_0x10",
		"opcode_99999999999999999999999",
		"opcode_15 ",
		"copy_file_range_64_and_much_longer_than_any_name",
		"opcode_other",
	};
	struct ft_op_selector selector = {.opcodes = 7, .valid = 8, .number = 9};
	uint32_t number = 77;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_false(ft_op_selector_parse(names[i], strlen(names[i]), &selector));
		assert_false(ft_opcode_find(names[i], strlen(names[i]), &number));
	}
	assert_false(ft_op_selector_parse("read\0x", 6, &selector));
	assert_false(ft_op_selector_parse("read\0", 5, &selector));
	/* What fails writes nothing. */
	assert_int_equal(selector.opcodes, 7);
	assert_int_equal(selector.valid, 8);
	assert_int_equal(selector.number, 9);
	assert_int_equal(number, 77);

	/* The length counts, not what is behind it. */
	assert_true(ft_op_selector_parse("reader", 4, &selector));
	assert_int_equal(selector.opcodes, UINT64_C(1) << 15);
}

static void test_find(void **state)
{
	static const struct {
		uint32_t number;
		const char *name;
	} rows[] = {
		{12, "rename"},  {45, "RENAME2"},     {45, "fuse_rename2"}, {47, "copy_file_range"},
		{4, "truncate"}, {4, "FUSE_SETATTR"}, {77, "opcode_77"},    {4096, "CUSE_INIT"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t number = 0;

		assert_true(ft_opcode_find(rows[i].name, strlen(rows[i].name), &number));
		assert_int_equal(number, rows[i].number);
	}
}

static void test_nearest(void **state)
{
	static const struct {
		const char *name;
		const char *nearest;
	} rows[] = {
		{"craete", "create"},
		{"wirte", "write"},
		{"READ", "read"},
		{"relase", "release"},
		{"raed", "read"},
		{"FUSE_MKDIRR", "mkdir"},
		{"trunc", "truncate"},
		{"chmdo", "chmod"},
		{"getxatr", "getxattr"},
		{"close", "release"},
		{"stat", "getattr"},
		{"delete", "unlink"},
		{"copyfilerange", "copy_file_range"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(ft_op_name_nearest(rows[i].name, strlen(rows[i].name)),
				    rows[i].nearest);
	for (const char *name = fusetrace_op_name_next(NULL); name;
	     name = fusetrace_op_name_next(name))
		assert_ptr_equal(ft_op_name_nearest(name, strlen(name)), name);
}

static void test_nearest_always_answers(void **state)
{
	char text[300];

	memset(text, 'x', sizeof(text));
	for (size_t length = 0; length <= sizeof(text); length++) {
		struct ft_op_selector selector;
		const char *name = ft_op_name_nearest(text, length);

		assert_non_null(name);
		assert_true(parse(name, &selector));
	}
	assert_non_null(ft_op_name_nearest("\0\xff\0", 3));
}

static void test_usual_words_lead_to_names(void **state)
{
	static const char *const words[] = {
		"close",     "closedir", "delete",  "fchmod",    "fchown", "fdatasync", "fstat",
		"ftruncate", "getdents", "list",    "lock",      "ls",     "lstat",     "mount",
		"move",      "mv",       "pread",   "pwrite",    "remove", "rm",        "seek",
		"stat",      "touch",    "unmount", "utimensat",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct ft_op_selector selector;
		const char *name = ft_op_name_nearest(words[i], strlen(words[i]));

		assert_false(parse(words[i], &selector));
		assert_true(parse(name, &selector));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_nearest_always_answers),
		cmocka_unit_test(test_usual_words_lead_to_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
