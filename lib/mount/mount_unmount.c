/* SPDX-License-Identifier: MIT */
/*
 * Unmounting: by the kernel or, for those without rights, by fusermount3; and waiting while somebody
 * holds the mount.
 */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "holders.h"

#define FIRST_PAUSE_NS (FUSETRACE_SECOND / 1000)
#define LAST_PAUSE_NS (FUSETRACE_SECOND / 20)

/* ---- by fusermount3 ---- */

/* 0, or a positive errno as posix_spawn(3). Its own output would be nobody's. */
static int spawn_helper(const char *mountpoint, bool is_lazy, pid_t *ret_pid)
{
	static const char *const names[] = {"fusermount3", "/usr/bin/fusermount3", "fusermount"};
	char *argv[] = {"fusermount3",      "-q", is_lazy ? "-uz" : "-u", "--",
			(char *)mountpoint, NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	for (int fd = 0; r == 0 && fd < 3; fd++)
		r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = ENOENT;
	for (size_t i = 0; r == ENOENT && i < sizeof(names) / sizeof(names[0]); i++)
		r = posix_spawnp(ret_pid, names[i], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int unmount_by_helper(struct fusetrace_mount *mount, const char *mountpoint, bool is_lazy,
			     uint64_t deadline_ns)
{
	struct pollfd helper = {.events = POLLIN};
	int pidfd FT_AUTO_CLOSE = -1;
	siginfo_t info = {.si_status = -1};
	pid_t pid;
	int r = 0;

	if (spawn_helper(mountpoint, is_lazy, &pid))
		return -EPERM;
	pidfd = pidfd_open(pid, 0);
	helper.fd = pidfd;
	while (r == 0 && poll(&helper, 1, 0) == 0)
		r = ft_mount_sleep(mount, &helper, 1, deadline_ns);
	if (r < 0)
		kill(pid, SIGKILL); /* it is the caller's child until it is reaped */
	waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | (r < 0 ? WNOHANG : 0));
	if (r < 0)
		return r;
	return info.si_status == 0 ? 0 : -EBUSY;
}

/* ---- by the kernel ---- */

static int call_umount(const char *path, int flags)
{
	return umount2(path, flags) < 0 ? -errno : 0;
}

int ft_mount_try_unmount(struct fusetrace_mount *mount, const char *mountpoint, bool is_lazy,
			 uint64_t deadline_ns)
{
	struct ft_task **task = &mount->stopping.unmount;
	struct pollfd descriptor;
	int result = 0;
	int r = 0;

	/* One that has hung before is the kernel's still, and must come to its end first. */
	if (!*task)
		r = ft_task_start(call_umount, mountpoint,
				  UMOUNT_NOFOLLOW | (is_lazy ? MNT_DETACH : 0), NULL, task);
	while (r == 0 && !ft_task_is_done(*task, &result)) {
		descriptor = (struct pollfd){.fd = ft_task_fd(*task), .events = POLLIN};
		r = ft_mount_sleep(mount, &descriptor, 1, deadline_ns);
	}
	if (r < 0)
		return r;
	*task = ft_task_free(*task);
	return result == -EPERM ? unmount_by_helper(mount, mountpoint, is_lazy, deadline_ns)
				: result;
}

/* ---- who holds it ---- */

int fusetrace_mount_holders(struct fusetrace_mount *mount, fusetrace_holder_fn *fn, void *data)
{
	struct ft_place place;
	struct ft_held held;
	int r = ft_mount_enter(mount);

	if (r < 0 || !fn)
		return r < 0 ? r : -EINVAL;
	if (!ft_mount_find_own(mount, &place))
		return 0;
	held = (struct ft_held){place.mountpoint, mount->id, mount->connection};
	r = ft_holders_each(&held, fn, data);
	free(place.mountpoint);
	return r;
}

/* Descriptors that tell when one of the holders has gone. */
struct ends {
	struct pollfd fds[FT_MOUNT_MORE_FDS];
	nfds_t count;
	pid_t last; /* a process may hold several things */
};

static int add_end(const struct fusetrace_holder *holder, void *data)
{
	struct ends *ends = data;
	int pidfd;

	if (holder->pid <= 0 || holder->pid == getpid() || holder->pid == ends->last ||
	    ends->count == FT_MOUNT_MORE_FDS - 1)
		return 0;
	ends->last = holder->pid;
	pidfd = pidfd_open(holder->pid, 0);
	if (pidfd >= 0)
		ends->fds[ends->count++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
	return 0;
}

/* What is closed is told by the trace, if there is one. */
static struct fusetrace_expect *expect_release(struct fusetrace_mount *mount)
{
	struct fusetrace_expect *expect = NULL;
	const struct fusetrace_match *match =
		FUSETRACE_MATCH(.op = "release,releasedir", .flags = FUSETRACE_MATCH_ALLOW_FAILURE);

	if (!mount->monitor || fusetrace_monitor_state(mount->monitor) != FUSETRACE_STATE_MOUNTED)
		return NULL;
	return fusetrace_expect_new(mount->monitor, NULL, &match, 1, FUSETRACE_ORDER_ANY, &expect,
				    NULL) < 0
		       ? NULL
		       : expect;
}

int ft_mount_wait_while_held(struct fusetrace_mount *mount, uint64_t pause_ns, uint64_t deadline_ns)
{
	struct fusetrace_expect *expect = expect_release(mount);
	uint64_t until_ns = ft_deadline_ns(pause_ns);
	struct ends ends = {.count = 0};
	nfds_t processes;
	int r;

	fusetrace_mount_holders(mount, add_end, &ends);
	processes = ends.count;
	if (expect)
		ends.fds[ends.count++] = (struct pollfd){
			.fd = fusetrace_expect_fd(expect),
			.events = POLLIN,
		};
	r = ft_mount_sleep(mount, ends.fds, ends.count,
			   until_ns < deadline_ns ? until_ns : deadline_ns);
	for (nfds_t i = 0; i < processes; i++)
		close(ends.fds[i].fd);
	fusetrace_expect_free(expect);
	return r == -ETIMEDOUT ? 0 : r;
}

/* ---- until nobody does ---- */

/*
 * The kernel's own word, by a first umount2(MNT_EXPIRE), which unmounts nothing: EAGAIN when nobody
 * holds it. The mark that this leaves goes with the next use, such as that of an O_PATH descriptor;
 * one of before is taken off in the same way, as a second call would unmount.
 */
static int ask_kernel(const char *mountpoint)
{
	int fd = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	close(fd);
	r = umount2(mountpoint, MNT_EXPIRE | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
	fd = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return r;
}

static int count_holder(const struct fusetrace_holder *holder, void *data)
{
	(void)holder;
	++*(int *)data;
	return 0;
}

static bool is_held(struct fusetrace_mount *mount, const struct ft_place *place)
{
	int count = 0;
	int r = place->is_covered ? -EBUSY : ask_kernel(place->mountpoint);

	if (r == -EBUSY || r == -EAGAIN)
		return r == -EBUSY;
	fusetrace_mount_holders(mount, count_holder, &count);
	return count > 0;
}

struct naming {
	char text[320];
	size_t length;
	int count;
};

static int name_holder(const struct fusetrace_holder *holder, void *data)
{
	struct naming *naming = data;
	char path[120], who[48] = "";
	size_t left = sizeof(naming->text) - naming->length;
	int length;

	ft_text_escape((struct ft_bytes){holder->path, strlen(holder->path)}, path, sizeof(path));
	if (holder->pid)
		snprintf(who, sizeof(who), "%s (pid %d): ", holder->comm, holder->pid);
	length = snprintf(naming->text + naming->length, left, "%s%s%s %s",
			  naming->count++ ? "; " : "", who, holder->what, path);
	if (length < 0 || (size_t)length >= left) {
		naming->text[naming->length] = '\0';
		return 1; /* no more room */
	}
	naming->length += (size_t)length;
	return 0;
}

static int fail_held(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error)
{
	struct naming naming = {.length = 0};

	fusetrace_mount_holders(mount, name_holder, &naming);
	return ft_error(reterr_error, -ETIMEDOUT, "%s is in use: %s", mount->mountpoint,
			naming.length ? naming.text : "by whom could not be seen");
}

int fusetrace_mount_wait_unmountable(struct fusetrace_mount *mount, uint64_t timeout_ns,
				     struct fusetrace_error *reterr_error)
{
	uint64_t deadline_ns = ft_deadline_ns(timeout_ns);
	uint64_t pause_ns = FIRST_PAUSE_NS;
	int r = ft_mount_enter(mount);

	while (r == 0) {
		bool is_last = ft_now_ns() >= deadline_ns;
		struct ft_place place;
		bool held;

		if (!ft_mount_find_own(mount, &place))
			return ft_error(reterr_error, -EPIPE, "it is not mounted");
		held = is_held(mount, &place);
		free(place.mountpoint);
		if (!held)
			return 0;
		if (is_last)
			return fail_held(mount, reterr_error);
		r = ft_mount_wait_while_held(mount, pause_ns, deadline_ns);
		pause_ns = pause_ns * 2 < LAST_PAUSE_NS ? pause_ns * 2 : LAST_PAUSE_NS;
	}
	return r;
}
