/* SPDX-License-Identifier: MIT */
/* See record_text.h. */
#include "record_text.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "message.h"

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON FT_CLEANUP(json_cleanup)

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
	uint64_t pid = number_of(object, "pid");

	identity->pid = pid <= INT_MAX ? (pid_t)pid : 0;
	identity->start_ticks = number_of(object, "start_ticks");
}

/* NULL: none. Free with free(). */
static char *read_path(const json_t *object)
{
	const char *plain = json_string_value(json_object_get(object, "path"));
	const char *encoded = json_string_value(json_object_get(object, "path_b64"));
	char *path FT_AUTO_FREE = NULL;
	size_t length = 0;

	if (plain || !encoded)
		return plain ? strdup(plain) : NULL;
	path = malloc(strlen(encoded) + 1);
	if (!path || ft_base64_decode(ft_bytes_of(encoded), path, strlen(encoded), &length) < 0 ||
	    memchr(path, '\0', length))
		return NULL;
	path[length] = '\0';
	return FT_STEAL_PTR(path);
}

static void read_numbers(const json_t *object, struct leftover *leftover)
{
	leftover->connection = (uint32_t)number_of(object, "connection");
	leftover->identity = number_of(object, "identity");
	leftover->mount_id = number_of(object, "mount_id");
	leftover->before = number_of(object, "before");
	leftover->device = number_of(object, "device");
	leftover->inode = number_of(object, "inode");
	leftover->born_ns = number_of(object, "born_ns");
}

static void read_entry(const json_t *object, struct leftovers *leftovers)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	const char *mark = json_string_value(json_object_get(object, "mark"));
	const char *problem = json_string_value(json_object_get(object, "problem"));
	char *path FT_AUTO_FREE = read_path(object);
	bool is_directory = kind && strcmp(kind, "directory") == 0;
	struct leftover *leftover;

	if (!kind || (!is_directory && strcmp(kind, "mount") != 0) || !path ||
	    !message_is_path(path) || (mark && !message_is_mark(mark)))
		return;
	leftover =
		leftovers_set(leftovers, (int)number_of(object, "entry"), path, mark ? mark : "");
	if (!leftover)
		return;
	leftover->is_directory = is_directory;
	read_numbers(object, leftover);
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
	if (record->owner.pid == 0)
		return false;
	read_identity(json_object_get(json, "guardian"), &record->guardian);
	json_array_foreach(json_object_get(json, "entries"), index, entry)
		read_entry(entry, &record->leftovers);
	return true;
}

char *record_to_text(struct record *record)
{
	json_t *json AUTO_JSON = record_json(record);

	return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

bool record_of_text(const char *text, size_t size, struct record *record)
{
	json_t *json AUTO_JSON = json_loadb(text, size, 0, NULL);

	return json && read_json(json, record);
}
