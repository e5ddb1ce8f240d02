/* SPDX-License-Identifier: MIT */
/* What a hostile name may do to a terminal: nothing; and the other conversions by their rules. */
#include "text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- UTF-8 ---- */

/* Straight from the definition; 0 if code_point has no encoding. */
static size_t encode(uint32_t code_point, char *out)
{
	if (code_point >= 0xd800 && code_point <= 0xdfff)
		return 0;
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (char)(0xc0 | code_point >> 6);
		out[1] = (char)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		out[0] = (char)(0xe0 | code_point >> 12);
		out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code_point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code_point >> 18);
	out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code_point & 0x3f));
	return 4;
}

static void test_every_character_decodes(void **state)
{
	for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
		uint32_t decoded = 0xdeadbeef;
		char bytes[4];
		size_t length = encode(code_point, bytes);

		if (length == 0)
			continue;
		if (ft_utf8_decode(bytes, length, &decoded) != length || decoded != code_point ||
		    !ft_utf8_valid(bytes, length) ||
		    ft_utf8_decode(bytes, length - 1, &decoded) != 0)
			fail_msg("U+%04X", code_point);
	}
}

/* All sequences of up to three bytes, and four by their first three: only what encode() makes. */
static void test_nothing_else_decodes(void **state)
{
	size_t accepted[5] = {0};

	for (uint32_t lead = 0; lead < 256; lead++)
		for (uint32_t second = 0; second < 256; second++)
			for (uint32_t third = 0; third < 256; third++) {
				char bytes[4] = {(char)lead, (char)second, (char)third, (char)0xbf};
				uint32_t code_point;
				char again[4];
				size_t length = ft_utf8_decode(bytes, 4, &code_point);

				if (length == 0)
					continue;
				if (encode(code_point, again) != length ||
				    memcmp(bytes, again, length) != 0)
					fail_msg("%02x %02x %02x", lead, second, third);
				accepted[length]++;
			}
	assert_int_equal(accepted[1], 128 * 65536);
	assert_int_equal(accepted[2], 1920 * 256);
	assert_int_equal(accepted[3], 0x10000 - 0x800 - 0x800);
	assert_int_equal(accepted[4], 0x100000 / 64);
}

static void test_valid(void **state)
{
	static const char *const valid[] = {
		"",
		"plain",
		"eight by",
		"eight bytes and more",
		"caf\xc3\xa9",
		"1234567\xc3\xa9",
		"12345678\xf0\x9f\x98\x80 12345678",
		"\xf4\x8f\xbf\xbf",
	};
	static const char *const invalid[] = {
		"\x80",
		"\xff",
		"caf\xc3",
		"1234567\xc3",
		"12345678\xc3",
		"12345678123\xe2\x82",
		"\xc0\x80",
		"\xe0\x80\xaf",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf0\x80\x80\xaf",
		"\xf8\x88\x80\x80\x80",
		"\xc3(",
		"1234567812345678\xfe",
	};

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		assert_true(ft_utf8_valid(valid[i], strlen(valid[i])));
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		assert_false(ft_utf8_valid(invalid[i], strlen(invalid[i])));
	assert_true(ft_utf8_valid("a\0b", 3));
	assert_true(ft_utf8_valid(NULL, 0));
}

static void test_width(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{"", 0},
		{"abc", 3},
		{"caf\xc3\xa9", 4},
		{"cafe\xcc\x81", 4},                         /* combining acute */
		{"\xe6\xbc\xa2\xe5\xad\x97", 4},             /* two Han characters */
		{"\xef\xbc\xa1", 2},                         /* full width A */
		{"\xef\xbd\xb1", 1},                         /* half width katakana */
		{"\xed\x95\x9c", 2},                         /* Hangul syllable */
		{"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 2}, /* the same from its parts */
		{"\xf0\x9f\x98\x80", 2},                     /* emoji */
		{"\xf0\xa0\x80\x80", 2},                     /* Han, plane 2 */
		{"\xe0\xa4\x95\xe0\xa5\x8d", 1},             /* Devanagari, virama */
		{"\xe2\x80\x8d", 0},                         /* joiner */
		{"\xd0\x96", 1},
		{"\xff\xfe", 2},
		{"\n\x1b", 2},
		{"\xc2\x85", 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (ft_utf8_width(ft_bytes_of(rows[i].text)) != rows[i].width)
			fail_msg("row %zu: %zu", i, ft_utf8_width(ft_bytes_of(rows[i].text)));
}

/* ---- escaping ---- */

static void assert_escaped(struct ft_bytes in, const char *expected)
{
	char out[256];

	memset(out, 'Z', sizeof(out));
	assert_int_equal(ft_text_escape(in, out, sizeof(out)), strlen(expected));
	assert_string_equal(out, expected);
}

static void test_escape(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{"", ""},
		{"/plain name.txt ~", "/plain name.txt ~"},
		{"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80",
		 "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80"},
		{"a\nb\tc\rd", "a\\nb\\tc\\rd"},
		{"a\\nb", "a\\\\nb"},
		{"\x1b[2J\x07\x08\x7f", "\\x1b[2J\\x07\\x08\\x7f"},
		{"\xff\x80", "\\xff\\x80"},
		{"\xc3", "\\xc3"},
		{"\xc3(", "\\xc3("},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		/* C1: the one-character forms of escape sequences. */
		{"\xc2\x9b"
		 "2J\xc2\x85",
		 "\\xc2\\x9b2J\\xc2\\x85"},
		{"\xc2\xa0", "\xc2\xa0"},
		{"a\xe2\x80\xae"
		 "cod.exe",
		 "a\\u{202e}cod.exe"},
		{"\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9", "\\u{202a}\\u{2066}\\u{2069}"},
		{"\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u{200e}\\u{200f}\\u{61c}"},
		{"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
		{"\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\u{200b}\\u{feff}\\u{ad}"},
		{"\xef\xbf\xbe\xf4\x8f\xbf\xbf", "\\u{fffe}\\u{10ffff}"},
		/* Joiners and combining characters are part of writing. */
		{"\xe2\x80\x8d\xe2\x80\x8c", "\xe2\x80\x8d\xe2\x80\x8c"},
		{"e\xcc\x81", "e\xcc\x81"},
		{"\xef\xbf\xbd", "\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_escaped(ft_bytes_of(rows[i].in), rows[i].out);
	assert_escaped(FT_BYTES_LITERAL("a\0b"), "a\\x00b");
	assert_escaped((struct ft_bytes){NULL, 0}, "");
}

/* What comes out is one line of printable characters, whatever goes in. */
static void test_escaped_text_is_harmless(void **state)
{
	for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
		char in[4], out[32];
		size_t length = encode(code_point, in);
		size_t escaped = ft_text_escape((struct ft_bytes){in, length}, out, sizeof(out));
		uint32_t first = 0;

		if (length == 0)
			continue;
		assert_in_range(escaped, 1, sizeof(out) - 1);
		assert_int_equal(ft_utf8_decode(out, escaped, &first), out[0] & 0x80 ? escaped : 1);
		if (first < 0x20 || (first >= 0x7f && first < 0xa0) ||
		    (first >= 0x2028 && first <= 0x202e) || (first >= 0x2066 && first <= 0x2069) ||
		    first == 0x200e || first == 0x200f || first == 0x61c)
			fail_msg("U+%04X", code_point);
		assert_true(first == code_point || first == '\\');
	}
	for (uint32_t pair = 0; pair < 65536; pair++) {
		char in[2] = {(char)(pair >> 8), (char)pair};
		char out[32];
		size_t escaped = ft_text_escape((struct ft_bytes){in, 2}, out, sizeof(out));

		assert_true(ft_utf8_valid(out, escaped));
		for (size_t i = 0; i < escaped; i++)
			assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
	}
}

/* Reads \n \t \r \\ \xHH \u{H..} back. Returns the length. */
static size_t unescape(const char *text, char *out)
{
	size_t length = 0;

	while (*text) {
		unsigned int number;
		int used = 0;

		if (*text != '\\') {
			out[length++] = *text++;
			continue;
		}
		if (sscanf(text, "\\x%2x%n", &number, &used) == 1 && used == 4) {
			out[length++] = (char)number;
		} else if (sscanf(text, "\\u{%x}%n", &number, &used) == 1 && used > 0) {
			length += encode(number, out + length);
		} else {
			used = 2;
			out[length++] = text[1] == 'n'   ? '\n'
					: text[1] == 't' ? '\t'
					: text[1] == 'r' ? '\r'
							 : text[1];
		}
		text += used;
	}
	return length;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Escapes to nothing but itself: two names never look the same. */
static void test_escape_can_be_undone(void **state)
{
	static const char *const pieces[] = {
		"a",    "\\",   "n",    "x",    "\n",      "\t",           "\xc3", "\xa9",
		"\xe2", "\x80", "\xae", "\xff", "u{202e}", "\xe2\x80\xae", "41"};
	uint64_t random = 88172645463325252u;

	for (size_t i = 0; i < 50000; i++) {
		char in[128] = "", out[1024], back[128];
		size_t n = next_random(&random) % 12;
		size_t length;

		for (size_t k = 0; k < n; k++)
			strcat(in, pieces[next_random(&random) % ARRAY_SIZE(pieces)]);
		length = ft_text_escape(ft_bytes_of(in), out, sizeof(out));
		assert_int_equal(length, strlen(out));
		assert_true(ft_utf8_valid(out, length));
		assert_int_equal(unescape(out, back), strlen(in));
		assert_memory_equal(back, in, strlen(in));
	}
}

/* Cut at any size: the NUL is there, no sequence is cut, nothing follows what was left out. */
static void test_escape_cut(void **state)
{
	static const struct ft_bytes in = FT_BYTES_LITERAL("a\xc3\xa9\n\x01\xe2\x80\xae\\z");
	static const char whole[] = "a\xc3\xa9\\n\\x01\\u{202e}\\\\z";
	static const size_t borders[] = {0, 1, 3, 5, 9, 17, 19, 20};

	assert_int_equal(ft_text_escape(in, NULL, 0), sizeof(whole) - 1);
	for (size_t size = 1; size <= sizeof(whole); size++) {
		char *out = malloc(size); /* exactly, for ASan */
		size_t length;
		bool is_border = false;

		assert_non_null(out);
		assert_int_equal(ft_text_escape(in, out, size), sizeof(whole) - 1);
		length = strnlen(out, size);
		assert_true(length < size);
		assert_memory_equal(out, whole, length);
		for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
			is_border |= borders[i] == length;
		assert_true(is_border);
		free(out);
	}
}

/* ---- base64 ---- */

static void test_base64_by_the_rfc(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xff\xfe\xfb", "//77"},
		{"\xfb\xef\xbe", "++++"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[32];
		size_t length = 99;

		assert_int_equal(ft_base64_encode(ft_bytes_of(rows[i][0]), out, sizeof(out)),
				 strlen(rows[i][1]));
		assert_string_equal(out, rows[i][1]);
		assert_int_equal(ft_base64_decode(ft_bytes_of(out), out, sizeof(out), &length), 0);
		assert_int_equal(length, strlen(rows[i][0]));
		assert_memory_equal(out, rows[i][0], length);
	}
}

static void test_base64_round_trip(void **state)
{
	uint64_t random = 42;

	for (size_t length = 0; length < 300; length++) {
		char *in = malloc(length + 1);
		char *back = malloc(length + 1);
		char text[512];
		size_t decoded = 0;

		assert_non_null(in);
		assert_non_null(back);
		for (size_t i = 0; i < length; i++)
			in[i] = (char)next_random(&random);
		assert_int_equal(
			ft_base64_encode((struct ft_bytes){in, length}, text, sizeof(text)),
			(length + 2) / 3 * 4);
		assert_int_equal(ft_base64_decode(ft_bytes_of(text), back, length, &decoded), 0);
		assert_int_equal(decoded, length);
		assert_memory_equal(back, in, length);
		if (length)
			assert_int_equal(
				ft_base64_decode(ft_bytes_of(text), back, length - 1, &decoded),
				-ENOBUFS);
		free(in);
		free(back);
	}
}

static void test_base64_refuses(void **state)
{
	static const char *const rows[] = {
		"Z",    "Zg",   "Zg=",  "Zg===", "Zg==Zg==",         "Z===",
		"====", "=g==", "Zh==", "Zm9=",  "Zm9v\n",           " Zm9v",
		"Zm9*", "Zm9-", "Zm9_", "Zg=a",  "\xc3\xa9\xc3\xa9",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[32];
		size_t length = 77;

		if (ft_base64_decode(ft_bytes_of(rows[i]), out, sizeof(out), &length) != -EINVAL)
			fail_msg("%s", rows[i]);
		assert_int_equal(length, 77);
	}
}

/* Every group of four letters: accepted if and only if it is what encoding gives. */
static void test_base64_has_one_form(void **state)
{
	for (uint32_t tail = 0; tail < 65536; tail++) {
		char text[4] = {'A', 'Q', (char)(tail >> 8), (char)tail};
		unsigned char bytes[3];
		char again[5];
		size_t length;

		if (ft_base64_decode((struct ft_bytes){text, 4}, bytes, sizeof(bytes), &length))
			continue;
		ft_base64_encode((struct ft_bytes){(char *)bytes, length}, again, sizeof(again));
		assert_memory_equal(again, text, 4);
	}
}

/* ---- durations ---- */

static void test_durations(void **state)
{
	static const struct {
		uint64_t duration_ns;
		const char *text;
		const char *column;
	} rows[] = {
		{0, "0ns", "     0ns"},
		{1, "1ns", "     1ns"},
		{850, "850ns", "   850ns"},
		{999, "999ns", "   999ns"},
		{1000, "1us", " 1.000us"},
		{1001, "1.001us", " 1.001us"},
		{12300, "12.3us", " 12.30us"},
		{12345, "12.35us", " 12.35us"},
		{12344, "12.34us", " 12.34us"},
		{100000, "100us", " 100.0us"},
		{999940, "999.9us", " 999.9us"},
		{999949, "999.9us", " 999.9us"},
		{999950, "1ms", " 1.000ms"},
		{999999, "1ms", " 1.000ms"},
		{9999500, "10ms", " 10.00ms"},
		{1500000, "1.5ms", " 1.500ms"},
		{999999999, "1s", "  1.000s"},
		{1500000000, "1.5s", "  1.500s"},
		{UINT64_C(59999000000), "60s", "  60.00s"},
		{UINT64_C(61250000000), "61.25s", "  61.25s"},
		{UINT64_C(1234500000000), "1235s", "   1235s"},
		{UINT64_C(9999400000000), "9999s", "   9999s"},
		{UINT64_C(9999500000000), "2.778h", "  2.778h"},
		{UINT64_C(100000000000000), "27.78h", "  27.78h"},
		{UINT64_MAX - 1, "5124096h", "5124096h"},
		{UINT64_MAX, "forever", " forever"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[FT_DURATION_SIZE];

		assert_int_equal(ft_format_duration(rows[i].duration_ns, false, out, sizeof(out)),
				 strlen(rows[i].text));
		assert_string_equal(out, rows[i].text);
		assert_int_equal(ft_format_duration(rows[i].duration_ns, true, out, sizeof(out)),
				 FT_DURATION_SIZE - 1);
		assert_string_equal(out, rows[i].column);
	}
	assert_int_equal(ft_format_duration(12300, false, NULL, 0), 6);
}

/* What is shown parses, and is right within half of the fourth digit. */
static void test_durations_parse(void **state)
{
	uint64_t random = 7;

	for (size_t i = 0; i < 100000; i++) {
		uint64_t duration_ns = next_random(&random) >> (next_random(&random) % 64);
		uint64_t parsed_ns, difference;
		char out[FT_DURATION_SIZE];

		assert_true(ft_format_duration(duration_ns, false, out, sizeof(out)) < sizeof(out));
		if (strcmp(out, "5124096h") == 0)
			continue; /* rounded beyond 64 bits */
		assert_int_equal(ft_parse_duration_ns(out, &parsed_ns), 0);
		difference =
			duration_ns > parsed_ns ? duration_ns - parsed_ns : parsed_ns - duration_ns;
		if (difference > duration_ns / 2000 + 1)
			fail_msg("%llu: %s", (unsigned long long)duration_ns, out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character_decodes),
		cmocka_unit_test(test_nothing_else_decodes),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escaped_text_is_harmless),
		cmocka_unit_test(test_escape_can_be_undone),
		cmocka_unit_test(test_escape_cut),
		cmocka_unit_test(test_base64_by_the_rfc),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_base64_has_one_form),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_durations_parse),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
