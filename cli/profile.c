/* SPDX-License-Identifier: MIT */
/* The table of profile.h. docs: man/fusetrace.1, "LOGS". */
#include "profile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 4

struct profile {
	const char *program; /* NULL: any other */
	const char *text;
	const char *arguments[ARGUMENTS_MAX]; /* before those of the user */
	bool behind_first; /* ... but behind the first one, which is a subcommand */
};

/* Of each, what docs and --help of the version in Debian 12 or newer say. */
static const struct profile profiles[] = {
	{"archivemount", "archivemount -d", {"-d"}},
	{"bindfs", "bindfs -d", {"-d"}},
	{"branchfs", "branchfs -d", {"-d"}},
	{"cryfs", "cryfs -f", {"-f"}},
	{"disorderfs", "disorderfs -d", {"-d"}},
	{"encfs", "encfs -f -d", {"-f", "-d"}},
	{"fuse-overlayfs", "fuse-overlayfs -f -o debug", {"-f", "-o", "debug"}},
	{"fuse-zip", "fuse-zip -d", {"-d"}},
	{"fuse2fs", "fuse2fs -f -o debug", {"-f", "-o", "debug"}},
	{"gocryptfs", "gocryptfs -fg -fusedebug", {"-fg", "-fusedebug"}},
	{"lowntfs-3g", "lowntfs-3g -o no_detach,debug", {"-o", "no_detach,debug"}},
	/* not debug=true, which versions before 2.42 refuse */
	{"mergerfs", "mergerfs -f -d", {"-f", "-d"}},
	{"ntfs-3g", "ntfs-3g -o no_detach,debug", {"-o", "no_detach,debug"}},
	{"rclone", "rclone mount -vv --debug-fuse", {"-vv", "--debug-fuse"}, true},
	{"s3fs", "s3fs -f -d -d", {"-f", "-d", "-d"}},
	{"squashfuse", "squashfuse -d", {"-d"}},
	{"squashfuse_ll", "squashfuse_ll -d", {"-d"}},
	{"sshfs", "sshfs -d", {"-d"}},
	{"unionfs", "unionfs -d", {"-d"}},
	{"unionfs-fuse", "unionfs-fuse -d", {"-d"}},
};

/* Rust programs look at RUST_LOG; others do not mind. */
static const struct profile any = {.program = NULL};

const struct profile *profile_of(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].program, name) == 0)
			return &profiles[i];
	}
	return &any;
}

const char *profile_text(const struct profile *profile)
{
	return profile->text;
}

char **profile_argv(const struct profile *profile, char *const argv[])
{
	size_t before = 1 + profile->behind_first;
	size_t count = 0, at = 0;
	char **whole;

	while (argv[count])
		count++;
	if (before > count)
		before = count;
	whole = calloc(count + ARGUMENTS_MAX + 1, sizeof(*whole));
	if (!whole)
		return NULL;
	for (size_t i = 0; i < before; i++)
		whole[at++] = argv[i];
	for (size_t i = 0; i < ARGUMENTS_MAX && profile->arguments[i]; i++)
		whole[at++] = (char *)profile->arguments[i];
	for (size_t i = before; i < count; i++)
		whole[at++] = argv[i];
	return whole;
}

void profile_set_environment(const struct profile *profile)
{
	if (!profile->program)
		setenv("RUST_LOG", "trace", 0);
}
