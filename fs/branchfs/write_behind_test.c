/* SPDX-License-Identifier: MIT */
/* Where data are before, during and after writing back; many threads at once. */
#include "write_behind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <fusetrace/fusetrace.h>

#include "support.h"
#include "testing.h"

#define NEVER (3600 * FUSETRACE_SECOND)

/* The file of a branch: one with a name, or write-behind would take it for removed. */
static char path[] = "/tmp/write-behind-test-XXXXXX";

static int set_up_file(void **state)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int tear_down_file(void **state)
{
	return unlink(path);
}

static int file_opened(struct write_behind *behind, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_behind_opened(behind, fd, flags), 0);
	return fd;
}

static void file_released(struct write_behind *behind, int fd, int flags)
{
	write_behind_released(behind, fd, flags);
	close(fd);
}

static void put(struct write_behind *behind, int fd, const char *text, off_t offset)
{
	AUTO_DATA struct data data = DATA_NONE;

	assert_int_equal(data_begin(behind, fd, true, &data), 0);
	assert_int_equal(pwrite(data.fd, text, strlen(text), offset), strlen(text));
}

static void assert_seen(struct write_behind *behind, int fd, const char *text)
{
	AUTO_DATA struct data data = DATA_NONE;
	char buffer[64] = {0};

	assert_int_equal(data_begin(behind, fd, false, &data), 0);
	assert_int_equal(pread(data.fd, buffer, sizeof(buffer) - 1, 0), strlen(text));
	assert_string_equal(buffer, text);
}

static void assert_in_branch(const char *text)
{
	AUTO_CLOSE int fd = file_opened(NULL, O_RDONLY);

	assert_seen(NULL, fd, text);
}

static void test_without_write_behind_data_are_in_the_branch(void **state)
{
	AUTO_CLOSE int fd = file_opened(NULL, O_RDWR);
	AUTO_DATA struct data data = DATA_NONE;

	assert_int_equal(data_begin(NULL, fd, true, &data), 0);
	assert_int_equal(data.fd, fd);
	assert_false(data.is_spool);
	assert_int_equal(write_behind_sync(NULL, fd), 0);
	write_behind_released(NULL, fd, O_RDWR);
	assert_int_equal(write_behind_free(NULL), 0);
}

static void test_data_wait_for_the_end(void **state)
{
	struct write_behind *behind;
	struct stat st;
	int writer;
	int reader;

	assert_int_equal(write_behind_new(NEVER, &behind), 0);
	assert_int_equal(write_behind_start(behind), 0);
	writer = file_opened(behind, O_WRONLY);
	reader = file_opened(behind, O_RDONLY);
	put(behind, writer, "contents", 0);
	assert_seen(behind, reader, "contents");
	file_released(behind, writer, O_WRONLY);
	assert_seen(behind, reader, "contents");

	assert_int_equal(fstat(reader, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(write_behind_stat(behind, reader, "", &st), 0);
	assert_int_equal(st.st_size, 8);
	file_released(behind, reader, O_RDONLY);
	assert_int_equal(write_behind_free(behind), 0);
	assert_in_branch("contents");
}

static void test_files_that_are_still_open_are_written_back(void **state)
{
	struct write_behind *behind;
	AUTO_CLOSE int fd = -1;

	assert_int_equal(write_behind_new(NEVER, &behind), 0);
	fd = file_opened(behind, O_RDWR);
	put(behind, fd, "contents", 0);
	assert_int_equal(write_behind_free(behind), 0);
	assert_in_branch("contents");
}

static void test_sync_writes_back(void **state)
{
	struct write_behind *behind;
	int fd;

	assert_int_equal(write_behind_new(NEVER, &behind), 0);
	fd = file_opened(behind, O_RDWR);
	put(behind, fd, "one", 0);
	assert_in_branch("");
	assert_int_equal(write_behind_sync(behind, fd), 0);
	assert_in_branch("one");
	put(behind, fd, "two", 3);
	assert_in_branch("one");
	assert_seen(behind, fd, "onetwo");
	file_released(behind, fd, O_RDWR);
	assert_int_equal(write_behind_free(behind), 0);
	assert_in_branch("onetwo");
}

static void test_truncation_at_open(void **state)
{
	struct write_behind *behind;
	int fd = file_opened(NULL, O_RDWR);

	put(NULL, fd, "old", 0);
	close(fd);
	assert_int_equal(write_behind_new(NEVER, &behind), 0);
	/* Even by somebody who cannot write: nothing else will queue it. */
	fd = file_opened(behind, O_RDONLY | O_TRUNC);
	assert_seen(behind, fd, "");
	assert_in_branch("old");
	file_released(behind, fd, O_RDONLY);
	assert_int_equal(write_behind_free(behind), 0);
	assert_in_branch("");
}

static void test_thread_writes_back_in_time(void **state)
{
	struct write_behind *behind;
	uint64_t released_ns;
	struct stat st;
	int fd;

	assert_int_equal(write_behind_new(50000000, &behind), 0);
	assert_int_equal(write_behind_start(behind), 0);
	fd = file_opened(behind, O_RDWR);
	put(behind, fd, "contents", 0);
	file_released(behind, fd, O_RDWR);
	released_ns = now_ns();
	do {
		assert_int_equal(stat(path, &st), 0);
		assert_true(now_ns() - released_ns < 30 * FUSETRACE_SECOND);
	} while (st.st_size == 0);
	/* A little less, since the release was before we looked at the clock. */
	assert_true(now_ns() - released_ns >= 45000000);
	assert_int_equal(write_behind_free(behind), 0);
	assert_in_branch("contents");
}

#define WORKERS 8
#define ROUNDS 200

struct worker {
	struct write_behind *behind;
	size_t index;
};

/* Opens, changes its own byte, looks, releases; the thread writes back in between. */
static void *change_own_byte(void *argument)
{
	const struct worker *worker = argument;

	for (int round = 0; round < ROUNDS; round++) {
		const char text[2] = {(char)('a' + round % 26), '\0'};
		int fd = file_opened(worker->behind, O_RDWR);
		AUTO_DATA struct data data = DATA_NONE;
		char seen = 0;

		put(worker->behind, fd, text, (off_t)worker->index);
		if (round % 10 == 0)
			assert_int_equal(write_behind_sync(worker->behind, fd), 0);
		assert_int_equal(data_begin(worker->behind, fd, false, &data), 0);
		assert_int_equal(pread(data.fd, &seen, 1, (off_t)worker->index), 1);
		assert_int_equal(seen, text[0]);
		data_end(&data);
		file_released(worker->behind, fd, O_RDWR);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	char expected[WORKERS + 1] = {0};
	struct write_behind *behind;

	assert_int_equal(write_behind_new(1000, &behind), 0);
	assert_int_equal(write_behind_start(behind), 0);
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){behind, i};
		assert_int_equal(pthread_create(&threads[i], NULL, change_own_byte, &workers[i]),
				 0);
	}
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(write_behind_free(behind), 0);
	memset(expected, 'a' + (ROUNDS - 1) % 26, WORKERS);
	assert_in_branch(expected);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_file, tear_down_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_without_write_behind_data_are_in_the_branch),
		FILE_TEST(test_data_wait_for_the_end),
		FILE_TEST(test_files_that_are_still_open_are_written_back),
		FILE_TEST(test_sync_writes_back),
		FILE_TEST(test_truncation_at_open),
		FILE_TEST(test_thread_writes_back_in_time),
		FILE_TEST(test_threads),
	};

	return RUN_TESTS(tests);
}
