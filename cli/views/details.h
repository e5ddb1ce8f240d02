/* SPDX-License-Identifier: MIT */
/*
 * What a line of text tells of an operation behind its path: bytes and offset, flags, mode, the
 * attribute. Which operation shows what is a table; a name that comes from outside is escaped.
 */
#ifndef CLI_VIEWS_DETAILS_H
#define CLI_VIEWS_DETAILS_H

#include <stddef.h>

struct fusetrace_op;

/* The longest attribute name, all of it escaped, and the words beside it. */
#define DETAILS_SIZE 2048

struct details {
	size_t length;
	char text[DETAILS_SIZE];
};

/* "5 @0", "O_WRONLY|O_CREAT 0644", "user.note 3"; empty when there is nothing to tell. */
void details_of(const struct fusetrace_op *op, struct details *ret_details);

#endif
