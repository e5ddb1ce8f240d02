/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the JSON reader: any bytes as a line. What is refused must be explained in clean
 * text at a column of the line; what is accepted must come out of the writer as a line that reads
 * and writes the same again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "base/text.h"
#include "op/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct ft_json_error *error, size_t length)
{
	size_t text_length = strnlen(error->text, sizeof(error->text));

	require(error->column >= 1 && error->column <= length + 1);
	require(text_length > 0 && text_length < sizeof(error->text));
	require(ft_utf8_valid(error->text, text_length));
	for (size_t i = 0; i < text_length; i++)
		require((unsigned char)error->text[i] >= 0x20 && error->text[i] != 0x7f);
}

static bool is_same_name(struct ft_bytes a, struct ft_bytes b)
{
	return !a.data == !b.data && ft_bytes_equal(a, b);
}

static void check_same(const struct ft_json_record *a, const struct ft_json_record *b)
{
#define REQUIRE_NUMBER(field, key, member) require(a->member == b->member);
#define REQUIRE_NAME(field, key, member) require(is_same_name(a->member, b->member));
	FT_JSON_NUMBERS(REQUIRE_NUMBER)
	FT_JSON_EVENT_NUMBERS(REQUIRE_NUMBER)
	FT_JSON_NAMES(REQUIRE_NAME)
	require(is_same_name(a->mount, b->mount) && is_same_name(a->version, b->version));
	require(a->event.present == b->event.present && a->has == b->has);
	require(a->event.opcode == b->event.opcode && a->event.marks == b->event.marks);
	require(a->kind == b->kind && a->status == b->status && a->source == b->source);
	require(a->seq == b->seq);
}

/* One line of text, however it is asked for; to be freed. */
static char *write_line(const struct ft_json_record *record, size_t *ret_length)
{
	size_t length = ft_json_write(record, NULL, 0);
	char *line = malloc(length + 1);
	char *half = malloc(length / 2 + 1);

	require(line && half);
	require(ft_json_write(record, line, length + 1) == length);
	require(ft_json_write(record, half, length / 2 + 1) == length);
	require(strlen(line) == length && ft_utf8_valid(line, length));
	require(strlen(half) == length / 2 && memcmp(half, line, length / 2) == 0);
	for (size_t i = 0; i < length; i++)
		require((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	free(half);
	*ret_length = length;
	return line;
}

static void check_record(const struct ft_json_record *record)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record again;
	size_t length;
	size_t second_length;
	char *line = write_line(record, &length);
	char *second;

	/* escapes make a line longer: the longest ones do not come back */
	if (length <= FT_JSON_LINE_MAX) {
		require(ft_json_read(&reader, line, length, &again, NULL) == 0);
		check_same(record, &again);
		second = write_line(&again, &second_length);
		require(length == second_length && memcmp(line, second, length) == 0);
		free(second);
	}
	free(line);
	ft_json_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_json_reader reader = {0};
	struct ft_json_record record;
	struct ft_json_error error = {0};
	int r = ft_json_read(&reader, (const char *)data, size, &record, &error);

	if (r == -EBADMSG)
		check_error(&error, size);
	else if (r == 0 && record.kind != FT_JSON_OTHER)
		check_record(&record);
	ft_json_reader_done(&reader);
	return 0;
}
