/* SPDX-License-Identifier: MIT */
/* Where records are kept, and which files and directories are believed. In a /run of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guardian_testing.h"
#include "record.h"
#include "testing.h"

#define FIRST "/run/fusetrace"
#define ITS FIRST "/1234-5678.json"
#define OTHER_USER 65534

static struct record record;

static int set_up(void **state)
{
	record = (struct record){.owner = {1234, 5678}, .guardian = {1235, 5679}};
	leftovers_init(&record.leftovers);
	leftovers_set(&record.leftovers, 1, "/a", MARK);
	if (ground_set_up(state) < 0)
		return -1;
	setenv("XDG_RUNTIME_DIR", ground_path(""), 1);
	return 0;
}

static int tear_down(void **state)
{
	leftovers_done(&record.leftovers);
	/* of the test's own filesystems only */
	if (!ground_why_not() && system("rm -rf " FIRST " /tmp/fusetrace-0") != 0)
		return -1;
	return ground_tear_down(state);
}

struct found {
	int count;
	pid_t owner;
	size_t entries;
};

static void count_record(struct record *one, void *data)
{
	struct found *found = data;

	found->count++;
	found->owner = one->owner.pid;
	found->entries = leftovers_left(&one->leftovers);
}

static struct found find(void)
{
	struct found found = {0};

	record_each(count_record, &found);
	return found;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static void test_saved_replaced_removed(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(mode_of(FIRST), 0700);
	assert_int_equal(mode_of(ITS), 0600);
	assert_int_equal(find().count, 1);
	assert_int_equal(find().owner, 1234);
	assert_int_equal(find().entries, 1);

	leftovers_set(&record.leftovers, 2, "/b", MARK);
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(find().count, 1);
	assert_int_equal(find().entries, 2);

	leftovers_forget(&record.leftovers, 1);
	leftovers_forget(&record.leftovers, 2);
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(rmdir(FIRST), 0); /* nothing else has stayed in it */
}

/* A save that was killed: half of it has another name, which is used again. */
static void test_half_of_a_save(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(mkdir(FIRST, 0700), 0);
	ground_write(FIRST "/.1234-5678.json.new", "{\"v\":1,");
	assert_int_equal(find().count, 0);
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(find().count, 1);
	assert_false(ground_exists(FIRST "/.1234-5678.json.new"));
}

/* ---- places ---- */

static void assert_second_place(void)
{
	assert_int_equal(record_save(&record), 0);
	assert_true(ground_exists(ground_path("fusetrace/1234-5678.json")));
	assert_int_equal(find().count, 1);
}

static void test_place_that_is_a_link(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(chmod(ground_directory("elsewhere"), 0700), 0);
	assert_int_equal(symlink(ground_path("elsewhere"), FIRST), 0);
	assert_second_place();
	assert_int_equal(rmdir(ground_path("elsewhere")), 0); /* nothing is written there */
}

/* A record that is ours in all but its directory. */
static void test_place_of_somebody_else(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(chown(FIRST, OTHER_USER, 0), 0);
	assert_int_equal(find().count, 0);
	assert_second_place();
}

static void test_place_that_others_may_write(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(record_save(&record), 0);
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(FIRST, 0700 | bit), 0);
		assert_int_equal(find().count, 0);
	}
	assert_second_place();
	assert_int_equal(chmod(FIRST, 0700), 0);
	assert_int_equal(record_save(&record), 0); /* the first one again, and only that */
	assert_int_equal(find().count, 1);
	assert_false(ground_exists(ground_path("fusetrace/1234-5678.json")));
}

static void test_no_place(void **state)
{
	ground_skip_where_impossible();
	ground_write(FIRST, "a file");
	ground_write(ground_path("fusetrace"), "a file");
	ground_write("/tmp/fusetrace-0", "a file");
	assert_int_equal(record_save(&record), -ENOTDIR);
	assert_int_equal(find().count, 0);
}

/* ---- files ---- */

static void make_file(void)
{
	assert_int_equal(record_save(&record), 0);
	assert_int_equal(find().count, 1);
}

static void test_file_of_somebody_else(void **state)
{
	ground_skip_where_impossible();
	make_file();
	assert_int_equal(chown(ITS, OTHER_USER, 0), 0);
	assert_int_equal(find().count, 0);
	assert_true(ground_exists(ITS));
}

static void test_file_that_is_a_link(void **state)
{
	ground_skip_where_impossible();
	make_file();
	assert_int_equal(rename(ITS, FIRST "/elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", ITS), 0);
	assert_int_equal(find().count, 0);
	assert_int_equal(record_save(&record), 0); /* replaces the link, not what it leads to */
	assert_int_equal(unlink(FIRST "/elsewhere"), 0);
	assert_int_equal(find().count, 1);
}

/* It would be told twice, and its owner's be removed for it. */
static void test_file_of_another_name(void **state)
{
	ground_skip_where_impossible();
	make_file();
	assert_int_equal(link(ITS, FIRST "/copy.json"), 0);
	assert_int_equal(link(ITS, FIRST "/1234-5679.json"), 0);
	assert_int_equal(link(ITS, FIRST "/1234-5678.json~"), 0);
	assert_int_equal(link(ITS, FIRST "/.json"), 0);
	assert_int_equal(find().count, 1);
}

static void test_file_that_is_none(void **state)
{
	ground_skip_where_impossible();
	assert_int_equal(mkdir(FIRST, 0700), 0);
	assert_int_equal(mkfifo(FIRST "/1-1.json", 0600), 0); /* opening it would wait */
	assert_int_equal(mkdir(FIRST "/2-2.json", 0700), 0);
	ground_write(FIRST "/3-3.json", "");
	assert_int_equal(find().count, 0);
	assert_true(ground_exists(FIRST "/1-1.json") && ground_exists(FIRST "/2-2.json") &&
		    ground_exists(FIRST "/3-3.json"));
}

/* Spaces at its end keep none from being one; more than there may be do. */
static void test_file_that_is_too_long(void **state)
{
	static char spaces[1 << 20];
	int fd;

	ground_skip_where_impossible();
	make_file();
	memset(spaces, ' ', sizeof(spaces));
	fd = open(ITS, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, spaces, sizeof(spaces)), sizeof(spaces));
	assert_int_equal(find().count, 1);
	for (int i = 1; i < 64; i++)
		assert_int_equal(write(fd, spaces, sizeof(spaces)), sizeof(spaces));
	assert_int_equal(find().count, 0);
	close(fd);
}

/* Of a daemon that was found without one, and has no mount. */
static void test_without_a_file(void **state)
{
	ground_skip_where_impossible();
	record.has_no_file = true;
	leftovers_set(&record.leftovers, 2, NULL, MARK);
	assert_int_equal(record_save(&record), 0);
	assert_false(ground_exists(FIRST));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_saved_replaced_removed),      TEST(test_half_of_a_save),
		TEST(test_place_that_is_a_link),        TEST(test_place_of_somebody_else),
		TEST(test_place_that_others_may_write), TEST(test_no_place),
		TEST(test_file_of_somebody_else),       TEST(test_file_that_is_a_link),
		TEST(test_file_of_another_name),        TEST(test_file_that_is_none),
		TEST(test_file_that_is_too_long),       TEST(test_without_a_file),
	};

	ground_begin();
	if (!ground_why_not() && mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
