/* SPDX-License-Identifier: MIT */
/*
 * The mount table, from made-up mountinfo, and finding the mount of a path in a real folder: the
 * "mounts" in it exist on paper only, so that nothing touches FUSE.
 */
#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "testing.h"

static struct ft_mounts parse(const char *text)
{
	FILE *file FT_AUTO_FCLOSE = fmemopen((void *)text, strlen(text), "r");
	struct ft_mounts mounts;

	assert_non_null(file);
	assert_int_equal(ft_mounts_parse(file, &mounts), 0);
	return mounts;
}

/* ---- the text ---- */

static void test_lines(void **state)
{
	struct ft_mounts mounts = parse(
		"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"23 22 0:21 / /proc rw - proc proc rw\n"
		"40 22 0:50 / /mnt/a rw,nosuid,nodev shared:7 master:2 - fuse.bindfs /src rw,user_id=0\n"
		"41 22 8:17 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw\n"
		"42 22 0:52 /sub /mnt/b rw - fuse src rw\n"
		"43 22 0:53 / /mnt/v rw - virtiofs tag rw\n"
		"44 22 8:33 / /mnt/n2 rw - fuseblk.ntfs-3g /dev/sdc1 rw\n"
		"45 22 0:54 / /sys/fs/fuse/connections rw - fusectl fusectl rw\n"
		"46 22 0:55 / /mnt/no rw - fusefs x rw\n"
		"47 22 1:1048575 / /mnt/last rw - fuse x rw");

	assert_int_equal(mounts.count, 6);
	assert_int_equal(mounts.other_count, 4);
	assert_int_equal(mounts.entries[0].connection, 50);
	assert_string_equal(mounts.entries[0].mountpoint, "/mnt/a");
	assert_string_equal(mounts.entries[0].type, "fuse.bindfs");
	assert_int_equal(mounts.entries[1].connection, 8 << 20 | 17);
	assert_string_equal(mounts.entries[1].type, "fuseblk");
	assert_string_equal(mounts.entries[2].mountpoint, "/mnt/b");
	assert_string_equal(mounts.entries[3].type, "virtiofs");
	assert_string_equal(mounts.entries[4].type, "fuseblk.ntfs-3g");
	assert_int_equal(mounts.entries[5].connection, 1 << 20 | 1048575);
	assert_ptr_equal(ft_mounts_by_connection(&mounts, 52), &mounts.entries[2]);
	assert_null(ft_mounts_by_connection(&mounts, 21)); /* not FUSE */
	assert_null(ft_mounts_by_connection(&mounts, 99));
	ft_mounts_remove(&mounts, 2);
	assert_int_equal(mounts.count, 5);
	assert_null(ft_mounts_by_connection(&mounts, 52));
	assert_non_null(ft_mounts_by_connection(&mounts, 53));
	ft_mounts_done(&mounts);
	ft_mounts_done(&mounts);
}

static void test_lines_that_are_none(void **state)
{
	struct ft_mounts mounts = parse("\n"
					" - \n"
					"nonsense\n"
					"1 2 3:4 / /a rw\n"
					"1 2 3:4 / /a rw - \n"
					"1 2 3-4 / /a rw - fuse x rw\n"
					"1 2 x:y / /a rw - fuse x rw\n"
					"1 2 3:4 - fuse x rw\n"
					"1 2 0:5 / /good rw - fuse x rw\n");

	assert_int_equal(mounts.count, 1);
	assert_string_equal(mounts.entries[0].mountpoint, "/good");
	ft_mounts_done(&mounts);
	mounts = parse("\n");
	assert_int_equal(mounts.count, 0);
	ft_mounts_done(&mounts);
}

static void test_octal_escapes(void **state)
{
	struct ft_mounts mounts = parse("1 2 0:5 / /a\\040b rw - fuse x rw\n"
					"1 2 0:6 / /a\\011\\012\\134 rw - fuse x rw\n"
					"1 2 0:7 / /a\\134040 rw - fuse x rw\n"
					"1 2 0:8 / /\\303\\244\\043 rw - fuse x rw\n"
					"1 2 0:9 / /a\\04 rw - fuse x rw\n"
					"1 2 0:10 / /a\\xyz\\ rw - fuse x rw\n");

	assert_int_equal(mounts.count, 6);
	assert_string_equal(mounts.entries[0].mountpoint, "/a b");
	assert_string_equal(mounts.entries[1].mountpoint, "/a\t\n\\");
	assert_string_equal(mounts.entries[2].mountpoint, "/a\\040");
	assert_string_equal(mounts.entries[3].mountpoint, "/ä#");
	assert_string_equal(mounts.entries[4].mountpoint, "/a\\04");
	assert_string_equal(mounts.entries[5].mountpoint, "/a\\xyz\\");
	ft_mounts_done(&mounts);
}

static void test_over_mounts(void **state)
{
	struct ft_mounts mounts = parse("1 0 8:1 / / rw - ext4 x rw\n"
					"2 1 0:50 / /a rw - fuse x rw\n"
					"3 2 0:51 / /a rw - fuse x rw\n"
					"4 1 0:52 / /b rw - fuse x rw\n"
					"5 4 0:60 / /b rw - tmpfs x rw\n"
					"6 1 0:61 / /c rw - tmpfs x rw\n"
					"7 6 0:53 / /c rw - fuse x rw\n"
					"8 1 0:54 / /d/e rw - fuse x rw\n"
					"9 1 0:62 / /d rw - tmpfs x rw\n"
					"10 1 0:55 / /f rw - fuse x rw\n"
					"11 10 0:55 / /f/g rw - fuse x rw\n");

	assert_int_equal(ft_mounts_by_point(&mounts, "/a")->connection, 51);
	assert_null(ft_mounts_by_point(&mounts, "/b"));
	assert_int_equal(ft_mounts_by_point(&mounts, "/c")->connection, 53);
	assert_null(ft_mounts_by_point(&mounts, "/d/e"));
	assert_null(ft_mounts_by_point(&mounts, "/"));
	assert_null(ft_mounts_by_point(&mounts, "/a/x"));
	/* covered, but mounted all the same */
	assert_non_null(ft_mounts_by_connection(&mounts, 50));
	assert_non_null(ft_mounts_by_connection(&mounts, 52));
	assert_string_equal(ft_mounts_by_connection(&mounts, 55)->mountpoint, "/f/g");
	ft_mounts_done(&mounts);
}

static void test_of_this_machine(void **state)
{
	struct ft_mounts mounts;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	assert_true(mounts.other_count > 0);
	for (size_t i = 0; i < mounts.count; i++)
		assert_int_equal(mounts.entries[i].mountpoint[0], '/');
	ft_mounts_done(&mounts);
}

/* ---- paths ---- */

/* A folder with files, links and, on paper, mounts. */
static char base[] = "/tmp/mounts_test_XXXXXX";
static char before[PATH_MAX];
static struct ft_mounts table;

static const char *const folders[] = {"m", "m s", "plain", "plain/deep", "plain/n", "line\nfeed"};
static const char *const links[][2] = {
	{"m", "to_m"},           {"to_m", "to_to_m"},     {"../m", "plain/up"},
	{"m/inner", "to_inner"}, {"plain", "to_plain"},   {"loop2", "loop1"},
	{"loop1", "loop2"},      {"nowhere", "dangling"}, {"./././m/../m", "winding"},
};

static int set_up(void **state)
{
	char text[4096];

	if (!getcwd(before, sizeof(before)) || !mkdtemp(base) || chdir(base) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (mkdir(folders[i], 0700) < 0)
			return -1;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlink(links[i][0], links[i][1]) < 0)
			return -1;
	}
	fclose(fopen("file", "w"));
	snprintf(text, sizeof(text),
		 "1 0 8:1 / / rw - ext4 x rw\n"
		 "2 1 0:50 / %s/m rw - fuse x rw\n"
		 "3 1 0:51 / %s/m\\040s rw - fuse x rw\n"
		 "4 1 0:52 / %s/line\\012feed rw - fuse x rw\n"
		 "5 2 0:53 / %s/m/nested rw - fuse x rw\n"
		 "6 2 0:60 / %s/m/memory rw - tmpfs x rw\n"
		 "7 1 0:54 / %s/plain/n rw - fuse x rw\n",
		 base, base, base, base, base, base);
	table = parse(text);
	return 0;
}

static int tear_down(void **state)
{
	ft_mounts_done(&table);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		unlink(links[i][1]);
	unlink("file");
	for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;)
		rmdir(folders[i]);
	return chdir(before) < 0 || rmdir(base) < 0 ? -1 : 0;
}

/* The connection of the mount, or a negative errno. */
static int find(const char *path)
{
	const struct ft_mount *mount = NULL;
	int r = ft_mounts_find(&table, path, &mount);

	if (r < 0) {
		assert_null(mount);
		return r;
	}
	return (int)mount->connection;
}

static int find_in_base(const char *path)
{
	char full[PATH_MAX * 2];

	snprintf(full, sizeof(full), "%s/%s", base, path);
	return find(full);
}

static void test_find(void **state)
{
	static const struct {
		const char *path;
		int result;
	} rows[] = {
		{"m", 50},
		{"m/", 50},
		{"m/whatever/is/there", 50},
		{"m//x/./y", 50},
		{"./m", 50},
		{"plain/../m", 50},
		{"plain/deep/../../m/x", 50},
		{"m s", 51},
		{"m s/file", 51},
		{"line\nfeed/x", 52},
		{"m/nested", 53},
		{"m/nested/x", 53},
		{"m/nested/../x", 50},
		{"m/nestedx", 50},
		{"m/memory", -EMEDIUMTYPE},
		{"m/memory/x", -EMEDIUMTYPE},
		{"m/../plain/n", 54},
		{"m/../plain", -EMEDIUMTYPE},
		{"m/../m s/x", 51},
		{"mx", -ENOENT},
		{"plain", -EMEDIUMTYPE},
		{"file", -EMEDIUMTYPE},
		{"file/x", -ENOTDIR},
		{"plain/none", -ENOENT},
		{"to_m", 50},
		{"to_m/x", 50},
		{"to_to_m/nested/x", 53},
		{"plain/up/x", 50},
		{"to_inner", 50},
		{"to_plain/n/x", 54},
		{"to_plain/up", 50},
		{"winding/x", 50},
		{"loop1", -ELOOP},
		{"dangling", -ENOENT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (find_in_base(rows[i].path) != rows[i].result)
			fail_msg("%s: %d", rows[i].path, find_in_base(rows[i].path));
		if (find(rows[i].path) != rows[i].result)
			fail_msg("relative %s: %d", rows[i].path, find(rows[i].path));
	}
	assert_int_equal(find("/"), -EMEDIUMTYPE);
	assert_int_equal(find("//.."), -EMEDIUMTYPE);
	assert_int_equal(find(""), -ENOENT);
	assert_int_equal(find("/proc/self"), -EMEDIUMTYPE);
}

static void test_long_paths(void **state)
{
	char *path = malloc(PATH_MAX * 8);

	assert_non_null(path);
	/* a name longer than any */
	memset(path, 'n', 300);
	path[300] = '\0';
	assert_int_equal(find(path), -ENAMETOOLONG);
	/* deep below a mountpoint: it is text */
	strcpy(path, "m");
	for (int i = 0; i < PATH_MAX; i++)
		strcat(path, "/d");
	assert_int_equal(find(path), 50);
	for (int i = 0; i < 3 * PATH_MAX; i++)
		strcat(path, "/");
	strcat(path, "x");
	assert_int_equal(find(path), -ENAMETOOLONG);
	free(path);
}

static void test_from_inside(void **state)
{
	assert_int_equal(chdir("plain"), 0);
	assert_int_equal(find("../m/x"), 50);
	assert_int_equal(find("n"), 54);
	assert_int_equal(find("."), -EMEDIUMTYPE);
	assert_int_equal(chdir("../m"), 0);
	assert_int_equal(find("."), 50);
	assert_int_equal(find("x"), 50);
	assert_int_equal(find("nested"), 53);
	assert_int_equal(find(".."), -EMEDIUMTYPE);
	assert_int_equal(find("../m s"), 51);
	assert_int_equal(chdir(base), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),           cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_octal_escapes),   cmocka_unit_test(test_over_mounts),
		cmocka_unit_test(test_of_this_machine), cmocka_unit_test(test_find),
		cmocka_unit_test(test_long_paths),      cmocka_unit_test(test_from_inside),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
