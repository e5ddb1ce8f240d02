/* SPDX-License-Identifier: MIT */
/* See json_line.h. */
#include "json_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

/* ---- errors ---- */

static uint32_t characters(const char *text, size_t length)
{
	uint32_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Behind the string that begins at text[at]. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length && text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
	}
	return at + 1;
}

uint32_t ft_json_column_of(const struct ft_json_line *line, const char *key)
{
	size_t key_length = strlen(key);
	uint32_t depth = 0;
	bool is_key = false;

	for (size_t at = 0; at < line->length;) {
		char c = line->text[at];

		if (c == '"') {
			size_t end = skip_string(line->text, line->length, at);

			if (depth == 1 && is_key && end == at + key_length + 2 &&
			    memcmp(line->text + at + 1, key, key_length) == 0)
				return characters(line->text, at) + 1;
			is_key = false;
			at = end;
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		is_key |= c == '{' || c == ',';
		at++;
	}
	return 1;
}

int ft_json_fail_at(const struct ft_json_line *line, uint32_t column, const char *format, ...)
{
	va_list arguments;

	if (!line->error)
		return -EBADMSG;
	line->error->column = column;
	va_start(arguments, format);
	vsnprintf(line->error->text, sizeof(line->error->text), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

struct ft_json_quote ft_json_quote(struct ft_bytes bytes)
{
	static const char cut[] = "...";
	struct ft_json_quote quoted;
	size_t size = sizeof(quoted.text) - (sizeof(cut) - 1);

	if (ft_text_escape(bytes, quoted.text, size) >= size)
		strcat(quoted.text, cut);
	return quoted;
}

/* ---- values ---- */

static struct ft_bytes string_bytes(const json_t *value)
{
	return (struct ft_bytes){json_string_value(value), json_string_length(value)};
}

int ft_json_line_number(const struct ft_json_line *line, const char *key, const json_t *value,
			uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;
	bool is_number = false;

	if (json_is_integer(value)) {
		is_number = json_integer_value(value) >= 0;
		number = (uint64_t)json_integer_value(value);
	} else if (json_is_string(value)) {
		is_number = ft_parse_u64_bytes(string_bytes(value), &number) == 0;
	}
	if (!is_number || number > max)
		return ft_json_fail_key(line, key, "must be a whole number from 0 to %" PRIu64,
					max);
	*ret_number = number;
	return 0;
}

int ft_json_line_string(const struct ft_json_line *line, const char *key, const json_t *value,
			struct ft_bytes *ret_bytes)
{
	if (!json_is_string(value))
		return ft_json_fail_key(line, key, "must be a string");
	*ret_bytes = string_bytes(value);
	return 0;
}

/* All base64 of a line fits into one buffer of the line's length. */
static int prepare_decoded(const struct ft_json_line *line)
{
	struct ft_json_reader *reader = line->reader;

	if (reader->decoded_size >= line->length)
		return 0;
	free(reader->decoded);
	reader->decoded_used = 0;
	reader->decoded_size = 0;
	reader->decoded = malloc(line->length);
	if (!reader->decoded)
		return -ENOMEM;
	reader->decoded_size = line->length;
	return 0;
}

int ft_json_line_base64(const struct ft_json_line *line, const char *key, const json_t *value,
			struct ft_bytes *ret_bytes)
{
	struct ft_json_reader *reader = line->reader;
	struct ft_bytes text;
	char *out;
	size_t length;
	int r;

	r = ft_json_line_string(line, key, value, &text);
	if (r == 0)
		r = prepare_decoded(line);
	if (r)
		return r;

	out = reader->decoded + reader->decoded_used;
	if (ft_base64_decode(text, out, reader->decoded_size - reader->decoded_used, &length))
		return ft_json_fail_key(line, key, "must be base64");
	if (memchr(out, '\0', length))
		return ft_json_fail_key(line, key, "holds a NUL, which no name has");
	reader->decoded_used += length;
	*ret_bytes = (struct ft_bytes){out, length};
	return 0;
}
