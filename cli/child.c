/* SPDX-License-Identifier: MIT */
/* See child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command.h"
#include "signals.h"

#define PATIENCE_MS 1000

static _Noreturn void become(char *const argv[], int error_fd)
{
	int error;

	signals_restore();
	execvp(argv[0], argv);
	error = errno;
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(EXIT_SETUP);
	_exit(EXIT_SETUP);
}

int child_start(struct child *child, char *const argv[])
{
	int pipe_fds[2];

	*child = (struct child){.error_fd = -1};
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid == 0)
		become(argv, pipe_fds[1]);
	close(pipe_fds[1]);
	if (child->pid < 0) {
		int error = -errno;

		close(pipe_fds[0]);
		return error;
	}
	child->error_fd = pipe_fds[0];
	return 0;
}

void child_done(struct child *child)
{
	if (child->pid > 0 && child->error_fd >= 0)
		close(child->error_fd);
	*child = (struct child){.error_fd = -1};
}

bool child_poll(struct child *child)
{
	int status;

	if (!child->has_ended && waitpid(child->pid, &status, WNOHANG) == child->pid)
		child_ended(child, status);
	return child->has_ended;
}

void child_ended(struct child *child, int status)
{
	child->has_ended = true;
	child->status = status;
}

int child_exec_error(const struct child *child)
{
	int error;

	if (read(child->error_fd, &error, sizeof(error)) != (ssize_t)sizeof(error))
		return 0;
	return error;
}

bool child_stop(struct child *child)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	int pidfd FT_AUTO_CLOSE = -1;

	if (child->pid <= 0 || child_poll(child))
		return true;
	pidfd = pidfd_open(child->pid, 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct pollfd descriptor = {.fd = pidfd, .events = POLLIN};

		kill(child->pid, signals[i]);
		poll(&descriptor, 1, PATIENCE_MS);
		if (child_poll(child))
			return true;
	}
	return false;
}

int child_exit_code(int status)
{
	if (WIFSIGNALED(status))
		return EXIT_BY_SIGNAL + WTERMSIG(status);
	return WEXITSTATUS(status);
}
