/* SPDX-License-Identifier: MIT */
/*
 * See takeaway.h. In rounds: unmount lazily, let the daemons end, then make them; until a look finds
 * neither a process nor a mount, as a daemon may have been about to mount when it was looked at.
 */
#include "takeaway.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fuse_mounts.h"
#include "processes.h"
#include "tree.h"

#define ROUNDS_MAX 5
/* A daemon that has lost its mount writes back and ends by itself. */
#define LOOKS_MAX 10
#define LOOK_MS 100
#define GRACE_MS 2000
#define TERM_MS 1000
#define KILL_MS 5000

struct work {
	struct leftovers *leftovers;
	struct processes processes;
	bool is_graceful; /* something was unmounted in this round */
};

static bool is_mount(const struct leftover *leftover)
{
	return !leftover->is_directory;
}

#define foreach_mount(leftover, work)                                                              \
	ft_list_foreach (node_, &(work)->leftovers->list)                                          \
		for (struct leftover *leftover = FT_CONTAINER(node_, struct leftover, node);       \
		     leftover && is_mount(leftover); leftover = NULL)

static void note_processes(struct work *work)
{
	foreach_mount(leftover, work)
	{
		struct leftover known = *leftover;

		/* A number that another connection has got must not lead to its daemon. */
		if (!fuse_mount_is_alive(leftover))
			leftover->connection = 0;
		processes_note(&work->processes, leftover);
		leftover->connection = known.connection;
	}
}

static bool unmount_each(struct work *work)
{
	bool is_any = false;

	foreach_mount(leftover, work)
	{
		while (fuse_mount_take(leftover, &work->processes, work->leftovers)) {
			is_any = true;
			if (work->processes.tell)
				work->processes.tell(
					&(struct deed){"unmounted", leftover->path, 0, NULL},
					work->processes.data);
		}
	}
	return is_any;
}

/* As long as there is something: one may have lain in another. */
static void unmount_all(struct work *work)
{
	while (unmount_each(work))
		work->is_graceful = true;
}

/*
 * Before a daemon is told to end: libfuse takes the topmost mount of its mountpoint away then, which
 * may be somebody else's, unless its connection is cut. Others do not look whether it is: they are not
 * told where that may happen. Also frees a process that hangs in it.
 */
static void abort_all(struct work *work)
{
	foreach_mount(leftover, work)
	{
		leftover->is_harmful = fuse_mount_is_mistakable(leftover);
		if (!processes_any(&work->processes, leftover) || !fuse_mount_abort(leftover))
			continue;
		if (work->processes.tell)
			work->processes.tell(&(struct deed){"aborted", leftover->path,
							    leftover->connection, NULL},
					     work->processes.data);
	}
}

static void end_processes(struct work *work)
{
	struct processes *processes = &work->processes;

	if (work->is_graceful && processes_wait(processes, GRACE_MS))
		return;
	abort_all(work);
	processes_signal(processes, SIGTERM);
	if (processes_wait(processes, TERM_MS))
		return;
	processes_signal(processes, SIGKILL);
	processes_wait(processes, KILL_MS);
}

static bool has_processes(const struct work *work)
{
	foreach_mount(leftover, work)
	{
		if (processes_any(&work->processes, leftover))
			return true;
	}
	return false;
}

static void judge_mounts(struct work *work)
{
	foreach_mount(leftover, work)
	{
		bool is_there = fuse_mount_is_there(leftover);
		bool may_be_below = fuse_mount_may_be_below(leftover);

		if (processes_any(&work->processes, leftover) && !leftover->problem[0])
			leftover_problem(leftover, "its daemon does not end");
		else if (is_there && !leftover->problem[0])
			leftover_problem(leftover, "it cannot be unmounted");
		else if (may_be_below)
			leftover_problem(
				leftover,
				"another mount covers one that has no daemon and may be it");
		leftover->is_done =
			!is_there && !may_be_below && !processes_any(&work->processes, leftover);
	}
}

/* The last ones first: they may lie in the first ones. */
static void remove_directories(struct work *work)
{
	for (struct ft_list *node = work->leftovers->list.previous; node != &work->leftovers->list;
	     node = node->previous) {
		struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		if (leftover->is_directory)
			tree_remove(leftover, work->processes.tell, work->processes.data);
	}
}

/*
 * A daemon that its owner was just starting has no mark before its exec(), for which there is no
 * event; so nothing of an expected mount is believed to be there only after some looks.
 */
static bool is_any_unseen(const struct work *work)
{
	foreach_mount(leftover, work)
	{
		if (leftover->connection == 0)
			return true;
	}
	return false;
}

size_t take_away(struct leftovers *leftovers, deed_fn *tell, void *data)
{
	struct work work = {.leftovers = leftovers, .processes = {.tell = tell, .data = data}};
	int looks = 0;

	ft_list_foreach (node, &leftovers->list) /* of an earlier time, from a record */
		leftover_problem(FT_CONTAINER(node, struct leftover, node), "%s", "");
	for (int round = 0; round < ROUNDS_MAX; round++) {
		work.is_graceful = false;
		note_processes(&work);
		unmount_all(&work);
		if (!has_processes(&work) && !work.is_graceful) {
			if (looks == LOOKS_MAX || !is_any_unseen(&work))
				break;
			poll(NULL, 0, LOOK_MS);
			looks++;
			round--;
			continue;
		}
		end_processes(&work);
	}
	judge_mounts(&work);
	remove_directories(&work);
	processes_done(&work.processes);
	return leftovers_left(leftovers);
}
