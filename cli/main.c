/* SPDX-License-Identifier: MIT */
/* The command fusetrace: finds the subcommand, has its options parsed and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "command.h"
#include "help.h"
#include "message.h"
#include "nearest.h"
#include "options.h"
#include "signals.h"

const struct command *const commands[] = {
	&cmd_run,          &cmd_attach,       &cmd_read,      &cmd_summary,
	&cmd_formats,      &cmd_expect,       &cmd_forbid,    &cmd_idle,
	&cmd_wait_written, &cmd_wait_visible, &cmd_wait_gone, &cmd_doctor,
	&cmd_demo,         &cmd_completion,   &cmd_help,      NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

int command_unknown(const char *name)
{
	struct nearest nearest = nearest_to(name);

	for (size_t i = 0; commands[i]; i++)
		nearest_offer(&nearest, commands[i]->name);
	if (nearest.best)
		return fail(EXIT_USAGE, "there is no command %s: did you mean %s?", name,
			    nearest.best);
	return fail(EXIT_USAGE, "there is no command %s: see 'fusetrace --help'", name);
}

/* What we open must never become descriptor 0, 1 or 2, where others would write into it. */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_SETUP);
	}
}

/* What help and lists print must arrive, or it is an error as any other. */
static int flush_standard_output(int exit_code)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return exit_code;
	return fail(EXIT_SETUP, "cannot write to standard output: %s: make room", strerror(errno));
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;
	int r = options_parse(command, argc, argv, &options);

	if (r == 0 && options.help)
		help_of_command(command);
	else if (r == 0)
		r = command->run(&options);
	options_done(&options);
	return flush_standard_output(r);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command = word ? command_find(word) : NULL;

	fill_standard_descriptors();
	signals_init();
	if (command)
		return run_command(command, argc - 1, argv + 1);
	if (!word) {
		help_of_all(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		help_of_all(stdout);
		return flush_standard_output(EXIT_SATISFIED);
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("fusetrace %s\n", fusetrace_version());
		return flush_standard_output(EXIT_SATISFIED);
	}
	if (word[0] == '-')
		return fail(EXIT_USAGE, "unknown option %s: see 'fusetrace --help'", word);
	return command_unknown(word);
}
