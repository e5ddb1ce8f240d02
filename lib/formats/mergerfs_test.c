/* SPDX-License-Identifier: MIT */
/*
 * mergerfs: each kind of record, names over lines, records within records.
 * Expected operations are written without what they all have and with ' for ".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"

/* Each line of a log is one here. */
/* clang-format off */
/* What every mount begins with, and its operation. */
#define MOUNT \
		"ts=1000 dir=IN unique=0x0000000000000002 opcode=INIT opcode_id=26 nodeid=0 uid=0 gid=0 pid=7 major=7 minor=45 max_readahead=131072 flags=0x000005FD73FFFFFB flags_str=\"ASYNC_READ\"\n" \
		"ts=1500 dir=OUT unique=0x0000000000000002 error=0 len=80 major=7 minor=45 max_readahead=131072 flags=0x00000130504C8079 flags_str=\"ASYNC_READ\" max_background=0 congestion_threshold=0 max_write=1048576 time_gran=1 max_pages=256 map_alignment=0 request_timeout=0\n"
#define MOUNTED \
		"{'op':'init','status':'completed','errno':0,'start_ns':1000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':2,'nodeid':0,'flags':1946157051}\n"
/* What stands behind the node of a reply, and behind that. */
#define ENTRY " generation=0x732482F26F662E61 entry_valid=1 entry_valid_nsec=0 attr_valid=1 attr_valid_nsec=0 "
#define ATTRIBUTES "ino=0x0338DC4BE2CECDAE size=4096 blocks=8 atime=1 atimensec=5 mtime=1 mtimensec=5 ctime=1 ctimensec=5 mode=40755 nlink=2 uid=0 gid=0 rdev=0 blksize=4096"

static const struct ft_test_log_case cases[] = {
	{
		"names and nodes",
		MOUNT
		"ts=2500 dir=IN unique=0x0000000000000004 opcode=MKDIR opcode_id=9 nodeid=1 uid=0 gid=0 pid=7 mode=777 umask=22 name=\"d\"\n"
		"ts=3000 dir=OUT unique=0x0000000000000004 error=0 len=144 nodeid=0x0000000000000002" ENTRY ATTRIBUTES "\n"
		"ts=4000 dir=IN unique=0x0000000000000006 opcode=LOOKUP opcode_id=1 nodeid=2 uid=4294967295 gid=4294967295 pid=7 name=\"no\"\n"
		"ts=4500 dir=OUT unique=0x0000000000000006 error=0 len=144 nodeid=0x0000000000000000" ENTRY ATTRIBUTES "\n"
		"ts=5500 dir=IN unique=0x0000000000000008 opcode=CREATE opcode_id=35 nodeid=2 uid=0 gid=0 pid=7 mode=100644 umask=22 name=\"a\" flags=0x8241 flags_str=\"O_WRONLY|O_CREAT|O_TRUNC\"\n"
		"ts=6000 dir=OUT unique=0x0000000000000008 error=0 len=144 nodeid=0x0000000000000003" ENTRY ATTRIBUTES " fh=0x7FCB10 open_flags=0x0000 open_flags_str=\"\"\n"
		"ts=7000 dir=IN unique=0x000000000000000A opcode=MKNOD opcode_id=8 nodeid=2 uid=0 gid=0 pid=7 mode=10644 rdev=0x00000000 umask=22 name=\"fifo\"\n"
		"ts=7500 dir=OUT unique=0x000000000000000A error=0 len=144 nodeid=0x0000000000000004" ENTRY ATTRIBUTES "\n"
		"ts=8500 dir=IN unique=0x000000000000000C opcode=SYMLINK opcode_id=6 nodeid=2 uid=0 gid=0 pid=7 name=\"sym\" linkname=\"to it\"\n"
		"ts=9000 dir=OUT unique=0x000000000000000C error=0 len=144 nodeid=0x0000000000000005" ENTRY ATTRIBUTES "\n"
		"ts=10000 dir=IN unique=0x000000000000000E opcode=LINK opcode_id=13 nodeid=2 uid=0 gid=0 pid=7 oldnodeid=3 name=\"hard\"\n"
		"ts=10500 dir=OUT unique=0x000000000000000E error=0 len=144 nodeid=0x0000000000000003" ENTRY ATTRIBUTES "\n"
		"ts=11500 dir=IN unique=0x0000000000000010 opcode=RENAME opcode_id=12 nodeid=2 uid=0 gid=0 pid=7 oldname=\"a\" newdir=1 newname=\"b\"\n"
		"ts=12000 dir=OUT unique=0x0000000000000010 error=0 error_str=\"Success\" len=16\n"
		"ts=13000 dir=IN unique=0x0000000000000012 opcode=RENAME2 opcode_id=45 nodeid=2 uid=0 gid=0 pid=7 oldname=\"fifo\" newdir=2 newname=\"pipe\" flags=0x1\n"
		"ts=13500 dir=OUT unique=0x0000000000000012 error=-38 error_str=\"Function not implemented\" len=16\n"
		"ts=14500 dir=IN unique=0x0000000000000014 opcode=UNLINK opcode_id=10 nodeid=2 uid=0 gid=0 pid=7 name=\"sym\"\n"
		"ts=15000 dir=OUT unique=0x0000000000000014 error=0 error_str=\"Success\" len=16\n"
		"ts=16000 dir=IN unique=0x0000000000000016 opcode=RMDIR opcode_id=11 nodeid=1 uid=0 gid=0 pid=7 name=\"d\"\n"
		"ts=16500 dir=OUT unique=0x0000000000000016 error=-39 error_str=\"Directory not empty\" len=16\n",
		MOUNTED
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'start_ns':2500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1,'entry':2,'mode':511}\n"
		"{'op':'lookup','path':'/d/no','status':'completed','errno':0,'start_ns':4000,'duration_ns':500,'pid':7,'unique':6,'nodeid':2,'entry':0}\n"
		"{'op':'create','path':'/d/a','status':'completed','errno':0,'start_ns':5500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':2,'entry':3,'fh':8375056,'mode':33188,'flags':33345}\n"
		"{'op':'mknod','path':'/d/fifo','status':'completed','errno':0,'start_ns':7000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':2,'entry':4,'mode':4516}\n"
		"{'op':'symlink','path':'/d/sym','target':'to it','status':'completed','errno':0,'start_ns':8500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':2,'entry':5}\n"
		"{'op':'link','path':'/d/a','path2':'/d/hard','status':'completed','errno':0,'start_ns':10000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':14,'nodeid':2,'nodeid2':3}\n"
		"{'op':'rename','path':'/d/a','path2':'/b','status':'completed','errno':0,'start_ns':11500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':16,'nodeid':2,'nodeid2':1}\n"
		"{'op':'rename','opcode':45,'path':'/d/fifo','path2':'/d/pipe','status':'failed','errno':38,'start_ns':13000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':18,'nodeid':2,'nodeid2':2,'flags':1,'probe':true}\n"
		"{'op':'unlink','path':'/d/sym','status':'completed','errno':0,'start_ns':14500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':20,'nodeid':2}\n"
		"{'op':'rmdir','path':'/d','status':'failed','errno':39,'start_ns':16000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':22,'nodeid':1}\n",
	},
	{
		"what requests tell",
		MOUNT
		"ts=17500 dir=IN unique=0x0000000000000004 opcode=GETATTR opcode_id=3 nodeid=1 uid=0 gid=0 pid=7 getattr_flags=0x00000000 fh=0x00000000\n"
		"ts=18000 dir=OUT unique=0x0000000000000004 error=0 len=120 attr_valid=1 attr_valid_nsec=0 " ATTRIBUTES "\n"
		"ts=19000 dir=IN unique=0x0000000000000006 opcode=GETATTR opcode_id=3 nodeid=1 uid=0 gid=0 pid=7 getattr_flags=0x00000001 fh=0x00000010\n"
		"ts=19500 dir=OUT unique=0x0000000000000006 error=-5 error_str=\"Input/output error\" len=16\n"
		"ts=20500 dir=IN unique=0x0000000000000008 opcode=SETATTR opcode_id=4 nodeid=1 uid=0 gid=0 pid=7 valid=1 fh=0x00000000 size=7 lock_owner=0 atime=0 atimensec=0 mtime=0 mtimensec=0 ctime=0 ctimensec=0 mode=100600 uid=0 gid=0\n"
		"ts=21000 dir=OUT unique=0x0000000000000008 error=0 error_str=\"Success\" len=16\n"
		"ts=22000 dir=IN unique=0x000000000000000A opcode=SETATTR opcode_id=4 nodeid=1 uid=1000 gid=1000 pid=7 valid=72 fh=0x00000010 size=50 lock_owner=0 atime=0 atimensec=0 mtime=0 mtimensec=0 ctime=0 ctimensec=0 mode=0 uid=5 gid=6\n"
		"ts=22500 dir=OUT unique=0x000000000000000A error=-1 error_str=\"Operation not permitted\" len=16\n"
		"ts=23500 dir=IN unique=0x000000000000000C opcode=OPEN opcode_id=14 nodeid=1 uid=0 gid=0 pid=7 flags=0x00008000 flags_str=\"O_LARGEFILE\"\n"
		"ts=24000 dir=OUT unique=0x000000000000000C error=0 len=32 fh=0x00000020 open_flags=0x0002 open_flags_str=\"KEEP_CACHE\"\n"
		"ts=25000 dir=IN unique=0x000000000000000E opcode=READ opcode_id=15 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 offset=5 size=4096 read_flags=0x0 lock_owner=0x00000000 flags=0x8000 flags_str=\"O_LARGEFILE\"\n"
		"ts=25500 dir=OUT unique=0x000000000000000E error=0 len=116 data_size=100\n"
		"ts=26500 dir=IN unique=0x0000000000000010 opcode=READ opcode_id=15 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 offset=105 size=4096 read_flags=0x0 lock_owner=0x00000000 flags=0x8000 flags_str=\"O_LARGEFILE\"\n"
		"ts=27000 dir=OUT unique=0x0000000000000010 error=0 len=16 data_size=0\n"
		"ts=28000 dir=IN unique=0x0000000000000012 opcode=WRITE opcode_id=16 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 offset=0 size=9 lock_owner=0x00000000 flags=0x8001 flags_str=\"O_WRONLY\" write_flags=0x1 write_flags_str=\"CACHE\"\n"
		"ts=28500 dir=OUT unique=0x0000000000000012 error=0 len=8 size=9\n"
		"ts=29500 dir=IN unique=0x0000000000000014 opcode=FLUSH opcode_id=25 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 lock_owner=0x00000000\n"
		"ts=30000 dir=OUT unique=0x0000000000000014 error=0 error_str=\"Success\" len=16\n"
		"ts=31000 dir=IN unique=0x0000000000000016 opcode=RELEASE opcode_id=18 nodeid=1 uid=0 gid=0 pid=0 fh=0x00000020 release_flags=0x0 lock_owner=0x00000000 flags=0x8000 flags_str=\"O_LARGEFILE\"\n"
		"ts=31500 dir=OUT unique=0x0000000000000016 error=0 error_str=\"Success\" len=16\n"
		"ts=32500 dir=IN unique=0x0000000000000018 opcode=FSYNC opcode_id=20 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 fsync_flags=0x1\n"
		"ts=33000 dir=OUT unique=0x0000000000000018 error=0 error_str=\"Success\" len=16\n"
		"ts=34000 dir=IN unique=0x000000000000001A opcode=SETXATTR opcode_id=21 nodeid=1 uid=0 gid=0 pid=7 size=1 flags=0x0 name=\"\" value=\"00\"\n"
		"ts=34500 dir=OUT unique=0x000000000000001A error=0 error_str=\"Success\" len=16\n"
		"ts=35500 dir=IN unique=0x000000000000001C opcode=GETXATTR opcode_id=22 nodeid=1 uid=0 gid=0 pid=7 size=0 name=\"user.k\"\n"
		"ts=36000 dir=OUT unique=0x000000000000001C error=0 len=24 size=17\n"
		"ts=37000 dir=IN unique=0x000000000000001E opcode=GETXATTR opcode_id=22 nodeid=1 uid=0 gid=0 pid=7 size=256 name=\"user.k\"\n"
		"ts=37500 dir=OUT unique=0x000000000000001E error=0 len=33 data_size=17\n"
		"ts=38500 dir=IN unique=0x0000000000000020 opcode=LISTXATTR opcode_id=23 nodeid=1 uid=0 gid=0 pid=7 size=0\n"
		"ts=39000 dir=OUT unique=0x0000000000000020 error=-61 error_str=\"No data available\" len=16\n"
		"ts=40000 dir=IN unique=0x0000000000000022 opcode=REMOVEXATTR opcode_id=24 nodeid=1 uid=0 gid=0 pid=7 name=\"user.k\"\n"
		"ts=40500 dir=OUT unique=0x0000000000000022 error=-95 error_str=\"Operation not supported\" len=16\n"
		"ts=41500 dir=IN unique=0x0000000000000024 opcode=READLINK opcode_id=5 nodeid=1 uid=0 gid=0 pid=7 \n"
		"ts=42000 dir=OUT unique=0x0000000000000024 error=0 len=21 linkname=\"q\\\"q/x\"\n"
		"ts=43000 dir=IN unique=0x0000000000000026 opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"ts=43500 dir=OUT unique=0x0000000000000026 error=0 len=80 blocks=1 bfree=1 bavail=1 files=1 ffree=1 bsize=1 namelen=255 frsize=1\n"
		"ts=44500 dir=IN unique=0x0000000000000028 opcode=ACCESS opcode_id=34 nodeid=1 uid=0 gid=0 pid=7 mask=0x00000006\n"
		"ts=45000 dir=OUT unique=0x0000000000000028 error=-13 error_str=\"Permission denied\" len=16\n"
		"ts=46000 dir=IN unique=0x000000000000002A opcode=FALLOCATE opcode_id=43 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 offset=1 length=4096 mode=3\n"
		"ts=46500 dir=OUT unique=0x000000000000002A error=0 error_str=\"Success\" len=16\n"
		"ts=47500 dir=IN unique=0x000000000000002C opcode=LSEEK opcode_id=46 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 offset=9 whence=3\n"
		"ts=48000 dir=OUT unique=0x000000000000002C error=-38 error_str=\"Function not implemented\" len=16\n"
		"ts=49000 dir=IN unique=0x000000000000002E opcode=IOCTL opcode_id=39 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 flags=0x0 cmd=0x5401 arg=0x00007FFD in_size=0 out_size=4\n"
		"ts=49500 dir=OUT unique=0x000000000000002E error=0 len=32 result=0 flags=0x0 in_iovs=0 out_iovs=0\n"
		"ts=50500 dir=IN unique=0x0000000000000030 opcode=POLL opcode_id=40 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 kh=0x0000000000000001 flags=0x1 events=0x4\n"
		"ts=51000 dir=OUT unique=0x0000000000000030 error=0 len=24 revents=0x4\n"
		"ts=52000 dir=IN unique=0x0000000000000032 opcode=SETLK opcode_id=32 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 owner=0x0000000000000007 lk_start=10 lk_end=19 lk_type=1 lk_pid=4711 lk_flags=0x0\n"
		"ts=52500 dir=OUT unique=0x0000000000000032 error=0 error_str=\"Success\" len=16\n"
		"ts=53500 dir=IN unique=0x0000000000000034 opcode=SETLKW opcode_id=33 nodeid=1 uid=0 gid=0 pid=7 fh=0x00000020 owner=0x0000000000000007 lk_start=0 lk_end=9223372036854775807 lk_type=2 lk_pid=4711 lk_flags=0x1\n"
		"ts=54000 dir=OUT unique=0x0000000000000034 error=-11 error_str=\"Resource temporarily unavailable\" len=16\n"
		"ts=55000 dir=IN unique=0x0000000000000036 opcode=COPY_FILE_RANGE opcode_id=47 nodeid=1 uid=0 gid=0 pid=7 fh_in=0x00000020 off_in=5 nodeid_out=9 fh_out=0x00000030 off_out=0 len=100 flags=0x0\n"
		"ts=55500 dir=OUT unique=0x0000000000000036 error=0 len=8 size=100\n"
		"ts=56500 dir=IN unique=0x0000000000000038 opcode=STATX opcode_id=52 nodeid=1 uid=0 gid=0 pid=7 getattr_flags=0x00000001 fh=0x00000020 sx_flags=0x0 sx_mask=0x7FF\n"
		"ts=57000 dir=OUT unique=0x0000000000000038 error=-38 error_str=\"Function not implemented\" len=16\n"
		"ts=58000 dir=IN unique=0x000000000000003A opcode=FORGET opcode_id=2 nodeid=3 uid=0 gid=0 pid=7 nlookup=4\n"
		"ts=59000 dir=IN unique=0x000000000000003C opcode=BATCH_FORGET opcode_id=42 nodeid=0 uid=0 gid=0 pid=7 count=2 item.0={nodeid=4,nlookup=1} item.1={nodeid=5,nlookup=1}\n"
		"ts=60000 dir=IN unique=0x000000000000003F opcode=INTERRUPT opcode_id=36 nodeid=0 uid=0 gid=0 pid=7 target_unique=0x000000000000003E\n"
		"ts=61000 dir=IN unique=0x0000000000000040 opcode=SOMETHING opcode_id=77 nodeid=1 uid=0 gid=0 pid=7 unknown_opcode=77\n"
		"ts=61500 dir=OUT unique=0x0000000000000040 error=-38 error_str=\"Function not implemented\" len=16\n",
		MOUNTED
		"{'op':'getattr','path':'/','status':'completed','errno':0,'start_ns':17500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1}\n"
		"{'op':'getattr','path':'/','status':'failed','errno':5,'start_ns':19000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'fh':16}\n"
		"{'op':'setattr','path':'/','status':'completed','errno':0,'start_ns':20500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'mode':33152,'valid':1}\n"
		"{'op':'setattr','path':'/','status':'failed','errno':1,'start_ns':22000,'duration_ns':500,'pid':7,'uid':1000,'gid':1000,'unique':10,'nodeid':1,'fh':16,'size':50,'valid':72}\n"
		"{'op':'open','path':'/','status':'completed','errno':0,'start_ns':23500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'fh':32,'flags':32768}\n"
		"{'op':'read','path':'/','status':'completed','errno':0,'start_ns':25000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':14,'nodeid':1,'fh':32,'offset':5,'size':4096,'reply_size':100,'flags':32768}\n"
		"{'op':'read','path':'/','status':'completed','errno':0,'start_ns':26500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':16,'nodeid':1,'fh':32,'offset':105,'size':4096,'reply_size':0,'flags':32768}\n"
		"{'op':'write','path':'/','status':'completed','errno':0,'start_ns':28000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':18,'nodeid':1,'fh':32,'offset':0,'size':9,'reply_size':9,'flags':32769}\n"
		"{'op':'flush','path':'/','status':'completed','errno':0,'start_ns':29500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':20,'nodeid':1,'fh':32}\n"
		"{'op':'release','path':'/','status':'completed','errno':0,'start_ns':31000,'duration_ns':500,'pid':0,'uid':0,'gid':0,'unique':22,'nodeid':1,'fh':32,'flags':32768}\n"
		"{'op':'fsync','path':'/','status':'completed','errno':0,'start_ns':32500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':24,'nodeid':1,'fh':32,'flags':1}\n"
		"{'op':'setxattr','path':'/','status':'completed','errno':0,'start_ns':34000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':26,'nodeid':1,'size':1,'flags':0}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'start_ns':35500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':28,'nodeid':1,'size':0,'reply_size':17}\n"
		"{'op':'getxattr','path':'/','xattr':'user.k','status':'completed','errno':0,'start_ns':37000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':30,'nodeid':1,'size':256,'reply_size':17}\n"
		"{'op':'listxattr','path':'/','status':'failed','errno':61,'start_ns':38500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':32,'nodeid':1,'size':0,'probe':true}\n"
		"{'op':'removexattr','path':'/','xattr':'user.k','status':'failed','errno':95,'start_ns':40000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':34,'nodeid':1}\n"
		"{'op':'readlink','path':'/','status':'completed','errno':0,'start_ns':41500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':36,'nodeid':1,'reply_size':5}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'start_ns':43000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':38,'nodeid':1}\n"
		"{'op':'access','path':'/','status':'failed','errno':13,'start_ns':44500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':40,'nodeid':1,'mode':6}\n"
		"{'op':'fallocate','path':'/','status':'completed','errno':0,'start_ns':46000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':42,'nodeid':1,'fh':32,'offset':1,'size':4096,'mode':3}\n"
		"{'op':'lseek','path':'/','status':'failed','errno':38,'start_ns':47500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':44,'nodeid':1,'fh':32,'offset':9,'flags':3,'probe':true}\n"
		"{'op':'ioctl','path':'/','status':'completed','errno':0,'start_ns':49000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':46,'nodeid':1,'fh':32,'size':4,'flags':21505}\n"
		"{'op':'poll','path':'/','status':'completed','errno':0,'start_ns':50500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':48,'nodeid':1,'fh':32,'flags':4}\n"
		"{'op':'setlk','path':'/','status':'completed','errno':0,'start_ns':52000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':50,'nodeid':1,'fh':32,'offset':10,'size':10,'flags':1}\n"
		"{'op':'setlkw','path':'/','status':'failed','errno':11,'start_ns':53500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':52,'nodeid':1,'fh':32,'offset':0,'flags':2}\n"
		"{'op':'copy_file_range','path':'/','status':'completed','errno':0,'start_ns':55000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':54,'nodeid':1,'nodeid2':9,'fh':32,'offset':5,'size':100,'reply_size':100,'flags':0}\n"
		"{'op':'statx','path':'/','status':'failed','errno':38,'start_ns':56500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':56,'nodeid':1,'fh':32,'flags':0,'valid':2047,'probe':true}\n"
		"{'op':'forget','status':'completed','errno':0,'start_ns':58000,'pid':7,'uid':0,'gid':0,'unique':58,'nodeid':3}\n"
		"{'op':'batch_forget','status':'completed','errno':0,'start_ns':59000,'pid':7,'uid':0,'gid':0,'unique':60,'nodeid':0}\n"
		"{'op':'interrupt','status':'completed','errno':0,'start_ns':60000,'pid':7,'uid':0,'gid':0,'unique':63,'nodeid':0}\n"
		"{'op':'opcode_77','opcode':77,'path':'/','status':'failed','errno':38,'start_ns':61000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':64,'nodeid':1,'probe':true}\n",
	},
	{
		"names with newlines, quotes, colours, what is no UTF-8, and records in them",
		MOUNT
		"ts=62500 dir=IN unique=0x0000000000000004 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"n\n"
		"n.txt\"\n"
		"ts=63000 dir=OUT unique=0x0000000000000004 error=0 error_str=\"Success\" len=16\n"
		"ts=64000 dir=IN unique=0x0000000000000006 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"q\\\"q\\\\\"\n"
		"ts=64500 dir=OUT unique=0x0000000000000006 error=0 error_str=\"Success\" len=16\n"
		"ts=65500 dir=IN unique=0x0000000000000008 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"e\033[31m\377\r\n"
		"\n"
		"\"\n"
		"ts=66000 dir=OUT unique=0x0000000000000008 error=0 error_str=\"Success\" len=16\n"
		"ts=67000 dir=IN unique=0x000000000000000A opcode=RENAME opcode_id=12 nodeid=1 uid=0 gid=0 pid=7 oldname=\"a\n"
		"ts=1 dir=OUT unique=0x000000000000000A error=0 error_str=\\\"Success\\\" len=16\n"
		"b\" newdir=1 newname=\"c\n"
		"ts=1 dir=IN unique=0x0000000000000063 opcode=FSYNC opcode_id=20 nodeid=1 uid=0 gid=0 pid=1 fh=0x0\"\n"
		"ts=67500 dir=OUT unique=0x000000000000000A error=-17 error_str=\"File exists\" len=16\n"
		"ts=68500 dir=IN unique=0x000000000000000C opcode=CREATE opcode_id=35 nodeid=1 uid=0 gid=0 pid=7 mode=100644 umask=22 name=\"x\n"
		"12:00:00.000000 tx 99999:     OK\" flags=0x8241 flags_str=\"O_WRONLY\"\n"
		"ts=69000 dir=OUT unique=0x000000000000000C error=-28 error_str=\"No space left on device\" len=16\n",
		MOUNTED
		"{'op':'unlink','path':'/n\\nn.txt','status':'completed','errno':0,'start_ns':62500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1}\n"
		"{'op':'unlink','path':'/q\\'q\\\\','status':'completed','errno':0,'start_ns':64000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1}\n"
		"{'op':'unlink','path':'/e\\u001b[31m\357\277\275\\r\\n\\n','path_bytes':'L2UbWzMxbf8NCgo=','status':'completed','errno':0,'start_ns':65500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1}\n"
		"{'op':'rename','path':'/a\\nts=1 dir=OUT unique=0x000000000000000A error=0 error_str=\\'Success\\' len=16\\nb','path2':'/c\\nts=1 dir=IN unique=0x0000000000000063 opcode=FSYNC opcode_id=20 nodeid=1 uid=0 gid=0 pid=1 fh=0x0','status':'failed','errno':17,'start_ns':67000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'nodeid2':1}\n"
		"{'op':'create','path':'/x\\n12:00:00.000000 tx 99999:     OK','status':'failed','errno':28,'start_ns':68500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1,'mode':33188,'flags':33345}\n",
	},
	{
		"a record between the pieces of a reply",
		MOUNT
		"ts=70000 dir=IN unique=0x0000000000000004 opcode=MKDIR opcode_id=9 nodeid=1 uid=0 gid=0 pid=7 mode=777 umask=22 name=\"d\"\n"
		"ts=71000 dir=IN unique=0x0000000000000006 opcode=LOOKUP opcode_id=1 nodeid=1 uid=0 gid=0 pid=7 name=\"e\"\n"
		"ts=71500 dir=OUT unique=0x0000000000000004 error=0 len=144 nodeid=0x0000000000000002" ENTRY "ts=72500 dir=IN unique=0x0000000000000008 opcode=GETATTR opcode_id=3 nodeid=1 uid=0 gid=0 pid=7 getattr_flags=0x00000000 fh=0x00000000\n"
		ATTRIBUTES "\n"
		"ts=73000 dir=OUT unique=0x0000000000000006 error=0 len=144 ts=74000 dir=IN unique=0x000000000000000A opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"nodeid=0x0000000000000003" ENTRY ATTRIBUTES "\n"
		"ts=75000 dir=IN unique=0x000000000000000C opcode=OPEN opcode_id=14 nodeid=3 uid=0 gid=0 pid=7 flags=0x00008000 flags_str=\"O_LARGEFILE\"\n"
		"ts=75500 dir=OUT unique=0x000000000000000C error=0 len=32 fh=0x00000020 open_flags=0x0000 open_flags_str=\"\"\n"
		"ts=76000 dir=OUT unique=0x0000000000000008 error=0 error_str=\"Success\" len=16\n"
		"ts=76500 dir=OUT unique=0x000000000000000A error=0 error_str=\"Success\" len=16\n",
		MOUNTED
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'start_ns':70000,'duration_ns':1500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1,'entry':2,'mode':511}\n"
		"{'op':'lookup','path':'/e','status':'completed','errno':0,'start_ns':71000,'duration_ns':2000,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'entry':3}\n"
		"{'op':'open','path':'/e','status':'completed','errno':0,'start_ns':75000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':3,'fh':32,'flags':32768}\n"
		"{'op':'getattr','path':'/','status':'completed','errno':0,'start_ns':72500,'duration_ns':3500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'start_ns':74000,'duration_ns':2500,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1}\n",
	},
	{
		"... without a blank before it, and a handle that comes later",
		MOUNT
		"ts=77500 dir=IN unique=0x0000000000000004 opcode=CREATE opcode_id=35 nodeid=1 uid=0 gid=0 pid=7 mode=100644 umask=22 name=\"a\" flags=0x8241 flags_str=\"O_WRONLY\"\n"
		"ts=78000 dir=OUT unique=0x0000000000000004 error=0 len=144 nodeid=0x0000000000000002" ENTRY ATTRIBUTES "ts=79000 dir=IN unique=0x0000000000000006 opcode=LOOKUP opcode_id=1 nodeid=1 uid=0 gid=0 pid=7 name=\"b\"\n"
		" fh=0x00000020 open_flags=0x0000 open_flags_str=\"\"\n"
		"ts=79500 dir=OUT unique=0x0000000000000006 error=0 len=144 nodeid=0x0000000000000003" ENTRY ATTRIBUTES " fh=0x00000030 open_flags=0x0000 open_flags_str=\"\"\n",
		MOUNTED
		"{'op':'create','path':'/a','status':'completed','errno':0,'start_ns':77500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1,'entry':2,'mode':33188,'flags':33345}\n"
		"{'op':'lookup','path':'/b','status':'completed','errno':0,'start_ns':79000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'entry':3}\n",
	},
	{
		"two replies that wait for their nodes: which is whose is not known",
		MOUNT
		"ts=80500 dir=IN unique=0x0000000000000004 opcode=MKDIR opcode_id=9 nodeid=1 uid=0 gid=0 pid=7 mode=777 umask=22 name=\"d\"\n"
		"ts=81500 dir=IN unique=0x0000000000000006 opcode=MKDIR opcode_id=9 nodeid=1 uid=0 gid=0 pid=7 mode=777 umask=22 name=\"e\"\n"
		"ts=82000 dir=OUT unique=0x0000000000000004 error=0 len=144 ts=82500 dir=OUT unique=0x0000000000000006 error=0 len=144 nodeid=0x0000000000000003" ENTRY ATTRIBUTES "nodeid=0x0000000000000002" ENTRY ATTRIBUTES "\n"
		"\n"
		"ts=83500 dir=IN unique=0x0000000000000008 opcode=GETATTR opcode_id=3 nodeid=2 uid=0 gid=0 pid=7 getattr_flags=0x00000000 fh=0x00000000\n"
		"ts=84000 dir=OUT unique=0x0000000000000008 error=0 error_str=\"Success\" len=16\n",
		MOUNTED
		"{'op':'mkdir','path':'/d','status':'completed','errno':0,'start_ns':80500,'duration_ns':1500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1,'mode':511}\n"
		"{'op':'mkdir','path':'/e','status':'completed','errno':0,'start_ns':81500,'duration_ns':1000,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'mode':511}\n"
		"{'op':'getattr','status':'completed','errno':0,'start_ns':83500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':2}\n",
	},
	{
		"a reply whose rest never comes",
		MOUNT
		"ts=85000 dir=IN unique=0x0000000000000004 opcode=LOOKUP opcode_id=1 nodeid=1 uid=0 gid=0 pid=7 name=\"d\"\n"
		"ts=85500 dir=OUT unique=0x0000000000000004 error=0 len=144 ts=86500 dir=IN unique=0x0000000000000006 opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n",
		MOUNTED
		"{'op':'lookup','path':'/d','status':'completed','errno':0,'start_ns':85000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':4,'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'unknown','start_ns':86500,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1}\n",
	},
	{
		"a log that begins in the middle of a name: suspect until a quoted value is whole",
		"ts=1 dir=IN unique=0x0000000000000063 opcode=FSYNC opcode_id=20 nodeid=1 uid=0 gid=0 pid=1 fh=0x0\n"
		"rest\" flags=0x8241 flags_str=\"O_WRONLY\"\n"
		"ts=87500 dir=IN unique=0x0000000000000008 opcode=GETATTR opcode_id=3 nodeid=1 uid=0 gid=0 pid=7 getattr_flags=0x00000000 fh=0x00000000\n"
		"ts=88000 dir=OUT unique=0x0000000000000008 error=0 len=120 attr_valid=1 attr_valid_nsec=0 " ATTRIBUTES "\n"
		"ts=89000 dir=IN unique=0x000000000000000A opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"a\"\n"
		"ts=89500 dir=OUT unique=0x000000000000000A error=0 error_str=\"Success\" len=16\n"
		"ts=90500 dir=IN unique=0x000000000000000C opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"ts=91000 dir=OUT unique=0x000000000000000C error=0 error_str=\"Success\" len=16\n",
		"{'op':'getattr','path':'/','status':'completed','errno':0,'start_ns':87500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/a','status':'completed','errno':0,'start_ns':89000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'completed','errno':0,'start_ns':90500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1}\n"
		"{'op':'fsync','path':'/','status':'unknown','start_ns':1,'pid':1,'uid':0,'gid':0,'unique':99,'nodeid':1,'fh':0,'suspect':true}\n",
	},
	{
		"a tail without its begin",
		ATTRIBUTES "\n"
		"nodeid=0x2 " ATTRIBUTES "\n",
		"",
	},
	{
		"a record that was torn in its quotes; what follows in them is suspect",
		MOUNT
		"ts=92000 dir=IN unique=0x0000000000000004 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"abts=93000 dir=IN unique=0x0000000000000006 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"c\"\n"
		"ts=93500 dir=OUT unique=0x0000000000000006 error=0 error_str=\"Success\" len=16\n"
		"ts=94500 dir=IN unique=0x0000000000000008 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"d\"\n"
		"ts=95000 dir=OUT unique=0x0000000000000008 error=0 error_str=\"Success\" len=16\n",
		MOUNTED
		"{'op':'unlink','path':'/c','status':'completed','errno':0,'start_ns':93000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'suspect':true}\n"
		"{'op':'unlink','path':'/d','status':'completed','errno':0,'start_ns':94500,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1}\n",
	},
	{
		"quotes that do not end are not waited for",
		MOUNT
		"ts=96000 dir=IN unique=0x0000000000000004 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"ab\n"
		"ts=97000 dir=IN unique=0x0000000000000006 opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"ts=98000 dir=IN unique=0x0000000000000008 opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"ts=99000 dir=IN unique=0x000000000000000A opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 \n"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
		"ts=100000 dir=IN unique=0x000000000000000C opcode=UNLINK opcode_id=10 nodeid=1 uid=0 gid=0 pid=7 name=\"d\"\n"
		"ts=100500 dir=OUT unique=0x000000000000000C error=0 error_str=\"Success\" len=16\n",
		MOUNTED
		"{'op':'unlink','path':'/d','status':'completed','errno':0,'start_ns':100000,'duration_ns':500,'pid':7,'uid':0,'gid':0,'unique':12,'nodeid':1}\n"
		"{'op':'statfs','path':'/','status':'unknown','start_ns':97000,'pid':7,'uid':0,'gid':0,'unique':6,'nodeid':1,'suspect':true}\n"
		"{'op':'statfs','path':'/','status':'unknown','start_ns':98000,'pid':7,'uid':0,'gid':0,'unique':8,'nodeid':1,'suspect':true}\n"
		"{'op':'statfs','path':'/','status':'unknown','start_ns':99000,'pid':7,'uid':0,'gid':0,'unique':10,'nodeid':1,'suspect':true}\n",
	},
	{
		"numbers that are none, headers that are cut",
		MOUNT
		"ts=101500 dir=IN unique=0x0000000000000004 opcode=READ opcode_id=15 nodeid=1 uid=0 gid=0 pid=7 fh=0xZZ offset=5 size=1\n"
		"ts=102500 dir=IN unique=0x0000000000000006 opcode=READ opcode_id=15 nodeid=1 uid=0 gid=0 pid=7 fh=0x20 offset=-5\n"
		"ts=5 dir=IN unique=0x0000000000000008 opcode=READ opcode_id=15 nodeid=1 uid=0\n"
		"ts=5 dir=OUT unique=0x\n"
		"ts= dir=IN\n"
		"ts=99999999999999999999 dir=OUT unique=0x0000000000000002 error=0\n"
		"ts=103000 dir=OUT unique=0x0000000000000008 error=-99999 error_str=\"what\" len=16\n"
		"ts=104000 dir=IN unique=0x000000000000000E opcode=STATFS opcode_id=17 nodeid=1 uid=0 gid=0 pid=7 garbage\n",
		MOUNTED,
	},
	{
		"2.33: INIT alone",
		"FUSE_INIT_IN:  major=7; minor=45; max_readahead=131072; flags=0x73FFFFFB (ASYNC_READ,);\n"
		"FUSE_INIT_OUT: major=7; minor=31; max_readahead=131072;\n"
		"FUSE_INIT_IN:  major=7; minor=45;\n"
		"FUSE_INIT_XX: major=1\n",
		"{'op':'init','status':'completed','errno':0}\n"
		"{'op':'init','status':'unknown'}\n",
	},
};
/* clang-format on */

static void test_cases(void **state)
{
	ft_test_logs(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Names may hold any byte but '\0' and '/': each is told, and none casts doubt on it. */
static void test_any_byte(void **state)
{
	for (int byte = 1; byte < 256; byte++) {
		char name[8];
		char *log = NULL;
		char *told;

		if (byte == '/')
			continue;
		sprintf(name, "%s%c", byte == '"' || byte == '\\' ? "\\" : "", byte);
		assert_true(asprintf(&log,
				     MOUNT
				     "ts=7 dir=IN unique=0x0000000000000004 opcode=UNLINK "
				     "opcode_id=10 nodeid=1 uid=0 gid=0 pid=1 name=\"a%s%sb\"\n",
				     name, name) > 0);
		told = ft_test_log(log, strlen(log));
		assert_non_null(strstr(told, "\"op\":\"unlink\",\"path\":\"/a"));
		assert_null(strstr(told, "suspect"));
		free(told);
		free(log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
