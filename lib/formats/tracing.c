/* SPDX-License-Identifier: MIT */
/*
 * Records of tracing-subscriber to operations (tracing.h).
 *
 * Programs choose which of new, enter, exit and close they print, so what a begin or end is must be
 * learned from the stream:
 * - Begin: new, or the first enter. A first message or an end without them begins an operation
 *   without a time; the time of a close less its duration is one.
 * - End: close. Where none is told, exit; but where new is told, exits are held back for the close
 *   that may follow, HELD_MAX of them. Where new and close are not told, a span that is entered
 *   again cannot be told from another one: each stretch is an operation.
 * - Where neither is told, the next operation of the same thread ends the one before as unknown,
 *   once PATIENCE of them were seen; without threads, the PATIENCE newest are in flight.
 */
#include "tracing.h"

#include "../opcode.h"

#define BEGINS (FT_TRACING_BIT(NEW) | FT_TRACING_BIT(ENTER))
#define ENDS (FT_TRACING_BIT(EXIT) | FT_TRACING_BIT(CLOSE))

#define HELD_MAX 16
#define PATIENCE 16
/* Threads print out of order, but not by that much; else the time stood in a file name. */
#define BACK_NS_MAX UINT64_C(1000000000)
/* Only for failures whose errno is not told; the operation does not carry it. */
#define SOME_ERROR 5

static const struct ft_line no_line = {.text = {"", 0}};

/* ---- names ---- */

static struct ft_bytes last_part(struct ft_bytes name)
{
	const char *colon = memrchr(name.data, ':', name.length);

	if (!colon)
		return name;
	return (struct ft_bytes){colon + 1, (size_t)(name.data + name.length - colon) - 1};
}

bool ft_tracing_opcode(struct ft_tracing *tracing, struct ft_bytes name, uint32_t *ret_opcode)
{
	struct ft_bytes part = last_part(name);
	struct ft_tracing_name *known;

	if (part.length == 0 || part.length > sizeof(known->text))
		return false;
	known = &tracing->names[(part.length * 7 + (unsigned char)part.data[0] * 5 +
				 (unsigned char)part.data[part.length - 1]) %
				FT_TRACING_NAMES];
	if (known->length != part.length || memcmp(known->text, part.data, part.length) != 0) {
		memcpy(known->text, part.data, part.length);
		known->length = (uint8_t)part.length;
		known->is_known = ft_opcode_find(part.data, part.length, &known->opcode);
	}
	*ret_opcode = known->opcode;
	return known->is_known;
}

bool ft_tracing_add(struct ft_tracing_record *record, struct ft_bytes key, struct ft_bytes value)
{
	if (record->count == FT_TRACING_FIELDS_MAX)
		return false;
	record->fields[record->count++] = (struct ft_tracing_field){key, value};
	return true;
}

bool ft_tracing_add_own(struct ft_tracing_record *record, struct ft_bytes key,
			struct ft_bytes value)
{
	if (record->own_count == FT_TRACING_FIELDS_MAX)
		return false;
	record->own[record->own_count++] = (struct ft_tracing_field){key, value};
	return true;
}

/* ---- begin and end ---- */

void ft_tracing_mark_suspect(struct ft_tracing_span *span, struct ft_sink *sink)
{
	struct ft_event event = {.key = span->key, .marks = FUSETRACE_OP_SUSPECT};

	if (!span->is_suspect)
		ft_sink_amend(sink, &event);
	span->is_suspect = true;
}

/* Fields that only a reply can have told. */
static uint32_t reply_fields(uint32_t opcode)
{
	bool opens = ft_opcode_get(opcode)->behaviour & FT_OPCODE_OPENS;

	return FT_HAS(ENTRY) | (opens ? FT_HAS(FH) : 0);
}

static void remove_span(struct ft_tracing *tracing, struct ft_tracing_span *span)
{
	size_t index = (size_t)(span - tracing->spans);

	tracing->count--;
	memmove(span, span + 1, (tracing->count - index) * sizeof(*span));
}

/* What is known of the result by now; a failure without a number is one all the same. */
static void set_result(const struct ft_tracing_span *span, struct ft_event *event)
{
	if (span->has_result && span->is_failure && !span->error) {
		event->error = SOME_ERROR;
		event->ending = FT_ENDING_ENDED;
	} else if (span->has_result) {
		event->error = span->error;
		event->ending = FT_ENDING_RESULT;
	}
	if (span->has_reply_size && !event->error) {
		event->reply_size = span->reply_size;
		event->present |= FT_HAS(REPLY_SIZE);
	}
}

/* An end that the stream does not tell. */
static void end_untold(struct ft_tracing *tracing, struct ft_tracing_span *span,
		       struct ft_sink *sink)
{
	struct ft_event event = {
		.key = span->key,
		.opcode = FT_OPCODE_OF_BEGIN,
		.ending = span->has_exited ? FT_ENDING_ENDED : FT_ENDING_UNKNOWN,
	};
	struct ft_line line = {.text = {"", 0}, .time = span->exit_time};

	if (span->entry) {
		event.entry = span->entry;
		event.present |= FT_HAS(ENTRY);
	}
	set_result(span, &event);
	ft_sink_end(sink, &line, &event);
	remove_span(tracing, span);
}

/* Where no ends are told: the operation of that thread before this one. */
static void end_before(struct ft_tracing *tracing, uint64_t thread, struct ft_sink *sink)
{
	bool is_same_thread;

	if (tracing->seen & ENDS)
		return;
	tracing->is_endless |= tracing->count >= PATIENCE;
	/* begins of several threads that are not told would end each other's */
	is_same_thread = thread || !(tracing->seen & BEGINS);
	for (size_t i = tracing->count; i-- > 0 && tracing->is_endless;) {
		if ((is_same_thread && tracing->spans[0].thread == thread) ||
		    tracing->count > PATIENCE)
			end_untold(tracing, &tracing->spans[0], sink);
		else
			break;
	}
}

/* Remembers the spans' text, unless the end must find more in it than the begin. */
static void set_raw(struct ft_tracing_span *span, const struct ft_tracing_record *record,
		    uint32_t present)
{
	span->raw_length = 0;
	if (!record->raw.data || record->is_inner || record->raw.length > FT_TRACING_RAW_MAX ||
	    (present & reply_fields(span->opcode)))
		return;
	memcpy(span->raw, record->raw.data, record->raw.length);
	span->raw_length = (uint8_t)record->raw.length;
}

/* When the operation began that the record is the first one of: a close tells it by its duration. */
static struct ft_time begin_time(const struct ft_line *line, const struct ft_tracing_record *record)
{
	struct ft_time time = line->time;

	if (record->is_inner)
		return no_line.time;
	if (record->kind == FT_TRACING_NEW || record->kind == FT_TRACING_ENTER)
		return time;
	if (record->kind != FT_TRACING_CLOSE || !record->duration_ns ||
	    time.ns <= record->duration_ns)
		return no_line.time;
	time.ns -= record->duration_ns;
	return time;
}

static struct ft_tracing_span *begin(struct ft_tracing *tracing, const struct ft_line *line,
				     const struct ft_tracing_record *record, const uint64_t *hashes,
				     struct ft_sink *sink)
{
	struct ft_event event = {.key = ++tracing->last_key};
	struct ft_line first = *line;
	struct ft_tracing_span *span;

	end_before(tracing, record->thread, sink);
	if (tracing->count == FT_TRACING_OPEN_MAX)
		end_untold(tracing, &tracing->spans[0], sink);
	span = &tracing->spans[tracing->count++];
	*span = (struct ft_tracing_span){
		.key = event.key,
		.thread = record->thread,
		.opcode = record->opcode,
		.count = (uint32_t)record->count,
		.is_by_message = record->kind == FT_TRACING_MESSAGE || record->is_inner,
	};
	memcpy(span->fields, hashes, record->count * sizeof(*hashes));
	/* where each new is told, an operation without one was written by somebody else */
	span->is_suspect =
		record->is_suspect || ((tracing->seen & FT_TRACING_BIT(NEW)) &&
				       (record->kind != FT_TRACING_NEW || record->is_inner));
	ft_tracing_describe(record, &event);
	set_raw(span, record, event.present);
	event.present &= ~reply_fields(record->opcode);
	event.marks = span->is_suspect ? FUSETRACE_OP_SUSPECT : 0;
	first.time = begin_time(line, record);
	ft_sink_begin(sink, &first, &event);
	return span;
}

/* ---- records of a span in flight ---- */

/* Fields that came since the begin. */
static void update(struct ft_tracing_span *span, const struct ft_tracing_record *record,
		   const uint64_t *hashes, struct ft_sink *sink)
{
	struct ft_event event = {.key = span->key};

	if (record->is_flat && (record->kind == FT_TRACING_MESSAGE || record->is_inner))
		return; /* which fields are the span's cannot be told */
	if (record->count == span->count &&
	    memcmp(span->fields, hashes, span->count * sizeof(*hashes)) == 0)
		return;
	span->count = (uint32_t)record->count;
	memcpy(span->fields, hashes, record->count * sizeof(*hashes));
	ft_tracing_describe(record, &event);
	set_raw(span, record, event.present);
	if (event.present & FT_HAS(ENTRY))
		span->entry = event.entry;
	if (event.present & ~reply_fields(span->opcode)) {
		event.present &= ~reply_fields(span->opcode);
		ft_sink_amend(sink, &event);
	}
}

static void take_result(struct ft_tracing_span *span, const struct ft_tracing_record *record)
{
	struct ft_tracing_result result = {
		.is_told = span->has_result,
		.is_failure = span->is_failure,
		.error = span->error,
		.has_reply_size = span->has_reply_size,
		.reply_size = span->reply_size,
	};

	ft_tracing_find_result(record, &result);
	span->has_result = result.is_told;
	span->is_failure = result.is_failure;
	span->error = result.error;
	span->has_reply_size = result.has_reply_size;
	span->reply_size = result.reply_size;
}

static void end(struct ft_tracing *tracing, struct ft_tracing_span *span,
		const struct ft_line *line, const struct ft_tracing_record *record,
		struct ft_sink *sink)
{
	uint32_t replied = reply_fields(span->opcode);
	struct ft_event event = {.key = span->key, .opcode = span->opcode};

	if (record->count)
		ft_tracing_describe(record, &event);
	event.present &= replied;
	event.opcode = FT_OPCODE_OF_BEGIN;
	event.duration_ns = record->duration_ns;
	event.ending = FT_ENDING_ENDED;
	set_result(span, &event);
	ft_sink_end(sink, line, &event);
	remove_span(tracing, span);
}

/* Ends what has exited, as no close will come. */
static void end_exited(struct ft_tracing *tracing, struct ft_sink *sink)
{
	for (size_t i = 0; i < tracing->count;) {
		if (tracing->spans[i].has_exited)
			end_untold(tracing, &tracing->spans[i], sink);
		else
			i++;
	}
}

static void take_exit(struct ft_tracing *tracing, struct ft_tracing_span *span,
		      const struct ft_line *line, const struct ft_tracing_record *record,
		      struct ft_sink *sink)
{
	size_t held = 0;

	span->is_entered = false;
	if (tracing->seen & FT_TRACING_BIT(CLOSE))
		return;
	if (!(tracing->seen & FT_TRACING_BIT(NEW))) {
		tracing->ended = *span;
		end(tracing, span, line, record, sink);
		return;
	}
	span->has_exited = true;
	span->exit_time = line->time;
	for (size_t i = 0; i < tracing->count; i++)
		held += tracing->spans[i].has_exited;
	if (held >= HELD_MAX || tracing->is_endless) {
		tracing->is_endless = true; /* until a close is seen */
		end_exited(tracing, sink);
	}
}

/* The first close of a stream in which exits were taken for ends. */
static bool has_ended(struct ft_tracing *tracing, const struct ft_tracing_record *record,
		      const uint64_t *hashes)
{
	bool r = tracing->ended.key && tracing->ended.opcode == record->opcode &&
		 ft_tracing_fits(&tracing->ended, record, hashes);

	tracing->ended.key = 0;
	return r;
}

bool ft_tracing_is_out_of_time(const struct ft_tracing *tracing, const struct ft_time *time)
{
	return tracing->clock &&
	       (time->clock + 1 != tracing->clock || time->ns + BACK_NS_MAX < tracing->newest_ns);
}

static void note_time(struct ft_tracing *tracing, const struct ft_time *time)
{
	tracing->clock = time->clock + 1;
	if (time->ns > tracing->newest_ns)
		tracing->newest_ns = time->ns;
}

static void take_kind(struct ft_tracing *tracing, const struct ft_line *line,
		      const struct ft_tracing_record *record, struct ft_tracing_span *span,
		      struct ft_sink *sink)
{
	switch (record->kind) {
	case FT_TRACING_ENTER:
		span->is_entered = true;
		span->has_exited = false;
		break;
	case FT_TRACING_EXIT:
		take_exit(tracing, span, line, record, sink);
		break;
	case FT_TRACING_CLOSE:
		end(tracing, span, line, record, sink);
		break;
	default:
		break;
	}
}

void ft_tracing_take(struct ft_tracing *tracing, const struct ft_line *line,
		     struct ft_tracing_record *record, struct ft_sink *sink)
{
	uint64_t hashes[FT_TRACING_FIELDS_MAX];
	struct ft_tracing_span *span = NULL;
	bool is_new = record->kind == FT_TRACING_NEW && !record->is_inner;

	if (ft_tracing_is_out_of_time(tracing, &line->time))
		record->is_suspect = true;
	else
		note_time(tracing, &line->time);
	if (!record->is_suspect)
		tracing->seen |= 1u << record->kind;
	if (!record->has_span)
		return;
	ft_tracing_hash(record, hashes);
	if (record->kind == FT_TRACING_CLOSE && !record->is_inner) {
		tracing->is_endless = false;
		if (has_ended(tracing, record, hashes))
			return;
	}
	if (!is_new)
		span = ft_tracing_find(tracing, record, hashes, sink);
	if (!span && record->kind == FT_TRACING_MESSAGE && tracing->is_endless &&
	    (tracing->seen & BEGINS))
		return; /* of one that was let go */
	if (span) {
		update(span, record, hashes, sink);
		if (record->is_suspect)
			ft_tracing_mark_suspect(span, sink);
	} else {
		span = begin(tracing, line, record, hashes, sink);
	}
	take_result(span, record);
	if (!record->is_inner)
		take_kind(tracing, line, record, span, sink);
}

bool ft_tracing_take_same(struct ft_tracing *tracing, const struct ft_line *line,
			  const struct ft_tracing_record *record, struct ft_sink *sink)
{
	struct ft_tracing_span *span;

	/* where lines have times, a close has its own */
	if (record->kind == FT_TRACING_CLOSE && !record->duration_ns &&
	    line->time.clock != FT_CLOCK_NONE)
		return false;
	if (record->kind == FT_TRACING_NEW || line->is_suspect || tracing->ended.key ||
	    ft_tracing_is_out_of_time(tracing, &line->time))
		return false;
	span = ft_tracing_find_raw(tracing, record->raw);
	if (!span)
		return false;
	note_time(tracing, &line->time);
	tracing->seen |= 1u << record->kind;
	if (record->kind == FT_TRACING_CLOSE)
		tracing->is_endless = false;
	take_kind(tracing, line, record, span, sink);
	return true;
}

/* What is known of these will hardly become more; others may be in flight. */
void ft_tracing_flush(struct ft_tracing *tracing, struct ft_sink *sink)
{
	end_exited(tracing, sink);
	if (tracing->seen & ENDS)
		return;
	for (size_t i = 0; i < tracing->count;) {
		if (tracing->spans[i].has_result)
			end_untold(tracing, &tracing->spans[i], sink);
		else
			i++;
	}
}
