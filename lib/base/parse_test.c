/* SPDX-License-Identifier: MIT */
/* Every form that is a number, every edge of its range, and what only looks like one. */
#include "parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define UNTOUCHED UINT64_C(0x5555555555555555)

struct row {
	const char *text;
	int result;
	uint64_t number;
};

static void check(int (*parse)(const char *, uint64_t *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t number = UNTOUCHED;
		int result = parse(rows[i].text, &number);

		/* What fails writes nothing. */
		if (result != rows[i].result || number != (result < 0 ? UNTOUCHED : rows[i].number))
			fail_msg("\"%s\": %d, %llu", rows[i].text, result,
				 (unsigned long long)number);
	}
	assert_int_equal(parse(NULL, NULL), -EINVAL);
}

static void test_u64(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"7", 0, 7},
		{"010", 0, 10},
		{"18446744073709551615", 0, UINT64_MAX},
		{"00000000000000000000000000018446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"99999999999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1\n", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"\xd9\xa1", -EINVAL, 0}, /* an Arabic one */
	};

	check(ft_parse_u64, rows, ARRAY_SIZE(rows));
}

static void test_u64_bytes(void **state)
{
	uint64_t number = UNTOUCHED;

	assert_int_equal(ft_parse_u64_bytes((struct ft_bytes){"12345", 3}, &number), 0);
	assert_int_equal(number, 123);
	assert_int_equal(ft_parse_u64_bytes(FT_BYTES_LITERAL("1\0"), &number), -EINVAL);
	assert_int_equal(ft_parse_u64_bytes((struct ft_bytes){"1", 0}, &number), -EINVAL);
	assert_int_equal(ft_parse_u64_bytes((struct ft_bytes){NULL, 0}, &number), -EINVAL);
	assert_int_equal(number, 123);
}

static void test_durations(void **state)
{
	static const struct row rows[] = {
		{"5s", 0, UINT64_C(5000000000)},
		{"300ms", 0, 300000000},
		{"1.5s", 0, 1500000000},
		{"50us", 0, 50000},
		{"100ns", 0, 100},
		{"2m", 0, UINT64_C(120000000000)},
		{"1h", 0, UINT64_C(3600000000000)},
		{"0.5h", 0, UINT64_C(1800000000000)},
		{"5", 0, UINT64_C(5000000000)},
		{"0.25", 0, 250000000},
		{".5", 0, 500000000},
		{"0", 0, 0},
		{"0.000", 0, 0},
		{"0h", 0, 0},
		{"inf", 0, UINT64_MAX},
		{"forever", 0, UINT64_MAX},
		/* Rounded up: only zero is zero. */
		{"0.1ns", 0, 1},
		{"1.1ns", 0, 2},
		{"1.000000001s", 0, 1000000001},
		{"1.0000000001s", 0, 1000000001},
		{"0.000000000000000000000000000001", 0, 1},
		{"0.999999999999999999999999999999", 0, 1000000000},
		{"0.333333333333333333h", 0, UINT64_C(1200000000000)},
		/* The edges: UINT64_MAX itself is "forever". */
		{"18446744073709551614ns", 0, UINT64_MAX - 1},
		{"18446744073709551615ns", -ERANGE, 0},
		{"18446744073709551616ns", -ERANGE, 0},
		{"18446744073.709551614", 0, UINT64_MAX - 1},
		{"18446744073.709551615", -ERANGE, 0},
		{"18446744073.7095516145", -ERANGE, 0},
		{"18446744074s", -ERANGE, 0},
		{"5124095.9h", -ERANGE, 0},
		{"99999999999999999999h", -ERANGE, 0},
		{"", -EINVAL, 0},
		{".", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{".s", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"1.s", -EINVAL, 0},
		{"1.5.5s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"-0", -EINVAL, 0},
		{"+1s", -EINVAL, 0},
		{" 1s", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1s ", -EINVAL, 0},
		{"1sec", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1m30s", -EINVAL, 0},
		{"1d", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"1,5s", -EINVAL, 0},
		{"nan", -EINVAL, 0},
		{"NaN", -EINVAL, 0},
		{"-inf", -EINVAL, 0},
		{"infs", -EINVAL, 0},
		{"infinity", -EINVAL, 0},
		{"99999999999999999999x", -EINVAL, 0},
	};

	check(ft_parse_duration_ns, rows, ARRAY_SIZE(rows));
}

static void test_sizes(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"10B", 0, 10},
		{"64K", 0, 65536},
		{"64k", 0, 65536},
		{"64KiB", 0, 65536},
		{"16MiB", 0, 16777216},
		{"3m", 0, 3145728},
		{"1G", 0, 1073741824},
		{"2GiB", 0, UINT64_C(2147483648)},
		{"1T", 0, UINT64_C(1) << 40},
		{"1TiB", 0, UINT64_C(1) << 40},
		{"16777215T", 0, UINT64_MAX - (UINT64_C(1) << 40) + 1},
		{"16777216T", -ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"K", -EINVAL, 0},
		{"64KB", -EINVAL, 0},
		{"64Kib", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"1 G", -EINVAL, 0},
		{"1GG", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
	};

	check(ft_parse_size, rows, ARRAY_SIZE(rows));
}

static void test_errnos(void **state)
{
	static const struct {
		const char *text;
		int result;
		int error;
	} rows[] = {
		{"ENOSPC", 0, ENOSPC},
		{"enospc", 0, ENOSPC},
		{"EInval", 0, EINVAL},
		{"28", 0, 28},
		{"1", 0, 1},
		{"4095", 0, 4095},
		{"EWOULDBLOCK", 0, EAGAIN},
		{"EAGAIN", 0, EAGAIN},
		{"EDEADLOCK", 0, EDEADLK},
		{"ENOTSUP", 0, EOPNOTSUPP},
		{"EOPNOTSUPP", 0, EOPNOTSUPP},
		{"ENOATTR", 0, ENODATA},
		{"0", -ERANGE, 0},
		{"4096", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"-28", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"ENOSPCX", -EINVAL, 0},
		{"ENOSP", -EINVAL, 0},
		{"NOSPC", -EINVAL, 0},
		{" ENOSPC", -EINVAL, 0},
		{"28 ", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int error = 7777;
		int result = ft_parse_errno(rows[i].text, &error);

		if (result != rows[i].result || error != (result < 0 ? 7777 : rows[i].error))
			fail_msg("\"%s\": %d, %d", rows[i].text, result, error);
	}
	assert_int_equal(ft_parse_errno(NULL, NULL), -EINVAL);
}

static void test_errno_names(void **state)
{
	size_t named = 0;

	assert_string_equal(ft_errno_name(ENOENT), "ENOENT");
	assert_string_equal(ft_errno_name(ENOSPC), "ENOSPC");
	assert_string_equal(ft_errno_name(EAGAIN), "EAGAIN");
	assert_string_equal(ft_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
	assert_null(ft_errno_name(0));
	assert_null(ft_errno_name(-ENOENT));
	assert_null(ft_errno_name(4096));
	assert_null(ft_errno_name(INT32_MAX));
	assert_null(ft_errno_name(INT32_MIN));

	for (int error = 1; error < 4096; error++) {
		const char *name = ft_errno_name(error);
		int parsed = 0;

		if (!name)
			continue;
		assert_ptr_equal(name, ft_errno_name(error));
		assert_int_equal(ft_parse_errno(name, &parsed), 0);
		assert_int_equal(parsed, error);
		named++;
	}
	assert_true(named >= 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),       cmocka_unit_test(test_u64_bytes),
		cmocka_unit_test(test_durations), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_errnos),    cmocka_unit_test(test_errno_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
