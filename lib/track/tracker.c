/* SPDX-License-Identifier: MIT */
/*
 * Events to operations: see tracker.h. What a reply teaches (tables.h) is applied when it arrives, what a
 * request is about is looked up when it begins: so a path is the one at the time of the operation.
 */
#include "tracker.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "ignored.h"
#include "op/opcode.h"
#include "op_of_events.h"
#include "requests.h"
#include "tables.h"

/* A recording's own numbers up to here are kept; a higher one would leave none for what follows. */
#define SEQ_MAX (UINT64_MAX / 2)

struct ft_tracker {
	struct ft_history *history;
	struct ft_tables tables;
	struct ft_requests requests;
	struct ft_ignored *ignored; /* NULL until somebody is */
	uint64_t refused;           /* opcodes once answered with ENOSYS, as ft_opcode_bit() */
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
	int r;

	if (!tracker)
		return NULL;
	r = ft_requests_init(&tracker->requests);
	tracker->source = source;
	tracker->history = history;
	tracker->resolve = resolve;
	tracker->done = done;
	tracker->data = data;
	if (ft_tables_init(&tracker->tables, resolve, data) < 0 || r < 0)
		return ft_tracker_free(tracker);
	return tracker;
}

void ft_tracker_set_source(struct ft_tracker *tracker, uint32_t source)
{
	tracker->source = source;
}

struct ft_tracker *ft_tracker_free(struct ft_tracker *tracker)
{
	if (!tracker)
		return NULL;
	ft_requests_done(&tracker->requests);
	ft_ignored_free(tracker->ignored);
	ft_tables_done(&tracker->tables);
	free(tracker);
	return NULL;
}

/* ---- who is left out ---- */

int ft_tracker_ignore(struct ft_tracker *tracker, uint32_t thread, bool is_ignored, uint64_t now_ns)
{
	if (!tracker->ignored)
		tracker->ignored = ft_ignored_new();
	if (!tracker->ignored)
		return -ENOMEM;
	return is_ignored ? ft_ignored_begin(tracker->ignored, thread, now_ns)
			  : ft_ignored_end(tracker->ignored, thread, now_ns);
}

/* time_ns: when it was sent, by the source; else it is as old as the line that tells it. */
static bool is_ignored(const struct ft_tracker *tracker, const struct ft_event *event,
		       uint64_t time_ns)
{
	uint32_t pid = (event->present & FT_HAS(PID)) ? event->pid : 0;

	if (!tracker->ignored)
		return false;
	if (!time_ns || event->is_of_other_clock)
		time_ns = event->seen_ns ? event->seen_ns : ft_now_ns();
	return ft_ignored_has(tracker->ignored, pid ? pid : event->thread, time_ns);
}

/* ---- probes ---- */

static bool is_enosys_first(struct ft_tracker *tracker, uint32_t opcode)
{
	uint64_t bit = ft_opcode_bit(opcode);
	bool is_first = !(tracker->refused & bit);

	tracker->refused |= bit;
	return is_first;
}

/*
 * Failures that the kernel provokes itself while it finds out what there is, or that opening a file
 * does: isatty(3), with which stdio and Python ask of each file whether it is a terminal, is an
 * IOCTL, whose ENOSYS the kernel does not remember and turns into ENOTTY.
 */
static bool is_probe(struct ft_tracker *tracker, const struct fusetrace_op *op)
{
	if (op->opcode == FUSE_IOCTL)
		return op->error == ENOSYS ||
		       (op->error == ENOTTY &&
			(!(op->present & FT_HAS(FLAGS)) || op->flags == TCGETS));
	switch (op->error) {
	case ENOENT:
		/* A library of paths asks for the attributes of a name where the kernel looks it up. */
		return op->opcode == FUSE_LOOKUP ||
		       (op->opcode == FUSE_GETATTR && !(op->present & FT_HAS(NODEID)));
	case ENODATA:
	case EOPNOTSUPP:
	case ERANGE:
		return op->opcode == FUSE_GETXATTR || op->opcode == FUSE_LISTXATTR;
	case ENOSYS:
		return is_enosys_first(tracker, op->opcode);
	default:
		return false;
	}
}

/* ---- operations ---- */

static uint8_t status_of(const struct ft_event *end)
{
	if (end->error == 0)
		return FUSETRACE_STATUS_COMPLETED;
	/* The kernel's own answer to what was in flight when the connection broke. */
	if (end->error == ECONNABORTED)
		return FUSETRACE_STATUS_UNKNOWN;
	return FUSETRACE_STATUS_FAILED;
}

static void take_result(struct ft_tracker *tracker, struct fusetrace_op *op,
			const struct ft_event *end)
{
	op->status = status_of(end);
	if (end->ending == FT_ENDING_ENDED)
		return;
	op->error = (uint16_t)end->error;
	op->present |= FT_HAS(ERRNO);
	op->marks |= is_probe(tracker, op) ? FUSETRACE_OP_PROBE : 0;
}

/* Puts begin (NULL: not seen) and end (NULL: will not come) into the history as one operation. */
static void finish(struct ft_tracker *tracker, const struct ft_event *begin,
		   const struct ft_event *end, bool is_unlinked)
{
	struct fusetrace_op *op = ft_history_reserve(tracker->history);
	const struct ft_event *request = begin ? begin : end;

	if (!op)
		return;
	ft_op_take_request(op, request, tracker->history, NULL);
	op->source = (uint8_t)tracker->source;
	op->status = FUSETRACE_STATUS_UNKNOWN;
	op->marks |= is_unlinked ? FUSETRACE_OP_UNLINKED : 0;
	if (begin)
		ft_op_take_start(op, begin->time_ns, begin->seen_ns);
	if (end && end->ending != FT_ENDING_UNKNOWN) {
		ft_op_take_reply(op, end);
		if (ft_op_is_size_probe(op))
			op->reply_size = end->probe_size;
		take_result(tracker, op, end);
	}
	if (end)
		ft_op_take_duration(op, begin, end);
	op->present |= FT_HAS(SEQ);
	ft_history_publish(tracker->history, op);
	tracker->done(op, tracker->data);
}

/* Its end will not come. */
static void give_up(struct ft_tracker *tracker, struct ft_request *request)
{
	if (!request->is_ignored)
		finish(tracker, &request->event, NULL, request->is_unlinked);
	ft_requests_retire(&tracker->requests, request);
}

/* Of an opcode that has no reply. */
static void finish_at_once(struct ft_tracker *tracker, struct ft_request *request)
{
	struct ft_event no_reply = {.error = 0};

	if (!request->is_ignored)
		finish(tracker, &request->event, &no_reply, request->is_unlinked);
	ft_requests_give_back(&tracker->requests, request);
}

bool ft_tracker_begin(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct ft_request *request = ft_requests_find(&tracker->requests, event->key);
	bool is_left_out = is_ignored(tracker, event, event->time_ns);
	char *owner FT_AUTO_FREE = NULL;

	if (request) /* the key is used again: its end was lost, or the request taken back */
		give_up(tracker, request);
	else if (tracker->requests.by_key.count >= FT_IN_FLIGHT_MAX)
		give_up(tracker,
			FT_CONTAINER(tracker->requests.by_age.next, struct ft_request, by_age));
	request = ft_requests_take(&tracker->requests);
	if (!request)
		return !is_left_out;
	request->event = *event;
	request->is_ignored = is_left_out;
	ft_tables_find_paths(&tracker->tables, &request->event, &request->is_unlinked, &owner);
	if (ft_request_own_names(request))
		ft_requests_give_back(&tracker->requests, request);
	else if (ft_opcode_get(event->opcode)->behaviour & FT_OPCODE_NO_REPLY)
		finish_at_once(tracker, request);
	else
		ft_requests_add(&tracker->requests, request);
	return !is_left_out;
}

const struct ft_event *ft_tracker_find(const struct ft_tracker *tracker, uint64_t key)
{
	const struct ft_request *request = ft_requests_find(&tracker->requests, key);

	return request ? &request->event : NULL;
}

const struct ft_event *ft_tracker_newest(const struct ft_tracker *tracker,
					 bool (*test)(const struct ft_event *event, void *data),
					 void *data)
{
	for (struct ft_list *at = tracker->requests.by_age.previous;
	     at != &tracker->requests.by_age; at = at->previous) {
		const struct ft_request *request = FT_CONTAINER(at, struct ft_request, by_age);

		if (test(&request->event, data))
			return &request->event;
	}
	return NULL;
}

void ft_tracker_amend(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct ft_request *request = ft_requests_find(&tracker->requests, event->key);
	char *owner FT_AUTO_FREE = NULL;
	uint32_t told;

	if (!request)
		return;
	told = event->present & ~request->event.present;
	ft_event_add(&request->event, event);
	if (!request->event.path.data)
		ft_tables_find_paths(&tracker->tables, &request->event, &request->is_unlinked,
				     &owner);
	ft_request_own_names(request); /* without memory, it has none */
	/* Who asked may stand in a later line than the request. */
	if (told & FT_HAS(PID) && !request->is_ignored &&
	    is_ignored(tracker, &request->event, request->event.time_ns))
		ft_requests_ignore(&tracker->requests, request);
}

/* After a loss the end of one request may meet the begin of another one with the same key. */
static bool is_reply_to(const struct ft_event *end, const struct ft_event *begin)
{
	uint32_t both = end->present & begin->present;

	return (end->opcode == begin->opcode || end->opcode == FT_OPCODE_OF_BEGIN) &&
	       (!(both & FT_HAS(UNIQUE)) || end->unique == begin->unique) &&
	       (!(both & FT_HAS(NODEID)) || end->nodeid == begin->nodeid);
}

/* The reply to a request in flight. */
static bool answer(struct ft_tracker *tracker, struct ft_request *request,
		   const struct ft_event *end)
{
	bool is_left_out = request->is_ignored;

	if (!(request->event.present & FT_HAS(UNIQUE)) && (end->present & FT_HAS(UNIQUE))) {
		request->event.unique = end->unique;
		request->event.present |= FT_HAS(UNIQUE);
	}
	ft_tables_learn(&tracker->tables, &request->event, end);
	if (!is_left_out)
		finish(tracker, &request->event, end, request->is_unlinked);
	else if (end->error == ENOSYS) /* the next one is no probe */
		tracker->refused |= ft_opcode_bit(request->event.opcode);
	ft_requests_retire(&tracker->requests, request);
	return !is_left_out;
}

bool ft_tracker_end(struct ft_tracker *tracker, const struct ft_event *event)
{
	struct ft_request *request = ft_requests_find(&tracker->requests, event->key);
	struct ft_event late;
	char *owner FT_AUTO_FREE = NULL;
	bool is_unlinked = false;

	if (request && !is_reply_to(event, &request->event)) {
		give_up(tracker, request);
		request = NULL;
	}
	if (request)
		return answer(tracker, request, event);
	/* When it began is not known: who waits for the reply has asked. */
	if (event->opcode == FT_OPCODE_OF_BEGIN || is_ignored(tracker, event, event->time_ns))
		return false;
	late = *event;
	if (!(ft_opcode_get(event->opcode)->behaviour & FT_OPCODE_NAME))
		ft_tables_find_paths(&tracker->tables, &late, &is_unlinked, &owner);
	finish(tracker, NULL, &late, is_unlinked);
	return true;
}

void ft_tracker_entry(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
		      uint64_t nodeid)
{
	ft_nodes_add(tracker->tables.nodes, directory, name, nodeid);
}

void ft_tracker_unlinked(struct ft_tracker *tracker, uint64_t directory, struct ft_bytes name,
			 uint64_t nodeid)
{
	if (ft_nodes_link(tracker->tables.nodes, nodeid))
		return;
	ft_nodes_add(tracker->tables.nodes, directory, name, nodeid);
	ft_nodes_set_unlinked(tracker->tables.nodes, nodeid);
}

void ft_tracker_record(struct ft_tracker *tracker, const struct ft_event *event,
		       const struct ft_record_times *times)
{
	struct ft_request *request = ft_requests_find(&tracker->requests, event->key);
	bool is_left_out = is_ignored(tracker, event, times->start_ns);
	struct fusetrace_op *op;

	if (request && is_reply_to(event, &request->event)) {
		is_left_out |= request->is_ignored;
		ft_requests_retire(&tracker->requests, request);
	}
	op = is_left_out ? NULL : ft_history_reserve(tracker->history);
	if (!op)
		return;
	if (times->seq > op->seq && times->seq <= SEQ_MAX)
		op->seq = times->seq;
	ft_op_take_request(op, event, tracker->history, NULL);
	ft_op_take_reply(op, event);
	op->source = times->source;
	op->status = times->status;
	op->error = (uint16_t)event->error;
	ft_op_take_start(op, times->start_ns, event->seen_ns);
	op->duration_ns = times->duration_ns;
	op->present |= FT_HAS(SEQ) | (event->present & FT_HAS(ERRNO));
	/* A recording tells by itself; what a filesystem prints does not. */
	if (tracker->source == FUSETRACE_SOURCE_LOG && op->status == FUSETRACE_STATUS_FAILED)
		op->marks |= is_probe(tracker, op) ? FUSETRACE_OP_PROBE : 0;
	ft_history_publish(tracker->history, op);
	tracker->done(op, tracker->data);
}

void ft_tracker_abandon(struct ft_tracker *tracker)
{
	ft_list_foreach_safe (at, &tracker->requests.by_age)
		give_up(tracker, FT_CONTAINER(at, struct ft_request, by_age));
}

void ft_tracker_restart(struct ft_tracker *tracker)
{
	struct ft_tables fresh;

	ft_tracker_abandon(tracker);
	tracker->refused = 0;
	if (ft_tables_init(&fresh, tracker->resolve, tracker->data) == 0)
		FT_SWAP(tracker->tables, fresh);
	ft_tables_done(&fresh);
}

size_t ft_tracker_in_flight(const struct ft_tracker *tracker, bool without_untimed)
{
	const struct ft_requests *requests = &tracker->requests;

	return without_untimed ? requests->timed_count
			       : requests->by_key.count - requests->ignored_count;
}

struct fusetrace_op *ft_tracker_snapshot(struct ft_tracker *tracker, uint64_t *cursor)
{
	ft_list_foreach (at, &tracker->requests.by_age) {
		struct ft_request *request = FT_CONTAINER(at, struct ft_request, by_age);
		struct ft_chunk *chunk;

		if (request->order <= *cursor || request->is_ignored)
			continue;
		chunk = ft_chunk_new(1);
		if (!chunk)
			return NULL;
		memset(&chunk->ops[0], 0, sizeof(chunk->ops[0]));
		chunk->ops[0].chunk = chunk;
		ft_op_take_request(&chunk->ops[0], &request->event, NULL, chunk);
		chunk->ops[0].source = (uint8_t)tracker->source;
		chunk->ops[0].status = FUSETRACE_STATUS_STARTED;
		chunk->ops[0].marks |= request->is_unlinked ? FUSETRACE_OP_UNLINKED : 0;
		ft_op_take_start(&chunk->ops[0], request->event.time_ns, request->event.seen_ns);
		*cursor = request->order;
		return &chunk->ops[0];
	}
	return NULL;
}
