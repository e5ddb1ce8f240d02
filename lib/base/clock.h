/* SPDX-License-Identifier: MIT */
/*
 * The library's one clock: CLOCK_MONOTONIC in nanoseconds, and deadlines on it. It neither follows
 * the time of day nor runs while the machine is suspended.
 */
#ifndef FT_BASE_CLOCK_H
#define FT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t ft_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* When a timeout that begins now ends; UINT64_MAX stays for ever. */
static inline uint64_t ft_deadline_ns(uint64_t timeout_ns)
{
	uint64_t now = ft_now_ns();

	return timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
}

static inline uint64_t ft_earlier_ns(uint64_t one_ns, uint64_t other_ns)
{
	return one_ns < other_ns ? one_ns : other_ns;
}

/*
 * What this process's CLOCK_MONOTONIC is ahead of the kernel's own (which BPF programs see): not 0 in
 * a time namespace (time_namespaces(7)), as some containers have one.
 */
int64_t ft_clock_offset_ns(void);

#endif
