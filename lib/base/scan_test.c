/* SPDX-License-Identifier: MIT */
/* The cursor: what is taken, where it stands then, and that nothing is taken of what does not fit. */
#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "testing.h"

static struct ft_scan scan_of(const char *text)
{
	return ft_scan_of(ft_bytes_of(text));
}

static void assert_bytes(struct ft_bytes bytes, const char *expected)
{
	assert_true(ft_bytes_equal(bytes, ft_bytes_of(expected)));
}

static void assert_rest(const struct ft_scan *scan, const char *expected)
{
	assert_bytes(ft_scan_rest(scan), expected);
	assert_int_equal(ft_scan_left(scan), strlen(expected));
	assert_int_equal(ft_scan_is_end(scan), *expected == '\0');
}

static void test_literals_and_characters(void **state)
{
	struct ft_scan scan = scan_of("unique:   7");

	assert_false(ft_scan_literal(&scan, "uniques"));
	assert_false(ft_scan_literal(&scan, "unique:   77"));
	assert_rest(&scan, "unique:   7");
	assert_true(ft_scan_literal(&scan, "unique"));
	assert_false(ft_scan_char(&scan, ' '));
	assert_true(ft_scan_char(&scan, ':'));
	assert_int_equal(ft_scan_chars(&scan, ' '), 3);
	assert_int_equal(ft_scan_chars(&scan, ' '), 0);
	assert_true(ft_scan_char(&scan, '7'));
	assert_rest(&scan, "");
	assert_false(ft_scan_char(&scan, '7'));
	assert_int_equal(ft_scan_chars(&scan, '7'), 0);
	assert_true(ft_scan_literal(&scan, ""));
}

struct number {
	const char *text;
	bool is_taken;
	uint64_t number;
	const char *rest;
};

static void test_decimal(void **state)
{
	static const struct number numbers[] = {
		{"0", true, 0, ""},
		{"007 ", true, 7, " "},
		{"42x", true, 42, "x"},
		{"18446744073709551615,", true, UINT64_MAX, ","},
		{"18446744073709551616", false, 0, "18446744073709551616"},
		{"99999999999999999999", false, 0, "99999999999999999999"},
		{"0000000000000000000000018446744073709551615", true, UINT64_MAX, ""},
		{"", false, 0, ""},
		{"-1", false, 0, "-1"},
		{"/", false, 0, "/"},
		{":", false, 0, ":"},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct ft_scan scan = scan_of(numbers[i].text);
		uint64_t number = 0;

		assert_int_equal(ft_scan_u64(&scan, &number), numbers[i].is_taken);
		assert_int_equal(number, numbers[i].number);
		assert_rest(&scan, numbers[i].rest);
	}
}

static void test_decimal_of_32_bits(void **state)
{
	struct ft_scan scan = scan_of("4294967295 4294967296");
	uint32_t number = 0;

	assert_true(ft_scan_u32(&scan, &number));
	assert_int_equal(number, UINT32_MAX);
	assert_true(ft_scan_char(&scan, ' '));
	assert_false(ft_scan_u32(&scan, &number));
	assert_int_equal(number, UINT32_MAX);
	assert_rest(&scan, "4294967296");
}

static void test_hexadecimal_and_octal(void **state)
{
	static const struct number numbers[] = {
		{"ffffffffffffffff.", true, UINT64_MAX, "."},
		{"10000000000000000", false, 0, "10000000000000000"},
		{"DeadBeefg", true, 0xdeadbeef, "g"},
		{"x1", false, 0, "x1"},
		{"@", false, 0, "@"},
		{"", false, 0, ""},
	};
	struct ft_scan scan;
	uint32_t mode = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number = 0;

		scan = scan_of(numbers[i].text);
		assert_int_equal(ft_scan_hex(&scan, &number), numbers[i].is_taken);
		assert_int_equal(number, numbers[i].number);
		assert_rest(&scan, numbers[i].rest);
	}
	scan = scan_of("37777777777 40000000000 8");
	assert_true(ft_scan_octal(&scan, &mode));
	assert_int_equal(mode, UINT32_MAX);
	assert_true(ft_scan_char(&scan, ' '));
	assert_false(ft_scan_octal(&scan, &mode));
	assert_true(ft_scan_literal(&scan, "40000000000 "));
	assert_false(ft_scan_octal(&scan, &mode));
	assert_rest(&scan, "8");
}

static void test_words_and_searches(void **state)
{
	struct ft_scan scan = scan_of("getattr_2[5] (null), outsize: 16");
	struct ft_bytes found = {NULL, 0};

	assert_true(ft_scan_word(&scan, &found));
	assert_bytes(found, "getattr_2");
	assert_false(ft_scan_word(&scan, &found));
	assert_true(ft_scan_until(&scan, ']', &found));
	assert_bytes(found, "[5");
	assert_false(ft_scan_until(&scan, ']', &found));
	assert_false(ft_scan_past(&scan, "), outsize= ", 12, &found));
	assert_rest(&scan, " (null), outsize: 16");
	assert_true(ft_scan_past(&scan, "), outsize: ", 12, &found));
	assert_bytes(found, " (null");
	assert_rest(&scan, "16");
	assert_true(ft_scan_word(&scan, &found));
	assert_false(ft_scan_until(&scan, ' ', &found));
	assert_false(ft_scan_past(&scan, "1", 1, &found));
}

/* ---- quotes ---- */

struct quote {
	const char *text;
	const char *decoded; /* NULL: refused */
	const char *rest;
};

static const struct quote quotes[] = {
	{"\"\"", "", ""},
	{"\"plain\" x", "plain", " x"},
	{"\"a b\",", "a b", ","},
	{"\"\\\"\\\\\\'\"!", "\"\\'", "!"},
	{"\"\\n\\t\\r\\a\\b\\f\\v\\e\"", "\n\t\r\a\b\f\v\033", ""},
	{"\"\\x41\\x7a\\xFF\"", "Az\xff", ""},
	{"\"\\u00e9\\U0001f600\"", "\xc3\xa9\xf0\x9f\x98\x80", ""},
	{"\"\\u{e9}\\u{1f600}\\u{A}\"", "\xc3\xa9\xf0\x9f\x98\x80\n", ""},
	{"\"\\101\\12\\3778\"",
	 "A\n\xff"
	 "8",
	 ""},
	{"\"\\q\\/\"", "q/", ""},
	/* a newline and a raw byte that is no UTF-8 stand for themselves */
	{"\"a\nb\xff\" ", "a\nb\xff", " "},
	{"\"ends not", NULL, "\"ends not"},
	{"\"ends not\\\"", NULL, "\"ends not\\\""},
	{"\"\\", NULL, "\"\\"},
	{"\"\\x4\"", NULL, "\"\\x4\""},
	{"\"\\xgg\"", NULL, "\"\\xgg\""},
	{"\"\\u12\"", NULL, "\"\\u12\""},
	{"\"\\u{110000}\"", NULL, "\"\\u{110000}\""},
	{"\"\\u{}\"", NULL, "\"\\u{}\""},
	{"\"\\u{41\"", NULL, "\"\\u{41\""},
	{"no quote", NULL, "no quote"},
	{"", NULL, ""},
	{"\"", NULL, "\""},
};

/* Of the exact size, so that a sanitizer sees the first byte too many. */
static void test_quotes(void **state)
{
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		size_t length = strlen(quotes[i].text);
		char *text = malloc(length + 1);
		char *scratch = malloc(length + 1);
		struct ft_bytes found = {NULL, 0};
		struct ft_scan scan;

		memcpy(text, quotes[i].text, length);
		scan = ft_scan_of((struct ft_bytes){text, length});
		assert_int_equal(ft_scan_quoted(&scan, scratch, &found), !!quotes[i].decoded);
		if (quotes[i].decoded)
			assert_bytes(found, quotes[i].decoded);
		assert_rest(&scan, quotes[i].rest);
		free(scratch);
		free(text);
	}
}

static void test_nul_in_a_quote(void **state)
{
	struct ft_scan scan = scan_of("\"a\\0b\\x00c\"");
	struct ft_bytes found;
	char scratch[16];

	assert_true(ft_scan_quoted(&scan, scratch, &found));
	assert_int_equal(found.length, 5);
	assert_memory_equal(found.data, "a\0b\0c", 5);
}

/* What is decoded fits into as many bytes as were left, whatever stands there. */
static void test_room_for_random_quotes(void **state)
{
	static const char alphabet[] = "\"\\\\\\\\xuUn{}0179aAfF \xff";
	uint64_t seed = ft_test_seed();

	for (size_t i = 0; i < ft_test_cases(20000); i++) {
		size_t length = ft_test_below(&seed, 24);
		char *text = malloc(length + 1);
		char *scratch = malloc(length ? length : 1);
		struct ft_bytes found;
		struct ft_scan scan;

		text[0] = '"';
		for (size_t at = 1; at < length; at++)
			text[at] = alphabet[ft_test_below(&seed, sizeof(alphabet) - 1)];
		scan = ft_scan_of((struct ft_bytes){text, length});
		if (length && ft_scan_quoted(&scan, scratch, &found))
			assert_true(found.length + 2 <= length - ft_scan_left(&scan));
		else
			assert_ptr_equal(scan.at, text);
		free(scratch);
		free(text);
	}
}

static void test_utf8(void **state)
{
	static const struct {
		uint32_t code_point;
		const char *bytes;
	} samples[] = {
		{0x7f, "\x7f"},
		{0x80, "\xc2\x80"},
		{0x7ff, "\xdf\xbf"},
		{0x800, "\xe0\xa0\x80"},
		{0xd800, "\xed\xa0\x80"},
		{0xffff, "\xef\xbf\xbf"},
		{0x10000, "\xf0\x90\x80\x80"},
		{0x10ffff, "\xf4\x8f\xbf\xbf"},
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char out[4];
		char *end = ft_utf8_put(out, samples[i].code_point);

		assert_bytes((struct ft_bytes){out, (size_t)(end - out)}, samples[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals_and_characters),
		cmocka_unit_test(test_decimal),
		cmocka_unit_test(test_decimal_of_32_bits),
		cmocka_unit_test(test_hexadecimal_and_octal),
		cmocka_unit_test(test_words_and_searches),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_nul_in_a_quote),
		cmocka_unit_test(test_room_for_random_quotes),
		cmocka_unit_test(test_utf8),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
