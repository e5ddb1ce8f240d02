/* SPDX-License-Identifier: MIT */
/* Which mount a process serves: the one of the connection that it or a descendant holds. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"
#include "daemons.h"
#include "mounts.h"

#define HOLDERS_MAX 16

typedef bool relation_fn(pid_t pid, const struct ft_mount *mount);

static bool serves(pid_t pid, const struct ft_mount *mount)
{
	pid_t holders[HOLDERS_MAX];
	int count;

	if (!ft_daemons_holds(pid, mount->connection))
		return false;
	count = ft_daemons_of_connection(mount->connection, holders, HOLDERS_MAX);
	return count > HOLDERS_MAX || ft_daemons_is_one_of(pid, holders, count);
}

static bool names(pid_t pid, const struct ft_mount *mount)
{
	return ft_daemons_has_argument(pid, mount->mountpoint);
}

/* Of those that pid has, the one on top. */
static void find_of_one(const struct ft_mounts *mounts, pid_t pid, relation_fn *has,
			const struct ft_mount **found)
{
	for (size_t i = mounts->count; i-- > 0;) {
		const struct ft_mount *mount = &mounts->entries[i];

		if (*found && mount->order <= (*found)->order)
			return;
		if (has(pid, mount)) {
			*found = mount;
			return;
		}
	}
}

static const struct ft_mount *find(const struct ft_mounts *mounts, pid_t ancestor, relation_fn *has)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	const struct ft_mount *found = NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = ft_daemons_pid_of(entry);

		if (pid && ft_daemons_is_descendant(pid, ancestor))
			find_of_one(mounts, pid, has, &found);
	}
	return found;
}

int fusetrace_mountpoint_of(pid_t pid, char **ret_mountpoint)
{
	const struct ft_mount *found;
	struct ft_mounts mounts;
	int r;

	if (pid <= 0 || !ret_mountpoint)
		return -EINVAL;
	r = ft_mounts_read(&mounts);
	if (r < 0)
		return r;
	found = find(&mounts, pid, serves);
	if (!found)
		found = find(&mounts, pid, names);
	/* Of one that has ended any child of ours may be a descendant; and numbers are given out again. */
	if (ft_daemons_has_ended(pid))
		r = -ESRCH;
	else if (!found || !ft_mounts_is_still_there(found))
		r = -ENOENT;
	else if (!(*ret_mountpoint = strdup(found->mountpoint)))
		r = -ENOMEM;
	ft_mounts_done(&mounts);
	return r;
}
