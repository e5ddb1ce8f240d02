/* SPDX-License-Identifier: MIT */
/* Fills a caller's struct fusetrace_error, and reaches the log function. */
#ifndef FT_ERROR_H
#define FT_ERROR_H

#include <fusetrace/fusetrace.h>

/* Returns code, so that "return ft_error(...)" both explains and fails. reterr_error may be NULL.
 */
__attribute__((format(printf, 3, 4))) int ft_error(struct fusetrace_error *reterr_error, int code,
						   const char *format, ...);

/* To the caller's log function, if any. */
__attribute__((format(printf, 2, 3))) void ft_log(int level, const char *format, ...);

#endif
