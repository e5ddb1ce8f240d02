/* SPDX-License-Identifier: MIT */
/* How the library speaks: error values, the log function, version and the text of error codes. */
#include "error.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* log_fn, log_data */
static fusetrace_log_fn *log_fn;
static void *log_data;

int ft_error(struct fusetrace_error *reterr_error, int code, const char *format, ...)
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

void fusetrace_set_log_fn(fusetrace_log_fn *fn, void *data)
{
	pthread_mutex_lock(&log_lock);
	log_fn = fn;
	log_data = data;
	pthread_mutex_unlock(&log_lock);
}

void ft_log(int level, const char *format, ...)
{
	fusetrace_log_fn *fn;
	char text[512];
	va_list arguments;
	void *data;

	pthread_mutex_lock(&log_lock);
	fn = log_fn;
	data = log_data;
	pthread_mutex_unlock(&log_lock);
	if (!fn)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fn(level, text, data);
}

const char *fusetrace_version(void)
{
	return FUSETRACE_VERSION_TEXT;
}

const char *fusetrace_strerror(int error)
{
	switch (-error) {
	case 0:
		return "success";
	case EPIPE:
		return "the daemon ended";
	case ENOTCONN:
		return "the filesystem was unmounted";
	case EOVERFLOW:
		return "events were lost";
	case EILSEQ:
		return "the order was violated";
	case EEXIST:
		return "a forbidden operation was seen";
	case EREMOTEIO:
		return "a matching operation failed";
	case EINTR:
		return "a signal came in between";
	case ECANCELED:
		return "interrupted";
	case ESHUTDOWN:
		return "the monitor was stopped";
	case EBUSY:
		return "not idle in time";
	case ETIMEDOUT:
		return "timed out";
	case ETIME:
		return "not begun in time";
	case EMEDIUMTYPE:
		return "not on a FUSE mount";
	case ENOMEDIUM:
		return "fusectl is not mounted at /sys/fs/fuse/connections";
	case ECHILD:
		return "used in a forked child";
	default:
		return strerrordesc_np(-error) ? strerrordesc_np(-error) : "unknown error";
	}
}
