/* SPDX-License-Identifier: MIT */
/*
 * One branch. Objects are found through openat2(2), relative to the branch's root, and used through
 * the descriptor: no path is ever glued together, none can be too long for that, and nothing can be
 * exchanged between finding and using. Which branch an operation concerns is union.c's matter.
 */
#include "branch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "support.h"

/* Takes "=RO" and the like off the end of a word. */
static enum branch_mode take_mode(char *word)
{
	static const struct {
		const char *suffix;
		enum branch_mode mode;
	} modes[] = {
		{"=RW", BRANCH_READ_WRITE},
		{"=RO", BRANCH_READ_ONLY},
		{"=NC", BRANCH_NO_CREATE},
	};
	char *suffix = strrchr(word, '=');

	for (size_t i = 0; suffix && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(suffix, modes[i].suffix) != 0)
			continue;
		*suffix = '\0';
		return modes[i].mode;
	}
	return BRANCH_READ_WRITE;
}

/* Cuts the next word off *cursor, which becomes NULL behind the last one, and unescapes it. */
static char *next_word(char **cursor)
{
	char *word = *cursor;
	char *to = word;
	char *from;

	for (from = word; *from != '\0' && *from != ':'; from++) {
		if (from[0] == '\\' && (from[1] == ':' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*cursor = *from == ':' ? from + 1 : NULL;
	*to = '\0';
	return word;
}

int branches_parse(const char *text, struct branch **ret_branches, size_t *ret_count,
		   struct fusetrace_error *reterr_error)
{
	AUTO_FREE char *copy = strdup(text);
	struct branch *branches = calloc(BRANCHES_MAX, sizeof(*branches));
	char *cursor = copy;
	size_t count = 0;
	int result = 0;

	if (!copy || !branches)
		result = explain(reterr_error, -ENOMEM, "out of memory: free some");
	while (result == 0 && cursor) {
		struct branch *branch = &branches[count];
		char *word = next_word(&cursor);

		if (count == BRANCHES_MAX) {
			result = explain(reterr_error, -EINVAL,
					 "too many branches: give %d at most", BRANCHES_MAX);
			break;
		}
		branch->root_fd = -1;
		branch->mode = take_mode(word);
		branch->path = strdup(word);
		count++;
		if (!branch->path)
			result = explain(reterr_error, -ENOMEM, "out of memory: free some");
		else if (word[0] == '\0')
			result = explain(reterr_error, -EINVAL,
					 "empty branch name in '%s': write BRANCH[:BRANCH...]",
					 text);
	}
	if (result < 0) {
		branches_free(branches, count);
		return result;
	}
	*ret_branches = branches;
	*ret_count = count;
	return 0;
}

int branches_open(struct branch *branches, size_t count, struct fusetrace_error *reterr_error)
{
	for (size_t i = 0; i < count; i++) {
		struct branch *branch = &branches[i];

		branch->root_fd = open(branch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (branch->root_fd < 0)
			return explain(reterr_error, -errno,
				       "branch '%s': %s: give existing directories", branch->path,
				       strerror(errno));
	}
	return 0;
}

void branches_free(struct branch *branches, size_t count)
{
	for (size_t i = 0; branches && i < count; i++) {
		if (branches[i].root_fd >= 0)
			close(branches[i].root_fd);
		free(branches[i].path);
	}
	free(branches);
}

/* Whether the canonical path inner is outer or lies below it. */
static bool path_is_within(const char *inner, const char *outer)
{
	size_t length = strlen(outer);

	if (strncmp(inner, outer, length) != 0)
		return false;
	return inner[length] == '\0' || inner[length] == '/' || outer[length - 1] == '/';
}

int branches_check_mountpoint(const struct branch *branches, size_t count, const char *mountpoint,
			      struct fusetrace_error *reterr_error)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *branch = realpath(branches[i].path, NULL);

		if (!branch)
			return explain(reterr_error, -errno,
				       "branch '%s': %s: give existing directories",
				       branches[i].path, strerror(errno));
		if (path_is_within(mountpoint, branch))
			return explain(reterr_error, -ELOOP,
				       "mountpoint '%s' is in branch '%s': mount elsewhere, the "
				       "mount would show itself",
				       mountpoint, branch);
		if (path_is_within(branch, mountpoint))
			return explain(reterr_error, -ELOOP,
				       "branch '%s' is in mountpoint '%s': mount elsewhere, the "
				       "mount would hide it",
				       branch, mountpoint);
	}
	return 0;
}

/* glibc has no wrapper for openat2(2). */
static int open_beneath(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int branch_open(const struct branch *branch, const char *path, int flags)
{
	int fd = open_beneath(branch->root_fd, path[1] ? path + 1 : ".", flags);

	return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
}

int branch_split_path(const char *path, char parent[PATH_MAX], const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == path ? 1 : (size_t)(slash - path);

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(parent, path, length);
	parent[length] = '\0';
	*ret_name = slash + 1;
	return 0;
}

int branch_open_parent(const struct branch *branch, const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	int result = branch_split_path(path, parent, ret_name);

	return result < 0 ? result : branch_open(branch, parent, O_PATH | O_DIRECTORY);
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}
