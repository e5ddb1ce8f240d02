/* SPDX-License-Identifier: MIT */
/* Tests of the SFTP messages that sshfs prints: which are operations, and that none is one twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats_testing.h"

/* clang-format off */
static const struct ft_test_log_case cases[] = {
	{
		"messages that are requests of the kernel, out of order",
		"[00003] MKDIR\n"
		"[00004] REMOVE\n"
		"[00005] RMDIR\n"
		"  [00004]         STATUS       28bytes (0ms)\n"
		"  [00003]         STATUS       28bytes (4ms)\n"
		"[100006] SYMLINK\n"
		"  [00005]         STATUS       33bytes (1ms)\n"
		"  [100006]         STATUS       28bytes (12ms)\n"
		"[00007] MKDIR\n",
		"{'op':'unlink','status':'unknown'}\n"
		"{'op':'mkdir','status':'unknown','duration_ns':4000000}\n"
		"{'op':'rmdir','status':'unknown','duration_ns':1000000}\n"
		"{'op':'symlink','status':'unknown','duration_ns':12000000}\n"
		"{'op':'mkdir','status':'unknown'}\n",
	},
	{
		"messages that are none",
		"SSHFS version 3.7.3\n"
		"[00001] LSTAT\n"
		"[00002] OPEN\n"
		"  [00001]          ATTRS       41bytes (0ms)\n"
		"  [00002]         HANDLE       17bytes (0ms)\n"
		"[00003] READ\n"
		"[00004] READ\n"
		"  [00003]           DATA    32781bytes (1ms)\n"
		"  [00004]           DATA     4114bytes (1ms)\n"
		"[00005] READDIR\n"
		"  [00005]           NAME     1733bytes (0ms)\n"
		"[00006] EXTENDED\n"
		"  [00006]         STATUS       28bytes (0ms)\n"
		"[00007] SETSTAT\n"
		"  [00007]         STATUS       28bytes (0ms)\n",
		"",
	},
	{
		"what brings data is a success",
		"[00001] READLINK\n"
		"[00002] EXTENDED\n"
		"[00003] READLINK\n"
		"[00004] READDIR\n"
		"  [00002] EXTENDED_REPLY       97bytes (3ms)\n"
		"  [00001]           NAME       35bytes (2ms)\n"
		"  [00003]         STATUS       33bytes (0ms)\n"
		"  [00004]           NAME     1733bytes (0ms)\n",
		"{'op':'statfs','status':'completed','errno':0,'duration_ns':3000000}\n"
		"{'op':'readlink','status':'completed','errno':0,'duration_ns':2000000}\n"
		"{'op':'readlink','status':'unknown'}\n",
	},
	{
		"beside libfuse's own lines they are no second operations",
		"unique: 4, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
		"mkdir /d 0755 umask=0022\n"
		"[00001] MKDIR\n"
		"  [00001]         STATUS       28bytes (4ms)\n"
		"   unique: 4, error: -17 (File exists), outsize: 16\n"
		"[00002] RMDIR\n"
		"  [00002]         STATUS       28bytes (4ms)\n",
		"{'op':'mkdir','path':'/d','status':'failed','errno':17,'pid':7,'unique':4,'nodeid':1,'mode':493}\n",
	},
	{
		"a log that begins in the middle",
		"  [00001]         STATUS       28bytes (4ms)\n"
		"[00002] RMDIR\n"
		"  [00002]         STATUS       28by",
		"{'op':'rmdir','status':'unknown'}\n",
	},
	{
		"lines that are none",
		"[0003] MKDIR\n"
		"[00003] MKDIR x\n"
		"[00003] mkdir\n"
		"[00003]MKDIR\n"
		"[00003] CHMOD\n"
		"[99999999999999999999] MKDIR\n"
		"x [00003] MKDIR\n"
		"  [00003] STATUS 28bytes\n"
		"  [00003] WHAT 28bytes (0ms)\n",
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
