/* SPDX-License-Identifier: MIT */
/* Records of several lines of Rust's tracing-subscriber. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

#define SAID(us, span, text)                                                                       \
	"  2026-11-22T09:15:38.00000" #us "Z  INFO demo: " text "\n"                               \
	"    at src/main.rs:16\n"                                                                  \
	"    in demo::" span "\n\n"
#define NEW(us, span) SAID(us, span, "new")
#define CLOSE(us, span) SAID(us, span, "close, time.busy: 2.00\302\265s, time.idle: 1.00\302\265s")
#define OP(span) NEW(1, span) CLOSE(4, span)

/* Of an operation that began at 1 and lasted from there to 4. */
#define TIMES "\"start_ns\":1795338938000001000,\"duration_ns\":3000"
#define START(us) "\"start_ns\":179533893800000" #us "000"

#define LOOKUP "fuse::lookup with parent: 1, name: \"a\""
#define READ "fuse::read with ino: 5, offset: 0, size: 10"
#define GETATTR "fuse::getattr with ino: 1"

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
		"   INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		"   INFO demo: close\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"nodeid\":1}\n");
	/* no place, no target */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000001Z  INFO new\n"
		"    in fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    in fuse::lookup with parent: 1, name: \"a\"\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* threads */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16 on main ThreadId(1)\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    on main ThreadId(1)\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		"  2026-11-22T09:15:38.000005Z  INFO demo: new\n"
		"    at src/main.rs:16 on fuse-2\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		"  2026-11-22T09:15:38.000008Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16 on fuse-2\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," START(5)
		",\"duration_ns\":3000,\"nodeid\":1}\n");
	/* colours */
	FT_TEST_LOG_IS(
		"  \033[2m2026-11-22T09:15:38.000001Z\033[0m \033[32m INFO\033[0m "
		"\033[1;32mdemo\033[0m\033[32m: \033[32mnew\033[0m\n"
		"    \033[2;3mat\033[0m src/bin/demo.rs:70\n"
		"    \033[2;3min\033[0m demo::\033[1mfuse::lookup\033[0m "
		"\033[2;3mwith\033[0m \033[1mparent\033[0m: 1, \033[1mname\033[0m: \"a\"\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":1}\n");
	/* lines that end as on Windows */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\r\n"
		"    at src/main.rs:16\r\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\r\n"
		"\r\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\r\n"
		"    at src/main.rs:16\r\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\r\n"
		"\r\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* words that others use, too */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in h2::poll\n"
		"\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"    in h2::poll\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"unknown\"," START(2)
		",\"nodeid\":1}\n");
	/* spans around it, other spans */
	FT_TEST_LOG_IS(
		NEW(0, "session with mount: \"/m\"")
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"    in demo::session with mount: \"/m\"\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"    in demo::session with mount: \"/m\"\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
}

/* Each set of span events. */
static void test_events(void **state)
{
	/* all of them */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "enter")
		SAID(3, READ, "working, n: 1")
		SAID(4, READ, "exit")
		SAID(5, READ, "close, time.busy: 2.00\302\265s, time.idle: 2.00\302\265s"),
		"{\"op\":\"read\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":4000,\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	FT_TEST_LOG_IS(
		NEW(1, READ),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	FT_TEST_LOG_IS(
		SAID(1, READ, "enter"),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	FT_TEST_LOG_IS(
		SAID(4, READ, "exit"),
		"{\"op\":\"read\",\"status\":\"completed\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	FT_TEST_LOG_IS(
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\",\"duration_ns\":3000,\"nodeid\":5,"
		"\"offset\":0,\"size\":10}\n");
	/* messages alone */
	FT_TEST_LOG_IS(
		SAID(1, READ, "first")
		SAID(2, READ, "second: of two, n: 1"),
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	/* a message that is one word */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "close")
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* inner spans */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		"  2026-11-22T09:15:38.000002Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::cache::read with key: 1\n"
		"    in demo::fuse::read with ino: 5, offset: 0, size: 10\n"
		"\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: failed, errno: 2\n"
		"    at src/main.rs:16\n"
		"    in demo::cache::read with key: 1\n"
		"    in demo::fuse::read with ino: 5, offset: 0, size: 10\n"
		"\n"
		"  2026-11-22T09:15:38.000003Z  INFO demo: close, time.busy: 9.00s, "
		"time.idle: 9.00s\n"
		"    at src/main.rs:16\n"
		"    in demo::cache::read with key: 1\n"
		"    in demo::fuse::read with ino: 5, offset: 0, size: 10\n"
		"\n"
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
}

static void test_fields(void **state)
{
	FT_TEST_LOG_IS(
		NEW(1, "fuse::create with parent: 1, name: a.txt, mode: 0o644")
		CLOSE(4, "fuse::create with parent: 1, name: a.txt, mode: 0o644, ino: 3, fh: FileHandle(7)")
		OP("fuse::statfs"),
		"{\"op\":\"create\",\"path\":\"/a.txt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"entry\":3,\"fh\":7,\"mode\":420}\n"
		"{\"op\":\"statfs\",\"status\":\"completed\"," TIMES "}\n");
	/* errors */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, GETATTR, "error: No such file or directory (os error 2)")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return: Attr { ino: 1, errno: 5 }")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "failed, errno: 2, retry: true")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "error: no such file")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr with ino: 1, errno: 13"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":13," TIMES
		",\"nodeid\":1}\n");
	/* values that look like fields */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return: Ok(Attr { ino: 1, error: 2 })")
		CLOSE(4, GETATTR)
		OP("fuse::unlink with parent: 1, name: a")
		OP("fuse::unlink with parent: 1, name: a, b: c"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n");
}

static void test_names(void **state)
{
	FT_TEST_LOG_IS(
		OP("fuse::unlink with parent: 1, name: a b.txt")
		OP("fuse::unlink with parent: 1, name: q\"q")
		OP("fuse::unlink with parent: 1, name: \"q\\\"q\\n\"")
		OP("fuse::unlink with parent: 1, name: e\033[31m")
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: n\n"
		"n\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: n\n"
		"n\n"
		"\n",
		"{\"op\":\"unlink\",\"path\":\"/a b.txt\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/q\\\"q\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/q\\\"q\\n\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/e\\u001b[31m\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/n\\nn\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* a record in a name */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: x\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::rmdir with parent: 1, name: b\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: x\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::rmdir with parent: 1, name: b\n"
		"\n",
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"unknown\",\"nodeid\":1,"
		"\"suspect\":true}\n");
	/* ... behind an empty line */
	FT_TEST_LOG_IS(
		NEW(0, "fuse::rmdir with parent: 1, name: a")
		NEW(1, "fuse::unlink with parent: 1, name: x")
		CLOSE(2, "fuse::rmdir with parent: 1, name: b")
		CLOSE(4, "fuse::unlink with parent: 1, name: x")
		CLOSE(2, "fuse::rmdir with parent: 1, name: b"),
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"rmdir\",\"path\":\"/a\",\"status\":\"unknown\"," START(0)
		",\"nodeid\":1}\n");
	/* ... in a message */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::unlink with parent: 1, name: \"x\"")
		"  2026-11-22T09:15:38.000002Z  INFO demo: removing x\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: \"x\"\n"
		"\n"
		CLOSE(4, "fuse::unlink with parent: 1, name: \"x\""),
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"completed\","
		"\"duration_ns\":3000,\"nodeid\":1,\"suspect\":true}\n");
	/* a span in a name */
	FT_TEST_LOG_IS(
		NEW(0, LOOKUP)
		"  2026-11-22T09:15:38.000001Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: x\n"
		"    in demo::fuse::rmdir with parent: 1, name: y\n"
		"\n"
		"  2026-11-22T09:15:38.000004Z  INFO demo: close, time.busy: 2.00\302\265s, "
		"time.idle: 1.00\302\265s\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: x\n"
		"    in demo::fuse::rmdir with parent: 1, name: y\n"
		"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"unknown\"," START(0)
		",\"nodeid\":1}\n"
		"{\"op\":\"rmdir\",\"path\":\"/y\",\"status\":\"unknown\",\"nodeid\":1,"
		"\"suspect\":true}\n");
}

/* The library prints the requests, the filesystem its spans. */
static void test_beside_fuser(void **state)
{
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000000Z DEBUG fuser::request: FUSE(  2) ino "
		"0x0000000000000001 INIT kernel ABI 7.45\n"
		"    at src/request.rs:53\n"
		"\n"
		"  2026-11-22T09:15:38.000001Z DEBUG fuser::request: FUSE(  4) ino "
		"0x0000000000000001 LOOKUP name \"a\"\n"
		"    at src/request.rs:53\n"
		"\n"
		NEW(2, LOOKUP)
		SAID(3, "fuse::lookup with parent: 1, name: \"a\", errno: 2", "failed, errno: 2")
		CLOSE(5, "fuse::lookup with parent: 1, name: \"a\", errno: 2")
		"  2026-11-22T09:15:38.000006Z DEBUG fuser::request: FUSE(  6) ino "
		"0x0000000000000001 STATFS\n"
		"    at src/request.rs:53\n"
		"\n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"unique\":4,\"nodeid\":1,\"probe\":true}\n"
		"{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"unknown\"," START(6)
		",\"unique\":6,\"nodeid\":1}\n");
	/* a request in a name */
	FT_TEST_LOG_IS(
		"  2026-11-22T09:15:38.000000Z DEBUG fuser::request: FUSE(  2) ino "
		"0x0000000000000001 INIT kernel ABI 7.45\n"
		"    at src/request.rs:53\n"
		"\n"
		"  2026-11-22T09:15:38.000001Z DEBUG fuser::request: FUSE(  4) ino "
		"0x0000000000000001 UNLINK name \"x\"\n"
		"    at src/request.rs:53\n"
		"\n"
		"  2026-11-22T09:15:38.000002Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: x\n"
		"  2026-11-22T09:15:38.000002Z DEBUG fuser::request: FUSE(  6) ino "
		"0x0000000000000001 RMDIR name \"b\"\n"
		"    at src/request.rs:53\n"
		"\n"
		"\n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"unknown\"," START(1)
		",\"unique\":4,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"unknown\"," START(2)
		",\"unique\":6,\"nodeid\":1,\"suspect\":true}\n");
}

static void test_cut_off(void **state)
{
	FT_TEST_LOG_IS(
		"n.rs:16\n"
		"    in demo::fuse::lookup with parent: 1, name: \"a\"\n"
		"\n"
		CLOSE(4, LOOKUP)
		"  2026-11-22T09:15:38.000005Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::look",
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
