/* SPDX-License-Identifier: MIT */
/*
 * One record of tracing-subscriber's full or compact form (tracing_text.c), as its lines are put
 * together by tracing_lines.c.
 */
#ifndef FT_FORMATS_TRACING_TEXT_H
#define FT_FORMATS_TRACING_TEXT_H

#include "tracing.h"

/* A record while it is read. */
struct ft_tracing_reading {
	struct ft_tracing *tracing;
	struct ft_line line; /* its time is the record's */
	struct ft_scan scan;
	struct ft_tracing_scratch scratch;
	struct ft_tracing_record record;
	bool has_fields; /* of a span, in braces */
	bool is_open;    /* the fields do not end in this line */
	bool has_place;  /* target, file or line */
	bool may_hold;   /* the next line may be asked for */
	bool is_whole;   /* FT_LINE_PARTIAL: unless the next line goes on with its last field */
};

/* scratch has room for as many bytes as the text. */
void ft_tracing_text_start(struct ft_tracing_reading *reading, struct ft_tracing *tracing,
			   const struct ft_line *line, char *scratch);
/* FT_LINE_: PARTIAL if it goes on in the next line or, with may_hold, may do so. */
int ft_tracing_text_take(struct ft_tracing_reading *reading, struct ft_bytes text,
			 struct ft_sink *sink);
/* Time and level, one of which may be missing: what each record begins with. */
bool ft_tracing_text_head(struct ft_scan *scan, struct ft_time *ret_time);

#endif
