/* SPDX-License-Identifier: MIT */
/*
 * What a guardian knows, in a file: so that it can be taken away later when the guardian has ended
 * with its owner. One JSON object an owner, in a directory that only the user may write:
 * /run/fusetrace (root), $XDG_RUNTIME_DIR/fusetrace, /tmp/fusetrace-UID; the first one that works.
 */
#ifndef GUARDIAN_RECORD_H
#define GUARDIAN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leftovers.h"

/* A process of this machine since its boot. */
struct identity {
	pid_t pid;
	uint64_t start_ticks; /* since the boot; 0: it has ended */
};

struct record {
	struct identity owner;
	struct identity guardian;
	struct leftovers leftovers;
	bool is_of_other_boot; /* its processes and mounts are gone */
	bool has_no_file;      /* made of what was found, see found.h */
};

/*
 * Writes it, in place of an earlier one; with nothing in it, removes it. 0 or a negative errno: the
 * one of the last directory that was tried.
 */
int record_save(struct record *record);

/* As record_save() left it. Not of another mount or pid namespace. Whoever reads it owns it. */
typedef void record_fn(struct record *record, void *data);
/*
 * Calls fn with each record of ours; leftovers_done() is done for it afterwards. What is no record
 * is left alone.
 */
void record_each(record_fn *fn, void *data);

bool identity_is_alive(const struct identity *identity);

#endif
