/* SPDX-License-Identifier: MIT */
/*
 * A mount that was only expected, its owner being gone before it was confirmed: ours if a process with
 * the mark serves it, or if it came later and nobody does. Also below another mount.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_identity.h"
#include "fuse_mounts.h"
#include "guardian_testing.h"
#include "testing.h"

/* As ft_guardian_expect() has it, of now. */
static struct leftover *expected(const char *name)
{
	const char *path = ground_directory(name);
	struct leftover *leftover = leftovers_set(&ground_leftovers, 1, path, MARK);
	struct ft_file_identity before;

	assert_int_equal(ft_file_identity(AT_FDCWD, path, &before), 0);
	leftover->before = before.mount_id;
	return leftover;
}

static bool take(struct leftover *leftover)
{
	processes_note(&ground_processes, leftover);
	return fuse_mount_take(leftover, &ground_processes, &ground_leftovers);
}

static void test_served(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_hold(leftover->path, MARK, &stuck);
	assert_true(take(leftover));
	assert_int_equal(leftover->connection, stuck.connection);
	assert_int_equal(ground_mounts_on(leftover->path), 0);
}

static void test_served_and_covered(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_hold(leftover->path, MARK, &stuck);
	ground_cover(leftover->path);
	assert_false(take(leftover));
	assert_string_equal(leftover->problem, "another mount covers it");
	assert_int_equal(leftover->connection, stuck.connection);
	assert_true(fuse_mount_is_there(leftover));
	assert_true(fuse_mount_is_alive(leftover));
	assert_true(fuse_mount_is_mistakable(leftover));
	assert_true(ground_is_covered(leftover->path));
	assert_int_equal(umount(leftover->path), 0);
	assert_false(fuse_mount_is_mistakable(leftover));
	assert_true(take(leftover));
}

static void test_dead(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_end(ground_hold(leftover->path, MARK, &stuck));
	assert_false(fuse_mount_may_be_below(leftover));
	assert_true(take(leftover));
	assert_int_equal(ground_mounts_on(leftover->path), 0);
}

/* It may be ours; what is known is told, and the rest when it is seen. */
static void test_dead_and_covered(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_end(ground_hold(leftover->path, MARK, &stuck));
	ground_cover(leftover->path);
	assert_false(take(leftover));
	assert_true(fuse_mount_may_be_below(leftover));
	assert_true(ground_is_covered(leftover->path));
	assert_int_equal(ground_mounts_on(leftover->path), 2);
	assert_int_equal(umount(leftover->path), 0);
	assert_true(take(leftover));
	assert_false(fuse_mount_may_be_below(leftover));
}

/* ---- somebody else's ---- */

static void assert_kept(struct leftover *leftover, int mounts)
{
	assert_false(take(leftover));
	assert_int_equal(leftover->connection, 0);
	assert_false(fuse_mount_is_there(leftover));
	assert_false(fuse_mount_may_be_below(leftover));
	assert_int_equal(ground_mounts_on(leftover->path), mounts);
}

static void test_of_another_daemon(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_stick(leftover->path);
	assert_kept(leftover, 1);
	ground_cover(leftover->path);
	assert_kept(leftover, 2);
}

static void test_of_another_mark(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_hold(leftover->path, OTHER_MARK, &stuck);
	ground_sleep(MARK); /* ours serves nothing */
	assert_kept(leftover, 1);
}

static void test_elsewhere(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	leftover = expected("mnt");
	ground_end(ground_hold(ground_directory("other"), NULL, &stuck));
	assert_kept(leftover, 0);
	assert_int_equal(ground_mounts_on(ground_path("other")), 1);
}

static void test_there_before(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	ground_end(ground_hold(ground_directory("mnt"), NULL, &stuck));
	leftover = expected("mnt");
	assert_kept(leftover, 1);
	ground_cover(leftover->path);
	assert_kept(leftover, 2);
}

/* What was seen there has gone since, and shows one that is older still. */
static void test_uncovered(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;

	ground_skip_where_impossible();
	ground_end(ground_hold(ground_directory("mnt"), NULL, &stuck));
	ground_cover(ground_path("mnt"));
	leftover = expected("mnt");
	assert_int_equal(umount(leftover->path), 0);
	assert_kept(leftover, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ground_set_up, ground_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_served),
		TEST(test_served_and_covered),
		TEST(test_dead),
		TEST(test_dead_and_covered),
		TEST(test_of_another_daemon),
		TEST(test_of_another_mark),
		TEST(test_elsewhere),
		TEST(test_there_before),
		TEST(test_uncovered),
	};

	ground_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
