/* SPDX-License-Identifier: MIT */
/*
 * Waiting, end to end on a monitor that the test feeds: what may satisfy a wait, what ends it, and
 * who is woken. Random waits are compared with a model of the rules in model_test.c.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "monitor/monitor.h"
#include "testing.h"

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND) /* a deadline that no test should reach */

static struct fusetrace_monitor *monitor;
static struct fusetrace_report *start_report; /* of wait_with_start() */

static int set_up(void **state)
{
	monitor = ft_test_monitor(0);
	return 0;
}

static int tear_down(void **state)
{
	start_report = fusetrace_report_free(start_report);
	monitor = fusetrace_monitor_free(monitor);
	return 0;
}

static struct fusetrace_mark mark_now(void)
{
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	return mark;
}

static void feed(const char *op, const char *path)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = path));
}

/* Without waiting: is it there? */
static int look(const struct fusetrace_mark *mark, const struct fusetrace_match *match)
{
	return fusetrace_wait(monitor, mark, match, 0, NULL, NULL);
}

/* ---- a second thread ---- */

/* A wait in a thread of its own. */
struct waiting {
	struct fusetrace_match match;
	uint64_t timeout_ns;
	pthread_t thread;
	int result;
	uint64_t seq; /* of the operation */
	uint64_t began_ns;
	uint64_t ended_ns;
};

static void *run_wait(void *data)
{
	struct waiting *waiting = data;
	struct fusetrace_op *op = NULL;

	waiting->result =
		fusetrace_wait(monitor, NULL, &waiting->match, waiting->timeout_ns, &op, NULL);
	waiting->ended_ns = ft_now_ns();
	waiting->seq = op ? fusetrace_op_seq(op) : 0;
	fusetrace_op_unref(op);
	return NULL;
}

static void start_wait(struct waiting *waiting, const struct fusetrace_match *match)
{
	waiting->match = *match;
	if (!waiting->timeout_ns)
		waiting->timeout_ns = SOON;
	waiting->began_ns = ft_now_ns();
	assert_int_equal(pthread_create(&waiting->thread, NULL, run_wait, waiting), 0);
}

/* One that nobody wakes finds its answer by the last look at its deadline: that is too late. */
static int end_wait(struct waiting *waiting)
{
	assert_int_equal(pthread_join(waiting->thread, NULL), 0);
	assert_true(waiting->ended_ns - waiting->began_ns < SOON / 2);
	return waiting->result;
}

/* ---- which operations count ---- */

static void rule_03_look_back(void **state)
{
	struct fusetrace_mark before = mark_now(), after;

	feed("create", "/a");
	after = mark_now();
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "create")), 0);
	assert_int_equal(look(&before, FUSETRACE_MATCH(.op = "create")), 0);
	assert_int_equal(look(&(struct fusetrace_mark){0}, FUSETRACE_MATCH(.op = "create")), 0);
	/* An operation from before the mark does not satisfy a wait since then. */
	assert_int_equal(look(&after, FUSETRACE_MATCH(.op = "create")), -ETIMEDOUT);
	/* Nor is it used up by another wait. */
	assert_int_equal(look(&before, FUSETRACE_MATCH(.op = "create")), 0);
}

static void rule_02_in_flight_at_the_mark(void **state)
{
	uint64_t before_ns = ft_now_ns() - 1;
	struct fusetrace_mark mark = mark_now();

	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .start_ns = before_ns));
	assert_int_equal(look(&mark, FUSETRACE_MATCH(.op = "write")), -ETIMEDOUT);
	assert_int_equal(
		look(&mark, FUSETRACE_MATCH(.op = "write", .flags = FUSETRACE_MATCH_IN_FLIGHT)), 0);
	ft_test_feed(monitor, FT_TEST_OP(.op = "read", .path = "/a", .has_no_start = true));
	assert_int_equal(look(&mark, FUSETRACE_MATCH(.op = "read")), -ETIMEDOUT);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "read")), 0);
}

static void test_first_one_is_given(void **state)
{
	struct fusetrace_op *op = NULL;

	feed("create", "/a");
	feed("write", "/a");
	feed("write", "/b");
	feed("write", "/a");
	assert_int_equal(
		fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "write"), 0, &op, NULL), 0);
	assert_int_equal(fusetrace_op_seq(op), 2);
	op = fusetrace_op_unref(op);
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.path = "/b"), 0, &op, NULL),
			 0);
	assert_int_equal(fusetrace_op_seq(op), 3);
	fusetrace_op_unref(op);
}

static void rule_10_unknown_satisfies_nothing(void **state)
{
	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "write", .path = "/a", .status = FUSETRACE_STATUS_UNKNOWN));
	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "read", .path = "/a", .status = FUSETRACE_STATUS_STARTED));
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write")), -ETIMEDOUT);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "read")), -ETIMEDOUT);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.flags = FUSETRACE_MATCH_NOT, .op = "mkdir")),
			 -ETIMEDOUT);
}

/* ---- results ---- */

static void rule_09_failure_ends_the_wait(void **state)
{
	const struct fusetrace_match *ok =
		FUSETRACE_MATCH(.op = "write", .path = "/a", .status = FUSETRACE_MATCH_OK);

	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/b", .error = ENOSPC));
	ft_test_feed(monitor, FT_TEST_OP(.op = "read", .path = "/a", .error = EIO));
	assert_int_equal(look(NULL, ok), -ETIMEDOUT);
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .error = ENOSPC));
	/* at once, although the timeout is long */
	assert_int_equal(fusetrace_wait(monitor, NULL, ok, FUSETRACE_FOREVER, NULL, NULL),
			 -EREMOTEIO);
	feed("write", "/a");
	assert_int_equal(look(NULL, ok), -EREMOTEIO);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write", .path = "/a",
						    .status = FUSETRACE_MATCH_OK,
						    .flags = FUSETRACE_MATCH_ALLOW_FAILURE)),
			 0);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write", .path = "/a")), 0);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.status = FUSETRACE_MATCH_FAILED)), 0);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write", .error = ENOSPC)), 0);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write", .error = EPERM)), -ETIMEDOUT);
}

/* The kernel asks for a name before it creates it: that this fails is expected. */
static void test_probe_is_no_failure(void **state)
{
	const struct fusetrace_match *ok =
		FUSETRACE_MATCH(.op = "lookup", .path = "/a", .status = FUSETRACE_MATCH_OK);

	ft_test_feed(monitor, FT_TEST_OP(.op = "lookup", .path = "/a", .error = ENOENT,
					 .marks = FUSETRACE_OP_PROBE));
	assert_int_equal(look(NULL, ok), -ETIMEDOUT);
	feed("lookup", "/a");
	assert_int_equal(look(NULL, ok), 0);
}

static void test_failure_wakes(void **state)
{
	struct waiting waiting = {0};

	start_wait(&waiting, FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK));
	ft_test_await_waiters(monitor, 1);
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .error = EIO));
	assert_int_equal(end_wait(&waiting), -EREMOTEIO);
}

/* ---- several ---- */

#define TWO(first, second) ((const struct fusetrace_match *const[]){first, second})

static int look_all(const struct fusetrace_match *const *matches, size_t n, uint32_t order)
{
	return fusetrace_wait_all(monitor, NULL, matches, n, order, 0, NULL, NULL);
}

static void rule_04_five_need_five(void **state)
{
	const struct fusetrace_match *create = FUSETRACE_MATCH(.op = "create");
	const struct fusetrace_match *matches[5] = {create, create, create, create, create};
	struct fusetrace_op *ops[5];

	for (uint64_t i = 1; i <= 5; i++) {
		assert_int_equal(look_all(matches, 5, FUSETRACE_ORDER_ANY), -ETIMEDOUT);
		feed("create", "/a");
	}
	assert_int_equal(
		fusetrace_wait_all(monitor, NULL, matches, 5, FUSETRACE_ORDER_ANY, 0, ops, NULL),
		0);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(fusetrace_op_seq(ops[i]), i + 1);
		fusetrace_op_unref(ops[i]);
	}
}

/* The result comes in the order of the matches, and a wide match leaves a narrow one its due. */
static void rule_04_best_assignment(void **state)
{
	const struct fusetrace_match *any = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *write = FUSETRACE_MATCH(.op = "write", .path = "/a");
	struct fusetrace_op *ops[2];

	feed("write", "/a");
	assert_int_equal(look_all(TWO(any, write), 2, FUSETRACE_ORDER_ANY), -ETIMEDOUT);
	feed("flush", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, TWO(any, write), 2, FUSETRACE_ORDER_ANY,
					    0, ops, NULL),
			 0);
	assert_string_equal(fusetrace_op_name(ops[0]), "flush");
	assert_string_equal(fusetrace_op_name(ops[1]), "write");
	fusetrace_op_unref(ops[0]);
	fusetrace_op_unref(ops[1]);
}

/* A failure that another match takes, and sets that one free, spoils nothing. */
static void test_failure_that_fits_elsewhere(void **state)
{
	const struct fusetrace_match *any = FUSETRACE_MATCH(.op = "write");
	const struct fusetrace_match *ok =
		FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK);

	feed("write", "/a");
	ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .error = EIO));
	assert_int_equal(look_all(TWO(any, ok), 2, FUSETRACE_ORDER_ANY), 0);
	assert_int_equal(look_all(TWO(ok, any), 2, FUSETRACE_ORDER_ANY), 0);
	assert_int_equal(look_all(TWO(ok, ok), 2, FUSETRACE_ORDER_ANY), -EREMOTEIO);
}

static void rule_05_orders(void **state)
{
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");

	feed("write", "/b");
	feed("write", "/a");
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_ANY), 0);
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_IN_ORDER), -ETIMEDOUT);
	assert_int_equal(look_all(TWO(b, a), 2, FUSETRACE_ORDER_IN_ORDER), 0);
	assert_int_equal(look_all(TWO(b, a), 2, FUSETRACE_ORDER_STRICT), 0);
	feed("write", "/c"); /* matches none of them: it may come between */
	feed("write", "/b");
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_IN_ORDER), 0);
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_STRICT), 0);
}

static void rule_05_strict_order_violated(void **state)
{
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");

	feed("write", "/a");
	feed("read", "/a");
	/* at once: nothing that comes can mend it */
	assert_int_equal(fusetrace_wait_all(monitor, NULL, TWO(a, b), 2, FUSETRACE_ORDER_STRICT,
					    FUSETRACE_FOREVER, NULL, NULL),
			 -EILSEQ);
	feed("write", "/b");
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_STRICT), -EILSEQ);
	assert_int_equal(look_all(TWO(a, b), 2, FUSETRACE_ORDER_IN_ORDER), 0);
	assert_int_equal(look_all(TWO(a, a), 2, FUSETRACE_ORDER_STRICT), 0);
}

static void test_refused_arguments(void **state)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
	const struct fusetrace_match *wrong = FUSETRACE_MATCH(.op = "creat");

	feed("create", "/a");
	assert_int_equal(fusetrace_wait(NULL, NULL, match, 0, NULL, NULL), -EINVAL);
	assert_int_equal(look(NULL, wrong), -EINVAL);
	assert_int_equal(look_all(&match, 0, FUSETRACE_ORDER_ANY), -EINVAL);
	assert_int_equal(look_all(NULL, 1, FUSETRACE_ORDER_ANY), -EINVAL);
	assert_int_equal(look_all(&match, 1, 3), -EINVAL);
	assert_int_equal(look_all(&match, 1, 100), -EINVAL); /* not a back door */
	assert_int_equal(look_all(TWO(match, wrong), 2, FUSETRACE_ORDER_ANY), -EINVAL);
	assert_int_equal(look(NULL, NULL), 0); /* anything at all */
}

/* ---- none ---- */

static void rule_07_none(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *unlink = FUSETRACE_MATCH(.op = "unlink");
	struct fusetrace_op *offender = NULL;

	feed("create", "/a");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	feed("unlink", "/a");
	feed("unlink", "/b");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, &offender, NULL), -EEXIST);
	assert_string_equal(fusetrace_op_path(offender), "/a"); /* the first one */
	fusetrace_op_unref(offender);
	mark = mark_now();
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	/* Asked for, whatever became of it. */
	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "unlink", .path = "/c", .status = FUSETRACE_STATUS_UNKNOWN));
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), -EEXIST);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark,
				    FUSETRACE_MATCH(.op = "unlink", .status = FUSETRACE_MATCH_OK),
				    0, NULL, NULL),
		0);
}

static void rule_07_none_within_a_window(void **state)
{
	uint64_t began_ns = ft_now_ns();

	assert_int_equal(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					     30 * MS, NULL, NULL),
			 0);
	assert_true(ft_now_ns() - began_ns >= 30 * MS);
	/* no further event is possible: the window need not be sat out */
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					     FUSETRACE_FOREVER, NULL, NULL),
			 0);
}

static void *run_none(void *data)
{
	*(int *)data = fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "unlink"),
					   FUSETRACE_FOREVER, NULL, NULL);
	return NULL;
}

static void test_none_is_woken_by_the_offender(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_none, &result), 0);
	ft_test_await_waiters(monitor, 1);
	feed("create", "/a");
	feed("unlink", "/a");
	pthread_join(thread, NULL);
	assert_int_equal(result, -EEXIST);
}

/* Put in flight by hand, as only live sources have such. */
static void begin_in_flight(uint64_t key, uint32_t opcode, const char *path, uint64_t start_ns)
{
	struct ft_event event = {
		.key = key,
		.opcode = opcode,
		.time_ns = start_ns,
		.path = ft_bytes_of(path),
	};

	ft_tracker_begin(monitor->tracker, &event);
}

static void test_none_sees_what_is_in_flight(void **state)
{
	const struct fusetrace_match *unlink = FUSETRACE_MATCH(.op = "unlink");
	struct fusetrace_mark mark;

	begin_in_flight(1, 10 /* UNLINK */, "/a", ft_now_ns() - 1);
	mark = mark_now();
	/* begun before the mark */
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), 0);
	assert_int_equal(fusetrace_wait_none(monitor, &mark,
					     FUSETRACE_MATCH(.op = "unlink",
							     .flags = FUSETRACE_MATCH_IN_FLIGHT),
					     0, NULL, NULL),
			 -EEXIST);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, unlink, 0, NULL, NULL), -EEXIST);
	begin_in_flight(2, 10, "/b", ft_now_ns());
	assert_int_equal(fusetrace_wait_none(monitor, &mark, unlink, 0, NULL, NULL), -EEXIST);
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), 0, NULL, NULL),
		0);
	/* everything but unlinks is forbidden: these are allowed */
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL,
				    FUSETRACE_MATCH(.op = "unlink", .flags = FUSETRACE_MATCH_NOT),
				    0, NULL, NULL),
		0);
	/* whether it will succeed is not known */
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL,
				    FUSETRACE_MATCH(.op = "unlink", .status = FUSETRACE_MATCH_OK),
				    0, NULL, NULL),
		0);
}

/* ---- loss ---- */

#define LOST "{\"v\":1,\"event\":\"lost\",\"count\":3}\n"

static void rule_08_loss(void **state)
{
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");
	struct fusetrace_mark before = mark_now(), after;

	ft_test_feed_line(monitor, LOST);
	after = mark_now();
	feed("write", "/a");
	feed("write", "/b");
	assert_int_equal(fusetrace_lost(monitor, NULL), 3);
	assert_int_equal(fusetrace_lost(monitor, &after), 0);
	/* What was seen was seen. */
	assert_int_equal(look(&before, a), 0);
	assert_int_equal(fusetrace_wait_all(monitor, &before, TWO(a, b), 2,
					    FUSETRACE_ORDER_IN_ORDER, 0, NULL, NULL),
			 0);
	/* What was not seen may have happened all the same. */
	assert_int_equal(look(&before, FUSETRACE_MATCH(.path = "/c")), -EOVERFLOW);
	assert_int_equal(
		fusetrace_wait_none(monitor, &before, FUSETRACE_MATCH(.path = "/c"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait_none(monitor, &before, a, 0, NULL, NULL), -EEXIST);
	/* Something may have come between. */
	assert_int_equal(fusetrace_wait_all(monitor, &before, TWO(a, b), 2, FUSETRACE_ORDER_STRICT,
					    0, NULL, NULL),
			 -EOVERFLOW);
	/* Lost before the mark: no matter. */
	assert_int_equal(
		fusetrace_wait_none(monitor, &after, FUSETRACE_MATCH(.path = "/c"), 0, NULL, NULL),
		0);
	assert_int_equal(fusetrace_wait_all(monitor, &after, TWO(a, b), 2, FUSETRACE_ORDER_STRICT,
					    0, NULL, NULL),
			 0);
	assert_int_equal(look(&after, FUSETRACE_MATCH(.path = "/c")), -ETIMEDOUT);
}

static void *run_strict(void *data)
{
	*(int *)data = fusetrace_wait_all(
		monitor, NULL, TWO(FUSETRACE_MATCH(.path = "/a"), FUSETRACE_MATCH(.path = "/b")), 2,
		FUSETRACE_ORDER_STRICT, SOON, NULL, NULL);
	return NULL;
}

static void test_loss_wakes_a_strict_wait(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_strict, &result), 0);
	ft_test_await_waiters(monitor, 1);
	feed("write", "/a");
	ft_test_feed_line(monitor, LOST);
	pthread_join(thread, NULL);
	assert_int_equal(result, -EOVERFLOW);
}

/* What the history dropped is as good as lost; numbers that a recording left out are not. */
static void test_dropped_by_the_history(void **state)
{
	struct fusetrace_monitor *large = monitor;
	struct fusetrace_mark mark;

	monitor = ft_test_monitor(1);
	feed("mkdir", "/first");
	mark = mark_now();
	for (int i = 0; i < 5000; i++)
		feed("write", "/a");
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		-EOVERFLOW);
	assert_int_equal(fusetrace_wait_none(monitor, &(struct fusetrace_mark){0},
					     FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
			 -EOVERFLOW);
	assert_int_equal(look(&mark, FUSETRACE_MATCH(.op = "write")), 0);
	fusetrace_monitor_free(monitor);
	monitor = large;
	mark = mark_now();
	for (uint64_t i = 1; i < 3000; i++)
		ft_test_feed(monitor, FT_TEST_OP(.op = "write", .path = "/a", .seq = i * 10));
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.op = "unlink"), 0, NULL, NULL),
		0);
}

/* ---- check functions ---- */

static int check_path(const struct fusetrace_op *op, void *data)
{
	return strcmp(fusetrace_op_path(op), data) == 0;
}

static int check_fails(const struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	return -EUCLEAN;
}

static int check_enters(const struct fusetrace_op *op, void *data)
{
	struct fusetrace_mark mark;
	int *results = data;

	results[0] = look(NULL, NULL);
	results[1] = fusetrace_mark_now(monitor, &mark);
	results[2] = (int)fusetrace_count(monitor, NULL, NULL);
	results[3] = fusetrace_wait_idle(monitor, 0, 0, NULL);
	results[4] = fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0);
	return 1;
}

static void rule_32_check(void **state)
{
	struct fusetrace_op *op = NULL;
	int calls = 0, results[5];

	feed("write", "/a");
	feed("write", "/b");
	assert_int_equal(
		fusetrace_wait(monitor, NULL,
			       FUSETRACE_MATCH(.op = "write", .check = check_path, .data = "/b"), 0,
			       &op, NULL),
		0);
	assert_string_equal(fusetrace_op_path(op), "/b");
	fusetrace_op_unref(op);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.check = check_path, .data = "/c")),
			 -ETIMEDOUT);
	assert_int_equal(
		look(NULL, FUSETRACE_MATCH(.op = "write", .check = check_fails, .data = &calls)),
		-EUCLEAN);
	assert_int_equal(calls, 1);
	assert_int_equal(
		look(NULL, FUSETRACE_MATCH(.op = "mkdir", .check = check_fails, .data = &calls)),
		-ETIMEDOUT);
	assert_int_equal(calls, 1);
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.check = check_enters, .data = results)), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(results[i], -EDEADLK);
	assert_int_equal(look(NULL, NULL), 0); /* afterwards all is as before */
	assert_int_equal(fusetrace_wait_none(monitor, NULL,
					     FUSETRACE_MATCH(.check = check_path, .data = "/c"), 0,
					     NULL, NULL),
			 0);
	assert_int_equal(fusetrace_wait_none(monitor, NULL,
					     FUSETRACE_MATCH(.check = check_path, .data = "/b"), 0,
					     NULL, NULL),
			 -EEXIST);
}

static void rule_32_check_of_what_is_in_flight(void **state)
{
	int calls = 0;

	begin_in_flight(1, 10 /* UNLINK */, "/a", ft_now_ns());
	assert_int_equal(fusetrace_wait_none(monitor, NULL,
					     FUSETRACE_MATCH(.check = check_fails, .data = &calls),
					     0, NULL, NULL),
			 -EUCLEAN);
	assert_int_equal(calls, 1);
}

static int check_interrupts(const struct fusetrace_op *op, void *data)
{
	fusetrace_interrupt(monitor);
	return 0;
}

/* It runs without a lock of ours: it may stop what is going on. */
static void rule_32_check_may_interrupt(void **state)
{
	feed("write", "/a");
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.check = check_interrupts),
					SOON, NULL, NULL),
			 -ECANCELED);
}

/* ---- time ---- */

static void test_timeout(void **state)
{
	static const uint64_t timeouts[] = {1, 1 * MS, 20 * MS, 60 * MS};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		uint64_t began_ns = ft_now_ns(), took_ns;

		assert_int_equal(fusetrace_wait(monitor, NULL, NULL, timeouts[i], NULL, NULL),
				 -ETIMEDOUT);
		took_ns = ft_now_ns() - began_ns;
		assert_in_range(took_ns, timeouts[i], timeouts[i] + 500 * MS);
	}
}

static void on_signal(int signal)
{
}

static void rule_27_signals_do_not_end_it(void **state)
{
	struct sigaction action = {.sa_handler = on_signal}, before;
	struct waiting waiting = {0};

	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	start_wait(&waiting, FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(pthread_kill(waiting.thread, SIGUSR1), 0);
	feed("create", "/a");
	assert_int_equal(end_wait(&waiting), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* ---- threads ---- */

#define WAITINGS 24

static void rule_34_many_threads(void **state)
{
	struct waiting waitings[WAITINGS] = {{.result = 1}};
	char paths[WAITINGS][16];

	for (int i = 0; i < WAITINGS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/%d", i);
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create", .path = paths[i]));
	}
	ft_test_await_waiters(monitor, WAITINGS);
	for (int i = WAITINGS - 1; i >= 0; i--) {
		feed("write", paths[i]);
		feed("create", paths[i]);
	}
	for (int i = 0; i < WAITINGS; i++) {
		assert_int_equal(end_wait(&waitings[i]), 0);
		assert_int_equal(waitings[i].seq, 2 * (WAITINGS - i));
	}
	assert_int_equal(monitor->waiters.waiter_count, 0);
}

/* One operation answers all who wait for it: none takes it from another. */
static void rule_34_many_threads_for_one(void **state)
{
	struct waiting waitings[WAITINGS] = {{.result = 1}};

	for (int i = 0; i < WAITINGS; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, WAITINGS);
	feed("create", "/a");
	for (int i = 0; i < WAITINGS; i++) {
		assert_int_equal(end_wait(&waitings[i]), 0);
		assert_int_equal(waitings[i].seq, 1);
	}
}

/* Feeding and waiting as fast as can be: no wake-up may get lost between looking and sleeping. */
static void *feed_numbers(void *data)
{
	char path[16];

	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		ft_test_feed(monitor, FT_TEST_OP(.op = "create", .path = path));
	}
	return NULL;
}

static void rule_14_no_lost_wake_ups(void **state)
{
	pthread_t thread;
	char path[16];

	assert_int_equal(pthread_create(&thread, NULL, feed_numbers, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		uint64_t began_ns = ft_now_ns();

		snprintf(path, sizeof(path), "/%d", i);
		assert_int_equal(fusetrace_wait(monitor, NULL,
						FUSETRACE_MATCH(.op = "create", .path = path), SOON,
						NULL, NULL),
				 0);
		assert_true(ft_now_ns() - began_ns < SOON / 2);
	}
	pthread_join(thread, NULL);
}

/* ---- how it can be left ---- */

static void rule_29_interrupt(void **state)
{
	struct waiting waitings[3] = {{.timeout_ns = FUSETRACE_FOREVER}};

	for (int i = 0; i < 3; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, 3);
	assert_int_equal(fusetrace_interrupt(monitor), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(end_wait(&waitings[i]), -ECANCELED);
	/* Waits that begin later are none of its business. */
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "create")), -ETIMEDOUT);
	assert_int_equal(fusetrace_interrupt(NULL), -EINVAL);
}

static void rule_29_stop(void **state)
{
	struct waiting waitings[3] = {{.timeout_ns = FUSETRACE_FOREVER}};

	feed("write", "/a");
	for (int i = 0; i < 3; i++)
		start_wait(&waitings[i], FUSETRACE_MATCH(.op = "create"));
	ft_test_await_waiters(monitor, 3);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(end_wait(&waitings[i]), -ESHUTDOWN);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	/* What happened before still counts; what did not happen never will. */
	assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write")), 0);
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "create"),
					FUSETRACE_FOREVER, NULL, NULL),
			 -ESHUTDOWN);
}

/* What comes by itself breaks no order and no prohibition, unless it is named. */
static void rule_13_by_chance(void **state)
{
	const struct fusetrace_match *any = FUSETRACE_MATCH(.op = "*");
	const struct fusetrace_match *strict[] = {FUSETRACE_MATCH(.op = "create"),
						  FUSETRACE_MATCH(.op = "mkdir"), any};

	feed("statfs", "/");
	assert_int_equal(fusetrace_wait_none(monitor, NULL, any, 0, NULL, NULL), 0);
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL,
				    FUSETRACE_MATCH(.op = "create", .flags = FUSETRACE_MATCH_NOT),
				    0, NULL, NULL),
		0);
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "statfs"), 0, NULL, NULL),
		-EEXIST);
	feed("create", "/a");
	feed("statfs", "/");
	feed("mkdir", "/d");
	feed("write", "/a");
	assert_int_equal(
		fusetrace_wait_all(monitor, NULL, strict, 3, FUSETRACE_ORDER_STRICT, 0, NULL, NULL),
		0);
	assert_int_equal(fusetrace_wait_none(monitor, NULL, any, 0, NULL, NULL), -EEXIST);
	strict[2] = FUSETRACE_MATCH(.op = "statfs,write");
	assert_int_equal(
		fusetrace_wait_all(monitor, NULL, strict, 3, FUSETRACE_ORDER_STRICT, 0, NULL, NULL),
		-EILSEQ);
}

/* What comes by itself answers "*" in a strict order as little as it violates it. */
static void rule_13_nothing_by_chance_in_a_strict_order(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create"),
						   FUSETRACE_MATCH(.op = "*"),
						   FUSETRACE_MATCH(.op = "mkdir")};
	struct fusetrace_op *ops[3];

	feed("statfs", "/");
	feed("create", "/a");
	feed("statfs", "/");
	ft_test_feed(monitor, FT_TEST_OP(.op = "statfs", .path = "/", .error = EIO));
	assert_int_equal(look_all(matches, 2, FUSETRACE_ORDER_STRICT), -ETIMEDOUT);
	assert_int_equal(look_all(&matches[1], 1, FUSETRACE_ORDER_STRICT), 0); /* the create */
	feed("write", "/a");
	feed("mkdir", "/d");
	assert_int_equal(
		fusetrace_wait_all(monitor, NULL, matches, 3, FUSETRACE_ORDER_STRICT, 0, ops, NULL),
		0);
	assert_string_equal(fusetrace_op_name(ops[1]), "write");
	for (int i = 0; i < 3; i++)
		fusetrace_op_unref(ops[i]);
	/* where it is named it has its turn, and an order that is not strict takes what comes */
	matches[1] = FUSETRACE_MATCH(.op = "statfs");
	assert_int_equal(look_all(matches, 2, FUSETRACE_ORDER_STRICT), 0);
	matches[1] = FUSETRACE_MATCH(.op = "*");
	assert_int_equal(look_all(matches, 3, FUSETRACE_ORDER_IN_ORDER), 0);
}

/* Waiters may wake up only after the stop: what ended first is what they are told. */
static void rule_15_the_first_end_counts(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint32_t state, verdict;
	} rows[] = {
		{"{\"v\":1,\"event\":\"unmounted\"}\n", -ENOTCONN, FUSETRACE_STATE_UNMOUNTED,
		 FUSETRACE_VERDICT_UNMOUNTED},
		{"{\"v\":1,\"event\":\"daemon_gone\",\"pid\":5}\n", -EPIPE, FUSETRACE_STATE_GONE,
		 FUSETRACE_VERDICT_DAEMON_DIED},
	};

	for (size_t i = 0; i < 2; i++) {
		struct waiting waitings[3] = {0};
		struct fusetrace_monitor *before = monitor;
		const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
		struct fusetrace_expect *armed;
		struct fusetrace_report *report = NULL;

		monitor = ft_test_monitor(0);
		assert_int_equal(fusetrace_expect_new(monitor, NULL, &match, 1, 0, &armed, NULL),
				 0);
		for (int j = 0; j < 3; j++)
			start_wait(&waitings[j], match);
		ft_test_await_waiters(monitor, 4);
		ft_test_feed_line(monitor, rows[i].line);
		assert_int_equal(fusetrace_monitor_stop(monitor), 0);
		assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_STOPPED);
		/* This one looks for the first time after the stop, whatever the threads did. */
		assert_int_equal(fusetrace_expect_wait(armed, SOON, NULL, &report), rows[i].result);
		assert_int_equal(fusetrace_report_verdict(report), rows[i].verdict);
		fusetrace_report_free(report);
		for (int j = 0; j < 3; j++)
			assert_int_equal(end_wait(&waitings[j]), rows[i].result);
		/* What begins after the stop hears of the stop. */
		assert_int_equal(look(NULL, match), -ESHUTDOWN);
		assert_int_equal(fusetrace_wait_idle(monitor, 0, 0, NULL), -ESHUTDOWN);
		assert_int_equal(fusetrace_wait_state(monitor, rows[i].state, SOON), 0);
		fusetrace_expect_free(armed);
		fusetrace_monitor_free(monitor);
		monitor = before;
	}
}

static void rule_15_ends_of_the_mount(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint32_t state;
	} rows[] = {
		{"{\"v\":1,\"event\":\"unmounted\"}\n", -ENOTCONN, FUSETRACE_STATE_UNMOUNTED},
		{"{\"v\":1,\"event\":\"daemon_gone\",\"pid\":5}\n", -EPIPE, FUSETRACE_STATE_GONE},
	};

	for (size_t i = 0; i < 2; i++) {
		struct waiting waiting = {.timeout_ns = FUSETRACE_FOREVER};
		struct fusetrace_monitor *before = monitor;

		monitor = ft_test_monitor(0);
		begin_in_flight(1, 16 /* WRITE */, "/a", ft_now_ns());
		start_wait(&waiting, FUSETRACE_MATCH(.op = "create"));
		ft_test_await_waiters(monitor, 1);
		feed("mkdir", "/just/before");
		ft_test_feed_line(monitor, rows[i].line);
		assert_int_equal(end_wait(&waiting), rows[i].result);
		assert_int_equal(fusetrace_monitor_state(monitor), rows[i].state);
		/* What was seen just before the end still counts. */
		assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "mkdir")), 0);
		/* What was in flight is listed, and satisfies nothing. */
		assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.op = "write")), 1);
		assert_int_equal(look(NULL, FUSETRACE_MATCH(.op = "write")), rows[i].result);
		fusetrace_monitor_free(monitor);
		monitor = before;
	}
}

static int in_forked_child(struct fusetrace_expect *parents)
{
	struct fusetrace_mark mark;
	struct fusetrace_expect *expect;
	struct fusetrace_reader *reader;
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create");
	int failures = 0;

	alarm(20);
	failures += look(NULL, match) != -ECHILD;
	failures += fusetrace_wait_all(monitor, NULL, &match, 1, 0, 0, NULL, NULL) != -ECHILD;
	failures += fusetrace_wait_none(monitor, NULL, match, 0, NULL, NULL) != -ECHILD;
	failures += fusetrace_wait_idle(monitor, 0, 0, NULL) != -ECHILD;
	failures += fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0) != -ECHILD;
	failures += fusetrace_mark_now(monitor, &mark) != -ECHILD;
	failures += fusetrace_sync(monitor) != -ECHILD;
	failures += fusetrace_count(monitor, NULL, NULL) != -ECHILD;
	failures += fusetrace_expect_new(monitor, NULL, &match, 1, 0, &expect, NULL) != -ECHILD;
	failures += fusetrace_reader_new(monitor, NULL, &reader) != -ECHILD;
	failures += fusetrace_interrupt(monitor) != -ECHILD;
	failures += fusetrace_feed(monitor, "\n", 1, NULL) != -ECHILD;
	failures += fusetrace_monitor_start(monitor, NULL) != -ECHILD;
	failures += fusetrace_monitor_stop(monitor) != -ECHILD;
	failures += fusetrace_monitor_daemons(monitor, NULL, 0) != -ECHILD;
	failures += fusetrace_fd(monitor) != -ECHILD;
	failures += fusetrace_monitor_mountpoint(monitor) != NULL;
	failures += fusetrace_monitor_state(monitor) != FUSETRACE_STATE_MOUNTED;
	fusetrace_expect_free(parents);
	fusetrace_monitor_free(monitor);
	/* A monitor of its own is its own. */
	monitor = ft_test_monitor(0);
	feed("create", "/a");
	failures += look(NULL, match) != 0;
	failures += look(NULL, FUSETRACE_MATCH(.op = "mkdir")) != -ETIMEDOUT;
	fusetrace_monitor_free(monitor);
	return failures;
}

static void *feed_all_the_time(void *data)
{
	atomic_bool *is_over = data;

	while (!atomic_load(is_over))
		feed("create", "/a");
	return NULL;
}

/*
 * Forked while other threads wait and feed, so that one of them often has the lock: the child may only
 * free, and nothing hangs.
 */
static void rule_34_fork(void **state)
{
	const struct fusetrace_match *mkdir = FUSETRACE_MATCH(.op = "mkdir");
	struct fusetrace_expect *expect;
	struct waiting waiting = {0};
	atomic_bool is_over = false;
	pthread_t thread;

	assert_int_equal(fusetrace_expect_new(monitor, NULL, &mkdir, 1, 0, &expect, NULL), 0);
	start_wait(&waiting, mkdir);
	ft_test_await_waiters(monitor, 2);
	assert_int_equal(pthread_create(&thread, NULL, feed_all_the_time, &is_over), 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(in_forked_child(expect));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	feed("mkdir", "/still/well");
	assert_int_equal(end_wait(&waiting), 0);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), 0);
	fusetrace_expect_free(expect);
}

/* ---- idle and states ---- */

static void rule_22_idle(void **state)
{
	uint64_t began_ns = ft_now_ns();

	feed("write", "/a");
	assert_int_equal(fusetrace_wait_idle(monitor, 30 * MS, SOON, NULL), 0);
	assert_in_range(ft_now_ns() - began_ns, 30 * MS, SOON / 2);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, 0, NULL), 0);
	assert_int_equal(fusetrace_wait_idle(monitor, FUSETRACE_FOREVER, 10 * MS, NULL), -EBUSY);
	assert_int_equal(fusetrace_wait_idle(monitor, SOON, 10 * MS, NULL), -EBUSY);
	/* long quiet already: no need to wait once more */
	assert_int_equal(fusetrace_wait_idle(monitor, 30 * MS, 0, NULL), 0);
}

/* Before anything was seen, nothing is known about the time before the start either. */
static void test_idle_at_the_start(void **state)
{
	uint64_t began_ns = ft_now_ns();
	struct fusetrace_monitor *fresh = ft_test_monitor(0);

	assert_int_equal(fusetrace_wait_idle(fresh, 30 * MS, SOON, NULL), 0);
	assert_true(ft_now_ns() - began_ns >= 30 * MS);
	fusetrace_monitor_free(fresh);
}

static void rule_22_idle_with_something_in_flight(void **state)
{
	begin_in_flight(1, 16 /* WRITE */, "/a", ft_now_ns());
	assert_int_equal(fusetrace_wait_idle(monitor, 0, 10 * MS, NULL), -EBUSY);
	ft_tracker_abandon(monitor->tracker);
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
	begin_in_flight(2, 40 /* POLL */, "/a", ft_now_ns()); /* may last for ever */
	assert_int_equal(fusetrace_wait_idle(monitor, 0, SOON, NULL), 0);
}

static void *run_idle(void *data)
{
	*(int *)data = fusetrace_wait_idle(monitor, FUSETRACE_FOREVER, FUSETRACE_FOREVER, NULL);
	return NULL;
}

static void rule_29_idle_can_be_left(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_idle, &result), 0);
	ft_test_await_waiters(monitor, 1);
	fusetrace_interrupt(monitor);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ECANCELED);
	assert_int_equal(pthread_create(&thread, NULL, run_idle, &result), 0);
	ft_test_await_waiters(monitor, 1);
	fusetrace_monitor_stop(monitor);
	pthread_join(thread, NULL);
	assert_int_equal(result, -ESHUTDOWN);
}

static void test_wait_state(void **state)
{
	uint64_t began_ns = ft_now_ns();

	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, 0), 0);
	/* Later than asked for: PENDING has been, or was never needed. */
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_PENDING, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_NEW, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, 20 * MS),
			 -ETIMEDOUT);
	assert_in_range(ft_now_ns() - began_ns, 20 * MS, 520 * MS);
	fusetrace_monitor_stop(monitor);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_STOPPED, 0), 0);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_MOUNTED, FUSETRACE_FOREVER),
			 -ESHUTDOWN);
}

static void *run_wait_state(void *data)
{
	*(int *)data = fusetrace_wait_state(monitor, FUSETRACE_STATE_UNMOUNTED, SOON);
	return NULL;
}

static void test_wait_state_is_woken(void **state)
{
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, run_wait_state, &result), 0);
	ft_test_await_waiters(monitor, 1);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
}

/* ---- what the model (model_test.c) has found ---- */

/* A record of an operation that has no reply yet. */
static void feed_started(const char *op, const char *path)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = path, .unique = 2,
					 .status = FUSETRACE_STATUS_STARTED));
}

static uint32_t verdict_of(const struct fusetrace_mark *mark, const struct fusetrace_match *match)
{
	struct fusetrace_report *report = NULL;
	uint32_t verdict;

	assert_int_equal(fusetrace_wait(monitor, mark, match, 0, NULL, &report), -ETIMEDOUT);
	verdict = fusetrace_report_verdict(report);
	fusetrace_report_free(report);
	return verdict;
}

/* The first /a may have been lost, and the second one come in its turn. */
static void rule_08_loss_before_a_violated_order(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *a = FUSETRACE_MATCH(.path = "/a");
	const struct fusetrace_match *b = FUSETRACE_MATCH(.path = "/b");

	ft_test_feed_line(monitor, LOST);
	feed("write", "/a");
	feed("write", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, &mark, TWO(a, b), 2, FUSETRACE_ORDER_STRICT, 0,
					    NULL, NULL),
			 -EOVERFLOW);
}

/* What was seen is an offender, whatever was lost. */
static void rule_07_in_flight_with_a_loss(void **state)
{
	struct fusetrace_mark mark = mark_now();

	ft_test_feed_line(monitor, LOST);
	feed_started("write", "/a");
	assert_int_equal(
		fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), 0, NULL, NULL),
		-EEXIST);
}

/* One that is in flight when the window opens ends it at once. */
static void rule_07_first_offender_at_once(void **state)
{
	struct fusetrace_mark mark = mark_now();
	uint64_t began_ns;

	feed_started("write", "/a");
	began_ns = ft_now_ns();
	assert_int_equal(fusetrace_wait_none(monitor, &mark, FUSETRACE_MATCH(.path = "/a"), SOON,
					     NULL, NULL),
			 -EEXIST);
	assert_true(ft_now_ns() - began_ns < SOON / 2);
}

/* "Everything but writes that succeed": how the one in flight goes is not known yet. */
static void rule_07_inverted_and_in_flight(void **state)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *but_writes =
		FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_OK,
				.flags = FUSETRACE_MATCH_NOT);

	feed_started("write", "/a");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, but_writes, 0, NULL, NULL), 0);
	feed_started("create", "/b");
	assert_int_equal(fusetrace_wait_none(monitor, &mark, but_writes, 0, NULL, NULL), -EEXIST);
}

/* What began before the mark does not count when it ends: "in flight" would let one wait longer. */
static void rule_39_in_flight_is_what_would_count(void **state)
{
	struct fusetrace_mark mark;
	const struct fusetrace_match *write = FUSETRACE_MATCH(.op = "write", .path = "/a");

	feed_started("write", "/a");
	mark = mark_now();
	assert_int_not_equal(verdict_of(&mark, write), FUSETRACE_VERDICT_IN_FLIGHT);
	assert_int_equal(verdict_of(&mark, FUSETRACE_MATCH(.op = "write", .path = "/a",
							   .flags = FUSETRACE_MATCH_IN_FLIGHT)),
			 FUSETRACE_VERDICT_IN_FLIGHT);
}

/* A wait since now, or for what is in flight, with count writes that must begin in start_ns. */
static int wait_with_start(uint64_t start_ns, size_t count, uint64_t timeout_ns)
{
	struct fusetrace_mark mark = mark_now();
	const struct fusetrace_match *write =
		FUSETRACE_MATCH(.op = "write", .flags = FUSETRACE_MATCH_IN_FLIGHT,
				.start_timeout_ns = start_ns);
	const struct fusetrace_match *matches[] = {write, write};

	start_report = fusetrace_report_free(start_report);
	return fusetrace_wait_all(monitor, &mark, matches, count, FUSETRACE_ORDER_ANY, timeout_ns,
				  NULL, &start_report);
}

static void rule_20_it_must_begin_in_time(void **state)
{
	uint64_t began = ft_now_ns();

	assert_int_equal(wait_with_start(30 * MS, 1, SOON), -ETIME);
	assert_in_range(ft_now_ns() - began, 30 * MS, SOON / 2);
	assert_int_equal(fusetrace_report_verdict(start_report), FUSETRACE_VERDICT_NO_EVENTS);
	assert_non_null(strstr(fusetrace_report_text(start_report), "begun within 0.030 s"));
	assert_non_null(
		strstr(fusetrace_report_json(start_report), "\"start_timeout_ns\":30000000"));
	/* The time that is shorter ends it. */
	assert_int_equal(wait_with_start(SOON, 1, 30 * MS), -ETIMEDOUT);
	assert_int_equal(wait_with_start(30 * MS, 1, 0), -ETIMEDOUT);
}

static void rule_20_what_is_in_flight_has_begun(void **state)
{
	feed_started("write", "/a");
	assert_int_equal(wait_with_start(30 * MS, 1, 90 * MS), -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(start_report), FUSETRACE_VERDICT_IN_FLIGHT);
	/* Each has to begin by one of its own. */
	assert_int_equal(wait_with_start(30 * MS, 2, SOON), -ETIME);
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	return 0;
}

/* What the check has refused did begin, but is not what was meant: nothing has failed. */
static void rule_20_refused_by_the_check(void **state)
{
	struct fusetrace_report *report = NULL;

	feed("write", "/a");
	assert_int_equal(fusetrace_wait(monitor, NULL,
					FUSETRACE_MATCH(.op = "write", .check = refuse,
							.start_timeout_ns = 30 * MS),
					SOON, NULL, &report),
			 -ETIME);
	assert_non_null(strstr(fusetrace_report_text(report), " 1 times, last:"));
	fusetrace_report_free(report);
}

/* Its begin may be what was lost. */
static void rule_20_no_verdict_on_loss(void **state)
{
	struct fusetrace_mark mark = mark_now();

	ft_test_feed_line(monitor, LOST);
	assert_int_equal(fusetrace_wait(monitor, &mark,
					FUSETRACE_MATCH(.op = "write", .start_timeout_ns = 30 * MS),
					SOON, NULL, NULL),
			 -EOVERFLOW);
}

/* For an expectation the time begins when it is waited for, and goes on from call to call. */
static void rule_20_from_the_first_wait_on(void **state)
{
	struct fusetrace_expect *expect;
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "write", .start_timeout_ns = 60 * MS);
	uint64_t began;
	int r;

	assert_int_equal(
		fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect, NULL),
		0);
	usleep(70000);
	began = ft_now_ns();
	do {
		r = fusetrace_expect_wait(expect, 10 * MS, NULL, NULL);
	} while (r == -ETIMEDOUT && ft_now_ns() - began < SOON);
	assert_int_equal(r, -ETIME);
	assert_in_range(ft_now_ns() - began, 60 * MS, SOON / 2);
	assert_int_equal(fusetrace_expect_wait(expect, 0, NULL, NULL), -ETIME);
	fusetrace_expect_free(expect);
}

static void *feed_a_moment_too_late(void *data)
{
	usleep(310000);
	feed("create", "/a");
	return NULL;
}

/* While it looks on for what comes too late, it gets an answer that it had not when it ended. */
static void rule_37_the_report_is_of_one_moment(void **state)
{
	const struct fusetrace_match *matches[] = {
		FUSETRACE_MATCH(.op = "create"),
		FUSETRACE_MATCH(.op = "mkdir"),
	};
	struct fusetrace_report *report = NULL;
	pthread_t thread;
	json_t *json;
	char answered[32];

	assert_int_equal(pthread_create(&thread, NULL, feed_a_moment_too_late, NULL), 0);
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_ANY,
					    300 * MS, NULL, &report),
			 -ETIMEDOUT);
	pthread_join(thread, NULL);
	json = json_loads(fusetrace_report_json(report), 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "answers")),
			 json_integer_value(json_object_get(json, "operations")));
	snprintf(answered, sizeof(answered), "of 2, %zu answered",
		 json_array_size(json_object_get(json, "answers")));
	assert_non_null(strstr(fusetrace_report_text(report), answered));
	json_decref(json);
	fusetrace_report_free(report);
}

/* What comes by itself is not told as what "*" in a strict order lacks. */
static void rule_39_nothing_by_chance_in_a_strict_order(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create"),
						   FUSETRACE_MATCH(.op = "*")};
	struct fusetrace_report *report = NULL;

	feed("statfs", "/");
	feed("create", "/a");
	feed_started("statfs", "/");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_STRICT, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	fusetrace_report_free(report);
}

/* An unknown result satisfies nothing, so an earlier mark would not help. */
static void rule_39_unknown_before_the_mark(void **state)
{
	struct fusetrace_mark mark;

	ft_test_feed(monitor,
		     FT_TEST_OP(.op = "write", .path = "/a", .status = FUSETRACE_STATUS_UNKNOWN));
	mark = mark_now();
	assert_int_equal(verdict_of(&mark, FUSETRACE_MATCH(.op = "write")),
			 FUSETRACE_VERDICT_NO_EVENTS);
}

/* It did start, and ended otherwise than was asked for. */
static void rule_39_another_result(void **state)
{
	struct fusetrace_mark mark = mark_now();

	feed("write", "/a");
	assert_int_equal(
		verdict_of(&mark, FUSETRACE_MATCH(.op = "write", .status = FUSETRACE_MATCH_FAILED)),
		FUSETRACE_VERDICT_REFUSED);
}

/* It did come, but for the order it would have been the answer. */
static void rule_39_came_too_early(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "create", .path = "/a"),
						   FUSETRACE_MATCH(.op = "write", .path = "/b")};
	struct fusetrace_report *report = NULL;

	feed("write", "/b");
	feed("create", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, matches, 2, FUSETRACE_ORDER_IN_ORDER, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_ORDER);
	assert_non_null(strstr(fusetrace_report_text(report),
			       "item 2: write path=/b was seen, but before create /a:\n"));
	fusetrace_report_free(report);
}

/* What answers one match did not come too early for the next one. */
static void rule_39_an_answer_is_not_too_early(void **state)
{
	const struct fusetrace_match *twice[] = {FUSETRACE_MATCH(.op = "write"),
						 FUSETRACE_MATCH(.op = "write")};
	struct fusetrace_report *report = NULL;

	feed("write", "/a");
	assert_int_equal(fusetrace_wait_all(monitor, NULL, twice, 2, FUSETRACE_ORDER_IN_ORDER, 0,
					    NULL, &report),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_NEVER_STARTED);
	fusetrace_report_free(report);
}

#define wait_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		wait_test(rule_03_look_back),
		wait_test(rule_02_in_flight_at_the_mark),
		wait_test(test_first_one_is_given),
		wait_test(rule_10_unknown_satisfies_nothing),
		wait_test(rule_09_failure_ends_the_wait),
		wait_test(test_probe_is_no_failure),
		wait_test(test_failure_wakes),
		wait_test(rule_04_five_need_five),
		wait_test(rule_04_best_assignment),
		wait_test(test_failure_that_fits_elsewhere),
		wait_test(rule_05_orders),
		wait_test(rule_05_strict_order_violated),
		wait_test(test_refused_arguments),
		wait_test(rule_07_none),
		wait_test(rule_07_none_within_a_window),
		wait_test(test_none_is_woken_by_the_offender),
		wait_test(test_none_sees_what_is_in_flight),
		wait_test(rule_08_loss),
		wait_test(test_loss_wakes_a_strict_wait),
		wait_test(test_dropped_by_the_history),
		wait_test(rule_32_check),
		wait_test(rule_32_check_of_what_is_in_flight),
		wait_test(rule_32_check_may_interrupt),
		wait_test(test_timeout),
		wait_test(rule_27_signals_do_not_end_it),
		wait_test(rule_34_many_threads),
		wait_test(rule_34_many_threads_for_one),
		wait_test(rule_14_no_lost_wake_ups),
		wait_test(rule_29_interrupt),
		wait_test(rule_29_stop),
		wait_test(rule_13_by_chance),
		wait_test(rule_13_nothing_by_chance_in_a_strict_order),
		wait_test(rule_39_nothing_by_chance_in_a_strict_order),
		wait_test(rule_15_the_first_end_counts),
		wait_test(rule_15_ends_of_the_mount),
		wait_test(rule_34_fork),
		wait_test(rule_22_idle),
		wait_test(test_idle_at_the_start),
		wait_test(rule_22_idle_with_something_in_flight),
		wait_test(rule_29_idle_can_be_left),
		wait_test(test_wait_state),
		wait_test(test_wait_state_is_woken),
		wait_test(rule_07_in_flight_with_a_loss),
		wait_test(rule_07_first_offender_at_once),
		wait_test(rule_07_inverted_and_in_flight),
		wait_test(rule_08_loss_before_a_violated_order),
		wait_test(rule_20_it_must_begin_in_time),
		wait_test(rule_20_what_is_in_flight_has_begun),
		wait_test(rule_20_refused_by_the_check),
		wait_test(rule_20_no_verdict_on_loss),
		wait_test(rule_20_from_the_first_wait_on),
		wait_test(rule_37_the_report_is_of_one_moment),
		wait_test(rule_39_in_flight_is_what_would_count),
		wait_test(rule_39_unknown_before_the_mark),
		wait_test(rule_39_another_result),
		wait_test(rule_39_came_too_early),
		wait_test(rule_39_an_answer_is_not_too_early),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
