/* SPDX-License-Identifier: MIT */
/*
 * Counts of 64-bit values in buckets of at most 1/32 of their value, so that percentiles of any
 * number of durations cost one fixed block of memory. All zeros is an empty histogram; there is
 * nothing to free. Knows nothing of time or units.
 */
#ifndef FT_BASE_HISTOGRAM_H
#define FT_BASE_HISTOGRAM_H

#include <stdint.h>

/* Below 64 each value has a bucket; each of the 58 octaves above is cut into 32. */
#define FT_HISTOGRAM_BUCKETS 1920

struct ft_histogram {
	uint64_t count;
	uint64_t min; /* these two are exact, and 0 while count is 0 */
	uint64_t max;
	uint64_t buckets[FT_HISTOGRAM_BUCKETS];
};

void ft_histogram_add(struct ft_histogram *histogram, uint64_t value);

/* Afterwards dst is what it would be had each value of src been added to it. */
void ft_histogram_merge(struct ft_histogram *dst, const struct ft_histogram *src);

/*
 * The value that per_mille thousandths of all values do not exceed, by nearest rank: with n values
 * in ascending order it stands for number ceil(n * per_mille / 1000), counted from 1. Given is the
 * middle of that value's bucket, which is at most 1/64 off, but never less than min or more than
 * max. 0 thousandths give min, 1000 or more give max, both exactly; an empty histogram gives 0.
 */
uint64_t ft_histogram_percentile(const struct ft_histogram *histogram, uint32_t per_mille);

#endif
