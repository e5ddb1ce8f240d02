/* SPDX-License-Identifier: MIT */
/*
 * Waits on a monitor that the test feeds: what may satisfy one, in which order, and what a check function
 * says. How a wait ends is in wait_end_test.c, that something must not happen in wait_none_test.c, what is
 * told of it in wait_verdict_test.c; random waits are compared with a model of the rules in model_test.c.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "testing.h"

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

/* ---- how it can be left ---- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(rule_03_look_back),
		FED_TEST(rule_02_in_flight_at_the_mark),
		FED_TEST(test_first_one_is_given),
		FED_TEST(rule_10_unknown_satisfies_nothing),
		FED_TEST(rule_09_failure_ends_the_wait),
		FED_TEST(test_probe_is_no_failure),
		FED_TEST(test_failure_wakes),
		FED_TEST(rule_04_five_need_five),
		FED_TEST(rule_04_best_assignment),
		FED_TEST(test_failure_that_fits_elsewhere),
		FED_TEST(rule_05_orders),
		FED_TEST(rule_05_strict_order_violated),
		FED_TEST(test_refused_arguments),
		FED_TEST(rule_32_check),
		FED_TEST(rule_32_check_of_what_is_in_flight),
		FED_TEST(rule_32_check_may_interrupt),
		FED_TEST(test_timeout),
		FED_TEST(rule_27_signals_do_not_end_it),
		FED_TEST(rule_13_by_chance),
		FED_TEST(rule_13_nothing_by_chance_in_a_strict_order),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
