/* SPDX-License-Identifier: MIT */
/* See processes.h. */
#include "processes.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connection.h"
#include "daemons.h"
#include "exit_status.h"
#include "process_file.h"

static void watch(const struct ft_processes *processes, int pidfd)
{
	struct epoll_event event = {.events = EPOLLIN};

	epoll_ctl(processes->epoll_fd, EPOLL_CTL_ADD, pidfd, &event);
}

void ft_processes_init(struct ft_processes *processes, pid_t pid, int pidfd, int epoll_fd)
{
	*processes = (struct ft_processes){.count = 1, .seen = 1, .epoll_fd = epoll_fd};
	processes->entries[0] = (struct ft_process){.pid = pid, .pidfd = pidfd};
	watch(processes, pidfd);
}

void ft_processes_release(struct ft_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->entries[i].pidfd >= 0)
			close(processes->entries[i].pidfd);
		processes->entries[i].pidfd = -1;
		processes->entries[i].has_ended = true; /* or is nobody's business any more */
	}
	if (processes->count > 1)
		processes->count = 1;
}

/* ---- who belongs to it ---- */

static struct ft_process *known(struct ft_processes *processes, pid_t pid)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->entries[i].pid == pid && !processes->entries[i].has_ended)
			return &processes->entries[i];
	}
	return NULL;
}

/* Whether the connection with that number is ours. */
static bool is_there(const struct ft_served *served)
{
	return served->identity && ft_connection_identity(served->connection) == served->identity;
}

/* As ours is there after the look, it was ours that was seen. */
static bool holds(pid_t pid, const struct ft_served *served)
{
	return is_there(served) && ft_daemons_holds(pid, served->connection) && is_there(served);
}

/* Of somebody who is not known to be ours: a descriptor of that number may be of a connection of before. */
static bool serves(pid_t pid, const struct ft_served *served)
{
	return is_there(served) && ft_daemons_serves(pid, served->connection) && is_there(served);
}

/* Looks again with the pidfd held: the number may have become a stranger's meanwhile. */
static void add(struct ft_processes *processes, pid_t pid, const char *mark,
		const struct ft_served *served)
{
	struct ft_process *process = known(processes, pid);
	bool is_serving, is_ours;
	int pidfd;

	if (process) {
		process->is_serving = process->is_serving || holds(pid, served);
		processes->has_served |= process->is_serving;
		return;
	}
	if (pid == getpid() || processes->count == FT_PROCESSES_MAX)
		return;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return;
	is_ours = ft_daemons_has_variable(pid, mark);
	is_serving = is_ours ? holds(pid, served) : serves(pid, served);
	if (!is_serving && !is_ours) {
		close(pidfd);
		return;
	}
	processes->entries[processes->count++] = (struct ft_process){
		.pid = pid,
		.pidfd = pidfd,
		.is_serving = is_serving,
		.has_outlived = processes->entries[0].has_ended,
	};
	processes->seen++;
	processes->has_served |= is_serving;
	watch(processes, pidfd);
}

size_t ft_processes_find(struct ft_processes *processes, const char *mark,
			 const struct ft_served *served)
{
	pid_t pids[FT_PROCESSES_MAX];
	int count = ft_daemons_with_variable(mark, pids, FT_PROCESSES_MAX);

	for (int i = 0; i < count && i < FT_PROCESSES_MAX; i++)
		add(processes, pids[i], mark, served);
	/* Of one that is gone nobody can be told from those of the next one. */
	count = is_there(served)
			? ft_daemons_of_connection(served->connection, pids, FT_PROCESSES_MAX)
			: 0;
	for (int i = 0; i < count && i < FT_PROCESSES_MAX; i++)
		add(processes, pids[i], mark, served);
	return ft_processes_update(processes);
}

/* ---- their ends ---- */

static bool is_over(const struct ft_process *process)
{
	struct pollfd descriptor = {.fd = process->pidfd, .events = POLLIN};

	return process->has_ended || poll(&descriptor, 1, 0) == 1;
}

/* Once it has ended: how, and reaps it if it is a child of ours. */
static bool update(const struct ft_processes *processes, struct ft_process *process)
{
	siginfo_t info;

	if (process->has_ended || !is_over(process))
		return process->has_ended;
	process->has_ended = true;
	epoll_ctl(processes->epoll_fd, EPOLL_CTL_DEL, process->pidfd, NULL);
	process->has_status = ft_exit_status(process->pid, process->pidfd, &process->status) == 0;
	waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOHANG);
	return true;
}

bool ft_processes_update_first(struct ft_processes *processes)
{
	bool had_ended = processes->entries[0].has_ended;
	bool has_ended = update(processes, &processes->entries[0]);

	for (size_t i = 1; has_ended && !had_ended && i < processes->count; i++)
		processes->entries[i].has_outlived = !is_over(&processes->entries[i]);
	return has_ended;
}

static void forget(struct ft_processes *processes, size_t index)
{
	struct ft_process *process = &processes->entries[index];

	if (process->has_status && process->is_serving && process->has_outlived)
		processes->serving = *process;
	else if (process->has_status && process->status)
		processes->other = *process;
	close(process->pidfd);
	*process = processes->entries[--processes->count];
}

size_t ft_processes_update(struct ft_processes *processes)
{
	size_t running = !ft_processes_update_first(processes);

	for (size_t i = processes->count; i-- > 1;) {
		if (update(processes, &processes->entries[i]))
			forget(processes, i);
		else
			running++;
	}
	return running;
}

bool ft_processes_has_served(const struct ft_processes *processes)
{
	return processes->has_served;
}

const struct ft_process *ft_processes_outcome(const struct ft_processes *processes)
{
	const struct ft_process *first = &processes->entries[0];

	if (processes->serving.pid)
		return &processes->serving;
	if (first->has_status && first->status)
		return first;
	/* One that crashed may have been gone before anybody saw that it serves; helpers do not crash. */
	if (processes->other.pid && (!first->is_serving || WIFSIGNALED(processes->other.status)))
		return &processes->other;
	return first->has_status ? first : NULL;
}

/* ---- all of them at once ---- */

nfds_t ft_processes_poll_fds(const struct ft_processes *processes, struct pollfd *descriptors)
{
	nfds_t count = 0;

	for (size_t i = 0; i < processes->count; i++) {
		if (!processes->entries[i].has_ended)
			descriptors[count++] = (struct pollfd){
				.fd = processes->entries[i].pidfd,
				.events = POLLIN,
			};
	}
	return count;
}

void ft_processes_signal(const struct ft_processes *processes, int number)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (!processes->entries[i].has_ended)
			pidfd_send_signal(processes->entries[i].pidfd, number, NULL, 0);
	}
}

bool ft_processes_is_stopped(const struct ft_processes *processes)
{
	struct ft_process_stat stat;

	for (size_t i = 0; i < processes->count; i++) {
		const struct ft_process *process = &processes->entries[i];

		if (!process->has_ended && ft_process_stat(process->pid, 0, &stat) == 0 &&
		    (stat.state == 'T' || stat.state == 't'))
			return true;
	}
	return false;
}
