/* SPDX-License-Identifier: MIT */
/*
 * Bytes that nobody vouches for, made fit for a terminal or for JSON: escaping, UTF-8, display
 * width, base64; and durations for people. All of it is free of locale, allocation and state.
 * Functions that write text return the length that it has in full, as snprintf(3): what does not
 * fit into size is left out, the rest ends with a NUL.
 */
#ifndef FT_BASE_TEXT_H
#define FT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* The well-formed character at text: its length, 1 to 4, or 0 if there is none. */
size_t ft_utf8_decode(const char *text, size_t length, uint32_t *ret_code_point);

/* No overlong form, no surrogate, nothing beyond U+10FFFF, nothing cut off. Empty is valid. */
bool ft_utf8_valid(const char *text, size_t length);

/*
 * Columns of a terminal. Combining characters have none, East Asian wide ones two; a control
 * character or a byte that is no UTF-8 counts as one.
 */
size_t ft_utf8_width(struct ft_bytes in);

/*
 * Escapes what could move the cursor, hide or reorder text, or forge a line: \n \t \r \\, \xHH for
 * other control characters (C1 too) and for bytes that are no UTF-8, \u{HHHH} for bidirectional
 * controls, line separators, invisible characters and noncharacters. Other characters pass. No two
 * inputs give the same output. A sequence is written whole or not at all.
 */
size_t ft_text_escape(struct ft_bytes in, char *out, size_t size);

/* RFC 4648 with padding, no line breaks. */
size_t ft_base64_encode(struct ft_bytes in, char *out, size_t size);
/*
 * The one way that ft_base64_encode() writes it, or -EINVAL; -ENOBUFS if size is too small (3 bytes
 * for each 4 of in are always enough). No NUL is added.
 */
int ft_base64_decode(struct ft_bytes in, void *out, size_t size, size_t *ret_length);

/* Enough for any duration, with its NUL; one less is the column's width. */
#define FT_DURATION_SIZE 9

/*
 * "850ns", "12.3us", "1.5s", "27.78h", "forever" (UINT64_MAX): up to four significant digits,
 * rounded half up. As a column: always four digits, right-aligned in FT_DURATION_SIZE - 1.
 */
size_t ft_format_duration(uint64_t duration_ns, bool is_column, char *out, size_t size);

#endif
