/* SPDX-License-Identifier: MIT */
/*
 * What the threads of a daemon are doing, from /proc: for the report about a request that it does not
 * answer. Which thread works on which request nobody tells, so those that wait for requests are counted,
 * and of the others the most telling ones are kept.
 */
#ifndef FT_DAEMON_THREADS_H
#define FT_DAEMON_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "process_file.h"

#define FT_THREADS_SHOWN 4
#define FT_THREADS_LOOKED_AT 1024
#define FT_STACK_FRAMES 6

/* All text is as the kernel gives it: names and paths may hold anything. Empty: not known. */
struct ft_daemon_thread {
	pid_t pid; /* of its process */
	pid_t id;
	char state;
	char name[FT_PROCESS_NAME_SIZE];
	char wchan[64];                  /* the kernel function that it sleeps in */
	char call[40];                   /* the system call that it is in: a name or a number */
	char target[256];                /* the file that this is about */
	char stack[FT_STACK_FRAMES][64]; /* innermost first */
	int frames;
	int rank; /* how much it tells, the less the more */
};

struct ft_daemon_threads {
	size_t total;
	size_t idle;                                     /* wait for requests */
	size_t stopped;                                  /* state T or t */
	size_t hidden;                                   /* asleep, and where is not told to us */
	struct ft_daemon_thread shown[FT_THREADS_SHOWN]; /* those at work, the most telling first */
	size_t count;                                    /* of shown */
	bool is_readable; /* false: there is no such process, or /proc does not show it to us */
	int error;        /* then: of who asked for them; ENOENT: gone, or hidden from us */
};

/* Adds the threads of a process; all zeros is none. */
void ft_daemon_threads_add(struct ft_daemon_threads *threads, pid_t pid);

#endif
