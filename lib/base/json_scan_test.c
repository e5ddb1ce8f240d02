/* SPDX-License-Identifier: MIT */
/* The member scanner: what it steps over, and that it reads of any object what jansson reads. */
#include "json_scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "testing.h"

/* Every member as KEY=KIND:VALUE; and how it ended. */
static void print_members(const char *text, char *out, size_t size)
{
	struct ft_scan scan = ft_scan_of(ft_bytes_of(text));
	struct ft_json_member member;
	size_t used = 0;
	int r;

	if (!ft_json_scan_open(&scan)) {
		snprintf(out, size, "none");
		return;
	}
	while ((r = ft_json_scan_next(&scan, &member)) == 1)
		used += (size_t)snprintf(out + used, size - used, "%.*s=%c:%.*s ",
					 (int)member.key.length, member.key.data, member.kind,
					 (int)member.value.length, member.value.data);
	snprintf(out + used, size - used, "%s", r == 0 ? "end" : "bad");
	assert_true(r == 0 || r == -EBADMSG);
}

static void test_members(void **state)
{
	static const char *const samples[][2] = {
		{"{}", "end"},
		{" {\t\"a\" : \"x\" , \"b\":1 }", "a=\":x b=0:1 end"},
		{"{\"a\":-1.5e+3,\"b\":true,\"c\":false,\"d\":null}",
		 "a=0:-1.5e+3 b=t:true c=f:false d=n:null end"},
		{"{\"a\":{\"b\":[1,\"}\"]},\"c\":[{},[]]}",
		 "a={:{\"b\":[1,\"}\"]} c=[:[{},[]] end"},
		{"{\"a\\\"\":\"\\\\\",\"b\":\"\\\"}\"}", "a\\\"=\":\\\\ b=\":\\\"} end"},
		{"{\"a\":1,\"a\":2}", "a=0:1 a=0:2 end"},
		/* more behind it is the caller's business */
		{"{\"a\":1} x", "a=0:1 end"},
		{"{\"a\":1", "a=0:1 bad"},
		{"{\"a\":\"x", "bad"},
		{"{\"a\":\"x\\", "bad"},
		{"{\"a\":\"x\\\"", "bad"},
		{"{\"a\"", "bad"},
		{"{\"a\":", "bad"},
		{"{\"a\":}", "bad"},
		{"{\"a\":{\"b\":1}", "a={:{\"b\":1} bad"},
		{"{\"a\":[1", "bad"},
		{"{a:1}", "bad"},
		{"{", "bad"},
		{"[1]", "none"},
		{"x", "none"},
		{"", "none"},
	};
	char out[200];

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		print_members(samples[i][0], out, sizeof(out));
		assert_string_equal(out, samples[i][1]);
	}
}

static void test_text(void **state)
{
	static const char *const samples[][2] = {
		{"plain", "plain"},
		{"", ""},
		{"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
		{"\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac"},
		{"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
		/* halves of pairs */
		{"\\ud83d", "\xef\xbf\xbd"},
		{"\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\\ud83d\\u0041", "\xef\xbf\xbd"
				   "A"},
		{"\\x41", NULL},
		{"\\u12", NULL},
		{"\\u12g4", NULL},
		{"\\", NULL},
		{"a\\", NULL},
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct ft_bytes raw = ft_bytes_of(samples[i][0]);
		char *scratch = malloc(raw.length ? raw.length : 1);
		struct ft_bytes text;
		bool is_taken = ft_json_scan_text(raw, scratch, &text);

		assert_int_equal(is_taken, !!samples[i][1]);
		if (is_taken)
			assert_true(ft_bytes_equal(text, ft_bytes_of(samples[i][1])));
		free(scratch);
	}
}

/* ---- beside jansson ---- */

static json_t *random_string(uint64_t *seed)
{
	static const char *const parts[] = {
		"a", "\"", "\\", "/", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80",
		"}", "]",  ",",  ":", "{",  " ",    "\\u0041"};
	char text[64] = "";
	size_t count = ft_test_below(seed, 12);

	for (size_t i = 0; i < count; i++)
		strcat(text, parts[ft_test_below(seed, sizeof(parts) / sizeof(parts[0]))]);
	return json_string(text);
}

static json_t *random_value(uint64_t *seed, int depth)
{
	json_t *value;
	size_t count = ft_test_below(seed, 4);

	switch (ft_test_below(seed, depth ? 7 : 5)) {
	case 0:
		return json_integer((json_int_t)ft_test_random(seed));
	case 1:
		return json_real((double)ft_test_below(seed, 1000) / 7);
	case 2:
		return json_boolean(ft_test_below(seed, 2));
	case 3:
		return json_null();
	case 4:
		return random_string(seed);
	case 5:
		value = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(value, random_value(seed, depth - 1));
		return value;
	default:
		value = json_object();
		for (size_t i = 0; i < count; i++) {
			json_t *key = random_string(seed);

			json_object_set_new(value, json_string_value(key),
					    random_value(seed, depth - 1));
			json_decref(key);
		}
		return value;
	}
}

static struct ft_bytes decoded(struct ft_bytes raw, char *scratch)
{
	struct ft_bytes text;

	assert_true(ft_json_scan_text(raw, scratch, &text));
	return text;
}

static char kind_of(const json_t *value)
{
	static const char kinds[] = {
		[JSON_OBJECT] = '{', [JSON_ARRAY] = '[', [JSON_STRING] = '"', [JSON_INTEGER] = '0',
		[JSON_REAL] = '0',   [JSON_TRUE] = 't',  [JSON_FALSE] = 'f',  [JSON_NULL] = 'n'};

	return kinds[json_typeof(value)];
}

static void check_member(const json_t *object, const struct ft_json_member *member)
{
	char *scratch = malloc(member->key.length + member->value.length + 2);
	struct ft_bytes key = decoded(member->key, scratch);
	char *name = strndup(key.data, key.length);
	json_t *expected = json_object_get(object, name);
	json_t *value;

	free(name);
	assert_non_null(expected);
	assert_int_equal(member->kind, kind_of(expected));
	if (member->kind == '"') {
		struct ft_bytes text = decoded(member->value, scratch);

		assert_int_equal(text.length, json_string_length(expected));
		assert_memory_equal(text.data, json_string_value(expected), text.length);
	} else {
		value = json_loadb(member->value.data, member->value.length, JSON_DECODE_ANY, NULL);
		assert_true(json_equal(value, expected));
		json_decref(value);
	}
	free(scratch);
}

/* In memory of exactly its size, so that a sanitizer sees the first byte too many. */
static char *exact_copy(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	return memcpy(copy, text, length);
}

static void check_object(const json_t *object, const char *text, size_t length)
{
	char *exact = exact_copy(text, length);
	struct ft_scan scan = ft_scan_of((struct ft_bytes){exact, length});
	struct ft_json_member member;
	size_t count = 0;
	int r;

	assert_true(ft_json_scan_open(&scan));
	for (; (r = ft_json_scan_next(&scan, &member)) == 1; count++)
		check_member(object, &member);
	assert_int_equal(r, 0);
	assert_true(ft_scan_is_end(&scan));
	assert_int_equal(count, json_object_size(object));
	free(exact);
}

/* A line that was torn off gives the members before, and no end. */
static void check_torn(const char *text, size_t length, size_t whole_count)
{
	char *exact = exact_copy(text, length);
	struct ft_scan scan = ft_scan_of((struct ft_bytes){exact, length});
	struct ft_json_member member;
	size_t count = 0;
	int r = -EBADMSG;

	if (ft_json_scan_open(&scan)) {
		while ((r = ft_json_scan_next(&scan, &member)) == 1)
			count++;
	}
	assert_int_equal(r, -EBADMSG);
	assert_in_range(count, 0, whole_count);
	free(exact);
}

static void test_like_jansson(void **state)
{
	static const size_t flags[] = {JSON_COMPACT, 0, JSON_INDENT(2), JSON_ENSURE_ASCII,
				       JSON_ESCAPE_SLASH};
	uint64_t seed = ft_test_seed();

	for (size_t i = 0; i < ft_test_cases(3000); i++) {
		json_t *object = json_object();
		size_t length;
		char *text;

		for (size_t left = ft_test_below(&seed, 6); left > 0; left--) {
			json_t *key = random_string(&seed);

			json_object_set_new(object, json_string_value(key), random_value(&seed, 3));
			json_decref(key);
		}
		text = json_dumps(object, flags[ft_test_below(&seed, 5)]);
		length = strlen(text);
		check_object(object, text, length);
		check_torn(text, ft_test_below(&seed, length), json_object_size(object));
		free(text);
		json_decref(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_like_jansson),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
