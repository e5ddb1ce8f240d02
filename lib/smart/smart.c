/* SPDX-License-Identifier: MIT */
/* See smart.h. What a smart wait says in vain is in smart_report.c. */
#include "smart.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/sleep.h"
#include "monitor/engine.h"
#include "wait/wait.h"

#define FIRST_PAUSE_NS UINT64_C(1000000)
#define LAST_PAUSE_NS UINT64_C(50000000)
/* An answer may take so long, however short the wait is: else none could be short. */
#define PATIENCE_NS FUSETRACE_SECOND
/* A connection that has ended is soon seen to have: by a daemon that is gone, or an unmount. */
#define END_PATIENCE_NS UINT64_C(50000000)
/* So long a question that is out holds up a signal: it would be left behind. */
#define SIGNAL_PATIENCE_NS UINT64_C(50000000)
#define MATCHES_MAX 64

/* ---- the file ---- */

/* The device number of a mount as statx(2) gives it. */
static dev_t device_of(uint32_t connection)
{
	return makedev(connection >> 20, connection & 0xfffff);
}

static int match_path(struct ft_match *match, const char *op, const char *path)
{
	return ft_match_init(match,
			     FUSETRACE_MATCH(.op = op, .path = path,
					     .path_kind = FUSETRACE_PATH_EXACT,
					     .flags = FUSETRACE_MATCH_IN_FLIGHT),
			     NULL, NULL);
}

/* Of what can change the answer: anything done to the file, and a rename of a directory above. */
static int make_matches(struct ft_smart *smart)
{
	char *above = strdup(smart->inside);
	int r;

	smart->matches = calloc(MATCHES_MAX, sizeof(*smart->matches));
	if (!smart->matches || !above) {
		free(above);
		return -ENOMEM;
	}
	r = match_path(&smart->matches[0], NULL, smart->inside);
	smart->match_count = r == 0;
	while (r == 0 && smart->match_count < MATCHES_MAX) {
		char *slash = strrchr(above, '/');

		if (!slash || slash == above)
			break;
		*slash = '\0';
		r = match_path(&smart->matches[smart->match_count], "rename", above);
		smart->match_count += r == 0;
	}
	free(above);
	smart->waiter.matches = smart->matches;
	smart->waiter.count = smart->match_count;
	return r;
}

/* Takes inside. */
static int set_paths(struct ft_smart *smart, const char *mountpoint, char *inside)
{
	smart->inside = inside;
	if (!inside)
		return -ENOMEM;
	if (!mountpoint) {
		smart->shown = strdup(inside);
		return smart->shown ? 0 : -ENOMEM;
	}
	smart->target.root = strdup(mountpoint);
	smart->target.path = strdup(inside);
	if (asprintf(&smart->shown, "%s%s", strcmp(mountpoint, "/") == 0 ? "" : mountpoint,
		     strcmp(inside, "/") == 0 ? "" : inside) < 0)
		smart->shown = NULL;
	return smart->target.root && smart->target.path && smart->shown ? 0 : -ENOMEM;
}

/* What a match makes of a path is the path in the mount. */
static int inside_of(const char *path, const char *mountpoint, char **ret_inside)
{
	struct ft_match match;
	int r = ft_match_init(&match,
			      FUSETRACE_MATCH(.path = path, .path_kind = FUSETRACE_PATH_EXACT),
			      mountpoint, NULL);

	if (r < 0)
		return r;
	*ret_inside = strdup(match.path);
	ft_match_done(&match);
	return *ret_inside ? 0 : -ENOMEM;
}

static int find_traced(struct ft_smart *smart, const char *path)
{
	const char *mountpoint;
	char *inside;
	int r = fusetrace_wait_state(smart->monitor, FUSETRACE_STATE_MOUNTED, smart->timeout_ns);

	if (r == -ETIMEDOUT)
		ft_smart_found(smart, "nothing is mounted yet");
	/* Of one that has ended or was stopped, the history may still tell. */
	if (r < 0 && r != -ENOTCONN && r != -EPIPE && r != -ESHUTDOWN)
		return r;
	mountpoint = fusetrace_monitor_mountpoint(smart->monitor);
	r = inside_of(path, mountpoint, &inside);
	if (r == 0)
		r = set_paths(smart, mountpoint, inside);
	smart->target.device = device_of(smart->monitor->connection);
	smart->target.is_root_on_device = true;
	return r;
}

/* Without a trace: path is one of this machine, and the mount that it lies on is looked up. */
static int find_untraced(struct ft_smart *smart, const char *path)
{
	struct ft_mounts mounts = {0};
	const struct ft_mount *mount = NULL;
	char *full = NULL, *inside = NULL;
	int r = ft_mounts_read(&mounts);

	if (r == 0 && ft_mounts_find(&mounts, path, &mount) < 0 &&
	    !(smart->flags & FUSETRACE_SMART_ANYWHERE)) {
		ft_smart_found(smart, "nothing is mounted there");
		r = -ENOTCONN;
	}
	/* The whole path, then what of it lies below the mountpoint: links may lead there as well. */
	if (r == 0 || r == -ENOTCONN)
		r = inside_of(path, NULL, &full) < 0 ? -ENOMEM : r;
	if (r == 0 && mount)
		r = inside_of(full, mount->mountpoint, &inside);
	smart->target.device = mount ? device_of(mount->connection) : 0;
	smart->target.is_root_on_device = inside && strcmp(full, inside) != 0;
	if (r == 0 && smart->target.is_root_on_device) {
		r = set_paths(smart, mount->mountpoint, inside);
		inside = NULL;
	} else if (full) {
		int made = set_paths(smart, "/", full);

		r = made < 0 ? made : r;
		full = NULL;
	}
	ft_mounts_done(&mounts);
	free(full);
	free(inside);
	return r;
}

int ft_smart_init(struct ft_smart *smart, struct fusetrace_monitor *monitor,
		  const struct fusetrace_mark *mark, const char *path, uint32_t flags,
		  uint64_t timeout_ns)
{
	int r;

	*smart = (struct ft_smart){
		.monitor = monitor,
		.flags = flags,
		.waiter.event_fd = -1,
		.began_ns = ft_now_ns(),
		.timeout_ns = timeout_ns,
		.deadline_ns = ft_wait_deadline(timeout_ns),
	};
	if (mark)
		smart->mark = *mark;
	if (!path || !*path)
		return -EINVAL;
	if (monitor) {
		struct ft_monitor_view view;

		ft_monitor_look(monitor, &view);
		smart->interrupts = view.interrupts;
	}
	r = monitor ? find_traced(smart, path) : find_untraced(smart, path);
	return r == 0 ? make_matches(smart) : r;
}

void ft_smart_done(struct ft_smart *smart)
{
	smart->probe = ft_probe_free(smart->probe);
	for (size_t i = 0; i < smart->match_count; i++)
		ft_match_done(&smart->matches[i]);
	free(smart->matches);
	free(smart->target.root);
	free(smart->target.path);
	free(smart->inside);
	free(smart->shown);
	fusetrace_op_unref(smart->subject);
}

/* ---- what was found ---- */

void ft_smart_found(struct ft_smart *smart, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(smart->found, sizeof(smart->found), format, arguments);
	va_end(arguments);
}

void ft_smart_found_error(struct ft_smart *smart, int error)
{
	const char *name = ft_errno_name(-error);

	ft_smart_found(smart, "the filesystem says %s (%s)", fusetrace_strerror(error),
		       name ? name : "an error that has no name");
}

/* ---- asking and sleeping ---- */

static void look_around(struct ft_smart *smart, struct ft_monitor_view *ret_view)
{
	if (smart->monitor)
		ft_monitor_look(smart->monitor, ret_view);
	else
		*ret_view = (struct ft_monitor_view){.state = FUSETRACE_STATE_MOUNTED};
}

static int sleep_until(struct ft_smart *smart, int fd, uint64_t deadline_ns)
{
	struct pollfd answer[2] = {{.fd = fd, .events = POLLIN}};

	if (smart->monitor)
		return ft_wait_sleep(smart->monitor, &smart->waiter, fd, deadline_ns);
	return ft_sleep(answer, 1, deadline_ns, smart->flags & FUSETRACE_SMART_EINTR);
}

static uint64_t later(uint64_t one_ns, uint64_t other_ns)
{
	return one_ns > other_ns ? one_ns : other_ns;
}

/* Why one who waits for an answer need not wait any longer; 0: it may come. */
static int end_of_asking(struct ft_smart *smart)
{
	struct ft_monitor_view view;
	int r;

	look_around(smart, &view);
	r = ft_wait_verdict(&view);
	if (r && r != -ESHUTDOWN) /* one that was stopped has nothing against the filesystem */
		return r;
	return view.interrupts != smart->interrupts ? -ECANCELED : 0;
}

static int give_up(struct ft_smart *smart, uint64_t asked_ns)
{
	ft_smart_found(smart, "the filesystem has not answered within %.3g s",
		       (double)(ft_now_ns() - asked_ns) / 1e9);
	smart->verdict = FUSETRACE_VERDICT_IN_FLIGHT;
	return -ETIMEDOUT;
}

/* A signal is told when the answer has come, or soon; until then the descriptor that tells it is left out. */
static int await_answer(struct ft_smart *smart, struct ft_answer *ret_answer)
{
	uint64_t asked_ns = ft_now_ns();
	uint64_t limit_ns = later(smart->deadline_ns, asked_ns + PATIENCE_NS);
	bool is_interrupted = false;
	int wakeup_fd = -1;
	int r = 0;

	while (r == 0 && !ft_probe_take(smart->probe, ret_answer)) {
		r = end_of_asking(smart);
		if (r == 0 && ft_now_ns() >= limit_ns)
			r = is_interrupted ? -EINTR : give_up(smart, asked_ns);
		if (r)
			break;
		r = sleep_until(smart, ft_probe_fd(smart->probe), limit_ns);
		if (r != -EINTR)
			continue;
		r = 0;
		if (!is_interrupted) {
			is_interrupted = true;
			wakeup_fd = fusetrace_set_wakeup_fd(-1);
			limit_ns = ft_earlier_ns(limit_ns, ft_now_ns() + SIGNAL_PATIENCE_NS);
		}
	}
	if (is_interrupted)
		fusetrace_set_wakeup_fd(wakeup_fd);
	return r == 0 && is_interrupted ? -EINTR : r;
}

/* -EBUSY while too many questions to that mount have no answer. */
static int prepare_probe(struct ft_smart *smart)
{
	int r = smart->probe ? 0 : ft_probe_new(&smart->target, smart->monitor, &smart->probe);

	if (r == -EBUSY) {
		ft_smart_found(smart,
			       "the filesystem has not answered %d questions of earlier waits",
			       FT_PROBES_LEFT_MAX);
		smart->verdict = FUSETRACE_VERDICT_IN_FLIGHT;
	}
	return r;
}

/*
 * The mount is gone, or its connection. With a trace the reason is known in a moment; until then the
 * answer is "not yet".
 */
static int judge_end(struct ft_smart *smart, int error)
{
	uint64_t end_ns = ft_now_ns() + END_PATIENCE_NS;
	int r = 0;

	ft_smart_found(smart, "%s",
		       error == -ECONNABORTED ? "the filesystem's connection was aborted"
					      : "the filesystem is not there any more");
	if (!smart->monitor)
		return -ENOTCONN;
	while (r == 0 && ft_now_ns() < end_ns) {
		r = end_of_asking(smart);
		if (r == 0)
			r = sleep_until(smart, -1, end_ns);
	}
	return r ? r : -ENOTCONN;
}

int ft_smart_ask(struct ft_smart *smart, uint32_t question, const char *xattr,
		 struct ft_answer *ret_answer)
{
	int r = prepare_probe(smart);

	if (r == 0)
		r = ft_probe_ask(smart->probe, question, xattr);
	if (r == 0)
		r = await_answer(smart, ret_answer);
	if (r < 0)
		return r;
	smart->verdict = 0;
	r = ret_answer->result;
	return r == -ENOTCONN || r == -ECONNABORTED ? judge_end(smart, r) : 0;
}

/* ---- the wait ---- */

/* One look. 1 satisfied, 0 not yet, negative: over. */
static int look(struct ft_smart *smart)
{
	struct ft_monitor_view view;
	int state, r = 0;

	look_around(smart, &view);
	state = ft_wait_verdict(&view);
	/* What is found when the mount is over is not its answer. */
	if (!state || state == -ESHUTDOWN || smart->kind->is_of_history)
		r = smart->kind->look(smart, &view);
	if (r == -EBUSY)
		r = 0;
	if (r)
		return r;
	if (state)
		return state;
	return view.interrupts != smart->interrupts ? -ECANCELED : 0;
}

static int run(struct ft_smart *smart)
{
	uint64_t pause_ns = FIRST_PAUSE_NS;
	int r = 0;

	while (r == 0) {
		bool is_last = ft_now_ns() >= smart->deadline_ns;

		r = look(smart);
		if (r == 0 && is_last)
			r = -ETIMEDOUT;
		if (r == 0)
			r = sleep_until(smart, -1,
					ft_earlier_ns(smart->deadline_ns, ft_now_ns() + pause_ns));
		pause_ns = ft_earlier_ns(2 * pause_ns, LAST_PAUSE_NS);
	}
	return r > 0 ? 0 : r;
}

int ft_smart_run(struct ft_smart *smart)
{
	int r = smart->monitor ? ft_wait_register(smart->monitor, &smart->waiter, true) : 0;

	if (r < 0)
		return r;
	r = run(smart);
	if (smart->monitor)
		ft_wait_register(smart->monitor, &smart->waiter, false);
	return r;
}
