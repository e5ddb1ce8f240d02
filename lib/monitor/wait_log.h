/* SPDX-License-Identifier: MIT */
/*
 * The last waits of a monitor, so that a trace shows who waited for what beside the operations. A ring of
 * fixed size with a lock of its own: a wait for what has happened already shall stay cheap.
 */
#ifndef FT_WAIT_LOG_H
#define FT_WAIT_LOG_H

#include <pthread.h>

#include <fusetrace/fusetrace.h>

#define FT_WAIT_LOG_SIZE 256

struct ft_wait_entry {
	uint64_t began_ns;
	uint64_t ended_ns;
	uint64_t answer; /* number of the operation that answered last; 0: none */
	pid_t thread;
	const char *verdict; /* static */
	char label[64];      /* empty: none; cut where it is longer, as the next one */
	char waited_for[160];
};

struct ft_wait_log {
	pthread_mutex_t lock;
	struct ft_wait_entry *entries; /* FT_WAIT_LOG_SIZE, once there was a wait; the rest: lock */
	uint64_t count;                /* ever */
};

void ft_wait_log_init(struct ft_wait_log *log);
void ft_wait_log_done(struct ft_wait_log *log);
/* What came of a wait that returns r and whose report, if there was one, has verdict. Static. */
const char *ft_wait_log_verdict(uint32_t verdict, int r);
/* Copies it. Without memory it is not kept. */
void ft_wait_log_add(struct ft_wait_log *log, const struct ft_wait_entry *entry);

#endif
