/* SPDX-License-Identifier: MIT */
/* See errno_text.h. */
#include "errno_text.h"

#include <errno.h>

int ft_errno_of_text(struct ft_bytes text)
{
	for (int error = 1; error <= EHWPOISON; error++) {
		const char *description = strerrordesc_np(error);

		if (description && strlen(description) == text.length &&
		    strncasecmp(description, text.data, text.length) == 0)
			return error;
	}
	return 0;
}
