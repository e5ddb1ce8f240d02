/* SPDX-License-Identifier: MIT */
/*
 * --format text: a line an operation, in columns. Nothing that comes from a filesystem reaches the
 * terminal unescaped, and on a terminal no line is longer than it is wide.
 */
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "details.h"
#include "names.h"
#include "output.h"

/* Where columns begin, or end if they are right-aligned. A long word pushes the next ones on. */
#define TIME_END 11
#define OP_AT 13
#define RESULT_AT 25
#define DURATION_AT 35
#define PID_END 51
#define PATH_AT 53
/* On a terminal, however narrow. */
#define PATH_COLUMNS_MIN 20

#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* ---- the columns before the path ---- */

struct columns {
	char text[200];
	size_t length;
};

static void put_column(struct columns *columns, size_t at, const char *text)
{
	size_t room = sizeof(columns->text) - 1;
	size_t length = strlen(text);

	if (columns->length && columns->length >= at)
		at = columns->length + 1;
	while (columns->length < at && columns->length < room)
		columns->text[columns->length++] = ' ';
	if (length > room - columns->length)
		length = room - columns->length;
	memcpy(columns->text + columns->length, text, length);
	columns->length += length;
	columns->text[columns->length] = '\0';
}

static void put_right(struct columns *columns, size_t end, const char *text)
{
	size_t length = strlen(text);

	put_column(columns, length < end ? end - length : 0, text);
}

/* Seconds since the base with microseconds. */
static void format_time(const struct view *view, uint64_t time_ns, char *text, size_t size)
{
	bool is_before = time_ns < view->base_ns;
	uint64_t distance_us =
		(is_before ? view->base_ns - time_ns : time_ns - view->base_ns) / 1000;

	snprintf(text, size, "%s%" PRIu64 ".%06" PRIu64, is_before ? "-" : "",
		 distance_us / 1000000, distance_us % 1000000);
}

static void put_time(struct columns *columns, const struct view *view,
		     const struct fusetrace_op *op)
{
	char text[40] = "-";
	uint64_t start_ns;

	if (view->has_base && fusetrace_op_number(op, FUSETRACE_FIELD_START_NS, &start_ns) == 0)
		format_time(view, start_ns, text, sizeof(text));
	put_right(columns, TIME_END, text);
}

static void put_result(struct columns *columns, const struct fusetrace_op *op)
{
	const char *name = ft_errno_name(fusetrace_op_errno(op));
	char text[32];

	switch (fusetrace_op_status(op)) {
	case FUSETRACE_STATUS_STARTED:
		put_column(columns, RESULT_AT, "in flight");
		break;
	case FUSETRACE_STATUS_COMPLETED:
		put_column(columns, RESULT_AT, "ok");
		break;
	case FUSETRACE_STATUS_FAILED:
		/* some logs tell that it failed, and not how */
		if (fusetrace_op_errno(op))
			snprintf(text, sizeof(text), "errno %d", fusetrace_op_errno(op));
		else
			strcpy(text, "failed");
		put_column(columns, RESULT_AT, name ? name : text);
		break;
	default:
		put_column(columns, RESULT_AT, "unknown");
	}
}

static void put_duration(struct columns *columns, const struct fusetrace_op *op)
{
	char text[FT_DURATION_SIZE] = "       -";
	uint64_t duration_ns;

	if (fusetrace_op_number(op, FUSETRACE_FIELD_DURATION_NS, &duration_ns) == 0)
		ft_format_duration(duration_ns, true, text, sizeof(text));
	put_column(columns, DURATION_AT, text);
}

static void put_pid(struct columns *columns, const struct fusetrace_op *op)
{
	char text[32] = "-";
	uint64_t pid;

	if (fusetrace_op_number(op, FUSETRACE_FIELD_PID, &pid) == 0)
		snprintf(text, sizeof(text), "%" PRIu64, pid);
	put_right(columns, PID_END, text);
}

/* ---- names ---- */

static bool bytes_of(const struct fusetrace_op *op, uint32_t field, struct ft_bytes *ret_bytes)
{
	return fusetrace_op_bytes(op, field, &ret_bytes->data, &ret_bytes->length) == 0;
}

/* A path, or what is known instead: "?/name", "(node 7)", "-". NULL without memory. */
static char *path_of(const struct fusetrace_op *op, uint32_t path_field, uint32_t name_field,
		     uint32_t node_field)
{
	char *text FT_AUTO_FREE = NULL;
	char *result = NULL;
	struct ft_bytes bytes;
	uint64_t nodeid;

	if (bytes_of(op, path_field, &bytes))
		return name_escape(bytes);
	if (bytes_of(op, name_field, &bytes)) {
		text = name_escape(bytes);
		return text && asprintf(&result, "?/%s", text) >= 0 ? result : NULL;
	}
	if (fusetrace_op_number(op, node_field, &nodeid) == 0 && nodeid)
		return asprintf(&result, "(node %" PRIu64 ")", nodeid) >= 0 ? result : NULL;
	return strdup("-");
}

/* What an arrow points to: the new path, or a symbolic link's target; NULL if there is none. */
static char *target_of(const struct fusetrace_op *op)
{
	struct ft_bytes bytes;

	if (bytes_of(op, FUSETRACE_FIELD_TARGET, &bytes))
		return name_escape(bytes);
	if (bytes_of(op, FUSETRACE_FIELD_PATH2, &bytes) ||
	    bytes_of(op, FUSETRACE_FIELD_NAME2, &bytes))
		return path_of(op, FUSETRACE_FIELD_PATH2, FUSETRACE_FIELD_NAME2,
			       FUSETRACE_FIELD_NODEID2);
	return NULL;
}

/* Makes path and target fit beside the details. */
static void fit(const struct view *view, size_t used, char *path, char *target, char *details)
{
	size_t room = view->columns > used ? view->columns - used : 0;
	size_t taken, width;

	if (!view->columns)
		return;
	if (room < PATH_COLUMNS_MIN)
		room = PATH_COLUMNS_MIN;
	name_shorten(details, room / 2);
	taken = details[0] ? name_width(details) + 1 : 0;
	room -= taken < room ? taken : room;
	if (!target) {
		name_shorten(path, room);
		return;
	}
	room -= room > 4 ? 4 : room;
	width = name_width(target);
	name_shorten(path, width < room / 2 ? room - width : room / 2);
	width = name_width(path);
	name_shorten(target, room > width ? room - width : room / 2);
}

/* ---- lines ---- */

static void append_mark(struct details *details, const char *mark)
{
	size_t room = sizeof(details->text) - details->length;
	int length = snprintf(details->text + details->length, room, "%s(%s)",
			      details->length ? " " : "", mark);

	if (length > 0)
		details->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void append_marks(struct details *details, uint32_t marks)
{
	static const struct {
		uint32_t mark;
		const char *word;
	} words[] = {
		{FUSETRACE_OP_PROBE, "probe"},
		{FUSETRACE_OP_UNLINKED, "unlinked"},
		{FUSETRACE_OP_SUSPECT, "suspect"},
		{FUSETRACE_OP_TRUNCATED, "cut"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (marks & words[i].mark)
			append_mark(details, words[i].word);
	}
}

static const char *color_of(const struct view *view, const struct fusetrace_op *op)
{
	if (!view->output->has_color)
		return NULL;
	if (fusetrace_op_marks(op) & FUSETRACE_OP_PROBE)
		return DIM;
	return fusetrace_op_status(op) == FUSETRACE_STATUS_FAILED ? RED : NULL;
}

static void put_op(struct view *view, const struct fusetrace_op *op)
{
	char *path FT_AUTO_FREE =
		path_of(op, FUSETRACE_FIELD_PATH, FUSETRACE_FIELD_NAME, FUSETRACE_FIELD_NODEID);
	char *target FT_AUTO_FREE = target_of(op);
	const char *color = color_of(view, op);
	struct columns columns = {.length = 0};
	struct details details;

	put_time(&columns, view, op);
	put_column(&columns, OP_AT, fusetrace_op_name(op));
	put_result(&columns, op);
	put_duration(&columns, op);
	put_pid(&columns, op);
	put_column(&columns, PATH_AT, "");
	details_of(op, &details);
	append_marks(&details, fusetrace_op_marks(op));
	if (path)
		fit(view, columns.length, path, target, details.text);
	output_printf(view->output, "%s%s%s%s%s%s%s%s\n", color ? color : "", columns.text,
		      path ? path : "", target ? " -> " : "", target ? target : "",
		      details.text[0] ? " " : "", details.text, color ? PLAIN : "");
}

static void put_head(struct view *view, const struct ft_json_record *record)
{
	struct columns columns = {.length = 0};

	if (!view->has_lines)
		return;
	put_right(&columns, TIME_END, "TIME");
	put_column(&columns, OP_AT, "OP");
	put_column(&columns, RESULT_AT, "RESULT");
	put_column(&columns, DURATION_AT, "DURATION");
	put_right(&columns, PID_END, "PID");
	put_column(&columns, PATH_AT, "PATH");
	output_printf(view->output, "%s\n", columns.text);
}

/* "    3.120000  -- waited 1.2ms for release path=/a: satisfied" */
static void put_wait(struct view *view, const struct ft_json_record *record)
{
	char *label FT_AUTO_FREE = name_escape(record->label);
	char *waited_for FT_AUTO_FREE = name_escape(record->waited_for);
	char *verdict FT_AUTO_FREE = name_escape(record->verdict);
	char duration[FT_DURATION_SIZE] = "?";

	if ((record->has & FT_JSON_HAS_BEGAN_NS) && record->mono_ns >= record->began_ns)
		ft_format_duration(record->mono_ns - record->began_ns, false, duration,
				   sizeof(duration));
	output_printf(view->output, "waited %s for %s%s%s: %s", duration, label ? label : "",
		      label && label[0] ? ": " : "", waited_for ? waited_for : "?",
		      verdict ? verdict : "?");
}

/* "    3.120000  -- 12 events were lost" */
static void put_event(struct view *view, const struct ft_json_record *record)
{
	char *mount FT_AUTO_FREE = name_escape(record->mount);
	struct columns columns = {.length = 0};
	char time[40] = "-";

	if (!view->has_lines)
		return;
	if (view->has_base && (record->has & FT_JSON_HAS_MONO_NS))
		format_time(view, record->mono_ns, time, sizeof(time));
	put_right(&columns, TIME_END, time);
	output_printf(view->output, "%s  -- ", columns.text);
	switch (record->kind) {
	case FT_JSON_LOST:
		output_printf(view->output, "%" PRIu64 " events were lost", record->count);
		break;
	case FT_JSON_MOUNTED:
		output_printf(view->output, "mounted on %s", mount ? mount : "");
		break;
	case FT_JSON_UNMOUNTED:
		output_printf(view->output, "unmounted");
		break;
	case FT_JSON_WAIT:
		put_wait(view, record);
		break;
	default:
		output_printf(view->output, "the daemon ended");
	}
	output_printf(view->output, "\n");
}

const struct view_kind view_text = {
	.name = "text",
	.head = put_head,
	.op = put_op,
	.event = put_event,
	.summary = view_summary_table,
};
