/* SPDX-License-Identifier: MIT */
/* The list of formats; see view.h. */
#include "view.h"

#include <stddef.h>

const struct view_kind *const view_kinds[] = {&view_text, &view_json, NULL};
