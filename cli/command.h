/* SPDX-License-Identifier: MIT */
/*
 * A subcommand: everything that help, option parsing and completions need to know of it, and the
 * function that does it. A new one is a file cmd_NAME.c with such a struct and its line in the
 * array of main.c.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdint.h>

struct options;

#define EXIT_SATISFIED 0
#define EXIT_UNSATISFIED 1
#define EXIT_USAGE 2
#define EXIT_GONE 3       /* the daemon ended, or the filesystem was unmounted */
#define EXIT_NO_VERDICT 4 /* events were lost */
#define EXIT_CANNOT_RUN 77
#define EXIT_SETUP 99
#define EXIT_BY_SIGNAL 128 /* plus its number */

/* What the words are that are no options; for completions. */
#define OPERAND_NONE 0u
#define OPERAND_MOUNT 1u
#define OPERAND_FILE 2u
#define OPERAND_OPERATION 3u /* OP [PATH]: become the wants of struct options */
#define OPERAND_COMMAND 4u   /* a program and its arguments */
#define OPERAND_SUBCOMMAND 5u
#define OPERAND_SHELL 6u

#define COMMAND_RUNS_PROGRAM (1u << 0)     /* "-- CMD ARGS" may follow */
#define COMMAND_STOPS_AT_OPERAND (1u << 1) /* the first operand ends the options */

struct command {
	const char *name;
	const char *usage;   /* what stands behind the name */
	const char *summary; /* one line without a full stop */
	const char *details; /* the text of --help, wrapped */
	uint32_t options;    /* OPTIONS_ bits of options.h */
	uint32_t operand;    /* OPERAND_ */
	uint32_t flags;      /* COMMAND_ bits */
	int min_operands;
	int max_operands;
	int (*run)(const struct options *options); /* returns the exit code */
};

extern const struct command cmd_attach, cmd_completion, cmd_demo, cmd_doctor, cmd_expect,
	cmd_forbid, cmd_formats, cmd_help, cmd_idle, cmd_read, cmd_run, cmd_summary, cmd_wait_gone,
	cmd_wait_visible, cmd_wait_written;

/* All of them in the order of the help, with NULL at the end. */
extern const struct command *const commands[];

/* NULL if there is none of that name. */
const struct command *command_find(const char *name);
/* Prints that there is no such command, and the nearest one. Returns EXIT_USAGE. */
int command_unknown(const char *name);

#endif
