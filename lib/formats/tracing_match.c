/* SPDX-License-Identifier: MIT */
/*
 * Which span in flight a record is of (tracing.h). Records carry no number of their span: one belongs
 * to the span with the same name whose fields it has, as fields are only ever added; of several to
 * the one whose thread is the record's, if threads are told.
 */
#include "tracing.h"

#include "op/opcode.h"

/* ---- names ---- */

static struct ft_bytes last_part(struct ft_bytes name)
{
	size_t at = name.length;

	while (at && name.data[at - 1] != ':' && name.data[at - 1] != '.')
		at--;
	return (struct ft_bytes){name.data + at, name.length - at};
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

/* ---- spans ---- */

/* Most are of a few bytes, where a good hash (base/hash.h) takes longer than all the rest. */
uint32_t ft_tracing_hash_text(struct ft_bytes text)
{
	uint64_t hash = text.length;
	const char *at = text.data;
	size_t left = text.length;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	for (word = 0; left; left--)
		word = word << 8 | (unsigned char)*at++;
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

static uint64_t hash_of(const struct ft_tracing_field *field)
{
	return (uint64_t)ft_tracing_hash_text(field->key) << 32 |
	       ft_tracing_hash_text(field->value);
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

/* How many fields from a's first one on stand one behind the other in b. */
static size_t common_begin(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
	size_t best = 0;

	for (size_t i = 0; i + best < b_count; i++) {
		size_t count = 0;

		while (count < a_count && i + count < b_count && a[count] == b[i + count])
			count++;
		best = count > best ? count : best;
	}
	return best;
}

static size_t common_end(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
	size_t count = 0;

	while (count < a_count && count < b_count &&
	       a[a_count - count - 1] == b[b_count - count - 1])
		count++;
	return count;
}

/*
 * In flat form the fields of a message stand before those of the span, those of inner spans behind
 * them: most of one list must be the begin or the end of the other.
 */
static bool fits_flat(const struct ft_tracing_span *span, const struct ft_tracing_record *record,
		      const uint64_t *hashes)
{
	size_t begin = common_begin(hashes, record->count, span->fields, span->count);
	size_t end = common_end(hashes, record->count, span->fields, span->count);

	if (record->is_inner)
		return 2 * (begin + end) > record->count;
	return 2 * (begin > end ? begin : end) > record->count;
}

bool ft_tracing_fits(const struct ft_tracing_span *span, const struct ft_tracing_record *record,
		     const uint64_t *hashes)
{
	if (record->is_flat && span->is_by_message)
		return fits_flat(span, record, hashes);
	return common(span->fields, span->count, hashes, record->count) == span->count;
}

/* At least 1. */
static unsigned int score_of(const struct ft_tracing_span *span,
			     const struct ft_tracing_record *record)
{
	unsigned int score = 4 * span->count + 1;

	score += span->thread == record->thread ? 2 : 0;
	if (record->kind == FT_TRACING_ENTER)
		score += span->is_entered ? 0 : 1;
	else if (record->kind == FT_TRACING_EXIT)
		score += span->is_entered ? 1 : 0;
	return score;
}

/*
 * One whose field was recorded again, where a map keeps the last value only; that it is no
 * other one is known only where begins or ends are told.
 */
static struct ft_tracing_span *find_changed(struct ft_tracing *tracing,
					    const struct ft_tracing_record *record,
					    const uint64_t *hashes)
{
	bool is_begin = record->kind == FT_TRACING_ENTER && !(tracing->seen & FT_TRACING_BIT(NEW));
	struct ft_tracing_span *found = NULL;

	if (!record->is_map || is_begin || !(tracing->seen & (FT_TRACING_BEGINS | FT_TRACING_ENDS)))
		return NULL;
	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];

		if (span->is_over || span->opcode != record->opcode ||
		    span->thread != record->thread ||
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
					const uint64_t *hashes)
{
	struct ft_tracing_span *best = NULL;
	unsigned int best_score = 0;

	for (size_t i = 0; i < tracing->count; i++) {
		struct ft_tracing_span *span = &tracing->spans[i];
		unsigned int score;

		span->score = 0;
		if (span->is_over || span->opcode != record->opcode ||
		    !ft_tracing_fits(span, record, hashes))
			continue;
		score = score_of(span, record);
		span->score = score;
		if (score <= best_score)
			continue;
		best = span;
		best_score = score;
	}
	return best ? best : find_changed(tracing, record, hashes);
}

bool ft_tracing_is_in_flight(const struct ft_tracing *tracing,
			     const struct ft_tracing_record *record)
{
	uint64_t hashes[FT_TRACING_FIELDS_MAX];

	ft_tracing_hash(record, hashes);
	for (size_t i = 0; i < tracing->count; i++) {
		if (tracing->spans[i].opcode == record->opcode &&
		    ft_tracing_fits(&tracing->spans[i], record, hashes))
			return true;
	}
	return false;
}
