/* SPDX-License-Identifier: MIT */
/*
 * The processes of a filesystem that we started: the one that was started, and what it left in the
 * background, which becomes our child as we are a subreaper. Tells when all of it has ended, and
 * how.
 */
#ifndef CLI_DAEMON_WATCH_H
#define CLI_DAEMON_WATCH_H

#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

#include "child.h"

#define DAEMON_PIDS_MAX 16

struct daemon_process {
	pid_t pid;
	bool is_asked; /* to end, if anybody is */
};

struct daemon_watch {
	struct child main;
	bool has_children;                                /* of any kind */
	struct daemon_process processes[DAEMON_PIDS_MAX]; /* seen to serve the mount */
	int count;
	int request; /* the last signal that asked to end; 0: none */
	bool has_background_status;
	int background_status; /* of the last one of them that ended, but for main */
	int stray_status; /* of another child that failed: it may have crashed before it was seen */
};

/* Makes us the subreaper and starts it. 0 or a negative errno. Free with daemon_watch_done(). */
int daemon_watch_start(struct daemon_watch *watch, char *const argv[],
		       const struct child_opts *opts);
void daemon_watch_done(struct daemon_watch *watch);

/* Learns which processes serve the mount now, and reaps those that have ended. */
void daemon_watch_update(struct daemon_watch *watch, struct fusetrace_monitor *monitor);

/* Whether a process that served the mount, or main, still runs as our child. */
bool daemon_watch_is_running(const struct daemon_watch *watch);

/*
 * Passes the signal on to main or, once it has ended, to what it left behind. One that asks to end
 * is not lost when main goes into the background just then.
 */
void daemon_watch_pass_on(struct daemon_watch *watch, const struct signalfd_siginfo *info,
			  bool asks_to_end);
/* SIGKILL to all of them. */
void daemon_watch_kill(const struct daemon_watch *watch);

/* How the daemon ended, as waitpid(2) has it: what went into the background, if something did. */
int daemon_watch_status(const struct daemon_watch *watch);

#endif
