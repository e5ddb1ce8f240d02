/* SPDX-License-Identifier: MIT */
/* libfuse's text: requests, replies, and the details between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
/* Each version's request and reply. */
static void test_requests(void **state)
{
	/* 2.9 to 3.17 */
	FT_TEST_LOG_IS("unique: 4, opcode: GETATTR (3), nodeid: 1, insize: 56, pid: 7\n"
		       "getattr /\n"
		       "   unique: 4, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":4,\"nodeid\":1}\n");
	/* 3.18, over the device and by splice */
	FT_TEST_LOG_IS("dev unique: 6, opcode: ACCESS (34), nodeid: 1, insize: 48, pid: 7\n"
		       "access / 01\n"
		       "   unique: 6, success, outsize: 16 (splice)\n",
		       "{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":6,\"nodeid\":1,\"mode\":1}\n");
	/* libfuse-lite: no pid, and success is an error of 0 */
	FT_TEST_LOG_IS("unique: 8, opcode: ACCESS (34), nodeid: 1, insize: 48\n"
		       "ACCESS / 01\n"
		       "   unique: 8, error: 0 (Success), outsize: 16\n",
		       "{\"op\":\"access\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"unique\":8,\"nodeid\":1,\"mode\":1}\n");
	/* over io_uring: a size is a result, no size may be any */
	FT_TEST_LOG_IS(
		"cqe unique: 10, opcode: READ (15), nodeid: 2, insize: 0, pid: 7\n"
		"read[5] 100 bytes from 0 flags: 0x8000\n"
		"   read[5] 7 bytes from 0\n"
		"   unique: 10, success, outsize: 23\n"
		"    unique: 10, result=7\n"
		"cqe unique: 12, opcode: UNLINK (10), nodeid: 1, insize: 2, pid: 7\n"
		"unlink /a\n"
		"    unique: 12, result=0\n",
		"{\"op\":\"read\",\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":10,"
		"\"nodeid\":2,\"fh\":5,\"offset\":0,\"size\":100,\"reply_size\":7}\n"
		"{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"unknown\",\"pid\":7,"
		"\"unique\":12,\"nodeid\":1}\n");
	/* an opcode that the library does not know */
	FT_TEST_LOG_IS(
		"unique: 14, opcode: ??? (46), nodeid: 2, insize: 64, pid: 7\n"
		"   unique: 14, error: -38 (Function not implemented), outsize: 16\n",
		"{\"op\":\"lseek\",\"status\":\"failed\",\"errno\":38,\"pid\":7,\"unique\":14,"
		"\"nodeid\":2,\"probe\":true}\n");
	/* an error in another language */
	FT_TEST_LOG_IS("unique: 16, opcode: RMDIR (11), nodeid: 1, insize: 42, pid: 7\n"
		       "rmdir /d\n"
		       "   unique: 16, error: -39 (Das Verzeichnis ist nicht leer (voll)),"
		       " outsize: 16\n",
		       "{\"op\":\"rmdir\",\"path\":\"/d\",\"status\":\"failed\",\"errno\":39,"
		       "\"pid\":7,\"unique\":16,\"nodeid\":1}\n");
	/* no reply: FORGET; an INTERRUPT is odd */
	FT_TEST_LOG_IS("unique: 18, opcode: FORGET (2), nodeid: 5, insize: 48, pid: 0\n"
		       "FORGET 5/2\n"
		       "DELETE: 5\n"
		       "unique: 20, opcode: READ (15), nodeid: 2, insize: 80, pid: 7\n"
		       "read[5] 10 bytes from 0 flags: 0x8000\n"
		       "unique: 21, opcode: INTERRUPT (36), nodeid: 0, insize: 48, pid: 0\n"
		       "INTERRUPT: 20\n"
		       "   unique: 20, error: -4 (Interrupted system call), outsize: 16\n",
		       "{\"op\":\"forget\",\"status\":\"completed\",\"errno\":0,\"pid\":0,"
		       "\"unique\":18,\"nodeid\":5}\n"
		       "{\"op\":\"interrupt\",\"status\":\"completed\",\"errno\":0,\"pid\":0,"
		       "\"unique\":21,\"nodeid\":0}\n"
		       "{\"op\":\"read\",\"status\":\"failed\",\"errno\":4,\"pid\":7,\"unique\":20,"
		       "\"nodeid\":2,\"fh\":5,\"offset\":0,\"size\":10}\n");
	/* never answered */
	FT_TEST_LOG_IS("unique: 22, opcode: LINK (13), nodeid: 1, insize: 50, pid: 7\n",
		       "{\"op\":\"link\",\"status\":\"unknown\",\"pid\":7,\"unique\":22,"
		       "\"nodeid\":1}\n");
}

/* Each kind of line between the two, of 3.x and where it differs of 2.9. */
static void test_details(void **state)
{
	FT_TEST_LOG_IS("unique: 100, opcode: LOOKUP (1), nodeid: 1, insize: 42, pid: 7\n"
		       "LOOKUP /a\n"
		       "getattr[NULL] /a\n"
		       "   NODEID: 2\n"
		       "   unique: 100, success, outsize: 144\n",
		       "{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1,\"entry\":2}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: GETATTR (3), nodeid: 2, insize: 56, pid: 7\n"
		       "getattr[5] /a\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: GETATTR (3), nodeid: 2, insize: 56, pid: 7\n"
		       "fgetattr[5] /a\n"
		       "   unique: 100, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"fh\":5}\n"
		       "{\"op\":\"getattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"fh\":5}\n");
	/* a file whose name is gone */
	FT_TEST_LOG_IS("unique: 100, opcode: GETATTR (3), nodeid: 2, insize: 56, pid: 7\n"
		       "getattr[5] (null)\n"
		       "   unique: 100, success, outsize: 120\n",
		       "{\"op\":\"getattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n");
	/* rename */
	FT_TEST_LOG_IS(
		"unique: 100, opcode: RENAME2 (45), nodeid: 1, insize: 60, pid: 7\n"
		"rename /a /b 0x00000001\n"
		"   unique: 100, success, outsize: 16\n"
		"unique: 100, opcode: RENAME (12), nodeid: 1, insize: 52, pid: 7\n"
		"rename /a /b\n"
		"   unique: 100, success, outsize: 16\n",
		"{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a\",\"path2\":\"/b\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1,"
		"\"flags\":1}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\",\"status\":\"completed\","
		"\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: UNLINK (10), nodeid: 1, insize: 42, pid: 7\n"
		       "unlink /a\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: RMDIR (11), nodeid: 1, insize: 42, pid: 7\n"
		       "rmdir /d\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"unlink\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1}\n"
		       "{\"op\":\"rmdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		       "mkdir /d 0755 umask=0022\n"
		       "   NODEID: 3\n"
		       "   unique: 100, success, outsize: 144\n"
		       "unique: 100, opcode: MKNOD (8), nodeid: 1, insize: 58, pid: 7\n"
		       "mknod /f 010644 0x0 umask=0022\n"
		       "   unique: 100, success, outsize: 144\n",
		       "{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1,\"entry\":3,\"mode\":493}\n"
		       "{\"op\":\"mknod\",\"path\":\"/f\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1,\"mode\":4516}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: SYMLINK (6), nodeid: 1, insize: 46, pid: 7\n"
		       "symlink b c /l\n"
		       "   NODEID: 4\n"
		       "   unique: 100, success, outsize: 144\n"
		       "unique: 100, opcode: LINK (13), nodeid: 1, insize: 50, pid: 7\n"
		       "link /a /h\n"
		       "   NODEID: 2\n"
		       "   unique: 100, success, outsize: 144\n",
		       "{\"op\":\"symlink\",\"path\":\"/l\",\"target\":\"b c\","
		       "\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1,"
		       "\"entry\":4}\n"
		       "{\"op\":\"link\",\"path\":\"/a\",\"path2\":\"/h\",\"status\":\"completed\","
		       "\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":1,\"entry\":2}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: OPEN (14), nodeid: 2, insize: 48, pid: 7\n"
		       "open flags: 0x8001 /a\n"
		       "   open[9] flags: 0x8001 /a\n"
		       "   unique: 100, success, outsize: 32\n"
		       "unique: 100, opcode: OPENDIR (27), nodeid: 3, insize: 48, pid: 7\n"
		       "opendir flags: 0x18800 /d\n"
		       "   opendir[10] flags: 0x18800 /d\n"
		       "   unique: 100, success, outsize: 32\n",
		       "{\"op\":\"open\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"fh\":9,\"flags\":32769}\n"
		       "{\"op\":\"opendir\",\"path\":\"/d\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":3,\"fh\":10,\"flags\":100352}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: CREATE (35), nodeid: 1, insize: 58, pid: 7\n"
		       "create flags: 0x8241 /a 0100644 umask=0022\n"
		       "   create[5] flags: 0x8241 /a\n"
		       "   NODEID: 2\n"
		       "   unique: 100, success, outsize: 160\n",
		       "{\"op\":\"create\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1,\"entry\":2,\"fh\":5,\"mode\":33188,"
		       "\"flags\":33345}\n");
	/* what was read is told by the size of the reply */
	FT_TEST_LOG_IS("unique: 100, opcode: READ (15), nodeid: 2, insize: 80, pid: 7\n"
		       "read[5] 4096 bytes from 8 flags: 0x8000\n"
		       "   read[5] 4096 bytes from 8\n"
		       "   unique: 100, success, outsize: 26\n"
		       "unique: 100, opcode: WRITE (16), nodeid: 2, insize: 85, pid: 7\n"
		       "write[5] 5 bytes to 10 flags: 0x8001\n"
		       "   write[5] 5 bytes to 10\n"
		       "   unique: 100, success, outsize: 24\n"
		       "unique: 100, opcode: WRITE (16), nodeid: 2, insize: 85, pid: 7\n"
		       "writepage[5] 5 bytes to 10 flags: 0x8001\n"
		       "   writepage[5] 3 bytes to 10\n"
		       "   unique: 100, success, outsize: 24\n",
		       "{\"op\":\"read\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"offset\":8,\"size\":4096,"
		       "\"reply_size\":10}\n"
		       "{\"op\":\"write\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"offset\":10,\"size\":5,"
		       "\"reply_size\":5}\n"
		       "{\"op\":\"write\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"offset\":10,\"size\":5,"
		       "\"reply_size\":3}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: RELEASE (18), nodeid: 2, insize: 64, pid: 7\n"
		       "release[5] flags: 0x8001\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: RELEASE (18), nodeid: 2, insize: 64, pid: 7\n"
		       "release+flush[5] flags: 0x8001\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: FLUSH (25), nodeid: 2, insize: 64, pid: 7\n"
		       "flush[5]\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: FSYNC (20), nodeid: 2, insize: 56, pid: 7\n"
		       "fsync[5] datasync: 1\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: FSYNCDIR (30), nodeid: 3, insize: 56, pid: 7\n"
		       "fsyncdir[6] datasync: 0\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: RELEASEDIR (29), nodeid: 3, insize: 64, pid: 7\n"
		       "releasedir[6] flags: 0x0\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"release\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"flags\":32769}\n"
		       "{\"op\":\"release\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"flags\":32769}\n"
		       "{\"op\":\"flush\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n"
		       "{\"op\":\"fsync\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n"
		       "{\"op\":\"fsyncdir\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":3,\"fh\":6}\n"
		       "{\"op\":\"releasedir\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":3,\"fh\":6,\"flags\":0}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: READDIR (28), nodeid: 3, insize: 80, pid: 7\n"
		       "readdir[6] from 0\n"
		       "   unique: 100, success, outsize: 816\n"
		       "unique: 100, opcode: READDIRPLUS (44), nodeid: 3, insize: 80, pid: 7\n"
		       "readdirplus[6] from 24\n"
		       "   unique: 100, success, outsize: 16\n",
		       "{\"op\":\"readdir\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":3,\"fh\":6,\"offset\":0,\"reply_size\":800}\n"
		       "{\"op\":\"readdirplus\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":3,\"fh\":6,\"offset\":24,\"reply_size\":0}\n");
	/* attributes */
	FT_TEST_LOG_IS("unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "chmod[NULL] /a 100600\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "chown[NULL] /a 1 1\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "chown /a 1 1\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "truncate[5] 50\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "truncate /a 50\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "ftruncate[5] 50\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "utimens[NULL] /a 1.5 2.6\n"
		       "   unique: 100, success, outsize: 120\n"
		       "unique: 100, opcode: SETATTR (4), nodeid: 2, insize: 128, pid: 7\n"
		       "utime /a 1 2\n"
		       "   unique: 100, success, outsize: 120\n",
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"mode\":33152,\"valid\":1}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"valid\":6}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"valid\":6}\n"
		       "{\"op\":\"setattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"size\":50,\"valid\":8}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"size\":50,\"valid\":8}\n"
		       "{\"op\":\"setattr\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5,\"size\":50,\"valid\":8}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"valid\":48}\n"
		       "{\"op\":\"setattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"valid\":48}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: ACCESS (34), nodeid: 2, insize: 48, pid: 7\n"
		       "access /a 04\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: READLINK (5), nodeid: 2, insize: 40, pid: 7\n"
		       "readlink /l 4097\n"
		       "   unique: 100, success, outsize: 21\n"
		       "unique: 100, opcode: STATFS (17), nodeid: 1, insize: 40, pid: 7\n"
		       "statfs /\n"
		       "   unique: 100, success, outsize: 96\n",
		       "{\"op\":\"access\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"mode\":4}\n"
		       "{\"op\":\"readlink\",\"path\":\"/l\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":2,\"size\":4097}\n"
		       "{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0,"
		       "\"pid\":7,\"unique\":100,\"nodeid\":1}\n");
	FT_TEST_LOG_IS(
		"unique: 100, opcode: SETXATTR (21), nodeid: 2, insize: 56, pid: 7\n"
		"setxattr /a user.k 1 0x0\n"
		"   unique: 100, success, outsize: 16\n"
		"unique: 100, opcode: GETXATTR (22), nodeid: 2, insize: 55, pid: 7\n"
		"getxattr /a user.k 100\n"
		"   unique: 100, success, outsize: 21\n"
		"unique: 100, opcode: LISTXATTR (23), nodeid: 2, insize: 48, pid: 7\n"
		"listxattr /a 0\n"
		"   unique: 100, success, outsize: 24\n"
		"unique: 100, opcode: REMOVEXATTR (24), nodeid: 2, insize: 47, pid: 7\n"
		"removexattr /a user.k\n"
		"   unique: 100, success, outsize: 16\n",
		"{\"op\":\"setxattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":2,"
		"\"size\":1,\"flags\":0}\n"
		"{\"op\":\"getxattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":2,"
		"\"size\":100}\n"
		"{\"op\":\"listxattr\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":100,\"nodeid\":2,\"size\":0}\n"
		"{\"op\":\"removexattr\",\"path\":\"/a\",\"xattr\":\"user.k\","
		"\"status\":\"completed\",\"errno\":0,\"pid\":7,\"unique\":100,\"nodeid\":2}\n");
	FT_TEST_LOG_IS("unique: 100, opcode: SETLK (32), nodeid: 2, insize: 88, pid: 7\n"
		       "lock[5] F_SETLK F_WRLCK start: 0 len: 0 pid: 7\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: IOCTL (39), nodeid: 2, insize: 72, pid: 7\n"
		       "ioctl[5] 0x5401 flags: 0x0\n"
		       "   unique: 100, success, outsize: 16\n"
		       "unique: 100, opcode: POLL (40), nodeid: 2, insize: 64, pid: 7\n"
		       "poll[5] ph: 0x55, events 0x1\n"
		       "   poll[5] revents: 0x1\n"
		       "   unique: 100, success, outsize: 24\n",
		       "{\"op\":\"setlk\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n"
		       "{\"op\":\"ioctl\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n"
		       "{\"op\":\"poll\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		       "\"unique\":100,\"nodeid\":2,\"fh\":5}\n");
	FT_TEST_LOG_IS(
		"unique: 100, opcode: FALLOCATE (43), nodeid: 2, insize: 72, pid: 7\n"
		"fallocate /a mode 1, offset: 10, length: 20\n"
		"   unique: 100, success, outsize: 16\n"
		"unique: 100, opcode: LSEEK (46), nodeid: 2, insize: 64, pid: 7\n"
		"lseek[5] 10 3\n"
		"   unique: 100, success, outsize: 24\n",
		"{\"op\":\"fallocate\",\"path\":\"/a\",\"status\":\"completed\",\"errno\":0,"
		"\"pid\":7,\"unique\":100,\"nodeid\":2,\"offset\":10,\"size\":20,\"mode\":1}\n"
		"{\"op\":\"lseek\",\"status\":\"completed\",\"errno\":0,\"pid\":7,"
		"\"unique\":100,\"nodeid\":2,\"fh\":5,\"offset\":10,\"flags\":3}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_details),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
