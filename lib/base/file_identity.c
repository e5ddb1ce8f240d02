/* SPDX-License-Identifier: MIT */
/* See file_identity.h. */
#include "file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Older headers do not have it; an older kernel leaves its bit out of the answer. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

int ft_file_identity(int fd, const char *path, struct ft_file_identity *ret_identity)
{
	int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	struct statx found;

	if (statx(fd, path, flags, STATX_INO | STATX_BTIME | STATX_MNT_ID_UNIQUE, &found) < 0 &&
	    /* a mount of somebody else refuses all but what the kernel knows without it */
	    (errno != EACCES || statx(fd, path, flags, STATX_MNT_ID_UNIQUE, &found) < 0) &&
	    (errno != EACCES || statx(fd, path, flags, 0, &found) < 0))
		return -errno;
	*ret_identity = (struct ft_file_identity){
		.device = found.stx_dev_major << 20 | found.stx_dev_minor,
		.inode = found.stx_ino,
	};
	if (found.stx_mask & STATX_BTIME)
		ret_identity->born_ns = (uint64_t)found.stx_btime.tv_sec * UINT64_C(1000000000) +
					found.stx_btime.tv_nsec;
	if (found.stx_mask & STATX_MNT_ID_UNIQUE)
		ret_identity->mount_id = found.stx_mnt_id;
	return 0;
}
