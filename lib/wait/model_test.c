/* SPDX-License-Identifier: MIT */
/*
 * Random streams of operations, losses and ends, random marks and waits: what the library answers is
 * compared with the model of the rules (model.h), after each item of the stream, at its end, and from
 * a thread that waits while another one feeds. The verdict of each wait in vain is compared, too.
 * A difference is made as small as it goes and printed with its seed.
 *
 * FUSETRACE_TEST_CASES=1000000 for the long form, FUSETRACE_TEST_SEED=... to have one again.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "testing.h"

#define STREAM_BEGAN_NS UINT64_C(1000000000)
#define ITEM_NS UINT64_C(1000)
#define WAITS_OF_A_STREAM 16
#define SOON (60 * FUSETRACE_SECOND)

struct one {
	struct ft_model_stream stream;
	struct ft_model_wait wait;
};

/* ---- making one up ---- */

static void make_op(struct ft_model_op *op, uint64_t *seed)
{
	uint64_t die = ft_test_below(seed, 10);
	uint32_t names = ft_test_below(seed, 4) ? FT_MODEL_NAMES_MEANT : FT_MODEL_ANY_NAME;

	*op = (struct ft_model_op){
		.name = (uint32_t)ft_test_below(seed, names),
		.path = (uint32_t)ft_test_below(seed, 3),
		.begin = -1,
		.end = FT_MODEL_NEVER,
		.status = FUSETRACE_STATUS_COMPLETED,
		.passes_check = ft_test_below(seed, 3),
	};
	op->is_readahead = op->name == FT_MODEL_READ && ft_test_below(seed, 2);
	if (die < 3) {
		op->status = FUSETRACE_STATUS_FAILED;
		op->error = die == 0 ? ENOENT : EIO;
		op->is_probe = op->error == ENOENT && op->name == 3;
	} else if (die == 3) {
		op->status = FUSETRACE_STATUS_UNKNOWN;
	}
}

/*
 * An item begins an operation or ends one of those in flight, or one whose begin nobody saw. A forget
 * has no reply: it ends where it begins.
 */
static void make_stream(struct ft_model_stream *stream, uint64_t *seed)
{
	int open[FT_MODEL_ITEMS], count = 0;

	memset(stream, 0, sizeof(*stream));
	stream->items = 1 + (int)ft_test_below(seed, FT_MODEL_ITEMS);
	for (int i = 0; i < stream->items; i++) {
		uint64_t die = ft_test_below(seed, 40);
		bool is_last = i == stream->items - 1;

		if (die == 0 || (is_last && count == 0 && die < 12)) {
			stream->kinds[i] = die == 0  ? FT_MODEL_LOST
					   : die & 1 ? FT_MODEL_UNMOUNTED
						     : FT_MODEL_GONE;
			continue;
		}
		if (count && die < 24) {
			int at = (int)ft_test_below(seed, (uint64_t)count);

			stream->kinds[i] = FT_MODEL_END;
			stream->of_item[i] = open[at];
			stream->ops[open[at]].end = i;
			open[at] = open[--count];
			continue;
		}
		make_op(&stream->ops[stream->count], seed);
		stream->of_item[i] = stream->count;
		stream->kinds[i] = die > 37 ? FT_MODEL_END : FT_MODEL_BEGIN;
		if (stream->ops[stream->count].name == FT_MODEL_FORGET) {
			stream->kinds[i] = FT_MODEL_END;
			stream->ops[stream->count].begin = i;
		}
		if (stream->kinds[i] == FT_MODEL_BEGIN) {
			stream->ops[stream->count].begin = i;
			open[count++] = stream->count;
		} else {
			stream->ops[stream->count].end = i;
		}
		stream->count++;
	}
}

static void make_wait(struct ft_model_wait *wait, int items, uint64_t *seed)
{
	static const uint32_t orders[] = {FUSETRACE_ORDER_ANY, FUSETRACE_ORDER_IN_ORDER,
					  FUSETRACE_ORDER_STRICT, FT_MODEL_NONE};

	memset(wait, 0, sizeof(*wait));
	wait->order = orders[ft_test_below(seed, 4)];
	wait->mark = (int)ft_test_below(seed, (uint64_t)items + 1);
	wait->mark = ft_test_below(seed, 2) ? wait->mark / 2 : wait->mark;
	wait->slots = wait->order == FT_MODEL_NONE || ft_test_below(seed, 3) == 0
			      ? 1
			      : 1 + (int)ft_test_below(seed, FT_MODEL_SLOTS);
	for (int i = 0; i < wait->slots; i++) {
		struct ft_model_match *match = &wait->matches[i];

		match->name = (uint32_t)ft_test_below(seed, FT_MODEL_NAMES_MEANT + 1);
		if (match->name == FT_MODEL_NAMES_MEANT)
			match->name += (uint32_t)ft_test_below(
				seed, FT_MODEL_ANY_NAME - FT_MODEL_NAMES_MEANT + 1);
		if (!ft_test_below(seed, 8))
			match->name = FT_MODEL_ANY_NAME;
		match->path = (uint32_t)ft_test_below(seed, 5);
		match->status = (uint32_t)ft_test_below(seed, 3);
		match->error =
			match->status != FUSETRACE_MATCH_OK && !ft_test_below(seed, 6) ? EIO : 0;
		match->has_check = !ft_test_below(seed, 4);
		match->flags |= ft_test_below(seed, 3) ? 0 : FUSETRACE_MATCH_IN_FLIGHT;
		match->flags |= ft_test_below(seed, 2) ? 0 : FUSETRACE_MATCH_ALLOW_FAILURE;
		match->flags |= ft_test_below(seed, 8) ? 0 : FUSETRACE_MATCH_NOT;
	}
}

/* ---- the same for the library ---- */

/* The number behind 100 of the size is what the check function looks at. */
static int check_size(const struct fusetrace_op *op, void *data)
{
	uint64_t size;

	return fusetrace_op_number(op, FUSETRACE_FIELD_SIZE, &size) == 0 && size == 101;
}

static void to_match(const struct ft_model_match *from, struct fusetrace_match *to)
{
	*to = *FUSETRACE_MATCH(.op = from->name < FT_MODEL_ANY_NAME ? ft_model_names[from->name]
								    : NULL,
			       .path = from->path < FT_MODEL_GLOB_A    ? ft_model_paths[from->path]
				       : from->path == FT_MODEL_GLOB_A ? "a"
								       : NULL,
			       .path_kind = from->path == FT_MODEL_GLOB_A ? FUSETRACE_PATH_GLOB : 0,
			       .status = from->status, .error = from->error, .flags = from->flags,
			       .check = from->has_check ? check_size : NULL);
}

/* Where the mark was taken, as fusetrace_mark_now() would have given it then. */
static struct fusetrace_mark to_mark(const struct ft_model_stream *stream, int at)
{
	struct fusetrace_mark mark = {
		.mono_ns = STREAM_BEGAN_NS + (uint64_t)at * ITEM_NS - ITEM_NS / 2,
	};

	for (int i = 0; i < at; i++) {
		mark.seq += stream->kinds[i] == FT_MODEL_END;
		mark.lost += stream->kinds[i] == FT_MODEL_LOST;
	}
	return mark;
}

static void feed_item(struct fusetrace_monitor *monitor, const struct ft_model_stream *stream,
		      int item)
{
	const struct ft_model_op *op = &stream->ops[stream->of_item[item]];

	switch (stream->kinds[item]) {
	case FT_MODEL_LOST:
		ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"lost\",\"count\":1}\n");
		return;
	case FT_MODEL_UNMOUNTED:
		ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
		return;
	case FT_MODEL_GONE:
		ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"daemon_gone\"}\n");
		return;
	default:
		break;
	}
	ft_test_feed(monitor,
		     FT_TEST_OP(.op = ft_model_names[op->name], .path = ft_model_paths[op->path],
				.unique = 2 + (uint64_t)stream->of_item[item],
				.status = stream->kinds[item] == FT_MODEL_BEGIN
						  ? FUSETRACE_STATUS_STARTED
						  : op->status,
				.error = op->error, .size = op->passes_check ? 101 : 100,
				.start_ns = STREAM_BEGAN_NS + (uint64_t)op->begin * ITEM_NS,
				.has_no_start = op->begin < 0, .is_of_kernel = op->is_readahead,
				.marks = op->is_probe ? FUSETRACE_OP_PROBE : 0));
}

static uint32_t to_answer(int r)
{
	switch (-r) {
	case 0:
		return FT_MODEL_OK;
	case ETIMEDOUT:
		return FT_MODEL_NOT_YET;
	case EREMOTEIO:
		return FT_MODEL_FAILED;
	case EILSEQ:
		return FT_MODEL_ORDER;
	case EEXIST:
		return FT_MODEL_SEEN;
	case EOVERFLOW:
		return FT_MODEL_EVENTS_LOST;
	case EPIPE:
		return FT_MODEL_DAEMON_GONE;
	case ENOTCONN:
		return FT_MODEL_NO_MOUNT;
	default:
		return 0;
	}
}

/* ---- comparing; each returns what differs, NULL when nothing does ---- */

struct compiled {
	struct fusetrace_match matches[FT_MODEL_SLOTS];
	const struct fusetrace_match *pointers[FT_MODEL_SLOTS];
	struct fusetrace_mark mark;
};

static void compile(const struct one *one, struct compiled *compiled)
{
	for (int i = 0; i < one->wait.slots; i++) {
		to_match(&one->wait.matches[i], &compiled->matches[i]);
		compiled->pointers[i] = &compiled->matches[i];
	}
	compiled->mark = to_mark(&one->stream, one->wait.mark);
}

/* What satisfied a wait is what it asked for, each an own one, in order where that was asked. */
static const char *compare_given(const struct one *one, struct fusetrace_op **ops)
{
	const char *wrong = NULL;
	uint64_t unique, used = 0, last_seq = 0;

	for (int i = 0; i < one->wait.slots; i++) {
		if (fusetrace_op_number(ops[i], FUSETRACE_FIELD_UNIQUE, &unique) < 0 ||
		    (used >> unique & 1) ||
		    !ft_model_fits(&one->wait, i, &one->stream.ops[unique - 2]))
			wrong = "an operation that does not answer its match";
		if (one->wait.order != FUSETRACE_ORDER_ANY && fusetrace_op_seq(ops[i]) <= last_seq)
			wrong = "operations out of order";
		used |= UINT64_C(1) << unique;
		last_seq = fusetrace_op_seq(ops[i]);
		fusetrace_op_unref(ops[i]);
	}
	return wrong;
}

static uint32_t verdicts_of(const struct one *one, int r, int until)
{
	switch (-r) {
	case ETIMEDOUT:
		return ft_model_verdicts(&one->stream, &one->wait, until);
	case EREMOTEIO:
		return 1u << FUSETRACE_VERDICT_FAILED;
	case EILSEQ:
		return 1u << FUSETRACE_VERDICT_ORDER;
	case EEXIST:
		return 1u << FUSETRACE_VERDICT_FORBIDDEN;
	case EOVERFLOW:
		return 1u << FUSETRACE_VERDICT_EVENTS_LOST;
	case EPIPE:
		return 1u << FUSETRACE_VERDICT_DAEMON_DIED;
	default:
		return 1u << FUSETRACE_VERDICT_UNMOUNTED;
	}
}

static const char *compare_result(const struct one *one, int until, uint32_t answers, int r,
				  struct fusetrace_op **ops, struct fusetrace_report *report)
{
	static _Thread_local char text[200];
	const char *wrong = NULL;

	if (r == 0 && one->wait.order != FT_MODEL_NONE)
		wrong = compare_given(one, ops);
	if (r < 0 && !(verdicts_of(one, r, until) >> fusetrace_report_verdict(report) & 1)) {
		snprintf(text, sizeof(text), "verdict '%s', and true are %#x after %d items",
			 fusetrace_verdict_name(fusetrace_report_verdict(report)),
			 verdicts_of(one, r, until), until);
		wrong = text;
	}
	if (!(answers & to_answer(r))) {
		snprintf(text, sizeof(text), "%s, and the rules say %#x after %d items",
			 fusetrace_strerror(r), answers, until);
		wrong = text;
	}
	fusetrace_report_free(report);
	return wrong;
}

static int wait_once(struct fusetrace_monitor *monitor, const struct one *one, uint64_t timeout_ns,
		     struct fusetrace_op **ops, struct fusetrace_report **report)
{
	struct compiled compiled;

	compile(one, &compiled);
	if (one->wait.order == FT_MODEL_NONE)
		return fusetrace_wait_none(monitor, &compiled.mark, compiled.pointers[0],
					   timeout_ns, NULL, report);
	return fusetrace_wait_all(monitor, &compiled.mark, compiled.pointers,
				  (size_t)one->wait.slots, one->wait.order, timeout_ns, ops,
				  report);
}

/* All that has come, looked at once. */
static const char *compare_at_the_end(struct fusetrace_monitor *monitor, const struct one *one)
{
	struct fusetrace_op *ops[FT_MODEL_SLOTS];
	struct fusetrace_report *report = NULL;
	int until = one->stream.items;
	int r = wait_once(monitor, one, 0, ops, &report);
	struct compiled compiled;

	compile(one, &compiled);
	if (fusetrace_count(monitor, &compiled.mark, compiled.pointers[0]) !=
	    ft_model_count(&one->stream, &one->wait, until))
		return "another count";
	return compare_result(one, until, ft_model_answers(&one->stream, &one->wait, until), r, ops,
			      report);
}

/* As an event loop asks: its time is not over, so a loss alone does not decide unless in strict order. */
static const char *compare_poll(const struct one *one, struct fusetrace_expect *expect, int until)
{
	struct fusetrace_op *ops[FT_MODEL_SLOTS];
	uint32_t answers = ft_model_answers(&one->stream, &one->wait, until);
	uint64_t deadline_ns = 0, again_ns;
	int r = fusetrace_expect_poll(expect, SOON, &deadline_ns, &again_ns, ops, NULL);

	if (r == 0)
		return compare_given(one, ops);
	if ((answers & FT_MODEL_EVENTS_LOST) && one->wait.order != FUSETRACE_ORDER_STRICT)
		answers |= FT_MODEL_NOT_YET;
	if (r == -EAGAIN ? answers & FT_MODEL_NOT_YET : r != -ETIMEDOUT && (answers & to_answer(r)))
		return NULL;
	return "an expectation that is polled after each item says another thing";
}

/* One that is armed at the mark and asked after each item, until it has its answer. */
static const char *compare_step(const struct one *one, struct fusetrace_expect **expect, int until)
{
	struct fusetrace_op *ops[FT_MODEL_SLOTS];
	uint32_t answers = ft_model_answers(&one->stream, &one->wait, until);
	const char *wrong = compare_poll(one, *expect, until);
	int r = wrong ? 0 : fusetrace_expect_wait(*expect, 0, ops, NULL);

	if (wrong)
		return wrong;
	if (r == 0) {
		wrong = compare_given(one, ops);
		if (wrong)
			return wrong;
	}
	if (!(answers & to_answer(r)))
		return "an expectation that is asked after each item says another thing";
	if (r != -ETIMEDOUT && r != -EOVERFLOW)
		*expect = fusetrace_expect_free(*expect);
	return NULL;
}

/* All waits on one stream, which is fed item by item. */
static const char *compare(const struct one *ones, int count, int *ret_which)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(64);
	struct fusetrace_expect *expects[WAITS_OF_A_STREAM] = {NULL};
	const struct ft_model_stream *stream = &ones[0].stream;
	const char *wrong = NULL;

	for (int item = 0; item <= stream->items; item++) {
		for (int i = 0; i < count && !wrong; i++) {
			struct compiled compiled;

			*ret_which = i;
			if (ones[i].wait.order == FT_MODEL_NONE)
				continue;
			compile(&ones[i], &compiled);
			if (ones[i].wait.mark == item &&
			    fusetrace_expect_new(monitor, &compiled.mark, compiled.pointers,
						 (size_t)ones[i].wait.slots, ones[i].wait.order,
						 &expects[i], NULL) < 0)
				wrong = "cannot be armed";
			if (expects[i])
				wrong = compare_step(&ones[i], &expects[i], item);
		}
		if (item < stream->items)
			feed_item(monitor, stream, item);
	}
	for (int i = 0; i < count && !wrong; i++) {
		*ret_which = i;
		wrong = compare_at_the_end(monitor, &ones[i]);
	}
	for (int i = 0; i < count; i++)
		fusetrace_expect_free(expects[i]);
	fusetrace_monitor_free(monitor);
	return wrong;
}

/* ---- two threads ---- */

struct feeding {
	struct fusetrace_monitor *monitor;
	const struct ft_model_stream *stream;
	int from;
};

static void *feed_rest(void *data)
{
	struct feeding *feeding = data;

	for (int i = feeding->from; i < feeding->stream->items; i++)
		feed_item(feeding->monitor, feeding->stream, i);
	return NULL;
}

/* The wait sleeps, wakes and looks while the items come: its answer does not depend on when. */
static const char *compare_threads(const struct one *one)
{
	struct feeding feeding = {ft_test_monitor(64), &one->stream, one->wait.mark};
	struct fusetrace_op *ops[FT_MODEL_SLOTS];
	struct fusetrace_report *report = NULL;
	uint32_t answers = ft_model_answers(&one->stream, &one->wait, one->stream.items);
	const char *wrong;
	pthread_t thread;
	int r;

	for (int i = 0; i < one->wait.mark; i++)
		feed_item(feeding.monitor, &one->stream, i);
	assert_int_equal(pthread_create(&thread, NULL, feed_rest, &feeding), 0);
	r = wait_once(feeding.monitor, one, SOON, ops, &report);
	assert_int_equal(pthread_join(thread, NULL), 0);
	wrong = compare_result(one, one->stream.items, answers, r, ops, report);
	fusetrace_monitor_free(feeding.monitor);
	return wrong;
}

/* ---- making a difference small, and printing it ---- */

static void print_one(const struct one *one)
{
	static const char *const kinds[] = {"begin", "end", "lost", "unmounted", "gone"};
	const struct ft_model_wait *wait = &one->wait;

	for (int i = 0; i < one->stream.items; i++) {
		const struct ft_model_op *op = &one->stream.ops[one->stream.of_item[i]];
		bool is_op = one->stream.kinds[i] <= FT_MODEL_END;

		print_message("# %s%2d %-9s", i == wait->mark ? "mark\n# " : "", i,
			      kinds[one->stream.kinds[i]]);
		if (is_op)
			print_message(" #%d %s %s status %u errno %d%s%s%s", one->stream.of_item[i],
				      ft_model_names[op->name], ft_model_paths[op->path],
				      op->status, op->error, op->is_probe ? " probe" : "",
				      op->passes_check ? "" : " refused",
				      op->is_readahead ? " readahead" : "");
		print_message("\n");
	}
	print_message("# order %u, mark before item %d\n", wait->order, wait->mark);
	for (int i = 0; i < wait->slots; i++)
		print_message("# slot %d: name %u path %u status %u errno %d flags %#x%s\n", i,
			      wait->matches[i].name, wait->matches[i].path, wait->matches[i].status,
			      wait->matches[i].error, wait->matches[i].flags,
			      wait->matches[i].has_check ? " check" : "");
}

/* Without its last item; what ended there is in flight. */
static void cut_last(struct one *one)
{
	struct ft_model_stream *stream = &one->stream;
	int last = --stream->items;
	struct ft_model_op *op = &stream->ops[stream->of_item[last]];

	if (stream->kinds[last] == FT_MODEL_END && op->begin >= 0 && op->begin < last)
		op->end = FT_MODEL_NEVER;
	else if (stream->kinds[last] <= FT_MODEL_END)
		stream->count--;
}

static void fail_small(struct one one, const char *wrong)
{
	char text[256];
	int which;

	snprintf(text, sizeof(text), "%s", wrong);
	for (struct one smaller = one; smaller.stream.items > smaller.wait.mark;) {
		cut_last(&smaller);
		wrong = compare(&smaller, 1, &which);
		if (!wrong)
			break;
		one = smaller;
		snprintf(text, sizeof(text), "%s", wrong);
	}
	for (struct one smaller = one; smaller.wait.slots > 1; smaller = one) {
		smaller.wait.slots--;
		if (!compare(&smaller, 1, &which))
			break;
		one = smaller;
	}
	print_one(&one);
	fail_msg("%s", text);
}

static void test_random_waits(void **state)
{
	size_t cases = ft_test_cases(20000);
	uint64_t seed = ft_test_seed();
	struct one ones[WAITS_OF_A_STREAM];

	for (size_t done = 0; done < cases; done += WAITS_OF_A_STREAM) {
		uint64_t of_this = seed;
		const char *wrong;
		int which = 0;

		make_stream(&ones[0].stream, &seed);
		for (int i = 0; i < WAITS_OF_A_STREAM; i++) {
			ones[i].stream = ones[0].stream;
			make_wait(&ones[i].wait, ones[0].stream.items, &seed);
		}
		wrong = compare(ones, WAITS_OF_A_STREAM, &which);
		if (!wrong)
			continue;
		print_message("# FUSETRACE_TEST_SEED=%llu\n", (unsigned long long)of_this);
		fail_small(ones[which], wrong);
	}
}

/* So that a wait always ends, the stream does. Where a loss stands in it only a count tells. */
static void make_one_that_ends(struct one *one, uint64_t *seed)
{
	struct ft_model_stream *stream = &one->stream;
	bool is_fit;

	do {
		is_fit = true;
		make_stream(stream, seed);
		if (stream->items == FT_MODEL_ITEMS)
			cut_last(one);
		for (int i = 0; i < stream->items; i++)
			is_fit &= stream->kinds[i] <= FT_MODEL_END;
		for (int i = 0; i < stream->count; i++)
			is_fit &= stream->ops[i].end != FT_MODEL_NEVER;
	} while (!is_fit);
	stream->kinds[stream->items++] = FT_MODEL_UNMOUNTED;
	make_wait(&one->wait, stream->items - 1, seed);
}

static void test_random_waits_of_two_threads(void **state)
{
	size_t cases = ft_test_cases(20000) / 10;
	uint64_t seed = ft_test_seed();

	for (size_t done = 0; done < cases; done++) {
		uint64_t of_this = seed;
		struct one one = {0};
		const char *wrong;

		make_one_that_ends(&one, &seed);
		wrong = compare_threads(&one);
		if (!wrong)
			continue;
		print_message("# FUSETRACE_TEST_SEED=%llu\n", (unsigned long long)of_this);
		print_one(&one);
		fail_msg("%s", wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_waits),
		cmocka_unit_test(test_random_waits_of_two_threads),
	};

	ft_test_deadline(20 * 110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
