/* SPDX-License-Identifier: MIT */
/* How far a long read has come: one line on a terminal, written over and taken away at the end. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_wanted;
	bool is_shown;
	uint64_t next_ns; /* when it is written again */
};

/* is_wanted: nothing else is written to a terminal meanwhile. Only if standard error is one. */
void progress_begin(struct progress *progress, bool is_wanted);
/* size 0: not known, nothing is shown. */
void progress_show(struct progress *progress, uint64_t done, uint64_t size);
/* Takes the line away; before whatever else is told. */
void progress_end(struct progress *progress);

#endif
