/* SPDX-License-Identifier: MIT */
/*
 * Processes that are to end: each held by a pidfd, so that a number that is given out again never
 * means another one.
 */
#ifndef GUARDIAN_PROCESSES_H
#define GUARDIAN_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leftovers.h"

struct process {
	pid_t pid;
	int pidfd; /* -1: it has ended */
	struct leftover *of;
};

struct processes {
	struct process *items;
	size_t count;
	deed_fn *tell; /* of each end; NULL nobody */
	void *data;
};

void processes_done(struct processes *processes);
/*
 * Notes those that belong to leftover: with its mark in their environment, holding its connection
 * (0: none is known), or a mount helper that is at work for it. Those that are known stay as they
 * are.
 */
void processes_note(struct processes *processes, struct leftover *leftover);
/* Waits until all have ended, or that long. Whether all have. */
bool processes_wait(struct processes *processes, int milliseconds);
/* Those of a leftover that is_harmful get SIGKILL instead. */
void processes_signal(struct processes *processes, int number);
bool processes_any(const struct processes *processes, const struct leftover *leftover);
/* Whether one of those of leftover serves the connection. */
bool processes_serve(const struct processes *processes, const struct leftover *leftover,
		     uint32_t connection);

/* When pid was started, in clock ticks since the boot; 0: it has ended. */
uint64_t process_start_ticks(pid_t pid);

#endif
