/* SPDX-License-Identifier: MIT */
/*
 * The options of all subcommands. They are one table (options.c): the arrays for getopt_long(), the
 * help and the completions are made from it. A new option is a row there and a member here.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct command;

/* Groups of options; a command has some of them (command.h), in this order in its help. */
#define OPTIONS_HELP (1u << 0)
#define OPTIONS_SELECT (1u << 1) /* which operations */
#define OPTIONS_MATCH (1u << 2)  /* likewise, of those that are waited for */
#define OPTIONS_EXPECT (1u << 3)
#define OPTIONS_FORBID (1u << 4)
#define OPTIONS_IDLE (1u << 5)
#define OPTIONS_WAIT (1u << 6) /* of which mount */
#define OPTIONS_RUN (1u << 7)
#define OPTIONS_ATTACH (1u << 8)
#define OPTIONS_OUTPUT (1u << 9)  /* format, place, colour */
#define OPTIONS_FORMAT (1u << 10) /* the format alone */
#define OPTIONS_LINES (1u << 11)  /* lines or summary or both */
#define OPTIONS_TRACE (1u << 12)  /* how the trace is made */
#define OPTIONS_READY (1u << 13)
#define OPTIONS_TIMEOUT (1u << 14)
#define OPTIONS_LOGS (1u << 15) /* what of a log is shown */
#define OPTIONS_CLEAN (1u << 16)
#define OPTIONS_VISIBLE (1u << 17)
#define OPTIONS_GROUPS 18

#define WANTS_MAX 16

#define KIND_ANY 0u
#define KIND_FILE 1u
#define KIND_DIRECTORY 2u

#define STATUS_OK 0u
#define STATUS_FAILED 1u
#define STATUS_ANY 2u

/* One operation that is waited for or forbidden. */
struct want {
	const char *op;
	const char *path; /* NULL: any */
	const char *label;
	uint32_t status; /* STATUS_ */
	int error;       /* positive errno; 0: any */
};

struct options {
	const struct command *command;
	bool help;

	/* SELECT, and in part MATCH */
	const char *op;
	const char *path;
	bool has_pid;
	uint64_t pid;
	bool failed;
	uint64_t slow_ns;
	uint64_t since_ns;
	bool no_probes;

	/* WAIT and its commands */
	const char *mount;
	bool has_timeout;
	uint64_t timeout_ns;
	uint64_t start_timeout_ns; /* EXPECT; 0: none */
	uint32_t order;            /* FUSETRACE_ORDER_ */
	bool in_flight;
	bool show;
	uint64_t within_ns;
	uint64_t quiet_for_ns;
	uint32_t kind;                    /* KIND_ */
	struct want wants[WANTS_MAX + 1]; /* the last one: what options before the first OP say */
	size_t want_count;

	/* RUN */
	uint32_t on_hang;         /* FUSETRACE_ON_HANG_ */
	uint64_t stop_timeout_ns; /* 0: none */

	/* OUTPUT, LINES */
	uint32_t format; /* index into view_kinds */
	uint32_t color;  /* COLOR_ */
	const char *output;
	bool quiet;
	bool summary;
	bool no_summary;
	bool unparsed;
	bool clean;

	/* TRACE, ATTACH */
	uint32_t source; /* FUSETRACE_SOURCE_ */
	const char *log;
	uint64_t ring_bytes;
	uint64_t max_ops;
	uint64_t duration_ns;
	uint64_t count;
	int ready_fd; /* -1: none */

	/* borrowed from the command line */
	char **operands;
	int operand_count;
	char **program; /* behind "--" or, where operands are a program, all of them; or NULL */
};

/*
 * argv[0] is the name of the command. 0, or the exit code after having told what is wrong. --help
 * is only noted, and what is missing beside it is no error. Free with options_done().
 */
int options_parse(const struct command *command, int argc, char **argv,
		  struct options *ret_options);
/* Also after a failure. */
void options_done(struct options *options);

/* ---- for help and completions ---- */

#define COMPLETE_NOTHING 0u
#define COMPLETE_FILE 1u
#define COMPLETE_MOUNT 2u
#define COMPLETE_OPERATION 3u /* with a comma more of them */
#define COMPLETE_ERRNO 4u

struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* what it is called in the help; NULL: takes none */
	const char *help;
	uint32_t group; /* OPTIONS_ */
	uint32_t kind;  /* private to options.c */
	size_t offset;
	const char *const *words; /* the values that it takes, NULL at the end; or NULL */
	uint32_t completes;       /* COMPLETE_ */
};

/* Row number index that the command has; NULL behind the last one. */
const struct option_row *options_row(const struct command *command, size_t index);
/* "Selection" */
const char *options_group_title(uint32_t group);
/* The names of the formats, NULL at the end; the values of --format. */
const char *const *options_formats(void);

#endif
