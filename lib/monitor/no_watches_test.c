/* SPDX-License-Identifier: MIT */
/*
 * A user's number of epoll watches is limited (fs.epoll.max_user_watches). A monitor that does not get
 * its own fails, and spoils nothing for the next one. The linker hands the library's epoll_ctl(2) to
 * this file (meson.build, --wrap).
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "monitor_testing.h"
#include "testing.h"

int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);

static int left; /* watches until one is refused; 0: none is */

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && left > 0 && --left == 0) {
		errno = ENOSPC;
		return -1;
	}
	return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

/* False when all watches that it needs were there. */
static bool start_is_refused(int number)
{
	struct fusetrace_monitor *monitor;
	struct fusetrace_error error = {0};
	int r;

	assert_int_equal(fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = live_own.point),
					       &monitor, NULL),
			 0);
	left = number;
	r = fusetrace_monitor_start(monitor, &error);
	left = 0;
	fusetrace_monitor_free(monitor);
	if (r < 0) {
		assert_int_equal(r, -ENOSPC);
		assert_string_not_equal(error.text, "");
	}
	return r < 0;
}

static void *write_file(void *data)
{
	live_write_file(live_path(&live_own, "a"));
	return NULL;
}

/* Also what comes while it is waited for already. */
static void assert_next_one_sees(void)
{
	struct fusetrace_monitor *monitor = live_attach();
	struct fusetrace_mark mark;
	pthread_t writer;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_file, NULL), 0);
	live_assert_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release"));
	pthread_join(writer, NULL);
	live_free_monitor(monitor);
}

static void test_alone(void **state)
{
	int refused = 0;

	live_skip_where_impossible();
	while (start_is_refused(refused + 1)) {
		assert_next_one_sees();
		refused++;
	}
	assert_in_range(refused, 5, 20);
}

/*
 * A monitor of a log keeps what the two share. A source that nobody reads is not kept: each wait of the
 * next one would be late.
 */
static void test_beside_a_log(void **state)
{
	struct fusetrace_monitor *log;
	bool is_refused = true;
	int refused = 0;

	live_skip_where_impossible();
	while (is_refused) {
		int descriptors;

		log = live_start_monitor(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG));
		descriptors = ft_test_descriptors();
		is_refused = start_is_refused(refused + 1);
		if (is_refused) {
			assert_int_equal(ft_test_descriptors(), descriptors);
			assert_next_one_sees();
			refused++;
		}
		live_free_monitor(log);
	}
	assert_in_range(refused, 2, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_alone),
		LIVE_TEST(test_beside_a_log),
	};

	live_deadline();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
