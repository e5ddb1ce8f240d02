/* SPDX-License-Identifier: MIT */
/* See daemon_watch.h. */
#include "daemon_watch.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "signals.h"

int daemon_watch_start(struct daemon_watch *watch, char *const argv[],
		       const struct child_opts *opts)
{
	*watch = (struct daemon_watch){.main.error_fd = -1};
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	watch->has_children = true;
	return child_start(&watch->main, argv, opts);
}

void daemon_watch_done(struct daemon_watch *watch)
{
	child_done(&watch->main);
}

static struct daemon_process *find(struct daemon_watch *watch, pid_t pid)
{
	for (int i = 0; i < watch->count; i++) {
		if (watch->processes[i].pid == pid)
			return &watch->processes[i];
	}
	return NULL;
}

static void learn(struct daemon_watch *watch, struct fusetrace_monitor *monitor)
{
	pid_t pids[DAEMON_PIDS_MAX];
	int count = fusetrace_monitor_daemons(monitor, pids, DAEMON_PIDS_MAX);

	for (int i = 0; i < count && i < DAEMON_PIDS_MAX; i++) {
		if (!find(watch, pids[i]) && watch->count < DAEMON_PIDS_MAX)
			watch->processes[watch->count++] = (struct daemon_process){.pid = pids[i]};
	}
}

static void reap(struct daemon_watch *watch, pid_t pid, int status)
{
	struct daemon_process *process = find(watch, pid);

	if (pid == watch->main.pid) {
		child_ended(&watch->main, status);
	} else if (process) {
		watch->has_background_status = true;
		watch->background_status = status;
	} else if (status) {
		watch->stray_status = status;
	}
	if (process)
		*process = watch->processes[--watch->count];
}

/* What was asked of main while it was still there is now asked of what it left behind. */
static void repeat_request(struct daemon_watch *watch)
{
	for (int i = 0; watch->main.has_ended && watch->request && i < watch->count; i++) {
		if (!watch->processes[i].is_asked)
			kill(watch->processes[i].pid, watch->request);
		watch->processes[i].is_asked = true;
	}
}

void daemon_watch_update(struct daemon_watch *watch, struct fusetrace_monitor *monitor)
{
	int status;
	pid_t pid;

	learn(watch, monitor);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reap(watch, pid, status);
	watch->has_children = pid == 0;
	repeat_request(watch);
}

static bool is_our_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

bool daemon_watch_is_running(const struct daemon_watch *watch)
{
	if (!watch->main.has_ended)
		return true;
	for (int i = 0; i < watch->count; i++) {
		if (is_our_child(watch->processes[i].pid))
			return true;
	}
	return false;
}

void daemon_watch_pass_on(struct daemon_watch *watch, const struct signalfd_siginfo *info,
			  bool asks_to_end)
{
	if (asks_to_end)
		watch->request = (int)info->ssi_signo;
	if (!watch->main.has_ended) {
		signals_pass_on(info, watch->main.pid);
		return;
	}
	for (int i = 0; i < watch->count; i++) {
		signals_pass_on(info, watch->processes[i].pid);
		watch->processes[i].is_asked |= asks_to_end;
	}
}

void daemon_watch_kill(const struct daemon_watch *watch)
{
	if (!watch->main.has_ended)
		kill(watch->main.pid, SIGKILL);
	for (int i = 0; i < watch->count; i++) {
		if (is_our_child(watch->processes[i].pid))
			kill(watch->processes[i].pid, SIGKILL);
	}
}

int daemon_watch_status(const struct daemon_watch *watch)
{
	if (watch->has_background_status)
		return watch->background_status;
	return watch->main.status ? watch->main.status : watch->stray_status;
}
