/* SPDX-License-Identifier: MIT */
/*
 * A monitor from the inside: what monitor*.c, engine.c, wait.c and report.c share.
 * Everything in it is protected by the engine lock, unless its comment says otherwise.
 */
#ifndef FT_MONITOR_H
#define FT_MONITOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/hash.h"
#include "base/list.h"
#include "op/summary.h"
#include "process/command_line.h"
#include "process/mounts.h"
#include "source/last_lines.h"
#include "source/listings.h"
#include "source/source_log.h"
#include "source/source_replay.h"
#include "track/history.h"
#include "track/tracker.h"
#include "wait_log.h"
#include "waiters.h"

#define FT_DAEMONS_MAX 8

struct ft_orphans;

/* How a daemon of the mount has ended. */
struct ft_daemon_exit {
	pid_t pid;     /* 0: none has */
	int status;    /* as of waitpid(2) */
	bool is_known; /* whether status is */
};

/* Lines that no format took, kept until the lock is released and the caller can be told. */
struct ft_unparsed {
	fusetrace_unparsed_fn *fn; /* NULL: nobody wants them */
	void *data;
	char *bytes; /* each one is a struct in monitor_feed.c with the line behind it */
	size_t used;
	size_t room;
};
void ft_unparsed_done(struct ft_unparsed *unparsed);

struct fusetrace_monitor {
	struct ft_list of_engine;
	struct ft_hash_node by_connection;

	/* constant after fusetrace_monitor_new() */
	pid_t owner;       /* process that made it; a fork of it may only free */
	bool sees_threads; /* records' threads are numbers that the process knows */
	uint32_t source;
	bool is_auto; /* the source is what the start finds */
	uint32_t flags;
	uint64_t ring_bytes;
	struct ft_history *history; /* has its own rules for readers */
	struct ft_tracker *tracker;

	uint32_t state;   /* FUSETRACE_STATE_ */
	uint32_t end;     /* the state in which it first ended, else 0; a stop does not hide it */
	bool is_attached; /* holds references to engine and kernel source */
	uint32_t connection;
	uint64_t super;    /* kernel's super block, once a record told it; for the resolver */
	uint64_t identity; /* ft_connection_identity() since it is confirmed; 0: not known */
	char *mountpoint;
	struct ft_mounts before;              /* PENDING: the mounts that were there already */
	pid_t followed;                       /* PENDING: whose mount is waited for */
	struct ft_command_line followed_line; /* as it was when it began to be followed */
	bool is_confirmed;                    /* the mount was there when the trace had begun */
	bool has_begun;   /* its INIT was seen or is past: another one is another mount's */
	bool is_replaced; /* such a one was seen */
	pid_t daemons[FT_DAEMONS_MAX];
	bool has_seen_holder; /* one of them was seen to hold the connection */
	int pidfds[FT_DAEMONS_MAX];
	int daemon_count;
	struct ft_daemon_exit exit; /* of the daemon that has ended last */
	int exit_pidfd;             /* its, which may tell more later; -1 */
	uint64_t lost;              /* events, since the start */
	uint64_t lost_before;   /* of the connection, before this monitor began; PENDING: of unknown
				   ones */
	uint64_t last_event_ns; /* of the last event that idle counts; none of an ignored thread */
	uint64_t fed_ns;        /* logs and recordings: when what is being taken was read */
	uint64_t interrupts;    /* calls of fusetrace_interrupt() */
	struct ft_listings listings; /* READDIRPLUS replies that are still coming */
	struct ft_waiters waiters;
	struct ft_wait_log waits; /* has its own lock */
	struct fusetrace_summary totals;
	struct ft_replay replay; /* FUSETRACE_SOURCE_REPLAY */
	struct ft_log *log;      /* FUSETRACE_SOURCE_LOG, what is fed */
	struct ft_unparsed unparsed;
	struct ft_list logs;             /* what the daemon prints, as struct ft_log_stream */
	struct ft_last_lines last_lines; /* whole ones; what has no end yet is in the streams */
	uint64_t gap_end;                /* lines are missing before this place in them; 0: none */
	char *trace_path;                /* for reports, or NULL */
	double timeout_scale;            /* likewise; 0: not told */
};

/* Called by the engine, lock held. */
struct ft_record;
void ft_monitor_on_record(struct fusetrace_monitor *monitor, const struct ft_record *record);
/* A name that the kernel had cached when the trace began; those that are gone come last. */
void ft_monitor_on_cached(struct fusetrace_monitor *monitor, uint64_t directory,
			  struct ft_bytes name, uint64_t nodeid, bool is_gone);
/* A connection that nobody traces has begun: its number is not that of a mount of before. */
void ft_monitor_on_new(struct fusetrace_monitor *monitor, uint32_t connection);
void ft_monitor_on_lost(struct fusetrace_monitor *monitor, uint64_t total);
void ft_monitor_on_mounts(struct fusetrace_monitor *monitor, const struct ft_mounts *mounts);
void ft_monitor_on_exit(struct fusetrace_monitor *monitor, int pidfd);
/* Names pid as a daemon of the mount, once. 0 or a negative errno. */
int ft_monitor_add_daemon(struct fusetrace_monitor *monitor, pid_t pid);
/* Those who hold the connection's /dev/fuse now. */
void ft_monitor_find_daemons(struct fusetrace_monitor *monitor);
/* Processes that were seen to serve the mount: their end counts. Who is known already is passed over. */
void ft_monitor_add_daemons(struct fusetrace_monitor *monitor, const pid_t *pids, int count);
/* As fusetrace_monitor_follow(), of one that was started with argv and may have ended by now. */
int ft_monitor_follow(struct fusetrace_monitor *monitor, pid_t pid, char *const *argv);
/*
 * For one that is PENDING: the mount, of a connection of that identity, is its own, whoever followed made
 * it. Without the lock.
 */
void ft_monitor_take_mount(struct fusetrace_monitor *monitor, const struct ft_mount *mount,
			   uint64_t identity, pid_t followed);
/*
 * Ends in that state: waiters are woken, and what is in flight is given up unless it was unmounted only.
 * Not for an earlier state.
 */
void ft_monitor_end(struct fusetrace_monitor *monitor, uint32_t state);
/*
 * Nobody serves it any more: ends, unless it was unmounted before, once all that the daemon did is taken,
 * and what it has not answered is given up. Lock held.
 */
void ft_monitor_gone(struct fusetrace_monitor *monitor);

/*
 * The daemon's end as far as it is known by now; of one that has only just closed its output it is
 * awaited for a moment. Without the lock.
 */
void ft_monitor_look_for_exit(struct fusetrace_monitor *monitor, struct ft_daemon_exit *ret_exit);

/* Logs: see monitor_log.c. Lock held. */
int ft_monitor_watch_logs(struct fusetrace_monitor *monitor);
void ft_monitor_unwatch_logs(struct fusetrace_monitor *monitor);
/* FUSETRACE_SOURCE_AUTO where the kernel cannot be traced: operations come from the logs. */
int ft_monitor_use_logs(struct fusetrace_monitor *monitor);
/* Lock held. Lines of log that no format takes are for the caller, if he wants them. */
void ft_monitor_list_unparsed(struct fusetrace_monitor *monitor, struct ft_log *log);
/* Without the lock: tells the caller of those that were kept. */
void ft_monitor_tell_unparsed(struct fusetrace_monitor *monitor);
/* The barrier: all that has been printed is taken. true: more comes than can be taken. */
bool ft_monitor_read_logs(struct fusetrace_monitor *monitor);
void ft_monitor_free_logs(struct fusetrace_monitor *monitor);
/* Whether nothing more can be printed that would be read. */
bool ft_monitor_logs_have_ended(const struct fusetrace_monitor *monitor);
/* Whether lines that were printed behind a place of last_lines are not kept. */
bool ft_monitor_has_lost_lines(const struct fusetrace_monitor *monitor, uint64_t place);
/* The last lines and what has no end yet, as ft_last_lines_copy(). */
char *ft_monitor_copy_lines(const struct fusetrace_monitor *monitor, size_t *ret_size);

/* fusetrace_monitor_ignore() with the lock held. */
int ft_monitor_ignore(struct fusetrace_monitor *monitor, pid_t thread, bool is_ignored);

/* -ECHILD in a forked child, -EDEADLK from a check function; else 0. Without the lock. */
int ft_monitor_enter(const struct fusetrace_monitor *monitor);

/* What a wait looks at, taken after a barrier in one go. */
struct ft_monitor_view {
	uint32_t state;
	uint32_t end; /* how it first ended: the cause that a wait tells; 0 if it goes on */
	uint64_t last_seq;
	uint64_t lost;
	uint64_t interrupts;
	uint64_t last_event_ns;
	uint64_t printed; /* the place behind the daemon's last line */
	size_t in_flight; /* that idle counts */
};
void ft_monitor_look(struct fusetrace_monitor *monitor, struct ft_monitor_view *ret_view);
/* Likewise with the lock held. */
void ft_monitor_look_locked(struct fusetrace_monitor *monitor, struct ft_monitor_view *ret_view);

#endif
