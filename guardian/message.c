/* SPDX-License-Identifier: MIT */
/* See message.h. */
#include "message.h"

#include <string.h>

bool message_is_path(const char *path)
{
	return path[0] == '/' && strnlen(path, FT_GUARDIAN_PATH_MAX) < FT_GUARDIAN_PATH_MAX;
}

bool message_is_mark(const char *mark)
{
	return mark[0] == '\0' || ft_guardian_is_mark(mark);
}

static bool set_entry(const struct ft_guardian_message *message, size_t size,
		      struct leftovers *leftovers)
{
	const char *path = message->text, *end = (const char *)message + size;
	const char *mark = memchr(path, '\0', (size_t)(end - path));
	struct leftover *leftover;

	if (!mark || !memchr(mark + 1, '\0', (size_t)(end - mark - 1)) || !message_is_path(path) ||
	    !message_is_mark(mark + 1))
		return false;
	leftover = leftovers_set(leftovers, message->entry, path, mark + 1);
	if (!leftover)
		return false;
	leftover->is_directory = message->kind == FT_GUARDIAN_DIRECTORY;
	leftover->connection = message->connection;
	leftover->identity = message->identity;
	leftover->mount_id = message->mount_id;
	leftover->before = message->before;
	leftover->device = message->device;
	leftover->inode = message->inode;
	leftover->born_ns = message->born_ns;
	return true;
}

bool message_take(const struct ft_guardian_message *message, size_t size,
		  struct leftovers *leftovers, uint64_t *image)
{
	if (size < sizeof(*message))
		return false;
	switch (message->kind) {
	case FT_GUARDIAN_HELLO:
		*image = message->image;
		return true;
	case FT_GUARDIAN_FORGET:
		leftovers_forget(leftovers, message->entry);
		return true;
	case FT_GUARDIAN_MOUNT:
	case FT_GUARDIAN_DIRECTORY:
		return set_entry(message, size, leftovers);
	default:
		return false;
	}
}
