/* SPDX-License-Identifier: MIT */
/* See fed_testing.h. */
#include "fed_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/monitor.h"
#include "testing.h"

struct fusetrace_monitor *monitor;

int fed_set_up(void **state)
{
	monitor = ft_test_monitor(0);
	return 0;
}

int fed_tear_down(void **state)
{
	monitor = fusetrace_monitor_free(monitor);
	return 0;
}

void feed(const char *op, const char *path)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = path));
}

void begin_in_flight(uint64_t key, uint32_t opcode, const char *path, uint64_t start_ns)
{
	struct ft_event event = {
		.key = key,
		.opcode = opcode,
		.time_ns = start_ns,
		.path = ft_bytes_of(path),
	};

	ft_tracker_begin(monitor->tracker, &event);
}

void feed_started(const char *op, const char *path)
{
	ft_test_feed(monitor, FT_TEST_OP(.op = op, .path = path, .unique = 2,
					 .status = FUSETRACE_STATUS_STARTED));
}

struct fusetrace_mark mark_now(void)
{
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	return mark;
}

int look(const struct fusetrace_mark *mark, const struct fusetrace_match *match)
{
	return fusetrace_wait(monitor, mark, match, 0, NULL, NULL);
}

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

void start_wait(struct waiting *waiting, const struct fusetrace_match *match)
{
	waiting->match = *match;
	if (!waiting->timeout_ns)
		waiting->timeout_ns = SOON;
	waiting->began_ns = ft_now_ns();
	assert_int_equal(pthread_create(&waiting->thread, NULL, run_wait, waiting), 0);
}

int end_wait(struct waiting *waiting)
{
	assert_int_equal(pthread_join(waiting->thread, NULL), 0);
	assert_true(waiting->ended_ns - waiting->began_ns < SOON / 2);
	return waiting->result;
}
