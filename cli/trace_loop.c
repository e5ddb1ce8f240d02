/* SPDX-License-Identifier: MIT */
/* See trace_loop.h. */
#include "trace_loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "output.h"
#include "signals.h"

#define ABOUT_MONITOR 0
#define ABOUT_SIGNALS 1
#define ABOUT_OUTPUT 2
#define ABOUT_DAEMON 3
#define ABOUTS 4

static int sleep_until(struct pollfd *descriptors, uint64_t deadline_ns)
{
	uint64_t now = ft_now_ns();
	uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = {(time_t)(left / FUSETRACE_SECOND),
				   (long)(left % FUSETRACE_SECOND)};
	int r = ppoll(descriptors, ABOUTS, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL);

	return r < 0 && errno != EINTR ? -errno : 0;
}

/* An output is watched even when there is nothing to write: its reader may go away. */
static void watch(const struct trace_loop *loop, struct pollfd *descriptors)
{
	const struct output *output = loop->output;
	bool is_written = output && !output->error && !output->is_regular;

	descriptors[ABOUT_MONITOR] = (struct pollfd){fusetrace_fd(loop->monitor), POLLIN, 0};
	descriptors[ABOUT_SIGNALS] = (struct pollfd){loop->signal_fd, POLLIN, 0};
	descriptors[ABOUT_DAEMON] =
		(struct pollfd){loop->daemon_fd ? loop->daemon_fd : -1, POLLIN, 0};
	descriptors[ABOUT_OUTPUT] = (struct pollfd){.fd = -1};
	if (is_written) {
		descriptors[ABOUT_OUTPUT].fd = output->fd;
		descriptors[ABOUT_OUTPUT].events = output_pending(output) ? POLLOUT : 0;
	}
}

static void take_signals(struct trace_loop *loop)
{
	struct signalfd_siginfo info;

	while (signals_next(loop->signal_fd, &info))
		loop->on_signal(&info, loop->data);
}

static int turn(struct trace_loop *loop)
{
	struct pollfd descriptors[ABOUTS];
	int r;

	watch(loop, descriptors);
	r = sleep_until(descriptors, loop->deadline_ns);
	if (r < 0)
		return r;
	fusetrace_process(loop->monitor);
	if (descriptors[ABOUT_SIGNALS].revents)
		take_signals(loop);
	if (descriptors[ABOUT_OUTPUT].revents & (POLLERR | POLLHUP | POLLNVAL))
		output_break(loop->output);
	return 0;
}

int trace_loop_run(struct trace_loop *loop)
{
	int r = 0;

	for (;;) {
		int end = loop->on_turn(loop->data);

		if (loop->output)
			output_pump(loop->output);
		if (end)
			return end;
		r = turn(loop);
		if (r < 0)
			return r;
	}
}
