/* SPDX-License-Identifier: MIT */
/* What applications put around a record: where it begins, what is usual, what is an envelope. */
#include "prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

static const char *const first_begins[] = {"rx ", "unique: ", NULL};
static const char *const second_begins[] = {"FUSE(", NULL};
static const struct ft_format first = {.begins = first_begins};
static const struct ft_format second = {.begins = second_begins};
static const struct ft_format third = {.begins = NULL};
static const struct ft_format *const formats[] = {&first, &second, &third, NULL};
static struct ft_begins begins;

static void test_begins(void **state)
{
	assert_int_equal(begins.count, 3);
	assert_string_equal(begins.texts[2], "FUSE(");
	assert_int_equal(begins.lengths[1], strlen("unique: "));
	for (int pair = 0; pair < 1 << 16; pair++)
		assert_int_equal(begins.is_pair[pair / 64] >> pair % 64 & 1,
				 pair == ('r' << 8 | 'x') || pair == ('u' << 8 | 'n') ||
					 pair == ('F' << 8 | 'U'));
}

/* One too many would not be found behind a prefix. */
static void test_room_for_all(void **state)
{
	struct ft_begins all;
	size_t count = 0;

	for (size_t i = 0; ft_formats[i]; i++) {
		for (const char *const *text = ft_formats[i]->begins; text && *text; text++) {
			assert_true(strlen(*text) >= 2);
			count++;
		}
	}
	ft_begins_init(&all, ft_formats);
	assert_int_equal(all.count, count);
}

static void test_too_many(void **state)
{
	static const char *many_begins[FT_BEGINS_MAX + 2];
	static const struct ft_format many = {.begins = many_begins};
	static const struct ft_format *const list[] = {&many, &first, NULL};
	struct ft_begins found;

	for (size_t i = 0; i <= FT_BEGINS_MAX; i++)
		many_begins[i] = "xy";
	ft_begins_init(&found, list);
	assert_int_equal(found.count, FT_BEGINS_MAX);
}

/* ---- prefixes ---- */

/* All places where a record may begin, as "TEXT clock!; ", with the '!' if it is suspect. */
static char *places(const char *text, bool (*next)(const struct ft_begins *, struct ft_bytes,
						   size_t *, struct ft_line *))
{
	size_t length = strlen(text), at = 1, size = 0;
	char *exact = malloc(length ? length : 1); /* a byte too many is seen */
	struct ft_line line = {.text = {NULL, 0}};
	char *found = NULL;
	FILE *out = open_memstream(&found, &size);

	assert_non_null(exact);
	assert_non_null(out);
	memcpy(exact, text, length);
	while (next(&begins, (struct ft_bytes){exact, length}, &at, &line)) {
		assert_ptr_equal(line.text.data + 1, exact + at);
		assert_ptr_equal(line.text.data + line.text.length, exact + length);
		fprintf(out, "%.*s %u%s; ", (int)line.text.length, line.text.data, line.time.clock,
			line.is_suspect ? "!" : "");
	}
	fclose(out);
	free(exact);
	return found;
}

static const struct {
	const char *text;
	const char *places;
} prefixes[] = {
	/* usual ones */
	{"09:00:00.5 rx 2", "rx 2 4; "},
	{"2026/11/22 08:59:22 DEBUG : rx 2", "rx 2 3; "},
	{"2026/11/22 08:59:28.997 mount.go:81: [24303] DEBUG : rx 2", "rx 2 3; "},
	{"2026-11-22 09:01:19 restic/cmd.go:176\tmain.run.func2\trx 2", "rx 2 3; "},
	{"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(", "FUSE( 2; "},
	{"[2026-11-22T09:17:17Z DEBUG fuser] FUSE(", "FUSE( 2; "},
	{"   0.000279503s DEBUG fuser::request: FUSE(", "FUSE( 5; "},
	{"DEBUG:fuse.log-mixin:rx 2", "rx 2 0; "},
	{"WARNING rx 2", "rx 2 0; "},
	{"[12345] rx 2", "rx 2 0; "},
	{"d/n: Open: rx 2", "rx 2 0; "}, /* a place in the source, or a name like one */
	/* words of somebody else */
	{"hello rx 2", "rx 2 0!; "},
	{"09:00:00 fuser rx 2", "rx 2 4!; "},
	{"DEBUG fuser rx 2", "rx 2 0!; "},
	{"d/n Open: rx 2", "rx 2 0!; "},
	{"[path=/x] rx 2", "rx 2 0!; "},
	/* more than one place */
	{"09:00:00 rx 2: rx 4", "rx 2: rx 4 4; rx 4 4!; "},
	{"rx 2 rx 4", "rx 4 0!; "},
	/* none */
	{"rx 2", ""},
	{"", ""},
	{"x", ""},
	{"09:00:00 rx2", ""},
	{"09:00:00,rx 2", ""},
	{"LOOKUP \"a rx 2", ""},     /* in a name */
	{"\033[32m DEBUG rx 2", ""}, /* colours first */
	{"DEBUG \033[0mrx 2", ""},
};

static void test_next(void **state)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		char *found = places(prefixes[i].text, ft_prefix_next);

		if (strcmp(found, prefixes[i].places) != 0)
			fail_msg("%s: %s", prefixes[i].text, found);
		free(found);
	}
}

static void test_length_limit(void **state)
{
	char text[FT_PREFIX_LENGTH_MAX + 10];
	char *found;

	memset(text, ' ', sizeof(text));
	strcpy(text + FT_PREFIX_LENGTH_MAX - 1, "rx 2");
	found = places(text, ft_prefix_next);
	assert_string_equal(found, "rx 2 0; ");
	free(found);
	memset(text, ' ', sizeof(text));
	strcpy(text + FT_PREFIX_LENGTH_MAX, "rx 2");
	found = places(text, ft_prefix_next);
	assert_string_equal(found, "");
	free(found);
}

/* Only what is long enough, anywhere but at the begin. */
static void test_torn(void **state)
{
	static const struct {
		const char *text;
		const char *places;
	} cases[] = {
		{"closed file 30unique: 2", "unique: 2 0!; "},
		{"09:00:00 unique: 2", "unique: 2 0!; "},
		{"xunique: 2 unique: 4", "unique: 2 unique: 4 0!; unique: 4 0!; "},
		{"xrx 2 FUSE(", ""},
		{"unique: 2", ""},
		{"xunique:", ""},
		{"x", ""},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *found = places(cases[i].text, ft_prefix_torn);

		if (strcmp(found, cases[i].places) != 0)
			fail_msg("%s: %s", cases[i].text, found);
		free(found);
	}
}

/* ---- colours ---- */

static void test_colours(void **state)
{
	static const struct {
		const char *text;
		const char *plain; /* NULL: it has none */
	} cases[] = {
		{"\033[32mgreen\033[0m", "green"},
		{"\033[0m\033[1;38;5;12mx", "x"},
		{"a\033[mb", "ab"},
		{"\033[31m", ""},
		{"plain", NULL},
		{"", NULL},
		/* what is no colour stays */
		{"a\033[2Jb\033[0m", "a\033[2Jb"},
		{"a\033", "a\033"},
		{"a\033[", "a\033["},
		{"a\033[3", "a\033[3"},
		{"\033\033[0mx", "\033x"},
		{"\033]0;m\033[0m", "\033]0;m"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[64];
		size_t length = ft_prefix_uncolour(ft_bytes_of(cases[i].text), out);

		assert_int_equal(length, cases[i].plain ? strlen(cases[i].plain) : 0);
		if (cases[i].plain)
			assert_memory_equal(out, cases[i].plain, length);
	}
}

/* ---- envelopes ---- */

static const struct {
	const char *text;
	const char *message; /* NULL: it is none */
	uint32_t clock;
} envelopes[] = {
	{"{\"msg\":\"rx 2\",\"time\":\"2026-11-22T09:00:00Z\"}", "rx 2", FT_CLOCK_UTC},
	{"{\"ts\":\"2026-11-22 09:00:00\",\"message\":\"rx 2\"}", "rx 2", FT_CLOCK_LOCAL},
	{"{\"level\":\"debug\",\"msg\":\"\\u003c- \\\"a\\\"\\n\"}", "<- \"a\"\n", FT_CLOCK_NONE},
	{"{\"MESSAGE\":\"a\",\"@timestamp\":\"never\"}", "a", FT_CLOCK_NONE},
	{"{\"log\":\"rx 2\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-22T09:00:00.5Z\"}",
	 "rx 2\n", FT_CLOCK_UTC},
	{"{\"timestamp\":\"2026-11-22T09:00:00Z\",\"fields\":{\"x\":1,\"message\":\"FUSE(\"}}",
	 "FUSE(", FT_CLOCK_UTC},
	{"{\"msg\":\"\"}", "", FT_CLOCK_NONE},
	{"time=\"2026-11-22 09:00:00\" severity=TRACE message=\"rx \\\"2\\\"\"", "rx \"2\"",
	 FT_CLOCK_LOCAL},
	{"msg=bare", "bare", FT_CLOCK_NONE},
	{"msg=\"a\" note=\"b\\tc\"", "a", FT_CLOCK_NONE},
	{"msg=\"a\" then", "a", FT_CLOCK_NONE},
	/* none */
	{"", NULL, 0},
	{"{", NULL, 0},
	{"{}", NULL, 0},
	{"{\"msg\":1}", NULL, 0},
	{"{\"msg\":{\"msg\":\"a\"}}", NULL, 0},
	{"{\"fields\":\"message\"}", NULL, 0},
	{"{\"msg\":\"\\x\"}", NULL, 0},
	{"{\"text\":\"a\"}", NULL, 0},
	{"time=\"2026-11-22 09:00:00\"", NULL, 0},
	{"msg", NULL, 0},
	{"=\"a\"", NULL, 0},
	{"words, and msg=\"a\"", NULL, 0},
};

static void test_envelopes(void **state)
{
	for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
		size_t length = strlen(envelopes[i].text);
		char *exact = malloc(length ? length : 1);
		char *scratch = malloc(length ? length : 1); /* all the room that is promised */
		struct ft_line line = {.is_suspect = true};
		bool is_one;

		assert_non_null(exact);
		assert_non_null(scratch);
		memcpy(exact, envelopes[i].text, length);
		is_one = ft_prefix_envelope((struct ft_bytes){exact, length}, scratch, &line);
		if (is_one != (envelopes[i].message != NULL))
			fail_msg("%s: %d", envelopes[i].text, is_one);
		if (is_one) {
			assert_int_equal(line.text.length, strlen(envelopes[i].message));
			assert_memory_equal(line.text.data, envelopes[i].message, line.text.length);
			assert_int_equal(line.time.clock, envelopes[i].clock);
			assert_false(line.is_suspect);
		}
		free(scratch);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins),       cmocka_unit_test(test_room_for_all),
		cmocka_unit_test(test_too_many),     cmocka_unit_test(test_next),
		cmocka_unit_test(test_length_limit), cmocka_unit_test(test_torn),
		cmocka_unit_test(test_colours),      cmocka_unit_test(test_envelopes),
	};

	ft_test_deadline(110);
	ft_begins_init(&begins, formats);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
