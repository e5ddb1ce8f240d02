/* SPDX-License-Identifier: MIT */
/* Recordings in pieces of any size: the same operations, and errors with their place. */
#include "source_replay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

#define FIRST "{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0}"
#define SECOND "{\"v\":1,\"op\":\"write\",\"path\":\"/b\",\"status\":\"failed\",\"errno\":5}"

static const char recording[] = "{\"v\":1,\"event\":\"trace\"}\n"
				"\n" FIRST "\r\n" SECOND "\n"
				"{\"v\":1,\"event\":\"later version\",\"x\":1}\n"
				"{\"v\":1,\"op\":\"read\",\"path\":\"/c\"}\n";

static int collect(struct fusetrace_op *op, void *data)
{
	char *text = data;

	sprintf(text + strlen(text), "%s %s %u %d; ", fusetrace_op_name(op), fusetrace_op_path(op),
		fusetrace_op_status(op), fusetrace_op_errno(op));
	return 0;
}

static void assert_holds(struct fusetrace_monitor *monitor, const char *expected)
{
	char text[500] = "";

	assert_int_equal(fusetrace_foreach(monitor, NULL, NULL, collect, text), 0);
	assert_string_equal(text, expected);
}

static void test_pieces_of_any_size(void **state)
{
	for (size_t piece = 1; piece <= sizeof(recording); piece++) {
		struct fusetrace_monitor *monitor = ft_test_monitor(0);

		for (size_t at = 0; at < sizeof(recording) - 1; at += piece) {
			size_t left = sizeof(recording) - 1 - at;

			assert_int_equal(fusetrace_feed(monitor, recording + at,
							left < piece ? left : piece, NULL),
					 0);
		}
		assert_holds(monitor, "mkdir /a 2 0; write /b 3 5; read /c 4 0; ");
		fusetrace_monitor_free(monitor);
	}
}

static void test_last_line_without_newline(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);

	ft_test_feed_line(monitor, FIRST);
	assert_holds(monitor, "");
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	assert_holds(monitor, "mkdir /a 2 0; ");
	assert_int_equal(fusetrace_feed_end(monitor, NULL), 0);
	/* another recording follows */
	ft_test_feed_line(monitor, SECOND "\n");
	assert_holds(monitor, "mkdir /a 2 0; write /b 3 5; ");
	fusetrace_monitor_free(monitor);
}

static void test_place_of_an_error(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_error error = {0};
	const char text[] = FIRST "\n\n" SECOND "\nnonsense\n" FIRST "\n";

	assert_int_equal(fusetrace_feed(monitor, text, strlen(text), &error), -EBADMSG);
	assert_int_equal(error.code, -EBADMSG);
	assert_non_null(strstr(error.text, "line 4, column "));
	assert_holds(monitor, "mkdir /a 2 0; write /b 3 5; ");
	/* It goes on behind. */
	ft_test_feed_line(monitor, FIRST "\n");
	assert_int_equal(fusetrace_feed(monitor, "{\"v\":1,\"op\":\"wriet\"}\n", 21, &error),
			 -EBADMSG);
	assert_non_null(strstr(error.text, "line 6"));
	assert_int_equal(fusetrace_feed(monitor, "{\"v\":1,", 7, &error), 0);
	assert_int_equal(fusetrace_feed_end(monitor, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "line 7"));
	assert_int_equal(fusetrace_feed_end(monitor, &error), 0);
	fusetrace_monitor_free(monitor);
}

/* No newline for ever: refused at the limit, and what comes behind the next one counts again. */
static void test_endless_line(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_error error = {0};
	size_t size = 64 * 1024, before = ft_test_allocated();
	char *piece = malloc(size);
	int r = 0, pieces = 0;

	assert_non_null(piece);
	memset(piece, 'x', size);
	while (r == 0 && pieces++ < 100)
		r = fusetrace_feed(monitor, piece, size, &error);
	assert_int_equal(r, -EBADMSG);
	assert_in_range(pieces, 16, 18);
	assert_non_null(strstr(error.text, "line 1, column 1"));
	for (int i = 0; i < 100; i++)
		assert_int_equal(fusetrace_feed(monitor, piece, size, &error), 0);
	assert_true(ft_test_allocated() < before + (4 << 20));
	ft_test_feed_line(monitor, "x\n" FIRST "\n");
	assert_holds(monitor, "mkdir /a 2 0; ");
	assert_int_equal(fusetrace_feed(monitor, "x\n", 2, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "line 3"));
	free(piece);
	fusetrace_monitor_free(monitor);
}

static void test_only_replays_are_fed(void **state)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(fusetrace_feed(NULL, "x", 1, NULL), -EINVAL);
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_feed(monitor, "x", 1, NULL), -EINVAL);
	assert_int_equal(fusetrace_feed_end(monitor, NULL), -EINVAL);
	fusetrace_monitor_free(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_of_any_size),
		cmocka_unit_test(test_last_line_without_newline),
		cmocka_unit_test(test_place_of_an_error),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_only_replays_are_fed),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
