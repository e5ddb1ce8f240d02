/* SPDX-License-Identifier: MIT */
/*
 * Questions to a filesystem, and how they get past the kernel's caches. Whoever asks may hang: see
 * probe.h.
 */
#ifndef FT_ASK_H
#define FT_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <fusetrace/fusetrace.h>

/* Of the name: the daemon is asked whether it is there, whatever the kernel has cached. */
#define FT_ASK_NAME 1u
/* As any program sees it, with what the kernel has cached. */
#define FT_ASK_STATUS 2u
#define FT_ASK_XATTR 3u  /* whether it has that extended attribute */
#define FT_ASK_XATTRS 4u /* whether it has any */

/* The file of a path. */
struct ft_target {
	char *root;             /* directory that path is taken from: the mountpoint, or "/" */
	char *path;             /* below root, with a slash at first */
	dev_t device;           /* 0: any */
	bool is_root_on_device; /* else the file alone is, as links lead to it */
};

struct ft_answer {
	int result; /* 0: there it is, -ENOENT: it is not, -ENOTCONN: nor is the mount; or an error */
	uint32_t mode;
	uint64_t inode;
	uint64_t size_bytes;
	int64_t changed_s; /* mtime */
	uint32_t changed_ns;
};

/* xattr is for FT_ASK_XATTR. Sends no request but those of the question, and opens no file. */
void ft_ask(const struct ft_target *target, uint32_t question, const char *xattr,
	    struct ft_answer *ret_answer);

#endif
