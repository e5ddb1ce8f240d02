/* SPDX-License-Identifier: MIT */
/*
 * What a source tells the tracker: one struct for the begin (request) and the end (reply) of an
 * operation. A source knows nothing of paths of nodeids, of history or of waits; what it cannot
 * know it leaves out of `present`.
 */
#ifndef FT_EVENT_H
#define FT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "base/bytes.h"

#define FT_HAS(field) (UINT32_C(1) << FUSETRACE_FIELD_##field)

/* What an end tells. */
#define FT_ENDING_RESULT 0u  /* `error` */
#define FT_ENDING_ENDED 1u   /* that it ended; a failure would be told, a success is not */
#define FT_ENDING_UNKNOWN 2u /* no more, or that it ended in any way; a duration may be told */

/* An end whose source does not repeat the opcode: that of the begin with the same key. */
#define FT_OPCODE_OF_BEGIN UINT32_MAX

struct ft_event {
	uint64_t key;     /* pairs begin and end; unique among what is in flight in one source */
	uint64_t time_ns; /* by the source's clock, not when we read it; 0 unknown */
	uint64_t
		seen_ns; /* CLOCK_MONOTONIC when it was read, from sources that tell no time; or 0 */
	uint32_t opcode;
	uint32_t present;       /* FT_HAS() bits of the fields below that are known */
	uint32_t marks;         /* FUSETRACE_OP_ bits */
	bool is_of_other_clock; /* time_ns is not of CLOCK_MONOTONIC, or only converted to it */

	/* header */
	uint64_t unique;
	uint64_t nodeid;
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	/* begin: who ran, by the numbers of the initial pid namespace, where no pid is told; or 0 */
	uint32_t thread;

	/* request */
	uint64_t nodeid2;
	uint64_t fh; /* request: the handle used; reply: the handle made */
	uint64_t offset;
	uint64_t size;
	uint32_t mode;
	uint32_t flags;
	uint32_t valid;
	struct ft_bytes path; /* only from sources that print paths */
	struct ft_bytes path2;
	struct ft_bytes name;
	struct ft_bytes name2;
	struct ft_bytes xattr;
	struct ft_bytes target;

	/* reply */
	int32_t error;        /* positive errno; 0 completed */
	uint8_t ending;       /* FT_ENDING_ */
	uint64_t duration_ns; /* told by the source, instead of two times; 0: not told; also in an
				 amended request */
	uint64_t entry;
	uint32_t entry_mode; /* st_mode of the entry; 0 unknown */
	uint64_t reply_size;
	uint64_t probe_size; /* FT_OPCODE_ASKS_SIZE: reply_size if 0 bytes were asked for */
};

/*
 * Adds to the begin of an operation what more has and it had not. A path that a source tells counts
 * more than one that was worked out.
 */
void ft_event_add(struct ft_event *event, const struct ft_event *more);

#endif
