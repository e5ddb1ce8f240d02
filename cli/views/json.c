/* SPDX-License-Identifier: MIT */
/*
 * --format json: the form of docs/json.md, one object a line. Operations and events are written by
 * the library; the rows of a summary are added here, as events that a reader passes over.
 */
#include "json.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/text.h"
#include "output.h"
#include "view.h"

#define LINE_AT_FIRST 1024

/* ---- pieces ---- */

void json_put_number(struct output *output, const char *key, uint64_t number)
{
	const char *quote = number > INT64_MAX ? "\"" : "";

	output_printf(output, ",\"%s\":%s%" PRIu64 "%s", key, quote, number, quote);
}

/* The inside of a string; false if it could not say it exactly. */
static bool put_text(struct output *output, struct ft_bytes name)
{
	bool is_exact = true;

	for (size_t i = 0; i < name.length;) {
		uint32_t code_point = 0xfffd;
		size_t length = ft_utf8_decode(name.data + i, name.length - i, &code_point);

		if (length == 0) {
			output_put(output, "\xef\xbf\xbd", 3);
			is_exact = false;
			length = 1;
		} else if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
			   code_point == '"' || code_point == '\\' || code_point == 0x2028 ||
			   code_point == 0x2029) {
			output_printf(output, "\\u%04x", code_point);
		} else {
			output_put(output, name.data + i, length);
		}
		i += length;
	}
	return is_exact;
}

void json_put_name(struct output *output, const char *key, struct ft_bytes name)
{
	size_t length;
	char *to;

	if (!name.data)
		return;
	output_printf(output, ",\"%s\":\"", key);
	if (!put_text(output, name)) {
		output_printf(output, "\",\"%s_bytes\":\"", key);
		length = ft_base64_encode(name, NULL, 0);
		to = output_reserve(output, length + 1);
		if (!to)
			return;
		ft_base64_encode(name, to, length + 1);
		output_commit(output, length);
	}
	output_put(output, "\"", 1);
}

/* ---- the view ---- */

static void put_record(struct view *view, const struct ft_json_record *record)
{
	size_t length = ft_json_write(record, NULL, 0);
	bool is_empty = record->kind == FT_JSON_TRACE && !record->has && !record->version.data;
	char *to = output_reserve(view->output, length + 1);

	if (!to || is_empty || !view->has_events)
		return;
	ft_json_write(record, to, length + 1);
	to[length] = '\n';
	output_commit(view->output, length + 1);
}

static void put_op(struct view *view, const struct fusetrace_op *op)
{
	char *to = output_reserve(view->output, LINE_AT_FIRST);
	int length = to ? fusetrace_op_json(op, to, LINE_AT_FIRST) : -1;

	if (length < 0)
		return;
	if (length >= LINE_AT_FIRST) {
		to = output_reserve(view->output, (size_t)length + 1);
		if (!to)
			return;
		fusetrace_op_json(op, to, (size_t)length + 1);
	}
	to[length] = '\n';
	output_commit(view->output, (size_t)length + 1);
}

static void put_row(struct output *output, const struct fusetrace_summary_row *row)
{
	output_printf(output, "{\"v\":1,\"event\":\"summary\",\"op\":\"%s\"", row->op);
	json_put_number(output, "count", row->count);
	json_put_number(output, "failed", row->failed);
	json_put_number(output, "probes", row->probes);
	json_put_number(output, "bytes", row->bytes);
	if (row->timed) {
		json_put_number(output, "timed", row->timed);
		json_put_number(output, "total_ns", row->total_ns);
		json_put_number(output, "p50_ns", row->p50_ns);
		json_put_number(output, "p95_ns", row->p95_ns);
		json_put_number(output, "p99_ns", row->p99_ns);
		json_put_number(output, "max_ns", row->max_ns);
	}
	json_put_name(output, "slowest", ft_bytes_of(row->slowest));
	output_put(output, "}\n", 2);
}

static void put_summary(struct view *view, struct fusetrace_summary *summary,
			const struct summary_totals *totals)
{
	struct fusetrace_summary_row row;

	for (size_t i = 0; fusetrace_summary_get(summary, i, &row) == 0; i++)
		put_row(view->output, &row);
}

const struct view_kind view_json = {
	.name = "json",
	.head = put_record,
	.op = put_op,
	.event = put_record,
	.summary = put_summary,
};
