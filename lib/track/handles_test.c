/* SPDX-License-Identifier: MIT */
/* Open files: which name, shared handle numbers, the bound. */
#include "handles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "testing.h"

static void test_open_and_close(void **state)
{
	struct ft_handles *handles = ft_handles_new();

	assert_int_equal(ft_handles_link(handles, 2, 7), 0);
	ft_handles_open(handles, 2, 7, 100);
	ft_handles_open(handles, 2, 8, 101);
	ft_handles_open(handles, 3, 7, 102);
	assert_int_equal(ft_handles_link(handles, 2, 7), 100);
	assert_int_equal(ft_handles_link(handles, 2, 8), 101);
	assert_int_equal(ft_handles_link(handles, 3, 7), 102);
	ft_handles_close(handles, 2, 7);
	assert_int_equal(ft_handles_link(handles, 2, 7), 0);
	assert_int_equal(ft_handles_link(handles, 2, 8), 101);
	ft_handles_close(handles, 2, 7);
	ft_handles_close(handles, 99, 99);
	assert_null(ft_handles_free(handles));
	assert_null(ft_handles_free(NULL));
}

/* Many daemons answer every open with fh 0. */
static void test_one_number_for_all_opens(void **state)
{
	struct ft_handles *handles = ft_handles_new();

	ft_handles_open(handles, 2, 0, 100);
	ft_handles_open(handles, 2, 0, 101);
	assert_int_equal(ft_handles_link(handles, 2, 0), 101);
	ft_handles_close(handles, 2, 0);
	assert_int_equal(ft_handles_link(handles, 2, 0), 101);
	ft_handles_close(handles, 2, 0);
	assert_int_equal(ft_handles_link(handles, 2, 0), 0);
	ft_handles_free(handles);
}

/* Opens whose release is never seen do not pile up; the newest ones stay. */
static void test_bound(void **state)
{
	struct ft_handles *handles = ft_handles_new();
	size_t before = ft_test_allocated();

	for (uint64_t fh = 1; fh <= 300000; fh++)
		ft_handles_open(handles, 2, fh, fh);
	assert_true(ft_test_allocated() - before < 32 << 20);
	assert_int_equal(ft_handles_link(handles, 2, 300000), 300000);
	assert_int_equal(ft_handles_link(handles, 2, 300000 - 60000), 300000 - 60000);
	assert_int_equal(ft_handles_link(handles, 2, 1), 0);
	ft_handles_free(handles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_close),
		cmocka_unit_test(test_one_number_for_all_opens),
		cmocka_unit_test(test_bound),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
