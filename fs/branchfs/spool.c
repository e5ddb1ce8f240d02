/* SPDX-License-Identifier: MIT */
/*
 * Spools: copying contents there and back, holes included. When to do so is write_behind.c's
 * matter.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static int copy_range(int from_fd, int to_fd, off_t offset, off_t end)
{
	char buffer[65536];

	while (offset < end) {
		size_t wanted = sizeof(buffer);
		ssize_t length;

		if (end - offset < (off_t)wanted)
			wanted = (size_t)(end - offset);
		length = pread(from_fd, buffer, wanted, offset);
		if (length <= 0)
			return length < 0 ? -errno : 0;
		length = pwrite(to_fd, buffer, (size_t)length, offset);
		if (length < 0)
			return -errno;
		offset += length;
	}
	return 0;
}

static int copy_contents(int from_fd, int to_fd)
{
	struct stat st;
	off_t data = 0;

	if (fstat(from_fd, &st) < 0 || ftruncate(to_fd, 0) < 0 || ftruncate(to_fd, st.st_size) < 0)
		return -errno;
	while ((data = lseek(from_fd, data, SEEK_DATA)) >= 0) {
		off_t hole = lseek(from_fd, data, SEEK_HOLE);
		int result = hole < 0 ? -errno : copy_range(from_fd, to_fd, data, hole);

		if (result < 0)
			return result;
		data = hole;
	}
	return errno == ENXIO ? 0 : -errno; /* ENXIO: no more data */
}

int spool_new(int model_fd)
{
	AUTO_CLOSE int fd = memfd_create("branchfs-spool", MFD_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	result = model_fd < 0 ? 0 : copy_contents(model_fd, fd);
	return result < 0 ? result : steal_fd(&fd);
}

int spool_write_back(int spool_fd, int branch_fd)
{
	struct stat branch;
	struct stat spool;
	int result;

	if (fstat(branch_fd, &branch) < 0 || fstat(spool_fd, &spool) < 0)
		return -errno;
	if (branch.st_nlink == 0)
		return 0;
	result = copy_contents(spool_fd, branch_fd);
	if (result < 0)
		return result;
	return futimens(branch_fd, (struct timespec[2]){{.tv_nsec = UTIME_OMIT}, spool.st_mtim}) < 0
		       ? -errno
		       : 0;
}
