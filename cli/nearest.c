/* SPDX-License-Identifier: MIT */
/* See nearest.h. The distance is Levenshtein's: letters to insert, delete or replace. */
#include "nearest.h"

#include <string.h>

#define WORD_MAX 48

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance_between(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1];
	size_t length = strnlen(b, WORD_MAX);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; i <= WORD_MAX && a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t above = row[j];

			row[j] = min_of(min_of(above, row[j - 1]) + 1,
					diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->word);
	size_t distance = distance_between(nearest->word, candidate);

	/* A beginning is as good as one wrong letter, however much of it is missing. */
	if (length >= 2 && strncmp(candidate, nearest->word, length) == 0)
		distance = min_of(distance, 1);
	if (distance > 1 + length / 3 || (nearest->best && distance >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = distance;
}
