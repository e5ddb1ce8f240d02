/* SPDX-License-Identifier: MIT */
/* See leftovers_view.h. What is left, and how it is taken away, is the guardian's knowledge. */
#include "leftovers_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "command.h"
#include "found.h"
#include "output.h"
#include "record.h"
#include "takeaway.h"
#include "views/json.h"
#include "views/names.h"

/* A guardian that is at work needs no longer, whatever hangs. */
#define GUARDIAN_MS 15000

struct telling {
	struct output *output;
	bool is_json;
	size_t left;
	size_t deeds;
};

/* ---- what is left ---- */

static const char *kind_of(const struct leftover *leftover)
{
	if (leftover->is_directory)
		return "directory";
	return leftover->path ? "mount" : "daemon";
}

static void tell_leftover(struct telling *telling, const struct record *record,
			  const struct leftover *leftover)
{
	const char *path = leftover->path ? leftover->path : leftover->mark;
	char *name FT_AUTO_FREE = name_escape(ft_bytes_of(path));

	telling->left++;
	if (telling->is_json) {
		output_printf(telling->output,
			      "{\"v\":1,\"event\":\"left\",\"kind\":\"%s\",\"owner\":%d",
			      kind_of(leftover), (int)record->owner.pid);
		json_put_name(telling->output, leftover->path ? "path" : "mark", ft_bytes_of(path));
		if (leftover->problem[0])
			json_put_name(telling->output, "problem", ft_bytes_of(leftover->problem));
		output_put(telling->output, "}\n", 2);
		return;
	}
	output_printf(telling->output, "left  %-11s  %s (of process %d, which has ended)%s%s\n",
		      kind_of(leftover), name ? name : "", (int)record->owner.pid,
		      leftover->problem[0] ? ": " : "", leftover->problem);
}

static void tell_record(struct record *record, void *data)
{
	ft_list_foreach (node, &record->leftovers.list)
		tell_leftover(data, record, FT_CONTAINER(node, struct leftover, node));
}

void leftovers_list(struct output *output, bool is_json)
{
	struct telling telling = {.output = output, .is_json = is_json};

	found_each(0, tell_record, &telling);
	if (!is_json && telling.left > 0)
		output_printf(output, "      'fusetrace doctor --clean' takes away what is left\n");
}

/* ---- taking it away ---- */

static void tell_deed(const struct deed *deed, void *data)
{
	struct telling *telling = data;
	char *path FT_AUTO_FREE = name_escape(ft_bytes_of(deed->path ? deed->path : ""));
	char *name FT_AUTO_FREE = name_escape(ft_bytes_of(deed->name ? deed->name : ""));

	telling->deeds++;
	if (telling->is_json) {
		output_printf(telling->output, "{\"v\":1,\"event\":\"cleaned\",\"what\":\"%s\"",
			      deed->what);
		if (deed->path)
			json_put_name(telling->output, "path", ft_bytes_of(deed->path));
		if (deed->number)
			json_put_number(telling->output, deed->name ? "pid" : "connection",
					deed->number);
		if (deed->name)
			json_put_name(telling->output, "name", ft_bytes_of(deed->name));
		output_put(telling->output, "}\n", 2);
	} else if (deed->name) {
		output_printf(telling->output, "%-9s  process %" PRIu32 " (%s)\n", deed->what,
			      deed->number, name ? name : "");
	} else if (deed->number) {
		output_printf(telling->output, "%-9s  connection %" PRIu32 " of %s\n", deed->what,
			      deed->number, path ? path : "");
	} else {
		output_printf(telling->output, "%-9s  %s\n", deed->what, path ? path : "");
	}
}

static void clean_record(struct record *record, void *data)
{
	if (record->is_of_other_boot)
		ft_list_foreach (node, &record->leftovers.list) {
			struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

			/* one that was not made yet: what is there now nobody has registered */
			leftover->is_done = !leftover->is_directory || leftover->inode == 0;
		}
	leftovers_left(&record->leftovers);
	take_away(&record->leftovers, tell_deed, data);
	record_save(record);
	tell_record(record, data);
}

int leftovers_clean(struct output *output, bool is_json)
{
	struct telling telling = {.output = output, .is_json = is_json};

	found_each(GUARDIAN_MS, clean_record, &telling);
	if (!is_json && telling.deeds == 0 && telling.left == 0)
		output_printf(output, "nothing is left\n");
	return telling.left == 0 ? EXIT_SATISFIED : EXIT_UNSATISFIED;
}
