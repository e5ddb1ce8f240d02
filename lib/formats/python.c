/* SPDX-License-Identifier: MIT */
/* See python.h. */
#include "python.h"

/* ---- strings ---- */

/* The end of a string, whose quote is the first byte; NULL: there is none, or a raw newline. */
static const char *end_of_string(const char *begin, const char *end)
{
	char quote = *begin;
	const char *at = begin + 1;

	while (at < end && *at != quote) {
		if (*at == '\n')
			return NULL;
		at += *at == '\\' ? 2 : 1;
	}
	return at < end ? at : NULL;
}

/* How many characters an escape takes, that begins at its backslash. */
static size_t escape_length(const char *at)
{
	switch (at[1]) {
	case 'x':
		return 4;
	case 'u':
		return 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

static size_t count_bytes(const char *at, const char *end)
{
	size_t count = 0;

	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));

		if (!escape || end - escape < 2)
			return count + (size_t)(end - at);
		count += (size_t)(escape - at) + 1;
		at = escape + escape_length(escape);
	}
	return count;
}

static char *put_code(char *out, uint32_t code)
{
	if (code < 0xdc80 || code > 0xdcff)
		return ft_utf8_put(out, code);
	*out++ = (char)code; /* how Python carries a byte that is no UTF-8 */
	return out;
}

static char *put_escape(char *out, const char *at, size_t length)
{
	static const char from[] = "nrt";
	static const char to[] = "\n\r\t";
	const char *simple = memchr(from, at[1], sizeof(from) - 1);
	struct ft_scan digits = {at + 2, at + length};
	uint64_t code;

	if (length > 2 && ft_scan_hex(&digits, &code) && code <= 0x10ffff)
		return put_code(out, (uint32_t)code);
	*out++ = simple ? to[simple - from] : at[1];
	return out;
}

static struct ft_bytes decode(const char *at, const char *end, char *scratch)
{
	char *out = scratch;

	while (at < end) {
		size_t length = *at == '\\' && end - at > 1 ? escape_length(at) : 1;

		if (length > (size_t)(end - at))
			length = 1;
		if (length > 1)
			out = put_escape(out, at, length);
		else
			*out++ = *at;
		at += length;
	}
	return (struct ft_bytes){scratch, (size_t)(out - scratch)};
}

static bool take_string(struct ft_scan *scan, char *scratch, struct ft_python *ret_value)
{
	const char *begin = scan->at + 1;
	const char *end = end_of_string(scan->at, scan->end);

	if (!end)
		return false;
	*ret_value = (struct ft_python){.kind = 's', .text = {begin, (size_t)(end - begin)}};
	if (scratch && memchr(begin, '\\', (size_t)(end - begin)))
		ret_value->text = decode(begin, end, scratch);
	scan->at = end + 1;
	return true;
}

static bool take_bytes(struct ft_scan *scan, struct ft_python *ret_value)
{
	const char *begin = scan->at + 1;
	const char *end = end_of_string(begin, scan->end);

	if (!end)
		return false;
	*ret_value = (struct ft_python){.kind = 'b', .size = count_bytes(begin + 1, end)};
	scan->at = end + 1;
	return true;
}

/* ---- the rest ---- */

static bool is_quote(const char *at, const char *end)
{
	return at < end && (*at == '\'' || *at == '"');
}

/* Anything: up to the comma or closing bracket that is in no string and no brackets. */
static bool take_other(struct ft_scan *scan, struct ft_python *ret_value)
{
	const char *begin = scan->at;
	size_t depth = 0;

	while (!ft_scan_is_end(scan)) {
		char c = *scan->at;

		if (is_quote(scan->at, scan->end)) {
			scan->at = end_of_string(scan->at, scan->end);
			if (!scan->at) {
				scan->at = begin;
				return false;
			}
		} else if (c == '(' || c == '[' || c == '{') {
			depth++;
		} else if (depth == 0 && strchr(",)]}", c)) {
			break;
		} else if (c == ')' || c == ']' || c == '}') {
			depth--;
		}
		scan->at++;
	}
	*ret_value = (struct ft_python){.kind = '?'};
	return scan->at > begin && depth == 0;
}

static bool take_number(struct ft_scan *scan, struct ft_python *ret_value)
{
	struct ft_scan at = *scan;
	struct ft_python value = {.kind = 'i'};

	value.is_negative = ft_scan_char(&at, '-');
	if (!ft_scan_u64(&at, &value.number) || (!ft_scan_is_end(&at) && !strchr(",)", *at.at)))
		return false;
	*scan = at;
	*ret_value = value;
	return true;
}

bool ft_python_take(struct ft_scan *scan, char *scratch, struct ft_python *ret_value)
{
	if (ft_scan_is_end(scan))
		return false;
	if (is_quote(scan->at, scan->end))
		return take_string(scan, scratch, ret_value);
	if (*scan->at == 'b' && is_quote(scan->at + 1, scan->end))
		return take_bytes(scan, ret_value);
	if (take_number(scan, ret_value))
		return true;
	if (ft_scan_literal(scan, "None")) {
		*ret_value = (struct ft_python){.kind = 'n'};
		return true;
	}
	return take_other(scan, ret_value);
}

int ft_python_take_tuple(struct ft_scan *scan, char *scratch, struct ft_python *ret_values)
{
	struct ft_python ignored;
	int count = 0;

	if (!ft_scan_char(scan, '('))
		return -1;
	while (!ft_scan_char(scan, ')')) {
		struct ft_python *value =
			count < FT_PYTHON_ITEMS_MAX ? &ret_values[count++] : &ignored;

		if (!ft_python_take(scan, scratch, value))
			return -1;
		if (value->kind == 's' && scratch && value->text.data == scratch)
			scratch += value->text.length;
		if (!ft_scan_char(scan, ',') && (ft_scan_is_end(scan) || *scan->at != ')'))
			return -1;
		ft_scan_char(scan, ' ');
	}
	return count;
}
