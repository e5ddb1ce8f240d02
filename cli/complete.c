/* SPDX-License-Identifier: MIT */
/*
 * fusetrace completion: scripts for bash, fish and zsh, made from the tables of commands and
 * options that the help is made from. The build runs it to get the files that are installed.
 */
#include <stdio.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "base/parse.h"
#include "command.h"
#include "completions/shell.h"
#include "message.h"
#include "options.h"

#define ERRNO_MAX 256

static const struct shell *const shells[] = {&shell_bash, &shell_fish, &shell_zsh, NULL};

void put_operations(const char *separator)
{
	for (const char *name = fusetrace_op_name_next(NULL); name;
	     name = fusetrace_op_name_next(name))
		printf("%s%s", name, fusetrace_op_name_next(name) ? separator : "");
}

void put_errors(const char *separator)
{
	bool is_first = true;

	for (int error = 1; error < ERRNO_MAX; error++) {
		const char *name = ft_errno_name(error);

		if (name)
			printf("%s%s", is_first ? "" : separator, name);
		is_first = is_first && !name;
	}
}

void put_words(const char *const *words, const char *separator)
{
	for (size_t i = 0; words[i]; i++)
		printf("%s%s", i ? separator : "", words[i]);
}

void put_commands(const char *separator)
{
	for (size_t i = 0; commands[i]; i++)
		printf("%s%s", i ? separator : "", commands[i]->name);
}

void put_shells(const char *separator)
{
	for (size_t i = 0; shells[i]; i++)
		printf("%s%s", i ? separator : "", shells[i]->name);
}

static int run(const struct options *options)
{
	for (size_t i = 0; shells[i]; i++) {
		if (strcmp(shells[i]->name, options->operands[0]) != 0)
			continue;
		shells[i]->put();
		return EXIT_SATISFIED;
	}
	return fail(EXIT_USAGE, "there is no completion for %s: use bash, fish or zsh",
		    options->operands[0]);
}

const struct command cmd_completion = {
	.name = "completion",
	.usage = "bash|fish|zsh",
	.summary = "print the completion script for a shell",
	.details = "They are installed with the command. To use one without: in bash\n"
		   "\n"
		   "  eval \"$(fusetrace completion bash)\"\n",
	.operand = OPERAND_SHELL,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
