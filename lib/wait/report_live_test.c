/* SPDX-License-Identifier: MIT */
/*
 * Each verdict of a wait on a real mount: branchfs is brought into the state, and what the report says
 * of it, but for times and numbers of processes, is compared. The text's golden files are those of the
 * command (tests/cli).
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "mount/mount_testing.h"
#include "testing.h"

#define LOOKUPS 2000
#define SMALLEST_RING 4096

static struct fusetrace_report *report;
static struct fusetrace_mark mark;
static pthread_t hanging;
static bool has_hanging;

static int set_up(void **state)
{
	has_hanging = false;
	return life_set_up(state);
}

static int tear_down(void **state)
{
	int r;

	report = fusetrace_report_free(report);
	if (has_hanging) {
		fusetrace_mount_abort(life.mounted);
		pthread_join(hanging, NULL);
	}
	r = life_tear_down(state);
	return r;
}

/* branchfs with that option, traced; the mark is taken. */
static void begin(const char *option)
{
	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs(option, false);
	life_be_ready();
	assert_int_equal(fusetrace_mark_now(life.monitor, &mark), 0);
}

static char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", life.point, name);
	return path;
}

static int wait_for(const struct fusetrace_match *match, uint64_t timeout_ns)
{
	return fusetrace_wait(life.monitor, &mark, match, timeout_ns, NULL, &report);
}

/* ---- comparing ---- */

static bool has(const json_t *found, const json_t *wanted)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(wanted)) {
		if (json_array_size(found) != json_array_size(wanted))
			return false;
		json_array_foreach((json_t *)wanted, i, value)
		{
			if (!has(json_array_get(found, i), value))
				return false;
		}
		return true;
	}
	if (!json_is_object(wanted))
		return json_equal(found, wanted);
	json_object_foreach((json_t *)wanted, key, value)
	{
		if (!has(json_object_get(found, key), value))
			return false;
	}
	return true;
}

/* The report has these keys with these values, and objects in it likewise; ' stands for ". */
static void assert_says(uint32_t verdict, const char *facts, const char *line)
{
	char *text = strdup(facts);
	json_t *wanted, *found;

	assert_non_null(report);
	for (char *at = text; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	wanted = json_loads(text, 0, NULL);
	assert_non_null(wanted);
	found = json_loads(fusetrace_report_json(report), 0, NULL);
	if (!has(found, wanted))
		fail_msg("not %s in %s", text, fusetrace_report_json(report));
	assert_int_equal(fusetrace_report_verdict(report), verdict);
	assert_string_equal(json_string_value(json_object_get(found, "verdict")),
			    fusetrace_verdict_name(verdict));
	if (!strstr(fusetrace_report_text(report), line))
		fail_msg("no '%s' in %s", line, fusetrace_report_text(report));
	json_decref(found);
	json_decref(wanted);
	free(text);
}

/* ---- each of them ---- */

static void test_never_started(void **state)
{
	begin(NULL);
	assert_int_equal(mkdir(path_of("d"), 0755), 0);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "unlink", .path = "/a"), 0), -ETIMEDOUT);
	assert_says(FUSETRACE_VERDICT_NEVER_STARTED,
		    "{'result':-110,'state':'mounted','counts':{'lookup':1,'mkdir':1},'failed':0,"
		    "'lost':0,'answers':[],'in_flight':[],'item':1,'items':1,"
		    "'last':[{'op':'lookup','path':'/d','errno':2},{'op':'mkdir','path':'/d'}]}",
		    "verdict : never started - other operations came, none like this");
}

static void *make_directory(void *data)
{
	(void)data;
	mkdir(path_of("d"), 0755);
	return NULL;
}

static void hang_in_mkdir(void)
{
	assert_int_equal(pthread_create(&hanging, NULL, make_directory, NULL), 0);
	has_hanging = true;
}

static void test_in_flight(void **state)
{
	begin("hang=mkdir");
	hang_in_mkdir();
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .path = "/d"), 300 * MS),
			 -ETIMEDOUT);
	assert_says(FUSETRACE_VERDICT_IN_FLIGHT,
		    "{'subject':{'op':'mkdir','path':'/d','status':'started'},'in_flight_count':1,"
		    "'in_flight':[{'op':'mkdir'}],'counts':{'lookup':1},'timeout_ns':300000000,"
		    "'daemon':{'stopped':0}}",
		    "verdict : in flight - mkdir unique=");
}

static void test_failed(void **state)
{
	begin("fail=mkdir:ENOSPC");
	assert_int_equal(mkdir(path_of("d"), 0755), -1);
	assert_int_equal(
		wait_for(FUSETRACE_MATCH(.op = "mkdir", .status = FUSETRACE_MATCH_OK), SOON),
		-EREMOTEIO);
	assert_says(FUSETRACE_VERDICT_FAILED,
		    "{'result':-121,'failed':1,'subject':{'op':'mkdir','path':'/d',"
		    "'status':'failed','errno':28}}",
		    "verdict : failed - completed with ENOSPC (No space left on device)\n");
}

static int refuse(const struct fusetrace_op *op, void *data)
{
	(void)op;
	++*(int *)data;
	return 0;
}

static void test_refused(void **state)
{
	int calls = 0;

	begin(NULL);
	assert_int_equal(mkdir(path_of("d"), 0755), 0);
	assert_int_equal(mkdir(path_of("e"), 0755), 0);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .check = refuse, .data = &calls,
						  .check_name = "is_mine"),
				  0),
			 -ETIMEDOUT);
	assert_int_equal(calls, 2);
	assert_says(FUSETRACE_VERDICT_REFUSED,
		    "{'refused':2,'check':'is_mine','subject':{'op':'mkdir','path':'/e'}}",
		    "verdict : refused by the check is_mine 2 times, last:\n");
}

static void test_before_the_mark(void **state)
{
	begin(NULL);
	assert_int_equal(mkdir(path_of("d"), 0755), 0);
	assert_int_equal(fusetrace_mark_now(life.monitor, &mark), 0);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .path = "/d"), 0), -ETIMEDOUT);
	assert_says(FUSETRACE_VERDICT_BEFORE_MARK,
		    "{'operations':0,'counts':{},'subject':{'op':'mkdir','path':'/d'}}",
		    " before the mark: move the mark before the action\n");
}

static void test_other_path(void **state)
{
	begin(NULL);
	assert_int_equal(mkdir(path_of("index.new"), 0755), 0);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .path = "/index"), 0), -ETIMEDOUT);
	assert_says(FUSETRACE_VERDICT_OTHER_PATH,
		    "{'subject':{'op':'mkdir','path':'/index.new'},"
		    "'near':[{'op':'mkdir','path':'/index.new'}]}",
		    "verdict : on another path - the nearest one:\n");
}

static void test_order(void **state)
{
	const struct fusetrace_match *matches[] = {FUSETRACE_MATCH(.op = "mkdir", .path = "/a"),
						   FUSETRACE_MATCH(.op = "mkdir", .path = "/b"),
						   FUSETRACE_MATCH(.op = "mkdir", .path = "/c")};

	begin(NULL);
	assert_int_equal(mkdir(path_of("a"), 0755), 0);
	assert_int_equal(mkdir(path_of("c"), 0755), 0);
	assert_int_equal(fusetrace_wait_all(life.monitor, &mark, matches, 3, FUSETRACE_ORDER_STRICT,
					    SOON, NULL, &report),
			 -EILSEQ);
	assert_says(FUSETRACE_VERDICT_ORDER,
		    "{'result':-84,'item':2,'items':3,'subject':{'op':'mkdir','path':'/c'},"
		    "'counts':{'mkdir':2}}",
		    "verdict : order violated at item 2: mkdir path=/b was next, and this came:\n");
}

static void test_daemon_died(void **state)
{
	pid_t pid;

	begin("hang=mkdir");
	hang_in_mkdir();
	assert_int_equal(fusetrace_mount_pids(life.mounted, &pid, 1), 1);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .path = "/d"), 100 * MS),
			 -ETIMEDOUT); /* it has asked */
	report = fusetrace_report_free(report);
	kill(pid, SIGKILL);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "mkdir", .path = "/d"), SOON), -EPIPE);
	assert_says(FUSETRACE_VERDICT_DAEMON_DIED,
		    "{'result':-32,'state':'gone','signal':9,"
		    "'at_end':[{'op':'mkdir','path':'/d','status':'unknown'}]}",
		    " was killed by signal 9 (SIGKILL)\n");
}

/* Nobody empties the smallest ring while more comes than it holds. */
static void test_events_lost(void **state)
{
	struct stat ignored;
	char name[16];

	life_skip_where_impossible();
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING |
								      FUSETRACE_MONITOR_NO_THREAD,
							     .ring_bytes = SMALLEST_RING),
				      &life.monitor, &life.error),
		0);
	if (fusetrace_monitor_start(life.monitor, &life.error) < 0)
		fail_msg("%s", life.error.text);
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_int_equal(fusetrace_mark_now(life.monitor, &mark), 0);
	for (int i = 0; i < LOOKUPS; i++) {
		snprintf(name, sizeof(name), "no%d", i);
		assert_int_equal(stat(path_of(name), &ignored), -1);
	}
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "unlink"), 0), -EOVERFLOW);
	assert_true(fusetrace_lost(life.monitor, &mark) > 0);
	assert_says(FUSETRACE_VERDICT_EVENTS_LOST, "{'result':-75,'state':'mounted'}",
		    "absence proves nothing: use a larger ring");
}

static void test_no_events(void **state)
{
	begin(NULL);
	assert_int_equal(wait_for(FUSETRACE_MATCH(.op = "write"), 0), -ETIMEDOUT);
	assert_says(FUSETRACE_VERDICT_NO_EVENTS,
		    "{'operations':0,'counts':{},'last':[],'in_flight':[],'near':[],'lost':0}",
		    "verdict : no events of any kind arrived: is it this mount");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_never_started),   TEST(test_in_flight),   TEST(test_failed),
		TEST(test_refused),         TEST(test_other_path),  TEST(test_order),
		TEST(test_before_the_mark), TEST(test_daemon_died), TEST(test_events_lost),
		TEST(test_no_events),
	};

	ft_test_deadline(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
