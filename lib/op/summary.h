/* SPDX-License-Identifier: MIT */
/*
 * Counts and durations per operation name: what fusetrace_summary_get() gives, and what a monitor
 * keeps of all operations after its history has dropped them. Takes no lock: a summary belongs to
 * one thread at a time.
 */
#ifndef FT_SUMMARY_H
#define FT_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "base/histogram.h"
#include "op.h"

/* One for each opcode below 63, 32 for higher ones, and one for the rest of those. */
#define FT_SUMMARY_ROWS_MAX 96

struct ft_summary_row {
	const char *op;  /* static */
	uint32_t opcode; /* the first one of this name */
	bool has_slowest;
	uint64_t count;
	uint64_t failed;
	uint64_t probes;
	uint64_t timed;
	uint64_t total_ns;
	uint64_t max_ns;
	uint64_t bytes;
	char *slowest; /* buffer of slowest_size bytes, kept also while has_slowest is false */
	size_t slowest_size;
	struct ft_histogram *durations; /* NULL until the first duration */
};

/* All zeros is an empty summary. */
struct fusetrace_summary {
	struct ft_summary_row *rows;
	uint32_t n_rows;
	uint32_t rows_capacity;
	bool is_sorted;
	uint8_t order[FT_SUMMARY_ROWS_MAX]; /* indices of rows as they are given, when is_sorted */
	uint8_t row_of_bit[64]; /* by ft_opcode_bit(): index of the row + 1, 0: none yet */
};

void ft_summary_init(struct fusetrace_summary *summary);
void ft_summary_done(struct fusetrace_summary *summary);

/* 0, or -ENOMEM and the operation is not counted. */
int ft_summary_add(struct fusetrace_summary *summary, const struct fusetrace_op *op);

/*
 * Afterwards dst is what it would be had each operation of src been added to it after its own.
 * -ENOMEM: the rows from some row on are missing.
 */
int ft_summary_merge(struct fusetrace_summary *dst, const struct fusetrace_summary *src);

#endif
