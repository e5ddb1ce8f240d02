/* SPDX-License-Identifier: MIT */
/* Percentiles of measured values, for the programs of bench/. */
#ifndef FT_BENCH_MEASURE_H
#define FT_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Sorts values. */
uint64_t ft_bench_percentile(uint64_t *values, size_t count, double quantile);

/* The process' resident memory in bytes. */
uint64_t ft_bench_resident(void);

#endif
