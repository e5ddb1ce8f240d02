/* SPDX-License-Identifier: MIT */
/* See armed.h. */
#include "armed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "command.h"
#include "message.h"
#include "mount_paths.h"

int tell_armed(struct fusetrace_monitor *monitor, bool is_quiet, int ready_fd)
{
	static const char word[] = "ready\n";
	const char *mountpoint = fusetrace_monitor_mountpoint(monitor);
	char type[64];

	mount_type(mountpoint, type, sizeof(type));
	if (!is_quiet)
		message("tracing %s (%s, %s source)", mountpoint, type,
			fusetrace_monitor_source(monitor) == FUSETRACE_SOURCE_LOG ? "log"
										  : "kernel");
	if (ready_fd < 0)
		return 0;
	if (write(ready_fd, word, sizeof(word) - 1) < 0)
		return fail(EXIT_SETUP, "--ready-fd %d: %s: give the end of a pipe", ready_fd,
			    strerror(errno));
	close(ready_fd);
	return 0;
}
