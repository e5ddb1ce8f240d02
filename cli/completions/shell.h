/* SPDX-License-Identifier: MIT */
/*
 * A shell for which there is a completion script. A new one is a file here and its line in the
 * array of complete.c. The words that may be completed come from the tables of commands, options
 * and operations, and are put here for all of them.
 */
#ifndef CLI_COMPLETIONS_SHELL_H
#define CLI_COMPLETIONS_SHELL_H

struct shell {
	const char *name;
	void (*put)(void); /* prints the script */
};

extern const struct shell shell_bash, shell_fish, shell_zsh;

/* The FUSE mounts that there are, but for names that a shell would have to quote. */
#define LIST_MOUNTS                                                                                \
	"awk '$3 ~ /^fuse/ && $3 != \"fusectl\" && $2 !~ \"[^-A-Za-z0-9_./+@,:]\" {print $2}' "    \
	"/proc/self/mounts"

/* Each prints words with separator between them. */
void put_words(const char *const *words, const char *separator);
void put_operations(const char *separator);
void put_errors(const char *separator);
void put_commands(const char *separator);
void put_shells(const char *separator);

#endif
