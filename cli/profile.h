/* SPDX-License-Identifier: MIT */
/*
 * Known daemons: how each is kept in the foreground and made to print its operations. What the user
 * has set himself counts more.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

struct profile;

/* By the last component of the program's path; never NULL: an unknown program has a profile, too. */
const struct profile *profile_of(const char *program);
/* "bindfs -d", for messages; NULL for an unknown program. */
const char *profile_text(const struct profile *profile);

/*
 * The command with what switches its trace on; NULL: no memory. Ends with NULL. Free with free(); the
 * strings are those of argv and of the profile.
 */
char **profile_argv(const struct profile *profile, char *const argv[]);
/* Sets what the daemon's environment needs and has not; for the child, before its exec. */
void profile_set_environment(const struct profile *profile);

#endif
