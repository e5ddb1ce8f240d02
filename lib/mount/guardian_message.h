/* SPDX-License-Identifier: MIT */
/*
 * What the library tells the guardian, over a socket of packets: one struct a packet, followed by
 * text. Both are built from one tree and installed together, so there is no version in it.
 */
#ifndef FT_GUARDIAN_MESSAGE_H
#define FT_GUARDIAN_MESSAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The guardian's descriptors: the socket, and a pidfd of its owner. */
#define FT_GUARDIAN_SOCKET 3
#define FT_GUARDIAN_OWNER 4

/* Also the longest mountpoint that /proc/self/mountinfo is read with. */
#define FT_GUARDIAN_PATH_MAX (4 * PATH_MAX)
#define FT_GUARDIAN_MARK_MAX 256
/* The variable that all daemons have in their environment. */
#define FT_GUARDIAN_MARK_NAME "FUSETRACE_DAEMON"

#define FT_GUARDIAN_HELLO 1u     /* the first one: image */
#define FT_GUARDIAN_MOUNT 2u     /* all that is known of an entry, new or known; path and mark */
#define FT_GUARDIAN_DIRECTORY 3u /* likewise; path */
#define FT_GUARDIAN_FORGET 4u

struct ft_guardian_message {
	uint32_t kind;
	int32_t entry;
	uint32_t connection; /* as in mountinfo, major << 20 | minor; 0: nothing is mounted yet */
	uint32_t reserved;
	uint64_t identity; /* inode of /sys/fs/fuse/connections/N; 0: unknown */
	uint64_t mount_id; /* STATX_MNT_ID_UNIQUE of the mount; 0: unknown */
	uint64_t before;   /* what that was on the mountpoint before; 0: unknown */
	uint64_t
		device; /* of the directory, as stat(2) has it; with inode and birth its identity */
	uint64_t inode;
	uint64_t born_ns; /* 0: the filesystem does not tell */
	uint64_t image;   /* where the owner's program has its random bytes: another after exec() */
	char text[];      /* path, NUL, mark, NUL */
};

/* "FUSETRACE_DAEMON=<pid>-<random>": all processes that have it go with the owner. */
static inline bool ft_guardian_is_mark(const char *mark)
{
	size_t name = sizeof(FT_GUARDIAN_MARK_NAME "=") - 1;
	size_t length = strnlen(mark, FT_GUARDIAN_MARK_MAX);

	if (length <= name || length == FT_GUARDIAN_MARK_MAX ||
	    memcmp(mark, FT_GUARDIAN_MARK_NAME "=", name) != 0)
		return false;
	for (const char *at = mark; *at; at++) {
		if (*at <= ' ' || *at > '~')
			return false;
	}
	return true;
}

#endif
