/* SPDX-License-Identifier: MIT */
/*
 * A reader of a BPF ring buffer with a barrier: ft_ring_drain() takes everything that was reserved
 * before the call, also what is still being written. libbpf's reader stops silently at a record
 * that is being written, so that a caller cannot tell "empty" from "not yet". The layout is that
 * of Documentation/bpf/ringbuf.rst and linux/bpf.h.
 */
#ifndef FT_RING_H
#define FT_RING_H

#include <stddef.h>
#include <stdint.h>

struct ft_ring {
	uint64_t *consumer;       /* mapped, ours to write */
	const uint64_t *producer; /* mapped read-only, followed by the data, twice */
	const char *data;
	size_t size; /* of the data, a power of two */
	size_t page;
};

/* map_fd stays the caller's. 0 or a negative errno. */
int ft_ring_init(struct ft_ring *ring, int map_fd, size_t size);
void ft_ring_done(struct ft_ring *ring);

typedef void ft_ring_fn(const void *record, size_t size, void *data);
/* Returns the number of records; -ETIME when one stayed unfinished for a second. */
int ft_ring_drain(struct ft_ring *ring, ft_ring_fn *fn, void *data);

#endif
