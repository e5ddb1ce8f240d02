/* SPDX-License-Identifier: MIT */
/* What the command line sets, what it leaves to libfuse, and FUSE_TRACE. */
#include "options.h"

#include <errno.h>
#include <fuse_opt.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "branch.h"
#include "policy.h"
#include "testing.h"

/* Parses a NULL-terminated list of arguments; the caller frees both results. */
static int parse(char **arguments, struct fuse_args *ret_args, struct options *ret_options)
{
	int count = 0;

	while (arguments[count])
		count++;
	*ret_args = (struct fuse_args)FUSE_ARGS_INIT(count, arguments);
	return options_parse(ret_args, ret_options, NULL);
}

/* fuse_opt_parse() gathers the options that are left into one argument. */
static bool is_left(const struct fuse_args *args, const char *option)
{
	for (int i = 0; i < args->argc; i++) {
		if (strstr(args->argv[i], option))
			return true;
	}
	return false;
}

static int clear_environment(void **state)
{
	return unsetenv("FUSE_TRACE");
}

static void test_defaults(void **state)
{
	char *arguments[] = {"branchfs", "a", "m", NULL};
	struct options options;
	struct fuse_args args;

	assert_int_equal(parse(arguments, &args, &options), 0);
	assert_int_equal(options.branch_count, 1);
	assert_string_equal(options.mountpoint, "m");
	assert_string_equal(options.policy->name, "ff");
	assert_int_equal(options.faults.count, 0);
	assert_true(options.write_behind_ns == 0);
	assert_false(options.wants_writeback_cache);
	assert_false(options.wants_direct_io);
	assert_false(options.wants_hard_remove);
	assert_false(options.is_traced);
	assert_null(options.trace_file);
	assert_false(is_left(&args, "default_permissions"));
	fuse_opt_free_args(&args);
	options_done(&options);
}

static void test_everything_at_once(void **state)
{
	char *arguments[] = {"branchfs",
			     "-f",
			     "-opolicy=mfs,hang=read,attr_timeout=3",
			     "a=RO:b",
			     "-o",
			     "trace_file=x,write_behind=20ms,fail=write:EIO",
			     "m",
			     "-owriteback_cache,direct_io,hard_remove,allow_other",
			     NULL};
	struct options options;
	struct fuse_args args;

	assert_int_equal(parse(arguments, &args, &options), 0);
	assert_int_equal(options.branch_count, 2);
	assert_int_equal(options.branches[0].mode, BRANCH_READ_ONLY);
	assert_string_equal(options.mountpoint, "m");
	assert_string_equal(options.policy->name, "mfs");
	assert_int_equal(options.faults.count, 2);
	assert_true(options.write_behind_ns == 20000000);
	assert_true(options.wants_writeback_cache);
	assert_true(options.wants_direct_io);
	assert_true(options.wants_hard_remove);
	assert_true(options.is_traced);
	assert_string_equal(options.trace_file, "x");
	assert_true(is_left(&args, "-f"));
	assert_true(is_left(&args, "attr_timeout=3"));
	assert_true(is_left(&args, "allow_other"));
	assert_true(is_left(&args, "default_permissions"));
	fuse_opt_free_args(&args);
	options_done(&options);
}

static void test_last_one_wins(void **state)
{
	char *arguments[] = {"branchfs", "-opolicy=mfs,trace_file=x", "-opolicy=lfs,trace_file=y",
			     NULL};
	struct options options;
	struct fuse_args args;

	assert_int_equal(parse(arguments, &args, &options), 0);
	assert_string_equal(options.policy->name, "lfs");
	assert_string_equal(options.trace_file, "y");
	fuse_opt_free_args(&args);
	options_done(&options);
}

static void test_escaped_comma_stays_in_a_glob(void **state)
{
	char *arguments[] = {"branchfs", "-ohang=read:a\\,b", NULL};
	struct options options;
	struct fuse_args args;

	assert_int_equal(parse(arguments, &args, &options), 0);
	assert_int_equal(options.faults.count, 1);
	assert_string_equal(options.faults.faults[0].path_glob, "a,b");
	fuse_opt_free_args(&args);
	options_done(&options);
}

static void test_failure_leaves_something_to_free(void **state)
{
	char *arguments[] = {"branchfs", "-ohang=read,trace_file=x", "a", "m", "one-too-many",
			     NULL};
	struct options options;
	struct fuse_args args;

	assert_int_equal(parse(arguments, &args, &options), -EINVAL);
	fuse_opt_free_args(&args);
	options_done(&options);
}

static void test_environment(void **state)
{
	static const struct {
		const char *value;
		int result;
		bool is_traced;
	} rows[] = {
		{"1", 0, true},  {"true", 0, true},   {"Yes", 0, true},   {"ON", 0, true},
		{"0", 0, false}, {"FALSE", 0, false}, {"no", 0, false},   {"off", 0, false},
		{"", 0, false},  {"2", -EINVAL, 0},   {" 1", -EINVAL, 0}, {"y", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *arguments[] = {"branchfs", NULL};
		struct options options;
		struct fuse_args args;

		setenv("FUSE_TRACE", rows[i].value, 1);
		if (parse(arguments, &args, &options) != rows[i].result ||
		    options.is_traced != rows[i].is_traced)
			fail_msg("FUSE_TRACE=%s", rows[i].value);
		fuse_opt_free_args(&args);
		options_done(&options);
	}
}

#define OPTIONS_TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPTIONS_TEST(test_defaults),
		OPTIONS_TEST(test_everything_at_once),
		OPTIONS_TEST(test_last_one_wins),
		OPTIONS_TEST(test_escaped_comma_stays_in_a_glob),
		OPTIONS_TEST(test_failure_leaves_something_to_free),
		OPTIONS_TEST(test_environment),
	};

	return RUN_TESTS(tests);
}
