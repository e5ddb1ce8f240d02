/* SPDX-License-Identifier: MIT */
/*
 * What several unit tests share: seeded random numbers, monitors that are fed by the test, and
 * waiting for another thread without sleeping. Not part of the library; a failure here fails the
 * cmocka test that called.
 */
#ifndef FT_TESTING_H
#define FT_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

/* Ends the process when the tests take longer: a test that hangs must not hang the run. */
void ft_test_deadline(unsigned int seconds);

/* Stops a child. All its threads have stopped when it returns: until then they may answer a request. */
void ft_test_stop(pid_t child);

/* The next number of a sequence; *seed is any number but 0. */
uint64_t ft_test_random(uint64_t *seed);
/* 0 to limit - 1. */
uint64_t ft_test_below(uint64_t *seed, uint64_t limit);

/*
 * How often a property test repeats itself: quick, or what the environment variable
 * FUSETRACE_TEST_CASES says. The seed likewise, from FUSETRACE_TEST_SEED; it is printed, so that a
 * failure can be had again.
 */
size_t ft_test_cases(size_t quick);
uint64_t ft_test_seed(void);

/* Bytes that the process has allocated, also under a sanitizer. */
size_t ft_test_allocated(void);
/* How many descriptors it has open for longer than a moment, and a few more: for comparison. */
int ft_test_descriptors(void);

/* A started monitor of FUSETRACE_SOURCE_REPLAY. max_ops as in the options. */
struct fusetrace_monitor *ft_test_monitor(uint64_t max_ops);

/* An operation as a recording has it. */
struct ft_test_op {
	const char *op;
	const char *path;
	const char *path2;
	int32_t error; /* and the status follows from it, unless: */
	uint32_t status;
	uint64_t start_ns;    /* 0: now */
	uint64_t duration_ns; /* 0: 1000 */
	uint64_t seq;         /* 0: the history's */
	uint64_t nodeid;
	uint64_t size;
	uint64_t unique; /* joins one that is STARTED with its end */
	uint32_t pid;
	uint32_t marks;
	bool has_no_start;
	bool is_of_kernel; /* its pid is known, and 0 */
};
#define FT_TEST_OP(...) (&(struct ft_test_op){__VA_ARGS__})
void ft_test_feed(struct fusetrace_monitor *monitor, const struct ft_test_op *op);
/* A line as it stands. */
void ft_test_feed_line(struct fusetrace_monitor *monitor, const char *line);

/* Why no filesystem can be mounted with that program and traced here; NULL: it can. */
const char *ft_test_why_no_mounts(const char *program);
bool ft_test_is_mounted(const char *point);

/* Until so many waits of the monitor are registered. */
void ft_test_await_waiters(struct fusetrace_monitor *monitor, size_t count);

/* What the thread of that name blocks, a bit for each signal from the first on; 0: there is no such thread. */
uint64_t ft_test_blocked_signals(const char *thread);

#endif
