/* SPDX-License-Identifier: MIT */
/*
 * See guardian.h. The library's side: keeps the entries, so that another guardian can be told all of
 * them, and sends what changes. What the guardian does is in guardian/.
 */
#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file_identity.h"
#include "base/list.h"
#include "guardian_message.h"
#include "guardian_start.h"

#define PATIENCE_MS 1000 /* with a guardian that does not read */

struct entry {
	struct ft_list node;
	size_t size; /* of message with its text */
	struct ft_guardian_message message;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All of it under the lock. */
static struct {
	struct ft_list entries;
	char *program;      /* NULL: the installed one */
	int socket;         /* -1: there is no guardian */
	ino_t socket_inode; /* a program that closes all descriptors gets the number again */
	int last_entry;
	bool is_ready; /* the list, and what fork() needs */
	bool has_complained;
} guardian = {.socket = -1};

/* ---- its socket ---- */

static bool has_socket(void)
{
	struct stat status;

	return guardian.socket >= 0 && fstat(guardian.socket, &status) == 0 &&
	       S_ISSOCK(status.st_mode) && status.st_ino == guardian.socket_inode;
}

static void give_up_socket(void)
{
	if (has_socket())
		close(guardian.socket);
	guardian.socket = -1;
}

/* ---- fork() ---- */

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* The entries are the parent's; the socket would keep its guardian from noticing an exec(). */
static void in_child(void)
{
	ft_list_foreach_safe (node, &guardian.entries) {
		ft_list_remove(node);
		free(FT_CONTAINER(node, struct entry, node));
	}
	give_up_socket();
	pthread_mutex_unlock(&lock);
}

static int get_ready(void)
{
	int r;

	if (guardian.is_ready)
		return 0;
	r = pthread_atfork(before_fork, in_parent, in_child);
	if (r != 0)
		return -r;
	ft_list_init(&guardian.entries);
	guardian.is_ready = true;
	return 0;
}

/* ---- telling it ---- */

/* false: there is no guardian at the other end, or one that does not read. */
static bool send_message(const struct ft_guardian_message *message, size_t size)
{
	struct pollfd room = {.fd = guardian.socket, .events = POLLOUT};

	for (int attempt = 0; attempt < 2; attempt++) {
		if (send(guardian.socket, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return true;
		if (errno == EINTR)
			attempt--;
		else if (errno != EAGAIN || poll(&room, 1, PATIENCE_MS) != 1)
			return false;
	}
	return false;
}

/* Starts one, and tells it all that is known. */
static int start(void)
{
	const char *program = guardian.program ? guardian.program : FT_GUARDIAN_PROGRAM;
	struct ft_guardian_message hello = {
		.kind = FT_GUARDIAN_HELLO,
		.image = getauxval(AT_RANDOM),
	};
	struct stat status;
	int r = ft_guardian_start(program, &guardian.socket);

	if (r < 0)
		return r;
	if (fstat(guardian.socket, &status) < 0)
		return -errno;
	guardian.socket_inode = status.st_ino;
	if (!send_message(&hello, sizeof(hello)))
		return -EPIPE;
	ft_list_foreach (node, &guardian.entries) {
		struct entry *entry = FT_CONTAINER(node, struct entry, node);

		if (!send_message(&entry->message, entry->size))
			return -EPIPE;
	}
	return 0;
}

/*
 * Sends what entry says now; it is in the list, so a guardian that is started for it is told of it
 * with the others. Text for the log when that failed for the first time.
 */
static int tell(const struct ft_guardian_message *message, size_t size)
{
	int r;

	if (has_socket() && send_message(message, size))
		return 0;
	give_up_socket();
	r = start();
	if (r < 0)
		give_up_socket();
	return r;
}

/* Not under the lock: a caller's function is called. */
static void complain(int error, bool is_first)
{
	if (is_first)
		ft_log(4,
		       "the guardian cannot be started (%s): what this process leaves behind when it "
		       "is killed stays: fusetrace_set_guardian() says where the program is",
		       strerror(-error));
}

/* Under the lock: whether this failure is to be told. */
static bool is_first_failure(int r)
{
	bool is_first = r < 0 && !guardian.has_complained;

	if (r < 0)
		guardian.has_complained = true;
	return is_first;
}

/* ---- entries ---- */

static struct entry *find(int number)
{
	if (!guardian.is_ready)
		return NULL;
	ft_list_foreach (node, &guardian.entries) {
		struct entry *entry = FT_CONTAINER(node, struct entry, node);

		if (entry->message.entry == number)
			return entry;
	}
	return NULL;
}

/* Without "//", "/./" and a slash at the end, which would follow a link. */
static void tidy(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t skip = from[0] == '/' ? strspn(from, "/") : 0;

		if (skip && from[skip] == '.' && (from[skip + 1] == '/' || !from[skip + 1])) {
			from += skip + 1;
			continue;
		}
		if (skip && !from[skip])
			break;
		from += skip ? skip - 1 : 0;
		*to++ = *from++;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* With the path made absolute. Free with free(). */
static int make_entry(uint32_t kind, const char *path, const char *mark, struct entry **ret_entry)
{
	char *here FT_AUTO_FREE = path[0] == '/' ? NULL : getcwd(NULL, 0);
	size_t before = here ? strlen(here) + 1 : 0;
	size_t path_size = before + strlen(path) + 1, mark_size = strlen(mark) + 1;
	struct entry *entry;

	if (!path[0] || (mark[0] && !ft_guardian_is_mark(mark)))
		return -EINVAL;
	if (path[0] != '/' && !here)
		return -errno;
	if (path_size > FT_GUARDIAN_PATH_MAX || mark_size > FT_GUARDIAN_MARK_MAX)
		return -ENAMETOOLONG;
	entry = calloc(1, sizeof(*entry) + path_size + mark_size);
	if (!entry)
		return -ENOMEM;
	entry->message.kind = kind;
	snprintf(entry->message.text, path_size, "%s%s%s", here ? here : "", here ? "/" : "", path);
	tidy(entry->message.text);
	path_size = strlen(entry->message.text) + 1;
	memcpy(entry->message.text + path_size, mark, mark_size);
	entry->size = sizeof(entry->message) + path_size + mark_size;
	*ret_entry = entry;
	return 0;
}

/* Takes entry, also on failure. Its number. */
static int add(struct entry *entry)
{
	bool is_first;
	int r;

	pthread_mutex_lock(&lock);
	r = get_ready();
	if (r == 0) {
		entry->message.entry = ++guardian.last_entry;
		ft_list_append(&guardian.entries, &entry->node);
		r = tell(&entry->message, entry->size);
	}
	if (r == 0) {
		r = entry->message.entry;
		guardian.has_complained = false;
	} else {
		if (guardian.is_ready)
			ft_list_remove(&entry->node);
		free(entry);
	}
	is_first = is_first_failure(r);
	pthread_mutex_unlock(&lock);
	complain(r, is_first);
	return r;
}

int ft_guardian_expect(const char *mountpoint, const char *mark)
{
	struct ft_file_identity before;
	struct entry *entry;
	int r = mountpoint && mark && mark[0]
			? make_entry(FT_GUARDIAN_MOUNT, mountpoint, mark, &entry)
			: -EINVAL;

	if (r < 0)
		return r;
	if (ft_file_identity(AT_FDCWD, entry->message.text, &before) == 0)
		entry->message.before = before.mount_id;
	return add(entry);
}

int ft_guardian_mounted(int number, uint32_t connection, uint64_t identity)
{
	struct ft_file_identity found;
	struct entry *entry;
	bool is_first;
	int r = -ENOENT;

	pthread_mutex_lock(&lock);
	entry = find(number);
	if (entry) {
		entry->message.connection = connection;
		entry->message.identity = identity;
		if (ft_file_identity(AT_FDCWD, entry->message.text, &found) == 0 &&
		    found.device == connection)
			entry->message.mount_id = found.mount_id;
		r = tell(&entry->message, entry->size);
	}
	is_first = entry && is_first_failure(r);
	pthread_mutex_unlock(&lock);
	complain(r, is_first);
	return r;
}

int ft_guardian_directory(const char *path)
{
	struct ft_file_identity found;
	struct entry *entry = NULL;
	int r = path ? make_entry(FT_GUARDIAN_DIRECTORY, path, "", &entry) : -EINVAL;

	if (r == 0)
		r = ft_file_identity(AT_FDCWD, entry->message.text, &found);
	if (r == -ENOENT) /* it is about to be made: no inode, and any that will be there */
		return add(entry);
	if (r < 0) {
		free(entry);
		return r;
	}
	entry->message.device = found.device;
	entry->message.inode = found.inode;
	entry->message.born_ns = found.born_ns;
	return add(entry);
}

void ft_guardian_forget(int number)
{
	struct ft_guardian_message message = {.kind = FT_GUARDIAN_FORGET, .entry = number};
	struct entry *entry;

	pthread_mutex_lock(&lock);
	entry = find(number);
	if (entry) {
		ft_list_remove(&entry->node);
		free(entry);
		/* One that was killed has left a record, which its successor writes anew. */
		tell(&message, sizeof(message));
	}
	pthread_mutex_unlock(&lock);
}

/* ---- public ---- */

int fusetrace_set_guardian(const char *program)
{
	char *copy = program ? strdup(program) : NULL;

	if (program && !copy)
		return -ENOMEM;
	if (program && program[0] != '/') {
		free(copy);
		return -EINVAL;
	}
	pthread_mutex_lock(&lock);
	FT_SWAP(guardian.program, copy);
	guardian.has_complained = false;
	pthread_mutex_unlock(&lock);
	free(copy);
	return 0;
}

int fusetrace_guard_mount(const char *mountpoint, const char *mark)
{
	return ft_guardian_expect(mountpoint, mark);
}

int fusetrace_guard_mounted(int entry, uint32_t connection, uint64_t identity)
{
	return ft_guardian_mounted(entry, connection, identity);
}

int fusetrace_guard_directory(const char *path)
{
	return ft_guardian_directory(path);
}

void fusetrace_guard_forget(int entry)
{
	ft_guardian_forget(entry);
}
