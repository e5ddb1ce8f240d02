/* SPDX-License-Identifier: MIT */
/* The completion script for zsh: _arguments does the work. */
#include "shell.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"

/* Within '...[ ]' of _arguments. */
static void put_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			putchar(' ');
		else if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void put_value(const struct option_row *row)
{
	printf(":%s:", row->argument);
	if (row->words) {
		printf("(");
		put_words(row->words, " ");
		printf(")");
		return;
	}
	switch (row->completes) {
	case COMPLETE_FILE:
		printf("_files");
		break;
	case COMPLETE_MOUNT:
		printf("_fusetrace_mounts");
		break;
	case COMPLETE_OPERATION:
		printf("_fusetrace_operations");
		break;
	case COMPLETE_ERRNO:
		printf("(");
		put_errors(" ");
		printf(")");
		break;
	default:
		printf(" ");
	}
}

static void put_option(const struct option_row *row)
{
	printf(" \\\n\t\t\t");
	if (row->letter)
		printf("'(-%c --%s)'{-%c%s,--%s%s}'[", row->letter, row->name, row->letter,
		       row->argument ? "+" : "", row->name, row->argument ? "=" : "");
	else
		printf("'--%s%s[", row->name, row->argument ? "=" : "");
	put_text(row->help);
	printf("]");
	if (row->argument)
		put_value(row);
	printf("'");
}

static void put_operand(const struct command *command)
{
	switch (command->operand) {
	case OPERAND_MOUNT:
		printf(" \\\n\t\t\t'1:mountpoint:_fusetrace_mounts'");
		break;
	case OPERAND_FILE:
		printf(" \\\n\t\t\t'*:file:_files'");
		break;
	case OPERAND_OPERATION:
		printf(" \\\n\t\t\t'1:operation:_fusetrace_operations' '2::path:_files'");
		break;
	case OPERAND_SUBCOMMAND:
		printf(" \\\n\t\t\t'1:command:(");
		put_commands(" ");
		printf(")'");
		break;
	case OPERAND_SHELL:
		printf(" \\\n\t\t\t'1:shell:(");
		put_shells(" ");
		printf(")'");
		break;
	default:
		break;
	}
	if (command->flags & COMMAND_RUNS_PROGRAM)
		printf(" \\\n\t\t\t'*:::program:_normal'");
}

static void put_script(void)
{
	const struct option_row *row;

	printf("#compdef fusetrace\n# zsh completion for fusetrace, made by 'fusetrace completion "
	       "zsh'\n\n_fusetrace_operations() {\n\t_values -s , operation ");
	put_operations(" ");
	printf("\n}\n\n_fusetrace_mounts() {\n\tlocal -a mounts\n\tmounts=(${(f)\"$(" LIST_MOUNTS
	       " 2>/dev/null)\"})\n\t_alternative \"mounts:FUSE mount:(($mounts))\" "
	       "'folders:folder:_files -/'\n}\n\n_fusetrace() {\n\tlocal -a commands\n\tcommands=(\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t'%s:", commands[i]->name);
		put_text(commands[i]->summary);
		printf("'\n");
	}
	printf("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n"
	       "\tfi\n\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s)\n\t\t_arguments -S", commands[i]->name);
		for (size_t k = 0; (row = options_row(commands[i], k)); k++)
			put_option(row);
		put_operand(commands[i]);
		printf("\n\t\t;;\n");
	}
	printf("\tesac\n}\n\n_fusetrace \"$@\"\n");
}

const struct shell shell_zsh = {
	.name = "zsh",
	.put = put_script,
};
