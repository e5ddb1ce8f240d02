/* SPDX-License-Identifier: MIT */
/* See testing.h. */
#include "testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

static int put_json(struct fusetrace_op *op, void *data)
{
	FILE *out = data;
	int length = fusetrace_op_json(op, NULL, 0);
	char *json = malloc((size_t)length + 1);

	assert_non_null(json);
	assert_int_equal(fusetrace_op_json(op, json, (size_t)length + 1), length);
	fprintf(out, "%s%s", ftell(out) > 0 ? "\n" : "", json);
	free(json);
	return 0;
}

char *ft_test_log(const char *text, size_t size)
{
	struct fusetrace_monitor *monitor = NULL;
	char *operations = NULL;
	size_t room = 0;
	FILE *out = open_memstream(&operations, &room);

	assert_non_null(out);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	assert_int_equal(fusetrace_feed(monitor, text, size, NULL), 0);
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, put_json, out), 0);
	fusetrace_monitor_free(monitor);
	assert_int_equal(fclose(out), 0);
	return operations;
}
