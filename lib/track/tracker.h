/* SPDX-License-Identifier: MIT */
/*
 * The tracker joins begin and end events into operations, gives each its path, and puts the
 * finished ones into the history. One a monitor; called with the engine lock held.
 */
#ifndef FT_TRACKER_H
#define FT_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "nodes.h"
#include "op/event.h"

/* With more in flight, the oldest ends as unknown: no kernel has as many, a log without replies has. */
#define FT_IN_FLIGHT_MAX (64u * 1024)

struct ft_tracker;

/* Called for each operation that was put into the history. */
typedef void ft_tracker_done_fn(struct fusetrace_op *op, void *data);

/* source: FUSETRACE_SOURCE_ of its events. resolve may be NULL. NULL: no memory. */
struct ft_tracker *ft_tracker_new(uint32_t source, struct ft_history *history,
				  ft_nodes_resolve_fn *resolve, ft_tracker_done_fn *done,
				  void *data);
struct ft_tracker *ft_tracker_free(struct ft_tracker *tracker);
/* Before the first event. */
void ft_tracker_set_source(struct ft_tracker *tracker, uint32_t source);

/*
 * What the thread asks for from now_ns on, or no more, is left out: it gives no operation and is not
 * in flight, but it teaches paths. See ignored.h. now_ns is of CLOCK_MONOTONIC. -EINVAL, -ENOSPC,
 * -ENOMEM.
 */
int ft_tracker_ignore(struct ft_tracker *tracker, uint32_t thread, bool is_ignored,
		      uint64_t now_ns);

/* false: the request is one that is left out. Likewise ft_tracker_end(). */
bool ft_tracker_begin(struct ft_tracker *tracker, const struct ft_event *event);
/*
 * An end whose begin was not seen (lost, or from before the trace) gives an operation without a
 * start; event then carries what the reply's source knows of the header.
 */
bool ft_tracker_end(struct ft_tracker *tracker, const struct ft_event *event);

/*
 * More is known of one that is in flight: what the event has and the begin had not is added. A path
 * that a source tells counts more than one that was worked out.
 */
void ft_tracker_amend(struct ft_tracker *tracker, const struct ft_event *event);
/* The request in flight with that key as it is known by now, NULL if there is none. */
const struct ft_event *ft_tracker_find(const struct ft_tracker *tracker, uint64_t key);
/* The newest request in flight that passes the test. */
const struct ft_event *ft_tracker_newest(const struct ft_tracker *tracker,
					 bool (*test)(const struct ft_event *event, void *data),
					 void *data);
/* Another mount begins in the same stream: what is in flight is given up, tables are emptied. */
void ft_tracker_restart(struct ft_tracker *tracker);

/* A directory's listing named a node. */
void ft_tracker_entry(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
		      uint64_t nodeid);
/* An open file was found whose name is gone; a node that has another name keeps that. */
void ft_tracker_unlinked(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
			 uint64_t nodeid);

/*
 * A whole operation at once, as a recording has it. seq 0: the next number. It ends one that is in
 * flight with event->key as its key.
 */
struct ft_record_times {
	uint64_t seq;
	uint64_t start_ns;
	uint64_t duration_ns;
	uint8_t status; /* FUSETRACE_STATUS_ */
	uint8_t source;
};
void ft_tracker_record(struct ft_tracker *tracker, const struct ft_event *event,
		       const struct ft_record_times *times);

/* Everything in flight ends as unknown: the daemon is gone, or the trace is over. */
void ft_tracker_abandon(struct ft_tracker *tracker);

/* Operations in flight; without_untimed leaves out those that idle does not wait for. */
size_t ft_tracker_in_flight(const struct ft_tracker *tracker, bool without_untimed);

/*
 * The oldest one in flight behind *cursor (0 at first) as a snapshot: a reference for the caller,
 * NULL at the end.
 */
struct fusetrace_op *ft_tracker_snapshot(struct ft_tracker *tracker, uint64_t *cursor);

#endif
