/* SPDX-License-Identifier: MIT */
/* Which processes belong to a leftover, and that nobody else is ever signalled. Real ones all. */
#include "processes.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guardian_testing.h"
#include "record.h"
#include "testing.h"

#define LONG_MS 20000

static int told;

static void count_deed(const struct deed *deed, void *data)
{
	assert_string_equal(deed->what, "ended");
	told++;
}

static int set_up(void **state)
{
	int r = ground_set_up(state);

	ground_processes.tell = count_deed;
	told = 0;
	return r;
}

static struct leftover *marked(const char *mark)
{
	return leftovers_set(&ground_leftovers, 1, "/nowhere", mark);
}

static void end_all(void)
{
	processes_signal(&ground_processes, SIGTERM);
	assert_true(processes_wait(&ground_processes, LONG_MS));
}

/* ---- identity ---- */

static void test_identity(void **state)
{
	struct identity self = {getpid(), process_start_ticks(getpid())}, other;

	assert_true(self.start_ticks > 0);
	assert_true(identity_is_alive(&self));
	other = (struct identity){self.pid, self.start_ticks + 1};
	assert_false(identity_is_alive(&other));
	other = (struct identity){self.pid, self.start_ticks - 1};
	assert_false(identity_is_alive(&other));
	other = (struct identity){self.pid, 0};
	assert_false(identity_is_alive(&other));
	other = (struct identity){-1, self.start_ticks};
	assert_false(identity_is_alive(&other));
	other = (struct identity){0, self.start_ticks};
	assert_false(identity_is_alive(&other));
}

static void test_ended(void **state)
{
	siginfo_t ended;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_start_ticks(pid), 0); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_start_ticks(pid), 0);
}

/* It says so through the pipe when it is as it should be. */
static void assert_alive(pid_t pid, int ready[2])
{
	char byte;

	ground_adopt(pid);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_true(process_start_ticks(pid) >= process_start_ticks(getpid()));
}

/* What a process calls itself is not what the kernel says of it. */
static void test_names(void **state)
{
	static const char *const names[] = {"a\nb", ") Z 1 (", "))))", " 1 2 3 4", "\xff\n)"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int ready[2];
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_NAME, names[i]);
			if (write(ready[1], "", 1) == 1)
				pause();
			_exit(0);
		}
		assert_alive(pid, ready);
	}
}

static int ready_end;

static bool has_first_thread(void)
{
	char path[64], line[256];
	FILE *file;
	bool has;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
	file = fopen(path, "re");
	has = !file || !fgets(line, sizeof(line), file) || !strstr(line, ") Z ");
	if (file)
		fclose(file);
	return has;
}

static void *go_on(void *data)
{
	while (has_first_thread())
		sched_yield();
	if (write(ready_end, "", 1) == 1)
		pause();
	return NULL;
}

/* A process lives as long as one of its threads: an owner whose main() has ended so has not. */
static void test_first_thread_ended(void **state)
{
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		ready_end = ready[1];
		if (pthread_create(&thread, NULL, go_on, NULL) != 0)
			_exit(1);
		syscall(SYS_exit, 0); /* of this thread alone */
	}
	assert_alive(pid, ready);
	ground_end(pid);
	assert_int_equal(process_start_ticks(pid), 0);
}

/* ---- whose they are ---- */

static void test_mark(void **state)
{
	struct leftover *leftover = marked(MARK);
	pid_t ours = ground_sleep(MARK), other = ground_sleep(OTHER_MARK);
	pid_t shorter = ground_sleep("FUSETRACE_DAEMON=1-00000000deadbee");
	pid_t none = ground_sleep(NULL), value = ground_sleep("A=" MARK);

	processes_note(&ground_processes, leftover);
	assert_int_equal(ground_processes.count, 1);
	assert_int_equal(ground_processes.items[0].pid, ours);
	assert_true(processes_any(&ground_processes, leftover));
	processes_note(&ground_processes, leftover);
	assert_int_equal(ground_processes.count, 1); /* once */
	end_all();
	assert_int_equal(told, 1);
	assert_false(processes_any(&ground_processes, leftover));
	assert_false(ground_runs(ours));
	assert_true(ground_runs(other) && ground_runs(shorter) && ground_runs(none) &&
		    ground_runs(value));
}

static void test_no_mark(void **state)
{
	ground_sleep(MARK);
	ground_sleep("=");
	processes_note(&ground_processes, marked(""));
	assert_int_equal(ground_processes.count, 0);
}

static int signal_of(pid_t pid)
{
	siginfo_t ended;

	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	return ended.si_status;
}

/* SIGTERM does not reach those whose end would take another mount away. */
static void test_harmful(void **state)
{
	for (int is_harmful = 0; is_harmful < 2; is_harmful++) {
		struct leftover *leftover = marked(MARK);
		pid_t pid = ground_sleep(MARK);

		leftover->is_harmful = is_harmful;
		processes_note(&ground_processes, leftover);
		end_all();
		assert_int_equal(signal_of(pid), is_harmful ? SIGKILL : SIGTERM);
		processes_done(&ground_processes);
		ground_end(pid);
	}
}

static void test_of_a_connection(void **state)
{
	struct leftover *leftover = leftovers_set(&ground_leftovers, 1, "/nowhere", "");
	struct stuck stuck, other;
	pid_t ours, theirs;

	ground_skip_where_impossible();
	ours = ground_hold(ground_directory("ours"), NULL, &stuck);
	theirs = ground_hold(ground_directory("theirs"), NULL, &other);
	leftover->connection = stuck.connection;
	processes_note(&ground_processes, leftover);
	assert_int_equal(ground_processes.count, 1);
	assert_int_equal(ground_processes.items[0].pid, ours);
	assert_true(processes_serve(&ground_processes, leftover, stuck.connection));
	assert_false(processes_serve(&ground_processes, leftover, other.connection));
	end_all();
	assert_true(ground_runs(theirs));
}

/* ---- a number that is given out again ---- */

/* A process of that number, which waits. */
static pid_t start_as(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)&pid,
		.set_tid_size = 1,
	};
	long started = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (started == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (started < 0) {
		print_message("# skipped: no number may be chosen: %s\n", strerror(errno));
		skip();
	}
	ground_adopt((pid_t)started);
	assert_int_equal(started, pid);
	return pid;
}

/* It was noted, ended, and its number is another's when the signal is sent. */
static void test_number_given_out_again(void **state)
{
	struct leftover *leftover = marked(MARK);
	pid_t pid = ground_sleep(MARK);

	processes_note(&ground_processes, leftover);
	assert_int_equal(ground_processes.count, 1);
	ground_end(pid);
	start_as(pid);
	processes_signal(&ground_processes, SIGTERM);
	processes_signal(&ground_processes, SIGKILL);
	assert_int_equal(told, 0);
	assert_true(processes_wait(&ground_processes, LONG_MS));
	processes_note(&ground_processes, leftover); /* the new one has no mark */
	assert_false(processes_any(&ground_processes, leftover));
	assert_true(ground_runs(pid));
}

/* Until the kernel's clock for starts of processes has gone on. */
static void await_tick(void)
{
	uint64_t now = 0, first = 0;

	while (now == first) {
		pid_t pid = ground_sleep(NULL);

		now = process_start_ticks(pid);
		first = first ? first : now;
		ground_end(pid);
	}
}

/* And its identity, which a record has, is not that of the new one. */
static void test_identity_of_a_number_given_out_again(void **state)
{
	pid_t pid = ground_sleep(NULL);
	struct identity identity = {pid, process_start_ticks(pid)};

	assert_true(identity_is_alive(&identity));
	ground_end(pid);
	assert_false(identity_is_alive(&identity));
	await_tick(); /* within one tick the kernel itself tells no difference */
	start_as(pid);
	assert_true(process_start_ticks(pid) > identity.start_ticks);
	assert_false(identity_is_alive(&identity));
}

static void test_wait_in_vain(void **state)
{
	struct leftover *leftover = marked(MARK);
	pid_t pid = ground_sleep(MARK);
	siginfo_t stopped;

	assert_true(processes_wait(&ground_processes, 0)); /* nobody */
	processes_note(&ground_processes, leftover);
	assert_false(processes_wait(&ground_processes, 20));
	kill(pid, SIGSTOP);
	assert_int_equal(waitid(P_PID, (id_t)pid, &stopped, WSTOPPED | WNOWAIT), 0);
	processes_signal(&ground_processes, SIGTERM);
	assert_false(processes_wait(&ground_processes, 20));
	processes_signal(&ground_processes, SIGKILL);
	assert_true(processes_wait(&ground_processes, LONG_MS));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, ground_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_ended),
		TEST(test_names),
		TEST(test_first_thread_ended),
		TEST(test_mark),
		TEST(test_no_mark),
		TEST(test_harmful),
		TEST(test_of_a_connection),
		TEST(test_number_given_out_again),
		TEST(test_identity_of_a_number_given_out_again),
		TEST(test_wait_in_vain),
	};

	ground_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
