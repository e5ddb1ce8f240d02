/* SPDX-License-Identifier: MIT */
/* What juicefs.c (the frame of a record) shares with juicefs_args.c (its parts). */
#ifndef FT_FORMATS_JUICEFS_H
#define FT_FORMATS_JUICEFS_H

#include "base/scan.h"
#include "op/event.h"

/* How the names of a log are written. */
enum ft_juicefs_quoting { FT_JUICEFS_NOT_TOLD, FT_JUICEFS_RAW, FT_JUICEFS_QUOTED };

/* What a method's arguments may hold, and what is told behind them. */
#define FT_JUICEFS_NAMES 1u    /* text of users */
#define FT_JUICEFS_RESULT 2u   /* ": ...", also if there is none */
#define FT_JUICEFS_ENTRY 4u    /* ... a node */
#define FT_JUICEFS_COUNT 8u    /* ... bytes that were read */
#define FT_JUICEFS_CHANGED 16u /* other arguments before 1.1 */

/*
 * Arguments: n nodeid, m the second one, a name, b the second one, t target, x extended attribute,
 * s size, o offset, h handle, f flags, k mode, M mode behind its text, - anything. Those at the end
 * may be missing where no name is among them.
 */
struct ft_juicefs_method {
	struct ft_bytes name;
	uint32_t opcode;
	const char *arguments;
	uint32_t behaviour;
};

/* One record in its parts. */
struct ft_juicefs_record {
	const struct ft_juicefs_method *method;
	struct ft_bytes arguments;
	struct ft_bytes result; /* what else is told */
	int error;
	uint64_t duration_ns;
	bool is_old;   /* before 1.2 */
	bool is_first; /* ... maybe before 1.1 */
	enum ft_juicefs_quoting quoting;
	char *scratch; /* where the next name goes */
	struct ft_event event;
};

/* Fills the event of the request; what is not as expected is left out. */
void ft_juicefs_arguments(struct ft_juicefs_record *record);
/* Adds to end what a success tells. */
void ft_juicefs_result(const struct ft_juicefs_record *record, struct ft_event *end);

#endif
