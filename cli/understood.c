/* SPDX-License-Identifier: MIT */
/* See understood.h. */
#include "understood.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command.h"
#include "message.h"

void understood_begin(struct understood *understood, const char *data, size_t size)
{
	const char *end = data + size, *newline;
	size_t length;

	while (data < end && (*data == '\n' || *data == '\r'))
		data++;
	newline = memchr(data, '\n', (size_t)(end - data));
	size = (size_t)((newline ? newline : end) - data);
	size -= size && data[size - 1] == '\r';
	length = strnlen(data, size < FIRST_LINE_MAX ? size : FIRST_LINE_MAX);
	understood->is_cut = length < size;
	while (length && length < size && (data[length] & 0xc0) == 0x80)
		length--; /* between two characters */
	memcpy(understood->first_line, data, length);
	understood->first_line[length] = '\0';
}

/* The names of all formats with commas; free with free(). */
static char *list_formats(void)
{
	struct fusetrace_format_info format;
	char *list = NULL;
	size_t size;
	FILE *stream = open_memstream(&list, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; fusetrace_format_get(i, &format) == 0; i++)
		fprintf(stream, "%s%s", i ? ", " : "", format.name);
	fclose(stream);
	return list;
}

static int refuse(const struct understood *understood, const char *name)
{
	char *formats FT_AUTO_FREE = list_formats();

	if (!formats)
		return fail(EXIT_SETUP, "out of memory: free some");
	message("%s: no line is of a known format; the first one: %s%s", name,
		understood->first_line, understood->is_cut ? "..." : "");
	return fail(EXIT_USAGE, "tried: %s: see 'fusetrace formats'", formats);
}

int understood_judge(struct understood *understood, struct fusetrace_monitor *monitor,
		     const char *name)
{
	struct fusetrace_log_counts counts = {0};

	fusetrace_log_counts(monitor, &counts);
	understood->counts.lines += counts.lines;
	understood->counts.unparsed += counts.unparsed;
	return counts.lines && counts.unparsed == counts.lines ? refuse(understood, name) : 0;
}

void understood_tell(const struct understood *understood, const char *where)
{
	const struct fusetrace_log_counts *counts = &understood->counts;

	if (counts->unparsed)
		message("%" PRIu64 " of %" PRIu64 " lines %s not understood: see %s with %s",
			counts->unparsed, counts->lines, counts->unparsed == 1 ? "was" : "were",
			counts->unparsed == 1 ? "it" : "them", where);
}
