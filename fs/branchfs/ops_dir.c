/* SPDX-License-Identifier: MIT */
/*
 * Reading directories. When a listing begins, the directory is opened in all branches that have it
 * by then, and its entries are read, merged by name and kept until the listing begins anew: an
 * offset is a place in that list, which stays true whatever is made or removed in between. libfuse
 * never calls these at the same time for one handle.
 */
#include "operations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "branch.h"
#include "branchfs.h"
#include "support.h"
#include "union.h"

/* One branch's copy of the directory. */
struct source {
	int fd;
	dev_t device;
};

struct entry {
	char *name;
	ino_t inode;
	mode_t type;   /* S_IFMT bits; 0: unknown */
	size_t source; /* the first one that has the name, after merging */
};

struct source_list {
	struct source sources[BRANCHES_MAX];
	size_t count;
};

struct directory {
	struct source_list sources;
	struct entry *entries; /* sorted by name */
	size_t entry_count;
	size_t entry_room;
};

static void close_sources(struct source_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		close(list->sources[i].fd);
	list->count = 0;
}

/* Opens the copies in all branches. */
static int open_sources(const struct branchfs *fs, const char *path, struct source_list *ret_list)
{
	struct source_list list = {.count = 0};
	int result = 0;

	for (size_t i = 0; result == 0 && i < fs->branch_count; i++) {
		int fd = branch_open(&fs->branches[i], path, O_RDONLY | O_DIRECTORY);
		struct stat st;

		if (fd == -ENOENT)
			continue;
		if (fd < 0) {
			result = fd;
			break;
		}
		if (fstat(fd, &st) < 0)
			result = -errno;
		list.sources[list.count++] = (struct source){.fd = fd, .device = st.st_dev};
	}
	if (result == 0 && list.count == 0)
		result = -ENOENT;
	if (result < 0)
		close_sources(&list);
	else
		*ret_list = list;
	return result;
}

static void forget_entries(struct directory *directory)
{
	for (size_t i = 0; i < directory->entry_count; i++)
		free(directory->entries[i].name);
	free(directory->entries);
	directory->entries = NULL;
	directory->entry_count = 0;
	directory->entry_room = 0;
}

int branchfs_opendir(const char *path, struct fuse_file_info *fi)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	int result;

	if (!directory)
		return -ENOMEM;
	result = open_sources(branchfs_self(), path, &directory->sources);
	if (result < 0) {
		free(directory);
		return result;
	}
	fi->fh = (uintptr_t)directory;
	return 0;
}

/* ---- merging --------------------------------------------------------------------------------- */

static int add_entry(struct directory *directory, size_t source, const struct dirent *entry)
{
	char *name;

	if (directory->entry_count == directory->entry_room) {
		size_t room = directory->entry_room ? 2 * directory->entry_room : 64;
		struct entry *entries = reallocarray(directory->entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		directory->entries = entries;
		directory->entry_room = room;
	}
	name = strdup(entry->d_name);
	if (!name)
		return -ENOMEM;
	directory->entries[directory->entry_count++] = (struct entry){
		.name = name,
		.inode = union_inode(directory->sources.sources[source].device, entry->d_ino),
		.type = DTTOIF(entry->d_type),
		.source = source,
	};
	return 0;
}

static int read_source(struct directory *directory, size_t source)
{
	/* A descriptor of its own, so that it reads from the beginning each time. */
	int fd = openat(directory->sources.sources[source].fd, ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;

	if (!dir) {
		result = -errno;
		if (fd >= 0)
			close(fd);
		return result == -ENOENT ? 0 : result; /* removed while open */
	}
	errno = 0;
	while (result == 0 && (entry = readdir(dir))) {
		result = add_entry(directory, source, entry);
		errno = 0;
	}
	if (result == 0)
		result = -errno;
	closedir(dir);
	return result;
}

static int compare_entries(const void *left_entry, const void *right_entry)
{
	const struct entry *left = left_entry;
	const struct entry *right = right_entry;
	int order = strcmp(left->name, right->name);

	if (order != 0)
		return order;
	return left->source < right->source ? -1 : left->source > right->source;
}

static void drop_shadowed_entries(struct directory *directory)
{
	struct entry *entries = directory->entries;
	size_t kept = 0;

	for (size_t i = 0; i < directory->entry_count; i++) {
		if (kept > 0 && strcmp(entries[kept - 1].name, entries[i].name) == 0)
			free(entries[i].name);
		else
			entries[kept++] = entries[i];
	}
	directory->entry_count = kept;
}

/* Begins a listing. path is NULL when the directory has been removed. */
static int read_entries(struct directory *directory, const char *path)
{
	struct source_list sources;
	int result = 0;

	/* Since it was opened, another branch may have got a copy. */
	if (path && open_sources(branchfs_self(), path, &sources) == 0) {
		close_sources(&directory->sources);
		directory->sources = sources;
	}
	forget_entries(directory);
	for (size_t i = 0; result == 0 && i < directory->sources.count; i++)
		result = read_source(directory, i);
	if (result < 0 || directory->entry_count == 0)
		return result;
	qsort(directory->entries, directory->entry_count, sizeof(*directory->entries),
	      compare_entries);
	drop_shadowed_entries(directory);
	return 0;
}

/* ---- listing --------------------------------------------------------------------------------- */

/*
 * All attributes of an entry. Not of a directory, whose attributes are merged from its copies: the
 * kernel looks it up when it wants them.
 */
static bool stat_entry(const struct directory *directory, const struct entry *entry,
		       struct stat *ret_st)
{
	int fd = directory->sources.sources[entry->source].fd;

	return union_stat_copy(branchfs_self(), fd, entry->name, ret_st) == 0 &&
	       !S_ISDIR(ret_st->st_mode);
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
		const struct fuse_file_info *fi, bool with_attributes)
{
	struct directory *directory = (struct directory *)(uintptr_t)fi->fh;
	int result = offset == 0 ? read_entries(directory, path) : 0;

	for (size_t i = (size_t)offset; result == 0 && i < directory->entry_count; i++) {
		const struct entry *entry = &directory->entries[i];
		struct stat st;
		bool has_all = with_attributes && stat_entry(directory, entry, &st);

		if (!has_all)
			st = (struct stat){.st_ino = entry->inode, .st_mode = entry->type};
		if (fill(buffer, entry->name, &st, (off_t)i + 1,
			 has_all ? FUSE_FILL_DIR_PLUS : (enum fuse_fill_dir_flags)0))
			break; /* the buffer is full */
	}
	return result;
}

int branchfs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
		     struct fuse_file_info *fi)
{
	return list(path, buffer, fill, offset, fi, false);
}

int branchfs_readdirplus(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
			 struct fuse_file_info *fi)
{
	return list(path, buffer, fill, offset, fi, true);
}

int branchfs_fsyncdir(const char *path, int only_data, struct fuse_file_info *fi)
{
	const struct directory *directory = (const struct directory *)(uintptr_t)fi->fh;

	for (size_t i = 0; i < directory->sources.count; i++) {
		int fd = directory->sources.sources[i].fd;

		if ((only_data ? fdatasync(fd) : fsync(fd)) < 0)
			return -errno;
	}
	return 0;
}

int branchfs_releasedir(const char *path, struct fuse_file_info *fi)
{
	struct directory *directory = (struct directory *)(uintptr_t)fi->fh;

	forget_entries(directory);
	close_sources(&directory->sources);
	free(directory);
	return 0;
}
