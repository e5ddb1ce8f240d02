/* SPDX-License-Identifier: MIT */
/*
 * The kernel source: loads the BPF program once a process, reads its ring, and translates records
 * into events. It knows connections, not monitors; called with the engine lock held.
 */
#ifndef FT_SOURCE_KERNEL_H
#define FT_SOURCE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

#include "op/event.h"
#include "track/nodes.h"

struct ft_kernel;
struct ft_record;

/*
 * ring_bytes: 0 = 16 MiB. -EPERM, -EOPNOTSUPP, -EINVAL, ... with the reason in reterr_error. Free
 * with ft_kernel_free().
 */
int ft_kernel_new(uint64_t ring_bytes, struct ft_kernel **ret_kernel,
		  struct fusetrace_error *reterr_error);
struct ft_kernel *ft_kernel_free(struct ft_kernel *kernel);

/* The iterator over who holds connections (process/daemons_kernel.h); -1 where there is none. */
int ft_kernel_holders_fd(const struct ft_kernel *kernel);
/* Becomes readable when a record that wakes was written. For edge-triggered polling. */
int ft_kernel_fd(const struct ft_kernel *kernel);

/*
 * Whether requests of the connection are recorded; a connection never told about is unknown, and
 * one that was excluded is so again when it is given to a new mount. -ENOSPC: too many.
 */
int ft_kernel_trace(struct ft_kernel *kernel, uint32_t connection, bool is_traced);
void ft_kernel_forget(struct ft_kernel *kernel, uint32_t connection);
/* Also record unknown connections. */
void ft_kernel_take_unknown(struct ft_kernel *kernel, bool take);
/* Ends of which opcodes (ft_opcode_bit()) shall wake the reader at once. */
void ft_kernel_await(struct ft_kernel *kernel, uint64_t ends);

/*
 * Passes on all records that were reserved before the call, waiting for those still being written:
 * the barrier. Returns their number. ft_kernel_event() makes an event of a record.
 */
typedef void ft_kernel_record_fn(const struct ft_record *record, void *data);
int ft_kernel_drain(struct ft_kernel *kernel, ft_kernel_record_fn *fn, void *data);
/* The event's names point into the record. Returns true for a begin, false for an end. */
bool ft_kernel_event(const struct ft_record *record, struct ft_event *ret_event);
/* Whether it begins a connection's INIT, which is the first request of each. */
bool ft_kernel_is_first(const struct ft_record *record);
/* Bytes of a record with its data, for keeping a copy. */
size_t ft_kernel_record_size(const struct ft_record *record);

/* Changes whenever the loss of any connection does; cheap. */
uint64_t ft_kernel_lost_any(const struct ft_kernel *kernel);
/* Records lost of a connection since it is traced; of unknown ones. */
uint64_t ft_kernel_lost(const struct ft_kernel *kernel, uint32_t connection);
uint64_t ft_kernel_lost_unknown(const struct ft_kernel *kernel);

/*
 * Looks the node up in the kernel's caches (super: struct ft_record) and adds its names to nodes.
 * The daemon is not asked, nothing is pinned. false: not there.
 */
bool ft_kernel_resolve(struct ft_kernel *kernel, uint64_t super, struct ft_nodes *nodes,
		       uint64_t nodeid);

/*
 * Tells every name that the kernel has cached of a mount, in no order: for a trace that begins on a
 * mount in use. Like the resolver it only reads. is_gone: what open files are left of that have no
 * name any more. *ret_super is what ft_kernel_resolve() needs. 0 or a negative errno.
 */
typedef void ft_kernel_name_fn(uint64_t directory, struct ft_bytes name, uint64_t nodeid,
			       bool is_gone, void *data);
int ft_kernel_snapshot(struct ft_kernel *kernel, const char *mountpoint, ft_kernel_name_fn *fn,
		       void *data, uint64_t *ret_super);

/* 0, or why the kernel source cannot work here, without loading anything. */
int ft_kernel_check(struct fusetrace_error *reterr_error);

#endif
