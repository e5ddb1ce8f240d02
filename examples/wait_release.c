/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful program: writes a file through a FUSE mount and waits until the daemon has
 * answered its RELEASE, which happens after close() returned.
 *
 *	cc wait_release.c $(pkg-config --cflags --libs fusetrace) && ./a.out /mnt/file
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

static int write_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, "hello\n", 6) != 6)
		return -1;
	return close(fd);
}

static int write_and_wait(struct fusetrace_monitor *monitor, const char *path)
{
	struct fusetrace_report *report = NULL;
	struct fusetrace_op *op = NULL;
	struct fusetrace_mark mark;
	int r;

	fusetrace_mark_now(monitor, &mark);
	if (write_file(path) < 0) {
		perror(path);
		return 1;
	}
	r = fusetrace_wait(monitor, &mark, FUSETRACE_MATCH(.op = "release", .path = path),
			   5 * FUSETRACE_SECOND, &op, &report);
	if (r < 0) {
		fprintf(stderr, "%s", fusetrace_report_text(report));
		fusetrace_report_free(report);
		return 1;
	}
	printf("release of %s was answered after %.3f ms\n", fusetrace_op_path(op),
	       (double)fusetrace_op_duration_ns(op) / 1e6);
	fusetrace_op_unref(op);
	return 0;
}

int main(int argc, char **argv)
{
	struct fusetrace_monitor *monitor = NULL;
	struct fusetrace_error error;
	int r = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE-ON-A-FUSE-MOUNT\n", argv[0]);
		return 2;
	}
	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = argv[1]), &monitor, &error) < 0 ||
	    fusetrace_monitor_start(monitor, &error) < 0)
		fprintf(stderr, "%s\n", error.text);
	else
		r = write_and_wait(monitor, argv[1]);
	fusetrace_monitor_free(monitor);
	return r;
}
