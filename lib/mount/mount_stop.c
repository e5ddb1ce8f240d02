/* SPDX-License-Identifier: MIT */
/*
 * The end of a mount in steps: unmount, SIGTERM, SIGKILL. Each step keeps when it has begun, so that one
 * that was put off by a signal goes on where it was.
 */
#include "mount.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "guardian.h"

#define UNMOUNT_NS (10 * FUSETRACE_SECOND)
#define BUSY_NS (2 * FUSETRACE_SECOND)
#define TERM_NS (2 * FUSETRACE_SECOND)
#define KILL_NS (5 * FUSETRACE_SECOND)
/* One that is still in use after it was taken out of sight ends with its last user, maybe never. */
#define LAZY_NS (FUSETRACE_SECOND / 2)
/* A lazy unmount and an abort take no time but that of their system call. */
#define PROMPT_NS (2 * FUSETRACE_SECOND)
#define FIRST_PAUSE_NS (FUSETRACE_SECOND / 1000)
#define LAST_PAUSE_NS (FUSETRACE_SECOND / 20)

static uint64_t time_or(uint64_t given_ns, uint64_t default_ns)
{
	return given_ns ? given_ns : default_ns;
}

static uint64_t later(uint64_t begin_ns, uint64_t duration_ns)
{
	return duration_ns > UINT64_MAX - begin_ns ? UINT64_MAX : begin_ns + duration_ns;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_flag(struct fusetrace_mount *mount, uint32_t flag)
{
	mount->stopping.stop.flags |= flag;
}

/* ---- the mount ---- */

/*
 * Ends what hangs in it. A process that hangs in its own mount cannot be killed before; an unmount that
 * writes back to a daemon that hangs does not return before.
 */
static void cut_off(struct fusetrace_mount *mount)
{
	if (fusetrace_mount_abort(mount) == 0)
		set_flag(mount, FUSETRACE_STOP_ABORTED);
}

static void look_into_it(struct fusetrace_mount *mount)
{
	bool is_stopped;

	pthread_mutex_lock(&mount->lock);
	is_stopped = ft_processes_is_stopped(&mount->processes);
	pthread_mutex_unlock(&mount->lock);
	if (is_stopped)
		set_flag(mount, FUSETRACE_STOP_WAS_STOPPED);
}

/* One try, at whose deadline the connection is cut off. */
static int unmount_once(struct fusetrace_mount *mount, const struct ft_place *place, bool is_lazy,
			uint64_t deadline_ns)
{
	int r = ft_mount_try_unmount(mount, place->mountpoint, is_lazy, deadline_ns);

	if (r == -ETIMEDOUT) {
		fusetrace_mount_take_stacks(mount, FUSETRACE_ON_HANG_REPORT);
		cut_off(mount);
		r = ft_mount_try_unmount(mount, place->mountpoint, is_lazy,
					 ft_deadline_ns(PROMPT_NS));
	}
	mount->stopping.is_refused |= r == -EPERM;
	return r;
}

static int unmount_lazily(struct fusetrace_mount *mount, const struct ft_place *place)
{
	int r = unmount_once(mount, place, true, ft_deadline_ns(PROMPT_NS));

	if (r == 0)
		set_flag(mount, FUSETRACE_STOP_LAZY);
	return r;
}

/* 0 gone, 1 not yet, -EBUSY covered, or what else keeps it. */
static int take_away_once(struct fusetrace_mount *mount, uint64_t busy_until_ns,
			  uint64_t deadline_ns)
{
	struct ft_place place;
	int r;

	if (!ft_mount_find_own(mount, &place))
		return 0;
	/* libfuse, told to end, would take the topmost mount away, which is not its own. */
	r = place.is_covered ? -EBUSY : unmount_once(mount, &place, false, deadline_ns);
	if (r == -EBUSY && !place.is_covered) {
		r = 1;
		if (ft_now_ns() >= busy_until_ns)
			r = unmount_lazily(mount, &place);
	} else if (r == 0 || r == -EINVAL) {
		r = 1; /* who else was faster is seen by the next look */
	}
	free(place.mountpoint);
	return r;
}

static int take_away(struct fusetrace_mount *mount, uint64_t busy_until_ns, uint64_t deadline_ns)
{
	uint64_t pause_ns = FIRST_PAUSE_NS;
	struct ft_place place;
	int r;

	while ((r = take_away_once(mount, busy_until_ns, deadline_ns)) > 0) {
		if (!ft_mount_find_own(mount, &place))
			return 0;
		free(place.mountpoint);
		if (ft_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
		r = ft_mount_wait_while_held(mount, pause_ns, deadline_ns);
		if (r < 0)
			return r;
		pause_ns = least(pause_ns * 2, LAST_PAUSE_NS);
	}
	return r;
}

/* ---- the processes ---- */

/* 0 all have ended, -ETIMEDOUT, -EINTR. */
static int wait_for_ends(struct fusetrace_mount *mount, uint64_t deadline_ns)
{
	int r = 0;

	for (;;) {
		if (ft_mount_running(mount, false) == 0 && ft_mount_running(mount, true) == 0)
			return 0;
		if (r < 0)
			return r;
		r = ft_mount_sleep(mount, NULL, 0, deadline_ns);
	}
}

static void send(struct fusetrace_mount *mount, int number)
{
	ft_mount_running(mount, true);
	pthread_mutex_lock(&mount->lock);
	ft_processes_signal(&mount->processes, number);
	ft_processes_signal(&mount->processes, SIGCONT); /* one that is stopped takes no other */
	pthread_mutex_unlock(&mount->lock);
}

/* ---- the steps ---- */

static void begin_step(struct fusetrace_mount *mount, uint32_t step)
{
	struct ft_stopping *stopping = &mount->stopping;
	uint64_t now = ft_now_ns();

	stopping->stop.step_ns[stopping->stop.step] = now - stopping->began_ns;
	stopping->stop.step = step;
	stopping->began_ns = now;
}

static int do_unmount(struct fusetrace_mount *mount, const struct fusetrace_stop_opts *times)
{
	uint64_t began_ns = mount->stopping.began_ns;
	uint64_t deadline_ns = later(began_ns, time_or(times->unmount_ns, UNMOUNT_NS));
	uint64_t busy_until_ns =
		least(later(began_ns, time_or(times->busy_ns, BUSY_NS)), deadline_ns);
	/* A little for the system call itself. */
	int r = take_away(mount, busy_until_ns,
			  deadline_ns > UINT64_MAX - FUSETRACE_SECOND
				  ? deadline_ns
				  : deadline_ns + FUSETRACE_SECOND / 10);

	if (r == -EINTR || r == -EBUSY)
		return r;
	if (mount->stopping.stop.flags & FUSETRACE_STOP_LAZY)
		deadline_ns = least(deadline_ns, ft_deadline_ns(LAZY_NS));
	return wait_for_ends(mount, deadline_ns);
}

/*
 * libfuse, told to end, unmounts whatever lies on its mountpoint, unless its connection is cut: that may
 * be another's when ours is out of sight.
 */
static bool would_unmount_another(struct fusetrace_mount *mount)
{
	struct ft_place place;
	bool is_covered;

	if (!ft_mount_find_own(mount, &place))
		return mount->is_mounted;
	is_covered = place.is_covered;
	free(place.mountpoint);
	return is_covered;
}

static void begin_force(struct fusetrace_mount *mount, uint32_t step, int number)
{
	begin_step(mount, step);
	look_into_it(mount);
	if (step == FUSETRACE_STOP_TERM)
		fusetrace_mount_take_stacks(mount, FUSETRACE_ON_HANG_REPORT);
	if (step == FUSETRACE_STOP_KILL || mount->on_hang == FUSETRACE_ON_HANG_ABORT ||
	    would_unmount_another(mount))
		cut_off(mount);
	send(mount, number);
}

static int run_steps(struct fusetrace_mount *mount, const struct fusetrace_stop_opts *times)
{
	struct ft_stopping *stopping = &mount->stopping;
	int r = -ETIMEDOUT;

	if (stopping->stop.step == FUSETRACE_STOP_UNMOUNT) {
		r = do_unmount(mount, times);
		if (r == -ETIMEDOUT || (r < 0 && r != -EINTR && r != -EBUSY))
			begin_force(mount, FUSETRACE_STOP_TERM, SIGTERM);
	}
	if (stopping->stop.step == FUSETRACE_STOP_TERM) {
		r = wait_for_ends(mount,
				  later(stopping->began_ns, time_or(times->term_ns, TERM_NS)));
		if (r == -ETIMEDOUT)
			begin_force(mount, FUSETRACE_STOP_KILL, SIGKILL);
	}
	if (stopping->stop.step == FUSETRACE_STOP_KILL)
		r = wait_for_ends(mount,
				  later(stopping->began_ns, time_or(times->kill_ns, KILL_NS)));
	return r;
}

/* ---- begin and end ---- */

static void begin(struct fusetrace_mount *mount)
{
	struct ft_stopping *stopping = &mount->stopping;
	size_t running = ft_mount_running(mount, true);
	struct ft_place place;
	bool is_there;

	ft_mount_look(mount); /* it may have come since anybody looked */
	is_there = ft_mount_find_own(mount, &place);
	if (is_there)
		free(place.mountpoint);
	stopping->has_begun = true;
	stopping->began_ns = ft_now_ns();
	stopping->stop = (struct fusetrace_stop){.step = FUSETRACE_STOP_NOTHING};
	if (is_there && running == 0 && !ft_mount_may_be_served(mount))
		set_flag(mount, FUSETRACE_STOP_WAS_DEAD);
	look_into_it(mount);
	/* What has never mounted will not end by an unmount. */
	if (mount->is_mounted && (is_there || running))
		stopping->stop.step = FUSETRACE_STOP_UNMOUNT;
	else if (running)
		begin_force(mount, FUSETRACE_STOP_TERM, SIGTERM);
}

/* Also one that came after all. */
static bool is_left(struct fusetrace_mount *mount)
{
	struct ft_place place;

	ft_mount_look(mount);
	if (!ft_mount_find_own(mount, &place))
		return false;
	if (!place.is_covered && unmount_lazily(mount, &place) == 0) {
		free(place.mountpoint);
		if (!ft_mount_find_own(mount, &place))
			return false;
	}
	free(place.mountpoint);
	return true;
}

static void finish(struct fusetrace_mount *mount)
{
	struct fusetrace_stop *stop = &mount->stopping.stop;
	const struct ft_process *outcome;

	stop->step_ns[stop->step] = ft_now_ns() - mount->stopping.began_ns;
	pthread_mutex_lock(&mount->lock);
	outcome = ft_processes_outcome(&mount->processes);
	if (outcome) {
		set_flag(mount, FUSETRACE_STOP_HAS_STATUS);
		stop->status = outcome->status;
	}
	stop->processes = (uint32_t)mount->processes.seen;
	pthread_mutex_unlock(&mount->lock);
	mount->stopping.is_done = true;
	ft_mount_release(mount);
	if (mount->guarded > 0)
		ft_guardian_forget(mount->guarded);
}

static int fail(struct fusetrace_mount *mount, int r, struct fusetrace_error *reterr_error)
{
	const char *where = mount->mountpoint ? mount->mountpoint : "nowhere";

	mount->stopping.has_begun = false;
	if (r == -EBUSY)
		return ft_error(reterr_error, r,
				"another mount lies on %s or in it: unmount that one first", where);
	if (r == -EPERM)
		return ft_error(reterr_error, r,
				"%s may not be unmounted: neither CAP_SYS_ADMIN nor fusermount3 is "
				"there: install fuse3",
				where);
	return ft_error(reterr_error, r, "%s of %s on %s could not be ended: %s", mount->name,
			mount->mark, where, fusetrace_strerror(r));
}

int fusetrace_mount_stop(struct fusetrace_mount *mount, const struct fusetrace_stop_opts *opts,
			 struct fusetrace_stop *ret_stop, struct fusetrace_error *reterr_error)
{
	const struct fusetrace_stop_opts *times = opts ? opts : FUSETRACE_STOP_OPTS();
	int r = ft_mount_enter(mount);

	if (r < 0)
		return ft_error(reterr_error, r, "%s", fusetrace_strerror(r));
	if (times->sz != sizeof(*times) || !ret_stop)
		return ft_error(reterr_error, -EINVAL, "use FUSETRACE_STOP_OPTS()");
	if (!mount->stopping.is_done) {
		if (!mount->stopping.has_begun)
			begin(mount);
		if (mount->stopping.stop.step != FUSETRACE_STOP_NOTHING)
			r = run_steps(mount, times);
		if (r == -EINTR)
			return r;
		if (r == -EBUSY)
			return fail(mount, r, reterr_error);
		if (is_left(mount) && (r == 0 || mount->stopping.is_refused))
			r = mount->stopping.is_refused ? -EPERM : -ETIMEDOUT;
		if (r < 0)
			return fail(mount, r, reterr_error);
		finish(mount);
	}
	*ret_stop = mount->stopping.stop;
	return 0;
}
