/* SPDX-License-Identifier: MIT */
/*
 * See fuse_descriptor.h. A /dev/fuse descriptor tells its connection in /proc/PID/fdinfo/FD
 * ("fuse_connection:", since Linux 6.17).
 *
 * The number of a connection is given out again as soon as it is unmounted, and whoever served it still
 * holds a descriptor of that number until he ends. poll(2) tells them apart: it reports an error for a
 * descriptor whose connection is over (fuse_dev_poll()). For that one needs a copy of it; and who has a
 * copy looks as if he served the connection himself, to all others who look. So a copy is only had under
 * an exclusive lock (flock(2)) of one's own folder in /proc, and what is seen in a process counts only if
 * it is seen under a lock of that one's folder.
 */
#include "fuse_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A lock is held for microseconds. Who holds it longer is none of us, and must not keep us waiting. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_NS 200000

bool ft_fuse_descriptor_is_of(pid_t pid, int fd, uint32_t connection)
{
	char path[64], text[1024];
	unsigned int number;
	const char *line;
	ssize_t length;
	int info FT_AUTO_CLOSE = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 9 || memcmp(text, "/dev/fuse", 9) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	length = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (length < 0)
		return false;
	text[length] = '\0';
	line = strstr(text, "fuse_connection:");
	return line && sscanf(line, "fuse_connection: %u", &number) == 1 && number == connection;
}

/* ---- copies, and who may have one ---- */

/* The locked folder, for unlock(); -1 if it cannot be had, or not soon. */
static int lock(pid_t pid, int operation)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, operation | LOCK_NB) == 0)
			return fd;
		nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A child that was forked meanwhile has the folder, too: closing alone would leave it locked. */
static void unlock(int fd)
{
	if (fd < 0)
		return;
	flock(fd, LOCK_UN);
	close(fd);
}

/* Seen again, while the process has no copy of somebody else's. */
static bool is_of_itself(pid_t pid, int fd, uint32_t connection)
{
	int locked = lock(pid, LOCK_SH);
	bool result = ft_fuse_descriptor_is_of(pid, fd, connection);

	unlock(locked);
	return result;
}

/* A copy in a child that somebody forks meanwhile would keep the connection alive. */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
	pthread_mutex_lock(&fork_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&fork_lock);
}

/*
 * Before all others: what is registered first is called last before a fork, and this lock is taken with
 * those of others held.
 */
__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

/* What cannot be asked counts as connected. */
static bool ask_copy(int pidfd, int fd)
{
	struct pollfd copy = {.fd = pidfd_getfd(pidfd, fd, 0)};
	bool result;

	if (copy.fd < 0)
		return errno != ESRCH && errno != EBADF;
	result = poll(&copy, 1, 0) == 0;
	close(copy.fd);
	return result;
}

static bool is_connected(pid_t pid, int fd)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(pid, 0);
	bool result = true;
	int locked;

	if (pidfd < 0)
		return errno != ESRCH;
	pthread_mutex_lock(&fork_lock);
	locked = lock(getpid(), LOCK_EX);
	if (locked >= 0)
		result = ask_copy(pidfd, fd);
	unlock(locked);
	pthread_mutex_unlock(&fork_lock);
	return result;
}

bool ft_fuse_descriptor_serves(pid_t pid, int fd, uint32_t connection)
{
	return ft_fuse_descriptor_is_of(pid, fd, connection) && is_of_itself(pid, fd, connection) &&
	       is_connected(pid, fd);
}
