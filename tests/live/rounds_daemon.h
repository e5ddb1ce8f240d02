/* SPDX-License-Identifier: MIT */
/*
 * The filesystem of rounds.c: one file for each thread of the test, in memory, whose RELEASE takes
 * a random time. What it has answered stands in memory that it shares with the test, so that the
 * test knows the truth from another source than the trace.
 */
#ifndef ROUNDS_DAEMON_H
#define ROUNDS_DAEMON_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define ROUNDS_FILES_MAX 64

/* Shared by the test and the daemon. */
struct rounds_truth {
	/* How often the file was created, and how often released; counted before the reply. */
	_Atomic uint64_t created[ROUNDS_FILES_MAX];
	_Atomic uint64_t released[ROUNDS_FILES_MAX];
	sem_t may_mount; /* posted by the test */
};

/* The fh of a file when it is created for the count-th time, from 1. */
uint64_t rounds_handle(unsigned int file, uint64_t count);

/*
 * Starts the daemon in a process of its own, which mounts when truth->may_mount is posted: file
 * number N is "/fN". It ends when it is unmounted, gets SIGTERM or this process ends, and then
 * unmounts and removes mountpoint in any case. To be called before this process has threads.
 * Returns its pid or a negative errno.
 */
pid_t rounds_daemon_start(const char *mountpoint, struct rounds_truth *truth, unsigned int seed);

#endif
