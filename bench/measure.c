/* SPDX-License-Identifier: MIT */
/* See measure.h. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

uint64_t ft_bench_percentile(uint64_t *values, size_t count, double quantile)
{
	size_t index = (size_t)((double)count * quantile);

	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return values[index < count ? index : count - 1];
}

uint64_t ft_bench_resident(void)
{
	unsigned long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
