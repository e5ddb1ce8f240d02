/* SPDX-License-Identifier: MIT */
/*
 * Records of tracing-subscriber to operations (tracing.h). To which span in flight a record belongs
 * is found by tracing_match.c; where it may be of several, all of these are suspect.
 *
 * Programs choose which of new, enter, exit and close they print, so what a begin or end is must be
 * learned from the stream:
 * - Begin: new, or the first enter. A first message or an end without them begins an operation
 *   without a time; the time of a close less its duration is one.
 * - End: close. Where none is told, exit; but where new is told, exits are held back for the close
 *   that may follow, HELD_MAX of them. Where new and close are not told, a span that is entered
 *   again cannot be told from another one: each stretch is an operation.
 * - Where neither is told, which is believed once PATIENCE spans are in flight, the next one of the
 *   same thread, the PATIENCE-th one after it or a pause of the log end an operation as unknown. What
 *   is printed of it later must not begin it again, so it is remembered as over for a while.
 */
#include "tracing.h"

#include <errno.h>

#include "op/opcode.h"

#define HELD_MAX 16
#define PATIENCE 16
#define OVER_MAX 32
/* Threads print out of order, but not by that much; else the time stood in a file name. */
#define BACK_NS_MAX UINT64_C(1000000000)
#define ODD_TIMES_MAX 8
/* Only for failures whose errno is not told; the operation does not carry it. */
#define SOME_ERROR EIO

static const struct ft_line no_line = {.text = {"", 0}};

/* ---- begin and end ---- */

static void mark_suspect(struct ft_tracing_span *span, struct ft_sink *sink)
{
	struct ft_event event = {.key = span->key, .marks = FUSETRACE_OP_SUSPECT};

	if (!span->is_suspect)
		ft_sink_amend(sink, &event);
	span->is_suspect = true;
}

/* The span in flight that the record is of; which one of several that are equal cannot be told. */
static struct ft_tracing_span *find(struct ft_tracing *tracing,
				    const struct ft_tracing_record *record, const uint64_t *hashes,
				    struct ft_sink *sink)
{
	struct ft_tracing_span *best = ft_tracing_find(tracing, record, hashes);

	for (size_t i = 0; best && best->score && i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span == best || span->score != best->score)
			continue;
		mark_suspect(span, sink);
		mark_suspect(best, sink);
	}
	return best;
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

	tracing->over_count -= span->is_over;
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

/* An end that the stream does not tell; the span stays. */
static void end_untold(struct ft_tracing_span *span, struct ft_sink *sink)
{
	struct ft_event event = {
		.key = span->key,
		.opcode = FT_OPCODE_OF_BEGIN,
		.ending = span->has_exited ? FT_ENDING_ENDED : FT_ENDING_UNKNOWN,
	};
	struct ft_line line = {.text = {"", 0}, .time = span->exit_time};

	if (span->entry && !span->is_suspect) {
		event.entry = span->entry;
		event.present |= FT_HAS(ENTRY);
	}
	set_result(span, &event);
	ft_sink_end(sink, &line, &event);
}

/* Makes room for another span: the oldest that is over, else the oldest one. */
static void make_room(struct ft_tracing *tracing, struct ft_sink *sink)
{
	size_t oldest = 0;

	if (tracing->over_count < OVER_MAX && tracing->count < FT_TRACING_OPEN_MAX)
		return;
	while (tracing->over_count && !tracing->spans[oldest].is_over)
		oldest++;
	if (!tracing->spans[oldest].is_over)
		end_untold(&tracing->spans[oldest], sink);
	remove_span(tracing, &tracing->spans[oldest]);
}

static void let_over(struct ft_tracing *tracing, struct ft_tracing_span *span)
{
	span->is_over = true;
	tracing->over_count++;
}

/* Where no ends are told: the operation of that thread before this one, and those of long ago. */
static void end_before(struct ft_tracing *tracing, uint64_t thread, struct ft_sink *sink)
{
	size_t open = tracing->count - tracing->over_count;

	if (tracing->seen & FT_TRACING_ENDS)
		return;
	tracing->is_endless |= open >= PATIENCE;
	for (size_t i = 0; i < tracing->count && tracing->is_endless; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span->is_over || (open < PATIENCE && (!thread || span->thread != thread)))
			continue;
		end_untold(span, sink);
		let_over(tracing, span);
		open--;
	}
}

static struct ft_tracing_span *begin(struct ft_tracing *tracing, const struct ft_line *line,
				     const struct ft_tracing_record *record, const uint64_t *hashes,
				     struct ft_sink *sink)
{
	bool is_begin = record->kind == FT_TRACING_NEW || record->kind == FT_TRACING_ENTER;
	struct ft_event event = {.key = ++tracing->last_key};
	struct ft_line untimed = *line;
	struct ft_tracing_span *span;

	end_before(tracing, record->thread, sink);
	make_room(tracing, sink);
	span = &tracing->spans[tracing->count++];
	memset(span, 0, offsetof(struct ft_tracing_span, fields));
	span->key = event.key;
	span->thread = record->thread;
	span->opcode = record->opcode;
	span->count = (uint32_t)record->count;
	span->is_by_message = record->kind == FT_TRACING_MESSAGE || record->is_inner;
	memcpy(span->fields, hashes, record->count * sizeof(*hashes));
	/* where each new is told, an operation without one was written by somebody else */
	span->is_suspect =
		record->is_suspect || ((tracing->seen & FT_TRACING_BIT(NEW)) &&
				       (record->kind != FT_TRACING_NEW || record->is_inner));
	if (record->kind == FT_TRACING_NEW && !record->is_inner && !record->is_map &&
	    !record->is_suspect)
		span->is_suspect |= ft_tracing_has_odd_fields(tracing, record, hashes);
	ft_tracing_describe(record, &event);
	event.present &= ~reply_fields(record->opcode);
	event.marks = span->is_suspect ? FUSETRACE_OP_SUSPECT : 0;
	untimed.time = no_line.time;
	ft_sink_begin(sink, is_begin && !record->is_inner ? line : &untimed, &event);
	return span;
}

/* ---- records of a span in flight ---- */

/* Fields that came since the begin. */
static void update(struct ft_tracing_span *span, const struct ft_tracing_record *record,
		   const uint64_t *hashes, struct ft_sink *sink)
{
	struct ft_event event;

	if (record->is_flat && (record->kind == FT_TRACING_MESSAGE || record->is_inner))
		return; /* which fields are the span's cannot be told */
	if (record->count == span->count &&
	    memcmp(span->fields, hashes, span->count * sizeof(*hashes)) == 0)
		return;
	span->count = (uint32_t)record->count;
	memcpy(span->fields, hashes, record->count * sizeof(*hashes));
	event = (struct ft_event){.key = span->key};
	ft_tracing_describe(record, &event);
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

static void end(struct ft_tracing_span *span, const struct ft_line *line,
		const struct ft_tracing_record *record, struct ft_sink *sink)
{
	uint32_t replied = reply_fields(span->opcode);
	struct ft_event event = {.key = span->key, .opcode = span->opcode};

	ft_tracing_describe(record, &event);
	/* a node must not get its name from what may be part of another one's */
	event.present &= span->is_suspect ? 0 : replied;
	event.opcode = FT_OPCODE_OF_BEGIN;
	event.duration_ns = record->duration_ns;
	event.ending = FT_ENDING_ENDED;
	set_result(span, &event);
	ft_sink_end(sink, line, &event);
}

/* Ends what has exited, as no close will come. */
static void end_exited(struct ft_tracing *tracing, struct ft_sink *sink)
{
	for (size_t i = 0; i < tracing->count;) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (!span->has_exited) {
			i++;
			continue;
		}
		end_untold(span, sink);
		remove_span(tracing, span);
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
		end(span, line, record, sink);
		let_over(tracing, span);
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

/*
 * Whether the record is of a span that has ended for us already: where an exit was taken for the end
 * until the first close was seen, and where no ends are told.
 */
static bool is_of_one_over(struct ft_tracing *tracing, const struct ft_tracing_record *record,
			   const uint64_t *hashes)
{
	bool is_close = record->kind == FT_TRACING_CLOSE && !record->is_inner;
	bool only_begins =
		(tracing->seen & FT_TRACING_BEGINS) && !(tracing->seen & FT_TRACING_ENDS);

	if (!tracing->over_count || !(is_close || only_begins))
		return false;
	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (!span->is_over || span->opcode != record->opcode ||
		    !ft_tracing_fits(span, record, hashes))
			continue;
		if (is_close)
			remove_span(tracing, span);
		return true;
	}
	return false;
}

/* Whether the record's time is not one that this stream can have printed by now. */
bool ft_tracing_is_out_of_time(const struct ft_tracing *tracing, const struct ft_time *time)
{
	return tracing->clock &&
	       (time->clock + 1 != tracing->clock || time->ns + BACK_NS_MAX < tracing->newest_ns);
}

/* A clock that was set back, or a daemon that was started anew, is believed after some records. */
static bool take_time(struct ft_tracing *tracing, const struct ft_time *time)
{
	bool is_odd = ft_tracing_is_out_of_time(tracing, time);

	if (is_odd && tracing->odd_times++ < ODD_TIMES_MAX)
		return false;
	tracing->odd_times = 0;
	tracing->clock = time->clock + 1;
	if (is_odd || time->ns > tracing->newest_ns)
		tracing->newest_ns = time->ns;
	return true;
}

/* A message in flat form, of a span without fields: which one cannot be told. */
static bool is_of_any(const struct ft_tracing *tracing, const struct ft_tracing_record *record)
{
	return record->kind == FT_TRACING_MESSAGE && record->is_flat && record->count == 0 &&
	       (tracing->seen & (FT_TRACING_BEGINS | FT_TRACING_ENDS));
}

static void take_kind(struct ft_tracing *tracing, const struct ft_line *line,
		      const struct ft_tracing_record *record, struct ft_tracing_span *span,
		      struct ft_sink *sink)
{
	switch (record->kind) {
	case FT_TRACING_ENTER:
		span->is_entered = true;
		span->has_exited = false;
		span->thread = record->thread;
		break;
	case FT_TRACING_EXIT:
		take_exit(tracing, span, line, record, sink);
		break;
	case FT_TRACING_CLOSE:
		end(span, line, record, sink);
		remove_span(tracing, span);
		break;
	default:
		break;
	}
}

void ft_tracing_take(struct ft_tracing *tracing, const struct ft_line *line,
		     struct ft_tracing_record *record, struct ft_sink *sink)
{
	bool is_begin = (record->kind == FT_TRACING_NEW || record->kind == FT_TRACING_ENTER) &&
			!record->is_inner;
	uint64_t hashes[FT_TRACING_FIELDS_MAX];
	struct ft_tracing_span *span = NULL;

	record->is_suspect |= !take_time(tracing, &line->time);
	if (!record->is_suspect)
		tracing->seen |= 1u << record->kind;
	if (!record->has_span || is_of_any(tracing, record))
		return;
	ft_tracing_hash(record, hashes);
	if (record->kind == FT_TRACING_CLOSE)
		tracing->is_endless = false;
	if (record->kind != FT_TRACING_NEW || record->is_inner)
		span = find(tracing, record, hashes, sink);
	if (span) {
		update(span, record, hashes, sink);
		if (record->is_suspect)
			mark_suspect(span, sink);
	} else if (!is_begin && is_of_one_over(tracing, record, hashes)) {
		return;
	} else {
		span = begin(tracing, line, record, hashes, sink);
	}
	take_result(span, record);
	if (!record->is_inner)
		take_kind(tracing, line, record, span, sink);
}

/* What is known of these will hardly become more; others may be in flight. */
void ft_tracing_flush(struct ft_tracing *tracing, struct ft_sink *sink)
{
	end_exited(tracing, sink);
	for (size_t i = 0; i < tracing->count && !(tracing->seen & FT_TRACING_ENDS); i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span->is_over || !(span->has_result || tracing->is_endless))
			continue;
		end_untold(span, sink);
		let_over(tracing, span);
	}
}
