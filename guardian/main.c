/* SPDX-License-Identifier: MIT */
/*
 * fusetrace-guardian: started by libfusetrace, for the process that it is loaded in, the owner.
 * Listens to what the owner has mounted and made, and takes away what is left when the owner ends or
 * becomes another program. Belongs to nobody, hears of no signal of the terminal, prints nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "message.h"
#include "processes.h"
#include "record.h"
#include "takeaway.h"

#define AGAIN_MS 100 /* when there is no memory */

struct guardian {
	struct record record;
	uint64_t image;     /* of the owner's program; 0: not told yet */
	bool has_left;      /* nobody is at the other end of the socket */
	bool has_ended;     /* the owner */
	bool is_to_be_kept; /* the record differs from the file */
};

/* ---- being nobody's ---- */

static void ignore_signals(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGTERM,
				      SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void write_text(const char *path, const char *text)
{
	int fd FT_AUTO_CLOSE = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return; /* not permitted: then as everybody */
}

static void detach(void)
{
	struct rlimit limit;

	ignore_signals();
	close_range(FT_GUARDIAN_OWNER + 1, ~0u, 0);
	fcntl(FT_GUARDIAN_SOCKET, F_SETFD, FD_CLOEXEC);
	fcntl(FT_GUARDIAN_OWNER, F_SETFD, FD_CLOEXEC);
	if (chdir("/") < 0)
		return;
	umask(077);
	write_text("/proc/self/oom_score_adj", "-900");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- the owner ---- */

/* Where its program has its random bytes, which differs from program to program; 0: it is ending. */
static uint64_t image_of(pid_t pid)
{
	int fd FT_AUTO_CLOSE = -1;
	uint64_t pairs[128];
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : read(fd, pairs, sizeof(pairs));
	for (ssize_t i = 0; i + 1 < length / (ssize_t)sizeof(pairs[0]); i += 2) {
		if (pairs[i] == 25 /* AT_RANDOM */)
			return pairs[i + 1];
	}
	return 0;
}

/* The socket has nobody any more. Another program cannot know what this one has mounted. */
static bool has_become_another(const struct guardian *guardian)
{
	uint64_t image = image_of(guardian->record.owner.pid);

	return image != 0 && guardian->image != 0 && image != guardian->image;
}

/* ---- what it tells ---- */

/* All that has been sent, also by an owner that has ended since. */
static void listen_to_owner(struct guardian *guardian)
{
	struct ft_guardian_message *message FT_AUTO_FREE = malloc(MESSAGE_MAX);
	ssize_t length;

	if (!message) {
		poll(NULL, 0, AGAIN_MS);
		return;
	}
	do {
		length = recv(FT_GUARDIAN_SOCKET, message, MESSAGE_MAX, MSG_DONTWAIT);
		if (length > 0)
			guardian->is_to_be_kept |=
				message_take(message, (size_t)length, &guardian->record.leftovers,
					     &guardian->image);
	} while (length > 0 || (length < 0 && errno == EINTR));
	guardian->has_left = length == 0 || (length < 0 && errno == ECONNRESET);
	if (guardian->is_to_be_kept && record_save(&guardian->record) == 0)
		guardian->is_to_be_kept = false;
}

/* Until the owner has ended, has nothing any more, or is another program. */
static void guard(struct guardian *guardian)
{
	struct pollfd polled[] = {{.fd = FT_GUARDIAN_SOCKET, .events = POLLIN},
				  {.fd = FT_GUARDIAN_OWNER, .events = POLLIN}};

	while (!guardian->has_ended) {
		if (poll(polled, 2, -1) < 0) {
			poll(NULL, 0, errno == EINTR ? 0 : AGAIN_MS);
			continue; /* that is no end of the owner */
		}
		guardian->has_ended = polled[1].revents != 0;
		if (polled[0].fd >= 0)
			listen_to_owner(guardian);
		if (!guardian->has_left || polled[0].fd < 0)
			continue;
		if (ft_list_is_empty(&guardian->record.leftovers.list) ||
		    has_become_another(guardian))
			return;
		polled[0].fd = -1; /* only the owner's end counts from now on */
	}
}

int main(int argc, char **argv)
{
	struct guardian guardian = {0};
	/* Told, as the pidfd of an owner that has ended meanwhile does not tell it any more. */
	pid_t owner = argc == 2 ? (pid_t)atoi(argv[1]) : 0;

	if (owner <= 0 || fcntl(FT_GUARDIAN_OWNER, F_GETFD) < 0) {
		fputs("fusetrace-guardian: libfusetrace starts it: see fusetrace-guardian(8)\n",
		      stderr);
		return 2;
	}
	/* The owner waits for the first process, so that none of its children is left. */
	if (fork() != 0)
		_exit(0);
	detach();
	leftovers_init(&guardian.record.leftovers);
	guardian.record.owner = (struct identity){owner, process_start_ticks(owner)};
	guardian.record.guardian = (struct identity){getpid(), process_start_ticks(getpid())};
	guard(&guardian);
	take_away(&guardian.record.leftovers, NULL, NULL);
	record_save(&guardian.record);
	leftovers_done(&guardian.record.leftovers);
	return 0;
}
