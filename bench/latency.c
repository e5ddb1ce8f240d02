/* SPDX-License-Identifier: MIT */
/*
 * From the end of an awaited operation to the return of the wait, on a mounted filesystem that
 * delays its RELEASE, so that each wait really sleeps. Also: a wait for what has already happened,
 * and the cost of many pending waits. Prints one JSON object. Usage: latency MOUNTPOINT ROUNDS
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "base/clock.h"
#include "measure.h"

#define PENDING 1000
#define DONE_ROUNDS 10000
#define STATS 2000

static struct fusetrace_monitor *monitor;
static char file_path[4096];

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, fusetrace_strerror(error));
	exit(1);
}

static int wait_release(const struct fusetrace_mark *mark, struct fusetrace_op **ret_op)
{
	return fusetrace_wait(monitor, mark, FUSETRACE_MATCH(.op = "release", .path = "/bench"),
			      5 * FUSETRACE_SECOND, ret_op, NULL);
}

/* One sleeping wait; 0 when the operation ended before the wait began. */
static uint64_t sleeping_wait(void)
{
	struct fusetrace_op *op = NULL;
	struct fusetrace_mark mark;
	uint64_t began_ns, ended_ns, answered_ns;
	int fd, r;

	fusetrace_mark_now(monitor, &mark);
	fd = open(file_path, O_CREAT | O_RDWR, 0644);
	if (fd < 0)
		fail(file_path, -1);
	close(fd);
	began_ns = ft_now_ns();
	r = wait_release(&mark, &op);
	ended_ns = ft_now_ns();
	if (r < 0)
		fail("wait", r);
	answered_ns = fusetrace_op_start_ns(op) + fusetrace_op_duration_ns(op);
	fusetrace_op_unref(op);
	return answered_ns < began_ns ? 0 : ended_ns - answered_ns;
}

static void measure_sleeping(size_t rounds, uint64_t *latencies)
{
	size_t count = 0;

	for (size_t i = 0; i < rounds; i++) {
		uint64_t latency = sleeping_wait();

		if (latency)
			latencies[count++] = latency;
	}
	printf("\"sleeping_waits\":%zu,\"wait_p50_ns\":%" PRIu64 ",\"wait_p99_ns\":%" PRIu64, count,
	       ft_bench_percentile(latencies, count, 0.5),
	       ft_bench_percentile(latencies, count, 0.99));
}

static void measure_done(uint64_t *latencies)
{
	struct fusetrace_mark mark;
	int fd, r;

	fusetrace_mark_now(monitor, &mark);
	fd = open(file_path, O_CREAT | O_RDWR, 0644);
	close(fd);
	r = wait_release(&mark, NULL);
	if (r < 0)
		fail("wait", r);
	for (size_t i = 0; i < DONE_ROUNDS; i++) {
		uint64_t began_ns = ft_now_ns();

		wait_release(&mark, NULL);
		latencies[i] = ft_now_ns() - began_ns;
	}
	printf(",\"done_p50_ns\":%" PRIu64 ",\"done_p99_ns\":%" PRIu64,
	       ft_bench_percentile(latencies, DONE_ROUNDS, 0.5),
	       ft_bench_percentile(latencies, DONE_ROUNDS, 0.99));
}

/* Mean time of a stat() of a missing file, which is one LOOKUP that the kernel does not cache. */
static double stat_missing(void)
{
	char path[4200];
	struct stat status;
	uint64_t began_ns = ft_now_ns();

	for (int i = 0; i < STATS; i++) {
		snprintf(path, sizeof(path), "%s-missing-%d", file_path, i);
		stat(path, &status);
	}
	fusetrace_sync(monitor);
	return (double)(ft_now_ns() - began_ns) / STATS;
}

static void measure_pending(void)
{
	struct fusetrace_expect *expects[PENDING];
	double before, with;
	char path[64];
	int r;

	stat_missing();
	before = stat_missing();
	for (int i = 0; i < PENDING; i++) {
		const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "create", .path = path);

		snprintf(path, sizeof(path), "/never-%d", i);
		r = fusetrace_expect_new(monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expects[i],
					 NULL);
		if (r < 0)
			fail("expect", r);
	}
	with = stat_missing();
	for (int i = 0; i < PENDING; i++)
		fusetrace_expect_free(expects[i]);
	printf(",\"pending_waits\":%d,\"lookup_ns\":%.0f,\"lookup_with_pending_ns\":%.0f", PENDING,
	       before, with);
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t *latencies;
	struct fusetrace_error error;

	if (rounds == 0) {
		fprintf(stderr, "usage: %s MOUNTPOINT ROUNDS\n", argv[0]);
		return 2;
	}
	latencies = calloc(rounds > DONE_ROUNDS ? rounds : DONE_ROUNDS, sizeof(*latencies));
	snprintf(file_path, sizeof(file_path), "%s/bench", argv[1]);
	if (!latencies ||
	    fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = argv[1]), &monitor, &error) < 0 ||
	    fusetrace_monitor_start(monitor, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 77;
	}
	printf("{");
	measure_sleeping(rounds, latencies);
	measure_done(latencies);
	measure_pending();
	printf(",\"lost\":%" PRIu64 "}\n", fusetrace_lost(monitor, NULL));
	fusetrace_monitor_free(monitor);
	free(latencies);
	return 0;
}
