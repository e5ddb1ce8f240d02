/* SPDX-License-Identifier: MIT */
/* Packets of an owner: whole, torn at every byte, and such that are none. */
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guardian_testing.h"
#include "testing.h"

#define MOUNT_TEXT "/a\nb\xff\0" MARK
#define HEAD(...) ((struct ft_guardian_message){__VA_ARGS__})
#define WHOLE (-1)

static struct leftovers leftovers;
static uint64_t image;

static int set_up(void **state)
{
	leftovers_init(&leftovers);
	image = 0;
	return 0;
}

static int tear_down(void **state)
{
	leftovers_done(&leftovers);
	return 0;
}

/* The first cut bytes of it, in memory of just that size. */
static bool take(struct ft_guardian_message head, const char *text, size_t text_size, ssize_t cut)
{
	size_t size = cut == WHOLE ? sizeof(head) + text_size : (size_t)cut;
	char *packet = malloc(sizeof(head) + text_size), *exact = malloc(size ? size : 1);
	bool is_taken;

	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), text, text_size);
	memcpy(exact, packet, size);
	is_taken = message_take((struct ft_guardian_message *)exact, size, &leftovers, &image);
	free(packet);
	free(exact);
	return is_taken;
}

static struct leftover *only(void)
{
	assert_int_equal(leftovers_left(&leftovers), 1);
	return FT_CONTAINER(leftovers.list.next, struct leftover, node);
}

static void test_mount(void **state)
{
	assert_true(take(HEAD(.kind = FT_GUARDIAN_MOUNT, .entry = 7, .connection = 1, .identity = 2,
			      .mount_id = 3, .before = 4),
			 MOUNT_TEXT, sizeof(MOUNT_TEXT), WHOLE));
	assert_false(only()->is_directory);
	assert_int_equal(only()->number, 7);
	assert_string_equal(only()->path, "/a\nb\xff");
	assert_string_equal(only()->mark, MARK);
	assert_int_equal(only()->connection, 1);
	assert_int_equal(only()->identity, 2);
	assert_int_equal(only()->mount_id, 3);
	assert_int_equal(only()->before, 4);
	/* known now: the same entry */
	assert_true(take(HEAD(.kind = FT_GUARDIAN_MOUNT, .entry = 7, .connection = 9), MOUNT_TEXT,
			 sizeof(MOUNT_TEXT), WHOLE));
	assert_int_equal(only()->connection, 9);
	assert_int_equal(only()->before, 0);
}

static void test_directory(void **state)
{
	assert_true(take(HEAD(.kind = FT_GUARDIAN_DIRECTORY, .entry = 1, .device = 5, .inode = 6,
			      .born_ns = 7),
			 "/d\0", 4, WHOLE));
	assert_true(only()->is_directory);
	assert_string_equal(only()->mark, "");
	assert_int_equal(only()->device, 5);
	assert_int_equal(only()->inode, 6);
	assert_int_equal(only()->born_ns, 7);
}

static void test_forget_and_hello(void **state)
{
	test_directory(state);
	assert_true(take(HEAD(.kind = FT_GUARDIAN_FORGET, .entry = 2), "", 0, WHOLE));
	assert_int_equal(leftovers_left(&leftovers), 1);
	assert_true(take(HEAD(.kind = FT_GUARDIAN_FORGET, .entry = 1), "", 0, WHOLE));
	assert_int_equal(leftovers_left(&leftovers), 0);
	assert_true(take(HEAD(.kind = FT_GUARDIAN_HELLO, .image = 77), "", 0, WHOLE));
	assert_int_equal(image, 77);
	assert_int_equal(leftovers_left(&leftovers), 0);
}

/* Without its last NUL it is none; what is known of the entry stays. */
static void test_torn(void **state)
{
	size_t size = sizeof(struct ft_guardian_message) + sizeof(MOUNT_TEXT);

	assert_true(take(HEAD(.kind = FT_GUARDIAN_MOUNT, .entry = 1, .connection = 5), MOUNT_TEXT,
			 sizeof(MOUNT_TEXT), WHOLE));
	for (size_t i = 0; i < size; i++)
		assert_false(take(HEAD(.kind = FT_GUARDIAN_MOUNT, .entry = 1), MOUNT_TEXT,
				  sizeof(MOUNT_TEXT), (ssize_t)i));
	assert_int_equal(only()->connection, 5);
	for (size_t i = 0; i < sizeof(struct ft_guardian_message); i++) {
		assert_false(take(HEAD(.kind = FT_GUARDIAN_FORGET, .entry = 1), "", 0, (ssize_t)i));
		assert_false(take(HEAD(.kind = FT_GUARDIAN_HELLO, .image = 1), "", 0, (ssize_t)i));
	}
	assert_int_equal(only()->connection, 5);
	assert_int_equal(image, 0);
}

static void assert_none(uint32_t kind, const char *text, size_t size)
{
	assert_false(take(HEAD(.kind = kind, .entry = 1), text, size, WHOLE));
	assert_int_equal(leftovers_left(&leftovers), 0);
}
#define ASSERT_NONE(kind, text) assert_none(kind, text, sizeof(text))

static void test_such_that_are_none(void **state)
{
	ASSERT_NONE(0, MOUNT_TEXT);
	ASSERT_NONE(FT_GUARDIAN_FORGET + 1, MOUNT_TEXT);
	ASSERT_NONE(UINT32_MAX, MOUNT_TEXT);
	ASSERT_NONE(FT_GUARDIAN_MOUNT, "relative\0" MARK);
	ASSERT_NONE(FT_GUARDIAN_DIRECTORY, "..\0");
	ASSERT_NONE(FT_GUARDIAN_DIRECTORY, "\0");
	ASSERT_NONE(FT_GUARDIAN_MOUNT, "/a\0HOME=/root");
	ASSERT_NONE(FT_GUARDIAN_MOUNT, "/a\0FUSETRACE_DAEMON=");
}

static void test_longest(void **state)
{
	size_t size = FT_GUARDIAN_PATH_MAX + 1;
	char *text = malloc(size + 1);

	memset(text, 'x', size + 1);
	text[0] = '/';
	text[size - 2] = text[size - 1] = '\0';
	assert_true(take(HEAD(.kind = FT_GUARDIAN_DIRECTORY, .entry = 1), text, size, WHOLE));
	assert_int_equal(strlen(only()->path), FT_GUARDIAN_PATH_MAX - 1);
	leftovers_forget(&leftovers, 1);
	text[size - 2] = 'x';
	text[size] = '\0';
	assert_none(FT_GUARDIAN_DIRECTORY, text, size + 1);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_mount), TEST(test_directory),          TEST(test_forget_and_hello),
		TEST(test_torn),  TEST(test_such_that_are_none), TEST(test_longest),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
