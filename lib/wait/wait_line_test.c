/* SPDX-License-Identifier: MIT */
/* Waits for lines that a daemon prints, through the public interface, without a mount. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "testing.h"

#define TIMEOUT_NS (UINT64_C(20) * 1000000000)
#define SHORT_NS (UINT64_C(20) * 1000000)

static struct fusetrace_monitor *monitor;
static int end = -1; /* into which a daemon prints */

static int add_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, ends[0], NULL), 0);
	return ends[1];
}

static int set_up(void **state)
{
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &monitor, NULL),
		0);
	end = add_pipe();
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	if (end >= 0)
		close(end);
	end = -1;
	monitor = fusetrace_monitor_free(monitor);
	return 0;
}

static void print_to(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void print(const char *text)
{
	print_to(end, text);
}

static void close_end(void)
{
	close(end);
	end = -1;
}

static struct fusetrace_mark mark_now(void)
{
	struct fusetrace_mark mark;

	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	return mark;
}

static void assert_found(const struct fusetrace_mark *mark, const struct fusetrace_line *wanted,
			 const char *expected)
{
	struct fusetrace_report *report = NULL;
	char *line = NULL;
	int r = fusetrace_wait_line(monitor, mark, wanted, TIMEOUT_NS, &line, &report);

	if (r < 0)
		fail_msg("%d: %s", r, report ? fusetrace_report_text(report) : "no report");
	assert_string_equal(line, expected);
	free(line);
}

/* In vain with this result, and a report that holds a text. */
static void assert_vain(const struct fusetrace_mark *mark, const char *text, uint64_t timeout_ns,
			int result, const char *expected)
{
	struct fusetrace_report *report = NULL;
	char *line = NULL;

	assert_int_equal(fusetrace_wait_line(monitor, mark, FUSETRACE_LINE(.text = text),
					     timeout_ns, &line, &report),
			 result);
	assert_null(line);
	assert_non_null(report);
	if (!strstr(fusetrace_report_text(report), expected))
		fail_msg("no '%s' in:\n%s", expected, fusetrace_report_text(report));
	fusetrace_report_free(report);
}

/* ---- found ---- */

static void test_text_and_regex(void **state)
{
	print("first\nthe 2nd line\nthird\n");
	assert_found(NULL, FUSETRACE_LINE(.text = "2nd"), "the 2nd line");
	assert_found(NULL, FUSETRACE_LINE(.regex = "^t.*d$"), "third");
	assert_found(NULL, FUSETRACE_LINE(.regex = "[0-9]", .text = "the"), "the 2nd line");
	assert_found(NULL, FUSETRACE_LINE(), "first");
}

static int is_second(const char *line, size_t length, void *data)
{
	assert_int_equal(strlen(line), length);
	assert_int_equal(fusetrace_sync(monitor), -EDEADLK);
	return ++*(int *)data == 2;
}

static int refuse(const char *line, size_t length, void *data)
{
	return -EXDEV;
}

static void test_check(void **state)
{
	int calls = 0;

	print("a 1\nb\na 2\na 3\n");
	assert_found(NULL, FUSETRACE_LINE(.text = "a", .check = is_second, .data = &calls), "a 2");
	assert_int_equal(fusetrace_wait_line(monitor, NULL, FUSETRACE_LINE(.check = refuse),
					     TIMEOUT_NS, NULL, NULL),
			 -EXDEV);
}

static void *print_later(void *text)
{
	print(text);
	return NULL;
}

/* The waiter is asleep, or about to be, when the line comes. */
static void test_line_that_comes(void **state)
{
	for (int i = 0; i < 200; i++) {
		struct fusetrace_mark mark = mark_now();
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, print_later, "noise\nit came\n"), 0);
		assert_found(&mark, FUSETRACE_LINE(.text = "it came"), "it came");
		pthread_join(thread, NULL);
	}
}

/* ---- marks ---- */

static void test_mark(void **state)
{
	struct fusetrace_mark mark;

	print("ready\n");
	mark = mark_now();
	assert_vain(&mark, "ready", SHORT_NS, -ETIMEDOUT, "one before the mark is like it");
	assert_vain(&mark, "ready", 0, -ETIMEDOUT, "it was looked for once");
	print("ready again\n");
	assert_found(&mark, FUSETRACE_LINE(.text = "ready"), "ready again");
	assert_found(NULL, FUSETRACE_LINE(.text = "ready"), "ready");
}

/* A line counts when it ends, and whole. */
static void test_line_over_the_mark(void **state)
{
	struct fusetrace_mark mark;

	print("old\nbeg");
	mark = mark_now();
	assert_vain(&mark, "beg", SHORT_NS, -ETIMEDOUT, "lines looked at: 0");
	print("un\n");
	assert_found(&mark, FUSETRACE_LINE(.text = "un"), "begun");
}

static void test_two_pipes_do_not_mix(void **state)
{
	int other = add_pipe();

	print("one");
	assert_int_equal(fusetrace_sync(monitor), 0);
	print_to(other, "two");
	assert_int_equal(fusetrace_sync(monitor), 0);
	print(" and\n");
	assert_int_equal(fusetrace_sync(monitor), 0);
	print_to(other, " too\n");
	assert_found(NULL, FUSETRACE_LINE(.text = "one"), "one and");
	assert_found(NULL, FUSETRACE_LINE(.text = "two"), "two too");
	close(other);
}

/* ---- ends ---- */

static void test_end(void **state)
{
	print("last words\nwithout a newline");
	close_end();
	assert_found(NULL, FUSETRACE_LINE(.text = "newline"), "without a newline");
	assert_vain(NULL, "never", TIMEOUT_NS, -EPIPE, "printed : last words");
}

static void *close_later(void *data)
{
	close_end();
	return NULL;
}

static void test_end_during_the_wait(void **state)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, close_later, NULL), 0);
	assert_vain(NULL, "never", TIMEOUT_NS, -EPIPE, "daemon died");
	pthread_join(thread, NULL);
}

static void *interrupt_when_asleep(void *data)
{
	print("so far\n");
	usleep(2000); /* either side of the sleep is right */
	fusetrace_interrupt(monitor);
	return NULL;
}

static int wait_for_never(void)
{
	return fusetrace_wait_line(monitor, NULL, FUSETRACE_LINE(.text = "never"), TIMEOUT_NS, NULL,
				   NULL);
}

static void test_interrupt_and_stop(void **state)
{
	pthread_t thread;
	int r;

	assert_int_equal(pthread_create(&thread, NULL, interrupt_when_asleep, NULL), 0);
	r = wait_for_never();
	assert_int_equal(r, -ECANCELED);
	pthread_join(thread, NULL);
	assert_int_equal(fusetrace_monitor_stop(monitor), 0);
	assert_int_equal(wait_for_never(), -ESHUTDOWN);
}

/* ---- too much ---- */

static void print_much(const char *line, int count)
{
	for (int i = 0; i < count; i++)
		print(line);
}

#define FULL (10240 * 10 + strlen("end"))
/* A line of 100 KiB is one when it is read at once, else several; nothing of it is missing. */
static void test_long_line(void **state)
{
	struct fusetrace_mark mark = mark_now();
	char *line = NULL;
	size_t length;

	print_much("0123456789", 10240);
	print("end\n");
	assert_int_equal(
		fusetrace_wait_line(monitor, &mark, FUSETRACE_LINE(), TIMEOUT_NS, &line, NULL), 0);
	length = strlen(line);
	free(line);
	if (length != FULL) {
		assert_int_equal(length, 64 << 10);
		assert_int_equal(fusetrace_wait_line(monitor, &mark, FUSETRACE_LINE(.text = "end"),
						     TIMEOUT_NS, &line, NULL),
				 0);
		assert_int_equal(strlen(line), FULL - (64 << 10));
		free(line);
	}
}
#undef FULL

/* More than is kept since the mark: that the line never came cannot be told. */
static void test_overtaken(void **state)
{
	struct fusetrace_mark mark = mark_now();

	print("at first\n");
	print_much("0123456789012345678901234567890123456789012345678901234567890\n", 20000);
	assert_vain(&mark, "at first", SHORT_NS, -EOVERFLOW, "events lost");
	print("at last\n");
	assert_found(&mark, FUSETRACE_LINE(.text = "at last"), "at last");
	mark = mark_now();
	assert_vain(&mark, "at first", SHORT_NS, -ETIMEDOUT, "not so");
}

/* ---- mistakes ---- */

static void test_mistakes(void **state)
{
	struct fusetrace_line wrong = {.sz = 1};
	int r;

	assert_int_equal(fusetrace_wait_line(monitor, NULL, NULL, 0, NULL, NULL), -EINVAL);
	assert_int_equal(fusetrace_wait_line(monitor, NULL, &wrong, 0, NULL, NULL), -EINVAL);
	r = fusetrace_wait_line(monitor, NULL, FUSETRACE_LINE(.regex = "("), 0, NULL, NULL);
	assert_int_equal(r, -EINVAL);
	fusetrace_monitor_free(monitor);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &monitor, NULL),
		0);
	r = fusetrace_wait_line(monitor, NULL, FUSETRACE_LINE(), TIMEOUT_NS, NULL, NULL);
	assert_int_equal(r, -ENODATA);
}

#define line_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		line_test(test_text_and_regex),
		line_test(test_check),
		line_test(test_line_that_comes),
		line_test(test_mark),
		line_test(test_line_over_the_mark),
		line_test(test_two_pipes_do_not_mix),
		line_test(test_end),
		line_test(test_end_during_the_wait),
		line_test(test_interrupt_and_stop),
		line_test(test_long_line),
		line_test(test_overtaken),
		line_test(test_mistakes),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
