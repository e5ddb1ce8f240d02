/* SPDX-License-Identifier: MIT */
/* The reader of records in full and compact form (tracing_read.c), for tracing_text.c. */
#ifndef FT_FORMATS_TRACING_TEXT_H
#define FT_FORMATS_TRACING_TEXT_H

#include "tracing.h"

/* A record while it is read. */
struct ft_tracing_reading {
	struct ft_line line; /* its text is the record, its time becomes the record's */
	struct ft_scan scan;
	struct ft_tracing_scratch scratch;
	struct ft_tracing_record record;
	bool has_fields;  /* of a span, in braces */
	bool is_open;     /* the fields do not end in this line */
	bool is_doubtful; /* the operation's span is only called like one */
	bool has_place;   /* target, file or line */
	bool may_hold;    /* the line behind it may go on with its last value */
};

void ft_tracing_start(struct ft_tracing_reading *reading, const struct ft_line *line,
		      char *scratch);
/* FT_LINE_, PARTIAL if it goes on in the next line; TAKEN: record is set, if it has_span. */
int ft_tracing_read(struct ft_tracing *tracing, struct ft_tracing_reading *reading);

#endif
