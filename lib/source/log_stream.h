/* SPDX-License-Identifier: MIT */
/*
 * Where a live log comes from: the read end of a pipe that a daemon prints into, or a file that it
 * appends to. Whoever prints never waits for us: a pipe is emptied whether or not its lines can be
 * parsed as fast as they come, and what is dropped is counted.
 */
#ifndef FT_LOG_STREAM_H
#define FT_LOG_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct ft_log;

struct ft_log_stream {
	struct ft_list of_monitor;
	int fd; /* -1: the file is not there just now */
	bool is_file;
	bool has_ended;   /* no more will come: the last writer of a pipe has closed it */
	bool is_cut;      /* there was more than is taken in one go */
	bool is_behind;   /* lines are being dropped up to the next newline */
	bool has_gap;     /* lines were dropped, and fn has not been told */
	uint64_t dropped; /* lines that were not parsed */
	char *rest;       /* of a line that has no end yet, for the monitor's lines */
	size_t rest_size;
	struct ft_log *log; /* owned; NULL: nobody parses it */
	int watch_fd;       /* is_file: inotify; else -1 */
	char *path;         /* is_file */
	dev_t device;       /* is_file: of what is open */
	ino_t inode;
	off_t offset;
};

/* Takes ownership of fd, also on failure. -EINVAL for a descriptor that cannot be polled. */
int ft_log_stream_of_fd(int fd, struct ft_log_stream **ret_stream);
/*
 * Follows path, through rotation (another file of that name) and truncation. from_end: what is in
 * it now is of the past. The file must exist.
 */
int ft_log_stream_of_file(const char *path, bool from_end, struct ft_log_stream **ret_stream);
/* Nothing more is read of it; its descriptors are closed. Not while they are watched. */
void ft_log_stream_close(struct ft_log_stream *stream);
struct ft_log_stream *ft_log_stream_free(struct ft_log_stream *stream);

/* What to poll for EPOLLIN. */
int ft_log_stream_poll_fd(const struct ft_log_stream *stream);

/*
 * Passes on all bytes that were there when it was called, in pieces. is_gap: lines were dropped before this piece,
 * which begins with a whole one. Returns 1 if anything was passed on, 0, or a negative errno of fn.
 */
typedef int ft_log_stream_fn(const char *data, size_t size, bool is_gap, void *data_of_fn);
int ft_log_stream_drain(struct ft_log_stream *stream, ft_log_stream_fn *fn, void *data);

#endif
