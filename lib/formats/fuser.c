/* SPDX-License-Identifier: MIT */
/*
 * Requests as the Rust crates fuser (all versions) and fuse print them:
 *
 *	FUSE( 16) ino 0x0000000000000002 CREATE name "a.txt", mode 0o100644, flags 0x8241
 *	FUSE(  8) ino 0x0000000000000001: LOOKUP name "d"
 *	fuse::request: LOOKUP(4) parent 0x0000000000000001, name "d"
 *
 * The second form is that of fuser 0.4 to 0.7, the third that of fuse 0.3. Replies are never printed,
 * but one: "[Not Implemented] access(ino: 0x1, mask: 1)", of a request that the filesystem leaves to
 * the crate.
 */
#include "fuser.h"

#include <errno.h>

#include <linux/fuse.h>

#include "formats.h"
#include "op/opcode.h"

/* Numbers of requests further ahead than that were not given out by the kernel. */
#define UNIQUE_AHEAD_MAX 8192

struct fuser {
	uint64_t newest; /* unique of the last request */
	uint64_t last;   /* ... whose reply may be told; 0: none */
	uint32_t last_opcode;
	bool is_timed; /* a logger puts the time before its records */
};

/* Names that the kernel writes with an underscore, or that are not requests of the kernel. */
static bool find_opcode(struct ft_bytes word, uint32_t *ret_opcode)
{
	static const struct {
		const char *word;
		uint32_t opcode;
	} others[] = {{"NOTIFYREPLY", 41}, {"BATCHFORGET", 42}, {"CUSE_INIT", 4096}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (ft_bytes_equal(word, ft_bytes_of(others[i].word))) {
			*ret_opcode = others[i].opcode;
			return true;
		}
	}
	return ft_opcode_find(word.data, word.length, ret_opcode);
}

/* FUSE( 16) ino 0x0000000000000002 CREATE; with a colon before the name since 0.4 and until 0.7. */
static bool take_head(struct ft_fuser_request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes word;

	if (!ft_scan_literal(scan, "FUSE("))
		return false;
	ft_scan_chars(scan, ' ');
	if (!ft_scan_u64(scan, &request->event.unique) || !ft_scan_literal(scan, ") ino 0x") ||
	    !ft_scan_hex(scan, &request->event.nodeid))
		return false;
	ft_scan_char(scan, ':');
	request->event.present = FT_HAS(UNIQUE) | FT_HAS(NODEID);
	if (!ft_scan_char(scan, ' ') || !ft_scan_word(scan, &word))
		return false; /* a request that the crate does not know: nothing tells what it is */
	ft_scan_char(scan, ' ');
	return find_opcode(word, &request->event.opcode);
}

/* fuse::request: LOOKUP(4) parent 0x0000000000000001, name "d" */
static bool take_old_head(struct ft_fuser_request *request)
{
	struct ft_scan *scan = &request->scan;
	struct ft_bytes word;

	if (!ft_scan_literal(scan, "fuse::request"))
		return false;
	if ((!ft_scan_literal(scan, ": ") && !ft_scan_literal(scan, "] ")) ||
	    !ft_scan_word(scan, &word) || !ft_scan_char(scan, '(') ||
	    !ft_scan_u64(scan, &request->event.unique) || !ft_scan_literal(scan, ") ") ||
	    !find_opcode(word, &request->event.opcode))
		return false;
	request->event.present = FT_HAS(UNIQUE);
	if (!ft_scan_literal(scan, "ino 0x") && !ft_scan_literal(scan, "parent 0x"))
		return true;
	if (!ft_scan_hex(scan, &request->event.nodeid))
		return false;
	request->event.present |= FT_HAS(NODEID);
	ft_scan_literal(scan, ", ");
	return true;
}

/* As in libfuse.c: the kernel's numbers are even and grow, an INTERRUPT has one that is odd. */
static bool is_implausible(const struct fuser *state, const struct ft_event *event)
{
	if (!state->newest || event->opcode == FUSE_INIT)
		return false;
	return (event->unique & 1) != (event->opcode == FUSE_INTERRUPT) ||
	       event->unique > state->newest + UNIQUE_AHEAD_MAX;
}

static bool take_request(struct fuser *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_fuser_request request = {
		.scan = ft_scan_of(line->text),
		.scratch = line->scratch,
	};
	struct ft_event *event = &request.event;
	bool is_doubtful;

	if (!take_head(&request)) {
		request = (struct ft_fuser_request){
			.scan = ft_scan_of(line->text),
			.scratch = line->scratch,
		};
		if (!take_old_head(&request))
			return false;
	}
	ft_fuser_take_fields(&request);
	if (event->opcode == FUSE_INIT)
		ft_sink_restart(sink);
	/* Names are quoted, but a handler's message may hold anything, and not behind a time. */
	is_doubtful = is_implausible(state, event) ||
		      (state->is_timed && line->time.clock == FT_CLOCK_NONE);
	event->marks = is_doubtful ? FUSETRACE_OP_SUSPECT : 0;
	event->key = event->unique;
	state->is_timed |= line->time.clock != FT_CLOCK_NONE;
	if (!is_doubtful)
		state->newest = event->unique & ~UINT64_C(1);
	state->last = event->unique;
	state->last_opcode = event->opcode;
	ft_sink_begin(sink, line, event);
	return true;
}

/* "[Not Implemented] access(ino: 0x1, mask: 1)": how the crate answers the request before. */
static bool take_refusal(struct fuser *state, const struct ft_line *line, struct ft_sink *sink)
{
	struct ft_scan scan = ft_scan_of(line->text);
	struct ft_event end = {.opcode = FT_OPCODE_OF_BEGIN, .error = ENOSYS};
	struct ft_bytes word;
	uint32_t opcode;

	if (!ft_scan_literal(&scan, "[Not Implemented] ") || !ft_scan_word(&scan, &word) ||
	    !ft_scan_char(&scan, '('))
		return false;
	if (!state->last || !ft_opcode_find(word.data, word.length, &opcode) ||
	    strcmp(ft_opcode_get(opcode)->name, ft_opcode_get(state->last_opcode)->name) != 0)
		return true;
	if (opcode == FUSE_SYMLINK || opcode == FUSE_LINK)
		end.error = EPERM;
	end.key = state->last;
	state->last = 0;
	ft_sink_end(sink, line, &end);
	return true;
}

static int take(void *data, const struct ft_line *line, struct ft_sink *sink)
{
	struct fuser *state = data;

	if (line->text.length < 8)
		return FT_LINE_OTHER;
	switch (line->text.data[0]) {
	case 'F':
	case 'f':
		return take_request(state, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	case '[':
		return take_refusal(state, line, sink) ? FT_LINE_TAKEN : FT_LINE_OTHER;
	case 'I':
		return memcmp(line->text.data, "INIT res", 8) == 0 ? FT_LINE_TAKEN : FT_LINE_OTHER;
	default:
		return FT_LINE_OTHER;
	}
}

static const char *const begins[] = {"FUSE(",           "fuse::request: ",
				     "fuse::request] ", "[Not Implemented] ",
				     "INIT response: ", NULL};

const struct ft_format ft_format_fuser = {
	.name = "fuser",
	.title = "Rust's fuser and fuse, all versions",
	.used_by = "filesystems written in Rust, through env_logger or tracing",
	.how = "RUST_LOG=fuser=debug",
	.note = "requests only, and 0.8 without their names: the end comes from the filesystem's own spans, or ENOSYS from the crate",
	.gives = FUSETRACE_GIVES_NAME | FUSETRACE_GIVES_TIME | FUSETRACE_GIVES_OFFSET |
		 FUSETRACE_GIVES_UNIQUE | FUSETRACE_GIVES_PROOF,
	.rank = FT_RANK_REQUESTS,
	.begins = begins,
	.state_size = sizeof(struct fuser),
	.take = take,
};
