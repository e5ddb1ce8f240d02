/* SPDX-License-Identifier: MIT */
/* See testing.h. */
#include "testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

static int print(struct fusetrace_op *op, void *data)
{
	size_t size = (size_t)fusetrace_op_json(op, NULL, 0) + 1;
	char *json = malloc(size);

	assert_non_null(json);
	fusetrace_op_json(op, json, size);
	fprintf(data, "%s\n", json);
	free(json);
	return 0;
}

char *ft_test_log(const char *text, size_t size)
{
	struct fusetrace_monitor *monitor;
	char *all = NULL;
	size_t length;
	FILE *out = open_memstream(&all, &length);

	assert_non_null(out);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_feed(monitor, text, size, NULL), 0);
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, print, out), 0);
	fusetrace_monitor_free(monitor);
	assert_int_equal(fclose(out), 0);
	return all;
}
