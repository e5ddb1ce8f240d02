/* SPDX-License-Identifier: MIT */
/* Tests of the lines that jacobsa/fuse prints, bare and as gcsfuse puts them into its logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats_testing.h"

/* clang-format off */
static const struct ft_test_log_case cases[] = {
	{
		"each request",
		"Op 0x00000002        connection.go:426] <- init\n"
		"Op 0x00000002        connection.go:519] -> init ()\n"
		"Op 0x00000004        connection.go:426] <- LookUpInode (parent 1, name \"d\", PID 7)\n"
		"Op 0x00000004        connection.go:519] -> LookUpInode (inode 2)\n"
		"Op 0x00000006        connection.go:426] <- MkDir (parent 2, name \"e\", PID 7)\n"
		"Op 0x00000006        connection.go:519] -> MkDir (inode 3)\n"
		"Op 0x00000008        connection.go:426] <- CreateFile (parent 2, name \"a\", PID 7)\n"
		"Op 0x00000008        connection.go:519] -> CreateFile (inode 4)\n"
		"Op 0x0000000a        connection.go:426] <- WriteFile (inode 4, PID 0, handle 1, offset 4096, 5 bytes)\n"
		"Op 0x0000000a        connection.go:519] -> WriteFile ()\n"
		"Op 0x0000000c        connection.go:426] <- OpenFile (inode 4, PID 7)\n"
		"Op 0x0000000c        connection.go:519] -> OpenFile (handle 1)\n"
		"Op 0x0000000e        connection.go:426] <- ReadFile (inode 4, PID 7, handle 1, offset 0, 4096 bytes)\n"
		"Op 0x0000000e        connection.go:519] -> ReadFile ()\n"
		"Op 0x00000010        connection.go:426] <- ReleaseFileHandle (PID 0, handle 1)\n"
		"Op 0x00000010        connection.go:519] -> ReleaseFileHandle ()\n"
		"Op 0x00000012        connection.go:426] <- GetInodeAttributes (inode 4, PID 7)\n"
		"Op 0x00000012        connection.go:519] -> GetInodeAttributes ()\n"
		"Op 0x00000014        connection.go:426] <- SetInodeAttributes (inode 4, PID 7, size 50, mode -rw-------, atime 2020-01-02 03:04:05 +0000 UTC, mtime 2020-01-02 03:04:05 +0000 UTC)\n"
		"Op 0x00000014        connection.go:519] -> SetInodeAttributes ()\n"
		"Op 0x00000016        connection.go:426] <- Rename (PID 7, old_parent 2, old_name \"a\", new_parent 3, new_name \"b\")\n"
		"Op 0x00000016        connection.go:519] -> Rename ()\n"
		"Op 0x00000018        connection.go:426] <- CreateLink (parent 2, name \"hard\", PID 7)\n"
		"Op 0x00000018        connection.go:519] -> CreateLink (inode 4)\n"
		"Op 0x0000001a        connection.go:426] <- CreateSymlink (parent 2, name \"sym\", PID 7)\n"
		"Op 0x0000001a        connection.go:519] -> CreateSymlink (inode 5)\n"
		"Op 0x0000001c        connection.go:426] <- GetXattr (inode 4, name \"user.k\", PID 7, name user.k)\n"
		"Op 0x0000001c        connection.go:519] -> GetXattr ()\n"
		"Op 0x0000001e        connection.go:426] <- Fallocate (inode 4, PID 7, offset 0, length 4096, mode 1)\n"
		"Op 0x0000001e        connection.go:519] -> Fallocate ()\n"
		"Op 0x00000020        connection.go:426] <- StatFS\n"
		"Op 0x00000020        connection.go:519] -> StatFS ()\n"
		"Op 0x00000022        connection.go:426] <- unknown (inode 4, opcode 46)\n"
		"Op 0x00000022        connection.go:521] -> Error: \"function not implemented\"\n"
		"Op 0x00000025        connection.go:426] <- interrupt (fuseid 0x00000024)\n"
		"Op 0x00000026        connection.go:426] <- ForgetInode (inode 4, PID 0)\n"
		"Op 0x00000026        connection.go:519] -> ForgetInode ()\n"
		"Op 0x00000028        connection.go:426] <- BatchForget (PID 0)\n"
		"Op 0x00000028        connection.go:519] -> BatchForget ()\n"
		"Op 0x0000002a        connection.go:426] <- RmDir (parent 2, name \"e\", PID 7)\n"
		"Op 0x0000002a        connection.go:519] -> RmDir ()\n",
		"{'op':'init','status':'completed','errno':0,'unique':2}\n"
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'pid':7,'unique':4,'nodeid':1,'entry':2}\n"
		"{'op':'mkdir','path':'/d/e','status':'completed','errno':0,'pid':7,'unique':6,'nodeid':2,'entry':3}\n"
		"{'op':'create','path':'/d/a','status':'completed','errno':0,'pid':7,'unique':8,'nodeid':2,'entry':4}\n"
		"{'op':'write','path':'/d/a','status':'completed','errno':0,'pid':0,'unique':10,'nodeid':4,'fh':1,'offset':4096,'size':5}\n"
		"{'op':'open','path':'/d/a','status':'completed','errno':0,'pid':7,'unique':12,'nodeid':4,'fh':1}\n"
		"{'op':'read','path':'/d/a','status':'completed','errno':0,'pid':7,'unique':14,'nodeid':4,'fh':1,'offset':0,'size':4096}\n"
		"{'op':'release','status':'completed','errno':0,'pid':0,'unique':16,'fh':1}\n"
		"{'op':'getattr','path':'/d/a','status':'completed','errno':0,'pid':7,'unique':18,'nodeid':4}\n"
		"{'op':'setattr','path':'/d/a','status':'completed','errno':0,'pid':7,'unique':20,'nodeid':4,'size':50,'mode':33152}\n"
		"{'op':'rename','path':'/d/a','path2':'/d/e/b','status':'completed','errno':0,'pid':7,'unique':22,'nodeid':2,'nodeid2':3}\n"
		"{'op':'link','path2':'/d/hard','status':'completed','errno':0,'pid':7,'unique':24,'nodeid':2,'entry':4}\n"
		"{'op':'symlink','path':'/d/sym','status':'completed','errno':0,'pid':7,'unique':26,'nodeid':2,'entry':5}\n"
		"{'op':'getxattr','path':'/d/hard','xattr':'user.k','status':'completed','errno':0,'pid':7,'unique':28,'nodeid':4}\n"
		"{'op':'fallocate','path':'/d/hard','status':'completed','errno':0,'pid':7,'unique':30,'nodeid':4,'offset':0,'size':4096,'mode':1}\n"
		"{'op':'statfs','status':'completed','errno':0,'unique':32}\n"
		"{'op':'lseek','path':'/d/hard','status':'failed','errno':38,'unique':34,'nodeid':4,'probe':true}\n"
		"{'op':'interrupt','status':'completed','errno':0,'unique':37}\n"
		"{'op':'forget','path':'/d/hard','status':'completed','errno':0,'pid':0,'unique':38,'nodeid':4}\n"
		"{'op':'batch_forget','status':'completed','errno':0,'pid':0,'unique':40}\n"
		"{'op':'rmdir','path':'/d/e','status':'completed','errno':0,'pid':7,'unique':42,'nodeid':2}\n",
	},
	{
		"errors, by either logger or by both",
		"Op 0x00000004        connection.go:426] <- RmDir (parent 1, name \"d\", PID 7)\n"
		"Op 0x00000004        connection.go:521] -> Error: \"directory not empty\"\n"
		"Op 0x00000004 *fuseops.RmDirOp] -> Error: \"directory not empty\"\n"
		"Op 0x00000006        connection.go:426] <- RmDir (parent 1, name \"d\", PID 7)\n"
		"Op 0x00000006 *fuseops.RmDirOp] -> Error: \"directory not empty\"\n"
		"Op 0x00000008        connection.go:426] <- RmDir (parent 1, name \"d\", PID 7)\n"
		"Op 0x00000008 *fuseops.RmDirOp] -> Error: \"rpc error: \\\"x\\\"\"\n"
		"Op 0x0000000a        connection.go:426] <- RmDir (parent 1, name \"d\", PID 7)\n"
		"Op 0x0000000a        connection.go:521] -> Error: \"errno 524\"\n",
		"{'op':'rmdir','path':'/d','status':'failed','errno':39,'pid':7,'unique':4,'nodeid':1}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':39,'pid':7,'unique':6,'nodeid':1}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':5,'pid':7,'unique':8,'nodeid':1}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':524,'pid':7,'unique':10,'nodeid':1}\n",
	},
	{
		"before 2024-06",
		"Op 0x00000004        connection.go:416] <- LookUpInode (parent 1, name \"d\")\n"
		"Op 0x00000004        connection.go:498] -> OK (inode 2)\n"
		"Op 0x00000006        connection.go:416] <- OpenFile (inode 2)\n"
		"Op 0x00000006        connection.go:498] -> OK ()\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'unique':4,'nodeid':1,'entry':2}\n"
		"{'op':'open','path':'/d','status':'completed','errno':0,'unique':6,'nodeid':2}\n",
	},
	{
		"what gcsfuse puts around it",
		"{\"timestamp\":{\"seconds\":1754207548,\"nanos\":733110719},\"severity\":\"TRACE\",\"message\":\"fuse_debug: Op 0x0000004e        connection.go:453] <- ReadFile (inode 1, PID 7, handle 3, offset 0, 4096 bytes)\",\"mount-id\":\"x\"}\n"
		"{\"timestamp\":{\"seconds\":1754207548,\"nanos\":733210719},\"severity\":\"TRACE\",\"message\":\"fuse_debug: Op 0x0000004e        connection.go:548] -> ReadFile ()\",\"mount-id\":\"x\"}\n"
		"time=\"03/08/2025 03:04:05.000000\" severity=TRACE message=\"fuse_debug: Op 0x00000050        connection.go:453] <- LookUpInode (parent 1, name \\\"a\\\", PID 7)\"\n"
		"time=\"03/08/2025 03:04:05.000000\" severity=ERROR message=\"fuse: Op 0x00000050 *fuseops.LookUpInodeOp] -> Error: \\\"input/output error\\\"\"\n"
		"fuse_debug: 2026/11/22 09:10:20.282767 Op 0x00000052        connection.go:426] <- GetInodeAttributes (inode 1, PID 7)\n"
		"fuse_debug: 2026/11/22 09:10:20.282852 Op 0x00000052        connection.go:519] -> GetInodeAttributes ()\n",
		"{'op':'read','path':'/','status':'completed','errno':0,'start_ns':1754207548733110719,'duration_ns':100000,'pid':7,'unique':78,'nodeid':1,'fh':3,'offset':0,'size':4096}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':5,'start_ns':1754190245000000000,'duration_ns':0,'pid':7,'unique':80,'nodeid':1}\n"
		"{'op':'getattr','path':'/','status':'completed','errno':0,'start_ns':1795338620282767000,'duration_ns':85000,'pid':7,'unique':82,'nodeid':1}\n",
	},
	{
		"names",
		"Op 0x00000004        connection.go:426] <- LookUpInode (parent 1, name \"q\\\"q, name \\xff\\n\", PID 7)\n"
		"Op 0x00000004        connection.go:519] -> Error: \"no such file or directory\"\n"
		"Op 0x00000006        connection.go:426] <- Rename (PID 7, old_parent 1, old_name \"a\\\", new_parent 9\", new_parent 1, new_name \"b, PID 8)\")\n"
		"Op 0x00000006        connection.go:519] -> Rename ()\n"
		"Op 0x00000008        connection.go:426] <- GetXattr (inode 1, name \"user., PID 9, opcode 3\", PID 7, name user., PID 9, opcode 3)\n"
		"Op 0x00000008        connection.go:519] -> GetXattr ()\n",
		"{'op':'lookup','path':'/q\\'q, name \357\277\275\\n','path_bytes':'L3EicSwgbmFtZSD/Cg==','status':'failed','errno':2,'pid':7,'unique':4,'nodeid':1,'probe':true}\n"
		"{'op':'rename','path':'/a\\', new_parent 9','path2':'/b, PID 8)','status':'completed','errno':0,'pid':7,'unique':6,'nodeid':1,'nodeid2':1}\n"
		"{'op':'getxattr','path':'/','xattr':'user., PID 9, opcode 3','status':'completed','errno':0,'pid':7,'unique':8,'nodeid':1}\n",
	},
	{
		"an extended attribute whose name holds a record: suspect from there on",
		"Op 0x00000004        connection.go:426] <- LookUpInode (parent 1, name \"Op 0x4\", PID 7)\n"
		"Op 0x00000004        connection.go:519] -> Error: \"no such file or directory\"\n"
		"Op 0x00000006        connection.go:426] <- Unlink (parent 1, name \"a\", PID 7)\n"
		"Op 0x00000008        connection.go:426] <- GetXattr (inode 1, name \"user.\\nOp 0x00000006        connection.go:519] -> Unlink ()\", PID 7, name user.\n"
		"Op 0x00000006        connection.go:519] -> Unlink ())\n"
		"Op 0x00000006        connection.go:521] -> Error: \"operation not permitted\"\n"
		"Op 0x00000008        connection.go:521] -> Error: \"no data available\"\n",
		"{'op':'lookup','path':'/Op 0x4','status':'failed','errno':2,'pid':7,'unique':4,'nodeid':1,'probe':true}\n"
		"{'op':'unlink','path':'/a','status':'completed','errno':0,'pid':7,'unique':6,'nodeid':1,'suspect':true}\n"
		"{'op':'getxattr','path':'/','xattr':'user.\\nOp 0x00000006        connection.go:519] -> Unlink ()','status':'failed','errno':61,'pid':7,'unique':8,'nodeid':1,'probe':true,'suspect':true}\n",
	},
	{
		"a log that begins in the middle, and one that ends there",
		"ction.go:426] <- StatFS\n"
		"Op 0x00000004        connection.go:519] -> StatFS ()\n"
		"Op 0x00000006        connection.go:519] -> OK ()\n"
		"Op 0x00000008        connection.go:519] -> SyncFile ()\n"
		"Op 0x0000000a        connection.go:426] <- LookUpInode (parent 1, name \"ab\n"
		"Op 0x0000000a        connection.go:521] -> Error: \"no such\n"
		"Op 0x0000000c        connection.go:426] <- ReadFile (inode 1, PID 7, hand",
		"{'op':'statfs','status':'completed','errno':0,'unique':4}\n"
		"{'op':'lookup','status':'unknown','unique':10,'nodeid':1,'truncated':true}\n"
		"{'op':'read','path':'/','status':'unknown','pid':7,'unique':12,'nodeid':1,'truncated':true}\n",
	},
	{
		"another mount begins",
		"Op 0x00000004        connection.go:426] <- LookUpInode (parent 1, name \"d\", PID 7)\n"
		"Op 0x00000004        connection.go:519] -> LookUpInode (inode 2)\n"
		"Op 0x00000006        connection.go:426] <- GetInodeAttributes (inode 2, PID 7)\n"
		"Op 0x00000002        connection.go:426] <- init\n"
		"Op 0x00000002        connection.go:519] -> init ()\n"
		"Op 0x00000004        connection.go:426] <- GetInodeAttributes (inode 2, PID 7)\n"
		"Op 0x00000004        connection.go:519] -> GetInodeAttributes ()\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'pid':7,'unique':4,'nodeid':1,'entry':2}\n"
		"{'op':'getattr','path':'/d','status':'unknown','pid':7,'unique':6,'nodeid':2}\n"
		"{'op':'init','status':'completed','errno':0,'unique':2}\n"
		"{'op':'getattr','status':'completed','errno':0,'pid':7,'unique':4,'nodeid':2}\n",
	},
	{
		"lines that are none",
		"Op 0x\n"
		"Op 0x4\n"
		"Op 0x00000004 connection.go:426]\n"
		"Op 0x00000004 connection.go:426] <- NoSuch (inode 1)\n"
		"Op 0x00000004 connection.go:426] <- unknown (inode 1)\n"
		"Op 0x00000004 connection.go:x] <- StatFS extra\n"
		"Op 0x00000004 *fuseops.NoSuchOp] -> Error: \"x\"\n"
		"Op 0x00000004 *fuseops.X] -> Error: \"x\"\n"
		"Op 0x00000004 *fuseops.RmDirOp] -> RmDir ()\n"
		"Op 0x00000004 connection.go:426] -> NoSuch ()\n",
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
