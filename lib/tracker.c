/* SPDX-License-Identifier: MIT */
/*
 * Events to operations: see tracker.h. What a reply teaches about nodes and open files is applied
 * when it arrives, what a request is about is looked up when it begins: so a path is the one at
 * the time of the operation.
 */
#include "tracker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/list.h"
#include "handles.h"
#include "opcode.h"

#define FUSE_OPCODE_LOOKUP 1
#define FUSE_OPCODE_LINK 13
#define FUSE_OPCODE_GETXATTR 22
#define FUSE_OPCODE_LISTXATTR 23
#define RENAME_FLAG_EXCHANGE 2

/* A recording's own numbers up to here are kept; a higher one would leave none for what follows. */
#define SEQ_MAX (UINT64_MAX / 2)

/* How many ended requests are kept to be used again. */
#define SPARE_MAX 256

/* A request without a reply yet. Its names are copied behind one another into text. */
struct in_flight {
	struct ft_hash_node by_key;
	struct ft_list by_age;
	struct ft_event event; /* the begin, its names pointing into text */
	uint64_t order;
	bool is_unlinked;
	char *text;
	size_t text_size;
};

struct ft_tracker {
	struct ft_history *history;
	struct ft_nodes *nodes;
	struct ft_handles *handles;
	struct ft_hash by_key;
	struct ft_list by_age; /* oldest first */
	struct ft_list spare;
	size_t spare_count;
	size_t timed_count; /* in flight without the untimed ones */
	uint64_t last_order;
	uint64_t refused; /* opcodes once answered with ENOSYS, as ft_opcode_bit() */
	uint32_t source;
	ft_nodes_resolve_fn *resolve;
	ft_tracker_done_fn *done;
	void *data;
};

struct ft_tracker *ft_tracker_new(uint32_t source, struct ft_history *history,
				  ft_nodes_resolve_fn *resolve, ft_tracker_done_fn *done,
				  void *data)
{
	struct ft_tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	ft_list_init(&tracker->by_age);
	ft_list_init(&tracker->spare);
	tracker->source = source;
	tracker->history = history;
	tracker->resolve = resolve;
	tracker->done = done;
	tracker->data = data;
	tracker->nodes = ft_nodes_new(0, resolve, data);
	tracker->handles = ft_handles_new();
	if (!tracker->nodes || !tracker->handles || ft_hash_init(&tracker->by_key))
		return ft_tracker_free(tracker);
	return tracker;
}

static void free_list(struct ft_list *list)
{
	ft_list_foreach_safe (at, list) {
		struct in_flight *request = FT_CONTAINER(at, struct in_flight, by_age);

		free(request->text);
		free(request);
	}
}

void ft_tracker_set_source(struct ft_tracker *tracker, uint32_t source)
{
	tracker->source = source;
}

struct ft_tracker *ft_tracker_free(struct ft_tracker *tracker)
{
	if (!tracker)
		return NULL;
	free_list(&tracker->by_age);
	free_list(&tracker->spare);
	ft_hash_done(&tracker->by_key);
	ft_handles_free(tracker->handles);
	ft_nodes_free(tracker->nodes);
	free(tracker);
	return NULL;
}

/* ---- requests in flight ---- */

static struct in_flight *find(const struct ft_tracker *tracker, uint64_t key)
{
	struct ft_hash_node *at = ft_hash_first(&tracker->by_key, ft_hash_number(key));

	for (; at; at = ft_hash_next(at)) {
		struct in_flight *request = FT_CONTAINER(at, struct in_flight, by_key);

		if (request->event.key == key)
			return request;
	}
	return NULL;
}

static struct in_flight *take_spare(struct ft_tracker *tracker)
{
	struct in_flight *request;

	if (ft_list_is_empty(&tracker->spare))
		return calloc(1, sizeof(*request));
	request = FT_CONTAINER(tracker->spare.next, struct in_flight, by_age);
	ft_list_remove(&request->by_age);
	tracker->spare_count--;
	return request;
}

static bool is_untimed(const struct in_flight *request)
{
	return ft_opcode_get(request->event.opcode)->behaviour & FT_OPCODE_UNTIMED;
}

/* Takes request out of flight; it may be used again. */
static void retire(struct ft_tracker *tracker, struct in_flight *request)
{
	tracker->timed_count -= !is_untimed(request);
	ft_hash_remove(&tracker->by_key, &request->by_key);
	ft_list_remove(&request->by_age);
	if (tracker->spare_count < SPARE_MAX) {
		ft_list_append(&tracker->spare, &request->by_age);
		tracker->spare_count++;
		return;
	}
	free(request->text);
	free(request);
}

/* Copies the event's names into the request's own memory. */
static int own_names(struct in_flight *request)
{
	struct ft_event *event = &request->event;
	struct ft_bytes *names[] = {&event->path,  &event->path2, &event->name,
				    &event->name2, &event->xattr, &event->target};
	size_t size = 1; /* an empty name is not an absent one */
	char *at;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		size += names[i]->data ? names[i]->length : 0;
	if (size > request->text_size) {
		char *text = realloc(request->text, size);

		if (!text)
			return -ENOMEM;
		request->text = text;
		request->text_size = size;
	}
	at = request->text;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!names[i]->data)
			continue;
		memcpy(at, names[i]->data, names[i]->length);
		names[i]->data = at;
		at += names[i]->length;
	}
	return 0;
}

/* Without memory for them. */
static void forget_names(struct in_flight *request)
{
	const struct ft_bytes none = {NULL, 0};

	request->event.path = request->event.path2 = none;
	request->event.name = request->event.name2 = none;
	request->event.xattr = request->event.target = none;
}

/* ---- paths ---- */

/*
 * Two paths of one operation are looked up one after the other; the table's answer lives only until
 * the next question, so the first one is put aside here.
 */
static struct ft_bytes put_aside(struct ft_bytes path, char **owner)
{
	*owner = path.data ? malloc(path.length + 1) : NULL;
	if (!*owner)
		return (struct ft_bytes){NULL, 0};
	memcpy(*owner, path.data, path.length);
	return (struct ft_bytes){*owner, path.length};
}

static struct ft_bytes path_of_node(struct ft_tracker *tracker, const struct ft_event *event,
				    bool *ret_unlinked)
{
	uint64_t link = 0;

	if (event->present & FT_HAS(FH))
		link = ft_handles_link(tracker->handles, event->nodeid, event->fh);
	return ft_nodes_path(tracker->nodes, event->nodeid, link, ret_unlinked);
}

/* Fills path and path2 of event from its nodeids and names; *ret_owner must outlive them. */
static void find_paths(struct ft_tracker *tracker, struct ft_event *event, bool *ret_unlinked,
		       char **ret_owner)
{
	uint32_t behaviour = ft_opcode_get(event->opcode)->behaviour;
	bool ignored;

	*ret_unlinked = false;
	if (event->path.data || !(event->present & FT_HAS(NODEID)) ||
	    (behaviour & FT_OPCODE_NO_PATH))
		return;
	if (event->opcode == FUSE_OPCODE_LINK) {
		event->path = put_aside(
			ft_nodes_path(tracker->nodes, event->nodeid2, 0, ret_unlinked), ret_owner);
		if (!event->path2.data && event->name.data)
			event->path2 =
				ft_nodes_child_path(tracker->nodes, event->nodeid, event->name);
		if (!event->path2.data)
			event->name2 = event->name;
		return;
	}
	/* The directory's own path would be a wrong one. */
	if ((behaviour & FT_OPCODE_NAME) && !event->name.data)
		return;
	if (behaviour & FT_OPCODE_NAME)
		event->path = ft_nodes_child_path(tracker->nodes, event->nodeid, event->name);
	else
		event->path = path_of_node(tracker, event, ret_unlinked);
	if (!(event->present & FT_HAS(NODEID2)))
		return;
	event->path = put_aside(event->path, ret_owner);
	event->path2 = (behaviour & FT_OPCODE_NAME2)
			       ? ft_nodes_child_path(tracker->nodes, event->nodeid2, event->name2)
			       : ft_nodes_path(tracker->nodes, event->nodeid2, 0, &ignored);
}

/* ---- what replies teach ---- */

static bool is_enosys_first(struct ft_tracker *tracker, uint32_t opcode)
{
	uint64_t bit = ft_opcode_bit(opcode);
	bool is_first = !(tracker->refused & bit);

	tracker->refused |= bit;
	return is_first;
}

/* Failures that the kernel provokes itself while it finds out what there is. */
static bool is_probe(struct ft_tracker *tracker, uint32_t opcode, int error)
{
	switch (error) {
	case ENOENT:
		return opcode == FUSE_OPCODE_LOOKUP;
	case ENODATA:
	case EOPNOTSUPP:
	case ERANGE:
		return opcode == FUSE_OPCODE_GETXATTR || opcode == FUSE_OPCODE_LISTXATTR;
	case ENOSYS:
		return is_enosys_first(tracker, opcode);
	default:
		return false;
	}
}

static void learn_handle(struct ft_tracker *tracker, const struct ft_event *begin,
			 const struct ft_event *end)
{
	uint64_t nodeid = (end->present & FT_HAS(ENTRY)) ? end->entry : begin->nodeid;

	if (end->present & FT_HAS(FH))
		ft_handles_open(tracker->handles, nodeid, end->fh,
				ft_nodes_link(tracker->nodes, nodeid));
}

/* RENAME's second one. A log that has whole paths may not have its node. */
static uint64_t new_directory(const struct ft_tracker *tracker, const struct ft_event *begin)
{
	struct ft_bytes path = begin->path2;
	const char *slash;

	if (begin->present & FT_HAS(NODEID2) || !path.data)
		return begin->nodeid2;
	slash = memrchr(path.data, '/', path.length);
	path.length = slash ? (size_t)(slash - path.data) : 0;
	return ft_nodes_find(tracker->nodes, path);
}

/* Applies a reply to the node and handle tables. */
static void learn(struct ft_tracker *tracker, const struct ft_event *begin,
		  const struct ft_event *end)
{
	uint32_t behaviour = ft_opcode_get(begin->opcode)->behaviour;

	if (behaviour & FT_OPCODE_CLOSES)
		ft_handles_close(tracker->handles, begin->nodeid, begin->fh);
	if (end->error == ENOENT && begin->opcode == FUSE_OPCODE_LOOKUP && begin->name.data)
		ft_nodes_remove(tracker->nodes, begin->nodeid, begin->name);
	if (end->error || (begin->marks & FUSETRACE_OP_TRUNCATED))
		return; /* nothing to learn, or under which name is not known */
	if ((behaviour & FT_OPCODE_ENTRY) && (end->present & FT_HAS(ENTRY)) && begin->name.data) {
		if (end->entry)
			ft_nodes_add(tracker->nodes, begin->nodeid, begin->name, end->entry);
		else
			ft_nodes_remove(tracker->nodes, begin->nodeid, begin->name);
	}
	if (behaviour & FT_OPCODE_OPENS)
		learn_handle(tracker, begin, end);
	if ((behaviour & FT_OPCODE_REMOVES) && begin->name.data)
		ft_nodes_remove(tracker->nodes, begin->nodeid, begin->name);
	if ((behaviour & FT_OPCODE_NAME2) && !begin->name.data && !begin->path.data)
		ft_nodes_forget_names(tracker->nodes, begin->nodeid);
	if ((behaviour & FT_OPCODE_NAME2) && begin->name.data && begin->name2.data)
		ft_nodes_rename(tracker->nodes, begin->nodeid, begin->name,
				new_directory(tracker, begin), begin->name2,
				begin->flags & RENAME_FLAG_EXCHANGE);
}

/* ---- operations ---- */

static void take_numbers(struct fusetrace_op *op, const struct ft_event *begin)
{
	op->present = begin->present;
	op->marks = (uint8_t)begin->marks;
	op->opcode = (uint16_t)begin->opcode;
	op->unique = begin->unique;
	op->nodeid = begin->nodeid;
	op->other = (begin->present & FT_HAS(NODEID2)) ? begin->nodeid2 : 0;
	op->fh = begin->fh;
	op->offset = begin->offset;
	op->size = begin->size;
	op->pid = begin->pid;
	op->uid = begin->uid;
	op->gid = begin->gid;
	op->mode = begin->mode;
	op->flags = begin->flags;
	op->valid = begin->valid;
}

static const struct ft_name *take_name(struct ft_history *history, struct ft_chunk *alone,
				       struct ft_bytes bytes)
{
	return alone ? ft_chunk_name(alone, bytes, 0) : ft_history_intern(history, bytes);
}

/* NAME and NAME2 stand only for a path that is not known. */
static void take_names(struct fusetrace_op *op, const struct ft_event *begin,
		       struct ft_history *history, struct ft_chunk *alone)
{
	/* a link's name is the last component of its second path */
	bool is_told = begin->path.data || begin->opcode == FUSE_OPCODE_LINK;
	struct ft_bytes name = is_told ? (struct ft_bytes){NULL, 0} : begin->name;
	struct ft_bytes name2 = begin->path2.data ? (struct ft_bytes){NULL, 0} : begin->name2;

	op->path = take_name(history, alone, begin->path);
	op->path2 = take_name(history, alone, begin->path2);
	op->name = take_name(history, alone, begin->xattr.data ? begin->xattr : name);
	op->name2 = take_name(history, alone, begin->target.data ? begin->target : name2);
	op->present &= ~(FT_HAS(PATH) | FT_HAS(PATH2) | FT_HAS(NAME) | FT_HAS(NAME2) |
			 FT_HAS(XATTR) | FT_HAS(TARGET));
	op->present |= op->path ? FT_HAS(PATH) : 0;
	op->present |= op->path2 ? FT_HAS(PATH2) : 0;
	if (op->name)
		op->present |= begin->xattr.data ? FT_HAS(XATTR) : FT_HAS(NAME);
	if (op->name2)
		op->present |= begin->target.data ? FT_HAS(TARGET) : FT_HAS(NAME2);
}

/* A request for an attribute with no room for it asks for its size, which is the whole reply. */
static bool is_size_probe(const struct fusetrace_op *op)
{
	return (ft_opcode_get(op->opcode)->behaviour & FT_OPCODE_ASKS_SIZE) &&
	       (op->present & FT_HAS(SIZE)) && op->size == 0;
}

static void take_reply(struct fusetrace_op *op, const struct ft_event *end)
{
	uint32_t replied = end->present & (FT_HAS(ENTRY) | FT_HAS(FH) | FT_HAS(REPLY_SIZE));

	if (!(op->present & FT_HAS(NODEID2)) && (replied & FT_HAS(ENTRY)))
		op->other = end->entry;
	else
		replied &= ~FT_HAS(ENTRY);
	op->present &= ~FT_HAS(ENTRY);
	if ((replied & FT_HAS(FH)) && !(op->present & FT_HAS(FH)))
		op->fh = end->fh;
	if (replied & FT_HAS(REPLY_SIZE))
		op->reply_size = end->reply_size;
	op->present |= replied;
}

static uint8_t status_of(const struct ft_event *end)
{
	if (end->error == 0)
		return FUSETRACE_STATUS_COMPLETED;
	/* The kernel's own answer to what was in flight when the connection broke. */
	if (end->error == ECONNABORTED)
		return FUSETRACE_STATUS_UNKNOWN;
	return FUSETRACE_STATUS_FAILED;
}

/* A time that the source does not tell still orders the operation against marks. */
static void order_by_seen(struct fusetrace_op *op, uint64_t seen_ns)
{
	uint64_t late_us;

	if (!op->start_ns)
		op->start_ns = seen_ns;
	if (seen_ns <= op->start_ns)
		return;
	late_us = (seen_ns - op->start_ns + 999) / 1000;
	op->seen_late_us = late_us < UINT32_MAX ? (uint32_t)late_us : UINT32_MAX;
}

static void take_start(struct fusetrace_op *op, const struct ft_event *begin)
{
	op->start_ns = begin->time_ns;
	op->present |= begin->time_ns ? FT_HAS(START_NS) : 0;
	order_by_seen(op, begin->seen_ns);
}

static void take_result(struct ft_tracker *tracker, struct fusetrace_op *op,
			const struct ft_event *end)
{
	op->status = status_of(end);
	if (end->ending == FT_ENDING_ENDED)
		return;
	op->error = (uint16_t)end->error;
	op->present |= FT_HAS(ERRNO);
	op->marks |= is_probe(tracker, op->opcode, end->error) ? FUSETRACE_OP_PROBE : 0;
}

static void take_duration(struct fusetrace_op *op, const struct ft_event *begin,
			  const struct ft_event *end)
{
	if (end->duration_ns)
		op->duration_ns = end->duration_ns;
	else if (begin && begin->time_ns && end->time_ns >= begin->time_ns)
		op->duration_ns = end->time_ns - begin->time_ns;
	else if (begin && begin->duration_ns)
		op->duration_ns = begin->duration_ns;
	else
		return;
	op->present |= FT_HAS(DURATION_NS);
}

/* Puts begin (NULL: not seen) and end (NULL: will not come) into the history as one operation. */
static void finish(struct ft_tracker *tracker, const struct ft_event *begin,
		   const struct ft_event *end, bool is_unlinked)
{
	struct fusetrace_op *op = ft_history_reserve(tracker->history);
	const struct ft_event *request = begin ? begin : end;

	if (!op)
		return;
	take_numbers(op, request);
	take_names(op, request, tracker->history, NULL);
	op->source = (uint8_t)tracker->source;
	op->status = FUSETRACE_STATUS_UNKNOWN;
	op->marks |= is_unlinked ? FUSETRACE_OP_UNLINKED : 0;
	if (begin)
		take_start(op, begin);
	if (end && end->ending != FT_ENDING_UNKNOWN) {
		take_reply(op, end);
		if (is_size_probe(op))
			op->reply_size = end->probe_size;
		take_result(tracker, op, end);
		take_duration(op, begin, end);
	}
	op->present |= FT_HAS(SEQ);
	ft_history_publish(tracker->history, op);
	tracker->done(op, tracker->data);
}

void ft_tracker_begin(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct in_flight *request = find(tracker, event->key);
	char *owner FT_AUTO_FREE = NULL;

	if (request) { /* the key is used again: its end was lost, or the request taken back */
		finish(tracker, &request->event, NULL, request->is_unlinked);
		retire(tracker, request);
	}
	request = take_spare(tracker);
	if (!request)
		return;
	request->event = *event;
	find_paths(tracker, &request->event, &request->is_unlinked, &owner);
	if (own_names(request)) {
		free(request->text);
		free(request);
		return;
	}
	if (ft_opcode_get(event->opcode)->behaviour & FT_OPCODE_NO_REPLY) {
		struct ft_event no_reply = {.error = 0};

		finish(tracker, &request->event, &no_reply, request->is_unlinked);
		free(request->text);
		free(request);
		return;
	}
	request->order = ++tracker->last_order;
	tracker->timed_count += !is_untimed(request);
	ft_list_append(&tracker->by_age, &request->by_age);
	ft_hash_insert(&tracker->by_key, &request->by_key, ft_hash_number(event->key));
}

const struct ft_event *ft_tracker_find(const struct ft_tracker *tracker, uint64_t key)
{
	const struct in_flight *request = find(tracker, key);

	return request ? &request->event : NULL;
}

const struct ft_event *ft_tracker_newest(const struct ft_tracker *tracker,
					 bool (*test)(const struct ft_event *event, void *data),
					 void *data)
{
	for (struct ft_list *at = tracker->by_age.previous; at != &tracker->by_age;
	     at = at->previous) {
		const struct in_flight *request = FT_CONTAINER(at, struct in_flight, by_age);

		if (test(&request->event, data))
			return &request->event;
	}
	return NULL;
}

/* What only a reply or an operation as a whole has. */
#define NOT_OF_REQUEST                                                                             \
	(FT_HAS(SEQ) | FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(ERRNO) | FT_HAS(ENTRY) |    \
	 FT_HAS(REPLY_SIZE))

/* Adds to event what more has and it had not. */
static void add_fields(struct ft_event *event, const struct ft_event *more)
{
	uint32_t missing = more->present & ~event->present & ~NOT_OF_REQUEST;

#define FT_ADD(FIELD, member)                                                                      \
	if (missing & FT_HAS(FIELD))                                                               \
		event->member = more->member;
	FT_ADD(UNIQUE, unique)
	FT_ADD(PID, pid)
	FT_ADD(UID, uid)
	FT_ADD(GID, gid)
	FT_ADD(NODEID, nodeid)
	FT_ADD(NODEID2, nodeid2)
	FT_ADD(FH, fh)
	FT_ADD(OFFSET, offset)
	FT_ADD(SIZE, size)
	FT_ADD(MODE, mode)
	FT_ADD(FLAGS, flags)
	FT_ADD(VALID, valid)
#undef FT_ADD
	event->present |= missing;
	event->marks |= more->marks;
	event->valid |= (more->present & FT_HAS(VALID)) ? more->valid : 0;
	event->time_ns = event->time_ns ? event->time_ns : more->time_ns;
	event->duration_ns = event->duration_ns ? event->duration_ns : more->duration_ns;
}

void ft_tracker_amend(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct in_flight *request = find(tracker, event->key);
	struct ft_event whole;
	char *owner FT_AUTO_FREE = NULL;
	char *before FT_AUTO_FREE = NULL;

	if (!request)
		return;
	whole = request->event;
	add_fields(&whole, event);
#define FT_ADD(member, is_better)                                                                  \
	if (event->member.data && (!whole.member.data || (is_better)))                             \
		whole.member = event->member;
	FT_ADD(path, true)
	FT_ADD(path2, true)
	FT_ADD(name, false)
	FT_ADD(name2, false)
	FT_ADD(xattr, false)
	FT_ADD(target, false)
#undef FT_ADD
	if (!whole.path.data)
		find_paths(tracker, &whole, &request->is_unlinked, &owner);
	request->event = whole;
	before = FT_STEAL_PTR(request->text); /* some names still point into it */
	request->text_size = 0;
	if (own_names(request))
		forget_names(request);
}

/* After a loss the end of one request may meet the begin of another one with the same key. */
static bool is_reply_to(const struct ft_event *end, const struct ft_event *begin)
{
	uint32_t both = end->present & begin->present;

	return (end->opcode == begin->opcode || end->opcode == FT_OPCODE_OF_BEGIN) &&
	       (!(both & FT_HAS(UNIQUE)) || end->unique == begin->unique) &&
	       (!(both & FT_HAS(NODEID)) || end->nodeid == begin->nodeid);
}

void ft_tracker_end(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct in_flight *request = find(tracker, event->key);
	struct ft_event late;
	char *owner FT_AUTO_FREE = NULL;
	bool is_unlinked = false;

	if (request && !is_reply_to(event, &request->event)) {
		finish(tracker, &request->event, NULL, request->is_unlinked);
		retire(tracker, request);
		request = NULL;
	}
	if (request) {
		if (!(request->event.present & FT_HAS(UNIQUE)) &&
		    (event->present & FT_HAS(UNIQUE))) {
			request->event.unique = event->unique;
			request->event.present |= FT_HAS(UNIQUE);
		}
		learn(tracker, &request->event, event);
		finish(tracker, &request->event, event, request->is_unlinked);
		retire(tracker, request);
		return;
	}
	if (event->opcode == FT_OPCODE_OF_BEGIN)
		return;
	late = *event;
	if (!(ft_opcode_get(event->opcode)->behaviour & FT_OPCODE_NAME))
		find_paths(tracker, &late, &is_unlinked, &owner);
	finish(tracker, NULL, &late, is_unlinked);
}

void ft_tracker_entry(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
		      uint64_t nodeid)
{
	ft_nodes_add(tracker->nodes, directory, name, nodeid);
}

void ft_tracker_unlinked(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
			 uint64_t nodeid)
{
	if (ft_nodes_link(tracker->nodes, nodeid))
		return;
	ft_nodes_add(tracker->nodes, directory, name, nodeid);
	ft_nodes_set_unlinked(tracker->nodes, nodeid);
}

void ft_tracker_record(struct ft_tracker *tracker, const struct ft_event *event,
		       const struct ft_record_times *times)
{
	struct in_flight *request = find(tracker, event->key);
	struct fusetrace_op *op = ft_history_reserve(tracker->history);

	if (request && is_reply_to(event, &request->event))
		retire(tracker, request);
	if (!op)
		return;
	if (times->seq > op->seq && times->seq <= SEQ_MAX)
		op->seq = times->seq;
	take_numbers(op, event);
	take_names(op, event, tracker->history, NULL);
	take_reply(op, event);
	op->source = times->source;
	op->status = times->status;
	op->error = (uint16_t)event->error;
	op->start_ns = times->start_ns;
	order_by_seen(op, event->seen_ns);
	op->duration_ns = times->duration_ns;
	op->present |= FT_HAS(SEQ) | (event->present & FT_HAS(ERRNO));
	ft_history_publish(tracker->history, op);
	tracker->done(op, tracker->data);
}

void ft_tracker_abandon(struct ft_tracker *tracker)
{
	ft_list_foreach_safe (at, &tracker->by_age) {
		struct in_flight *request = FT_CONTAINER(at, struct in_flight, by_age);

		finish(tracker, &request->event, NULL, request->is_unlinked);
		retire(tracker, request);
	}
}

void ft_tracker_restart(struct ft_tracker *tracker)
{
	struct ft_nodes *nodes = ft_nodes_new(0, tracker->resolve, tracker->data);
	struct ft_handles *handles = ft_handles_new();

	ft_tracker_abandon(tracker);
	tracker->refused = 0;
	if (nodes && handles) {
		FT_SWAP(tracker->nodes, nodes);
		FT_SWAP(tracker->handles, handles);
	}
	ft_nodes_free(nodes);
	ft_handles_free(handles);
}

size_t ft_tracker_in_flight(const struct ft_tracker *tracker, bool without_untimed)
{
	return without_untimed ? tracker->timed_count : tracker->by_key.count;
}

struct fusetrace_op *ft_tracker_snapshot(struct ft_tracker *tracker, uint64_t *cursor)
{
	ft_list_foreach (at, &tracker->by_age) {
		struct in_flight *request = FT_CONTAINER(at, struct in_flight, by_age);
		struct ft_chunk *chunk;

		if (request->order <= *cursor)
			continue;
		chunk = ft_chunk_new(1);
		if (!chunk)
			return NULL;
		memset(&chunk->ops[0], 0, sizeof(chunk->ops[0]));
		chunk->ops[0].chunk = chunk;
		take_numbers(&chunk->ops[0], &request->event);
		take_names(&chunk->ops[0], &request->event, NULL, chunk);
		chunk->ops[0].source = (uint8_t)tracker->source;
		chunk->ops[0].status = FUSETRACE_STATUS_STARTED;
		chunk->ops[0].marks |= request->is_unlinked ? FUSETRACE_OP_UNLINKED : 0;
		take_start(&chunk->ops[0], &request->event);
		*cursor = request->order;
		return &chunk->ops[0];
	}
	return NULL;
}
