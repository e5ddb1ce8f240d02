/* SPDX-License-Identifier: MIT */
/*
 * fusetrace run: starts a filesystem, shows its operations from INIT on, and ends as it ends. The
 * trace is there before the daemon; which mount is its own the library finds out. A dead mount
 * that the daemon leaves behind is taken away, and no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command.h"
#include "daemon_watch.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"
#include "profile.h"
#include "signals.h"
#include "trace.h"
#include "trace_loop.h"

#define MOUNT_TIMEOUT_NS (10 * FUSETRACE_SECOND)
/* How often the same request to end is passed on, before it is made true. */
#define REQUESTS_MAX 3

struct run {
	struct trace trace;
	struct trace_loop loop;
	struct daemon_watch daemon;
	uint64_t timeout_ns;
	bool was_mounted;
	dev_t device;         /* of the mount, once was_mounted */
	bool has_ended_early; /* without a mount */
	int requests;         /* to end, that came from outside */
	int setup_code;       /* what went wrong when the mount appeared; 0 nothing */
};

/* ---- while it runs ---- */

static void on_signal(const struct signalfd_siginfo *info, void *data)
{
	struct run *run = data;
	bool asks_to_end = info->ssi_signo == SIGINT || info->ssi_signo == SIGTERM ||
			   info->ssi_signo == SIGHUP || info->ssi_signo == SIGQUIT;

	if (info->ssi_signo == SIGCHLD)
		return; /* the next turn looks at the children */
	run->requests += asks_to_end;
	if (run->requests >= REQUESTS_MAX) {
		message("the daemon does not end: it is killed now");
		daemon_watch_kill(&run->daemon);
		return;
	}
	if (asks_to_end && run->requests == REQUESTS_MAX - 1)
		message("the daemon has not ended yet: one more signal kills it");
	daemon_watch_pass_on(&run->daemon, info, asks_to_end);
}

static void check_mounted(struct run *run)
{
	const char *mountpoint = fusetrace_monitor_mountpoint(run->trace.monitor);

	if (run->was_mounted || !mountpoint)
		return;
	run->was_mounted = true;
	mount_device(mountpoint, &run->device);
	run->loop.deadline_ns = UINT64_MAX;
	run->setup_code = trace_mounted(&run->trace);
}

/* Without a mount: whether none can come any more, or none came in time. */
static bool is_hopeless(struct run *run)
{
	bool is_failed = run->daemon.main.has_ended && run->daemon.main.status;

	if (!run->daemon.main.has_ended)
		return false;
	if (is_failed || !run->daemon.has_children)
		return true;
	if (run->loop.deadline_ns == UINT64_MAX)
		run->loop.deadline_ns = ft_deadline_ns(run->timeout_ns);
	return run->requests || ft_now_ns() >= run->loop.deadline_ns;
}

/*
 * The daemon died in the background before it was seen there: it is one of the children that still
 * end, and its exit code is worth a moment.
 */
static bool may_tell_more(struct run *run, uint32_t state)
{
	if (state != FUSETRACE_STATE_GONE || !run->daemon.has_children ||
	    run->daemon.has_background_status || daemon_watch_status(&run->daemon))
		return false;
	if (run->loop.deadline_ns == UINT64_MAX)
		run->loop.deadline_ns = ft_deadline_ns(FUSETRACE_SECOND);
	return ft_now_ns() < run->loop.deadline_ns;
}

static int on_turn(void *data)
{
	struct run *run = data;
	uint32_t state;

	daemon_watch_update(&run->daemon, run->trace.monitor);
	/* What the daemon did last, a mount too, is known after it has ended. */
	fusetrace_process(run->trace.monitor);
	check_mounted(run);
	trace_take(&run->trace);
	if (!run->was_mounted) {
		run->has_ended_early = is_hopeless(run);
		return run->has_ended_early;
	}
	state = fusetrace_monitor_state(run->trace.monitor);
	return state >= FUSETRACE_STATE_UNMOUNTED && !daemon_watch_is_running(&run->daemon) &&
	       !may_tell_more(run, state);
}

/* ---- the end ---- */

static void tell_death(const struct run *run)
{
	int status = daemon_watch_status(&run->daemon);

	if (WIFSIGNALED(status))
		message("the daemon was killed by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
}

/* fusermount3 may do it for those who may not. */
static int unmount_as_user(const char *mountpoint)
{
	char *argv[] = {"fusermount3", "-u", "-z", "-q", "--", (char *)mountpoint, NULL};
	struct child child;
	int r = child_start(&child, argv, &(struct child_opts){.is_ours = true});
	int status;

	if (r < 0)
		return r;
	if (waitpid(child.pid, &status, 0) < 0)
		status = -1;
	child_done(&child);
	return status == 0 ? 0 : -EPERM;
}

/* Only while it is what one sees there: something else may have been mounted on it. */
static int unmount(const struct run *run, const char *mountpoint)
{
	dev_t device;

	if (!mount_device(mountpoint, &device) || device != run->device)
		return -EBUSY;
	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? unmount_as_user(mountpoint) : -errno;
}

/* A mount without a daemon answers everything with "transport endpoint is not connected". */
static void clean_up(const struct run *run)
{
	const char *mountpoint = fusetrace_monitor_mountpoint(run->trace.monitor);
	char type[64];

	if (fusetrace_monitor_state(run->trace.monitor) != FUSETRACE_STATE_GONE ||
	    !mount_type(mountpoint, type, sizeof(type)))
		return;
	if (unmount(run, mountpoint) == 0)
		message("%s was left without a daemon: it is unmounted now", mountpoint);
	else
		message("%s is left without a daemon: take it away by 'umount -l %s'", mountpoint,
			mountpoint);
}

static int judge_early_end(const struct run *run)
{
	const char *name = run->trace.options->program[0];
	int error = child_exec_error(&run->daemon.main);
	int exit_code = child_exit_code(run->daemon.main.status);

	if (error)
		return fail(EXIT_SETUP, "cannot run %s: %s: give a program that is there", name,
			    strerror(error));
	if (run->daemon.has_children && exit_code == 0)
		return fail(
			EXIT_UNSATISFIED,
			"%s went into the background and mounted nothing within %.3g s: give it "
			"longer by --timeout",
			name, (double)run->timeout_ns / 1e9);
	if (exit_code == 0)
		return fail(EXIT_UNSATISFIED,
			    "%s ended without mounting anything: look at its messages", name);
	message("%s ended with exit code %d before it had mounted anything: look at its messages",
		name, exit_code);
	return exit_code;
}

static int finish(struct run *run)
{
	int written, r;

	if (run->was_mounted) {
		tell_death(run);
		clean_up(run);
	}
	written = trace_finish(&run->trace, -1);
	r = run->has_ended_early ? judge_early_end(run)
				 : child_exit_code(daemon_watch_status(&run->daemon));
	if (r == 0)
		r = run->setup_code ? run->setup_code : written;
	return r;
}

/* ---- the beginning ---- */

/* What the daemon has to say besides its operations is for whoever started it. */
static void pass_on_line(uint64_t number, const char *line, size_t length, void *data)
{
	fwrite(line, 1, length, stderr);
	fputc('\n', stderr);
}

/* A pipe that the daemon may print into; the monitor reads it. */
static int make_log(struct trace *trace, int *ret_fd)
{
	struct fusetrace_error error;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail(EXIT_SETUP, "cannot make a pipe: %s: try again", strerror(errno));
	*ret_fd = fds[1];
	if (fusetrace_monitor_add_log_fd(trace->monitor, fds[0], &error) < 0)
		return fail_error(&error);
	fusetrace_set_unparsed_fn(trace->monitor, pass_on_line, NULL);
	return 0;
}

static void prepare(const void *data)
{
	profile_set_environment(data);
}

/* Under its own trace, where that is the source; else just as the user wrote it. */
static int start_daemon(struct run *run, char **program, int log_fd)
{
	const struct profile *profile = profile_of(program[0]);
	bool is_logged = fusetrace_monitor_source(run->trace.monitor) == FUSETRACE_SOURCE_LOG;
	char **argv FT_AUTO_FREE = is_logged ? profile_argv(profile, program) : NULL;
	const struct child_opts opts = {
		.is_logged = is_logged,
		.log_fd = log_fd,
		.prepare = is_logged ? prepare : NULL,
		.data = profile,
	};
	int r = daemon_watch_start(&run->daemon, argv ? argv : program, &opts);

	if (r == 0)
		r = fusetrace_monitor_follow(run->trace.monitor, run->daemon.main.pid);
	if (r < 0)
		return fail(EXIT_SETUP, "cannot start %s: %s: try again", program[0], strerror(-r));
	if (is_logged && run->trace.options->source == FUSETRACE_SOURCE_AUTO)
		message("the kernel source is not allowed here: the operations are what %s prints",
			profile_text(profile) ? profile_text(profile) : program[0]);
	return 0;
}

static int start(struct run *run, const struct options *options)
{
	struct trace *trace = &run->trace;
	int log_fd FT_AUTO_CLOSE = -1;
	int r = trace_new(trace, FUSETRACE_MONITOR_OPTS(.source = options->source,
							.flags = FUSETRACE_MONITOR_NO_THREAD |
								 FUSETRACE_MONITOR_PENDING,
							.max_ops = options->max_ops,
							.ring_bytes = options->ring_bytes));

	if (r == 0 && options->source != FUSETRACE_SOURCE_KERNEL && !options->log)
		r = make_log(trace, &log_fd);
	if (r == 0)
		r = trace_open(trace);
	if (r == 0)
		r = trace_start(trace);
	return r ? r : start_daemon(run, options->program, log_fd);
}

static int run_daemon(struct run *run, const struct options *options, int signal_fd)
{
	int r = start(run, options);

	if (r)
		return r;
	run->loop = (struct trace_loop){
		.monitor = run->trace.monitor,
		.output = &run->trace.output,
		.signal_fd = signal_fd,
		.deadline_ns = UINT64_MAX,
		.on_signal = on_signal,
		.on_turn = on_turn,
		.data = run,
	};
	r = trace_loop_run(&run->loop);
	if (r < 0)
		return fail(EXIT_SETUP, "cannot go on: %s: try again", fusetrace_strerror(r));
	return finish(run);
}

static int run(const struct options *given)
{
	struct run run = {.daemon.main.error_fd = -1};
	struct options options = *given;
	int signal_fd, r;

	options.summary |= view_kinds[options.format] == &view_text;
	options.summary &= !options.no_summary;
	run.timeout_ns = options.has_timeout ? options.timeout_ns : MOUNT_TIMEOUT_NS;
	signal_fd = signals_open(true);
	if (signal_fd < 0)
		return fail(EXIT_SETUP, "signals: %s: try again", fusetrace_strerror(signal_fd));
	trace_init(&run.trace, &options);
	r = run_daemon(&run, &options, signal_fd);
	daemon_watch_done(&run.daemon);
	trace_done(&run.trace);
	signals_close(signal_fd);
	return r;
}

const struct command cmd_run = {
	.name = "run",
	.usage = "[OPTIONS] [--] DAEMON [ARGS...]",
	.summary = "start a filesystem and show its operations",
	.details = "The trace begins before the daemon does, so it holds everything from INIT on.\n"
		   "It goes to standard output, or to FILE by -o; the daemon has its own output.\n"
		   "Signals are passed on; the third request to end kills the daemon. The trace\n"
		   "ends when the daemon has ended, also one in the background, and has its exit\n"
		   "code, 128 + N for signal N. A mount that it leaves behind without a daemon is\n"
		   "unmounted.\n"
		   "\n"
		   "  fusetrace run -- bindfs -f /srv /mnt\n"
		   "  fusetrace run --quiet -o summary.txt -- sshfs host:/srv /mnt\n",
	.options = OPTIONS_SELECT | OPTIONS_RUN | OPTIONS_LINES | OPTIONS_OUTPUT | OPTIONS_TRACE |
		   OPTIONS_READY,
	.operand = OPERAND_COMMAND,
	.flags = COMMAND_RUNS_PROGRAM | COMMAND_STOPS_AT_OPERAND,
	.min_operands = 1,
	.run = run,
};
