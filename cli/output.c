/* SPDX-License-Identifier: MIT */
/* See output.h. Never makes a descriptor non-blocking: others may share its description. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- opening ---- */

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] != '\0';
}

/* NO_COLOR (no-color.org) wins over CLICOLOR_FORCE. */
static bool wants_color(const struct output *output, uint32_t color)
{
	const char *terminal = getenv("TERM");
	const char *forced = getenv("CLICOLOR_FORCE");

	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE") && strcmp(forced, "0") != 0)
		return true;
	return output->is_terminal && !(terminal && strcmp(terminal, "dumb") == 0);
}

static int explain(struct fusetrace_error *reterr_error, int error, const char *path)
{
	reterr_error->code = error;
	snprintf(reterr_error->text, sizeof(reterr_error->text),
		 "cannot write to %s: %s: give a file that can be written", path, strerror(-error));
	return error;
}

int output_open(struct output *output, const char *path, uint32_t color,
		struct fusetrace_error *reterr_error)
{
	struct stat status;

	*output = (struct output){.fd = STDOUT_FILENO};
	if (path && strcmp(path, "-") != 0) {
		output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		output->is_owned = true;
		if (output->fd < 0)
			return explain(reterr_error, -errno, path);
	}
	output->is_terminal = isatty(output->fd);
	output->is_regular = fstat(output->fd, &status) == 0 && S_ISREG(status.st_mode);
	output->has_color = wants_color(output, color);
	return 0;
}

void output_done(struct output *output)
{
	if (output->is_owned && output->fd >= 0)
		close(output->fd);
	free(output->data);
	*output = (struct output){.fd = -1};
}

/* ---- putting ---- */

char *output_reserve(struct output *output, size_t size)
{
	size_t used = output->end - output->begin;
	size_t room = output->room ? output->room : 65536;
	char *data;

	if (output->error)
		return NULL;
	if (output->room - output->end >= size)
		return output->data + output->end;
	if (output->begin) {
		memmove(output->data, output->data + output->begin, used);
		output->begin = 0;
		output->end = used;
	}
	while (room < used + size)
		room *= 2;
	if (room == output->room)
		return output->data + used;
	data = realloc(output->data, room);
	if (!data) {
		output->error = -ENOMEM;
		return NULL;
	}
	output->data = data;
	output->room = room;
	return data + used;
}

void output_commit(struct output *output, size_t size)
{
	output->end += size;
}

void output_put(struct output *output, const char *data, size_t size)
{
	char *to = output_reserve(output, size);

	if (!to)
		return;
	memcpy(to, data, size);
	output_commit(output, size);
}

void output_printf(struct output *output, const char *format, ...)
{
	va_list arguments;
	char *to = output_reserve(output, 256);
	int length;

	if (!to)
		return;
	va_start(arguments, format);
	length = vsnprintf(to, 256, format, arguments);
	va_end(arguments);
	if (length >= 256) {
		to = output_reserve(output, (size_t)length + 1);
		if (!to)
			return;
		va_start(arguments, format);
		length = vsnprintf(to, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}
	if (length > 0)
		output_commit(output, (size_t)length);
}

/* ---- writing ---- */

size_t output_pending(const struct output *output)
{
	return output->error ? 0 : output->end - output->begin;
}

void output_break(struct output *output)
{
	if (!output->error)
		output->error = -EPIPE;
}

static bool is_ready(const struct output *output)
{
	struct pollfd descriptor = {.fd = output->fd, .events = POLLOUT};

	return output->is_regular || poll(&descriptor, 1, 0) > 0;
}

/*
 * A pipe that poll(2) calls ready takes PIPE_BUF bytes without blocking, and no more are promised.
 */
static bool write_some(struct output *output)
{
	size_t size = output->end - output->begin;
	ssize_t written;

	if (!output->is_regular && size > PIPE_BUF)
		size = PIPE_BUF;
	written = write(output->fd, output->data + output->begin, size);
	if (written < 0) {
		if (errno != EINTR && errno != EAGAIN)
			output->error = -errno;
		return false;
	}
	output->begin += (size_t)written;
	if (output->begin == output->end)
		output->begin = output->end = 0;
	return true;
}

void output_pump(struct output *output)
{
	while (output_pending(output) && is_ready(output) && write_some(output))
		;
}

int output_flush(struct output *output, uint64_t patience_ns, int interrupt_fd)
{
	uint64_t deadline_ns = ft_deadline_ns(patience_ns);

	while (output_pending(output)) {
		struct pollfd descriptors[] = {
			{.fd = output->fd, .events = POLLOUT},
			{.fd = interrupt_fd, .events = POLLIN},
		};
		size_t before = output_pending(output);

		output_pump(output);
		if (output_pending(output) < before)
			deadline_ns = ft_deadline_ns(patience_ns);
		if (!output_pending(output))
			break;
		if (ft_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		poll(descriptors, 2, 100);
		if (descriptors[1].revents)
			return -ECANCELED;
	}
	return output->error;
}

unsigned int output_columns(const struct output *output)
{
	struct winsize size;

	if (!output->is_terminal || ioctl(output->fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}
