/* SPDX-License-Identifier: MIT */
/* Records: what is written is read again, and nothing else is. The files are in record_files_test.c. */
#include "record.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guardian_testing.h"
#include "message.h"
#include "record_text.h"
#include "testing.h"

static struct record record;

static int set_up(void **state)
{
	record = (struct record){.owner = {1234, 5678}, .guardian = {1235, UINT64_C(1) << 60}};
	leftovers_init(&record.leftovers);
	return 0;
}

static int tear_down(void **state)
{
	leftovers_done(&record.leftovers);
	return 0;
}

static void empty(void)
{
	tear_down(NULL);
	set_up(NULL);
}

/* Into record, which is emptied before. */
static bool read_text(const char *text, size_t size)
{
	empty();
	return record_of_text(text, size, &record);
}

static struct leftover *first(void)
{
	assert_false(ft_list_is_empty(&record.leftovers.list));
	return FT_CONTAINER(record.leftovers.list.next, struct leftover, node);
}

/* A record of here with these entries. Free with free(). */
static char *text_with(const char *entries)
{
	char *none, *text, *place;

	empty();
	none = record_to_text(&record);
	place = strstr(none, "\"entries\":[");
	assert_non_null(place);
	assert_true(asprintf(&text, "%.*s\"entries\":[%s]}", (int)(place - none), none, entries) >
		    0);
	free(none);
	return text;
}

static bool read_entries(const char *entries)
{
	char *text = text_with(entries);
	bool is_read = read_text(text, strlen(text));

	free(text);
	return is_read;
}

/* One without entries, in which one thing is replaced. */
static bool read_with(const char *from, const char *to)
{
	char *text = text_with(""), *changed;
	char *place = strstr(text, from);
	bool is_read;

	assert_non_null(place);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(place - text), text, to,
			     place + strlen(from)) > 0);
	is_read = read_text(changed, strlen(changed));
	free(text);
	free(changed);
	return is_read;
}

/* ---- whole ---- */

static const char *const paths[] = {
	"/plain",
	"/new\nline",
	"/\xff\xfe no UTF-8",
	"/\"quotes' \\ and $(sh)",
	"/a/../b/./c",
	"/\xed\xa0\x80 half",
	"/\xc0\xaf overlong",
	"/\xef\xbb\xbf\xe2\x80\xa8",
	"/\x01\x7f",
	"/trailing/",
	"/",
	"/\xf4\x90\x80\x80 beyond",
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))
#define BIG (UINT64_C(1) << 63 | 5)

static void fill(void)
{
	for (int i = 0; i < (int)PATHS; i++) {
		struct leftover *leftover =
			leftovers_set(&record.leftovers, i + 1, paths[i], i % 2 ? "" : MARK);

		leftover->is_directory = i % 2;
		if (i % 2) {
			leftover->device = UINT64_MAX - (uint64_t)i;
			leftover->inode = UINT64_MAX / 3;
			leftover->born_ns = BIG;
			continue;
		}
		leftover->connection = UINT32_MAX - (uint32_t)i;
		leftover->identity = UINT64_MAX;
		leftover->mount_id = UINT64_C(0x80000017);
		leftover->before = UINT64_C(0x80000001);
		leftover_problem(leftover, "why \"not\" %d", i);
	}
}

static void assert_filled(struct leftover *leftover, int i)
{
	char problem[32];

	snprintf(problem, sizeof(problem), "why \"not\" %d", i);
	assert_int_equal(leftover->number, i + 1);
	assert_string_equal(leftover->path, paths[i]);
	assert_string_equal(leftover->mark, i % 2 ? "" : MARK);
	assert_string_equal(leftover->problem, i % 2 ? "" : problem);
	assert_int_equal(leftover->is_directory, i % 2);
	assert_true(leftover->device == (i % 2 ? UINT64_MAX - (uint64_t)i : 0));
	assert_true(leftover->inode == (i % 2 ? UINT64_MAX / 3 : 0));
	assert_true(leftover->born_ns == (i % 2 ? BIG : 0));
	assert_true(leftover->connection == (i % 2 ? 0 : UINT32_MAX - (uint32_t)i));
	assert_true(leftover->identity == (i % 2 ? 0 : UINT64_MAX));
	assert_true(leftover->mount_id == (i % 2 ? 0 : UINT64_C(0x80000017)));
	assert_true(leftover->before == (i % 2 ? 0 : UINT64_C(0x80000001)));
}

static void test_whole(void **state)
{
	char *text;
	int i = 0;

	fill();
	text = record_to_text(&record);
	assert_true(read_text(text, strlen(text)));
	free(text);
	assert_false(record.is_of_other_boot);
	assert_int_equal(record.owner.pid, 1234);
	assert_int_equal(record.owner.start_ticks, 5678);
	assert_int_equal(record.guardian.pid, 1235);
	assert_true(record.guardian.start_ticks == UINT64_C(1) << 60);
	ft_list_foreach (node, &record.leftovers.list)
		assert_filled(FT_CONTAINER(node, struct leftover, node), i++);
	assert_int_equal(i, PATHS);
}

/* In base64, which makes it longer. */
static void test_longest_path(void **state)
{
	char *path = malloc(FT_GUARDIAN_PATH_MAX + 1), *text;

	memset(path, '\xff', FT_GUARDIAN_PATH_MAX);
	path[0] = '/';
	path[FT_GUARDIAN_PATH_MAX - 1] = '\0';
	leftovers_set(&record.leftovers, 1, path, MARK);
	text = record_to_text(&record);
	assert_true(read_text(text, strlen(text)));
	assert_string_equal(first()->path, path);
	free(text);

	path[FT_GUARDIAN_PATH_MAX - 1] = '\xff';
	path[FT_GUARDIAN_PATH_MAX] = '\0';
	leftovers_set(&record.leftovers, 1, path, MARK);
	text = record_to_text(&record);
	assert_true(read_text(text, strlen(text)));
	assert_int_equal(leftovers_left(&record.leftovers), 0);
	free(text);
	free(path);
}

/* ---- what is none ---- */

static void test_torn(void **state)
{
	char *text, *copy;
	size_t size;

	fill();
	text = record_to_text(&record);
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		copy = malloc(i ? i : 1); /* of the exact size, for the sanitizers */
		memcpy(copy, text, i);
		assert_false(read_text(copy, i));
		assert_int_equal(leftovers_left(&record.leftovers), 0);
		free(copy);
	}
	assert_true(read_text(text, size));
	free(text);
}

/* Whatever is read of it is something that may be acted on. */
static void assert_sound(void)
{
	assert_in_range(record.owner.pid, 1, INT_MAX);
	ft_list_foreach (node, &record.leftovers.list) {
		struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		assert_int_equal(leftover->path[0], '/');
		assert_true(strlen(leftover->path) < FT_GUARDIAN_PATH_MAX);
		assert_true(!leftover->mark[0] || ft_guardian_is_mark(leftover->mark));
	}
}

static void test_damaged(void **state)
{
	uint64_t seed = ft_test_seed();
	char *text, *damaged;
	size_t size, read = 0;

	fill();
	text = record_to_text(&record);
	size = strlen(text);
	damaged = malloc(size);
	for (size_t i = 0; i < ft_test_cases(20000); i++) {
		memcpy(damaged, text, size);
		for (uint64_t n = 1 + ft_test_below(&seed, 3); n > 0; n--)
			damaged[ft_test_below(&seed, size)] = (char)ft_test_random(&seed);
		if (read_text(damaged, size)) {
			assert_sound();
			read++;
		}
	}
	assert_true(read > 0); /* some still are records */
	for (size_t i = 0; i < 2000; i++) {
		for (size_t n = 0; n < size; n++)
			damaged[n] = (char)ft_test_random(&seed);
		assert_false(read_text(damaged, ft_test_below(&seed, size)));
	}
	free(damaged);
	free(text);
}

static void test_other_versions(void **state)
{
	assert_true(read_with("\"v\":1", "\"v\":1"));
	assert_false(read_with("\"v\":1", "\"v\":2"));
	assert_false(read_with("\"v\":1", "\"v\":0"));
	assert_false(read_with("\"v\":1", "\"v\":\"1\""));
	assert_false(read_with("\"v\":1", "\"v\":1.0"));
	assert_false(read_with("\"v\":1", "\"w\":1"));
	assert_false(read_text("[]", 2));
	assert_false(read_text("null", 4));
	assert_false(read_text("{\"v\":1}", 7));
}

static void test_of_elsewhere(void **state)
{
	assert_true(read_with("\"boot\":\"", "\"boot\":\"0"));
	assert_true(record.is_of_other_boot);
	assert_false(read_with("\"mounts\":", "\"mounts\":1"));
	assert_false(read_with("\"pids\":", "\"pids\":1"));
	assert_false(read_with("\"mounts\":", "\"other\":"));
}

static void test_owners(void **state)
{
	assert_false(read_with("\"pid\":1234", "\"pid\":0"));
	assert_false(read_with("\"pid\":1234", "\"pid\":-5"));
	assert_false(read_with("\"pid\":1234", "\"pid\":4294967297")); /* would be process 1 */
	assert_false(read_with("\"pid\":1234", "\"pid\":\"1234\""));
	assert_false(read_with("\"owner\"", "\"no one\""));
}

static void assert_no_entry(const char *entry)
{
	assert_true(read_entries(entry));
	if (!ft_list_is_empty(&record.leftovers.list))
		fail_msg("is an entry: %s", entry);
}

static void test_entries_that_are_none(void **state)
{
	assert_no_entry("7");
	assert_no_entry("null");
	assert_no_entry("[\"mount\", \"/a\"]");
	assert_no_entry("{\"kind\":\"mount\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":7}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"relative\"}");
	assert_no_entry("{\"kind\":\"directory\",\"path\":\"../up\"}");
	assert_no_entry("{\"kind\":\"file\",\"path\":\"/a\"}");
	assert_no_entry("{\"path\":\"/a\"}");
	assert_no_entry("{\"kind\":\"directory\",\"path_b64\":\"?\"}");
	assert_no_entry("{\"kind\":\"directory\",\"path_b64\":\"L2EAYg==\"}"); /* "/a\0b" */
	assert_no_entry("{\"kind\":\"directory\",\"path_b64\":\"\"}");
}

/* All processes with it would be ended. */
static void test_marks_of_others(void **state)
{
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"HOME=/root\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"FUSETRACE_DAEMON=\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"FUSETRACE_DAEMON\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"XFUSETRACE_DAEMON=1-2\"}");
	assert_no_entry("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"FUSETRACE_DAEMON=1 2\"}");
	assert_true(read_entries("{\"kind\":\"mount\",\"path\":\"/a\",\"mark\":\"" MARK "\"}"));
	assert_string_equal(first()->mark, MARK);
}

/* As the owner's own messages: the later one of a number counts. */
static void test_entry_twice(void **state)
{
	struct leftover *second;

	assert_true(read_entries("{\"kind\":\"mount\",\"entry\":1,\"path\":\"/a\"},"
				 "{\"kind\":\"directory\",\"entry\":2,\"path\":\"/b\"},"
				 "{\"kind\":\"directory\",\"entry\":1,\"path\":\"/c\"}"));
	assert_int_equal(leftovers_left(&record.leftovers), 2);
	assert_string_equal(first()->path, "/b");
	second = FT_CONTAINER(first()->node.next, struct leftover, node);
	assert_string_equal(second->path, "/c");
	assert_true(second->is_directory);
}

static void test_long_problem(void **state)
{
	char entry[1024], problem[500];

	memset(problem, 'x', sizeof(problem) - 1);
	problem[sizeof(problem) - 1] = '\0';
	snprintf(entry, sizeof(entry),
		 "{\"kind\":\"mount\",\"path\":\"/%%s\",\"problem\":\"%%n%s\"}", problem);
	assert_true(read_entries(entry));
	assert_memory_equal(first()->problem, "%nxxx", 5);
	assert_int_equal(strlen(first()->problem), sizeof(first()->problem) - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_longest_path),
		TEST(test_torn),
		TEST(test_damaged),
		TEST(test_other_versions),
		TEST(test_of_elsewhere),
		TEST(test_owners),
		TEST(test_entries_that_are_none),
		TEST(test_marks_of_others),
		TEST(test_entry_twice),
		TEST(test_long_problem),
	};

	ft_test_deadline(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
