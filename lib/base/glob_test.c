/* SPDX-License-Identifier: MIT */
/* Patterns by example, against a plain recursive matcher, and under what makes others explode. */
#include "glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Exactly as long as it is, so that ASan sees a look beyond. */
static bool match(struct ft_bytes pattern, struct ft_bytes path)
{
	char *pattern_copy = malloc(pattern.length + 1);
	char *path_copy = malloc(path.length + 1);
	bool is_match;

	assert_non_null(pattern_copy);
	assert_non_null(path_copy);
	memcpy(pattern_copy + 1, pattern.data, pattern.length);
	memcpy(path_copy + 1, path.data, path.length);
	is_match = ft_glob_match((struct ft_bytes){pattern_copy + 1, pattern.length},
				 (struct ft_bytes){path_copy + 1, path.length});
	free(pattern_copy);
	free(path_copy);
	return is_match;
}

struct row {
	const char *pattern;
	const char *path;
	bool is_match;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (match(ft_bytes_of(rows[i].pattern), ft_bytes_of(rows[i].path)) !=
		    rows[i].is_match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].path);
}

static void test_whole_paths(void **state)
{
	static const struct row rows[] = {
		{"/a.txt", "/a.txt", true},
		{"/a.txt", "/b/a.txt", false},
		{"/a.txt", "/a.txtx", false},
		{"/a/b", "/a", false},
		{"/", "/", true},
		{"/", "/a", false},
		{"/*", "/a", true},
		{"/*", "/", true},
		{"/*", "/a/b", false},
		{"/*.txt", "/a.txt", true},
		{"/*.txt", "/a/b.txt", false},
		{"/a/*/c", "/a/b/c", true},
		{"/a/*/c", "/a/c", false},
		{"/a/*/c", "/a/b/b/c", false},
		{"/a*c/d", "/abc/d", true},
		{"/*a*b", "/xaxaxb", true},
		{"/*a*b", "/xaxaxbx", false},
		{"/*a/*b", "/xa/xb", true},
		{"/*a/*b", "/xab/xb", false},
		{"/a?c", "/abc", true},
		{"/a?c", "/a/c", false},
		{"/a?", "/a", false},
	};

	check(rows, ARRAY_SIZE(rows));
}

/* Bytes outside the mount's root never matter: a pattern may leave out the first slash. */
static void test_first_slash_may_be_left_out(void **state)
{
	static const struct row rows[] = {
		{"a/b", "/a/b", true}, {"a/b", "/x/a/b", false}, {"a/*", "/a/b", true},
		{"*/b", "/a/b", true}, {"*/b", "/b", false},     {"**/b", "/a/x/b", true},
		{"**/b", "/b", true},  {"a/b", "a/b", true},     {"/a/b", "a/b", false},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_last_component(void **state)
{
	static const struct row rows[] = {
		{"a.txt", "/a.txt", true},
		{"a.txt", "/b/c/a.txt", true},
		{"a.txt", "/b/ba.txt", false},
		{"a.txt", "/a.txt/b", false},
		{"*.txt", "/b/c/a.txt", true},
		{"*.txt", "/b.txt/c", false},
		{"*", "/", true},
		{"?", "/", false},
		{"", "/", true},
		{"", "/a", false},
		{"**", "/a/b/c", true},
		{"a*", "/a/b", false},
		{"plain", "plain", true},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_double_star(void **state)
{
	static const struct row rows[] = {
		{"/**", "/", true},
		{"/**", "/a/b/c", true},
		{"/a/**", "/a/b", true},
		{"/a/**", "/a/b/c/d", true},
		{"/a/**", "/a", false},
		{"/a/**", "/ab/c", false},
		{"/a/**/z", "/a/z", true},
		{"/a/**/z", "/a/b/z", true},
		{"/a/**/z", "/a/b/c/z", true},
		{"/a/**/z", "/a/bz", false},
		{"/a/**/z", "/az", false},
		{"/**/a.txt", "/a.txt", true},
		{"/**/a.txt", "/x/y/a.txt", true},
		{"/**/a.txt", "/x/ya.txt", false},
		{"/**/*.txt", "/x/y/a.txt", true},
		{"/**/b/*.txt", "/a/b/c/b/d.txt", true},
		{"/**/b/*.txt", "/a/b/c/d.txt", false},
		{"/**/b/**/d", "/b/x/b/y/d", true},
		{"/**/**/d", "/d", true},
		{"/a**z", "/abc/xyz", true},
		{"/a**z", "/az", true},
		{"/a**/z", "/abc/x/z", true},
		{"/a**/z", "/az", false},
		{"/a/***/z", "/a/z", true},
		{"/x**y*z", "/x/y/yz", true},
		{"/x**y*z", "/xyz/y/z", false},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_classes(void **state)
{
	static const struct row rows[] = {
		{"[abc]", "/b", true},
		{"[abc]", "/d", false},
		{"[a-c]x", "/bx", true},
		{"[a-c]x", "/dx", false},
		{"[!a-c]", "/d", true},
		{"[^a-c]", "/b", false},
		{"[]]", "/]", true},
		{"[!]]", "/]", false},
		{"[]a]", "/a", true},
		{"[a-]", "/-", true},
		{"[-a]", "/-", true},
		{"[a-]", "/b", false},
		{"[z-a]", "/m", false},
		{"[\\]]", "/]", true},
		{"[a\\-c]", "/b", false},
		{"[a\\-c]", "/-", true},
		{"[0-9][0-9]", "/42", true},
		{"[0-9][0-9]", "/4", false},
		{"f[!.]*", "/foo", true},
		{"f[!.]*", "/f.oo", false},
		/* Without an end it is no class. */
		{"[abc", "/[abc", true},
		{"[abc", "/a", false},
		{"[", "/[", true},
		{"[!", "/[!", true},
		{"[]", "/[]", true},
		{"a[\\", "/a[\\", true},
		{"*[", "/a[", true},
		/* None holds a slash. */
		{"/a[!x]b", "/a/b", false},
		{"/a[/]b", "/a/b", false},
		{"/a[.-0]b", "/a/b", false},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_escapes(void **state)
{
	static const struct row rows[] = {
		{"\\*", "/*", true},      {"\\*", "/a", false},    {"a\\?", "/a?", true},
		{"a\\?", "/ab", false},   {"\\[a]", "/[a]", true}, {"\\[a]", "/a", false},
		{"\\\\", "/\\", true},    {"a\\bc", "/abc", true}, {"a\\", "/a\\", true},
		{"/a\\/b", "/a/b", true}, {"\\**", "/*x", true},   {"\\**", "/xx", false},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_characters(void **state)
{
	static const struct row rows[] = {
		{"?", "/\xc3\xa9", true},
		{"??", "/\xc3\xa9", false},
		{"caf?", "/caf\xc3\xa9", true},
		{"?", "/\xf0\x9f\x98\x80", true},
		{"*?", "/\xe2\x82\xac", true},
		{"*??", "/\xe2\x82\xac", false},
		{"[\xc3\xa8-\xc3\xaa]", "/\xc3\xa9", true},
		{"[\xc3\xa8-\xc3\xaa]", "/\xc3\xab", false},
		{"[!a]", "/\xe2\x82\xac", true},
		{"[!a][!a]", "/\xe2\x82\xac", false},
		/* What is no UTF-8 is taken byte by byte. */
		{"?", "/\xff", true},
		{"?", "/\xff\xfe", false},
		{"??", "/\xff\xfe", true},
		{"??", "/\xc3(", true},
		{"[\xfe-\xff]", "/\xff", true},
		{"[\xfe-\xff]", "/\xc3\xbf", false},
		{"[!\xff]", "/\xff", false},
		{"\xff*", "/\xff\xfe", true},
	};

	check(rows, ARRAY_SIZE(rows));
}

static void test_bytes_have_a_length(void **state)
{
	assert_true(match(FT_BYTES_LITERAL("a\0b"), FT_BYTES_LITERAL("/a\0b")));
	assert_false(match(FT_BYTES_LITERAL("a\0b"), FT_BYTES_LITERAL("/a\0c")));
	assert_true(match(FT_BYTES_LITERAL("a?b"), FT_BYTES_LITERAL("/a\0b")));
	assert_true(ft_glob_match((struct ft_bytes){NULL, 0}, (struct ft_bytes){NULL, 0}));
	assert_false(ft_glob_match((struct ft_bytes){NULL, 0}, FT_BYTES_LITERAL("/a")));
	assert_true(ft_glob_match(FT_BYTES_LITERAL("*"), (struct ft_bytes){NULL, 0}));
	assert_false(ft_glob_match(FT_BYTES_LITERAL("/a"), (struct ft_bytes){NULL, 0}));
}

/* ---- against the definition, tried in all ways ---- */

static bool match_all_ways(const char *pattern, const char *path, bool is_component_start)
{
	bool is_here = is_component_start;

	if (!*pattern)
		return !*path;
	if (pattern[0] == '*' && pattern[1] == '*') {
		const char *rest = pattern;

		while (*rest == '*')
			rest++;
		if (is_here && *rest == '/') {
			for (const char *at = path; at;
			     at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
				if (match_all_ways(rest + 1, at, true))
					return true;
			return false;
		}
		for (;; path++) {
			if (match_all_ways(rest, path, false))
				return true;
			if (!*path)
				return false;
		}
	}
	if (*pattern == '*') {
		for (;; path++) {
			if (match_all_ways(pattern + 1, path, false))
				return true;
			if (!*path || *path == '/')
				return false;
		}
	}
	if (!*path || (*pattern == '?' ? *path == '/' : *pattern != *path))
		return false;
	return match_all_ways(pattern + 1, path + 1, *pattern == '/');
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void make_random(uint64_t *random, const char *letters, char *text, size_t max)
{
	size_t length = next_random(random) % max;

	text[0] = '/';
	for (size_t i = 1; i <= length; i++)
		text[i] = letters[next_random(random) % strlen(letters)];
	text[length + 1] = '\0';
}

static void test_random_against_all_ways(void **state)
{
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
	size_t matches = 0;

	for (size_t i = 0; i < 300000; i++) {
		char pattern[16], path[16];
		bool is_match;

		make_random(&random, i % 2 ? "aab/**?" : "ab/*", pattern, 10);
		make_random(&random, i % 3 ? "aab/" : "a/", path, 11);
		is_match = match_all_ways(pattern, path, true);
		if (match(ft_bytes_of(pattern), ft_bytes_of(path)) != is_match)
			fail_msg("%s on %s", pattern, path);
		matches += is_match;
	}
	assert_in_range(matches, 10000, 290000);
}

/* Each of these takes a recursive matcher longer than the universe has. */
static void test_no_blow_up(void **state)
{
	static char path[4097];
	char pattern[513] = {0};

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	for (size_t i = 0; i + 1 < sizeof(pattern) - 1; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 2] = 'b';
	assert_false(match(ft_bytes_of(pattern), ft_bytes_of(path)));

	memset(pattern, 0, sizeof(pattern));
	for (size_t i = 0; i + 4 < 64; i += 4)
		memcpy(pattern + i, "**a*", 4);
	strcat(pattern, "/b");
	assert_false(match(ft_bytes_of(pattern), ft_bytes_of(path)));

	for (size_t i = 0; i < sizeof(path) - 1; i += 2)
		path[i] = '/';
	memset(pattern, 0, sizeof(pattern));
	for (size_t i = 0; i + 5 < 100; i += 5)
		memcpy(pattern + i, "/**/a", 5);
	strcat(pattern, "/b");
	assert_false(match(ft_bytes_of(pattern), ft_bytes_of(path)));
}

static void test_magic(void **state)
{
	assert_true(ft_glob_has_magic(FT_BYTES_LITERAL("*.txt")));
	assert_true(ft_glob_has_magic(FT_BYTES_LITERAL("/a?")));
	assert_true(ft_glob_has_magic(FT_BYTES_LITERAL("/a[")));
	assert_true(ft_glob_has_magic(FT_BYTES_LITERAL("/a\\*")));
	assert_false(ft_glob_has_magic(FT_BYTES_LITERAL("/a/b.txt")));
	assert_false(ft_glob_has_magic(FT_BYTES_LITERAL("/a\\b]")));
	assert_false(ft_glob_has_magic((struct ft_bytes){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_paths),
		cmocka_unit_test(test_first_slash_may_be_left_out),
		cmocka_unit_test(test_last_component),
		cmocka_unit_test(test_double_star),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_bytes_have_a_length),
		cmocka_unit_test(test_random_against_all_ways),
		cmocka_unit_test(test_no_blow_up),
		cmocka_unit_test(test_magic),
	};

	alarm(120); /* a blow-up would not end */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
