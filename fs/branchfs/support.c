/* SPDX-License-Identifier: MIT */
/* Errors for people, durations and counts, time: see support.h. */
#include "support.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <fusetrace/fusetrace.h>

int explain(struct fusetrace_error *reterr_error, int code, const char *format, ...)
{
	va_list arguments;

	if (!reterr_error)
		return code;
	reterr_error->code = code;
	va_start(arguments, format);
	vsnprintf(reterr_error->text, sizeof(reterr_error->text), format, arguments);
	va_end(arguments);
	return code;
}

/* The digits at the beginning of text; *ret_end is what follows them. */
static int parse_digits(const char *text, uint64_t *ret_number, const char **ret_end)
{
	char *end;

	if (!isdigit((unsigned char)text[0])) /* strtoull() would take blanks and signs */
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	*ret_end = end;
	return errno ? -EINVAL : 0;
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", UINT64_C(60000000000)},
	};
	const char *unit;
	uint64_t number;
	uint64_t ns;

	if (parse_digits(text, &number, &unit) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(number, units[i].ns, &ns))
			return -EINVAL;
		*ret_ns = ns;
		return 0;
	}
	return -EINVAL;
}

int parse_count(const char *text, uint64_t *ret_count)
{
	const char *end;
	uint64_t count;

	if (parse_digits(text, &count, &end) < 0 || *end != '\0' || count == 0)
		return -EINVAL;
	*ret_count = count;
	return 0;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * FUSETRACE_SECOND + (uint64_t)now.tv_nsec;
}

bool is_later(const struct timespec *left, const struct timespec *right)
{
	if (left->tv_sec != right->tv_sec)
		return left->tv_sec > right->tv_sec;
	return left->tv_nsec > right->tv_nsec;
}
