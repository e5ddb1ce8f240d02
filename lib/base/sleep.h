/* SPDX-License-Identifier: MIT */
/* How a thread sleeps until a descriptor has something, a deadline passes, or a signal puts it off. */
#ifndef FT_BASE_SLEEP_H
#define FT_BASE_SLEEP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * poll(2) until deadline_ns (UINT64_MAX: none), behind which it still looks once. fds has room for one
 * entry more than its count. Whoever is_interruptible gets -EINTR after a signal handler ran meanwhile,
 * or while the thread's fusetrace_set_wakeup_fd() is readable; others 0, maybe early. Else 0, or another
 * negative errno; revents are set only with 0.
 */
int ft_sleep(struct pollfd *fds, nfds_t count, uint64_t deadline_ns, bool is_interruptible);

#endif
