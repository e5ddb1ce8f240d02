/* SPDX-License-Identifier: MIT */
/* See daemon_threads.h. */
#include "daemon_threads.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* ---- system calls ---- */

/* Those that daemons hang in; of the others the number is told. */
static const struct {
	long number;
	const char *name;
	bool has_file; /* the first argument is a descriptor */
} calls[] = {
	{SYS_read, "read", true},
	{SYS_write, "write", true},
	{SYS_pread64, "pread", true},
	{SYS_pwrite64, "pwrite", true},
	{SYS_readv, "readv", true},
	{SYS_writev, "writev", true},
	{SYS_preadv, "preadv", true},
	{SYS_pwritev, "pwritev", true},
	{SYS_splice, "splice", true},
	{SYS_copy_file_range, "copy_file_range", true},
	{SYS_sendfile, "sendfile", true},
	{SYS_fsync, "fsync", true},
	{SYS_fdatasync, "fdatasync", true},
	{SYS_close, "close", true},
	{SYS_ioctl, "ioctl", true},
	{SYS_fallocate, "fallocate", true},
	{SYS_getdents64, "getdents", true},
	{SYS_flock, "flock", true},
	{SYS_fcntl, "fcntl", true},
	{SYS_connect, "connect", true},
	{SYS_accept4, "accept", true},
	{SYS_recvfrom, "recvfrom", true},
	{SYS_recvmsg, "recvmsg", true},
	{SYS_sendto, "sendto", true},
	{SYS_sendmsg, "sendmsg", true},
	{SYS_openat, "openat", false},
	{SYS_unlinkat, "unlinkat", false},
	{SYS_renameat2, "renameat2", false},
	{SYS_mkdirat, "mkdirat", false},
	{SYS_ppoll, "ppoll", false},
	{SYS_epoll_pwait, "epoll_wait", false},
	{SYS_pselect6, "select", false},
	{SYS_futex, "futex", false},
	{SYS_nanosleep, "nanosleep", false},
	{SYS_clock_nanosleep, "nanosleep", false},
	{SYS_wait4, "wait4", false},
#ifdef SYS_poll
	{SYS_poll, "poll", false},
	{SYS_epoll_wait, "epoll_wait", false},
	{SYS_select, "select", false},
	{SYS_open, "open", false},
	{SYS_unlink, "unlink", false},
	{SYS_rename, "rename", false},
	{SYS_mkdir, "mkdir", false},
#endif
};

static void read_target(struct ft_daemon_thread *thread, unsigned long descriptor)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/fd/%lu", thread->pid, descriptor);
	length = readlink(path, thread->target, sizeof(thread->target) - 1);
	thread->target[length > 0 ? length : 0] = '\0';
}

/* "17 0x3 0x7f... ...", "running", or "-1 ..." outside of a call. */
static void read_call(struct ft_daemon_thread *thread)
{
	unsigned long argument = 0;
	char text[256];
	long number;

	if (ft_process_file(thread->pid, thread->id, "syscall", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%ld %lx", &number, &argument) < 1 || number < 0)
		return;
	snprintf(thread->call, sizeof(thread->call), "system call %ld", number);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].number != number)
			continue;
		snprintf(thread->call, sizeof(thread->call), "%s", calls[i].name);
		if (calls[i].has_file)
			read_target(thread, argument);
		return;
	}
}

/* ---- one thread ---- */

/* Lines such as "[<0>] ext4_sync_file+0x1a/0x2b0"; only root may read them. */
static void read_stack(struct ft_daemon_thread *thread)
{
	char text[4096], *line, *rest = NULL;

	if (ft_process_file(thread->pid, thread->id, "stack", text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line && thread->frames < FT_STACK_FRAMES;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *name = strchr(line, ']');

		if (name)
			snprintf(thread->stack[thread->frames++], sizeof(thread->stack[0]), "%.*s",
				 (int)strcspn(name + 1 + (name[1] == ' '), "+"),
				 name + 1 + (name[1] == ' '));
	}
}

static void read_wchan(struct ft_daemon_thread *thread)
{
	int length = ft_process_file(thread->pid, thread->id, "wchan", thread->wchan,
				     sizeof(thread->wchan));

	if (length < 0 || strcmp(thread->wchan, "0") == 0)
		thread->wchan[0] = '\0';
}

/* It reads, or waits to read, from /dev/fuse, or its ring of requests. */
static bool waits_for_requests(const struct ft_daemon_thread *thread)
{
	return strncmp(thread->wchan, "fuse_dev_", 9) == 0 ||
	       strncmp(thread->wchan, "fuse_uring_", 11) == 0 ||
	       strncmp(thread->target, "/dev/fuse", 9) == 0;
}

static bool is_stopped(const struct ft_daemon_thread *thread)
{
	return thread->state == 'T' || thread->state == 't';
}

/*
 * What is asleep in the kernel itself or runs tells most. A lock or a sleep may be anything. The first
 * thread of a program with several is seldom the one that works.
 */
static int rank_of(const struct ft_daemon_thread *thread)
{
	int rank;

	if (thread->state == 'D')
		rank = 0;
	else if (thread->state == 'R')
		rank = 2;
	else
		rank = strncmp(thread->wchan, "futex", 5) == 0 ? 6 : 4;
	return rank + (thread->id == thread->pid);
}

static void keep(struct ft_daemon_threads *threads, const struct ft_daemon_thread *thread)
{
	size_t at = threads->count;

	while (at > 0 && threads->shown[at - 1].rank > thread->rank)
		at--;
	if (at == FT_THREADS_SHOWN)
		return;
	if (threads->count < FT_THREADS_SHOWN)
		threads->count++;
	memmove(&threads->shown[at + 1], &threads->shown[at],
		(threads->count - at - 1) * sizeof(threads->shown[0]));
	threads->shown[at] = *thread;
}

static void look_at(struct ft_daemon_threads *threads, pid_t pid, pid_t id)
{
	struct ft_daemon_thread thread = {.pid = pid, .id = id};
	struct ft_process_stat stat;

	if (ft_process_stat(pid, id, &stat) < 0)
		return;
	threads->total++;
	threads->is_readable = true;
	thread.state = stat.state;
	memcpy(thread.name, stat.name, sizeof(thread.name));
	if (is_stopped(&thread)) {
		threads->stopped++;
		return;
	}
	read_wchan(&thread);
	read_call(&thread);
	if (waits_for_requests(&thread)) {
		threads->idle++;
		return;
	}
	threads->hidden += thread.state != 'R' && !thread.wchan[0] && !thread.call[0];
	if (thread.state == 'D')
		read_stack(&thread);
	thread.rank = rank_of(&thread);
	keep(threads, &thread);
}

void ft_daemon_threads_add(struct ft_daemon_threads *threads, pid_t pid)
{
	DIR *dir FT_AUTO_CLOSEDIR = NULL;
	struct dirent *entry;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		threads->error = errno;
	while (dir && threads->total < FT_THREADS_LOOKED_AT && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at(threads, pid, (pid_t)atoi(entry->d_name));
	}
}
