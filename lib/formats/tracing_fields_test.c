/* SPDX-License-Identifier: MIT */
/* What the fields of spans of Rust's tracing mean: of requests, and of their results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"
#include "tracing_testing.h"

#define GETATTR "fuse::getattr{ino=1}"

/* A record of the log is a line here. */
/* clang-format off */

static void test_fields(void **state)
{
	/* names and nodes */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::lookup{parent=1 name=a}")
		CLOSE(4, "fuse::lookup{parent=1 name=a ino=2}")
		OP("fuse::getattr{ino=2}"),
		"{\"op\":\"lookup\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"entry\":2}\n"
		"{\"op\":\"getattr\",\"path\":\"/a\",\"status\":\"completed\"," TIMES
		",\"nodeid\":2}\n");
	FT_TEST_LOG_IS(
		OP("fuse::mkdir{parent_ino=1 name=\"d\" mode=0o755}")
		OP("fuse::mknod{parent=1 name=\"f\" mode=33188}"),
		"{\"op\":\"mkdir\",\"path\":\"/d\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"mode\":493}\n"
		"{\"op\":\"mknod\",\"path\":\"/f\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"mode\":33188}\n");
	FT_TEST_LOG_IS(
		NEW(1, "fuse::create{parent=1 name=\"c\" mode=0644 flags=0x8241}")
		CLOSE(4, "fuse::create{parent=1 name=\"c\" mode=0644 flags=0x8241 ino=3 fh=7}")
		NEW(1, "fuse::open{inode=3 flags=0x8000}")
		CLOSE(4, "fuse::open{inode=3 flags=0x8000 fh=8}")
		OP("fuse::release{ino=3 fh=8}"),
		"{\"op\":\"create\",\"path\":\"/c\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"entry\":3,\"fh\":7,\"mode\":420,\"flags\":33345}\n"
		"{\"op\":\"open\",\"path\":\"/c\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"fh\":8,\"flags\":32768}\n"
		"{\"op\":\"release\",\"path\":\"/c\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"fh\":8}\n");
	FT_TEST_LOG_IS(
		OP("fuse::rename{parent=1 name=a newparent=1 newname=b}")
		OP("fuse::link{ino=3 newparent=1 newname=\"l\"}")
		OP("fuse::symlink{parent=1 link_name=\"s\" target=\"/t\"}"),
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\"," "\"status\":\"completed\","
		TIMES ",\"nodeid\":1,\"nodeid2\":1}\n"
		"{\"op\":\"link\",\"path2\":\"/l\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1,\"nodeid2\":3}\n"
		"{\"op\":\"symlink\",\"path\":\"/s\",\"target\":\"/t\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n");
	/* sizes and offsets */
	FT_TEST_LOG_IS(
		NEW(1, "fuse::read{ino=3 fh=FileHandle(7) offset=4096 size=Some(10)}")
		CLOSE(4, "fuse::read{ino=3 fh=FileHandle(7) offset=4096 size=Some(10) read=5}")
		NEW(1, "fuse::write{ino=3 off=0 len=5}")
		SAID(2, "fuse::write{ino=3 off=0 len=5}", "done written=5")
		CLOSE(4, "fuse::write{ino=3 off=0 len=5}"),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"fh\":7,\"offset\":4096,\"size\":10,\"reply_size\":5}\n"
		"{\"op\":\"write\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"offset\":0,\"size\":5,\"reply_size\":5}\n");
	/* attributes */
	FT_TEST_LOG_IS(
		OP("fuse::setattr{ino=3 mode=Some(33152) uid=None gid=Some(0) size=None}")
		OP("fuse::setattr{ino=3 size=50 uid=1}")
		OP("fuse::getxattr{ino=3 name=\"user.k\"}"),
		"{\"op\":\"setattr\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"mode\":33152,\"valid\":5}\n"
		"{\"op\":\"setattr\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3,\"size\":50,\"valid\":10}\n"
		"{\"op\":\"getxattr\",\"xattr\":\"user.k\",\"status\":\"completed\"," TIMES
		",\"nodeid\":3}\n");
	/* whole paths */
	FT_TEST_LOG_IS(
		OP("fuse::getattr{path=/d/a}")
		OP("fuse::rename{path=\"/a\" new_path=\"/b\"}")
		OP("fuse::unlink{path=relative}"),
		"{\"op\":\"getattr\",\"path\":\"/d/a\",\"status\":\"completed\"," TIMES "}\n"
		"{\"op\":\"rename\",\"path\":\"/a\",\"path2\":\"/b\"," "\"status\":\"completed\","
		TIMES "}\n"
		"{\"op\":\"unlink\",\"status\":\"completed\"," TIMES "}\n");
	/* who asks */
	FT_TEST_LOG_IS(
		OP("fuse::getattr{req=9 ino=1 uid=1000 gid=100 pid=42}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"pid\":42,\"uid\":1000,\"gid\":100,\"unique\":9,\"nodeid\":1}\n");
	/* not what the field usually is */
	FT_TEST_LOG_IS(
		OP("fuse::read{ino=root offset=-1 size=\"all\" pid=99999999999999}"),
		"{\"op\":\"read\",\"status\":\"completed\"," TIMES "}\n");
	/* bytes that are no UTF-8: printed with ? and with % */
	FT_TEST_LOG_IS(
		OP("fuse::unlink{parent=1 name=\"a\\xFF\"}")
		OP("fuse::unlink{parent=1 name=a\357\277\275}"),
		"{\"op\":\"unlink\",\"path\":\"/a\357\277\275\",\"path_bytes\":\"L2H/\","
		"\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n"
		"{\"op\":\"unlink\",\"status\":\"completed\"," TIMES ",\"nodeid\":1}\n");
}

static void test_errors(void **state)
{
	/* numbers */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 errno=2}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 errno=Some(5)}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 errno=0}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 errno=None}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 errno=-13}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":5," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":13," TIMES
		",\"nodeid\":1}\n");
	/* names and texts */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 error=ENOENT}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 err=Errno(ENOTEMPTY)}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 error=\"No such file or directory\"}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 error=reading /x: permission denied}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 err=Os { code: 28, kind: StorageFull, message: \"No space left on device\" }}")
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 error=gone (os error 116)}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":39," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":13," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":28," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":116," TIMES
		",\"nodeid\":1}\n");
	/* a failure, but which */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		CLOSE(4, "fuse::getattr{ino=1 error=no such file}"),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\"," TIMES
		",\"nodeid\":1}\n");
	/* events of instrument(err, ret) */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, GETATTR, "error=Input/output error (os error 5)")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return=Attr { ino: 1, name: \"a}: b\" }")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return=Err(EACCES)")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return=-39")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "return=5")
		CLOSE(4, GETATTR),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":5," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":13," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":39," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\",\"errno\":0," TIMES
		",\"nodeid\":1}\n");
	/* codes */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, GETATTR, "failed code=-2")
		CLOSE(4, GETATTR)
		NEW(1, GETATTR)
		SAID(2, GETATTR, "answered code=200")
		CLOSE(4, GETATTR),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n"
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* mountpoint-s3 */
	FT_TEST_LOG_IS(
		"2026-11-22T09:15:38.000001Z  WARN lookup{req=10 ino=1 name=\"x\" pid=7}: "
		"mountpoint_s3_fs::fuse: lookup failed with errno 2: inode error: file does "
		"not exist\n",
		"{\"op\":\"lookup\",\"path\":\"/x\",\"status\":\"failed\",\"errno\":2,"
		"\"pid\":7,\"unique\":10,\"nodeid\":1,\"probe\":true}\n");
	/* what fails inside may be made up for */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, "fuse::getattr{ino=1}:cache::get{key=1}", "failed errno=2")
		CLOSE(4, GETATTR),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"completed\"," TIMES
		",\"nodeid\":1}\n");
	/* a number is more than a text */
	FT_TEST_LOG_IS(
		NEW(1, GETATTR)
		SAID(2, GETATTR, "failed errno=2")
		SAID(3, GETATTR, "error=no such file")
		CLOSE(4, GETATTR),
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"failed\",\"errno\":2," TIMES
		",\"nodeid\":1}\n");
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_errors),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
