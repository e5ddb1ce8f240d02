/* SPDX-License-Identifier: MIT */
/*
 * A record of tracing-subscriber's full or compact form (tracing_text.h), from its time to the end of
 * its message. Values that a program prints with % are not quoted: a span event's fields end at the
 * last brace of the text, those of a message where a span in flight says so; what could also be
 * something else is suspect.
 */
#include "tracing_text.h"

/* Where a thread's number is looked for. */
#define THREAD_LENGTH_MAX 96
/* Target, file, line. */
#define PLACES_MAX 3
/* Braces that may end the spans of a message; more of them are not tried. */
#define LIMITS_MAX 8

void ft_tracing_start(struct ft_tracing_reading *reading, const struct ft_line *line, char *scratch)
{
	reading->line = *line;
	reading->scratch.at = scratch;
	reading->has_fields = reading->is_open = false;
	reading->has_place = reading->may_hold = reading->is_doubtful = false;
	ft_tracing_record_init(&reading->record);
}

/* ---- before the spans ---- */

/* "ThreadId(01) ", with or without a name before it. */
static bool take_thread_number(struct ft_tracing_reading *reading)
{
	struct ft_scan at = reading->scan;
	struct ft_bytes name, number;

	if (ft_scan_left(&at) > THREAD_LENGTH_MAX)
		at.end = at.at + THREAD_LENGTH_MAX;
	if (!ft_scan_past(&at, "ThreadId(", 9, &name) || memchr(name.data, '{', name.length) ||
	    memmem(name.data, name.length, ": ", 2) || !ft_scan_until(&at, ')', &number))
		return false;
	number = (struct ft_bytes){number.data - 9, number.length + 10};
	reading->record.thread = ft_tracing_thread(number);
	reading->scan.at = at.at;
	ft_scan_char(&reading->scan, ' ');
	return true;
}

/* Name and number of the thread, each of which may be missing. */
static void take_thread(struct ft_tracing_reading *reading)
{
	struct ft_scan at = reading->scan;
	struct ft_bytes name = ft_tracing_scan_name(&at);

	if (ft_scan_is_end(&at) || *at.at == '{' || *at.at == ':' || take_thread_number(reading))
		return; /* a span begins here */
	ft_scan_chars(&at, ' ');
	if (name.length == 0)
		name = ft_tracing_scan_name(&at);
	if (name.length && (at.at[-1] == ' ' || ft_scan_char(&at, ' '))) {
		reading->record.thread = ft_tracing_thread(name);
		reading->scan = at;
	}
}

/* ---- spans ---- */

/* A span's fields, in braces. */
static bool take_fields(struct ft_tracing_reading *reading, ft_tracing_add_fn *add,
			const char *limit)
{
	struct ft_tracing_fields how = {.add = add, .limit = limit, .is_braced = true};

	if (!ft_scan_char(&reading->scan, '{'))
		return true;
	reading->has_fields = true;
	if (ft_tracing_scan_fields(&reading->scan, &how, &reading->scratch, &reading->record))
		return true;
	reading->is_open = ft_scan_is_end(&reading->scan);
	return false;
}

/* One span, up to the colon behind it. One that is called like an operation only may be outside it. */
static bool take_span(struct ft_tracing *tracing, struct ft_tracing_reading *reading,
		      const char *limit)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_bytes name = ft_tracing_scan_name(&reading->scan);
	bool had_span = record->has_span && !reading->is_doubtful;
	bool is_called_so;
	uint32_t opcode;

	if (name.length == 0)
		return false;
	is_called_so = !had_span && ft_tracing_opcode(tracing, name, &opcode);
	record->is_inner |= had_span;
	if (is_called_so) {
		record->has_outer |= record->has_span;
		record->has_span = true;
		record->opcode = opcode;
		record->name = name;
	} else {
		record->has_outer |= !record->has_span;
	}
	if (!take_fields(reading, is_called_so ? ft_tracing_add : NULL, limit))
		return false;
	if (is_called_so)
		reading->is_doubtful = !ft_tracing_is_operation(record);
	if (is_called_so && reading->is_doubtful)
		record->count = 0;
	return ft_scan_char(&reading->scan, ':');
}

static bool take_spans(struct ft_tracing *tracing, struct ft_tracing_reading *reading,
		       const char *limit)
{
	do {
		if (!take_span(tracing, reading, limit))
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

static void take_message(struct ft_tracing_reading *reading)
{
	struct ft_tracing_fields flat = {.add = ft_tracing_add};
	struct ft_scan before = reading->scan;

	if (take_close(&reading->scan, &reading->record) || take_plain_kind(reading)) {
		if (ft_scan_is_end(&reading->scan))
			return;
		if (!reading->has_fields && ft_scan_char(&reading->scan, ' ')) {
			ft_tracing_scan_fields(&reading->scan, &flat, &reading->scratch,
					       &reading->record);
			if (ft_scan_is_end(&reading->scan))
				return;
		}
		/* something follows that no span event has */
		reading->record.is_suspect = true;
		reading->record.kind = FT_TRACING_MESSAGE;
		reading->record.count = reading->has_fields ? reading->record.count : 0;
		reading->scan = before;
	}
	take_own_fields(reading);
}

/*
 * Where the fields of a span event end: behind the last brace. NULL if the line is none, as what
 * follows the brace says; else that is read.
 */
static const char *event_limit(struct ft_bytes text, bool has_time,
			       struct ft_tracing_record *record)
{
	const char *brace = memrchr(text.data, '}', text.length);
	struct ft_scan tail = {brace ? brace + 1 : NULL, text.data + text.length};
	int places = 0;

	if (!brace || !ft_scan_literal(&tail, ": "))
		return NULL;
	while (!ft_tracing_kind_of(ft_scan_rest(&tail), &record->kind)) {
		if (take_close(&tail, record))
			return ft_scan_is_end(&tail) ? brace + 1 : NULL;
		if (places++ > PLACES_MAX || !take_place(&tail))
			return NULL;
	}
	/* where lines have times, a close has its own: this is the program's message */
	if (record->kind == FT_TRACING_CLOSE && has_time)
		record->kind = FT_TRACING_MESSAGE;
	return brace + 1;
}

/* Target, file, line and message. */
static void take_rest(struct ft_tracing_reading *reading)
{
	reading->record.kind = FT_TRACING_MESSAGE;
	reading->record.duration_ns = 0;
	for (int i = 0; i < PLACES_MAX && take_place(&reading->scan); i++)
		reading->has_place = true;
	take_message(reading);
}

/* ---- a record ---- */

/* Begins again with the spans. */
static void rewind_spans(struct ft_tracing_reading *reading, const struct ft_scan *spans,
			 const struct ft_tracing_scratch *scratch)
{
	reading->scan = *spans;
	reading->scratch = *scratch;
	reading->record.has_span = reading->record.is_inner = reading->record.is_suspect = false;
	reading->record.has_outer = false;
	reading->record.count = 0;
	reading->has_fields = reading->is_open = reading->is_doubtful = false;
}

/* Most messages have no brace at all. */
static bool has_end_of_spans(const struct ft_scan *scan)
{
	return memchr(scan->at, '}', ft_scan_left(scan)) &&
	       memmem(scan->at, ft_scan_left(scan), "}: ", 3);
}

/*
 * The spans of a message. Where several braces may end them, as values or the message hold some, too,
 * it is the one that makes a span in flight of them; if there is none, nobody can tell.
 */
static bool take_spans_of_message(struct ft_tracing *tracing, struct ft_tracing_reading *reading)
{
	const struct ft_scan spans = reading->scan;
	const struct ft_tracing_scratch scratch = reading->scratch;
	const char *brace = spans.at;

	if (!take_spans(tracing, reading, NULL))
		return false;
	if (!reading->has_fields || !has_end_of_spans(&reading->scan))
		return true;
	for (int i = 0; i < LIMITS_MAX; i++) {
		brace = memmem(brace, (size_t)(spans.end - brace), "}: ", 3);
		if (!brace++)
			break;
		rewind_spans(reading, &spans, &scratch);
		if (take_spans(tracing, reading, brace) && reading->record.has_span &&
		    ft_tracing_is_in_flight(tracing, &reading->record)) {
			reading->record.is_suspect = false;
			return true;
		}
	}
	rewind_spans(reading, &spans, &scratch);
	reading->record.is_suspect = true;
	return take_spans(tracing, reading, NULL);
}

int ft_tracing_read(struct ft_tracing *tracing, struct ft_tracing_reading *reading)
{
	struct ft_tracing_record *record = &reading->record;
	struct ft_bytes text = reading->line.text;
	const char *limit;

	reading->scan = ft_scan_of(text);
	if (!ft_tracing_scan_head(&reading->scan, &reading->line.time))
		return FT_LINE_OTHER;
	take_thread(reading);
	limit = event_limit(ft_scan_rest(&reading->scan), reading->line.time.clock != FT_CLOCK_NONE,
			    record);
	if (limit ? !take_spans(tracing, reading, limit) : !take_spans_of_message(tracing, reading))
		return reading->is_open && record->has_span ? FT_LINE_PARTIAL : FT_LINE_OTHER;
	if (!record->has_span && !reading->has_fields)
		return FT_LINE_OTHER;
	record->is_flat = !reading->has_fields;
	if (!limit || reading->scan.at != limit + 2 /* ": " */ ||
	    record->kind == FT_TRACING_MESSAGE)
		take_rest(reading);
	if (reading->is_doubtful) /* in flat form its fields stand here */
		record->has_span = record->is_flat && ft_tracing_is_operation(record);
	/* what is no operation is the program's own matter */
	if (!record->has_span)
		return record->kind != FT_TRACING_MESSAGE ? FT_LINE_TAKEN : FT_LINE_OTHER;
	/* one name before a message alone is the target */
	if (record->kind == FT_TRACING_MESSAGE && !reading->has_fields && !reading->has_place)
		return FT_LINE_OTHER;
	record->is_suspect |= reading->line.is_suspect;
	reading->may_hold = record->is_flat && text.data[text.length - 1] != '"';
	return FT_LINE_TAKEN;
}
