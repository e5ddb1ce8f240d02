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

#include "op/json_read.h"
#include "records.h"

struct ft_replay {
	struct ft_records records;
	struct ft_json_reader reader;
	char *rest; /* begin of a line whose end has not come yet */
	size_t rest_size;
	size_t rest_room;
	bool is_skipping; /* the rest of a line that is too long */
	uint64_t line;    /* number of the last line taken */
};

/* All zeros but the tracker and the source of its records is a fresh one. Frees what it holds. */
void ft_replay_done(struct ft_replay *replay);

/* 0 or -EBADMSG, with line and column in reterr_error; the lines before have been taken. */
int ft_replay_push(struct ft_replay *replay, const char *data, size_t size,
		   struct fusetrace_error *reterr_error);
/* Takes a last line without a newline. */
int ft_replay_end(struct ft_replay *replay, struct fusetrace_error *reterr_error);

#endif
