/* SPDX-License-Identifier: MIT */
/* For `fusetrace doctor`: what processes have left that have ended without cleaning up. */
#ifndef CLI_LEFTOVERS_VIEW_H
#define CLI_LEFTOVERS_VIEW_H

#include <stdbool.h>

struct output;

/* Lists it, and touches nothing. */
void leftovers_list(struct output *output, bool is_json);
/* Takes it away, and tells each step. The exit code: 1 if something is left. */
int leftovers_clean(struct output *output, bool is_json);

#endif
