/* SPDX-License-Identifier: MIT */
/*
 * What tests of monitors on real mounts share: bindfs on a folder of its own, up to two more that a
 * test makes, and the monitors that the tear-down frees after a failure, too.
 */
#ifndef FT_MONITOR_TESTING_H
#define FT_MONITOR_TESTING_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND)

struct live_mount {
	char base[32]; /* folder of its own, with the other two in it */
	char source[48];
	char point[48];
	pid_t daemon; /* 0: not running */
};
extern struct live_mount live_own, live_other[2];

/* For cmocka. live_own is mounted for each test. */
int live_set_up(void **state);
int live_tear_down(void **state);
#define LIVE_TEST(test) cmocka_unit_test_setup_teardown(test, live_set_up, live_tear_down)
/* For main(): what hangs on a mount when the tests take too long is set free. */
void live_deadline(void);
void live_skip_where_impossible(void);

/* The steps of it, for another mount. live_end_daemon() leaves the folders. */
void live_make_folders(struct live_mount *mount);
void live_start_daemon(struct live_mount *mount);
void live_await_mounted(const char *point);
void live_end_daemon(struct live_mount *mount);
/* The number of its connection, as in /sys/fs/fuse/connections. */
uint32_t live_connection(const char *point);

/* A file on it; valid until the thread's next call. */
char *live_path(const struct live_mount *mount, const char *name);
void live_write_file(const char *path);

/* Started; freed by the tear-down, or by live_free_monitor(), as one that is kept. */
struct fusetrace_monitor *live_start_monitor(const struct fusetrace_monitor_opts *opts);
struct fusetrace_monitor *live_attach(void); /* to live_own */
void live_keep(struct fusetrace_monitor *monitor);
void live_free_monitor(struct fusetrace_monitor *monitor);
/* What went wrong is in the report. */
void live_assert_wait(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
		      const struct fusetrace_match *match);

/* A thread that waits without a timeout. */
struct live_waiting {
	pthread_t thread;
	struct fusetrace_monitor *monitor;
	int result;
	uint64_t ended_ns;
};
void live_start_waiting(struct live_waiting *waiting, struct fusetrace_monitor *monitor);

int live_count_threads(void);

#endif
