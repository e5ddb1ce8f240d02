/* SPDX-License-Identifier: MIT */
/*
 * The JSON form there and back: whatever an operation holds, its line gives it again and is written
 * again to the byte; a damaged line is refused or is a record like any other; and the manual's
 * examples are true.
 */
#include "json_read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "base/text.h"
#include "op.h"
#include "opcode.h"

#define DEADLINE_S 120
#define ROUNDS 100000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int read_text(struct ft_json_reader *reader, const char *line, struct ft_json_record *record)
{
	struct ft_json_error error;
	int r = ft_json_read(reader, line, strlen(line), record, &error);

	if (r)
		print_error("%s\ncolumn %u: %s\n", line, error.column, error.text);
	return r;
}

static const char *const good_lines[] = {
	("{\"v\":1,\"seq\":7,\"op\":\"write\",\"path\":\"/a.txt\",\"status\":\"completed\","
	 "\"errno\":0,\"start_ns\":123,\"duration_ns\":4567,\"pid\":42,\"unique\":14,\"nodeid\":2,"
	 "\"fh\":1,\"offset\":0,\"size\":5,\"source\":\"kernel\"}"),
	("{\"v\":1,\"op\":\"rename\",\"opcode\":45,\"path\":\"/\xef\xbf\xbd\","
	 "\"path_bytes\":\"L/8=\",\"path2\":\"/\\u2028\\\"\\\\\",\"name2\":\"\xc3\xa4\","
	 "\"status\":\"failed\",\"errno\":2,\"fh\":\"18446744073709551615\",\"probe\":true}"),
	("{\"v\":1,\"event\":\"trace\",\"mount\":\"/mnt\",\"source\":\"kernel\","
	 "\"fusetrace\":\"0.1.0\",\"mono_ns\":5,\"realtime_ns\":6}"),
};

/* As a reader of a recording sees it whose writer was killed. */
static void test_cut_at_each_byte(void **state)
{
	for (size_t i = 0; i < COUNT(good_lines); i++) {
		size_t length = strlen(good_lines[i]);

		for (size_t kept = 0; kept < length; kept++) {
			struct ft_json_reader reader = {0};
			struct ft_json_record record;
			struct ft_json_error error = {0};
			char *line = malloc(kept ? kept : 1);

			assert_non_null(line);
			memcpy(line, good_lines[i], kept);
			assert_int_equal(ft_json_read(&reader, line, kept, &record, &error),
					 -EBADMSG);
			assert_in_range(error.column, 1, kept + 1);
			assert_true(strncmp(error.text, "not JSON: ", 10) == 0);
			free(line);
			ft_json_reader_done(&reader);
		}
	}
}

/* Two readers, so that nothing of the first record can be left over in the second. */
static void assert_stable(const struct ft_json_record *record)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record again;
	struct ft_json_error error;
	char first[8192];
	char second[8192];
	size_t length = ft_json_write(record, first, sizeof(first));

	assert_in_range(length, 1, sizeof(first) - 1);
	if (ft_json_read(&reader, first, length, &again, &error))
		fail_msg("column %u: %s: %s", error.column, error.text, first);
	assert_int_equal(ft_json_write(&again, second, sizeof(second)), length);
	assert_string_equal(first, second);
	ft_json_reader_done(&reader);
}

/* A line with one byte replaced is refused, or is a record like any other. */
static void test_each_byte_replaced(void **state)
{
	static const char replacements[] = "\"\\{}[]:,0-eEu \t\n\x01\x7f\x80\xc3\xff/";
	uint32_t accepted = 0;

	for (size_t i = 0; i < COUNT(good_lines); i++) {
		size_t length = strlen(good_lines[i]);

		for (size_t at = 0; at < length * (sizeof(replacements) - 1); at++) {
			struct ft_json_reader reader = {0};
			struct ft_json_record record;
			struct ft_json_error error = {0};
			char *line = strdup(good_lines[i]);

			assert_non_null(line);
			line[at % length] = replacements[at / length];
			if (ft_json_read(&reader, line, length, &record, &error) == 0) {
				accepted++;
				if (record.kind != FT_JSON_OTHER)
					assert_stable(&record);
			} else {
				assert_in_range(error.column, 1, length + 1);
				assert_true(ft_utf8_valid(error.text, strlen(error.text)));
				for (const char *c = error.text; *c; c++)
					assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
			}
			free(line);
			ft_json_reader_done(&reader);
		}
	}
	assert_true(accepted > 100);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* As often near an edge as anywhere. */
static uint64_t random_number(uint64_t *seed)
{
	static const uint64_t edges[] = {0,          1,
					 UINT16_MAX, INT32_MAX,
					 UINT32_MAX, (uint64_t)INT64_MAX,
					 1u << 31,   UINT64_C(1) << 63,
					 UINT64_MAX};

	if (next_random(seed) % 2)
		return edges[next_random(seed) % COUNT(edges)];
	return next_random(seed) >> next_random(seed) % 64;
}

#define NAME_SIZE 300

/* name has room for NAME_SIZE bytes. Returns it. */
static struct ft_name *random_name(uint64_t *seed, struct ft_name *name)
{
	static const char *const pieces[] = {
		"/",    "a",        "file.txt",         "\"",           "\\",
		"\n",   "\x1b[0m",  "\xc3\xa4",         "\xe2\x82\xac", "\xe2\x80\xa8",
		"\xff", "\xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xc2\x9b",
		" ",    "\x7f",     "\xef\xbf\xbd"};
	/* in most names nothing but plain text and what is escaped, in the others everything */
	size_t kinds = next_random(seed) % 4 ? 10 : COUNT(pieces);
	size_t wanted = next_random(seed) % (NAME_SIZE - 8);
	size_t length = 0;

	while (length < wanted) {
		const char *piece = pieces[next_random(seed) % kinds];

		memcpy(name->bytes + length, piece, strlen(piece));
		length += strlen(piece);
		if (next_random(seed) % 8 == 0 && kinds > 10)
			name->bytes[length++] = (char)(1 + next_random(seed) % 255);
	}
	name->bytes[length] = '\0';
	name->length = (uint32_t)length;
	return name;
}

static uint16_t random_opcode(uint64_t *seed)
{
	return (uint16_t)(next_random(seed) % 8 ? next_random(seed) % 64 : random_number(seed));
}

static void random_op(uint64_t *seed, struct ft_name **names, struct fusetrace_op *ret_op)
{
	struct fusetrace_op op = {
		.seq = random_number(seed),
		.start_ns = random_number(seed),
		.duration_ns = random_number(seed),
		.unique = random_number(seed),
		.nodeid = random_number(seed),
		.other = random_number(seed),
		.fh = random_number(seed),
		.offset = random_number(seed),
		.size = random_number(seed),
		.reply_size = random_number(seed),
		.path = random_name(seed, names[0]),
		.path2 = random_name(seed, names[1]),
		.name = random_name(seed, names[2]),
		.name2 = random_name(seed, names[3]),
		.pid = (uint32_t)random_number(seed),
		.uid = (uint32_t)random_number(seed),
		.gid = (uint32_t)random_number(seed),
		.mode = (uint32_t)random_number(seed),
		.flags = (uint32_t)random_number(seed),
		.valid = (uint32_t)random_number(seed),
		.opcode = random_opcode(seed),
		.status = (uint8_t)(FUSETRACE_STATUS_STARTED + next_random(seed) % 4),
		.source = (uint8_t)(next_random(seed) % 4),
		.marks = (uint8_t)(next_random(seed) % 16),
		.present = (uint32_t)next_random(seed) & ((1u << FUSETRACE_FIELDS) - 1),
	};

	if (op.status == FUSETRACE_STATUS_FAILED)
		op.error = (uint16_t)(1 + next_random(seed) % UINT16_MAX);
	else if (op.status != FUSETRACE_STATUS_COMPLETED)
		op.error = (uint16_t)next_random(seed);
	/* one place in memory for two fields each */
	op.present &= ~(next_random(seed) % 2 ? FT_HAS(NAME) : FT_HAS(XATTR));
	op.present &= ~(next_random(seed) % 2 ? FT_HAS(NAME2) : FT_HAS(TARGET));
	op.present &= ~(next_random(seed) % 2 ? FT_HAS(NODEID2) : FT_HAS(ENTRY));
	*ret_op = op;
}

static void assert_same_bytes(struct ft_bytes got, struct ft_bytes expected)
{
	assert_int_equal(got.data == NULL, expected.data == NULL);
	assert_true(ft_bytes_equal(got, expected));
}

/* All that expected has, got has too, and nothing else. */
static void assert_same(const struct ft_json_record *got, const struct ft_json_record *expected)
{
	uint32_t present = expected->event.present;

	assert_int_equal(got->event.present, present & ~FT_HAS(SEQ));
	assert_int_equal(got->event.opcode, expected->event.opcode);
	assert_int_equal(got->event.marks, expected->event.marks);
	assert_int_equal(got->status, expected->status);
	assert_int_equal(got->source, expected->source);
	assert_true(got->seq == expected->seq);
#define ASSERT_SAME_NUMBER(field, key, member)                                                     \
	assert_true(got->member == (present & FT_HAS(field) ? expected->member : 0));
#define ASSERT_SAME_NAME(field, key, member) assert_same_bytes(got->member, expected->member);
	FT_JSON_NUMBERS(ASSERT_SAME_NUMBER)
	FT_JSON_NAMES(ASSERT_SAME_NAME)
}

static void test_random_operations(void **state)
{
	struct ft_json_reader reader = {0};
	struct ft_name *names[4];
	uint64_t seed = UINT64_C(0x243f6a8885a308d3);

	for (size_t i = 0; i < COUNT(names); i++) {
		names[i] = calloc(1, sizeof(**names) + NAME_SIZE);
		assert_non_null(names[i]);
	}
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct fusetrace_op op;
		struct ft_json_record expected;
		struct ft_json_record record;
		char line[16384];
		char again[16384];
		int length;

		random_op(&seed, names, &op);
		length = fusetrace_op_json(&op, line, sizeof(line));
		assert_in_range(length, 1, sizeof(line) - 1);
		assert_int_equal(read_text(&reader, line, &record), 0);
		ft_json_record_of_op(&op, &expected);
		assert_same(&record, &expected);
		assert_int_equal(ft_json_write(&record, again, sizeof(again)), length);
		assert_string_equal(again, line);
	}
	ft_json_reader_done(&reader);
	for (size_t i = 0; i < COUNT(names); i++)
		free(names[i]);
}

/* The names of the public header are the keys of the JSON form. */
static void test_keys_are_field_names(void **state)
{
#define ASSERT_FIELD_NAME(field, key, member)                                                      \
	assert_string_equal(fusetrace_field_name(FUSETRACE_FIELD_##field), key);
	FT_JSON_NUMBERS(ASSERT_FIELD_NAME)
	FT_JSON_NAMES(ASSERT_FIELD_NAME)
	assert_string_equal(fusetrace_field_name(FUSETRACE_FIELD_SEQ), "seq");
}

/* ---- the manual ---- */

/* docs/json.md as seen from this file, wherever it was compiled. */
static FILE *open_manual(void)
{
	char name[4096] = __FILE__;
	char *slash = strrchr(name, '/');
	FILE *file;

	strcpy(slash ? slash + 1 : name, "../../docs/json.md");
	file = fopen(name, "re");
	if (!file)
		fail_msg("%s: %s", name, strerror(errno));
	return file;
}

/* Each line of a block of JSON is read, and would have been written like that. */
static void test_examples_of_the_manual(void **state)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	char line[4096];
	char again[4096];
	bool is_example = false;
	uint32_t examples = 0;
	FILE *file = open_manual();

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "```", 3) == 0) {
			is_example = strcmp(line, "```json") == 0;
			continue;
		}
		if (!is_example)
			continue;
		assert_int_equal(read_text(&reader, line, &record), 0);
		assert_int_not_equal(record.kind, FT_JSON_OTHER);
		ft_json_write(&record, again, sizeof(again));
		assert_string_equal(again, line);
		examples++;
	}
	fclose(file);
	assert_true(examples >= 8);
	ft_json_reader_done(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_each_byte),
		cmocka_unit_test(test_each_byte_replaced),
		cmocka_unit_test(test_random_operations),
		cmocka_unit_test(test_keys_are_field_names),
		cmocka_unit_test(test_examples_of_the_manual),
	};

	alarm(DEADLINE_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
