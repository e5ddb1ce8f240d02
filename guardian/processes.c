/* SPDX-License-Identifier: MIT */
/* See processes.h. */
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/daemons.h"

#define NAME_SIZE 32

/* ---- what /proc says ---- */

/* All of it, as a name may hold a newline. */
static bool read_text(pid_t pid, const char *file, char *text, size_t size)
{
	FILE *opened FT_AUTO_FCLOSE = NULL;
	char path[64];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	opened = fopen(path, "re");
	length = opened ? fread(text, 1, size - 1, opened) : 0;
	text[length] = '\0';
	return length > 0;
}

static void read_name(pid_t pid, char *name)
{
	read_text(pid, "comm", name, NAME_SIZE);
	name[strcspn(name, "\n")] = '\0';
}

uint64_t process_start_ticks(pid_t pid)
{
	char line[1024], state;
	const char *after_name;
	uint64_t start;
	long threads;

	if (!read_text(pid, "stat", line, sizeof(line)))
		return 0;
	after_name = strrchr(line, ')'); /* the name may hold anything */
	if (!after_name ||
	    sscanf(after_name,
		   ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d "
		   "%" SCNu64,
		   &state, &threads, &start) != 3)
		return 0;
	/* The first thread may have ended before the others. */
	return (state == 'Z' || state == 'X') && threads <= 1 ? 0 : start;
}

/* A mount helper has more rights than we, so its environment cannot be read. */
static bool helps(pid_t pid, const struct leftover *leftover)
{
	char name[NAME_SIZE];

	read_name(pid, name);
	return (strcmp(name, "fusermount3") == 0 || strcmp(name, "fusermount") == 0) &&
	       ft_daemons_has_argument(pid, leftover->path);
}

static bool belongs(pid_t pid, const struct leftover *leftover)
{
	return (leftover->mark[0] && ft_daemons_has_variable(pid, leftover->mark)) ||
	       (leftover->connection && ft_daemons_serves(pid, leftover->connection)) ||
	       (leftover->path && helps(pid, leftover));
}

/* ---- the list ---- */

static void process_ended(struct processes *processes, struct process *process)
{
	close(process->pidfd);
	process->pidfd = -1;
}

void processes_done(struct processes *processes)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->items[i].pidfd >= 0)
			close(processes->items[i].pidfd);
	}
	free(processes->items);
	*processes = (struct processes){0};
}

static bool is_known(const struct processes *processes, pid_t pid)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->items[i].pid == pid && processes->items[i].pidfd >= 0)
			return true;
	}
	return false;
}

/* Looked at once more when it is held: the number may have become another's meanwhile. */
static void add(struct processes *processes, pid_t pid, struct leftover *leftover)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	struct process *items;

	if (pidfd < 0 || !belongs(pid, leftover))
		return;
	items = realloc(processes->items, (processes->count + 1) * sizeof(*items));
	if (!items)
		return;
	processes->items = items;
	items[processes->count++] = (struct process){pid, ft_steal_fd(&pidfd), leftover};
}

void processes_note(struct processes *processes, struct leftover *leftover)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid =
			isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;

		if (pid > 1 && pid != getpid() && !is_known(processes, pid) &&
		    belongs(pid, leftover))
			add(processes, pid, leftover);
	}
}

/* One poll of those that run. Whether any did; < 0: the time is over. */
static int wait_for_one(struct processes *processes, int milliseconds)
{
	struct pollfd *polled FT_AUTO_FREE = calloc(processes->count + 1, sizeof(*polled));
	bool is_any = false;
	int ready;

	if (!polled)
		return -1;
	for (size_t i = 0; i < processes->count; i++) {
		polled[i] = (struct pollfd){.fd = processes->items[i].pidfd, .events = POLLIN};
		is_any |= polled[i].fd >= 0;
	}
	if (!is_any)
		return 0;
	ready = poll(polled, processes->count, milliseconds);
	if (ready == 0 || (ready < 0 && errno != EINTR))
		return -1;
	for (size_t i = 0; ready > 0 && i < processes->count; i++) {
		if (polled[i].revents)
			process_ended(processes, &processes->items[i]);
	}
	return 1;
}

bool processes_wait(struct processes *processes, int milliseconds)
{
	uint64_t deadline_ns = ft_now_ns() + (uint64_t)milliseconds * 1000000;
	int r;

	do {
		uint64_t now_ns = ft_now_ns();

		r = wait_for_one(processes, now_ns < deadline_ns
						    ? (int)((deadline_ns - now_ns) / 1000000) + 1
						    : 0);
	} while (r > 0);
	return r == 0;
}

void processes_signal(struct processes *processes, int number)
{
	for (size_t i = 0; i < processes->count; i++) {
		struct process *process = &processes->items[i];
		char name[NAME_SIZE];

		if (process->pidfd < 0)
			continue;
		read_name(process->pid, name);
		if (pidfd_send_signal(process->pidfd, process->of->is_harmful ? SIGKILL : number,
				      NULL, 0) < 0) {
			leftover_problem(process->of, "process %d (%s) cannot be ended: %s",
					 (int)process->pid, name, strerror(errno));
			continue;
		}
		if (processes->tell)
			processes->tell(&(struct deed){"ended", process->of->path,
						       (uint32_t)process->pid, name},
					processes->data);
	}
}

bool processes_any(const struct processes *processes, const struct leftover *leftover)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->items[i].of == leftover && processes->items[i].pidfd >= 0)
			return true;
	}
	return false;
}

bool processes_serve(const struct processes *processes, const struct leftover *leftover,
		     uint32_t connection)
{
	for (size_t i = 0; i < processes->count; i++) {
		if (processes->items[i].of == leftover && processes->items[i].pidfd >= 0 &&
		    ft_daemons_serves(processes->items[i].pid, connection))
			return true;
	}
	return false;
}
