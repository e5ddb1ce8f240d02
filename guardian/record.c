/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/unseen.h"
#include "processes.h"
#include "record_text.h"

#define DIRECTORIES 3u
#define NAME_ROOM 64
#define SIZE_MAX_BYTES (64u << 20)

bool identity_is_alive(const struct identity *identity)
{
	return identity->pid > 0 && identity->start_ticks != 0 &&
	       (process_start_ticks(identity->pid) == identity->start_ticks ||
		ft_unseen_is_hidden(identity->pid)); /* then who knows */
}

/* ---- where ---- */

/* Number index of them; false: there is none of that number here. */
static bool name_directory(size_t index, char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int length = 0;

	if (index == 0 && geteuid() == 0)
		length = snprintf(path, size, "/run/fusetrace");
	else if (index == 1 && runtime && runtime[0] == '/')
		length = snprintf(path, size, "%s/fusetrace", runtime);
	else if (index == 2)
		length = snprintf(path, size, "/tmp/fusetrace-%u", (unsigned int)geteuid());
	return length > 0 && (size_t)length < size;
}

/* Others may have put something of that name there: it must be a directory of ours alone. */
static int open_directory(size_t index, bool is_made)
{
	char path[4096];
	int fd FT_AUTO_CLOSE = -1;
	struct stat status;

	if (!name_directory(index, path, sizeof(path)))
		return -ENOENT;
	if (is_made && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid() || (status.st_mode & 077))
		return -EPERM;
	return ft_steal_fd(&fd);
}

static void name_file(const struct identity *owner, char *name)
{
	snprintf(name, NAME_ROOM, "%d-%" PRIu64 ".json", (int)owner->pid, owner->start_ticks);
}

/* ---- files ---- */

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno != EINTR)
			return -errno;
		text += written > 0 ? written : 0;
		size -= written > 0 ? (size_t)written : 0;
	}
	return 0;
}

/* Never half of it: the new one takes the old one's place when it is whole. */
static int replace_file(int directory, const char *name, const char *text)
{
	char temporary[NAME_ROOM + 8];
	int fd FT_AUTO_CLOSE = -1;
	int r;

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	unlinkat(directory, temporary, 0);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0 && renameat(directory, temporary, directory, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(directory, temporary, 0);
	return r;
}

static int save_in(size_t index, const char *name, const char *text)
{
	int directory FT_AUTO_CLOSE = open_directory(index, true);

	return directory < 0 ? directory : replace_file(directory, name, text);
}

static void remove_from(size_t index, const char *name)
{
	int directory FT_AUTO_CLOSE = open_directory(index, false);

	if (directory >= 0)
		unlinkat(directory, name, 0);
}

int record_save(struct record *record)
{
	bool is_empty = ft_list_is_empty(&record->leftovers.list);
	bool is_text = !is_empty && !record->has_no_file;
	char *text FT_AUTO_FREE = is_text ? record_to_text(record) : NULL;
	char name[NAME_ROOM];
	int r = is_empty ? 0 : -ENOMEM;
	bool is_saved = false;

	if (record->has_no_file)
		return 0;
	name_file(&record->owner, name);
	for (size_t i = 0; i < DIRECTORIES; i++) {
		if (text && !is_saved) {
			int saved = save_in(i, name, text);

			is_saved = saved == 0;
			r = saved == -ENOENT && i == 1 ? r : saved;
			if (is_saved)
				continue;
		}
		if (is_empty || is_saved)
			remove_from(i, name); /* an earlier one, of when that place worked */
	}
	return r;
}

/* Free with free(); NULL: it is no file of ours, or too long. */
static char *read_all(int fd, size_t *ret_size)
{
	struct stat status;
	char *text FT_AUTO_FREE = NULL;
	size_t size = 0;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    status.st_size > (off_t)SIZE_MAX_BYTES)
		return NULL;
	text = malloc((size_t)status.st_size + 1);
	while (text && size < (size_t)status.st_size) {
		ssize_t length = read(fd, text + size, (size_t)status.st_size - size);

		if (length == 0)
			break;
		if (length < 0 && errno != EINTR)
			return NULL;
		size += length > 0 ? (size_t)length : 0;
	}
	*ret_size = size;
	return FT_STEAL_PTR(text);
}

/* Under another name it would be told of twice, and that one of its owner be removed for it. */
static bool is_named_so(const struct record *record, const char *name)
{
	char its[NAME_ROOM];

	name_file(&record->owner, its);
	return strcmp(name, its) == 0;
}

static bool load(int directory, const char *name, struct record *record)
{
	int fd FT_AUTO_CLOSE =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	size_t size = 0;
	char *text FT_AUTO_FREE = fd < 0 ? NULL : read_all(fd, &size);

	return text && record_of_text(text, size, record) && is_named_so(record, name);
}

static void each_of(int directory, record_fn *fn, void *data)
{
	struct dirent *entry;
	DIR *listing = fdopendir(directory);

	while (listing && (entry = readdir(listing))) {
		struct record record = {0};
		size_t length = strlen(entry->d_name);

		leftovers_init(&record.leftovers);
		if (entry->d_name[0] != '.' && length > 5 &&
		    strcmp(entry->d_name + length - 5, ".json") == 0 &&
		    load(dirfd(listing), entry->d_name, &record))
			fn(&record, data);
		leftovers_done(&record.leftovers);
	}
	if (listing)
		closedir(listing);
	else
		close(directory);
}

void record_each(record_fn *fn, void *data)
{
	for (size_t i = 0; i < DIRECTORIES; i++) {
		int directory = open_directory(i, false);

		if (directory >= 0)
			each_of(directory, fn, data);
	}
}
