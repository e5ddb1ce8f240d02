/* SPDX-License-Identifier: MIT */
/* See message.h. */
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "command.h"

#define TEXT_MAX 8192

/* One write, so that the lines of several processes do not mix. */
static void print(const char *format, va_list arguments)
{
	char text[TEXT_MAX], line[2 * TEXT_MAX];
	int length = vsnprintf(text, sizeof(text), format, arguments);

	if (length < 0)
		return;
	ft_text_escape(ft_bytes_of(text), line, sizeof(line));
	fprintf(stderr, "fusetrace: %s\n", line);
	fflush(stderr);
}

void message(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(format, arguments);
	va_end(arguments);
}

int fail(int exit_code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(format, arguments);
	va_end(arguments);
	return exit_code;
}

int fail_error(const struct fusetrace_error *error)
{
	return fail(exit_code_of(error->code), "%s",
		    error->text[0] ? error->text : fusetrace_strerror(error->code));
}

int exit_code_of(int error)
{
	switch (-error) {
	case 0:
		return EXIT_SATISFIED;
	case ETIMEDOUT:
	case ETIME:
	case EREMOTEIO:
	case EILSEQ:
	case EEXIST:
	case EBUSY:
		return EXIT_UNSATISFIED;
	case EINVAL:
	case EBADMSG:
		return EXIT_USAGE;
	case EPIPE:
	case ENOTCONN:
		return EXIT_GONE;
	case EOVERFLOW:
		return EXIT_NO_VERDICT;
	case EPERM:
	case EOPNOTSUPP:
		return EXIT_CANNOT_RUN;
	default:
		return EXIT_SETUP;
	}
}
