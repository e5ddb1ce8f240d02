/* SPDX-License-Identifier: MIT */
/*
 * Which span a record of tracing-subscriber is of (tracing.h). Records carry no number of their span:
 * one belongs to the span in flight with the same name whose fields it has, as fields are only ever
 * added; of several to the one with the same thread, and if these are equal, too, they are suspect.
 */
#include "../base/hash.h"
#include "tracing.h"

/* Keys of one span differ enough for so little to tell them. */
static uint64_t hash_of(const struct ft_tracing_field *field)
{
	struct ft_bytes key = field->key;
	uint64_t of_key = key.length << 16 | (unsigned char)key.data[0] << 8 |
			  (unsigned char)key.data[key.length ? key.length - 1 : 0];

	return of_key << 32 | (uint32_t)ft_hash_bytes(field->value, 0);
}

void ft_tracing_hash(const struct ft_tracing_record *record, uint64_t *hashes)
{
	for (size_t i = 0; i < record->count; i++)
		hashes[i] = hash_of(&record->fields[i]);
}

static bool holds(const uint64_t *hashes, size_t count, uint64_t hash)
{
	for (size_t i = 0; i < count; i++) {
		if (hashes[i] == hash)
			return true;
	}
	return false;
}

/* Fields of a that b has, too. */
static size_t common(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
	size_t count = 0;

	for (size_t i = 0; i < a_count; i++)
		count += (i < b_count && a[i] == b[i]) || holds(b, b_count, a[i]);
	return count;
}

/* Whether all but one of a's fields are in b as they are, and that one with another value. */
static bool differs_in_one(const uint64_t *a, const uint64_t *b, size_t b_count, size_t a_count)
{
	size_t changed = 0;

	for (size_t i = 0; i < a_count; i++) {
		bool has_key = false;

		if (holds(b, b_count, a[i]))
			continue;
		for (size_t j = 0; j < b_count; j++)
			has_key |= a[i] >> 32 == b[j] >> 32;
		if (!has_key || ++changed > 1)
			return false;
	}
	return a_count > 1;
}

bool ft_tracing_fits(const struct ft_tracing_span *span, const struct ft_tracing_record *record,
		     const uint64_t *hashes)
{
	size_t count = common(span->fields, span->count, hashes, record->count);

	if (count == span->count)
		return true;
	/* of a message in flat form the event's own fields are among those of the span */
	return record->is_flat && span->is_by_message && record->count &&
	       holds(span->fields, span->count, hashes[0]) && count * 2 > record->count;
}

static unsigned int score_of(const struct ft_tracing_span *span,
			     const struct ft_tracing_record *record)
{
	unsigned int score = 4 * span->count;

	score += span->thread == record->thread ? 2 : 0;
	if (record->kind == FT_TRACING_ENTER)
		score += span->is_entered ? 0 : 1;
	else if (record->kind == FT_TRACING_EXIT)
		score += span->is_entered ? 1 : 0;
	return score;
}

/* One whose field was recorded again, where a map keeps the last value only. */
static struct ft_tracing_span *find_changed(struct ft_tracing *tracing,
					    const struct ft_tracing_record *record,
					    const uint64_t *hashes)
{
	struct ft_tracing_span *found = NULL;

	/* where no new is told, the enter of another span looks like that */
	if (!record->is_map ||
	    (record->kind == FT_TRACING_ENTER && !(tracing->seen & FT_TRACING_BIT(NEW))))
		return NULL;
	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span->opcode != record->opcode || span->thread != record->thread ||
		    !differs_in_one(span->fields, hashes, record->count, span->count))
			continue;
		if (found)
			return NULL;
		found = span;
	}
	return found;
}

struct ft_tracing_span *ft_tracing_find(struct ft_tracing *tracing,
					const struct ft_tracing_record *record,
					const uint64_t *hashes, struct ft_sink *sink)
{
	struct ft_tracing_span *best = NULL, *equal = NULL;
	unsigned int best_score = 0;

	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];
		unsigned int score;

		if (span->opcode != record->opcode || !ft_tracing_fits(span, record, hashes))
			continue;
		score = score_of(span, record);
		if (best && score < best_score)
			continue;
		equal = best && score == best_score ? span : NULL;
		best = equal ? best : span;
		best_score = score;
	}
	if (equal) {
		ft_tracing_mark_suspect(best, sink);
		ft_tracing_mark_suspect(equal, sink);
	}
	return best ? best : find_changed(tracing, record, hashes);
}

struct ft_tracing_span *ft_tracing_find_raw(struct ft_tracing *tracing, struct ft_bytes raw)
{
	struct ft_tracing_span *found = NULL;

	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span->raw_length != raw.length || memcmp(span->raw, raw.data, raw.length) != 0)
			continue;
		if (found)
			return NULL;
		found = span;
	}
	return found;
}
