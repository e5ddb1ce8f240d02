/* SPDX-License-Identifier: MIT */
/* The ring of last lines, against a model that keeps everything. */
#include "last_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

static struct ft_last_lines lines;

static int tear_down(void **state)
{
	ft_last_lines_done(&lines);
	return 0;
}

static void push(const char *text)
{
	ft_last_lines_push(&lines, text, strlen(text));
}

static void assert_kept(const char *expected, size_t size)
{
	size_t found = 1;
	char *copy = ft_last_lines_copy(&lines, &found);

	assert_non_null(copy);
	assert_int_equal(found, size);
	assert_memory_equal(copy, expected, size);
	assert_int_equal(copy[size], '\0');
	free(copy);
}

static void test_few_lines(void **state)
{
	assert_kept("", 0);
	push("");
	assert_kept("", 0);
	push("first\nsec");
	push("ond\n\0x");
	push("third");
	assert_kept("first\nsecond\nthird", 18);
	ft_last_lines_push(&lines, "\0\n", 2);
	assert_kept("first\nsecond\nthird\0\n", 20);
}

static void test_empty_again(void **state)
{
	push("first\n");
	ft_last_lines_done(&lines);
	assert_kept("", 0);
	push("second\n");
	assert_kept("second\n", 7);
}

/* Of the oldest line the begin may be gone: it is left out. */
static void test_oldest_line(void **state)
{
	char *text = malloc(FT_LAST_LINES_BYTES + 1);

	assert_non_null(text);
	memset(text, 'x', FT_LAST_LINES_BYTES);
	text[9] = '\n';
	ft_last_lines_push(&lines, text, FT_LAST_LINES_BYTES - 1);
	assert_kept(text, FT_LAST_LINES_BYTES - 1);
	push("y");
	text[FT_LAST_LINES_BYTES - 1] = 'y';
	assert_kept(text, FT_LAST_LINES_BYTES); /* full, and nothing is missing */
	push("z");
	text[FT_LAST_LINES_BYTES] = 'z';
	assert_kept(text + 10, FT_LAST_LINES_BYTES - 9);
	free(text);
}

/* Without any newline, what there is of the line. */
static void test_one_long_line(void **state)
{
	size_t size = 3 * FT_LAST_LINES_BYTES;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, 'x', size);
	ft_last_lines_push(&lines, text, size);
	assert_kept(text, FT_LAST_LINES_BYTES);
	push("\nend\n");
	assert_kept("end\n", 4);
	free(text);
}

/* ---- any pieces ---- */

/* The last bytes of text, from a whole line on once it is more than the ring holds. */
static void assert_end_of(const char *text, size_t size)
{
	const char *begin = text;

	if (size > FT_LAST_LINES_BYTES) {
		begin = text + size - FT_LAST_LINES_BYTES;
		begin = memchr(begin, '\n', FT_LAST_LINES_BYTES);
		begin = begin ? begin + 1 : text + size - FT_LAST_LINES_BYTES;
	}
	assert_kept(begin, (size_t)(text + size - begin));
}

static void test_random(void **state)
{
	uint64_t seed = ft_test_seed();
	size_t size = 0, room = 8u << 20;
	char *text = malloc(room);

	assert_non_null(text);
	for (size_t i = 0; i < ft_test_cases(400) && size < room - 100000; i++) {
		size_t piece = ft_test_below(&seed, i % 50 == 49 ? 100000 : 20000);

		for (size_t at = 0; at < piece; at++)
			text[size + at] =
				"\n\0abcdefghijklmnopqrstuvwxyz"[ft_test_below(&seed, 28)];
		ft_last_lines_push(&lines, text + size, piece);
		size += piece;
		assert_end_of(text, size);
	}
	assert_true(size > 2 * FT_LAST_LINES_BYTES);
	free(text);
}

#define ring_test(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(test_few_lines),   ring_test(test_empty_again),
		ring_test(test_oldest_line), ring_test(test_one_long_line),
		ring_test(test_random),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
