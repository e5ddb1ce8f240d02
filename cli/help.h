/* SPDX-License-Identifier: MIT */
/* The texts of --help, made from the tables of commands and options. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

struct command;

void help_of_all(FILE *out);
void help_of_command(const struct command *command);

#endif
