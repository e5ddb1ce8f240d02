/* SPDX-License-Identifier: MIT */
/* Pipes that are emptied whatever comes, and files that are followed. */
#include "log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "testing.h"

#define MIB (1024u * 1024)

static struct ft_log_stream *stream;
static char folder[] = "/tmp/log_stream_test.XXXXXX";
static char path[100];    /* of the file that is followed */
static char rotated[100]; /* beside it */

/* ---- what is passed on ---- */

static char got[4096];
static int gaps;

static int on_bytes(const char *data, size_t size, bool is_gap, void *data_of_fn)
{
	assert_true(size > 0);
	assert_true(strlen(got) + size < sizeof(got));
	strncat(got, data, size);
	gaps += is_gap;
	return 0;
}

static void assert_drained(int result, const char *expected)
{
	got[0] = '\0';
	gaps = 0;
	assert_int_equal(ft_log_stream_drain(stream, on_bytes, NULL), result);
	assert_string_equal(got, expected);
	assert_int_equal(gaps, 0);
}

static void write_to(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* ---- pipes ---- */

static int open_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(ft_log_stream_of_fd(ends[0], &stream), 0);
	assert_int_equal(ft_log_stream_poll_fd(stream), ends[0]);
	return ends[1];
}

static void test_pipe(void **state)
{
	int end = open_pipe();

	assert_drained(0, "");
	write_to(end, "first\nsec");
	assert_drained(1, "first\nsec");
	assert_drained(0, "");
	write_to(end, "ond\n");
	close(end);
	assert_drained(1, "ond\n");
	assert_true(stream->has_ended);
	assert_drained(0, "");
	assert_int_equal(stream->dropped, 0);
}

static void test_writer_finds_room(void **state)
{
	int end = open_pipe();

	assert_true(fcntl(end, F_GETPIPE_SZ) >= 65536);
	assert_true(fcntl(stream->fd, F_GETFL) & O_NONBLOCK);
	close(end);
}

/* A terminal whose other side has gone gives EIO. */
static void test_terminal(void **state)
{
	int main_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int end;

	assert_true(main_fd >= 0);
	assert_int_equal(grantpt(main_fd), 0);
	assert_int_equal(unlockpt(main_fd), 0);
	end = open(ptsname(main_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(end >= 0);
	assert_int_equal(ft_log_stream_of_fd(main_fd, &stream), 0);
	write_to(end, "first\n");
	assert_drained(1, "first\r\n");
	close(end);
	assert_drained(0, "");
	assert_true(stream->has_ended);
}

static void assert_refused(int fd, int error)
{
	struct ft_log_stream *none = (struct ft_log_stream *)1;

	assert_int_equal(ft_log_stream_of_fd(fd, &none), error);
	assert_ptr_equal(none, (struct ft_log_stream *)1);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was closed all the same */
}

static void test_no_streams(void **state)
{
	int closed = open(folder, O_RDONLY | O_CLOEXEC);

	close(closed);
	assert_refused(closed, -EBADF);
	assert_refused(open(folder, O_RDONLY | O_CLOEXEC), -EINVAL);
	assert_refused(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), -EINVAL);
	assert_refused(-1, -EBADF);
	assert_null(ft_log_stream_free(NULL));
}

static int refuse_bytes(const char *data, size_t size, bool is_gap, void *data_of_fn)
{
	return -ENOMEM;
}

static void test_failure_of_the_parser(void **state)
{
	int end = open_pipe();

	write_to(end, "first\n");
	assert_int_equal(ft_log_stream_drain(stream, refuse_bytes, NULL), -ENOMEM);
	close(end);
}

/* ---- a writer that is faster than the parser ---- */

#define FLOOD_LINES 400000u /* of 64 bytes: more than is parsed in one go */

struct flood {
	int fd;
	uint64_t expected; /* the number that the next line must have */
	uint64_t parsed;
	uint64_t gaps;
	char rest[64];
	size_t rest_size;
};

static void *write_flood(void *data)
{
	const struct flood *flood = data;
	char line[65];

	for (unsigned int i = 0; i < FLOOD_LINES; i++) {
		snprintf(line, sizeof(line), "%063u\n", i);
		if (write(flood->fd, line, 64) != 64)
			return NULL;
	}
	return data;
}

static void take_flood_line(struct flood *flood, const char *line)
{
	uint64_t number = strtoull(line, NULL, 10);

	assert_int_equal(line[63], '\n');
	assert_true(number >= flood->expected);
	flood->expected = number + 1;
	flood->parsed++;
}

/* Slow: goes on only when more waits in the pipe, or all of it has come. */
static int take_flood(const char *data, size_t size, bool is_gap, void *data_of_fn)
{
	struct flood *flood = data_of_fn;
	int unread = 0;

	if (is_gap) {
		flood->gaps++;
		flood->rest_size = 0;
	}
	while (size) {
		size_t piece = 64 - flood->rest_size < size ? 64 - flood->rest_size : size;

		memcpy(flood->rest + flood->rest_size, data, piece);
		flood->rest_size += piece;
		data += piece;
		size -= piece;
		if (flood->rest_size == 64) {
			take_flood_line(flood, flood->rest);
			flood->rest_size = 0;
		}
	}
	while (flood->expected < FLOOD_LINES && !unread) {
		struct pollfd descriptor = {.fd = stream->fd, .events = POLLIN};

		poll(&descriptor, 1, 100);
		ioctl(stream->fd, FIONREAD, &unread);
	}
	return 0;
}

/* What is not parsed is dropped in whole lines and counted, and the writer is never held up. */
static void test_flood(void **state)
{
	struct flood flood = {.fd = open_pipe()};
	pthread_t writer;
	void *result;

	assert_int_equal(pthread_create(&writer, NULL, write_flood, &flood), 0);
	while (flood.expected < FLOOD_LINES && !stream->dropped)
		assert_true(ft_log_stream_drain(stream, take_flood, &flood) >= 0);
	assert_true(stream->dropped > 0);
	while (flood.parsed + stream->dropped < FLOOD_LINES - 1)
		assert_true(ft_log_stream_drain(stream, take_flood, &flood) >= 0);
	assert_int_equal(pthread_join(writer, &result), 0);
	assert_ptr_equal(result, &flood);
	/* it goes on with the first whole line behind the gap, which one more drain may be for */
	snprintf(got, sizeof(got), "%063u\n%063u\n", FLOOD_LINES, FLOOD_LINES + 1);
	write_to(flood.fd, got);
	close(flood.fd);
	while (!stream->has_ended)
		assert_true(ft_log_stream_drain(stream, take_flood, &flood) >= 0);
	assert_int_equal(flood.expected, FLOOD_LINES + 2);
	assert_int_equal(flood.parsed + stream->dropped, FLOOD_LINES + 2);
	assert_true(flood.gaps > 0);
}

/* The line that was cut ends with a piece: the gap is told with what comes behind it. */
static void test_gap_before_nothing(void **state)
{
	int end = open_pipe();

	stream->is_behind = true;
	write_to(end, "rest of a li");
	assert_drained(1, "");
	write_to(end, "ne\n");
	assert_drained(1, "");
	assert_int_equal(stream->dropped, 1);
	write_to(end, "next\n");
	assert_int_equal(ft_log_stream_drain(stream, on_bytes, NULL), 1);
	assert_string_equal(got, "next\n");
	assert_int_equal(gaps, 1);
	write_to(end, "last\n");
	assert_drained(1, "last\n");
	close(end);
}

/* ---- files ---- */

static void write_file(const char *to, const char *text, int flags)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	write_to(fd, text);
	close(fd);
}

static void append(const char *text)
{
	write_file(path, text, O_APPEND);
}

/* Whether something has happened; it is told within a second. */
static bool is_woken(void)
{
	struct pollfd descriptor = {
		.fd = ft_log_stream_poll_fd(stream),
		.events = POLLIN,
	};

	return poll(&descriptor, 1, 1000) == 1;
}

static void test_file_from_its_end(void **state)
{
	append("past\n");
	assert_int_equal(ft_log_stream_of_file(path, true, &stream), 0);
	assert_drained(0, "");
	append("first\n");
	assert_true(is_woken());
	assert_drained(1, "first\n");
	append("sec");
	append("ond\n");
	assert_drained(1, "second\n");
	assert_drained(0, "");
	assert_false(stream->has_ended);
}

static void test_file_from_its_begin(void **state)
{
	append("past\n");
	assert_int_equal(ft_log_stream_of_file(path, false, &stream), 0);
	assert_drained(1, "past\n");
}

static void test_rotation(void **state)
{
	append("past\n");
	assert_int_equal(ft_log_stream_of_file(path, true, &stream), 0);
	append("before\n");
	assert_int_equal(rename(path, rotated), 0);
	/* until a new file is there, the old one goes on growing */
	assert_drained(1, "before\n");
	write_file(rotated, "late\n", O_APPEND);
	assert_true(is_woken());
	assert_drained(1, "late\n");
	write_file(rotated, "last\n", O_APPEND);
	append("new\n");
	assert_true(is_woken());
	assert_drained(1, "last\nnew\n");
	append("newer\n");
	assert_true(is_woken());
	assert_drained(1, "newer\n");
	assert_int_equal(rename(path, rotated), 0);
	append("third\n");
	assert_drained(1, "third\n");
}

/* By a file that was written elsewhere. */
static void test_replaced(void **state)
{
	append("past\n");
	assert_int_equal(ft_log_stream_of_file(path, true, &stream), 0);
	write_file(rotated, "new\n", 0);
	assert_int_equal(rename(rotated, path), 0);
	assert_true(is_woken());
	assert_drained(1, "new\n");
}

static void test_removed(void **state)
{
	append("past\n");
	assert_int_equal(ft_log_stream_of_file(path, true, &stream), 0);
	append("last\n");
	unlink(path);
	assert_drained(1, "last\n");
	assert_drained(0, "");
	/* what is no file cannot be followed */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_drained(0, "");
	unlink(path);
	append("new\n");
	assert_true(is_woken());
	assert_drained(1, "new\n");
}

static void test_truncation(void **state)
{
	append("past and more\n");
	assert_int_equal(ft_log_stream_of_file(path, true, &stream), 0);
	write_file(path, "new\n", O_TRUNC);
	assert_true(is_woken());
	assert_drained(1, "new\n");
	assert_int_equal(truncate(path, 0), 0);
	assert_drained(0, "");
	append("newer\n");
	assert_drained(1, "newer\n");
}

static void test_path_without_a_folder(void **state)
{
	char *before = getcwd(NULL, 0);

	assert_non_null(before);
	append("past\n");
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(ft_log_stream_of_file("log", false, &stream), 0);
	assert_drained(1, "past\n");
	assert_int_equal(rename("log", "rotated"), 0);
	append("new\n");
	assert_true(is_woken());
	assert_drained(1, "new\n");
	assert_int_equal(chdir(before), 0);
	free(before);
}

static void test_no_files(void **state)
{
	assert_int_equal(ft_log_stream_of_file(path, false, &stream), -ENOENT);
	assert_int_equal(ft_log_stream_of_file(folder, false, &stream), -EINVAL);
	assert_int_equal(ft_log_stream_of_file("/", false, &stream), -EINVAL);
	assert_int_equal(ft_log_stream_of_file("/dev/null", false, &stream), -EINVAL);
	assert_int_equal(ft_log_stream_of_file("", false, &stream), -ENOENT);
	assert_null(stream);
}

static int count_bytes(const char *data, size_t size, bool is_gap, void *data_of_fn)
{
	*(uint64_t *)data_of_fn += size;
	assert_false(is_gap);
	return 0;
}

/* A file waits: it is read in parts, and nothing of it is dropped. */
static void test_large_file(void **state)
{
	uint64_t size = 0;
	int drains = 0;

	append("");
	assert_int_equal(truncate(path, 100 * MIB), 0);
	assert_int_equal(ft_log_stream_of_file(path, false, &stream), 0);
	while (ft_log_stream_drain(stream, count_bytes, &size) == 1)
		drains++;
	assert_int_equal(size, 100 * MIB);
	assert_true(drains > 1);
	assert_int_equal(stream->dropped, 0);
}

static int tear_down(void **state)
{
	stream = ft_log_stream_free(stream);
	unlink(path);
	unlink(rotated);
	return 0;
}

#define stream_test(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stream_test(test_pipe),
		stream_test(test_writer_finds_room),
		stream_test(test_terminal),
		stream_test(test_no_streams),
		stream_test(test_failure_of_the_parser),
		stream_test(test_flood),
		stream_test(test_gap_before_nothing),
		stream_test(test_file_from_its_end),
		stream_test(test_file_from_its_begin),
		stream_test(test_rotation),
		stream_test(test_replaced),
		stream_test(test_removed),
		stream_test(test_truncation),
		stream_test(test_path_without_a_folder),
		stream_test(test_no_files),
		stream_test(test_large_file),
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
