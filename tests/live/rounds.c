/* SPDX-License-Identifier: MIT */
/*
 * Rounds of create, write, close and wait for the RELEASE, by several threads at once:
 *
 *	rounds [ROUNDS [THREADS [SEED]]]
 *
 * A round fails when the RELEASE is not to be seen after close(), when the wait ends before the
 * filesystem has answered it (rounds_daemon.h tells when that was), or when it gives another
 * operation than that of the round: an earlier one on the same path, or one of another thread.
 * Prints what went wrong and how long waits took; exits with 0, 1, or 77 where it cannot trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "rounds_daemon.h"

#define EXIT_SKIPPED 77
#define EXIT_NOT_SET_UP 99
#define WAIT_NS (20 * FUSETRACE_SECOND)
#define SECONDS_MAX 900
#define FAILURES_SHOWN 20
#define PATH_SIZE 128

static const char data[] = "hello";

/* The whole test. */
struct test {
	struct fusetrace_monitor *monitor;
	struct rounds_truth *truth;
	char mountpoint[64];
	uint64_t rounds; /* of each thread */
	unsigned int thread_count;
	atomic_uint failures;
	atomic_uint in_flight_after_close;
};

/* One thread, which has one file. */
struct worker {
	struct test *test;
	pthread_t thread;
	unsigned int file;
	uint64_t round;       /* from 1 */
	char path[PATH_SIZE]; /* in the mount */
	char real_path[PATH_SIZE];
	uint64_t *latencies; /* from the end of the RELEASE to the return of the wait */
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * FUSETRACE_SECOND + (uint64_t)time.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static void fail(struct worker *worker, const char *format,
						       ...)
{
	va_list arguments;

	if (atomic_fetch_add(&worker->test->failures, 1) >= FAILURES_SHOWN)
		return;
	flockfile(stdout);
	printf("round %llu of %s: ", (unsigned long long)worker->round, worker->path);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	funlockfile(stdout);
}

/* ---- one round ---- */

/* Creates, writes and closes; returns the moment after close, 0 if that failed. */
static uint64_t use_file(struct worker *worker)
{
	int fd = open(worker->real_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0) {
		fail(worker, "open: %s", strerror(errno));
		return 0;
	}
	if (write(fd, data, strlen(data)) != (ssize_t)strlen(data))
		fail(worker, "write: %s", strerror(errno));
	if (close(fd) < 0)
		fail(worker, "close: %s", strerror(errno));
	return now_ns();
}

static int count_one(struct fusetrace_op *op, void *count)
{
	*(unsigned int *)count += fusetrace_op_status(op) == FUSETRACE_STATUS_STARTED;
	return 0;
}

/* close() returns when its RELEASE was sent: from then on it is in flight, or has ended. */
static void check_after_close(struct worker *worker, const struct fusetrace_mark *mark,
			      const struct fusetrace_match *match)
{
	struct fusetrace_monitor *monitor = worker->test->monitor;
	unsigned int in_flight = 0;
	int64_t ended;

	fusetrace_in_flight(monitor, match, count_one, &in_flight);
	if (in_flight == 1) {
		atomic_fetch_add(&worker->test->in_flight_after_close, 1);
		return;
	}
	ended = fusetrace_count(monitor, mark, match);
	if (in_flight > 1 || ended != 1)
		fail(worker, "after close %u in flight and %lld ended", in_flight,
		     (long long)ended);
}

static void check_operation(struct worker *worker, const struct fusetrace_op *op,
			    const struct fusetrace_mark *mark, uint64_t closed_ns,
			    uint64_t returned_ns)
{
	uint64_t start_ns = fusetrace_op_start_ns(op);
	uint64_t end_ns = start_ns + fusetrace_op_duration_ns(op);
	uint64_t handle = 0;

	fusetrace_op_number(op, FUSETRACE_FIELD_FH, &handle);
	if (handle != rounds_handle(worker->file, worker->round))
		fail(worker, "the RELEASE of another round: fh %llx", (unsigned long long)handle);
	if (!fusetrace_op_path(op) || strcmp(fusetrace_op_path(op), worker->path) != 0)
		fail(worker, "path %s", fusetrace_op_path(op));
	if (fusetrace_op_status(op) != FUSETRACE_STATUS_COMPLETED)
		fail(worker, "status %u", fusetrace_op_status(op));
	if (start_ns < mark->mono_ns || start_ns > closed_ns)
		fail(worker, "the RELEASE did not begin between the mark and the end of close");
	if (end_ns > returned_ns)
		fail(worker, "the wait returned %llu ns before the end of the RELEASE",
		     (unsigned long long)(end_ns - returned_ns));
	worker->latencies[worker->round - 1] = returned_ns > end_ns ? returned_ns - end_ns : 0;
}

/* Each request of the round once, and no other on this file. */
static void check_counts(struct worker *worker, const struct fusetrace_mark *mark)
{
	static const char *const ops[] = {"create", "write", "release"};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		int64_t count =
			fusetrace_count(worker->test->monitor, mark,
					FUSETRACE_MATCH(.op = ops[i], .path = worker->path));

		if (count != 1)
			fail(worker, "%lld times %s", (long long)count, ops[i]);
	}
}

static void do_round(struct worker *worker)
{
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "release", .path = worker->path);
	struct fusetrace_monitor *monitor = worker->test->monitor;
	struct fusetrace_report *report = NULL;
	struct fusetrace_op *op = NULL;
	struct fusetrace_mark mark;
	uint64_t closed_ns, returned_ns, released;
	int r;

	fusetrace_mark_now(monitor, &mark);
	closed_ns = use_file(worker);
	if (!closed_ns)
		return;
	/* What is looked at before the wait changes when it sleeps: only in every other round. */
	if (worker->round % 2 == 0)
		check_after_close(worker, &mark, match);
	r = fusetrace_wait(monitor, &mark, match, WAIT_NS, &op, &report);
	returned_ns = now_ns();
	released = atomic_load(&worker->test->truth->released[worker->file]);
	if (r < 0)
		fail(worker, "%s\n%s", fusetrace_strerror(r), fusetrace_report_text(report));
	if (r == 0 && released != worker->round)
		fail(worker, "the wait returned before the filesystem had released the file");
	if (r == 0)
		check_operation(worker, op, &mark, closed_ns, returned_ns);
	check_counts(worker, &mark);
	fusetrace_op_unref(op);
	fusetrace_report_free(report);
	if (unlink(worker->real_path) < 0)
		fail(worker, "unlink: %s", strerror(errno));
}

static void *work(void *data_)
{
	struct worker *worker = data_;

	for (worker->round = 1; worker->round <= worker->test->rounds; worker->round++)
		do_round(worker);
	return NULL;
}

/* ---- all rounds ---- */

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void report(struct test *test, uint64_t *latencies, uint64_t count, uint64_t took_ns)
{
	qsort(latencies, count, sizeof(*latencies), compare);
	printf("%llu rounds, %u threads, %.1f s: %u failures, %llu events lost\n",
	       (unsigned long long)count, test->thread_count, (double)took_ns / 1e9,
	       atomic_load(&test->failures),
	       (unsigned long long)fusetrace_lost(test->monitor, NULL));
	printf("end of RELEASE to return of the wait: p50 %.1f us, p99 %.1f us, max %.1f us\n",
	       (double)latencies[count / 2] / 1e3, (double)latencies[count * 99 / 100] / 1e3,
	       (double)latencies[count - 1] / 1e3);
	printf("RELEASE in flight right after close: %u of %llu rounds that looked\n",
	       atomic_load(&test->in_flight_after_close), (unsigned long long)count / 2);
}

static void run_all(struct test *test)
{
	struct worker workers[ROUNDS_FILES_MAX] = {0};
	uint64_t count = test->rounds * test->thread_count;
	uint64_t *latencies = calloc(count, sizeof(*latencies));
	uint64_t begin_ns = now_ns();

	if (!latencies) {
		atomic_fetch_add(&test->failures, 1);
		return;
	}
	for (unsigned int i = 0; i < test->thread_count; i++) {
		struct worker *worker = &workers[i];

		worker->test = test;
		worker->file = i;
		worker->latencies = latencies + i * test->rounds;
		snprintf(worker->path, PATH_SIZE, "/f%u", i);
		snprintf(worker->real_path, PATH_SIZE, "%s/f%u", test->mountpoint, i);
		pthread_create(&worker->thread, NULL, work, worker);
	}
	for (unsigned int i = 0; i < test->thread_count; i++)
		pthread_join(workers[i].thread, NULL);
	report(test, latencies, count, now_ns() - begin_ns);
	free(latencies);
}

/* ---- setting up ---- */

static int start_monitor(struct test *test, pid_t daemon)
{
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING),
				      &test->monitor, &error);

	if (r == 0)
		r = fusetrace_monitor_start(test->monitor, &error);
	if (r == 0)
		r = fusetrace_monitor_follow(test->monitor, daemon);
	if (r < 0)
		printf("cannot trace: %s\n", error.text);
	return r;
}

/* The daemon is forked first, while there is one thread, and mounts when the trace is armed. */
static int start(struct test *test, unsigned int seed, pid_t *ret_daemon)
{
	pid_t daemon;
	int r;

	strcpy(test->mountpoint, "/tmp/fusetrace-rounds-XXXXXX");
	if (sem_init(&test->truth->may_mount, 1, 0) < 0 || !mkdtemp(test->mountpoint))
		return EXIT_NOT_SET_UP;
	daemon = rounds_daemon_start(test->mountpoint, test->truth, seed);
	if (daemon < 0) {
		rmdir(test->mountpoint);
		return EXIT_NOT_SET_UP;
	}
	*ret_daemon = daemon;
	if (start_monitor(test, daemon) < 0)
		return EXIT_SKIPPED;
	sem_post(&test->truth->may_mount);
	r = fusetrace_wait_state(test->monitor, FUSETRACE_STATE_MOUNTED, WAIT_NS);
	if (r < 0)
		printf("no mount: %s\n", fusetrace_strerror(r));
	return r < 0 ? EXIT_NOT_SET_UP : 0;
}

/* Unmounts by ending the daemon, which leaves nothing behind; returns how it ended. */
static int stop(struct test *test, pid_t daemon)
{
	int status = 0;

	if (daemon > 0) {
		sem_post(&test->truth->may_mount); /* it may still wait for that */
		kill(daemon, SIGTERM);
		waitpid(daemon, &status, 0);
		rmdir(test->mountpoint); /* if the signal came before it could */
	}
	fusetrace_monitor_free(test->monitor);
	munmap(test->truth, sizeof(*test->truth));
	return status;
}

int main(int count, char **words)
{
	struct test test = {.rounds = 300, .thread_count = 3};
	unsigned int seed = count > 3 ? (unsigned int)atoi(words[3]) : 1;
	pid_t daemon = 0;
	int r;

	alarm(SECONDS_MAX); /* the daemon then ends with us */
	if (count > 2)
		test.thread_count = (unsigned int)atoi(words[2]);
	if (test.thread_count < 1 || test.thread_count > ROUNDS_FILES_MAX)
		return EXIT_NOT_SET_UP;
	if (count > 1)
		test.rounds =
			((uint64_t)atoll(words[1]) + test.thread_count - 1) / test.thread_count;
	test.truth = mmap(NULL, sizeof(*test.truth), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (test.truth == MAP_FAILED || test.rounds == 0)
		return EXIT_NOT_SET_UP;
	r = start(&test, seed, &daemon);
	if (r == 0) {
		run_all(&test);
		r = atomic_load(&test.failures) || fusetrace_lost(test.monitor, NULL) ? 1 : 0;
	}
	if (stop(&test, daemon) != 0 && r == 0)
		r = 1;
	return r;
}
