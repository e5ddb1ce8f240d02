/* SPDX-License-Identifier: MIT */
/* Decodes the FUSE wire format (linux/fuse.h) by the layouts of the opcode table. */
#ifndef FT_WIRE_H
#define FT_WIRE_H

#include <stddef.h>

#include "op/event.h"

/*
 * Fills the request part of event from the bytes that follow the request header; event->opcode is
 * set by the caller. total is how long they really are when only the first size bytes were
 * captured (page data are never captured). Names point into args. A field that does not fit into
 * size is left absent; a name without its NUL sets FUSETRACE_OP_TRUNCATED. Never fails: hostile
 * bytes give absent fields.
 */
void ft_wire_request(struct ft_event *event, const void *args, size_t size, size_t total);

/*
 * The same for the bytes that follow the reply header; opcode and error are set by the caller, and
 * with an error there are no bytes. Whether an xattr reply is a value or, because 0 bytes were
 * asked for, the size of one, only the request can tell: reply_size counts the bytes, unless the
 * caller has set size as the request had it; probe_size is what the reply means in the other case.
 */
void ft_wire_reply(struct ft_event *event, const void *args, size_t size, size_t total);

/*
 * The entries of a READDIRPLUS reply: calls fn for each that names a node. Bytes that are no entry
 * end it.
 */
typedef void ft_wire_entry_fn(uint64_t nodeid, struct ft_bytes name, void *data);
void ft_wire_entries(const void *listing, size_t size, ft_wire_entry_fn *fn, void *data);

#endif
