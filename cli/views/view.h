/* SPDX-License-Identifier: MIT */
/*
 * How a trace looks: one struct a format. A view writes into an output and decides nothing; which
 * operations it is given is the business of trace.c. A new one is a file here and its line in the
 * array of view.c, from which --format, help and completions take the name.
 */
#ifndef CLI_VIEWS_VIEW_H
#define CLI_VIEWS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "op/json_write.h"

struct output;

/* What a summary tells besides its rows. */
struct summary_totals {
	uint64_t lost;        /* events */
	uint64_t duration_ns; /* of the trace; 0 unknown */
};

struct view {
	const struct view_kind *kind;
	struct output *output;
	bool has_lines;  /* operations are shown */
	bool has_events; /* what else happened is told: false when only the table is wanted */
	bool has_base;
	uint64_t base_ns;     /* what relative times count from */
	unsigned int columns; /* of the terminal; 0: lines may be as long as they like */
};

struct view_kind {
	const char *name;
	/* Called once a trace, before all others, with a record of FT_JSON_TRACE. */
	void (*head)(struct view *view, const struct ft_json_record *record);
	/* Called for each operation. */
	void (*op)(struct view *view, const struct fusetrace_op *op);
	/* Called for what else happened, at its place: all kinds but OP and TRACE. */
	void (*event)(struct view *view, const struct ft_json_record *record);
	/* Called at the end, if a summary is wanted. */
	void (*summary)(struct view *view, struct fusetrace_summary *summary,
			const struct summary_totals *totals);
};

extern const struct view_kind view_text, view_json;

/* The formats, with NULL at the end. */
extern const struct view_kind *const view_kinds[];

/* The table of a summary as text; part of view_text. */
void view_summary_table(struct view *view, struct fusetrace_summary *summary,
			const struct summary_totals *totals);

#endif
