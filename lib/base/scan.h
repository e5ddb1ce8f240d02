/* SPDX-License-Identifier: MIT */
/*
 * A cursor over bytes that are read once from left to right. Each function takes what it wants and
 * steps behind it, or takes nothing and says false. Nothing is allocated and nothing is copied, but
 * by ft_scan_quoted(). Inline, as parsers of logs spend their time here.
 */
#ifndef FT_BASE_SCAN_H
#define FT_BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

struct ft_scan {
	const char *at;
	const char *end;
};

static inline struct ft_scan ft_scan_of(struct ft_bytes bytes)
{
	return (struct ft_scan){bytes.data, bytes.data + bytes.length};
}

static inline bool ft_scan_is_end(const struct ft_scan *scan)
{
	return scan->at == scan->end;
}

static inline size_t ft_scan_left(const struct ft_scan *scan)
{
	return (size_t)(scan->end - scan->at);
}

/* What is left. */
static inline struct ft_bytes ft_scan_rest(const struct ft_scan *scan)
{
	return (struct ft_bytes){scan->at, ft_scan_left(scan)};
}

static inline bool ft_scan_bytes(struct ft_scan *scan, const char *bytes, size_t length)
{
	if (ft_scan_left(scan) < length || memcmp(scan->at, bytes, length) != 0)
		return false;
	scan->at += length;
	return true;
}

/* text is a string literal. */
#define ft_scan_literal(scan, text) ft_scan_bytes((scan), (text), sizeof(text) - 1)

static inline bool ft_scan_char(struct ft_scan *scan, char c)
{
	if (ft_scan_is_end(scan) || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* Takes c as often as it stands here; returns how often. */
static inline size_t ft_scan_chars(struct ft_scan *scan, char c)
{
	const char *begin = scan->at;

	while (!ft_scan_is_end(scan) && *scan->at == c)
		scan->at++;
	return (size_t)(scan->at - begin);
}

/* A decimal number of one digit or more that fits. */
static inline bool ft_scan_u64(struct ft_scan *scan, uint64_t *ret_number)
{
	const char *at = scan->at;
	uint64_t number = 0;

	while (at < scan->end && (unsigned char)(*at - '0') <= 9) {
		uint64_t digit = (uint64_t)(*at - '0');

		/* 19 digits always fit */
		if (at - scan->at >= 19 && number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
		at++;
	}
	if (at == scan->at)
		return false;
	scan->at = at;
	*ret_number = number;
	return true;
}

static inline bool ft_scan_u32(struct ft_scan *scan, uint32_t *ret_number)
{
	const char *begin = scan->at;
	uint64_t number;

	if (ft_scan_u64(scan, &number) && number <= UINT32_MAX) {
		*ret_number = (uint32_t)number;
		return true;
	}
	scan->at = begin;
	return false;
}

static inline int ft_hex_digit(char c)
{
	if ((unsigned char)(c - '0') <= 9)
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits, up to 16, without a 0x before them. */
static inline bool ft_scan_hex(struct ft_scan *scan, uint64_t *ret_number)
{
	const char *at = scan->at;
	uint64_t number = 0;
	int digit;

	for (; at < scan->end && (digit = ft_hex_digit(*at)) >= 0; at++) {
		if (number >> 60)
			return false;
		number = number << 4 | (uint64_t)digit;
	}
	if (at == scan->at)
		return false;
	scan->at = at;
	*ret_number = number;
	return true;
}

static inline bool ft_scan_octal(struct ft_scan *scan, uint32_t *ret_number)
{
	const char *at = scan->at;
	uint64_t number = 0;

	for (; at < scan->end && *at >= '0' && *at <= '7'; at++) {
		number = number << 3 | (uint64_t)(*at - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (at == scan->at)
		return false;
	scan->at = at;
	*ret_number = (uint32_t)number;
	return true;
}

static inline bool ft_is_word_char(char c)
{
	return (unsigned char)(c - '0') <= 9 || (unsigned char)((c | 0x20) - 'a') < 26 || c == '_';
}

/* Letters, digits and underscores, one or more. */
static inline bool ft_scan_word(struct ft_scan *scan, struct ft_bytes *ret_word)
{
	const char *at = scan->at;

	while (at < scan->end && ft_is_word_char(*at))
		at++;
	if (at == scan->at)
		return false;
	*ret_word = (struct ft_bytes){scan->at, (size_t)(at - scan->at)};
	scan->at = at;
	return true;
}

/* Up to the next c, which is taken too; *ret_bytes is without it. */
static inline bool ft_scan_until(struct ft_scan *scan, char c, struct ft_bytes *ret_bytes)
{
	const char *found = memchr(scan->at, c, ft_scan_left(scan));

	if (!found)
		return false;
	*ret_bytes = (struct ft_bytes){scan->at, (size_t)(found - scan->at)};
	scan->at = found + 1;
	return true;
}

/* Up to the next occurrence of text, which is taken too. */
static inline bool ft_scan_past(struct ft_scan *scan, const char *text, size_t length,
				struct ft_bytes *ret_bytes)
{
	const char *found = memmem(scan->at, ft_scan_left(scan), text, length);

	if (!found)
		return false;
	*ret_bytes = (struct ft_bytes){scan->at, (size_t)(found - scan->at)};
	scan->at = found + length;
	return true;
}

/* Cuts the last word off what is left, with the blank before it. */
static inline bool ft_scan_cut_word(struct ft_scan *scan, struct ft_scan *ret_word)
{
	const char *blank = memrchr(scan->at, ' ', ft_scan_left(scan));

	if (!blank)
		return false;
	*ret_word = (struct ft_scan){blank + 1, scan->end};
	scan->end = blank;
	return true;
}

/*
 * What stands in double quotes as Go's %q, Rust's {:?} and mergerfs write it: \n \t \r \a \b \f \v
 * \0 \e, \" \' \\, \xHH (a byte), \uHHHH, \UHHHHHHHH and \u{H...} (code points), \OOO (a byte, octal);
 * any other character behind a backslash stands for itself. Without a backslash *ret_bytes points
 * into what is read; else the bytes are decoded into scratch, which has room for as many bytes as
 * are left here, and *ret_bytes points there. false: no quote here, or it does not end.
 */
bool ft_scan_quoted(struct ft_scan *scan, char *scratch, struct ft_bytes *ret_bytes);

/*
 * Appends code_point in UTF-8, up to four bytes; what no UTF-8 is, a surrogate say, is written all
 * the same. Returns where the next one goes.
 */
char *ft_utf8_put(char *out, uint32_t code_point);

#endif
