/* SPDX-License-Identifier: MIT */
/* fusepy's LoggingMixIn: operations, results, and paths that are records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

/* Each operation and what it gives. */
static void test_operations(void **state)
{
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> init / ()\n"
		       "DEBUG:fuse.log-mixin:<- init None\n"
		       "DEBUG:fuse.log-mixin:-> getattr / (None,)\n"
		       "DEBUG:fuse.log-mixin:<- getattr {'st_mode': 16877, 'st_size': 4096}\n"
		       "DEBUG:fuse.log-mixin:-> access / (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access 0\n",
		       "{\"op\":\"init\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		       "{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"mode\":1}\n");
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> create /a (33188,)\n"
		       "DEBUG:fuse.log-mixin:<- create 4\n"
		       "DEBUG:fuse.log-mixin:-> write /a (b'hello\\n\\x00\\'', 3, 4)\n"
		       "DEBUG:fuse.log-mixin:<- write 8\n"
		       "DEBUG:fuse.log-mixin:-> read /a (100, 0, 4)\n"
		       "DEBUG:fuse.log-mixin:<- read b\"it's\\xff\"\n"
		       "DEBUG:fuse.log-mixin:-> flush /a (4,)\n"
		       "DEBUG:fuse.log-mixin:<- flush 0\n"
		       "DEBUG:fuse.log-mixin:-> fsync /a (0, 4)\n"
		       "DEBUG:fuse.log-mixin:<- fsync 0\n"
		       "DEBUG:fuse.log-mixin:-> release /a (4,)\n"
		       "DEBUG:fuse.log-mixin:<- release 0\n",
		       "{\"op\":\"create\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"mode\":33188}\n"
		       "{\"op\":\"write\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"offset\":3,\"size\":8,\"reply_size\":8}\n"
		       "{\"op\":\"read\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"offset\":0,\"size\":100,\"reply_size\":5}\n"
		       "{\"op\":\"flush\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4}\n"
		       "{\"op\":\"fsync\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4}\n"
		       "{\"op\":\"release\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4}\n");
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> chmod /a (33152,)\n"
		       "DEBUG:fuse.log-mixin:<- chmod None\n"
		       "DEBUG:fuse.log-mixin:-> chown /a (1, -1)\n"
		       "DEBUG:fuse.log-mixin:<- chown None\n"
		       "DEBUG:fuse.log-mixin:-> truncate /a (50, None)\n"
		       "DEBUG:fuse.log-mixin:<- truncate None\n"
		       "DEBUG:fuse.log-mixin:-> truncate /a (50, 4)\n"
		       "DEBUG:fuse.log-mixin:<- truncate None\n"
		       "DEBUG:fuse.log-mixin:-> utimens /a ((1577934245.0, 1577934245.5),)\n"
		       "DEBUG:fuse.log-mixin:<- utimens None\n",
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"mode\":33152,\"valid\":1}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"valid\":6}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"size\":50,\"valid\":8}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"size\":50,\"valid\":8}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"valid\":48}\n");
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> rename /a ('/b',)\n"
		"DEBUG:fuse.log-mixin:<- rename None\n"
		"DEBUG:fuse.log-mixin:-> link /h ('/b',)\n"
		"DEBUG:fuse.log-mixin:<- link None\n"
		"DEBUG:fuse.log-mixin:-> symlink /l ('b c',)\n"
		"DEBUG:fuse.log-mixin:<- symlink None\n"
		"DEBUG:fuse.log-mixin:-> readlink /l ()\n"
		"DEBUG:fuse.log-mixin:<- readlink 'b c'\n"
		"DEBUG:fuse.log-mixin:-> unlink /b ()\n"
		"DEBUG:fuse.log-mixin:<- unlink None\n",
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"link\",\"path\":\"/b\",\"path2\":\"/h\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"symlink\",\"path\":\"/l\",\"target\":\"b c\","
		"\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"readlink\",\"path\":\"/l\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"unlink\",\"path\":\"/b\",\"status\":\"completed\",\"errno\":0}\n");
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> mkdir /d (493,)\n"
		"DEBUG:fuse.log-mixin:<- mkdir None\n"
		"DEBUG:fuse.log-mixin:-> mknod /f (4516, 0)\n"
		"DEBUG:fuse.log-mixin:<- mknod '[Errno 30] Read-only file system'\n"
		"DEBUG:fuse.log-mixin:-> opendir /d ()\n"
		"DEBUG:fuse.log-mixin:<- opendir 0\n"
		"DEBUG:fuse.log-mixin:-> readdir /d (0,)\n"
		"DEBUG:fuse.log-mixin:<- readdir ['.', '..', 'it\\'s']\n"
		"DEBUG:fuse.log-mixin:-> releasedir /d (0,)\n"
		"DEBUG:fuse.log-mixin:<- releasedir 0\n"
		"DEBUG:fuse.log-mixin:-> rmdir /d ()\n"
		"DEBUG:fuse.log-mixin:<- rmdir \"[Errno 39] Directory not empty: '/srv/d'\"\n"
		"DEBUG:fuse.log-mixin:-> statfs / ()\n"
		"DEBUG:fuse.log-mixin:<- statfs {}\n",
		"{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		"\"mode\":493}\n"
		"{\"op\":\"mknod\",\"path\":\"/f\",\"status\":\"failed\",\"errno\":30,"
		"\"mode\":4516}\n"
		"{\"op\":\"opendir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"readdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":0}\n"
		"{\"op\":\"releasedir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":0}\n"
		"{\"op\":\"rmdir\",\"path\":\"/d\",\"status\":\"failed\",\"errno\":39}\n"
		"{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n");
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> getxattr /a ('user.k',)\n"
		"DEBUG:fuse.log-mixin:<- getxattr b'v'\n"
		"DEBUG:fuse.log-mixin:-> setxattr /a ('user.k', b'v', 0)\n"
		"DEBUG:fuse.log-mixin:<- setxattr '[Errno 95] Operation not supported'\n"
		"DEBUG:fuse.log-mixin:-> listxattr /a ()\n"
		"DEBUG:fuse.log-mixin:<- listxattr ['user.k']\n"
		"DEBUG:fuse.log-mixin:-> removexattr /a ('user.k',)\n"
		"DEBUG:fuse.log-mixin:<- removexattr 0\n"
		"DEBUG:fuse.log-mixin:-> ioctl /a (21505, 140734226162976, 4, 0, None)\n"
		"DEBUG:fuse.log-mixin:<- ioctl '[Errno 25] Inappropriate ioctl for device'\n",
		"{\"op\":\"getxattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"completed\",\"errno\":0,\"reply_size\":1}\n"
		"{\"op\":\"setxattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"failed\",\"errno\":95,\"size\":1,\"flags\":0}\n"
		"{\"op\":\"listxattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"removexattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"ioctl\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":25,"
		"\"probe\":true}\n");
}

/* What an end may tell. */
static void test_results(void **state)
{
	/* a negative number */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> access /a (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access -13\n",
		       "{\"op\":\"access\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":13,"
		       "\"mode\":1}\n");
	/* an error without a number; a link's target that looks like one */
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> access /a (1,)\n"
		"DEBUG:fuse.log-mixin:<- access 'no such thing'\n"
		"DEBUG:fuse.log-mixin:-> readlink /l ()\n"
		"DEBUG:fuse.log-mixin:<- readlink '[Errno 2] No such file or directory'\n"
		"DEBUG:fuse.log-mixin:-> readlink /l ()\n"
		"DEBUG:fuse.log-mixin:<- readlink 'no such thing'\n",
		"{\"op\":\"access\",\"path\":\"/a\",\"status\":\"unknown\",\"mode\":1}\n"
		"{\"op\":\"readlink\",\"path\":\"/l\",\"status\":\"failed\",\"errno\":2,"
		"\"suspect\":true}\n"
		"{\"op\":\"readlink\",\"path\":\"/l\",\"status\":\"completed\",\"errno\":0}\n");
	/* an exception: EINVAL, once fusepy says so */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> access /a (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access '[Unhandled Exception]'\n"
		       "ERROR:fuse:Uncaught exception from FUSE operation access,"
		       " returning errno.EINVAL.\n"
		       "Traceback (most recent call last):\n"
		       "  File \"fusepy.py\", line 734, in _wrapper\n"
		       "    return func(*args, **kwargs) or 0\n"
		       "ValueError: x\n"
		       "DEBUG:fuse.log-mixin:-> access /b (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access '[Unhandled Exception]'\n",
		       "{\"op\":\"access\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":22,"
		       "\"mode\":1}\n"
		       "{\"op\":\"access\",\"path\":\"/b\",\"status\":\"unknown\",\"mode\":1}\n");
	/* an end without a begin; a begin without an end */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:<- access 0\n"
		       "DEBUG:fuse.log-mixin:-> access /a (1,)\n",
		       "{\"op\":\"access\",\"path\":\"/a\",\"status\":\"unknown\",\"mode\":1}\n");
}

/* They are no records, and records between their lines are. */
static void test_tracebacks(void **state)
{
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> getattr /x (None,)\n"
		"DEBUG:fuse.log-mixin:<- getattr \"[Errno 2] No such file or directory: '/srv/x"
		"'\"\n"
		"DEBUG:fuse:FUSE operation getattr raised a <class 'FileNotFoundError'>,"
		" returning errno 2.\n"
		"Traceback (most recent call last):\n"
		"  File \"/usr/lib/python3/dist-packages/fusepy.py\", line 734, in _wrapper\n"
		"    return func(*args, **kwargs) or 0\n"
		"           ^^^^^^^^^^^^^^^^^^^^^\n"
		"FileNotFoundError: [Errno 2] No such file or directory: '/srv/x'\n"
		"DEBUG:fuse.log-mixin:-> access / (1,)\n"
		"DEBUG:fuse.log-mixin:<- access 0\n",
		"{\"op\":\"getattr\",\"path\":\"/x\",\"status\":\"failed\",\"errno\":2,"
		"\"probe\":true}\n"
		"{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"mode\":1}\n");
}

/* Paths as they are, arguments quoted. */
static void test_names(void **state)
{
	/* blanks and brackets */
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> getattr /a (1,) b (None,)\n"
		"DEBUG:fuse.log-mixin:<- getattr {}\n"
		"DEBUG:fuse.log-mixin:-> rename /a ('x', (1,) ('/b (2,)',)\n"
		"DEBUG:fuse.log-mixin:<- rename None\n"
		"DEBUG:fuse.log-mixin:-> getattr /() () (4,)\n"
		"DEBUG:fuse.log-mixin:<- getattr {}\n",
		"{\"op\":\"getattr\",\"path\":\"/a (1,) b\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"rename\",\"path\":\"/a ('x', (1,)\",\"path2\":\"/b (2,)\","
		"\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/() ()\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":4}\n");
	/* newlines and CR */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> getattr /n\r\n"
		       "n\n"
		       ".txt (None,)\n"
		       "DEBUG:fuse.log-mixin:<- getattr {}\n"
		       "DEBUG:fuse.log-mixin:-> write /x\n"
		       "unique: 99999, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1 (b'x', 0,"
		       " 4)\n"
		       "DEBUG:fuse.log-mixin:<- write 1\n",
		       "{\"op\":\"getattr\",\"path\":\"/n\\r\\nn\\n.txt\",\"status\":\"completed\","
		       "\"errno\":0}\n"
		       "{\"op\":\"write\",\"path\":\"/x\\nunique: 99999, opcode: UNLINK (10),"
		       " nodeid: 1, insize: 45, pid: 1\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"offset\":0,\"size\":1,\"reply_size\":1}\n");
	/* as Python quotes them; bytes that are no UTF-8 are surrogates */
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> rename /a ('/n\\nn \\'q\\' \\x1b[31m \\\\ \\u65e5 \\xf"
		"c \\U0001f600',)\n"
		"DEBUG:fuse.log-mixin:<- rename None\n"
		"DEBUG:fuse.log-mixin:-> rename /a ('/i\\udcff\\udcfe',)\n"
		"DEBUG:fuse.log-mixin:<- rename None\n",
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/n\\nn 'q' \\u001b[31m \\\\ "
		"\346\227\245 \303\274 \360\237\230\200\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/i\357\277\275\357\277\275\","
		"\"path2_bytes\":\"L2n//g==\",\"status\":\"completed\",\"errno\":0}\n");
	/* raw bytes */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> getattr /i\377\376 (None,)\n"
		       "DEBUG:fuse.log-mixin:<- getattr {}\n",
		       "{\"op\":\"getattr\",\"path\":\"/i\357\277\275\357\277\275\","
		       "\"path_bytes\":\"L2n//g==\",\"status\":\"completed\",\"errno\":0}\n");
}

/* Where a path may have been a record, all that overlap are suspect. */
static void test_forged(void **state)
{
	FT_TEST_LOG_IS(
		"DEBUG:fuse.log-mixin:-> unlink /a ()\n"
		"DEBUG:fuse.log-mixin:-> unlink /victim ()\n"
		"DEBUG:fuse.log-mixin:<- unlink None\n"
		"DEBUG:fuse.log-mixin:-> access / (1,)\n"
		"DEBUG:fuse.log-mixin:<- access 0\n",
		"{\"op\":\"unlink\",\"path\":\"/victim\",\"status\":\"completed\",\"errno\":0,"
		"\"suspect\":true}\n"
		"{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"mode\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"unknown\"}\n");
	/* the end of a name that imitates a record is none */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> getattr /a (1,)\n"
		       "DEBUG:fuse.log-mixin:-> unlink  (None,)\n"
		       "DEBUG:fuse.log-mixin:<- getattr {}\n",
		       "{\"op\":\"getattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":1}\n");
	/* threads */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> read /a (10, 0, 4)\n"
		       "DEBUG:fuse.log-mixin:-> read /b (10, 0, 5)\n"
		       "DEBUG:fuse.log-mixin:<- read b''\n"
		       "DEBUG:fuse.log-mixin:<- read b'x'\n"
		       "DEBUG:fuse.log-mixin:-> access / (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access 0\n",
		       "{\"op\":\"read\",\"path\":\"/b\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":5,\"offset\":0,\"size\":10,\"reply_size\":0,\"suspect\":true}\n"
		       "{\"op\":\"read\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"offset\":0,\"size\":10,\"reply_size\":1,\"suspect\":true}\n"
		       "{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"mode\":1}\n");
}

static void test_streams(void **state)
{
	/* other loggers, and none */
	FT_TEST_LOG_IS("2026-11-22 09:15:38,549 fuse.log-mixin DEBUG -> getattr / (None,)\n"
		       "2026-11-22 09:15:38,551 fuse.log-mixin DEBUG <- getattr {}\n"
		       "-> access / (1,)\n"
		       "<- access 0\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"start_ns\":1795338938549000000,\"duration_ns\":2000000}\n"
		       "{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"mode\":1}\n");
	/* with libfuse's own text, which tells more */
	FT_TEST_LOG_IS("unique: 4, opcode: READ (15), nodeid: 2, insize: 80, pid: 7\n"
		       "read[4] 100 bytes from 0 flags: 0x8000\n"
		       "DEBUG:fuse.log-mixin:-> read /a (100, 0, 4)\n"
		       "DEBUG:fuse.log-mixin:<- read b'hello'\n"
		       "   read[4] 5 bytes from 0\n"
		       "   unique: 4, success, outsize: 21\n",
		       "{\"op\":\"read\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":4,\"nodeid\":2,\"fh\":4,\"offset\":0,\"size\":100,"
		       "\"reply_size\":5}\n");
	/* a line that was torn swallows no more than a path may hold */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> getattr /a (No\n"
		       "DEBUG:fuse.log-mixin:-> access / (1,)\n"
		       "DEBUG:fuse.log-mixin:<- access 0\n",
		       "{\"op\":\"getattr\",\"path\":\"/a (No\\nDEBUG:fuse.log-mixin:-> access /\","
		       "\"status\":\"unknown\",\"fh\":1,\"suspect\":true}\n");
	/* cut off */
	FT_TEST_LOG_IS("DEBUG:fuse.log-mixin:-> getattr / (None,)\n"
		       "DEBUG:fuse.log-mixin:<- geta",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\"}\n");
}

/* Hundreds of kilobytes of a file in one line. */
static void test_long_line(void **state)
{
	const size_t bytes = 100000;
	char *log = malloc(4 * bytes + 200);
	char *at = log;

	assert_non_null(log);
	at = stpcpy(at, "DEBUG:fuse.log-mixin:-> write /a (b'");
	for (size_t i = 0; i < bytes; i++)
		at = stpcpy(at, "\\x00");
	at = stpcpy(at, "', 0, 4)\nDEBUG:fuse.log-mixin:<- write 100000\n");
	ft_test_log_is(log, (size_t)(at - log),
		       "{\"op\":\"write\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":4,\"offset\":0,\"size\":100000,\"reply_size\":100000}\n");
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations), cmocka_unit_test(test_results),
		cmocka_unit_test(test_tracebacks), cmocka_unit_test(test_names),
		cmocka_unit_test(test_forged),     cmocka_unit_test(test_streams),
		cmocka_unit_test(test_long_line),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
