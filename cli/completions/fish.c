/* SPDX-License-Identifier: MIT */
/* The completion script for fish. */
#include "shell.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"

static void put_text(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\n')
			putchar(' ');
		else if (*text == '\'' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void put_value(const struct option_row *row)
{
	if (row->words) {
		printf(" -x -a '");
		put_words(row->words, " ");
		printf("'");
		return;
	}
	switch (row->completes) {
	case COMPLETE_FILE:
		printf(" -r -F");
		break;
	case COMPLETE_MOUNT:
		printf(" -x -a '(__fusetrace_mounts)'");
		break;
	case COMPLETE_OPERATION:
		printf(" -x -a '(__fusetrace_operations)'");
		break;
	case COMPLETE_ERRNO:
		printf(" -x -a '");
		put_errors(" ");
		printf("'");
		break;
	default:
		printf(" -x");
	}
}

static void put_operand(const struct command *command)
{
	const char *values = NULL;

	switch (command->operand) {
	case OPERAND_MOUNT:
		values = "(__fusetrace_mounts)";
		break;
	case OPERAND_OPERATION:
		values = "(__fusetrace_operations)";
		break;
	case OPERAND_COMMAND:
		values = "(__fish_complete_subcommand)";
		break;
	case OPERAND_SHELL:
		values = "bash fish zsh";
		break;
	default:
		break;
	}
	if (values)
		printf("complete -c fusetrace -n '__fish_seen_subcommand_from %s' -a '%s'\n",
		       command->name, values);
}

static void put_command(const struct command *command)
{
	const struct option_row *row;

	printf("complete -c fusetrace -n __fish_use_subcommand -f -a %s -d ", command->name);
	put_text(command->summary);
	printf("\n");
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		printf("complete -c fusetrace -n '__fish_seen_subcommand_from %s' -l %s",
		       command->name, row->name);
		if (row->letter)
			printf(" -s %c", row->letter);
		if (row->argument)
			put_value(row);
		printf(" -d ");
		put_text(row->help);
		printf("\n");
	}
	put_operand(command);
}

static void put_script(void)
{
	printf("# fish completion for fusetrace, made by 'fusetrace completion fish'\n\n"
	       "function __fusetrace_operations\n\t__fish_append , ");
	put_operations(" ");
	printf("\nend\n\nfunction __fusetrace_mounts\n\t" LIST_MOUNTS "\n"
	       "\t__fish_complete_directories (commandline -ct)\nend\n\n");
	for (size_t i = 0; commands[i]; i++)
		put_command(commands[i]);
}

const struct shell shell_fish = {
	.name = "fish",
	.put = put_script,
};
