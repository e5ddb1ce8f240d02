/* SPDX-License-Identifier: MIT */
/* What is read, and what is refused and where. The way there and back is in json_test.c. */
#include "json_read.h"

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

#define DEADLINE_S 120

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int read_text(struct ft_json_reader *reader, const char *line, struct ft_json_record *record)
{
	struct ft_json_error error;
	int r = ft_json_read(reader, line, strlen(line), record, &error);

	if (r)
		print_error("%s\ncolumn %u: %s\n", line, error.column, error.text);
	return r;
}

static void assert_bytes(struct ft_bytes got, const char *expected)
{
	if (!expected) {
		assert_null(got.data);
		return;
	}
	assert_non_null(got.data);
	assert_int_equal(got.length, strlen(expected));
	assert_memory_equal(got.data, expected, got.length);
}

/* ---- what is read ---- */

static void test_every_key(void **state)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	const struct ft_event *event = &record.event;

	assert_int_equal(
		read_text(
			&reader,
			" {\"v\":1,\"seq\":1,\"op\":\"setxattr\",\"path\":\"/d\",\"path2\":\"/e\","
			"\"name\":\"n\",\"name2\":\"m\",\"xattr\":\"user.x\",\"target\":\"../t\","
			"\"status\":\"failed\",\"errno\":16,\"start_ns\":2,\"duration_ns\":3,"
			"\"pid\":11,\"uid\":12,\"gid\":13,\"unique\":4,\"nodeid\":5,\"entry\":6,"
			"\"nodeid2\":17,\"fh\":\"18446744073709551615\",\"offset\":8,\"size\":9,"
			"\"reply_size\":10,\"mode\":33188,\"flags\":14,\"valid\":15,"
			"\"probe\":true,\"unlinked\":false,\"suspect\":true,\"truncated\":true,"
			"\"source\":\"log\", \"somebodys\":{\"own\":[1.5,null]}} \r\n",
			&record),
		0);
	assert_int_equal(record.kind, FT_JSON_OP);
	assert_int_equal(event->opcode, FUSE_SETXATTR);
	assert_int_equal(event->present, (1u << FUSETRACE_FIELDS) - 1 - FT_HAS(SEQ));
	assert_int_equal(event->marks,
			 FUSETRACE_OP_PROBE | FUSETRACE_OP_SUSPECT | FUSETRACE_OP_TRUNCATED);
	assert_int_equal(record.seq, 1);
	assert_int_equal(record.start_ns, 2);
	assert_int_equal(record.duration_ns, 3);
	assert_int_equal(record.status, FUSETRACE_STATUS_FAILED);
	assert_int_equal(record.source, FUSETRACE_SOURCE_LOG);
	assert_int_equal(event->unique, 4);
	assert_int_equal(event->nodeid, 5);
	assert_int_equal(event->entry, 6);
	assert_int_equal(event->nodeid2, 17);
	assert_true(event->fh == UINT64_MAX);
	assert_int_equal(event->offset, 8);
	assert_int_equal(event->size, 9);
	assert_int_equal(event->reply_size, 10);
	assert_int_equal(event->pid, 11);
	assert_int_equal(event->uid, 12);
	assert_int_equal(event->gid, 13);
	assert_int_equal(event->mode, 33188);
	assert_int_equal(event->flags, 14);
	assert_int_equal(event->valid, 15);
	assert_int_equal(event->error, 16);
	assert_bytes(event->path, "/d");
	assert_bytes(event->path2, "/e");
	assert_bytes(event->name, "n");
	assert_bytes(event->name2, "m");
	assert_bytes(event->xattr, "user.x");
	assert_bytes(event->target, "../t");
	ft_json_reader_done(&reader);
}

static void test_absent_stays_absent(void **state)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	assert_int_equal(read_text(&reader, "{\"op\":\"read\",\"v\":1}", &record), 0);
	assert_int_equal(record.event.present, 0);
	assert_int_equal(record.seq, 0);
	assert_int_equal(record.source, FUSETRACE_SOURCE_AUTO);
	assert_int_equal(record.status, FUSETRACE_STATUS_UNKNOWN);
	assert_bytes(record.event.path, NULL);
	ft_json_reader_done(&reader);
}

static void test_opcodes(void **state)
{
	static const struct {
		const char *line;
		uint32_t opcode;
	} cases[] = {
		{"{\"v\":1,\"op\":\"rename\"}", FUSE_RENAME},
		{"{\"v\":1,\"op\":\"rename\",\"opcode\":12}", FUSE_RENAME},
		{"{\"v\":1,\"op\":\"rename\",\"opcode\":45}", FUSE_RENAME2},
		{"{\"v\":1,\"op\":\"copy_file_range\"}", FUSE_COPY_FILE_RANGE},
		{"{\"v\":1,\"op\":\"copy_file_range\",\"opcode\":53}", 53},
		{"{\"v\":1,\"op\":\"opcode_77\"}", 77},
		{"{\"v\":1,\"op\":\"opcode_0\",\"opcode\":0}", 0},
		{"{\"v\":1,\"op\":\"opcode_65535\",\"opcode\":\"65535\"}", 65535},
		/* of a version yet to come */
		{"{\"v\":1,\"op\":\"teleport\",\"opcode\":99}", 99},
	};
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(&reader, cases[i].line, &record), 0);
		assert_int_equal(record.event.opcode, cases[i].opcode);
	}
	ft_json_reader_done(&reader);
}

static void test_names_of_setattr(void **state)
{
	static const struct {
		const char *line;
		uint32_t valid;
	} cases[] = {
		{"{\"v\":1,\"op\":\"chmod\"}", FATTR_MODE},
		{"{\"v\":1,\"op\":\"chown\"}", FATTR_UID | FATTR_GID},
		{"{\"v\":1,\"op\":\"chown\",\"valid\":2}", FATTR_UID},
		{"{\"v\":1,\"op\":\"truncate\",\"valid\":72}", FATTR_SIZE | FATTR_FH},
		{"{\"v\":1,\"op\":\"utimens\"}",
		 FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW},
		{"{\"v\":1,\"op\":\"setattr\",\"valid\":1}", FATTR_MODE},
	};
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(&reader, cases[i].line, &record), 0);
		assert_int_equal(record.event.opcode, FUSE_SETATTR);
		assert_int_equal(record.event.valid, cases[i].valid);
		assert_true(record.event.present & FT_HAS(VALID));
	}
	assert_int_equal(read_text(&reader, "{\"v\":1,\"op\":\"setattr\"}", &record), 0);
	assert_false(record.event.present & FT_HAS(VALID));
	ft_json_reader_done(&reader);
}

static void test_status(void **state)
{
	static const struct {
		const char *line;
		uint32_t status;
	} cases[] = {
		{"{\"v\":1,\"op\":\"read\",\"errno\":0}", FUSETRACE_STATUS_COMPLETED},
		{"{\"v\":1,\"op\":\"read\",\"errno\":5}", FUSETRACE_STATUS_FAILED},
		{"{\"v\":1,\"op\":\"read\",\"status\":\"started\"}", FUSETRACE_STATUS_STARTED},
		{"{\"v\":1,\"op\":\"read\",\"status\":\"completed\"}", FUSETRACE_STATUS_COMPLETED},
		{"{\"v\":1,\"op\":\"read\",\"status\":\"failed\"}", FUSETRACE_STATUS_FAILED},
		/* a broken connection: the kernel's errno is no answer of the daemon */
		{"{\"v\":1,\"op\":\"read\",\"status\":\"unknown\",\"errno\":103}",
		 FUSETRACE_STATUS_UNKNOWN},
	};
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(&reader, cases[i].line, &record), 0);
		assert_int_equal(record.status, cases[i].status);
	}
	ft_json_reader_done(&reader);
}

static void test_bytes_before_text(void **state)
{
	static const char *const lines[] = {
		"{\"v\":1,\"op\":\"symlink\",\"path\":\"?\",\"path_bytes\":\"L/8=\","
		"\"target_bytes\":\"/w==\"}",
		"{\"v\":1,\"op\":\"symlink\",\"target_bytes\":\"/w==\",\"target\":\"?\","
		"\"path_bytes\":\"L/8=\",\"path\":\"?\"}",
	};
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_int_equal(read_text(&reader, lines[i], &record), 0);
		assert_bytes(record.event.path, "/\xff");
		assert_bytes(record.event.target, "\xff");
		assert_int_equal(record.event.present, FT_HAS(PATH) | FT_HAS(TARGET));
	}
	assert_int_equal(
		read_text(&reader, "{\"v\":1,\"op\":\"open\",\"path_bytes\":\"\"}", &record), 0);
	assert_bytes(record.event.path, "");
	ft_json_reader_done(&reader);
}

static void test_events(void **state)
{
	static const struct {
		const char *line;
		uint32_t kind;
		uint32_t has;
	} cases[] = {
		{"{\"v\":1,\"event\":\"trace\",\"mount\":\"/mnt\",\"source\":\"kernel\","
		 "\"fusetrace\":\"0.1.0\",\"mono_ns\":5,\"realtime_ns\":6}",
		 FT_JSON_TRACE, FT_JSON_HAS_MONO_NS | FT_JSON_HAS_REALTIME_NS},
		{"{\"v\":1,\"event\":\"lost\",\"count\":3,\"mono_ns\":5}", FT_JSON_LOST,
		 FT_JSON_HAS_COUNT | FT_JSON_HAS_MONO_NS},
		{"{\"v\":1,\"event\":\"mounted\",\"mount\":\"/mnt\"}", FT_JSON_MOUNTED, 0},
		{"{\"v\":1,\"event\":\"unmounted\"}", FT_JSON_UNMOUNTED, 0},
		{"{\"v\":1,\"event\":\"daemon_gone\",\"pid\":8}", FT_JSON_DAEMON_GONE,
		 FT_JSON_HAS_PID},
		{"{\"v\":1,\"event\":\"wait\",\"label\":\"a\",\"waited_for\":\"idle\","
		 "\"verdict\":\"not idle\",\"pid\":8,\"mono_ns\":9,\"began_ns\":5}",
		 FT_JSON_WAIT, FT_JSON_HAS_PID | FT_JSON_HAS_MONO_NS | FT_JSON_HAS_BEGAN_NS},
		/* of a version yet to come: nothing in it is looked at */
		{"{\"v\":1,\"event\":\"paused\",\"pid\":\"eight\"}", FT_JSON_OTHER, 0},
	};
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	for (size_t i = 0; i < COUNT(cases); i++) {
		char again[256];

		assert_int_equal(read_text(&reader, cases[i].line, &record), 0);
		assert_int_equal(record.kind, cases[i].kind);
		assert_int_equal(record.has, cases[i].has);
		if (record.kind == FT_JSON_OTHER)
			continue;
		ft_json_write(&record, again, sizeof(again));
		assert_string_equal(again, cases[i].line);
	}
	assert_int_equal(read_text(&reader, cases[0].line, &record), 0);
	assert_int_equal(record.source, FUSETRACE_SOURCE_KERNEL);
	assert_bytes(record.mount, "/mnt");
	assert_bytes(record.version, "0.1.0");
	assert_int_equal(record.realtime_ns, 6);
	ft_json_reader_done(&reader);
}

/* ---- what is refused ---- */

static void assert_refused(const char *line, size_t length, uint32_t column, const char *text)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record record = {.seq = 99};
	struct ft_json_error error = {0};

	if (ft_json_read(&reader, line, length, &record, &error) != -EBADMSG)
		fail_msg("not refused: %s", line);
	assert_string_equal(error.text, text);
	if (error.column != column)
		fail_msg("column %u and not %u: %s", error.column, column, line);
	assert_int_equal(record.seq, 99);
	assert_int_equal(ft_json_read(&reader, line, length, &record, NULL), -EBADMSG);
	ft_json_reader_done(&reader);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line;
		uint32_t column;
		const char *text;
	} cases[] = {
		/* not JSON */
		{"", 1, "not JSON: '[' or '{' expected near end of line"},
		{"   ", 3, "not JSON: '[' or '{' expected near end of line"},
		{"{\"v\":1", 6, "not JSON: '}' expected near end of line"},
		{"hello", 5, "not JSON: '[' or '{' expected near 'hello'"},
		{"1", 1, "not JSON: '[' or '{' expected near '1'"},
		{"{\"v\":1,}", 8, "not JSON: string or '}' expected near '}'"},
		{"{\"v\":01}", 6, "not JSON: invalid token near '0'"},
		{"{\"v\":1}{", 8, "not JSON: end of line expected near '{'"},
		{"{\"v\":1,\"op\":\"read\",\"op\":\"read\"}", 23,
		 "not JSON: duplicate object key near '\"op\"'"},
		{"{\"v\":1,\"op\":\"\x1b[2J\"}", 13, "not JSON: control character 0x1b near '\"'"},
		{"\x1b[2J", 1, "not JSON: '[' or '{' expected near '\\x1b'"},
		{"{\"v\":1,\"path\":\"\xff\"}", 15,
		 "not JSON: unable to decode byte 0xff near '\"'"},
		{"{\"v\":1,\"path\":\"a\\u0000b\"}", 24, "\\u0000 is a NUL, which no name has"},
		{"{\"v\":1,\"path\":\"\\ud800\"}", 22,
		 "not JSON: invalid Unicode '\\\\uD800' near '\"\\\\ud800\"'"},
		{"{\"v\":1,\"op\":\"read\",\"fh\":9223372036854775808}", 43,
		 "not JSON: too big integer near '9223372036854775808'"},
		/* no record */
		{"[1]", 1, "a record is an object in braces, not a list"},
		{"{}", 1, "\"v\", the version of the record, is missing"},
		{"{\"op\":\"read\"}", 1, "\"v\", the version of the record, is missing"},
		{"{\"v\":1}", 1, "\"op\" or \"event\" is missing"},
		{"{\"v\":2,\"op\":7}", 2,
		 "\"v\" 2 is newer than this fusetrace, which reads version 1"},
		{"{\"op\":\"read\", \"v\":0}", 15, "\"v\" must be a version number from 1"},
		{"{\"op\":\"read\", \"v\":\"1\"}", 15, "\"v\" must be a version number from 1"},
		{"{\"v\":1,\"op\":\"read\",\"event\":\"lost\"}", 20,
		 "\"event\" and \"op\" cannot be in one record"},
		/* names */
		{"{\"v\":1,\"op\":15}", 8, "\"op\" must be a string"},
		{"{\"v\":1,\"event\":null}", 8, "\"event\" must be a string"},
		{"{\"v\":1,\"op\":\"wirte\"}", 8,
		 "\"op\" \"wirte\" is no operation; the nearest is \"write\""},
		{"{\"v\":1,\"op\":\"wirte\",\"opcode\":16}", 8,
		 "\"op\" \"wirte\" is no operation; the nearest is \"write\""},
		{"{\"v\":1,\"op\":\"opcode_65536\"}", 8, "\"op\" may be \"opcode_65535\" at most"},
		{"{\"v\":1,\"op\":\"read\",\"opcode\":16}", 20, "\"opcode\" 16 is not \"read\""},
		{"{\"v\":1,\"op\":\"opcode_77\",\"opcode\":78}", 25,
		 "\"opcode\" 78 is not \"opcode_77\""},
		{"{\"v\":1,\"op\":\"opcode_77\",\"opcode\":65536}", 25,
		 "\"opcode\" must be a whole number from 0 to 65535"},
		{"{\"v\":1,\"op\":\"read\",\"path\":7}", 20, "\"path\" must be a string"},
		{"{\"v\":1,\"op\":\"read\",\"path\":null}", 20, "\"path\" must be a string"},
		{"{\"v\":1,\"op\":\"read\",\"path_bytes\":\"L/8\"}", 20,
		 "\"path_bytes\" must be base64"},
		{"{\"v\":1,\"op\":\"read\",\"path_bytes\":true}", 20,
		 "\"path_bytes\" must be a string"},
		{"{\"v\":1,\"op\":\"read\",\"path_bytes\":\"YQBi\"}", 20,
		 "\"path_bytes\" holds a NUL, which no name has"},
		/* numbers */
		{"{\"v\":1,\"op\":\"read\",\"pid\":-1}", 20,
		 "\"pid\" must be a whole number from 0 to 4294967295"},
		{"{\"v\":1,\"op\":\"read\",\"pid\":4294967296}", 20,
		 "\"pid\" must be a whole number from 0 to 4294967295"},
		{"{\"v\":1,\"op\":\"read\",\"size\":1.0}", 20,
		 "\"size\" must be a whole number from 0 to 18446744073709551615"},
		{"{\"v\":1,\"op\":\"read\",\"fh\":\"18446744073709551616\"}", 20,
		 "\"fh\" must be a whole number from 0 to 18446744073709551615"},
		{"{\"v\":1,\"op\":\"read\",\"fh\":\" 1\"}", 20,
		 "\"fh\" must be a whole number from 0 to 18446744073709551615"},
		{"{\"v\":1,\"op\":\"read\",\"errno\":65536}", 20,
		 "\"errno\" must be a whole number from 0 to 65535"},
		{"{\"v\":1,\"op\":\"read\",\"seq\":true}", 20,
		 "\"seq\" must be a whole number from 0 to 18446744073709551615"},
		{"{\"v\":1,\"event\":\"lost\",\"count\":[]}", 23,
		 "\"count\" must be a whole number from 0 to 18446744073709551615"},
		/* words */
		{"{\"v\":1,\"op\":\"read\",\"status\":\"d\xc3\xb6ne\\u001b\"}", 20,
		 "\"status\" \"d\xc3\xb6ne\\x1b\" is none of started, completed, failed, unknown"},
		{"{\"v\":1,\"op\":\"read\",\"status\":3}", 20, "\"status\" must be a string"},
		{"{\"v\":1,\"op\":\"read\",\"source\":1}", 20, "\"source\" must be a string"},
		{"{\"v\":1,\"op\":\"read\",\"probe\":1}", 20, "\"probe\" must be true or false"},
		/* contradictions */
		{"{\"v\":1,\"op\":\"read\",\"status\":\"completed\",\"errno\":5}", 41,
		 "\"errno\" must be 0 for what is completed"},
		{"{\"v\":1,\"op\":\"read\",\"errno\":0,\"status\":\"failed\"}", 20,
		 "\"errno\" must not be 0 for what has failed"},
		{"{\"v\":1,\"op\":\"chmod\",\"valid\":8}", 21,
		 "\"valid\" does not set what \"op\" says"},
		/* columns are characters; a key inside of something else is not meant */
		{"{\"\xc3\xa4\xe2\x82\xac\":\"\xf0\x9f\x98\x80\","
		 "\"v\":1,\"op\":\"read\",\"pid\":-1}",
		 29, "\"pid\" must be a whole number from 0 to 4294967295"},
		{"{\"x\":{\"pid\":1,\"y\":[\"pid\",{\"pid\":2}]},\"z\":\"pid\",\"\\\"pid\":0,"
		 "\"v\":1,\"op\":\"read\",\"pid\":-1}",
		 76, "\"pid\" must be a whole number from 0 to 4294967295"},
		{"{\"v\":1,\"op\":\"read\",\"\\u0070id\":-1}", 1,
		 "\"pid\" must be a whole number from 0 to 4294967295"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(cases[i].line, strlen(cases[i].line), cases[i].column,
			       cases[i].text);
}

/* What is quoted is cut, and cut between characters. */
static void test_long_quotes(void **state)
{
	static const char head[] = "{\"v\":1,\"op\":\"";
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	struct ft_json_error error;
	char line[2048];

	for (size_t n = 1; n < 900; n++) {
		char *at = stpcpy(line, head);

		for (size_t i = 0; i < n; i++)
			at = stpcpy(at, i == 0 && n % 2 ? "x" : "\xc3\xa4");
		strcpy(at, "\"}");
		assert_int_equal(ft_json_read(&reader, line, strlen(line), &record, &error),
				 -EBADMSG);
		assert_true(ft_utf8_valid(error.text, strlen(error.text)));
		assert_non_null(strstr(error.text, "is no operation; the nearest is "));
		assert_int_equal(strstr(error.text, "...\"") != NULL, n > 30);
	}
	ft_json_reader_done(&reader);
}

static void test_line_limit(void **state)
{
	static const char head[] = "{\"v\":1,\"op\":\"read\",\"path\":\"";
	size_t length = FT_JSON_LINE_MAX + 1;
	char *line = malloc(length);
	struct ft_json_reader reader = {0};
	struct ft_json_record record;

	assert_non_null(line);
	memset(line, 'x', length);
	memcpy(line, head, sizeof(head) - 1);
	memcpy(line + length - 3, "\"}\n", 3);
	assert_refused(line, length, FT_JSON_LINE_MAX + 1,
		       "a line may have no more than 1048576 bytes");
	memcpy(line + length - 3, "\"} ", 2);
	assert_int_equal(ft_json_read(&reader, line, length - 1, &record, NULL), 0);
	assert_int_equal(record.event.path.length, length - 3 - (sizeof(head) - 1));
	ft_json_reader_done(&reader);
	free(line);
}

static void test_nul_and_depth(void **state)
{
	static const char with_nul[] = "{\"v\":1,\"op\":\"re\0ad\"}";
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	size_t length = 200000;
	char *deep = malloc(length);

	assert_refused(with_nul, sizeof(with_nul) - 1, 15,
		       "not JSON: control character 0x0 near '\"re'");
	assert_non_null(deep);
	memset(deep, '[', length);
	assert_int_equal(ft_json_read(&reader, deep, length, &record, NULL), -EBADMSG);
	ft_json_reader_done(&reader);
	free(deep);
}

/* ---- without memory ---- */

static uint32_t allocations_left;

static void *allocate_some(size_t size)
{
	return allocations_left > 0 ? allocations_left--, malloc(size) : NULL;
}

/*
 * Wherever jansson's memory ends, the line fails and the reader goes on. It is not always -ENOMEM:
 * a string that finds no memory is a wrong token to jansson.
 */
static void test_no_memory(void **state)
{
	static const char line[] = "{\"v\":1,\"op\":\"open\",\"path\":\"/\\u00e4\",\"fh\":\"7\","
				   "\"pid\":3,\"own\":[{\"x\":1.5},true,\"y\"]}";
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	uint32_t given = 0;
	uint32_t out_of_memory = 0;
	int r;

	json_set_alloc_funcs(allocate_some, free);
	do {
		allocations_left = given++;
		r = ft_json_read(&reader, line, strlen(line), &record, NULL);
		assert_true(r == 0 || r == -ENOMEM || r == -EBADMSG);
		out_of_memory += r == -ENOMEM;
	} while (r && given < 1000);
	assert_int_equal(r, 0);
	assert_true(given > 10 && out_of_memory > 5);
	assert_int_equal(record.event.fh, 7);
	ft_json_reader_done(&reader);
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key),     cmocka_unit_test(test_absent_stays_absent),
		cmocka_unit_test(test_opcodes),       cmocka_unit_test(test_names_of_setattr),
		cmocka_unit_test(test_status),        cmocka_unit_test(test_bytes_before_text),
		cmocka_unit_test(test_events),        cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_quotes),   cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_nul_and_depth), cmocka_unit_test(test_no_memory),
	};

	alarm(DEADLINE_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
