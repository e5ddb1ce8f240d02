/* SPDX-License-Identifier: MIT */
/* See daemon_watch.h. */
#include "daemon_watch.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "signals.h"

int daemon_watch_start(struct daemon_watch *watch, char *const argv[])
{
	*watch = (struct daemon_watch){.main.error_fd = -1};
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	watch->has_children = true;
	return child_start(&watch->main, argv, false);
}

void daemon_watch_done(struct daemon_watch *watch)
{
	child_done(&watch->main);
}

static bool is_known(const struct daemon_watch *watch, pid_t pid)
{
	for (int i = 0; i < watch->count; i++) {
		if (watch->pids[i] == pid)
			return true;
	}
	return false;
}

static void learn(struct daemon_watch *watch, struct fusetrace_monitor *monitor)
{
	pid_t pids[DAEMON_PIDS_MAX];
	int count = fusetrace_monitor_daemons(monitor, pids, DAEMON_PIDS_MAX);

	for (int i = 0; i < count && i < DAEMON_PIDS_MAX; i++) {
		if (!is_known(watch, pids[i]) && watch->count < DAEMON_PIDS_MAX)
			watch->pids[watch->count++] = pids[i];
	}
}

static void forget(struct daemon_watch *watch, pid_t pid)
{
	for (int i = 0; i < watch->count; i++) {
		if (watch->pids[i] == pid)
			watch->pids[i--] = watch->pids[--watch->count];
	}
}

void daemon_watch_update(struct daemon_watch *watch, struct fusetrace_monitor *monitor)
{
	int status;
	pid_t pid;

	learn(watch, monitor);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == watch->main.pid) {
			child_ended(&watch->main, status);
		} else if (is_known(watch, pid)) {
			watch->has_background_status = true;
			watch->background_status = status;
		}
		forget(watch, pid);
	}
	watch->has_children = pid == 0;
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
		if (is_our_child(watch->pids[i]))
			return true;
	}
	return false;
}

void daemon_watch_pass_on(const struct daemon_watch *watch, const struct signalfd_siginfo *info)
{
	if (!watch->main.has_ended) {
		signals_pass_on(info, watch->main.pid);
		return;
	}
	for (int i = 0; i < watch->count; i++)
		signals_pass_on(info, watch->pids[i]);
}

void daemon_watch_kill(const struct daemon_watch *watch)
{
	if (!watch->main.has_ended)
		kill(watch->main.pid, SIGKILL);
	for (int i = 0; i < watch->count; i++) {
		if (is_our_child(watch->pids[i]))
			kill(watch->pids[i], SIGKILL);
	}
}

int daemon_watch_exit_code(const struct daemon_watch *watch)
{
	if (watch->has_background_status)
		return child_exit_code(watch->background_status);
	return child_exit_code(watch->main.status);
}
