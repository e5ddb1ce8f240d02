/* SPDX-License-Identifier: MIT */
/* s3fs: operations that begin, and paths that look like fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

static void test_operations(void **state)
{
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/]\n"
		"2026-11-22T09:19:05.197Z [DBG] s3fs.cpp:s3fs_getattr(801): [path=/] uid=0,"
		" gid=0, mode=40700\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_access(3455): [path=/d][mask=R_OK"
		" X_OK ]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_create(964): [path=/d/a.txt][mode"
		"=100644][flags=0x8241]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_flush(2398): [path=/d/a.txt][pseu"
		"do_fd=2]\n"
		"2026-11-22T09:19:05.197Z [DBG] s3fs.cpp:s3fs_write(2353): [path=/d/a.txt][size"
		"=5][offset=7][pseudo_fd=2]\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000}\n"
		"{\"op\":\"access\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"mode\":5}\n"
		"{\"op\":\"create\",\"path\":\"/d/a.txt\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"mode\":33188,\"flags\":33345}\n"
		"{\"op\":\"flush\",\"path\":\"/d/a.txt\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"fh\":2}\n"
		"{\"op\":\"write\",\"path\":\"/d/a.txt\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"fh\":2,\"offset\":7,\"size\":5}\n");
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_rename(1570): [from=/d/a.txt][to="
		"/d/b.txt]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_link(1621): [from=/d/b.txt][to=/d"
		"/hard]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_symlink(1173): [from=b.txt][to=/d"
		"/sym]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_chmod(1636): [path=/d][mode=10060"
		"0]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_chown(1807): [path=/d][uid=1][gid"
		"=1]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_truncate(2186): [path=/d][size=50"
		"]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_utimens(1992): [path=/d][mtime=15"
		"77934245][ctime/atime=1577934245]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_utimens(2062): meta is not pendin"
		"g, but need to keep current mtime.\n",
		"{\"op\":\"rename\",\"path\":\"/d/a.txt\",\"path2\":\"/d/b.txt\","
		"\"status\":\"unknown\",\"start_ns\":1795339145197000000}\n"
		"{\"op\":\"link\",\"path\":\"/d/b.txt\",\"path2\":\"/d/hard\","
		"\"status\":\"unknown\",\"start_ns\":1795339145197000000}\n"
		"{\"op\":\"symlink\",\"path\":\"/d/sym\",\"target\":\"b.txt\","
		"\"status\":\"unknown\",\"start_ns\":1795339145197000000}\n"
		"{\"op\":\"setattr\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"mode\":33152,\"valid\":1}\n"
		"{\"op\":\"setattr\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"valid\":6}\n"
		"{\"op\":\"setattr\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"size\":50,\"valid\":8}\n"
		"{\"op\":\"setattr\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"valid\":48}\n");
	/* what is no operation */
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_init(3382): init v1.90\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_check_service(3516): check servic"
		"es.\n"
		"2026-11-22T09:19:05.197Z [WAN] s3fs.cpp:s3fs_release(2489): file(/d/b.txt) is "
		"still opened(another pseudo fd is opend).\n"
		"2026-11-22T09:19:05.129Z [INF]       curl.cpp:HeadRequest(3044): [tpath=/d]\n",
		"");
}

/* Paths as they are. */
static void test_names(void **state)
{
	/* fields in a name are told from fields by what the operation has */
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/a][mode=1]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_read(2325): [path=/a][size=9][siz"
		"e=5][offset=0][pseudo_fd=2]\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_flush(2398): [path=/a]b[][pseudo_"
		"fd=2]\n",
		"{\"op\":\"getattr\",\"path\":\"/a][mode=1\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000}\n"
		"{\"op\":\"read\",\"path\":\"/a][size=9\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"fh\":2,\"offset\":0,\"size\":5}\n"
		"{\"op\":\"flush\",\"path\":\"/a]b[\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000,\"fh\":2}\n");
	/* newlines */
	FT_TEST_LOG_IS("2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/n\n"
		       "n\r\n"
		       ".txt]\n"
		       "2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(801): [path=/n\n"
		       "n] uid=0, gid=0, mode=40700\n"
		       "2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_create(964): [path=/x\n"
		       "unique: 99999, opcode: UNLINK (10), nodeid: 1, insize: 45,"
		       " pid: 1][mode=100644][flags=0x8241]\n",
		       "{\"op\":\"getattr\",\"path\":\"/n\\nn\\r\\n.txt\",\"status\":\"unknown\","
		       "\"start_ns\":1795339145197000000}\n"
		       "{\"op\":\"create\",\"path\":\"/x\\nunique: 99999, opcode: UNLINK (10),"
		       " nodeid: 1, insize: 45, pid: 1\",\"status\":\"unknown\","
		       "\"start_ns\":1795339145197000000,\"mode\":33188,\"flags\":33345}\n");
	/* which of them is the second path cannot be told */
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_rename(1570): [from=/a][to=/b][to"
		"=/c]\n",
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b][to=/c\","
		"\"status\":\"unknown\",\"start_ns\":1795339145197000000,\"suspect\":true}\n");
	/* raw bytes */
	FT_TEST_LOG_IS(
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/\033[31m\377"
		"\376\"]\n",
		"{\"op\":\"getattr\",\"path\":\"/\\u001b[31m\357\277\275\357\277\275\\\"\","
		"\"path_bytes\":\"LxtbMzFt//4i\",\"status\":\"unknown\","
		"\"start_ns\":1795339145197000000}\n");
}

static void test_streams(void **state)
{
	/* with libfuse's own text */
	FT_TEST_LOG_IS("unique: 4, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		       "getattr /\n"
		       "2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/]\n"
		       "   unique: 4, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"start_ns\":1795339145197000000,\"pid\":7,\"unique\":4,\"nodeid\":1}\n");
	/* torn by it */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: OPEN (14), nodeid: 2, insize: 48, pid: 7\n"
		"open flags: 0x8000 /a\n"
		"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_open(2252): [path=/a][fl   unique"
		": 4, success, outsize: 32\n"
		"ags=0x8000]\n",
		"{\"op\":\"open\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":4,\"nodeid\":2,\"flags\":32768,\"suspect\":true}\n");
	/* cut off */
	FT_TEST_LOG_IS("2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [path=/]\n"
		       "2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_getattr(778): [pa",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		       "\"start_ns\":1795339145197000000}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_streams),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
