/* SPDX-License-Identifier: MIT */
/* The guardian's program, started for this process. */
#ifndef FT_GUARDIAN_START_H
#define FT_GUARDIAN_START_H

/* Our end of its socket. 0 or a negative errno, of the program, too: it cannot be run. */
int ft_guardian_start(const char *program, int *ret_socket);

#endif
