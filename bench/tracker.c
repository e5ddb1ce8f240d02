/* SPDX-License-Identifier: MIT */
/*
 * How much an operation costs in user space and in memory: OPERATIONS requests and replies go
 * through a tracker as the kernel source would give them, over a history of a million. Prints one
 * JSON object with the cost of the first and the last million, and the memory after each.
 * Usage: tracker OPERATIONS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <fusetrace/fusetrace.h>

#include "base/clock.h"
#include "measure.h"
#include "track/tracker.h"

#define KEPT 1000000
#define FILES 1000
#define OPCODE_CREATE 35
#define OPCODE_WRITE 16
#define OPCODE_RELEASE 18
#define OPCODE_UNLINK 10

static void ignore(struct fusetrace_op *op, void *data)
{
}

/* The number-th operation of a life of create, write, release, unlink, a new nodeid each time. */
static void one_operation(struct ft_tracker *tracker, uint64_t number)
{
	static const uint32_t opcodes[] = {OPCODE_CREATE, OPCODE_WRITE, OPCODE_RELEASE,
					   OPCODE_UNLINK};
	uint64_t life = number / 4;
	uint32_t opcode = opcodes[number % 4];
	bool has_name = opcode == OPCODE_CREATE || opcode == OPCODE_UNLINK;
	char name[64];
	struct ft_event event = {
		.key = 1 + number % 7,
		.time_ns = 1000 * number + 1,
		.opcode = opcode,
		.present = FT_HAS(NODEID) | FT_HAS(PID) | FT_HAS(UNIQUE),
		.unique = 2 * number,
		.nodeid = has_name ? FT_NODE_ROOT : 2 + life,
	};

	if (has_name) {
		event.name.length =
			(size_t)snprintf(name, sizeof(name), "file-%" PRIu64 ".txt", life % FILES);
		event.name.data = name;
	}
	ft_tracker_begin(tracker, &event);
	event.time_ns += 500;
	if (opcode == OPCODE_CREATE) {
		event.present |= FT_HAS(ENTRY);
		event.entry = 2 + life;
	}
	ft_tracker_end(tracker, &event);
}

int main(int argc, char **argv)
{
	uint64_t operations = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	struct ft_history *history = ft_history_new(KEPT);
	struct ft_tracker *tracker;
	uint64_t resident_empty = ft_bench_resident();
	uint64_t resident_full = 0, began_ns, first_ns = 0, last_ns = 0;

	if (operations < 2 * KEPT || !history) {
		fprintf(stderr, "usage: %s OPERATIONS, at least %d\n", argv[0], 2 * KEPT);
		return 2;
	}
	tracker = ft_tracker_new(FUSETRACE_SOURCE_KERNEL, history, NULL, ignore, NULL);
	began_ns = ft_now_ns();
	for (uint64_t i = 0; i < operations; i++) {
		one_operation(tracker, i);
		if ((i + 1) % KEPT)
			continue;
		last_ns = ft_now_ns() - began_ns;
		if (i + 1 == KEPT) {
			first_ns = last_ns;
			resident_full = ft_bench_resident();
		}
		began_ns = ft_now_ns();
	}
	printf("{\"operations\":%" PRIu64 ",\"kept\":%d,\"bytes_per_operation\":%.1f,"
	       "\"resident_after_first\":%" PRIu64 ",\"resident_at_end\":%" PRIu64 ","
	       "\"first_ns\":%.1f,\"last_ns\":%.1f}\n",
	       operations, KEPT, (double)(resident_full - resident_empty) / KEPT, resident_full,
	       ft_bench_resident(), (double)first_ns / KEPT, (double)last_ns / KEPT);
	ft_tracker_free(tracker);
	ft_history_unref(history);
	return 0;
}
