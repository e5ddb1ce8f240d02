/* SPDX-License-Identifier: MIT */
/* Timestamps and durations as loggers print them. */
#ifndef FT_FORMATS_TIME_H
#define FT_FORMATS_TIME_H

#include "base/scan.h"

/* The clock that a log's times are of. */
#define FT_CLOCK_NONE 0u      /* no time */
#define FT_CLOCK_MONOTONIC 1u /* CLOCK_MONOTONIC */
#define FT_CLOCK_UTC 2u       /* since 1970 */
#define FT_CLOCK_LOCAL 3u     /* likewise, but of a zone that the log does not tell */
#define FT_CLOCK_DAY 4u       /* since a midnight */
#define FT_CLOCK_START 5u     /* since the daemon's start */

struct ft_time {
	uint64_t ns;
	uint32_t clock;   /* FT_CLOCK_ */
	uint32_t tick_ns; /* what it was rounded to */
};

/*
 * Takes a date and a time of day, or a time of day alone: 2026-11-22T09:15:38.549873Z,
 * 2026/11/22 09:00:49,736, 2021.01.15 08:26:11.003330, 22/11/2026 09:15:38.5, 15:04:05.000000; with
 * a zone (Z, +02:00, +0200) behind it or not.
 */
bool ft_scan_time(struct ft_scan *scan, struct ft_time *ret_time);

/* Seconds since the start, as Rust's uptime prints them: blanks, then 0.000279503s. */
bool ft_scan_uptime(struct ft_scan *scan, struct ft_time *ret_time);

/* 145µs, 28.6us, 2.17ms, 5.00s, 17ns (Rust's Duration, Go's simple ones). */
bool ft_scan_duration(struct ft_scan *scan, uint64_t *ret_duration_ns);

#endif
