/* SPDX-License-Identifier: MIT */
/* The list of formats. A line is offered to them in this order, but to the last one that took first. */
#include "formats.h"

const struct ft_format *const ft_formats[] = {
	&ft_format_libfuse, &ft_format_fuser,    &ft_format_fusepy,
	&ft_format_encfs,   &ft_format_s3fs,     &ft_format_unionfs,
	&ft_format_go_fuse, &ft_format_mergerfs, NULL,
};
