/* SPDX-License-Identifier: MIT */
/* What every unit test here includes: cmocka with its prerequisites, and a deadline. */
#ifndef BRANCHFS_TESTING_H
#define BRANCHFS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A test that hangs is ended by SIGALRM. */
#define RUN_TESTS(tests)                                                                           \
	(alarm(60), cmocka_set_message_output(CM_OUTPUT_TAP),                                      \
	 cmocka_run_group_tests(tests, NULL, NULL))

#endif
