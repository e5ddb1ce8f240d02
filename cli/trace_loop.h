/* SPDX-License-Identifier: MIT */
/*
 * The one loop that everything live runs in: it sleeps until there are events of a mount, signals,
 * room in the output or a deadline, and calls back after each turn. The monitor is one of
 * FUSETRACE_MONITOR_NO_THREAD, so there is a single thread and nothing to lock.
 */
#ifndef CLI_TRACE_LOOP_H
#define CLI_TRACE_LOOP_H

#include <stdint.h>
#include <sys/signalfd.h>

#include <fusetrace/fusetrace.h>

struct output;

struct trace_loop {
	struct fusetrace_monitor *monitor;
	struct output *output; /* written as it takes it; NULL: none */
	int signal_fd;         /* of signals_open() */
	int daemon_fd;         /* of fusetrace_mount_fd(); 0: none */
	uint64_t deadline_ns;  /* a turn is made then at the latest; UINT64_MAX: none */
	/* Called for each signal, SIGCHLD too. */
	void (*on_signal)(const struct signalfd_siginfo *info, void *data);
	/* Called after each turn, and once before the first: not 0 ends the loop. */
	int (*on_turn)(void *data);
	void *data;
};

/* Returns what on_turn returned, or a negative errno if it cannot go on. */
int trace_loop_run(struct trace_loop *loop);

#endif
