/* SPDX-License-Identifier: MIT */
/*
 * A mount: its start, its end, and how it sleeps. What is known of it is in mount_state.c, the waits are
 * in mount_ready.c, the stop in mount_stop.c and mount_unmount.c.
 */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/sleep.h"
#include "base/text.h"
#include "guardian.h"
#include "monitor/engine.h"
#include "monitor/monitor.h"
#include "mount_spawn.h"
#include "process/connection.h"

FT_DEFINE_CLEANUP(struct fusetrace_mount, fusetrace_mount_free)
#define AUTO_MOUNT FT_CLEANUP(fusetrace_mount_free_cleanup)

int ft_mount_enter(const struct fusetrace_mount *mount)
{
	if (!mount)
		return -EINVAL;
	return mount->owner == getpid() ? 0 : -ECHILD;
}

/* ---- start ---- */

static int check_opts(const struct fusetrace_mount_opts *opts, struct fusetrace_error *reterr_error)
{
	if (!opts || opts->sz != sizeof(*opts))
		return ft_error(reterr_error, -EINVAL,
				"options of another version of the library: use "
				"FUSETRACE_MOUNT_OPTS()");
	if (!opts->argv || !opts->argv[0])
		return ft_error(reterr_error, -EINVAL, "no program is given");
	if (opts->on_hang > FUSETRACE_ON_HANG_ABORT)
		return ft_error(reterr_error, -EINVAL, "on_hang %u does not exist", opts->on_hang);
	if (opts->monitor && opts->monitor->owner != getpid())
		return ft_error(reterr_error, -ECHILD, "the monitor is another process's");
	return 0;
}

/*
 * As mountinfo has it. What is mounted there is not asked, as it may hang: links are followed in the
 * directories above, and in the last component where nothing is mounted.
 */
static int resolve(struct fusetrace_mount *mount, const char *path)
{
	char *copy FT_AUTO_FREE = strdup(path);
	char *parent FT_AUTO_FREE = NULL;
	char *base = NULL;
	char full[PATH_MAX];
	size_t length = copy ? strlen(copy) : 0;

	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	base = copy ? strrchr(copy, '/') : NULL;
	if (base && base != copy)
		*base = '\0';
	if (!copy)
		return -ENOMEM;
	if (base && base[1] && strcmp(base + 1, "..") != 0 && strcmp(base + 1, ".") != 0) {
		parent = realpath(base == copy ? "/" : copy, NULL);
		if (!parent)
			return -errno;
		if (snprintf(full, sizeof(full), "%s/%s", strcmp(parent, "/") ? parent : "",
			     base + 1) >= (int)sizeof(full))
			return -ENAMETOOLONG;
		if (ft_mounts_by_point(&mount->before, full)) {
			mount->mountpoint = strdup(full);
			return mount->mountpoint ? 0 : -ENOMEM;
		}
	}
	mount->mountpoint = realpath(path, NULL);
	return mount->mountpoint ? 0 : -errno;
}

static int make_mark(struct fusetrace_mount *mount)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	snprintf(mount->mark, sizeof(mount->mark), FT_MARK_NAME "=%d-%016llx", getpid(),
		 (unsigned long long)number);
	return 0;
}

static char *name_of(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash && slash[1] ? slash + 1 : program;
	struct ft_bytes bytes = {name, strlen(name)};
	size_t size = ft_text_escape(bytes, NULL, 0) + 1;
	char *text = malloc(size);

	if (text)
		ft_text_escape(bytes, text, size);
	return text;
}

static int open_descriptors(struct fusetrace_mount *mount)
{
	struct epoll_event event = {.events = EPOLLPRI};

	mount->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	mount->epoll_fd = mount->mounts_fd < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
	if (mount->epoll_fd < 0 ||
	    epoll_ctl(mount->epoll_fd, EPOLL_CTL_ADD, mount->mounts_fd, &event) < 0)
		return -errno;
	return 0;
}

static int prepare(struct fusetrace_mount *mount, const struct fusetrace_mount_opts *opts,
		   struct fusetrace_error *reterr_error)
{
	const struct ft_mount *found;
	int r;

	mount->name = name_of(opts->argv[0]);
	if (!mount->name || ft_command_line_copy(opts->argv, &mount->command) < 0)
		return ft_error(reterr_error, -ENOMEM, "out of memory");
	r = open_descriptors(mount);
	if (r == 0)
		r = ft_mounts_read(&mount->before);
	if (r == 0)
		r = make_mark(mount);
	if (r < 0)
		return ft_error(reterr_error, r, "cannot look at the mounts: %s",
				fusetrace_strerror(r));
	r = opts->mountpoint ? resolve(mount, opts->mountpoint) : 0;
	if (r < 0)
		return ft_error(reterr_error, r, "mountpoint %s: %s", opts->mountpoint,
				fusetrace_strerror(r));
	found = mount->mountpoint ? ft_mounts_by_point(&mount->before, mount->mountpoint) : NULL;
	if (found)
		mount->identity_before = ft_connection_identity(found->connection);
	return 0;
}

int fusetrace_mount_start(const struct fusetrace_mount_opts *opts,
			  struct fusetrace_mount **ret_mount, struct fusetrace_error *reterr_error)
{
	struct fusetrace_mount *mount AUTO_MOUNT = NULL;
	int r = check_opts(opts, reterr_error);

	if (r < 0)
		return r;
	mount = calloc(1, sizeof(*mount));
	if (!mount)
		return ft_error(reterr_error, -ENOMEM, "out of memory");
	pthread_mutex_init(&mount->lock, NULL);
	mount->mounts_fd = -1;
	mount->epoll_fd = -1;
	mount->owner = getpid();
	mount->flags = opts->flags;
	mount->on_hang = opts->on_hang;
	mount->monitor = opts->monitor;
	r = prepare(mount, opts, reterr_error);
	if (r == 0)
		r = ft_mount_spawn(mount, opts, reterr_error);
	if (r < 0)
		return r;
	if (mount->monitor)
		ft_monitor_follow(mount->monitor, fusetrace_mount_pid(mount), opts->argv);
	*ret_mount = FT_STEAL_PTR(mount);
	return 0;
}

/* ---- the end ---- */

static void stop_quietly(struct fusetrace_mount *mount)
{
	struct fusetrace_stop stop;

	if (mount->owner != getpid() || mount->processes.count == 0 || mount->stopping.is_done)
		return;
	if (mount->flags & FUSETRACE_MOUNT_LEAVE) {
		ft_guardian_forget(mount->guarded);
		return;
	}
	mount->flags &= ~FUSETRACE_MOUNT_EINTR;
	fusetrace_mount_stop(mount, NULL, &stop, NULL);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ft_mount_release(struct fusetrace_mount *mount)
{
	pthread_mutex_lock(&mount->lock);
	ft_processes_release(&mount->processes);
	pthread_mutex_unlock(&mount->lock);
	close_fd(&mount->epoll_fd);
	close_fd(&mount->mounts_fd);
}

struct fusetrace_mount *fusetrace_mount_free(struct fusetrace_mount *mount)
{
	if (!mount)
		return NULL;
	stop_quietly(mount);
	if (mount->owner == getpid() && mount->processes.count == 0 && mount->guarded > 0)
		ft_guardian_forget(mount->guarded); /* it could not be started */
	ft_task_free(mount->probe);
	ft_task_free(mount->stopping.unmount);
	fusetrace_monitor_free(mount->reader);
	ft_mount_release(mount);
	ft_mounts_done(&mount->before);
	ft_command_line_done(&mount->command);
	pthread_mutex_destroy(&mount->lock);
	free(mount->mountpoint);
	free(mount->stacks);
	free(mount->name);
	free(mount);
	return NULL;
}

/* ---- sleeping ---- */

static bool needs_turns(const struct fusetrace_monitor *monitor)
{
	return monitor && (monitor->flags & FUSETRACE_MONITOR_NO_THREAD);
}

int ft_mount_sleep(struct fusetrace_mount *mount, const struct pollfd *more, nfds_t count,
		   uint64_t deadline_ns)
{
	struct pollfd descriptors[FT_PROCESSES_MAX + FT_MOUNT_MORE_FDS + 3];
	nfds_t used;
	int r;

	pthread_mutex_lock(&mount->lock);
	used = ft_processes_poll_fds(&mount->processes, descriptors);
	pthread_mutex_unlock(&mount->lock);
	descriptors[used++] = (struct pollfd){.fd = mount->mounts_fd, .events = POLLPRI};
	for (nfds_t i = 0; i < count; i++)
		descriptors[used++] = more[i];
	if (needs_turns(mount->monitor))
		descriptors[used++] = (struct pollfd){.fd = ft_engine_fd(), .events = POLLIN};
	r = ft_sleep(descriptors, used, deadline_ns, mount->flags & FUSETRACE_MOUNT_EINTR);
	if (r < 0)
		return r;
	if (needs_turns(mount->monitor))
		fusetrace_process(mount->monitor);
	/* Also when something has happened: who sleeps again and again still ends, after one more look. */
	return ft_now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

/* ---- failures ---- */

void ft_mount_describe_end(const struct ft_process *process, char *text, size_t size)
{
	int number = WTERMSIG(process->status);
	const char *name = WIFSIGNALED(process->status) ? sigabbrev_np(number) : NULL;

	if (!process->has_status)
		snprintf(text, size, "ended, and somebody else knows how");
	else if (WIFSIGNALED(process->status))
		snprintf(text, size, "was killed by signal %d (SIG%s)", number, name ? name : "?");
	else
		snprintf(text, size, "ended with exit code %d", WEXITSTATUS(process->status));
}

/* The last lines that fit, each with its newline. */
struct last_words {
	char text[400];
	size_t length;
};

static int add_words(const char *line, size_t length, void *data)
{
	struct last_words *words = data;
	char escaped[200];
	size_t size = ft_text_escape((struct ft_bytes){line, length}, escaped, sizeof(escaped));

	size = (size < sizeof(escaped) ? size : strlen(escaped)) + 5; /* "\n    " */
	while (words->length + size > sizeof(words->text)) {
		char *next = memchr(words->text + 1, '\n', words->length - 1);
		size_t gone = next ? (size_t)(next - words->text) : words->length;

		memmove(words->text, words->text + gone, words->length - gone);
		words->length -= gone;
	}
	memcpy(words->text + words->length, "\n    ", 5);
	memcpy(words->text + words->length + 5, escaped, size - 5);
	words->length += size;
	return 0;
}

int ft_mount_fail(struct fusetrace_mount *mount, struct fusetrace_error *reterr_error, int code,
		  const char *format, ...)
{
	struct last_words words = {.length = 0};
	char what[256], point[200] = "";
	va_list args;
	int room;

	if (!reterr_error)
		return code;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (mount->mountpoint)
		ft_text_escape((struct ft_bytes){mount->mountpoint, strlen(mount->mountpoint)},
			       point, sizeof(point));
	fusetrace_mount_log_lines(mount, add_words, &words);
	ft_error(reterr_error, code, "%s did not mount%s%s: %s", mount->name,
		 mount->mountpoint ? " on " : "", point, what);
	room = (int)sizeof(reterr_error->text) - (int)strlen(reterr_error->text) - 32;
	while (words.length > 0 && (int)words.length > room) {
		char *next = memchr(words.text + 1, '\n', words.length - 1);
		size_t gone = next ? (size_t)(next - words.text) : words.length;

		memmove(words.text, words.text + gone, words.length - gone);
		words.length -= gone;
	}
	if (words.length)
		snprintf(strchr(reterr_error->text, '\0'), (size_t)room + 32,
			 "\n  its last lines:%.*s", (int)words.length, words.text);
	return code;
}
