/* SPDX-License-Identifier: MIT */
/*
 * The handle table: which name an open file was opened by. A file with several names keeps, for
 * its open handles, the one it was opened by, whatever is looked up meanwhile.
 *
 * Daemons choose fh; many use 0 for every open. The key is therefore (nodeid, fh), and opens of one
 * key are counted: the last one's name stands until the last release.
 */
#ifndef FT_HANDLES_H
#define FT_HANDLES_H

#include <stdint.h>

struct ft_handles;

struct ft_handles *ft_handles_new(void);
struct ft_handles *ft_handles_free(struct ft_handles *handles);

/* link: ft_nodes_link() at the time of the open. */
void ft_handles_open(struct ft_handles *handles, uint64_t nodeid, uint64_t fh, uint64_t link);
void ft_handles_close(struct ft_handles *handles, uint64_t nodeid, uint64_t fh);
/* The link of an open handle; 0: unknown. */
uint64_t ft_handles_link(const struct ft_handles *handles, uint64_t nodeid, uint64_t fh);

#endif
