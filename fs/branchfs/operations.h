/* SPDX-License-Identifier: MIT */
/*
 * The list of operations. It exists once: the prototypes below, the wrappers that trace and break
 * them, the table for libfuse and the names that options accept are all made from it. To add an
 * operation, add a row and write branchfs_NAME() in the ops_ file of its kind.
 *
 * A row is OPERATION(name, result type, parameters, arguments, handle, fields, report...):
 * handle is the fuse_file_info of the open file or NULL; fields are those numbers of the report
 * that the operation has, besides times, caller and handle; the report is made of initialisers of
 * struct fusetrace_emit.
 */
#ifndef BRANCHFS_OPERATIONS_H
#define BRANCHFS_OPERATIONS_H

#include <fuse.h>
#include <stdbool.h>

/* clang-format off */
#define BRANCHFS_OPERATIONS(OPERATION) \
	/* ops_meta.c */ \
	OPERATION(getattr, int, \
		  (const char *path, struct stat *st, struct fuse_file_info *fi), \
		  (path, st, fi), \
		  fi, 0, .path = path) \
	OPERATION(access, int, \
		  (const char *path, int mask), \
		  (path, mask), \
		  NULL, HAS(MODE), .path = path, .mode = (uint32_t)mask) \
	OPERATION(chmod, int, \
		  (const char *path, mode_t mode, struct fuse_file_info *fi), \
		  (path, mode, fi), \
		  fi, HAS(MODE), .path = path, .mode = mode) \
	OPERATION(chown, int, \
		  (const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi), \
		  (path, uid, gid, fi), \
		  fi, 0, .path = path) \
	OPERATION(utimens, int, \
		  (const char *path, const struct timespec times[2], struct fuse_file_info *fi), \
		  (path, times, fi), \
		  fi, 0, .path = path) \
	OPERATION(readlink, int, \
		  (const char *path, char *buffer, size_t size), \
		  (path, buffer, size), \
		  NULL, 0, .path = path) \
	OPERATION(statfs, int, \
		  (const char *path, struct statvfs *space), \
		  (path, space), \
		  NULL, 0, .path = path) \
	/* ops_name.c */ \
	OPERATION(mknod, int, \
		  (const char *path, mode_t mode, dev_t device), \
		  (path, mode, device), \
		  NULL, HAS(MODE), .path = path, .mode = mode) \
	OPERATION(mkdir, int, \
		  (const char *path, mode_t mode), \
		  (path, mode), \
		  NULL, HAS(MODE), .path = path, .mode = mode) \
	OPERATION(symlink, int, \
		  (const char *target, const char *path), \
		  (target, path), \
		  NULL, 0, .path = path) \
	OPERATION(link, int, \
		  (const char *path, const char *new_path), \
		  (path, new_path), \
		  NULL, 0, .path = path, .path2 = new_path) \
	OPERATION(unlink, int, \
		  (const char *path), \
		  (path), \
		  NULL, 0, .path = path) \
	OPERATION(rmdir, int, \
		  (const char *path), \
		  (path), \
		  NULL, 0, .path = path) \
	OPERATION(rename, int, \
		  (const char *path, const char *new_path, unsigned int flags), \
		  (path, new_path, flags), \
		  NULL, HAS(FLAGS), .path = path, .path2 = new_path, .flags = flags) \
	/* ops_xattr.c */ \
	OPERATION(setxattr, int, \
		  (const char *path, const char *name, const char *value, size_t size, int flags), \
		  (path, name, value, size, flags), \
		  NULL, HAS(SIZE) | HAS(FLAGS), \
		  .path = path, .xattr = name, .size = size, .flags = (uint32_t)flags) \
	OPERATION(getxattr, int, \
		  (const char *path, const char *name, char *value, size_t size), \
		  (path, name, value, size), \
		  NULL, HAS(SIZE) | HAS(REPLY_SIZE), .path = path, .xattr = name, .size = size) \
	OPERATION(listxattr, int, \
		  (const char *path, char *names, size_t size), \
		  (path, names, size), \
		  NULL, HAS(SIZE) | HAS(REPLY_SIZE), .path = path, .size = size) \
	OPERATION(removexattr, int, \
		  (const char *path, const char *name), \
		  (path, name), \
		  NULL, 0, .path = path, .xattr = name) \
	/* ops_file.c */ \
	OPERATION(open, int, \
		  (const char *path, struct fuse_file_info *fi), \
		  (path, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)fi->flags) \
	OPERATION(create, int, \
		  (const char *path, mode_t mode, struct fuse_file_info *fi), \
		  (path, mode, fi), \
		  fi, HAS(MODE) | HAS(FLAGS), \
		  .path = path, .mode = mode, .flags = (uint32_t)fi->flags) \
	OPERATION(read, int, \
		  (const char *path, char *buffer, size_t size, off_t offset, \
		   struct fuse_file_info *fi), \
		  (path, buffer, size, offset, fi), \
		  fi, HAS(OFFSET) | HAS(SIZE) | HAS(REPLY_SIZE), \
		  .path = path, .offset = (uint64_t)offset, .size = size) \
	OPERATION(write, int, \
		  (const char *path, const char *buffer, size_t size, off_t offset, \
		   struct fuse_file_info *fi), \
		  (path, buffer, size, offset, fi), \
		  fi, HAS(OFFSET) | HAS(SIZE) | HAS(REPLY_SIZE), \
		  .path = path, .offset = (uint64_t)offset, .size = size) \
	OPERATION(flush, int, \
		  (const char *path, struct fuse_file_info *fi), \
		  (path, fi), \
		  fi, 0, .path = path) \
	OPERATION(release, int, \
		  (const char *path, struct fuse_file_info *fi), \
		  (path, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)fi->flags) \
	OPERATION(fsync, int, \
		  (const char *path, int only_data, struct fuse_file_info *fi), \
		  (path, only_data, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)only_data) \
	OPERATION(truncate, int, \
		  (const char *path, off_t size, struct fuse_file_info *fi), \
		  (path, size, fi), \
		  fi, HAS(SIZE), .path = path, .size = (uint64_t)size) \
	OPERATION(fallocate, int, \
		  (const char *path, int mode, off_t offset, off_t length, \
		   struct fuse_file_info *fi), \
		  (path, mode, offset, length, fi), \
		  fi, HAS(OFFSET) | HAS(SIZE) | HAS(MODE), \
		  .path = path, .offset = (uint64_t)offset, .size = (uint64_t)length, \
		  .mode = (uint32_t)mode) \
	OPERATION(lseek, off_t, \
		  (const char *path, off_t offset, int whence, struct fuse_file_info *fi), \
		  (path, offset, whence, fi), \
		  fi, HAS(OFFSET) | HAS(FLAGS), \
		  .path = path, .offset = (uint64_t)offset, .flags = (uint32_t)whence) \
	OPERATION(copy_file_range, ssize_t, \
		  (const char *path, struct fuse_file_info *fi, off_t offset, \
		   const char *path_out, struct fuse_file_info *fi_out, off_t offset_out, \
		   size_t size, int flags), \
		  (path, fi, offset, path_out, fi_out, offset_out, size, flags), \
		  fi, HAS(OFFSET) | HAS(SIZE) | HAS(REPLY_SIZE), \
		  .path = path, .path2 = path_out, .offset = (uint64_t)offset, .size = size) \
	/* ops_dir.c */ \
	OPERATION(opendir, int, \
		  (const char *path, struct fuse_file_info *fi), \
		  (path, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)fi->flags) \
	OPERATION(releasedir, int, \
		  (const char *path, struct fuse_file_info *fi), \
		  (path, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)fi->flags) \
	OPERATION(fsyncdir, int, \
		  (const char *path, int only_data, struct fuse_file_info *fi), \
		  (path, only_data, fi), \
		  fi, HAS(FLAGS), .path = path, .flags = (uint32_t)only_data)

/* Two operations of the kernel, one function for libfuse. */
#define BRANCHFS_READDIR_OPERATIONS(OPERATION) \
	OPERATION(readdir, int, \
		  (const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, \
		   struct fuse_file_info *fi), \
		  (path, buffer, fill, offset, fi), \
		  fi, HAS(OFFSET), .path = path, .offset = (uint64_t)offset) \
	OPERATION(readdirplus, int, \
		  (const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, \
		   struct fuse_file_info *fi), \
		  (path, buffer, fill, offset, fi), \
		  fi, HAS(OFFSET), .path = path, .offset = (uint64_t)offset)

#define BRANCHFS_ALL_OPERATIONS(OPERATION) \
	BRANCHFS_OPERATIONS(OPERATION) \
	BRANCHFS_READDIR_OPERATIONS(OPERATION)
/* clang-format on */

#define DECLARE_OPERATION(name, type, parameters, ...) type branchfs_##name parameters;
BRANCHFS_ALL_OPERATIONS(DECLARE_OPERATION)
#undef DECLARE_OPERATION

/* What libfuse calls: every operation, wrapped. */
extern const struct fuse_operations branchfs_operations;

/* Whether there is an operation of that name; and all names, each after a blank. */
bool operation_exists(const char *name);
const char *operation_names(void);

#endif
