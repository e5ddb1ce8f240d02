/* SPDX-License-Identifier: MIT */
/*
 * The log source: bytes that a daemon printed, pushed in pieces of any size, are cut into lines, and
 * each line is offered to the formats (formats/). Mixed streams are normal: the format is found
 * anew for each line. What no format takes is counted and can be listed.
 */
#ifndef FT_SOURCE_LOG_H
#define FT_SOURCE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"
#include "track/tracker.h"

struct ft_format;
struct ft_log;

/* is_live: the daemon runs now, so its times can be turned into CLOCK_MONOTONIC. NULL: no memory. */
struct ft_log *ft_log_new(struct ft_tracker *tracker, bool is_live);
/* Likewise, with these formats only, a list like ft_formats, which must outlive it. */
struct ft_log *ft_log_new_of(struct ft_tracker *tracker, const struct ft_format *const *formats,
			     bool is_live);
/* Another stream of the same daemon, its standard output say: what both tell of a request is one. */
struct ft_log *ft_log_new_beside(struct ft_log *other);
struct ft_log *ft_log_free(struct ft_log *log);

/* Called for each line that no format takes; number counts from 1. */
typedef void ft_log_line_fn(uint64_t number, struct ft_bytes line, void *data);
void ft_log_on_unparsed(struct ft_log *log, ft_log_line_fn *fn, void *data);

/* 0 or -ENOMEM; what came before the lack of memory has been taken. */
int ft_log_push(struct ft_log *log, const char *data, size_t size);
/* Lines were dropped here: the begin of one that is still open is given up. */
void ft_log_gap(struct ft_log *log);
/* No more for now: a request whose details might still have come is passed on as it is. */
void ft_log_pause(struct ft_log *log);
/* Takes a last line without a newline. What is in flight stays so. */
int ft_log_end(struct ft_log *log);

struct ft_log_counts {
	uint64_t lines;
	uint64_t empty;    /* of them */
	uint64_t unparsed; /* of the others */
};
struct ft_log_counts ft_log_counts(const struct ft_log *log);
/* What lines of ours among the others told of the trace itself. Owned by log. */
const struct ft_records *ft_log_records(const struct ft_log *log);

#endif
