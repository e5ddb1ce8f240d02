/* SPDX-License-Identifier: MIT */
/* See model.h. Each function is a sentence of docs/waiting.md; the numbers are its rules. */
#include "model.h"

#include <string.h>

const char *const ft_model_names[7] = {"create", "write",  "release", "lookup",
				       "statfs", "forget", "read"};
const char *const ft_model_paths[3] = {"/a", "/b", "/d/a"};

/* ---- one operation ---- */

/* Rule 11: all that says which operation, but not how it went. */
static bool is_meant(const struct ft_model_match *match, const struct ft_model_op *op)
{
	bool is_name = match->name == FT_MODEL_ANY_NAME || match->name == op->name;
	bool is_path = match->path == FT_MODEL_ANY_PATH || match->path == op->path ||
		       (match->path == FT_MODEL_GLOB_A && op->path != 1);

	return is_name && is_path;
}

/* Rule 9: the result is part of the match. */
static bool is_result(const struct ft_model_match *match, const struct ft_model_op *op)
{
	if (match->error && op->error != match->error)
		return false;
	return match->status == FUSETRACE_MATCH_ANY ||
	       op->status == (match->status == FUSETRACE_MATCH_OK ? FUSETRACE_STATUS_COMPLETED
								  : FUSETRACE_STATUS_FAILED);
}

static bool matches(const struct ft_model_match *match, const struct ft_model_op *op)
{
	bool both = is_meant(match, op) && is_result(match, op);

	return both != !!(match->flags & FUSETRACE_MATCH_NOT);
}

/* Rule 2: what began behind the mark; with the flag also what was in flight then. */
static bool counts(const struct ft_model_wait *wait, int slot, const struct ft_model_op *op)
{
	if (op->end < wait->mark)
		return false;
	return op->begin >= wait->mark || (wait->matches[slot].flags & FUSETRACE_MATCH_IN_FLIGHT);
}

static bool passes(const struct ft_model_match *match, const struct ft_model_op *op)
{
	return !match->has_check || op->passes_check;
}

/* Rule 13: what comes by itself counts in a strict order and a prohibition only where it is named. */
static bool is_by_chance(const struct ft_model_match *match, const struct ft_model_op *op)
{
	bool is_named = match->name != FT_MODEL_ANY_NAME && !(match->flags & FUSETRACE_MATCH_NOT);
	bool comes_by_itself =
		op->name == FT_MODEL_READ ? op->is_readahead : op->name >= FT_MODEL_NAMES_MEANT;

	return comes_by_itself && !is_named;
}

static bool is_passed_over(const struct ft_model_wait *wait, int slot, const struct ft_model_op *op)
{
	return wait->order == FUSETRACE_ORDER_STRICT && is_by_chance(&wait->matches[slot], op);
}

/* Rule 10: unknown satisfies nothing; but what is forbidden was asked for all the same (7). */
bool ft_model_fits(const struct ft_model_wait *wait, int slot, const struct ft_model_op *op)
{
	const struct ft_model_match *match = &wait->matches[slot];

	if (op->status == FUSETRACE_STATUS_UNKNOWN && wait->order != FT_MODEL_NONE)
		return false;
	return counts(wait, slot, op) && !is_passed_over(wait, slot, op) && matches(match, op) &&
	       passes(match, op);
}

/* Rule 9: who waits for success is told at once of a failure, unless it is one that is expected. */
static bool spoils(const struct ft_model_wait *wait, int slot, const struct ft_model_op *op)
{
	const struct ft_model_match *match = &wait->matches[slot];

	return match->status == FUSETRACE_MATCH_OK && op->status == FUSETRACE_STATUS_FAILED &&
	       !(match->flags & (FUSETRACE_MATCH_ALLOW_FAILURE | FUSETRACE_MATCH_NOT)) &&
	       !op->is_probe && counts(wait, slot, op) && !is_passed_over(wait, slot, op) &&
	       is_meant(match, op) && passes(match, op);
}

/* ---- several ---- */

/* Operations by the item that ends them; NULL where none does. */
struct ended {
	const struct ft_model_op *by_item[FT_MODEL_ITEMS];
};

/*
 * Rule 4: the most slots that can be answered by operations of their own among the first `until`
 * items, by trying all ways; slot `without` (-1: none) stays empty.
 */
static int best(const struct ended *ended, const struct ft_model_wait *wait, int slot, int until,
		uint32_t used, int without)
{
	int most, left = wait->slots - slot - (without >= slot);

	if (slot == wait->slots)
		return 0;
	most = best(ended, wait, slot + 1, until, used, without);
	for (int i = 0; slot != without && most < left && i < until; i++) {
		int found;

		if ((used >> i & 1) || !ended->by_item[i] ||
		    !ft_model_fits(wait, slot, ended->by_item[i]))
			continue;
		found = 1 + best(ended, wait, slot + 1, until, used | 1u << i, without);
		most = found > most ? found : most;
	}
	return most;
}

/* Rule 5: the most slots, from the first on, that can be answered one after the other. */
static int best_in_order(const struct ended *ended, const struct ft_model_wait *wait, int slot,
			 int from, int until)
{
	int most = 0;

	for (int i = from; slot < wait->slots && i < until; i++) {
		int found;

		if (!ended->by_item[i] || !ft_model_fits(wait, slot, ended->by_item[i]))
			continue;
		found = 1 + best_in_order(ended, wait, slot + 1, i + 1, until);
		most = found > most ? found : most;
	}
	return most;
}

/* Which slots may be empty when as many as possible are answered, as bits. */
static uint32_t may_be_empty(const struct ended *ended, const struct ft_model_wait *wait, int until)
{
	int most = best(ended, wait, 0, until, 0, -1);
	uint32_t empty = 0;

	for (int slot = 0; slot < wait->slots; slot++)
		empty |= best(ended, wait, 0, until, 0, slot) == most ? 1u << slot : 0;
	return empty;
}

/* Whether a slot is empty in every best way. */
static bool must_be_empty(const struct ended *ended, const struct ft_model_wait *wait, int until,
			  int slot)
{
	struct ft_model_wait others = *wait;
	int most = best(ended, wait, 0, until, 0, -1);

	/* with this slot answered first, is there still a best way? */
	others.matches[slot] = wait->matches[0];
	others.matches[0] = wait->matches[slot];
	for (int i = 0; i < until; i++) {
		if (ended->by_item[i] && ft_model_fits(&others, 0, ended->by_item[i]) &&
		    1 + best(ended, &others, 1, until, 1u << i, -1) == most)
			return false;
	}
	return true;
}

/* ---- waits ---- */

/* What the operations up to an item decide; NOT_YET when nothing. */
static uint32_t decide_any(const struct ended *ended, const struct ft_model_wait *wait, int until)
{
	uint32_t answers = 0;

	for (int i = 0; i < until; i++) {
		uint32_t empty;

		if (!ended->by_item[i] || ended->by_item[i]->status == FUSETRACE_STATUS_UNKNOWN)
			continue;
		if (best(ended, wait, 0, i + 1, 0, -1) == wait->slots)
			return answers | FT_MODEL_OK;
		empty = may_be_empty(ended, wait, i + 1);
		for (int slot = 0; slot < wait->slots; slot++) {
			if (!(empty >> slot & 1) || !spoils(wait, slot, ended->by_item[i]))
				continue;
			answers |= FT_MODEL_FAILED;
			if (must_be_empty(ended, wait, i + 1, slot))
				return answers;
		}
	}
	return answers | FT_MODEL_NOT_YET;
}

static uint32_t decide_ordered(const struct ended *ended, const struct ft_model_wait *wait,
			       int until)
{
	for (int i = 0; i < until; i++) {
		int before = best_in_order(ended, wait, 0, 0, i), turn = before;
		uint32_t answers = 0;

		if (!ended->by_item[i])
			continue;
		if (best_in_order(ended, wait, 0, 0, i + 1) == wait->slots)
			return FT_MODEL_OK;
		if (ft_model_fits(wait, turn, ended->by_item[i]))
			continue;
		if (spoils(wait, turn, ended->by_item[i]))
			answers |= FT_MODEL_FAILED;
		for (int slot = 0;
		     wait->order == FUSETRACE_ORDER_STRICT && turn && slot < wait->slots; slot++) {
			if (ft_model_fits(wait, slot, ended->by_item[i]))
				answers |= FT_MODEL_ORDER;
		}
		if (answers)
			return answers;
	}
	return FT_MODEL_NOT_YET;
}

/* Rule 7: it was asked for behind the mark, whether or not it has been answered. */
static uint32_t decide_none(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			    int until)
{
	const struct ft_model_match *match = &wait->matches[0];

	for (int i = 0; i < stream->count; i++) {
		const struct ft_model_op *op = &stream->ops[i];
		struct ft_model_op started = *op;

		if (is_by_chance(match, op))
			continue;
		if (op->end < until && ft_model_fits(wait, 0, op))
			return FT_MODEL_SEEN;
		if (op->end < until || op->begin < 0 || op->begin >= until)
			continue;
		started.status = FUSETRACE_STATUS_STARTED;
		started.error = 0;
		/* Inverted, how it goes may still decide. */
		if ((match->flags & FUSETRACE_MATCH_NOT) && is_meant(match, op))
			continue;
		if (ft_model_fits(wait, 0, &started))
			return FT_MODEL_SEEN;
	}
	return FT_MODEL_NOT_YET;
}

static bool has_item(const struct ft_model_stream *stream, int from, int until, int kind)
{
	for (int i = from; i < until; i++) {
		if ((int)stream->kinds[i] == kind)
			return true;
	}
	return false;
}

static void find_ended(const struct ft_model_stream *stream, struct ended *ended)
{
	memset(ended, 0, sizeof(*ended));
	for (int i = 0; i < stream->count; i++) {
		if (stream->ops[i].end < FT_MODEL_ITEMS)
			ended->by_item[stream->ops[i].end] = &stream->ops[i];
	}
}

static uint32_t decide(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
		       int until)
{
	struct ended ended;

	find_ended(stream, &ended);
	if (wait->order == FT_MODEL_NONE)
		return decide_none(stream, wait, until);
	return wait->order == FUSETRACE_ORDER_ANY ? decide_any(&ended, wait, until)
						  : decide_ordered(&ended, wait, until);
}

uint32_t ft_model_answers(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			  int until)
{
	bool is_lost = has_item(stream, wait->mark, until, FT_MODEL_LOST);
	bool is_gone = has_item(stream, 0, until, FT_MODEL_GONE);
	bool is_unmounted = has_item(stream, 0, until, FT_MODEL_UNMOUNTED);
	uint32_t answers = decide(stream, wait, until);

	/* Rule 8: with a loss only what was seen is known. */
	if (is_lost && wait->order == FUSETRACE_ORDER_STRICT &&
	    (answers & (FT_MODEL_OK | FT_MODEL_ORDER)))
		return FT_MODEL_EVENTS_LOST | (answers & FT_MODEL_FAILED);
	if (!(answers & FT_MODEL_NOT_YET))
		return answers;
	answers &= ~FT_MODEL_NOT_YET;
	if (wait->order == FT_MODEL_NONE)
		return answers | (is_lost ? FT_MODEL_EVENTS_LOST : FT_MODEL_OK);
	if (is_gone || is_unmounted) /* rule 15 */
		return answers | (is_gone ? FT_MODEL_DAEMON_GONE : FT_MODEL_NO_MOUNT);
	return answers | (is_lost ? FT_MODEL_EVENTS_LOST : FT_MODEL_NOT_YET);
}

int ft_model_count(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
		   int until)
{
	int count = 0;

	for (int i = 0; i < stream->count; i++) {
		const struct ft_model_op *op = &stream->ops[i];

		count += op->end >= wait->mark && op->end < until &&
			 matches(&wait->matches[0], op) && passes(&wait->matches[0], op);
	}
	return count;
}

/* ---- rule 39: why nothing came, from the most telling reason to the least ---- */

/* The item from which on the slot is asked for: in order, when those before it have been answered. */
static int turn_of(const struct ft_model_stream *stream, const struct ft_model_wait *wait, int slot,
		   int until)
{
	struct ended ended;
	int turn = 0;

	if (wait->order == FUSETRACE_ORDER_ANY)
		return 0;
	find_ended(stream, &ended);
	while (turn < until && best_in_order(&ended, wait, 0, 0, turn) < slot)
		turn++;
	return turn;
}

/*
 * Whether the operation would have answered the slot, had those before it come first. The answer to a
 * slot ends just before the turn of the next one.
 */
static bool is_too_early(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			 int slot, int until, const struct ft_model_op *op)
{
	if (op->status == FUSETRACE_STATUS_UNKNOWN || !counts(wait, slot, op) ||
	    !matches(&wait->matches[slot], op) || op->end >= turn_of(stream, wait, slot, until))
		return false;
	for (int next = 1; next <= slot; next++) {
		if (op->end == turn_of(stream, wait, next, until) - 1)
			return false;
	}
	return true;
}

/*
 * A verdict is a fact: the check is asked about what nobody has asked it about, the newest ten. Bits
 * are numbers of operations.
 */
static bool takes_any(const struct ft_model_stream *stream, const struct ft_model_match *match,
		      uint32_t among)
{
	int asked = 0;

	for (int item = stream->items; item-- > 0;) {
		int i = stream->of_item[item];

		if (stream->kinds[item] != FT_MODEL_END || !(among >> i & 1))
			continue;
		if (asked++ < 10 && passes(match, &stream->ops[i]))
			return true;
	}
	return false;
}

/* What is true of one slot that nothing has answered. */
static uint32_t verdict_of_slot(const struct ft_model_stream *stream,
				const struct ft_model_wait *wait, int slot, int until)
{
	const struct ft_model_match *match = &wait->matches[slot];
	bool is_not = match->flags & FUSETRACE_MATCH_NOT, is_any = false;
	int turn = turn_of(stream, wait, slot, until);
	bool in_flight = false, refused = false, failed = false, other = false;
	uint32_t early = 0, before = 0;

	for (int i = 0; i < stream->count; i++) {
		const struct ft_model_op *op = &stream->ops[i];
		bool is_ended = op->end < until, is_counted = counts(wait, slot, op);
		bool is_one = is_meant(match, op) != is_not;

		if (!is_ended && (op->begin < 0 || op->begin >= until))
			continue;
		is_any |= op->end >= wait->mark;
		other |= is_ended && op->end >= wait->mark && !is_not &&
			 match->path != FT_MODEL_ANY_PATH &&
			 (match->name == FT_MODEL_ANY_NAME || match->name == op->name) &&
			 !is_meant(match, op);
		if (is_passed_over(wait, slot, op))
			continue;
		if (!is_ended || op->status == FUSETRACE_STATUS_UNKNOWN) {
			in_flight |= is_one && is_counted;
			continue;
		}
		if (is_too_early(stream, wait, slot, until, op)) {
			early |= 1u << i;
			continue;
		}
		refused |=
			is_counted && matches(match, op) && !passes(match, op) && op->end >= turn;
		failed |= is_counted && !is_not && is_meant(match, op) &&
			  op->status == FUSETRACE_STATUS_FAILED;
		refused |= is_counted && !is_not && is_meant(match, op) &&
			   op->status == FUSETRACE_STATUS_COMPLETED && !matches(match, op);
		before |= !is_counted && matches(match, op) ? 1u << i : 0;
	}
	return 1u << (in_flight                          ? FUSETRACE_VERDICT_IN_FLIGHT
		      : refused                          ? FUSETRACE_VERDICT_REFUSED
		      : failed                           ? FUSETRACE_VERDICT_FAILED
		      : takes_any(stream, match, early)  ? FUSETRACE_VERDICT_ORDER
		      : early                            ? FUSETRACE_VERDICT_REFUSED
		      : takes_any(stream, match, before) ? FUSETRACE_VERDICT_BEFORE_MARK
		      : other                            ? FUSETRACE_VERDICT_OTHER_PATH
		      : is_any                           ? FUSETRACE_VERDICT_NEVER_STARTED
							 : FUSETRACE_VERDICT_NO_EVENTS);
}

uint32_t ft_model_verdicts(const struct ft_model_stream *stream, const struct ft_model_wait *wait,
			   int until)
{
	struct ended ended;
	uint32_t empty, verdicts = 0;

	find_ended(stream, &ended);
	empty = wait->order == FUSETRACE_ORDER_ANY ? may_be_empty(&ended, wait, until)
						   : 1u << best_in_order(&ended, wait, 0, 0, until);
	for (int slot = 0; slot < wait->slots; slot++)
		verdicts |= empty >> slot & 1 ? verdict_of_slot(stream, wait, slot, until) : 0;
	return verdicts;
}
