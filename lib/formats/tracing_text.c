/* SPDX-License-Identifier: MIT */
/*
 * A record of tracing-subscriber in its full or its compact form:
 *
 *	2026-11-22T09:15:38.549926Z  INFO fuse::create{parent=1 name=a.txt mode=0o644}: demo: new
 *	2026-11-22T09:15:39.314989Z  INFO fuse::create: demo: src/bin/demo.rs:16: new parent=1 name=a.txt
 *
 * Before the spans may stand a thread's name and number, behind them the target, the file and the
 * line. What a program prints with % is not quoted: a span event's fields end at the last brace of
 * the line, and what could also be something else is suspect.
 */
#include "tracing_text.h"

/* Where a thread's number is looked for. */
#define THREAD_LENGTH_MAX 96
/* Target, file, line. */
#define PLACES_MAX 3

void ft_tracing_text_start(struct ft_tracing_reading *reading, struct ft_tracing *tracing,
			   const struct ft_line *line, char *scratch)
{
	reading->tracing = tracing;
	reading->line = *line;
	reading->scratch.at = scratch;
	/* the fields are written before they are counted: clearing them takes longer than a line */
	memset(&reading->record, 0, offsetof(struct ft_tracing_record, fields));
	reading->has_fields = reading->is_open = reading->has_place = false;
	reading->may_hold = reading->is_whole = false;
}

/* ---- before the spans ---- */

bool ft_tracing_text_head(struct ft_scan *scan, struct ft_time *ret_time)
{
	bool has_time;

	*ret_time = (struct ft_time){.clock = FT_CLOCK_NONE};
	has_time = ft_scan_time(scan, ret_time) || ft_scan_uptime(scan, ret_time);
	if (has_time && !ft_scan_char(scan, ' '))
		return false;
	ft_scan_char(scan, ' ');
	return ft_tracing_scan_level(scan) || has_time;
}

/* Name and number of the thread. */
static void take_thread(struct ft_tracing_reading *reading)
{
	struct ft_scan *scan = &reading->scan;
	struct ft_scan at = *scan;
	struct ft_bytes name, number;
	const char *brace, *parenthesis;

	if (ft_scan_left(&at) > THREAD_LENGTH_MAX)
		at.end = at.at + THREAD_LENGTH_MAX;
	brace = memchr(at.at, '{', ft_scan_left(&at));
	at.end = brace ? brace : at.end;
	parenthesis = memchr(at.at, '(', ft_scan_left(&at));
	if (parenthesis && ft_scan_past(&at, "ThreadId(", 9, &name) &&
	    !memmem(name.data, name.length, ": ", 2) && ft_scan_until(&at, ')', &number)) {
		number = (struct ft_bytes){number.data - 9, number.length + 10};
		reading->record.thread = ft_tracing_thread(number);
		scan->at = at.at;
		ft_scan_char(scan, ' ');
		return;
	}
	at = *scan;
	ft_scan_chars(&at, ' ');
	name.data = at.at;
	while (!ft_scan_is_end(&at) && (ft_is_word_char(*at.at) || *at.at == '-' || *at.at == '.'))
		at.at++;
	name.length = (size_t)(at.at - name.data);
	if (name.length && ft_scan_char(&at, ' ')) {
		reading->record.thread = ft_tracing_thread(name);
		*scan = at;
	}
}

/* ---- spans ---- */

static struct ft_bytes take_span_name(struct ft_scan *scan)
{
	const char *begin = scan->at;
	const char *at = begin;

	while (at < scan->end) {
		if (ft_is_word_char(*at) || *at == '-' || *at == '.')
			at++;
		else if (*at == ':' && at + 1 < scan->end && at[1] == ':')
			at += 2;
		else
			break;
	}
	scan->at = at;
	return (struct ft_bytes){begin, (size_t)(at - begin)};
}

/* One span, up to the colon behind it. */
static bool take_span(struct ft_tracing_reading *reading, const char *limit)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_bytes name = take_span_name(&reading->scan);
	struct ft_tracing_fields how = {.limit = limit, .is_braced = true};
	uint32_t opcode;

	if (name.length == 0)
		return false;
	if (record->has_span) {
		record->is_inner = true;
	} else if (ft_tracing_opcode(reading->tracing, name, &opcode)) {
		record->has_span = true;
		record->opcode = opcode;
		how.add = ft_tracing_add;
	}
	if (ft_scan_char(&reading->scan, '{')) {
		reading->has_fields = true;
		if (!ft_tracing_scan_fields(&reading->scan, &how, &reading->scratch, record)) {
			reading->is_open = ft_scan_is_end(&reading->scan);
			return false;
		}
	}
	return ft_scan_char(&reading->scan, ':');
}

static bool take_spans(struct ft_tracing_reading *reading, const char *limit)
{
	do {
		if (!take_span(reading, limit))
			return false;
	} while (!ft_scan_char(&reading->scan, ' '));
	return true;
}

/* ---- behind the spans ---- */

static bool take_place(struct ft_scan *scan)
{
	const char *at = scan->at;

	for (; at < scan->end && *at != ' ' && *at != '=' && *at != '"'; at++)
		;
	if (at == scan->end || *at != ' ' || at == scan->at || at[-1] != ':')
		return false;
	scan->at = at + 1;
	return true;
}

/* "close time.busy=2.17ms time.idle=28.6us" up to the end or, in compact form, to other fields. */
static bool take_close(struct ft_scan *scan, struct ft_tracing_record *record)
{
	struct ft_scan at = *scan;
	struct ft_bytes busy, idle;

	if (!ft_scan_literal(&at, "close time.busy=") || !ft_scan_until(&at, ' ', &busy) ||
	    !ft_scan_literal(&at, "time.idle="))
		return false;
	idle.data = at.at;
	while (!ft_scan_is_end(&at) && *at.at != ' ')
		at.at++;
	idle.length = (size_t)(at.at - idle.data);
	if (!ft_tracing_durations(busy, idle, &record->duration_ns))
		return false;
	record->kind = FT_TRACING_CLOSE;
	*scan = at;
	return true;
}

/* new, enter, exit, or close without times. */
static bool take_plain_kind(struct ft_tracing_reading *reading)
{
	struct ft_scan at = reading->scan;
	struct ft_bytes word;
	enum ft_tracing_kind kind;

	if (!ft_scan_word(&at, &word) || !ft_tracing_kind_of(word, &kind))
		return false;
	/* where lines have times, a close has its own: this is the program's message */
	if (kind == FT_TRACING_CLOSE && reading->line.time.clock != FT_CLOCK_NONE)
		return false;
	if (!ft_scan_is_end(&at) && (*at.at != ' ' || reading->has_fields))
		return false;
	reading->record.kind = kind;
	reading->scan = at;
	return true;
}

/* Fields behind the message of the program. */
static void take_own_fields(struct ft_tracing_reading *reading)
{
	struct ft_tracing_fields how = {.add = reading->has_fields ? ft_tracing_add_own
								   : ft_tracing_add};
	struct ft_scan *scan = &reading->scan;
	const char *equals = memchr(scan->at, '=', ft_scan_left(scan));
	const char *at = equals;

	reading->record.message = ft_scan_rest(scan);
	if (!equals)
		return;
	while (at > scan->at && at[-1] != ' ')
		at--;
	if (at > scan->at)
		reading->record.message.length = (size_t)(at - scan->at) - 1;
	else
		reading->record.message.length = 0;
	scan->at = at;
	ft_tracing_scan_fields(scan, &how, &reading->scratch, &reading->record);
}

/* false: in compact form, fields of something that is no span event. */
static bool take_message(struct ft_tracing_reading *reading)
{
	struct ft_tracing_fields flat = {.add = ft_tracing_add};
	struct ft_scan before = reading->scan;

	if (take_close(&reading->scan, &reading->record) || take_plain_kind(reading)) {
		if (ft_scan_is_end(&reading->scan))
			return true;
		if (!reading->has_fields && ft_scan_char(&reading->scan, ' ')) {
			ft_tracing_scan_fields(&reading->scan, &flat, &reading->scratch,
					       &reading->record);
			if (ft_scan_is_end(&reading->scan))
				return true;
		}
		/* something follows that no span event has */
		reading->record.is_suspect = true;
		reading->record.kind = FT_TRACING_MESSAGE;
		reading->record.count = reading->has_fields ? reading->record.count : 0;
		reading->scan = before;
	}
	take_own_fields(reading);
	return true;
}

/*
 * Where the fields of a span event end: behind the last brace; which one it is goes to *record. NULL
 * if the line is none, as what follows the brace says.
 */
static const char *event_limit(struct ft_bytes text, struct ft_tracing_record *record)
{
	const char *brace = memrchr(text.data, '}', text.length);
	struct ft_scan tail = {brace ? brace + 1 : NULL, text.data + text.length};
	int places = 0;

	if (!brace || !ft_scan_char(&tail, ':'))
		return NULL;
	ft_scan_char(&tail, ' ');
	while (!ft_tracing_kind_of(ft_scan_rest(&tail), &record->kind)) {
		if (take_close(&tail, record))
			return ft_scan_is_end(&tail) ? brace + 1 : NULL;
		if (places++ > PLACES_MAX || !take_place(&tail))
			return NULL;
	}
	return brace + 1;
}

/* ---- a record ---- */

/* Whether the last field may go on in the next line, as no brace or quote ends it. */
static bool ends_raw(const struct ft_tracing_reading *reading)
{
	const struct ft_tracing_record *record = &reading->record;
	struct ft_scan scan;
	uint64_t number;

	if (!record->is_flat || record->kind == FT_TRACING_MESSAGE || !record->count)
		return false;
	scan = ft_scan_of(record->fields[record->count - 1].value);
	return reading->scan.end[-1] != '"' &&
	       !(ft_scan_u64(&scan, &number) && ft_scan_is_end(&scan));
}

int ft_tracing_text_take(struct ft_tracing_reading *reading, struct ft_bytes text,
			 struct ft_sink *sink)
{
	struct ft_tracing_record *record = &reading->record;
	const char *limit;

	reading->scan = ft_scan_of(text);
	if (!ft_tracing_text_head(&reading->scan, &reading->line.time))
		return FT_LINE_OTHER;
	take_thread(reading);
	limit = event_limit(ft_scan_rest(&reading->scan), record);
	if (limit) {
		record->raw =
			(struct ft_bytes){reading->scan.at, (size_t)(limit - reading->scan.at)};
		if (ft_tracing_take_same(reading->tracing, &reading->line, record, sink))
			return FT_LINE_TAKEN;
	}
	record->kind = FT_TRACING_MESSAGE;
	if (!take_spans(reading, limit))
		return reading->is_open && record->has_span ? FT_LINE_PARTIAL : FT_LINE_OTHER;
	for (int i = 0; i < PLACES_MAX && take_place(&reading->scan); i++)
		reading->has_place = true;
	record->is_flat = !reading->has_fields;
	take_message(reading);
	/* one name before a message alone is the target */
	if (record->kind == FT_TRACING_MESSAGE &&
	    (!record->has_span || !(reading->has_fields || reading->has_place)))
		return FT_LINE_OTHER;
	reading->is_whole = ends_raw(reading);
	if (reading->may_hold && reading->is_whole)
		return FT_LINE_PARTIAL;
	record->is_suspect |= reading->line.is_suspect;
	ft_tracing_take(reading->tracing, &reading->line, record, sink);
	return FT_LINE_TAKEN;
}
