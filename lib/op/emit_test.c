/* SPDX-License-Identifier: MIT */
/*
 * The emitter on real descriptors: what is written, that it stays in one piece with threads,
 * signals and full pipes, and that what it cannot say is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include <fusetrace/fusetrace.h>

#include "json_read.h"
#include "op.h"

#define DEADLINE_S 60
#define THREADS 4
#define LINES 2000

struct channel {
	int out;
	int in;
};

static struct channel open_pipe(int flags)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETFL, flags) >= 0);
	return (struct channel){fds[1], fds[0]};
}

static void close_pipe(const struct channel *channel)
{
	close(channel->out);
	close(channel->in);
}

/* What one call writes. */
static void assert_emits(const struct fusetrace_emit *emit, const char *expected)
{
	struct channel channel = open_pipe(0);
	char line[4096];
	ssize_t n;

	assert_int_equal(fusetrace_emit(channel.out, emit), 0);
	n = read(channel.in, line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, expected);
	close_pipe(&channel);
}

static void test_lines(void **state)
{
	assert_emits(
		FUSETRACE_EMIT(.op = "write", .path = "/a.txt", .start_ns = 123,
			       .duration_ns = 4567, .size = 5, .offset = 9,
			       .present = FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(SIZE)),
		"{\"v\":1,\"op\":\"write\",\"path\":\"/a.txt\",\"status\":\"completed\","
		"\"errno\":0,\"start_ns\":123,\"duration_ns\":4567,\"size\":5,"
		"\"source\":\"log\"}\n");
	assert_emits(FUSETRACE_EMIT(.op = "chmod", .path = "/\xff", .error = EROFS, .mode = 0644,
				    .present = FT_HAS(MODE) | FT_HAS(PATH)),
		     "{\"v\":1,\"op\":\"chmod\",\"path\":\"/\xef\xbf\xbd\",\"path_bytes\":\"L/8=\","
		     "\"status\":\"failed\",\"errno\":30,\"mode\":420,\"source\":\"log\"}\n");
	assert_emits(
		FUSETRACE_EMIT(.op = "rename", .path = "/a", .path2 = "/b\n", .xattr = "user.x",
			       .pid = 1, .uid = 2, .gid = 3, .fh = UINT64_MAX, .offset = 5,
			       .size = 6, .reply_size = 7, .mode = 8, .flags = UINT32_MAX,
			       .present = FT_HAS(PID) | FT_HAS(UID) | FT_HAS(GID) | FT_HAS(FH) |
					  FT_HAS(OFFSET) | FT_HAS(SIZE) | FT_HAS(REPLY_SIZE) |
					  FT_HAS(MODE) | FT_HAS(FLAGS) | FT_HAS(ERRNO)),
		"{\"v\":1,\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\\n\","
		"\"xattr\":\"user.x\",\"status\":\"completed\",\"errno\":0,\"pid\":1,\"uid\":2,"
		"\"gid\":3,\"fh\":\"18446744073709551615\",\"offset\":5,\"size\":6,"
		"\"reply_size\":7,\"mode\":8,\"flags\":4294967295,\"source\":\"log\"}\n");
	assert_emits(FUSETRACE_EMIT(.op = "statfs"),
		     "{\"v\":1,\"op\":\"statfs\",\"status\":\"completed\",\"errno\":0,"
		     "\"source\":\"log\"}\n");
}

/* The header promises: the line is what fusetrace_op_json() gives. */
static void test_is_the_json_of_an_operation(void **state)
{
	struct fusetrace_op op = {
		.opcode = FUSE_READ,
		.status = FUSETRACE_STATUS_FAILED,
		.source = FUSETRACE_SOURCE_LOG,
		.error = EIO,
		.fh = 3,
		.start_ns = 4,
		.present = FT_HAS(FH) | FT_HAS(START_NS) | FT_HAS(ERRNO),
	};
	char line[256];

	assert_true(fusetrace_op_json(&op, line, sizeof(line) - 1) > 0);
	strcat(line, "\n");
	assert_emits(FUSETRACE_EMIT(.op = "read", .error = EIO, .fh = 3, .start_ns = 4,
				    .present = FT_HAS(FH) | FT_HAS(START_NS)),
		     line);
}

/* Each name that the library lists can be emitted, and is read as what it says. */
static void test_every_name(void **state)
{
	struct ft_json_reader reader = {0};

	for (const char *name = fusetrace_op_name_next(NULL); name;
	     name = fusetrace_op_name_next(name)) {
		struct channel channel = open_pipe(0);
		struct ft_json_record record;
		char line[256];
		ssize_t n;

		assert_int_equal(fusetrace_emit(channel.out, FUSETRACE_EMIT(.op = name)), 0);
		n = read(channel.in, line, sizeof(line));
		assert_true(n > 0);
		assert_int_equal(ft_json_read(&reader, line, (size_t)n, &record, NULL), 0);
		if (record.event.opcode == FUSE_SETATTR)
			assert_int_equal(record.event.valid == 0, strcmp(name, "setattr") == 0);
		else
			assert_string_equal(fusetrace_opcode_name(record.event.opcode), name);
		close_pipe(&channel);
	}
	ft_json_reader_done(&reader);
}

static void test_refused(void **state)
{
	struct channel channel = open_pipe(O_NONBLOCK);
	struct fusetrace_emit old = {.sz = sizeof(old) - 8, .op = "read"};
	const struct fusetrace_emit *const wrong[] = {
		NULL,
		&old,
		FUSETRACE_EMIT(.op = NULL),
		FUSETRACE_EMIT(.op = ""),
		FUSETRACE_EMIT(.op = "wirte"),
		FUSETRACE_EMIT(.op = "read", .error = -EIO),
		FUSETRACE_EMIT(.op = "read", .error = 65536),
		FUSETRACE_EMIT(.op = "read", .present = FT_HAS(NODEID)),
		FUSETRACE_EMIT(.op = "read", .pid = UINT64_C(1) << 32),
		FUSETRACE_EMIT(.op = "read", .uid = UINT64_C(1) << 32),
		FUSETRACE_EMIT(.op = "read", .gid = UINT64_C(1) << 32),
		FUSETRACE_EMIT(.op = "read", .mode = UINT64_C(1) << 32),
		FUSETRACE_EMIT(.op = "read", .flags = UINT64_C(1) << 32),
	};
	struct pollfd readable = {.fd = channel.in, .events = POLLIN};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(fusetrace_emit(channel.out, wrong[i]), -EINVAL);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(fusetrace_emit(-1, FUSETRACE_EMIT(.op = "read")), -EBADF);
	assert_int_equal(fusetrace_emit(channel.in, FUSETRACE_EMIT(.op = "read")), -EBADF);
	close_pipe(&channel);
}

/* ---- in one piece ---- */

/* Reads channel to its end; each line must be a record. Returns how many there were. */
static size_t read_records(int fd, size_t *ret_longest)
{
	FILE *file = fdopen(fd, "re");
	struct ft_json_reader reader = {0};
	char *line = NULL;
	size_t size = 0;
	size_t lines = 0;
	ssize_t length;

	assert_non_null(file);
	*ret_longest = 0;
	while ((length = getline(&line, &size, file)) > 0) {
		struct ft_json_record record;
		struct ft_json_error error;

		assert_int_equal(line[length - 1], '\n');
		if (ft_json_read(&reader, line, (size_t)length, &record, &error))
			fail_msg("column %u: %s: %s", error.column, error.text, line);
		if (record.event.path.length > *ret_longest)
			*ret_longest = record.event.path.length;
		lines++;
	}
	ft_json_reader_done(&reader);
	free(line);
	fclose(file);
	return lines;
}

static char *long_path(size_t length)
{
	char *path = malloc(length + 1);

	assert_non_null(path);
	memset(path, 'p', length);
	path[length] = '\0';
	return path;
}

/* On both sides of where the buffer on the stack ends, to a file, which takes all at once. */
static void test_each_length(void **state)
{
	char *path = long_path(9000);
	int fd = memfd_create("emit", MFD_CLOEXEC);
	size_t lines = 0;
	size_t longest;

	assert_true(fd >= 0);
	for (size_t length = 3950; length < 4100; length++, lines++) {
		path[length] = '\0';
		assert_int_equal(fusetrace_emit(fd, FUSETRACE_EMIT(.op = "open", .path = path)), 0);
		path[length] = 'p';
	}
	assert_int_equal(fusetrace_emit(fd, FUSETRACE_EMIT(.op = "open", .path = path)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read_records(fd, &longest), lines + 1);
	assert_int_equal(longest, 9000);
	free(path);
}

static void *emit_lines(void *data)
{
	const int *fd = data;

	for (uint64_t i = 0; i < LINES; i++) {
		const struct fusetrace_emit *emit =
			FUSETRACE_EMIT(.op = "write", .path = "/some/path/of/usual/length",
				       .size = i, .present = FT_HAS(SIZE));

		if (fusetrace_emit(*fd, emit) != 0)
			return data;
	}
	return NULL;
}

static void test_threads_do_not_mix(void **state)
{
	struct channel channel = open_pipe(0);
	pthread_t threads[THREADS];
	size_t longest;
	void *failed;
	int status;
	pid_t child = fork(); /* whose threads write while this process reads */

	assert_true(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, emit_lines, &channel.out);
		for (size_t i = 0; i < THREADS; i++) {
			pthread_join(threads[i], &failed);
			if (failed)
				_exit(1);
		}
		_exit(0);
	}
	close(channel.out);
	assert_int_equal(read_records(channel.in, &longest), THREADS * LINES);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_full_pipe(void **state)
{
	struct channel channel = open_pipe(O_NONBLOCK);
	const struct fusetrace_emit *emit = FUSETRACE_EMIT(.op = "read", .path = "/a");
	size_t lines = 0;
	size_t longest;
	int r;

	while ((r = fusetrace_emit(channel.out, emit)) == 0)
		lines++;
	assert_int_equal(r, -EAGAIN);
	close(channel.out);
	assert_int_equal(read_records(channel.in, &longest), lines);
}

/* ---- pipes smaller than a line, and signals ---- */

static _Atomic uint32_t signals;

static void count_signal(int number)
{
	atomic_fetch_add(&signals, 1);
}

struct long_emit {
	int fd;
	const char *path;
	int result;
};

static void *emit_long_line(void *data)
{
	struct long_emit *emit = data;

	emit->result = fusetrace_emit(emit->fd, FUSETRACE_EMIT(.op = "open", .path = emit->path));
	close(emit->fd);
	return NULL;
}

/* A line that needs many writes; the reader begins after it has been stuck for a while. */
static void assert_long_line_arrives(int flags, bool with_signals)
{
	struct channel channel = open_pipe(flags);
	char *path = long_path(100000);
	struct long_emit emit = {channel.out, path, -1};
	struct pollfd readable = {.fd = channel.in, .events = POLLIN};
	uint32_t signals_before = atomic_load(&signals);
	pthread_t thread;
	size_t longest;

	assert_true(fcntl(channel.out, F_SETPIPE_SZ, 4096) >= 4096);
	assert_int_equal(pthread_create(&thread, NULL, emit_long_line, &emit), 0);
	assert_int_equal(poll(&readable, 1, DEADLINE_S * 1000), 1);
	while (with_signals && atomic_load(&signals) < signals_before + 20)
		pthread_kill(thread, SIGUSR1);
	assert_int_equal(read_records(channel.in, &longest), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(emit.result, 0);
	assert_int_equal(longest, 100000);
	free(path);
}

static void test_short_writes(void **state)
{
	struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART: EINTR is seen */
	struct sigaction before;

	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	assert_long_line_arrives(0, false);
	assert_long_line_arrives(0, true);
	assert_long_line_arrives(O_NONBLOCK, false);
	assert_long_line_arrives(O_NONBLOCK, true);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_is_the_json_of_an_operation),
		cmocka_unit_test(test_every_name),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_each_length),
		cmocka_unit_test(test_threads_do_not_mix),
		cmocka_unit_test(test_full_pipe),
		cmocka_unit_test(test_short_writes),
	};

	alarm(DEADLINE_S);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
