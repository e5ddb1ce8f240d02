/* SPDX-License-Identifier: MIT */
/*
 * Logs of a running daemon through the public interface, without a mount: what it prints into a pipe
 * or a file becomes operations, lines, losses and an end.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "testing.h"

#define TIMEOUT_NS (UINT64_C(20) * 1000000000)

static struct fusetrace_monitor *monitor;
static char folder[] = "/tmp/monitor_log_test.XXXXXX";
static char path[100];
static char rotated[100];

/* ---- helpers ---- */

static void open_monitor(uint32_t source)
{
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = source), &monitor, NULL), 0);
}

static void start(void)
{
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
}

/* The end into which a daemon prints. */
static int add_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, ends[0], NULL), 0);
	return ends[1];
}

static void write_to(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void append(const char *to, const char *text)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	write_to(fd, text);
	close(fd);
}

/* An UNLINK of a name of one letter, as libfuse prints it, in three parts. */
#define UNIQUE(n) "unique: " #n ", opcode: UNLINK (10), nodeid: 1, insize: 42, pid: 7\n"
#define UNLINK(name) "unlink /" name "\n"
#define REPLY(n) "   unique: " #n ", success, outsize: 16\n"

/* Until the library's thread has seen it. */
static void await(const char *name)
{
	struct fusetrace_report *report = NULL;
	int r = fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "unlink", .path = name),
			       TIMEOUT_NS, NULL, &report);

	if (r < 0)
		fail_msg("%s: %s", name, report ? fusetrace_report_text(report) : "no report");
}

static void assert_count(int64_t count)
{
	assert_int_equal(fusetrace_count(monitor, NULL, NULL), count);
}

static int tear_down(void **state)
{
	fusetrace_monitor_free(monitor);
	monitor = NULL;
	unlink(path);
	unlink(rotated);
	return 0;
}

/* ---- pipes ---- */

static void test_pipe(void **state)
{
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	write_to(end, UNIQUE(2) UNLINK("p")); /* what was printed before the start counts */
	start();
	write_to(end, REPLY(2));
	await("/p");
	write_to(end, UNIQUE(4));
	write_to(end, "unlink ");
	write_to(end, "/q\n" REPLY(4));
	await("/q");
	assert_count(2);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	close(end);
}

static void test_pipe_that_is_added_later(void **state)
{
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	start();
	end = add_pipe();
	write_to(end, UNIQUE(2) UNLINK("a") REPLY(2));
	await("/a");
	close(end);
}

static int count_op(struct fusetrace_op *op, void *data)
{
	++*(int *)data;
	return 0;
}

/* The begin of a request that is in flight is shown though its details might still come. */
static void test_in_flight(void **state)
{
	int end, count = 0;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	start();
	write_to(end, UNIQUE(2));
	assert_int_equal(fusetrace_in_flight(monitor, NULL, count_op, &count), 0);
	assert_int_equal(count, 1);
	write_to(end, UNLINK("a") REPLY(2));
	await("/a");
	close(end);
}

/* With the last writer the daemon is gone, and what was in flight has no reply. */
static void test_end(void **state)
{
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	start();
	write_to(end, UNIQUE(2) UNLINK("a") REPLY(2) UNIQUE(4) UNLINK("b"));
	close(end);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_GONE, TIMEOUT_NS), 0);
	assert_count(2);
	assert_int_equal(fusetrace_count(monitor, NULL, FUSETRACE_MATCH(.path = "/b")), 1);
	assert_int_equal(fusetrace_wait(monitor, NULL, FUSETRACE_MATCH(.op = "mkdir"), TIMEOUT_NS,
					NULL, NULL),
			 -EPIPE);
}

/* A last line without a newline is one. */
static void test_end_without_a_newline(void **state)
{
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	start();
	write_to(end, UNIQUE(2) UNLINK("a") "   unique: 2, success, outsize: 16");
	close(end);
	await("/a");
}

/* Output and errors of one daemon: one may end before the other. */
static void test_two_pipes(void **state)
{
	int first, second;

	open_monitor(FUSETRACE_SOURCE_LOG);
	first = add_pipe();
	second = add_pipe();
	start();
	write_to(first, UNIQUE(2) UNLINK("a"));
	assert_int_equal(fusetrace_sync(monitor), 0);
	write_to(second, REPLY(2));
	await("/a");
	close(first);
	assert_int_equal(fusetrace_sync(monitor), 0);
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	write_to(second, UNIQUE(4) UNLINK("b") REPLY(4));
	await("/b");
	close(second);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_GONE, TIMEOUT_NS), 0);
}

/* A monitor that is kept for its history keeps no descriptors of a daemon that has ended. */
static void test_ended_pipe_is_closed(void **state)
{
	int ends[2];

	open_monitor(FUSETRACE_SOURCE_LOG);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, ends[0], NULL), 0);
	start();
	write_to(ends[1], UNIQUE(2) UNLINK("a") REPLY(2));
	close(ends[1]);
	assert_int_equal(fusetrace_wait_state(monitor, FUSETRACE_STATE_GONE, TIMEOUT_NS), 0);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	assert_count(1);
}

/* ---- files ---- */

static void follow(uint32_t flags)
{
	append(path, UNIQUE(2) UNLINK("o") REPLY(2));
	open_monitor(FUSETRACE_SOURCE_LOG);
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, path, flags, NULL), 0);
	start();
}

static void test_growing_file(void **state)
{
	follow(0);
	append(path, UNIQUE(4) UNLINK("a") "   uni");
	append(path, "que: 4, success, outsize: 16\n");
	await("/a");
	assert_count(1);
}

static void test_file_from_its_begin(void **state)
{
	follow(FUSETRACE_LOG_FROM_BEGIN);
	await("/o");
}

/* The record that is open when the file is replaced goes on in the new one. */
static void test_rotation(void **state)
{
	follow(0);
	append(path, UNIQUE(4) UNLINK("a"));
	assert_int_equal(rename(path, rotated), 0);
	append(path, REPLY(4) UNIQUE(6) UNLINK("b") REPLY(6));
	await("/a");
	await("/b");
	assert_count(2);
}

static void test_truncation(void **state)
{
	follow(0);
	append(path, UNIQUE(4) UNLINK("a") REPLY(4));
	await("/a");
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(fusetrace_sync(monitor), 0);
	append(path, UNIQUE(6) UNLINK("b") REPLY(6));
	await("/b");
	assert_count(2);
}

/* More than is read in one go: nobody has to write to it for the rest to be read. */
static void test_large_file(void **state)
{
	append(path, "first\n");
	assert_int_equal(truncate(path, 200 << 20), 0);
	append(path, "\n" UNIQUE(2) UNLINK("a") REPLY(2));
	open_monitor(FUSETRACE_SOURCE_LOG);
	assert_int_equal(
		fusetrace_monitor_add_log_file(monitor, path, FUSETRACE_LOG_FROM_BEGIN, NULL), 0);
	start();
	await("/a");
}

/* ---- lines ---- */

static int add_line(const char *line, size_t length, void *data)
{
	assert_int_equal(line[length], '\0');
	strcat(data, line);
	strcat(data, ";");
	return 0;
}

static int stop_at_once(const char *line, size_t length, void *data)
{
	++*(int *)data;
	return 42;
}

/* Of all logs, in the order in which they came; also where operations come from elsewhere. */
static void test_lines(void **state)
{
	char text[200] = "";
	int first, second, calls = 0;

	open_monitor(FUSETRACE_SOURCE_LOG);
	first = add_pipe();
	second = add_pipe();
	start();
	write_to(first, "first\n\n");
	assert_int_equal(fusetrace_sync(monitor), 0);
	write_to(second, "second\nbegun");
	assert_int_equal(fusetrace_log_lines(monitor, add_line, text), 0);
	assert_string_equal(text, "first;;second;begun;");
	assert_int_equal(fusetrace_log_lines(monitor, stop_at_once, &calls), 42);
	assert_int_equal(calls, 1);
	assert_int_equal(fusetrace_log_lines(monitor, NULL, NULL), -EINVAL);
	close(first);
	close(second);
}

static void test_counts(void **state)
{
	struct fusetrace_log_counts counts;
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	start();
	write_to(end, "hello\n\n" UNIQUE(2) UNLINK("a") REPLY(2));
	await("/a");
	assert_int_equal(fusetrace_log_counts(monitor, &counts), 0);
	assert_int_equal(counts.lines, 4);
	assert_int_equal(counts.unparsed, 1);
	close(end);
}

/* What the filesystem says that it lost. */
static void test_loss(void **state)
{
	int end;

	open_monitor(FUSETRACE_SOURCE_LOG);
	end = add_pipe();
	start();
	write_to(end, "{\"v\":1,\"event\":\"lost\",\"count\":12}\n");
	assert_int_equal(fusetrace_sync(monitor), 0);
	assert_int_equal(fusetrace_lost(monitor, NULL), 12);
	assert_int_equal(
		fusetrace_wait_none(monitor, NULL, FUSETRACE_MATCH(.op = "mkdir"), 0, NULL, NULL),
		-EOVERFLOW);
	close(end);
}

/* ---- errors ---- */

static void test_errors(void **state)
{
	struct fusetrace_error error = {0};
	int fd;

	open_monitor(FUSETRACE_SOURCE_LOG);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, -1, &error), -EBADF);
	assert_string_equal(error.text, "cannot read the log: Bad file descriptor: "
					"give a pipe or socket");
	fd = open(folder, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, fd, NULL), -EINVAL);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, path, 0, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, NULL, 0, NULL), -EINVAL);
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, folder, 0, NULL), -EINVAL);
	append(path, "");
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, path, 1u << 31, NULL), -EINVAL);
}

/* A recording has no daemon. */
static void test_replay_has_none(void **state)
{
	int ends[2];

	open_monitor(FUSETRACE_SOURCE_REPLAY);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fusetrace_monitor_add_log_fd(monitor, ends[0], NULL), -EINVAL);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	append(path, "");
	assert_int_equal(fusetrace_monitor_add_log_file(monitor, path, 0, NULL), -EINVAL);
	close(ends[1]);
}

#define log_test(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(test_pipe),
		log_test(test_pipe_that_is_added_later),
		log_test(test_in_flight),
		log_test(test_end),
		log_test(test_end_without_a_newline),
		log_test(test_two_pipes),
		log_test(test_ended_pipe_is_closed),
		log_test(test_growing_file),
		log_test(test_file_from_its_begin),
		log_test(test_rotation),
		log_test(test_truncation),
		log_test(test_large_file),
		log_test(test_lines),
		log_test(test_counts),
		log_test(test_loss),
		log_test(test_errors),
		log_test(test_replay_has_none),
	};
	int r;

	ft_test_deadline(110);
	if (!mkdtemp(folder))
		return 99;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(rotated, sizeof(rotated), "%s/rotated", folder);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return r;
}
