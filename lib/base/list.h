/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked list inside the objects that it holds. The head is a node of its own; an
 * initialised node that is in no list points at itself, so that removing twice is harmless.
 */
#ifndef FT_BASE_LIST_H
#define FT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ft_list {
	struct ft_list *next;
	struct ft_list *previous;
};

#define FT_CONTAINER(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void ft_list_init(struct ft_list *list)
{
	list->next = list;
	list->previous = list;
}

static inline bool ft_list_is_empty(const struct ft_list *list)
{
	return list->next == list;
}

/* Puts node at the end of the list of head. */
static inline void ft_list_append(struct ft_list *head, struct ft_list *node)
{
	node->next = head;
	node->previous = head->previous;
	head->previous->next = node;
	head->previous = node;
}

static inline void ft_list_remove(struct ft_list *node)
{
	node->next->previous = node->previous;
	node->previous->next = node->next;
	ft_list_init(node);
}

#define ft_list_foreach(node, head)                                                                \
	for (struct ft_list *node = (head)->next; node != (head); node = node->next)

/* The body may remove node. */
#define ft_list_foreach_safe(node, head)                                                           \
	for (struct ft_list *node = (head)->next, *node##_next_ = node->next; node != (head);      \
	     node = node##_next_, node##_next_ = node->next)

#endif
