/* SPDX-License-Identifier: MIT */
/*
 * Where the formats of a log pass their events (formats/format.h): converts clocks, keeps keys of
 * different formats apart, and makes one operation of what two formats say of the same request.
 *
 * Mixed streams are normal: a Rust daemon prints a line of the fuser crate for each request and a
 * span for what its own code does with it. A format of FT_RANK_REQUESTS sees every request; once
 * one was seen in a stream, what handlers print is added to the request that is in flight, and ends
 * it if the outer format tells no replies. What handlers print of no request is left out.
 */
#ifndef FT_LOG_SINK_H
#define FT_LOG_SINK_H

#include "formats/format.h"
#include "records.h"
#include "track/tracker.h"

/* Handlers that are running inside requests at the same time, beyond that the oldest is let go. */
#define FT_SINK_ATTACHED_MAX 64

/*
 * Of a library that tells no replies: so many requests wait for their handler, as several threads may
 * print theirs before it. Without handlers, each one ends with the next.
 */
#define FT_SINK_OPEN_MAX 4

struct ft_attached {
	uint64_t inner; /* key of the handler; 0: free */
	uint64_t outer; /* key of the request */
};

struct ft_sink {
	struct ft_tracker *tracker;
	struct ft_records records;      /* of lines of ours */
	const struct ft_format *format; /* whose line it is */
	uint32_t format_index;
	bool is_doubted;  /* ft_sink_doubt(); the owner takes it back for the next line */
	uint64_t seen_ns; /* live: CLOCK_MONOTONIC when the lines were read; else 0 */

	/* clocks; all zeros: a file, whose times are kept as they are */
	uint64_t wall_minus_mono_ns;
	int64_t zone_ns; /* live: of this machine, east of Greenwich */
	uint64_t last_day_ns;
	uint64_t days_ns;  /* midnights that have passed */
	uint64_t start_ns; /* live: first line that told the time since the start */

	/* ranks */
	bool has_requests;       /* a format of FT_RANK_REQUESTS was seen */
	uint32_t requests_of;    /* ... the first one, as format_index */
	uint32_t handlers_alone; /* handlers that were seen before it */
	bool replies_told;       /* ... which tells replies */
	/* ... which does not: its last requests, oldest first, that no handler was added to yet */
	uint64_t open[FT_SINK_OPEN_MAX];
	uint32_t open_count;
	bool has_handlers; /* handlers were added to requests */
	struct ft_attached attached[FT_SINK_ATTACHED_MAX];
	uint32_t attached_next;
};

/* is_live: times become CLOCK_MONOTONIC as far as that can be known. */
void ft_sink_init(struct ft_sink *sink, struct ft_tracker *tracker, bool is_live);

#endif
