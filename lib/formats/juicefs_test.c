/* SPDX-License-Identifier: MIT */
/* Tests of JuiceFS's access log: each method, both forms, names that imitate what is around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats_testing.h"

#define TIME "2026.11.25 12:59:40.000100 "
#define WHO "[uid:1,gid:2,pid:7] "
#define NODE(number, mode)                                                                         \
	"(" #number ",[-rw-r--r--:0" #mode ",1,0,0,1795611580,1795611580,1795611580,50])"
#define EXPECT_WHO "'pid':7,'uid':1,'gid':2"

/* clang-format off */
static const struct ft_test_log_case cases[] = {
	{
		"times: that of the line is the end",
		TIME WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		TIME WHO "getattr (2): " NODE(2, 040755) " - OK <0.000000>\n"
		WHO "getattr (2): " NODE(2, 040755) " - OK <1.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'start_ns':1795611580000040000,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'getattr','path':'/d','status':'completed','errno':0,'start_ns':1795611580000100000,'duration_ns':0," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'getattr','path':'/d','status':'completed','errno':0,'duration_ns':1000001000," EXPECT_WHO ",'nodeid':2}\n",
	},
	{
		"each method",
		WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		WHO "access (2,0x4) - permission denied <0.000002>\n"
		WHO "mkdir (2,e,?rwxr-xr-x:00755): " NODE(3, 040755) " - OK <0.000001>\n"
		WHO "mknod (2,p,frw-r--r--:010644,0x00000000): " NODE(4, 010644) " - OK <0.000001>\n"
		WHO "create (2,a.txt,-rw-r--r--:0100644): " NODE(5, 100644) " [fh:9] - OK <0.000001>\n"
		WHO "create (2,x,-rw-r--r--:0100644): [fh:0] - file exists <0.000001>\n"
		WHO "write (5,4091,5,9) - OK <0.000001>\n"
		WHO "read (5,4096,8,9): (50) - OK <0.000001>\n"
		WHO "read (5,4096,8,9): (0) - errno 524 <0.000001>\n"
		WHO "copy_file_range (5,1,4,2,50,0) - OK <0.000001>\n"
		WHO "fallocate (5,1,4096,100) - OK <0.000001>\n"
		WHO "flush (5,9,4E5B9648ED30FEFD) - OK <0.000001>\n"
		WHO "fsync (5,1) - OK <0.000001>\n"
		WHO "getlk (5,9,4E5B9648ED30FEFD): (0,0,U,0) - OK <0.000001>\n"
		WHO "setlk (5,9,4E5B9648ED30FEFD,0,9,W,true,7) - OK <0.000001>\n"
		WHO "setlk (5,9,4E5B9648ED30FEFD,0,9,W,false,7) - resource temporarily unavailable <0.000001>\n"
		WHO "flock (5,9,4E5B9648ED30FEFD,LOCKEX,true) - OK <0.000001>\n"
		WHO "ioctl (5,0x80086601,0x7FFD,[],[1 2]) - inappropriate ioctl for device <0.000001>\n"
		WHO "setattr (5[9],0x48,[size=50]): " NODE(5, 100644) " - OK <0.000001>\n"
		WHO "setattr (5[0],0x7,[mode=-rw-------:00600,uid=1,gid=1]): - operation not permitted <0.000001>\n"
		WHO "setxattr (5,user.k,1,2) - OK <0.000001>\n"
		WHO "getxattr (5,user.k,0): (1) - OK <0.000001>\n"
		WHO "listxattr (5,256): (7) - OK <0.000001>\n"
		WHO "removexattr (5,user.k) - no data available <0.000001>\n"
		WHO "symlink (2,sym,../t): " NODE(6, 120777) " - OK <0.000001>\n"
		WHO "readlink (6): (../t) - OK <0.000001>\n"
		WHO "link (5,2,hard): " NODE(5, 100644) " - OK <0.000001>\n"
		WHO "rename (2,a.txt,3,b.txt,1) - OK <0.000001>\n"
		WHO "open (5,0x8001) [fh:10] - OK <0.000001>\n"
		WHO "open (5,0x8001) - permission denied <0.000001>\n"
		WHO "release (5,9) - OK <0.000001>\n"
		WHO "opendir (2) [fh:11] - OK <0.000001>\n"
		WHO "readdir (2,65536,3,true): (5) - OK <0.000001>\n"
		WHO "readdir (2,65536,3,false): (0) - OK <0.000001>\n"
		WHO "releasedir (2) - OK <0.000001>\n"
		WHO "unlink (3,b.txt) - OK <0.000001>\n"
		WHO "rmdir (1,d) - directory not empty <0.000001>\n"
		WHO "statfs (1): (61440,1125899906781184,15,10485760) - OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'access','path':'/d','status':'failed','errno':13,'duration_ns':2000," EXPECT_WHO ",'nodeid':2,'mode':4}\n"
		"{'op':'mkdir','path':'/d/e','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':3,'mode':493}\n"
		"{'op':'mknod','path':'/d/p','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':4,'mode':4516}\n"
		"{'op':'create','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':5,'fh':9,'mode':33188}\n"
		"{'op':'create','path':'/d/x','status':'failed','errno':17,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'mode':33188}\n"
		"{'op':'write','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'offset':5,'size':4091}\n"
		"{'op':'read','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'offset':8,'size':4096,'reply_size':50}\n"
		"{'op':'read','path':'/d/a.txt','status':'failed','errno':524,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'offset':8,'size':4096}\n"
		"{'op':'copy_file_range','path':'/d/a.txt','path2':'/d/p','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'nodeid2':4,'offset':1,'size':50,'flags':0}\n"
		"{'op':'fallocate','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'offset':4096,'size':100,'mode':1}\n"
		"{'op':'flush','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9}\n"
		"{'op':'fsync','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'flags':1}\n"
		"{'op':'getlk','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'setlkw','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'setlk','path':'/d/a.txt','status':'failed','errno':11,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'setlkw','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'ioctl','path':'/d/a.txt','status':'failed','errno':25,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'flags':2148034049}\n"
		"{'op':'setattr','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'size':50,'valid':72}\n"
		"{'op':'setattr','path':'/d/a.txt','status':'failed','errno':1,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'mode':384,'valid':7}\n"
		"{'op':'setxattr','path':'/d/a.txt','xattr':'user.k','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'size':1,'flags':2}\n"
		"{'op':'getxattr','path':'/d/a.txt','xattr':'user.k','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'size':0,'reply_size':1}\n"
		"{'op':'listxattr','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'size':256,'reply_size':7}\n"
		"{'op':'removexattr','path':'/d/a.txt','xattr':'user.k','status':'failed','errno':61,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'symlink','path':'/d/sym','target':'../t','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':6}\n"
		"{'op':'readlink','path':'/d/sym','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':6}\n"
		"{'op':'link','path':'/d/a.txt','path2':'/d/hard','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'nodeid2':5}\n"
		"{'op':'rename','path':'/d/a.txt','path2':'/d/e/b.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'nodeid2':3,'flags':1}\n"
		"{'op':'open','path':'/d/e/b.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':10,'flags':32769}\n"
		"{'op':'open','path':'/d/e/b.txt','status':'failed','errno':13,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'flags':32769}\n"
		"{'op':'release','path':'/d/e/b.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9}\n"
		"{'op':'opendir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'fh':11}\n"
		"{'op':'readdirplus','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'offset':3,'size':65536}\n"
		"{'op':'readdir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'offset':3,'size':65536}\n"
		"{'op':'releasedir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/e/b.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':3}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':39,'duration_ns':1000," EXPECT_WHO ",'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':1}\n",
	},
	{
		"the form before 1.2, with fewer arguments in 1.0",
		WHO "lookup (1,d): OK " NODE(2, 040755) " <0.000060>\n"
		WHO "lookup (2,x): no such file or directory <0.000001>\n"
		WHO "create (2,a.txt,-rw-r--r--:0100644): OK " NODE(5, 100644) " [fh:9] <0.000001>\n"
		WHO "open (5): OK [fh:9] <0.000001>\n"
		WHO "read (5,4096,8): OK (50) <0.000001>\n"
		WHO "read (5,4096,8,9): OK (50) <0.000001>\n"
		WHO "write (5,4091,5,9): no space left on device <0.000001>\n"
		WHO "flush (5,9): OK <0.000001>\n"
		WHO "setattr (5,0x8,[size=50]): OK " NODE(5, 100644) " <0.000001>\n"
		WHO "setlk (5,4E5B9648ED30FEFD,0,9,W,true,7): OK <0.000001>\n"
		WHO "flock (77,5,4E5B9648ED30FEFD,LOCKEX,true): OK <0.000001>\n"
		WHO "readlink (6): OK (../t) <0.000001>\n"
		WHO "release (5): OK <0.000001>\n"
		WHO "readdir (2,65536,3): OK (5) <0.000001>\n"
		WHO "statfs (1): OK (1,2,3,4) <0.000001>\n"
		WHO "release (5,9): OK <0.000001>\n"
		WHO "flock (5,9,4E5B9648ED30FEFD,LOCKEX,false): OK <0.000001>\n"
		WHO "releasedir (2): OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'lookup','path':'/d/x','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'probe':true}\n"
		"{'op':'create','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':5,'fh':9,'mode':33188}\n"
		"{'op':'open','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9}\n"
		"{'op':'read','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'offset':8,'size':4096,'reply_size':50}\n"
		"{'op':'read','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'offset':8,'size':4096,'reply_size':50}\n"
		"{'op':'write','path':'/d/a.txt','status':'failed','errno':28,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9,'offset':5,'size':4091}\n"
		"{'op':'flush','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9}\n"
		"{'op':'setattr','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'size':50,'valid':8}\n"
		"{'op':'setlkw','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'setlkw','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO "}\n"
		"{'op':'readlink','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':6}\n"
		"{'op':'release','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'readdir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'offset':3,'size':65536}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':1}\n"
		"{'op':'release','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'fh':9}\n"
		"{'op':'setlk','path':'/d/a.txt','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5}\n"
		"{'op':'releasedir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n",
	},
	{
		"names that imitate what is around them",
		WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		WHO "create (2,a): (9) - OK <0.000001>,-rw-r--r--:0100644): " NODE(5, 100644) " [fh:9] - OK <0.000001>\n"
		WHO "unlink (2,a) - OK) - no such file or directory <0.000001>\n"
		WHO "unlink (2,a) - OK <0.000001>) - no such file or directory <0.000001>\n"
		WHO "lookup (2,x): OK (7)): - no such file or directory <0.000001>\n"
		WHO "lookup (2,): - no such file or directory <0.000001>\n"
		WHO "rename (2,a, b,2,c,d,0) - OK <0.000001>\n"
		WHO "rename (2,a,2,b,2,c,0) - OK <0.000001>\n"
		WHO "symlink (2,s,a,b): - file exists <0.000001>\n"
		WHO "readlink (6): (a) - OK <0.000001>) - OK <0.000001>\n"
		WHO "getxattr (5,user.a,1): (2),0): (3) - OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'create','path':'/d/a): (9) - OK <0.000001>','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'entry':5,'fh':9,'mode':33188}\n"
		"{'op':'unlink','path':'/d/a) - OK','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/a) - OK <0.000001>','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'lookup','path':'/d/x): OK (7)','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'probe':true}\n"
		"{'op':'lookup','path':'/d','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'probe':true}\n"
		"{'op':'rename','path':'/d/a, b','path2':'/d/c,d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'nodeid2':2,'flags':0}\n"
		"{'op':'rename','path':'/d/a','path2':'/d/b,2,c','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'nodeid2':2,'flags':0,'suspect':true}\n"
		"{'op':'symlink','path':'/d/s','target':'a,b','status':'failed','errno':17,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'suspect':true}\n"
		"{'op':'readlink','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':6}\n"
		"{'op':'getxattr','path':'/d/a): (9) - OK <0.000001>','xattr':'user.a,1): (2)','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':5,'size':0,'reply_size':3}\n",
	},
	{
		"the old form likewise",
		WHO "lookup (1,d): OK " NODE(2, 040755) " <0.000060>\n"
		WHO "lookup (2,a): OK (9) <0.000001>): no such file or directory <0.000001>\n"
		WHO "unlink (2,a) - OK): no such file or directory <0.000001>\n"
		WHO "readlink (6): OK (a): OK (b) <0.000001>) <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'lookup','path':'/d/a): OK (9) <0.000001>','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'probe':true}\n"
		"{'op':'unlink','path':'/d/a) - OK','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'readlink','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':6}\n",
	},
	{
		"names with backslashes: quoted, or not, or nobody knows",
		WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		WHO "read (3,9,0,4): (5) - OK <0.000001>\n"
		WHO "unlink (2,by\\x2duuid) - OK <0.000001>\n"
		WHO "unlink (2,a\\\\b) - OK <0.000001>\n"
		WHO "unlink (2,a`\\\\b) - OK <0.000001>\n"
		WHO "unlink (2,`\\) - OK <0.000001>\n"
		WHO "unlink (2,n\\nn) - OK <0.000001>\n"
		WHO "unlink (2,i\\xff) - OK <0.000001>\n"
		WHO "rename (2,a`\\n,2,`b\\t,0) - OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'read','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':3,'fh':4,'offset':0,'size':9,'reply_size':5}\n"
		"{'op':'unlink','path':'/d/by\\\\x2duuid','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/a\\\\\\\\b','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/a`\\\\b','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/`\\'','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/n\\nn','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'suspect':true}\n"
		"{'op':'unlink','path':'/d/i�','path_bytes':'L2Qvaf8=','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'suspect':true}\n"
		"{'op':'rename','path':'/d/a`\\n','path2':'/d/`b\\t','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'nodeid2':2,'flags':0}\n",
	},
	{
		"before 1.3 they stand for themselves",
		WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		WHO "readdir (2,65536,3): (5) - OK <0.000001>\n"
		WHO "unlink (2,n\\nn) - OK <0.000001>\n"
		WHO "unlink (2,`\\n) - OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'readdir','path':'/d','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'offset':3,'size':65536}\n"
		"{'op':'unlink','path':'/d/n\\\\nn','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n"
		"{'op':'unlink','path':'/d/`\\\\n','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n",
	},
	{
		"a newline in a name, before 1.3",
		WHO "lookup (1,d): OK " NODE(2, 040755) " <0.000060>\n"
		WHO "lookup (2,a\n"
		"b): no such file or directory <0.000001>\n"
		WHO "lookup (2,a\n"
		WHO "unlink (2,b): OK <0.000001>\n"
		WHO "getattr (2): OK (2) <0.000002>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'lookup','path':'/d/a\\nb','status':'failed','errno':2,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'probe':true,'suspect':true}\n"
		"{'op':'lookup','path':'/d/a\\n[uid:1,gid:2,pid:7] unlink (2,b','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2,'suspect':true}\n"
		"{'op':'getattr','path':'/d','status':'completed','errno':0,'duration_ns':2000," EXPECT_WHO ",'nodeid':2}\n",
	},
	{
		"since 1.3 there is none: a line that was torn",
		WHO "lookup (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		WHO "read (3,9,0,4): (5) - OK <0.000001>\n"
		WHO "lookup (2,a\n"
		WHO "unlink (2,b) - OK <0.000001>\n",
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'duration_ns':60000," EXPECT_WHO ",'nodeid':1,'entry':2}\n"
		"{'op':'read','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':3,'fh':4,'offset':0,'size':9,'reply_size':5}\n"
		"{'op':'unlink','path':'/d/b','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':2}\n",
	},
	{
		"lines that are none",
		"#\n"
		WHO "lookdown (1,d): " NODE(2, 040755) " - OK <0.000060>\n"
		"[uid:1,gid:2,pid:x] unlink (2,b) - OK <0.000001>\n"
		"2026.11.25 12:59:40.787091 [uid:1,gid:2,pid:7]unlink (2,b) - OK <0.000001>\n"
		WHO "unlink (2,b) - OK 0.000001\n",
		"",
	},
	{
		"a log that ends within a line",
		WHO "read (3,9,0,4): (5) - OK <0.000001>\n"
		WHO "unlink (2,b) - OK <0.000001\n",
		"{'op':'read','status':'completed','errno':0,'duration_ns':1000," EXPECT_WHO ",'nodeid':3,'fh':4,'offset':0,'size':9,'reply_size':5}\n",
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
