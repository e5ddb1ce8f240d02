/* SPDX-License-Identifier: MIT */
/* Branch specifications, and what branch_open() must not follow. */
#include "branch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <fusetrace/fusetrace.h>

#include "support.h"
#include "testing.h"

static void test_specifications(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		struct {
			const char *path;
			enum branch_mode mode;
		} branches[3];
	} rows[] = {
		{"/a", 1, {{"/a", BRANCH_READ_WRITE}}},
		{"/a:b", 2, {{"/a", BRANCH_READ_WRITE}, {"b", BRANCH_READ_WRITE}}},
		{"/a=RW:/b=RO:/c=NC",
		 3,
		 {{"/a", BRANCH_READ_WRITE}, {"/b", BRANCH_READ_ONLY}, {"/c", BRANCH_NO_CREATE}}},
		{"/a=ro", 1, {{"/a=ro", BRANCH_READ_WRITE}}},
		{"/a=RO=RW", 1, {{"/a=RO", BRANCH_READ_WRITE}}},
		{"/a=b=RO", 1, {{"/a=b", BRANCH_READ_ONLY}}},
		{"/a\\:b:c", 2, {{"/a:b", BRANCH_READ_WRITE}, {"c", BRANCH_READ_WRITE}}},
		{"/a\\\\:c", 2, {{"/a\\", BRANCH_READ_WRITE}, {"c", BRANCH_READ_WRITE}}},
		{"/a\\b", 1, {{"/a\\b", BRANCH_READ_WRITE}}},
		{"/a\\", 1, {{"/a\\", BRANCH_READ_WRITE}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct branch *branches = NULL;
		size_t count = 0;

		assert_int_equal(branches_parse(rows[i].text, &branches, &count, NULL), 0);
		assert_int_equal(count, rows[i].count);
		for (size_t j = 0; j < count; j++) {
			assert_string_equal(branches[j].path, rows[i].branches[j].path);
			assert_int_equal(branches[j].mode, rows[i].branches[j].mode);
			assert_int_equal(branches[j].root_fd, -1);
		}
		branches_free(branches, count);
	}
}

static void test_wrong_specifications(void **state)
{
	static const char *const wrong[] = {"", ":", "a:", ":a", "a::b", "=RO", "a:=RW"};
	struct branch *branches = NULL;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fusetrace_error error = {0};

		assert_int_equal(branches_parse(wrong[i], &branches, &count, &error), -EINVAL);
		assert_non_null(strstr(error.text, "empty branch name"));
		assert_null(branches);
	}
}

static void test_number_of_branches_is_limited(void **state)
{
	char text[2 * (BRANCHES_MAX + 1)];
	struct branch *branches = NULL;
	size_t count = 0;

	for (size_t i = 0; i <= BRANCHES_MAX; i++)
		memcpy(text + 2 * i, "a:", 2);
	text[2 * BRANCHES_MAX - 1] = '\0';
	assert_int_equal(branches_parse(text, &branches, &count, NULL), 0);
	assert_int_equal(count, BRANCHES_MAX);
	branches_free(branches, count);

	text[2 * BRANCHES_MAX - 1] = ':';
	text[2 * BRANCHES_MAX + 1] = '\0';
	assert_int_equal(branches_parse(text, &branches, &count, NULL), -EINVAL);
}

static void test_paths_are_split(void **state)
{
	static const struct {
		const char *path;
		const char *parent;
		const char *name;
	} rows[] = {
		{"/a", "/", "a"},
		{"/a/b", "/a", "b"},
		{"/a/b/c d", "/a/b", "c d"},
	};
	char parent[PATH_MAX];
	char long_path[PATH_MAX + 10];
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(branch_split_path(rows[i].path, parent, &name), 0);
		assert_string_equal(parent, rows[i].parent);
		assert_string_equal(name, rows[i].name);
	}
	memset(long_path, 'x', sizeof(long_path));
	long_path[0] = '/';
	long_path[PATH_MAX] = '/';
	long_path[PATH_MAX + 2] = '\0';
	assert_int_equal(branch_split_path(long_path, parent, &name), -ENAMETOOLONG);
	long_path[PATH_MAX] = 'x';
	long_path[PATH_MAX - 1] = '/';
	assert_int_equal(branch_split_path(long_path, parent, &name), 0);
	assert_string_equal(name, "xx");
}

/* A branch with directory/file, a link to the directory and one that leads out. */
static int set_up_branch(void **state)
{
	struct branch *branch = calloc(1, sizeof(*branch));
	AUTO_CLOSE int file = -1;

	branch->path = strdup("/tmp/branch-test-XXXXXX");
	if (!mkdtemp(branch->path) || branches_open(branch, 1, NULL) < 0 ||
	    mkdirat(branch->root_fd, "directory", 0700) < 0 ||
	    symlinkat("directory", branch->root_fd, "link") < 0 ||
	    symlinkat("/etc", branch->root_fd, "outside") < 0)
		return -1;
	file = openat(branch->root_fd, "directory/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	*state = branch;
	return file < 0 ? -1 : 0;
}

static int tear_down_branch(void **state)
{
	struct branch *branch = *state;

	unlinkat(branch->root_fd, "directory/file", 0);
	unlinkat(branch->root_fd, "directory", AT_REMOVEDIR);
	unlinkat(branch->root_fd, "link", 0);
	unlinkat(branch->root_fd, "outside", 0);
	rmdir(branch->path);
	branches_free(branch, 1);
	return 0;
}

static void assert_kind(const struct branch *branch, const char *path, int flags, mode_t kind)
{
	AUTO_CLOSE int fd = branch_open(branch, path, flags);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & S_IFMT, kind);
}

static void test_objects_are_opened(void **state)
{
	const struct branch *branch = *state;
	const char *name;
	AUTO_CLOSE int parent = -1;

	assert_kind(branch, "/", O_PATH | O_DIRECTORY, S_IFDIR);
	assert_kind(branch, "/directory", O_RDONLY | O_DIRECTORY, S_IFDIR);
	assert_kind(branch, "/directory/file", O_RDWR, S_IFREG);
	assert_kind(branch, "/link", O_PATH, S_IFLNK);
	parent = branch_open_parent(branch, "/directory/file", &name);
	assert_true(parent >= 0);
	assert_string_equal(name, "file");
	assert_int_equal(faccessat(parent, name, F_OK, 0), 0);
}

static void test_nothing_is_followed(void **state)
{
	static const char *const missing[] = {
		"/missing",        "/directory/missing", "/directory/file/below", "/link/file",
		"/outside/passwd", "/../etc/passwd",     "/directory/../../etc",
	};
	const struct branch *branch = *state;

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		int fd = branch_open(branch, missing[i], O_PATH);

		if (fd != -ENOENT && fd != -EXDEV) /* EXDEV: ".." out of the branch */
			fail_msg("%s: %d", missing[i], fd);
	}
	assert_int_equal(branch_open(branch, "/link", O_PATH | O_DIRECTORY), -ENOENT);
	assert_int_equal(branch_open(branch, "/directory/file", O_PATH | O_DIRECTORY), -ENOENT);
}

static void test_mountpoints_are_checked(void **state)
{
	const struct branch *branch = *state;
	char below[128];
	char beside[128];

	snprintf(below, sizeof(below), "%s/below", branch->path);
	snprintf(beside, sizeof(beside), "%s-beside", branch->path);
	assert_int_equal(branches_check_mountpoint(branch, 1, below, NULL), -ELOOP);
	assert_int_equal(branches_check_mountpoint(branch, 1, branch->path, NULL), -ELOOP);
	assert_int_equal(branches_check_mountpoint(branch, 1, "/tmp", NULL), -ELOOP);
	assert_int_equal(branches_check_mountpoint(branch, 1, "/", NULL), -ELOOP);
	assert_int_equal(branches_check_mountpoint(branch, 1, beside, NULL), 0);
	assert_int_equal(branches_check_mountpoint(branch, 1, "/tm", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specifications),
		cmocka_unit_test(test_wrong_specifications),
		cmocka_unit_test(test_number_of_branches_is_limited),
		cmocka_unit_test(test_paths_are_split),
		cmocka_unit_test_setup_teardown(test_objects_are_opened, set_up_branch,
						tear_down_branch),
		cmocka_unit_test_setup_teardown(test_nothing_is_followed, set_up_branch,
						tear_down_branch),
		cmocka_unit_test_setup_teardown(test_mountpoints_are_checked, set_up_branch,
						tear_down_branch),
	};

	return RUN_TESTS(tests);
}
