/* SPDX-License-Identifier: MIT */
/* Which operations a fault concerns, how it counts, and what is refused. */
#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "testing.h"

static int set_up_list(void **state)
{
	static struct fault_list list;

	list = (struct fault_list){.count = 0};
	*state = &list;
	return 0;
}

static int tear_down_list(void **state)
{
	faults_done(*state);
	return 0;
}

static void add(struct fault_list *list, const char *option)
{
	struct fusetrace_error error = {0};

	if (faults_add(list, option, &error) < 0)
		fail_msg("%s: %s", option, error.text);
}

static void test_delays_add_up(void **state)
{
	struct fault_list *list = *state;

	add(list, "delay=read:10ms");
	add(list, "delay=*:5us");
	assert_true(faults_meet(list, "read", "/a").delay_ns == 10005000);
	assert_true(faults_meet(list, "write", "/a").delay_ns == 5000);
	assert_int_equal(faults_meet(list, "read", "/a").error, 0);
	assert_false(faults_meet(list, "read", "/a").hangs);
	assert_false(faults_meet(list, "read", "/a").crashes);
}

static void test_first_error_wins(void **state)
{
	struct fault_list *list = *state;

	add(list, "fail=read:EIO:2");
	add(list, "fail=read:EPERM");
	assert_int_equal(faults_meet(list, "read", "/a").error, EPERM);
	assert_int_equal(faults_meet(list, "read", "/a").error, EIO);
	assert_int_equal(faults_meet(list, "read", "/a").error, EPERM);
	assert_int_equal(faults_meet(list, "write", "/a").error, 0);
}

static void test_nth_counts_what_it_concerns(void **state)
{
	struct fault_list *list = *state;

	add(list, "fail=write:ENOSPC:2:*.log");
	add(list, "crash=read:1");
	assert_int_equal(faults_meet(list, "write", "/a.log").error, 0);
	assert_int_equal(faults_meet(list, "write", "/a.txt").error, 0);
	assert_int_equal(faults_meet(list, "read", "/a.log").error, 0);
	assert_int_equal(faults_meet(list, "write", "/d/b.log").error, ENOSPC);
	assert_int_equal(faults_meet(list, "write", "/d/b.log").error, 0);
	assert_false(faults_meet(list, "read", "/a").crashes); /* that was the second */
}

static void test_path_globs(void **state)
{
	static const struct {
		const char *option;
		const char *path;
		bool is_hit;
	} rows[] = {
		{"hang=read", NULL, true},          {"hang=read:*", NULL, false},
		{"hang=read:*", "/a", true},        {"hang=read:*", "/", true},
		{"hang=read:a*", "/d/abc", true},   {"hang=read:a*", "/abc/d", false},
		{"hang=read:/d/*", "/d/abc", true}, {"hang=read:/d/*", "/d/abc/e", false},
		{"hang=read:/d/*", "/d", false},    {"hang=read:/a:b", "/a:b", true},
		{"hang=read:[ab]", "/b", true},     {"hang=read:\\*", "/a", false},
		{"hang=read:\\*", "/*", true},      {"hang=read:", "/a", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault_list list = {.count = 0};

		add(&list, rows[i].option);
		if (faults_meet(&list, "read", rows[i].path).hangs != rows[i].is_hit)
			fail_msg("%s on %s", rows[i].option, rows[i].path);
		faults_done(&list);
	}
}

static void test_wrong_options(void **state)
{
	static const struct {
		const char *option;
		const char *text;
	} rows[] = {
		{"delay=", "fault without an operation"},
		{"delay=:1s", "fault without an operation"},
		{"delay=read", "malformed duration ''"},
		{"delay=read:", "malformed duration ''"},
		{"delay=read:fast", "malformed duration 'fast'"},
		{"delay=reads:1s", "unknown operation 'reads'"},
		{"delay=READ:1s", "unknown operation 'READ'"},
		{"fail=read", "unknown errno ''"},
		{"fail=read:eio", "unknown errno 'eio'"},
		{"fail=read:EIO:", "malformed count ''"},
		{"fail=read:EIO:-1", "malformed count '-1'"},
		{"crash=read", "malformed count ''"},
		{"crash=read:*", "malformed count '*'"},
		{"melt=read", "unknown fault 'melt'"},
		{"", "unknown fault ''"},
	};
	struct fault_list *list = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fusetrace_error error = {0};

		assert_int_equal(faults_add(list, rows[i].option, &error), -EINVAL);
		if (!strstr(error.text, rows[i].text))
			fail_msg("%s: %s", rows[i].option, error.text);
	}
	assert_int_equal(list->count, 0);
}

static void test_errno_names(void **state)
{
	static const struct {
		const char *option;
		int error;
	} rows[] = {
		{"fail=read:EPERM", EPERM},     {"fail=read:ENOSPC", ENOSPC},
		{"fail=read:EDQUOT", EDQUOT},   {"fail=read:EAGAIN", EAGAIN},
		{"fail=read:ENODATA", ENODATA}, {"fail=read:EOPNOTSUPP", EOPNOTSUPP},
		{"fail=read:ESTALE", ESTALE},   {"fail=read:EREMOTEIO", EREMOTEIO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault_list list = {.count = 0};

		add(&list, rows[i].option);
		assert_int_equal(faults_meet(&list, "read", NULL).error, rows[i].error);
		faults_done(&list);
	}
}

static void test_kinds_are_known(void **state)
{
	struct fault_list *list = *state;

	assert_false(faults_include(list, FAULT_HANG));
	add(list, "fail=read:EIO");
	add(list, "hang=read");
	assert_true(faults_include(list, FAULT_HANG));
	assert_false(faults_include(list, FAULT_CRASH));
}

static void test_number_of_faults_is_limited(void **state)
{
	struct fault_list *list = *state;

	for (size_t i = 0; i < FAULTS_MAX; i++)
		add(list, "hang=read");
	assert_int_equal(faults_add(list, "hang=read", NULL), -EINVAL);
}

static void *meet_often(void *list)
{
	size_t failures = 0;

	for (int i = 0; i < 10000; i++)
		failures += faults_meet(list, "read", "/a").error != 0;
	return (void *)failures;
}

static void test_nth_strikes_once_among_threads(void **state)
{
	struct fault_list *list = *state;
	pthread_t threads[4];
	size_t failures = 0;

	add(list, "fail=read:EIO:20000");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, meet_often, list), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *result;

		pthread_join(threads[i], &result);
		failures += (size_t)result;
	}
	assert_int_equal(failures, 1);
}

#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_list, tear_down_list)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(test_delays_add_up),
		LIST_TEST(test_first_error_wins),
		LIST_TEST(test_nth_counts_what_it_concerns),
		LIST_TEST(test_path_globs),
		LIST_TEST(test_wrong_options),
		LIST_TEST(test_errno_names),
		LIST_TEST(test_kinds_are_known),
		LIST_TEST(test_number_of_faults_is_limited),
		LIST_TEST(test_nth_strikes_once_among_threads),
	};

	return RUN_TESTS(tests);
}
