/* SPDX-License-Identifier: MIT */
/*
 * Logs in pieces of any size, with lines of any kind: the same operations, and every line that no
 * format takes counted and listed under its number.
 */
#include "source_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

#define LINE_LIMIT (8u << 20)

#define MKDIR                                                                                      \
	"unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"                            \
	"mkdir /a 0755 umask=0022\n"
#define MKDIR_END "   unique: 2, success, outsize: 144\n"
#define RMDIR                                                                                      \
	"unique: 4, opcode: RMDIR (11), nodeid: 1, insize: 42, pid: 7\n"                           \
	"rmdir /a\n"                                                                               \
	"   unique: 4, error: -16 (Device or resource busy), outsize: 16\n"

/* ---- what comes out ---- */

static struct ft_history *history;
static struct ft_tracker *tracker;
static struct ft_log *the_log;
static char *unparsed; /* "NUMBER:text;" of each */
static size_t unparsed_size;
static FILE *unparsed_file;

static void on_done(struct fusetrace_op *op, void *data)
{
}

static void on_unparsed(uint64_t number, struct ft_bytes line, void *data)
{
	fprintf(data, "%llu:%.*s;", (unsigned long long)number,
		line.length > 40 ? 40 : (int)line.length, line.data);
}

static int set_up(void **state)
{
	history = ft_history_new(10000);
	tracker = ft_tracker_new(FUSETRACE_SOURCE_LOG, history, NULL, on_done, NULL);
	the_log = ft_log_new(tracker, false);
	unparsed_file = open_memstream(&unparsed, &unparsed_size);
	if (!the_log || !unparsed_file)
		return -1;
	ft_log_on_unparsed(the_log, on_unparsed, unparsed_file);
	return 0;
}

static int tear_down(void **state)
{
	fclose(unparsed_file);
	free(unparsed);
	ft_log_free(the_log);
	ft_tracker_free(tracker);
	ft_history_unref(history);
	return 0;
}

static void push(const char *data, size_t size)
{
	assert_int_equal(ft_log_push(the_log, data, size), 0);
}

static void push_text(const char *text)
{
	push(text, strlen(text));
}

/* All operations so far, each as "op path status errno marks; ". */
static void assert_operations(const char *expected)
{
	struct ft_cursor cursor;
	struct fusetrace_op *op;
	char text[1000] = "";

	ft_cursor_init(&cursor, history, 0);
	while ((op = ft_cursor_next(&cursor, NULL)))
		sprintf(text + strlen(text), "%s %s %u %d%s; ", fusetrace_op_name(op),
			fusetrace_op_path(op) ? fusetrace_op_path(op) : "-",
			fusetrace_op_status(op), fusetrace_op_errno(op),
			fusetrace_op_marks(op) & FUSETRACE_OP_SUSPECT ? " suspect" : "");
	ft_cursor_done(&cursor);
	assert_string_equal(text, expected);
}

static void assert_unparsed(uint64_t lines, uint64_t count, const char *expected)
{
	struct ft_log_counts counts = ft_log_counts(the_log);

	fflush(unparsed_file);
	assert_string_equal(unparsed, expected);
	assert_int_equal(counts.lines, lines);
	assert_int_equal(counts.unparsed, count);
}

#define BOTH "mkdir /a 2 0; rmdir /a 3 16; "

/* ---- pieces ---- */

static void test_pieces_of_any_size(void **state)
{
	static const char text[] = "first\n" MKDIR "\n\r\nbetween\r\n" MKDIR_END RMDIR "last";
	size_t size = sizeof(text) - 1;

	for (size_t piece = 1; piece <= size; piece++) {
		if (piece > 1)
			set_up(state);
		for (size_t at = 0; at < size; at += piece) {
			size_t left = size - at < piece ? size - at : piece;
			char *exact = malloc(left); /* no byte behind it may be read */

			memcpy(exact, text + at, left);
			push(exact, left);
			free(exact);
		}
		assert_int_equal(ft_log_end(the_log), 0);
		assert_operations(BOTH);
		assert_unparsed(11, 3, "1:first;6:between;11:last;");
		if (piece < size)
			tear_down(state);
	}
}

static void test_nothing(void **state)
{
	push("", 0);
	assert_int_equal(ft_log_end(the_log), 0);
	assert_operations("");
	assert_unparsed(0, 0, "");
	push_text("\n\n\r\n");
	assert_int_equal(ft_log_end(the_log), 0);
	assert_unparsed(3, 0, "");
}

static void test_last_line_without_newline(void **state)
{
	push_text(MKDIR);
	push(MKDIR_END, strlen(MKDIR_END) - 1);
	assert_operations("");
	assert_int_equal(ft_log_end(the_log), 0);
	assert_operations("mkdir /a 2 0; ");
	assert_int_equal(ft_log_end(the_log), 0);
	push_text(RMDIR "x"); /* another file follows */
	assert_int_equal(ft_log_end(the_log), 0);
	assert_operations(BOTH);
	assert_unparsed(7, 1, "7:x;");
}

static void test_carriage_returns(void **state)
{
	push_text("unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\r\n"
		  "mkdir /a 0755 umask=0022\r\n"
		  "noise\r\n"
		  "   unique: 2, success, outsize: 144\r\n");
	assert_operations("mkdir /a 2 0; ");
	assert_unparsed(4, 1, "3:noise;");
}

/* Lines are bytes: neither NUL nor what is no UTF-8 ends or hides one. */
static void test_any_bytes(void **state)
{
	static const char text[] = "a\0b\n"
				   "\xff\xfe\xed\xa0\x80\n"
				   "\0\n" MKDIR "unique: 2\0, opcode\n" MKDIR_END;

	push(text, sizeof(text) - 1);
	assert_operations("mkdir /a 2 0; ");
	assert_unparsed(7, 4, "1:a;2:\xff\xfe\xed\xa0\x80;3:;6:unique: 2;");
}

/* ---- long lines ---- */

static void push_long(char c, size_t size, size_t piece)
{
	char *bytes = malloc(piece);

	memset(bytes, c, piece);
	for (; size; size -= piece < size ? piece : size)
		push(bytes, piece < size ? piece : size);
	free(bytes);
}

static void test_long_lines(void **state)
{
	static const size_t pieces[] = {400 << 10, 4096, 399};

	push_text(MKDIR);
	for (size_t i = 0; i < 3; i++) {
		push_long('x', 400 << 10, pieces[i]);
		push_text("\n");
	}
	push_text(MKDIR_END RMDIR);
	assert_operations(BOTH);
	assert_int_equal(ft_log_counts(the_log).lines, 9);
	assert_int_equal(ft_log_counts(the_log).unparsed, 3);
}

/* However it comes, one over the limit is a line that nobody understands. */
static void test_line_over_the_limit(void **state)
{
	size_t whole_size = LINE_LIMIT + 100;
	char *whole = malloc(whole_size);

	memset(whole, 'x', whole_size - 1);
	whole[whole_size - 1] = '\n';
	push_text(MKDIR);
	push(whole, whole_size); /* in one piece */
	push(whole, whole_size - 1);
	push_text("still the same\n");
	push_long('x', whole_size, 1 << 20);
	push_long('x', 3 * (size_t)LINE_LIMIT, 1 << 20);
	push_text("\n" MKDIR_END RMDIR);
	assert_operations(BOTH);
	assert_int_equal(ft_log_counts(the_log).lines, 9);
	assert_int_equal(ft_log_counts(the_log).unparsed, 3);
	push(whole, whole_size - 1);
	assert_int_equal(ft_log_end(the_log), 0);
	assert_int_equal(ft_log_counts(the_log).lines, 10);
	push_text("x\n");
	assert_int_equal(ft_log_counts(the_log).lines, 11);
	assert_int_equal(ft_log_counts(the_log).unparsed, 5);
	free(whole);
}

static void test_endless_line(void **state)
{
	size_t before = ft_test_allocated();

	push_long('x', 10 * (size_t)LINE_LIMIT, 64 << 10);
	assert_in_range(ft_test_allocated(), 0, before + 3 * (size_t)LINE_LIMIT);
	assert_int_equal(ft_log_counts(the_log).lines, 1);
}

/* ---- what stands around a record ---- */

#define RECORD "{\\\"v\\\":1,\\\"op\\\":\\\"mkdir\\\",\\\"path\\\":\\\"/a\\\",\\\"errno\\\":0}"
#define PLAIN "{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"errno\":0}"

static void test_wrapped(void **state)
{
	static const struct {
		const char *line;
		const char *operations;
	} samples[] = {
		{PLAIN, "mkdir /a 2 0; "},
		{"2026/11/22 09:00:49.736 DEBUG : app: " PLAIN, "mkdir /a 2 0; "},
		{"[2026-11-22T09:00:49Z INFO  fuser::request] " PLAIN, "mkdir /a 2 0; "},
		{"\033[32m2026-11-22T09:00:49Z\033[0m \033[1;34mDEBUG\033[m app::fuse: " PLAIN,
		 "mkdir /a 2 0; "},
		{"\033[2m" PLAIN "\033[0m", "mkdir /a 2 0; "},
		{"{\"time\":\"2026-11-22T09:00:49Z\",\"msg\":\"" RECORD "\"}", "mkdir /a 2 0; "},
		{"time=\"2026-11-22T09:00:49Z\" level=debug msg=\"" RECORD "\"", "mkdir /a 2 0; "},
		/* a container's log of a line with a date; of a daemon's own envelope */
		{"{\"log\":\"09:00:49.1 DEBUG app: " RECORD "\",\"stream\":\"stderr\"}",
		 "mkdir /a 2 0; "},
		{"{\"log\":\"{\\\"msg\\\":\\\"{\\\\\\\"v\\\\\\\":1,\\\\\\\"op\\\\\\\":"
		 "\\\\\\\"mkdir\\\\\\\",\\\\\\\"path\\\\\\\":\\\\\\\"/a\\\\\\\","
		 "\\\\\\\"errno\\\\\\\":0}\\\"}\"}",
		 "mkdir /a 2 0; "},
		/* what may have been a name */
		{"cannot open " PLAIN, "mkdir /a 2 0 suspect; "},
		{"cannot ope" PLAIN, "mkdir /a 2 0 suspect; "},
		{"{\"msg\":\"cannot open " RECORD "\"}", "mkdir /a 2 0 suspect; "},
		/* colours that are none, envelopes that do not end */
		{"\033[2K" PLAIN, "mkdir /a 2 0 suspect; "},
		{"{\"msg\":\"" RECORD, ""},
		{"{\"other\":\"" RECORD "\"}", ""},
		{"\033", ""},
		{"\033[", ""},
		{"\033[m", ""},
		{"msg=\"", ""},
		{"msg=", ""},
		{"{", ""},
		{"{\"msg\":\"\"}", ""},
		{"level=debug msg=\"\"", ""},
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t length = strlen(samples[i].line);
		char *exact = malloc(length + 1);
		bool is_taken = samples[i].operations[0];

		if (i)
			set_up(state);
		memcpy(exact, samples[i].line, length);
		exact[length] = '\n';
		push(exact, length + 1);
		free(exact);
		assert_operations(samples[i].operations);
		assert_int_equal(ft_log_counts(the_log).unparsed, !is_taken);
		if (i + 1 < sizeof(samples) / sizeof(samples[0]))
			tear_down(state);
	}
}

/* Somebody else's line without a newline, and the record right behind it. */
static void test_torn_lines(void **state)
{
	push_text("mounting ... unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		  "mkdir /a 0755 umask=0022\n"
		  "done   unique: 2, success, outsize: 144\n"
		  "unique: 4, opcode: RMDIR (11), nodeid: 1, insi");
	assert_int_equal(ft_log_end(the_log), 0);
	assert_operations("mkdir /a 2 0 suspect; ");
	assert_unparsed(4, 1, "4:unique: 4, opcode: RMDIR (11), nodeid: 1;");
}

/* The place of the last record is only where to look first. */
static void test_prefixes_of_any_length(void **state)
{
	push_text("09:00:49.1 DEBUG app: " PLAIN "\n"
		  "09:00:49.2 DEBUG app: " PLAIN "\n"
		  /* as long, but words of somebody else */
		  "09:00:49.3 cannot op: " PLAIN "\n"
		  /* longer, shorter, none */
		  "09:00:49.4 DEBUG apps: " PLAIN "\n"
		  "09:00:49.5 " PLAIN "\n" PLAIN "\n"
		  /* another format's record there, and one of two formats */
		  "09:00:49.6 DEBUG app: " MKDIR MKDIR_END "09:00:49.7 DEBUG app: " PLAIN "\n"
		  /* nothing there, not even a line of that length */
		  "09:00:49.8 DEBUG app: \n"
		  "09:00:49.9 DEBUG app: {\n"
		  "09:00\n");
	assert_operations("mkdir /a 2 0; mkdir /a 2 0; mkdir /a 2 0 suspect; mkdir /a 2 0; "
			  "mkdir /a 2 0; mkdir /a 2 0; mkdir /a 2 0; ");
	assert_int_equal(ft_log_counts(the_log).unparsed, 3);
}

/* ---- several streams, pauses and gaps ---- */

static void test_pause(void **state)
{
	push_text("unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n");
	assert_int_equal(ft_tracker_in_flight(tracker, false), 0); /* its details may follow */
	ft_log_pause(the_log);
	assert_int_equal(ft_tracker_in_flight(tracker, false), 1);
	push_text("mkdir /a 0755 umask=0022\n" MKDIR_END);
	assert_operations("mkdir /a 2 0; ");
}

/* encfs tells of an end only that it is a failure, which may come later. */
static void test_pause_before_the_end(void **state)
{
	push_text("2026-11-22 09:00:49,736 VERBOSE op: getattr : /c/A [encfs.cpp:156]\n");
	ft_log_pause(the_log);
	push_text("2026-11-22 09:00:49,737 DEBUG op: getattr error: No such file or directory "
		  "[encfs.cpp:186]\n");
	assert_operations("getattr /c/A 3 2; ");
}

static void test_gap(void **state)
{
	push_text(MKDIR "   unique: 2, succ");
	ft_log_gap(the_log);
	push_text(RMDIR MKDIR_END);
	assert_operations("rmdir /a 3 16; mkdir /a 2 0; ");
	assert_unparsed(6, 0, "");
}

/* What stands behind the gap is no part of a name before it. */
static void test_gap_in_a_name(void **state)
{
	push_text("unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 52, pid: 7\n"
		  "mkdir /a\n");
	ft_log_gap(the_log);
	push_text("b 0755 umask=0022\n" MKDIR_END);
	assert_operations("mkdir - 2 0; ");
	assert_unparsed(4, 1, "3:b 0755 umask=0022;");
}

static void test_two_streams(void **state)
{
	struct ft_log *beside = ft_log_new_beside(the_log);

	assert_non_null(beside);
	push_text("unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		  "unique: 4, opcode: UNL");
	ft_log_pause(the_log);
	assert_int_equal(ft_log_push(beside, PLAIN "\n", strlen(PLAIN) + 1), 0);
	assert_operations(""); /* said of the request that is in flight */
	push_text("INK (10), nodeid: 1, insize: 42, pid: 7\n" MKDIR_END);
	assert_operations("mkdir /a 2 0; ");
	ft_log_free(beside);
}

#define log_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(test_pieces_of_any_size),
		log_test(test_nothing),
		log_test(test_last_line_without_newline),
		log_test(test_carriage_returns),
		log_test(test_any_bytes),
		log_test(test_long_lines),
		log_test(test_line_over_the_limit),
		log_test(test_endless_line),
		log_test(test_wrapped),
		log_test(test_torn_lines),
		log_test(test_prefixes_of_any_length),
		log_test(test_pause),
		log_test(test_pause_before_the_end),
		log_test(test_gap),
		log_test(test_gap_in_a_name),
		log_test(test_two_streams),
	};

	ft_test_deadline(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
