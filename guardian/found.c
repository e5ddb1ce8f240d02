/* SPDX-License-Identifier: MIT */
/* See found.h. */
#include "found.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuse_mounts.h"
#include "mount/guardian_message.h"
#include "mount_ids.h"
#include "process/daemons.h"
#include "process/mounts.h"
#include "process/unseen.h"
#include "processes.h"

struct search {
	int milliseconds;
	record_fn *fn;
	void *data;
	struct leftovers known; /* marks (as path) that have been seen */
	int known_count;
};

/* ---- records ---- */

/* Whether it has ended, within that time. */
static bool has_ended(const struct identity *guardian, int milliseconds)
{
	int pidfd FT_AUTO_CLOSE = pidfd_open(guardian->pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0 && identity_is_alive(guardian) && milliseconds > 0)
		poll(&ended, 1, milliseconds);
	return !identity_is_alive(guardian);
}

static void know_mark(struct search *search, const char *mark)
{
	leftovers_set(&search->known, ++search->known_count, mark, "");
}

static bool is_known(struct search *search, const char *mark)
{
	ft_list_foreach (node, &search->known.list) {
		if (strcmp(FT_CONTAINER(node, struct leftover, node)->path, mark) == 0)
			return true;
	}
	return false;
}

static void look_at_record(struct record *record, void *data)
{
	struct search *search = data;

	if (!record->is_of_other_boot) {
		ft_list_foreach (node, &record->leftovers.list)
			know_mark(search, FT_CONTAINER(node, struct leftover, node)->mark);
		if (identity_is_alive(&record->owner) ||
		    !has_ended(&record->guardian, search->milliseconds))
			return;
	}
	search->fn(record, search->data);
}

/* ---- daemons ---- */

/* In a container the mark's number is that of another process than here. */
static bool is_of_our_namespace(pid_t pid)
{
	struct stat ours, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &its) == 0 && stat("/proc/self/ns/pid", &ours) == 0 &&
	       its.st_ino == ours.st_ino;
}

/* Whether the process that has made this mark is another one than that of its number now. */
static bool is_starter_gone(const char *mark, pid_t daemon, pid_t *ret_starter)
{
	const char *number = strchr(mark, '=') + 1;
	char *end;
	long starter = strtol(number, &end, 10);
	uint64_t start_ticks;

	if (end == number || *end != '-' || starter <= 0 || starter > INT_MAX)
		return false;
	*ret_starter = (pid_t)starter;
	if (ft_unseen_is_hidden(*ret_starter))
		return false; /* it may be the very one */
	start_ticks = process_start_ticks(*ret_starter);
	return start_ticks == 0 || start_ticks > process_start_ticks(daemon);
}

/* Others are bind mounts of it, which somebody else may have made. */
static bool is_first_of_connection(const struct ft_mounts *mounts, const struct ft_mount *mount)
{
	uint64_t mount_id = mount_id_of(mount->id);

	for (size_t i = 0; i < mounts->count; i++) {
		const struct ft_mount *other = &mounts->entries[i];

		if (other != mount && other->connection == mount->connection &&
		    mount_id_of(other->id) < mount_id)
			return false;
	}
	return true;
}

static void add_mounts(struct record *record, const char *mark, pid_t daemon)
{
	struct ft_mounts mounts;
	int count = 0;

	if (ft_mounts_read(&mounts) < 0)
		return;
	for (size_t i = 0; i < mounts.count; i++) {
		const struct ft_mount *mount = &mounts.entries[i];
		struct leftover *leftover;

		if (!ft_daemons_serves(daemon, mount->connection) ||
		    !is_first_of_connection(&mounts, mount))
			continue;
		leftover = leftovers_set(&record->leftovers, ++count, mount->mountpoint, mark);
		if (leftover)
			fuse_mount_learn(leftover, mount->connection, mount_id_of(mount->id));
	}
	ft_mounts_done(&mounts);
	if (count == 0)
		leftovers_set(&record->leftovers, 1, NULL, mark);
}

static void look_at_process(struct search *search, pid_t pid)
{
	char *mark FT_AUTO_FREE = ft_daemons_variable(pid, FT_GUARDIAN_MARK_NAME "=");
	struct record record = {.has_no_file = true};

	if (!mark || !ft_guardian_is_mark(mark) || is_known(search, mark) ||
	    !is_of_our_namespace(pid) || !is_starter_gone(mark, pid, &record.owner.pid))
		return;
	leftovers_init(&record.leftovers);
	add_mounts(&record, mark, pid);
	search->fn(&record, search->data);
	know_mark(search, mark);
	leftovers_done(&record.leftovers);
}

void found_each(int milliseconds, record_fn *fn, void *data)
{
	struct search search = {.milliseconds = milliseconds, .fn = fn, .data = data};
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;

	leftovers_init(&search.known);
	record_each(look_at_record, &search);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(&search, (pid_t)atoi(entry->d_name));
	}
	leftovers_done(&search.known);
}
