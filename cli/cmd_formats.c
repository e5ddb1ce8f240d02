/* SPDX-License-Identifier: MIT */
/* fusetrace formats: the log formats that the library reads, and what the records of each tell. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "output.h"
#include "views/json.h"
#include "views/view.h"

#define NAME_COLUMNS 16

static const struct {
	const char *name;
	uint32_t bit;
} columns[] = {
	{"path", FUSETRACE_GIVES_PATH},   {"name", FUSETRACE_GIVES_NAME},
	{"reply", FUSETRACE_GIVES_REPLY}, {"errno", FUSETRACE_GIVES_ERRNO},
	{"time", FUSETRACE_GIVES_TIME},   {"offset", FUSETRACE_GIVES_OFFSET},
	{"pid", FUSETRACE_GIVES_PID},     {"forge-proof", FUSETRACE_GIVES_PROOF},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void put_line(struct output *output, const char *what, const char *text)
{
	if (text)
		output_printf(output, "%*s%s%s\n", NAME_COLUMNS, "", what, text);
}

static void put_head(struct output *output)
{
	output_printf(output, "%-*s", NAME_COLUMNS, "FORMAT");
	for (size_t i = 0; i < COLUMNS; i++) {
		output_put(output, i ? "  " : "", i ? 2 : 0);
		for (const char *at = columns[i].name; *at; at++)
			output_printf(output, "%c", *at >= 'a' ? *at - 'a' + 'A' : *at);
	}
	output_put(output, "\n", 1);
}

static void put_text(struct output *output, const struct fusetrace_format_info *format)
{
	output_printf(output, "%-*s", NAME_COLUMNS, format->name);
	for (size_t i = 0; i < COLUMNS; i++) {
		bool is_last = i + 1 == COLUMNS;
		int width = is_last ? 0 : (int)strlen(columns[i].name) + 2;

		output_printf(output, "%-*s", width, format->gives & columns[i].bit ? "yes" : "-");
	}
	output_put(output, "\n", 1);
	put_line(output, "", format->title);
	put_line(output, "used by: ", format->used_by);
	put_line(output, "switched on by: ", format->how);
	put_line(output, "note: ", format->note);
}

static void put_json(struct output *output, const struct fusetrace_format_info *format)
{
	const char *comma = "";

	output_printf(output, "{\"v\":1,\"event\":\"format\"");
	json_put_name(output, "format", ft_bytes_of(format->name));
	json_put_name(output, "title", ft_bytes_of(format->title));
	output_printf(output, ",\"gives\":[");
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!(format->gives & columns[i].bit))
			continue;
		output_printf(output, "%s\"%s\"", comma, columns[i].name);
		comma = ",";
	}
	output_put(output, "]", 1);
	json_put_name(output, "used_by", ft_bytes_of(format->used_by));
	json_put_name(output, "how", ft_bytes_of(format->how));
	json_put_name(output, "note", ft_bytes_of(format->note));
	output_put(output, "}\n", 2);
}

static int run(const struct options *options)
{
	bool is_json = view_kinds[options->format] == &view_json;
	struct fusetrace_format_info format;
	struct fusetrace_error error;
	struct output output;
	int written;

	if (output_open(&output, NULL, options->color, &error) < 0)
		return fail(EXIT_SETUP, "%s", error.text);
	if (!is_json)
		put_head(&output);
	for (size_t i = 0; fusetrace_format_get(i, &format) == 0; i++) {
		if (is_json)
			put_json(&output, &format);
		else
			put_text(&output, &format);
	}
	written = output_flush(&output, FUSETRACE_FOREVER, -1);
	output_done(&output);
	if (written < 0 && written != -EPIPE)
		return fail(EXIT_SETUP, "cannot write to standard output: %s: make room",
			    strerror(-written));
	return EXIT_SATISFIED;
}

const struct command cmd_formats = {
	.name = "formats",
	.usage = "[OPTIONS]",
	.summary = "list the log formats that are understood",
	.details =
		"What the records of each format tell, which daemons print it and how it is\n"
		"switched on. What is not told is absent in operations; names alone become paths\n"
		"where the log tells enough. Where a format is not forge-proof, a file's name can\n"
		"imitate a record: such operations are marked as suspect.\n",
	.options = OPTIONS_FORMAT,
	.operand = OPERAND_NONE,
	.run = run,
};
