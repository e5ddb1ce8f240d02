/* SPDX-License-Identifier: MIT */
/* The list of formats. A line is offered to them in this order, but to the last one that took first. */
#include "formats.h"

const struct ft_format *const ft_formats[] = {
	&ft_format_libfuse,
	&ft_format_fusetrace,
	NULL,
};
