/* SPDX-License-Identifier: MIT */
/* See sleep.h. */
#include "sleep.h"

#include <errno.h>

#include <fusetrace/fusetrace.h>

#include "clock.h"

static _Thread_local int wakeup_fd = -1;

int fusetrace_set_wakeup_fd(int fd)
{
	int former = wakeup_fd;

	wakeup_fd = fd < 0 ? -1 : fd;
	return former;
}

int ft_sleep(struct pollfd *fds, nfds_t count, uint64_t deadline_ns, bool is_interruptible)
{
	uint64_t now = ft_now_ns();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = {(time_t)(left / FUSETRACE_SECOND),
				   (long)(left % FUSETRACE_SECOND)};
	int r;

	fds[count] = (struct pollfd){.fd = is_interruptible ? wakeup_fd : -1, .events = POLLIN};
	r = ppoll(fds, count + 1, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL);
	if (r < 0 && errno != EINTR)
		return -errno;
	if (is_interruptible && (r < 0 || fds[count].revents))
		return -EINTR;
	for (nfds_t i = 0; r < 0 && i < count; i++)
		fds[i].revents = 0;
	return 0;
}
