/* SPDX-License-Identifier: MIT */
/*
 * Text to number: the only parser of numbers that people or files give. Strict: all of the text is
 * the number, no white space, no sign, decimal. 0, or -EINVAL for what is no such number, or
 * -ERANGE for one that does not fit. NULL is -EINVAL. Free of locale.
 */
#ifndef FT_BASE_PARSE_H
#define FT_BASE_PARSE_H

#include <stdint.h>

#include "bytes.h"

int ft_parse_u64(const char *text, uint64_t *ret_number);
int ft_parse_u64_bytes(struct ft_bytes text, uint64_t *ret_number);

/*
 * "5s", "300ms", "1.5s", "50us", "100ns", "2m", "1h"; without a unit seconds; "inf" and "forever"
 * are UINT64_MAX. Rounded up to whole nanoseconds, so that only zero becomes 0.
 */
int ft_parse_duration_ns(const char *text, uint64_t *ret_duration_ns);

/* "4096", "64K", "16MiB", "1g", "10B": powers of 1024. "64KB" means two things: -EINVAL. */
int ft_parse_size(const char *text, uint64_t *ret_size_bytes);

/* "ENOSPC", any case, aliases too ("EWOULDBLOCK"), or 1 to 4095. Positive. */
int ft_parse_errno(const char *text, int *ret_errno);

/* "ENOSPC" for a positive errno; NULL for a number that has no name, 0 among them. Static. */
const char *ft_errno_name(int error);

#endif
