/* SPDX-License-Identifier: MIT */
/*
 * See mount_spawn.h. posix_spawn(3) and not fork(2): nothing of ours runs in the child, so no lock that
 * another thread holds matters, and a large process is not copied.
 */
#include "mount_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "guardian.h"

#define FIRST_FD 3 /* behind the standard ones */

/* ---- what it prints ---- */

/* Of the mount, when there is no monitor: it keeps the last lines and makes nothing of them. */
static int make_reader(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error)
{
	if (mount->monitor || mount->reader)
		return 0;
	return fusetrace_monitor_new(
		FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG, .max_ops = 1),
		&mount->reader, reterr_error);
}

/* A pipe whose other end is read from now on. */
static int make_output(struct fusetrace_mount *mount, int *ret_fd,
		       struct fusetrace_error *reterr_error)
{
	int fds[2];
	int r = make_reader(mount, reterr_error);

	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return ft_error(reterr_error, -errno, "cannot make a pipe: %s",
				fusetrace_strerror(-errno));
	*ret_fd = fds[1];
	return fusetrace_monitor_add_log_fd(mount->monitor ? mount->monitor : mount->reader, fds[0],
					    reterr_error);
}

/* ---- descriptors ---- */

struct standard_fds {
	int fds[FIRST_FD]; /* copies behind the standard ones; -1: inherited */
};

static void close_fds(struct standard_fds *standard)
{
	for (int i = 0; i < FIRST_FD; i++) {
		if (standard->fds[i] >= 0)
			close(standard->fds[i]);
	}
}

/* A copy that no dup2(2) of another one overwrites. */
static int copy_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);

	return copy < 0 ? -errno : copy;
}

static int open_fd(struct fusetrace_mount *mount, int number, int wanted,
		   struct fusetrace_error *reterr_error)
{
	int fd FT_AUTO_CLOSE = -1;
	int r = 0;

	if (wanted <= 0 && number == STDIN_FILENO)
		r = fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else if (wanted <= 0)
		r = make_output(mount, &fd, reterr_error);
	if (r < 0 && fd < 0 && number != STDIN_FILENO)
		return r;
	if (r >= 0)
		r = copy_fd(wanted > 0 ? wanted : fd);
	if (r < 0)
		return ft_error(reterr_error, r, "descriptor %d of the daemon: %s", number,
				fusetrace_strerror(r));
	return r;
}

static int open_fds(struct fusetrace_mount *mount, const struct fusetrace_mount_opts *opts,
		    struct standard_fds *standard, struct fusetrace_error *reterr_error)
{
	const int wanted[FIRST_FD] = {opts->stdin_fd, opts->stdout_fd, opts->stderr_fd};

	for (int i = 0; i < FIRST_FD; i++) {
		if (wanted[i] == FUSETRACE_FD_INHERIT)
			continue;
		standard->fds[i] = open_fd(mount, i, wanted[i], reterr_error);
		if (standard->fds[i] < 0)
			return standard->fds[i];
	}
	return mount->reader ? fusetrace_monitor_start(mount->reader, reterr_error) : 0;
}

/* ---- environment ---- */

/* The caller's with our mark. Free with free(); the strings are borrowed. */
static char **make_environment(const struct fusetrace_mount *mount, char *const *given)
{
	size_t count = 0, kept = 0;
	char **made;

	while (given[count])
		count++;
	made = calloc(count + 2, sizeof(*made));
	for (size_t i = 0; made && i < count; i++) {
		if (strncmp(given[i], FT_MARK_NAME "=", strlen(FT_MARK_NAME "=")) != 0)
			made[kept++] = given[i];
	}
	if (made)
		made[kept] = (char *)mount->mark;
	return made;
}

/* ---- the start ---- */

static int set_attributes(posix_spawnattr_t *attributes, const struct fusetrace_mount_opts *opts)
{
	short flags = POSIX_SPAWN_SETSIGDEF;
	sigset_t by_default;

	sigemptyset(&by_default);
	sigaddset(&by_default,
		  SIGPIPE); /* programs that ignore it are few, hosts that do are many */
	posix_spawnattr_setsigdefault(attributes,
				      opts->default_signals ? opts->default_signals : &by_default);
	if (opts->signal_mask) {
		flags |= POSIX_SPAWN_SETSIGMASK;
		posix_spawnattr_setsigmask(attributes, opts->signal_mask);
	}
	if (opts->flags & FUSETRACE_MOUNT_NEW_SESSION)
		flags |= POSIX_SPAWN_SETSID;
	return -posix_spawnattr_setflags(attributes, flags);
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct standard_fds *standard,
		       const struct fusetrace_mount_opts *opts)
{
	int r = 0;

	for (int i = 0; r == 0 && i < FIRST_FD; i++) {
		if (standard->fds[i] >= 0)
			r = posix_spawn_file_actions_adddup2(actions, standard->fds[i], i);
	}
	if (r == 0 && !(opts->flags & FUSETRACE_MOUNT_KEEP_FDS))
		r = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FD);
	return -r;
}

static int spawn(const struct fusetrace_mount_opts *opts, const struct standard_fds *standard,
		 char *const *environment, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = set_attributes(&attributes, opts);
		if (r == 0)
			r = set_actions(&actions, standard, opts);
		if (r == 0)
			r = -posix_spawnp(ret_pid, opts->argv[0], &actions, &attributes, opts->argv,
					  environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* Without its pidfd it could only be ended by a number. */
static int hold(struct fusetrace_mount *mount, pid_t pid, struct fusetrace_error *reterr_error)
{
	int pidfd = pidfd_open(pid, 0);
	int r = -errno;

	if (pidfd >= 0) {
		ft_processes_init(&mount->processes, pid, pidfd, mount->epoll_fd);
		return 0;
	}
	if (r != -ESRCH) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return ft_error(reterr_error, r, "%s cannot be held: %s", mount->name,
			fusetrace_strerror(r));
}

int ft_mount_spawn(struct fusetrace_mount *mount, const struct fusetrace_mount_opts *opts,
		   struct fusetrace_error *reterr_error)
{
	struct standard_fds standard = {{-1, -1, -1}};
	char **environment FT_AUTO_FREE =
		make_environment(mount, opts->envp ? opts->envp : environ);
	pid_t pid = 0;
	int r;

	if (!environment)
		return ft_error(reterr_error, -ENOMEM, "out of memory");
	r = open_fds(mount, opts, &standard, reterr_error);
	if (r == 0) {
		if (mount->mountpoint)
			mount->guarded = ft_guardian_expect(mount->mountpoint, mount->mark);
		mount->began_ns = ft_now_ns();
		r = spawn(opts, &standard, environment, &pid);
		if (r < 0)
			ft_error(reterr_error, r, "%s cannot be started: %s", mount->name,
				 fusetrace_strerror(r));
	}
	close_fds(&standard);
	return r < 0 ? r : hold(mount, pid, reterr_error);
}
