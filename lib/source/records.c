/* SPDX-License-Identifier: MIT */
/* See records.h. */
#include "records.h"

#define LANE_SHIFT 56

uint64_t ft_key_in_lane(uint64_t key, uint8_t lane)
{
	return (key & ((UINT64_C(1) << LANE_SHIFT) - 1)) | (uint64_t)lane << LANE_SHIFT;
}

static uint64_t key_of(struct ft_records *records, const struct ft_event *event)
{
	uint64_t key = (event->present & FT_HAS(UNIQUE)) ? event->unique : --records->last_key;

	return records->lane ? ft_key_in_lane(key, records->lane) : key;
}

static void take_operation(struct ft_records *records, const struct ft_json_record *record)
{
	struct ft_record_times times = {
		.seq = record->seq,
		.start_ns = record->start_ns,
		.duration_ns = record->duration_ns,
		.status = (uint8_t)record->status,
		.source = record->source ? (uint8_t)record->source : records->source,
	};
	struct ft_event event = record->event;

	event.key = key_of(records, &event);
	if (record->status != FUSETRACE_STATUS_STARTED) {
		ft_tracker_record(records->tracker, &event, &times);
		return;
	}
	/* It had no reply yet, which may come in a later line. */
	event.time_ns = record->start_ns;
	ft_tracker_begin(records->tracker, &event);
}

void ft_records_take(struct ft_records *records, const struct ft_json_record *record)
{
	switch (record->kind) {
	case FT_JSON_OP:
		take_operation(records, record);
		break;
	case FT_JSON_LOST:
		/* A loss of unknown extent is still a loss. */
		records->lost += record->count ? record->count : 1;
		break;
	case FT_JSON_UNMOUNTED:
	case FT_JSON_DAEMON_GONE:
		records->end_kind = record->kind;
		break;
	default:
		break;
	}
}
