/* SPDX-License-Identifier: MIT */
/*
 * Whether what was written to a file has arrived, by the operations on it: the last write has been
 * answered, and then the release of the same handle, or an fsync. Used by one thread at a time,
 * without the engine lock.
 */
#ifndef FT_WRITE_STATE_H
#define FT_WRITE_STATE_H

#include "file_names.h"

struct ft_write_handle {
	uint64_t fh;
	uint64_t opened_ns; /* when its open was answered; 0: not known */
	uint8_t state;      /* private to write_state.c */
	bool is_writer;
	bool is_suspect; /* it was open when something was written by no handle that is known */
};

struct ft_write_state {
	struct ft_history *history; /* owns a reference */
	char *path;
	uint64_t since_seq;
	struct ft_cursor cursor; /* behind what was taken */
	uint64_t skipped; /* operations that the history dropped before they were looked at */
	struct ft_file_names names;

	struct ft_write_handle *handles; /* that are open */
	size_t handle_count;
	size_t handle_room;
	uint64_t nodeid;    /* 0: not known */
	uint64_t opened_ns; /* when the last open of a writer was sent; 0: not known */
	bool has_written;   /* or was truncated */
	bool is_stray_dirty; /* written by no handle that is known, until all suspects are released */
	bool is_cache_dirty; /* written back by the kernel, by whatever handle */
	bool is_written_back; /* the kernel gathers writes: what a handle wrote may not be seen yet */
	bool is_written_through; /* a program's own write was seen, so others would have been, too */
	uint32_t proof;          /* FUSETRACE_PROOF_; 0: none since the last write */
	struct fusetrace_op *failed; /* reference: what did not arrive; NULL: nothing */
};

/* Looks at what came behind since_seq. 0 or -ENOMEM. Free with ft_write_state_done(). */
int ft_write_state_init(struct ft_write_state *state, struct ft_history *history,
			uint64_t since_seq, const char *path);
void ft_write_state_done(struct ft_write_state *state);

/* Takes what is new up to last_seq. 1: arrived, 0: not yet, -EREMOTEIO: see failed; -ENOMEM. */
int ft_write_state_look(struct ft_write_state *state, uint64_t last_seq);
/* Whether one that is in flight may change the answer. */
bool ft_write_state_awaits(const struct ft_write_state *state, const struct fusetrace_op *op);
/* What is missing, for a person, as snprintf(3). */
int ft_write_state_describe(const struct ft_write_state *state, char *buffer, size_t size);

#endif
