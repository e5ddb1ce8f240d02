/* SPDX-License-Identifier: MIT */
/* See ring.h. */
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* A record is finished in microseconds; only a machine that stands still takes longer. */
#define UNFINISHED_NS_MAX 1000000000u
/* How many records are read before their room is given back. */
#define GIVE_BACK 64

int ft_ring_init(struct ft_ring *ring, int map_fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	void *producer;

	*ring = (struct ft_ring){0};
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int r = -errno;

		munmap(consumer, page);
		return r;
	}
	ring->consumer = consumer;
	ring->producer = producer;
	ring->data = (const char *)producer + page;
	ring->size = size;
	ring->page = page;
	return 0;
}

void ft_ring_done(struct ft_ring *ring)
{
	if (!ring->consumer)
		return;
	munmap(ring->consumer, ring->page);
	munmap((void *)ring->producer, ring->page + 2 * ring->size);
	*ring = (struct ft_ring){0};
}

/* The header's length word of the record at position, once it is written; 0: it never was. */
static uint32_t wait_finished(const struct ft_ring *ring, uint64_t position)
{
	const uint32_t *word = (const uint32_t *)(ring->data + (position & (ring->size - 1)));
	uint32_t length = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	uint64_t deadline;

	if (!(length & BPF_RINGBUF_BUSY_BIT))
		return length;
	deadline = ft_deadline_ns(UNFINISHED_NS_MAX);
	do {
		sched_yield();
		length = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	} while ((length & BPF_RINGBUF_BUSY_BIT) && ft_now_ns() < deadline);
	return (length & BPF_RINGBUF_BUSY_BIT) ? 0 : length;
}

int ft_ring_drain(struct ft_ring *ring, ft_ring_fn *fn, void *data)
{
	uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_SEQ_CST);
	uint64_t position = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
	int count = 0;

	while (position < end) {
		uint32_t length = wait_finished(ring, position);
		uint32_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (length == 0) {
			__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
			return -ETIME;
		}
		if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
			fn(ring->data + (position & (ring->size - 1)) + BPF_RINGBUF_HDR_SZ, size,
			   data);
			count++;
		}
		position += (size + BPF_RINGBUF_HDR_SZ + 7) & ~UINT64_C(7);
		if (count % GIVE_BACK == 0)
			__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	}
	__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	return count;
}
