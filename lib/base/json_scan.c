/* SPDX-License-Identifier: MIT */
/* The scanner of json_scan.h. Strings, most of a line, are stepped over by memchr(3). */
#include "json_scan.h"

#include <errno.h>

static void skip_blanks(struct ft_scan *scan)
{
	while (!ft_scan_is_end(scan) &&
	       (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n'))
		scan->at++;
}

/* The string whose opening quote was taken; its closing quote is taken too. */
static bool take_string(struct ft_scan *scan, struct ft_bytes *ret_raw)
{
	const char *from = scan->at;
	const char *quote;

	while ((quote = memchr(from, '"', (size_t)(scan->end - from)))) {
		const char *escape = memchr(from, '\\', (size_t)(quote - from));

		if (!escape) {
			*ret_raw = (struct ft_bytes){scan->at, (size_t)(quote - scan->at)};
			scan->at = quote + 1;
			return true;
		}
		from = escape + 2;
		if (from > scan->end)
			return false;
	}
	return false;
}

/* An object or array, its bracket not taken yet. */
static bool take_nested(struct ft_scan *scan, struct ft_bytes *ret_raw)
{
	const char *begin = scan->at;
	struct ft_bytes ignored;
	int depth = 0;

	while (!ft_scan_is_end(scan)) {
		char c = *scan->at++;

		if (c == '"' && !take_string(scan, &ignored))
			return false;
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		if (depth == 0) {
			*ret_raw = (struct ft_bytes){begin, (size_t)(scan->at - begin)};
			return true;
		}
	}
	return false;
}

static bool take_plain(struct ft_scan *scan, struct ft_bytes *ret_raw)
{
	const char *begin = scan->at;

	while (!ft_scan_is_end(scan) && (ft_is_word_char(*scan->at) || *scan->at == '-' ||
					 *scan->at == '+' || *scan->at == '.'))
		scan->at++;
	*ret_raw = (struct ft_bytes){begin, (size_t)(scan->at - begin)};
	return ret_raw->length > 0;
}

static bool take_value(struct ft_scan *scan, struct ft_json_member *member)
{
	if (ft_scan_is_end(scan))
		return false;
	member->kind = *scan->at;
	switch (member->kind) {
	case '"':
		scan->at++;
		return take_string(scan, &member->value);
	case '{':
	case '[':
		return take_nested(scan, &member->value);
	case 't':
	case 'f':
	case 'n':
		return take_plain(scan, &member->value);
	default:
		member->kind = '0';
		return take_plain(scan, &member->value);
	}
}

bool ft_json_scan_open(struct ft_scan *scan)
{
	skip_blanks(scan);
	return ft_scan_char(scan, '{');
}

int ft_json_scan_next(struct ft_scan *scan, struct ft_json_member *ret_member)
{
	skip_blanks(scan);
	if (ft_scan_char(scan, ','))
		skip_blanks(scan);
	if (ft_scan_char(scan, '}'))
		return 0;
	if (!ft_scan_char(scan, '"') || !take_string(scan, &ret_member->key))
		return -EBADMSG;
	skip_blanks(scan);
	if (!ft_scan_char(scan, ':'))
		return -EBADMSG;
	skip_blanks(scan);
	return take_value(scan, ret_member) ? 1 : -EBADMSG;
}

/* ---- escapes ---- */

static bool take_hex4(struct ft_scan *scan, uint32_t *ret_unit)
{
	struct ft_scan part = *scan;
	uint64_t number;

	if (ft_scan_left(scan) < 4)
		return false;
	part.end = part.at + 4;
	if (!ft_scan_hex(&part, &number) || !ft_scan_is_end(&part))
		return false;
	scan->at = part.at;
	*ret_unit = (uint32_t)number;
	return true;
}

/* Behind "\u": one code point, of two units where they are a pair. */
static bool take_unicode(struct ft_scan *scan, uint32_t *ret_code_point)
{
	struct ft_scan behind;
	uint32_t unit, low;

	if (!take_hex4(scan, &unit))
		return false;
	*ret_code_point = unit;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	*ret_code_point = 0xfffd;
	behind = *scan;
	if (unit < 0xdc00 && ft_scan_literal(&behind, "\\u") && take_hex4(&behind, &low) &&
	    low >= 0xdc00 && low <= 0xdfff) {
		*ret_code_point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		*scan = behind;
	}
	return true;
}

static bool take_escape(struct ft_scan *scan, char **out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *simple;
	uint32_t code_point;

	if (ft_scan_is_end(scan))
		return false;
	if (ft_scan_char(scan, 'u')) {
		if (!take_unicode(scan, &code_point))
			return false;
		*out = ft_utf8_put(*out, code_point);
		return true;
	}
	simple = memchr(from, *scan->at, sizeof(from) - 1);
	if (!simple)
		return false;
	scan->at++;
	*(*out)++ = to[simple - from];
	return true;
}

bool ft_json_scan_text(struct ft_bytes raw, char *scratch, struct ft_bytes *ret_text)
{
	struct ft_scan scan = ft_scan_of(raw);
	char *out = scratch;

	*ret_text = raw;
	if (!memchr(raw.data, '\\', raw.length))
		return true;
	while (!ft_scan_is_end(&scan)) {
		char c = *scan.at++;

		if (c != '\\')
			*out++ = c;
		else if (!take_escape(&scan, &out))
			return false;
	}
	*ret_text = (struct ft_bytes){scratch, (size_t)(out - scratch)};
	return true;
}
