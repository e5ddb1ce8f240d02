/* SPDX-License-Identifier: MIT */
/* See signals.h. One set at a time: the state of a process' signals is one, too. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static sigset_t mask_before;
static struct sigaction pipe_before;

void signals_init(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, &pipe_before);
	sigprocmask(SIG_SETMASK, NULL, &mask_before);
}

static bool is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_open(bool with_others)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t wanted;
	int fd;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGCHLD);
	if (!is_ignored(SIGHUP))
		sigaddset(&wanted, SIGHUP);
	if (with_others) {
		sigaddset(&wanted, SIGQUIT);
		sigaddset(&wanted, SIGUSR1);
		sigaddset(&wanted, SIGUSR2);
	}
	fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	sigaction(SIGCHLD, &by_default, NULL); /* ignored, children could not be waited for */
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	return fd;
}

void signals_close(int signal_fd)
{
	if (signal_fd < 0)
		return;
	close(signal_fd);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void signals_end(int signal_fd)
{
	close(signal_fd);
}

void signals_before(sigset_t *ret_mask, sigset_t *ret_default)
{
	*ret_mask = mask_before;
	sigemptyset(ret_default);
	if (pipe_before.sa_handler == SIG_DFL)
		sigaddset(ret_default, SIGPIPE);
}

void signals_restore(void)
{
	sigaction(SIGPIPE, &pipe_before, NULL);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

bool signals_next(int signal_fd, struct signalfd_siginfo *ret_info)
{
	return read(signal_fd, ret_info, sizeof(*ret_info)) == (ssize_t)sizeof(*ret_info);
}

void signals_pass_on(const struct signalfd_siginfo *info, pid_t pid)
{
	if (info->ssi_code == SI_KERNEL && getpgid(pid) == getpgrp())
		return;
	kill(pid, (int)info->ssi_signo);
}
