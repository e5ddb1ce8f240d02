/* SPDX-License-Identifier: MIT */
/*
 * The names that one file has had: who asks for what was written to a path means the file that has
 * this name now, with what was written when it, or a directory above it, was called otherwise. An
 * operation has the path of the moment when it began, so a name counts from the reply of one rename
 * to that of the next one.
 */
#ifndef FT_FILE_NAMES_H
#define FT_FILE_NAMES_H

#include <stdbool.h>

#include "track/history.h"

/* A rename, unlink or rmdir, as a border between two names. */
struct ft_name_border {
	uint64_t seq;
	uint64_t time_ns; /* of its reply; 0: not known */
};

struct ft_file_name {
	char *path;
	struct ft_name_border from; /* zeros: from the beginning */
};

/* Newest name first. */
struct ft_file_names {
	struct ft_file_name *names;
	size_t count;
	size_t room;
};

/*
 * The names of the file that is called path after the operation last_seq, as far as the operations
 * behind since_seq tell. 0 or -ENOMEM. Free with ft_file_names_done().
 */
int ft_file_names_init(struct ft_file_names *names, struct ft_history *history, uint64_t since_seq,
		       uint64_t last_seq, const char *path);
void ft_file_names_done(struct ft_file_names *names);

/* Whether op is one on that file, by its path and by when it began. */
bool ft_file_names_has(const struct ft_file_names *names, const struct fusetrace_op *op);

/* Whether op, which has ended, may have changed what is called path. */
bool ft_file_names_change(const struct fusetrace_op *op, const char *path);

#endif
