/* SPDX-License-Identifier: MIT */
/* unionfs-fuse's debug file: what goes in and out, descriptors, paths over lines. */
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
	FT_TEST_LOG_IS("unionfs_getattr(): 195: /\n"
		       "find_rorw_branch(): 104: /\n"
		       "find_branch(): 74: return 0\n"
		       "unionfs_getattr(): 215: return 0\n"
		       "unionfs_getattr(): 195: /d\n"
		       "unionfs_getattr(): 198: return -2\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		       "{\"op\":\"getattr\",\"path\":\"/d\",\"status\":\"failed\",\"errno\":2,"
		       "\"probe\":true}\n");
	/* descriptors */
	FT_TEST_LOG_IS(
		"unionfs_create(): 121: /a\n"
		"unionfs_create(): 144: fd = 7\n"
		"unionfs_create(): 145: return 0\n"
		"unionfs_write(): 702: fd = 7\n"
		"unionfs_write(): 707: return 5\n"
		"unionfs_read(): 403: fd = 7\n"
		"unionfs_read(): 409: return -5\n"
		"unionfs_release(): 431: fd = 7\n"
		"unionfs_release(): 436: return 0\n"
		"unionfs_flush(): 155: fd = 7\n"
		"unionfs_flush(): 169: return 0\n",
		"{\"op\":\"create\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7}\n"
		"{\"op\":\"write\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7,\"reply_size\":5}\n"
		"{\"op\":\"read\",\"path\":\"/a\",\"status\":\"failed\",\"errno\":5,\"fh\":7}\n"
		"{\"op\":\"release\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7}\n"
		"{\"op\":\"flush\",\"status\":\"completed\",\"errno\":0,\"fh\":7}\n");
	/* two paths */
	FT_TEST_LOG_IS(
		"unionfs_rename(): 445: from /a to /b\n"
		"unionfs_rename(): 515: return 0\n"
		"unionfs_link(): 246: from /a to /b\n"
		"unionfs_link(): 255: from branch: 0 to branch: 0\n"
		"unionfs_link(): 267: return 0\n"
		"unionfs_symlink(): 641: from a b to /c\n"
		"unionfs_symlink(): 655: return 0\n"
		"unionfs_rename(): 445: from /a to /b to /c\n"
		"unionfs_rename(): 515: return 0\n",
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"link\",\"path\":\"/a\",\"path2\":\"/b\",\"status\":\"completed\","
		"\"errno\":0}\n"
		"{\"op\":\"symlink\",\"path\":\"/c\",\"target\":\"a b\","
		"\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b to /c\","
		"\"status\":\"completed\",\"errno\":0,\"suspect\":true}\n");
	/* what returns in silence, and what forgets the newline */
	FT_TEST_LOG_IS("unionfs_rmdir(): 89: /d\n"
		       "unionfs_getattr(): 195: /\n"
		       "unionfs_getattr(): 215: return 0\n"
		       "Got ioctl: 21505\n"
		       "unionfs_ioctl(): 299: Unknown ioctl: 21505unionfs_flush(): 155: fd = 7\n"
		       "unionfs_flush(): 169: return 0\n",
		       "{\"op\":\"rmdir\",\"path\":\"/d\",\"status\":\"unknown\"}\n"
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		       "{\"op\":\"ioctl\",\"status\":\"unknown\"}\n"
		       "{\"op\":\"flush\",\"status\":\"completed\",\"errno\":0,\"fh\":7}\n");
	/* two threads' beginnings in one line, and their texts in two */
	FT_TEST_LOG_IS("unionfs_release(): 431: unionfs_open(): 371: /a\n"
		       "fd = 8\n"
		       "unionfs_release(): 436: return 0\n"
		       "unionfs_open(): 398: fd = 7\n"
		       "unionfs_open(): 399: return 0\n"
		       "unionfs_release(): 431: fd = 7\n"
		       "unionfs_open(): 371: unionfs_release(): 436: /b\n"
		       "return 0\n"
		       "unionfs_open(): 398: fd = 7\n"
		       "unionfs_open(): 399: return 0\n",
		       "{\"op\":\"release\",\"status\":\"completed\",\"errno\":0,\"fh\":8,"
		       "\"suspect\":true}\n"
		       "{\"op\":\"open\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":7,\"suspect\":true}\n"
		       "{\"op\":\"release\",\"status\":\"completed\",\"errno\":0,\"fh\":7,"
		       "\"suspect\":true}\n"
		       "{\"op\":\"open\",\"path\":\"/b\",\"status\":\"completed\",\"errno\":0,"
		       "\"fh\":7,\"suspect\":true}\n");
	/* a line in the middle of another one */
	FT_TEST_LOG_IS("unionfs_release(): 431: fd = 7\n"
		       "unionfs_release(): 436: find_branch(): 74: return 0\n"
		       "return 0\n",
		       "{\"op\":\"release\",\"status\":\"completed\",\"errno\":0,\"fh\":7}\n");
}

/* Paths as they are, which may go on in the next line. */
static void test_names(void **state)
{
	FT_TEST_LOG_IS("unionfs_getattr(): 195: /n\n"
		       "n\r\n"
		       ".txt\n"
		       "find_branch(): 58: /n\n"
		       "n\r\n"
		       ".txt\n"
		       "unionfs_getattr(): 215: return 0\n",
		       "{\"op\":\"getattr\",\"path\":\"/n\\nn\\r\\n.txt\",\"status\":\"completed\","
		       "\"errno\":0}\n");
	/* likewise a path that nobody needs, which imitates a record of libfuse */
	FT_TEST_LOG_IS(
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"build_path(): 130: from: find_branch():63 path: /x\n"
		"unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"find_branch(): 68: /x\n"
		"unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1: res = 0\n"
		"find_branch(): 74: return 0\n"
		"from: find_branch():63 path: /x\n"
		"unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"find_branch(): 74: return 0\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n");
	/* what may have been forged overlaps */
	FT_TEST_LOG_IS(
		"unionfs_getattr(): 195: /x\n"
		"unionfs_unlink(): 76: /victim\n"
		"unionfs_unlink(): 98: return 0\n"
		"unionfs_getattr(): 215: return 0\n",
		"{\"op\":\"unlink\",\"path\":\"/victim\",\"status\":\"completed\",\"errno\":0,"
		"\"suspect\":true}\n"
		"{\"op\":\"getattr\",\"path\":\"/x\",\"status\":\"completed\",\"errno\":0,"
		"\"suspect\":true}\n");
	/* records of libfuse, long after operations without it */
	FT_TEST_LOG_IS(
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n"
		"unique: 8, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"unionfs_getattr(): 195: /\n"
		"unionfs_getattr(): 215: return 0\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0}\n"
		"{\"op\":\"unlink\",\"status\":\"unknown\",\"pid\":1,\"unique\":8,\"nodeid\":1,"
		"\"suspect\":true}\n");
}

static void test_crossed(void **state)
{
	/* the path of the one thread behind the begin of a line of the other */
	FT_TEST_LOG_IS(
		"unionfs_open(): 371: /b\n"
		"unionfs_open(): 398: fd = 7\n"
		"unionfs_open(): 399: return 0\n"
		"unionfs_release(): 431: fd = 7\n"
		"unionfs_open(): 371: unionfs_release(): 436: /d/n\n"
		"n.txt\n"
		"return 0\n"
		"unionfs_open(): 398: fd = 7\n"
		"unionfs_open(): 399: return 0\n",
		"{\"op\":\"open\",\"path\":\"/b\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7}\n"
		"{\"op\":\"release\",\"path\":\"/b\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7,\"suspect\":true}\n"
		"{\"op\":\"open\",\"path\":\"/d/n\\nn.txt\",\"status\":\"completed\",\"errno\":0,"
		"\"fh\":7,\"suspect\":true}\n");
}

static void test_streams(void **state)
{
	/* begins in the middle, cut off at the end */
	FT_TEST_LOG_IS("unionfs_getattr(): 215: return 0\n"
		       "unionfs_getattr(): 195: /a\n"
		       "unionfs_getattr(): 215: return 0\n"
		       "unionfs_unlink(): 76: /b\n",
		       "{\"op\":\"getattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0}\n"
		       "{\"op\":\"unlink\",\"path\":\"/b\",\"status\":\"unknown\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_streams),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
