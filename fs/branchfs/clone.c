/* SPDX-License-Identifier: MIT */
/*
 * New objects. The policy ranks the branches; the first that can take the object gets it. Where the
 * object's directory exists in other branches only, it is cloned, level by level; the union looks
 * the same before and after, so the times of the directory above are kept, too.
 */
#include "clone.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "branch.h"
#include "branchfs.h"
#include "policy.h"
#include "support.h"
#include "union.h"

/* Two threads must not clone the same directory at once. */
static pthread_mutex_t clone_lock = PTHREAD_MUTEX_INITIALIZER;

static int set_times(int fd, const struct stat *model)
{
	const struct timespec times[2] = {model->st_atim, model->st_mtim};

	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* An owner that we may not set stays ours; everything else must succeed. */
static int copy_attributes(int fd, const struct stat *model)
{
	if (fchownat(fd, "", model->st_uid, model->st_gid, AT_EMPTY_PATH) < 0 && errno != EPERM)
		return -errno;
	if (chmod(fd_path(fd).text, model->st_mode & 07777) < 0)
		return -errno;
	return set_times(fd, model);
}

/* Makes name in parent_fd look like path does in the union. Fine if it is already there. */
static int clone_directory(const struct branchfs *fs, const char *path, int parent_fd,
			   const char *name)
{
	AUTO_CLOSE int model_fd = union_open(fs, path, O_PATH | O_DIRECTORY, NULL);
	AUTO_CLOSE int fd = -1;
	struct stat model;
	struct stat parent;

	if (model_fd < 0)
		return model_fd;
	if (fstat(model_fd, &model) < 0 || fstat(parent_fd, &parent) < 0)
		return -errno;
	if (mkdirat(parent_fd, name, S_IRWXU) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	set_times(parent_fd, &parent); /* which we may not if it is somebody else's */
	return copy_attributes(fd, &model);
}

/* Opens the directory path in branch, cloned as far as it is missing. Cuts and restores path. */
static int open_or_clone(const struct branchfs *fs, const struct branch *branch, char *path)
{
	AUTO_CLOSE int fd = branch_open(branch, "/", O_PATH | O_DIRECTORY);
	char *name = path + 1;

	while (fd >= 0 && *name != '\0') {
		char *end = strchrnul(name, '/');
		char cut = *end;
		int result;
		int next;

		*end = '\0';
		result = clone_directory(fs, path, fd, name);
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (result == 0 && next < 0)
			result = -errno;
		*end = cut;
		close(fd);
		fd = next;
		if (result < 0)
			return result;
		name = cut ? end + 1 : end;
	}
	return steal_fd(&fd);
}

int union_clone_parent(const struct branchfs *fs, const struct branch *branch, const char *path,
		       const char **ret_name)
{
	char parent[PATH_MAX];
	int result = branch_split_path(path, parent, ret_name);

	if (result < 0)
		return result;
	result = branch_open(branch, parent, O_PATH | O_DIRECTORY);
	if (result != -ENOENT)
		return result;
	pthread_mutex_lock(&clone_lock);
	result = open_or_clone(fs, branch, parent);
	pthread_mutex_unlock(&clone_lock);
	return result;
}

/* Returns 0, for a regular file its descriptor. */
static int make(int parent_fd, const char *name, const struct new_object *object)
{
	int result;

	switch (object->mode & S_IFMT) {
	case S_IFDIR:
		result = mkdirat(parent_fd, name, object->mode);
		break;
	case S_IFLNK:
		result = symlinkat(object->target, parent_fd, name);
		break;
	case S_IFREG:
		result = openat(parent_fd, name,
				object->open_flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				object->mode);
		break;
	default:
		result = mknodat(parent_fd, name, object->mode, object->device);
	}
	return result < 0 ? -errno : result;
}

/* The object was made by us, but it belongs to the process that asked for it, if we are root. */
static int give_to_caller(int parent_fd, const char *name, mode_t mode)
{
	const struct fuse_context *caller = fuse_get_context();
	struct stat parent;
	gid_t group = caller->gid;

	if (geteuid() != 0 || (caller->uid == 0 && caller->gid == getegid()))
		return 0;
	if (fstat(parent_fd, &parent) < 0)
		return -errno;
	if (parent.st_mode & S_ISGID)
		group = (gid_t)-1; /* it has the directory's group already */
	if (fchownat(parent_fd, name, caller->uid, group, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* chown(2) takes these bits away. */
	if ((mode & (S_ISUID | S_ISGID)) && fchmodat(parent_fd, name, mode & 07777, 0) < 0)
		return -errno;
	return 0;
}

static int create_in_branch(const struct branchfs *fs, const struct branch *branch,
			    const char *path, const struct new_object *object)
{
	const char *name;
	AUTO_CLOSE int parent_fd = union_clone_parent(fs, branch, path, &name);
	int made;
	int result;

	if (parent_fd < 0)
		return parent_fd;
	made = make(parent_fd, name, object);
	if (made < 0)
		return made;
	result = give_to_caller(parent_fd, name, object->mode);
	if (result == 0)
		return made;
	if (S_ISREG(object->mode))
		close(made);
	unlinkat(parent_fd, name, S_ISDIR(object->mode) ? AT_REMOVEDIR : 0);
	return result;
}

/* Whether the next branch may succeed where this one failed; ENOTDIR: a file is in the way. */
static bool is_worth_another_try(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EROFS || error == -ENOTDIR;
}

int union_create(const struct branchfs *fs, const char *path, const struct new_object *object)
{
	struct candidate candidates[BRANCHES_MAX];
	size_t count = policy_rank(fs->policy, fs->branches, fs->branch_count, candidates);
	int first_error = -EROFS;

	if (union_holders(fs, path))
		return -EEXIST;
	for (size_t i = 0; i < count; i++) {
		int result = create_in_branch(fs, candidates[i].branch, path, object);

		if (result >= 0 || !is_worth_another_try(result))
			return result;
		if (i == 0)
			first_error = result;
	}
	return first_error;
}
