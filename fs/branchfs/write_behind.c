/* SPDX-License-Identifier: MIT */
/*
 * Write-behind. A file is known here from the moment it is opened for writing; its first change
 * gives it a spool (spool.c), on which everything works from then on. With the last writer's
 * release it joins a queue, and when its time has come, the thread writes the spool back. Files are
 * known by device and inode, so that renaming, linking and unlinking need no care.
 *
 * One lock covers all of it and is held while contents are read, written and written back. That is
 * slow and evidently right; this is there to show late data, not to be fast.
 */
#include "write_behind.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_log.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "spool.h"
#include "support.h"

struct late_file {
	TAILQ_ENTRY(late_file) queued; /* while due_ns is set */
	dev_t device;
	ino_t inode;
	unsigned int writers; /* open files that may write */
	uint64_t due_ns;      /* 0: not queued */
	int branch_fd;        /* for reading and writing; no O_APPEND */
	int spool_fd;         /* -1: nothing has been changed */
};

struct write_behind {
	uint64_t delay_ns;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* for all below and for every file's members */
	pthread_cond_t changed;
	bool is_ending;
	void *files; /* tsearch(3) tree */
	/* Earliest first, since all wait equally long. */
	TAILQ_HEAD(late_file_queue, late_file) queue;
};

/* ---- files ----------------------------------------------------------------------------------- */

static int compare_late_files(const void *left_file, const void *right_file)
{
	const struct late_file *left = left_file;
	const struct late_file *right = right_file;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	return 0;
}

static struct late_file *late_file_find(struct write_behind *behind, const struct stat *st)
{
	const struct late_file key = {.device = st->st_dev, .inode = st->st_ino};
	struct late_file **found = tfind(&key, &behind->files, compare_late_files);

	return found ? *found : NULL;
}

static struct late_file *late_file_find_open(struct write_behind *behind, int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? NULL : late_file_find(behind, &st);
}

static int late_file_new(struct write_behind *behind, int fd, const struct stat *st,
			 struct late_file **ret_file)
{
	struct late_file *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->device = st->st_dev;
	file->inode = st->st_ino;
	file->spool_fd = -1;
	file->branch_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->branch_fd < 0 || !tsearch(file, &behind->files, compare_late_files)) {
		int result = file->branch_fd < 0 ? -errno : -ENOMEM;

		close_cleanup(&file->branch_fd);
		free(file);
		return result;
	}
	*ret_file = file;
	return 0;
}

static void late_file_free(void *argument)
{
	struct late_file *file = argument;

	close_cleanup(&file->branch_fd);
	close_cleanup(&file->spool_fd);
	free(file);
}

static void late_file_drop_if_unused(struct write_behind *behind, struct late_file *file)
{
	if (file->writers > 0 || file->spool_fd >= 0)
		return;
	tdelete(file, &behind->files, compare_late_files);
	late_file_free(file);
}

static void late_file_enqueue(struct write_behind *behind, struct late_file *file)
{
	file->due_ns = now_ns() + behind->delay_ns;
	TAILQ_INSERT_TAIL(&behind->queue, file, queued);
	pthread_cond_signal(&behind->changed);
}

static void late_file_dequeue(struct write_behind *behind, struct late_file *file)
{
	if (file->due_ns == 0)
		return;
	TAILQ_REMOVE(&behind->queue, file, queued);
	file->due_ns = 0;
}

/* Gives the file a spool; one that it has is emptied if that is wanted. */
static int late_file_spool(struct late_file *file, bool is_empty)
{
	int fd;

	if (file->spool_fd >= 0)
		return is_empty && ftruncate(file->spool_fd, 0) < 0 ? -errno : 0;
	fd = spool_new(is_empty ? -1 : file->branch_fd);
	if (fd < 0)
		return fd;
	file->spool_fd = fd;
	return 0;
}

/* Brings the spool's contents into the branch. The spool is kept when that fails. */
static int late_file_write_back(struct late_file *file)
{
	int result;

	if (file->spool_fd < 0)
		return 0;
	result = spool_write_back(file->spool_fd, file->branch_fd);
	if (result < 0)
		return result;
	close(steal_fd(&file->spool_fd));
	return 0;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Writes back the first file of the queue, or queues it again. */
static void serve_queue(struct write_behind *behind)
{
	struct late_file *file = TAILQ_FIRST(&behind->queue);
	int result;

	late_file_dequeue(behind, file);
	result = late_file_write_back(file);
	if (result < 0) {
		fuse_log(FUSE_LOG_ERR, "branchfs: writing back inode %ju: %s: trying again\n",
			 (uintmax_t)file->inode, strerror(-result));
		late_file_enqueue(behind, file);
	}
	late_file_drop_if_unused(behind, file);
}

static void *write_back_in_time(void *argument)
{
	struct write_behind *behind = argument;

	pthread_mutex_lock(&behind->lock);
	while (!behind->is_ending) {
		const struct late_file *first = TAILQ_FIRST(&behind->queue);
		struct timespec due;

		if (!first) {
			pthread_cond_wait(&behind->changed, &behind->lock);
			continue;
		}
		if (first->due_ns <= now_ns()) {
			serve_queue(behind);
			continue;
		}
		due.tv_sec = (time_t)(first->due_ns / FUSETRACE_SECOND);
		due.tv_nsec = (long)(first->due_ns % FUSETRACE_SECOND);
		pthread_cond_timedwait(&behind->changed, &behind->lock, &due);
	}
	pthread_mutex_unlock(&behind->lock);
	return NULL;
}

int write_behind_new(uint64_t delay_ns, struct write_behind **ret_behind)
{
	struct write_behind *behind = calloc(1, sizeof(*behind));
	pthread_condattr_t attributes;

	if (!behind)
		return -ENOMEM;
	behind->delay_ns = delay_ns;
	pthread_mutex_init(&behind->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&behind->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	TAILQ_INIT(&behind->queue);
	*ret_behind = behind;
	return 0;
}

int write_behind_start(struct write_behind *behind)
{
	sigset_t all;
	sigset_t before;
	int result;

	/* Signals are for the thread that runs libfuse's loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&behind->thread, NULL, write_back_in_time, behind);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return -result;
	behind->has_thread = true;
	pthread_setname_np(behind->thread, "write-behind");
	return 0;
}

/* For twalk_r(): all files, also those that were still open when the mount was taken away. */
static void write_back_node(const void *node, VISIT visit, void *argument)
{
	int *first_error = argument;
	int result;

	if (visit != postorder && visit != leaf)
		return;
	result = late_file_write_back(*(struct late_file *const *)node);
	if (result < 0 && *first_error == 0)
		*first_error = result;
}

int write_behind_free(struct write_behind *behind)
{
	int first_error = 0;

	if (!behind)
		return 0;
	pthread_mutex_lock(&behind->lock);
	behind->is_ending = true;
	pthread_cond_signal(&behind->changed);
	pthread_mutex_unlock(&behind->lock);
	if (behind->has_thread)
		pthread_join(behind->thread, NULL);

	twalk_r(behind->files, write_back_node, &first_error);
	tdestroy(behind->files, late_file_free);
	pthread_cond_destroy(&behind->changed);
	pthread_mutex_destroy(&behind->lock);
	free(behind);
	return first_error;
}

/* ---- what the operations call ---------------------------------------------------------------- */

static bool may_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int late_file_opened(struct write_behind *behind, int fd, int flags)
{
	struct late_file *file;
	struct stat st;
	int result = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	file = late_file_find(behind, &st);
	if (!file)
		result = late_file_new(behind, fd, &st, &file);
	if (result < 0)
		return result;
	if (flags & O_TRUNC && (st.st_size > 0 || file->spool_fd >= 0))
		result = late_file_spool(file, true);
	if (result == 0 && may_write(flags)) {
		file->writers++;
		late_file_dequeue(behind, file);
	}
	/* Emptied by somebody who will not write: no release will queue it. */
	if (file->writers == 0 && file->due_ns == 0 && file->spool_fd >= 0)
		late_file_enqueue(behind, file);
	late_file_drop_if_unused(behind, file);
	return result;
}

int write_behind_opened(struct write_behind *behind, int fd, int flags)
{
	int result;

	if (!behind || !(may_write(flags) || flags & O_TRUNC))
		return 0;
	pthread_mutex_lock(&behind->lock);
	result = late_file_opened(behind, fd, flags);
	pthread_mutex_unlock(&behind->lock);
	return result;
}

void write_behind_released(struct write_behind *behind, int fd, int flags)
{
	struct late_file *file;

	if (!behind || !may_write(flags))
		return;
	pthread_mutex_lock(&behind->lock);
	file = late_file_find_open(behind, fd);
	if (file && --file->writers == 0) {
		if (file->spool_fd >= 0)
			late_file_enqueue(behind, file);
		late_file_drop_if_unused(behind, file);
	}
	pthread_mutex_unlock(&behind->lock);
}

int data_begin(struct write_behind *behind, int fd, bool for_writing, struct data *ret_data)
{
	struct late_file *file;
	int result = 0;

	*ret_data = (struct data){.fd = fd};
	if (!behind)
		return 0;
	pthread_mutex_lock(&behind->lock);
	ret_data->locked = behind;
	file = late_file_find_open(behind, fd);
	if (file && for_writing)
		result = late_file_spool(file, false);
	if (file && file->spool_fd >= 0) {
		ret_data->fd = file->spool_fd;
		ret_data->is_spool = true;
	}
	return result;
}

void data_end(struct data *data)
{
	if (data->locked)
		pthread_mutex_unlock(&data->locked->lock);
	*data = DATA_NONE;
}

int write_behind_sync(struct write_behind *behind, int fd)
{
	struct late_file *file;
	int result = 0;

	if (!behind)
		return 0;
	pthread_mutex_lock(&behind->lock);
	file = late_file_find_open(behind, fd);
	if (file) {
		result = late_file_write_back(file);
		if (result == 0)
			late_file_dequeue(behind, file);
		late_file_drop_if_unused(behind, file);
	}
	pthread_mutex_unlock(&behind->lock);
	return result;
}

/* Size and times of the spool, if there is one. */
static void add_spool_stat(struct write_behind *behind, struct stat *st)
{
	const struct late_file *file = late_file_find(behind, st);
	struct stat spool;

	if (!file || file->spool_fd < 0 || fstat(file->spool_fd, &spool) < 0)
		return;
	st->st_size = spool.st_size;
	st->st_blocks = spool.st_blocks;
	st->st_mtim = spool.st_mtim;
	if (is_later(&spool.st_ctim, &st->st_ctim))
		st->st_ctim = spool.st_ctim;
}

static int stat_copy(int fd, const char *name, struct stat *ret_st)
{
	return fstatat(fd, name, ret_st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* All of it under the lock, or the spool could go after the branch was asked. */
int write_behind_stat(struct write_behind *behind, int fd, const char *name, struct stat *ret_st)
{
	int result;

	if (!behind)
		return stat_copy(fd, name, ret_st);
	pthread_mutex_lock(&behind->lock);
	result = stat_copy(fd, name, ret_st);
	if (result == 0)
		add_spool_stat(behind, ret_st);
	pthread_mutex_unlock(&behind->lock);
	return result;
}

void write_behind_utimens(struct write_behind *behind, int fd, const struct timespec times[2])
{
	const struct late_file *file;

	if (!behind)
		return;
	pthread_mutex_lock(&behind->lock);
	file = late_file_find_open(behind, fd);
	if (file && file->spool_fd >= 0)
		futimens(file->spool_fd, times);
	pthread_mutex_unlock(&behind->lock);
}
