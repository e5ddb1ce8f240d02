/* SPDX-License-Identifier: MIT */
/* A line of Rust's fuser or fuse: its head is read by fuser.c, its fields by fuser_fields.c. */
#ifndef FT_FORMATS_FUSER_H
#define FT_FORMATS_FUSER_H

#include "format.h"

/* One request's line, while it is read. */
struct ft_fuser_request {
	struct ft_scan scan;
	struct ft_event event;
	char *scratch; /* where the next name goes */
};

/* name "a.txt", mode 0o100644, flags 0x8241: to the end of the line. */
void ft_fuser_take_fields(struct ft_fuser_request *request);

#endif
