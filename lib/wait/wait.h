/* SPDX-License-Identifier: MIT */
/* What the waits of wait.c and the smart ones of smart.c share: sleeping, and what ends a wait. */
#ifndef FT_WAIT_H
#define FT_WAIT_H

#include "monitor/monitor.h"

/* 0 stays 0: look once. */
uint64_t ft_wait_deadline(uint64_t timeout_ns);

/*
 * Adds or removes a waiter, which is then woken by what it matches and by every change of state. 0,
 * -EMFILE, -ENOMEM.
 */
int ft_wait_register(struct fusetrace_monitor *monitor, struct ft_waiter *waiter, bool is_adding);

/*
 * Until the engine wakes the waiter, fd (-1: none) is readable or the deadline passes; may return
 * early. Without the engine's thread the caller does its work. -EINTR only for who asked for it:
 * nothing that came in the meantime is taken from the waiter, so it may sleep again.
 */
int ft_wait_sleep(struct fusetrace_monitor *monitor, const struct ft_waiter *waiter, int fd,
		  uint64_t deadline_ns);

/* What a state means for one who waits: -ENOTCONN, -EPIPE, -ESHUTDOWN; 0: it may still come. */
int ft_wait_verdict(const struct ft_monitor_view *view);

/* The kernel's own count of the mount's unanswered requests; -1 where fusectl is not mounted. */
long ft_wait_kernel_count(const struct fusetrace_monitor *monitor);

#endif
