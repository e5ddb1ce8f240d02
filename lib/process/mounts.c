/* SPDX-License-Identifier: MIT */
/* See mounts.h. The format of mountinfo is that of proc_pid_mountinfo(5). */
#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SYMLINKS_MAX 40
/* Longer than PATH_MAX: a mountpoint may lie deeper than one call can name. */
#define TEXT_MAX (4 * PATH_MAX)

/* ---- reading ---- */

static bool is_octal(char byte)
{
	return byte >= '0' && byte <= '7';
}

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) &&
		    is_octal(from[3])) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static bool is_fuse_type(const char *type)
{
	return strcmp(type, "fuse") == 0 || strcmp(type, "fuseblk") == 0 ||
	       strncmp(type, "fuse.", 5) == 0 || strncmp(type, "fuseblk.", 8) == 0 ||
	       strcmp(type, "virtiofs") == 0;
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS", cut at the spaces. */
static bool parse_line(char *line, struct ft_mount *mount, char **ret_point, char **ret_type)
{
	unsigned int major, minor;
	char *fields[5];
	char *save = NULL;
	char *dash = strstr(line, " - ");

	if (!dash)
		return false;
	*dash = '\0';
	for (int i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return false;
	}
	if (sscanf(fields[2], "%u:%u", &major, &minor) != 2)
		return false;
	*ret_type = strtok_r(dash + 3, " \n", &save);
	*ret_point = fields[4];
	mount->id = atoi(fields[0]);
	mount->parent = atoi(fields[1]);
	mount->connection = major << 20 | minor;
	return *ret_type != NULL;
}

/* Takes over the strings of mount, also on failure. */
static int append(struct ft_mount **list, size_t *count, struct ft_mount mount)
{
	struct ft_mount *entries = NULL;

	if (mount.mountpoint && mount.type)
		entries = realloc(*list, (*count + 1) * sizeof(*entries));
	if (!entries) {
		free(mount.mountpoint);
		free(mount.type);
		return -ENOMEM;
	}
	entries[(*count)++] = mount;
	*list = entries;
	return 0;
}

int ft_mounts_parse(FILE *file, struct ft_mounts *ret_mounts)
{
	struct ft_mounts mounts = {0};
	char *line FT_AUTO_FREE = NULL;
	size_t size = 0;
	int r = 0;

	while (r == 0 && getline(&line, &size, file) > 0) {
		struct ft_mount mount = {.order = mounts.count + mounts.other_count};
		char *point, *type;

		if (!parse_line(line, &mount, &point, &type))
			continue;
		unescape(point);
		mount.mountpoint = strdup(point);
		mount.type = strdup(type);
		r = is_fuse_type(type) ? append(&mounts.entries, &mounts.count, mount)
				       : append(&mounts.others, &mounts.other_count, mount);
	}
	if (r < 0) {
		ft_mounts_done(&mounts);
		return r;
	}
	*ret_mounts = mounts;
	return 0;
}

int ft_mounts_read(struct ft_mounts *ret_mounts)
{
	FILE *file FT_AUTO_FCLOSE = fopen("/proc/self/mountinfo", "re");

	return file ? ft_mounts_parse(file, ret_mounts) : -errno;
}

static void free_list(struct ft_mount *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].mountpoint);
		free(list[i].type);
	}
	free(list);
}

void ft_mounts_done(struct ft_mounts *mounts)
{
	free_list(mounts->entries, mounts->count);
	free_list(mounts->others, mounts->other_count);
	*mounts = (struct ft_mounts){0};
}

void ft_mounts_remove(struct ft_mounts *mounts, size_t index)
{
	free(mounts->entries[index].mountpoint);
	free(mounts->entries[index].type);
	mounts->entries[index] = mounts->entries[--mounts->count];
}

/* ---- finding ---- */

const struct ft_mount *ft_mounts_by_connection(const struct ft_mounts *mounts, uint32_t connection)
{
	for (size_t i = mounts->count; i-- > 0;) {
		if (mounts->entries[i].connection == connection)
			return &mounts->entries[i];
	}
	return NULL;
}

/* The last mount of the list whose point is path or above it: it covers all earlier ones. */
static const struct ft_mount *last_above(const struct ft_mount *list, size_t count,
					 const char *path)
{
	while (count-- > 0) {
		const char *point = list[count].mountpoint;
		size_t length = strlen(point);

		if (strncmp(point, path, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/' || length == 1))
			return &list[count];
	}
	return NULL;
}

/* The FUSE mount that path lies on, by its text alone; NULL: it lies on another filesystem. */
static const struct ft_mount *seen_at(const struct ft_mounts *mounts, const char *path)
{
	const struct ft_mount *mount = last_above(mounts->entries, mounts->count, path);
	const struct ft_mount *other = last_above(mounts->others, mounts->other_count, path);

	return mount && (!other || other->order < mount->order) ? mount : NULL;
}

const struct ft_mount *ft_mounts_by_point(const struct ft_mounts *mounts, const char *path)
{
	const struct ft_mount *mount = seen_at(mounts, path);

	return mount && strcmp(mount->mountpoint, path) == 0 ? mount : NULL;
}

const struct ft_mount *ft_mounts_by_id(const struct ft_mounts *mounts, int id, uint32_t connection)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->entries[i].id == id && mounts->entries[i].connection == connection)
			return &mounts->entries[i];
	}
	return NULL;
}

bool ft_mounts_is_still_there(const struct ft_mount *mount)
{
	const struct ft_mount *found;
	struct ft_mounts now;
	bool result;

	if (ft_mounts_read(&now) < 0)
		return false;
	found = ft_mounts_by_id(&now, mount->id, mount->connection);
	result = found && strcmp(found->mountpoint, mount->mountpoint) == 0;
	ft_mounts_done(&now);
	return result;
}

static bool has_child(const struct ft_mount *list, size_t count, int id)
{
	while (count-- > 0) {
		if (list[count].parent == id)
			return true;
	}
	return false;
}

bool ft_mounts_is_covered(const struct ft_mounts *mounts, int id)
{
	return has_child(mounts->entries, mounts->count, id) ||
	       has_child(mounts->others, mounts->other_count, id);
}

struct walk {
	char done[TEXT_MAX]; /* resolved so far, without a trailing slash; "" is the root */
	char todo[TEXT_MAX]; /* what is left to resolve */
	int links;
};

/* "first/second" into to, which is TEXT_MAX bytes long. */
static int join_text(char *to, const char *first, const char *second)
{
	size_t length = strlen(first);

	if (length + strlen(second) + 2 > TEXT_MAX)
		return -ENAMETOOLONG;
	memmove(to + length + 1, second, strlen(second) + 1);
	memcpy(to, first, length);
	to[length] = '/';
	return 0;
}

/* Takes the first component off todo. */
static bool next_component(struct walk *walk, char *component, size_t size)
{
	size_t skip = strspn(walk->todo, "/");
	size_t length = strcspn(walk->todo + skip, "/");

	if (length == 0 || length >= size)
		return false;
	memcpy(component, walk->todo + skip, length);
	component[length] = '\0';
	memmove(walk->todo, walk->todo + skip + length, strlen(walk->todo + skip + length) + 1);
	return true;
}

static void drop_component(char *text)
{
	char *slash = strrchr(text, '/');

	if (slash)
		*slash = '\0';
}

/* Replaces the last component of done by what it links to. */
static int follow_link(struct walk *walk, const char *target)
{
	if (++walk->links > SYMLINKS_MAX)
		return -ELOOP;
	if (target[0] == '/')
		walk->done[0] = '\0';
	else
		drop_component(walk->done);
	return join_text(walk->todo, target, walk->todo);
}

/* One component. 1: done is a FUSE mountpoint now. */
static int step(struct walk *walk, const struct ft_mounts *mounts, const char *component)
{
	char target[PATH_MAX];
	ssize_t length;
	int r;

	if (strcmp(component, ".") == 0)
		return 0;
	if (strcmp(component, "..") == 0) {
		drop_component(walk->done);
		return 0;
	}
	r = join_text(walk->done, walk->done, component);
	if (r < 0)
		return r;
	if (ft_mounts_by_point(mounts, walk->done))
		return 1;
	length = readlink(walk->done, target, sizeof(target) - 1);
	if (length < 0)
		return errno == EINVAL ? 0 : -errno;
	target[length] = '\0';
	return follow_link(walk, target);
}

/* Below a mountpoint the text decides: "." and ".." are removed, links are not looked at. */
static int finish_by_text(struct walk *walk)
{
	char component[NAME_MAX + 1];
	int r = 0;

	while (r == 0 && next_component(walk, component, sizeof(component))) {
		if (strcmp(component, ".") == 0)
			continue;
		if (strcmp(component, "..") == 0)
			drop_component(walk->done);
		else
			r = join_text(walk->done, walk->done, component);
	}
	return r;
}

static int start_walk(struct walk *walk, const char *path)
{
	char here[TEXT_MAX];

	*walk = (struct walk){0};
	if (path[0] == '\0')
		return -ENOENT;
	if (path[0] == '/')
		return join_text(walk->todo, "", path);
	if (!getcwd(here, sizeof(here)))
		return -errno;
	return join_text(walk->todo, here, path);
}

int ft_mounts_find(const struct ft_mounts *mounts, const char *path,
		   const struct ft_mount **ret_mount)
{
	struct walk *walk FT_AUTO_FREE = malloc(sizeof(*walk));
	char component[NAME_MAX + 1];
	const struct ft_mount *found;
	int r;

	if (!walk)
		return -ENOMEM;
	r = start_walk(walk, path);
	while (r == 0 && next_component(walk, component, sizeof(component)))
		r = step(walk, mounts, component);
	if (r < 0)
		return r;
	if (r == 1 || walk->todo[strspn(walk->todo, "/")]) {
		if (r != 1)
			return -ENAMETOOLONG; /* a component longer than any name */
		r = finish_by_text(walk);
		if (r < 0)
			return r;
	}
	found = seen_at(mounts, walk->done[0] ? walk->done : "/");
	if (!found)
		return -EMEDIUMTYPE;
	*ret_mount = found;
	return 0;
}
