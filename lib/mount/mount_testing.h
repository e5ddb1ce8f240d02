/* SPDX-License-Identifier: MIT */
/*
 * What tests of the life of a daemon share: a folder with a branch and a mountpoint, branchfs or a
 * script on it, and the one mount and monitor that the tear-down frees after a failure, too.
 */
#ifndef FT_MOUNT_TESTING_H
#define FT_MOUNT_TESTING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

#define MS UINT64_C(1000000)
#define SOON (20 * FUSETRACE_SECOND)
/* A wait that fails does so at once: within 50 ms, or a little later when both processors are busy. */
#define AT_ONCE (300 * MS)

struct life {
	char base[64];
	char branch[80];
	char point[80];
	struct fusetrace_mount *mounted;
	struct fusetrace_monitor *monitor;
	struct fusetrace_error error;
};
extern struct life life;

/* For cmocka. */
int life_set_up(void **state);
int life_tear_down(void **state);
void life_skip_where_impossible(void);
const char *life_branchfs(void);

void life_make_monitor(void);
void life_start(char *const argv[]);
/* branchfs with an option, or NULL; in the foreground unless is_background. */
void life_start_branchfs(const char *option, bool is_background);
/* A script that finds branchfs as $0, the branch as $1 and the mountpoint as $2. */
void life_start_script(const char *text);
/* branchfs with an option, started and mounted there by the test itself. */
pid_t life_start_beside(const char *option);
void life_be_ready(void);
/* Stops it, with short times for the later steps, and finds nothing left. */
struct fusetrace_stop life_stop_within(uint64_t unmount_ns);
/* It does not become ready, which is noticed long before SOON. */
void life_fail_to_mount(int code, const char *text);
void life_assert_text(const char *text);

void life_write_file(const char *name, const char *text);

#endif
