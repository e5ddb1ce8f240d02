/* SPDX-License-Identifier: MIT */
/* Removing a tree: all of it, nothing else, and never through a link or a mount. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file_identity.h"
#include "guardian_testing.h"
#include "testing.h"

static struct leftovers leftovers;

static int set_up(void **state)
{
	leftovers_init(&leftovers);
	return ground_set_up(state);
}

static int tear_down(void **state)
{
	leftovers_done(&leftovers);
	return ground_tear_down(state);
}

/* As it would be registered now; is_expected: before it is there. */
static struct leftover *registered(const char *path, bool is_expected)
{
	struct leftover *leftover = leftovers_set(&leftovers, 1, path, "");
	struct ft_file_identity found;

	leftover->is_directory = true;
	if (is_expected)
		return leftover;
	assert_int_equal(ft_file_identity(AT_FDCWD, path, &found), 0);
	leftover->device = found.device;
	leftover->inode = found.inode;
	leftover->born_ns = found.born_ns;
	return leftover;
}

static void assert_removed(struct leftover *leftover)
{
	tree_remove(leftover, NULL, NULL);
	if (!leftover->is_done)
		fail_msg("%s stays: %s", leftover->path, leftover->problem);
	assert_false(ground_exists(leftover->path));
}

static void assert_stays(struct leftover *leftover, const char *problem)
{
	tree_remove(leftover, NULL, NULL);
	assert_false(leftover->is_done);
	assert_string_equal(leftover->problem, problem);
	assert_true(ground_exists(leftover->path));
}

/* A directory with a file that nobody may remove. */
static const char *make_outside(void)
{
	ground_directory("outside");
	ground_directory("outside/below");
	ground_write(ground_path("outside/kept"), "kept");
	return ground_path("outside");
}

static void assert_outside(void)
{
	assert_true(ground_exists(ground_path("outside/kept")));
	assert_true(ground_exists(ground_path("outside/below")));
}

/* ---- what goes ---- */

static void test_names(void **state)
{
	const char *tree = ground_directory("tree");
	char name[300] = "tree/";

	memset(name + 5, 'n', 255);
	ground_directory(name);
	for (int i = 0; i < 255; i++)
		name[5 + i] = i % 2 ? '\n' : '\xfe';
	ground_write(ground_path(name), "");
	ground_write(ground_path("tree/\xff\xfe"), "");
	ground_write(ground_path("tree/..."), "");
	ground_write(ground_path("tree/-rf"), "");
	ground_directory("tree/ ");
	assert_int_equal(mkfifo(ground_path("tree/fifo"), 0), 0);
	assert_removed(registered(tree, false));
}

static void test_expected(void **state)
{
	struct leftover *leftover = registered(ground_path("tree"), true);

	ground_directory("tree");
	ground_write(ground_path("tree/file"), "");
	assert_removed(leftover);
}

/* Down by descriptors, as no path is that long. */
static void make_deep(const char *tree, int depth)
{
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < depth; i++) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		close(openat(fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
}

static void test_deep(void **state)
{
	const char *tree = ground_directory("tree");

	make_deep(tree, 1500);
	assert_removed(registered(tree, false));
}

/* Something in the tree has the names that deep directories are moved to. */
static void test_deep_with_names_taken(void **state)
{
	const char *tree = ground_directory("tree");
	char name[64];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "tree/.fusetrace-%d-%d", (int)getpid(), i);
		if (i < 3)
			make_deep(ground_directory(name), 450);
		else
			ground_write(ground_path(name), "");
	}
	make_deep(tree, 450);
	assert_removed(registered(tree, false));
}

/* In a child: as root may do all. 0: all is gone. */
static int remove_as_user(const char *tree)
{
	struct leftover *leftover;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	ground_directory("tree/a");
	ground_directory("tree/a/b");
	ground_write(ground_path("tree/a/b/file"), "");
	ground_directory("tree/unread");
	leftover = registered(tree, false);
	chmod(ground_path("tree/a/b"), 0);
	chmod(ground_path("tree/a"), 0);
	chmod(ground_path("tree/unread"), 0300);
	chmod(tree, 0);
	tree_remove(leftover, NULL, NULL);
	return leftover->is_done && !ground_exists(tree) ? 0 : 2;
}

static void test_no_permission(void **state)
{
	const char *tree = ground_directory("tree");
	int status;
	pid_t pid;

	ground_skip_where_impossible();
	assert_int_equal(chmod(ground_path(""), 0777), 0);
	assert_int_equal(chown(tree, 65534, 65534), 0);
	pid = fork();
	if (pid == 0)
		_exit(remove_as_user(tree));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- links ---- */

static void test_links_are_not_followed(void **state)
{
	const char *outside = make_outside(), *tree = ground_directory("tree");

	assert_int_equal(symlink(outside, ground_path("tree/link")), 0);
	assert_int_equal(symlink("../outside/below", ground_path("tree/relative")), 0);
	assert_int_equal(symlink(ground_path("outside/kept"), ground_path("tree/file")), 0);
	assert_int_equal(symlink(".", ground_path("tree/self")), 0);
	assert_removed(registered(tree, false));
	assert_outside();
}

static void test_link_in_its_place(void **state)
{
	const char *outside = make_outside();

	for (int is_expected = 0; is_expected < 2; is_expected++) {
		const char *tree = ground_directory("tree");
		struct leftover *leftover = registered(tree, is_expected);

		assert_int_equal(rmdir(tree), 0);
		assert_int_equal(symlink(outside, tree), 0);
		tree_remove(leftover, NULL, NULL);
		assert_true(leftover->is_done); /* nothing of ours is there */
		assert_int_equal(unlink(tree), 0);
		assert_outside();
	}
}

static void test_path_without_a_name(void **state)
{
	static const char *const names[] = {"outside/below/..", "outside/.", "outside/",
					    "outside//"};

	make_outside();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_stays(registered(ground_path(names[i]), false),
			     "its path does not end in a name");
		assert_outside();
	}
}

static void test_exchanged(void **state)
{
	const char *tree = ground_directory("tree");
	struct leftover *leftover = registered(tree, false);

	make_outside();
	assert_int_equal(rename(tree, ground_path("old")), 0);
	assert_int_equal(rename(ground_path("outside"), tree), 0);
	tree_remove(leftover, NULL, NULL);
	assert_true(leftover->is_done);
	assert_true(ground_exists(ground_path("tree/kept")));
	assert_true(ground_exists(ground_path("old")));
}

static void test_file_or_nothing(void **state)
{
	const char *path = ground_path("tree");
	struct leftover *leftover = registered(path, true);

	tree_remove(leftover, NULL, NULL);
	assert_true(leftover->is_done);
	ground_write(path, "");
	leftover->is_done = false;
	tree_remove(leftover, NULL, NULL);
	assert_true(leftover->is_done);
	assert_true(ground_exists(path));
}

/* Somebody else's, also when it came where one was expected. */
static void test_of_another_user(void **state)
{
	const char *tree = ground_directory("tree");
	struct leftover *leftover = registered(tree, true);

	ground_skip_where_impossible();
	ground_write(ground_path("tree/file"), "");
	assert_int_equal(chown(tree, 65534, 65534), 0);
	tree_remove(leftover, NULL, NULL);
	assert_true(leftover->is_done);
	assert_true(ground_exists(ground_path("tree/file")));
}

/* ---- mounts ---- */

static void bind(const char *from, const char *to)
{
	assert_int_equal(mount(from, to, NULL, MS_BIND, NULL), 0);
}

static void test_mounts_in_it(void **state)
{
	const char *tree = ground_directory("tree"), *outside = make_outside();

	ground_skip_where_impossible();
	ground_write(ground_path("tree/file"), "");
	ground_directory("tree/a");
	ground_cover(ground_directory("tree/a/tmpfs"));
	bind(outside, ground_directory("tree/bind"));
	ground_write(ground_path("tree/bound"), "");
	bind(ground_path("outside/kept"), ground_path("tree/bound"));
	ground_stick(ground_directory("tree/stuck"));
	assert_stays(registered(tree, false), "something is mounted in it");
	assert_outside();
	assert_true(ground_is_covered(ground_path("tree/a/tmpfs")));
	assert_int_equal(ground_mounts_on(ground_path("tree/bind")), 1);
	assert_int_equal(ground_mounts_on(ground_path("tree/bound")), 1);
	assert_int_equal(ground_mounts_on(ground_path("tree/stuck")), 1);
	assert_false(ground_exists(ground_path("tree/file")));
}

/* However the path is written. The directory below is empty: all that could go is the mount's. */
static void test_mount_on_it(void **state)
{
	static const char *const ways[] = {"tree", "link/tree", "other/../tree", "./tree",
					   ".//tree"};

	ground_skip_where_impossible();
	ground_directory("tree");
	ground_directory("other");
	assert_int_equal(symlink(".", ground_path("link")), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct leftover *leftover = registered(ground_path(ways[i]), true);

		ground_cover(ground_path("tree"));
		assert_stays(leftover, "something is mounted on it");
		assert_true(ground_is_covered(ground_path("tree")));
		/* registered when that was mounted already */
		assert_stays(registered(ground_path(ways[i]), false), "something is mounted on it");
		assert_true(ground_is_covered(ground_path("tree")));
		assert_int_equal(umount(ground_path("tree")), 0);
	}
}

static void test_bound_to_itself(void **state)
{
	const char *tree = ground_directory("tree");
	struct leftover *leftover = registered(tree, false);

	ground_skip_where_impossible();
	ground_write(ground_path("tree/file"), "");
	bind(tree, tree);
	assert_stays(leftover, "something is mounted on it");
	assert_true(ground_exists(ground_path("tree/file")));
}

/* It is not even looked at: that would hang. */
static void test_on_fuse(void **state)
{
	struct leftover *leftover;

	ground_skip_where_impossible();
	ground_stick(ground_directory("stuck"));
	leftover = registered(ground_path("stuck/tree"), true);
	tree_remove(leftover, NULL, NULL);
	assert_false(leftover->is_done);
	assert_string_equal(leftover->problem, "it lies on a FUSE filesystem");
	leftover = registered(ground_path("stuck"), true);
	tree_remove(leftover, NULL, NULL);
	assert_false(leftover->is_done);
	assert_string_equal(leftover->problem, "it lies on a FUSE filesystem");
}

/* ---- what changes meanwhile ---- */

static atomic_bool is_over;

/* Directories become links to what lies outside, and links directories. */
static void *exchange(void *data)
{
	char tree[128], one[128], other[128], below[128], outside[128];

	snprintf(tree, sizeof(tree), "%s/tree", (char *)data);
	snprintf(one, sizeof(one), "%s/tree/x", (char *)data);
	snprintf(other, sizeof(other), "%s/tree/y", (char *)data);
	snprintf(below, sizeof(below), "%s/tree/x/below", (char *)data);
	snprintf(outside, sizeof(outside), "%s/outside", (char *)data);
	while (!is_over) {
		mkdir(tree, 0755);
		mkdir(one, 0755);
		mkdir(below, 0755);
		if (symlink(outside, other) == 0)
			renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
		unlink(one);
		rename(other, one);
	}
	return NULL;
}

static void test_changes_meanwhile(void **state)
{
	struct leftover *leftover = registered(ground_path("tree"), true);
	uint64_t end_ns = ft_now_ns() + UINT64_C(1000000000);
	int removed = 0;
	pthread_t thread;

	make_outside();
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, exchange, (char *)ground_path("")), 0);
	while (ft_now_ns() < end_ns) {
		leftover->is_done = false;
		tree_remove(leftover, NULL, NULL);
		removed += leftover->is_done;
	}
	is_over = true;
	pthread_join(thread, NULL);
	assert_outside();
	print_message("# removed %d times\n", removed);
	assert_true(removed > 0);
	leftover->is_done = false;
	assert_removed(leftover);
	assert_outside();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_expected),
		TEST(test_deep),
		TEST(test_deep_with_names_taken),
		TEST(test_no_permission),
		TEST(test_links_are_not_followed),
		TEST(test_link_in_its_place),
		TEST(test_path_without_a_name),
		TEST(test_exchanged),
		TEST(test_file_or_nothing),
		TEST(test_of_another_user),
		TEST(test_mounts_in_it),
		TEST(test_mount_on_it),
		TEST(test_bound_to_itself),
		TEST(test_on_fuse),
		TEST(test_changes_meanwhile),
	};

	ground_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
