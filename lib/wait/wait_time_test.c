/* SPDX-License-Identifier: MIT */
/*
 * Deadlines and quiet while operations keep coming. Nothing here is measured against a bound that a
 * busy machine could miss: what must not happen would last until the feeding ends.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fed_testing.h"
#include "monitor/monitor.h"
#include "testing.h"

#define FEED_NS (4 * FUSETRACE_SECOND)
#define TRIES 20

/* ---- deadlines ---- */

/* Operations all the time, until it is told to stop or has done so for long. */
struct feeding {
	pthread_t thread;
	atomic_bool is_over;
};

static void *feed_on(void *data)
{
	struct feeding *feeding = data;
	uint64_t end_ns = ft_deadline_ns(FEED_NS);

	while (!atomic_load(&feeding->is_over) && ft_now_ns() < end_ns) {
		feed("write", "/a");
		usleep(1000);
	}
	atomic_store(&feeding->is_over, true);
	return NULL;
}

static void start_feeding(struct feeding *feeding)
{
	atomic_init(&feeding->is_over, false);
	assert_int_equal(pthread_create(&feeding->thread, NULL, feed_on, feeding), 0);
}

/* Whether it had ended by itself. */
static bool end_feeding(struct feeding *feeding)
{
	bool is_over = atomic_exchange(&feeding->is_over, true);

	pthread_join(feeding->thread, NULL);
	return is_over;
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	return 0;
}

static int wait_one(void)
{
	return fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "write", .check = refuse),
			      50 * MS, NULL, NULL);
}

static int wait_none(void)
{
	return fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "write", .check = refuse),
				   50 * MS, NULL, NULL);
}

static int wait_expect(void)
{
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "write", .check = refuse);
	struct fusetrace_expect *expect;
	int r = fusetrace_expect_new(monitor, NULL, &match, 1, 0, &expect, NULL);

	if (r == 0)
		r = fusetrace_expect_wait(expect, 50 * MS, NULL, NULL);
	fusetrace_expect_free(expect);
	return r;
}

static int wait_idle(void)
{
	return fusetrace_wait_idle(monitor, 10 * FUSETRACE_SECOND, 50 * MS, NULL);
}

/* What wakes a wait and is not what it waits for does not move its deadline. */
static void rule_16_deadline_with_wake_ups(void **state)
{
	static const struct {
		int (*wait)(void);
		int result;
	} waits[] = {
		{wait_one, -ETIMEDOUT},
		{wait_none, 0},
		{wait_expect, -ETIMEDOUT},
		{wait_idle, -EBUSY},
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		uint64_t began_ns = ft_now_ns();
		struct feeding feeding;

		start_feeding(&feeding);
		assert_int_equal(waits[i].wait(), waits[i].result);
		assert_true(ft_now_ns() - began_ns >= 50 * MS);
		assert_false(end_feeding(&feeding));
	}
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * FUSETRACE_SECOND + (uint64_t)now.tv_nsec;
}

static void rule_16_the_clock_is_monotonic(void **state)
{
	uint64_t before_ns = monotonic_ns();
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_in_range(mark.mono_ns, before_ns, monotonic_ns());
}

/* ---- quiet ---- */

struct idling {
	pthread_t thread;
	uint64_t ended_ns;
	int result;
};

static void *run_idle(void *data)
{
	struct idling *idling = data;

	idling->result = fusetrace_wait_idle(monitor, 100 * MS, SOON, NULL);
	idling->ended_ns = ft_now_ns();
	return NULL;
}

/* Whether the second operation came in time to say anything. */
static bool is_quiet_after_news(void)
{
	uint64_t first_ns = ft_now_ns(), second_ns, fed_ns;
	struct idling idling;

	feed("write", "/a");
	assert_int_equal(pthread_create(&idling.thread, NULL, run_idle, &idling), 0);
	ft_test_await_waiters(monitor, 1);
	usleep(50000);
	second_ns = ft_now_ns();
	feed("write", "/a");
	fed_ns = ft_now_ns();
	assert_int_equal(pthread_join(idling.thread, NULL), 0);
	assert_int_equal(idling.result, 0);
	if (fed_ns >= first_ns + 100 * MS)
		return false;
	assert_true(idling.ended_ns >= second_ns + 100 * MS);
	return true;
}

/* What comes while it waits begins the quiet anew. */
static void rule_22_news_begin_the_quiet_anew(void **state)
{
	int tries = 0;

	while (!is_quiet_after_news())
		assert_true(++tries < TRIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FED_TEST(rule_16_deadline_with_wake_ups),
		FED_TEST(rule_16_the_clock_is_monotonic),
		FED_TEST(rule_22_news_begin_the_quiet_anew),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
