/* SPDX-License-Identifier: MIT */
/* Where the threads of a mount's daemon, and those that wait for it, stand in the kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mount.h"
#include "stacks.h"

static int print_caller(struct fusetrace_op *op, void *data)
{
	uint64_t thread;

	if (fusetrace_op_number(op, FUSETRACE_FIELD_PID, &thread) == 0 && thread)
		ft_stacks_of_thread(data, "caller", (pid_t)thread, (pid_t)thread);
	return 0;
}

/* The trace knows who waits in this mount; without one, all are shown who wait in any. */
static void print_callers(struct fusetrace_mount *mount, FILE *out)
{
	struct fusetrace_monitor *monitor = mount->monitor;

	if (monitor && fusetrace_monitor_source(monitor) == FUSETRACE_SOURCE_KERNEL &&
	    fusetrace_monitor_state(monitor) == FUSETRACE_STATE_MOUNTED)
		fusetrace_in_flight(monitor, NULL, print_caller, out);
	else
		ft_stacks_of_waiting(out, "caller");
}

int fusetrace_mount_take_stacks(struct fusetrace_mount *mount, uint32_t on_hang)
{
	pid_t pids[FT_PROCESSES_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int count;
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	count = fusetrace_mount_pids(mount, pids, FT_PROCESSES_MAX);
	for (int i = 0; i < count && i < FT_PROCESSES_MAX; i++)
		ft_stacks_of_process(out, "daemon", pids[i]);
	print_callers(mount, out);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	pthread_mutex_lock(&mount->lock);
	free(mount->stacks);
	mount->stacks = text;
	pthread_mutex_unlock(&mount->lock);
	return on_hang == FUSETRACE_ON_HANG_ABORT ? fusetrace_mount_abort(mount) : 0;
}

const char *fusetrace_mount_last_stacks(struct fusetrace_mount *mount)
{
	const char *text;

	if (ft_mount_enter(mount) < 0)
		return NULL;
	pthread_mutex_lock(&mount->lock);
	text = mount->stacks;
	pthread_mutex_unlock(&mount->lock);
	return text;
}
