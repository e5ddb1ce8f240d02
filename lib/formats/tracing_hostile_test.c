/* SPDX-License-Identifier: MIT */
/*
 * Lines of Rust's tracing-subscriber that are hard to read: names that imitate records, logs that are
 * cut off, spans that never end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
#include "tracing_testing.h"

#define LOOKUP "fuse::lookup{parent=1 name=\"a\"}"
#define GETATTR "fuse::getattr{ino=1}"

/* A record of the log is a line here. */
/* clang-format off */

static void test_names(void **state)
{
	FT_TEST_LOG_IS(
		OP("fuse::unlink{parent=1 name=a b.txt}")
		OP("fuse::unlink{parent=1 name=q\"q}")
		OP("fuse::unlink{parent=1 name=\"q\\\"q\\n\\u{1b}\\\\\"}")
		OP("fuse::unlink{parent=1 name=}")
		OP("fuse::unlink{parent=1 name=e\033[31mred\033[0m}")
		OP("fuse::unlink{parent=1 name=b\\s\rc\tt}")
		OP("fuse::unlink{parent=1 name=\303\274n\303\257}"),
		"{\"op\":\"unlink\",\"path\":\"/a b.txt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/q\\\"q\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/q\\\"q\\n\\u001b\\\\\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/e\\u001b[31mred\\u001b[0m\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/b\\\\s\\rc\\tt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/\303\274n\303\257\",\"status\":\"completed\","
		TIMES ",\"nodeid\":1}\n");
	/* newlines */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO fuse::unlink{parent=1 name=n\n"
		"n.txt}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse::unlink{parent=1 name=n\n"
		"n.txt}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n"
		"2026-11-22T09:15:38.000001Z  INFO fuse::unlink{parent=1 name=n\n"
		"\n"
		"n= n=1}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse::unlink{parent=1 name=n\n"
		"\n"
		"n= n=1}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"unlink\",\"path\":\"/n\\nn.txt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/n\\n\\nn=\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n");
	/* braces and what looks like a field, a span or an end */
	FT_TEST_LOG_IS(
		OP("fuse::unlink{parent=1 name={x}}")
		OP("fuse::unlink{parent=1 name=x{}")
		OP("fuse::unlink{parent=1 name=x}: y}")
		OP("fuse::unlink{parent=1 name=x}: fuse::rmdir{name=y n=1}"),
		"{\"op\":\"unlink\",\"path\":\"/{x}\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/x{\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/x}: y\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x}: fuse::rmdir{name=y\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1,\"suspect\":true}\n");
	FT_TEST_LOG_IS(
		OP("fuse::unlink{parent=1 name=x}:fuse::rmdir{name=y} n=1}"),
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"unknown\",\"nodeid\":1,"
		"\"suspect\":true}\n");
	/* what looks like a field, where the same span had none before */
	FT_TEST_LOG_IS(
		OP("fuse::unlink{parent=1 name=a}")
		NEW(1, "fuse::unlink{parent=1 name=a parent=9}")
		CLOSE(4, "fuse::unlink{parent=1 name=a parent=9 ino=7}")
		OP("fuse::unlink{parent=1 name=a b=c}")
		OP("fuse::getattr{ino=7}"),
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"getattr\",\"status\":\"completed\"," TIMES ",\"nodeid\":7}\n");
	/* a span without a value, of the same name with others: honest */
	FT_TEST_LOG_IS(
		OP("fuse::setattr{ino=1 size=5}")
		OP("fuse::setattr{ino=1 mode=5 size=5}")
		OP("fuse::setattr{ino=1}")
		OP("fuse::unlink{parent=1 name=a flags=1}")
		OP("fuse::unlink{parent=1 name=a}"),
		"{\"op\":\"setattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"size\":5,\"valid\":8}\n"
		"{\"op\":\"setattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"size\":5,\"mode\":5,\"valid\":9}\n"
		"{\"op\":\"setattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"flags\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* in compact form names end with the line: half a name is none */
	FT_TEST_LOG_IS(
		SAID(1, "fuse::unlink", "new parent=1 name=n")
		"n.txt\n"
		SAID(4, "fuse::unlink",
			"close time.busy=2.00\302\265s time.idle=1.00\302\265s parent=1 name=n")
		"n.txt\n",
		"{\"op\":\"unlink\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n");
}

static void test_forged_records(void **state)
{
	/* a record in a name */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO fuse::unlink{parent=1 name=x\n"
		"2026-11-22T09:15:38.000002Z  INFO fuse::rmdir{parent=1 name=b}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s n=1}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse::unlink{parent=1 name=x\n"
		"2026-11-22T09:15:38.000002Z  INFO fuse::rmdir{parent=1 name=b}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s n=1}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n"
		NEW(6, "fuse::rmdir{parent=1 name=b}")
		CLOSE(9, "fuse::rmdir{parent=1 name=b}"),
		"{\"op\":\"unlink\",\"path\":\"/x\\n2026-11-22T09:15:38.000002Z  INFO "
		"fuse::rmdir{parent=1\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\"," START(6)
		",\"duration_ns\":3000,\"nodeid\":1}\n");
	/* ... that ends there */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO fuse::unlink{parent=1 name=x\n"
		CLOSE(2, "fuse::rmdir{parent=1 name=b}")
		"}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse::unlink{parent=1 name=x\n"
		CLOSE(2, "fuse::rmdir{parent=1 name=b}")
		"}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"unlink\",\"path\":\"/x\\n2026-11-22T09:15:38.000002Z  INFO "
		"fuse::rmdir{parent=1\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n");
	/* ... in a message */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::unlink{parent=1 name=\"x\\n\"}")
		SAID(2, "fuse::unlink{parent=1 name=\"x\\n\"}", "removing x")
		CLOSE(2, "fuse::rmdir{parent=1 name=b}")
		CLOSE(4, "fuse::unlink{parent=1 name=\"x\\n\"}"),
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\\n\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* ... of an old time */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::unlink{parent=1 name=\"x\\n\"}")
		SAID(2, "fuse::unlink{parent=1 name=\"x\\n\"}", "removing x")
		"2025-11-22T09:15:38.000002Z  INFO fuse::rmdir{parent=1 name=b}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n"
		CLOSE(4, "fuse::unlink{parent=1 name=\"x\\n\"}"),
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\\n\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* one that stood in a name has ended it: the real end is doubtful */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::rmdir{parent=1 name=b}")
		NEW(2, "fuse::unlink{parent=1 name=x}")
		CLOSE(2, "fuse::rmdir{parent=1 name=b}")
		CLOSE(4, "fuse::unlink{parent=1 name=x}")
		CLOSE(9, "fuse::rmdir{parent=1 name=b}"),
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":3000,\"nodeid\":1}\n"
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n");
	/* a message like an end */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::unlink{parent=1 name=x}")
		"2026-11-22T09:15:38.000002Z  INFO fuse::unlink{parent=1 name=x}: demo: "
		"removing y}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n"
		CLOSE(4, "fuse::unlink{parent=1 name=x}"),
		"{\"op\":\"unlink\",\"path\":\"/x}: demo: removing y\","
		"\"status\":\"completed\",\"duration_ns\":3000,\"nodeid\":1,"
		"\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* spans of a message that may end at several places */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::unlink{parent=1 name=x}: y}")
		SAID(2, "fuse::unlink{parent=1 name=x}: y}", "removing x}: y")
		CLOSE(4, "fuse::unlink{parent=1 name=x}: y}"),
		"{\"op\":\"unlink\",\"path\":\"/x}: y\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n");
}

/* The library prints the requests, the filesystem its spans. */

static void test_cut_off(void **state)
{
	/* the log begins in the middle */
	FT_TEST_LOG_IS(
		SAID(3, "fuse::getattr{ino=1 errno=2}", "failed errno=2")
		CLOSE(4, "fuse::getattr{ino=1 errno=2}")
		NEW(6, "fuse::getattr{ino=2}")
		CLOSE(9, "fuse::getattr{ino=2}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2,"
		"\"duration_ns\":3000,\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"status\":\"completed\"," START(6)
		",\"duration_ns\":3000,\"nodeid\":2}\n");
	/* ... in a record */
	FT_TEST_LOG_IS(
		"INFO fuse::getattr{ino=1}: demo: new\n"
		"attr{ino=1}: demo: new\n"
		CLOSE(4, GETATTR),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1}\n");
	/* it ends there */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		"2026-11-22T09:15:38.000002Z  INFO fuse::getattr{ino=1}: demo: clo",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":1}\n");
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		"2026-11-22T09:15:38.000002Z  INFO fuse::getattr{in",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":1}\n");
	/* a name that does not end is given up */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO fuse::unlink{parent=1 name=x\n"
		"line 0\n"
		"line 1\n"
		"line 2\n"
		"line 3\n"
		"line 4\n"
		"line 5\n"
		"line 6\n"
		"line 7\n"
		"line 8\n"
		"line 9\n"
		"line 10\n"
		"line 11\n"
		"line 12\n"
		"line 13\n"
		"line 14\n"
		NEW(2, LOOKUP)
		CLOSE(5, LOOKUP),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":3000,\"nodeid\":1}\n");
}

/* clang-format on */

/* ---- streams that tell only begins ---- */

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* A span whose end is never told ends some time; what is said of it later begins it no second time. */
static void test_only_begins(void **state)
{
	char log[80 * 40];
	size_t size = 0;
	char *found;

	for (int i = 1; i <= 30; i++)
		size += (size_t)sprintf(log + size, " INFO fuse::getattr{ino=%d}: demo: new\n", i);
	for (int i = 1; i <= 3; i++)
		size += (size_t)sprintf(log + size, " INFO fuse::getattr{ino=%d}: demo: slow\n", i);
	found = ft_test_log(log, size);
	assert_int_equal(count_lines(found), 30);
	assert_null(strstr(found, "suspect"));
	/* the first one has ended before the last one began, so it stands before it */
	assert_true(strstr(found, "\"nodeid\":1,") < strstr(found, "\"nodeid\":30,"));
	free(found);
}

/* More spans in flight than are kept: the oldest are let go, none is lost. */
static void test_many_in_flight(void **state)
{
	const int count = 600;
	char *log = malloc(80 * (size_t)count + 80);
	size_t size;
	char *found;

	assert_non_null(log);
	size = (size_t)sprintf(log, " INFO fuse::open{ino=1}: demo: close\n");
	for (int i = 1; i <= count; i++)
		size += (size_t)sprintf(log + size, " INFO fuse::getattr{ino=%d}: demo: new\n", i);
	found = ft_test_log(log, size);
	assert_int_equal(count_lines(found), count + 1);
	free(found);
	free(log);
}

/* However a log is cut off, it does no harm, and what is whole in it is found. */
static void test_each_cut(void **state)
{
	static const char whole[] = OP("fuse::unlink{parent=1 name=n\nn}");
	static const char log[] = OP("fuse::unlink{parent=1 name=n\nn}")
		SAID(5, "fuse::getattr", "new ino=1 plain=x") "x\n" SAID(8, "fuse::getattr",
									 "exit ino=1 plain=x");
	static const char unlinked[] =
		"\"op\":\"unlink\",\"path\":\"/n\\nn\",\"status\":\"completed\"";

	for (size_t size = 0; size < sizeof(log); size++) {
		char *found = ft_test_log(log, size);

		if (size >= sizeof(whole) - 1)
			assert_non_null(strstr(found, unlinked));
		/* half a record may be one of its own */
		assert_in_range(count_lines(found), 0, 3);
		free(found);
	}
}

/* Two runs of a daemon in one log, whose times begin anew: doubtful at first only. */
static void test_clock_set_back(void **state)
{
	char log[200 * 20];
	size_t size =
		(size_t)sprintf(log, "3600.000000000s  INFO fuse::getattr{ino=99}: demo: new\n");
	char *found;

	for (int i = 1; i <= 12; i++)
		size += (size_t)sprintf(log + size,
					"   1.00000%04ds  INFO fuse::getattr{ino=%d}: demo: new\n",
					i, i);
	found = ft_test_log(log, size);
	assert_int_equal(count_lines(found), 13);
	assert_non_null(strstr(found, "\"nodeid\":8,\"suspect\":true"));
	assert_null(strstr(found, "\"nodeid\":9,\"suspect\":true"));
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),          cmocka_unit_test(test_forged_records),
		cmocka_unit_test(test_cut_off),        cmocka_unit_test(test_only_begins),
		cmocka_unit_test(test_many_in_flight), cmocka_unit_test(test_each_cut),
		cmocka_unit_test(test_clock_set_back),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
