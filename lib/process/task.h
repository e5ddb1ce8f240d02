/* SPDX-License-Identifier: MIT */
/*
 * A system call that may hang in a filesystem, made in a thread of its own, which the caller need not
 * wait for. The thread blocks all signals; when it hangs it is left behind, and ends when the kernel
 * lets it.
 */
#ifndef FT_TASK_H
#define FT_TASK_H

#include <stdbool.h>
#include <stdint.h>

struct fusetrace_monitor;

struct ft_task;
/* 0 or a negative errno; path is the task's own copy. */
typedef int ft_task_fn(const char *path, int flags);

/*
 * Starts it. What it asks of a filesystem under monitor (NULL: none) is left out of the trace: the
 * monitor must outlive the task, or the task must have been freed. Free with ft_task_free(), which
 * does not wait.
 */
int ft_task_start(ft_task_fn *fn, const char *path, int flags, struct fusetrace_monitor *monitor,
		  struct ft_task **ret_task);
struct ft_task *ft_task_free(struct ft_task *task);

/* Readable once it is done. */
int ft_task_fd(const struct ft_task *task);
bool ft_task_is_done(struct ft_task *task, int *ret_result);

#endif
