/* SPDX-License-Identifier: MIT */
/*
 * Full and compact lines of Rust's tracing-subscriber: each form, each set of span events, spans at the
 * same time. Fields are in tracing_fields_test.c, what is cut off or forged in tracing_hostile_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
#include "tracing_testing.h"

#define LOOKUP "fuse::lookup{parent=1 name=\"a\"}"
#define READ "fuse::read{ino=5 offset=0 size=10}"
#define WRITE "fuse::write{ino=1 offset=0 size=9}"
#define GETATTR "fuse::getattr{ino=1}"

/* A record of the log is a line here. */
/* clang-format off */

/* Whatever is switched on or off, it is the same operation. */
static void test_forms(void **state)
{
	/* full */
	FT_TEST_LOG_IS(
		OP(LOOKUP),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* no time */
	FT_TEST_LOG_IS(
		" INFO fuse::lookup{parent=1 name=\"a\"}: demo: new\n"
		" INFO fuse::lookup{parent=1 name=\"a\"}: demo: close\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"nodeid\":1}\n");
	/* uptime */
	FT_TEST_LOG_IS(
		"   0.000001000s  INFO fuse::lookup{parent=1 name=\"a\"}: demo: new\n"
		"   0.000004000s  INFO fuse::lookup{parent=1 name=\"a\"}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\","
		"\"start_ns\":1000,\"duration_ns\":3000,\"nodeid\":1}\n");
	/* no level */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z fuse::lookup{parent=1 name=\"a\"}: demo: new\n"
		"2026-11-22T09:15:38.000004Z fuse::lookup{parent=1 name=\"a\"}: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* no target */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO fuse::lookup{parent=1 name=\"a\"}: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse::lookup{parent=1 name=\"a\"}: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* threads, file and line */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO main ThreadId(01) fuse::lookup{parent=1 "
		"name=\"a\"}: demo: src/main.rs:16: new\n"
		"2026-11-22T09:15:38.000004Z  INFO tokio-runtime-worker ThreadId(12) "
		"fuse::lookup{parent=1 name=\"a\"}: demo: src/main.rs:16: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* a thread without a name or without a number */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO ThreadId(01) fuse::lookup{parent=1 "
		"name=\"a\"}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO fuse-3 fuse::lookup{parent=1 name=\"a\"}: "
		"demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* compact */
	FT_TEST_LOG_IS(
		SAID(1, "fuse::lookup", "new parent=1 name=\"a\"")
		SAID(4, "fuse::lookup",
			"close time.busy=2.00\302\265s time.idle=1.00\302\265s parent=1 name=\"a\""),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* compact with all there is */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO main ThreadId(01) fuse::lookup: demo: "
		"src/main.rs:16: new parent=1 name=\"a\"\n"
		"2026-11-22T09:15:38.000004Z  INFO main ThreadId(01) fuse::lookup: demo: "
		"src/main.rs:16: close time.busy=2.00\302\265s time.idle=1.00\302\265s "
		"parent=1 name=\"a\"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* colours */
	FT_TEST_LOG_IS(
		"\033[2m2026-11-22T09:15:38.000001Z\033[0m \033[32m INFO\033[0m "
		"\033[1mfuse::lookup\033[0m\033[1m{\033[0m\033[3mparent\033[0m\033[2m=\033[0m1 "
		"\033[3mname\033[0m\033[2m=\033[0m\"a\"\033[1m}\033[0m\033[2m:\033[0m "
		"\033[2mdemo\033[0m\033[2m:\033[0m new\n"
		"\033[2m2026-11-22T09:15:38.000004Z\033[0m \033[32m INFO\033[0m "
		"\033[1mfuse::lookup\033[0m\033[1m{\033[0m\033[3mparent\033[0m\033[2m=\033[0m1 "
		"\033[3mname\033[0m\033[2m=\033[0m\"a\"\033[1m}\033[0m\033[2m:\033[0m "
		"\033[2mdemo\033[0m\033[2m:\033[0m close "
		"\033[3mtime.busy\033[0m\033[2m=\033[0m2.00\302\265s "
		"\033[3mtime.idle\033[0m\033[2m=\033[0m1.00\302\265s\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* lines that end as on Windows */
	FT_TEST_LOG_IS(
		SAID(1, LOOKUP, "new\r")
		SAID(4, LOOKUP, "close time.busy=2.00\302\265s time.idle=1.00\302\265s\r"),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* spans around it */
	FT_TEST_LOG_IS(
		OP("session{mount=\"/m\"}:fuse::lookup{parent=1 name=\"a\"}"),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* ... whose fields have the same names, also in compact form */
	FT_TEST_LOG_IS(
		OP("session{name=m pid=1}:fuse::lookup{parent=1 name=\"a\"}"),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	FT_TEST_LOG_IS(
		SAID(1, "session:fuse::lookup", "new name=m pid=1 parent=1 name=\"a\"")
		SAID(4, "session:fuse::lookup",
			"close time.busy=2.00\302\265s time.idle=1.00\302\265s name=m pid=1 parent=1 name=\"a\""),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* words that others use, too: h2 has such spans */
	FT_TEST_LOG_IS(
		NEW(1, "Connection{peer=Client}:poll")
		NEW(2, "FramedWrite::flush")
		NEW(3, "read{stream_id=1}")
		SAID(4, "poll", "sent len=5"),
		"");
	/* ... around an operation */
	FT_TEST_LOG_IS(
		OP("poll:fuse::lookup{parent=1 name=\"a\"}")
		"2026-11-22T09:15:38.000005Z  INFO poll:vfs.lookup: demo: new parent=1 "
		"name=\"a\"\n"
		"2026-11-22T09:15:38.000008Z  INFO poll:vfs.lookup: demo: close "
		"time.busy=2.00\302\265s time.idle=1.00\302\265s parent=1 name=\"a\"\n",
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," START(5)
		",\"duration_ns\":3000,\"nodeid\":1}\n");
	/* ... that are operations by their module or their fields */
	FT_TEST_LOG_IS(
		NEW(1, "MemFs::flush")
		"2026-11-22T09:15:38.000002Z  INFO myfs.flush: demo: new\n"
		NEW(3, "flush{ino=1}")
		NEW(4, "fsyncdir")
		SAID(5, "poll", "new ino=1"),
		"{\"op\":\"flush\",\"status\":\"unknown\"," START(1) "}\n"
		"{\"op\":\"flush\",\"status\":\"unknown\"," START(2) "}\n"
		"{\"op\":\"flush\",\"path\":\"/\",\"status\":\"unknown\"," START(3)
		",\"nodeid\":1}\n"
		"{\"op\":\"fsyncdir\",\"status\":\"unknown\"," START(4) "}\n"
		"{\"op\":\"poll\",\"path\":\"/\",\"status\":\"unknown\"," START(5)
		",\"nodeid\":1}\n");
	/* other spans, the target of a message */
	FT_TEST_LOG_IS(
		NEW(1, "session{mount=\"/m\"}")
		SAID(2, "session{mount=\"/m\"}", "mounted")
		"2026-11-22T09:15:38.000003Z  INFO fuse::lookup: no span here\n",
		"");
}

/* Each set of span events. */
static void test_events(void **state)
{
	/* new */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "working")
		NEW(3, "fuse::getattr{ino=5}"),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n"
		"{\"op\":\"getattr\",\"status\":\"unknown\"," START(3) ",\"nodeid\":5}\n");
	/* enter */
	FT_TEST_LOG_IS(
		SAID(1, READ, "enter"),
		"{\"op\":\"read\",\"status\":\"unknown\"," START(1)
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* exit */
	FT_TEST_LOG_IS(
		SAID(4, READ, "exit"),
		"{\"op\":\"read\",\"status\":\"completed\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n");
	/* close: its time less its duration */
	FT_TEST_LOG_IS(
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\",\"duration_ns\":3000,\"nodeid\":5,"
		"\"offset\":0,\"size\":10}\n");
	/* enter and exit: each stretch */
	FT_TEST_LOG_IS(
		SAID(1, READ, "enter")
		SAID(2, READ, "exit")
		SAID(3, READ, "enter")
		SAID(4, READ, "exit"),
		"{\"op\":\"read\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":1000,\"nodeid\":5,\"offset\":0,\"size\":10}\n"
		"{\"op\":\"read\",\"status\":\"completed\"," START(3)
		",\"duration_ns\":1000,\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* new and exit: the last one */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "exit")
		SAID(3, "fuse::getattr{ino=5}", "exit"),
		"{\"op\":\"read\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":1000,\"nodeid\":5,\"offset\":0,\"size\":10}\n"
		"{\"op\":\"getattr\",\"status\":\"completed\",\"nodeid\":5," "\"suspect\":true}\n");
	/* exit and close, which cannot be foreseen */
	FT_TEST_LOG_IS(
		SAID(3, READ, "exit")
		CLOSE(4, READ)
		SAID(5, READ, "exit")
		CLOSE(6, READ),
		"{\"op\":\"read\",\"status\":\"completed\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n"
		"{\"op\":\"read\",\"status\":\"completed\",\"duration_ns\":3000,\"nodeid\":5,"
		"\"offset\":0,\"size\":10}\n");
	/* all of them, entered twice */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "enter")
		SAID(3, READ, "exit")
		SAID(4, READ, "enter")
		SAID(5, READ, "exit")
		SAID(6, READ, "close time.busy=2.00\302\265s time.idle=3.00\302\265s"),
		"{\"op\":\"read\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":5000,\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* none: messages */
	FT_TEST_LOG_IS(
		SAID(1, READ, "first")
		SAID(2, READ, "second")
		SAID(3, "fuse::getattr{ino=5}", "first"),
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n"
		"{\"op\":\"getattr\",\"status\":\"unknown\",\"nodeid\":5}\n");
	/* none, compact */
	FT_TEST_LOG_IS(
		SAID(1, "fuse::read", "first ino=5 offset=0 size=10")
		SAID(2, "fuse::read", "second n=1 ino=5 offset=0 size=10")
		SAID(3, "fuse::read", "first ino=5 offset=10 size=10"),
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":0,"
		"\"size\":10}\n"
		"{\"op\":\"read\",\"status\":\"unknown\",\"nodeid\":5,\"offset\":10,"
		"\"size\":10}\n");
	/* a message that is one word */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		SAID(2, READ, "close")
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
	/* inner spans are the filesystem's own work */
	FT_TEST_LOG_IS(
		NEW(1, READ)
		NEW(2, "fuse::read{ino=5 offset=0 size=10}:cache::read{key=1}")
		SAID(3, "fuse::read{ino=5 offset=0 size=10}:cache::read{key=1}",
			"close time.busy=9.00s time.idle=9.00s")
		CLOSE(4, READ),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":10}\n");
}

static void test_concurrent(void **state)
{
	/* fields tell them apart */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::read{ino=1}")
		NEW(2, "fuse::read{ino=2}")
		CLOSE(5, "fuse::read{ino=2}")
		SAID(9, "fuse::read{ino=1}",
			"close time.busy=5.00\302\265s time.idle=3.00\302\265s"),
		"{\"op\":\"read\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":3000,\"nodeid\":2}\n"
		"{\"op\":\"read\",\"path\":\"/\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":8000,\"nodeid\":1}\n");
	/* threads do */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: new\n"
		"2026-11-22T09:15:38.000002Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: new\n"
		"2026-11-22T09:15:38.000005Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n"
		"2026-11-22T09:15:38.000009Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: close time.busy=5.00\302\265s time.idle=3.00\302\265s\n",
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":3000,\"nodeid\":1,\"offset\":0,\"size\":9}\n"
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":8000,\"nodeid\":1,\"offset\":0,\"size\":9}\n");
	/* nothing does */
	FT_TEST_LOG_IS(
		NEW(1, WRITE)
		NEW(2, WRITE)
		CLOSE(5, WRITE)
		SAID(9, WRITE, "close time.busy=5.00\302\265s time.idle=3.00\302\265s"),
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"offset\":0,\"size\":9,\"suspect\":true}\n"
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":8000,\"nodeid\":1,\"offset\":0,\"size\":9,"
		"\"suspect\":true}\n");
	/* an end in another thread */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: new\n"
		"2026-11-22T09:15:38.000002Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: enter\n"
		"2026-11-22T09:15:38.000003Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: exit\n"
		"2026-11-22T09:15:38.000004Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: enter\n"
		"2026-11-22T09:15:38.000005Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: exit\n"
		"2026-11-22T09:15:38.000005Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: close time.busy=2.00\302\265s time.idle=2.00\302\265s\n",
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":4000,\"nodeid\":1,\"offset\":0,\"size\":9}\n");
	/* two that another thread made */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: new\n"
		"2026-11-22T09:15:38.000002Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: enter\n"
		"2026-11-22T09:15:38.000003Z  INFO ThreadId(01) fuse::write{ino=1 offset=0 "
		"size=9}: demo: new\n"
		"2026-11-22T09:15:38.000004Z  INFO ThreadId(03) fuse::write{ino=1 offset=0 "
		"size=9}: demo: enter\n"
		"2026-11-22T09:15:38.000005Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: exit\n"
		"2026-11-22T09:15:38.000006Z  INFO ThreadId(02) fuse::write{ino=1 offset=0 "
		"size=9}: demo: close time.busy=3.00\302\265s time.idle=2.00\302\265s\n"
		"2026-11-22T09:15:38.000007Z  INFO ThreadId(03) fuse::write{ino=1 offset=0 "
		"size=9}: demo: exit\n"
		"2026-11-22T09:15:38.000008Z  INFO ThreadId(03) fuse::write{ino=1 offset=0 "
		"size=9}: demo: close time.busy=3.00\302\265s time.idle=2.00\302\265s\n",
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":5000,\"nodeid\":1,\"offset\":0,\"size\":9}\n"
		"{\"op\":\"write\",\"path\":\"/\",\"status\":\"completed\"," START(3)
		",\"duration_ns\":5000,\"nodeid\":1,\"offset\":0,\"size\":9}\n");
	/* a field that was recorded again */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::read{ino=5 offset=0 size=4096}")
		CLOSE(4, "fuse::read{ino=5 offset=0 size=4096 size=1}"),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":5,\"offset\":0,\"size\":4096}\n");
	/* late fields of one, the other had them */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::read{ino=1}")
		NEW(2, "fuse::read{ino=1 size=5}")
		CLOSE(5, "fuse::read{ino=1 size=5}")
		SAID(9, "fuse::read{ino=1}",
			"close time.busy=5.00\302\265s time.idle=3.00\302\265s"),
		"{\"op\":\"read\",\"path\":\"/\",\"status\":\"completed\"," START(2)
		",\"duration_ns\":3000,\"nodeid\":1,\"size\":5}\n"
		"{\"op\":\"read\",\"path\":\"/\",\"status\":\"completed\"," START(1)
		",\"duration_ns\":8000,\"nodeid\":1}\n");
}

static void test_beside_fuser(void **state)
{
	/* one operation; a request without a handler is given up some requests later */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000000Z DEBUG fuser::request: FUSE(  2) ino "
		"0x0000000000000001 INIT kernel ABI 7.45, capabilities 0x73fffffb, max "
		"readahead 131072    \n"
		"2026-11-22T09:15:38.000001Z DEBUG fuser::request: FUSE(  4) ino "
		"0x0000000000000001 LOOKUP name \"a\"    \n"
		NEW(2, "fuse::lookup{parent=1 name=a}")
		SAID(3, "fuse::lookup{parent=1 name=a errno=2}", "failed errno=2")
		CLOSE(5, "fuse::lookup{parent=1 name=a errno=2}")
		"2026-11-22T09:15:38.000006Z DEBUG fuser::request: FUSE(  6) ino "
		"0x0000000000000001 RENAME2 from FilenameInDir { dir: INodeNo(1), name: "
		"\"a\" }, to FilenameInDir { dir: INodeNo(1), name: \"b\" }    \n"
		NEW(7, "fuse::rename{parent=1 name=a newparent=1 newname=b}")
		CLOSE(9, "fuse::rename{parent=1 name=a newparent=1 newname=b}")
		"2026-11-22T09:15:38.000010Z DEBUG fuser::request: FUSE(  8) ino "
		"0x0000000000000001 STATFS    \n"
		"2026-11-22T09:15:38.000011Z DEBUG fuser::request: FUSE( 10) ino "
		"0x0000000000000001 UNLINK name \"a\\xFF\"    \n"
		"2026-11-22T09:15:38.000012Z  INFO fuse::unlink{parent=1 "
		"name=a\357\277\275}: demo: new\n"
		"2026-11-22T09:15:38.000015Z  INFO fuse::unlink{parent=1 "
		"name=a\357\277\275}: demo: close time.busy=2.00\302\265s "
		"time.idle=1.00\302\265s\n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"unique\":4,\"nodeid\":1,\"probe\":true}\n"
		"{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a\",\"path2\":\"/b\","
		"\"status\":\"completed\"," START(6)
		",\"duration_ns\":3000,\"unique\":6,\"nodeid\":1,\"nodeid2\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\357\277\275\",\"path_bytes\":\"L2H/\","
		"\"status\":\"completed\",\"start_ns\":1795338938000011000,"
		"\"duration_ns\":3000,\"unique\":10,\"nodeid\":1}\n"
		"{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795338938000010000,\"unique\":8,\"nodeid\":1}\n");
	/* a request in a name */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000000Z DEBUG fuser::request: FUSE(  2) ino "
		"0x0000000000000001 INIT kernel ABI 7.45    \n"
		"2026-11-22T09:15:38.000001Z DEBUG fuser::request: FUSE(  4) ino "
		"0x0000000000000001 UNLINK name \"x\\n...\"    \n"
		"2026-11-22T09:15:38.000002Z  INFO fuse::unlink{parent=1 name=x\n"
		"2026-11-22T09:15:38.000002Z DEBUG fuser::request: FUSE(  6) ino "
		"0x0000000000000001 RMDIR name \"b\"    }: demo: new\n"
		"2026-11-22T09:15:38.000009Z DEBUG fuser::request: FUSE(  6) ino "
		"0x0000000000000001 GETATTR    \n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/x\\n...\",\"status\":\"unknown\"," START(1)
		",\"unique\":4,\"nodeid\":1}\n"
		"{\"op\":\"rmdir\",\"path\":\"/b\",\"status\":\"unknown\"," START(2)
		",\"unique\":6,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\"," START(9)
		",\"unique\":6,\"nodeid\":1}\n");
	/* a name of several lines */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000000Z DEBUG fuser::request: FUSE(  2) ino "
		"0x0000000000000001 INIT kernel ABI 7.45    \n"
		"2026-11-22T09:15:38.000001Z DEBUG fuser::request: FUSE(  4) ino "
		"0x0000000000000001 UNLINK name \"n\\nn\"    \n"
		"2026-11-22T09:15:38.000002Z  INFO fuse::unlink{parent=1 name=n\n"
		"n}: demo: new\n"
		"2026-11-22T09:15:38.000005Z  INFO fuse::unlink{parent=1 name=n\n"
		"n}: demo: close time.busy=2.00\302\265s time.idle=1.00\302\265s\n",
		"{\"op\":\"init\",\"status\":\"unknown\"," START(0)
		",\"unique\":2,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/n\\nn\",\"status\":\"completed\"," TIMES
		",\"unique\":4,\"nodeid\":1}\n");
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_beside_fuser),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
