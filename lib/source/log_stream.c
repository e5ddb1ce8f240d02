/* SPDX-License-Identifier: MIT */
/* See log_stream.h. */
#include "log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_log.h"

/* As much as a pipe may hold without privileges. */
#define PIPE_BYTES (1 << 20)
#define PIECE_BYTES (256u << 10)
/*
 * What is parsed in one go before the printing side is looked after: while a quarter of a pipe is
 * parsed, there is room for three more.
 */
#define PARSED_BYTES_MAX (16u << 20)
/*
 * Of a pipe that is filled faster than it can be emptied no more is taken in one go, so that others get
 * their turn: it is far more than a pipe holds, so all that was in it at the begin is taken.
 */
#define PIPE_BYTES_MAX (2 * PARSED_BYTES_MAX)
/* Of a file, which waits for nobody, a caller's barrier takes no more at once. */
#define FILE_BYTES_MAX (64u << 20)

/* ---- new and free ---- */

static struct ft_log_stream *new_stream(void)
{
	struct ft_log_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	ft_list_init(&stream->of_monitor);
	stream->fd = -1;
	stream->watch_fd = -1;
	return stream;
}

int ft_log_stream_of_fd(int fd, struct ft_log_stream **ret_stream)
{
	struct ft_log_stream *stream = fd >= 0 ? new_stream() : NULL;
	struct stat status;
	int flags;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return fd >= 0 ? -ENOMEM : -EBADF;
	}
	stream->fd = fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &status) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int r = -errno;

		ft_log_stream_free(stream);
		return r;
	}
	if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
		ft_log_stream_free(stream);
		return -EINVAL;
	}
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* more room is a help, not a need */
	*ret_stream = stream;
	return 0;
}

/* Opens what has the path now, at its begin. */
static int open_file(struct ft_log_stream *stream)
{
	struct stat status;
	int fd = open(stream->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &status) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(status.st_mode))
		r = -EINVAL;
	if (r < 0) {
		close(fd);
		return r;
	}
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = fd;
	stream->device = status.st_dev;
	stream->inode = status.st_ino;
	stream->offset = 0;
	inotify_add_watch(stream->watch_fd, stream->path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
	return 0;
}

/* The folder tells when a new file gets the name. */
static int watch_folder(const struct ft_log_stream *stream)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(stream->path, '/');
	size_t length = slash ? (size_t)(slash - stream->path) : 0;

	if (length >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, stream->path, length);
	folder[length] = '\0';
	if (!slash)
		strcpy(folder, ".");
	else if (length == 0)
		strcpy(folder, "/");
	return inotify_add_watch(stream->watch_fd, folder, IN_CREATE | IN_MOVED_TO) < 0 ? -errno
											: 0;
}

int ft_log_stream_of_file(const char *path, bool from_end, struct ft_log_stream **ret_stream)
{
	struct ft_log_stream *stream = new_stream();
	int r = 0;

	if (!stream)
		return -ENOMEM;
	stream->is_file = true;
	stream->path = strdup(path);
	stream->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!stream->path)
		r = -ENOMEM;
	else if (stream->watch_fd < 0)
		r = -errno;
	if (r == 0)
		r = open_file(stream);
	if (r == 0)
		r = watch_folder(stream);
	if (r < 0) {
		ft_log_stream_free(stream);
		return r;
	}
	if (from_end)
		stream->offset = lseek(stream->fd, 0, SEEK_END);
	*ret_stream = stream;
	return 0;
}

void ft_log_stream_close(struct ft_log_stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	if (stream->watch_fd >= 0)
		close(stream->watch_fd);
	stream->fd = stream->watch_fd = -1;
	stream->has_ended = true;
}

struct ft_log_stream *ft_log_stream_free(struct ft_log_stream *stream)
{
	if (!stream)
		return NULL;
	ft_list_remove(&stream->of_monitor);
	ft_log_stream_close(stream);
	ft_log_free(stream->log);
	free(stream->path);
	free(stream->rest);
	free(stream);
	return NULL;
}

int ft_log_stream_poll_fd(const struct ft_log_stream *stream)
{
	return stream->is_file ? stream->watch_fd : stream->fd;
}

/* ---- reading ---- */

struct drain {
	struct ft_log_stream *stream;
	ft_log_stream_fn *fn;
	void *data;
	size_t taken;
	size_t parsed;
	bool has_any;
};

static uint64_t count_newlines(const char *data, size_t size)
{
	const char *end = data + size;
	uint64_t count = 0;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		count++;
		data++;
	}
	return count;
}

/* Parses the piece, or drops it when the printing side would have to wait. */
static int take_piece(struct drain *drain, const char *data, size_t size)
{
	struct ft_log_stream *stream = drain->stream;
	bool is_gap;

	drain->has_any = true;
	if (!stream->is_file && drain->parsed >= PARSED_BYTES_MAX) {
		stream->is_behind = true;
		stream->dropped += count_newlines(data, size);
		return 0;
	}
	if (stream->is_behind) {
		const char *newline = memchr(data, '\n', size);

		if (!newline)
			return 0;
		size -= (size_t)(newline + 1 - data);
		data = newline + 1;
		stream->dropped++;
		stream->is_behind = false;
		stream->has_gap = true;
	}
	if (!size)
		return 0;
	is_gap = stream->has_gap;
	stream->has_gap = false;
	drain->parsed += size;
	return drain->fn(data, size, is_gap, drain->data);
}

/* All that can be read now. */
static int read_all(struct drain *drain)
{
	static _Thread_local char buffer[PIECE_BYTES];
	struct ft_log_stream *stream = drain->stream;
	ssize_t size;
	int r;

	do {
		size = read(stream->fd, buffer, sizeof(buffer));
		if (size < 0)
			return errno == EINTR || errno == EAGAIN ? 0 : -errno;
		if (size == 0 && !stream->is_file)
			stream->has_ended = true;
		if (size > 0) {
			stream->offset += size;
			drain->taken += (size_t)size;
			r = take_piece(drain, buffer, (size_t)size);
			if (r < 0)
				return r;
		}
	} while (size > 0 && (stream->is_file ? drain->parsed < FILE_BYTES_MAX
					      : drain->taken < PIPE_BYTES_MAX));
	stream->is_cut = size > 0 && !stream->is_file;
	return 0;
}

static void forget_events(const struct ft_log_stream *stream)
{
	char events[4096];

	while (read(stream->watch_fd, events, sizeof(events)) > 0)
		continue;
}

/* After the end of what is open: begun anew, or replaced by another file. true: read on. */
static bool is_renewed(struct ft_log_stream *stream)
{
	struct stat now;

	if (stat(stream->path, &now) < 0)
		return false; /* moved away; what replaces it has not come */
	if (now.st_dev != stream->device || now.st_ino != stream->inode)
		return open_file(stream) == 0;
	if (now.st_size >= stream->offset)
		return false;
	stream->offset = lseek(stream->fd, 0, SEEK_SET);
	return true;
}

int ft_log_stream_drain(struct ft_log_stream *stream, ft_log_stream_fn *fn, void *data)
{
	struct drain drain = {.stream = stream, .fn = fn, .data = data};
	int r;

	stream->is_cut = false;
	if (stream->has_ended)
		return 0;
	if (stream->is_file)
		forget_events(stream);
	do
		r = read_all(&drain);
	while (r == 0 && stream->is_file && is_renewed(stream));
	if (r == -EIO) /* the other side of a terminal has gone */
		stream->has_ended = true, r = 0;
	return r < 0 ? r : drain.has_any;
}
