/* SPDX-License-Identifier: MIT */
/* The table of operations against the names that fusetrace knows. */
#include "operations.h"

#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "support.h"
#include "testing.h"

static bool fusetrace_knows(const char *name)
{
	const char *known = NULL;

	while ((known = fusetrace_op_name_next(known))) {
		if (strcmp(known, name) == 0)
			return true;
	}
	return false;
}

static void test_every_name_is_one_of_fusetrace(void **state)
{
	AUTO_FREE char *names = strdup(operation_names());
	size_t count = 0;
	char *rest;

	for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		if (!fusetrace_knows(name))
			fail_msg("fusetrace does not know %s", name);
		assert_true(operation_exists(name));
		count++;
	}
	assert_true(count >= 30);
}

static void test_other_names_do_not_exist(void **state)
{
	assert_false(operation_exists("lookup")); /* libfuse answers it by getattr */
	assert_false(operation_exists("*"));
	assert_false(operation_exists(""));
}

static void test_libfuse_gets_what_is_in_the_table(void **state)
{
	assert_non_null(branchfs_operations.getattr);
	assert_non_null(branchfs_operations.copy_file_range);
	assert_non_null(branchfs_operations.readdir);
	assert_non_null(branchfs_operations.init);
	/* Left to the kernel and to libfuse on purpose: see ops_file.c. */
	assert_null(branchfs_operations.lock);
	assert_null(branchfs_operations.flock);
	assert_null(branchfs_operations.write_buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name_is_one_of_fusetrace),
		cmocka_unit_test(test_other_names_do_not_exist),
		cmocka_unit_test(test_libfuse_gets_what_is_in_the_table),
	};

	return RUN_TESTS(tests);
}
