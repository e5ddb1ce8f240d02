/* SPDX-License-Identifier: MIT */
/* See testing.h. */
#include "formats_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

struct output {
	char *text;
	size_t length;
};

static int add_op(struct fusetrace_op *op, void *data)
{
	struct output *output = data;
	int length = fusetrace_op_json(op, NULL, 0);

	assert_true(length > 0);
	output->text = realloc(output->text, output->length + (size_t)length + 2);
	assert_non_null(output->text);
	fusetrace_op_json(op, output->text + output->length, (size_t)length + 1);
	output->length += (size_t)length;
	output->text[output->length++] = '\n';
	output->text[output->length] = '\0';
	return 0;
}

/* A copy without a byte behind it, for a sanitizer to see what is read there. */
static void feed(struct fusetrace_monitor *monitor, const char *text, size_t size)
{
	char *bytes = malloc(size ? size : 1);

	assert_non_null(bytes);
	memcpy(bytes, text, size);
	assert_true(fusetrace_feed(monitor, bytes, size, NULL) >= 0);
	free(bytes);
}

char *ft_test_log_in_pieces(const char *text, size_t size, size_t first, size_t others)
{
	struct fusetrace_monitor *monitor;
	struct output output = {.text = calloc(1, 1)};
	size_t piece = first;

	assert_non_null(output.text);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG,
							     .flags = FUSETRACE_MONITOR_NO_THREAD),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	while (size) {
		piece = piece < size ? piece : size;
		feed(monitor, text, piece);
		text += piece;
		size -= piece;
		piece = others;
	}
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	assert_true(fusetrace_foreach(monitor, NULL, NULL, add_op, &output) >= 0);
	fusetrace_monitor_free(monitor);
	return output.text;
}

char *ft_test_log(const char *text, size_t size)
{
	return ft_test_log_in_pieces(text, size, size, size);
}

/* Without what is the same in every operation of a log: "v", "seq", "source". */
static void shorten(char *json)
{
	static const char source[] = ",\"source\":\"log\"";
	char *out = json;

	for (char *line = json; *line;) {
		char *end = strchr(line, '\n');
		char *from = strstr(line, "\"op\":");
		char *tail = memmem(line, (size_t)(end - line), source, sizeof(source) - 1);
		char *at;

		*out++ = '{';
		for (at = from; at <= end; at++) {
			if (at == tail)
				at += sizeof(source) - 1;
			*out++ = *at;
		}
		line = end + 1;
	}
	*out = '\0';
}

void ft_test_log_is(const char *text, size_t size, const char *expected)
{
	char *found = ft_test_log(text, size);

	shorten(found);
	if (strcmp(found, expected) != 0)
		fail_msg("log:\n%.*s\nexpected:\n%s\nfound:\n%s", (int)size, text, expected, found);
	free(found);
}

void ft_test_logs(const struct ft_test_log_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *expected = strdup(cases[i].operations);

		assert_non_null(expected);
		for (char *at = expected; (at = strchr(at, '\'')); at++)
			*at = '"';
		print_message("# %s\n", cases[i].what);
		ft_test_log_is(cases[i].log, strlen(cases[i].log), expected);
		free(expected);
	}
}
