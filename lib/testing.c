/* SPDX-License-Identifier: MIT */
/* See testing.h. */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/parse.h"
#include "monitor/engine.h"
#include "monitor/monitor.h"
#include "op/json_write.h"
#include "op/opcode.h"
#include "process/mounts.h"
#include "source/source_kernel.h"

#define LINE_MAX_BYTES (64 * 1024)
#define SEED_BY_DEFAULT UINT64_C(0x9e3779b97f4a7c15)

void ft_test_deadline(unsigned int seconds)
{
	alarm(seconds);
}

void ft_test_stop(pid_t child)
{
	siginfo_t stopped;

	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &stopped, WSTOPPED), 0);
}

uint64_t ft_test_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

uint64_t ft_test_below(uint64_t *seed, uint64_t limit)
{
	return (ft_test_random(seed) >> 11) % limit;
}

static uint64_t number_of_environment(const char *name, uint64_t otherwise)
{
	uint64_t number;

	return ft_parse_u64(getenv(name), &number) == 0 && number ? number : otherwise;
}

size_t ft_test_cases(size_t quick)
{
	return number_of_environment("FUSETRACE_TEST_CASES", quick);
}

uint64_t ft_test_seed(void)
{
	uint64_t seed = number_of_environment("FUSETRACE_TEST_SEED", SEED_BY_DEFAULT);

	print_message("# FUSETRACE_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

size_t ft_test_allocated(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static int count_descriptors(void)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	return count;
}

int ft_test_descriptors(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int count = count_descriptors(), before;

	do { /* the engine's thread opens some for a moment */
		before = count;
		nanosleep(&pause, NULL);
		count = count_descriptors();
	} while (count != before);
	return count;
}

/* ---- mounts ---- */

const char *ft_test_why_no_mounts(const char *program)
{
	static struct fusetrace_error reason;

	if (geteuid() != 0)
		return "not root";
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return "no /dev/fuse";
	if (access(program, X_OK) < 0) {
		ft_error(&reason, -ENOENT, "no %s", program);
		return reason.text;
	}
	return ft_kernel_check(&reason) < 0 ? reason.text : NULL;
}

bool ft_test_is_mounted(const char *point)
{
	struct ft_mounts mounts;
	bool result;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	result = ft_mounts_by_point(&mounts, point) != NULL;
	ft_mounts_done(&mounts);
	return result;
}

/* ---- monitors ---- */

struct fusetrace_monitor *ft_test_monitor(uint64_t max_ops)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_REPLAY,
							     .max_ops = max_ops),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	return monitor;
}

static void put_number(struct ft_json_record *record, uint32_t field, uint64_t *to, uint64_t number)
{
	if (!number)
		return;
	*to = number;
	record->event.present |= UINT32_C(1) << field;
}

static void put_result(struct ft_json_record *record, const struct ft_test_op *op)
{
	record->status = op->status  ? op->status
			 : op->error ? FUSETRACE_STATUS_FAILED
				     : FUSETRACE_STATUS_COMPLETED;
	if (record->status == FUSETRACE_STATUS_STARTED ||
	    record->status == FUSETRACE_STATUS_UNKNOWN)
		return;
	record->event.error = op->error;
	record->event.present |= FT_HAS(ERRNO);
	record->duration_ns = op->duration_ns ? op->duration_ns : 1000;
	record->event.present |= FT_HAS(DURATION_NS);
}

void ft_test_feed(struct fusetrace_monitor *monitor, const struct ft_test_op *op)
{
	struct ft_json_record record = {
		.kind = FT_JSON_OP,
		.seq = op->seq,
		.event = {.path = ft_bytes_of(op->path), .path2 = ft_bytes_of(op->path2)},
	};
	struct ft_op_selector selector;
	static _Thread_local char line[LINE_MAX_BYTES];
	size_t length;

	record.event.present |= op->path ? FT_HAS(PATH) : 0;
	record.event.present |= op->path2 ? FT_HAS(PATH2) : 0;
	assert_true(ft_opcode_find(op->op, strlen(op->op), &record.event.opcode));
	assert_true(ft_op_selector_parse(op->op, strlen(op->op), &selector));
	if (selector.valid) {
		record.event.valid = selector.valid;
		record.event.present |= FT_HAS(VALID);
	}
	put_result(&record, op);
	if (!op->has_no_start)
		put_number(&record, FUSETRACE_FIELD_START_NS, &record.start_ns,
			   op->start_ns ? op->start_ns : ft_now_ns());
	put_number(&record, FUSETRACE_FIELD_NODEID, &record.event.nodeid, op->nodeid);
	put_number(&record, FUSETRACE_FIELD_SIZE, &record.event.size, op->size);
	put_number(&record, FUSETRACE_FIELD_UNIQUE, &record.event.unique, op->unique);
	if (op->pid || op->is_of_kernel) {
		record.event.pid = op->pid;
		record.event.present |= FT_HAS(PID);
	}
	record.event.marks = op->marks;
	length = ft_json_write(&record, line, sizeof(line));
	assert_true(length + 2 < sizeof(line));
	strcpy(line + length, "\n");
	ft_test_feed_line(monitor, line);
}

void ft_test_feed_line(struct fusetrace_monitor *monitor, const char *line)
{
	struct fusetrace_error error = {0};

	if (fusetrace_feed(monitor, line, strlen(line), &error) < 0)
		fail_msg("%s: %s", error.text, line);
}

/* A line of /proc/self/task/TID/status as a hexadecimal number. */
static uint64_t read_status(const char *tid, const char *key)
{
	char path[320], line[256];
	unsigned long long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0)
			number = strtoull(line + strlen(key), NULL, 16);
	}
	fclose(file);
	return number;
}

static bool is_named(const char *tid, const char *name)
{
	char path[320], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

uint64_t ft_test_blocked_signals(const char *thread)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	uint64_t blocked = 0;

	assert_non_null(dir);
	while (!blocked && (entry = readdir(dir))) {
		if (is_named(entry->d_name, thread))
			blocked = read_status(entry->d_name, "SigBlk:");
	}
	closedir(dir);
	return blocked;
}

void ft_test_await_waiters(struct fusetrace_monitor *monitor, size_t count)
{
	uint64_t deadline = ft_deadline_ns(20 * FUSETRACE_SECOND);
	size_t waiters;

	do {
		sched_yield();
		ft_engine_lock();
		waiters = monitor->waiters.waiter_count;
		ft_engine_unlock();
	} while (waiters < count && ft_now_ns() < deadline);
	assert_true(waiters >= count);
}
