/* SPDX-License-Identifier: MIT */
/*
 * Operations on what a file holds. An open file is a descriptor of its visible copy, kept in
 * fi->fh. Contents are read and written through data_begin(), because with -o write_behind they may
 * be in a spool instead; without it, that is the same descriptor again.
 *
 * Left to others on purpose:
 * - A file that is unlinked while it is open: libfuse renames it to .fuse_hidden... and removes it
 *   at the last release. The alternative, -o hard_remove, loses fstat(2) and fchmod(2) on such
 *   files, since the kernel asks for those without a file handle and there is no path any more.
 * - fcntl(2) and flock(2) locks: without lock() and flock() the kernel keeps them for all users of
 *   the mount. Passed on, a waiting lock would hold one of the few threads of the daemon.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "branch.h"
#include "branchfs.h"
#include "clone.h"
#include "support.h"
#include "union.h"
#include "write_behind.h"

/*
 * The flags for the branch's file. O_DIRECT stays out: it is between the kernel and the
 * application, our buffers are not aligned for it.
 */
static int branch_flags(const struct branchfs *fs, int flags)
{
	int kept = flags & (O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC);

	if (!fs->wants_writeback_cache && !fs->write_behind)
		return kept;
	/* Pages and spools are filled by reading, and written back to where they belong. */
	kept &= ~O_APPEND;
	if ((kept & O_ACCMODE) != O_RDONLY || kept & O_TRUNC)
		kept = (kept & ~O_ACCMODE) | O_RDWR;
	/* The branch keeps its data until the new ones reach it. */
	if (fs->write_behind)
		kept &= ~O_TRUNC;
	return kept;
}

/* Opens the visible copy. */
static int file_open(const struct branchfs *fs, const char *path, int flags)
{
	const struct branch *branch = NULL;
	AUTO_CLOSE int found = union_open(fs, path, O_PATH, &branch);
	AUTO_CLOSE int fd = -1;
	int result;

	if (found < 0)
		return found;
	if (branch->mode == BRANCH_READ_ONLY &&
	    ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
		return -EROFS;
	fd = open(fd_path(found).text, branch_flags(fs, flags) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write_behind_opened(fs->write_behind, fd, flags);
	return result < 0 ? result : steal_fd(&fd);
}

static void file_close(const struct branchfs *fs, int fd, int flags)
{
	write_behind_released(fs->write_behind, fd, flags);
	close(fd);
}

int branchfs_open(const char *path, struct fuse_file_info *fi)
{
	int fd = file_open(branchfs_self(), path, fi->flags);

	if (fd < 0)
		return fd;
	fi->fh = (uint64_t)fd;
	return 0;
}

int branchfs_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	const struct branchfs *fs = branchfs_self();
	const struct new_object object = {
		.mode = S_IFREG | (mode & 07777),
		.open_flags = branch_flags(fs, fi->flags),
	};
	int fd = union_create(fs, path, &object);
	int result;

	/* Somebody was faster, behind the kernel's back. */
	if (fd == -EEXIST && !(fi->flags & O_EXCL))
		return branchfs_open(path, fi);
	if (fd < 0)
		return fd;
	result = write_behind_opened(fs->write_behind, fd, fi->flags);
	if (result < 0) {
		close(fd);
		return result;
	}
	fi->fh = (uint64_t)fd;
	return 0;
}

int branchfs_read(const char *path, char *buffer, size_t size, off_t offset,
		  struct fuse_file_info *fi)
{
	AUTO_DATA struct data data = DATA_NONE;
	int result = data_begin(branchfs_self()->write_behind, (int)fi->fh, false, &data);
	ssize_t length;

	if (result < 0)
		return result;
	length = pread(data.fd, buffer, size, offset);
	return length < 0 ? -errno : (int)length;
}

int branchfs_write(const char *path, const char *buffer, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	const struct branchfs *fs = branchfs_self();
	AUTO_DATA struct data data = DATA_NONE;
	int result = data_begin(fs->write_behind, (int)fi->fh, true, &data);
	struct stat st;
	ssize_t length;

	if (result < 0)
		return result;
	/* The branch's descriptor appends by itself, a spool does not. */
	if (data.is_spool && fi->flags & O_APPEND && !fs->wants_writeback_cache) {
		if (fstat(data.fd, &st) < 0)
			return -errno;
		offset = st.st_size;
	}
	length = pwrite(data.fd, buffer, size, offset);
	return length < 0 ? -errno : (int)length;
}

/*
 * Called at every close(2). Closing a copy of the descriptor brings up what the branch's own
 * filesystem reports at that time only, such as NFS a full disk.
 */
int branchfs_flush(const char *path, struct fuse_file_info *fi)
{
	int copy = fcntl((int)fi->fh, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	return close(copy) < 0 ? -errno : 0;
}

int branchfs_release(const char *path, struct fuse_file_info *fi)
{
	file_close(branchfs_self(), (int)fi->fh, fi->flags);
	return 0;
}

int branchfs_fsync(const char *path, int only_data, struct fuse_file_info *fi)
{
	int fd = (int)fi->fh;
	int result = write_behind_sync(branchfs_self()->write_behind, fd);

	if (result < 0)
		return result;
	return (only_data ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

static int file_truncate(const struct branchfs *fs, int fd, off_t size)
{
	AUTO_DATA struct data data = DATA_NONE;
	int result = data_begin(fs->write_behind, fd, true, &data);

	if (result < 0)
		return result;
	return ftruncate(data.fd, size) < 0 ? -errno : 0;
}

int branchfs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	const struct branchfs *fs = branchfs_self();
	int fd;
	int result;

	if (fi)
		return file_truncate(fs, (int)fi->fh, size);
	fd = file_open(fs, path, O_WRONLY);
	if (fd < 0)
		return fd;
	result = file_truncate(fs, fd, size);
	file_close(fs, fd, O_WRONLY);
	return result;
}

int branchfs_fallocate(const char *path, int mode, off_t offset, off_t length,
		       struct fuse_file_info *fi)
{
	AUTO_DATA struct data data = DATA_NONE;
	int result = data_begin(branchfs_self()->write_behind, (int)fi->fh, true, &data);

	if (result < 0)
		return result;
	return fallocate(data.fd, mode, offset, length) < 0 ? -errno : 0;
}

/* Only asked for SEEK_DATA and SEEK_HOLE. Nobody else uses the descriptor's position. */
off_t branchfs_lseek(const char *path, off_t offset, int whence, struct fuse_file_info *fi)
{
	AUTO_DATA struct data data = DATA_NONE;
	int result = data_begin(branchfs_self()->write_behind, (int)fi->fh, false, &data);
	off_t found;

	if (result < 0)
		return result;
	found = lseek(data.fd, offset, whence);
	return found < 0 ? -errno : found;
}

ssize_t branchfs_copy_file_range(const char *path_in, struct fuse_file_info *fi_in, off_t offset_in,
				 const char *path_out, struct fuse_file_info *fi_out,
				 off_t offset_out, size_t size, int flags)
{
	ssize_t length;

	/* The kernel then copies by reading and writing, which the spools see. */
	if (branchfs_self()->write_behind)
		return -EOPNOTSUPP;
	length = copy_file_range((int)fi_in->fh, &offset_in, (int)fi_out->fh, &offset_out, size,
				 (unsigned int)flags);
	return length < 0 ? -errno : length;
}
