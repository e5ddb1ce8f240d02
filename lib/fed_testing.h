/* SPDX-License-Identifier: MIT */
/*
 * What tests of a monitor share that they feed themselves: that monitor, operations of now, and a wait
 * in another thread. The names are short, as nearly every line of these tests has one.
 */
#ifndef FT_FED_TESTING_H
#define FT_FED_TESTING_H

#include <pthread.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND) /* a deadline that no test should reach */

/* For cmocka: a new one for each test, which a test may replace. */
extern struct fusetrace_monitor *monitor;
int fed_set_up(void **state);
int fed_tear_down(void **state);
#define FED_TEST(test) cmocka_unit_test_setup_teardown(test, fed_set_up, fed_tear_down)

/* A completed operation, and one that has no reply yet. */
void feed(const char *op, const char *path);
void feed_started(const char *op, const char *path);
/* Put in flight by hand, as only live sources have such. */
void begin_in_flight(uint64_t key, uint32_t opcode, const char *path, uint64_t start_ns);

/* For ft_test_feed_line(): so many events were lost here. */
#define LOST(count) "{\"v\":1,\"event\":\"lost\",\"count\":" #count "}\n"

struct fusetrace_mark mark_now(void);
/* Without waiting: is it there? */
int look(const struct fusetrace_mark *mark, const struct fusetrace_match *match);

/* Of a call that takes several matches. */
#define TWO(first, second) ((const struct fusetrace_match *const[]){first, second})

/* A wait in a thread of its own. */
struct waiting {
	struct fusetrace_match match;
	uint64_t timeout_ns; /* 0: SOON */
	pthread_t thread;
	int result;
	uint64_t seq; /* of the operation */
	uint64_t began_ns;
	uint64_t ended_ns;
};
void start_wait(struct waiting *waiting, const struct fusetrace_match *match);
/* One that nobody wakes finds its answer by the last look at its deadline: that is too late. */
int end_wait(struct waiting *waiting);

#endif
