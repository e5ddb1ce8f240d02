/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram: the position of the highest bit picks the octave, the five bits below it
 * the bucket within the octave. Adding is a shift and an increment; only reading walks the buckets.
 */
#include "histogram.h"

#define OCTAVE_BITS 5
#define OCTAVE_BUCKETS (1u << OCTAVE_BITS)

_Static_assert((64 - OCTAVE_BITS + 1) * OCTAVE_BUCKETS == FT_HISTOGRAM_BUCKETS,
	       "the highest value has the last bucket");

static uint32_t bucket_of(uint64_t value)
{
	uint32_t shift;

	if (value < OCTAVE_BUCKETS)
		return (uint32_t)value;

	shift = 63 - (uint32_t)__builtin_clzll(value) - OCTAVE_BITS;
	return shift * OCTAVE_BUCKETS + (uint32_t)(value >> shift);
}

static uint64_t middle_of(uint32_t bucket)
{
	uint32_t shift;
	uint64_t lowest;

	if (bucket < 2 * OCTAVE_BUCKETS)
		return bucket;

	shift = bucket / OCTAVE_BUCKETS - 1;
	lowest = (uint64_t)(OCTAVE_BUCKETS + bucket % OCTAVE_BUCKETS) << shift;
	return lowest + (UINT64_C(1) << shift) / 2;
}

static uint64_t clamp(uint64_t value, uint64_t lowest, uint64_t highest)
{
	if (value < lowest)
		return lowest;
	return value > highest ? highest : value;
}

void ft_histogram_add(struct ft_histogram *histogram, uint64_t value)
{
	if (histogram->count == 0 || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->buckets[bucket_of(value)]++;
}

void ft_histogram_merge(struct ft_histogram *dst, const struct ft_histogram *src)
{
	if (src->count == 0)
		return;
	if (dst->count == 0 || src->min < dst->min)
		dst->min = src->min;
	if (src->max > dst->max)
		dst->max = src->max;
	dst->count += src->count;
	for (uint32_t i = 0; i < FT_HISTOGRAM_BUCKETS; i++)
		dst->buckets[i] += src->buckets[i];
}

/* ceil(count * per_mille / 1000) without overflow. */
static uint64_t rank_of(uint64_t count, uint32_t per_mille)
{
	return count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
}

uint64_t ft_histogram_percentile(const struct ft_histogram *histogram, uint32_t per_mille)
{
	uint64_t rank;
	uint64_t seen = 0;

	if (histogram->count == 0 || per_mille >= 1000)
		return histogram->max;
	if (per_mille == 0)
		return histogram->min;

	rank = rank_of(histogram->count, per_mille);
	for (uint32_t i = 0; i < FT_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			return clamp(middle_of(i), histogram->min, histogram->max);
	}
	return histogram->max;
}
