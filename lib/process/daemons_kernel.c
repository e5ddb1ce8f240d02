/* SPDX-License-Identifier: MIT */
/* See daemons_kernel.h. */
#include "daemons_kernel.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/types.h>

#include "../../bpf/record.h"
#include "base/cleanup.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int iterator_link = -1;

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
	pthread_mutex_unlock(&lock);
}

/* Before all others, as in fuse_descriptor.c: it is taken with locks of others held. */
__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(take_lock, give_lock, give_lock);
}

void ft_daemons_kernel_use(int link_fd)
{
	take_lock();
	iterator_link = link_fd;
	give_lock();
}

/* A descriptor that tells of all holders while it is read. */
static int open_iterator(void)
{
	int fd = -EOPNOTSUPP;

	take_lock();
	if (iterator_link >= 0) {
		fd = bpf_iter_create(iterator_link);
		fd = fd < 0 ? -errno : fd;
	}
	give_lock();
	return fd;
}

struct holders {
	uint32_t connection;
	pid_t *pids;
	int max;
	int count;
	pid_t last;
};

/* A process may hold several descriptors of one connection: they come one after the other. */
static void add_holder(struct holders *holders, const struct ft_holder *holder)
{
	pid_t pid = (pid_t)holder->pid;

	if (holder->connection != holders->connection || pid == holders->last)
		return;
	holders->last = pid;
	if (holders->count < holders->max)
		holders->pids[holders->count] = pid;
	holders->count++;
}

int ft_daemons_kernel_ask(uint32_t connection, pid_t *pids, int max)
{
	struct holders found = {.connection = connection, .pids = pids, .max = max};
	int fd FT_AUTO_CLOSE = open_iterator();
	struct ft_holder some[64];
	ssize_t size;

	if (fd < 0)
		return fd;
	do {
		size = read(fd, some, sizeof(some));
		for (ssize_t i = 0; i < size / (ssize_t)sizeof(some[0]); i++)
			add_holder(&found, &some[i]);
	} while (size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN)));
	return size < 0 ? -errno : found.count;
}
