/* SPDX-License-Identifier: MIT */
/* See assign.h. The search is iterative in its depth through the recursion of augment(), which is
 * at most as deep as there are slots. */
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
	if (assign->ops && assign->fits && assign->visited)
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
	*assign = (struct ft_assign){0};
}

/* Finds a slot for (op, fits), moving others on. Takes over both when it returns true. */
static bool augment(struct ft_assign *assign, struct fusetrace_op *op, bool *fits)
{
	for (size_t i = 0; i < assign->slots; i++) {
		if (!fits[i] || assign->visited[i])
			continue;
		assign->visited[i] = true;
		if (!assign->ops[i] || augment(assign, assign->ops[i], assign->fits[i])) {
			assign->ops[i] = op;
			assign->fits[i] = fits;
			return true;
		}
	}
	return false;
}

int ft_assign_offer(struct ft_assign *assign, struct fusetrace_op *op, const bool *fits)
{
	bool *copy = malloc(assign->slots * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, fits, assign->slots * sizeof(*copy));
	memset(assign->visited, 0, assign->slots * sizeof(*assign->visited));
	if (!augment(assign, op, copy)) {
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
