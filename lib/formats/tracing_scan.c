/* SPDX-License-Identifier: MIT */
/* What the forms of tracing.h have in common as text: lists of fields, levels, threads, durations. */
#include "tracing.h"

#include "../base/hash.h"

/* The word behind a blank up to its '=', if a field begins there; no step is taken. */
static bool is_field(const char *at, const char *end)
{
	const char *begin = at;

	while (at < end && (ft_is_word_char(*at) || *at == '.' || *at == '#'))
		at++;
	return at > begin && at < end && *at == '=';
}

/* Behind a brace: ":name{" or ":name:", a span inside the one that the brace closes. */
static bool is_span(const char *at, const char *end)
{
	const char *begin = ++at;

	while (at < end && (ft_is_word_char(*at) || *at == '-' || *at == '.' ||
			    (*at == ':' && at + 1 < end && at[1] != ' ')))
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

static bool ends_value(char c)
{
	return c == ' ' || c == '{' || c == '}';
}

/* A value without quotes; braces in it come in pairs. */
static struct ft_bytes take_raw(struct ft_scan *scan, const struct ft_tracing_fields *how,
				struct ft_tracing_record *record)
{
	const char *begin = scan->at;
	const char *at = begin;
	size_t depth = 0;

	for (; at < scan->end; at++) {
		if (!ends_value(*at))
			continue;
		if (*at == ' ') {
			if (is_field(at + 1, scan->end))
				break;
		} else if (*at == '{') {
			depth++;
		} else if (how->is_braced && (depth == 0 || at + 1 == how->limit) &&
			   closes_span(at, scan->end, how->limit)) {
			break;
		} else {
			/* looks like the end of a span, but is none: a name says so */
			record->is_suspect |= at + 1 < scan->end && at[1] == ':';
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
	const char *at = scan->at;

	if (!is_field(at, scan->end))
		return false;
	at = memchr(at, '=', (size_t)(scan->end - at));
	*ret_key = (struct ft_bytes){scan->at, (size_t)(at - scan->at)};
	scan->at = at + 1;
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

uint64_t ft_tracing_thread(struct ft_bytes name)
{
	struct ft_scan scan = ft_scan_of(name);
	uint64_t number;

	if (ft_scan_literal(&scan, "ThreadId(") && ft_scan_u64(&scan, &number))
		return number + 1;
	return ft_hash_bytes(name, 3) | UINT64_C(1) << 63;
}

bool ft_tracing_scan_level(struct ft_scan *scan)
{
	static const char levels[][6] = {"INFO ", "DEBUG ", "WARN ", "ERROR ", "TRACE "};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (ft_scan_bytes(scan, levels[i], strnlen(levels[i], sizeof(levels[i]))))
			return true;
	}
	return false;
}

bool ft_tracing_kind_of(struct ft_bytes message, enum ft_tracing_kind *ret_kind)
{
	static const struct {
		struct ft_bytes text;
		enum ft_tracing_kind kind;
	} kinds[] = {
		{{"new", 3}, FT_TRACING_NEW},
		{{"enter", 5}, FT_TRACING_ENTER},
		{{"exit", 4}, FT_TRACING_EXIT},
		{{"close", 5}, FT_TRACING_CLOSE},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (ft_bytes_equal(message, kinds[i].text)) {
			*ret_kind = kinds[i].kind;
			return true;
		}
	}
	return false;
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
