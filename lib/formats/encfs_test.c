/* SPDX-License-Identifier: MIT */
/* encfs -v: what begins, and what of it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats_testing.h"
#include "testing.h"

static void test_operations(void **state)
{
	/* paths are those in the mount */
	FT_TEST_LOG_IS(
		"2026-11-22 09:00:49,736 VERBOSE Root directory: /srv/c/ [main.cpp:686]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: getattr : /srv/c/ [encfs.cpp:156]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: chmod : /srv/c/AbC-1,d/eF [encfs.cpp:96]\n"
		"2026-11-22 09:00:49,736 VERBOSE mknod on /srv/c/AbC, mode 33188,"
		" dev 0 [encfs.cpp:308]\n"
		"2026-11-22 09:00:49,736 VERBOSE mkdir on /srv/c/AbC [DirNode.cpp:509]\n"
		"2026-11-22 09:00:49,736 VERBOSE readdir on /srv/c/AbC [encfs.cpp:258]\n"
		"2026-11-22 09:00:49,736 VERBOSE unlink AbC/dEf [DirNode.cpp:753]\n",
		"{\"op\":\"getattr\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"setattr\",\"path\":\"/AbC-1,d/eF\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000,\"valid\":1}\n"
		"{\"op\":\"mknod\",\"path\":\"/AbC\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000,\"mode\":33188}\n"
		"{\"op\":\"mkdir\",\"path\":\"/AbC\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"readdir\",\"path\":\"/AbC\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"unlink\",\"path\":\"/AbC/dEf\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n");
	/* the folder is not told */
	FT_TEST_LOG_IS("2026-11-22 09:00:49,736 VERBOSE op: read : /srv/c/AbC [encfs.cpp:156]\n",
		       "{\"op\":\"read\",\"path\":\"/srv/c/AbC\",\"status\":\"unknown\","
		       "\"start_ns\":1795338049736000000}\n");
	/* what is done by two names, and what has a line of another form */
	FT_TEST_LOG_IS(
		"2026-11-22 09:00:49,736 VERBOSE Root directory: /srv/c/ [main.cpp:686]\n"
		"2026-11-22 09:00:49,736 VERBOSE rename /srv/c/A -> /srv/c/B/C [DirNode.cpp:566]\n"
		"2026-11-22 09:00:49,736 VERBOSE link /srv/c/A -> /srv/c/B [DirNode.cpp:645]\n"
		"2026-11-22 09:00:49,736 VERBOSE symlink /srv/c/A -> B,c [encfs.cpp:466]\n"
		"2026-11-22 09:00:49,736 VERBOSE encfs_open for /srv/c/A,, flags 33345"
		" [encfs.cpp:655]\n"
		"2026-11-22 09:00:49,736 VERBOSE doing statfs of /srv/c [encfs.cpp:781]\n",
		"{\"op\":\"rename\",\"path\":\"/A\",\"path2\":\"/B/C\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"link\",\"path\":\"/A\",\"path2\":\"/B\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"symlink\",\"path\":\"/A\",\"target\":\"B,c\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n"
		"{\"op\":\"open\",\"path\":\"/A,\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000,\"flags\":33345}\n"
		"{\"op\":\"statfs\",\"path\":\"/\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n");
	/* a failure, coloured, whose reset stands in the next line */
	FT_TEST_LOG_IS(
		"2026-11-22 09:00:49,736 VERBOSE Root directory: /srv/c/ [main.cpp:686]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: getattr : /srv/c/AbC [encfs.cpp:156]\n"
		"\033[32m2026-11-22 09:00:49,736 DEBUG op: getattr error: No such file or direc"
		"tory [encfs.cpp:186]\n"
		"\033[0m2026-11-22 09:00:49,736 VERBOSE op: truncate : /srv/c/AbC [encfs.cpp:15"
		"6]\n",
		"{\"op\":\"getattr\",\"path\":\"/AbC\",\"status\":\"failed\",\"errno\":2,"
		"\"start_ns\":1795338049736000000,\"duration_ns\":0,\"probe\":true}\n"
		"{\"op\":\"setattr\",\"path\":\"/AbC\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000,\"valid\":8}\n");
	/* of another operation; an unknown text */
	FT_TEST_LOG_IS(
		"2026-11-22 09:00:49,736 VERBOSE Root directory: /srv/c/ [main.cpp:686]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: getattr : /srv/c/AbC [encfs.cpp:156]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: read error: Input/output error [encfs.cpp:"
		"1]\n"
		"2026-11-22 09:00:49,736 VERBOSE op: getattr error: Keine Ahnung [encfs.cpp:1]"
		"\n",
		"{\"op\":\"getattr\",\"path\":\"/AbC\",\"status\":\"unknown\","
		"\"start_ns\":1795338049736000000}\n");
	/* no records */
	FT_TEST_LOG_IS(
		"2026-11-22 09:00:49,736 VERBOSE created FileNode for /srv/c/AbC [DirNode.cpp:7"
		"17]\n"
		"op: getattr : /srv/c/AbC\n"
		"op: nothing : /x [encfs.cpp:1]\n"
		"2026-11-22 09:00:49,736 VERBOSE rename on /srv/c/A [DirNode.cpp:566]\n"
		"2026-11-22 09:00:49,736 VERBOSE link A -> B [DirNode.cpp:645]\n"
		"2026-11-22 09:00:49,736 VERBOSE encfs_open for /srv/c/A [encfs.cpp:655]\n",
		"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
