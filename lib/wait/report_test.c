/* SPDX-License-Identifier: MIT */
/*
 * Reports: each verdict from a wait that ends so, what is shown beside it, how long it may get, and
 * that no name or label can forge a line or break the JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "fed_testing.h"
#include "monitor/monitor.h"
#include "testing.h"

#define LINES_MAX 40

static struct fusetrace_report *report;
static json_t *json; /* of report */

static void drop_report(void)
{
	json_decref(json);
	json = NULL;
	report = fusetrace_report_free(report);
}

static int tear_down(void **state)
{
	drop_report();
	return fed_tear_down(state);
}

/* ---- what holds for every report ---- */

static void check_text(const char *text)
{
	size_t lines = 0, length = strlen(text);

	assert_true(length > 0 && text[length - 1] == '\n');
	for (size_t i = 0; i < length; i++) {
		lines += text[i] == '\n';
		assert_true(text[i] == '\n' || (unsigned char)text[i] >= ' ');
		assert_int_not_equal(text[i], 0x7f);
	}
	assert_true(ft_utf8_valid(text, length));
	assert_true(lines <= LINES_MAX);
}

static void check_report(int result, uint32_t verdict)
{
	const char *name = fusetrace_verdict_name(verdict);

	assert_non_null(report);
	if (fusetrace_report_verdict(report) != verdict)
		fail_msg("%s instead of %s:\n%s",
			 fusetrace_verdict_name(fusetrace_report_verdict(report)), name,
			 fusetrace_report_text(report));
	check_text(fusetrace_report_text(report));
	assert_non_null(strstr(fusetrace_report_text(report), name));
	json_decref(json);
	json = json_loads(fusetrace_report_json(report), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_null(strchr(fusetrace_report_json(report), '\n'));
	assert_int_equal(json_integer_value(json_object_get(json, "v")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "event")), "report");
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), name);
	assert_int_equal(json_integer_value(json_object_get(json, "result")), result);
}

/* A wait that fails like that, and its report. */
static void fail_wait(const struct fusetrace_mark *mark, const struct fusetrace_match *match,
		      uint64_t timeout_ns, int result, uint32_t verdict)
{
	drop_report();
	assert_int_equal(fusetrace_wait(monitor, mark, match, timeout_ns, NULL, &report), result);
	check_report(result, verdict);
}

static void assert_shows(const char *text)
{
	if (!strstr(fusetrace_report_text(report), text))
		fail_msg("\"%s\" is not in:\n%s", text, fusetrace_report_text(report));
}

static void assert_hides(const char *text)
{
	if (strstr(fusetrace_report_text(report), text))
		fail_msg("\"%s\" is in:\n%s", text, fusetrace_report_text(report));
}

/* ---- the verdicts ---- */

static void test_no_report_on_success(void **state)
{
	feed("create", "/a");
	assert_int_equal(fusetrace_wait(monitor, NULL, NULL, 0, NULL, &report), 0);
	assert_null(report);
	assert_int_equal(
		fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-ETIMEDOUT);
	assert_null(fusetrace_report_free(NULL));
}

static void test_no_events(void **state)
{
	fail_wait(NULL, FUSETRACE_MATCH(.op = "create", .path = "/a"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NO_EVENTS);
	assert_shows("create path=/a");
	assert_shows("0 operations");
}

static void test_never_started(void **state)
{
	feed("write", "/a");
	feed("write", "/b");
	ft_test_feed(monitor, FT_TEST_OP(.op = "read", .path = "/c", .error = EIO));
	fail_wait(NULL, FUSETRACE_MATCH(.op = "create"), MS, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NEVER_STARTED);
	assert_shows("3 operations");
	assert_shows("write 2");
	assert_shows("failed 1");
	assert_shows("EIO");
	assert_shows("no create within 0.001 s\n");
	assert_int_equal(json_integer_value(json_object_get(json, "operations")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "failed")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "counts"), "write")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "last")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "timeout_ns")), MS);
}

static void test_in_flight(void **state)
{
	struct ft_event event = {
		.key = 1,
		.opcode = 18, /* RELEASE */
		.time_ns = ft_now_ns() - 2 * FUSETRACE_SECOND,
		.unique = 318,
		.present = FT_HAS(UNIQUE),
		.path = FT_BYTES_LITERAL("/db"),
	};

	ft_tracker_begin(monitor->tracker, &event);
	feed("write", "/db");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "release", .path = "/db"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_IN_FLIGHT);
	assert_shows("release unique=318");
	assert_shows("2.0");
	assert_int_equal(json_array_size(json_object_get(json, "in_flight")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "subject"), "unique")),
		318);
	/* another one that is in flight is none of it */
	fail_wait(NULL, FUSETRACE_MATCH(.op = "fsync"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NEVER_STARTED);
	assert_int_equal(json_array_size(json_object_get(json, "in_flight")), 1);
}

/* A log may not tell how long it took: that is no time of 0. */
static void test_duration_unknown(void **state)
{
	ft_test_feed_line(monitor, "{\"v\":1,\"op\":\"write\",\"path\":\"/a\",\"errno\":0}\n");
	ft_test_feed_line(monitor, "{\"v\":1,\"op\":\"write\",\"path\":\"/b\",\"errno\":5}\n");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "mkdir"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NEVER_STARTED);
	assert_shows(": ?       write      /a  ok\n");
	assert_shows("/b  EIO\n");
	feed("write", "/c");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "mkdir"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NEVER_STARTED);
	assert_shows("/c  ok 1us\n");
}

/* The one in question is the eleventh: it is found all the same. */
static void test_in_flight_among_many(void **state)
{
	for (uint64_t key = 1; key <= 30; key++) {
		struct ft_event event = {
			.key = key,
			.opcode = key == 30 ? 18 : 15,
			.time_ns = ft_now_ns(),
			.path = FT_BYTES_LITERAL("/a"),
		};

		ft_tracker_begin(monitor->tracker, &event);
	}
	feed("write", "/a");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "release"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_IN_FLIGHT);
}

static void test_failed(void **state)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .error = ENOSPC));
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK), 0, -EREMOTEIO,
		  FUSETRACE_VERDICT_FAILED);
	assert_shows("ENOSPC");
	/* a failure that the wait went on from, long ago */
	for (int i = 0; i < 100; i++)
		feed("read", "/a");
	fail_wait(NULL,
		  FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK,
				  .flags = FUSETRACE_MATCH_ALLOW_FAILURE),
		  0, -ETIMEDOUT, FUSETRACE_VERDICT_FAILED);
	assert_shows("ENOSPC");
	/* what has failed before the mark has nothing to do with it */
	drop_report();
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	feed("read", "/a");
	fail_wait(&mark, FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK), 0,
		  -ETIMEDOUT, FUSETRACE_VERDICT_NEVER_STARTED);
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	return 0;
}

static int end(const struct fusetrace_op *op, void *data)
{
	return -EUCLEAN;
}

static void test_refused(void **state)
{
	feed("write", "/a");
	feed("write", "/b");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write", .check = refuse), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_REFUSED);
	assert_shows("2 times");
	assert_shows("/b");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write", .check = end), 0, -EUCLEAN,
		  FUSETRACE_VERDICT_REFUSED);
	assert_shows("/a"); /* the operation that it choked on */
}

static void test_before_mark(void **state)
{
	struct fusetrace_mark mark;

	feed("create", "/a");
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	feed("write", "/a");
	fail_wait(&mark, FUSETRACE_MATCH(.op = "create", .path = "/a"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_BEFORE_MARK);
	assert_shows("move the mark before the action");
	assert_shows("1 operations since the mark");
	assert_hides("create 1");
}

static void test_other_path(void **state)
{
	feed("release", "/db/index.tmp");
	feed("write", "/db/index");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "release", .path = "/db/index"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_OTHER_PATH);
	assert_shows("/db/index.tmp");
	assert_int_equal(json_array_size(json_object_get(json, "near")), 2);
}

static void test_order(void **state)
{
	const struct fusetrace_match *matches[3] = {FUSETRACE_MATCH(.path = "/a"),
						    FUSETRACE_MATCH(.path = "/b"),
						    FUSETRACE_MATCH(.path = "/c")};

	feed("write", "/a");
	feed("write", "/b");
	feed("fsync", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 3, FUSETRACE_ORDER_STRICT, 0,
					    NULL, &report),
			 -EILSEQ);
	check_report(-EILSEQ, FUSETRACE_VERDICT_ORDER);
	assert_shows("item 3");
	assert_shows("fsync");
}

static void test_ends(void **state)
{
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"daemon_gone\"}\n");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write"), FUSETRACE_FOREVER, -EPIPE,
		  FUSETRACE_VERDICT_DAEMON_DIED);
	assert_hides("within");
	assert_null(json_object_get(json, "timeout_ns"));
	fusetrace_monitor_free(monitor);
	monitor = ft_test_monitor(0);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write"), 0, -ENOTCONN, FUSETRACE_VERDICT_UNMOUNTED);
	fusetrace_monitor_stop(monitor);
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write"), 0, -ESHUTDOWN,
		  FUSETRACE_VERDICT_INTERRUPTED);
}

static int interrupt(const struct fusetrace_op *op, void *data)
{
	return fusetrace_interrupt(monitor);
}

static void test_interrupted(void **state)
{
	feed("write", "/a");
	fail_wait(NULL, FUSETRACE_MATCH(.check = interrupt), FUSETRACE_FOREVER, -ECANCELED,
		  FUSETRACE_VERDICT_INTERRUPTED);
}

static void test_events_lost(void **state)
{
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"lost\",\"count\":12}\n");
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write"), 0, -EOVERFLOW,
		  FUSETRACE_VERDICT_EVENTS_LOST);
	assert_shows("12");
	assert_int_equal(json_integer_value(json_object_get(json, "lost")), 12);
}

static void test_forbidden(void **state)
{
	feed("unlink", "/a");
	assert_int_equal(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"), 0,
					     NULL, &report),
			 -EEXIST);
	check_report(-EEXIST, FUSETRACE_VERDICT_FORBIDDEN);
	assert_shows("/a");
}

static void test_not_idle(void **state)
{
	struct ft_event event = {
		.key = 1,
		.opcode = 16, /* WRITE */
		.time_ns = ft_now_ns(),
		.path = FT_BYTES_LITERAL("/busy"),
	};

	ft_tracker_begin(monitor->tracker, &event);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, MS, &report), -EBUSY);
	check_report(-EBUSY, FUSETRACE_VERDICT_NOT_IDLE);
	assert_shows("/busy");
	drop_report();
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, MS, &report), -ESHUTDOWN);
	check_report(-ESHUTDOWN, FUSETRACE_VERDICT_INTERRUPTED);
}

/* The path of what the verdict is about. */
static void assert_subject(const char *path)
{
	const json_t *subject = json_object_get(json, "subject");

	assert_non_null(subject);
	assert_string_equal(json_string_value(json_object_get(subject, "path")), path);
}

static void rule_22_the_report_is_about_what_kept_it_busy(void **state)
{
	feed("write", "/last");
	assert_int_equal(fusetrace_wait_idle(monitor, FUSETRACE_FOREVER, MS, &report), -EBUSY);
	check_report(-EBUSY, FUSETRACE_VERDICT_NOT_IDLE);
	assert_shows("operations keep coming");
	assert_subject("/last");
	drop_report();
	begin_in_flight(1, 40 /* POLL */, "/may/last/for/ever", ft_now_ns());
	begin_in_flight(2, 16 /* WRITE */, "/busy", ft_now_ns());
	begin_in_flight(3, 16, "/younger", ft_now_ns());
	assert_int_equal(fusetrace_wait_idle(monitor, 0, MS, &report), -EBUSY);
	check_report(-EBUSY, FUSETRACE_VERDICT_NOT_IDLE);
	assert_shows("this has not been answered");
	assert_subject("/busy");
}

static void assert_listed(const char *list, size_t count, const char *first, const char *last)
{
	const json_t *array = json_object_get(json, list);

	assert_int_equal(json_array_size(array), count);
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "path")),
			    first);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(array, count - 1), "path")), last);
}

/* More of everything than is shown, some of it before the mark. */
static void feed_much(struct fusetrace_mark *ret_mark)
{
	char path[16];

	feed("rmdir", "/before");
	ft_test_feed_line(monitor, LOST(3));
	assert_int_equal(fusetrace_mark_now(monitor, ret_mark), 0);
	ft_test_feed_line(monitor, LOST(2));
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/near%d", i);
		feed("create", path);
	}
	for (int i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "/w%d", i);
		feed("write", path);
	}
	for (uint64_t i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/p%d", (int)i);
		begin_in_flight(i + 1, 15 /* READ */, path, ft_now_ns());
	}
}

static void rule_40_what_a_report_shows(void **state)
{
	struct fusetrace_mark mark;

	feed_much(&mark);
	fail_wait(&mark, FUSETRACE_MATCH(.op = "create", .path = "/a"), 0, -EOVERFLOW,
		  FUSETRACE_VERDICT_EVENTS_LOST);
	assert_shows("\n  waiting : create path=/a");
	assert_shows("\n  seen    : 17 operations since the mark: write 12, create 5; failed 0; "
		     "lost 2\n");
	assert_hides("/before");
	assert_int_equal(json_integer_value(json_object_get(json, "lost")), 2);
	assert_int_equal(json_integer_value(json_object_get(json, "operations")), 17);
	assert_listed("last", 10, "/w2", "/w11");
	assert_shows("\n  last    : ");
	assert_shows("/w2 ");
	assert_shows("/w11 ");
	assert_hides("/w1 ");
	assert_listed("in_flight", 8, "/p0", "/p7");
	assert_shows("\n  pending : ");
	assert_shows("/p5 ");
	assert_hides("/p6 ");
	assert_shows("and 2 more\n");
	assert_listed("near", 5, "/near0", "/near4");
	assert_shows("\n  near    : ");
	assert_shows("/near2 ");
	assert_shows("/near4 ");
	assert_hides("/near1 ");
}

static void test_expectation(void **state)
{
	const struct fusetrace_match *matches[2] = {FUSETRACE_MATCH(.op = "create"),
						    FUSETRACE_MATCH(.op = "release", .path = "/a")};
	struct fusetrace_expect *expect;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	feed("create", "/a");
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, &report), -ETIMEDOUT);
	/* about the one that is missing, not about the first */
	check_report(-ETIMEDOUT, FUSETRACE_VERDICT_NEVER_STARTED);
	assert_shows("release path=/a");
	fusetrace_expect_free(expect);
}

/* ---- names, labels, length ---- */

static void test_two_paths(void **state)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = "rename", .path = "/a", .path2 = "/b\n"));
	fail_wait(NULL, FUSETRACE_MATCH(.op = "rename", .path = "/c"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_OTHER_PATH);
	assert_shows("rename     /a -> /b\\n  ok");
}

static void test_label(void **state)
{
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write", .label = "index flushed"), 0, -ETIMEDOUT,
		  FUSETRACE_VERDICT_NO_EVENTS);
	assert_ptr_equal(strstr(fusetrace_report_text(report), "index flushed: "),
			 fusetrace_report_text(report));
	assert_string_equal(json_string_value(json_object_get(json, "label")), "index flushed");
}

static void test_hostile_text(void **state)
{
	static const char hostile[] = "/\n  verdict : ok\x1b[2J\xff\xfe\xe2\x80\xae";
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "create", .path = hostile, .path_kind = FUSETRACE_PATH_EXACT,
				.label = hostile);

	for (int i = 0; i < 20; i++)
		feed("write", hostile);
	feed("create", "/\x1b]0;x\x07");
	fail_wait(NULL, match, 0, -ETIMEDOUT, FUSETRACE_VERDICT_OTHER_PATH);
	assert_hides("\n  verdict : ok");
	assert_hides("\xe2\x80\xae");
	assert_shows("\\x1b");
	assert_non_null(json_object_get(json, "label"));
}

/* However much happened, and however long the names are. */
static void rule_40_at_most_forty_lines(void **state)
{
	char *path = malloc(4097);
	const char *seen;

	assert_non_null(path);
	memset(path, 'p', 4096);
	path[0] = '/';
	path[4096] = '\0';
	for (int i = 0; i < 300; i++) {
		const char *op = NULL;

		for (int skip = i % 40; skip >= 0; skip--)
			op = fusetrace_op_name_next(op);
		ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = path, .path2 = path));
	}
	for (uint64_t key = 1; key <= 100; key++) {
		struct ft_event event = {
			.key = key,
			.opcode = 16,
			.time_ns = ft_now_ns(),
			.path = ft_bytes_of(path),
		};

		ft_tracker_begin(monitor->tracker, &event);
	}
	fail_wait(NULL, FUSETRACE_MATCH(.op = "write", .path = path, .error = 7, .label = path), 0,
		  -ETIMEDOUT, FUSETRACE_VERDICT_IN_FLIGHT);
	assert_true(strlen(fusetrace_report_text(report)) < LINES_MAX * 600);
	/* Many kinds were seen: the text names the most frequent ones, the object all of them. */
	seen = strstr(fusetrace_report_text(report), "  seen ");
	assert_non_null(seen);
	assert_true(strcspn(seen, "\n") < 250);
	assert_true(json_object_size(json_object_get(json, "counts")) > 30);
	free(path);
}

static void test_verdict_names(void **state)
{
	assert_string_equal(fusetrace_verdict_name(FUSETRACE_VERDICT_IN_FLIGHT), "in flight");
	assert_string_equal(fusetrace_verdict_name(0), "unknown");
	assert_string_equal(fusetrace_verdict_name(16), "unknown");
	assert_string_equal(fusetrace_verdict_name(UINT32_MAX), "unknown");
	for (uint32_t i = 1; i < 15; i++) {
		for (uint32_t j = 1; j < i; j++)
			assert_string_not_equal(fusetrace_verdict_name(i),
						fusetrace_verdict_name(j));
	}
}

#define report_test(test) cmocka_unit_test_setup_teardown(test, fed_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		report_test(test_no_report_on_success),
		report_test(test_no_events),
		report_test(test_never_started),
		report_test(test_in_flight),
		report_test(test_in_flight_among_many),
		report_test(test_duration_unknown),
		report_test(test_failed),
		report_test(test_refused),
		report_test(test_before_mark),
		report_test(test_other_path),
		report_test(test_order),
		report_test(test_ends),
		report_test(test_interrupted),
		report_test(test_events_lost),
		report_test(test_forbidden),
		report_test(test_not_idle),
		report_test(rule_22_the_report_is_about_what_kept_it_busy),
		report_test(rule_40_what_a_report_shows),
		report_test(test_expectation),
		report_test(test_two_paths),
		report_test(test_label),
		report_test(test_hostile_text),
		report_test(rule_40_at_most_forty_lines),
		cmocka_unit_test(test_verdict_names),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
