/* SPDX-License-Identifier: MIT */
/*
 * The replay source: recorded JSON lines (docs/json.md), pushed in pieces of any size, become the
 * operations that they were. Several recordings may follow one another.
 */
#ifndef FT_SOURCE_REPLAY_H
#define FT_SOURCE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_read.h"
#include "tracker.h"

struct ft_replay {
	struct ft_tracker *tracker;
	struct ft_json_reader reader;
	char *rest; /* begin of a line whose end has not come yet */
	size_t rest_size;
	size_t rest_room;
	bool is_skipping;  /* the rest of a line that is too long */
	uint64_t last_key; /* of what began and has no unique; counts down */
	uint64_t line;     /* number of the last line taken */
	uint64_t lost;     /* events lost, by the recording's own account */
	uint32_t end_kind; /* FT_JSON_ kind of the last event line that ends a mount, or 0 */
};

/* All zeros but the tracker is a fresh one. Frees what it holds. */
void ft_replay_done(struct ft_replay *replay);

/* 0 or -EBADMSG, with line and column in reterr_error; the lines before have been taken. */
int ft_replay_push(struct ft_replay *replay, const char *data, size_t size,
		   struct fusetrace_error *reterr_error);
/* Takes a last line without a newline. */
int ft_replay_end(struct ft_replay *replay, struct fusetrace_error *reterr_error);

#endif
