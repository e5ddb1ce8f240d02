/* SPDX-License-Identifier: MIT */
/*
 * See write_state.h. A handle is dirty from its first write on until it is released, or until an
 * fsync of the file by whatever handle. What no handle wrote (truncate(2), copy_file_range(2), whose
 * handle is not told) is dirty until those writers are released who had it open then. Where the kernel gathers writes, a
 * handle that is open may have written what nobody has seen. Whether it does so is not known before a
 * write was seen; until then such a handle counts as dirty.
 */
#include "write_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/event.h"

#define OPENED 0u
#define DIRTY 1u
#define SYNCED 2u

static bool has(const struct fusetrace_op *op, uint32_t bit)
{
	return op->present & bit;
}

static bool is_setattr_of_size(const struct fusetrace_op *op)
{
	return op->opcode == FUSE_SETATTR && has(op, FT_HAS(VALID)) && (op->valid & FATTR_SIZE);
}

static bool is_copy_to(const struct ft_write_state *state, const struct fusetrace_op *op)
{
	return (op->opcode == FUSE_COPY_FILE_RANGE || op->opcode == 53 /* ..._64 */) &&
	       state->nodeid && has(op, FT_HAS(NODEID2)) && op->other == state->nodeid;
}

/* ---- handles ---- */

static struct ft_write_handle *find_handle(struct ft_write_state *state, uint64_t fh)
{
	for (size_t i = 0; i < state->handle_count; i++) {
		if (state->handles[i].fh == fh)
			return &state->handles[i];
	}
	return NULL;
}

static int set_handle(struct ft_write_state *state, uint64_t fh, uint8_t value, bool is_writer)
{
	struct ft_write_handle *handle = find_handle(state, fh);

	if (!handle && state->handle_count == state->handle_room) {
		size_t room = state->handle_room ? 2 * state->handle_room : 8;
		struct ft_write_handle *all = realloc(state->handles, room * sizeof(*all));

		if (!all)
			return -ENOMEM;
		state->handles = all;
		state->handle_room = room;
	}
	if (!handle)
		*(handle = &state->handles[state->handle_count++]) = (struct ft_write_handle){0};
	handle->fh = fh;
	handle->state = value;
	handle->is_writer = is_writer;
	return 0;
}

static void drop_handle(struct ft_write_state *state, uint64_t fh)
{
	struct ft_write_handle *handle = find_handle(state, fh);

	if (handle)
		*handle = state->handles[--state->handle_count];
}

static size_t count_handles(const struct ft_write_state *state, uint8_t value)
{
	size_t count = 0;

	for (size_t i = 0; i < state->handle_count; i++)
		count += state->handles[i].is_writer && state->handles[i].state == value;
	return count;
}

/* Written by no handle that is known. Who opens the file later has nothing to do with it. */
static void set_stray_dirty(struct ft_write_state *state)
{
	state->is_stray_dirty = true;
	for (size_t i = 0; i < state->handle_count; i++)
		state->handles[i].is_suspect = state->handles[i].is_writer;
}

static bool has_suspects(const struct ft_write_state *state)
{
	for (size_t i = 0; i < state->handle_count; i++) {
		if (state->handles[i].is_suspect)
			return true;
	}
	return false;
}

static size_t count_writers(const struct ft_write_state *state)
{
	return count_handles(state, OPENED) + count_handles(state, DIRTY) +
	       count_handles(state, SYNCED);
}

/* ---- failures ---- */

static void set_failed(struct ft_write_state *state, struct fusetrace_op *op)
{
	fusetrace_op_unref(state->failed);
	state->failed = op ? fusetrace_op_ref(op) : NULL;
}

/* Whether a write brings what an earlier one did not. */
static bool makes_good(const struct fusetrace_op *op, const struct fusetrace_op *failed)
{
	bool knows_place = has(failed, FT_HAS(OFFSET));

	if (op->opcode == FUSE_SETATTR)
		return has(op, FT_HAS(SIZE)) &&
		       (op->size == 0 || (knows_place && op->size <= failed->offset));
	return knows_place && has(op, FT_HAS(OFFSET)) && op->offset <= failed->offset &&
	       op->offset + op->size >= failed->offset + failed->size;
}

/* ENOSYS says that the filesystem needs no such thing, EOPNOTSUPP that the caller does without. */
static bool is_real_failure(const struct fusetrace_op *op)
{
	if (op->status != FUSETRACE_STATUS_FAILED || (op->marks & FUSETRACE_OP_PROBE))
		return false;
	return op->error != ENOSYS && !(op->opcode == FUSE_FALLOCATE && op->error == EOPNOTSUPP);
}

/* ---- one operation ---- */

static int open_handle(struct ft_write_state *state, const struct fusetrace_op *op, uint8_t value,
		       bool is_writer)
{
	int r;

	drop_handle(state, op->fh); /* whose release is on its way, or was lost */
	r = set_handle(state, op->fh, value, is_writer);
	if (r == 0 && op->start_ns && has(op, FT_HAS(DURATION_NS)))
		find_handle(state, op->fh)->opened_ns = op->start_ns + op->duration_ns;
	return r;
}

static int take_open(struct ft_write_state *state, const struct fusetrace_op *op)
{
	bool is_writer = !has(op, FT_HAS(FLAGS)) || (op->flags & O_ACCMODE) != O_RDONLY;
	bool is_truncated = is_writer && has(op, FT_HAS(FLAGS)) && (op->flags & O_TRUNC);

	if (op->status == FUSETRACE_STATUS_FAILED)
		return 0;
	state->nodeid = op->opcode == FUSE_OPEN ? op->nodeid : op->other;
	if (is_writer) {
		state->proof = 0;
		state->opened_ns = op->start_ns;
	}
	if (is_truncated) {
		state->has_written = true;
		set_failed(state, NULL);
	}
	if (has(op, FT_HAS(FH)))
		return open_handle(state, op, is_truncated ? DIRTY : OPENED, is_writer);
	if (is_writer)
		set_stray_dirty(state);
	return 0;
}

static int take_write(struct ft_write_state *state, struct fusetrace_op *op)
{
	bool is_truncation = op->opcode == FUSE_SETATTR;

	if (op->status == FUSETRACE_STATUS_FAILED) {
		if (is_real_failure(op))
			set_failed(state, op);
		return 0;
	}
	state->has_written = true;
	state->proof = 0;
	if (state->failed && makes_good(op, state->failed))
		set_failed(state, NULL);
	if (op->opcode == FUSE_WRITE && has(op, FT_HAS(PID)) && op->pid == 0) {
		state->is_cache_dirty = state->is_written_back = true;
		return 0;
	}
	state->is_written_through |= op->opcode == FUSE_WRITE && has(op, FT_HAS(PID));
	if (has(op, FT_HAS(FH)) && !is_copy_to(state, op))
		return set_handle(state, op->fh, DIRTY, true);
	/* truncate(2) needs no handle, so none proves it. */
	if (is_truncation && count_writers(state) == 0 && !state->is_stray_dirty)
		state->proof = FUSETRACE_PROOF_TRUNCATE;
	else
		set_stray_dirty(state);
	return 0;
}

/*
 * What was sent before the last writer opened the file, and answered after it, proves nothing of that
 * writer: close(2) does not wait for its release.
 */
static void prove(struct ft_write_state *state, const struct fusetrace_op *op, uint32_t proof)
{
	if (!op->start_ns || op->start_ns >= state->opened_ns)
		state->proof = proof;
}

static void clean_handles(struct ft_write_state *state)
{
	for (size_t i = 0; i < state->handle_count; i++) {
		state->handles[i].state = SYNCED;
		state->handles[i].is_suspect = false;
	}
	state->is_stray_dirty = state->is_cache_dirty = false;
}

static int take_sync(struct ft_write_state *state, struct fusetrace_op *op)
{
	if (is_real_failure(op))
		set_failed(state, op);
	if (op->opcode == FUSE_FLUSH || op->status == FUSETRACE_STATUS_FAILED)
		return 0;
	if (state->has_written || count_writers(state))
		prove(state, op, FUSETRACE_PROOF_FSYNC);
	clean_handles(state);
	if (state->failed &&
	    (state->failed->opcode == FUSE_FSYNC || state->failed->opcode == FUSE_FLUSH))
		set_failed(state, NULL);
	return 0;
}

static bool is_of_reader(const struct fusetrace_op *op, const struct ft_write_handle *handle)
{
	if (handle)
		return !handle->is_writer;
	return has(op, FT_HAS(FLAGS)) && (op->flags & O_ACCMODE) == O_RDONLY;
}

static int take_release(struct ft_write_state *state, const struct fusetrace_op *op)
{
	bool has_fh = has(op, FT_HAS(FH));
	const struct ft_write_handle *handle = has_fh ? find_handle(state, op->fh) : NULL;
	/* The daemon gave the number out again before its release was answered. */
	bool is_of_another = handle && op->start_ns && op->start_ns < handle->opened_ns;
	bool is_reader = is_of_reader(op, is_of_another ? NULL : handle);

	if (handle && !is_of_another)
		drop_handle(state, op->fh);
	if (is_reader)
		return 0;
	if (!has_fh) /* of a source that knows no handles: it may be any */
		clean_handles(state);
	state->is_cache_dirty = false;
	if (!has_suspects(state))
		state->is_stray_dirty = false;
	prove(state, op, FUSETRACE_PROOF_RELEASE);
	return 0;
}

static int take(struct ft_write_state *state, struct fusetrace_op *op)
{
	if (is_copy_to(state, op))
		return take_write(state, op);
	if (!ft_file_names_has(&state->names, op))
		return 0;
	switch (op->opcode) {
	case FUSE_OPEN:
	case FUSE_CREATE:
		return take_open(state, op);
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
		return take_write(state, op);
	case FUSE_SETATTR:
		return is_setattr_of_size(op) ? take_write(state, op) : 0;
	case FUSE_FSYNC:
	case FUSE_FLUSH:
		return take_sync(state, op);
	case FUSE_RELEASE:
		return take_release(state, op);
	default:
		return 0;
	}
}

/* ---- all of them ---- */

static void forget(struct ft_write_state *state)
{
	state->handle_count = 0;
	state->nodeid = state->opened_ns = 0;
	state->has_written = state->is_stray_dirty = state->is_cache_dirty = false;
	state->is_written_back = state->is_written_through = false;
	state->proof = 0;
	set_failed(state, NULL);
}

/* From the beginning: the path means another file, or one that had another name. */
static int take_anew(struct ft_write_state *state, uint64_t last_seq)
{
	struct fusetrace_op *op;
	int r;

	ft_file_names_done(&state->names);
	r = ft_file_names_init(&state->names, state->history, state->since_seq, last_seq,
			       state->path);
	forget(state);
	ft_cursor_done(&state->cursor);
	ft_cursor_init(&state->cursor, state->history, state->since_seq);
	state->skipped = 0;
	while (r == 0 && state->cursor.after_seq < last_seq &&
	       (op = ft_cursor_next(&state->cursor, &state->skipped)))
		r = take(state, op);
	return r;
}

static bool is_arrived(const struct ft_write_state *state)
{
	bool shows_writes = state->is_written_through && !state->is_written_back;

	return state->proof && !state->is_stray_dirty && !state->is_cache_dirty &&
	       count_handles(state, DIRTY) == 0 &&
	       (shows_writes || count_handles(state, OPENED) == 0);
}

int ft_write_state_init(struct ft_write_state *state, struct ft_history *history,
			uint64_t since_seq, const char *path)
{
	*state = (struct ft_write_state){.since_seq = since_seq};
	state->history = ft_history_ref(history);
	ft_cursor_init(&state->cursor, history, since_seq);
	state->path = strdup(path);
	return state->path ? take_anew(state, since_seq) : -ENOMEM;
}

void ft_write_state_done(struct ft_write_state *state)
{
	forget(state);
	ft_file_names_done(&state->names);
	if (state->history) {
		ft_cursor_done(&state->cursor);
		ft_history_unref(state->history);
	}
	free(state->handles);
	free(state->path);
	*state = (struct ft_write_state){0};
}

int ft_write_state_look(struct ft_write_state *state, uint64_t last_seq)
{
	struct fusetrace_op *op;
	int r = 0;

	while (r == 0 && state->cursor.after_seq < last_seq &&
	       (op = ft_cursor_next(&state->cursor, &state->skipped)))
		r = ft_file_names_change(op, state->path) ? take_anew(state, last_seq)
							  : take(state, op);
	if (r < 0)
		return r;
	if (state->failed)
		return -EREMOTEIO;
	return is_arrived(state);
}

bool ft_write_state_awaits(const struct ft_write_state *state, const struct fusetrace_op *op)
{
	if (is_copy_to(state, op))
		return true;
	switch (op->opcode) {
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
	case FUSE_SETATTR:
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return ft_file_names_has(&state->names, op);
	default:
		return false;
	}
}

int ft_write_state_describe(const struct ft_write_state *state, char *buffer, size_t size)
{
	if (is_arrived(state))
		return snprintf(buffer, size, "what was written has arrived");
	for (size_t i = 0; i < state->handle_count; i++) {
		if (state->handles[i].is_writer && state->handles[i].state == DIRTY)
			return snprintf(buffer, size,
					"handle %" PRIu64
					" has written and was neither released nor "
					"synced",
					state->handles[i].fh);
	}
	if (state->is_stray_dirty || state->is_cache_dirty || count_handles(state, OPENED))
		return snprintf(buffer, size, "a writer has it open (%zu handles)",
				count_writers(state));
	return snprintf(buffer, size, "nobody has written it since the mark");
}
