/* SPDX-License-Identifier: MIT */
/* Requests of fuser and fuse: each kind in each version's words, quoted names, loggers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

/* Each request of fuser 0.8 and later. */
static void test_requests(void **state)
{
	FT_TEST_LOG_IS("FUSE(  4) ino 0x0000000000000001 LOOKUP name \"d\"\n"
		       "FUSE(  6) ino 0x0000000000000001 MKDIR name \"d\", mode 0o755\n"
		       "FUSE(  8) ino 0x0000000000000002 CREATE name \"a.txt\", mode 0o100644,"
		       " flags 0x8241\n"
		       "FUSE( 10) ino 0x0000000000000002 MKNOD name \"f\", mode 0o10644, rdev 0\n",
		       "{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"unknown\",\"unique\":4,"
		       "\"nodeid\":1}\n"
		       "{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"unknown\",\"unique\":6,"
		       "\"nodeid\":1,\"mode\":493}\n"
		       "{\"op\":\"create\",\"name\":\"a.txt\",\"status\":\"unknown\",\"unique\":8,"
		       "\"nodeid\":2,\"mode\":33188,\"flags\":33345}\n"
		       "{\"op\":\"mknod\",\"name\":\"f\",\"status\":\"unknown\",\"unique\":10,"
		       "\"nodeid\":2,\"mode\":4516}\n");
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 READ fh FileHandle(5), offset 4096,"
		" size 100\n"
		"FUSE(  6) ino 0x0000000000000003 WRITE fh FileHandle(5), offset 7, size 5,"
		" write flags 0x0\n"
		"FUSE(  8) ino 0x0000000000000003 RELEASE fh FileHandle(5), flags 0x8001,"
		" flush false, lock owner None\n"
		"FUSE( 10) ino 0x0000000000000003 FLUSH fh FileHandle(5),"
		" lock owner LockOwner(617405905918297530)\n"
		"FUSE( 12) ino 0x0000000000000003 FSYNC fh FileHandle(5),"
		" fsync fdatasync false\n",
		"{\"op\":\"read\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":3,\"fh\":5,"
		"\"offset\":4096,\"size\":100}\n"
		"{\"op\":\"write\",\"status\":\"unknown\",\"unique\":6,\"nodeid\":3,\"fh\":5,"
		"\"offset\":7,\"size\":5}\n"
		"{\"op\":\"release\",\"status\":\"unknown\",\"unique\":8,\"nodeid\":3,\"fh\":5,"
		"\"flags\":32769}\n"
		"{\"op\":\"flush\",\"status\":\"unknown\",\"unique\":10,\"nodeid\":3,"
		"\"fh\":5}\n"
		"{\"op\":\"fsync\",\"status\":\"unknown\",\"unique\":12,\"nodeid\":3,"
		"\"fh\":5}\n");
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 OPEN flags 0x8001\n"
		"FUSE(  6) ino 0x0000000000000001 OPENDIR flags 0x18800\n"
		"FUSE(  8) ino 0x0000000000000001 READDIR fh FileHandle(0), offset 3,"
		" size 32768\n"
		"FUSE( 10) ino 0x0000000000000001 READDIRPLUS fh FileHandle(0), offset 0,"
		" size 4096\n"
		"FUSE( 12) ino 0x0000000000000001 RELEASEDIR fh FileHandle(0), flags 0x18800,"
		" flush false, lock owner None\n",
		"{\"op\":\"open\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":3,"
		"\"flags\":32769}\n"
		"{\"op\":\"opendir\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":6,"
		"\"nodeid\":1,\"flags\":100352}\n"
		"{\"op\":\"readdir\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":8,"
		"\"nodeid\":1,\"fh\":0,\"offset\":3,\"size\":32768}\n"
		"{\"op\":\"readdirplus\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":10,"
		"\"nodeid\":1,\"fh\":0,\"offset\":0,\"size\":4096}\n"
		"{\"op\":\"releasedir\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":12,"
		"\"nodeid\":1,\"fh\":0,\"flags\":100352}\n");
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 SETATTR mode: Some(33152), uid: None,"
		" gid: None, size: None, atime: None, mtime: None, ctime: None,"
		" file_handle: None, crtime: None, chgtime: None, bkuptime: None, flags: None\n"
		"FUSE(  6) ino 0x0000000000000003 SETATTR mode: None, uid: Some(1),"
		" gid: Some(1), size: None, atime: Some(SpecificTime(SystemTime { tv_sec: 15779"
		"34245, tv_nsec: 0 })), mtime: Some(Now), ctime: None, file_handle: None,"
		" crtime: None, chgtime: None, bkuptime: None, flags: None\n"
		"FUSE(  8) ino 0x0000000000000003 SETATTR mode: None, uid: None, gid: None,"
		" size: Some(50), atime: None, mtime: None, ctime: None,"
		" file_handle: Some(FileHandle(7)), crtime: None, chgtime: None,"
		" bkuptime: None, flags: None\n",
		"{\"op\":\"setattr\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":3,"
		"\"mode\":33152,\"valid\":1}\n"
		"{\"op\":\"setattr\",\"status\":\"unknown\",\"unique\":6,\"nodeid\":3,"
		"\"valid\":310}\n"
		"{\"op\":\"setattr\",\"status\":\"unknown\",\"unique\":8,\"nodeid\":3,\"fh\":7,"
		"\"size\":50,\"valid\":72}\n");
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 GETXATTR name \"user.k\","
		" size GetSize(GetXAttrSize)\n"
		"FUSE(  6) ino 0x0000000000000003 GETXATTR name \"user.k\", size Size(255)\n"
		"FUSE(  8) ino 0x0000000000000003 SETXATTR name \"user.k\", size 1, flags 0x0\n"
		"FUSE( 10) ino 0x0000000000000003 LISTXATTR size 0\n"
		"FUSE( 12) ino 0x0000000000000003 REMOVEXATTR name \"user.k\"\n",
		"{\"op\":\"getxattr\",\"xattr\":\"user.k\",\"status\":\"unknown\",\"unique\":4,"
		"\"nodeid\":3,\"size\":0}\n"
		"{\"op\":\"getxattr\",\"xattr\":\"user.k\",\"status\":\"unknown\",\"unique\":6,"
		"\"nodeid\":3,\"size\":255}\n"
		"{\"op\":\"setxattr\",\"xattr\":\"user.k\",\"status\":\"unknown\",\"unique\":8,"
		"\"nodeid\":3,\"size\":1,\"flags\":0}\n"
		"{\"op\":\"listxattr\",\"status\":\"unknown\",\"unique\":10,\"nodeid\":3,"
		"\"size\":0}\n"
		"{\"op\":\"removexattr\",\"xattr\":\"user.k\",\"status\":\"unknown\","
		"\"unique\":12,\"nodeid\":3}\n");
	/* two names; a symbolic link's were printed the wrong way round until 0.16 */
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000001 RENAME2 from FilenameInDir { dir: INodeNo(1),"
		" name: \"a, b }.txt\" }, to FilenameInDir { dir: INodeNo(2),"
		" name: \"to \\\"c\\\"\" }\n"
		"FUSE(  6) ino 0x0000000000000001 RENAME src FilenameInDir { dir: INodeNo(1),"
		" name: \"a\" }, dest FilenameInDir { dir: INodeNo(1), name: \"b\" }\n"
		"FUSE(  8) ino 0x0000000000000001 LINK ino INodeNo(3),"
		" dest FilenameInDir { dir: INodeNo(1), name: \"hard\" }\n"
		"FUSE( 10) ino 0x0000000000000001 SYMLINK target \"sym\", link \"b.txt\"\n"
		"FUSE( 12) ino 0x0000000000000001 SYMLINK target \"b.txt\", link_name \"sym\"\n",
		"{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a, b }.txt\","
		"\"name2\":\"to \\\"c\\\"\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":1,"
		"\"nodeid2\":2}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\",\"status\":\"unknown\","
		"\"unique\":6,\"nodeid\":1,\"nodeid2\":1}\n"
		"{\"op\":\"link\",\"path2\":\"/hard\",\"status\":\"unknown\",\"unique\":8,"
		"\"nodeid\":1,\"nodeid2\":3}\n"
		"{\"op\":\"symlink\",\"path\":\"/sym\",\"target\":\"b.txt\","
		"\"status\":\"unknown\",\"unique\":10,\"nodeid\":1}\n"
		"{\"op\":\"symlink\",\"path\":\"/sym\",\"target\":\"b.txt\","
		"\"status\":\"unknown\",\"unique\":12,\"nodeid\":1}\n");
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 LSEEK fh FileHandle(5), offset 10, whence 3\n"
		"FUSE(  6) ino 0x0000000000000003 FALLOCATE\n"
		"FUSE(  8) ino 0x0000000000000003 COPY_FILE_RANGE src CopyFileRangeFile { inode"
		": INodeNo(3), file_handle: FileHandle(5), offset: 1 },"
		" dest CopyFileRangeFile { inode: INodeNo(4), file_handle: FileHandle(6),"
		" offset: 2 }, len 100\n"
		"FUSE( 10) ino 0x0000000000000003 IOCTL fh FileHandle(5), cmd 21505,"
		" data size 0, flags 0x0\n",
		"{\"op\":\"lseek\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":3,\"fh\":5,"
		"\"offset\":10,\"flags\":3}\n"
		"{\"op\":\"fallocate\",\"status\":\"unknown\",\"unique\":6,\"nodeid\":3}\n"
		"{\"op\":\"copy_file_range\",\"status\":\"unknown\",\"unique\":8,\"nodeid\":3,"
		"\"nodeid2\":4,\"fh\":5,\"offset\":1,\"size\":100}\n"
		"{\"op\":\"ioctl\",\"status\":\"unknown\",\"unique\":10,\"nodeid\":3,\"fh\":5,"
		"\"flags\":0}\n");
	/* no reply is expected of these */
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000003 FORGET nlookup 1\n"
		"FUSE(  6) ino 0x0000000000000000 BATCHFORGET nodes [fuse_forget_one { nodeid: "
		"3, nlookup: 1 }]\n"
		"FUSE(  7) ino 0x0000000000000000 INTERRUPT unique RequestId(6)\n"
		"FUSE(  8) ino 0x0000000000000000 DESTROY\n",
		"{\"op\":\"forget\",\"status\":\"completed\",\"errno\":0,\"unique\":4,"
		"\"nodeid\":3}\n"
		"{\"op\":\"batch_forget\",\"status\":\"completed\",\"errno\":0,\"unique\":6,"
		"\"nodeid\":0}\n"
		"{\"op\":\"interrupt\",\"status\":\"completed\",\"errno\":0,\"unique\":7,"
		"\"nodeid\":0}\n"
		"{\"op\":\"destroy\",\"status\":\"unknown\",\"unique\":8,\"nodeid\":0}\n");
	/* with the thread behind it, since 0.17 */
	FT_TEST_LOG_IS("FUSE(  4) ino 0x0000000000000001 GETATTR thread=fuser-0\n"
		       "FUSE(  6) ino 0x0000000000000001 UNLINK name \"x\" thread=fuser-1\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":4,"
		       "\"nodeid\":1}\n"
		       "{\"op\":\"unlink\",\"path\":\"/x\",\"status\":\"unknown\",\"unique\":6,"
		       "\"nodeid\":1}\n");
	/* an opcode that the crate does not know */
	FT_TEST_LOG_IS("FUSE(  4) ino 0x0000000000000001\n", "");
}

/* fuser 0.4 to 0.7 and fuse 0.4; fuse 0.3. */
static void test_older(void **state)
{
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000001: LOOKUP name \"d\"\n"
		"FUSE(  6) ino 0x0000000000000001: RENAME name \"a\","
		" newdir 0x0000000000000002, newname \"b\"\n"
		"FUSE(  8) ino 0x0000000000000001: LINK name \"hard\","
		" oldnodeid 0x0000000000000003\n"
		"FUSE( 10) ino 0x0000000000000001: SYMLINK name \"sym\", link \"b.txt\"\n"
		"FUSE( 12) ino 0x0000000000000003: SETATTR valid 0x8\n"
		"FUSE( 14) ino 0x0000000000000003: GETXATTR name \"user.k\", size 100\n"
		"FUSE( 16) ino 0x0000000000000003: READ fh 5, offset 0, size 100\n",
		"{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"unknown\",\"unique\":4,"
		"\"nodeid\":1}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"name2\":\"b\",\"status\":\"unknown\","
		"\"unique\":6,\"nodeid\":1,\"nodeid2\":2}\n"
		"{\"op\":\"link\",\"path2\":\"/hard\",\"status\":\"unknown\",\"unique\":8,"
		"\"nodeid\":1,\"nodeid2\":3}\n"
		"{\"op\":\"symlink\",\"path\":\"/sym\",\"target\":\"b.txt\","
		"\"status\":\"unknown\",\"unique\":10,\"nodeid\":1}\n"
		"{\"op\":\"setattr\",\"status\":\"unknown\",\"unique\":12,\"nodeid\":3,"
		"\"valid\":8}\n"
		"{\"op\":\"getxattr\",\"xattr\":\"user.k\",\"status\":\"unknown\","
		"\"unique\":14,\"nodeid\":3,\"size\":100}\n"
		"{\"op\":\"read\",\"status\":\"unknown\",\"unique\":16,\"nodeid\":3,\"fh\":5,"
		"\"offset\":0,\"size\":100}\n");
	FT_TEST_LOG_IS(
		"DEBUG:fuse::request: LOOKUP(4) parent 0x0000000000000001, name \"d\"\n"
		"DEBUG:fuse::request: RENAME(6) parent 0x0000000000000001, name \"a\","
		" newparent 0x0000000000000002, newname \"b\"\n"
		"DEBUG:fuse::request: LINK(8) ino 0x0000000000000003,"
		" newparent 0x0000000000000001, newname \"hard\"\n"
		"DEBUG:fuse::request: WRITE(10) ino 0x0000000000000003, fh 5, offset 0, size 5,"
		" flags 0x0\n"
		"[2018-11-22T09:17:17Z DEBUG fuse::request] READ(12) ino 0x0000000000000003,"
		" fh 5, offset 0, size 100\n",
		"{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"unknown\",\"unique\":4,"
		"\"nodeid\":1}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"name2\":\"b\",\"status\":\"unknown\","
		"\"unique\":6,\"nodeid\":1,\"nodeid2\":2}\n"
		"{\"op\":\"link\",\"path2\":\"/hard\",\"status\":\"unknown\",\"unique\":8,"
		"\"nodeid\":1,\"nodeid2\":3}\n"
		"{\"op\":\"write\",\"status\":\"unknown\",\"unique\":10,\"nodeid\":3,\"fh\":5,"
		"\"offset\":0,\"size\":5,\"flags\":0}\n"
		"{\"op\":\"read\",\"status\":\"unknown\",\"start_ns\":1542878237000000000,"
		"\"unique\":12,\"nodeid\":3,\"fh\":5,\"offset\":0,\"size\":100}\n");
}

/* What the crate itself answers. */
static void test_refusals(void **state)
{
	FT_TEST_LOG_IS(
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  4) ino 0x0000000000000001 A"
		"CCESS mask 0o001\n"
		"[2026-11-22T09:17:17Z DEBUG fuser] [Not Implemented] access(ino: 0x1,"
		" mask: 1)\n"
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  6) ino 0x0000000000000001 S"
		"YMLINK target \"a\", link_name \"b\"\n"
		"[2026-11-22T09:17:17Z WARN  fuser] [Not Implemented] symlink(parent: 0x1,"
		" link_name: \"b\", target: \"a\")\n"
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  8) ino 0x0000000000000001 R"
		"ENAME2 from FilenameInDir { dir: INodeNo(1), name: \"a\" },"
		" to FilenameInDir { dir: INodeNo(1), name: \"b\" }\n"
		"[2026-11-22T09:17:17Z DEBUG fuser] [Not Implemented] rename(parent: 0x1,"
		" name: \"a\", newparent: 0x1, newname: \"b\", flags: 0)\n",
		"{\"op\":\"access\",\"path\":\"/\",\"status\":\"failed\",\"errno\":38,"
		"\"start_ns\":1795339037000000000,\"unique\":4,\"nodeid\":1,\"mode\":1,"
		"\"probe\":true}\n"
		"{\"op\":\"symlink\",\"path\":\"/b\",\"target\":\"a\",\"status\":\"failed\","
		"\"errno\":1,\"start_ns\":1795339037000000000,\"unique\":6,\"nodeid\":1}\n"
		"{\"op\":\"rename\",\"opcode\":45,\"path\":\"/a\",\"path2\":\"/b\","
		"\"status\":\"failed\",\"errno\":38,\"start_ns\":1795339037000000000,"
		"\"unique\":8,\"nodeid\":1,\"nodeid2\":1,\"probe\":true}\n");
	/* of another request: nothing is known */
	FT_TEST_LOG_IS(
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  4) ino 0x0000000000000001 G"
		"ETATTR\n"
		"[2026-11-22T09:17:17Z DEBUG fuser] [Not Implemented] access(ino: 0x1,"
		" mask: 1)\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":4,\"nodeid\":1}\n");
}

/* As Rust quotes them. */
static void test_names(void **state)
{
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000001 LOOKUP name \"n\\nn \\\"q\\\" e\\u{1b}[31m i"
		"\\xFF\\xFE b\\\\s\\r\\t \303\274\"\n",
		"{\"op\":\"lookup\",\"path\":\"/n\\nn \\\"q\\\" e\\u001b[31m i\357\277\275\357"
		"\277\275 b\\\\s\\r\\t \303\274\",\"path_bytes\":\"L24KbiAicSIgZRtbMzFtIGn//iBi"
		"XHMNCSDDvA==\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":1}\n");
	/* records in names */
	FT_TEST_LOG_IS(
		"FUSE(  4) ino 0x0000000000000001 LOOKUP name \"x\\nFUSE(  6) ino 0x00000000000"
		"00001 UNLINK name \\\"y\\\"\"\n"
		"FUSE(  6) ino 0x0000000000000001 GETATTR\n",
		"{\"op\":\"lookup\",\"path\":\"/x\\nFUSE(  6) ino 0x0000000000000001 UNLINK nam"
		"e \\\"y\\\"\",\"status\":\"unknown\",\"unique\":4,\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":6,"
		"\"nodeid\":1}\n");
	/* an empty name, and one that does not end */
	FT_TEST_LOG_IS("FUSE(  4) ino 0x0000000000000001 LOOKUP name \"\"\n"
		       "FUSE(  6) ino 0x0000000000000001 LOOKUP name \"abc\n",
		       "{\"op\":\"lookup\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":4,"
		       "\"nodeid\":1}\n"
		       "{\"op\":\"lookup\",\"status\":\"unknown\",\"unique\":6,\"nodeid\":1}\n");
}

/* Loggers, colours, envelopes. */
static void test_prefixes(void **state)
{
	/* env_logger */
	FT_TEST_LOG_IS(
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  4) ino 0x0000000000000001 G"
		"ETATTR\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":4,\"nodeid\":1}\n");
	FT_TEST_LOG_IS("DEBUG:fuser::request: FUSE(  6) ino 0x0000000000000001 GETATTR\n",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":6,"
		       "\"nodeid\":1}\n");
	/* its colours */
	FT_TEST_LOG_IS(
		"\033[0m\033[38;5;8m[\033[0m2026-11-22T09:17:19Z \033[0m\033[34mDEBUG\033[0m fu"
		"ser::request\033[0m\033[38;5;8m]\033[0m FUSE(  4) ino 0x0000000000000001 GETAT"
		"TR\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339039000000000,\"unique\":4,\"nodeid\":1}\n");
	/* tracing, with the blanks that it leaves */
	FT_TEST_LOG_IS(
		"2026-11-22T09:17:35.221990Z DEBUG fuser::request: FUSE(  4) ino 0x000000000000"
		"0001 LOOKUP name \"d\"    \n",
		"{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339055221990000,\"unique\":4,\"nodeid\":1}\n");
	/* its JSON */
	FT_TEST_LOG_IS(
		"{\"timestamp\":\"2026-11-22T09:17:28.661380Z\",\"level\":\"DEBUG\","
		"\"fields\":{\"message\":\"FUSE(  4) ino 0x0000000000000001 LOOKUP name \\\"d"
		"\\\"\",\"log.target\":\"fuser::request\"},\"target\":\"fuser::request\"}\n",
		"{\"op\":\"lookup\",\"path\":\"/d\",\"status\":\"unknown\","
		"\"start_ns\":1795339048661380000,\"unique\":4,\"nodeid\":1}\n");
	/* behind a time once, it is suspect without one, as is a number that the kernel does not give */
	FT_TEST_LOG_IS(
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  4) ino 0x0000000000000001 G"
		"ETATTR\n"
		"FUSE(  6) ino 0x0000000000000001 UNLINK name \"y\"\n"
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(99999) ino 0x0000000000000001"
		" UNLINK name \"y\"\n"
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  9) ino 0x0000000000000001 U"
		"NLINK name \"y\"\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":4,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"path\":\"/y\",\"status\":\"unknown\",\"unique\":6,"
		"\"nodeid\":1,\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/y\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":99999,\"nodeid\":1,"
		"\"suspect\":true}\n"
		"{\"op\":\"unlink\",\"path\":\"/y\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":9,\"nodeid\":1,\"suspect\":true}\n");
	/* records of another library are suspect */
	FT_TEST_LOG_IS(
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  4) ino 0x0000000000000001 G"
		"ETATTR\n"
		"unique: 6, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
		"[2026-11-22T09:17:17Z DEBUG fuser::request] FUSE(  6) ino 0x0000000000000001 G"
		"ETATTR\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":4,\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"status\":\"unknown\",\"pid\":1,\"unique\":6,\"nodeid\":1,"
		"\"suspect\":true}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795339037000000000,\"unique\":6,\"nodeid\":1}\n");
}

static void test_streams(void **state)
{
	/* another mount */
	FT_TEST_LOG_IS("FUSE(  2) ino 0x0000000000000000 INIT kernel ABI 7.45,"
		       " capabilities 0x73fffffb, max readahead 131072\n"
		       "INIT response: ABI 7.31, flags 0x400021, max readahead 131072,"
		       " max write 16777216\n"
		       "FUSE(900) ino 0x0000000000000001 GETATTR\n"
		       "FUSE(  2) ino 0x0000000000000000 INIT kernel ABI 7.45,"
		       " capabilities 0x73fffffb, max readahead 131072\n"
		       "FUSE(  4) ino 0x0000000000000001 GETATTR\n",
		       "{\"op\":\"init\",\"status\":\"unknown\",\"unique\":2,\"nodeid\":0}\n"
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":900,"
		       "\"nodeid\":1}\n"
		       "{\"op\":\"init\",\"status\":\"unknown\",\"unique\":2,\"nodeid\":0}\n"
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":4,"
		       "\"nodeid\":1}\n");
	/* cut off at both ends */
	FT_TEST_LOG_IS(") ino 0x0000000000000001 GETATTR\n"
		       "FUSE( 30) ino 0x0000000000000001 GETATTR\n"
		       "FUSE( 32) ino 0x00000",
		       "{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\",\"unique\":30,"
		       "\"nodeid\":1}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_older),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_names),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_streams),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
