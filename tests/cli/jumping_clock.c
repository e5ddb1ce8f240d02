/* SPDX-License-Identifier: MIT */
/* Preloaded: the time of day jumps by an hour, forth and back, at each look at it. */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void)
{
	static unsigned int looks;

	return (__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) + (unsigned int)getpid()) % 2
		       ? 3600
		       : -3600;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int r = (int)syscall(SYS_clock_gettime, clock, time);

	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		time->tv_sec += jump();
	return r;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec time;
	int r = clock_gettime(CLOCK_REALTIME, &time);

	(void)zone;
	now->tv_sec = time.tv_sec;
	now->tv_usec = time.tv_nsec / 1000;
	return r;
}

time_t time(time_t *ret_time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}
