/* SPDX-License-Identifier: MIT */
/* See report_text.h. */
#include "report_text.h"

#include "base/parse.h"
#include "base/text.h"

void ft_report_put_escaped(FILE *out, struct ft_bytes bytes)
{
	char text[400];

	ft_text_escape(bytes, text, sizeof(text));
	fputs(text, out);
}

void ft_report_put_duration(FILE *out, uint64_t duration_ns)
{
	char text[FT_DURATION_SIZE];

	ft_format_duration(duration_ns, false, text, sizeof(text));
	fputs(text, out);
}

void ft_report_put_path(FILE *out, const struct fusetrace_op *op)
{
	const struct ft_name *second = op->path2 ? op->path2 : op->name2;

	if (op->path || op->name)
		ft_report_put_escaped(out, ft_name_bytes(op->path ? op->path : op->name));
	else
		fputs("(path unknown)", out);
	if (!second)
		return;
	fputs(" -> ", out);
	ft_report_put_escaped(out, ft_name_bytes(second));
}

void ft_report_put_errno(FILE *out, int error)
{
	const char *name = ft_errno_name(error);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "errno %d", error);
}

static void put_outcome(FILE *out, const struct fusetrace_op *op)
{
	switch (op->status) {
	case FUSETRACE_STATUS_STARTED:
		fputs("in flight", out);
		return;
	case FUSETRACE_STATUS_COMPLETED:
		fputs("ok", out);
		break;
	case FUSETRACE_STATUS_FAILED:
		ft_report_put_errno(out, op->error);
		break;
	default:
		fputs("unknown (never answered)", out);
		return;
	}
	if (op->present & FT_HAS(DURATION_NS)) {
		fputc(' ', out);
		ft_report_put_duration(out, op->duration_ns);
	}
}

uint64_t ft_report_base_ns(const struct ft_report_source *source)
{
	const struct fusetrace_expect *expect = source->expect;

	return expect && expect->has_mark && expect->mark.mono_ns ? expect->mark.mono_ns
								  : source->facts->began_ns;
}

const char *ft_report_base_name(const struct ft_report_source *source)
{
	return ft_report_base_ns(source) == source->facts->began_ns ? "the wait began" : "the mark";
}

void ft_report_put_op(FILE *out, const struct ft_report_source *source,
		      const struct fusetrace_op *op)
{
	double since = ((double)op->start_ns - (double)ft_report_base_ns(source)) / 1e9;

	if (op->start_ns)
		fprintf(out, "%+.3fs ", since);
	else
		fputs("?       ", out);
	fprintf(out, "%-10s ", fusetrace_op_name(op));
	ft_report_put_path(out, op);
	fputs("  ", out);
	put_outcome(out, op);
	fputc('\n', out);
}
