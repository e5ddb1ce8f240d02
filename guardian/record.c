/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "mount/guardian_message.h"
#include "process/unseen.h"
#include "processes.h"

#define DIRECTORIES 3u
#define NAME_ROOM 64
#define SIZE_MAX_BYTES (64u << 20)

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON FT_CLEANUP(json_cleanup)

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

/* ---- to JSON ---- */

/* Numbers of this machine that make those in the record worth something. */
static json_t *this_boot(void)
{
	FILE *file FT_AUTO_FCLOSE = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[64] = "";

	if (file && fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	return json_string(text);
}

static json_t *namespace_number(const char *name)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return json_integer(stat(path, &status) == 0 ? (json_int_t)status.st_ino : 0);
}

static json_t *identity_json(const struct identity *identity)
{
	return json_pack("{s:I, s:I}", "pid", (json_int_t)identity->pid, "start_ticks",
			 (json_int_t)identity->start_ticks);
}

/* A path is bytes: in base64 what is no UTF-8. */
static int put_path(json_t *object, const char *path)
{
	struct ft_bytes bytes = ft_bytes_of(path);
	char *text FT_AUTO_FREE = NULL;
	size_t size;

	if (ft_utf8_valid(bytes.data, bytes.length))
		return json_object_set_new(object, "path", json_string(path));
	size = ft_base64_encode(bytes, NULL, 0) + 1;
	text = malloc(size);
	if (!text)
		return -1;
	ft_base64_encode(bytes, text, size);
	return json_object_set_new(object, "path_b64", json_string(text));
}

static json_t *leftover_json(const struct leftover *leftover)
{
	json_t *object;

	if (leftover->is_directory)
		object = json_pack("{s:s, s:i, s:I, s:I, s:I}", "kind", "directory", "entry",
				   leftover->number, "device", (json_int_t)leftover->device,
				   "inode", (json_int_t)leftover->inode, "born_ns",
				   (json_int_t)leftover->born_ns);
	else
		object = json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I}", "kind", "mount", "entry",
				   leftover->number, "mark", leftover->mark, "connection",
				   (json_int_t)leftover->connection, "identity",
				   (json_int_t)leftover->identity, "mount_id",
				   (json_int_t)leftover->mount_id, "before",
				   (json_int_t)leftover->before);
	if (object && leftover->problem[0])
		json_object_set_new(object, "problem", json_string(leftover->problem));
	if (object && put_path(object, leftover->path) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *record_json(struct record *record)
{
	json_t *entries = json_array();

	ft_list_foreach (node, &record->leftovers.list)
		json_array_append_new(entries,
				      leftover_json(FT_CONTAINER(node, struct leftover, node)));
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "v", 1, "boot", this_boot(),
			 "mounts", namespace_number("mnt"), "pids", namespace_number("pid"),
			 "owner", identity_json(&record->owner), "guardian",
			 identity_json(&record->guardian), "entries", entries);
}

/* ---- from JSON ---- */

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void read_identity(const json_t *object, struct identity *identity)
{
	identity->pid = (pid_t)number_of(object, "pid");
	identity->start_ticks = number_of(object, "start_ticks");
}

/* NULL: none. Free with free(). */
static char *read_path(const json_t *object)
{
	const char *plain = json_string_value(json_object_get(object, "path"));
	const char *encoded = json_string_value(json_object_get(object, "path_b64"));
	size_t length;
	char *path;

	if (plain || !encoded)
		return plain ? strdup(plain) : NULL;
	path = malloc(strlen(encoded) + 1);
	if (path && ft_base64_decode(ft_bytes_of(encoded), path, strlen(encoded), &length) < 0) {
		free(path);
		return NULL;
	}
	if (path)
		path[length] = '\0';
	return path;
}

static void read_entry(const json_t *object, struct leftovers *leftovers)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	const char *mark = json_string_value(json_object_get(object, "mark"));
	const char *problem = json_string_value(json_object_get(object, "problem"));
	char *path FT_AUTO_FREE = read_path(object);
	struct leftover *leftover;

	if (!kind || !path || path[0] != '/' || (mark && strlen(mark) >= FT_GUARDIAN_MARK_MAX))
		return;
	leftover =
		leftovers_set(leftovers, (int)number_of(object, "entry"), path, mark ? mark : "");
	if (!leftover)
		return;
	leftover->is_directory = strcmp(kind, "directory") == 0;
	leftover->connection = (uint32_t)number_of(object, "connection");
	leftover->identity = number_of(object, "identity");
	leftover->mount_id = number_of(object, "mount_id");
	leftover->before = number_of(object, "before");
	leftover->device = number_of(object, "device");
	leftover->inode = number_of(object, "inode");
	leftover->born_ns = number_of(object, "born_ns");
	if (problem)
		leftover_problem(leftover, "%s", problem);
}

/* Whether it is of here. */
static bool read_json(const json_t *json, struct record *record)
{
	json_t *boot AUTO_JSON = this_boot();
	json_t *mounts AUTO_JSON = namespace_number("mnt");
	json_t *pids AUTO_JSON = namespace_number("pid");
	const json_t *entry;
	size_t index;

	if (number_of(json, "v") != 1)
		return false;
	record->is_of_other_boot = !json_equal(boot, json_object_get(json, "boot"));
	if (!record->is_of_other_boot && (!json_equal(mounts, json_object_get(json, "mounts")) ||
					  !json_equal(pids, json_object_get(json, "pids"))))
		return false;
	read_identity(json_object_get(json, "owner"), &record->owner);
	read_identity(json_object_get(json, "guardian"), &record->guardian);
	json_array_foreach(json_object_get(json, "entries"), index, entry)
		read_entry(entry, &record->leftovers);
	return true;
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
	json_t *json AUTO_JSON = is_empty ? NULL : record_json(record);
	char *text FT_AUTO_FREE = json ? json_dumps(json, JSON_COMPACT) : NULL;
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

static bool load(int directory, const char *name, struct record *record)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	FILE *file FT_AUTO_FCLOSE = fd < 0 ? NULL : fdopen(fd, "r");
	json_t *json AUTO_JSON = NULL;
	struct stat status;

	if (!file || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() || status.st_size > SIZE_MAX_BYTES)
		return false;
	json = json_loadf(file, 0, NULL);
	return json && read_json(json, record);
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
