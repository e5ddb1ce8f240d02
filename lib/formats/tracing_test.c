/* SPDX-License-Identifier: MIT */
/* Tests of tracing-subscriber's records: full, compact, pretty and JSON, with any span events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testing.h"

/* clang-format off */
static const struct ft_test_log_case cases[] = {
	{
		"new and close",
		"2026-11-22T09:15:38.000100Z  INFO fuse::create{parent=1 name=\"a.txt\" mode=0o644}: demo: new\n"
		"2026-11-22T09:15:38.000300Z  INFO fuse::create{parent=1 name=\"a.txt\" mode=0o644}: demo: close time.busy=150µs time.idle=50.0µs\n"
		"2026-11-22T09:15:38.000400Z  INFO read{ino=2 fh=3 offset=0 size=4096}: demo: new\n"
		"2026-11-22T09:15:38.000450Z  INFO read{ino=2 fh=3 offset=0 size=4096}: demo: close time.busy=40.0µs time.idle=9.00µs\n",
		"{'op':'create','path':'/a.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':200000,'nodeid':1,'mode':420}\n"
		"{'op':'read','status':'completed','start_ns':1795338938000400000,'duration_ns':49000,'nodeid':2,'fh':3,'offset':0,'size':4096}\n",
	},
	{
		"every kind of event, the duration is that of the close",
		"2026-11-22T09:15:38.000100Z  INFO fs::mkdir{parent=1 name=\"d\"}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO fs::mkdir{parent=1 name=\"d\"}: demo: enter\n"
		"2026-11-22T09:15:38.000180Z  INFO fs::mkdir{parent=1 name=\"d\"}: demo: exit\n"
		"2026-11-22T09:15:38.000190Z  INFO fs::mkdir{parent=1 name=\"d\"}: demo: close time.busy=70.0µs time.idle=20.0µs\n",
		"{'op':'mkdir','path':'/d','status':'completed','start_ns':1795338938000100000,'duration_ns':90000,'nodeid':1}\n",
	},
	{
		"fields that are recorded late, and what they teach",
		"2026-11-22T09:15:38.000100Z  INFO fuse::lookup{parent=1 name=\"d\"}: demo: new\n"
		"2026-11-22T09:15:38.000200Z  INFO fuse::lookup{parent=1 name=\"d\" ino=7}: demo: close time.busy=90.0µs time.idle=10.0µs\n"
		"2026-11-22T09:15:38.000300Z  INFO fuse::unlink{parent=7 name=\"x\"}: demo: new\n"
		"2026-11-22T09:15:38.000400Z  INFO fuse::unlink{parent=7 name=\"x\"}: demo: close time.busy=90.0µs time.idle=10.0µs\n",
		"{'op':'lookup','path':'/d','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1,'entry':7}\n"
		"{'op':'unlink','path':'/d/x','status':'completed','start_ns':1795338938000300000,'duration_ns':100000,'nodeid':7}\n",
	},
	{
		"errors: a number, a name, a text, err of #[instrument]",
		"2026-11-22T09:15:38.000100Z  INFO unlink{parent=1 name=\"a\"}: demo: new\n"
		"2026-11-22T09:15:38.000110Z DEBUG unlink{parent=1 name=\"a\"}: demo: gone errno=2\n"
		"2026-11-22T09:15:38.000120Z  INFO unlink{parent=1 name=\"a\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000200Z  INFO unlink{parent=1 name=\"b\"}: demo: new\n"
		"2026-11-22T09:15:38.000210Z ERROR unlink{parent=1 name=\"b\"}: demo: error=ENOTEMPTY\n"
		"2026-11-22T09:15:38.000220Z  INFO unlink{parent=1 name=\"b\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000300Z  INFO unlink{parent=1 name=\"c\"}: demo: new\n"
		"2026-11-22T09:15:38.000310Z ERROR unlink{parent=1 name=\"c\"}: demo: error=Permission denied (os error 13)\n"
		"2026-11-22T09:15:38.000320Z  INFO unlink{parent=1 name=\"c\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000400Z  INFO unlink{parent=1 name=\"d\"}: demo: new\n"
		"2026-11-22T09:15:38.000410Z ERROR unlink{parent=1 name=\"d\"}: demo: error=the backend is sulking\n"
		"2026-11-22T09:15:38.000420Z  INFO unlink{parent=1 name=\"d\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000500Z  INFO unlink{parent=1 name=\"e\"}: demo: new\n"
		"2026-11-22T09:15:38.000510Z  INFO unlink{parent=1 name=\"e\"}: demo: return=Err(EACCES)\n"
		"2026-11-22T09:15:38.000520Z  INFO unlink{parent=1 name=\"e\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000600Z  INFO unlink{parent=1 name=\"f\"}: demo: new\n"
		"2026-11-22T09:15:38.000610Z  INFO unlink{parent=1 name=\"f\"}: demo: return=Attr { ino: 7 }\n"
		"2026-11-22T09:15:38.000620Z  INFO unlink{parent=1 name=\"f\"}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000700Z  INFO write{ino=1 offset=0 size=9}: demo: new\n"
		"2026-11-22T09:15:38.000710Z  INFO write{ino=1 offset=0 size=9}: demo: done written=5\n"
		"2026-11-22T09:15:38.000720Z  INFO write{ino=1 offset=0 size=9}: demo: close time.busy=1.00µs time.idle=1.00µs\n",
		"{'op':'unlink','path':'/a','status':'failed','errno':2,'start_ns':1795338938000100000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'unlink','path':'/b','status':'failed','errno':39,'start_ns':1795338938000200000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'unlink','path':'/c','status':'failed','errno':13,'start_ns':1795338938000300000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'unlink','path':'/d','status':'failed','start_ns':1795338938000400000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'unlink','path':'/e','status':'failed','errno':13,'start_ns':1795338938000500000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'unlink','path':'/f','status':'completed','errno':0,'start_ns':1795338938000600000,'duration_ns':2000,'nodeid':1}\n"
		"{'op':'write','path':'/','status':'completed','start_ns':1795338938000700000,'duration_ns':2000,'nodeid':1,'offset':0,'size':9,'reply_size':5}\n",
	},
	{
		"a span inside: its own end and error are not the operation's",
		"2026-11-22T09:15:38.000100Z  INFO session{mount=\"/m\"}:lookup{parent=1 name=\"a\"}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO session{mount=\"/m\"}:lookup{parent=1 name=\"a\"}:backend::stat{path=/data/a}: demo: new\n"
		"2026-11-22T09:15:38.000120Z ERROR session{mount=\"/m\"}:lookup{parent=1 name=\"a\"}:backend::stat{path=/data/a}: demo: failed errno=5\n"
		"2026-11-22T09:15:38.000130Z  INFO session{mount=\"/m\"}:lookup{parent=1 name=\"a\"}:backend::stat{path=/data/a}: demo: close time.busy=1.00µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000140Z  INFO session{mount=\"/m\"}:lookup{parent=1 name=\"a\"}: demo: close time.busy=30.0µs time.idle=10.0µs\n",
		"{'op':'lookup','path':'/a','status':'completed','start_ns':1795338938000100000,'duration_ns':40000,'nodeid':1}\n",
	},
	{
		"identical spans on two threads are told apart by these",
		"2026-11-22T09:15:38.000100Z  INFO ThreadId(02) read{ino=2 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO ThreadId(03) read{ino=2 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000130Z  INFO ThreadId(02) read{ino=2 offset=0 size=1}: demo: close time.busy=29.0µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000160Z  INFO ThreadId(03) read{ino=2 offset=0 size=1}: demo: close time.busy=49.0µs time.idle=1.00µs\n",
		"{'op':'read','status':'completed','start_ns':1795338938000100000,'duration_ns':30000,'nodeid':2,'offset':0,'size':1}\n"
		"{'op':'read','status':'completed','start_ns':1795338938000110000,'duration_ns':50000,'nodeid':2,'offset':0,'size':1}\n",
	},
	{
		"identical spans without threads cannot be told apart",
		"2026-11-22T09:15:38.000100Z  INFO read{ino=2 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO read{ino=2 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000130Z  INFO read{ino=2 offset=0 size=1}: demo: close time.busy=19.0µs time.idle=1.00µs\n"
		"2026-11-22T09:15:38.000160Z  INFO read{ino=2 offset=0 size=1}: demo: close time.busy=59.0µs time.idle=1.00µs\n",
		"{'op':'read','status':'completed','start_ns':1795338938000100000,'duration_ns':20000,'nodeid':2,'offset':0,'size':1,'suspect':true}\n"
		"{'op':'read','status':'completed','start_ns':1795338938000110000,'duration_ns':60000,'nodeid':2,'offset':0,'size':1,'suspect':true}\n",
	},
	{
		"a span that ends on another thread",
		"2026-11-22T09:15:38.000100Z  INFO ThreadId(02) read{ino=2 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO ThreadId(02) read{ino=2 offset=0 size=1}: demo: enter\n"
		"2026-11-22T09:15:38.000120Z  INFO ThreadId(02) read{ino=2 offset=0 size=1}: demo: exit\n"
		"2026-11-22T09:15:38.000130Z  INFO ThreadId(05) read{ino=2 offset=0 size=1}: demo: enter\n"
		"2026-11-22T09:15:38.000140Z  INFO ThreadId(05) read{ino=2 offset=0 size=1}: demo: exit\n"
		"2026-11-22T09:15:38.000150Z  INFO ThreadId(05) read{ino=2 offset=0 size=1}: demo: close time.busy=20.0µs time.idle=30.0µs\n",
		"{'op':'read','status':'completed','start_ns':1795338938000100000,'duration_ns':50000,'nodeid':2,'offset':0,'size':1}\n",
	},
	{
		"enter and exit alone: each stretch is an operation",
		"2026-11-22T09:15:38.000100Z  INFO getattr{ino=1}: demo: enter\n"
		"2026-11-22T09:15:38.000130Z  INFO getattr{ino=1}: demo: exit\n"
		"2026-11-22T09:15:38.000200Z  INFO getattr{ino=1}: demo: enter\n"
		"2026-11-22T09:15:38.000250Z  INFO getattr{ino=1}: demo: exit\n",
		"{'op':'getattr','path':'/','status':'completed','start_ns':1795338938000100000,'duration_ns':30000,'nodeid':1}\n"
		"{'op':'getattr','path':'/','status':'completed','start_ns':1795338938000200000,'duration_ns':50000,'nodeid':1}\n",
	},
	{
		"close alone: the begin is the end less the duration",
		"2026-11-22T09:15:38.000500Z  INFO getattr{ino=1}: demo: close time.busy=30.0µs time.idle=20.0µs\n",
		"{'op':'getattr','path':'/','status':'completed','start_ns':1795338938000450000,'duration_ns':50000,'nodeid':1}\n",
	},
	{
		"new alone: that is all that is known",
		"2026-11-22T09:15:38.000100Z  INFO getattr{ino=1}: demo: new\n",
		"{'op':'getattr','path':'/','status':'unknown','start_ns':1795338938000100000,'nodeid':1}\n",
	},
	{
		"messages alone",
		"2026-11-22T09:15:38.000100Z  WARN lookup{req=10 ino=1 name=\"x\" pid=7}: mountpoint_s3_fs::fuse: lookup failed with errno 2: no such file\n",
		"{'op':'lookup','path':'/x','status':'failed','errno':2,'pid':7,'unique':10,'nodeid':1,'probe':true}\n",
	},
	{
		"no time, no level, no target",
		" INFO rmdir{parent=1 name=\"d\"}: new\n"
		" INFO rmdir{parent=1 name=\"d\"}: close\n",
		"{'op':'rmdir','path':'/d','status':'completed','nodeid':1}\n",
	},
	{
		"the time since the start",
		"   0.000100503s  INFO rmdir{parent=1 name=\"d\"}: demo: new\n"
		"   0.000200503s  INFO rmdir{parent=1 name=\"d\"}: demo: close time.busy=60.0µs time.idle=40.0µs\n",
		"{'op':'rmdir','path':'/d','status':'completed','start_ns':100503,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"thread, file and line",
		"2026-11-22T09:15:38.000100Z TRACE tokio-runtime-worker ThreadId(12) rmdir{parent=1 name=\"d\"}: demo: src/main.rs:17: new\n"
		"2026-11-22T09:15:38.000200Z TRACE tokio-runtime-worker ThreadId(12) rmdir{parent=1 name=\"d\"}: demo: src/main.rs:17: close time.busy=60.0µs time.idle=40.0µs\n",
		"{'op':'rmdir','path':'/d','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"colours",
		"\033[2m2026-11-22T09:15:38.000100Z\033[0m \033[32m INFO\033[0m \033[1mrmdir\033[0m\033[1m{\033[0m\033[3mparent\033[0m\033[2m=\033[0m1 \033[3mname\033[0m\033[2m=\033[0m\"d\"\033[1m}\033[0m\033[2m:\033[0m \033[2mdemo\033[0m\033[2m:\033[0m new\n"
		"\033[2m2026-11-22T09:15:38.000200Z\033[0m \033[32m INFO\033[0m \033[1mrmdir\033[0m\033[1m{\033[0m\033[3mparent\033[0m\033[2m=\033[0m1 \033[3mname\033[0m\033[2m=\033[0m\"d\"\033[1m}\033[0m\033[2m:\033[0m \033[2mdemo\033[0m\033[2m:\033[0m close \033[3mtime.busy\033[0m\033[2m=\033[0m60.0µs \033[3mtime.idle\033[0m\033[2m=\033[0m40.0µs\n",
		"{'op':'rmdir','path':'/d','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"names as they are printed with ? and with %",
		"2026-11-22T09:15:38.000100Z  INFO unlink{parent=1 name=\"q\\\"q\\n\\u{1b}\\t.txt\"}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO unlink{parent=1 name=\"q\\\"q\\n\\u{1b}\\t.txt\"}: demo: close time.busy=5.00µs time.idle=5.00µs\n"
		"2026-11-22T09:15:38.000200Z  INFO unlink{parent=1 name=a b.txt flags=1}: demo: new\n"
		"2026-11-22T09:15:38.000210Z  INFO unlink{parent=1 name=a b.txt flags=1}: demo: close time.busy=5.00µs time.idle=5.00µs\n"
		"2026-11-22T09:15:38.000300Z  INFO unlink{parent=1 name=n\n"
		"n.txt}: demo: new\n"
		"2026-11-22T09:15:38.000310Z  INFO unlink{parent=1 name=n\n"
		"n.txt}: demo: close time.busy=5.00µs time.idle=5.00µs\n"
		"2026-11-22T09:15:38.000400Z  INFO unlink{parent=1 name=}: demo: new\n"
		"2026-11-22T09:15:38.000410Z  INFO unlink{parent=1 name=}: demo: close time.busy=5.00µs time.idle=5.00µs\n",
		"{'op':'unlink','path':'/q\\\"q\\n\\u001b\\t.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':10000,'nodeid':1}\n"
		"{'op':'unlink','path':'/a b.txt','status':'completed','start_ns':1795338938000200000,'duration_ns':10000,'nodeid':1,'flags':1}\n"
		"{'op':'unlink','path':'/n\\nn.txt','status':'completed','start_ns':1795338938000300000,'duration_ns':10000,'nodeid':1}\n"
		"{'op':'unlink','path':'/','status':'completed','start_ns':1795338938000400000,'duration_ns':10000,'nodeid':1}\n",
	},
	{
		"a name that ends its span is suspect",
		"2026-11-22T09:15:38.000100Z  INFO unlink{parent=1 name=x}: unlink{name=forged}: demo: new\n"
		"2026-11-22T09:15:38.000110Z  INFO unlink{parent=1 name=x}: unlink{name=forged}: demo: close time.busy=5.00µs time.idle=5.00µs\n",
		"{'op':'unlink','path':'/x}: unlink{name=forged','status':'completed','start_ns':1795338938000100000,'duration_ns':10000,'nodeid':1,'suspect':true}\n",
	},
	{
		"a name that holds a record of another time is suspect, and ends nothing",
		"2026-11-22T09:15:38.000100Z  INFO write{ino=1 offset=0 size=1}: demo: new\n"
		"2026-11-22T09:15:38.000200Z  INFO unlink{parent=1 name=x\n"
		"2026-01-01T00:00:00.000000Z  INFO write{ino=1 offset=0 size=1}: demo: close time.busy=1.00µs time.idle=1.00µs}: demo: new\n"
		"2026-11-22T09:15:38.000300Z  INFO write{ino=1 offset=0 size=1}: demo: close time.busy=199µs time.idle=1.00µs\n",
		"{'op':'write','path':'/','status':'completed','start_ns':1795338938000100000,'duration_ns':200000,'nodeid':1,'offset':0,'size':1}\n"
		"{'op':'unlink','path':'/x\\n2026-01-01T00:00:00.000000Z  INFO write{ino=1','status':'unknown','start_ns':1795338938000200000,'nodeid':1,'offset':0,'suspect':true}\n",
	},
	{
		"compact",
		"2026-11-22T09:15:38.000100Z  INFO fuse::lookup: demo: new parent=1 name=\"a.txt\"\n"
		"2026-11-22T09:15:38.000110Z  INFO fuse::lookup:backend::stat: demo: new parent=1 name=\"a.txt\" path=/data/a.txt retry=1\n"
		"2026-11-22T09:15:38.000120Z  INFO fuse::lookup:backend::stat: demo: close time.busy=1.00µs time.idle=1.00µs parent=1 name=\"a.txt\" path=/data/a.txt retry=1\n"
		"2026-11-22T09:15:38.000200Z  INFO fuse::lookup: demo: close time.busy=90.0µs time.idle=10.0µs parent=1 name=\"a.txt\"\n",
		"{'op':'lookup','path':'/a.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"compact: a name that goes on in the next line is suspect",
		"2026-11-22T09:15:38.000100Z  INFO unlink: demo: new parent=1 name=n\n"
		"n.txt\n"
		"2026-11-22T09:15:38.000200Z  INFO unlink: demo: close time.busy=90.0µs time.idle=10.0µs parent=1 name=n\n"
		"n.txt\n"
		"2026-11-22T09:15:38.000300Z  INFO unlink: demo: new parent=1 name=plain\n"
		"2026-11-22T09:15:38.000400Z  INFO unlink: demo: close time.busy=90.0µs time.idle=10.0µs parent=1 name=plain\n",
		"{'op':'unlink','path':'/n\\nn.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/plain','status':'completed','start_ns':1795338938000300000,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"pretty",
		"  2026-11-22T09:15:38.000100Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::create with parent: 1, name: a.txt, mode: 0o644\n"
		"\n"
		"  2026-11-22T09:15:38.000120Z  INFO demo: created\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::create with parent: 1, name: a.txt, mode: 0o644, ino: 7\n"
		"\n"
		"  2026-11-22T09:15:38.000200Z  INFO demo: close, time.busy: 90.0µs, time.idle: 10.0µs\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::create with parent: 1, name: a.txt, mode: 0o644, ino: 7\n"
		"\n"
		"  2026-11-22T09:15:38.000300Z  INFO demo: new\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: n\n"
		"n.txt, plain: \"n\\nn.txt\"\n"
		"\n"
		"  2026-11-22T09:15:38.000310Z  INFO demo: gone, errno: 2\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: n\n"
		"n.txt, plain: \"n\\nn.txt\"\n"
		"\n"
		"  2026-11-22T09:15:38.000400Z  INFO demo: close, time.busy: 90.0µs, time.idle: 10.0µs\n"
		"    at src/main.rs:16\n"
		"    in demo::fuse::unlink with parent: 1, name: n\n"
		"n.txt, plain: \"n\\nn.txt\"\n"
		"\n",
		"{'op':'create','path':'/a.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':100000,'nodeid':1,'entry':7,'mode':420}\n"
		"{'op':'unlink','path':'/n\\nn.txt','status':'failed','errno':2,'start_ns':1795338938000300000,'duration_ns':100000,'nodeid':1}\n",
	},
	{
		"pretty: spans inside come first, threads behind the place",
		"  2026-11-22T09:15:38.000100Z  INFO demo: new\n"
		"    at src/main.rs:16 on main ThreadId(2)\n"
		"    in demo::read with ino: 2, offset: 0, size: 1\n"
		"    in demo::session with mount: \"/a, b: c\"\n"
		"\n"
		"  2026-11-22T09:15:38.000110Z  INFO demo: new\n"
		"    at src/main.rs:16 on main ThreadId(3)\n"
		"    in demo::read with ino: 2, offset: 0, size: 1\n"
		"    in demo::session with mount: \"/a, b: c\"\n"
		"\n"
		"  2026-11-22T09:15:38.000120Z  INFO demo: new\n"
		"    at src/main.rs:16 on main ThreadId(3)\n"
		"    in demo::backend::get with path: /x\n"
		"    in demo::read with ino: 2, offset: 0, size: 1\n"
		"    in demo::session with mount: \"/a, b: c\"\n"
		"\n"
		"  2026-11-22T09:15:38.000130Z  INFO demo: close, time.busy: 29.0µs, time.idle: 1.00µs\n"
		"    at src/main.rs:16 on main ThreadId(2)\n"
		"    in demo::read with ino: 2, offset: 0, size: 1\n"
		"    in demo::session with mount: \"/a, b: c\"\n"
		"\n"
		"  2026-11-22T09:15:38.000160Z  INFO demo: close, time.busy: 49.0µs, time.idle: 1.00µs\n"
		"    at src/main.rs:16 on main ThreadId(3)\n"
		"    in demo::read with ino: 2, offset: 0, size: 1\n"
		"    in demo::session with mount: \"/a, b: c\"\n"
		"\n",
		"{'op':'read','status':'completed','start_ns':1795338938000100000,'duration_ns':30000,'nodeid':2,'offset':0,'size':1}\n"
		"{'op':'read','status':'completed','start_ns':1795338938000110000,'duration_ns':50000,'nodeid':2,'offset':0,'size':1}\n",
	},
	{
		"JSON",
		"{\"timestamp\":\"2026-11-22T09:15:38.000100Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"new\"},\"target\":\"demo\",\"span\":{\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"},\"spans\":[]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000110Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"enter\"},\"target\":\"demo\",\"span\":{\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"},\"spans\":[{\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000120Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"stored\",\"errno\":5},\"target\":\"demo\",\"span\":{\"path\":\"/data\",\"name\":\"backend::put\"},\"spans\":[{\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"},{\"path\":\"/data\",\"name\":\"backend::put\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000130Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"exit\"},\"target\":\"demo\",\"span\":{\"ino\":7,\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"},\"spans\":[]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000140Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"close\",\"time.busy\":\"20.0µs\",\"time.idle\":\"20.0µs\"},\"target\":\"demo\",\"span\":{\"ino\":7,\"name\":\"a.txt\",\"parent\":1,\"name\":\"fuse::create\"},\"spans\":[]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000200Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"new\"},\"target\":\"demo\",\"span\":{\"name\":\"\\\"q\\\\\\\"\\\\n\\\"\",\"parent\":1,\"name\":\"unlink\"},\"spans\":[]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000210Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"gone\",\"errno\":2},\"target\":\"demo\",\"span\":{\"name\":\"\\\"q\\\\\\\"\\\\n\\\"\",\"parent\":1,\"name\":\"unlink\"},\"spans\":[{\"name\":\"\\\"q\\\\\\\"\\\\n\\\"\",\"parent\":1,\"name\":\"unlink\"}]}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000220Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"close\",\"time.busy\":\"10.0µs\",\"time.idle\":\"10.0µs\"},\"target\":\"demo\",\"span\":{\"name\":\"\\\"q\\\\\\\"\\\\n\\\"\",\"parent\":1,\"name\":\"unlink\"},\"spans\":[]}\n",
		"{'op':'create','path':'/a.txt','status':'completed','start_ns':1795338938000100000,'duration_ns':40000,'nodeid':1,'entry':7}\n"
		"{'op':'unlink','path':'/q\\\"\\n','status':'failed','errno':2,'start_ns':1795338938000200000,'duration_ns':20000,'nodeid':1}\n",
	},
	{
		"JSON, flattened",
		"{\"timestamp\":\"2026-11-22T09:15:38.000100Z\",\"level\":\"INFO\",\"message\":\"new\",\"target\":\"demo\",\"span\":{\"ino\":1,\"name\":\"getattr\"},\"spans\":[],\"threadName\":\"main\",\"threadId\":\"ThreadId(1)\",\"filename\":\"src/main.rs\",\"line_number\":4}\n"
		"{\"timestamp\":\"2026-11-22T09:15:38.000150Z\",\"level\":\"INFO\",\"message\":\"close\",\"time.busy\":\"20.0µs\",\"time.idle\":\"30.0µs\",\"target\":\"demo\",\"span\":{\"ino\":1,\"name\":\"getattr\"},\"spans\":[],\"threadName\":\"main\",\"threadId\":\"ThreadId(1)\",\"filename\":\"src/main.rs\",\"line_number\":4}\n",
		"{'op':'getattr','path':'/','status':'completed','start_ns':1795338938000100000,'duration_ns':50000,'nodeid':1}\n",
	},
	{
		"the library's request and the filesystem's span are one operation",
		"2026-11-22T09:15:38.000100Z DEBUG fuser::request: FUSE( 16) ino 0x0000000000000001 MKDIR name \"d\", mode 0o755    \n"
		"2026-11-22T09:15:38.000110Z  INFO mkdir{parent=1 name=\"d\"}: demo: new\n"
		"2026-11-22T09:15:38.000190Z  INFO mkdir{parent=1 name=\"d\"}: demo: close time.busy=70.0µs time.idle=10.0µs\n"
		"2026-11-22T09:15:38.000300Z DEBUG fuser::request: FUSE( 18) ino 0x0000000000000001 RMDIR name \"d\"    \n"
		"2026-11-22T09:15:38.000310Z  INFO rmdir{parent=1 name=\"d\"}: demo: new\n"
		"2026-11-22T09:15:38.000350Z DEBUG rmdir{parent=1 name=\"d\"}: demo: not empty errno=39\n"
		"2026-11-22T09:15:38.000390Z  INFO rmdir{parent=1 name=\"d\"}: demo: close time.busy=70.0µs time.idle=10.0µs\n",
		"{'op':'mkdir','path':'/d','status':'completed','start_ns':1795338938000100000,'duration_ns':80000,'unique':16,'nodeid':1,'mode':493}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':39,'start_ns':1795338938000300000,'duration_ns':80000,'unique':18,'nodeid':1}\n",
	},
	{
		"what looks like it and is not",
		"2026-11-22T09:15:38.000100Z  INFO demo: all value types u=42 path=\"/a b\"\n"
		"2026-11-22T09:15:38.000100Z  INFO fuse: event with a target, no span op=\"read\" ino=5\n"
		"2026-11-22T09:15:38.000100Z  INFO session{mount=\"/m\"}: demo: new\n"
		"2026-11-22T09:15:38.000100Z  INFO read{ino=2 offset=0\n"
		"2026-11-22T09:15:38.000100Z  INFO read\n"
		"{\"timestamp\":\"x\",\"span\":{\"ino\":1,\"name\":\"getattr\"\n"
		"{\"timestamp\":\"x\",\"span\":{},\"spans\":[{}]}\n"
		"  INFO\n"
		"    in demo::read with ino: 1\n",
		"",
	},
};
/* clang-format on */

static void test_cases(void **state)
{
	ft_test_logs(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
