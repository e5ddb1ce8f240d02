/* SPDX-License-Identifier: MIT */
/* Removes a directory that was registered, with all that is in it; never through a mount. */
#ifndef GUARDIAN_TREE_H
#define GUARDIAN_TREE_H

#include "leftovers.h"

/*
 * Sets is_done, or problem. A directory that is not the one that was registered is not touched, and
 * counts as done.
 */
void tree_remove(struct leftover *leftover, deed_fn *tell, void *data);

#endif
