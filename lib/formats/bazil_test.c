/* SPDX-License-Identifier: MIT */
/* Tests of the lines that bazil.org/fuse prints, as rclone and restic put them into their logs. */
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
		"<- Lookup [ID=0x8 Node=0x1 Uid=1 Gid=2 Pid=7] \"d\"\n"
		"-> [ID=0x8] Lookup 0x2 gen=0 valid=1s attr={valid=1s ino=5 size=0 mode=drwxr-xr-x}\n"
		"<- Mkdir [ID=0xa Node=0x2 Uid=1 Gid=2 Pid=7] \"e\" mode=drwxr-xr-x umask=-----w--w-\n"
		"-> [ID=0xa] Mkdir 0x3 gen=0 valid=1m0s attr={valid=1s ino=6 size=0 mode=drwxr-xr-x}\n"
		"<- Create [ID=0xc Node=0x2 Uid=1 Gid=2 Pid=7] \"a\" fl=OpenWriteOnly+OpenCreate+OpenTruncate+0x8000 mode=-rw-r--r-- umask=-----w--w-\n"
		"-> [ID=0xc] Create {0x4 gen=1 valid=1m0s attr={valid=1s ino=7 size=0 mode=-rw-r--r--}} {0x1 fl=0}\n"
		"<- Write [ID=0xe Node=0x4 Uid=1 Gid=2 Pid=7] 0x1 4091 @4096 fl=0 lock=0 ffl=OpenWriteOnly+OpenAppend\n"
		"-> [ID=0xe] Write 4091\n"
		"<- Read [ID=0x10 Node=0x4 Uid=1 Gid=2 Pid=7] 0x1 4096 @0x1000 dir=false fl=0 lock=0 ffl=OpenReadOnly\n"
		"-> [ID=0x10] Read 0\n"
		"<- Flush [ID=0x12 Node=0x4 Uid=1 Gid=2 Pid=7] 0x1 fl=0x0 lk=0x5\n"
		"-> [ID=0x12] Flush\n"
		"<- Fsync [ID=0x14 Node=0x4 Uid=1 Gid=2 Pid=7] Handle 0x1 Flags 1\n"
		"-> [ID=0x14] Fsync\n"
		"<- Getattr [ID=0x16 Node=0x4 Uid=1 Gid=2 Pid=7] 0x0 fl=0\n"
		"-> [ID=0x16] Getattr valid=1s ino=7 size=1 mode=-rw-r--r--\n"
		"<- Getattr [ID=0x18 Node=0x4 Uid=1 Gid=2 Pid=7] 0x1 fl=GetattrFh\n"
		"-> [ID=0x18] Getattr valid=1s ino=7 size=1 mode=-rw-r--r--\n"
		"<- Setattr [ID=0x1a Node=0x4 Uid=1 Gid=2 Pid=7] mode=-rw------- uid=3 gid=4 size=50 atime=2020-01-02 03:04:05 +0000 UTC atime=now mtime=2020-01-02 03:04:05 +0000 UTC mtime=now handle=0x1 lockowner\n"
		"-> [ID=0x1a] Setattr valid=1s ino=7 size=50 mode=-rw-r--r--\n"
		"<- Setattr [ID=0x1c Node=0x4 Uid=1 Gid=2 Pid=7] mode=utrwxr-xr-x handle=INVALID-0x9\n"
		"-> [ID=0x1c] Setattr valid=1s ino=7 size=50 mode=-rw-r--r--\n"
		"<- Access [ID=0x1e Node=0x4 Uid=1 Gid=2 Pid=7] mask=0x4\n"
		"-> [ID=0x1e] Access\n"
		"<- Release [ID=0x20 Node=0x4 Uid=1 Gid=2 Pid=0] 0x1 fl=OpenReadWrite rfl=0 owner=0x0\n"
		"-> [ID=0x20] Release\n"
		"<- Rename [ID=0x22 Node=0x2 Uid=1 Gid=2 Pid=7] from \"a\" to dirnode 0x3 \"b\"\n"
		"-> [ID=0x22] Rename\n"
		"<- Link [ID=0x24 Node=0x2 Uid=1 Gid=2 Pid=7] node 4 to \"hard\"\n"
		"-> [ID=0x24] Link 0x4 gen=1 valid=1s attr={valid=1s ino=7 size=0 mode=-rw-r--r--}\n"
		"<- Symlink [ID=0x26 Node=0x2 Uid=1 Gid=2 Pid=7] from \"sym\" to target \"../t\"\n"
		"-> [ID=0x26] Symlink 0x5 gen=1 valid=1s attr={valid=1s ino=8 size=0 mode=Lrwxrwxrwx}\n"
		"<- Readlink [ID=0x28 Node=0x5 Uid=1 Gid=2 Pid=7]\n"
		"-> [ID=0x28] Readlink \"../t\"\n"
		"<- Mknod [ID=0x2a Node=0x2 Uid=1 Gid=2 Pid=7] Name \"tty\" mode=Dcrw-r----- umask=-----w--w- rdev=5\n"
		"-> [ID=0x2a] Mknod error=EPERM\n"
		"<- Remove [ID=0x2c Node=0x3 Uid=1 Gid=2 Pid=7] \"b\" dir=false\n"
		"-> [ID=0x2c] Remove\n"
		"<- Remove [ID=0x2e Node=0x2 Uid=1 Gid=2 Pid=7] \"e\" dir=true\n"
		"-> [ID=0x2e] Remove error=directory not empty\n"
		"<- Statfs [ID=0x30 Node=0x1 Uid=1 Gid=2 Pid=7]\n"
		"-> [ID=0x30] Statfs blocks=9/9/9 files=9/9 bsize=4096 frsize=4096 namelen=255\n"
		"<- FAllocate [ID=0x32 Node=0x4 Uid=1 Gid=2 Pid=7] 0x1 100 @4096 mode=FAllocateKeepSize\n"
		"-> [ID=0x32] FAllocate\n"
		"<- Forget [ID=0x34 Node=0x4 Uid=0 Gid=0 Pid=0] 1\n"
		"-> [ID=0x34] Forget\n"
		"<- BatchForget [ID=0x36 Node=0x0 Uid=0 Gid=0 Pid=0] 5x1 3x1\n"
		"-> [ID=0x36] BatchForget\n"
		"<- Interrupt [ID=0x31 Node=0x0 Uid=0 Gid=0 Pid=0] ID 0x30\n"
		"<- LockWait [ID=0x38 Node=0x4 Uid=0 Gid=0 Pid=7] 0x1 owner=0000000000000001 range=0..9 type=LockWrite pid=7 fl=0\n"
		"-> [ID=0x38] LockWait\n"
		"=> InvalidateEntry 0x2 \"to -> [x\"\n"
		"=> InvalidateNode 0x2 Off:0 Size:-1\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':8,'nodeid':1,'entry':2}\n"
		"{'op':'mkdir','path':'/d/e','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':10,'nodeid':2,'entry':3,'mode':493}\n"
		"{'op':'create','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':12,'nodeid':2,'entry':4,'fh':1,'mode':33188,'flags':33345}\n"
		"{'op':'write','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':14,'nodeid':4,'fh':1,'offset':4096,'size':4091,'reply_size':4091,'flags':1025}\n"
		"{'op':'read','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':16,'nodeid':4,'fh':1,'offset':4096,'size':4096,'reply_size':0,'flags':0}\n"
		"{'op':'flush','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':18,'nodeid':4,'fh':1}\n"
		"{'op':'fsync','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':20,'nodeid':4,'fh':1,'flags':1}\n"
		"{'op':'getattr','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':22,'nodeid':4}\n"
		"{'op':'getattr','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':24,'nodeid':4,'fh':1}\n"
		"{'op':'setattr','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':26,'nodeid':4,'fh':1,'size':50,'mode':33152,'valid':1023}\n"
		"{'op':'setattr','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':28,'nodeid':4,'mode':35821,'valid':1}\n"
		"{'op':'access','path':'/d/a','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':30,'nodeid':4,'mode':4}\n"
		"{'op':'release','path':'/d/a','status':'completed','errno':0,'pid':0,'uid':1,'gid':2,'unique':32,'nodeid':4,'fh':1,'flags':2}\n"
		"{'op':'rename','path':'/d/a','path2':'/d/e/b','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':34,'nodeid':2,'nodeid2':3}\n"
		"{'op':'link','path':'/d/e/b','path2':'/d/hard','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':36,'nodeid':2,'nodeid2':4}\n"
		"{'op':'symlink','path':'/d/sym','target':'../t','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':38,'nodeid':2,'entry':5}\n"
		"{'op':'readlink','path':'/d/sym','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':40,'nodeid':5,'reply_size':4}\n"
		"{'op':'mknod','path':'/d/tty','status':'failed','errno':1,'pid':7,'uid':1,'gid':2,'unique':42,'nodeid':2,'mode':8608}\n"
		"{'op':'unlink','path':'/d/e/b','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':44,'nodeid':3}\n"
		"{'op':'rmdir','path':'/d/e','status':'failed','errno':39,'pid':7,'uid':1,'gid':2,'unique':46,'nodeid':2}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':48,'nodeid':1}\n"
		"{'op':'fallocate','path':'/d/hard','status':'completed','errno':0,'pid':7,'uid':1,'gid':2,'unique':50,'nodeid':4,'fh':1,'offset':4096,'size':100}\n"
		"{'op':'forget','path':'/d/hard','status':'completed','errno':0,'pid':0,'uid':0,'gid':0,'unique':52,'nodeid':4}\n"
		"{'op':'batch_forget','status':'completed','errno':0,'pid':0,'uid':0,'gid':0,'unique':54,'nodeid':0}\n"
		"{'op':'interrupt','status':'completed','errno':0,'pid':0,'uid':0,'gid':0,'unique':49,'nodeid':0}\n"
		"{'op':'setlkw','path':'/d/hard','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':56,'nodeid':4,'fh':1}\n",
	},
	{
		"directories have handles of the same numbers",
		"<- Open [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] dir=true fl=OpenReadOnly\n"
		"-> [ID=0x8] Open 0x1 fl=0\n"
		"<- Read [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] 0x1 4096 @0x0 dir=true fl=0 lock=0 ffl=OpenReadOnly+OpenDirectory\n"
		"-> [ID=0xa] Read 96\n"
		"<- Fsync [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] Handle 0x1 Flags 0\n"
		"-> [ID=0xc] Fsync\n"
		"<- Release [ID=0xe Node=0x1 Uid=0 Gid=0 Pid=0] 0x1 fl=OpenReadOnly rfl=0 owner=0x0\n"
		"-> [ID=0xe] Release\n"
		"<- Open [ID=0x10 Node=0x1 Uid=0 Gid=0 Pid=7] dir=false fl=OpenReadOnly\n"
		"-> [ID=0x10] Open 0x1 fl=0\n"
		"<- Release [ID=0x12 Node=0x1 Uid=0 Gid=0 Pid=0] 0x1 fl=OpenReadOnly rfl=0 owner=0x0\n"
		"-> [ID=0x12] Release\n",
		"{'op':'opendir','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'fh':1,'flags':0}\n"
		"{'op':'readdir','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'fh':1,'offset':0,'size':4096,'reply_size':96,'flags':65536}\n"
		"{'op':'fsyncdir','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'fh':1,'flags':0}\n"
		"{'op':'releasedir','path':'/','status':'completed','errno':0,'pid':0,'uid':0,'gid':0,'unique':14,'nodeid':1,'fh':1,'flags':0}\n"
		"{'op':'open','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':16,'nodeid':1,'fh':1,'flags':0}\n"
		"{'op':'release','path':'/','status':'completed','errno':0,'pid':0,'uid':0,'gid':0,'unique':18,'nodeid':1,'fh':1,'flags':0}\n",
	},
	{
		"extended attributes: of a value, its length",
		"<- Getxattr [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" 0 @0\n"
		"-> [ID=0x8] Getxattr \"v\\\"\\n\"\n"
		"<- Getxattr [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" 256 @0\n"
		"-> [ID=0xa] Getxattr 7622\n"
		"<- Getxattr [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" 256\n"
		"-> [ID=0xc] Getxattr error=EIO: function not implemented\n"
		"<- Listxattr [ID=0xe Node=0x1 Uid=0 Gid=0 Pid=7] 256\n"
		"-> [ID=0xe] Listxattr \"user.k\\x00\"\n"
		"<- Setxattr [ID=0x10 Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" \"v\" fl=0\n"
		"-> [ID=0x10] Setxattr\n"
		"<- Setxattr [ID=0x12 Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" 7676 fl=0 @0x0\n"
		"-> [ID=0x12] Setxattr\n"
		"<- Setxattr [ID=0x14 Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\" \"vvvvvvvvvvvvvvvv\"... fl=0\n"
		"-> [ID=0x14] Setxattr\n"
		"<- Removexattr [ID=0x16 Node=0x1 Uid=0 Gid=0 Pid=7] \"user.k\"\n"
		"-> [ID=0x16] Removexattr error=ENODATA\n",
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'size':0,'reply_size':3}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'size':256,'reply_size':2}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'failed','errno':5,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'size':256}\n"
		"{'op':'listxattr','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':14,'nodeid':1,'size':256,'reply_size':7}\n"
		"{'op':'setxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':16,'nodeid':1,'size':1}\n"
		"{'op':'setxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':18,'nodeid':1,'size':2}\n"
		"{'op':'setxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':20,'nodeid':1}\n"
		"{'op':'removexattr','path':'/','xattr':'user.k','status':'failed','errno':61,'pid':7,'uid':0,'gid':0,'unique':22,'nodeid':1}\n",
	},
	{
		"errors: by name, by text, or not known",
		"<- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0x8] Lookup error=ENOENT\n"
		"<- Lookup [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0xa] Lookup error=operation not supported\n"
		"<- Lookup [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0xc] Lookup error=EIO: open /x/a: permission denied\n"
		"<- Lookup [ID=0xe Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0xe] Lookup error=errno 524\n"
		"<- Lookup [ID=0x10 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0x10] Lookup error=what is that\n",
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'probe':true}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':95,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':5,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':524,'pid':7,'uid':0,'gid':0,'unique':14,'nodeid':1}\n"
		"{'op':'lookup','path':'/a','status':'unknown','pid':7,'uid':0,'gid':0,'unique':16,'nodeid':1}\n",
	},
	{
		"opcodes that the library does not know",
		"No opcode 43\n"
		"<- ID=0x166 Node=0x1 Uid=0 Gid=0 Pid=7\n"
		"-> [ID=0x166] Header error=ENOSYS\n"
		"<- Unrecognized [ID=0x168 Node=0x1 Uid=0 Gid=0 Pid=7] opcode=46\n"
		"-> [ID=0x168] Unrecognized error=ENOSYS\n"
		"<- ID=0x16a Node=0x1 Uid=0 Gid=0 Pid=7\n"
		"-> [ID=0x16a] Header error=ENOSYS\n",
		"{'op':'fallocate','path':'/','status':'failed','errno':38,'pid':7,'uid':0,'gid':0,'unique':358,'nodeid':1,'probe':true}\n"
		"{'op':'lseek','path':'/','status':'failed','errno':38,'pid':7,'uid':0,'gid':0,'unique':360,'nodeid':1,'probe':true}\n",
	},
	{
		"what applications put before it",
		"2026/11/22 08:59:22 DEBUG : fuse: <- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"2026/11/22 08:59:22 DEBUG : /: Lookup: name=\"a\"\n"
		"2026/11/22 08:59:22 DEBUG : fuse: -> [ID=0x8] Lookup error=ENOENT\n"
		"2026/11/22 08:59:29.149411 mount.go:81: [24303] DEBUG : fuse: <- Lookup [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"2026/11/22 08:59:29.149646 mount.go:81: [24303] DEBUG : fuse: -> [ID=0xa] Lookup error=ENOENT\n"
		"{\"level\":\"debug\",\"msg\":\"\\u003c- Lookup [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \\\"a\\\"\",\"object\":\"fuse\",\"objectType\":\"string\",\"source\":\"mount/mount.go:81\",\"time\":\"2026-11-22T08:59:24.988675+00:00\"}\n"
		"{\"level\":\"debug\",\"msg\":\"-\\u003e [ID=0xc] Lookup error=ENOENT\",\"object\":\"fuse\",\"objectType\":\"string\",\"source\":\"mount/mount.go:81\",\"time\":\"2026-11-22T08:59:24.988775+00:00\"}\n"
		"2026/11/22 09:01:19 restic/cmd_mount.go:176\tmain.runMount.func2\t42\tfuse: <- Lookup [ID=0xe Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"2026/11/22 09:01:19 restic/cmd_mount.go:176\tmain.runMount.func2\t42\tfuse: -> [ID=0xe] Lookup error=ENOENT\n",
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'start_ns':1795337962000000000,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'probe':true}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'start_ns':1795337969149411000,'duration_ns':235000,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'probe':true}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'start_ns':1795337964988675000,'duration_ns':100000,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'probe':true}\n"
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'start_ns':1795338079000000000,'pid':7,'uid':0,'gid':0,'unique':14,'nodeid':1,'probe':true}\n",
	},
	{
		"names",
		"<- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"q\\\"q \\\\ \\x1b[31m \\xff \\u202e \303\274\\n\"\n"
		"-> [ID=0x8] Lookup error=ENOENT\n"
		"<- Rename [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] from \"a\\\" to dirnode 0x9 \\\"b\" to dirnode 0x1 \"c\"\n"
		"-> [ID=0xa] Rename\n"
		"<- Remove [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \"a\\\" dir=true\" dir=false\n"
		"-> [ID=0xc] Remove\n",
		"{'op':'lookup','path':'/q\\'q \\\\ \\u001b[31m \357\277\275 \342\200\256 \303\274\\n','path_bytes':'L3EicSBcIBtbMzFtIP8g4oCuIMO8Cg==','status':'failed','errno':2,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'probe':true}\n"
		"{'op':'rename','path':'/a\\' to dirnode 0x9 \\'b','path2':'/c','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'nodeid2':1}\n"
		"{'op':'unlink','path':'/a\\' dir=true','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1}\n",
	},
	{
		"a name that holds a record, which the application prints unquoted: suspect from there on",
		"<- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"before\"\n"
		"-> [ID=0x8] Lookup error=ENOENT\n"
		"<- Create [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] \"a.b -> [ID=0xc] Remove error=EPERM\" fl=OpenReadOnly mode=-rw-r--r-- umask=-----w--w-\n"
		"-> [ID=0xa] Create error=EACCES\n"
		"<- Remove [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \"c\" dir=false\n"
		"2026/11/22 08:59:22 DEBUG : a.b -> [ID=0xc] Remove error=EPERM: Attr: \n"
		"-> [ID=0xc] Remove\n",
		"{'op':'lookup','path':'/before','status':'failed','errno':2,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'probe':true}\n"
		"{'op':'create','path':'/a.b -> [ID=0xc] Remove error=EPERM','status':'failed','errno':13,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'mode':33188,'flags':0,'suspect':true}\n"
		"{'op':'unlink','path':'/c','status':'failed','errno':1,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'suspect':true}\n",
	},
	{
		"a file's name where a prefix should be: suspect",
		"<- Remove [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"c\" dir=false\n"
		"2026/11/22 08:59:22 DEBUG : some file -> [ID=0x8] Remove\n"
		"<- Remove [ID=0xa Node=0x1 Uid=0 Gid=0 Pid=7] \"c\" dir=false\n"
		"2026/11/22 08:59:22 DEBUG : to -> c d.txt: Remove: \n"
		"2026/11/22 08:59:22 DEBUG : to -> [ID=0xa] Remove: Attr: \n"
		"-> [ID=0xa] Remove\n",
		"{'op':'unlink','path':'/c','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/c','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1}\n",
	},
	{
		"another mount begins: uniques and nodes start anew",
		"<- Lookup [ID=0x4 Node=0x1 Uid=0 Gid=0 Pid=7] \"d\"\n"
		"-> [ID=0x4] Lookup 0x2 gen=0 valid=1s attr={valid=1s ino=5 size=0 mode=drwxr-xr-x}\n"
		"<- Statfs [ID=0x44 Node=0x2 Uid=0 Gid=0 Pid=7]\n"
		"<- Statfs [ID=0x4 Node=0x1 Uid=0 Gid=0 Pid=7]\n"
		"-> [ID=0x4] Statfs blocks=9/9/9 files=9/9 bsize=4096 frsize=4096 namelen=255\n"
		"<- Statfs [ID=0x6 Node=0x2 Uid=0 Gid=0 Pid=7]\n"
		"-> [ID=0x6] Statfs blocks=9/9/9 files=9/9 bsize=4096 frsize=4096 namelen=255\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1,'entry':2}\n"
		"{'op':'statfs','path':'/d','status':'unknown','pid':7,'uid':0,'gid':0,'unique':68,'nodeid':2}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1}\n"
		"{'op':'statfs','status':'completed','errno':0,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':2}\n",
	},
	{
		"a log that begins in the middle, and one that ends there",
		"0x1 Uid=0 Gid=0 Pid=7] \"d\"\n"
		"-> [ID=0x8] Lookup error=ENOENT\n"
		"-> [ID=0xa] Open 0x1 fl=0\n"
		"<- Lookup [ID=0xc Node=0x1 Uid=0 Gid=0 Pid=7] \"ab\n"
		"-> [ID=0xc] Lookup error=ENOENT\n"
		"<- Read [ID=0xe Node=0x1 Uid=0 Gid=0 Pid=7] 0x1 40",
		"{'op':'lookup','status':'failed','errno':2,'unique':8,'probe':true}\n"
		"{'op':'lookup','status':'failed','errno':2,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'probe':true,'truncated':true}\n"
		"{'op':'read','path':'/','status':'unknown','pid':7,'uid':0,'gid':0,'unique':14,'nodeid':1,'fh':1,'size':40}\n",
	},
	{
		"lines that are none",
		"<- Lookup\n"
		"<- Lookup [ID=8 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"<- Lookup [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7 \"a\"\n"
		"<- NoSuch [ID=0x8 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"<- Lookup [ID=0x11111111111111111 Node=0x1 Uid=0 Gid=0 Pid=7] \"a\"\n"
		"-> [ID=0x8]\n"
		"-> [ID=0x8] lookup\n"
		"-> [ID=0x8] Lookup: Attr\n"
		"-> [ID=0x8] NoSuch\n"
		"=> x\n"
		"No opcode x\n",
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
