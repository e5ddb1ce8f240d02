/* SPDX-License-Identifier: MIT */
/*
 * The node table: cases that have a story. Random ones are in nodes_random_test.c.
 */
#include "nodes_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

/* /d (2), /d/e (3), /d/e/f (4), /g (5) */
static struct ft_nodes *small_tree(void)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	assert_non_null(nodes);
	nodes_add(nodes, 1, "d", 2);
	nodes_add(nodes, 2, "e", 3);
	nodes_add(nodes, 3, "f", 4);
	nodes_add(nodes, 1, "g", 5);
	nodes_assert_path(nodes, 4, "/d/e/f");
	nodes_assert_path(nodes, 5, "/g");
	return nodes;
}

/* ---- single rules ---- */

static void test_root_and_unknown(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	nodes_assert_path(nodes, 1, "/");
	nodes_assert_child(nodes, 1, "a", "/a");
	nodes_assert_path(nodes, 2, NULL);
	nodes_assert_child(nodes, 2, "a", NULL);
	nodes_assert_child(nodes, 2, ".", NULL);
	nodes_assert_child(nodes, 2, "..", NULL);
	nodes_add(nodes, 2, "a", 3);
	nodes_assert_path(nodes, 3, NULL); /* its directory is not known */
	nodes_add(nodes, 1, "dir", 2);
	nodes_assert_path(nodes, 3, "/dir/a");
	nodes_remove(nodes, 77, "nothing");
	nodes_move(nodes, 77, "nothing", 78, "nowhere");
	ft_nodes_set_unlinked(nodes, 77);
	assert_int_equal(ft_nodes_count(nodes), 3);
	assert_null(ft_nodes_free(nodes));
	assert_null(ft_nodes_free(NULL));
}

static void test_dots(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_assert_child(nodes, 3, ".", "/d/e");
	nodes_assert_child(nodes, 3, "..", "/d");
	nodes_assert_child(nodes, 2, "..", "/");
	nodes_assert_child(nodes, 1, ".", "/");
	nodes_assert_child(nodes, 1, "..", "/");
	nodes_assert_child(nodes, 3, "...", "/d/e/...");
	nodes_assert_child(nodes, 3, ".x", "/d/e/.x");
	nodes_assert_child(nodes, 3, "", "/d/e");
	/* They are no names to learn. */
	nodes_add(nodes, 3, ".", 3);
	nodes_add(nodes, 3, "..", 2);
	nodes_add(nodes, 1, "", 9);
	nodes_add(nodes, 1, "self", 1);
	nodes_add(nodes, 1, "zero", 0);
	nodes_assert_path(nodes, 3, "/d/e");
	nodes_assert_path(nodes, 2, "/d");
	nodes_assert_path(nodes, 1, "/");
	nodes_assert_path(nodes, 9, NULL);
	ft_nodes_free(nodes);
}

static void test_rename_of_directory_in_use(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_move(nodes, 1, "d", 1, "moved");
	nodes_assert_path(nodes, 4, "/moved/e/f");
	nodes_assert_path(nodes, 3, "/moved/e");
	nodes_assert_path(nodes, 5, "/g");
	nodes_add(nodes, 1, "new", 6);
	nodes_move(nodes, 2, "e", 6, "e2");
	nodes_assert_path(nodes, 4, "/new/e2/f");
	nodes_assert_child(nodes, 3, "x", "/new/e2/x");
	nodes_move(nodes, 6, "e2", 6, "e2");
	nodes_assert_path(nodes, 4, "/new/e2/f");
	ft_nodes_free(nodes);
}

/* What is below a directory may be known before the directory itself is. */
static void test_rename_of_directory_learnt_late(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	nodes_add(nodes, 2, "a", 3);
	nodes_add(nodes, 1, "d", 2);
	nodes_assert_path(nodes, 3, "/d/a");
	nodes_move(nodes, 1, "d", 1, "e");
	nodes_assert_path(nodes, 3, "/e/a");
	ft_nodes_free(nodes);
}

static void test_rename_over(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_move(nodes, 3, "f", 1, "g");
	nodes_assert_path(nodes, 4, "/g");
	nodes_assert_unlinked(nodes, 5, "/g");
	nodes_remove(nodes, 1, "g");
	nodes_assert_unlinked(nodes, 4, "/g");
	ft_nodes_free(nodes);
}

/* What is at the target of a rename whose source is not known is not there any more. */
static void test_rename_of_unknown_over_known(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_move(nodes, 1, "never seen", 1, "g");
	nodes_assert_path(nodes, 5, NULL);
	nodes_move(nodes, 1, "never seen", 1, "d");
	nodes_assert_path(nodes, 2, NULL);
	nodes_assert_path(nodes, 4, NULL);
	ft_nodes_free(nodes);
}

static void test_exchange(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_exchange(nodes, 1, "d", 1, "g");
	nodes_assert_path(nodes, 2, "/g");
	nodes_assert_path(nodes, 5, "/d");
	nodes_assert_path(nodes, 4, "/g/e/f");
	/* a directory with a file that lies below another one */
	nodes_exchange(nodes, 2, "e", 1, "d");
	nodes_assert_path(nodes, 3, "/d");
	nodes_assert_path(nodes, 4, "/d/f");
	nodes_assert_path(nodes, 5, "/g/e");
	/* only one of the two is known */
	nodes_exchange(nodes, 1, "d", 1, "unseen");
	nodes_assert_path(nodes, 4, "/unseen/f");
	nodes_exchange(nodes, 1, "unseen 2", 1, "unseen");
	nodes_assert_path(nodes, 4, "/unseen 2/f");
	ft_nodes_free(nodes);
}

static void test_hard_links(void **state)
{
	struct ft_nodes *nodes = small_tree();
	uint64_t by_g, by_h;
	bool is_unlinked;

	by_g = ft_nodes_link(nodes, 5);
	nodes_add(nodes, 2, "h", 5);
	by_h = ft_nodes_link(nodes, 5);
	assert_int_not_equal(by_g, by_h);
	nodes_assert_path(nodes, 5, "/d/h"); /* the one last seen */
	nodes_assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/g");
	nodes_assert_bytes(ft_nodes_path(nodes, 5, by_h, &is_unlinked), "/d/h");
	nodes_add(nodes, 1, "g", 5); /* looked up again */
	nodes_assert_path(nodes, 5, "/g");
	/* a link stays the same when it is renamed, itself or something above it */
	nodes_move(nodes, 2, "h", 3, "h2");
	nodes_move(nodes, 1, "d", 1, "D");
	nodes_assert_bytes(ft_nodes_path(nodes, 5, by_h, &is_unlinked), "/D/e/h2");
	nodes_assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/g");
	nodes_remove(nodes, 1, "g");
	nodes_assert_path(nodes, 5, "/D/e/h2");
	nodes_assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/D/e/h2");
	nodes_remove(nodes, 3, "h2");
	nodes_assert_unlinked(nodes, 5, "/D/e/h2");
	ft_nodes_free(nodes);
}

static void test_very_many_hard_links(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	size_t before, after;
	char name[32], path[40];

	nodes_add(nodes, 1, "first", 2);
	before = ft_test_allocated();
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(path, sizeof(path), "/n%d", i);
		nodes_add(nodes, 1, name, 2);
		nodes_assert_path(nodes, 2, path);
	}
	after = ft_test_allocated();
	assert_true(after < before + 64 * 1024);
	for (int i = 9999; i >= 0; i--) {
		snprintf(name, sizeof(name), "n%d", i);
		nodes_remove(nodes, 1, name);
	}
	ft_nodes_free(nodes);
}

static void test_unlink_of_open_file(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_remove(nodes, 3, "f");
	nodes_assert_unlinked(nodes, 4, "/d/e/f");
	/* It keeps the name that it had, whatever happens to its directory. */
	nodes_move(nodes, 1, "d", 1, "D");
	nodes_assert_unlinked(nodes, 4, "/d/e/f");
	/* A new file of that name is another one. */
	nodes_add(nodes, 3, "f", 6);
	nodes_assert_path(nodes, 6, "/D/e/f");
	nodes_assert_unlinked(nodes, 4, "/d/e/f");
	/* A link to it (linkat of an open file) gives it a name again. */
	nodes_add(nodes, 1, "back", 4);
	nodes_assert_path(nodes, 4, "/back");
	ft_nodes_free(nodes);
}

static void test_rmdir_with_open_children(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_remove(nodes, 3, "f");
	nodes_remove(nodes, 2, "e");
	nodes_assert_unlinked(nodes, 3, "/d/e");
	nodes_assert_unlinked(nodes, 4, "/d/e/f");
	ft_nodes_set_unlinked(nodes, 5);
	nodes_assert_unlinked(nodes, 5, "/g");
	ft_nodes_set_unlinked(nodes, 5);
	nodes_assert_unlinked(nodes, 5, "/g");
	ft_nodes_free(nodes);
}

/* After a FORGET that nobody sees, a daemon gives the number to another file. */
static void test_reused_nodeid(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_remove(nodes, 1, "g");
	nodes_add(nodes, 1, "other", 5);
	nodes_assert_path(nodes, 5, "/other");
	/* a directory's number for another directory: what was below the old one is not below it */
	nodes_add(nodes, 1, "elsewhere", 3);
	nodes_assert_path(nodes, 3, "/elsewhere");
	/* the same name now means another node */
	nodes_add(nodes, 1, "other", 8);
	nodes_assert_path(nodes, 8, "/other");
	nodes_assert_unlinked(nodes, 5, "/other");
	ft_nodes_free(nodes);
}

/* A directory that was moved where we cannot see it takes what is below along. */
static void test_directory_that_moved_unseen(void **state)
{
	struct ft_nodes *nodes = small_tree();

	nodes_add(nodes, 1, "new place", 3);
	nodes_assert_path(nodes, 4, "/new place/f");
	nodes_add(nodes, 2, "e", 3);
	nodes_assert_path(nodes, 4, "/d/e/f");
	nodes_remove(nodes, 2, "e");
	nodes_assert_path(nodes, 4, "/new place/f");
	ft_nodes_free(nodes);
}

/* ---- size ---- */

static void test_depth(void **state)
{
	enum { depth = 2000 };
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char *expected = malloc(depth * 2 + 16);

	assert_non_null(expected);
	for (uint64_t i = 0; i < depth; i++) {
		nodes_add(nodes, i ? 100 + i - 1 : 1, "d", 100 + i);
		memcpy(expected + 2 * i, "/d", 3);
	}
	nodes_assert_path(nodes, 100 + depth - 1, expected);
	nodes_move(nodes, 1, "d", 1, "e");
	expected[1] = 'e';
	nodes_assert_path(nodes, 100 + depth - 1, expected);
	strcat(expected, "/leaf");
	nodes_assert_child(nodes, 100 + depth - 1, "leaf", expected);
	free(expected);
	ft_nodes_free(nodes);
}

/* Longer than PATH_MAX and than a page: one walks there with openat(2). */
static void test_long_names(void **state)
{
	enum { levels = 200 };
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char name[256], *expected = calloc(levels + 1, 256);

	assert_non_null(expected);
	memset(name, 'n', 255);
	name[255] = '\0';
	for (uint64_t i = 0; i < levels; i++) {
		nodes_add(nodes, 1 + i, name, 2 + i);
		strcat(strcat(expected, "/"), name);
		if (i == 15 || i == levels - 1)
			nodes_assert_path(nodes, 2 + i, expected);
	}
	assert_int_equal(strlen(expected), levels * 256);
	free(expected);
	ft_nodes_free(nodes);
}

/* Beyond its own limits the table says that it does not know; links in a ring end too. */
static void test_beyond_all_limits(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	for (uint64_t i = 1; i < 300; i++)
		nodes_add(nodes, i, name, i + 1);
	nodes_assert_path(nodes, 300, NULL);
	nodes_assert_child(nodes, 300, name, NULL);
	for (uint64_t i = 1000; i < 6000; i++)
		nodes_add(nodes, i == 1000 ? 1 : i - 1, "d", i);
	nodes_assert_path(nodes, 5999, NULL);
	nodes_add(nodes, 9001, "a", 9000);
	nodes_add(nodes, 9000, "b", 9001);
	nodes_assert_path(nodes, 9000, NULL);
	nodes_assert_child(nodes, 9001, "c", NULL);
	nodes_move(nodes, 9000, "b", 9000, "c");
	nodes_remove(nodes, 9000, "c");
	nodes_assert_path(nodes, 9000, NULL);
	ft_nodes_free(nodes);
}

static void test_limit(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(1000, NULL, NULL);
	size_t after_warm_up = 0;
	char name[32], path[40];

	nodes_add(nodes, 1, "kept", 2);
	for (uint64_t i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "f%llu", (unsigned long long)i);
		snprintf(path, sizeof(path), "/%s", name);
		nodes_add(nodes, 1, name, 10 + i);
		nodes_assert_path(nodes, 10 + i, path);
		nodes_assert_path(nodes, 2, "/kept"); /* what is used stays */
		assert_in_range(ft_nodes_count(nodes), 1, 1000);
		if (i == 5000)
			after_warm_up = ft_test_allocated();
	}
	assert_in_range(ft_test_allocated(), 1, after_warm_up + 64 * 1024);
	nodes_assert_path(nodes, 10, NULL);
	nodes_assert_path(nodes, 1, "/");
	ft_nodes_free(nodes);
}

/* The directory is dropped, its file is not; then the directory gets another name. */
static void test_dropped_directory_is_renamed(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(3, NULL, NULL);

	nodes_add(nodes, 1, "d", 2);
	nodes_add(nodes, 2, "a", 3);
	nodes_assert_path(nodes, 3, "/d/a");
	nodes_add(nodes, 1, "x", 4); /* drops 2 */
	nodes_assert_path(nodes, 2, NULL);
	nodes_assert_path(nodes, 3, "/d/a");
	nodes_move(nodes, 1, "d", 1, "e");
	nodes_assert_path(nodes, 3, NULL);
	nodes_add(nodes, 1, "e", 2); /* drops 4 */
	nodes_assert_path(nodes, 3, "/e/a");
	nodes_move(nodes, 1, "e", 1, "f");
	nodes_assert_path(nodes, 3, "/f/a");
	ft_nodes_free(nodes);
}

static uint64_t find(const struct ft_nodes *nodes, const char *path)
{
	return ft_nodes_find(nodes, ft_bytes_of(path));
}

static void test_find(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	nodes_add(nodes, 1, "a", 2);
	nodes_add(nodes, 2, "b", 3);
	assert_int_equal(find(nodes, "/"), 1);
	assert_int_equal(find(nodes, ""), 1);
	assert_int_equal(find(nodes, "/a"), 2);
	assert_int_equal(find(nodes, "/a/b"), 3);
	assert_int_equal(find(nodes, "/a//b/"), 3);
	assert_int_equal(find(nodes, "/b"), 0);
	assert_int_equal(find(nodes, "/a/c"), 0);
	assert_int_equal(find(nodes, "/a/c/b"), 0);
	nodes_move(nodes, 1, "a", 1, "c");
	assert_int_equal(find(nodes, "/a/b"), 0);
	assert_int_equal(find(nodes, "/c/b"), 3);
	ft_nodes_free(nodes);
}

/* Something in a directory was renamed: what was there has no path until it is looked up again. */
static void test_forgotten_names(void **state)
{
	struct ft_nodes *nodes = small_tree();
	bool is_unlinked;

	ft_nodes_forget_names(nodes, 2);
	assert_null(ft_nodes_path(nodes, 3, 0, &is_unlinked).data);
	assert_null(ft_nodes_path(nodes, 4, 0, &is_unlinked).data);
	nodes_assert_path(nodes, 2, "/d");
	nodes_assert_path(nodes, 5, "/g");
	nodes_add(nodes, 2, "new", 3);
	nodes_assert_path(nodes, 3, "/d/new");
	nodes_assert_path(nodes, 4, "/d/new/f");
	ft_nodes_forget_names(nodes, 77);
	ft_nodes_forget_names(nodes, FT_NODE_ROOT);
	nodes_assert_path(nodes, FT_NODE_ROOT, "/");
	assert_null(ft_nodes_path(nodes, 5, 0, &is_unlinked).data);
	ft_nodes_free(nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_and_unknown),
		cmocka_unit_test(test_dots),
		cmocka_unit_test(test_rename_of_directory_in_use),
		cmocka_unit_test(test_rename_of_directory_learnt_late),
		cmocka_unit_test(test_rename_over),
		cmocka_unit_test(test_rename_of_unknown_over_known),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_very_many_hard_links),
		cmocka_unit_test(test_unlink_of_open_file),
		cmocka_unit_test(test_rmdir_with_open_children),
		cmocka_unit_test(test_reused_nodeid),
		cmocka_unit_test(test_directory_that_moved_unseen),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_beyond_all_limits),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_dropped_directory_is_renamed),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_forgotten_names),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
