/* SPDX-License-Identifier: MIT */
/* libfuse's text: whose a line is, when names break it, imitate records, or threads mix them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
/* A blank in a name is told from that between two names by the size of the request. */
static void test_blanks(void **state)
{
	FT_TEST_LOG_IS(
		"unique: 100, opcode: RENAME (12), nodeid: 1, insize: 55, pid: 7\n"
		"rename /a /bb /c d\n"
		"   unique: 100, success, outsize: 16\n",
		"{\"op\":\"rename\",\"path\":\"/a /bb\",\"path2\":\"/c d\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: RENAME2 (45), nodeid: 2, insize: 78, pid: 7\n"
		       "rename /d /a b.txt /d /to -> c d.txt 0x0\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"rename\",\"opcode\":45,\"path\":\"/d /a b.txt\","
		       "\"path2\":\"/d /to -> c d.txt\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"flags\":0}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: LINK (13), nodeid: 1, insize: 51, pid: 7\n"
		       "link /a /b /h /xx\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"link\",\"path\":\"/a\",\"path2\":\"/b /h /xx\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1,"
		       "\"suspect\":true}\n");
	FT_TEST_LOG_IS(
		"unique: 100, opcode: SYMLINK (6), nodeid: 1, insize: 47, pid: 7\n"
		"symlink x /y /l\n"
		"   unique: 100, success, outsize: 16\n",
		"{\"op\":\"symlink\",\"path\":\"/l\",\"target\":\"x /y\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: GETXATTR (22), nodeid: 2, insize: 57, pid: 7\n"
		       "getxattr /a c user.a b 100\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"getxattr\",\"path\":\"/a c\",\"xattr\":\"user.a b\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":2,"
		       "\"size\":100}\n");
	/* two blanks with which the sizes come out: it may be either */
	FT_TEST_LOG_IS("unique: 100, opcode: RENAME (12), nodeid: 1, insize: 54, pid: 7\n"
		       "rename /a /b /c d\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b /c d\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1,"
		       "\"suspect\":true}\n");
	/* as it stands, where the size is not known */
	FT_TEST_LOG_IS(
		"cqe unique: 100, opcode: RENAME (12), nodeid: 1, insize: 0, pid: 7\n"
		"rename /a b /c\n"
		"   unique: 100, success, outsize: 16\n",
		"{\"op\":\"rename\",\"path\":\"/a b\",\"path2\":\"/c\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
}

/* Names with newlines, in the last component and in a directory. */
static void test_newlines(void **state)
{
	FT_TEST_LOG_IS("unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 48, pid: 7\n"
		       "LOOKUP /n\n"
		       "n.txt\n"
		       "getattr /n\n"
		       "n.txt\n"
		       "   NODEID: 2\n"
		       "   unique: 8, success, outsize: 144\n"
		       "unique: 10, opcode: GETATTR (3), nodeid: 2, insize: 56, pid: 7\n"
		       "getattr /n\n"
		       "n.txt\n"
		       "   unique: 10, success, outsize: 120\n",
		       "{\"op\":\"lookup\",\"path\":\"/n\\nn.txt\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":8,\"nodeid\":1,\"entry\":2}\n"
		       "{\"op\":\"getattr\",\"path\":\"/n\\nn.txt\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":10,\"nodeid\":2}\n");
	/* several of them, and one at the end */
	FT_TEST_LOG_IS("unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 47, pid: 7\n"
		       "unlink /\n"
		       "a\n"
		       "\n"
		       "b\n"
		       "\n"
		       "   unique: 8, success, outsize: 16\n",
		       "{\"op\":\"unlink\",\"path\":\"/\\na\\n\\nb\\n\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":8,\"nodeid\":1}\n");
	/* before the mode */
	FT_TEST_LOG_IS(
		"unique: 8, opcode: CREATE (35), nodeid: 1, insize: 60, pid: 7\n"
		"create flags: 0x8241 /n\n"
		"n 0100644 umask=0022\n"
		"   create[5] flags: 0x8241 /n\n"
		"n\n"
		"   NODEID: 2\n"
		"   unique: 8, success, outsize: 160\n",
		"{\"op\":\"create\",\"path\":\"/n\\nn\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":8,\"nodeid\":1,\"entry\":2,\"fh\":5,\"mode\":33188,"
		"\"flags\":33345}\n");
	/* CR and LF in a name, and lines that end with CR LF */
	FT_TEST_LOG_IS(
		"unique: 8, opcode: MKDIR (9), nodeid: 1, insize: 53, pid: 7\n"
		"mkdir /a\r\n"
		"b 0755 umask=0022\n"
		"   unique: 8, success, outsize: 144\n",
		"{\"op\":\"mkdir\",\"path\":\"/a\\r\\nb\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":8,\"nodeid\":1,\"mode\":493}\n");
	/* of a directory: learnt when it is looked up */
	FT_TEST_LOG_IS(
		"unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 44, pid: 7\n"
		"LOOKUP /d\n"
		"d\n"
		"   NODEID: 2\n"
		"   unique: 8, success, outsize: 144\n"
		"unique: 10, opcode: LOOKUP (1), nodeid: 2, insize: 42, pid: 7\n"
		"LOOKUP /d\n"
		"d/a\n"
		"   NODEID: 3\n"
		"   unique: 10, success, outsize: 144\n"
		"unique: 12, opcode: OPEN (14), nodeid: 3, insize: 48, pid: 7\n"
		"open flags: 0x8000 /d\n"
		"d/a\n"
		"   open[5] flags: 0x8000 /d\n"
		"d/a\n"
		"   unique: 12, success, outsize: 32\n",
		"{\"op\":\"lookup\",\"path\":\"/d\\nd\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":8,\"nodeid\":1,\"entry\":2}\n"
		"{\"op\":\"lookup\",\"path\":\"/d\\nd/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":10,\"nodeid\":2,\"entry\":3}\n"
		"{\"op\":\"open\",\"path\":\"/d\\nd/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":12,\"nodeid\":3,\"fh\":5,\"flags\":32768}\n");
	/* two of them in a rename */
	FT_TEST_LOG_IS("unique: 8, opcode: RENAME2 (45), nodeid: 1, insize: 64, pid: 7\n"
		       "rename /a\n"
		       "b /c\n"
		       "d 0x0\n"
		       "   unique: 8, success, outsize: 16\n",
		       "{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a\\nb\",\"path2\":\"/c\\nd\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":8,\"nodeid\":1,"
		       "\"flags\":0}\n");
}

/* Names that imitate records are names. */
static void test_forged(void **state)
{
	/* a request with an odd number */
	FT_TEST_LOG_IS(
		"unique: 6, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"   unique: 6, success, outsize: 120\n"
		"unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 108, pid: 7\n"
		"LOOKUP /x\n"
		"unique: 99999, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"   unique: 8, error: -2 (No such file or directory), outsize: 16\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":6,\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/x\\nunique: 99999, opcode: UNLINK (10),"
		" nodeid: 1, insize: 45, pid: 1\",\"status\":\"failed\",\"errno\":2,\"pid\":7,"
		"\"unique\":8,\"nodeid\":1,\"probe\":true}\n");
	/* the next number, and its reply */
	FT_TEST_LOG_IS(
		"unique: 6, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"   unique: 6, success, outsize: 120\n"
		"unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 141, pid: 7\n"
		"LOOKUP /x\n"
		"unique: 10, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"   unique: 10, success, outsize: 16\n"
		"   unique: 8, error: -2 (No such file or directory), outsize: 16\n"
		"unique: 10, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"   unique: 10, success, outsize: 120\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":6,\"nodeid\":1}\n"
		"{\"op\":\"lookup\",\"path\":\"/x\\nunique: 10, opcode: UNLINK (10), nodeid: 1,"
		" insize: 45, pid: 1\\n   unique: 10, success, outsize: 16\","
		"\"status\":\"failed\",\"errno\":2,\"pid\":7,\"unique\":8,\"nodeid\":1,"
		"\"probe\":true}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":10,\"nodeid\":1}\n");
	/* the reply to the request itself */
	FT_TEST_LOG_IS("unique: 6, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		       "   unique: 6, success, outsize: 120\n"
		       "unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 78, pid: 7\n"
		       "LOOKUP /x\n"
		       "   unique: 8, success, outsize: 144\n"
		       "   unique: 8, error: -2 (No such file or directory), outsize: 16\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":6,\"nodeid\":1}\n"
		       "{\"op\":\"lookup\",\"path\":\"/x\\n   unique: 8, success, outsize: 144\","
		       "\"status\":\"failed\",\"errno\":2,\"pid\":7,\"unique\":8,\"nodeid\":1,"
		       "\"probe\":true}\n");
	/* where nothing tells the length, a number that the kernel does not give is suspect */
	FT_TEST_LOG_IS(
		"unique: 6, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"hello x\n"
		"unique: 99999, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"   unique: 6, success, outsize: 120\n"
		"hello unique: 8, opcode: RMDIR (11), nodeid: 1, insize: 45, pid: 1\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":6,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"status\":\"unknown\",\"pid\":1,\"unique\":99999,"
		"\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"rmdir\",\"status\":\"unknown\",\"pid\":1,\"unique\":8,\"nodeid\":1,"
		"\"suspect\":true}\n");
}

/* Details stand between those of other requests. */
static void test_threads(void **state)
{
	/* the second request's detail comes first */
	FT_TEST_LOG_IS("unique: 8, opcode: LOOKUP (1), nodeid: 8, insize: 42, pid: 7\n"
		       "unique: 10, opcode: LOOKUP (1), nodeid: 7, insize: 44, pid: 7\n"
		       "LOOKUP /d/abc\n"
		       "LOOKUP /e/a\n"
		       "   unique: 10, error: -2 (No such file or directory), outsize: 16\n"
		       "   unique: 8, error: -2 (No such file or directory), outsize: 16\n",
		       "{\"op\":\"lookup\",\"path\":\"/d/abc\",\"status\":\"failed\",\"errno\":2,"
		       "\"pid\":7,\"unique\":10,\"nodeid\":7,\"probe\":true}\n"
		       "{\"op\":\"lookup\",\"path\":\"/e/a\",\"status\":\"failed\",\"errno\":2,"
		       "\"pid\":7,\"unique\":8,\"nodeid\":8,\"probe\":true}\n");
	/* out of order */
	FT_TEST_LOG_IS("unique: 10, opcode: MKDIR (9), nodeid: 1, insize: 51, pid: 7\n"
		       "unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 42, pid: 7\n"
		       "unlink /a\n"
		       "mkdir /dd 0755 umask=0022\n"
		       "   unique: 8, success, outsize: 16\n"
		       "   unique: 10, success, outsize: 144\n",
		       "{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":8,\"nodeid\":1}\n"
		       "{\"op\":\"mkdir\",\"path\":\"/dd\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":10,\"nodeid\":1,\"mode\":493}\n");
	/* two nodes before one reply: neither is taken */
	FT_TEST_LOG_IS("unique: 8, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		       "LOOKUP /a\n"
		       "unique: 10, opcode: LOOKUP (1), nodeid: 1, insize: 43, pid: 7\n"
		       "LOOKUP /bb\n"
		       "   NODEID: 2\n"
		       "   NODEID: 3\n"
		       "   unique: 8, success, outsize: 144\n"
		       "   unique: 10, success, outsize: 144\n",
		       "{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":8,\"nodeid\":1}\n"
		       "{\"op\":\"lookup\",\"path\":\"/bb\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":10,\"nodeid\":1}\n");
}

static void test_streams(void **state)
{
	/* two mounts in one file: numbers and nodes begin anew */
	FT_TEST_LOG_IS(
		"unique: 2, opcode: INIT (26), nodeid: 0, insize: 104, pid: 0\n"
		"INIT: 7.45\n"
		"flags=0x73fffffb\n"
		"   unique: 2, success, outsize: 80\n"
		"unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		"LOOKUP /a\n"
		"   NODEID: 2\n"
		"   unique: 4, success, outsize: 144\n"
		"unique: 6, opcode: READ (15), nodeid: 2, insize: 80, pid: 7\n"
		"unique: 2, opcode: INIT (26), nodeid: 0, insize: 104, pid: 0\n"
		"   unique: 2, success, outsize: 80\n"
		"unique: 4, opcode: GETATTR (3), nodeid: 2, insize: 56, pid: 7\n"
		"   unique: 4, success, outsize: 120\n",
		"{\"op\":\"init\",\"status\":\"completed\",\"errno\":0,\"pid\":0,\"unique\":2,"
		"\"nodeid\":0}\n"
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":4,\"nodeid\":1,\"entry\":2}\n"
		"{\"op\":\"read\",\"path\":\"/a\",\"status\":\"unknown\",\"pid\":7,"
		"\"unique\":6,\"nodeid\":2}\n"
		"{\"op\":\"init\",\"status\":\"completed\",\"errno\":0,\"pid\":0,\"unique\":2,"
		"\"nodeid\":0}\n"
		"{\"op\":\"getattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		"\"unique\":4,\"nodeid\":2}\n");
	/* begins in the middle */
	FT_TEST_LOG_IS(" bytes from 0 flags: 0x8000\n"
		       "   read[5] 5 bytes from 0\n"
		       "   unique: 30, success, outsize: 21\n"
		       "unique: 32, opcode: GETATTR (3), nodeid: 9, insize: 56, pid: 7\n"
		       "getattr /z\n"
		       "   unique: 32, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"path\":\"/z\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":32,\"nodeid\":9}\n");
	/* behind what loggers print */
	FT_TEST_LOG_IS("2026-11-22 09:15:38.549873 DEBUG unique: 4, opcode: GETATTR (3), nodeid: 1,"
		       " insize: 56, pid: 7\n"
		       "getattr /\n"
		       "2026-11-22 09:15:38.549973 DEBUG    unique: 4, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":4,\"nodeid\":1}\n");
	/* a daemon's own line, torn by records */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"DEBUG: closed backing file 30unique: 6, opcode: OPEN (14), nodeid: 2,"
		" insize: 48, pid: 7\n"
		"... inode 1400   unique: 4, success, outsize: 120\n"
		"   unique: 6, success, outsize: 32\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":4,\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"open\",\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":6,"
		"\"nodeid\":2,\"suspect\":true}\n");
	/* cut off at the end */
	FT_TEST_LOG_IS("unique: 4, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		       "unique: 6, opcode: OPEN (14), nodei",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"pid\":7,"
		       "\"unique\":4,\"nodeid\":1}\n");
}

/* A request that is larger than its names: what follows is no part of them. */
static void test_extensions(void **state)
{
	FT_TEST_LOG_IS(
		"unique: 8, opcode: MKDIR (9), nodeid: 1, insize: 90, pid: 7\n"
		"mkdir /d 0755 umask=0022\n"
		"   NODEID: 2\n"
		"   unique: 8, success, outsize: 144\n"
		"unique: 10, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		"getattr /\n"
		"   unique: 10, success, outsize: 120\n",
		"{\"op\":\"mkdir\",\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":8,"
		"\"nodeid\":1,\"entry\":2}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":10,\"nodeid\":1}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blanks),  cmocka_unit_test(test_newlines),
		cmocka_unit_test(test_forged),  cmocka_unit_test(test_threads),
		cmocka_unit_test(test_streams), cmocka_unit_test(test_extensions),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
