/* SPDX-License-Identifier: MIT */
/* fusetrace read and summary: which files, and what is shown of all of them (reading.h). */
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "reading.h"

/* A pattern that the shell did not expand, unless a file has that very name. */
static int read_operand(struct reading *reading, const char *operand)
{
	glob_t found = {0};
	int r = 0;

	if (strcmp(operand, "-") == 0 || !strpbrk(operand, "*?[") || access(operand, F_OK) == 0 ||
	    glob(operand, 0, NULL, &found) != 0) {
		globfree(&found);
		return reading_file(reading, operand);
	}
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		r = reading_file(reading, found.gl_pathv[i]);
	globfree(&found);
	return r;
}

static int read_files(struct reading *reading)
{
	const struct options *options = reading->trace.options;
	int r = 0;

	for (int i = 0; r == 0 && i < options->operand_count; i++)
		r = read_operand(reading, options->operands[i]);
	/* Nobody reads, or it cannot be written: that is told with the output. */
	return r < 0 ? 0 : r;
}

static int read_all(const struct options *options, bool is_table_only)
{
	struct reading reading;
	int r = reading_init(&reading, options), written;

	if (r < 0) {
		reading_done(&reading);
		return fail(EXIT_SETUP, "out of memory: free some");
	}
	r = trace_open(&reading.trace);
	reading.trace.view.has_events = !is_table_only && !options->unparsed;
	reading.trace.view.has_lines &= !options->unparsed;
	if (r == 0)
		r = read_files(&reading);
	written = trace_finish(&reading.trace, -1);
	/* beside a table, which shows no single line */
	if (r == 0 && options->summary && !options->unparsed)
		understood_tell(&reading.understood, options->command == &cmd_read
							     ? "--unparsed"
							     : "'fusetrace read --unparsed'");
	reading_done(&reading);
	return r ? r : written;
}

/* ---- the two commands ---- */

static int run_read(const struct options *options)
{
	if (options->unparsed && view_kinds[options->format] != &view_text)
		return fail(EXIT_USAGE, "--unparsed lists lines as text: leave --format out");
	return read_all(options, false);
}

static int run_summary(const struct options *options)
{
	struct options table = *options;

	table.quiet = true;
	table.summary = true;
	return read_all(&table, true);
}

const struct command cmd_read = {
	.name = "read",
	.usage = "[OPTIONS] FILE...",
	.summary = "show recordings and logs",
	.details =
		"FILE is what --format json wrote, or whatever a daemon printed of its requests, with\n"
		"anything else between: 'fusetrace formats' lists what is understood. It may be packed\n"
		"by gzip or zstd; - is standard input; a quoted pattern means all files that match.\n"
		"\n"
		"  fusetrace read --failed --no-probes trace.jsonl\n"
		"  fusetrace read --summary 'daemon.log*'\n"
		"  branchfs -f -o trace branch mnt 2>&1 | fusetrace read -\n",
	.options = OPTIONS_SELECT | OPTIONS_LINES | OPTIONS_OUTPUT | OPTIONS_LOGS,
	.operand = OPERAND_FILE,
	.min_operands = 1,
	.max_operands = INT32_MAX,
	.run = run_read,
};

const struct command cmd_summary = {
	.name = "summary",
	.usage = "[OPTIONS] FILE...",
	.summary = "count and time what recordings and logs hold",
	.details =
		"One table over all files: how often each operation came, how often it failed\n"
		"(without the failures that the kernel expects, which are its probes), how long\n"
		"it took and which path was the slowest. FILE as for read.\n",
	.options = OPTIONS_SELECT | OPTIONS_OUTPUT,
	.operand = OPERAND_FILE,
	.min_operands = 1,
	.max_operands = INT32_MAX,
	.run = run_summary,
};
