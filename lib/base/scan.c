/* SPDX-License-Identifier: MIT */
/* The part of scan.h that is not worth inlining: quoted strings with escapes. */
#include "scan.h"

char *ft_utf8_put(char *out, uint32_t code_point)
{
	if (code_point < 0x80) {
		*out++ = (char)code_point;
	} else if (code_point < 0x800) {
		*out++ = (char)(0xc0 | code_point >> 6);
		*out++ = (char)(0x80 | (code_point & 0x3f));
	} else if (code_point < 0x10000) {
		*out++ = (char)(0xe0 | code_point >> 12);
		*out++ = (char)(0x80 | (code_point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code_point & 0x3f));
	} else {
		*out++ = (char)(0xf0 | (code_point >> 18 & 7));
		*out++ = (char)(0x80 | (code_point >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code_point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code_point & 0x3f));
	}
	return out;
}

/* Exactly `digits` hexadecimal digits. */
static bool fixed_hex(struct ft_scan *scan, size_t digits, uint32_t *ret_number)
{
	struct ft_scan part = *scan;
	uint64_t number;

	if (ft_scan_left(scan) < digits)
		return false;
	part.end = part.at + digits;
	if (!ft_scan_hex(&part, &number) || !ft_scan_is_end(&part))
		return false;
	scan->at = part.at;
	*ret_number = (uint32_t)number;
	return true;
}

/* What \u and \U mean: {H...}, or digits of a fixed number. */
static bool code_point(struct ft_scan *scan, size_t digits, uint32_t *ret_number)
{
	uint64_t number;

	if (!ft_scan_char(scan, '{'))
		return fixed_hex(scan, digits, ret_number);
	if (!ft_scan_hex(scan, &number) || number > 0x10ffff || !ft_scan_char(scan, '}'))
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

/* Up to three octal digits, the first of which is c. */
static char octal(struct ft_scan *scan, char c)
{
	int number = c - '0';

	for (int i = 0; i < 2 && !ft_scan_is_end(scan) && *scan->at >= '0' && *scan->at <= '7'; i++)
		number = number * 8 + (*scan->at++ - '0');
	return (char)number;
}

/* One escape, behind its backslash. */
static bool escape(struct ft_scan *scan, char **out)
{
	static const char from[] = "abefnrtv";
	static const char to[] = "\a\b\033\f\n\r\t\v";
	const char *simple;
	uint32_t number;
	char c;

	if (ft_scan_is_end(scan))
		return false;
	c = *scan->at++;
	simple = memchr(from, c, sizeof(from) - 1);
	if (simple) {
		*(*out)++ = to[simple - from];
	} else if (c == 'x') {
		if (!fixed_hex(scan, 2, &number))
			return false;
		*(*out)++ = (char)number;
	} else if (c == 'u' || c == 'U') {
		if (!code_point(scan, c == 'u' ? 4 : 8, &number))
			return false;
		*out = ft_utf8_put(*out, number);
	} else if (c >= '0' && c <= '7') {
		*(*out)++ = octal(scan, c);
	} else {
		*(*out)++ = c;
	}
	return true;
}

static bool decode(struct ft_scan *scan, char *out, struct ft_bytes *ret_bytes)
{
	char *at = out;

	while (!ft_scan_is_end(scan)) {
		char c = *scan->at++;

		if (c == '"') {
			*ret_bytes = (struct ft_bytes){out, (size_t)(at - out)};
			return true;
		}
		if (c != '\\')
			*at++ = c;
		else if (!escape(scan, &at))
			return false;
	}
	return false;
}

bool ft_scan_quoted(struct ft_scan *scan, char *scratch, struct ft_bytes *ret_bytes)
{
	struct ft_scan inner = *scan;
	struct ft_bytes plain;

	if (!ft_scan_char(&inner, '"'))
		return false;
	scan->at = inner.at;
	if (ft_scan_until(&inner, '"', &plain) && !memchr(plain.data, '\\', plain.length)) {
		*scan = inner;
		*ret_bytes = plain;
		return true;
	}
	inner = *scan;
	if (decode(&inner, scratch, ret_bytes)) {
		*scan = inner;
		return true;
	}
	scan->at--;
	return false;
}
