/* SPDX-License-Identifier: MIT */
/* What the command says on standard error, and the exit codes that belong to it. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <fusetrace/fusetrace.h>

/*
 * "fusetrace: " and the text as one line. Errors read "what went wrong: what to do". Names in it
 * need no escaping: this does it.
 */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/* Likewise, and returns exit_code, so that "return fail(...)" both tells and ends. */
__attribute__((format(printf, 2, 3))) int fail(int exit_code, const char *format, ...);

/* Tells an error of the library and returns the exit code that goes with it. */
int fail_error(const struct fusetrace_error *error);

/* The exit code of a negative errno of the library: of setting up, or of a wait. */
int exit_code_of(int error);

#endif
