/* SPDX-License-Identifier: MIT */
/* Matches: every field, alone and with others, and what is refused with which words. */
#include "match.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "testing.h"
#include "track/history.h"

#define LOOKUP 1
#define SETATTR 4
#define UNLINK 10
#define RENAME 12
#define WRITE 16
#define RELEASE 18
#define RENAME2 45
#define VALID_MODE 1
#define VALID_UID 2
#define VALID_SIZE 8

static struct ft_chunk *chunk;

/* The operation that most rows are tested with; each test changes what it is about. */
static struct fusetrace_op *base_op(void)
{
	struct fusetrace_op *op = &chunk->ops[0];

	*op = (struct fusetrace_op){
		.seq = 10,
		.start_ns = 1000,
		.duration_ns = 500,
		.nodeid = 7,
		.size = 4096,
		.pid = 42,
		.opcode = WRITE,
		.status = FUSETRACE_STATUS_COMPLETED,
		.chunk = chunk,
		.present = FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(NODEID) | FT_HAS(SIZE) |
			   FT_HAS(PID) | FT_HAS(ERRNO) | FT_HAS(PATH),
	};
	op->path = ft_chunk_name(chunk, FT_BYTES_LITERAL("/dir/a.txt"), 0);
	return op;
}

static int set_up(void **state)
{
	chunk = ft_chunk_new(1);
	return chunk ? 0 : -1;
}

static int tear_down(void **state)
{
	ft_chunk_unref(chunk);
	return 0;
}

static bool test_in_mount(const struct fusetrace_match *user, const char *mountpoint,
			  const struct fusetrace_op *op)
{
	struct fusetrace_error error = {0};
	struct ft_match match;
	bool result;

	if (ft_match_init(&match, user, mountpoint, &error) < 0)
		fail_msg("%s", error.text);
	result = ft_match_test(&match, op);
	ft_match_done(&match);
	return result;
}

static bool matches(const struct fusetrace_match *user, const struct fusetrace_op *op)
{
	return test_in_mount(user, NULL, op);
}

#define assert_matches(op, ...) assert_true(matches(FUSETRACE_MATCH(__VA_ARGS__), op))
#define assert_no_match(op, ...) assert_false(matches(FUSETRACE_MATCH(__VA_ARGS__), op))

/* ---- operations ---- */

static void test_names(void **state)
{
	struct fusetrace_op *op = base_op();

	assert_true(matches(NULL, op));
	assert_matches(op, .op = NULL);
	assert_matches(op, .op = "*");
	assert_matches(op, .op = "any");
	assert_matches(op, .op = "write");
	assert_matches(op, .op = "read,write");
	assert_matches(op, .op = "write,read");
	assert_matches(op, .op = "read, write");
	assert_matches(op, .op = "read , write ");
	assert_matches(op, .op = "read,\twrite");
	assert_no_match(op, .op = "read");
	assert_no_match(op, .op = "read,release");
	op->opcode = RENAME2;
	assert_matches(op, .op = "rename");
	op->opcode = RENAME;
	assert_matches(op, .op = "rename");
	op->opcode = 4096;
	assert_matches(op, .op = "cuse_init");
	op->opcode = 4097;
	assert_no_match(op, .op = "cuse_init");
}

static void test_setattr_selectors(void **state)
{
	struct fusetrace_op *op = base_op();

	op->opcode = SETATTR;
	op->present |= FT_HAS(VALID);
	op->valid = VALID_MODE;
	assert_matches(op, .op = "setattr");
	assert_matches(op, .op = "chmod");
	assert_no_match(op, .op = "chown");
	assert_no_match(op, .op = "truncate");
	assert_no_match(op, .op = "utimens");
	op->valid = VALID_UID;
	assert_matches(op, .op = "chown");
	assert_no_match(op, .op = "chmod");
	op->valid = VALID_SIZE | VALID_MODE;
	assert_matches(op, .op = "truncate");
	assert_matches(op, .op = "chmod");
	assert_matches(op, .op = "chown,truncate");
	op->valid = 0x10 | 0x20;
	assert_matches(op, .op = "utimens");
	op->opcode = WRITE;
	op->valid = VALID_MODE;
	assert_no_match(op, .op = "chmod");
}

static void test_refused_names(void **state)
{
	static const struct {
		const char *op, *hint;
	} rows[] = {
		{"relase", "\"release\""},  {"close", "\"release\""},
		{"wriet", "\"write\""},     {"", "did you mean"},
		{"write,", "did you mean"}, {"read,,write", "did you mean"},
		{"rm", "\"unlink\""},       {"read,unlnk", "\"unlink\""},
		{"/a.txt", "a path"},       {"release:/a.txt", "a path"},
	};
	struct fusetrace_error error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error = (struct fusetrace_error){0};
		assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.op = rows[i].op), &error),
				 -EINVAL);
		assert_int_equal(error.code, -EINVAL);
		if (!strstr(error.text, rows[i].hint))
			fail_msg("%s: %s", rows[i].op, error.text);
		assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.op = rows[i].op), NULL),
				 -EINVAL);
	}
}

static void test_too_many_names(void **state)
{
	char ops[FT_MATCH_SELECTORS_MAX * 6 + 16] = "";
	struct fusetrace_error error;

	for (int i = 0; i < FT_MATCH_SELECTORS_MAX; i++)
		strcat(ops, i ? ",write" : "write");
	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.op = ops), NULL), 0);
	strcat(ops, ",write");
	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.op = ops), &error), -EINVAL);
	assert_non_null(strstr(error.text, "64"));
}

/* ---- paths ---- */

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		uint32_t kind;
		bool matches;
	} rows[] = {
		{"/dir/a.txt", FUSETRACE_PATH_AUTO, true},
		{"dir/a.txt", FUSETRACE_PATH_AUTO, true},
		{"/dir/./a.txt", FUSETRACE_PATH_AUTO, true},
		{"//dir///a.txt/", FUSETRACE_PATH_AUTO, true},
		{"/x/../dir/y/../a.txt", FUSETRACE_PATH_AUTO, true},
		{"/../../dir/a.txt", FUSETRACE_PATH_AUTO, true},
		{"a.txt", FUSETRACE_PATH_AUTO, false},
		{"/dir", FUSETRACE_PATH_AUTO, false},
		{"/dir/a.txtx", FUSETRACE_PATH_AUTO, false},
		{"/dir/ba.txt", FUSETRACE_PATH_AUTO, false},
		{"/", FUSETRACE_PATH_AUTO, false},
		{"*.txt", FUSETRACE_PATH_AUTO, true},
		{"/dir/*", FUSETRACE_PATH_AUTO, true},
		{"/*", FUSETRACE_PATH_AUTO, false},
		{"/**", FUSETRACE_PATH_AUTO, true},
		{"?.txt", FUSETRACE_PATH_GLOB, true},
		{"a.txt", FUSETRACE_PATH_GLOB, true},
		{"*.txt", FUSETRACE_PATH_EXACT, false},
		{"^/dir/[ab][.]txt$", FUSETRACE_PATH_REGEX, true},
		{"txt", FUSETRACE_PATH_REGEX, true},
		{"^txt", FUSETRACE_PATH_REGEX, false},
		{"(x|a)[.]txt", FUSETRACE_PATH_REGEX, true},
	};
	struct fusetrace_op *op = base_op();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (matches(FUSETRACE_MATCH(.path = rows[i].path, .path_kind = rows[i].kind), op) !=
		    rows[i].matches)
			fail_msg("%s", rows[i].path);
	}
}

static void test_root_path(void **state)
{
	struct fusetrace_op *op = base_op();

	op->path = ft_chunk_name(chunk, FT_BYTES_LITERAL("/"), 0);
	assert_matches(op, .path = "/");
	assert_matches(op, .path = ".");
	assert_matches(op, .path = "/a/..");
	assert_no_match(op, .path = "/a");
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "/mnt"), "/mnt", op));
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "/mnt/"), "/mnt", op));
}

static void test_second_path(void **state)
{
	struct fusetrace_op *op = base_op();

	op->opcode = RENAME;
	op->path2 = ft_chunk_name(chunk, FT_BYTES_LITERAL("/dir/b.txt"), 0);
	assert_matches(op, .path = "/dir/a.txt");
	assert_matches(op, .path = "/dir/b.txt");
	assert_matches(op, .path = "b.*");
	assert_matches(op, .path = "b[.]txt$", .path_kind = FUSETRACE_PATH_REGEX);
	assert_no_match(op, .path = "/dir/c.txt");
	op->path = NULL;
	assert_matches(op, .path = "/dir/b.txt");
	op->path2 = NULL;
	assert_no_match(op, .path = "/dir/b.txt");
	assert_no_match(op, .path = "/**");
	assert_matches(op, .path = NULL);
}

static void test_path_under_the_mountpoint(void **state)
{
	static const struct {
		const char *mountpoint, *path;
		bool matches;
	} rows[] = {
		{"/mnt", "/mnt/dir/a.txt", true},
		{"/mnt", "/dir/a.txt", true},
		{"/mnt", "/mnt//dir/../dir/a.txt", true},
		{"/mnt", "//mnt/dir/a.txt", true},
		{"/mnt/x", "/mnt/./x/dir/a.txt", true},
		{"/mnt/x", "/mnt/y/../x/dir/a.txt", true},
		{"/mnt", "/mntdir/a.txt", false},
		{"/mnt", "/mnt2/dir/a.txt", false},
		{"/mnt", "/mnt/mnt/dir/a.txt", false},
		{"/mnt", "/mnt/dir/*.txt", true},
		{"/mnt", "/mnt/**", true},
		{"/mnt/[x]", "/mnt/[x]/dir/a.txt", true},
		{"/mnt/[x]", "/mnt/[x]/dir/*.txt", true},
		{"/", "/dir/a.txt", true},
	};
	struct fusetrace_op *op = base_op();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (test_in_mount(FUSETRACE_MATCH(.path = rows[i].path), rows[i].mountpoint, op) !=
		    rows[i].matches)
			fail_msg("%s under %s", rows[i].path, rows[i].mountpoint);
	}
}

/* One who stands in the mount may name a path from there. */
static void test_relative_to_the_working_directory(void **state)
{
	struct fusetrace_op *op = base_op();
	char before[PATH_MAX], folder[] = "/tmp/match_test_XXXXXX", inside[64];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(folder));
	snprintf(inside, sizeof(inside), "%s/dir", folder);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(chdir(inside), 0);
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "a.txt"), folder, op));
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "../dir/a.txt"), folder, op));
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "./*.txt"), folder, op));
	assert_false(test_in_mount(FUSETRACE_MATCH(.path = "a.txt"), "/elsewhere", op));
	assert_int_equal(chdir(folder), 0);
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "dir/a.txt"), folder, op));
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "dir/*"), folder, op));
	assert_false(test_in_mount(FUSETRACE_MATCH(.path = "a.txt"), folder, op));
	/* the last component, in whatever directory */
	assert_true(test_in_mount(FUSETRACE_MATCH(.path = "*.txt"), folder, op));
	assert_int_equal(chdir(before), 0);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* File names are bytes. */
static void test_hostile_names(void **state)
{
	struct fusetrace_op *op = base_op();

	op->path = ft_chunk_name(chunk, FT_BYTES_LITERAL("/a\n\x1b[2J\xff\xfe"), 0);
	assert_matches(op, .path = "/a\n\x1b[2J\xff\xfe", .path_kind = FUSETRACE_PATH_EXACT);
	assert_matches(op, .path = "/a*");
	assert_no_match(op, .path = "/a");
}

static void test_refused_paths(void **state)
{
	struct fusetrace_error error = {0};

	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.path = ""), &error), -EINVAL);
	assert_non_null(strstr(error.text, "empty"));
	assert_int_equal(
		fusetrace_match_check(
			FUSETRACE_MATCH(.path = "(", .path_kind = FUSETRACE_PATH_REGEX), &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "regular expression"));
	assert_int_equal(
		fusetrace_match_check(FUSETRACE_MATCH(.path = "/a", .path_kind = 4), &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "path_kind 4"));
}

/* ---- the other fields ---- */

static void test_results(void **state)
{
	struct fusetrace_op *op = base_op();

	assert_matches(op, .status = FUSETRACE_MATCH_ANY);
	assert_matches(op, .status = FUSETRACE_MATCH_OK);
	assert_no_match(op, .status = FUSETRACE_MATCH_FAILED);
	assert_no_match(op, .error = ENOSPC);
	op->status = FUSETRACE_STATUS_FAILED;
	op->error = ENOSPC;
	assert_matches(op, .status = FUSETRACE_MATCH_ANY);
	assert_no_match(op, .status = FUSETRACE_MATCH_OK);
	assert_matches(op, .status = FUSETRACE_MATCH_FAILED);
	assert_matches(op, .error = ENOSPC);
	assert_no_match(op, .error = EIO);
	op->marks = FUSETRACE_OP_PROBE;
	assert_matches(op, .status = FUSETRACE_MATCH_FAILED);
	assert_no_match(op, .flags = FUSETRACE_MATCH_NO_PROBES);
	op->status = FUSETRACE_STATUS_UNKNOWN;
	assert_no_match(op, .status = FUSETRACE_MATCH_OK);
	assert_no_match(op, .status = FUSETRACE_MATCH_FAILED);
}

static void test_numbers(void **state)
{
	struct fusetrace_op *op = base_op();

	assert_matches(op, .pid = 42);
	assert_no_match(op, .pid = 43);
	assert_no_match(op, .pid = -1);
	assert_no_match(op, .pid = INT64_C(42) + (INT64_C(1) << 32));
	assert_matches(op, .nodeid = 7);
	assert_no_match(op, .nodeid = 8);
	assert_matches(op, .min_size = 4096);
	assert_no_match(op, .min_size = 4097);
	assert_matches(op, .min_duration_ns = 500);
	assert_no_match(op, .min_duration_ns = 501);
	op->pid = 0;
	assert_matches(op, .pid = -1);
	assert_no_match(op, .pid = 42);
	/* What is not known is no zero. */
	op->present = FT_HAS(PATH);
	assert_no_match(op, .pid = -1);
	assert_no_match(op, .min_size = 1);
	op->duration_ns = 0;
	assert_no_match(op, .min_duration_ns = 1);
}

static void test_not(void **state)
{
	struct fusetrace_op *op = base_op();

	assert_no_match(op, .op = "write", .flags = FUSETRACE_MATCH_NOT);
	assert_matches(op, .op = "read", .flags = FUSETRACE_MATCH_NOT);
	assert_matches(op, .path = "/other", .flags = FUSETRACE_MATCH_NOT);
	assert_no_match(op, .flags = FUSETRACE_MATCH_NOT);
	assert_matches(op, .op = "write", .path = "/other", .flags = FUSETRACE_MATCH_NOT);
	assert_matches(op, .status = FUSETRACE_MATCH_FAILED, .flags = FUSETRACE_MATCH_NOT);
}

static void test_all_must_hold(void **state)
{
	struct fusetrace_op *op = base_op();
	const struct fusetrace_match *all =
		FUSETRACE_MATCH(.op = "write", .path = "*.txt", .status = FUSETRACE_MATCH_OK,
				.pid = 42, .nodeid = 7, .min_size = 1, .min_duration_ns = 1);
	struct fusetrace_match but_one;

	assert_true(matches(all, op));
	but_one = *all;
	but_one.op = "read";
	assert_false(matches(&but_one, op));
	but_one = *all;
	but_one.path = "*.c";
	assert_false(matches(&but_one, op));
	but_one = *all;
	but_one.status = FUSETRACE_MATCH_FAILED;
	assert_false(matches(&but_one, op));
	but_one = *all;
	but_one.nodeid = 1;
	assert_false(matches(&but_one, op));
}

static void test_refused_values(void **state)
{
	struct fusetrace_match other_version = {.sz = sizeof(other_version) - 8};
	struct fusetrace_error error = {0};

	assert_int_equal(fusetrace_match_check(&other_version, &error), -EINVAL);
	assert_non_null(strstr(error.text, "FUSETRACE_MATCH()"));
	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.status = 3), &error), -EINVAL);
	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.error = -5), &error), -EINVAL);
	assert_int_equal(fusetrace_match_check(FUSETRACE_MATCH(.error = 5000), &error), -EINVAL);
	assert_int_equal(fusetrace_match_check(NULL, &error), 0);
}

/* ---- since ---- */

static bool counts_since(const struct fusetrace_mark *mark, uint32_t flags,
			 const struct fusetrace_op *op)
{
	struct ft_match match;
	bool result;

	assert_int_equal(ft_match_init(&match, FUSETRACE_MATCH(.flags = flags), NULL, NULL), 0);
	result = ft_match_since(&match, op, mark);
	ft_match_done(&match);
	return result;
}

static void test_since(void **state)
{
	struct fusetrace_op *op = base_op(); /* seq 10, begun at 1000 */

	assert_true(counts_since(NULL, 0, op));
	assert_true(counts_since(&(struct fusetrace_mark){0}, 0, op));
	assert_true(counts_since(&(struct fusetrace_mark){.seq = 9, .mono_ns = 1000}, 0, op));
	assert_false(counts_since(&(struct fusetrace_mark){.seq = 9, .mono_ns = 1001}, 0, op));
	assert_false(counts_since(&(struct fusetrace_mark){.seq = 10, .mono_ns = 1000}, 0, op));
	assert_true(counts_since(&(struct fusetrace_mark){.seq = 9, .mono_ns = 1001},
				 FUSETRACE_MATCH_IN_FLIGHT, op));
	assert_false(counts_since(&(struct fusetrace_mark){.seq = 10, .mono_ns = 1001},
				  FUSETRACE_MATCH_IN_FLIGHT, op));
	/* begun nobody knows when: it may have been before */
	op->present &= ~FT_HAS(START_NS);
	op->start_ns = 0;
	assert_false(counts_since(&(struct fusetrace_mark){.seq = 9, .mono_ns = 1}, 0, op));
	assert_true(counts_since(&(struct fusetrace_mark){.seq = 9, .mono_ns = 1},
				 FUSETRACE_MATCH_IN_FLIGHT, op));
}

/* ---- text ---- */

static void assert_described(const struct fusetrace_match *user, const char *expected)
{
	struct ft_match match;
	char text[200];

	assert_int_equal(ft_match_init(&match, user, "/mnt", NULL), 0);
	assert_int_equal(ft_match_describe(&match, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(ft_match_describe(&match, text, 5), strlen(expected));
	assert_int_equal(strlen(text), 4);
	ft_match_done(&match);
}

static void test_describe(void **state)
{
	assert_described(FUSETRACE_MATCH(.op = "release", .path = "/mnt/a.txt",
					 .status = FUSETRACE_MATCH_OK),
			 "release path=/a.txt status=ok");
	assert_described(
		FUSETRACE_MATCH(.path = "*.c", .status = FUSETRACE_MATCH_FAILED, .error = 28),
		"any operation path=*.c status=failed errno=28");
	assert_described(FUSETRACE_MATCH(.op = "read,write", .flags = FUSETRACE_MATCH_NOT),
			 "read,write (inverted)");
}

/* The strings need not outlive the call that gets them. */
static void test_strings_are_copied(void **state)
{
	char *op_text = strdup("write"), *path = strdup("/dir/a.txt"), *label = strdup("label");
	struct fusetrace_op *op = base_op();
	struct ft_match match;

	assert_int_equal(ft_match_init(&match,
				       FUSETRACE_MATCH(.op = op_text, .path = path, .label = label),
				       NULL, NULL),
			 0);
	memset(op_text, 'x', strlen(op_text));
	memset(path, 'x', strlen(path));
	memset(label, 'x', strlen(label));
	free(op_text);
	free(path);
	free(label);
	assert_true(ft_match_test(&match, op));
	assert_string_equal(match.label, "label");
	ft_match_done(&match);
	ft_match_done(&match);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_setattr_selectors),
		cmocka_unit_test(test_refused_names),
		cmocka_unit_test(test_too_many_names),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_root_path),
		cmocka_unit_test(test_second_path),
		cmocka_unit_test(test_path_under_the_mountpoint),
		cmocka_unit_test(test_relative_to_the_working_directory),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_refused_paths),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_not),
		cmocka_unit_test(test_all_must_hold),
		cmocka_unit_test(test_refused_values),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_strings_are_copied),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
