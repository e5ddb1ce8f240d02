/* SPDX-License-Identifier: MIT */
/* What an owner tells, from a packet of its socket. A packet that is none changes nothing. */
#ifndef GUARDIAN_MESSAGE_H
#define GUARDIAN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leftovers.h"
#include "mount/guardian_message.h"

#define MESSAGE_MAX                                                                                \
	(sizeof(struct ft_guardian_message) + FT_GUARDIAN_PATH_MAX + FT_GUARDIAN_MARK_MAX)

/* Whether something is known now that was not before: an entry, its end, or the image. */
bool message_take(const struct ft_guardian_message *message, size_t size,
		  struct leftovers *leftovers, uint64_t *image);

/* What may be the path of an entry: absolute, and not too long. */
bool message_is_path(const char *path);
/* What may be its mark: "", or one of ours. Any other variable would end processes of others. */
bool message_is_mark(const char *mark);

#endif
