/* SPDX-License-Identifier: MIT */
/* See help.h; and the command help. */
#include "help.h"

#include <string.h>

#include "command.h"
#include "options.h"

/* Where the text of an option begins. */
#define TEXT_AT 27

static const char exit_codes[] =
	"Exit codes:\n"
	"  0   satisfied, or all went well\n"
	"  1   not satisfied\n"
	"  2   wrong usage, or a file that is no recording or log\n"
	"  3   the daemon ended, or the filesystem was unmounted\n"
	"  4   no verdict, as events were lost\n"
	"  77  cannot trace here, such as without the rights\n"
	"  99  could not set it up\n"
	"run ends as its daemon does; expect, forbid and idle as CMD, if the\n"
	"verdict is 0 and CMD failed.\n";

void help_of_all(FILE *out)
{
	fputs("Usage: fusetrace COMMAND [OPTIONS] ...\n"
	      "\n"
	      "See, wait for and check every operation of any FUSE filesystem.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-14s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "'fusetrace COMMAND --help' tells more, 'fusetrace --version' the version.\n"
	      "\n",
	      out);
	fputs(exit_codes, out);
}

static void put_option(const struct option_row *row)
{
	const char *text = row->help;
	char left[80];

	snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
		 row->argument ? " " : "", row->argument ? row->argument : "");
	printf("%-*s", TEXT_AT, left);
	if (strlen(left) >= TEXT_AT)
		printf("\n%*s", TEXT_AT, "");
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%*s", TEXT_AT, "");
	}
	putchar('\n');
}

void help_of_command(const struct command *command)
{
	const struct option_row *row;
	const char *title = "";

	printf("Usage: fusetrace %s %s\n\n", command->name, command->usage);
	printf("%c%s.\n", command->summary[0] - 'a' + 'A', command->summary + 1);
	if (command->details)
		printf("\n%s", command->details);
	for (size_t i = 0; (row = options_row(command, i)); i++) {
		const char *group = options_group_title(row->group);

		if (strcmp(group, title) != 0)
			printf("\n%s:\n", group);
		title = group;
		put_option(row);
	}
}

static int run(const struct options *options)
{
	const struct command *command;

	if (options->operand_count == 0) {
		help_of_all(stdout);
		return EXIT_SATISFIED;
	}
	command = command_find(options->operands[0]);
	if (!command)
		return command_unknown(options->operands[0]);
	help_of_command(command);
	return EXIT_SATISFIED;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.summary = "tell what a command does",
	.operand = OPERAND_SUBCOMMAND,
	.max_operands = 1,
	.run = run,
};
