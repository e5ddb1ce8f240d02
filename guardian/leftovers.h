/* SPDX-License-Identifier: MIT */
/*
 * What an owner would leave behind: its mounts with their daemons, and its directories. The guardian
 * keeps a list for its owner, a record holds one of an owner that has ended.
 */
#ifndef GUARDIAN_LEFTOVERS_H
#define GUARDIAN_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct leftover {
	struct ft_list node;
	int number; /* of the entry in the owner */
	bool is_directory;
	bool is_done;
	bool is_harmful; /* its daemon, told to end, would take another mount away */
	char *path;      /* NULL: of a daemon without a mount */
	char *mark;      /* of a mount, see lib/mount/guardian_message.h; "" there is none */
	/* of a mount; see lib/mount/guardian_message.h */
	uint32_t connection;
	uint64_t identity;
	uint64_t mount_id;
	uint64_t before;
	/* of a directory */
	uint64_t device;
	uint64_t inode;
	uint64_t born_ns;
	char problem[160]; /* why it could not be taken away; "" so far there is none */
};

struct leftovers {
	struct ft_list list;
};

void leftovers_init(struct leftovers *leftovers);
void leftovers_done(struct leftovers *leftovers);
/* A new one at the end, or the one that has this number, emptied. NULL: no memory. */
struct leftover *leftovers_set(struct leftovers *leftovers, int number, const char *path,
			       const char *mark);
void leftovers_forget(struct leftovers *leftovers, int number);
/* Takes away those that are done. How many are left. */
size_t leftovers_left(struct leftovers *leftovers);

__attribute__((format(printf, 2, 3))) void leftover_problem(struct leftover *leftover,
							    const char *format, ...);

/* One step of taking away. what: "unmounted", "aborted", "ended", "removed". */
struct deed {
	const char *what;
	const char *path; /* NULL: none is known */
	uint32_t number;  /* aborted: the connection; ended: the process; else 0 */
	const char *name; /* ended: the program; else NULL */
};

typedef void deed_fn(const struct deed *deed, void *data);

#endif
