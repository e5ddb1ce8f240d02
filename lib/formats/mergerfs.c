/* SPDX-License-Identifier: MIT */
/*
 * mergerfs since 2.42 (-o debug=true):
 *
 *	ts=2266 dir=IN unique=0x0000000000000008 opcode=MKDIR opcode_id=9 nodeid=1 uid=0 ... name="d"
 *	ts=2271 dir=OUT unique=0x0000000000000008 error=0 len=144 nodeid=0x0000000000000002 ...
 *
 * and the two lines of INIT that 2.33 to 2.40 print. Names stand in quotes with their newlines as
 * they are, so the quotes are followed over lines. Replies are printed in pieces, between which a
 * record of another thread may stand; the rest of the reply comes on a line of its own. The fields
 * are in mergerfs_fields.c.
 */
#include "mergerfs.h"

#include <errno.h>
#include <stdlib.h>

#include "formats.h"

#define FUSE_INIT 26
/* A link's target of 4095 quotes, and the record around it. */
#define OPEN_MAX (16 * 1024)
/* Lines after an interrupted reply in which the rest of it is looked for. */
#define TAIL_LINES 32

struct mergerfs {
	char *text; /* a record whose quotes are open; behind it, room for what is decoded */
	size_t size;
	size_t room;
	bool is_text_suspect;
	/*
	 * A quoted value was seen, so what is printed now is outside of quotes. Before that, the log
	 * may have begun in the middle of a name, and its lines may be a name's.
	 */
	bool is_synced;
	uint32_t tail_lines;  /* lines in which the rest of a reply may still come */
	bool is_waiting;      /* a success without the node that it names */
	struct ft_event wait; /* ... that one */
};

/* ---- what is passed on ---- */

static void pass_waiting(struct mergerfs *state, struct ft_sink *sink)
{
	static const struct ft_line no_line = {.text = {"", 0}};

	if (state->is_waiting)
		ft_sink_end(sink, &no_line, &state->wait);
	state->is_waiting = false;
}

static void take_tail(struct mergerfs *state, const struct ft_mergerfs_record *record,
		      struct ft_sink *sink)
{
	if (!(record->event.present & FT_HAS(ENTRY)) || !state->is_waiting)
		return;
	state->wait.entry = record->event.entry;
	state->wait.present |= FT_HAS(ENTRY);
	pass_waiting(state, sink);
}

static void take_reply(struct mergerfs *state, struct ft_mergerfs_record *record,
		       const struct ft_line *line, bool is_cut, struct ft_sink *sink)
{
	struct ft_event *event = &record->event;
	bool is_entry = event->present & FT_HAS(ENTRY);

	/* the handle, or even the node, may be that of the reply that was interrupted before */
	if (is_entry && state->tail_lines)
		event->present &= ~FT_HAS(FH);
	if (is_entry && state->is_waiting)
		event->present &= ~FT_HAS(ENTRY);
	if (is_entry)
		pass_waiting(state, sink);
	if (is_cut)
		state->tail_lines = TAIL_LINES;
	if (is_cut && !record->has_fields && event->error == 0) {
		bool is_second = state->is_waiting;

		pass_waiting(state, sink);
		if (!is_second && !line->is_suspect) {
			state->wait = *event;
			state->is_waiting = true;
			return;
		}
	}
	ft_sink_end(sink, line, event);
}

static void take_record(struct mergerfs *state, struct ft_mergerfs_record *record,
			const struct ft_line *line, bool is_cut, struct ft_sink *sink)
{
	struct ft_line told = *line;

	state->is_synced |= record->has_quotes;
	told.is_suspect |= !state->is_synced;
	if (record->is_tail) {
		take_tail(state, record, sink);
	} else if (!record->is_reply) {
		if (record->event.opcode == FUSE_INIT) {
			pass_waiting(state, sink);
			ft_sink_restart(sink);
		}
		ft_sink_begin(sink, &told, &record->event);
	} else if (record->has_error) {
		take_reply(state, record, &told, is_cut, sink);
	}
}

/* ---- records in a text ---- */

static bool begins_tail(const struct mergerfs *state, struct ft_scan scan)
{
	if (!state->tail_lines)
		return false;
	ft_scan_chars(&scan, ' ');
	return ft_scan_literal(&scan, "nodeid=0x") || ft_scan_literal(&scan, "ino=0x") ||
	       ft_scan_literal(&scan, "fh=0x");
}

static bool take_begin(const struct mergerfs *state, struct ft_scan *scan,
		       struct ft_mergerfs_record *ret_record)
{
	if (ft_mergerfs_header(scan, ret_record))
		return true;
	if (!begins_tail(state, *scan))
		return false;
	*ret_record = (struct ft_mergerfs_record){.is_reply = true, .is_tail = true};
	return true;
}

/* To the next thing that looks like a record, out of a name as it may be. */
static bool skip_broken(struct ft_scan *scan)
{
	struct ft_bytes ignored;

	if (ft_scan_left(scan) < 3)
		return false;
	scan->at += 3;
	if (!ft_scan_past(scan, "ts=", 3, &ignored))
		return false;
	scan->at -= 3;
	return true;
}

/*
 * All records of line->text, which may hold several lines. *ret_open is the begin of one that goes
 * on in the next line, or NULL. Behind a record that is broken, what follows is suspect.
 */
static void take_records(struct mergerfs *state, struct ft_line *line, char *decoded,
			 struct ft_sink *sink, const char **ret_open)
{
	struct ft_scan scan = ft_scan_of(line->text);

	*ret_open = NULL;
	while (!ft_scan_is_end(&scan)) {
		const char *begin = scan.at;
		struct ft_mergerfs_record record;
		int r = FT_MERGERFS_BROKEN;

		if (take_begin(state, &scan, &record))
			r = ft_mergerfs_fields(&scan, decoded + (scan.at - line->text.data),
					       &record);
		if (r == FT_MERGERFS_OPEN && (size_t)(scan.end - begin) < OPEN_MAX) {
			*ret_open = begin;
			return;
		}
		if (r == FT_MERGERFS_OK) {
			bool is_cut = !ft_scan_is_end(&scan) && *scan.at != '\n';

			take_record(state, &record, line, is_cut, sink);
			ft_scan_char(&scan, '\n');
			continue;
		}
		line->is_suspect = true;
		scan.at = begin;
		if (!skip_broken(&scan))
			return;
	}
}

/* ---- lines ---- */

static int make_room(struct mergerfs *state, size_t size)
{
	char *bytes;

	if (3 * size <= state->room)
		return 0;
	bytes = realloc(state->text, 6 * size);
	if (!bytes)
		return -ENOMEM;
	state->text = bytes;
	state->room = 6 * size;
	return 0;
}

/* Keeps a record with its newline for the lines to come. */
static int keep(struct mergerfs *state, const char *open, size_t size, bool has_cr)
{
	if (make_room(state, size + 2))
		return -ENOMEM;
	memmove(state->text, open, size);
	if (has_cr)
		state->text[size++] = '\r';
	state->text[size++] = '\n';
	state->size = size;
	return FT_LINE_PARTIAL;
}

/* A line of its own. */
static int take_line(struct mergerfs *state, const struct ft_line *whole, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(whole->text);
	struct ft_mergerfs_record ignored;
	struct ft_line line = *whole;
	const char *open;

	if (!take_begin(state, &scan, &ignored))
		return FT_LINE_OTHER;
	take_records(state, &line, line.scratch, sink, &open);
	if (state->tail_lines)
		state->tail_lines--;
	if (!open)
		return FT_LINE_TAKEN;
	state->is_text_suspect = line.is_suspect;
	return keep(state, open, (size_t)(line.text.data + line.text.length - open), line.has_cr);
}

/* A line behind open quotes. */
static int take_joined(struct mergerfs *state, const struct ft_line *added, struct ft_sink *sink)
{
	size_t size = state->size + added->text.length;
	struct ft_line line = *added;
	const char *open;

	if (make_room(state, size + 2))
		return -ENOMEM;
	if (added->text.length)
		memcpy(state->text + state->size, added->text.data, added->text.length);
	if (!memchr(state->text + state->size, '"', added->text.length) && size < OPEN_MAX)
		return keep(state, state->text, size, added->has_cr);
	line.text = (struct ft_bytes){state->text, size};
	line.is_suspect |= state->is_text_suspect;
	take_records(state, &line, state->text + size, sink, &open);
	state->size = 0;
	if (!open)
		return FT_LINE_TAKEN;
	state->is_text_suspect = line.is_suspect;
	return keep(state, open, (size_t)(state->text + size - open), added->has_cr);
}

/* ---- 2.33 to 2.40 ---- */

/* "FUSE_INIT_IN:  major=7; minor=45; ..." and "FUSE_INIT_OUT: major=7; ..." */
static bool take_init(const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_event event = {.opcode = FUSE_INIT};

	if (!ft_scan_literal(&scan, "FUSE_INIT_"))
		return false;
	if (ft_scan_literal(&scan, "IN:  major=")) {
		ft_sink_restart(sink);
		ft_sink_begin(sink, line, &event);
		return true;
	}
	if (!ft_scan_literal(&scan, "OUT: major="))
		return false;
	ft_sink_end(sink, line, &event);
	return true;
}

/* ---- the format ---- */

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct mergerfs *state = data;

	if (state->size)
		return take_joined(state, line, sink);
	if (line->text.length < 4)
		return FT_LINE_OTHER;
	if (line->text.data[0] == 'F')
		return take_init(line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	if (line->text.data[0] != 't' && !state->tail_lines)
		return FT_LINE_OTHER;
	return take_line(state, line, sink);
}

static void flush(void *data, struct ft_sink *sink)
{
	pass_waiting(data, sink);
}

static void gap(void *data)
{
	struct mergerfs *state = data;

	state->size = 0;
}

static void done(void *data)
{
	struct mergerfs *state = data;

	free(state->text);
}

static const char *const begins[] = {"ts=", "FUSE_INIT_IN:  ", "FUSE_INIT_OUT: ", NULL};

const struct ft_format ft_format_mergerfs = {
	.name = "mergerfs",
	.title = "mergerfs, 2.42 and later",
	.used_by = "mergerfs",
	.how = "-f -d, or -o debug=true with log.file=FILE",
	.note = "2.33 to 2.40 (-d) print only INIT; names of extended attributes that are set are lost",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_REPLY | FUSETRACE_GIVES_ERRNO |
		 FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET | FUSETRACE_GIVES_PID |
		 FUSETRACE_GIVES_UNIQUE | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct mergerfs),
	.take = take,
	.flush = flush,
	.gap = gap,
	.done = done,
};
