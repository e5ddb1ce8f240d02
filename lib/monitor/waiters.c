/* SPDX-License-Identifier: MIT */
/* The register of waiters.h. */
#include "waiters.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct ft_waiter_bucket *bucket_of(struct ft_waiters *waiters, const struct ft_match *match)
{
	if (match && match->path_kind == FUSETRACE_PATH_EXACT &&
	    !(match->user.flags & FUSETRACE_MATCH_NOT))
		return &waiters->buckets[match->path_hash % FT_WAITER_BUCKETS];
	return &waiters->buckets[FT_WAITER_BUCKETS];
}

static void count_opcodes(struct ft_waiters *waiters, uint64_t opcodes, int change)
{
	for (int bit = 0; bit < 64; bit++) {
		if (!(opcodes >> bit & 1))
			continue;
		waiters->opcode_users[bit] += (uint32_t)change;
		if (waiters->opcode_users[bit])
			waiters->opcodes |= UINT64_C(1) << bit;
		else
			waiters->opcodes &= ~(UINT64_C(1) << bit);
	}
}

static int add_slot(struct ft_waiters *waiters, struct ft_waiter *waiter,
		    const struct ft_match *match)
{
	struct ft_waiter_bucket *bucket = bucket_of(waiters, match);
	uint64_t opcodes = match ? match->opcodes : UINT64_MAX;

	if (bucket->count == bucket->room) {
		size_t room = bucket->room ? bucket->room * 2 : 4;
		void *slots = realloc(bucket->slots, room * sizeof(*bucket->slots));

		if (!slots)
			return -ENOMEM;
		bucket->slots = slots;
		bucket->room = room;
	}
	bucket->slots[bucket->count++] = (struct ft_waiter_slot){
		.opcodes = opcodes,
		.path_hash = match ? match->path_hash : 0,
		.match = match,
		.waiter = waiter,
	};
	count_opcodes(waiters, opcodes, 1);
	return 0;
}

static void remove_slots(struct ft_waiters *waiters, struct ft_waiter_bucket *bucket,
			 const struct ft_waiter *waiter)
{
	size_t kept = 0;

	for (size_t i = 0; i < bucket->count; i++) {
		if (bucket->slots[i].waiter == waiter)
			count_opcodes(waiters, bucket->slots[i].opcodes, -1);
		else
			bucket->slots[kept++] = bucket->slots[i];
	}
	bucket->count = kept;
}

void ft_waiters_done(struct ft_waiters *waiters)
{
	for (size_t i = 0; i <= FT_WAITER_BUCKETS; i++)
		free(waiters->buckets[i].slots);
	free(waiters->all);
}

static int list_waiter(struct ft_waiters *waiters, struct ft_waiter *waiter)
{
	if (waiters->waiter_count == waiters->all_room) {
		size_t room = waiters->all_room ? waiters->all_room * 2 : 8;
		void *all = realloc(waiters->all, room * sizeof(struct ft_waiter *));

		if (!all)
			return -ENOMEM;
		waiters->all = all;
		waiters->all_room = room;
	}
	waiters->all[waiters->waiter_count++] = waiter;
	return 0;
}

int ft_waiters_add(struct ft_waiters *waiters, struct ft_waiter *waiter)
{
	int r = 0;

	waiter->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (waiter->event_fd < 0)
		return -errno;
	r = list_waiter(waiters, waiter);
	if (r == 0 && waiter->wants_any)
		r = add_slot(waiters, waiter, NULL);
	for (size_t i = 0; r == 0 && !waiter->wants_any && i < waiter->count; i++)
		r = add_slot(waiters, waiter, &waiter->matches[i]);
	if (r < 0)
		ft_waiters_remove(waiters, waiter);
	return r;
}

void ft_waiters_remove(struct ft_waiters *waiters, struct ft_waiter *waiter)
{
	size_t kept = 0;

	if (waiter->event_fd < 0)
		return;
	for (size_t i = 0; i < waiters->waiter_count; i++) {
		if (waiters->all[i] != waiter)
			waiters->all[kept++] = waiters->all[i];
	}
	waiters->waiter_count = kept;
	if (waiter->wants_any)
		remove_slots(waiters, bucket_of(waiters, NULL), waiter);
	for (size_t i = 0; i < waiter->count; i++)
		remove_slots(waiters, bucket_of(waiters, &waiter->matches[i]), waiter);
	close(waiter->event_fd);
	waiter->event_fd = -1;
}

/* An eventfd is full only when it is readable already, so a failed write loses nothing. */
static void wake(const struct ft_waiter *waiter)
{
	eventfd_write(waiter->event_fd, 1);
}

static void notify_bucket(const struct ft_waiter_bucket *bucket, const struct fusetrace_op *op,
			  const struct ft_name *path)
{
	uint64_t bit = ft_opcode_bit(op->opcode);

	for (size_t i = 0; i < bucket->count; i++) {
		const struct ft_waiter_slot *slot = &bucket->slots[i];

		if (!(slot->opcodes & bit) || (path && slot->path_hash != path->hash))
			continue;
		/* A match that only the result spoils must be told too: it fails at once. */
		if (!slot->match || (slot->match->user.flags & FUSETRACE_MATCH_NOT) ||
		    ft_match_is_meant(slot->match, op))
			wake(slot->waiter);
	}
}

void ft_waiters_notify(struct ft_waiters *waiters, const struct fusetrace_op *op)
{
	if (!(waiters->opcodes & ft_opcode_bit(op->opcode)))
		return;
	notify_bucket(&waiters->buckets[FT_WAITER_BUCKETS], op, NULL);
	if (op->path)
		notify_bucket(&waiters->buckets[op->path->hash % FT_WAITER_BUCKETS], op, op->path);
	if (op->path2)
		notify_bucket(&waiters->buckets[op->path2->hash % FT_WAITER_BUCKETS], op,
			      op->path2);
}

void ft_waiters_notify_lines(struct ft_waiters *waiters)
{
	for (size_t i = 0; i < waiters->waiter_count; i++) {
		if (waiters->all[i]->wants_lines)
			wake(waiters->all[i]);
	}
}

void ft_waiters_notify_all(struct ft_waiters *waiters)
{
	for (size_t i = 0; i < waiters->waiter_count; i++)
		wake(waiters->all[i]);
}
