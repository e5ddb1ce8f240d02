/* SPDX-License-Identifier: MIT */
/* What the forms of tracing.h have in common as text: lists of fields, levels, threads, durations. */
#include "tracing.h"

#include "base/hash.h"

#define KEY 1u  /* letters of keys */
#define NAME 2u /* ... and of the names of spans, but for "::" */
#define END 4u  /* what may end a value */

/* A look-up a byte: most of a log's bytes come by here. */
static const uint8_t classes[256] = {
	['0' ... '9'] = KEY | NAME,
	['A' ... 'Z'] = KEY | NAME,
	['a' ... 'z'] = KEY | NAME,
	['_'] = KEY | NAME,
	['.'] = KEY | NAME,
	['#'] = KEY,
	['-'] = NAME,
	[' '] = END,
	['{'] = END,
	['}'] = END,
};

static bool is_in(char c, uint8_t class)
{
	return classes[(unsigned char)c] & class;
}

/* The '=' behind the key, if a field begins here, else NULL. */
static const char *equals_of_field(const char *at, const char *end)
{
	const char *begin = at;

	while (at < end && is_in(*at, KEY))
		at++;
	return at > begin && at < end && *at == '=' ? at : NULL;
}

/* Behind a brace: ":name{" or ":name:", a span inside the one that the brace closes. */
static bool is_span(const char *at, const char *end)
{
	const char *begin = ++at;

	while (at < end && (is_in(*at, NAME) || (*at == ':' && at + 1 < end && at[1] != ' ')))
		at++;
	return at > begin && at < end && (*at == '{' || *at == ':');
}

static bool closes_span(const char *brace, const char *end, const char *limit)
{
	if (brace + 1 == limit)
		return true;
	if (brace + 1 >= end || brace[1] != ':')
		return false;
	if (!limit && (brace + 2 == end || brace[2] == ' '))
		return true;
	return is_span(brace + 1, end);
}

/* A value without quotes; braces in it come in pairs. */
static struct ft_bytes take_raw(struct ft_scan *scan, const struct ft_tracing_fields *how,
				struct ft_tracing_record *record)
{
	const char *begin = scan->at;
	const char *at = begin;
	size_t depth = 0;

	for (; at < scan->end; at++) {
		if (!is_in(*at, END))
			continue;
		if (*at == ' ') {
			if (equals_of_field(at + 1, scan->end))
				break;
		} else if (*at == '{') {
			depth++;
		} else if (how->is_braced && (depth == 0 || at + 1 == how->limit) &&
			   closes_span(at, scan->end, how->limit)) {
			break;
		} else {
			/* looks like the end of a span, but is none: a name says so */
			record->is_suspect |= how->is_braced && at + 1 < scan->end && at[1] == ':';
			depth -= depth > 0;
		}
	}
	scan->at = at;
	return (struct ft_bytes){begin, (size_t)(at - begin)};
}

static struct ft_bytes take_value(struct ft_scan *scan, const struct ft_tracing_fields *how,
				  struct ft_tracing_scratch *scratch,
				  struct ft_tracing_record *record)
{
	struct ft_scan quoted = *scan;
	struct ft_bytes value;

	if (scan->at == scan->end || *scan->at != '"' ||
	    !ft_scan_quoted(&quoted, scratch->at, &value) ||
	    !(ft_scan_is_end(&quoted) || *quoted.at == ' ' || *quoted.at == '}'))
		return take_raw(scan, how, record);
	if (value.data == scratch->at)
		scratch->at += value.length;
	*scan = quoted;
	return value;
}

static bool take_key(struct ft_scan *scan, struct ft_bytes *ret_key)
{
	const char *equals = equals_of_field(scan->at, scan->end);

	if (!equals)
		return false;
	*ret_key = (struct ft_bytes){scan->at, (size_t)(equals - scan->at)};
	scan->at = equals + 1;
	return true;
}

bool ft_tracing_scan_fields(struct ft_scan *scan, const struct ft_tracing_fields *how,
			    struct ft_tracing_scratch *scratch, struct ft_tracing_record *record)
{
	struct ft_bytes key, value;

	while (take_key(scan, &key)) {
		value = take_value(scan, how, scratch, record);
		if (how->add && !how->add(record, key, value))
			record->is_suspect = true;
		if (how->is_braced && ft_scan_char(scan, '}'))
			return true;
		if (!ft_scan_char(scan, ' '))
			break;
	}
	return !how->is_braced;
}

/* "INFO", "WARN", ... and the blank behind it. */
static bool scan_level(struct ft_scan *scan)
{
	switch (ft_scan_is_end(scan) ? '\0' : *scan->at) {
	case 'I':
		return ft_scan_literal(scan, "INFO ");
	case 'D':
		return ft_scan_literal(scan, "DEBUG ");
	case 'W':
		return ft_scan_literal(scan, "WARN ");
	case 'E':
		return ft_scan_literal(scan, "ERROR ");
	case 'T':
		return ft_scan_literal(scan, "TRACE ");
	default:
		return false;
	}
}

void ft_tracing_record_init(struct ft_tracing_record *record)
{
	/* fields are written before they are counted: clearing them takes longer than a line */
	memset(record, 0, offsetof(struct ft_tracing_record, fields));
}

struct ft_bytes ft_tracing_scan_name(struct ft_scan *scan)
{
	const char *begin = scan->at;
	const char *at = begin;

	while (at < scan->end) {
		if (is_in(*at, NAME))
			at++;
		else if (*at == ':' && at + 1 < scan->end && at[1] == ':')
			at += 2;
		else
			break;
	}
	scan->at = at;
	return (struct ft_bytes){begin, (size_t)(at - begin)};
}

bool ft_tracing_scan_head(struct ft_scan *scan, struct ft_time *ret_time)
{
	bool has_time;

	*ret_time = (struct ft_time){.clock = FT_CLOCK_NONE};
	has_time = ft_scan_time(scan, ret_time) || ft_scan_uptime(scan, ret_time);
	if (has_time && !ft_scan_char(scan, ' '))
		return false;
	ft_scan_char(scan, ' ');
	return scan_level(scan) || has_time;
}

uint64_t ft_tracing_thread(struct ft_bytes name)
{
	struct ft_scan scan = ft_scan_of(name);
	uint64_t number;

	if (ft_scan_literal(&scan, "ThreadId(") && ft_scan_u64(&scan, &number))
		return number + 1;
	return ft_hash_bytes(name, 3) | UINT64_C(1) << 63;
}

bool ft_tracing_kind_of(struct ft_bytes message, enum ft_tracing_kind *ret_kind)
{
	if (message.length == 3 && memcmp(message.data, "new", 3) == 0)
		*ret_kind = FT_TRACING_NEW;
	else if (message.length == 5 && memcmp(message.data, "enter", 5) == 0)
		*ret_kind = FT_TRACING_ENTER;
	else if (message.length == 4 && memcmp(message.data, "exit", 4) == 0)
		*ret_kind = FT_TRACING_EXIT;
	else if (message.length == 5 && memcmp(message.data, "close", 5) == 0)
		*ret_kind = FT_TRACING_CLOSE;
	else
		return false;
	return true;
}

bool ft_tracing_durations(struct ft_bytes busy, struct ft_bytes idle, uint64_t *ret_sum_ns)
{
	struct ft_scan busy_scan = ft_scan_of(busy), idle_scan = ft_scan_of(idle);
	uint64_t busy_ns, idle_ns;

	if (!ft_scan_duration(&busy_scan, &busy_ns) || !ft_scan_is_end(&busy_scan) ||
	    !ft_scan_duration(&idle_scan, &idle_ns) || !ft_scan_is_end(&idle_scan))
		return false;
	*ret_sum_ns = busy_ns + idle_ns;
	return true;
}
