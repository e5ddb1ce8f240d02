/* SPDX-License-Identifier: MIT */
/*
 * Recordings and logs, file by file, through the same tracker and views as a live trace. The library
 * cuts lines and knows their formats, so a format that it learns is read here at once; only the events
 * of our own recordings (docs/json.md) are looked at here, to show them where they stand among the
 * operations.
 */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "input.h"
#include "op/json_read.h"
#include "progress.h"
#include "trace.h"
#include "understood.h"

struct reading {
	struct trace trace;
	const char *name; /* of the file, for messages */
	struct ft_json_reader json;
	bool has_head;
	bool is_log;
	struct input input;
	struct progress progress;
	char *buffer;
	size_t used;
	struct understood understood;
};

/* 0 or -ENOMEM; reading_done() is to be called all the same. */
int reading_init(struct reading *reading, const struct options *options);
void reading_done(struct reading *reading);
/*
 * path "-": standard input. An exit code after a message, or a negative errno: nothing more can be
 * written.
 */
int reading_file(struct reading *reading, const char *path);

#endif
