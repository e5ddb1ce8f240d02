/* SPDX-License-Identifier: MIT */
/* See event.h. */
#include "event.h"

/* What only a reply or an operation as a whole has. */
#define NOT_OF_REQUEST                                                                             \
	(FT_HAS(SEQ) | FT_HAS(START_NS) | FT_HAS(DURATION_NS) | FT_HAS(ERRNO) | FT_HAS(ENTRY) |    \
	 FT_HAS(REPLY_SIZE))

static void add_numbers(struct ft_event *event, const struct ft_event *more)
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

static void add_names(struct ft_event *event, const struct ft_event *more)
{
	if (more->path.data)
		event->path = more->path;
	if (more->path2.data)
		event->path2 = more->path2;
#define FT_ADD(member)                                                                             \
	if (!event->member.data)                                                                   \
		event->member = more->member;
	FT_ADD(name)
	FT_ADD(name2)
	FT_ADD(xattr)
	FT_ADD(target)
#undef FT_ADD
}

void ft_event_add(struct ft_event *event, const struct ft_event *more)
{
	add_numbers(event, more);
	add_names(event, more);
}
