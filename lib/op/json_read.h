/* SPDX-License-Identifier: MIT */
/*
 * Reads the lines that json_write.h writes, and those of other programs that keep to docs/json.md.
 * A line is a record or an error with its column; which line it was, and what a blank line or a
 * line of another format means, is the caller's business.
 */
#ifndef FT_JSON_READ_H
#define FT_JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include "json_write.h"

#define FT_JSON_LINE_MAX (1u << 20) /* bytes */

/* Why a line is no record, for a person: one line, free of control characters. */
struct ft_json_error {
	uint32_t column; /* in characters, from 1: of the key, or where it was noticed */
	char text[240];
};

/* Owns what the last record points to. All zeros is a reader that has read nothing. */
struct ft_json_reader {
	struct json_t *root;
	char *decoded; /* names that came as base64 */
	size_t decoded_size;
	size_t decoded_used;
};

void ft_json_reader_done(struct ft_json_reader *reader);

/*
 * 0, -EBADMSG for a line that is no record (reterr_error, may be NULL, says why), or -ENOMEM. A
 * newline at the end is fine. The bytes in ret_record are owned by reader and valid until its next
 * call. ret_record->status is always set, SETATTR written as "chmod" and the like has VALID.
 */
int ft_json_read(struct ft_json_reader *reader, const char *line, size_t length,
		 struct ft_json_record *ret_record, struct ft_json_error *reterr_error);

#endif
