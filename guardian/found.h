/* SPDX-License-Identifier: MIT */
/* What owners have left that have ended, and whose guardian has ended, too. */
#ifndef GUARDIAN_FOUND_H
#define GUARDIAN_FOUND_H

#include "record.h"

/*
 * Calls fn with each of them: those that a record tells of, and daemons that have the mark of a
 * process that has ended, with the mounts that they serve. A guardian that is at work is waited for,
 * at most so long; 0: what it has to do is left out.
 */
void found_each(int milliseconds, record_fn *fn, void *data);

#endif
