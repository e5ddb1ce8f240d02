/* SPDX-License-Identifier: MIT */
/*
 * Probes on an ordinary folder: questions, answers, threads that end. What a filesystem that hangs
 * does to them is tested in tests/live.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor.h"
#include "probe.h"
#include "testing.h"

#define THREADS 8
#define ROUNDS 50

static char folder[] = "/tmp/probe_test_XXXXXX";
static char *const names[] = {"file", "link", "sub/inner"};

static void in_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static int set_up(void **state)
{
	char path[64];
	int fd;

	if (!mkdtemp(folder))
		return -1;
	in_folder(path, sizeof(path), "sub");
	if (mkdir(path, 0755) < 0)
		return -1;
	in_folder(path, sizeof(path), "link");
	if (symlink("nowhere", path) < 0)
		return -1;
	for (size_t i = 0; i < 3; i += 2) {
		in_folder(path, sizeof(path), names[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, "hello", 5) != 5)
			return -1;
		close(fd);
	}
	return 0;
}

static int tear_down(void **state)
{
	char path[64];

	for (size_t i = 0; i < 3; i++) {
		in_folder(path, sizeof(path), names[i]);
		unlink(path);
	}
	in_folder(path, sizeof(path), "sub");
	rmdir(path);
	return rmdir(folder);
}

static struct ft_answer ask(struct ft_probe *probe, uint32_t question, const char *xattr)
{
	struct pollfd fd = {.fd = ft_probe_fd(probe), .events = POLLIN};
	struct ft_answer answer;

	assert_int_equal(ft_probe_ask(probe, question, xattr), 0);
	while (!ft_probe_take(probe, &answer))
		assert_int_equal(poll(&fd, 1, 20000), 1);
	return answer;
}

static struct ft_answer ask_of(const char *path, uint32_t question)
{
	struct ft_target target = {.root = folder, .path = (char *)path};
	struct ft_probe *probe = NULL;
	struct ft_answer answer;

	assert_int_equal(ft_probe_new(&target, NULL, &probe), 0);
	answer = ask(probe, question, NULL);
	ft_probe_free(probe);
	return answer;
}

static void rule_28_a_probe_blocks_all_signals(void **state)
{
	struct ft_target target = {.root = folder, .path = "/file"};
	struct ft_probe *probe = NULL;
	uint64_t blocked;

	assert_int_equal(ft_probe_new(&target, NULL, &probe), 0);
	ask(probe, FT_ASK_STATUS, NULL); /* it names itself when it begins to run */
	blocked = ft_test_blocked_signals("fusetrace-probe");
	for (int signal = 1; signal < 32; signal++)
		assert_true(signal == SIGKILL || signal == SIGSTOP || blocked >> (signal - 1) & 1);
	ft_probe_free(probe);
}

static void answers(void **state)
{
	static const uint32_t questions[] = {FT_ASK_NAME, FT_ASK_STATUS};

	for (size_t i = 0; i < 2; i++) {
		struct ft_answer answer = ask_of("/file", questions[i]);

		assert_int_equal(answer.result, 0);
		assert_true(S_ISREG(answer.mode));
		assert_int_equal(answer.size_bytes, 5);
		assert_true(S_ISLNK(ask_of("/link", questions[i]).mode));
		assert_true(S_ISDIR(ask_of("/sub", questions[i]).mode));
		assert_true(S_ISDIR(ask_of("/", questions[i]).mode));
		assert_int_equal(ask_of("/sub/inner", questions[i]).result, 0);
		assert_int_equal(ask_of("/none", questions[i]).result, -ENOENT);
		assert_int_equal(ask_of("/none/at/all", questions[i]).result, -ENOENT);
		assert_int_equal(ask_of("/file/inner", questions[i]).result, -ENOENT);
	}
}

/* To look a name up anew must not make anything. */
static void nothing_is_made(void **state)
{
	char path[64];

	in_folder(path, sizeof(path), "none");
	assert_int_equal(ask_of("/none", FT_ASK_NAME).result, -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
	in_folder(path, sizeof(path), "sub/none");
	assert_int_equal(ask_of("/sub/none", FT_ASK_NAME).result, -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void another_device_is_no_answer(void **state)
{
	struct ft_target target = {.root = folder, .path = "/file", .device = 0xfffff};
	struct ft_answer answer;

	target.is_root_on_device = true;
	ft_ask(&target, FT_ASK_NAME, NULL, &answer);
	assert_int_equal(answer.result, -ENOTCONN);
	target.is_root_on_device = false;
	ft_ask(&target, FT_ASK_NAME, NULL, &answer);
	assert_int_equal(answer.result, -ENOTCONN);
}

static void *ask_often(void *data)
{
	struct ft_target target = {.root = folder, .path = "/file"};

	for (int i = 0; i < ROUNDS; i++) {
		struct ft_probe *probe = NULL;

		int r;

		do {
			r = ft_probe_new(&target, data, &probe);
		} while (r == -EBUSY && sched_yield() == 0); /* those that were given up */
		assert_int_equal(r, 0);
		for (int question = 0; question < i % 4; question++)
			assert_int_equal(ask(probe, FT_ASK_NAME, NULL).result, 0);
		if (i % 3 == 0) /* given up before it is answered */
			ft_probe_ask(probe, FT_ASK_XATTR, "user.none");
		ft_probe_free(probe);
	}
	return NULL;
}

static void await_none_left(void)
{
	for (int i = 0; i < 20000 && ft_probes_left(0); i++)
		usleep(1000);
	assert_int_equal(ft_probes_left(0), 0);
}

static void many_at_once(void **state)
{
	pthread_t threads[THREADS];
	struct fusetrace_monitor *monitor = ft_test_monitor(0);

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, monitor), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fusetrace_monitor_free(monitor); /* while threads may still be on their way out */
	await_none_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(rule_28_a_probe_blocks_all_signals),
		cmocka_unit_test(nothing_is_made),
		cmocka_unit_test(another_device_is_no_answer),
		cmocka_unit_test(many_at_once),
	};

	ft_test_deadline(100);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
