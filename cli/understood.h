/* SPDX-License-Identifier: MIT */
/* How much of the logs that are read was understood, and what is said if nothing was. */
#ifndef CLI_UNDERSTOOD_H
#define CLI_UNDERSTOOD_H

#include <stdbool.h>
#include <stddef.h>

#include <fusetrace/fusetrace.h>

#define FIRST_LINE_MAX 120

struct understood {
	struct fusetrace_log_counts counts; /* of all logs that were judged */
	/* of the log that is read, for the message */
	char first_line[FIRST_LINE_MAX + 1];
	bool is_cut; /* longer than that, or with a NUL in it */
};

/* Another log begins; data is its begin. */
void understood_begin(struct understood *understood, const char *data, size_t size);
/* All of it was fed into the monitor. An exit code, after a message: no line was understood. */
int understood_judge(struct understood *understood, struct fusetrace_monitor *monitor,
		     const char *name);
/* Says how many lines of all logs were not understood, if there are some; where: what lists them. */
void understood_tell(const struct understood *understood, const char *where);

#endif
