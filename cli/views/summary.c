/* SPDX-License-Identifier: MIT */
/* The table of counts and durations as text, a row an operation name, the most frequent first. */
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "names.h"
#include "output.h"

/* Where the last column begins. */
#define SLOWEST_AT 95

static void put_bytes(struct output *output, uint64_t bytes)
{
	static const char units[] = " KMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (bytes == 0)
		output_printf(output, " %7s", "-");
	else if (unit == 0)
		output_printf(output, " %7" PRIu64, bytes);
	else
		output_printf(output, " %6.*f%c", value < 9.95 ? 1 : 0, value, units[unit]);
}

static void put_times(struct output *output, const struct fusetrace_summary_row *row)
{
	const uint64_t times[] = {row->total_ns, row->p50_ns, row->p95_ns, row->p99_ns,
				  row->max_ns};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[FT_DURATION_SIZE] = "       -";

		if (row->timed)
			ft_format_duration(times[i], true, text, sizeof(text));
		output_printf(output, " %s", text);
	}
}

static void put_count(struct output *output, uint64_t count)
{
	if (count)
		output_printf(output, " %7" PRIu64, count);
	else
		output_printf(output, " %7s", "-");
}

static void put_row(const struct view *view, const struct fusetrace_summary_row *row)
{
	char *slowest FT_AUTO_FREE = row->slowest ? name_escape(ft_bytes_of(row->slowest)) : NULL;

	output_printf(view->output, "%-15s %8" PRIu64, row->op, row->count);
	put_count(view->output, row->failed);
	put_count(view->output, row->probes);
	put_times(view->output, row);
	put_bytes(view->output, row->bytes);
	if (slowest) {
		if (view->columns > SLOWEST_AT)
			name_shorten(slowest, view->columns - SLOWEST_AT);
		output_printf(view->output, "  %s", slowest);
	}
	output_printf(view->output, "\n");
}

static void put_totals(struct output *output, const struct fusetrace_summary_row *sum,
		       const struct summary_totals *totals)
{
	char duration[FT_DURATION_SIZE];

	output_printf(output,
		      "%" PRIu64 " operation%s, %" PRIu64 " failed, %" PRIu64 " probe%s, %" PRIu64
		      " event%s lost",
		      sum->count, sum->count == 1 ? "" : "s", sum->failed, sum->probes,
		      sum->probes == 1 ? "" : "s", totals->lost, totals->lost == 1 ? "" : "s");
	if (totals->duration_ns) {
		ft_format_duration(totals->duration_ns, false, duration, sizeof(duration));
		output_printf(output, ", %s", duration);
	}
	output_printf(output, "\n");
}

void view_summary_table(struct view *view, struct fusetrace_summary *summary,
			const struct summary_totals *totals)
{
	struct fusetrace_summary_row row, sum = {0};

	if (view->has_lines)
		output_put(view->output, "\n", 1);
	output_printf(view->output, "%-15s %8s %7s %7s %8s %8s %8s %8s %8s %7s  %s\n", "OP",
		      "COUNT", "FAILED", "PROBES", "TOTAL", "P50", "P95", "P99", "MAX", "BYTES",
		      "SLOWEST");
	for (size_t i = 0; fusetrace_summary_get(summary, i, &row) == 0; i++) {
		put_row(view, &row);
		sum.count += row.count;
		sum.failed += row.failed;
		sum.probes += row.probes;
	}
	put_totals(view->output, &sum, totals);
}
