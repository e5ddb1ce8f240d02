/* SPDX-License-Identifier: MIT */
/* libfuse's text: what low-level filesystems print between the records, and libfuse-lite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
/* passthrough_ll and fuse-overlayfs tell the names that libfuse does not. */
static void test_low_level(void **state)
{
	FT_TEST_LOG_IS("unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		       "   unique: 4, success, outsize: 144\n"
		       "unique: 6, opcode: GETATTR (3), nodeid: 7, insize: 56, pid: 7\n"
		       "   unique: 6, success, outsize: 120\n",
		       "{\"op\":\"lookup\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":4,\"nodeid\":1}\n"
		       "{\"op\":\"getattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":6,\"nodeid\":7}\n");
	/* nodes, too */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		"lo_lookup(parent=1, name=d)\n"
		"  1/d -> 1400\n"
		"   unique: 4, success, outsize: 144\n"
		"unique: 6, opcode: CREATE (35), nodeid: 1400, insize: 62, pid: 7\n"
		"lo_create(parent=1400, name=a.txt)\n"
		"  1400/a.txt -> 1500\n"
		"   unique: 6, success, outsize: 160\n"
		"unique: 8, opcode: WRITE (16), nodeid: 1500, insize: 85, pid: 7\n"
		"lo_write(ino=1500, size=5, off=3)\n"
		"   unique: 8, success, outsize: 24\n",
		"{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":4,\"nodeid\":1,\"entry\":1400}\n"
		"{\"op\":\"create\",\"path\":\"/d/a.txt\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":6,\"nodeid\":1400,\"entry\":1500}\n"
		"{\"op\":\"write\",\"path\":\"/d/a.txt\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":8,\"nodeid\":1500,\"offset\":3,\"size\":5}\n");
	/* of requests without such a line the node tells the name */
	FT_TEST_LOG_IS("unique: 10, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		       "  1/d -> 1400\n"
		       "  1/d -> 1400\n"
		       "   unique: 10, success, outsize: 144\n"
		       "unique: 12, opcode: GETATTR (3), nodeid: 1400, insize: 56, pid: 7\n"
		       "   unique: 12, success, outsize: 120\n",
		       "{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":10,\"nodeid\":1,\"entry\":1400}\n"
		       "{\"op\":\"getattr\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":12,\"nodeid\":1400}\n");
	/* names with newlines, brackets and more */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 49, pid: 7\n"
		"lo_lookup(parent=1, name=a)\n"
		"b, c=)\n"
		"   unique: 4, error: -2 (No such file or directory), outsize: 16\n"
		"unique: 6, opcode: LOOKUP (1), nodeid: 1, insize: 44, pid: 7\n"
		"lo_lookup(parent=1, name=n\n"
		"n)\n"
		"  1/n\n"
		"n -> 1600\n"
		"   unique: 6, success, outsize: 144\n",
		"{\"op\":\"lookup\",\"path\":\"/a)\\nb, c=\",\"status\":\"failed\",\"errno\":2,"
		"\"pid\":7,\"unique\":4,\"nodeid\":1,\"probe\":true}\n"
		"{\"op\":\"lookup\",\"path\":\"/n\\nn\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":6,\"nodeid\":1,\"entry\":1600}\n");
	/* what imitates a node */
	FT_TEST_LOG_IS("unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 54, pid: 7\n"
		       "lo_lookup(parent=1, name=x -> 5\n"
		       "  1/yy)\n"
		       "  1/x -> 5\n"
		       "  1/yy -> 1700\n"
		       "   unique: 4, success, outsize: 144\n"
		       "unique: 6, opcode: GETATTR (3), nodeid: 1700, insize: 56, pid: 7\n"
		       "   unique: 6, success, outsize: 120\n"
		       "unique: 8, opcode: GETATTR (3), nodeid: 5, insize: 56, pid: 7\n"
		       "   unique: 8, success, outsize: 120\n",
		       "{\"op\":\"lookup\",\"path\":\"/x -> 5\\n  1/yy\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":4,\"nodeid\":1,\"entry\":1700}\n"
		       "{\"op\":\"getattr\",\"path\":\"/x -> 5\\n  1/yy\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":6,\"nodeid\":1700}\n"
		       "{\"op\":\"getattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":8,\"nodeid\":5}\n");
	/* attributes */
	FT_TEST_LOG_IS("unique: 4, opcode: GETXATTR (22), nodeid: 1, insize: 55, pid: 7\n"
		       "lo_getxattr(ino=1, name=user.k size=0)\n"
		       "   unique: 4, error: -61 (No data available), outsize: 16\n"
		       "unique: 6, opcode: SETXATTR (21), nodeid: 1, insize: 58, pid: 7\n"
		       "lo_setxattr(ino=1, name=user.k value=v\n"
		       "x size=3)\n"
		       "   unique: 6, success, outsize: 16\n"
		       "unique: 8, opcode: GETXATTR (22), nodeid: 1, insize: 57, pid: 7\n"
		       "ovl_getxattr(ino=1, name=user.a b, size=9)\n"
		       "   unique: 8, success, outsize: 18\n"
		       "unique: 10, opcode: SETXATTR (21), nodeid: 1, insize: 56, pid: 7\n"
		       "ovl_setxattr(ino=1, name=user.k, value=v, size=1, flags=1)\n"
		       "   unique: 10, success, outsize: 16\n",
		       "{\"op\":\"getxattr\",\"path\":\"/\",\"xattr\":\"user.k\","
		       "\"status\":\"failed\",\"errno\":61,\"pid\":7,\"unique\":4,\"nodeid\":1,"
		       "\"size\":0,\"probe\":true}\n"
		       "{\"op\":\"setxattr\",\"path\":\"/\",\"xattr\":\"user.k\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":6,\"nodeid\":1,"
		       "\"size\":3}\n"
		       "{\"op\":\"getxattr\",\"path\":\"/\",\"xattr\":\"user.a b\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":8,\"nodeid\":1,"
		       "\"size\":9}\n"
		       "{\"op\":\"setxattr\",\"path\":\"/\",\"xattr\":\"user.k\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":10,\"nodeid\":1,"
		       "\"size\":1,\"flags\":1}\n");
	/* fuse-overlayfs */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		"ovl_mkdir(ino=1, name=d, mode=511)\n"
		"   unique: 4, success, outsize: 144\n"
		"unique: 6, opcode: RENAME2 (45), nodeid: 1, insize: 78, pid: 7\n"
		"ovl_rename(ino=1, name=a b.txt , ino=1, name=to -> c d.txt)\n"
		"   unique: 6, success, outsize: 16\n"
		"unique: 8, opcode: LINK (13), nodeid: 1, insize: 50, pid: 7\n"
		"ovl_link(ino=9, newparent=1, newname=h)\n"
		"   unique: 8, success, outsize: 144\n"
		"unique: 10, opcode: SYMLINK (6), nodeid: 1, insize: 51, pid: 7\n"
		"ovl_symlink(link=a, ino=5, ino=1, name=l)\n"
		"   unique: 10, success, outsize: 144\n"
		"unique: 12, opcode: SETATTR (4), nodeid: 1, insize: 128, pid: 7\n"
		"ovl_setattr(ino=1, to_set=1056)\n"
		"   unique: 12, success, outsize: 120\n"
		"unique: 14, opcode: MKNOD (8), nodeid: 1, insize: 58, pid: 7\n"
		"ovl_mknod(ino=1, name=f, mode=4534, rdev=0)\n"
		"   unique: 14, success, outsize: 144\n",
		"{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":4,\"nodeid\":1,\"mode\":511}\n"
		"{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a b.txt\","
		"\"path2\":\"/to -> c d.txt\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		"\"unique\":6,\"nodeid\":1,\"nodeid2\":1}\n"
		"{\"op\":\"link\",\"path2\":\"/h\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":8,\"nodeid\":1,\"nodeid2\":9}\n"
		"{\"op\":\"symlink\",\"path\":\"/l\",\"target\":\"a, ino=5\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":10,\"nodeid\":1}\n"
		"{\"op\":\"setattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":12,\"nodeid\":1,\"valid\":1056}\n"
		"{\"op\":\"mknod\",\"path\":\"/f\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":14,\"nodeid\":1,\"mode\":4534}\n");
	/* a rename of what is not told: no name in that directory is known any more */
	FT_TEST_LOG_IS("unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		       "lo_lookup(parent=1, name=d)\n"
		       "  1/d -> 14\n"
		       "   unique: 4, success, outsize: 144\n"
		       "unique: 6, opcode: RENAME2 (45), nodeid: 1, insize: 60, pid: 7\n"
		       "   unique: 6, success, outsize: 16\n"
		       "unique: 8, opcode: GETATTR (3), nodeid: 14, insize: 56, pid: 7\n"
		       "   unique: 8, success, outsize: 120\n",
		       "{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":4,\"nodeid\":1,\"entry\":14}\n"
		       "{\"op\":\"rename\",\"opcode\":45,\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":6,\"nodeid\":1}\n"
		       "{\"op\":\"getattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":8,\"nodeid\":14}\n");
}

/* libfuse-lite, the library of ntfs-3g. */
static void test_lite(void **state)
{
	FT_TEST_LOG_IS("unique: 4, opcode: LOOKUP (1), nodeid: 1, insize: 42\n"
		       "LOOKUP /d\n"
		       "   NODEID: 2\n"
		       "   unique: 4, error: 0 (Success), outsize: 144\n"
		       "unique: 6, opcode: MKDIR (9), nodeid: 2, insize: 50\n"
		       "MKDIR /d/e\n"
		       "   NODEID: 3\n"
		       "   unique: 6, error: 0 (Success), outsize: 144\n"
		       "unique: 8, opcode: UNLINK (10), nodeid: 2, insize: 42\n"
		       "UNLINK /d/f\n"
		       "   unique: 8, error: 0 (Success), outsize: 16\n"
		       "unique: 10, opcode: RMDIR (11), nodeid: 2, insize: 42\n"
		       "RMDIR /d/e\n"
		       "   unique: 10, error: 0 (Success), outsize: 16\n",
		       "{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":4,\"nodeid\":1,\"entry\":2}\n"
		       "{\"op\":\"mkdir\",\"path\":\"/d/e\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":6,\"nodeid\":2,\"entry\":3}\n"
		       "{\"op\":\"unlink\",\"path\":\"/d/f\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":8,\"nodeid\":2}\n"
		       "{\"op\":\"rmdir\",\"path\":\"/d/e\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":10,\"nodeid\":2}\n");
	FT_TEST_LOG_IS("unique: 4, opcode: RENAME (12), nodeid: 1, insize: 62\n"
		       "RENAME /a -> b -> /c -> d\n"
		       "   unique: 4, error: 0 (Success), outsize: 16\n"
		       "unique: 6, opcode: LINK (13), nodeid: 1, insize: 50\n"
		       "LINK /h\n"
		       "   unique: 6, error: 0 (Success), outsize: 144\n"
		       "unique: 8, opcode: SYMLINK (6), nodeid: 1, insize: 47\n"
		       "SYMLINK /l\n"
		       "   unique: 8, error: 0 (Success), outsize: 144\n"
		       "unique: 10, opcode: MKNOD (8), nodeid: 1, insize: 58\n"
		       "MKNOD /f\n"
		       "   unique: 10, error: 0 (Success), outsize: 144\n",
		       "{\"op\":\"rename\",\"path\":\"/a -> b\",\"path2\":\"/c -> d\","
		       "\"status\":\"completed\",\"errno\":0,\"unique\":4,\"nodeid\":1}\n"
		       "{\"op\":\"link\",\"path2\":\"/h\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":6,\"nodeid\":1}\n"
		       "{\"op\":\"symlink\",\"path\":\"/l\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":8,\"nodeid\":1}\n"
		       "{\"op\":\"mknod\",\"path\":\"/f\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":10,\"nodeid\":1}\n");
	FT_TEST_LOG_IS(
		"unique: 4, opcode: CREATE (35), nodeid: 1, insize: 58\n"
		"  CREATE[1] flags: 0x8241 /a\n"
		"   NODEID: 2\n"
		"   unique: 4, error: 0 (Success), outsize: 160\n"
		"unique: 6, opcode: WRITE (16), nodeid: 2, insize: 85\n"
		"WRITE[1] 5 bytes to 0\n"
		"   WRITE[1] 5 bytes\n"
		"   unique: 6, error: 0 (Success), outsize: 24\n"
		"unique: 8, opcode: READ (15), nodeid: 2, insize: 80\n"
		"READ[1] 100 bytes from 2\n"
		"   READ[1] 3 bytes\n"
		"   unique: 8, error: 0 (Success), outsize: 19\n"
		"unique: 10, opcode: FLUSH (25), nodeid: 2, insize: 64\n"
		"FLUSH[1]\n"
		"   unique: 10, error: 0 (Success), outsize: 16\n"
		"unique: 12, opcode: RELEASE (18), nodeid: 2, insize: 64\n"
		"RELEASE[1] flags: 0x8001\n"
		"   unique: 12, error: 0 (Success), outsize: 16\n"
		"unique: 14, opcode: OPEN (14), nodeid: 2, insize: 48\n"
		"OPEN[1] flags: 0x8000 /a\n"
		"   unique: 14, error: 0 (Success), outsize: 32\n"
		"unique: 16, opcode: FSYNC (20), nodeid: 2, insize: 56\n"
		"FSYNC[1]\n"
		"   unique: 16, error: 0 (Success), outsize: 16\n",
		"{\"op\":\"create\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":4,\"nodeid\":1,\"entry\":2,\"fh\":1,\"flags\":33345}\n"
		"{\"op\":\"write\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":6,\"nodeid\":2,\"fh\":1,\"offset\":0,\"size\":5,\"reply_size\":5}\n"
		"{\"op\":\"read\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":8,\"nodeid\":2,\"fh\":1,\"offset\":2,\"size\":100,"
		"\"reply_size\":3}\n"
		"{\"op\":\"flush\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":10,\"nodeid\":2,\"fh\":1}\n"
		"{\"op\":\"release\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":12,\"nodeid\":2,\"fh\":1,\"flags\":32769}\n"
		"{\"op\":\"open\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":14,\"nodeid\":2,\"fh\":1,\"flags\":32768}\n"
		"{\"op\":\"fsync\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"unique\":16,\"nodeid\":2,\"fh\":1}\n");
	/* what was changed through a map */
	FT_TEST_LOG_IS(
		"unique: 4, opcode: WRITE (16), nodeid: 2, insize: 4176\n"
		"WRITEPAGE[0] 4096 bytes to 8192\n"
		"   WRITEPAGE[0] 4096 bytes\n"
		"   unique: 4, error: 0 (Success), outsize: 24\n",
		"{\"op\":\"write\",\"status\":\"completed\",\"errno\":0,\"unique\":4,"
		"\"nodeid\":2,\"fh\":0,\"offset\":8192,\"size\":4096,\"reply_size\":4096}\n");
	FT_TEST_LOG_IS("unique: 4, opcode: ??? (43), nodeid: 2, insize: 72\n"
		       "   unique: 4, error: 0 (Success), outsize: 16\n",
		       "{\"op\":\"fallocate\",\"status\":\"completed\",\"errno\":0,\"unique\":4,"
		       "\"nodeid\":2}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_low_level),
		cmocka_unit_test(test_lite),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
