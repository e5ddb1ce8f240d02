/* SPDX-License-Identifier: MIT */
/* A record as one JSON object, and back. What comes from a file is not believed but looked at. */
#ifndef GUARDIAN_RECORD_TEXT_H
#define GUARDIAN_RECORD_TEXT_H

#include "record.h"

/* NULL: no memory. Free with free(). */
char *record_to_text(struct record *record);
/*
 * Into record, whose list is empty: false if it is no record, or one of another mount or pid namespace.
 * Entries that are none are left out.
 */
bool record_of_text(const char *text, size_t size, struct record *record);

#endif
