/* SPDX-License-Identifier: MIT */
/* See leftovers.h. */
#include "leftovers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void leftovers_init(struct leftovers *leftovers)
{
	ft_list_init(&leftovers->list);
}

static void drop(struct leftover *leftover)
{
	ft_list_remove(&leftover->node);
	free(leftover->path);
	free(leftover->mark);
	free(leftover);
}

void leftovers_done(struct leftovers *leftovers)
{
	ft_list_foreach_safe (node, &leftovers->list)
		drop(FT_CONTAINER(node, struct leftover, node));
}

static struct leftover *find(struct leftovers *leftovers, int number)
{
	ft_list_foreach (node, &leftovers->list) {
		struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		if (leftover->number == number)
			return leftover;
	}
	return NULL;
}

struct leftover *leftovers_set(struct leftovers *leftovers, int number, const char *path,
			       const char *mark)
{
	struct leftover *leftover = calloc(1, sizeof(*leftover));

	if (!leftover)
		return NULL;
	ft_list_init(&leftover->node);
	leftover->number = number;
	leftover->path = path ? strdup(path) : NULL;
	leftover->mark = strdup(mark);
	if ((path && !leftover->path) || !leftover->mark) {
		drop(leftover);
		return NULL;
	}
	leftovers_forget(leftovers, number);
	ft_list_append(&leftovers->list, &leftover->node);
	return leftover;
}

void leftovers_forget(struct leftovers *leftovers, int number)
{
	struct leftover *known = find(leftovers, number);

	if (known)
		drop(known);
}

size_t leftovers_left(struct leftovers *leftovers)
{
	size_t count = 0;

	ft_list_foreach_safe (node, &leftovers->list) {
		struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		if (leftover->is_done)
			drop(leftover);
		else
			count++;
	}
	return count;
}

void leftover_problem(struct leftover *leftover, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(leftover->problem, sizeof(leftover->problem), format, arguments);
	va_end(arguments);
}
