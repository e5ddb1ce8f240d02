/* SPDX-License-Identifier: MIT */
/*
 * Lines of libfuse without a number, and the requests that they belong to. The thread that handles a
 * request prints them, so that of several threads come between those of the others: a line belongs
 * to the newest request that it fits and that has none yet.
 *
 * A newline in a name breaks a line. That it goes on in the next one is told by the size of the request,
 * which its names do not fill yet, or by a name that was seen before.
 */
#include "libfuse.h"

#include "op/opcode.h"

/* How far back the request is looked for that a line belongs to. */
#define LOOK_BACK 32

static const struct ft_line no_line = {.text = {"", 0}};

/* ---- nodes ---- */

bool ft_libfuse_take_node_line(struct ft_libfuse *state, struct ft_bytes text)
{
	struct ft_scan scan = ft_scan_of(text);
	uint64_t node;

	if (!ft_scan_literal(&scan, "   NODEID: ") || !ft_scan_u64(&scan, &node) ||
	    !ft_scan_is_end(&scan))
		return false;
	state->is_node_doubtful = state->node != 0;
	state->node = node;
	return true;
}

/* ---- names that break lines ---- */

static void remember_broken(struct ft_libfuse_breaks *breaks, struct ft_bytes name)
{
	struct ft_libfuse_name *broken = &breaks->names[breaks->count % FT_LIBFUSE_BROKEN];

	if (!name.data || name.length > FT_LIBFUSE_NAME_MAX ||
	    !memchr(name.data, '\n', name.length))
		return;
	memcpy(broken->bytes, name.data, name.length);
	broken->length = name.length;
	breaks->count++;
}

/* Whether text ends with a known name up to one of its newlines. */
static bool ends_broken(const struct ft_libfuse_breaks *breaks, struct ft_bytes text)
{
	const char *slash;
	size_t length;

	if (!breaks->count)
		return false;
	slash = memrchr(text.data, '/', text.length);
	length = slash ? (size_t)(text.data + text.length - slash) - 1 : 0;
	for (uint32_t i = 0; slash && i < breaks->count && i < FT_LIBFUSE_BROKEN; i++) {
		const struct ft_libfuse_name *broken = &breaks->names[i];

		if (length < broken->length && broken->bytes[length] == '\n' &&
		    memcmp(slash + 1, broken->bytes, length) == 0)
			return true;
	}
	return false;
}

/* ---- which request ---- */

static size_t names_size(const struct ft_libfuse_request *request, const struct ft_detail *detail)
{
	size_t value = (detail->event.present & FT_HAS(SIZE)) ? (size_t)detail->event.size : 0;

	return request->insize ? ft_detail_names_size(request->opcode, request->insize, value) : 0;
}

/* Whether the detail names another node than the request's. */
static bool is_elsewhere(const struct ft_libfuse_request *request, const struct ft_detail *detail)
{
	return detail->is_of_node && (detail->event.present & FT_HAS(NODEID)) &&
	       detail->event.nodeid != request->nodeid;
}

static bool is_of_opcode(const struct ft_detail *detail, uint32_t opcode)
{
	return opcode < 64 && (detail->opcodes >> opcode & 1);
}

/* The newest request that the detail fits, from the last one back; NULL: none. */
static struct ft_libfuse_request *owner_of(struct ft_libfuse *state, struct ft_detail *detail)
{
	uint64_t unique = state->newest;

	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct ft_libfuse_request *request = ft_libfuse_find(state, unique);

		if (request && !request->has_details && is_of_opcode(detail, request->opcode) &&
		    !is_elsewhere(request, detail) &&
		    ft_detail_settle(detail, request->opcode, names_size(request, detail)) ==
			    FT_DETAIL_FITS)
			return request;
	}
	return NULL;
}

/* Whether part of the last request's name is still to come. */
static bool goes_on(struct ft_libfuse *state, struct ft_detail *detail)
{
	struct ft_libfuse_request *request = ft_libfuse_find(state, state->last);
	size_t size;

	if (!request || request->has_details || detail->is_of_reply ||
	    is_elsewhere(request, detail))
		return false;
	size = names_size(request, detail);
	return size && ft_detail_settle(detail, request->opcode, size) == FT_DETAIL_TOO_SHORT;
}

/* ---- a path that is looked up again ---- */

/* "LOOKUP /a" and its like, but for DELETE and RENAME, are followed by "getattr /a". */
static bool is_looked_up_again(const struct ft_libfuse_request *request)
{
	return request->opcode == FUSE_SETATTR ||
	       (ft_opcode_get(request->opcode)->behaviour & FT_OPCODE_ENTRY);
}

/* The end of a path is as good as the whole to tell whether it is the same. */
static struct ft_bytes end_of(struct ft_bytes path)
{
	size_t length = path.length < FT_LIBFUSE_NAME_MAX ? path.length : FT_LIBFUSE_NAME_MAX;

	return (struct ft_bytes){path.data + path.length - length, length};
}

static struct ft_bytes new_path(const struct ft_event *details)
{
	return details->path2.data ? details->path2 : details->path;
}

static void note_path(struct ft_libfuse *state, const struct ft_libfuse_request *request,
		      const struct ft_event *details)
{
	struct ft_bytes path = new_path(details);

	state->looks_again = 0;
	if (!details->path.data || !is_looked_up_again(request))
		return;
	state->looks_again = request->unique;
	state->looked_up.length = path.length;
	memcpy(state->looked_up.bytes, end_of(path).data, end_of(path).length);
}

/* Whether it is the second line of a request that had one: no other request's. */
static bool is_second(struct ft_libfuse *state, const struct ft_detail *detail)
{
	struct ft_bytes path = new_path(&detail->event);

	if (!state->looks_again || detail->opcodes != UINT64_C(1) << FUSE_GETATTR ||
	    !detail->event.path.data || path.length != state->looked_up.length ||
	    memcmp(state->looked_up.bytes, end_of(path).data, end_of(path).length) != 0)
		return false;
	state->looks_again = 0;
	return true;
}

/* ---- what it adds to it ---- */

/* The request was not passed on yet: both become one event. */
static void begin_with(struct ft_libfuse *state, struct ft_event *details, struct ft_sink *sink)
{
	const struct ft_event *held = &state->held;

	details->key = held->key;
	details->opcode = held->opcode;
	details->unique = held->unique;
	details->nodeid = held->nodeid;
	details->pid = held->pid;
	if (held->present & FT_HAS(SIZE))
		details->size = held->size;
	details->present |= held->present;
	details->marks |= held->marks;
	state->is_held = false;
	ft_sink_begin(sink, &no_line, details);
}

static void give_details(struct ft_libfuse *state, struct ft_libfuse_request *request,
			 struct ft_event *details, struct ft_sink *sink)
{
	request->has_details = true;
	note_path(state, request, details);
	if (state->is_held && state->held.unique == request->unique) {
		begin_with(state, details, sink);
		return;
	}
	details->key = request->unique;
	ft_sink_amend(sink, details);
}

/* "   create[5] flags: ...", "   read[5] 100 bytes from 0" */
static void take_reply_detail(struct ft_libfuse *state, const struct ft_detail *detail)
{
	uint64_t unique = state->newest;

	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct ft_libfuse_request *request = ft_libfuse_find(state, unique);

		if (!request || request->has_reply_details ||
		    !is_of_opcode(detail, request->opcode))
			continue;
		request->has_reply_details = true;
		request->has_fh = !(detail->event.present & FT_HAS(SIZE)) &&
				  (detail->event.present & FT_HAS(FH));
		request->fh = detail->event.fh;
		request->has_moved = request->opcode == FUSE_WRITE;
		request->moved = detail->event.reply_size;
		return;
	}
}

/* ---- names that were given a node ---- */

/* How long the name is that a request makes or looks up; 0: not known. */
static size_t child_length(const struct ft_libfuse_request *request)
{
	size_t size = request->insize && request->opcode != FUSE_SYMLINK
			      ? ft_detail_names_size(request->opcode, request->insize, 0)
			      : 0;

	return size ? size - 1 : 0;
}

static bool gives_entry(const struct ft_libfuse_request *request, const struct ft_entry_line *line)
{
	return request && !request->entry && request->nodeid == line->directory &&
	       (ft_opcode_get(request->opcode)->behaviour & FT_OPCODE_ENTRY);
}

/* "  1/d -> 140622799310000": of the newest request that gives such a name a node. */
static int take_entry_line(struct ft_libfuse *state, struct ft_bytes text, bool has_cr,
			   struct ft_sink *sink)
{
	struct ft_entry_line line;
	uint64_t unique = state->newest;
	bool is_short = false;

	if (!ft_handler_parse_entry(text, &line))
		return FT_LINE_OTHER;
	for (int i = 0; i < LOOK_BACK && unique > 0; i++, unique -= 2) {
		struct ft_libfuse_request *request = ft_libfuse_find(state, unique);
		struct ft_event named = {.present = 0};
		int fit;

		if (!gives_entry(request, &line))
			continue;
		fit = ft_handler_settle_entry(&line, child_length(request));
		is_short |= fit == FT_DETAIL_TOO_SHORT;
		if (fit != FT_DETAIL_FITS)
			continue;
		request->entry = line.node;
		named.name = line.name;
		remember_broken(&state->breaks, line.name);
		if (!request->has_details)
			give_details(state, request, &named, sink);
		return FT_LINE_TAKEN;
	}
	if ((is_short || ends_broken(&state->breaks, text)) &&
	    text.length < FT_LIBFUSE_JOINED_MAX && !state->is_rejoined)
		return ft_joined_keep(&state->joined, text, has_cr);
	return FT_LINE_TAKEN;
}

/* ---- all of them ---- */

/* A detail with all that belongs to it. */
static int take_whole(struct ft_libfuse *state, struct ft_detail *detail, struct ft_sink *sink)
{
	struct ft_libfuse_request *request;

	if (detail->is_of_reply) {
		take_reply_detail(state, detail);
		return FT_LINE_TAKEN;
	}
	if (is_second(state, detail))
		return FT_LINE_TAKEN;
	request = owner_of(state, detail);
	if (!request)
		return FT_LINE_UNOWNED;
	remember_broken(&state->breaks, detail->event.name);
	remember_broken(&state->breaks, detail->event.name2);
	give_details(state, request, &detail->event, sink);
	return FT_LINE_TAKEN;
}

int ft_libfuse_take_detail(struct ft_libfuse *state, struct ft_bytes text, bool has_cr,
			   struct ft_sink *sink)
{
	bool may_grow = text.length < FT_LIBFUSE_JOINED_MAX;
	struct ft_detail detail;
	int r = take_entry_line(state, text, has_cr, sink);

	if (r != FT_LINE_OTHER)
		return r;
	if (!ft_detail_parse(text, &detail))
		return may_grow && ends_broken(&state->breaks, text) && ft_detail_begins(text)
			       ? ft_joined_keep(&state->joined, text, has_cr)
			       : FT_LINE_OTHER;
	if (may_grow && ends_broken(&state->breaks, text))
		return ft_joined_keep(&state->joined, text, has_cr);
	r = take_whole(state, &detail, sink);
	if (r != FT_LINE_UNOWNED || !may_grow || state->is_rejoined || !goes_on(state, &detail))
		return r;
	state->is_guess = true;
	return ft_joined_keep(&state->joined, text, has_cr);
}
