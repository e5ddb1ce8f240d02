/* SPDX-License-Identifier: MIT */
/*
 * What /proc does not show to us: the processes of other users, of other PID namespaces, or all but our
 * own (hidepid). Whoever is not seen may live all the same.
 */
#ifndef FT_UNSEEN_H
#define FT_UNSEEN_H

#include <stdbool.h>
#include <sys/types.h>

enum ft_unseen {
	FT_UNSEEN_NONE,    /* all descriptors of all processes of this PID namespace are readable */
	FT_UNSEEN_NO_PROC, /* /proc is not mounted */
	FT_UNSEEN_HIDDEN,  /* hidepid: not even their numbers are there */
	FT_UNSEEN_FORBIDDEN, /* their descriptors are not readable */
};

/* The strongest reason for which the holder of a descriptor may not have been found. Reads all of /proc. */
enum ft_unseen ft_unseen_why(void);

/* /proc has no such process, but there is one: of whoever looks, it is hidden. */
bool ft_unseen_is_hidden(pid_t pid);

#endif
