/* SPDX-License-Identifier: MIT */
/* Durations and counts: what is one, what is not, and the edges of the range. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "testing.h"

#define UNTOUCHED UINT64_C(0x5555555555555555)

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t ns;
	} rows[] = {
		{"0s", 0, 0},
		{"5ns", 0, 5},
		{"50us", 0, 50000},
		{"300ms", 0, 300000000},
		{"2s", 0, 2000000000},
		{"1m", 0, UINT64_C(60000000000)},
		{"18446744073709551615ns", 0, UINT64_MAX},
		{"18446744073s", 0, UINT64_C(18446744073000000000)},
		{"18446744073709551616ns", -EINVAL, 0},
		{"18446744074s", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"10", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"+1s", -EINVAL, 0},
		{" 1s", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1s ", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1h", -EINVAL, 0},
		{"0x10s", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ns = UNTOUCHED;
		int result = parse_duration(rows[i].text, &ns);

		if (result != rows[i].result || ns != (result < 0 ? UNTOUCHED : rows[i].ns))
			fail_msg("\"%s\": %d, %ju", rows[i].text, result, (uintmax_t)ns);
	}
}

static void test_counts(void **state)
{
	static const char *const wrong[] = {
		"", "0", "-1", "+1", " 1", "1 ", "1x", "x", "18446744073709551616"};
	uint64_t count = UNTOUCHED;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse_count(wrong[i], &count), -EINVAL);
		assert_true(count == UNTOUCHED);
	}
	assert_int_equal(parse_count("1", &count), 0);
	assert_true(count == 1);
	assert_int_equal(parse_count("18446744073709551615", &count), 0);
	assert_true(count == UINT64_MAX);
}

static void test_explanations_are_cut_to_fit(void **state)
{
	struct fusetrace_error error;
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(explain(&error, -EIO, "%s", text), -EIO);
	assert_int_equal(error.code, -EIO);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	assert_int_equal(explain(NULL, -EIO, "nobody listens"), -EIO);
}

static void test_later(void **state)
{
	const struct timespec early = {.tv_sec = 1, .tv_nsec = 999};
	const struct timespec late = {.tv_sec = 2, .tv_nsec = 0};

	assert_true(is_later(&late, &early));
	assert_false(is_later(&early, &late));
	assert_false(is_later(&early, &early));
	assert_true(is_later(&(struct timespec){.tv_sec = 2, .tv_nsec = 1}, &late));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_explanations_are_cut_to_fit),
		cmocka_unit_test(test_later),
	};

	return RUN_TESTS(tests);
}
