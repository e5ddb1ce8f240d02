/* SPDX-License-Identifier: MIT */
/*
 * Our own JSON lines (docs/json.md) among those of others, as a filesystem prints them that reports
 * its operations with fusetrace_emit() on standard error:
 *
 *	branchfs: mnt: the branch is read-only
 *	{"v":1,"op":"write","path":"/a.txt","status":"completed","errno":0,"start_ns":123,"size":5}
 *
 * A recording, where every line must be one, is read by source_replay.h. Here a line that is no
 * record is somebody else's.
 */
#include <errno.h>

#include "formats.h"
#include "op/json_read.h"

struct fusetrace {
	struct ft_json_reader reader;
};

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct fusetrace *state = data;
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_json_record record;
	int r;

	if (!ft_scan_literal(&scan, "{\"v\":"))
		return FT_LINE_OTHER;
	r = ft_json_read(&state->reader, line->text.data, line->text.length, &record, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : FT_LINE_OTHER;
	ft_sink_record(sink, line, &record);
	return FT_LINE_TAKEN;
}

static void done(void *data)
{
	struct fusetrace *state = data;

	ft_json_reader_done(&state->reader);
}

static const char *const begins[] = {"{\"v\":1,\"", NULL};

const struct ft_format ft_format_fusetrace = {
	.name = "fusetrace",
	.title = "fusetrace's own JSON lines",
	.used_by = "branchfs, every program that calls fusetrace_emit(), recordings",
	.how = "branchfs -o trace, fusetrace --format json",
	.note = "a line tells what its writer knew",
	.gives = FUSETRACE_GIVES_PATH | FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY |
		 FUSETRACE_GIVES_ERRNO | FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_DURATION |
		 FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID | FUSETRACE_GIVES_UNIQUE |
		 FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_HANDLERS,
	.begins = begins,
	.state_size = sizeof(struct fusetrace),
	.take = take,
	.done = done,
};
