/* SPDX-License-Identifier: MIT */
/*
 * A mount that is known goes, whatever its name, and no other: bind mounts, others over it, in it and
 * with its number. Those that were only expected are in fuse_expected_test.c.
 */
#include "fuse_mounts.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "guardian_testing.h"
#include "mount_ids.h"
#include "testing.h"

static struct leftover *entry(const char *path)
{
	static int number;

	return leftovers_set(&ground_leftovers, ++number, path, MARK);
}

/* A mount on a directory of that name, and what is known of it. */
static struct leftover *mounted(const char *name)
{
	struct leftover *leftover;

	ground_stick(ground_directory(name));
	leftover = entry(ground_path(name));
	ground_learn(leftover, ground_path(name));
	return leftover;
}

static bool take(struct leftover *leftover)
{
	return fuse_mount_take(leftover, &ground_processes, &ground_leftovers);
}

static void assert_taken(struct leftover *leftover)
{
	if (!take(leftover))
		fail_msg("%s stays: %s", leftover->path, leftover->problem);
	assert_false(fuse_mount_is_there(leftover));
}

static void assert_kept(struct leftover *leftover, const char *problem)
{
	assert_false(take(leftover));
	assert_string_equal(leftover->problem, problem);
}

/* ---- ours ---- */

static void test_names(void **state)
{
	static const char *const names[] = {
		"plain",    "two  spaces",       "new\nline",  "tab\t",    "back\\slash", "\\040",
		"\\134040", "hash # and, comma", " - fuse - ", "\xff\xfe", "-u",          "..."};
	char longest[256];

	ground_skip_where_impossible();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct leftover *leftover = mounted(names[i]);

		assert_taken(leftover);
		assert_int_equal(ground_mounts_on(leftover->path), 0);
	}
	memset(longest, '\n', 255);
	longest[255] = '\0';
	assert_taken(mounted(longest));
}

/* "a b" is not "a\040b", which mountinfo writes as "a\134040b". */
static void test_name_that_looks_escaped(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	ground_stick(ground_directory("a\\040b"));
	leftover = mounted("a b");
	leftover->mount_id = 0;
	assert_taken(leftover);
	assert_false(take(leftover));
	assert_int_equal(ground_mounts_on(ground_path("a\\040b")), 1);
}

static void test_renamed(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	ground_directory("old");
	leftover = mounted("old/mnt");
	assert_int_equal(rename(ground_path("old"), ground_path("new")), 0);
	assert_true(fuse_mount_is_there(leftover));
	assert_taken(leftover);
	assert_int_equal(ground_mounts_on(ground_path("new/mnt")), 0);
}

static void test_dead(void **state)
{
	struct leftover *leftover;
	struct stuck stuck;
	pid_t pid;

	ground_skip_where_impossible();
	pid = ground_hold(ground_directory("mnt"), NULL, &stuck);
	leftover = entry(ground_path("mnt"));
	ground_learn(leftover, leftover->path);
	ground_end(pid);
	assert_taken(leftover);
}

static void test_nothing(void **state)
{
	struct leftover *leftover = entry("/nowhere/at/all");

	assert_kept(leftover, "");
	leftover = entry(NULL);
	assert_kept(leftover, "");
}

/* ---- not ours ---- */

static void test_bind_mounts_stay(void **state)
{
	for (int is_known = 0; is_known < 2; is_known++) {
		struct leftover *leftover;

		ground_skip_where_impossible();
		leftover = mounted("mnt");
		if (!is_known)
			leftover->mount_id = 0;
		assert_int_equal(mount(leftover->path, ground_directory("bind"), NULL, MS_BIND, 0),
				 0);
		assert_taken(leftover);
		assert_false(take(leftover));
		assert_int_equal(ground_mounts_on(ground_path("bind")), 1);
		assert_int_equal(umount2(ground_path("bind"), MNT_DETACH), 0);
	}
}

static void test_another_over_it(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = mounted("mnt");
	ground_cover(leftover->path);
	assert_kept(leftover, "another mount covers it");
	assert_true(ground_is_covered(leftover->path));
	assert_true(fuse_mount_is_there(leftover));
	assert_int_equal(umount(leftover->path), 0);
	assert_taken(leftover);
}

/* The same connection even: a bind mount of it. */
static void test_bind_mount_over_it(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = mounted("mnt");
	assert_int_equal(mount(leftover->path, leftover->path, NULL, MS_BIND, NULL), 0);
	assert_kept(leftover, "another mount covers it");
	assert_int_equal(ground_mounts_on(leftover->path), 2);
}

/* branchfs, so that there is a directory in it to mount on. */
static struct leftover *served(const char *name)
{
	struct leftover *leftover;

	ground_branchfs(ground_directory(name), MARK);
	leftover = entry(ground_path(name));
	ground_learn(leftover, leftover->path);
	assert_true(ground_exists(ground_path(name)));
	return leftover;
}

/* A lazy unmount would take them along. */
static void test_others_in_it(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = served("mnt");
	ground_directory("mnt/in");
	ground_cover(ground_path("mnt/in"));
	assert_kept(leftover, "another mount lies in it");
	assert_true(ground_is_covered(ground_path("mnt/in")));
	assert_int_equal(umount(ground_path("mnt/in")), 0);

	ground_stick(ground_path("mnt/in"));
	assert_kept(leftover, "another mount lies in it");
	assert_int_equal(ground_mounts_on(ground_path("mnt/in")), 1);
	assert_int_equal(umount2(ground_path("mnt/in"), MNT_DETACH), 0);

	ground_write(ground_path("mnt/file"), "");
	assert_int_equal(mount("/dev/null", ground_path("mnt/file"), NULL, MS_BIND, NULL), 0);
	assert_kept(leftover, "another mount lies in it");
	assert_int_equal(umount(ground_path("mnt/file")), 0);
	assert_taken(leftover);
}

/* One of ours in it goes along; but not with something else in that one. */
static void test_ours_in_ours(void **state)
{
	struct leftover *outer, *inner;

	ground_skip_where_impossible();
	outer = served("mnt");
	ground_directory("mnt/in");
	ground_branchfs(ground_path("mnt/in"), MARK);
	inner = entry(ground_path("mnt/in"));
	ground_learn(inner, inner->path);
	ground_directory("mnt/in/deep");
	ground_cover(ground_path("mnt/in/deep"));
	assert_kept(outer, "another mount lies in it");
	assert_kept(inner, "another mount lies in it");
	assert_true(ground_is_covered(ground_path("mnt/in/deep")));
	assert_int_equal(umount(ground_path("mnt/in/deep")), 0);
	assert_taken(outer);
	assert_false(fuse_mount_is_there(inner));
}

/* Its number and place are another's: all that a record may have had right by chance. */
static void test_number_given_out_again(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = mounted("mnt");
	leftover->mount_id--;
	assert_false(take(leftover));
	leftover->mount_id = 0;
	leftover->identity++;
	assert_false(take(leftover));
	leftover->identity = 0;
	assert_false(take(leftover));
	assert_int_equal(ground_mounts_on(leftover->path), 1);
}

static void test_abort_only_of_the_same(void **state)
{
	struct leftover *leftover, *other;

	ground_skip_where_impossible();
	leftover = mounted("mnt");
	other = entry("/nowhere");
	fuse_mount_learn(other, leftover->connection, 0);
	other->identity++;
	assert_false(fuse_mount_is_alive(other));
	assert_false(fuse_mount_abort(other));
	other->connection = 0;
	assert_false(fuse_mount_abort(other));
	assert_true(fuse_mount_is_alive(leftover));
	assert_true(fuse_mount_abort(leftover));
}

/* ---- what hangs ---- */

/* Ours lies in a filesystem of somebody else that does not answer any more. */
static void test_in_a_filesystem_that_hangs(void **state)
{
	struct leftover *leftover;
	uint64_t began_ns;
	siginfo_t stopped;
	pid_t pid;

	ground_skip_where_impossible();
	pid = ground_branchfs(ground_directory("mnt"), NULL);
	ground_directory("mnt/in");
	leftover = mounted("mnt/in");
	kill(pid, SIGSTOP);
	assert_int_equal(waitid(P_PID, (id_t)pid, &stopped, WSTOPPED | WNOWAIT), 0);
	began_ns = ft_now_ns();
	assert_kept(leftover, "what it lies in does not answer");
	assert_true(ft_now_ns() - began_ns < UINT64_C(10000000000));
	kill(pid, SIGCONT);
	leftover->problem[0] = '\0';
	assert_taken(leftover);
}

/* ---- numbers of mounts ---- */

static void test_numbers(void **state)
{
	struct leftover *leftover;
	uint64_t id;

	ground_skip_where_impossible();
	leftover = mounted("mnt");
	id = leftover->mount_id;
	if (id == 0) {
		print_message("# skipped: this kernel gives mounts no number of their own\n");
		skip();
	}
	assert_int_equal(mount_id_is_there(id), 1);
	ground_cover(leftover->path);
	assert_int_equal(mount_id_is_there(id), 1);
	assert_int_equal(umount2(leftover->path, MNT_DETACH), 0);
	assert_int_equal(umount2(leftover->path, MNT_DETACH), 0);
	assert_int_equal(mount_id_is_there(id), 0);
	assert_int_equal(mount_id_of(-1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ground_set_up, ground_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_name_that_looks_escaped),
		TEST(test_renamed),
		TEST(test_dead),
		TEST(test_nothing),
		TEST(test_bind_mounts_stay),
		TEST(test_another_over_it),
		TEST(test_bind_mount_over_it),
		TEST(test_others_in_it),
		TEST(test_ours_in_ours),
		TEST(test_number_given_out_again),
		TEST(test_abort_only_of_the_same),
		TEST(test_in_a_filesystem_that_hangs),
		TEST(test_numbers),
	};

	ground_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
