/* SPDX-License-Identifier: MIT */
/* The command line and the environment, as far as they are branchfs' own. */
#ifndef BRANCHFS_OPTIONS_H
#define BRANCHFS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"

struct branch;
struct fuse_args;
struct policy;

struct options {
	struct branch *branches; /* NULL: none given */
	size_t branch_count;
	char *mountpoint; /* NULL: none given */
	const struct policy *policy;
	struct fault_list faults;
	uint64_t write_behind_ns; /* 0: off */
	bool wants_writeback_cache;
	bool wants_direct_io;
	bool wants_hard_remove;
	bool allows_others;
	bool is_traced;
	char *trace_file; /* NULL: standard error */
};

/*
 * Takes branchfs' options and words out of args and leaves libfuse's. -EINVAL for what the user got
 * wrong. Free with options_done(), also after a failure.
 */
int options_parse(struct fuse_args *args, struct options *ret_options,
		  struct fusetrace_error *reterr_error);
void options_done(struct options *options);

/* The words and options as --help shows them. */
void options_print_help(void);

#endif
