/* SPDX-License-Identifier: MIT */
/* A line of JSON while it is read: values of it, checked, and what is said of those that are none. */
#ifndef FT_JSON_LINE_H
#define FT_JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "json_read.h"

struct ft_json_line {
	struct ft_json_reader *reader;
	struct ft_json_record *record;
	struct ft_json_error *error; /* may be NULL */
	const char *text;
	size_t length;
};

/* Says what is wrong at a column, from 1; returns -EBADMSG. */
__attribute__((format(printf, 3, 4))) int ft_json_fail_at(const struct ft_json_line *line,
							  uint32_t column, const char *format, ...);
/* Likewise of a key, which the message begins with. */
#define ft_json_fail_key(line, key, format, ...)                                                   \
	ft_json_fail_at(line, ft_json_column_of(line, key), "\"%s\" " format, key, ##__VA_ARGS__)

/*
 * Column of a key of the outermost object, in a line that is known to be JSON; 1 for a key that is
 * not there, or written with escapes. jansson tells the place of a syntax error only.
 */
uint32_t ft_json_column_of(const struct ft_json_line *line, const char *key);

/* What a line says, made fit to be quoted in an error. */
struct ft_json_quote {
	char text[64];
};
struct ft_json_quote ft_json_quote(struct ft_bytes bytes);

/* Values: 0, -EBADMSG, or -ENOMEM. */

/* A number, or a string of digits: JSON numbers of jansson, and of others, end at 63 bits. */
int ft_json_line_number(const struct ft_json_line *line, const char *key, const json_t *value,
			uint64_t max, uint64_t *ret_number);
/* Owned by the value. */
int ft_json_line_string(const struct ft_json_line *line, const char *key, const json_t *value,
			struct ft_bytes *ret_bytes);
/* Owned by the line's reader. */
int ft_json_line_base64(const struct ft_json_line *line, const char *key, const json_t *value,
			struct ft_bytes *ret_bytes);

#endif
