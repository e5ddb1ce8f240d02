/* SPDX-License-Identifier: MIT */
/* What is known of a mount: its processes, how they ended, what they printed, and which mount is its own. */
#include "mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "process/connection.h"
#include "process/daemons.h"
#include "process/unseen.h"

/* ---- its processes ---- */

size_t ft_mount_running(struct fusetrace_mount *mount, bool is_thorough)
{
	const struct ft_served served = {mount->connection, mount->identity};
	size_t running;

	pthread_mutex_lock(&mount->lock);
	running = is_thorough ? ft_processes_find(&mount->processes, mount->mark, &served)
			      : ft_processes_update(&mount->processes);
	pthread_mutex_unlock(&mount->lock);
	return running;
}

bool ft_mount_may_be_served(struct fusetrace_mount *mount)
{
	const struct ft_process *first = &mount->processes.entries[0];
	bool may_be;

	pthread_mutex_lock(&mount->lock);
	may_be = mount->is_mounted && !ft_processes_has_served(&mount->processes) &&
		 first->has_status && first->status == 0;
	pthread_mutex_unlock(&mount->lock);
	return may_be && ft_unseen_why() != FT_UNSEEN_NONE;
}

pid_t fusetrace_mount_pid(const struct fusetrace_mount *mount)
{
	return mount ? mount->processes.entries[0].pid : -EINVAL;
}

int fusetrace_mount_status(struct fusetrace_mount *mount, int *ret_status)
{
	const struct ft_process *first;
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	first = &mount->processes.entries[0];
	pthread_mutex_lock(&mount->lock);
	if (ft_processes_update_first(&mount->processes)) {
		r = first->has_status ? 1 : -ENODATA;
		*ret_status = first->status;
	}
	pthread_mutex_unlock(&mount->lock);
	return r;
}

int fusetrace_mount_pids(struct fusetrace_mount *mount, pid_t *pids, int max)
{
	pid_t found[FT_PROCESSES_MAX];
	bool has_first = false;
	int status, count;
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	count = ft_daemons_with_variable(mount->mark, found, FT_PROCESSES_MAX - 1);
	if (count > FT_PROCESSES_MAX - 1)
		count = FT_PROCESSES_MAX - 1;
	for (int i = 0; i < count; i++)
		has_first |= found[i] == fusetrace_mount_pid(mount);
	/* It may have changed what can be seen of its environment. */
	if (!has_first && fusetrace_mount_status(mount, &status) == 0)
		found[count++] = fusetrace_mount_pid(mount);
	for (int i = 0; i < count && i < max; i++)
		pids[i] = found[i];
	return count;
}

int fusetrace_mount_fd(const struct fusetrace_mount *mount)
{
	int r = ft_mount_enter(mount);

	return r < 0 ? r : mount->epoll_fd;
}

int fusetrace_mount_check(struct fusetrace_mount *mount)
{
	struct epoll_event ignored[8];
	bool was_mounted;
	int status;
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	was_mounted = mount->is_mounted;
	epoll_wait(mount->epoll_fd, ignored, 8, 0); /* what it tells of the mounts it tells once */
	ft_mount_running(mount, false);
	r = (int)ft_mount_running(mount, fusetrace_mount_status(mount, &status) != 0);
	if (ft_mount_look(mount) == 1 && !was_mounted) /* now it can be seen who serves it */
		r = (int)ft_mount_running(mount, true);
	return r;
}

int fusetrace_mount_outcome(struct fusetrace_mount *mount, int *ret_status)
{
	const struct ft_process *outcome;
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	pthread_mutex_lock(&mount->lock);
	outcome = ft_processes_outcome(&mount->processes);
	if (outcome)
		*ret_status = outcome->status;
	pthread_mutex_unlock(&mount->lock);
	return outcome != NULL;
}

const char *fusetrace_mount_point(const struct fusetrace_mount *mount)
{
	return mount ? mount->mountpoint : NULL;
}

uint32_t fusetrace_mount_connection(const struct fusetrace_mount *mount)
{
	return mount && mount->is_mounted ? mount->connection : 0;
}

int fusetrace_mount_log_lines(struct fusetrace_mount *mount, fusetrace_line_fn *fn, void *data)
{
	struct fusetrace_monitor *reader;
	int r = ft_mount_enter(mount);

	if (r < 0 || !fn)
		return r < 0 ? r : -EINVAL;
	reader = mount->reader ? mount->reader : mount->monitor;
	return reader ? fusetrace_log_lines(reader, fn, data) : 0;
}

/* ---- its own mount ---- */

/*
 * Whether the mount with our numbers is not another one that got them. Without fusectl the daemon tells:
 * while it holds the connection nobody else gets the number.
 */
static bool is_same(struct fusetrace_mount *mount)
{
	if (mount->identity)
		return ft_connection_identity(mount->connection) == mount->identity;
	return ft_mount_running(mount, true) > 0 ||
	       ft_daemons_left(mount->connection, NULL, 0) == 0;
}

bool ft_mount_find_own(struct fusetrace_mount *mount, struct ft_place *ret_place)
{
	const struct ft_mount *found = NULL;
	struct ft_mounts mounts;

	if (!mount->is_mounted || ft_mounts_read(&mounts) < 0)
		return false;
	found = ft_mounts_by_id(&mounts, mount->id, mount->connection);
	if (found && !is_same(mount))
		found = NULL;
	if (found) {
		ret_place->is_covered = ft_mounts_is_covered(&mounts, mount->id);
		ret_place->mountpoint = strdup(found->mountpoint);
	}
	ft_mounts_done(&mounts);
	return found && ret_place->mountpoint;
}

int fusetrace_mount_abort(struct fusetrace_mount *mount)
{
	struct ft_place place = {0};
	int r = ft_mount_enter(mount);

	if (r < 0)
		return r;
	if (!mount->is_mounted)
		return -ENOENT;
	if (!mount->identity) { /* its number may be another's by now */
		if (!ft_mount_find_own(mount, &place))
			return -ENOENT;
		free(place.mountpoint);
	}
	return ft_connection_abort(mount->connection, mount->identity);
}
