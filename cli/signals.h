/* SPDX-License-Identifier: MIT */
/*
 * Signals as something to poll: the ones that mean something to us are blocked and read from a
 * descriptor. Programs that we start get back what we found.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

/* Once at the beginning. A pipe that nobody reads becomes an error of the write. */
void signals_init(void);

/*
 * Blocks SIGINT, SIGTERM, SIGHUP (unless ignored, as by nohup) and SIGCHLD; with_others also
 * SIGQUIT, SIGUSR1 and SIGUSR2. Returns a descriptor of struct signalfd_siginfo, close-on-exec,
 * not blocking; or a negative errno. Free with signals_close().
 */
int signals_open(bool with_others);
/* Closes it and unblocks them again: what is pending acts. */
void signals_close(int signal_fd);
/*
 * For a command that ends now: closes it and leaves them blocked, as a signal that comes while it
 * ends asks for what is being done, and must not take the place of its exit code.
 */
void signals_end(int signal_fd);

/* The mask that we were started with, and which signals must act by default to be as then. */
void signals_before(sigset_t *ret_mask, sigset_t *ret_default);

/* In a forked child before exec: the mask and dispositions that we were started with. */
void signals_restore(void);

/* The next one that is pending; false when there is none. */
bool signals_next(int signal_fd, struct signalfd_siginfo *ret_info);

/*
 * Sends it to pid, unless pid has it already because the terminal sent it to the whole foreground
 * group.
 */
void signals_pass_on(const struct signalfd_siginfo *info, pid_t pid);

#endif
