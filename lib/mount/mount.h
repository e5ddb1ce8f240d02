/* SPDX-License-Identifier: MIT */
/*
 * The life of a daemon from the inside: what mount*.c share. A mount is for one thread at a time, but
 * for what its comment says is protected by the lock.
 */
#ifndef FT_MOUNT_H
#define FT_MOUNT_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

#include "process/command_line.h"
#include "process/mounts.h"
#include "process/processes.h"
#include "process/task.h"

#define FT_MARK_NAME "FUSETRACE_DAEMON"
#define FT_MARK_SIZE 64

/* How far a stop has come: one that was put off by a signal goes on. */
struct ft_stopping {
	bool has_begun;
	bool is_done;
	uint64_t began_ns;       /* of the step */
	bool is_refused;         /* neither rights nor fusermount3 */
	struct ft_task *unmount; /* umount2(2), while it may hang */
	struct fusetrace_stop stop;
};

struct fusetrace_mount {
	/* constant after fusetrace_mount_start() */
	pid_t owner; /* process that made it; a fork of it may only free */
	uint32_t flags;
	uint32_t on_hang;
	char *name;                        /* of the program, fit for a message */
	char mark[FT_MARK_SIZE];           /* "FUSETRACE_DAEMON=123-0f..." */
	struct fusetrace_monitor *monitor; /* the caller's, or NULL */
	struct fusetrace_monitor *reader;  /* ours, of what it prints; or NULL */
	uint64_t began_ns;

	int guarded;                    /* number of the guardian's entry; <= 0: none */
	char *mountpoint;               /* NULL until it is known */
	struct ft_command_line command; /* as it was started */
	struct ft_mounts before;
	uint64_t identity_before; /* of the connection that was on mountpoint before; 0: none */
	int mounts_fd;            /* POLLPRI after each change of the mounts */
	int epoll_fd;             /* of it and of the processes, for event loops */
	bool is_mounted;
	bool is_ready;
	int id; /* of the mount */
	uint32_t connection;
	uint64_t identity;     /* ft_connection_identity() */
	struct ft_task *probe; /* statfs(2), while it is not answered */
	struct ft_stopping stopping;

	pthread_mutex_t lock;
	struct ft_processes processes; /* lock */
	char *stacks;                  /* lock; taken last */
};

/* -ECHILD in a forked child, -EINVAL without a mount; else 0. */
int ft_mount_enter(const struct fusetrace_mount *mount);

/*
 * Sleeps until a process of the daemon ends, the mounts change, one of count further descriptors has
 * what it is asked for, or the deadline passes; does the work of a monitor without a thread meanwhile.
 * 0 something happened, maybe; -ETIMEDOUT, -EINTR (with the flag).
 */
#define FT_MOUNT_MORE_FDS 8
int ft_mount_sleep(struct fusetrace_mount *mount, const struct pollfd *more, nfds_t count,
		   uint64_t deadline_ns);

/* How many of its processes run; is_thorough: also those that nobody has seen yet. */
size_t ft_mount_running(struct fusetrace_mount *mount, bool is_thorough);
/*
 * Whether, though none of its processes runs, one in the background may serve it that we cannot see: of
 * another user, or hidden. Then nobody knows that it is dead.
 */
bool ft_mount_may_be_served(struct fusetrace_mount *mount);

/* Gives the descriptors back; nothing of the daemon runs any more. */
void ft_mount_release(struct fusetrace_mount *mount);

/* The daemon's own mount as it is now; true while it is there. Free place->mountpoint. */
struct ft_place {
	char *mountpoint;
	bool is_covered; /* something else is mounted on it, or on something in it */
};
bool ft_mount_find_own(struct fusetrace_mount *mount, struct ft_place *ret_place);

/* mount_ready.c: whether the mount is there by now, which is remembered. 1, 0 or a negative errno. */
int ft_mount_look(struct fusetrace_mount *mount);

/* "ended with exit code 3", "was killed by signal 9 (SIGKILL)". */
void ft_mount_describe_end(const struct ft_process *process, char *text, size_t size);
/* "branchfs did not mount on /mnt: it " what, with what it printed last. Returns code. */
__attribute__((format(printf, 4, 5))) int ft_mount_fail(struct fusetrace_mount *mount,
							struct fusetrace_error *reterr_error,
							int code, const char *format, ...);

/* ---- mount_unmount.c ---- */

/*
 * Asks the kernel to unmount: 0 gone, -EBUSY, -EINVAL not there, -EPERM neither rights nor fusermount3,
 * -ETIMEDOUT the kernel has not answered by the deadline (it goes on), -EINTR. The mount must be ours
 * and on top.
 */
int ft_mount_try_unmount(struct fusetrace_mount *mount, const char *mountpoint, bool is_lazy,
			 uint64_t deadline_ns);
/* Sleeps while somebody holds the mount, up to the deadline; for pause_ns where no event tells. */
int ft_mount_wait_while_held(struct fusetrace_mount *mount, uint64_t pause_ns,
			     uint64_t deadline_ns);

#endif
