/* SPDX-License-Identifier: MIT */
/*
 * What our own JSON lines (docs/json.md) tell, given to the tracker: whole operations, begins of
 * operations, and events. For recordings (source_replay.h) and for lines of ours in a log.
 */
#ifndef FT_RECORDS_H
#define FT_RECORDS_H

#include <stdint.h>

#include "op/json_write.h"
#include "track/tracker.h"

struct ft_records {
	struct ft_tracker *tracker;
	uint8_t lane;   /* upper byte of the keys in a tracker that others use as well; 0: alone */
	uint8_t source; /* FUSETRACE_SOURCE_ of a record that does not tell its own */
	uint64_t last_key; /* of what began and has no unique; counts down */
	uint64_t lost;     /* events lost, by the lines' own account */
	uint32_t end_kind; /* FT_JSON_ kind of the last event line that ends a mount, or 0 */
};

void ft_records_take(struct ft_records *records, const struct ft_json_record *record);

/* The upper byte of a key tells whose it is, so that keys of two sources of events never meet. */
uint64_t ft_key_in_lane(uint64_t key, uint8_t lane);

#endif
