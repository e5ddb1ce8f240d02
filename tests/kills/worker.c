/* SPDX-License-Identifier: MIT */
/*
 * A test as users write it, to be killed by kills.py, or to have its daemon killed:
 *
 *	worker DIRECTORY SEED
 *
 * It mounts a branchfs in DIRECTORY, works on it with two threads, waits with others for what never
 * comes, and takes all away after a moment. DIRECTORY is guarded: if the worker is killed, it goes with
 * all that is in it. Standard output tells what happened, a line an event, each with CLOCK_MONOTONIC:
 *
 *	TIME started | mounted | stopping
 *	TIME failed TEXT		it did not mount
 *	TIME ended WAIT RESULT VERDICT	a wait has returned; VERDICT 0: no report
 *	TIME stopped RESULT STEP
 *
 * Exits with 0, also when the daemon was killed; 77 where it cannot trace; 99.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#define EXIT_SKIPPED 77
#define EXIT_NOT_SET_UP 99
/* Whoever sits this out has not noticed the end of the daemon. */
#define NEVER_NS (600 * FUSETRACE_SECOND)
#define MOUNT_NS (60 * FUSETRACE_SECOND)
#define PATH_SIZE 4096
#define USERS 2

struct worker {
	struct fusetrace_monitor *monitor;
	struct fusetrace_mount *mount;
	char branch[PATH_SIZE];
	char mountpoint[PATH_SIZE];
	unsigned int seed;
	atomic_bool is_stopping;
};

/* ---- telling ---- */

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	struct timespec now;
	va_list arguments;

	flockfile(stdout);
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%lld%09ld ", (long long)now.tv_sec, now.tv_nsec);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

static void tell_end(const char *wait, int result, struct fusetrace_report *report)
{
	tell("ended %s %d %u", wait, result, report ? fusetrace_report_verdict(report) : 0);
	fusetrace_report_free(report);
}

/* ---- waits for what never comes ---- */

static void *wait_never(void *data)
{
	struct worker *worker = data;
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark = {0};
	int r = fusetrace_wait(worker->monitor, &mark,
			       FUSETRACE_MATCH(.op = "create", .path = "/never"), NEVER_NS, NULL,
			       &report);

	tell_end("never", r, report);
	return NULL;
}

/* As an event loop does it: the descriptor says when it is worth a look. */
static void *wait_by_descriptor(void *data)
{
	struct worker *worker = data;
	const struct fusetrace_match *match = FUSETRACE_MATCH(.op = "unlink", .path = "/never");
	struct fusetrace_report *report = NULL;
	struct fusetrace_expect *expect;
	int r = fusetrace_expect_new(worker->monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect,
				     NULL);

	if (r == 0) {
		do {
			struct pollfd descriptor = {fusetrace_expect_fd(expect), POLLIN, 0};

			poll(&descriptor, 1, (int)(NEVER_NS / 1000000));
			report = fusetrace_report_free(report);
			r = fusetrace_expect_wait(expect, 0, NULL, &report);
		} while (r == -ETIMEDOUT);
		fusetrace_expect_free(expect);
	}
	tell_end("descriptor", r, report);
	return NULL;
}

static void *wait_idle(void *data)
{
	struct worker *worker = data;
	struct fusetrace_report *report = NULL;
	int r = fusetrace_wait_idle(worker->monitor, NEVER_NS, NEVER_NS, &report);

	tell_end("idle", r, report);
	return NULL;
}

static void *wait_none(void *data)
{
	struct worker *worker = data;
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark = {0};
	int r = fusetrace_wait_none(worker->monitor, &mark,
				    FUSETRACE_MATCH(.op = "mkdir", .path = "/never"), NEVER_NS,
				    NULL, &report);

	tell_end("none", r, report);
	return NULL;
}

static void *wait_unmounted(void *data)
{
	struct worker *worker = data;

	tell_end("state",
		 fusetrace_wait_state(worker->monitor, FUSETRACE_STATE_UNMOUNTED, NEVER_NS), NULL);
	return NULL;
}

/* ---- work, and waits for it ---- */

static bool write_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	bool is_written;

	if (fd < 0)
		return false;
	is_written = write(fd, "hello", 5) == 5;
	return close(fd) == 0 && is_written;
}

/* Until the filesystem ends, in whatever way. */
static void *use(void *data)
{
	struct worker *worker = data;
	char name[64], path[PATH_SIZE + 64];
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark;
	int r = 0;

	snprintf(name, sizeof(name), "/%llx", (unsigned long long)pthread_self());
	snprintf(path, sizeof(path), "%s%s", worker->mountpoint, name);
	while (r == 0 && !worker->is_stopping) {
		r = fusetrace_mark_now(worker->monitor, &mark);
		if (r < 0 || !write_file(path))
			break;
		r = fusetrace_wait(worker->monitor, &mark,
				   FUSETRACE_MATCH(.op = "release", .path = name), NEVER_NS, NULL,
				   &report);
		unlink(path);
	}
	tell_end("use", r, report);
	return NULL;
}

static void *(*const threads[])(void *) = {
	wait_never, wait_by_descriptor, wait_idle, wait_none, wait_unmounted, use, use,
};
#define THREADS (sizeof(threads) / sizeof(threads[0]))

/* ---- the life of a mount ---- */

/* One that is not installed is in the build. */
static void find_guardian(void)
{
	const char *build = getenv("FUSETRACE_BUILD");
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/guardian/fusetrace-guardian", build ? build : "");
	if (build)
		fusetrace_set_guardian(path);
}

static int start(struct worker *worker)
{
	/* In the foreground or in the background, quick or slow. */
	char *argv[] = {"branchfs",
			"-o",
			worker->seed & 2 ? "delay=write:2ms" : "fsname=kills",
			worker->seed & 1 ? "-f" : "-s",
			worker->branch,
			worker->mountpoint,
			NULL};
	struct fusetrace_error error = {0};
	int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING,
							     .source = FUSETRACE_SOURCE_KERNEL),
				      &worker->monitor, &error);

	if (r == 0)
		r = fusetrace_monitor_start(worker->monitor, &error);
	if (r < 0) {
		fprintf(stderr, "worker: %s\n", error.text);
		return r == -EPERM || r == -EOPNOTSUPP ? EXIT_SKIPPED : EXIT_NOT_SET_UP;
	}
	r = fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv,
						       .mountpoint = worker->mountpoint,
						       .monitor = worker->monitor),
				  &worker->mount, &error);
	if (r < 0) {
		fprintf(stderr, "worker: %s\n", error.text);
		return EXIT_NOT_SET_UP;
	}
	tell("started");
	return 0;
}

static void stop(struct worker *worker)
{
	struct fusetrace_stop stop = {0};
	struct fusetrace_error error = {0};
	int r;

	worker->is_stopping = true;
	tell("stopping");
	r = fusetrace_mount_stop(worker->mount, NULL, &stop, &error);
	if (r < 0)
		fprintf(stderr, "worker: %s\n", error.text);
	tell("stopped %d %u", r, stop.step);
}

/* Until the moment of the seed: 0 to 127 ms. */
static void work(struct worker *worker)
{
	const struct timespec moment = {0, (long)(worker->seed >> 2 & 127) * 1000000};
	pthread_t started[THREADS];
	size_t count = 0;

	while (count < THREADS &&
	       pthread_create(&started[count], NULL, threads[count], worker) == 0)
		count++;
	nanosleep(&moment, NULL);
	stop(worker);
	for (size_t i = 0; i < count; i++)
		pthread_join(started[i], NULL);
}

static int run(struct worker *worker)
{
	struct fusetrace_error error;
	int r = start(worker);

	if (r)
		return r;
	r = fusetrace_mount_wait_ready(worker->mount, MOUNT_NS, &error);
	if (r < 0) {
		error.text[strcspn(error.text, "\n")] = '\0';
		tell("failed %s", error.text);
		stop(worker);
		return 0;
	}
	tell("mounted");
	work(worker);
	return 0;
}

int main(int argc, char **argv)
{
	struct worker worker = {0};
	int r, entry;

	if (argc != 3) {
		fprintf(stderr, "usage: worker DIRECTORY SEED\n");
		return EXIT_NOT_SET_UP;
	}
	worker.seed = (unsigned int)strtoul(argv[2], NULL, 10);
	snprintf(worker.branch, sizeof(worker.branch), "%s/branch", argv[1]);
	snprintf(worker.mountpoint, sizeof(worker.mountpoint), "%s/mnt", argv[1]);
	find_guardian();
	entry = fusetrace_guard_directory(argv[1]);
	if (entry < 0)
		errno = -entry;
	if (entry < 0 || mkdir(worker.branch, 0755) < 0 || mkdir(worker.mountpoint, 0755) < 0) {
		perror("worker");
		return EXIT_NOT_SET_UP;
	}
	r = run(&worker);
	fusetrace_mount_free(worker.mount);
	fusetrace_monitor_free(worker.monitor);
	rmdir(worker.mountpoint);
	return r; /* the guardian has the rest */
}
