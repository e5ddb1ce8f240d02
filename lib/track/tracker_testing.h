/* SPDX-License-Identifier: MIT */
/*
 * What tests of the tracker share: a tracker that feeds a history, the events of requests and their
 * replies, and what is expected of the operations that come out.
 */
#ifndef FT_TRACKER_TESTING_H
#define FT_TRACKER_TESTING_H

#include <stddef.h>
#include <stdint.h>

#include "track/history.h"
#include "track/tracker.h"

struct track {
	struct ft_history *history;
	struct ft_tracker *tracker;
	struct ft_cursor cursor; /* of what has been expected so far */
	uint64_t clock_ns;
	size_t done_count;
};
extern struct track track;

/* For cmocka. */
int track_set_up(void **state);
int track_tear_down(void **state);

/* Each event is 10 ns behind the one before it, and of this thread. */
#define TRACK_THREAD 42
struct ft_event track_event_of(uint64_t key, uint32_t opcode, uint64_t nodeid);
void track_begin_name(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name);
void track_begin_name2(uint64_t key, uint32_t opcode, uint64_t nodeid, const char *name,
		       uint64_t nodeid2, const char *name2, uint32_t flags);
void track_begin_fh(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t fh);
void track_begin(uint64_t key, uint32_t opcode, uint64_t nodeid);
void track_end_error(uint64_t key, uint32_t opcode, uint64_t nodeid, int error);
void track_end_entry(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry);
void track_end_opened(uint64_t key, uint32_t opcode, uint64_t nodeid, uint64_t entry, uint64_t fh);
/* A whole LOOKUP, its operation passed over. */
void track_look_up(uint64_t parent, const char *name, uint64_t nodeid);
/* A record that began at 5 ns and took 6; seq 0 leaves the number to the history. */
void track_record(uint64_t seq, uint32_t status, struct ft_event *event);

/* The next operation is this one; path NULL: it has none. */
const struct fusetrace_op *track_next(uint32_t opcode, uint32_t status, const char *path);
/* And each was told of once. */
void track_assert_no_more(void);
uint64_t track_number(const struct fusetrace_op *op, uint32_t field);
void track_assert_absent(const struct fusetrace_op *op, uint32_t field);
/* In flight, behind that number. */
size_t track_count_snapshots(uint64_t behind);

#endif
