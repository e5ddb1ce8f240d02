/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of loop.h. The ring is watched edge-triggered: a record that did not ask for a
 * wake-up must not give one, though it makes the ring readable.
 */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000u

/* What an epoll event is about; pidfds come as their own number, which is never negative. */
#define ABOUT_RING (-1)
#define ABOUT_TIMER (-2)
#define ABOUT_MOUNTS (-3)
#define ABOUT_WAKE (-4)
#define ABOUT_LOG (-5)

static int watch(int epoll_fd, int fd, uint32_t events, int about)
{
	struct epoll_event event = {.events = events, .data.u64 = (uint64_t)(int64_t)about};

	if (epoll_fd < 0 || fd < 0)
		return -errno;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int ft_loop_open(struct ft_loop *loop)
{
	int r;

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r = watch(loop->epoll_fd, loop->timer_fd, EPOLLIN, ABOUT_TIMER);
	if (r < 0)
		return r;
	loop->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	/*
	 * A caller that polls our epoll descriptor takes EPOLLPRI away before we see it. EPOLLIN is
	 * always there, so that each edge, which is a change of the mounts, arrives.
	 */
	r = watch(loop->epoll_fd, loop->mounts_fd, EPOLLIN | EPOLLPRI | EPOLLET, ABOUT_MOUNTS);
	if (r < 0)
		return r;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = watch(loop->epoll_fd, loop->wake_fd, EPOLLIN | EPOLLET, ABOUT_WAKE);
	if (r < 0)
		return r;
	loop->leader_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->leader_fd < 0 ? -errno : 0;
}

int ft_loop_add_ring(struct ft_loop *loop, int ring_fd)
{
	int r = watch(loop->leader_fd, ring_fd, EPOLLIN | EPOLLET, ABOUT_RING);

	if (r == 0)
		r = watch(loop->epoll_fd, ring_fd, EPOLLIN | EPOLLET, ABOUT_RING);
	if (r == 0)
		loop->ring_fd = ring_fd;
	return r;
}

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ft_loop_close(struct ft_loop *loop)
{
	close_descriptor(&loop->timer_fd);
	close_descriptor(&loop->mounts_fd);
	close_descriptor(&loop->wake_fd);
	close_descriptor(&loop->leader_fd);
	close_descriptor(&loop->epoll_fd);
	loop->ring_fd = -1;
}

static void take_event(int64_t about, struct ft_loop_events *events)
{
	if (about == ABOUT_TIMER)
		events->timer = true;
	else if (about == ABOUT_MOUNTS)
		events->mounts = true;
	else if (about >= 0)
		events->pidfds[events->pidfd_count++] = (int)about;
}

int ft_loop_wait(const struct ft_loop *loop, int timeout_ms, struct ft_loop_events *ret_events)
{
	struct epoll_event events[FT_LOOP_EVENTS_MAX];
	int count = epoll_wait(loop->epoll_fd, events, FT_LOOP_EVENTS_MAX, timeout_ms);

	*ret_events = (struct ft_loop_events){0};
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		take_event((int64_t)events[i].data.u64, ret_events);
	return 0;
}

void ft_loop_wake(const struct ft_loop *loop)
{
	eventfd_write(loop->wake_fd, 1);
}

int ft_loop_set_timer(const struct ft_loop *loop, uint64_t delay_ns)
{
	const struct itimerspec next = {
		.it_value = {(time_t)(delay_ns / NS_PER_SECOND), (long)(delay_ns % NS_PER_SECOND)},
	};

	return timerfd_settime(loop->timer_fd, 0, &next, NULL) < 0 ? -errno : 0;
}

int ft_loop_watch(const struct ft_loop *loop, int pidfd)
{
	return watch(loop->epoll_fd, pidfd, EPOLLIN, pidfd);
}

int ft_loop_watch_log(const struct ft_loop *loop, int fd)
{
	return watch(loop->epoll_fd, fd, EPOLLIN, ABOUT_LOG);
}

void ft_loop_unwatch(const struct ft_loop *loop, int pidfd)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, pidfd, NULL);
}

void ft_loop_take_ring(const struct ft_loop *loop)
{
	watch(loop->epoll_fd, loop->ring_fd, EPOLLIN | EPOLLET, ABOUT_RING);
}

/* Taken out, not muted: an epoll item without events is still woken for errors. */
void ft_loop_leave_ring(const struct ft_loop *loop)
{
	struct epoll_event old_edge;

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->ring_fd, NULL);
	epoll_wait(loop->leader_fd, &old_edge, 1, 0);
}
