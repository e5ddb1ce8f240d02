/* SPDX-License-Identifier: MIT */
/* JSON lines of Rust's tracing-subscriber. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

#define LINE(us, fields, span, spans)                                                              \
	"{\"timestamp\":\"2026-11-22T09:15:38.00000" #us "Z\",\"level\":\"INFO\","                 \
	"\"fields\":{" fields "},\"target\":\"demo\",\"span\":" span ",\"spans\":[" spans "]}\n"
#define SAID(us, fields, span) LINE(us, fields, span, span)
#define EVENT(us, fields, span) LINE(us, fields, span, "")
#define NEW(us, span) EVENT(us, "\"message\":\"new\"", span)
#define CLOSE(us, span)                                                                            \
	EVENT(us,                                                                                  \
	      "\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","                             \
	      "\"time.idle\":\"1.00\302\265s\"",                                                   \
	      span)
#define OP(span) NEW(1, span) CLOSE(4, span)

/* Of an operation that began at 1 and lasted from there to 4. */
#define TIMES "\"start_ns\":1795338938000001000,\"duration_ns\":3000"
#define START(us) "\"start_ns\":179533893800000" #us "000"

#define LOOKUP "{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"}"
#define READ "{\"ino\":5,\"offset\":0,\"size\":10,\"name\":\"fuse::read\"}"
#define GETATTR "{\"ino\":1,\"name\":\"fuse::getattr\"}"

/* A record of the log is a line here. */
/* clang-format off */

/* Whatever is switched on or off, it is the same operation. */
static void test_forms(void **state)
{
	/* all defaults */
	FT_TEST_LOG_IS(
		OP(LOOKUP),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* no time */
	FT_TEST_LOG_IS(
		"{\"level\":\"INFO\",\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[]}\n"
		"{\"level\":\"INFO\",\"fields\":{\"message\":\"close\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[]}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"nodeid\":1}\n");
	/* no level, no target */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\","
		"\"fields\":{\"message\":\"new\"},\"filename\":\"src/main.rs\","
		"\"line_number\":16,\"span\":{\"name\":\"a\",\"parent\":1,"
		"\"name\":\"fuse::lookup\"},\"spans\":[]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000004Z\","
		"\"fields\":{\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","
		"\"time.idle\":\"1.00\302\265s\"},\"filename\":\"src/main.rs\","
		"\"line_number\":16,\"span\":{\"name\":\"a\",\"parent\":1,"
		"\"name\":\"fuse::lookup\"},\"spans\":[]}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* flattened, without the list of spans */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"INFO\","
		"\"message\":\"new\",\"target\":\"demo\",\"span\":{\"name\":\"a\","
		"\"parent\":1,\"name\":\"fuse::lookup\"}}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000004Z\",\"level\":\"INFO\","
		"\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","
		"\"time.idle\":\"1.00\302\265s\",\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"}}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* threads */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[],\"threadName\":\"main\",\"threadId\":\"ThreadId(1)\"}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000004Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","
		"\"time.idle\":\"1.00\302\265s\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[],\"threadName\":\"main\",\"threadId\":\"ThreadId(1)\"}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* uptime */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"   0.000001000s\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[]}\n"
		"{\"timestamp\":\"   0.000004000s\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","
		"\"time.idle\":\"1.00\302\265s\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[]}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\","
		"\"start_ns\":1000,\"duration_ns\":3000,\"nodeid\":1}\n");
	/* spans around it, and other spans */
	FT_TEST_LOG_IS(
		NEW(0, "{\"mount\":\"/m\",\"name\":\"session\"}")
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[{\"mount\":\"/m\",\"name\":\"session\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000004Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"close\",\"time.busy\":\"2.00\302\265s\","
		"\"time.idle\":\"1.00\302\265s\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[{\"mount\":\"/m\",\"name\":\"session\"}]}\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* words that others use, too */
	FT_TEST_LOG_IS(
		NEW(1, "{\"name\":\"poll\"}")
		NEW(2, "{\"name\":\"FramedWrite::flush\"}")
		NEW(3, "{\"name\":\"MemFs::flush\"}")
		"{\"timestamp\":\"2026-11-22T09:15:38.000004Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"},"
		"\"spans\":[{\"name\":\"poll\"}]}\n",
		"{\"op\":\"flush\",\"status\":\"unknown\"," START(3) "}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"unknown\"," START(4)
		",\"nodeid\":1}\n");
	/* somebody else's JSON */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"starting\"},\"target\":\"demo\"}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"info\","
		"\"msg\":\"x\"}\n"
		"{\"timestamp\":\"2026\n",
		"");
}

/* Each set of span events. */
static void test_events(void **state)
{
	/* all of them */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, "\"message\":\"enter\"", READ)
		SAID(3, "\"message\":\"working\",\"n\":1", READ)
		EVENT(4, "\"message\":\"exit\"", READ)
		EVENT(5, "\"message\":\"close\",\"time.busy\":\"2.00\302\265s\",\"time.idle\":\"2.00\302\265s\"",
			READ),
		"{\"op\":\"read\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":4000,\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* new, enter, exit */
	FT_TEST_LOG_IS(
		NEW(1, READ),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	FT_TEST_LOG_IS(
		SAID(1, "\"message\":\"enter\"", READ),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	FT_TEST_LOG_IS(
		EVENT(4, "\"message\":\"exit\"", READ),
		"{\"op\":\"read\",\"status\":\"completed\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	/* close */
	FT_TEST_LOG_IS(
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\",\"duration_ns\":3000,\"nodeid\":5,"
		"\"offset\":0,\"size\":10}\n");
	/* messages like span events stand in their span */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, "\"message\":\"close\"", READ)
		SAID(2, "\"message\":\"exit\"", READ)
		SAID(3, "\"message\":\"new\"", READ)
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* messages alone */
	FT_TEST_LOG_IS(
		SAID(1, "\"message\":\"first\"", READ)
		SAID(2, "\"message\":\"second\"", READ),
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	/* a list of spans alone */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000002Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"first\"},\"target\":\"demo\","
		"\"spans\":[{\"ino\":5,\"offset\":0,\"size\":10,\"name\":\"fuse::read\"}]}\n",
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	/* inner spans */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		"{\"timestamp\":\"2026-11-22T09:15:38.000002Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\",\"span\":{\"key\":1,"
		"\"name\":\"cache::read\"},\"spans\":[{\"ino\":5,\"offset\":0,\"size\":10,"
		"\"name\":\"fuse::read\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000002Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"failed\",\"errno\":2},\"target\":\"demo\","
		"\"span\":{\"key\":1,\"name\":\"cache::read\"},\"spans\":[{\"ino\":5,"
		"\"offset\":0,\"size\":10,\"name\":\"fuse::read\"},{\"key\":1,"
		"\"name\":\"cache::read\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000003Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"close\",\"time.busy\":\"9.00s\","
		"\"time.idle\":\"9.00s\"},\"target\":\"demo\",\"span\":{\"key\":1,"
		"\"name\":\"cache::read\"},\"spans\":[{\"ino\":5,\"offset\":0,\"size\":10,"
		"\"name\":\"fuse::read\"}]}\n"
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
}

static void test_fields(void **state)
{
	/* a field of the span's own name; fields come sorted */
	FT_TEST_LOG_IS(
		NEW(1, "{\"mode\":\"0o644\",\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"}")
		CLOSE(4, "{\"fh\":7,\"ino\":3,\"mode\":\"0o644\",\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"}"),
		"{\"op\":\"create\",\"path\":\"/a.txt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"entry\":3,\"fh\":7,\"mode\":420}\n");
	/* printed with ? */
	FT_TEST_LOG_IS(
		OP("{\"name\":\"\\\"q\\\\\\\"q\\\\n\\\"\",\"parent\":1,\"name\":\"fuse::lookup\"}")
		OP("{\"name\":\"\\\"half\",\"parent\":1,\"name\":\"fuse::lookup\"}"),
		"{\"op\":\"lookup\",\"path\":\"/q\\\"q\\n\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/\\\"half\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* a field that was recorded again has lost its first value */
	FT_TEST_LOG_IS(
		NEW(1, "{\"ino\":5,\"offset\":0,\"size\":4096,\"name\":\"fuse::read\"}")
		CLOSE(4, "{\"ino\":5,\"offset\":0,\"size\":1,\"name\":\"fuse::read\"}"),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":4096}\n");
	/* errors */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, "\"error\":\"No such file or directory (os error 2)\"", GETATTR)
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, "\"return\":\"Attr { ino: 1 }\"", GETATTR)
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		CLOSE(4, "{\"errno\":13,\"ino\":1,\"name\":\"fuse::getattr\"}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":13," TIMES
		",\"nodeid\":1}\n");
	/* written */
	FT_TEST_LOG_IS(
		NEW(1, "{\"ino\":1,\"size\":9,\"name\":\"fuse::write\"}")
		SAID(2, "\"message\":\"done\",\"written\":9",
			"{\"ino\":1,\"size\":9,\"name\":\"fuse::write\"}")
		CLOSE(4, "{\"ino\":1,\"size\":9,\"name\":\"fuse::write\"}"),
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"size\":9,\"reply_size\":9}\n");
	/* no fields */
	FT_TEST_LOG_IS(
		OP("{\"name\":\"fuse::statfs\"}"),
		"{\"op\":\"statfs\",\"status\":\"completed\"," TIMES "}\n");
}

static void test_names(void **state)
{
	FT_TEST_LOG_IS(
		OP("{\"name\":\"n\\nn\\u001b[31m\\\\\",\"parent\":1,\"name\":\"fuse::unlink\"}")
		OP("{\"name\":\"\357\277\275\",\"parent\":1,\"name\":\"fuse::unlink\"}"),
		"{\"op\":\"unlink\",\"path\":\"/n\\nn\\u001b[31m\\\\\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n");
	/* what forges a record in other forms */
	FT_TEST_LOG_IS(
		NEW(1, "{\"name\":\"x}\\n{\\\"timestamp\\\":\\\"\\\",\\\"span\\\":{\",\"parent\":1,\"name\":\"fuse::unlink\"}")
		SAID(2, "\"message\":\"\\\",\\\"span\\\":{\\\"name\\\":\\\"fuse::rmdir\\\"}\"",
			"{\"name\":\"x}\\n{\\\"timestamp\\\":\\\"\\\",\\\"span\\\":{\",\"parent\":1,\"name\":\"fuse::unlink\"}")
		CLOSE(4, "{\"name\":\"x}\\n{\\\"timestamp\\\":\\\"\\\",\\\"span\\\":{\",\"parent\":1,\"name\":\"fuse::unlink\"}"),
		"{\"op\":\"unlink\",\"path\":\"/x}\\n{\\\"timestamp\\\":\\\"\\\","
		"\\\"span\\\":{\",\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n");
}

/* The library prints the requests, the filesystem its spans. */
static void test_beside_fuser(void **state)
{
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:15:38.000000Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"FUSE(  2) ino 0x0000000000000001 INIT kernel ABI "
		"7.45\",\"log.target\":\"fuser::request\"},\"target\":\"demo\"}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000001Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"FUSE(  4) ino 0x0000000000000001 LOOKUP name "
		"\\\"a\\\"\",\"log.target\":\"fuser::request\"},\"target\":\"demo\"}\n"
		NEW(2, LOOKUP)
		SAID(3, "\"message\":\"failed\",\"errno\":2",
			"{\"errno\":2,\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"}")
		CLOSE(5, "{\"errno\":2,\"name\":\"a\",\"parent\":1,\"name\":\"fuse::lookup\"}")
		"{\"timestamp\":\"2026-11-22T09:15:38.000006Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"FUSE(  6) ino 0x0000000000000001 STATFS\","
		"\"log.target\":\"fuser::request\"},\"target\":\"demo\"}\n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"unique\":4,\"nodeid\":1,\"probe\":true}\n"
		"{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"unknown\"," START(6)
		",\"unique\":6,\"nodeid\":1}\n");
}

static void test_cut_off(void **state)
{
	FT_TEST_LOG_IS(
		":38.000001Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"new\"},"
		"\"target\":\"demo\",\"span\":{\"name\":\"a\",\"parent\":1,"
		"\"name\":\"fuse::lookup\"},\"spans\":[]}\n"
		CLOSE(4, LOOKUP)
		"{\"timestamp\":\"2026-11-22T09:15:38.000005Z\",\"level\":\"INFO\","
		"\"fields\":{\"message\":\"new\"},\"target\":\"demo\","
		"\"span\":{\"name\":\"a\",\"paren",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1}\n");
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),        cmocka_unit_test(test_events),
		cmocka_unit_test(test_fields),       cmocka_unit_test(test_names),
		cmocka_unit_test(test_beside_fuser), cmocka_unit_test(test_cut_off),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
