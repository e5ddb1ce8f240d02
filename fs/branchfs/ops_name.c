/* SPDX-License-Identifier: MIT */
/*
 * Operations on names: making, linking, removing and renaming. What a read-only branch holds can be
 * neither removed nor replaced, so any of these fails with EROFS, and before anything is changed,
 * when such a branch has one of the names.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "branch.h"
#include "branchfs.h"
#include "clone.h"
#include "support.h"
#include "union.h"

int branchfs_mknod(const char *path, mode_t mode, dev_t device)
{
	const struct new_object object = {
		.mode = mode,
		.device = device,
		.open_flags = O_WRONLY,
	};
	int result = union_create(branchfs_self(), path, &object);

	if (result < 0)
		return result;
	if (S_ISREG(mode))
		close(result);
	return 0;
}

int branchfs_mkdir(const char *path, mode_t mode)
{
	const struct new_object object = {.mode = S_IFDIR | mode};

	return union_create(branchfs_self(), path, &object);
}

int branchfs_symlink(const char *target, const char *path)
{
	const struct new_object object = {.mode = S_IFLNK | 0777, .target = target};

	return union_create(branchfs_self(), path, &object);
}

/* The visible copy alone gets a second name, in its own branch. */
int branchfs_link(const char *path, const char *new_path)
{
	const struct branchfs *fs = branchfs_self();
	const struct branch *branch = NULL;
	AUTO_CLOSE int fd = union_open(fs, path, O_PATH, &branch);
	AUTO_CLOSE int parent_fd = -1;
	const char *name;

	if (fd < 0)
		return fd;
	if (branch->mode == BRANCH_READ_ONLY)
		return -EROFS;
	if (union_holders(fs, new_path))
		return -EEXIST;
	parent_fd = union_clone_parent(fs, branch, new_path, &name);
	if (parent_fd < 0)
		return parent_fd;
	/* The descriptor's path in /proc is a link, which leads to the file. */
	if (linkat(AT_FDCWD, fd_path(fd).text, parent_fd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 0;
}

static int remove_from_branch(const struct branch *branch, const char *path, int flags)
{
	const char *name;
	AUTO_CLOSE int parent_fd = branch_open_parent(branch, path, &name);

	if (parent_fd < 0)
		return parent_fd;
	return unlinkat(parent_fd, name, flags) < 0 ? -errno : 0;
}

/*
 * A shadowed copy of another kind, a directory for a file or the reverse, stays: nobody has seen
 * what is in it.
 */
static bool is_other_kind(int error)
{
	return error == -EISDIR || error == -ENOTDIR || error == -ENOENT;
}

/* From the last branch to the first: while something fails, the visible copy is still there. */
static int remove_copies(const struct branchfs *fs, const char *path, uint64_t holders, int flags)
{
	for (size_t i = fs->branch_count; i > 0; i--) {
		int result;

		if (!(holders & UINT64_C(1) << (i - 1)))
			continue;
		result = remove_from_branch(&fs->branches[i - 1], path, flags);
		if (result < 0 && !is_other_kind(result))
			return result;
	}
	return 0;
}

static int remove_path(const char *path, int flags)
{
	const struct branchfs *fs = branchfs_self();
	uint64_t holders = union_holders(fs, path);

	if (!holders)
		return -ENOENT;
	if (holders & union_read_only(fs))
		return -EROFS;
	return remove_copies(fs, path, holders, flags);
}

int branchfs_unlink(const char *path)
{
	return remove_path(path, 0);
}

int branchfs_rmdir(const char *path)
{
	int is_empty = union_is_empty(branchfs_self(), path);

	if (is_empty < 0)
		return is_empty;
	return is_empty ? remove_path(path, AT_REMOVEDIR) : -ENOTEMPTY;
}

static int rename_in_branch(const struct branchfs *fs, const struct branch *branch,
			    const char *path, const char *new_path, unsigned int flags)
{
	const char *name;
	const char *new_name;
	AUTO_CLOSE int parent_fd = branch_open_parent(branch, path, &name);
	AUTO_CLOSE int new_parent_fd = union_clone_parent(fs, branch, new_path, &new_name);

	if (parent_fd < 0)
		return parent_fd;
	if (new_parent_fd < 0)
		return new_parent_fd;
	return renameat2(parent_fd, name, new_parent_fd, new_name, flags) < 0 ? -errno : 0;
}

/* Whether new_path may be replaced, as far as the union is concerned: 0 or a negative errno. */
static int check_replaceable(const struct branchfs *fs, const char *new_path, unsigned int flags)
{
	struct stat st;
	int result = union_stat(fs, new_path, &st);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!S_ISDIR(st.st_mode))
		return 0;
	result = union_is_empty(fs, new_path);
	if (result < 0)
		return result;
	return result ? 0 : -ENOTEMPTY;
}

/*
 * Every copy moves within its branch, the visible one first. Then the old copies of new_path go
 * that were not replaced by that. new_path is there at any moment.
 */
static int move(const struct branchfs *fs, const char *path, const char *new_path,
		unsigned int flags, uint64_t holders, uint64_t new_holders)
{
	struct stat st;
	int result = union_stat(fs, path, &st);

	if (result < 0)
		return result;
	result = check_replaceable(fs, new_path, flags);
	for (size_t i = 0; result == 0 && i < fs->branch_count; i++) {
		if (holders & UINT64_C(1) << i)
			result = rename_in_branch(fs, &fs->branches[i], path, new_path, flags);
	}
	if (result < 0)
		return result;
	return remove_copies(fs, new_path, new_holders & ~holders,
			     S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

/*
 * What is visible must change places at one moment, so both must be visible in the same branch;
 * behind it every branch follows with what it has.
 */
static int exchange(const struct branchfs *fs, const char *path, const char *new_path,
		    uint64_t holders, uint64_t new_holders)
{
	if (!new_holders)
		return -ENOENT;
	if (__builtin_ctzll(holders) != __builtin_ctzll(new_holders))
		return -EXDEV;
	for (size_t i = 0; i < fs->branch_count; i++) {
		const struct branch *branch = &fs->branches[i];
		bool has_old = holders & UINT64_C(1) << i;
		bool has_new = new_holders & UINT64_C(1) << i;
		int result = 0;

		if (has_old)
			result = rename_in_branch(fs, branch, path, new_path,
						  has_new ? RENAME_EXCHANGE : RENAME_NOREPLACE);
		else if (has_new)
			result = rename_in_branch(fs, branch, new_path, path, RENAME_NOREPLACE);
		if (result < 0)
			return result;
	}
	return 0;
}

int branchfs_rename(const char *path, const char *new_path, unsigned int flags)
{
	const struct branchfs *fs = branchfs_self();
	uint64_t holders = union_holders(fs, path);
	uint64_t new_holders = union_holders(fs, new_path);

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!holders)
		return -ENOENT;
	if ((holders | new_holders) & union_read_only(fs))
		return -EROFS;
	if (flags & RENAME_EXCHANGE)
		return exchange(fs, path, new_path, holders, new_holders);
	return move(fs, path, new_path, flags, holders, new_holders);
}
