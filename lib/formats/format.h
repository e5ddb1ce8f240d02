/* SPDX-License-Identifier: MIT */
/*
 * A log format: what a daemon prints of its requests, line by line. Each is one file here, listed in
 * formats.c. A format turns lines into events (event.h) and passes them to a sink; it knows nothing
 * of other formats, of files or of history.
 */
#ifndef FT_FORMATS_FORMAT_H
#define FT_FORMATS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "op/event.h"
#include "time.h"

/* ---- what comes in ---- */

/*
 * One line. Colours are stripped, the end of the line ("\n", "\r\n") is cut off. What an
 * application puts before a record (dates, levels, a JSON envelope) was peeled off (prefix.h); then
 * `text` is the record and `time` that of the prefix.
 */
struct ft_line {
	struct ft_bytes text;
	struct ft_time time;
	bool has_cr; /* the end was "\r\n"; the '\r' still stands behind text */
	/*
	 * What was peeled off is no usual prefix: a file name in a message of the application may
	 * imitate a record. Its operations are marked FUSETRACE_OP_SUSPECT.
	 */
	bool is_suspect;
	/* Room for decoded names, twice as many bytes as text; all of the line's parsers share it. */
	char *scratch;
};

/* ---- what goes out ---- */

struct ft_sink;

/*
 * An operation begins. event.key pairs it with its end within the format; time_ns is by the line's
 * clock. A key that is in use ends the earlier operation as unknown. Events are completed in place:
 * key, times and marks are the sink's afterwards, and the key may be used again.
 */
void ft_sink_begin(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event);
/* More is known of one that is in flight: what `event` has and the begin had not is added. */
void ft_sink_amend(struct ft_sink *sink, const struct ft_event *event);
/*
 * It ended: event.error, or what event.ending says instead. event.duration_ns, where the format
 * tells it, counts more than the difference of two timestamps. An end without a begin is kept if
 * its opcode is known.
 */
void ft_sink_end(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event);
/*
 * Whether a format of FT_RANK_REQUESTS tells the requests of this stream: then a handler's line that
 * may go on in the next one is not worth the risk of taking that one away from it.
 */
bool ft_sink_has_requests(const struct ft_sink *sink);
/*
 * What other formats find in the line that is offered is suspect: it may stand in a name that the
 * record before it prints without quotes.
 */
void ft_sink_doubt(struct ft_sink *sink);
/*
 * A whole operation or an event of ours (docs/json.md), with its own source and times. An operation
 * that a format of FT_RANK_REQUESTS prints as well is added to the request. Events of a suspect line
 * do not count.
 */
struct ft_json_record;
void ft_sink_record(struct ft_sink *sink, const struct ft_line *line,
		    const struct ft_json_record *record);
/* Another mount begins: nodeids, handles and uniques start anew. */
void ft_sink_restart(struct ft_sink *sink);

/* ---- the format ---- */

/* How much of what happens a format sees; see log_sink.h. */
#define FT_RANK_REQUESTS 0u /* every request, in the library that talks to the kernel */
#define FT_RANK_HANDLERS 1u /* what the filesystem's own code prints while it answers one */

#define FT_LINE_OTHER 0   /* not of this format */
#define FT_LINE_TAKEN 1   /* taken: a record, or a line that belongs to the format */
#define FT_LINE_PARTIAL 2 /* taken; the next line is this format's, too: the record goes on */

struct ft_format {
	const char *name;    /* "libfuse", for tables and options; lower case, no blanks */
	const char *title;   /* "libfuse -d, high level" */
	const char *used_by; /* known daemons */
	const char *how;     /* how it is switched on */
	const char *note;    /* what else a reader of the table must know, or NULL */
	uint32_t gives;      /* FUSETRACE_GIVES_ bits */
	uint32_t rank;       /* FT_RANK_ */
	/* What its records begin with, for finding them behind a prefix; ends with NULL. */
	const char *const *begins;
	size_t state_size; /* zeroed before the first line */
	/*
	 * Called for each line of a stream that may be of the format, in order; must refuse a line
	 * that is not at a glance. A negative errno: no memory.
	 */
	int (*take)(void *state, const struct ft_line *line, struct ft_sink *sink);
	/*
	 * No line for now, or never again: a begin that was held back for what the next line might
	 * add is passed on. May be NULL.
	 */
	void (*flush)(void *state, struct ft_sink *sink);
	/*
	 * Lines are missing: what was kept for the next line to go on with is forgotten. NULL:
	 * flush() does it, or nothing is kept.
	 */
	void (*gap)(void *state);
	/* Frees what the state owns. May be NULL. */
	void (*done)(void *state);
};

/* All formats, in the order in which a line is offered to them; ends with NULL. formats.c */
extern const struct ft_format *const ft_formats[];

#endif
