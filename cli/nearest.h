/* SPDX-License-Identifier: MIT */
/* Finds the word that somebody meant who misspelt it: for commands, options and their values. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* what was written */
	const char *best; /* the nearest one offered so far; NULL while none is near enough */
	size_t distance;
};

static inline struct nearest nearest_to(const char *word)
{
	return (struct nearest){.word = word};
}

void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
