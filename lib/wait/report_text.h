/* SPDX-License-Identifier: MIT */
/* What the paragraphs of a report for a person are made of. */
#ifndef FT_REPORT_TEXT_H
#define FT_REPORT_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "report_render.h"

#define FT_REPORT_INDENT "            "

/* Names may hold anything: what would move the cursor or forge a line is escaped. */
void ft_report_put_escaped(FILE *out, struct ft_bytes bytes);
void ft_report_put_duration(FILE *out, uint64_t duration_ns);
void ft_report_put_errno(FILE *out, int error);
/* "/a", of a rename or a link "/a -> /b". */
void ft_report_put_path(FILE *out, const struct fusetrace_op *op);
/* "+0.012s release /db/index  ok 0.2ms": the time is from the mark, "?" if nobody saw it sent. */
void ft_report_put_op(FILE *out, const struct ft_report_source *source,
		      const struct fusetrace_op *op);

/* What times are told from, and what it is called: the mark, or the begin of the wait. */
uint64_t ft_report_base_ns(const struct ft_report_source *source);
const char *ft_report_base_name(const struct ft_report_source *source);

/* The verdict with what makes one understand it. */
void ft_report_put_verdict(FILE *out, const struct ft_report_source *source);

#endif
