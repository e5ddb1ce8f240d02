/* SPDX-License-Identifier: MIT */
/*
 * What tests of the guardian share: a mount namespace of the test's own, so that nothing that goes wrong
 * stays on the machine, a folder, FUSE mounts, and processes that hold them.
 */
#ifndef GUARDIAN_TESTING_H
#define GUARDIAN_TESTING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "leftovers.h"
#include "processes.h"

#define MARK "FUSETRACE_DAEMON=1-00000000deadbeef"
#define OTHER_MARK "FUSETRACE_DAEMON=1-00000000deadbeef0"

/* Once, at the begin of main(): with a /run of the test's own. */
void ground_begin(void);
/*
 * For cmocka. The folder is new for each test, a filesystem of its own where that can be; it is taken
 * away with what is mounted in it.
 */
int ground_set_up(void **state);
int ground_tear_down(void **state);
/* Emptied and ended by the tear-down. */
extern struct leftovers ground_leftovers;
extern struct processes ground_processes;
/* Why nothing can be mounted here; NULL: it can. Tests that mount call the second one first. */
const char *ground_why_not(void);
void ground_skip_where_impossible(void);
/* folder/name, in one of 64 buffers that take turns; "" is the folder. */
const char *ground_path(const char *name);
const char *ground_directory(const char *name);
void ground_write(const char *path, const char *text);
bool ground_exists(const char *path);

/* ---- mounts ---- */

/* Something else than FUSE, with a file "theirs" in it. */
void ground_cover(const char *path);
bool ground_is_covered(const char *path);
/* Number of mounts on path, of any filesystem. */
int ground_mounts_on(const char *path);

/* A mount that nobody answers for: whoever asks it hangs, as long as fd is open. */
struct stuck {
	int fd;
	uint32_t connection;
	uint64_t mount_id;
};
struct stuck ground_stick(const char *path);
/* The same, held by a process with mark in its environment (NULL: none) and by nobody else. */
pid_t ground_hold(const char *path, const char *mark, struct stuck *ret_stuck);
/* branchfs in the foreground, mounted on path, with or without a mark. */
pid_t ground_branchfs(const char *path, const char *mark);
/* What is known of the mount that is seen on path. */
void ground_learn(struct leftover *leftover, const char *path);

/* ---- processes ---- */

/* A process that only waits, with mark in its environment. Ended by the tear-down. */
pid_t ground_sleep(const char *mark);
/* Likewise a child that the test has made. */
void ground_adopt(pid_t pid);
bool ground_runs(pid_t pid);
void ground_end(pid_t pid);

#endif
