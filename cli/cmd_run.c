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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "child.h"
#include "command.h"
#include "message.h"
#include "options.h"
#include "profile.h"
#include "signals.h"
#include "trace.h"
#include "trace_loop.h"

#define MOUNT_TIMEOUT_NS (10 * FUSETRACE_SECOND)
/* What a daemon has started besides is waited for so long when its filesystem has gone. */
#define STRAYS_NS FUSETRACE_SECOND
/* How often the same request to end is passed on, before it is made true. */
#define REQUESTS_MAX 3
#define PIDS_MAX 64

struct run {
	struct trace trace;
	struct trace_loop loop;
	struct fusetrace_mount *mount;
	int running;      /* processes of the daemon */
	int stray_status; /* of another child that failed: it may have crashed before it was seen */
	uint64_t timeout_ns;
	bool was_mounted;
	bool has_ended_early; /* without a mount */
	bool has_left;        /* the process that was started has ended */
	int requests;         /* to end, that came from outside */
	int request;          /* the last of them, a signal */
	uint64_t kill_ns;     /* when it is made true; UINT64_MAX: not by time */
	int setup_code;       /* what went wrong when the mount appeared; 0 nothing */
};

static bool has_main_ended(const struct run *run)
{
	int status;

	return fusetrace_mount_status(run->mount, &status) != 0;
}

static int status_of(const struct run *run)
{
	int status = 0;

	fusetrace_mount_outcome(run->mount, &status);
	return status ? status : run->stray_status;
}

/*
 * What the daemon has left in the background is our child, as we are a subreaper. Those that the library
 * knows of it has reaped; what it has left alone after a look is nobody else's.
 */
static void reap_strays(struct run *run)
{
	siginfo_t info = {0};
	int status;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		run->running = fusetrace_mount_check(run->mount);
		if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid && status)
			run->stray_status = status;
		info.si_pid = 0;
	}
}

/* ---- requests to end ---- */

/* What serves the mount, as far as that is known, and not what it has started for a moment. */
static int servers_of(const struct run *run, pid_t *pids)
{
	int count = fusetrace_monitor_daemons(run->trace.monitor, pids, PIDS_MAX);

	if (count <= 0)
		count = fusetrace_mount_pids(run->mount, pids, PIDS_MAX);
	return count < PIDS_MAX ? count : PIDS_MAX;
}

/* Where it stands in the kernel, before it is freed or killed. */
static void look_into_it(struct run *run)
{
	uint32_t on_hang = run->trace.options->on_hang;
	const char *stacks = NULL;
	int r;

	run->running = fusetrace_mount_check(run->mount); /* the mount may have come in this turn */
	r = fusetrace_mount_take_stacks(run->mount, on_hang);
	if (r != -ENOMEM)
		stacks = fusetrace_mount_last_stacks(run->mount);
	if (stacks)
		fputs(stacks, stderr);
	/* Before there is a mount there is nothing to abort. */
	if (r < 0 && (r != -ENOENT || fusetrace_mount_connection(run->mount)))
		message("cannot %s: %s",
			on_hang == FUSETRACE_ON_HANG_ABORT ? "abort the connection"
							   : "see where the daemon stands",
			fusetrace_strerror(r));
}

static void kill_now(struct run *run)
{
	pid_t pids[PIDS_MAX];
	int count = fusetrace_mount_pids(run->mount, pids, PIDS_MAX);

	message("the daemon does not end: it is killed now");
	for (int i = 0; i < count && i < PIDS_MAX; i++)
		kill(pids[i], SIGKILL);
	run->kill_ns = UINT64_MAX;
}

static void pass_on(const struct run *run, const struct signalfd_siginfo *info)
{
	pid_t pids[PIDS_MAX];
	int count = 1;

	pids[0] = fusetrace_mount_pid(run->mount);
	if (has_main_ended(run))
		count = servers_of(run, pids);
	for (int i = 0; i < count; i++)
		signals_pass_on(info, pids[i]);
}

static void on_signal(const struct signalfd_siginfo *info, void *data)
{
	struct run *run = data;
	const struct options *options = run->trace.options;
	bool asks_to_end = info->ssi_signo == SIGINT || info->ssi_signo == SIGTERM ||
			   info->ssi_signo == SIGHUP || info->ssi_signo == SIGQUIT;

	if (info->ssi_signo == SIGCHLD)
		return; /* the next turn looks at the processes */
	if (!asks_to_end) {
		pass_on(run, info);
		return;
	}
	run->request = (int)info->ssi_signo;
	if (++run->requests >= REQUESTS_MAX) {
		kill_now(run);
		return;
	}
	if (run->requests == 1 && options->stop_timeout_ns)
		run->kill_ns = ft_deadline_ns(options->stop_timeout_ns);
	if (run->requests == REQUESTS_MAX - 1) {
		look_into_it(run);
		message("the daemon has not ended yet: one more signal kills it");
	}
	pass_on(run, info);
}

/* What was asked of the first process while it was still there is now asked of what it left behind. */
static void check_left(struct run *run)
{
	pid_t pids[PIDS_MAX];
	int count;

	if (run->has_left || !has_main_ended(run))
		return;
	run->has_left = true;
	count = run->request && run->running ? servers_of(run, pids) : 0;
	for (int i = 0; i < count; i++)
		kill(pids[i], run->request);
}

/* ---- while it runs ---- */

static void check_mounted(struct run *run)
{
	if (run->was_mounted || !fusetrace_monitor_mountpoint(run->trace.monitor))
		return;
	run->was_mounted = true;
	run->loop.deadline_ns = UINT64_MAX;
	run->setup_code = trace_mounted(&run->trace);
}

static bool is_late(struct run *run, uint64_t patience_ns)
{
	if (run->loop.deadline_ns == UINT64_MAX)
		run->loop.deadline_ns = ft_deadline_ns(patience_ns);
	return ft_now_ns() >= run->loop.deadline_ns;
}

/* Without a mount: whether none can come any more, or none came in time. */
static bool is_hopeless(struct run *run)
{
	if (!run->has_left)
		return false;
	if (status_of(run) || !run->running)
		return true;
	return run->requests || is_late(run, run->timeout_ns);
}

/* With --stop-timeout; the loop sleeps no longer than that. */
static void check_kill(struct run *run)
{
	if (run->kill_ns == UINT64_MAX)
		return;
	if (ft_now_ns() >= run->kill_ns) {
		look_into_it(run);
		kill_now(run);
	} else if (run->loop.deadline_ns > run->kill_ns) {
		run->loop.deadline_ns = run->kill_ns;
	}
}

/*
 * None of its processes is seen, but it is mounted: served by one of another user, perhaps, whom we
 * cannot tell to end.
 */
static bool is_left_to_others(const struct run *run)
{
	return run->has_left && !run->running && run->requests;
}

static bool is_mounted(const struct run *run)
{
	return fusetrace_monitor_state(run->trace.monitor) == FUSETRACE_STATE_MOUNTED;
}

static int on_turn(void *data)
{
	struct run *run = data;

	run->running = fusetrace_mount_check(run->mount);
	reap_strays(run);
	check_left(run);
	/* What the daemon did last, a mount too, is known after it has ended. */
	fusetrace_process(run->trace.monitor);
	check_mounted(run);
	trace_take(&run->trace);
	check_kill(run);
	if (!run->was_mounted) {
		run->has_ended_early = is_hopeless(run);
		return run->has_ended_early;
	}
	if (fusetrace_monitor_state(run->trace.monitor) < FUSETRACE_STATE_UNMOUNTED ||
	    !run->has_left)
		return is_left_to_others(run);
	return !run->running || is_late(run, STRAYS_NS);
}

/* ---- the end ---- */

static void tell_death(const struct run *run)
{
	int status = status_of(run);

	if (WIFSIGNALED(status))
		message("the daemon was killed by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
}

/* A mount without a daemon answers everything with "transport endpoint is not connected". */
static void clean_up(const struct run *run)
{
	const char *mountpoint;
	struct fusetrace_stop stop;
	int r;

	if (fusetrace_monitor_state(run->trace.monitor) != FUSETRACE_STATE_GONE)
		return;
	fusetrace_mount_check(run->mount); /* it may have come and died within one turn */
	mountpoint = fusetrace_mount_point(run->mount);
	if (!mountpoint)
		return;
	r = fusetrace_mount_stop(run->mount, NULL, &stop, NULL);
	if (r < 0)
		message("%s is left without a daemon: take it away by 'umount -l %s'", mountpoint,
			mountpoint);
	else if (stop.flags & FUSETRACE_STOP_WAS_DEAD)
		message("%s was left without a daemon: it is unmounted now", mountpoint);
}

static int judge_early_end(const struct run *run)
{
	const char *name = run->trace.options->program[0];
	int exit_code = child_exit_code(status_of(run));

	if (run->running && exit_code == 0)
		return fail(
			EXIT_UNSATISFIED,
			"%s went into the background and mounted nothing within %.3g s: give it "
			"longer by --timeout",
			name, (double)run->timeout_ns / 1e9);
	if (exit_code == 0)
		return fail(EXIT_UNSATISFIED, "%s ended without mounting anything%s", name,
			    geteuid() == 0
				    ? ": look at its messages"
				    : " that is seen to be its own: look at its messages, or "
				      "run this as root to see what other users mount");
	message("%s ended with exit code %d before it had mounted anything: look at its messages",
		name, exit_code);
	return exit_code;
}

static int finish(struct run *run)
{
	int written, r;

	if (run->was_mounted) {
		if (is_left_to_others(run) && is_mounted(run))
			message("%s stays mounted: whoever serves it is not seen: take it away by "
				"'umount %s'",
				fusetrace_mount_point(run->mount),
				fusetrace_mount_point(run->mount));
		tell_death(run);
		clean_up(run);
	}
	written = trace_finish(&run->trace, -1);
	r = run->has_ended_early ? judge_early_end(run) : child_exit_code(status_of(run));
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

/* Under its own trace, where that is the source; else just as the user wrote it. */
static int start_daemon(struct run *run, char **program, int log_fd)
{
	struct fusetrace_monitor *monitor = run->trace.monitor;
	const struct profile *profile = profile_of(program[0]);
	bool is_logged = fusetrace_monitor_source(monitor) == FUSETRACE_SOURCE_LOG;
	char **argv FT_AUTO_FREE = is_logged ? profile_argv(profile, program) : NULL;
	int output = is_logged ? log_fd : FUSETRACE_FD_INHERIT;
	sigset_t mask, by_default;
	int r;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return fail(EXIT_SETUP, "cannot keep hold of a daemon in the background: %s",
			    strerror(errno));
	if (is_logged)
		profile_set_environment(profile);
	signals_before(&mask, &by_default);
	r = fusetrace_mount_start(
		FUSETRACE_MOUNT_OPTS(.argv = argv ? argv : program, .monitor = monitor,
				     .stdin_fd = FUSETRACE_FD_INHERIT, .stdout_fd = output,
				     .stderr_fd = output,
				     .flags = FUSETRACE_MOUNT_KEEP_FDS | FUSETRACE_MOUNT_LEAVE,
				     .signal_mask = &mask, .default_signals = &by_default),
		&run->mount, NULL);
	if (r < 0)
		return fail(EXIT_SETUP, "cannot run %s: %s: give a program that is there",
			    program[0], fusetrace_strerror(r));
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
		.daemon_fd = fusetrace_mount_fd(run->mount),
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
	struct run run = {.kill_ns = UINT64_MAX};
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
	fusetrace_mount_free(run.mount);
	trace_done(&run.trace);
	signals_end(signal_fd);
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
		   "unmounted. Before it is killed, where it stands in the kernel is printed.\n"
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
