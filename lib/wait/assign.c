/* SPDX-License-Identifier: MIT */
/*
 * See assign.h. The search is depth first, by recursion, at most as deep as there are slots. It
 * takes a free slot before it moves others, so equal matches are answered in order of arrival.
 */
#include "assign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ft_assign_init(struct ft_assign *assign, size_t slots)
{
	*assign = (struct ft_assign){.slots = slots};
	assign->ops = calloc(slots, sizeof(*assign->ops));
	assign->fits = calloc(slots, sizeof(*assign->fits));
	assign->visited = calloc(slots, sizeof(*assign->visited));
	assign->dead = calloc(slots, sizeof(*assign->dead));
	if (assign->ops && assign->fits && assign->visited && assign->dead)
		return 0;
	ft_assign_done(assign);
	return -ENOMEM;
}

void ft_assign_done(struct ft_assign *assign)
{
	for (size_t i = 0; assign->ops && i < assign->slots; i++)
		fusetrace_op_unref(assign->ops[i]);
	for (size_t i = 0; assign->fits && i < assign->slots; i++)
		free(assign->fits[i]);
	free(assign->ops);
	free(assign->fits);
	free(assign->visited);
	free(assign->dead);
	*assign = (struct ft_assign){0};
}

static bool take(struct ft_assign *assign, struct fusetrace_op *op, bool *fits, size_t slot)
{
	assign->ops[slot] = op;
	assign->fits[slot] = fits;
	return true;
}

/* Finds a slot for (op, fits), moving others on. Takes over both when it returns true. */
static bool augment(struct ft_assign *assign, struct fusetrace_op *op, bool *fits)
{
	for (size_t i = 0; i < assign->slots; i++) {
		if (fits[i] && !assign->ops[i])
			return take(assign, op, fits, i);
	}
	for (size_t i = 0; i < assign->slots; i++) {
		if (!fits[i] || assign->visited[i])
			continue;
		assign->visited[i] = true;
		if (augment(assign, assign->ops[i], assign->fits[i]))
			return take(assign, op, fits, i);
	}
	return false;
}

int ft_assign_offer(struct ft_assign *assign, struct fusetrace_op *op, const bool *fits)
{
	bool *copy = malloc(assign->slots * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, fits, assign->slots * sizeof(*copy));
	memcpy(assign->visited, assign->dead, assign->slots * sizeof(*assign->visited));
	if (!augment(assign, op, copy)) {
		memcpy(assign->dead, assign->visited, assign->slots * sizeof(*assign->dead));
		free(copy);
		return 0;
	}
	fusetrace_op_ref(op);
	assign->filled++;
	return 1;
}

int ft_assign_put(struct ft_assign *assign, struct fusetrace_op *op, size_t slot)
{
	bool *fits = calloc(assign->slots, sizeof(*fits));

	if (!fits)
		return -ENOMEM;
	fits[slot] = true;
	assign->ops[slot] = fusetrace_op_ref(op);
	assign->fits[slot] = fits;
	assign->filled++;
	return 1;
}
