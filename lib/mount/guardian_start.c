/* SPDX-License-Identifier: MIT */
/* See guardian_start.h: descriptors, signals and environment of the program. */
#include "guardian_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guardian_message.h"

/* What it needs: no more, as others look for their own processes by variables. */
static char **make_environment(void)
{
	static const char *const names[] = {"PATH=", "XDG_RUNTIME_DIR=", "LD_LIBRARY_PATH="};
	size_t count = sizeof(names) / sizeof(names[0]), found = 0;
	char **variables = calloc(count + 1, sizeof(*variables));

	for (char **at = environ; variables && at && *at && found < count; at++) {
		for (size_t i = 0; i < count; i++) {
			if (strncmp(*at, names[i], strlen(names[i])) == 0)
				variables[found++] = *at;
		}
	}
	return variables;
}

/* Signals stay blocked until it has chosen what to do about them. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all;
	int r = posix_spawnattr_init(attributes);

	if (r != 0)
		return -r;
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &all);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSID);
	return 0;
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int socket, int pidfd)
{
	int r = posix_spawn_file_actions_init(actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
	for (int fd = 1; r == 0 && fd < 3; fd++)
		r = posix_spawn_file_actions_adddup2(actions, 0, fd);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, socket, FT_GUARDIAN_SOCKET);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, pidfd, FT_GUARDIAN_OWNER);
	if (r != 0)
		posix_spawn_file_actions_destroy(actions);
	return -r;
}

static int spawn(const char *program, int socket, int pidfd)
{
	char owner[16];
	char *argv[] = {(char *)"fusetrace-guardian", owner, NULL};
	char **variables FT_AUTO_FREE = make_environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid;
	int r = variables ? set_attributes(&attributes) : -ENOMEM;

	if (r < 0)
		return r;
	snprintf(owner, sizeof(owner), "%d", (int)getpid());
	r = set_descriptors(&actions, socket, pidfd);
	if (r == 0) {
		r = -posix_spawn(&pid, program, &actions, &attributes, argv, variables);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	/* It forks at once, so that it is nobody's child. ECHILD: SIGCHLD is ignored here. */
	while (r == 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

/* Above those that the guardian gets, so that the one does not take the other's place. */
static int move_up(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, FT_GUARDIAN_OWNER + 1);

	if (moved < 0)
		return -errno;
	close(*fd);
	*fd = moved;
	return 0;
}

int ft_guardian_start(const char *program, int *ret_socket)
{
	int ours FT_AUTO_CLOSE = -1, its FT_AUTO_CLOSE = -1;
	int pidfd FT_AUTO_CLOSE = pidfd_open(getpid(), 0);
	int ends[2], r;

	if (pidfd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	its = ends[1];
	r = move_up(&its);
	if (r == 0)
		r = move_up(&pidfd);
	if (r == 0)
		r = spawn(program, its, pidfd);
	if (r < 0)
		return r;
	*ret_socket = ft_steal_fd(&ours);
	return 0;
}
