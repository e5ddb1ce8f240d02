/* SPDX-License-Identifier: MIT */
/* What is written, to the byte; what no name can do to a line; and the rules of snprintf(3). */
#include "json_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <linux/fuse.h>

#include "base/text.h"
#include "op.h"
#include "opcode.h"

#define DEADLINE_S 60

static struct ft_name *new_name(const char *bytes, size_t length)
{
	struct ft_name *name = malloc(sizeof(*name) + length + 1);

	assert_non_null(name);
	name->hash = 0;
	name->length = (uint32_t)length;
	memcpy(name->bytes, bytes, length);
	name->bytes[length] = '\0';
	return name;
}

static struct ft_name *new_text(const char *text)
{
	return new_name(text, strlen(text));
}

static void assert_json(const struct fusetrace_op *op, const char *expected)
{
	char line[1024];
	int length = fusetrace_op_json(op, line, sizeof(line));

	assert_string_equal(line, expected);
	assert_int_equal(length, strlen(expected));
}

static void assert_record(const struct ft_json_record *record, const char *expected)
{
	char line[1024];
	size_t length = ft_json_write(record, line, sizeof(line));

	assert_string_equal(line, expected);
	assert_int_equal(length, strlen(expected));
}

/* The line of a LOOKUP of this path, to be freed. */
static char *line_of_path(const char *bytes, size_t length)
{
	struct ft_name *path = new_name(bytes, length);
	struct fusetrace_op op = {.opcode = FUSE_LOOKUP, .present = FT_HAS(PATH), .path = path};
	int size = fusetrace_op_json(&op, NULL, 0);
	char *line = malloc((size_t)size + 1);

	assert_non_null(line);
	assert_int_equal(fusetrace_op_json(&op, line, (size_t)size + 1), size);
	assert_int_equal(strlen(line), size);
	free(path);
	return line;
}

static void test_usual_line(void **state)
{
	struct ft_name *path = new_text("/a.txt");
	struct fusetrace_op op = {
		.seq = 7,
		.start_ns = 123,
		.duration_ns = 4567,
		.unique = 14,
		.nodeid = 2,
		.fh = 1,
		.size = 5,
		.path = path,
		.pid = 42,
		.opcode = FUSE_WRITE,
		.status = FUSETRACE_STATUS_COMPLETED,
		.source = FUSETRACE_SOURCE_KERNEL,
		.present = FT_HAS(SEQ) | FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(UNIQUE) |
			   FT_HAS(NODEID) | FT_HAS(FH) | FT_HAS(OFFSET) | FT_HAS(SIZE) |
			   FT_HAS(PATH) | FT_HAS(PID) | FT_HAS(ERRNO),
	};

	assert_json(&op, "{\"v\":1,\"seq\":7,\"op\":\"write\",\"path\":\"/a.txt\","
			 "\"status\":\"completed\",\"errno\":0,\"start_ns\":123,"
			 "\"duration_ns\":4567,\"pid\":42,\"unique\":14,\"nodeid\":2,\"fh\":1,"
			 "\"offset\":0,\"size\":5,\"source\":\"kernel\"}");
	free(path);
}

static void test_every_field(void **state)
{
	struct ft_name *path = new_text("/d");
	struct ft_name *path2 = new_text("/e");
	struct ft_name *name = new_text("user.x");
	struct ft_name *name2 = new_text("../t");
	struct fusetrace_op op = {
		.seq = 1,
		.start_ns = 2,
		.duration_ns = 3,
		.unique = 4,
		.nodeid = 5,
		.other = 6,
		.fh = 7,
		.offset = 8,
		.size = 9,
		.reply_size = 10,
		.path = path,
		.path2 = path2,
		.name = name,
		.name2 = name2,
		.pid = 11,
		.uid = 12,
		.gid = 13,
		.mode = 0100644,
		.flags = 14,
		.valid = 15,
		.error = 16,
		.opcode = FUSE_SETATTR,
		.status = FUSETRACE_STATUS_FAILED,
		.source = FUSETRACE_SOURCE_REPLAY,
		.marks = FUSETRACE_OP_PROBE | FUSETRACE_OP_UNLINKED | FUSETRACE_OP_SUSPECT |
			 FUSETRACE_OP_TRUNCATED,
	};
	uint32_t common = (1u << FUSETRACE_FIELDS) - 1;

	op.present = common & ~(FT_HAS(NAME) | FT_HAS(NAME2) | FT_HAS(NODEID2));
	assert_json(&op,
		    "{\"v\":1,\"seq\":1,\"op\":\"setattr\",\"path\":\"/d\",\"path2\":\"/e\","
		    "\"xattr\":\"user.x\",\"target\":\"../t\",\"status\":\"failed\",\"errno\":16,"
		    "\"start_ns\":2,\"duration_ns\":3,\"pid\":11,\"uid\":12,\"gid\":13,"
		    "\"unique\":4,\"nodeid\":5,\"entry\":6,\"fh\":7,\"offset\":8,\"size\":9,"
		    "\"reply_size\":10,\"mode\":33188,\"flags\":14,\"valid\":15,\"probe\":true,"
		    "\"unlinked\":true,\"suspect\":true,\"truncated\":true,\"source\":\"replay\"}");

	op.present = FT_HAS(NAME) | FT_HAS(NAME2) | FT_HAS(NODEID2);
	op.marks = 0;
	op.status = FUSETRACE_STATUS_STARTED;
	op.source = FUSETRACE_SOURCE_LOG;
	op.opcode = FUSE_RENAME;
	assert_json(&op, "{\"v\":1,\"seq\":1,\"op\":\"rename\",\"name\":\"user.x\","
			 "\"name2\":\"../t\",\"status\":\"started\",\"nodeid2\":6,"
			 "\"source\":\"log\"}");
	free(path);
	free(path2);
	free(name);
	free(name2);
}

static void test_absent_is_left_out(void **state)
{
	struct fusetrace_op op = {
		.opcode = FUSE_FORGET,
		.status = FUSETRACE_STATUS_UNKNOWN,
		.unique = 5,
		.present = FT_HAS(PATH), /* without bytes */
	};

	assert_json(&op, "{\"v\":1,\"op\":\"forget\",\"status\":\"unknown\"}");
}

static void test_opcode_beside_the_name(void **state)
{
	static const struct {
		uint16_t opcode;
		const char *json;
	} cases[] = {
		{FUSE_RENAME, "{\"v\":1,\"op\":\"rename\"}"},
		{FUSE_RENAME2, "{\"v\":1,\"op\":\"rename\",\"opcode\":45}"},
		{52, "{\"v\":1,\"op\":\"statx\"}"},
		{53, "{\"v\":1,\"op\":\"copy_file_range\",\"opcode\":53}"},
		{0, "{\"v\":1,\"op\":\"opcode_0\",\"opcode\":0}"},
		{62, "{\"v\":1,\"op\":\"opcode_62\",\"opcode\":62}"},
		{65535, "{\"v\":1,\"op\":\"opcode_65535\",\"opcode\":65535}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fusetrace_op op = {.opcode = cases[i].opcode};

		assert_json(&op, cases[i].json);
	}
}

/* "opcode" may be missing only where the name selects this opcode before all others. */
static void test_names_tell_opcodes(void **state)
{
	for (uint32_t opcode = 0; opcode <= UINT16_MAX; opcode++) {
		const char *name = fusetrace_opcode_name(opcode);
		struct ft_op_selector selector;

		if (!ft_json_name_tells_opcode(opcode))
			continue;
		assert_true(ft_op_selector_parse(name, strlen(name), &selector));
		assert_int_equal(selector.number, 0);
		assert_int_equal(__builtin_ctzll(selector.opcodes), opcode);
	}
	assert_true(ft_json_name_tells_opcode(FUSE_LOOKUP));
	assert_true(ft_json_name_tells_opcode(FUSE_TMPFILE));
}

static void test_numbers(void **state)
{
	static const struct {
		uint64_t number;
		const char *text;
	} cases[] = {
		{0, "0"},
		{9, "9"},
		{10, "10"},
		{99, "99"},
		{100, "100"},
		{101, "101"},
		{65536, "65536"},
		{UINT32_MAX, "4294967295"},
		{UINT64_C(9223372036854775807), "9223372036854775807"},
		{UINT64_C(9223372036854775808), "\"9223372036854775808\""},
		{UINT64_MAX, "\"18446744073709551615\""},
	};
	char expected[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fusetrace_op op = {
			.opcode = FUSE_READ, .fh = cases[i].number, .present = FT_HAS(FH)};

		snprintf(expected, sizeof(expected), "{\"v\":1,\"op\":\"read\",\"fh\":%s}",
			 cases[i].text);
		assert_json(&op, expected);
	}
}

static void test_numbers_of_each_length(void **state)
{
	uint64_t number = 1;

	for (int digits = 1; digits <= 19; digits++, number *= 10) {
		for (int delta = -1; delta <= 1; delta++) {
			struct fusetrace_op op = {.opcode = FUSE_READ, .present = FT_HAS(OFFSET)};
			char expected[128];

			op.offset = number + (uint64_t)(int64_t)delta;
			snprintf(expected, sizeof(expected),
				 "{\"v\":1,\"op\":\"read\",\"offset\":%llu}",
				 (unsigned long long)op.offset);
			assert_json(&op, expected);
		}
	}
}

#define BYTES(text) text, sizeof(text) - 1

static void test_names(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *json; /* from behind "path":" on */
	} cases[] = {
		{BYTES(""), "\"}"},
		{BYTES("/"), "/\"}"},
		{BYTES("/a b"), "/a b\"}"},
		{BYTES("/\"\\"), "/\\\"\\\\\"}"},
		{BYTES("\b\f\n\r\t"), "\\b\\f\\n\\r\\t\"}"},
		{BYTES("\x01\x1b[31m\x7f"), "\\u0001\\u001b[31m\\u007f\"}"},
		{BYTES("\",\"op\":\"unlink"), "\\\",\\\"op\\\":\\\"unlink\"}"},
		/* an umlaut, the euro sign and a face stand for themselves */
		{BYTES("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}"},
		/* U+0080, U+009B (a terminal's CSI), U+009F; U+00A0 passes */
		{BYTES("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0\"}"},
		/* U+2027 and U+202A pass */
		{BYTES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
		 "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"}"},
		/* a byte that is none, one cut off, an overlong slash, a surrogate */
		{BYTES("/\xff"), "/\xef\xbf\xbd\",\"path_bytes\":\"L/8=\"}"},
		{BYTES("/\xe2\x82"), "/\xef\xbf\xbd\xef\xbf\xbd\",\"path_bytes\":\"L+KC\"}"},
		{BYTES("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd\",\"path_bytes\":\"wK8=\"}"},
		{BYTES("\xed\xa0\x80"),
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"path_bytes\":\"7aCA\"}"},
		{BYTES("\xff\n\xc3\xa4"), "\xef\xbf\xbd\\n\xc3\xa4\",\"path_bytes\":\"/wrDpA==\"}"},
		/* no name has a NUL, and what has one gets no exact form */
		{BYTES("a\0b"), "a\xef\xbf\xbd"
				"b\"}"},
		{BYTES("\xff\0"), "\xef\xbf\xbd\xef\xbf\xbd\"}"},
	};
	static const char head[] = "{\"v\":1,\"op\":\"lookup\",\"path\":\"";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *line = line_of_path(cases[i].bytes, cases[i].length);

		assert_memory_equal(line, head, sizeof(head) - 1);
		assert_string_equal(line + sizeof(head) - 1, cases[i].json);
		free(line);
	}
}

/* One line of valid UTF-8 that can do nothing to a terminal, and that says exactly this name. */
static void assert_name_survives(const char *bytes, size_t length)
{
	char *line = line_of_path(bytes, length);
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	json_t *path = json_object_get(root, "path");
	json_t *exact = json_object_get(root, "path_bytes");

	assert_non_null(root);
	assert_true(ft_utf8_valid(line, strlen(line)));
	for (const char *at = line; *at; at++)
		assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
	assert_null(strstr(line, "\xe2\x80\xa8"));
	assert_int_equal(exact == NULL, ft_utf8_valid(bytes, length));
	if (exact) {
		char decoded[8192];
		size_t n;

		assert_int_equal(ft_base64_decode(ft_bytes_of(json_string_value(exact)), decoded,
						  sizeof(decoded), &n),
				 0);
		assert_int_equal(n, length);
		assert_memory_equal(decoded, bytes, length);
	} else {
		assert_int_equal(json_string_length(path), length);
		assert_memory_equal(json_string_value(path), bytes, length);
	}
	json_decref(root);
	free(line);
}

/* Each byte at each place of a word of eight, and before each kind of follower. */
static void test_every_byte(void **state)
{
	for (int byte = 1; byte < 256; byte++) {
		for (size_t at = 0; at < 18; at++) {
			char name[18];

			memset(name, 'x', sizeof(name));
			name[at] = (char)byte;
			assert_name_survives(name, sizeof(name));
		}
		for (int next = 1; next < 256; next++) {
			char name[3] = {(char)byte, (char)next, (char)0x80};

			assert_name_survives(name, 2);
			assert_name_survives(name, 3);
		}
	}
}

static void test_long_names(void **state)
{
	static const char bytes[] = {'\n', '"', (char)0xff, 'a', (char)0xc2};
	char name[4096];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		memset(name, bytes[i], sizeof(name));
		for (size_t length = sizeof(name) - 7; length <= sizeof(name); length++)
			assert_name_survives(name, length);
		for (size_t length = 1; length < 400; length++)
			assert_name_survives(name, length);
	}
}

/* Whatever the size: the length is that of the line, and what is there is its beginning. */
static void test_small_buffers(void **state)
{
	struct ft_name *path = new_text("/\xff\n\xe2\x80\xa8 quite a long name");
	struct fusetrace_op op = {
		.opcode = FUSE_RENAME2,
		.path = path,
		.fh = UINT64_MAX,
		.offset = 1234567,
		.source = FUSETRACE_SOURCE_LOG,
		.status = FUSETRACE_STATUS_COMPLETED,
		.marks = FUSETRACE_OP_SUSPECT,
		.present = FT_HAS(PATH) | FT_HAS(FH) | FT_HAS(OFFSET),
	};
	char whole[512];
	int length = fusetrace_op_json(&op, whole, sizeof(whole));

	assert_int_equal(fusetrace_op_json(&op, NULL, 0), length);
	assert_int_equal(strlen(whole), length);
	for (size_t size = 1; size <= (size_t)length + 2; size++) {
		char *buffer = malloc(size); /* so that a byte too many is noticed */
		size_t kept = size - 1 < (size_t)length ? size - 1 : (size_t)length;

		assert_non_null(buffer);
		assert_int_equal(fusetrace_op_json(&op, buffer, size), length);
		assert_memory_equal(buffer, whole, kept);
		assert_int_equal(buffer[kept], '\0');
		free(buffer);
	}
	free(path);
}

static void test_wrong_arguments(void **state)
{
	struct fusetrace_op op = {.opcode = FUSE_READ};
	char buffer[8];

	assert_int_equal(fusetrace_op_json(NULL, buffer, sizeof(buffer)), -EINVAL);
	assert_int_equal(fusetrace_op_json(&op, NULL, 1), -EINVAL);
}

static void test_events(void **state)
{
	struct ft_json_record record = {
		.kind = FT_JSON_TRACE,
		.source = FUSETRACE_SOURCE_KERNEL,
		.mount = ft_bytes_of("/mnt"),
		.version = ft_bytes_of("0.1.0"),
		.mono_ns = 5,
		.realtime_ns = 6,
		.has = FT_JSON_HAS_MONO_NS | FT_JSON_HAS_REALTIME_NS,
	};

	assert_record(&record, "{\"v\":1,\"event\":\"trace\",\"mount\":\"/mnt\","
			       "\"source\":\"kernel\",\"fusetrace\":\"0.1.0\",\"mono_ns\":5,"
			       "\"realtime_ns\":6}");

	record = (struct ft_json_record){.kind = FT_JSON_LOST,
					 .count = 3,
					 .mono_ns = 9,
					 .has = FT_JSON_HAS_COUNT | FT_JSON_HAS_MONO_NS};
	assert_record(&record, "{\"v\":1,\"event\":\"lost\",\"count\":3,\"mono_ns\":9}");

	record = (struct ft_json_record){.kind = FT_JSON_MOUNTED, .mount = ft_bytes_of("/\xff")};
	assert_record(&record, "{\"v\":1,\"event\":\"mounted\",\"mount\":\"/\xef\xbf\xbd\","
			       "\"mount_bytes\":\"L/8=\"}");

	record = (struct ft_json_record){.kind = FT_JSON_UNMOUNTED};
	assert_record(&record, "{\"v\":1,\"event\":\"unmounted\"}");

	record = (struct ft_json_record){
		.kind = FT_JSON_DAEMON_GONE, .pid = 77, .has = FT_JSON_HAS_PID};
	assert_record(&record, "{\"v\":1,\"event\":\"daemon_gone\",\"pid\":77}");

	record = (struct ft_json_record){.kind = FT_JSON_WAIT,
					 .waited_for = ft_bytes_of("release path=/a"),
					 .verdict = ft_bytes_of("satisfied"),
					 .mono_ns = 9,
					 .began_ns = 5,
					 .answer = 2,
					 .has = FT_JSON_HAS_MONO_NS | FT_JSON_HAS_BEGAN_NS |
						FT_JSON_HAS_ANSWER};
	assert_record(&record,
		      "{\"v\":1,\"event\":\"wait\",\"waited_for\":\"release path=/a\","
		      "\"verdict\":\"satisfied\",\"mono_ns\":9,\"began_ns\":5,\"answer\":2}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_line),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_absent_is_left_out),
		cmocka_unit_test(test_opcode_beside_the_name),
		cmocka_unit_test(test_names_tell_opcodes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_of_each_length),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_wrong_arguments),
		cmocka_unit_test(test_events),
	};

	alarm(DEADLINE_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
