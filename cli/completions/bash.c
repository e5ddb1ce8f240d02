/* SPDX-License-Identifier: MIT */
/* The completion script for bash. It works with and without the package bash-completion. */
#include "shell.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"

static const char bash_begin[] =
	"# bash completion for fusetrace, made by 'fusetrace completion bash'\n"
	"\n"
	"_fusetrace_words()\n"
	"{\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"# Words with commas between them: only the last one is completed.\n"
	"_fusetrace_list()\n"
	"{\n"
	"\tlocal before=''\n"
	"\t[[ $cur == *,* ]] && before=${cur%,*},\n"
	"\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$1\" -- \"${cur##*,}\")\n"
	"\tcompopt -o nospace 2>/dev/null\n"
	"}\n"
	"\n"
	"_fusetrace_files()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"}\n"
	"\n"
	"_fusetrace_mounts()\n"
	"{\n"
	"\tlocal mounts\n"
	"\tmounts=$(" LIST_MOUNTS " 2>/dev/null)\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$mounts\" -- \"$cur\"; compgen -d -- \"$cur\")\n"
	"}\n"
	"\n"
	"# A program and its arguments, which begin at word $1.\n"
	"_fusetrace_program()\n"
	"{\n"
	"\tif declare -F _command_offset >/dev/null; then\n"
	"\t\t_command_offset \"$1\"\n"
	"\telif ((COMP_CWORD == $1)); then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"\telse\n"
	"\t\t_fusetrace_files\n"
	"\tfi\n"
	"}\n"
	"\n"
	"_fusetrace()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tif ((COMP_CWORD == 1)); then\n";

static const char bash_program[] = "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
				   "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
				   "\t\t\t_fusetrace_program \"$((i + 1))\"\n"
				   "\t\t\treturn\n"
				   "\t\tfi\n"
				   "\tdone\n";

static void put_value(const struct option_row *row)
{
	if (row->words) {
		printf("_fusetrace_words '");
		put_words(row->words, " ");
		printf("'");
		return;
	}
	switch (row->completes) {
	case COMPLETE_FILE:
		printf("_fusetrace_files");
		break;
	case COMPLETE_MOUNT:
		printf("_fusetrace_mounts");
		break;
	case COMPLETE_OPERATION:
		printf("_fusetrace_list \"$operations\"");
		break;
	case COMPLETE_ERRNO:
		printf("_fusetrace_words '");
		put_errors(" ");
		printf("'");
		break;
	default:
		printf(":");
	}
}

static void put_operand(const struct command *command)
{
	switch (command->operand) {
	case OPERAND_MOUNT:
		printf("_fusetrace_mounts");
		break;
	case OPERAND_FILE:
		printf("_fusetrace_files");
		break;
	case OPERAND_OPERATION:
		printf("if ((COMP_CWORD == 2)); then _fusetrace_list \"$operations\"; else "
		       "_fusetrace_files; fi");
		break;
	case OPERAND_COMMAND:
		printf("if ((COMP_CWORD == 2)) || [[ $prev == -* ]]; then _fusetrace_program "
		       "\"$COMP_CWORD\"; else _fusetrace_files; fi");
		break;
	case OPERAND_SUBCOMMAND:
		printf("_fusetrace_words '");
		put_commands(" ");
		printf("'");
		break;
	case OPERAND_SHELL:
		printf("_fusetrace_words '");
		put_shells(" ");
		printf("'");
		break;
	default:
		printf(":");
	}
}

static void put_command(const struct command *command)
{
	const struct option_row *row;

	printf("\t%s)\n\t\tif [[ $cur == -* ]]; then\n\t\t\t_fusetrace_words '", command->name);
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (row->letter)
			printf("-%c ", row->letter);
		printf("--%s ", row->name);
	}
	printf("'\n\t\t\treturn\n\t\tfi\n\t\tcase $prev in\n");
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		if (!row->argument)
			continue;
		printf("\t\t--%s", row->name);
		if (row->letter)
			printf(" | -%c", row->letter);
		printf(") ");
		put_value(row);
		printf(" ;;\n");
	}
	printf("\t\t*) ");
	put_operand(command);
	printf(" ;;\n\t\tesac\n\t\t;;\n");
}

static void put_script(void)
{
	fputs(bash_begin, stdout);
	printf("\t\t_fusetrace_words '");
	put_commands(" ");
	printf(" --help --version'\n\t\treturn\n\tfi\n");
	fputs(bash_program, stdout);
	printf("\tlocal operations='");
	put_operations(" ");
	printf("'\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++)
		put_command(commands[i]);
	printf("\tesac\n}\n\ncomplete -F _fusetrace fusetrace\n");
}

const struct shell shell_bash = {
	.name = "bash",
	.put = put_script,
};
