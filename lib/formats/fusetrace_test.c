/* SPDX-License-Identifier: MIT */
/* Our own lines among others: as they are, behind prefixes, beside libfuse's, and malformed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fusetrace/fusetrace.h>

#include "formats_testing.h"
#include "testing.h"

#define MKDIR(marks)                                                                                \
	"{\"v\":1,\"seq\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0," \
	"\"start_ns\":10,\"duration_ns\":5," marks "\"source\":\"log\"}\n"
#define MKDIR_TEXT                                                                                 \
	"{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"errno\":0,\"start_ns\":10,\"duration_ns\":5}"

struct sample {
	const char *log;
	const char *operations;
};

static const struct sample samples[] = {
	{"warning: first\n" MKDIR_TEXT "\nwarning: last\n", MKDIR("")},
	{MKDIR_TEXT "\r\n", MKDIR("")},
	{MKDIR_TEXT, MKDIR("")},
	/* its own source */
	{"x\n{\"v\":1,\"seq\":7,\"op\":\"rmdir\",\"path\":\"/b\",\"errno\":2,\"source\":\"kernel\"}\n",
	 "{\"v\":1,\"seq\":7,\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"failed\",\"errno\":2,"
	 "\"source\":\"kernel\"}\n"},
	/* behind what a logger prints, in an envelope, behind something else, in the middle */
	{"2026-11-22T09:15:38.549873Z DEBUG app: " MKDIR_TEXT "\n", MKDIR("")},
	{"{\"level\":\"info\",\"msg\":\"{\\\"v\\\":1,\\\"op\\\":\\\"mkdir\\\",\\\"path\\\":"
	 "\\\"/a\\\",\\\"errno\\\":0,\\\"start_ns\\\":10,\\\"duration_ns\\\":5}\"}\n",
	 MKDIR("")},
	{"cannot open " MKDIR_TEXT "\n", MKDIR("\"suspect\":true,")},
	{"torn here" MKDIR_TEXT "\n", MKDIR("\"suspect\":true,")},
	/* in quotes it is a name */
	{"cannot open \"" MKDIR_TEXT "\n", MKDIR("\"suspect\":true,")},
	/* one that had not ended, and its end; one whose end never came */
	{"x\n{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"status\":\"started\",\"unique\":4}\n"
	 "{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"errno\":0,\"unique\":4,\"start_ns\":10,"
	 "\"duration_ns\":5}\n"
	 "{\"v\":1,\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"started\"}\n",
	 "{\"v\":1,\"seq\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
	 "\"start_ns\":10,\"duration_ns\":5,\"unique\":4,\"source\":\"log\"}\n"
	 "{\"v\":1,\"seq\":2,\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"unknown\","
	 "\"source\":\"log\"}\n"},
	/* malformed, of a later version, torn off, with something behind it */
	{"x\n{\"v\":1,\"op\":\"mkdri\"}\n{\"v\":2,\"op\":\"mkdir\"}\n{\"v\":1,\"op\":\"mkd\n"
	 "{\"v\":1}\n{\"v\":1,\"op\":\"mkdir\"} x\n{\"v\":\n",
	 ""},
	/* a request of libfuse has its own */
	{"unique: 4, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
	 "{\"v\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"errno\":0,\"unique\":4}\n"
	 "   unique: 4, error: -13 (Permission denied), outsize: 16\n",
	 "{\"v\":1,\"seq\":1,\"op\":\"mkdir\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":13,\"pid\":7,"
	 "\"unique\":4,\"nodeid\":1,\"source\":\"log\"}\n"},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char *found = ft_test_log(samples[i].log, strlen(samples[i].log));

		assert_string_equal(found, samples[i].operations);
		free(found);
	}
}

/* What a handler reports while libfuse prints the request is said of one operation. */
static void test_beside_libfuse(void **state)
{
	static const char log[] =
		"unique: 2, opcode: READ (15), nodeid: 5, insize: 80, pid: 7\n"
		"read[1] 100 bytes from 0 flags: 0x8000\n"
		"unique: 4, opcode: READ (15), nodeid: 6, insize: 80, pid: 8\n"
		"read[2] 100 bytes from 0 flags: 0x8000\n"
		"{\"v\":1,\"op\":\"read\",\"path\":\"/five\",\"errno\":0,\"nodeid\":5,\"uid\":3}\n"
		"{\"v\":1,\"op\":\"read\",\"path\":\"/six\",\"errno\":0,\"nodeid\":6}\n"
		"{\"v\":1,\"op\":\"read\",\"path\":\"/seven\",\"errno\":0,\"nodeid\":7}\n"
		"   unique: 4, success, outsize: 17\n"
		"   unique: 2, success, outsize: 18\n";
	char *found = ft_test_log(log, strlen(log));

	assert_string_equal(found,
			    "{\"v\":1,\"seq\":1,\"op\":\"read\",\"path\":\"/six\","
			    "\"status\":\"completed\",\"errno\":0,\"pid\":8,\"unique\":4,"
			    "\"nodeid\":6,\"fh\":2,\"offset\":0,\"size\":100,\"reply_size\":1,"
			    "\"source\":\"log\"}\n"
			    "{\"v\":1,\"seq\":2,\"op\":\"read\",\"path\":\"/five\","
			    "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"uid\":3,\"unique\":2,"
			    "\"nodeid\":5,\"fh\":1,\"offset\":0,\"size\":100,\"reply_size\":2,"
			    "\"source\":\"log\"}\n");
	free(found);
}

static struct fusetrace_monitor *start_log(void)
{
	struct fusetrace_monitor *monitor;

	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.source = FUSETRACE_SOURCE_LOG),
				      &monitor, NULL),
		0);
	assert_int_equal(fusetrace_monitor_start(monitor, NULL), 0);
	return monitor;
}

static void test_loss(void **state)
{
	struct fusetrace_monitor *monitor = start_log();

	ft_test_feed_line(monitor, "x\n{\"v\":1,\"event\":\"lost\",\"count\":12}\n");
	assert_int_equal(fusetrace_lost(monitor, NULL), 12);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"lost\"}\n");
	assert_int_equal(fusetrace_lost(monitor, NULL), 13);
	ft_test_feed_line(monitor, "open {\"v\":1,\"event\":\"lost\",\"count\":12}\n");
	assert_int_equal(fusetrace_lost(monitor, NULL), 13);
	fusetrace_monitor_free(monitor);
}

static void test_ends(void **state)
{
	struct fusetrace_monitor *monitor = start_log();

	ft_test_feed_line(monitor, "x\n{\"v\":1,\"event\":\"trace\"}\n");
	ft_test_feed_line(monitor, "name {\"v\":1,\"event\":\"daemon_gone\"}\n");
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_MOUNTED);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"unmounted\"}\n");
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_UNMOUNTED);
	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"daemon_gone\",\"pid\":3}\n");
	assert_int_equal(fusetrace_monitor_state(monitor), FUSETRACE_STATE_GONE);
	fusetrace_monitor_free(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_beside_libfuse),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_ends),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
