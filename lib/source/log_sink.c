/* SPDX-License-Identifier: MIT */
/* See log_sink.h. */
#include "log_sink.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "op/opcode.h"

#define SECOND_NS UINT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)
/* So late may a line be printed. */
#define LATE_NS_MAX (60 * SECOND_NS)
/* Differences of times that are rounded more than this are noise, not durations. */
#define TICK_NS_MAX 1000000u
/* Handlers that a log which begins in the middle may show before their requests. */
#define HANDLERS_ALONE_MAX 16
/* An internal mark of a request that a handler's record was added to; no operation has it. */
#define MARK_ATTACHED (1u << 31)

/* Of whole records of ours; formats have the lanes from 1 on. */
#define RECORDS_LANE UINT8_MAX

static uint64_t now_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

void ft_sink_init(struct ft_sink *sink, struct ft_tracker *tracker, bool is_live)
{
	time_t now = time(NULL);
	struct tm local;

	*sink = (struct ft_sink){
		.tracker = tracker,
		.records = {.tracker = tracker,
			    .lane = RECORDS_LANE,
			    .source = FUSETRACE_SOURCE_LOG},
	};
	if (!is_live)
		return;
	sink->seen_ns = ft_now_ns();
	sink->wall_minus_mono_ns = now_of(CLOCK_REALTIME) - sink->seen_ns;
	if (localtime_r(&now, &local))
		sink->zone_ns = (int64_t)local.tm_gmtoff * (int64_t)SECOND_NS;
}

/* ---- clocks ---- */

/*
 * Times of a day go on growing at midnight. Threads print out of order: one of before midnight may
 * come behind it.
 */
static uint64_t of_day(struct ft_sink *sink, uint64_t ns)
{
	if (sink->days_ns && ns >= DAY_NS - LATE_NS_MAX && sink->last_day_ns < LATE_NS_MAX)
		return sink->days_ns - DAY_NS + ns;
	if (ns + DAY_NS / 2 < sink->last_day_ns)
		sink->days_ns += DAY_NS;
	sink->last_day_ns = ns;
	return sink->days_ns + ns;
}

static uint64_t wall_to_mono(const struct ft_sink *sink, uint64_t wall_ns)
{
	return wall_ns > sink->wall_minus_mono_ns ? wall_ns - sink->wall_minus_mono_ns : 1;
}

/* Of today, or of yesterday when it would lie ahead. */
static uint64_t day_to_wall(const struct ft_sink *sink, uint64_t day_ns)
{
	uint64_t now = sink->seen_ns + sink->wall_minus_mono_ns;
	uint64_t local = now + (uint64_t)sink->zone_ns;
	uint64_t wall = local - local % DAY_NS + day_ns;

	if (wall > local + DAY_NS / 2)
		wall -= DAY_NS;
	return wall - (uint64_t)sink->zone_ns;
}

/* 0: not known. */
static uint64_t time_of(struct ft_sink *sink, const struct ft_time *time)
{
	bool is_live = sink->wall_minus_mono_ns != 0;

	switch (time->clock) {
	case FT_CLOCK_MONOTONIC:
		return time->ns;
	case FT_CLOCK_UTC:
		return is_live ? wall_to_mono(sink, time->ns) : time->ns;
	case FT_CLOCK_LOCAL:
		return is_live ? wall_to_mono(sink, time->ns - (uint64_t)sink->zone_ns) : time->ns;
	case FT_CLOCK_DAY:
		return is_live ? wall_to_mono(sink, day_to_wall(sink, time->ns))
			       : of_day(sink, time->ns);
	case FT_CLOCK_START:
		if (is_live && !sink->start_ns)
			sink->start_ns = sink->seen_ns - time->ns;
		return sink->start_ns + time->ns;
	default:
		return 0;
	}
}

/* ---- ranks ---- */

static uint64_t key_of(const struct ft_sink *sink, uint64_t key)
{
	return ft_key_in_lane(key, (uint8_t)(sink->format_index + 1));
}

/*
 * What is no UTF-8 in a name, programs print as U+FFFD, and colours in it are taken away with those of
 * the log: such a name may be any one.
 */
static bool is_lossy(struct ft_bytes request, struct ft_bytes handler)
{
	return memmem(handler.data, handler.length, "\357\277\275", 3) ||
	       memchr(request.data, '\033', request.length);
}

static bool contradicts(struct ft_bytes request, struct ft_bytes handler)
{
	return request.data && handler.data && !ft_bytes_equal(request, handler) &&
	       !is_lossy(request, handler);
}

/* A handler called rename serves RENAME and RENAME2. */
static bool is_same_operation(uint32_t a, uint32_t b)
{
	const struct ft_opcode *row = ft_opcode_get(a);

	return a == b || (row->number && strcmp(row->name, ft_opcode_get(b)->name) == 0);
}

static bool is_request_of(const struct ft_event *request, void *data)
{
	const struct ft_event *handler = data;

	return is_same_operation(request->opcode, handler->opcode) &&
	       !(request->marks & (MARK_ATTACHED | FUSETRACE_OP_SUSPECT)) &&
	       !contradicts(request->name, handler->name) &&
	       !(request->present & handler->present & FT_HAS(NODEID) &&
		 request->nodeid != handler->nodeid);
}

static bool is_request_at(const struct ft_event *request, void *data)
{
	const struct ft_event *handler = data;

	return is_request_of(request, data) && !contradicts(request->path, handler->path);
}

/* What cannot be told of a handler is told by the library's own record, if that has a reply. */
static uint32_t marks_of_handler(const struct ft_sink *sink, const struct ft_event *event)
{
	return sink->replies_told ? event->marks & ~FUSETRACE_OP_SUSPECT : event->marks;
}

/* The request that a handler's record was added to; NULL: none. */
static struct ft_attached *find_attached(struct ft_sink *sink, uint64_t inner)
{
	for (size_t i = 0; i < FT_SINK_ATTACHED_MAX; i++) {
		if (sink->attached[i].inner == inner)
			return &sink->attached[i];
	}
	return NULL;
}

/*
 * A handler's record: belongs to the newest request of its kind and path that has none yet. A
 * handler may print other paths, those of what it keeps the files in: then its kind decides, if
 * nothing else tells how the request ends.
 */
static void attach(struct ft_sink *sink, const struct ft_event *event)
{
	const struct ft_event *request =
		ft_tracker_newest(sink->tracker, is_request_at, (void *)event);
	struct ft_event more = *event;
	struct ft_attached *before;

	if (!request && !sink->replies_told)
		request = ft_tracker_newest(sink->tracker, is_request_of, (void *)event);
	if (!request)
		return;
	if (request->path.data)
		more.path = more.path2 = (struct ft_bytes){NULL, 0};
	before = find_attached(sink, event->key);
	if (before) /* its end was not printed */
		before->inner = 0;
	sink->attached[sink->attached_next] = (struct ft_attached){
		.inner = event->key,
		.outer = request->key,
	};
	sink->attached_next = (sink->attached_next + 1) % FT_SINK_ATTACHED_MAX;
	sink->has_handlers = true;
	more.key = request->key;
	more.marks = marks_of_handler(sink, event) | MARK_ATTACHED;
	ft_tracker_amend(sink->tracker, &more);
}

static bool is_handler(const struct ft_sink *sink)
{
	return sink->has_requests && sink->format->rank == FT_RANK_HANDLERS;
}

/*
 * A daemon has one library that talks to the kernel: what looks like the record of another one may
 * have stood in a file name.
 */
static bool is_second_library(const struct ft_sink *sink)
{
	if (sink->format->rank != FT_RANK_REQUESTS)
		return false;
	if (!sink->has_requests) /* it would have come first */
		return sink->handlers_alone > HANDLERS_ALONE_MAX;
	return sink->requests_of != sink->format_index;
}

/* A format that never tells replies: the oldest of its last requests is as old as it gets. */
static void close_oldest(struct ft_sink *sink)
{
	struct ft_event end = {
		.key = sink->open[0],
		.opcode = FT_OPCODE_OF_BEGIN,
		.ending = FT_ENDING_UNKNOWN,
	};
	const struct ft_event *open = ft_tracker_find(sink->tracker, sink->open[0]);

	sink->open_count--;
	memmove(sink->open, sink->open + 1, sink->open_count * sizeof(sink->open[0]));
	if (open && !(open->marks & MARK_ATTACHED))
		ft_tracker_end(sink->tracker, &end);
}

static void note_request(struct ft_sink *sink, uint64_t key)
{
	uint32_t most = sink->has_handlers ? FT_SINK_OPEN_MAX : 1;

	sink->has_requests = true;
	sink->requests_of = sink->format_index;
	sink->replies_told |= sink->format->gives & FUSETRACE_GIVES_REPLY;
	while (sink->open_count >= most)
		close_oldest(sink);
	if (!(sink->format->gives & FUSETRACE_GIVES_REPLY))
		sink->open[sink->open_count++] = key;
}

/* ---- events ---- */

static bool is_suspect(const struct ft_sink *sink, const struct ft_line *line)
{
	return line->is_suspect || sink->is_doubted;
}

void ft_sink_doubt(struct ft_sink *sink)
{
	sink->is_doubted = true;
}

void ft_sink_begin(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event)
{
	event->key = key_of(sink, event->key);
	event->seen_ns = sink->seen_ns;
	event->is_of_other_clock = line->time.clock != FT_CLOCK_MONOTONIC;
	if (!event->time_ns)
		event->time_ns = time_of(sink, &line->time);
	event->marks |= is_suspect(sink, line) ? FUSETRACE_OP_SUSPECT : 0;
	if (is_handler(sink)) {
		attach(sink, event);
		return;
	}
	if (is_second_library(sink))
		event->marks |= FUSETRACE_OP_SUSPECT;
	else if (sink->format->rank == FT_RANK_REQUESTS)
		note_request(sink, event->key);
	else if (!sink->has_requests)
		sink->handlers_alone++;
	ft_tracker_begin(sink->tracker, event);
}

void ft_sink_amend(struct ft_sink *sink, const struct ft_event *event)
{
	struct ft_event more = *event;

	more.key = key_of(sink, event->key);
	if (is_handler(sink)) {
		struct ft_attached *attached = find_attached(sink, more.key);

		if (!attached)
			return;
		more.key = attached->outer;
		more.marks = marks_of_handler(sink, event);
	}
	ft_tracker_amend(sink->tracker, &more);
}

/* A line that cannot be told from a forged one may have ended what has not. */
static void end(struct ft_sink *sink, const struct ft_event *event)
{
	if (event->marks & FUSETRACE_OP_SUSPECT)
		ft_tracker_amend(sink->tracker, &(struct ft_event){
							.key = event->key,
							.marks = FUSETRACE_OP_SUSPECT,
						});
	ft_tracker_end(sink->tracker, event);
}

/* The end of a handler: that of its request, if nothing else will tell it. */
static void end_handler(struct ft_sink *sink, struct ft_event *event)
{
	struct ft_attached *attached = find_attached(sink, event->key);

	if (!attached)
		return;
	event->key = attached->outer;
	attached->inner = 0;
	if (!sink->replies_told)
		end(sink, event);
}

void ft_sink_end(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event)
{
	event->key = key_of(sink, event->key);
	event->seen_ns = sink->seen_ns;
	event->is_of_other_clock = line->time.clock != FT_CLOCK_MONOTONIC;
	event->marks |= is_suspect(sink, line) ? FUSETRACE_OP_SUSPECT : 0;
	if (!event->time_ns && line->time.tick_ns <= TICK_NS_MAX)
		event->time_ns = time_of(sink, &line->time);
	if (is_handler(sink))
		end_handler(sink, event);
	else
		end(sink, event);
}

bool ft_sink_has_requests(const struct ft_sink *sink)
{
	return sink->has_requests;
}

/* Both tell the same of what they both tell, so they may be one. */
static bool is_request_of_record(const struct ft_event *request, void *data)
{
	const struct ft_event *told = data;
	bool both_number = request->present & told->present & FT_HAS(UNIQUE);

	return is_request_at(request, data) && (!both_number || request->unique == told->unique);
}

/*
 * A filesystem that reports its own operations while libfuse prints its requests: one operation, not
 * two. Also true if no request is in flight any more: this one was counted.
 */
static bool take_as_handler(struct ft_sink *sink, const struct ft_json_record *record)
{
	struct ft_event more = record->event;
	const struct ft_event *request;

	if (!sink->has_requests || record->kind != FT_JSON_OP ||
	    record->source == FUSETRACE_SOURCE_KERNEL)
		return false;
	request = ft_tracker_newest(sink->tracker, is_request_of_record, &more);
	if (!request)
		return true;
	more.key = request->key;
	more.time_ns = record->start_ns;
	more.duration_ns = record->duration_ns;
	more.marks |= MARK_ATTACHED;
	ft_tracker_amend(sink->tracker, &more);
	return true;
}

void ft_sink_record(struct ft_sink *sink, const struct ft_line *line,
		    const struct ft_json_record *record)
{
	struct ft_json_record told = *record;

	if (is_suspect(sink, line) && record->kind != FT_JSON_OP)
		return; /* a file's name must not end a trace */
	told.event.seen_ns = sink->seen_ns;
	told.event.marks |= is_suspect(sink, line) ? FUSETRACE_OP_SUSPECT : 0;
	if (!take_as_handler(sink, &told))
		ft_records_take(&sink->records, &told);
}

void ft_sink_restart(struct ft_sink *sink)
{
	if (is_handler(sink)) /* the library that it runs in tells it */
		return;
	ft_tracker_restart(sink->tracker);
	sink->open_count = 0;
	for (size_t i = 0; i < FT_SINK_ATTACHED_MAX; i++)
		sink->attached[i].inner = 0;
}
