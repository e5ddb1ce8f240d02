/* SPDX-License-Identifier: MIT */
/* What the parts of the engine share: engine.c, engine_thread.c, engine_members.c. Nobody else has it. */
#ifndef FT_ENGINE_STATE_H
#define FT_ENGINE_STATE_H

#include <pthread.h>

#include "engine.h"
#include "loop.h"
#include "monitor.h"
#include "source/orphans.h"
#include "source/source_kernel.h"

struct ft_engine {
	pthread_mutex_t lock;
	struct ft_list monitors; /* all below: lock */
	struct ft_hash by_connection;
	struct ft_kernel *kernel;
	uint64_t lost_any;
	bool takes_unknown; /* somebody is PENDING */
	size_t log_count;   /* streams of all monitors */
	struct ft_orphans orphans;
	bool is_up;
	bool has_thread;
	bool is_stopping;
	bool is_flooded;  /* a daemon prints faster than it can be read */
	pthread_t thread; /* has_thread */
	bool has_leader;
	uint64_t interval_ns; /* of the timer */
	struct ft_loop loop;  /* has its own rules */
};
extern struct ft_engine ft_engine;

static inline bool ft_engine_is_kernel(const struct fusetrace_monitor *monitor)
{
	return monitor->source == FUSETRACE_SOURCE_KERNEL;
}

/* Whether some monitor has this connection. Lock held, as for the next three. */
bool ft_engine_is_traced(uint32_t connection);
/* Records of unknown connections are kept while a monitor is PENDING. */
void ft_engine_update_take_unknown(void);
/* Takes back what a PENDING monitor had excluded, once nobody is PENDING any more. */
void ft_engine_forget_excluded(struct fusetrace_monitor *monitor);
/* The loop says that this daemon may have ended. */
void ft_engine_on_exit_of(int pidfd);

/* The loop and its timer, and the thread that runs it: for who brings the engine up and down. */
int ft_engine_open_loop(void);
int ft_engine_start_thread(void);
void ft_engine_stop_thread(void);

#endif
