/* SPDX-License-Identifier: MIT */
/*
 * Takes away what an owner has left: mounts, their daemons, then directories. Nothing here waits for
 * a daemon to answer, so it comes to its end whatever hangs; it takes seconds when one does.
 */
#ifndef GUARDIAN_TAKEAWAY_H
#define GUARDIAN_TAKEAWAY_H

#include "leftovers.h"

/*
 * Those that are gone then are dropped from the list; of the others problem says why. How many are
 * left. tell (NULL: nobody) hears of each step.
 */
size_t take_away(struct leftovers *leftovers, deed_fn *tell, void *data);

#endif
