/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "base/parse.h"
#include "command.h"
#include "message.h"
#include "nearest.h"
#include "output.h"
#include "views/view.h"

/* How a value is read and where it goes. */
enum kind {
	FLAG,       /* bool */
	TEXT,       /* const char * */
	OPERATIONS, /* const char *, checked */
	DURATION,   /* uint64_t, nanoseconds */
	SIZE,       /* uint64_t, bytes */
	NUMBER,     /* uint64_t, at least 1 */
	PID,        /* uint64_t, and has_pid */
	TIMEOUT,    /* uint64_t, and has_timeout */
	WORD,       /* uint32_t: the index of the word */
	DESCRIPTOR, /* int */
	WANT_WORD,  /* likewise of the last want */
	WANT_ERRNO,
	WANT_TEXT,
	WANT_NEXT, /* begins another want */
};

#define AT(member) offsetof(struct options, member)
#define OF_WANT(member) offsetof(struct want, member)

static const char *const color_words[] = {"auto", "always", "never", NULL};
static const char *const source_words[] = {"auto", "kernel", "log", NULL};
static const char *const order_words[] = {"any", "in-order", "strict", NULL};
static const char *const on_hang_words[] = {"report", "abort", NULL};
static const char *const kind_words[] = {"any", "file", "directory", NULL};
static const char *const status_words[] = {"ok", "failed", "any", NULL};

_Static_assert(COLOR_AUTO == 0 && COLOR_ALWAYS == 1 && COLOR_NEVER == 2, "as color_words");
_Static_assert(FUSETRACE_SOURCE_AUTO == 0 && FUSETRACE_SOURCE_KERNEL == 1 &&
		       FUSETRACE_SOURCE_LOG == 2,
	       "as source_words");
_Static_assert(KIND_ANY == 0 && KIND_FILE == 1 && KIND_DIRECTORY == 2, "as kind_words");
_Static_assert(FUSETRACE_ORDER_ANY == 0 && FUSETRACE_ORDER_IN_ORDER == 1 &&
		       FUSETRACE_ORDER_STRICT == 2,
	       "as order_words");

/* Filled from view_kinds before anybody reads it. */
static const char *format_words[8];

const char *const *options_formats(void)
{
	for (size_t i = 0; view_kinds[i]; i++)
		format_words[i] = view_kinds[i]->name;
	return format_words;
}

/* Neighbours with one title stand under it together. */
#define TITLE(group) [__builtin_ctz(group)]

static const char *const group_titles[OPTIONS_GROUPS] = {
	TITLE(OPTIONS_HELP) = "General",      TITLE(OPTIONS_SELECT) = "Selection",
	TITLE(OPTIONS_MATCH) = "Operations",  TITLE(OPTIONS_EXPECT) = "Operations",
	TITLE(OPTIONS_FORBID) = "Operations", TITLE(OPTIONS_IDLE) = "Waiting",
	TITLE(OPTIONS_WAIT) = "Waiting",      TITLE(OPTIONS_TIMEOUT) = "Waiting",
	TITLE(OPTIONS_RUN) = "Daemon",        TITLE(OPTIONS_ATTACH) = "End",
	TITLE(OPTIONS_OUTPUT) = "Output",     TITLE(OPTIONS_FORMAT) = "Output",
	TITLE(OPTIONS_LINES) = "Output",      TITLE(OPTIONS_TRACE) = "Trace",
	TITLE(OPTIONS_READY) = "Trace",       TITLE(OPTIONS_LOGS) = "Output",
	TITLE(OPTIONS_CLEAN) = "Leftovers",   TITLE(OPTIONS_VISIBLE) = "Waiting",
};

/* clang-format off */
static const struct option_row rows[] = {
	{"op", 0, "LIST", "only these operations, such as create,write",
		OPTIONS_SELECT, OPERATIONS, AT(op), NULL, COMPLETE_OPERATION},
	{"path", 0, "GLOB", "only these paths: '/dir/**', '*.tmp' (any folder)",
		OPTIONS_SELECT, TEXT, AT(path), NULL, COMPLETE_FILE},
	{"pid", 0, "N", "only what this thread asked for; 0 is the kernel",
		OPTIONS_SELECT, PID, AT(pid), NULL, COMPLETE_NOTHING},
	{"failed", 0, NULL, "only what failed",
		OPTIONS_SELECT, FLAG, AT(failed), NULL, COMPLETE_NOTHING},
	{"slow", 0, "DURATION", "only what took at least so long, such as 10ms",
		OPTIONS_SELECT, DURATION, AT(slow_ns), NULL, COMPLETE_NOTHING},
	{"since", 0, "DURATION", "only from so long after the beginning on",
		OPTIONS_SELECT, DURATION, AT(since_ns), NULL, COMPLETE_NOTHING},
	{"no-probes", 0, NULL, "leave out failures that the kernel expects",
		OPTIONS_SELECT, FLAG, AT(no_probes), NULL, COMPLETE_NOTHING},

	{"status", 0, "STATUS", "how it ends: ok (default), failed or any",
		OPTIONS_EXPECT, WANT_WORD, OF_WANT(status), status_words, COMPLETE_NOTHING},
	{"status", 0, "STATUS", "how it ends: any (default), ok or failed",
		OPTIONS_FORBID, WANT_WORD, OF_WANT(status), status_words, COMPLETE_NOTHING},
	{"errno", 0, "ERRNO", "fails with this, such as ENOSPC or 28",
		OPTIONS_MATCH, WANT_ERRNO, OF_WANT(error), NULL, COMPLETE_ERRNO},
	{"label", 0, "TEXT", "what it means, shown first when it fails",
		OPTIONS_MATCH, WANT_TEXT, OF_WANT(label), NULL, COMPLETE_NOTHING},
	{"and", 0, "OP", "one more, with a PATH behind it if wanted",
		OPTIONS_MATCH, WANT_NEXT, 0, NULL, COMPLETE_OPERATION},
	{"pid", 0, "N", "only what this thread asked for; 0 is the kernel",
		OPTIONS_MATCH, PID, AT(pid), NULL, COMPLETE_NOTHING},
	{"slow", 0, "DURATION", "only what takes at least so long",
		OPTIONS_MATCH, DURATION, AT(slow_ns), NULL, COMPLETE_NOTHING},
	{"no-probes", 0, NULL, "leave out failures that the kernel expects",
		OPTIONS_MATCH, FLAG, AT(no_probes), NULL, COMPLETE_NOTHING},
	{"order", 0, "ORDER", "of several: any (default), in-order or strict",
		OPTIONS_EXPECT, WORD, AT(order), order_words, COMPLETE_NOTHING},
	{"in-flight", 0, NULL, "also what had begun before CMD",
		OPTIONS_EXPECT, FLAG, AT(in_flight), NULL, COMPLETE_NOTHING},
	{"show", 0, NULL, "print the operations that were waited for",
		OPTIONS_EXPECT, FLAG, AT(show), NULL, COMPLETE_NOTHING},
	{"start-timeout", 0, "DURATION", "each must have begun so long after CMD has ended\n"
		"(default: no limit but --timeout)",
		OPTIONS_EXPECT, DURATION, AT(start_timeout_ns), NULL, COMPLETE_NOTHING},

	{"within", 0, "DURATION", "nor so long after CMD has ended",
		OPTIONS_FORBID, DURATION, AT(within_ns), NULL, COMPLETE_NOTHING},
	{"quiet-for", 0, "DURATION", "idle means nothing for so long (default 50ms)",
		OPTIONS_IDLE, DURATION, AT(quiet_for_ns), NULL, COMPLETE_NOTHING},
	{"kind", 0, "KIND", "what it must be: any (default), file or directory",
		OPTIONS_VISIBLE, WORD, AT(kind), kind_words, COMPLETE_NOTHING},
	{"mount", 0, "PATH", "the mount, or any path under it",
		OPTIONS_WAIT, TEXT, AT(mount), NULL, COMPLETE_MOUNT},
	{"timeout", 0, "DURATION", "wait so long after CMD has ended (default 5s)",
		OPTIONS_TIMEOUT, TIMEOUT, AT(timeout_ns), NULL, COMPLETE_NOTHING},
	{"quiet", 'q', NULL, "do not say that the trace is armed",
		OPTIONS_WAIT, FLAG, AT(quiet), NULL, COMPLETE_NOTHING},
	{"timeout", 0, "DURATION", "how long a daemon in the background may take\n"
		"to mount (default 10s)",
		OPTIONS_RUN, TIMEOUT, AT(timeout_ns), NULL, COMPLETE_NOTHING},
	{"on-hang", 0, "WORD", "when the daemon does not end: report where it stands\n"
		"in the kernel (default), or abort its connection too",
		OPTIONS_RUN, WORD, AT(on_hang), on_hang_words, COMPLETE_NOTHING},
	{"stop-timeout", 0, "DURATION", "how long it may take to end, once asked to; then it\n"
		"is killed (default: at the third request)",
		OPTIONS_RUN, DURATION, AT(stop_timeout_ns), NULL, COMPLETE_NOTHING},
	{"no-summary", 0, NULL, "no table at the end",
		OPTIONS_RUN, FLAG, AT(no_summary), NULL, COMPLETE_NOTHING},
	{"duration", 0, "DURATION", "end after so long",
		OPTIONS_ATTACH, DURATION, AT(duration_ns), NULL, COMPLETE_NOTHING},
	{"count", 0, "N", "end after so many operations",
		OPTIONS_ATTACH, NUMBER, AT(count), NULL, COMPLETE_NOTHING},

	{"quiet", 'q', NULL, "no line for each operation",
		OPTIONS_LINES, FLAG, AT(quiet), NULL, COMPLETE_NOTHING},
	{"summary", 's', NULL, "a table of counts and durations at the end",
		OPTIONS_LINES, FLAG, AT(summary), NULL, COMPLETE_NOTHING},
	{"unparsed", 0, NULL, "the lines of a log that no format takes, instead",
		OPTIONS_LOGS, FLAG, AT(unparsed), NULL, COMPLETE_NOTHING},
	{"clean", 0, NULL, "take away what ended processes have left, instead",
		OPTIONS_CLEAN, FLAG, AT(clean), NULL, COMPLETE_NOTHING},
	{"format", 'f', "FORMAT", "text (default) or json, one object a line",
		OPTIONS_OUTPUT | OPTIONS_FORMAT, WORD, AT(format), format_words, COMPLETE_NOTHING},
	{"output", 'o', "FILE", "write there instead of to standard output",
		OPTIONS_OUTPUT, TEXT, AT(output), NULL, COMPLETE_FILE},
	{"color", 0, "WHEN", "auto (default: on a terminal), always or never",
		OPTIONS_OUTPUT, WORD, AT(color), color_words, COMPLETE_NOTHING},

	{"source", 0, "SOURCE", "kernel, log (what the daemon prints) or auto\n"
		"(default): the kernel where that is allowed",
		OPTIONS_TRACE, WORD, AT(source), source_words, COMPLETE_NOTHING},
	{"log", 0, "FILE", "where the daemon prints its operations",
		OPTIONS_TRACE, TEXT, AT(log), NULL, COMPLETE_FILE},
	{"ring", 0, "SIZE", "bytes for events in the kernel (default 16M)",
		OPTIONS_TRACE, SIZE, AT(ring_bytes), NULL, COMPLETE_NOTHING},
	{"max-ops", 0, "N", "operations kept in memory (default 1048576)",
		OPTIONS_TRACE, NUMBER, AT(max_ops), NULL, COMPLETE_NOTHING},
	{"ready-fd", 0, "N", "write \"ready\" there when the trace is armed",
		OPTIONS_READY, DESCRIPTOR, AT(ready_fd), NULL, COMPLETE_NOTHING},

	{"help", 'h', NULL, "this text",
		OPTIONS_HELP, FLAG, AT(help), NULL, COMPLETE_NOTHING},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))
/* getopt_long() gives a row as its index plus this, so that no letter is meant. */
#define ROW_BASE 1000

const struct option_row *options_row(const struct command *command, size_t index)
{
	for (size_t i = 0; i < ROWS; i++) {
		if ((rows[i].group & (command->options | OPTIONS_HELP)) && index-- == 0)
			return &rows[i];
	}
	return NULL;
}

const char *options_group_title(uint32_t group)
{
	return group_titles[__builtin_ctz(group)];
}

/* ---- values ---- */

static int bad_value(const struct option_row *row, const char *value, const char *advice)
{
	return fail(EXIT_USAGE, "--%s %s: %s", row->name, value, advice);
}

static int store_word(const struct option_row *row, const char *value, uint32_t *ret_index)
{
	struct nearest nearest = nearest_to(value);

	for (uint32_t i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*ret_index = i;
			return 0;
		}
		nearest_offer(&nearest, row->words[i]);
	}
	if (!nearest.best)
		nearest.best = row->words[0];
	return fail(EXIT_USAGE, "--%s %s: there is no such value: did you mean %s?", row->name,
		    value, nearest.best);
}

static int check_operations(const char *names)
{
	struct fusetrace_error error;
	int r = fusetrace_match_check(FUSETRACE_MATCH(.op = names), &error);

	return r < 0 ? fail(EXIT_USAGE, "%s", error.text) : 0;
}

static int store_number(const struct option_row *row, const char *value, uint64_t *ret_number)
{
	switch ((enum kind)row->kind) {
	case DURATION:
	case TIMEOUT:
		if (ft_parse_duration_ns(value, ret_number) < 0)
			return bad_value(row, value,
					 "not a duration: write 5s, 300ms, 1.5s, 2m or forever");
		return 0;
	case SIZE:
		if (ft_parse_size(value, ret_number) < 0)
			return bad_value(row, value, "not a size: write 65536, 64K or 16M");
		return 0;
	case PID:
		if (ft_parse_u64(value, ret_number) < 0 || *ret_number > INT32_MAX)
			return bad_value(row, value, "not a process id: write a number");
		return 0;
	default:
		if (ft_parse_u64(value, ret_number) < 0 || *ret_number == 0)
			return bad_value(row, value, "not a number: write 1 or more");
		return 0;
	}
}

static int store_descriptor(const struct option_row *row, const char *value, int *ret_fd)
{
	uint64_t number;

	if (ft_parse_u64(value, &number) < 0 || number > INT32_MAX ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
		return bad_value(row, value, "not an open descriptor: write its number");
	*ret_fd = (int)number;
	return 0;
}

/* ---- wants ---- */

/* The last want or, before the first, what all of them begin with. */
static struct want *current_want(struct options *options)
{
	return &options->wants[options->want_count ? options->want_count - 1 : WANTS_MAX];
}

static int add_want(struct options *options, const char *op)
{
	int r = check_operations(op);

	if (r)
		return r;
	if (options->want_count == WANTS_MAX)
		return fail(EXIT_USAGE, "too many operations: at most %d", WANTS_MAX);
	options->wants[options->want_count] = options->wants[WANTS_MAX];
	options->wants[options->want_count++].op = op;
	return 0;
}

static int store_of_want(const struct option_row *row, const char *value, struct options *options)
{
	struct want *want = current_want(options);

	switch ((enum kind)row->kind) {
	case WANT_WORD:
		return store_word(row, value, &want->status);
	case WANT_ERRNO:
		if (ft_parse_errno(value, &want->error) < 0)
			return bad_value(row, value, "no such error: write ENOSPC or 28");
		want->status = STATUS_FAILED;
		return 0;
	case WANT_TEXT:
		want->label = value;
		return 0;
	default:
		return add_want(options, value);
	}
}

/* ---- parsing ---- */

static int store(const struct option_row *row, const char *value, struct options *options)
{
	void *place = (char *)options + row->offset;

	switch ((enum kind)row->kind) {
	case FLAG:
		*(bool *)place = true;
		return 0;
	case TEXT:
		*(const char **)place = value;
		return 0;
	case OPERATIONS:
		*(const char **)place = value;
		return check_operations(value);
	case WORD:
		return store_word(row, value, place);
	case DESCRIPTOR:
		return store_descriptor(row, value, place);
	case PID:
		options->has_pid = true;
		return store_number(row, value, place);
	case TIMEOUT:
		options->has_timeout = true;
		return store_number(row, value, place);
	case DURATION:
	case SIZE:
	case NUMBER:
		return store_number(row, value, place);
	default:
		return store_of_want(row, value, options);
	}
}

static int store_operand(struct options *options, char *word)
{
	if (options->command->operand != OPERAND_OPERATION) {
		options->operands[options->operand_count++] = word;
		return 0;
	}
	if (options->want_count == 0)
		return add_want(options, word);
	if (current_want(options)->path)
		return fail(
			EXIT_USAGE,
			"%s: one word too many: name one more operation by --and, and CMD behind "
			"--",
			word);
	current_want(options)->path = word;
	return 0;
}

/* The arrays for getopt_long(). long_options has room for all rows and a zero. */
static void make_arrays(const struct command *command, struct option *long_options, char *letters)
{
	const struct option_row *row;

	*letters++ = command->flags & COMMAND_STOPS_AT_OPERAND ? '+' : '-';
	*letters++ = ':';
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		*long_options++ = (struct option){
			.name = row->name,
			.has_arg = row->argument ? required_argument : no_argument,
			.val = ROW_BASE + (int)(row - rows),
		};
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->argument)
			*letters++ = ':';
	}
	*long_options = (struct option){0};
	*letters = '\0';
}

static int unknown_option(const struct command *command, const char *word)
{
	size_t length = strcspn(word, "=");
	char name[64];
	struct nearest nearest = nearest_to(name);
	const struct option_row *row;

	if (optopt >= ROW_BASE)
		return fail(EXIT_USAGE, "--%s takes no value: leave it out",
			    rows[optopt - ROW_BASE].name);
	if (strncmp(word, "--", 2) != 0)
		return fail(EXIT_USAGE, "unknown option -%c: see 'fusetrace %s --help'", optopt,
			    command->name);
	snprintf(name, sizeof(name), "%.*s", (int)length - 2, word + 2);
	for (size_t i = 0; (row = options_row(command, i)); i++)
		nearest_offer(&nearest, row->name);
	if (nearest.best)
		return fail(EXIT_USAGE, "unknown option --%s: did you mean --%s?", name,
			    nearest.best);
	return fail(EXIT_USAGE, "unknown option --%s: see 'fusetrace %s --help'", name,
		    command->name);
}

static const struct option_row *row_of(const struct command *command, int value)
{
	const struct option_row *row;

	if (value >= ROW_BASE)
		return &rows[value - ROW_BASE];
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (row->letter == value)
			return row;
	}
	return NULL;
}

static int parse_words(struct options *options, int argc, char **argv)
{
	struct option long_options[ROWS + 1];
	char letters[2 * ROWS + 3];
	int value, r = 0;

	make_arrays(options->command, long_options, letters);
	optind = 0;
	opterr = 0;
	while (r == 0 && (value = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (value == 1)
			r = store_operand(options, optarg);
		else if (value == '?')
			r = unknown_option(options->command, argv[optind - 1]);
		else if (value == ':')
			r = fail(EXIT_USAGE, "%s: a value is missing: see 'fusetrace %s --help'",
				 argv[optind - 1], options->command->name);
		else
			r = store(row_of(options->command, value), optarg, options);
	}
	return r;
}

static int check_operands(const struct options *options)
{
	const struct command *command = options->command;
	int count = command->operand == OPERAND_OPERATION ? (int)options->want_count
							  : options->operand_count;

	if (options->program && !(command->flags & COMMAND_RUNS_PROGRAM))
		return fail(EXIT_USAGE, "%s runs no program: usage: fusetrace %s %s", command->name,
			    command->name, command->usage);
	if (command->operand == OPERAND_COMMAND)
		count = options->program ? 1 : 0;
	if (count < command->min_operands)
		return fail(EXIT_USAGE, "something is missing: usage: fusetrace %s %s",
			    command->name, command->usage);
	if (command->operand != OPERAND_COMMAND && command->operand != OPERAND_OPERATION &&
	    count > command->max_operands)
		return fail(EXIT_USAGE, "%s: one word too many: usage: fusetrace %s %s",
			    options->operands[command->max_operands], command->name,
			    command->usage);
	return 0;
}

/* A daemon that runs already prints where only the user knows. */
static int check_source(const struct options *options)
{
	if (options->source != FUSETRACE_SOURCE_LOG || options->log ||
	    options->command->operand == OPERAND_COMMAND)
		return 0;
	return fail(EXIT_USAGE,
		    "--source log needs --log FILE: where the daemon prints its operations");
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options)
{
	struct options *options = ret_options;
	int r;

	options_formats();
	*options = (struct options){
		.command = command,
		.ready_fd = -1,
		.timeout_ns = 5 * FUSETRACE_SECOND,
		.quiet_for_ns = 50 * (FUSETRACE_SECOND / 1000),
	};
	if (command->options & OPTIONS_FORBID)
		options->wants[WANTS_MAX].status = STATUS_ANY;
	options->operands = calloc((size_t)argc + 1, sizeof(*options->operands));
	if (!options->operands)
		return fail(EXIT_SETUP, "out of memory: free some");
	r = parse_words(options, argc, argv);
	if (r)
		return r;
	if (optind < argc)
		options->program = argv + optind;
	if (options->help)
		return 0;
	r = check_operands(options);
	return r ? r : check_source(options);
}

void options_done(struct options *options)
{
	free(options->operands);
	options->operands = NULL;
}
