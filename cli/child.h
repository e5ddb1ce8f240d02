/* SPDX-License-Identifier: MIT */
/* A program that the command starts: the CMD of an expectation. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int error_fd; /* tells the errno of an exec that failed */
	bool has_ended;
	int status; /* of waitpid(2), once it has ended */
};

/*
 * Starts argv[0], found along PATH, with signals as they were before signals_open(). Does not wait
 * for the exec: a hanging filesystem may keep it. 0 or a negative errno. Free with child_done().
 */
int child_start(struct child *child, char *const argv[]);
/* Gives the descriptor back; a child that still runs goes on. A zeroed one is fine. */
void child_done(struct child *child);

/* Reaps it if it has ended; returns has_ended. */
bool child_poll(struct child *child);
/* waitpid(2) has given its status. */
void child_ended(struct child *child, int status);
/* Once it has ended: the errno for which it could not be started at all, or 0. */
int child_exec_error(const struct child *child);

/* Asks it to end, then makes it end. False if it is still there after about two seconds. */
bool child_stop(struct child *child);

/* The exit code of a status, 128 + N for signal N as in a shell. */
int child_exit_code(int status);

#endif
