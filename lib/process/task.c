/* SPDX-License-Identifier: MIT */
/* See task.h. The task is shared by its thread and its caller: the last one frees it. */
#include "task.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

struct ft_task {
	atomic_int users;
	int event_fd;
	ft_task_fn *fn;
	char *path;
	int flags;
	atomic_int result; /* set before is_done */
	atomic_bool is_done;
	pthread_mutex_t lock;
	struct fusetrace_monitor *monitor; /* lock; NULL when the caller has gone */
	pid_t ignored;                     /* lock; 0: not ignored now */
};

static void unref(struct ft_task *task)
{
	if (atomic_fetch_sub(&task->users, 1) > 1)
		return;
	if (task->event_fd >= 0)
		close(task->event_fd);
	pthread_mutex_destroy(&task->lock);
	free(task->path);
	free(task);
}

/* Lock held. */
static void stop_ignoring(struct ft_task *task)
{
	if (task->monitor && task->ignored)
		fusetrace_monitor_ignore(task->monitor, task->ignored, 0);
	task->ignored = 0;
}

/* The monitor is there for as long as the lock is held. */
static void call(struct ft_task *task)
{
	pthread_mutex_lock(&task->lock);
	if (task->monitor && fusetrace_monitor_ignore(task->monitor, gettid(), 1) == 0)
		task->ignored = gettid();
	pthread_mutex_unlock(&task->lock);
	atomic_store(&task->result, task->fn(task->path, task->flags));
	pthread_mutex_lock(&task->lock);
	stop_ignoring(task);
	pthread_mutex_unlock(&task->lock);
}

static void *run(void *data)
{
	struct ft_task *task = data;

	pthread_setname_np(pthread_self(), "fusetrace-task");
	call(task);
	atomic_store(&task->is_done, true);
	eventfd_write(task->event_fd, 1);
	unref(task);
	return NULL;
}

static int start_thread(struct ft_task *task)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r = pthread_attr_init(&attributes);

	if (r)
		return -r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attributes, run, task);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

int ft_task_start(ft_task_fn *fn, const char *path, int flags, struct fusetrace_monitor *monitor,
		  struct ft_task **ret_task)
{
	struct ft_task *task = calloc(1, sizeof(*task));
	int r = -ENOMEM;

	if (!task)
		return r;
	*task = (struct ft_task){.users = 2, .fn = fn, .flags = flags, .monitor = monitor};
	pthread_mutex_init(&task->lock, NULL);
	task->path = strdup(path);
	task->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (task->event_fd < 0)
		r = -errno;
	else if (task->path)
		r = start_thread(task);
	if (r < 0) {
		atomic_store(&task->users, 1);
		unref(task);
		return r;
	}
	*ret_task = task;
	return 0;
}

struct ft_task *ft_task_free(struct ft_task *task)
{
	if (!task)
		return NULL;
	pthread_mutex_lock(&task->lock);
	stop_ignoring(task);
	task->monitor = NULL;
	pthread_mutex_unlock(&task->lock);
	unref(task);
	return NULL;
}

int ft_task_fd(const struct ft_task *task)
{
	return task->event_fd;
}

bool ft_task_is_done(struct ft_task *task, int *ret_result)
{
	if (!atomic_load(&task->is_done))
		return false;
	*ret_result = atomic_load(&task->result);
	return true;
}
