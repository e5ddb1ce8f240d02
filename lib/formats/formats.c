/* SPDX-License-Identifier: MIT */
/* The list of formats. A line is offered to them in this order, but to the last one that took first. */
#include "formats.h"

#include <errno.h>

/* clang-format off */
const struct ft_format *const ft_formats[] = {
	&ft_format_libfuse,
	&ft_format_fusetrace,
	&ft_format_mergerfs,
	&ft_format_go_fuse,
	&ft_format_bazil,
	&ft_format_jacobsa,
	&ft_format_fuser,
	&ft_format_fusepy,
	&ft_format_unionfs,
	&ft_format_s3fs,
	&ft_format_encfs,
	&ft_format_tracing,
	&ft_format_tracing_pretty,
	&ft_format_tracing_json,
	&ft_format_sshfs,
	&ft_format_juicefs,
	NULL,
};
/* clang-format on */

int fusetrace_format_get(size_t index, struct fusetrace_format_info *ret)
{
	const struct ft_format *format;
	size_t count = sizeof(ft_formats) / sizeof(ft_formats[0]) - 1;

	if (!ret)
		return -EINVAL;
	if (index >= count)
		return -ERANGE;
	format = ft_formats[index];
	*ret = (struct fusetrace_format_info){
		.name = format->name,
		.title = format->title,
		.used_by = format->used_by,
		.how = format->how,
		.note = format->note,
		.gives = format->gives,
	};
	return 0;
}
