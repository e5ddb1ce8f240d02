/* SPDX-License-Identifier: MIT */
/*
 * branchfs: from the command line to the mount and back. Everything that can go wrong is looked at
 * before mounting; each error is printed here, once. Exit codes: 0, 2 for what the user got wrong
 * (-EINVAL), 1 for everything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "branch.h"
#include "branchfs.h"
#include "loop.h"
#include "operations.h"
#include "options.h"
#include "support.h"
#include "write_behind.h"

/* ---- libfuse's messages ---------------------------------------------------------------------- */

/*
 * libfuse writes the reason of an error to a log, in pieces, and returns only that there was one.
 * This keeps the last line.
 */
static struct {
	char text[256];
	bool is_whole;
} complaint;

static void keep_complaint(enum fuse_log_level level, const char *format, va_list arguments)
{
	size_t length;

	if (level > FUSE_LOG_WARNING) {
		vfprintf(stderr, format, arguments); /* -d */
		return;
	}
	length = complaint.is_whole ? 0 : strlen(complaint.text);
	vsnprintf(complaint.text + length, sizeof(complaint.text) - length, format, arguments);
	length = strcspn(complaint.text, "\n");
	complaint.is_whole = complaint.text[length] == '\n';
	complaint.text[length] = '\0';
}

static const char *last_complaint(void)
{
	static const char prefix[] = "fuse: ";
	size_t skipped = strncmp(complaint.text, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;

	return complaint.text[skipped] ? complaint.text + skipped : "see the message before";
}

/* ---- before the mount ------------------------------------------------------------------------ */

/*
 * What the user opens through the mount must never become descriptor 0, 1 or 2, where messages
 * would be written into it.
 */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close_cleanup(&fd);
}

/* Replaces the mountpoint by its canonical path. */
static int resolve_mountpoint(struct options *options, struct fusetrace_error *reterr_error)
{
	char *resolved = realpath(options->mountpoint, NULL);
	struct stat st;

	if (!resolved || stat(resolved, &st) < 0) {
		int error = errno;

		free(resolved);
		return explain(reterr_error, -error, "mountpoint '%s': %s: %s", options->mountpoint,
			       strerror(error),
			       error == ENOTCONN ? "unmount what is left there"
						 : "give an existing directory");
	}
	free(options->mountpoint);
	options->mountpoint = resolved;
	if (!S_ISDIR(st.st_mode))
		return explain(reterr_error, -ENOTDIR,
			       "mountpoint '%s' is not a directory: give one", resolved);
	return 0;
}

static int check_options(struct options *options, struct fusetrace_error *reterr_error)
{
	int result;

	if (!options->branches)
		return explain(reterr_error, -EINVAL, "no branches given: see 'branchfs --help'");
	if (!options->mountpoint)
		return explain(reterr_error, -EINVAL, "no mountpoint given: see 'branchfs --help'");
	if (access("/dev/fuse", F_OK) < 0)
		return explain(reterr_error, -errno,
			       "no /dev/fuse: load the module (modprobe fuse) or give the "
			       "container the device");
	result = resolve_mountpoint(options, reterr_error);
	if (result < 0)
		return result;
	result = branches_open(options->branches, options->branch_count, reterr_error);
	if (result < 0)
		return result;
	return branches_check_mountpoint(options->branches, options->branch_count,
					 options->mountpoint, reterr_error);
}

/*
 * A copy of standard error survives going into the background, where the original becomes
 * /dev/null.
 */
static int open_trace(const struct options *options, int *ret_fd,
		      struct fusetrace_error *reterr_error)
{
	int fd;

	if (!options->is_traced)
		return 0;
	if (options->trace_file)
		fd = open(options->trace_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	else
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return explain(reterr_error, -errno,
			       "trace file '%s': %s: give a path that can be written",
			       options->trace_file ? options->trace_file : "standard error",
			       strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* ---- the mount ------------------------------------------------------------------------------- */

/* From going into the background to the end of the loop. */
static int serve(struct fuse *fuse, const struct fuse_cmdline_opts *cmdline,
		 struct fusetrace_error *reterr_error)
{
	struct fuse_session *session = fuse_get_session(fuse);
	int result;

	if (fuse_daemonize(cmdline->foreground) != 0)
		return explain(reterr_error, -EIO, "cannot go into the background: use -f");
	if (fuse_set_signal_handlers(session) != 0)
		return explain(reterr_error, -EIO, "cannot handle signals: %s", last_complaint());
	result = cmdline->singlethread ? fuse_loop(fuse) : loop_run(fuse, cmdline);
	fuse_remove_signal_handlers(session);
	/* A positive result is the signal that ended the loop, which is a regular end. */
	if (result < 0)
		return explain(reterr_error, result, "the loop ended early: %s", strerror(-result));
	return 0;
}

static int mount_and_serve(struct branchfs *fs, const struct options *options,
			   const struct fuse_cmdline_opts *cmdline, struct fuse_args *args,
			   struct fusetrace_error *reterr_error)
{
	struct fuse *fuse = fuse_new(args, &branchfs_operations, sizeof(branchfs_operations), fs);
	int result;

	if (!fuse)
		return explain(reterr_error, -EINVAL, "%s: see 'branchfs --help'",
			       last_complaint());
	if (fuse_mount(fuse, options->mountpoint) != 0) {
		fuse_destroy(fuse);
		return explain(reterr_error, -EIO, "cannot mount on '%s': %s", options->mountpoint,
			       last_complaint());
	}
	fuse_set_log_func(NULL); /* from now on it may speak for itself */
	result = serve(fuse, cmdline, reterr_error);
	fuse_unmount(fuse);
	fuse_destroy(fuse);
	return result;
}

static int run_filesystem(struct options *options, const struct fuse_cmdline_opts *cmdline,
			  struct fuse_args *args, struct fusetrace_error *reterr_error)
{
	struct branchfs fs = {
		.policy = options->policy,
		.faults = &options->faults,
		.wants_writeback_cache = options->wants_writeback_cache,
		.wants_direct_io = options->wants_direct_io,
		.wants_hard_remove = options->wants_hard_remove,
		.trace_fd = -1,
	};
	int result = check_options(options, reterr_error);
	int lost;

	if (result < 0)
		return result;
	fs.branches = options->branches;
	fs.branch_count = options->branch_count;
	result = open_trace(options, &fs.trace_fd, reterr_error);
	if (result == 0 && options->write_behind_ns > 0)
		result = write_behind_new(options->write_behind_ns, &fs.write_behind);

	umask(0); /* the kernel applies the caller's */
	if (result == 0)
		result = mount_and_serve(&fs, options, cmdline, args, reterr_error);
	lost = write_behind_free(fs.write_behind);
	close_cleanup(&fs.trace_fd);
	if (lost < 0 && result == 0)
		return explain(reterr_error, lost, "writing back at the end: %s: data are lost",
			       strerror(-lost));
	return result;
}

static int run(struct fuse_args *args, struct options *options,
	       struct fusetrace_error *reterr_error)
{
	struct fuse_cmdline_opts cmdline = {0};
	int result = options_parse(args, options, reterr_error);

	if (result < 0)
		return result;
	if (fuse_parse_cmdline(args, &cmdline) != 0)
		return explain(reterr_error, -EINVAL, "%s: see 'branchfs --help'",
			       last_complaint());
	if (cmdline.show_help) {
		options_print_help();
		puts("FUSE options:");
		fuse_cmdline_help();
		fuse_lib_help(args);
	} else if (cmdline.show_version) {
		printf("branchfs %s\nFUSE library version %s\n", fusetrace_version(),
		       fuse_pkgversion());
	} else {
		result = run_filesystem(options, &cmdline, args, reterr_error);
	}
	free(cmdline.mountpoint);
	return result;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fusetrace_error error = {.text = "out of memory: free some"};
	struct options options = {0};
	int result;

	fill_standard_descriptors();
	fuse_set_log_func(keep_complaint);
	result = run(&args, &options, &error);
	options_done(&options);
	fuse_opt_free_args(&args);
	if (result == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "branchfs: %s\n", error.text);
	return result == -EINVAL ? 2 : 1;
}
