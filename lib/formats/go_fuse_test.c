/* SPDX-License-Identifier: MIT */
/*
 * go-fuse: each form of a line in each version, and what must not be taken for one.
 * Expected operations are written without what they all have and with ' for ".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"

/* Each line of a log is one here. */
/* clang-format off */
static const struct ft_test_log_case cases[] = {
	{
		"2.0: nodes are i, names in brackets, no pid",
		"rx 18: LOOKUP i1 [\"d\"] 2b\n"
		"tx 18:     2=no such file or directory, {i0 g0 tE=0s tA=0s {M00 SZ=0 L=0 0:0 B0*0 i0:0 A 0.000000 M 0.000000 C 0.000000}}\n"
		"rx 20: MKDIR i1 {0755 (022)} [\"d\"] 2b\n"
		"tx 20:     OK, {i77 g1 tE=1s tA=1s {M040755 SZ=4096 L=2 0:0 B8*4096 i0:77 A 1.0 M 1.0 C 1.0}}\n"
		"rx 24: CREATE i77 {0100644 [TRUNC,WRONLY,CREAT,0x8000] (022)} [\"a.txt\"] 6b\n"
		"tx 24:     OK, {i78 g1 {M0100644 SZ=0 L=1 0:0 B0*4096 i0:78 A 1.0 M 1.0 C 1.0} &{5 0 0}}\n"
		"rx 26: WRITE i78 {Fh 5 [7 +5)  L 0 WRONLY,0x8000}  5b\n"
		"tx 26:     OK\n"
		"rx 28: LINK i77 {Oldnodeid: 78} [\"hard\"] 5b\n"
		"tx 28:     OK, {i78 g1 tE=1s tA=1s {M0100644 SZ=0 L=2 0:0 B0*4096 i0:78 A 1.0 M 1.0 C 1.0}}\n"
		"rx 30: GETXATTR i78 {sz 0} [\"user.k\"] 7b\n"
		"tx 30:     OK\n"
		"rx 32: IOCTL i78 *fuse._IoctlIn: &{{72 39 32 78 {{12 13} 14225} 0} 5 0 21505 140735012325488 0 8} \n"
		"tx 32:     38=function not implemented\n"
		"rx 34: POLL i78 \n"
		"tx 34:     38=function not implemented\n",
		"{'op':'lookup','path':'/d','status':'failed','errno':2,'unique':18,'nodeid':1,'probe':true}\n"
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'unique':20,'nodeid':1,'entry':77,'mode':493}\n"
		"{'op':'create','path':'/d/a.txt','status':'completed','errno':0,'unique':24,'nodeid':77,'entry':78,'fh':5,'mode':33188,'flags':33345}\n"
		"{'op':'write','path':'/d/a.txt','status':'completed','errno':0,'unique':26,'nodeid':78,'fh':5,'offset':7,'size':5,'flags':32769}\n"
		"{'op':'link','path':'/d/a.txt','path2':'/d/hard','status':'completed','errno':0,'unique':28,'nodeid':77,'nodeid2':78}\n"
		"{'op':'getxattr','path':'/d/hard','xattr':'user.k','status':'completed','errno':0,'unique':30,'nodeid':78,'size':0}\n"
		"{'op':'ioctl','path':'/d/a.txt','status':'failed','errno':38,'pid':14225,'uid':12,'gid':13,'unique':32,'nodeid':78,'fh':5,'size':8,'flags':21505,'probe':true}\n"
		"{'op':'poll','path':'/d/hard','status':'failed','errno':38,'unique':34,'nodeid':78,'probe':true}\n",
	},
	{
		"2.1 to 2.5: nodes are n, contents of a write",
		"rx 24: RENAME2 n1 {i2 1} [\"a\" \"b\"] 4b\n"
		"tx 24:     OK\n"
		"rx 26: WRITE n3 {Fh 1 [0 +4091)  L 0 APPEND,WRONLY,0x8000} \"hello p5\"... 4091b\n"
		"tx 26:     OK\n"
		"rx 28: SYMLINK n1 [\"sym\" \"to it\"] 10b\n"
		"tx 28:     OK, {n4 g1 tE=1s tA=1s {M0120777 SZ=5 L=1 0:0 B0*4096 i0:4 A 1.0 M 1.0 C 1.0}}\n",
		"{'op':'rename','opcode':45,'path':'/a','name2':'b','status':'completed','errno':0,'unique':24,'nodeid':1,'nodeid2':2,'flags':1}\n"
		"{'op':'write','status':'completed','errno':0,'unique':26,'nodeid':3,'fh':1,'offset':0,'size':4091,'flags':33793}\n"
		"{'op':'symlink','path':'/sym','target':'to it','status':'completed','errno':0,'unique':28,'nodeid':1,'entry':4}\n",
	},
	{
		"2.6 to 2.9: pids, names next to the braces",
		"rx 24: CREATE n1 {0100644 [WRONLY,CREAT,TRUNC,0x8000] (022)} [\"a\"] 2b p15\n"
		"tx 24:     OK, {n3 g1 {M0100644 SZ=0 L=1 0:0 B0*0 i0:3 A 1.0 M 1.0 C 1.0} {Fh 1 backing=1 PASSTHROUGH}}\n"
		"rx 26: MKNOD n1 {010644 (022), 0}\"fifo\" p16\n"
		"tx 26:     OK, {n5 g1 tE=1s tA=1s {M010644 SZ=0 L=1 0:0 B0*0 i0:5 A 1.0 M 1.0 C 1.0}}\n"
		"rx 28: LOOKUP n1 \"a\" p17\n"
		"tx 28:     OK, {n3 g1 tE=1s tA=1s {M0100644 SZ=0 L=1 0:0 B0*0 i0:3 A 1.0 M 1.0 C 1.0}}\n"
		"rx 30: SETXATTR n3 {sz 6 f1} \"user.k\\x00hello\" p18\n"
		"tx 30:     OK\n"
		"rx 32: POLL n3 Fh 1 Kh 1 Flags 0x0 p19\n"
		"tx 32:     38=function not implemented\n"
		"rx 34: IOCTL n3 {Fh 1 Flags 0 Cmd 21505 Arg x7ffd3a180fe0, insz 0 outsz 4} p20\n"
		"tx 34:     25=inappropriate ioctl for device\n",
		"{'op':'create','path':'/a','status':'completed','errno':0,'pid':15,'unique':24,'nodeid':1,'entry':3,'fh':1,'mode':33188,'flags':33345}\n"
		"{'op':'mknod','path':'/fifo','status':'completed','errno':0,'pid':16,'unique':26,'nodeid':1,'entry':5,'mode':4516}\n"
		"{'op':'lookup','path':'/a','status':'completed','errno':0,'pid':17,'unique':28,'nodeid':1,'entry':3}\n"
		"{'op':'setxattr','path':'/a','xattr':'user.k','status':'completed','errno':0,'pid':18,'unique':30,'nodeid':3,'size':6,'flags':1}\n"
		"{'op':'poll','path':'/a','status':'failed','errno':38,'pid':19,'unique':32,'nodeid':3,'fh':1,'probe':true}\n"
		"{'op':'ioctl','path':'/a','status':'failed','errno':25,'pid':20,'unique':34,'nodeid':3,'fh':1,'size':4,'flags':21505,'probe':true}\n",
	},
	{
		"2.10: two blanks, values behind names, sizes of replies",
		"rx 20: MKDIR n1 {0755 (mask 022)} \"d\"  p1\n"
		"tx 20:     OK, {n2 g1 tE=1s tA=1s {M040755 SZ=4096 L=2 0:0 B8*4096 i0:2 A 1.0 M 1.0 C 1.0}}\n"
		"rx 22: LOOKUP n2  \"f\"  p1\n"
		"tx 22:     OK, {n3 g1 tE=1s tA=1s {M0100644 SZ=0 L=1 0:0 B0*0 i0:3 A 1.0 M 1.0 C 1.0}}\n"
		"rx 24: SETXATTR n3 {sz 1 f0} \"user.k\" \"v\" 1b p1\n"
		"tx 24:     OK\n"
		"rx 26: WRITE n3 {Fh 1 [0 +9) CACHE,LOCKOWNER L 5 RDONLY}\"12345678\"... 9b p0\n"
		"tx 26:     OK, {9b }\n"
		"rx 28: RENAME2 n1 {i2 NOREPLACE,EXCHANGE} \"d\" \"e\" p1\n"
		"tx 28:     17=file exists\n"
		"rx 30: RENAME n1 {i2} \"x\" \"y\" p1\n"
		"tx 30:     OK\n"
		"rx 32: RENAME2 n1 {i2 0} \"x\" \"z\" p1\n"
		"tx 32:     2=no such file or directory\n"
		"rx 34: IOCTL n3 {Fh 2 Flags DIR Cmd 0x5401 Arg 0x7ffd, insz 1 outsz 4} p1\n"
		"tx 34:     OK, {Result 0 Flags  Iovs 0/0 4b data \"\\x00\\x00\\b\\x00\"\n"
		"rx 36: SETLK n3 {Fh 7 Owner 7 {[10,19) t1 p4711} FLOCK} p1\n"
		"tx 36:     OK\n"
		"rx 38: SETLKW n3 {Fh 7 Owner 7 {[0,9223372036854775807) t2 p4711} } p1\n"
		"tx 38:     11=resource temporarily unavailable\n"
		"rx 40: COPY_FILE_RANGE n3 {Fh 1 [5 +100) => n2 Fh 2 [0, 100)} p1\n"
		"tx 40:     OK, {100b }\n"
		"rx 42: STATX n3 {Fh 4 FH 0x0 Mode,Size} p1\n"
		"tx 42:     38=function not implemented\n"
		"rx 44: TMPFILE n2 {0100600 [RDWR,SYNC,EXEC] (022)}\"/\\x00\" 2b p1\n"
		"tx 44:     OK, {n9 g1 {M0100600 SZ=0 L=0 0:0 B0*0 i0:9 A 1.0 M 1.0 C 1.0} {Fh 6 }}\n"
		"rx 46: OPCODE-77 n3  p1\n"
		"tx 46:     38=function not implemented\n",
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'pid':1,'unique':20,'nodeid':1,'entry':2,'mode':493}\n"
		"{'op':'lookup','path':'/d/f','status':'completed','errno':0,'pid':1,'unique':22,'nodeid':2,'entry':3}\n"
		"{'op':'setxattr','path':'/d/f','xattr':'user.k','status':'completed','errno':0,'pid':1,'unique':24,'nodeid':3,'size':1,'flags':0}\n"
		"{'op':'write','path':'/d/f','status':'completed','errno':0,'pid':0,'unique':26,'nodeid':3,'fh':1,'offset':0,'size':9,'reply_size':9,'flags':0}\n"
		"{'op':'rename','opcode':45,'path':'/d','path2':'/d/e','status':'failed','errno':17,'pid':1,'unique':28,'nodeid':1,'nodeid2':2,'flags':3}\n"
		"{'op':'rename','path':'/x','path2':'/d/y','status':'completed','errno':0,'pid':1,'unique':30,'nodeid':1,'nodeid2':2}\n"
		"{'op':'rename','opcode':45,'path':'/x','path2':'/d/z','status':'failed','errno':2,'pid':1,'unique':32,'nodeid':1,'nodeid2':2,'flags':0}\n"
		"{'op':'ioctl','path':'/d/f','status':'completed','errno':0,'pid':1,'unique':34,'nodeid':3,'fh':2,'size':4,'reply_size':4,'flags':21505}\n"
		"{'op':'setlk','path':'/d/f','status':'completed','errno':0,'pid':1,'unique':36,'nodeid':3,'offset':10,'size':10,'flags':1}\n"
		"{'op':'setlkw','path':'/d/f','status':'failed','errno':11,'pid':1,'unique':38,'nodeid':3,'offset':0,'flags':2}\n"
		"{'op':'copy_file_range','path':'/d/f','path2':'/d','status':'completed','errno':0,'pid':1,'unique':40,'nodeid':3,'nodeid2':2,'fh':1,'offset':5,'size':100,'reply_size':100}\n"
		"{'op':'statx','path':'/d/f','status':'failed','errno':38,'pid':1,'unique':42,'nodeid':3,'fh':4,'probe':true}\n"
		"{'op':'tmpfile','path':'/d','status':'completed','errno':0,'pid':1,'unique':44,'nodeid':2,'entry':9,'fh':6,'mode':33152,'flags':1052706}\n"
		"{'op':'opcode_77','opcode':77,'path':'/d/f','status':'failed','errno':38,'pid':1,'unique':46,'nodeid':3,'probe':true}\n",
	},
	{
		"what requests tell",
		"rx 20: GETATTR n1 {Fh 0 } p1\n"
		"tx 20:     OK, {tA=1s {M040755 SZ=4096 L=3 0:0 B8*4096 i0:0 A 1.0 M 1.0 C 1.0}}\n"
		"rx 22: GETATTR n1 {Fh 0 FH} p1\n"
		"tx 22:     OK, {tA=1s {M040755 SZ=4096 L=3 0:0 B8*4096 i0:0 A 1.0 M 1.0 C 1.0}}\n"
		"rx 24: SETATTR n1 {mode 0100600, size 50, fh 1} p1\n"
		"tx 24:     1=operation not permitted\n"
		"rx 26: SETATTR n1 {uid 1, gid 1} p1\n"
		"tx 26:     OK, {tA=0s {M040755 SZ=4096 L=3 1:1 B8*4096 i0:0 A 1.0 M 1.0 C 1.0}}\n"
		"rx 28: SETATTR n1 {atime 1577934245.000000000, mtime 1577934245.000000000} p1\n"
		"tx 28:     OK\n"
		"rx 30: ACCESS n1 {u=1000 g=100 x,w} p1\n"
		"tx 30:     13=permission denied\n"
		"rx 32: ACCESS n1 {u=0 g=0 } p1\n"
		"tx 32:     OK\n"
		"rx 34: OPEN n1 {O_RDONLY} p1\n"
		"tx 34:     OK, {Fh 3 }\n"
		"rx 36: OPEN n1 {WRONLY,NEWFLAG} p1\n"
		"tx 36:     OK, {Fh 4 backing=2 PASSTHROUGH}\n"
		"rx 38: RELEASE n1 {Fh 3   L0} p0\n"
		"tx 38:     OK\n"
		"rx 40: RELEASE n1 {Fh 4 WRONLY,0x8000 FLUSH L0} p0\n"
		"tx 40:     OK\n"
		"rx 42: OPENDIR n1 {NONBLOCK,LARGEFILE,DIRECTORY} p1\n"
		"tx 42:     OK, {Fh 1 }\n"
		"rx 44: FSYNC n1 {Fh 1 Flags 1} p1\n"
		"tx 44:     5=input/output error\n"
		"rx 46: FSYNCDIR n1 \n"
		"tx 46:     OK\n"
		"rx 48: FLUSH n1 {Fh 1} p1\n"
		"tx 48:     OK\n"
		"rx 50: FALLOCATE n1 {Fh 1 [0 +4096) mod 03} p1\n"
		"tx 50:     28=no space left on device\n"
		"rx 52: LSEEK n1 {Fh 1 [DATA +10)} p1\n"
		"tx 52:     OK, {4096}\n"
		"rx 54: UNLINK n1  \"a\"  p1\n"
		"tx 54:     OK\n"
		"rx 56: RMDIR n1  \"b\"  p1\n"
		"tx 56:     39=directory not empty\n"
		"rx 58: STATFS n1  p1\n"
		"tx 58:     OK, {blocks (1,1)/1 files 1/1 bs4096 nl255 frs4096}\n"
		"rx 60: REMOVEXATTR n1  \"user.k\"  p1\n"
		"tx 60:     61=no data available\n",
		"{'op':'getattr','path':'/','status':'completed','errno':0,'pid':1,'unique':20,'nodeid':1}\n"
		"{'op':'getattr','path':'/','status':'completed','errno':0,'pid':1,'unique':22,'nodeid':1,'fh':0}\n"
		"{'op':'setattr','path':'/','status':'failed','errno':1,'pid':1,'unique':24,'nodeid':1,'fh':1,'size':50,'mode':33152,'valid':73}\n"
		"{'op':'setattr','path':'/','status':'completed','errno':0,'pid':1,'unique':26,'nodeid':1,'valid':6}\n"
		"{'op':'setattr','path':'/','status':'completed','errno':0,'pid':1,'unique':28,'nodeid':1,'valid':48}\n"
		"{'op':'access','path':'/','status':'failed','errno':13,'pid':1,'uid':1000,'gid':100,'unique':30,'nodeid':1,'mode':3}\n"
		"{'op':'access','path':'/','status':'completed','errno':0,'pid':1,'uid':0,'gid':0,'unique':32,'nodeid':1,'mode':0}\n"
		"{'op':'open','path':'/','status':'completed','errno':0,'pid':1,'unique':34,'nodeid':1,'fh':3,'flags':0}\n"
		"{'op':'open','path':'/','status':'completed','errno':0,'pid':1,'unique':36,'nodeid':1,'fh':4}\n"
		"{'op':'release','path':'/','status':'completed','errno':0,'pid':0,'unique':38,'nodeid':1,'fh':3,'flags':0}\n"
		"{'op':'release','path':'/','status':'completed','errno':0,'pid':0,'unique':40,'nodeid':1,'fh':4,'flags':32769}\n"
		"{'op':'opendir','path':'/','status':'completed','errno':0,'pid':1,'unique':42,'nodeid':1,'fh':1,'flags':100352}\n"
		"{'op':'fsync','path':'/','status':'failed','errno':5,'pid':1,'unique':44,'nodeid':1,'fh':1,'flags':1}\n"
		"{'op':'fsyncdir','path':'/','status':'completed','errno':0,'unique':46,'nodeid':1}\n"
		"{'op':'flush','path':'/','status':'completed','errno':0,'pid':1,'unique':48,'nodeid':1,'fh':1}\n"
		"{'op':'fallocate','path':'/','status':'failed','errno':28,'pid':1,'unique':50,'nodeid':1,'fh':1,'offset':0,'size':4096,'mode':3}\n"
		"{'op':'lseek','path':'/','status':'completed','errno':0,'pid':1,'unique':52,'nodeid':1,'fh':1,'offset':10,'flags':3}\n"
		"{'op':'unlink','path':'/a','status':'completed','errno':0,'pid':1,'unique':54,'nodeid':1}\n"
		"{'op':'rmdir','path':'/b','status':'failed','errno':39,'pid':1,'unique':56,'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'pid':1,'unique':58,'nodeid':1}\n"
		"{'op':'removexattr','path':'/','xattr':'user.k','status':'failed','errno':61,'pid':1,'unique':60,'nodeid':1}\n",
	},
	{
		"what replies tell",
		"rx 20: READ n1 {Fh 1 [0 +4096)  L 0 RDONLY,0x8000} p1\n"
		"tx 20:     OK,  5b data \"hello\"\n"
		"rx 22: READ n1 {Fh 1 [0 +4096)  L 0 RDONLY,0x8000} p1\n"
		"tx 22:     OK,  4096b data (fd data)\n"
		"rx 24: READ n1 {Fh 1 [0 +4096)  L 0 RDONLY,0x8000} p1\n"
		"tx 24:     OK,  (fd 4096b data)\n"
		"rx 26: READ n1 {Fh 1 [9 +4096)  L 0 RDONLY,0x8000} p1\n"
		"tx 26:     OK\n"
		"rx 28: READDIRPLUS n1 {Fh 1 [0 +32768)  L 0 NONBLOCK,DIRECTORY} p1\n"
		"tx 28:     OK,  800b data \"\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"...\n"
		"rx 30: READLINK n1  p1\n"
		"tx 30:     OK,  \"q\\\"q\\n\"\n"
		"rx 32: GETXATTR n1 {sz 0} \"user.k\"  p1\n"
		"tx 32:     OK, {sz 17}\n"
		"rx 34: GETXATTR n1 {sz 256} \"user.k\"  p1\n"
		"tx 34:     OK,  1b data \"v\"\n"
		"rx 36: GETXATTR n1 {sz 256} \"user.empty\"  p1\n"
		"tx 36:     OK\n"
		"rx 38: LISTXATTR n1 {sz 9} p1\n"
		"tx 38:     34=numerical result out of range\n",
		"{'op':'read','path':'/','status':'completed','errno':0,'pid':1,'unique':20,'nodeid':1,'fh':1,'offset':0,'size':4096,'reply_size':5,'flags':32768}\n"
		"{'op':'read','path':'/','status':'completed','errno':0,'pid':1,'unique':22,'nodeid':1,'fh':1,'offset':0,'size':4096,'flags':32768}\n"
		"{'op':'read','path':'/','status':'completed','errno':0,'pid':1,'unique':24,'nodeid':1,'fh':1,'offset':0,'size':4096,'flags':32768}\n"
		"{'op':'read','path':'/','status':'completed','errno':0,'pid':1,'unique':26,'nodeid':1,'fh':1,'offset':9,'size':4096,'reply_size':0,'flags':32768}\n"
		"{'op':'readdirplus','path':'/','status':'completed','errno':0,'pid':1,'unique':28,'nodeid':1,'fh':1,'offset':0,'size':32768,'reply_size':800,'flags':67584}\n"
		"{'op':'readlink','path':'/','status':'completed','errno':0,'pid':1,'unique':30,'nodeid':1,'reply_size':4}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':1,'unique':32,'nodeid':1,'size':0,'reply_size':17}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'pid':1,'unique':34,'nodeid':1,'size':256,'reply_size':1}\n"
		"{'op':'getxattr','path':'/','xattr':'user.empty','status':'completed','errno':0,'pid':1,'unique':36,'nodeid':1,'size':256,'reply_size':0}\n"
		"{'op':'listxattr','path':'/','status':'failed','errno':34,'pid':1,'unique':38,'nodeid':1,'size':9,'probe':true}\n",
	},
	{
		"a negative entry is a success",
		"rx 20: LOOKUP n1  \"no\"  p1\n"
		"tx 20:     OK, {n0 g0 tE=1s tA=0s {M00 SZ=0 L=0 0:0 B0*0 i0:0 A 0.000000 M 0.000000 C 0.000000}}\n",
		"{'op':'lookup','path':'/no','status':'completed','errno':0,'pid':1,'unique':20,'nodeid':1,'entry':0}\n",
	},
	{
		"forgets have no reply; the parts of a batch are no requests",
		"rx 658: FORGET n16 {Nlookup=1} p0\n"
		"rx 660: BATCH_FORGET n0 {Count=2}\"\\x10\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"... 32b p0\n"
		"doBatchForget: rx 660 1/2: FORGET n16 {Nlookup=4}\n"
		"doBatchForget: rx 660 2/2: FORGET n15 {Nlookup=4}\n"
		"rx 663: INTERRUPT n0 {ix 662} p0\n",
		"{'op':'forget','status':'completed','errno':0,'pid':0,'unique':658,'nodeid':16}\n"
		"{'op':'batch_forget','status':'completed','errno':0,'pid':0,'unique':660,'nodeid':0}\n"
		"{'op':'interrupt','status':'completed','errno':0,'pid':0,'unique':663,'nodeid':0}\n",
	},
	{
		"the library's own requests of the mount are left out",
		"rx 4: LOOKUP n1  \".go-fuse-epoll-hack\"  p1\n"
		"tx 4:     OK, {n18446744073709551615 g0 tE=0s tA=0s {M0100644 SZ=0 L=1 0:0 B0*0 i0:18446744073709551615 A 0.0 M 0.0 C 0.0}}\n"
		"rx 6: OPEN n18446744073709551615 {LARGEFILE} p1\n"
		"tx 6:     OK, {Fh 18446744073709551615 }\n"
		"rx 8: POLL n18446744073709551615 Fh 18446744073709551615 Kh 1 Flags 0x0 p1\n"
		"tx 8:     38=function not implemented\n"
		"rx 10: LOOKUP n2  \".go-fuse-epoll-hack\"  p1\n"
		"tx 10:     2=no such file or directory\n",
		"{'op':'lookup','name':'.go-fuse-epoll-hack','status':'failed','errno':2,'pid':1,'unique':10,'nodeid':2,'probe':true}\n",
	},
	{
		"names",
		"rx 20: LOOKUP n1  \"q\\\"q \\\\ \\x1b[31m \\xff \\u202e \303\274\"  p1\n"
		"tx 20:     2=no such file or directory\n"
		"rx 22: UNLINK n1  \"n\\ntx 24:     OK p7\"  p1\n"
		"tx 22:     OK\n"
		"rx 24: RENAME n1 {i1} \"a\\\" \\\"b\" \"] 12b p9\"  p1\n"
		"tx 24:     OK\n",
		"{'op':'lookup','path':'/q\\'q \\\\ \\u001b[31m \357\277\275 \342\200\256 \303\274','path_bytes':'L3EicSBcIBtbMzFtIP8g4oCuIMO8','status':'failed','errno':2,'pid':1,'unique':20,'nodeid':1,'probe':true}\n"
		"{'op':'unlink','path':'/n\\ntx 24:     OK p7','status':'completed','errno':0,'pid':1,'unique':22,'nodeid':1}\n"
		"{'op':'rename','path':'/a\\' \\'b','path2':'/] 12b p9','status':'completed','errno':0,'pid':1,'unique':24,'nodeid':1,'nodeid2':1}\n",
	},
	{
		"an INIT begins anew",
		"rx 2: INIT n0 {7.45 Ra 131072 ASYNC_READ,0x70000000} \"\\xfd\\x05\\x00\\x00\\x00\\x00\\x00\\x00\"... 40b\n"
		"tx 2:     OK, {7.28 Ra 131072 ASYNC_READ 0/0 Wr 131072 Tg 0 MaxPages 32}\n"
		"rx 4: MKDIR n1 {0755 (022)} [\"d\"] 2b\n"
		"tx 4:     OK, {n2 g1 tE=1s tA=1s {M040755 SZ=4096 L=2 0:0 B8*4096 i0:2 A 1.0 M 1.0 C 1.0}}\n"
		"rx 6: OPEN n2 {O_RDONLY}\n"
		"rx 2: INIT n0 {7.45 Ra 131072 ASYNC_READ}\n"
		"tx 2:     OK, {7.28 Ra 131072 ASYNC_READ 0/0 Wr 131072 Tg 0 MaxPages 32}\n"
		"rx 4: GETATTR n2 {Fh 0}\n"
		"tx 4:     OK\n",
		"{'op':'init','status':'completed','errno':0,'unique':2,'nodeid':0}\n"
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'unique':4,'nodeid':1,'entry':2,'mode':493}\n"
		"{'op':'open','path':'/d','status':'unknown','unique':6,'nodeid':2,'flags':0}\n"
		"{'op':'init','status':'completed','errno':0,'unique':2,'nodeid':0}\n"
		"{'op':'getattr','status':'completed','errno':0,'unique':4,'nodeid':2}\n",
	},
	{
		"a log that begins in the middle, and one that ends there",
		" n1 {0755 (022)} [\"x\"] 2b\n"
		"tx 18:     OK\n"
		"rx 20: GETATTR n2 {Fh 0}\n"
		"tx 20:     OK, {tA=1s {M0407\n"
		"rx 22: LOOKUP n1 [\"ab\n"
		"tx 22:     2=no such",
		"{'op':'getattr','status':'completed','errno':0,'unique':20,'nodeid':2}\n"
		"{'op':'lookup','status':'failed','errno':2,'unique':22,'nodeid':1,'probe':true,'truncated':true}\n",
	},
	{
		"loggers' prefixes, with their times",
		"09:08:34.269455 rx 14: GETATTR n1 {Fh 0 } p1\n"
		"09:08:34.269537 tx 14:     OK\n"
		"2026/11/22 09:08:35 rx 16: ACCESS n1 {u=0 g=0 x} p1\n"
		"2026/11/22 09:08:35 tx 16:     OK\n"
		"2026/11/22 09:08:35 server.go:77: rx 18: STATFS n1  p1\n"
		"2026/11/22 09:08:35 server.go:88: tx 18:     OK\n"
		"09:08:36.226290 doBatchForget: rx 660 1/2: FORGET n16 {Nlookup=4}\n",
		"{'op':'getattr','path':'/','status':'completed','errno':0,'start_ns':32914269455000,'duration_ns':82000,'pid':1,'unique':14,'nodeid':1}\n"
		"{'op':'access','path':'/','status':'completed','errno':0,'start_ns':1795338515000000000,'pid':1,'uid':0,'gid':0,'unique':16,'nodeid':1,'mode':1}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'start_ns':1795338515000000000,'pid':1,'unique':18,'nodeid':1}\n",
	},
	{
		"what an application prints may hold names: suspect",
		"could not remove x rx 20: UNLINK n1 \"a\" p1\n"
		"could not remove x tx 20:     OK\n"
		"rx 22: UNLINK n1 \"b\" p1\n"
		"could not remove x tx 22:     OK\n"
		"rx 24: UNLINK n1 \"c\" p1\n"
		"could not remove \"x tx 24:     OK\"\n"
		"tx 24:     1=operation not permitted\n",
		"{'op':'unlink','path':'/a','status':'completed','errno':0,'pid':1,'unique':20,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/b','status':'completed','errno':0,'pid':1,'unique':22,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/c','status':'failed','errno':1,'pid':1,'unique':24,'nodeid':1}\n",
	},
	{
		"a name that imitates a reply, in front of other words",
		"rx 20: LOOKUP n1 \"a\" p7\n"
		"tx 20:     OK] [] [e3b0c442\n"
		"tx 20:     2=no such file or directory\n",
		"{'op':'lookup','path':'/a','status':'failed','errno':2,'pid':7,'unique':20,'nodeid':1,'probe':true}\n",
	},
	{
		"lines that are none",
		"rx 20: LOOKUP\n"
		"rx 20 LOOKUP n1 \"a\"\n"
		"rx x: LOOKUP n1\n"
		"rx 20: NO_SUCH n1\n"
		"rx 20: LOOKUP q1 \"a\"\n"
		"rx 20: LOOKUP n1x \"a\"\n"
		"tx 20: OK\n"
		"tx 20:     \n"
		"tx 20:     0=OK\n"
		"tx 20:     99999=what\n"
		"rx 99999999999999999999: LOOKUP n1 \"a\"\n",
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
