/* SPDX-License-Identifier: MIT */
/*
 * The filesystem of the demonstration: branchfs on a temporary folder, with operations that are
 * late on purpose, under trace. Whatever happens, nothing of it is left behind.
 */
#ifndef CLI_DEMO_MOUNT_H
#define CLI_DEMO_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include <fusetrace/fusetrace.h>

struct demo_mount {
	char folder[256];
	char branch[300];
	char mountpoint[300];
	struct fusetrace_monitor *monitor;
	struct fusetrace_mount *mount;
	int guarded; /* the guardian's entry of the folder */
};

/*
 * Mounts it with these options of branchfs. 0 or, having told why, the exit code. Signals that ask
 * to end, and too long a time, kill the daemon, so that nothing hangs. Free with demo_mount_done(),
 * also after a failure.
 */
int demo_mount_start(struct demo_mount *mount, const char *options);
void demo_mount_done(struct demo_mount *mount);

/* Whether such a signal came, or the time is over. */
bool demo_is_interrupted(void);

/* The path of a file on the mount; in a buffer of the caller. */
const char *demo_path(const struct demo_mount *mount, const char *name, char *path, size_t size);

#endif
