/* SPDX-License-Identifier: MIT */
/* All of it together, with real daemons: what is ours goes, and what the others have stays and works. */
#include "takeaway.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_identity.h"
#include "guardian_testing.h"
#include "testing.h"

static int last_number;

/* Before it is mounted. */
static struct leftover *expected(const char *name, const char *mark)
{
	const char *path = ground_directory(name);
	struct leftover *leftover = leftovers_set(&ground_leftovers, ++last_number, path, mark);
	struct ft_file_identity before;

	assert_int_equal(ft_file_identity(AT_FDCWD, path, &before), 0);
	leftover->before = before.mount_id;
	return leftover;
}

static struct leftover *directory(const char *name)
{
	struct leftover *leftover =
		leftovers_set(&ground_leftovers, ++last_number, ground_directory(name), "");
	struct ft_file_identity found;

	assert_int_equal(ft_file_identity(AT_FDCWD, leftover->path, &found), 0);
	leftover->is_directory = true;
	leftover->device = found.device;
	leftover->inode = found.inode;
	leftover->born_ns = found.born_ns;
	return leftover;
}

static struct leftover *only(void)
{
	assert_int_equal(leftovers_left(&ground_leftovers), 1);
	return FT_CONTAINER(ground_leftovers.list.next, struct leftover, node);
}

/* A mount in a directory that goes, too; beside somebody else's, which works on. */
static void test_all_of_it(void **state)
{
	struct leftover *leftover;
	pid_t ours, theirs;

	ground_skip_where_impossible();
	theirs = ground_branchfs(ground_directory("theirs"), OTHER_MARK);
	directory("tree");
	leftover = expected("tree/mnt", MARK);
	ours = ground_branchfs(leftover->path, MARK);
	ground_learn(leftover, leftover->path);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_false(ground_runs(ours));
	assert_false(ground_exists(ground_path("tree")));
	assert_true(ground_runs(theirs));
	assert_true(ground_is_covered(ground_path("theirs")));
}

/* An old problem of a record is not told again when it is another now. */
static void test_problem_of_before(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = directory("tree");
	leftover_problem(leftover, "something of before");
	ground_cover(leftover->path);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 1);
	assert_string_equal(only()->problem, "something is mounted on it");
}

/* Told to end, a daemon of libfuse unmounts what it finds on its mountpoint. */
static void assert_cover_stays(bool is_told)
{
	struct leftover *leftover;
	pid_t pid;

	leftover = expected("mnt", MARK);
	pid = ground_branchfs(leftover->path, MARK);
	if (is_told)
		ground_learn(leftover, leftover->path);
	ground_cover(leftover->path);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 1);
	assert_string_equal(only()->problem, "another mount covers it");
	assert_false(ground_runs(pid));
	assert_true(ground_is_covered(ground_path("mnt")));
	assert_int_equal(ground_mounts_on(ground_path("mnt")), 2);
	/* known by its number from now on */
	assert_int_equal(umount(ground_path("mnt")), 0);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_int_equal(ground_mounts_on(ground_path("mnt")), 0);
}

static void test_covered(void **state)
{
	ground_skip_where_impossible();
	assert_cover_stays(true);
}

static void test_expected_and_covered(void **state)
{
	ground_skip_where_impossible();
	assert_cover_stays(false);
}

/* The same without a process that could tell whose it is. */
static void test_expected_dead_and_covered(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	leftover = expected("mnt", MARK);
	ground_end(ground_branchfs(leftover->path, MARK));
	ground_cover(leftover->path);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 1);
	assert_string_equal(only()->problem,
			    "another mount covers one that has no daemon and may be it");
	assert_int_equal(ground_mounts_on(ground_path("mnt")), 2);
	assert_int_equal(umount(ground_path("mnt")), 0);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_int_equal(ground_mounts_on(ground_path("mnt")), 0);
}

static void test_expected_in_vain(void **state)
{
	ground_skip_where_impossible();
	expected("mnt", MARK);
	ground_cover(ground_path("mnt"));
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_true(ground_is_covered(ground_path("mnt")));
}

/* Its daemon ends; the mount stays, and so does the one in it. */
static void test_another_in_it(void **state)
{
	struct leftover *leftover;
	pid_t pid;

	ground_skip_where_impossible();
	leftover = expected("mnt", MARK);
	pid = ground_branchfs(leftover->path, MARK);
	ground_learn(leftover, leftover->path);
	ground_cover(ground_directory("mnt/in"));
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 1);
	assert_string_equal(only()->problem, "another mount lies in it");
	assert_false(ground_runs(pid));
	assert_int_equal(ground_mounts_on(ground_path("mnt/in")), 1);
}

/* The inner one was only expected: it is known after a look, and the outer one may go then. */
static void test_ours_in_ours(void **state)
{
	struct leftover *outer, *inner;
	pid_t outer_pid, inner_pid;

	ground_skip_where_impossible();
	outer = expected("mnt", MARK);
	outer_pid = ground_branchfs(outer->path, MARK);
	ground_learn(outer, outer->path);
	inner = expected("mnt/in", OTHER_MARK);
	inner_pid = ground_branchfs(inner->path, OTHER_MARK);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_false(ground_runs(outer_pid) || ground_runs(inner_pid));
	assert_int_equal(ground_mounts_on(ground_path("mnt")), 0);
}

/* Neither a signal nor a question gets an answer. */
static void test_stopped(void **state)
{
	struct leftover *leftover;
	pid_t pid;

	ground_skip_where_impossible();
	leftover = expected("mnt", MARK);
	pid = ground_branchfs(leftover->path, MARK);
	ground_learn(leftover, leftover->path);
	kill(pid, SIGSTOP);
	assert_int_equal(take_away(&ground_leftovers, NULL, NULL), 0);
	assert_false(ground_runs(pid));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ground_set_up, ground_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_all_of_it),
		TEST(test_problem_of_before),
		TEST(test_covered),
		TEST(test_expected_and_covered),
		TEST(test_expected_dead_and_covered),
		TEST(test_expected_in_vain),
		TEST(test_another_in_it),
		TEST(test_ours_in_ours),
		TEST(test_stopped),
	};

	ground_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
