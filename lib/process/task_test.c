/* SPDX-License-Identifier: MIT */
/* System calls in threads of their own. What hangs in a mount is tested in mount_stop and mount_ready. */
#include "task.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

static int run(ft_task_fn *fn, const char *path, int flags)
{
	struct ft_task *task;
	struct pollfd done = {.events = POLLIN};
	int result = -1;

	assert_int_equal(ft_task_start(fn, path, flags, NULL, &task), 0);
	done.fd = ft_task_fd(task);
	assert_int_equal(poll(&done, 1, 20000), 1);
	assert_true(ft_task_is_done(task, &result));
	assert_null(ft_task_free(task));
	return result;
}

static int give_back(const char *path, int flags)
{
	return strcmp(path, "/a") == 0 ? flags : -1;
}

static void test_result(void **state)
{
	assert_int_equal(run(give_back, "/a", 7), 7);
	assert_null(ft_task_free(NULL));
}

/* The first signal that its thread would take; 0: none. */
static int find_open(const char *path, int flags)
{
	sigset_t blocked;

	if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0)
		return -1;
	for (int number = 1; number <= SIGRTMAX; number++) {
		/* Those between are the C library's own. */
		if (number != SIGKILL && number != SIGSTOP &&
		    (number < __SIGRTMIN || number >= SIGRTMIN) && !sigismember(&blocked, number))
			return number;
	}
	return 0;
}

static void rule_28_a_task_blocks_all_signals(void **state)
{
	int before = find_open(NULL, 0);

	assert_int_not_equal(before, 0);
	assert_int_equal(run(find_open, "/a", 0), 0);
	assert_int_equal(find_open(NULL, 0), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_result),
		cmocka_unit_test(rule_28_a_task_blocks_all_signals),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
