/* SPDX-License-Identifier: MIT */
/*
 * What happens when there is no memory: every allocation of the library fails in turn, first only
 * that one, then all from there on. Nothing may crash or leak, and no wait may claim what it does
 * not know. The linker hands the library's allocations to this file (meson.build, --wrap).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "op/event.h"
#include "testing.h"
#include "track/history.h"
#include "track/tracker.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static size_t left;   /* allocations until one fails; 0: none fails */
static bool for_ever; /* ... and all that follow */
static bool has_failed;

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	left = for_ever;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* Runs scenario until it gets by without a failure. */
static void run_with_failures(void (*scenario)(void))
{
	size_t runs = 0;

	for (int mode = 0; mode < 2; mode++) {
		has_failed = true;
		for (size_t number = 1; has_failed; number++, runs++) {
			has_failed = false;
			for_ever = mode;
			left = number;
			scenario();
			left = 0;
		}
	}
	assert_true(runs > 20);
}

/* ---- a monitor ---- */

static const char lines[] =
	"{\"v\":1,\"op\":\"create\",\"path\":\"/a\",\"errno\":0,\"start_ns\":1,\"duration_ns\":5}\n"
	"{\"v\":1,\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\",\"errno\":0,\"start_ns\":2}\n"
	"{\"v\":1,\"op\":\"write\",\"path\":\"/b\",\"status\":\"started\",\"start_ns\":3}\n"
	"{\"v\":1,\"op\":\"write\",\"path\":\"/c\",\"errno\":28,\"start_ns\":4,\"duration_ns\":2}\n"
	"{\"v\":1,\"op\":\"rel";

static int count_one(struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	return 0;
}

static void wait_for_some(struct fusetrace_monitor *monitor)
{
	const struct fusetrace_match *matches[] = {
		FUSETRACE_MATCH(.op = "rename,create", .path = "/a", .label = "first"),
		FUSETRACE_MATCH(.op = "create", .path = "*a"),
		FUSETRACE_MATCH(.op = "unlink", .path = "^/a$", .path_kind = FUSETRACE_PATH_REGEX),
	};
	struct fusetrace_op *ops[3] = {NULL, NULL, NULL};
	struct fusetrace_report *report = NULL;
	int r;

	r = fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, 0, ops, NULL);
	if (r == 0) {
		assert_string_equal(fusetrace_op_name(ops[0]), "rename");
		assert_string_equal(fusetrace_op_name(ops[1]), "create");
	}
	fusetrace_op_unref(ops[0]);
	fusetrace_op_unref(ops[1]);
	r = fusetrace_wait_all(monitor, NULL, matches, 3, FUSETRACE_ORDER_ANY, 1000, NULL, &report);
	assert_true(r < 0);
	assert_true(r != -ENOMEM || !report); /* there is nothing to say about the operations */
	if (report)
		assert_non_null(fusetrace_report_text(report));
	fusetrace_report_free(report);
}

static void expect_some(struct fusetrace_monitor *monitor)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.path = "/b");
	struct fusetrace_expect *expect = NULL;

	if (fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_STRICT, &expect, NULL) ==
	    0)
		fusetrace_expect_wait(expect, 0, NULL, NULL);
	fusetrace_expect_free(expect);
}

static void look_at_all(struct fusetrace_monitor *monitor)
{
	struct fusetrace_reader *reader = NULL;
	struct fusetrace_summary *summary = NULL;
	struct fusetrace_summary_row row;
	struct fusetrace_op *op;
	int in_flight = 0;

	if (fusetrace_monitor_ignore(monitor, 7, 1) == 0)
		assert_int_equal(fusetrace_monitor_ignore(monitor, 7, 0), 0);
	fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "write"));
	fusetrace_in_flight(monitor, NULL, count_one, &in_flight);
	if (fusetrace_reader_new(monitor, NULL, &reader) == 0) {
		while (fusetrace_reader_next(reader, &op, NULL) == 1)
			assert_non_null(fusetrace_op_name(op));
	}
	fusetrace_reader_free(reader);
	if (fusetrace_summary_new(&summary) == 0 &&
	    fusetrace_summary_add_monitor(summary, monitor) == 0)
		fusetrace_summary_get(summary, 0, &row);
	fusetrace_summary_free(summary);
}

static void use_monitor(void)
{
	struct fusetrace_monitor *monitor = NULL;
	bool is_complete;

	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY),
				  &monitor, NULL) < 0) {
		assert_null(monitor);
		return;
	}
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	is_complete = fusetrace_feed(monitor, lines, strlen(lines), NULL) == 0;
	/* What could not be kept is known to be lost: its absence is not claimed. */
	if (is_complete && fusetrace_lost(monitor, NULL) == 0)
		assert_int_not_equal(fusetrace_wait_none(monitor, NULL,
							 FUSETRACE_MATCH(.op = "create"), 0, NULL,
							 NULL),
				     0);
	else
		assert_true(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "create"), 0,
						NULL, NULL) < 0 ||
			    !is_complete);
	wait_for_some(monitor);
	expect_some(monitor);
	look_at_all(monitor);
	fusetrace_feed_end(monitor, NULL);
	fusetrace_monitor_free(monitor);
}

static void test_monitor(void **state)
{
	run_with_failures(use_monitor);
}

/* ---- a tracker with its tables ---- */

static void ignore(struct fusetrace_op *op, void *data)
{
}

static void request(struct ft_tracker *tracker, uint32_t opcode, uint64_t nodeid, const char *name,
		    uint64_t nodeid2, const char *name2, uint64_t entry)
{
	struct ft_event event = {
		.key = 1,
		.opcode = opcode,
		.time_ns = 1,
		.nodeid = nodeid,
		.nodeid2 = nodeid2,
		.name = ft_bytes_of(name),
		.name2 = ft_bytes_of(name2),
		.present = FT_HAS(NODEID) | (name ? FT_HAS(NAME) : 0) |
			   (nodeid2 ? FT_HAS(NODEID2) : 0),
	};
	struct fusetrace_op *op;
	uint64_t behind = 0;

	ft_tracker_begin(tracker, &event);
	op = ft_tracker_snapshot(tracker, &behind);
	fusetrace_op_unref(op);
	event.entry = entry;
	event.fh = entry;
	event.present |= entry ? FT_HAS(ENTRY) | FT_HAS(FH) : 0;
	ft_tracker_end(tracker, &event);
}

static void use_tracker(void)
{
	struct ft_history *history = ft_history_new(10);
	struct ft_tracker *tracker =
		history ? ft_tracker_new(FUSETRACE_SOURCE_KERNEL, history, NULL, ignore, NULL)
			: NULL;

	if (tracker) {
		request(tracker, 9 /* MKDIR */, 1, "d", 0, NULL, 2);
		request(tracker, 35 /* CREATE */, 2, "f", 0, NULL, 3);
		request(tracker, 13 /* LINK */, 1, "g", 3, NULL, 3);
		request(tracker, 16 /* WRITE */, 3, NULL, 0, NULL, 0);
		request(tracker, 12 /* RENAME */, 1, "d", 1, "e", 0);
		request(tracker, 12 /* RENAME */, 2, "f", 1, "g", 0);
		request(tracker, 10 /* UNLINK */, 1, "g", 0, NULL, 0);
		request(tracker, 16 /* WRITE */, 3, NULL, 0, NULL, 0);
		request(tracker, 18 /* RELEASE */, 3, NULL, 0, NULL, 0);
		ft_tracker_abandon(tracker);
		if (!has_failed)
			assert_int_equal(ft_history_last_seq(history), 9);
	}
	ft_tracker_free(tracker);
	ft_history_unref(history);
}

static void test_tracker(void **state)
{
	run_with_failures(use_tracker);
}

/* ---- loss ---- */

static void test_unkept_operations_are_lost(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	for (int i = 0; i < FT_CHUNK_OPS; i++)
		ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a"));
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		0);
	for_ever = true;
	left = 1;
	ft_test_feed(monitor, FT_TEST_OP(.op = "unlink", .path = "/a"));
	left = 0;
	assert_int_equal(fusetrace_lost(monitor, NULL), 1);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	fusetrace_monitor_free(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_tracker),
		cmocka_unit_test(test_unkept_operations_are_lost),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
