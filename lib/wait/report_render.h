/* SPDX-License-Identifier: MIT */
/* The two forms of a report, made of the same facts. */
#ifndef FT_REPORT_RENDER_H
#define FT_REPORT_RENDER_H

#include "report_facts.h"

struct ft_report_source {
	struct ft_facts *facts;
	const struct fusetrace_expect *expect; /* NULL: a wait without matches */
	const char *waited_for;                /* escaped */
	const char *label;                     /* escaped, or NULL */
};

/* Free with free(). NULL: no memory. */
char *ft_report_text(const struct ft_report_source *source);
char *ft_report_json(const struct ft_report_source *source);

#endif
