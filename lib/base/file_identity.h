/* SPDX-License-Identifier: MIT */
/*
 * What a file is, told by numbers that another one in its place does not have. Nothing here asks a
 * FUSE daemon: the kernel tells what it knows.
 */
#ifndef FT_BASE_FILE_IDENTITY_H
#define FT_BASE_FILE_IDENTITY_H

#include <stdint.h>

struct ft_file_identity {
	uint32_t device; /* as mountinfo has it: major << 20 | minor */
	uint64_t inode;
	uint64_t born_ns;  /* wall clock; 0: the filesystem does not tell */
	uint64_t mount_id; /* never given out again (Linux 6.8); 0: the kernel does not tell */
};

/*
 * Of what path names, itself if it is a link. As openat(2): relative to fd, AT_FDCWD is the working
 * directory; "" is fd itself. 0 or a negative errno.
 */
int ft_file_identity(int fd, const char *path, struct ft_file_identity *ret_identity);

#endif
