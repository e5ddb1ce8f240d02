/* SPDX-License-Identifier: MIT */
/*
 * The reader of the BPF ring, on memory that is laid out as the kernel does it: the consumer's
 * page, the producer's page, the data twice behind one another. The producer is the test.
 */
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "testing.h"

#define SIZE 4096u
#define HEADER BPF_RINGBUF_HDR_SZ

static struct ft_ring ring;
static char *data;         /* writable view of the ring's data */
static uint64_t *producer; /* writable view of its position */

static int set_up(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ring", MFD_CLOEXEC);
	char *producer_page, *base;

	if (fd < 0 || page != SIZE || ftruncate(fd, (off_t)(2 * page + SIZE)) < 0)
		return -1;
	ring.consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	base = mmap(NULL, page + 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	producer_page = mmap(base, page + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			     (off_t)page);
	mmap(base + page + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
	     (off_t)(2 * page));
	close(fd);
	if (producer_page == MAP_FAILED)
		return -1;
	producer = (uint64_t *)(void *)producer_page;
	data = producer_page + page;
	ring.producer = producer;
	ring.data = data;
	ring.size = SIZE;
	ring.page = page;
	return 0;
}

static int tear_down(void **state)
{
	ft_ring_done(&ring);
	ft_ring_done(&ring);
	return 0;
}

/* ---- the producer ---- */

static uint64_t used(void)
{
	return *producer - __atomic_load_n(ring.consumer, __ATOMIC_ACQUIRE);
}

/* Position of the new record, which is busy; the caller sees to it that there is room. */
static uint64_t reserve(uint32_t size)
{
	uint64_t position = *producer;
	uint32_t *header = (uint32_t *)(void *)(data + position % SIZE);

	__atomic_store_n(header, size | BPF_RINGBUF_BUSY_BIT, __ATOMIC_RELAXED);
	__atomic_store_n(producer, position + ((HEADER + size + 7) & ~7u), __ATOMIC_RELEASE);
	return position;
}

static void commit(uint64_t position, uint32_t flags)
{
	uint32_t *header = (uint32_t *)(void *)(data + position % SIZE);

	__atomic_store_n(header, (*header & ~BPF_RINGBUF_BUSY_BIT) | flags, __ATOMIC_RELEASE);
}

/* A record that says its number in each byte. */
static void put(uint64_t number, uint32_t size)
{
	uint64_t position = reserve(size);

	memset(data + position % SIZE + HEADER, (int)(number & 0xff), size);
	commit(position, 0);
}

/* ---- the reader ---- */

struct seen {
	uint64_t count;
	uint64_t bytes;
	bool is_broken;
};

static void take(const void *record, size_t size, void *context)
{
	struct seen *seen = context;
	const unsigned char *bytes = record;

	seen->count++;
	seen->bytes += size;
	for (size_t i = 0; i < size; i++)
		seen->is_broken |= bytes[i] != (unsigned char)seen->count;
}

static void test_records(void **state)
{
	struct seen seen = {0};

	assert_int_equal(ft_ring_drain(&ring, take, &seen), 0);
	put(1, 1);
	put(2, 8);
	put(3, 100);
	assert_int_equal(ft_ring_drain(&ring, take, &seen), 3);
	assert_int_equal(seen.bytes, 109);
	assert_false(seen.is_broken);
	assert_int_equal(used(), 0); /* the room is given back */
	assert_int_equal(ft_ring_drain(&ring, take, &seen), 0);
	assert_int_equal(seen.count, 3);
}

static void test_round_and_round(void **state)
{
	struct seen seen = {0};
	uint64_t seed = ft_test_seed(), number = 0;

	for (int i = 0; i < 20000; i++) {
		uint32_t size = 1 + (uint32_t)ft_test_below(&seed, 700);

		while (used() + size + 2 * HEADER > SIZE)
			assert_true(ft_ring_drain(&ring, take, &seen) > 0);
		put(++number, size);
	}
	ft_ring_drain(&ring, take, &seen);
	assert_int_equal(seen.count, number);
	assert_false(seen.is_broken);
}

static void test_discarded(void **state)
{
	struct seen seen = {0};

	commit(reserve(40), BPF_RINGBUF_DISCARD_BIT);
	put(1, 10);
	commit(reserve(80), BPF_RINGBUF_DISCARD_BIT);
	assert_int_equal(ft_ring_drain(&ring, take, &seen), 1);
	assert_int_equal(seen.count, 1);
	assert_false(seen.is_broken);
	assert_int_equal(used(), 0);
}

struct late {
	uint64_t position;
	uint32_t size;
	bool *may_go;
};

static void *commit_late(void *context)
{
	const struct late *late = context;

	while (!__atomic_load_n(late->may_go, __ATOMIC_ACQUIRE))
		sched_yield();
	memset(data + late->position % SIZE + HEADER, 1, late->size);
	commit(late->position, 0);
	return NULL;
}

/* The barrier: what was reserved before is waited for, though it is still being written. */
static void test_waits_for_what_is_being_written(void **state)
{
	for (int i = 0; i < 200; i++) {
		bool may_go = false;
		struct late late = {.size = 24, .may_go = &may_go};
		struct seen seen = {0};
		pthread_t thread;

		late.position = reserve(24);
		put(2, 16);
		assert_int_equal(pthread_create(&thread, NULL, commit_late, &late), 0);
		__atomic_store_n(&may_go, true, __ATOMIC_RELEASE);
		assert_int_equal(ft_ring_drain(&ring, take, &seen), 2);
		pthread_join(thread, NULL);
		assert_int_equal(seen.count, 2);
		assert_false(seen.is_broken);
	}
}

/* One that never gets written ends the reading with an error; what came before is taken. */
static void test_never_written(void **state)
{
	struct seen seen = {0};
	uint64_t position;

	put(1, 8);
	position = reserve(8);
	put(3, 8);
	assert_int_equal(ft_ring_drain(&ring, take, &seen), -ETIME);
	assert_int_equal(seen.count, 1);
	assert_int_equal(*ring.consumer, position);
	memset(data + position % SIZE + HEADER, 2, 8);
	commit(position, 0);
	assert_int_equal(ft_ring_drain(&ring, take, &seen), 2);
	assert_int_equal(seen.count, 3);
	assert_false(seen.is_broken);
}

static void *produce(void *context)
{
	uint64_t seed = 7;

	for (uint64_t number = 1; number <= *(uint64_t *)context; number++) {
		uint32_t size = 1 + (uint32_t)ft_test_below(&seed, 200);

		while (used() + size + 2 * HEADER > SIZE)
			sched_yield();
		put(number, size);
	}
	return NULL;
}

static void test_producer_beside(void **state)
{
	uint64_t total = ft_test_cases(100000);
	struct seen seen = {0};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, produce, &total), 0);
	while (seen.count < total)
		assert_true(ft_ring_drain(&ring, take, &seen) >= 0);
	pthread_join(thread, NULL);
	assert_int_equal(seen.count, total);
	assert_false(seen.is_broken);
}

/* What the kernel's map would be: mapping it fails in an orderly way where it is none. */
static void test_init(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ring", MFD_CLOEXEC);
	struct ft_ring own;
	struct seen seen = {0};

	assert_int_equal(ft_ring_init(&own, -1, SIZE), -EBADF);
	ft_ring_done(&own);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * page + 2 * SIZE)), 0);
	assert_int_equal(ft_ring_init(&own, fd, SIZE), 0);
	assert_int_equal(ft_ring_drain(&own, take, &seen), 0);
	ft_ring_done(&own);
	close(fd);
}

#define ring_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(test_records),       ring_test(test_round_and_round),
		ring_test(test_discarded),     ring_test(test_waits_for_what_is_being_written),
		ring_test(test_never_written), ring_test(test_producer_beside),
		cmocka_unit_test(test_init),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
