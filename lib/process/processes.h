/* SPDX-License-Identifier: MIT */
/*
 * The processes of one daemon: the one that was started, and those that it left in the background.
 * Each is held by its pidfd, so a signal never meets a stranger that got its number. For one thread at
 * a time.
 */
#ifndef FT_PROCESSES_H
#define FT_PROCESSES_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More of them are not looked at. */
#define FT_PROCESSES_MAX 64

struct ft_process {
	pid_t pid;
	int pidfd;
	bool is_serving; /* it was seen to hold the connection */
	bool has_outlived; /* the first one: it is in the background, and not the child of a wrapper */
	bool has_ended;
	bool has_status;
	int status; /* as of waitpid(2) */
};

struct ft_processes {
	struct ft_process
		entries[FT_PROCESSES_MAX]; /* [0] was started; of the others those that run */
	size_t count;
	int epoll_fd;              /* borrowed: has all that run; -1: none */
	size_t seen;               /* how many there have been */
	bool has_served;           /* one was seen to hold the connection */
	struct ft_process serving; /* that ended last, but for the first; pid 0: none */
	struct ft_process other;   /* likewise of those that were not seen to serve, and failed */
};

/* The first one; takes pidfd over. */
void ft_processes_init(struct ft_processes *processes, pid_t pid, int pidfd, int epoll_fd);
/* Closes what is held; how they ended stays known. */
void ft_processes_release(struct ft_processes *processes);

/* A connection by its number and identity; identity 0: none that could be told from a later one. */
struct ft_served {
	uint32_t connection;
	uint64_t identity;
};
/*
 * Adds those that have the mark in their environment, or hold the connection, and reaps those that have
 * ended. Returns how many run.
 */
size_t ft_processes_find(struct ft_processes *processes, const char *mark,
			 const struct ft_served *served);
/* Reaps alone: costs a poll. Returns how many of the known ones run. */
size_t ft_processes_update(struct ft_processes *processes);

/* Likewise of the first one alone; whether it has ended. */
bool ft_processes_update_first(struct ft_processes *processes);
/* Fills descriptors, of which there are FT_PROCESSES_MAX, for poll(2): POLLIN when one ends. */
nfds_t ft_processes_poll_fds(const struct ft_processes *processes, struct pollfd *descriptors);
/* Sends the signal to all that run. */
void ft_processes_signal(const struct ft_processes *processes, int number);
/* Whether one of them is stopped, as by SIGSTOP. */
bool ft_processes_is_stopped(const struct ft_processes *processes);

/* Whether one of them was seen to hold the connection: else it may be held by one that is not seen. */
bool ft_processes_has_served(const struct ft_processes *processes);
/*
 * How the daemon ended: what served in the background, if something did, else the first one. What else
 * it started, such as fusermount3, counts only when there is nothing better. NULL: it is not known.
 */
const struct ft_process *ft_processes_outcome(const struct ft_processes *processes);

#endif
