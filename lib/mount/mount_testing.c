/* SPDX-License-Identifier: MIT */
/* See mount_testing.h. */
#include "mount_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "testing.h"

struct life life;

const char *life_branchfs(void)
{
	const char *path = getenv("FUSETRACE_TEST_BRANCHFS");

	return path ? path : "branchfs";
}

static const char *why_not(void)
{
	return ft_test_why_no_mounts(life_branchfs());
}

int life_set_up(void **state)
{
	if (why_not())
		return 0;
	memset(&life, 0, sizeof(life));
	strcpy(life.base, "/tmp/mount_live_XXXXXX");
	if (!mkdtemp(life.base))
		return -1;
	snprintf(life.branch, sizeof(life.branch), "%s/branch", life.base);
	snprintf(life.point, sizeof(life.point), "%s/point", life.base);
	return mkdir(life.branch, 0755) < 0 || mkdir(life.point, 0755) < 0 ? -1 : 0;
}

static void remove_tree(const char *path)
{
	char *argv[] = {"rm", "-rf", "--one-file-system", "--", (char *)path, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int life_tear_down(void **state)
{
	if (why_not())
		return 0;
	life.mounted = fusetrace_mount_free(life.mounted);
	life.monitor = fusetrace_monitor_free(life.monitor);
	assert_false(ft_test_is_mounted(life.point));
	remove_tree(life.base);
	return 0;
}

void life_skip_where_impossible(void)
{
	if (!why_not())
		return;
	print_message("# skipped: %s\n", why_not());
	skip();
}

void life_make_monitor(void)
{
	assert_int_equal(
		fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING),
				      &life.monitor, &life.error),
		0);
	if (fusetrace_monitor_start(life.monitor, &life.error) < 0)
		fail_msg("%s", life.error.text);
}

void life_start(char *const argv[])
{
	if (fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv, .mountpoint = life.point,
						       .monitor = life.monitor,
						       .flags = FUSETRACE_MOUNT_NEW_SESSION),
				  &life.mounted, &life.error) < 0)
		fail_msg("%s", life.error.text);
}

/* branchfs with an option, or NULL; in the foreground unless is_background. */
void life_start_branchfs(const char *option, bool is_background)
{
	char *argv[] = {(char *)life_branchfs(),
			is_background ? "-orw" : "-f",
			"-o",
			(char *)(option ? option : "rw"),
			life.branch,
			life.point,
			NULL};

	life_start(argv);
}

/* A script that finds branchfs as $0, the branch as $1 and the mountpoint as $2. */
void life_start_script(const char *text)
{
	char *argv[] = {"sh",        "-c",       (char *)text, (char *)life_branchfs(),
			life.branch, life.point, NULL};

	life_start(argv);
}

pid_t life_start_beside(const char *option)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl(life_branchfs(), life_branchfs(), "-f", "-o", option, life.branch, life.point,
		      NULL);
		_exit(127);
	}
	while (!ft_test_is_mounted(life.point))
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	return pid;
}

void life_be_ready(void)
{
	if (fusetrace_mount_wait_ready(life.mounted, SOON, &life.error) < 0)
		fail_msg("%s", life.error.text);
	assert_string_equal(fusetrace_mount_point(life.mounted), life.point);
	assert_true(ft_test_is_mounted(life.point));
}

struct fusetrace_stop life_stop_within(uint64_t unmount_ns)
{
	struct fusetrace_stop stop;

	if (fusetrace_mount_stop(life.mounted,
				 FUSETRACE_STOP_OPTS(.unmount_ns = unmount_ns, .busy_ns = 100 * MS,
						     .term_ns = 300 * MS),
				 &stop, &life.error) < 0)
		fail_msg("%s", life.error.text);
	assert_int_equal(fusetrace_mount_pids(life.mounted, NULL, 0), 0);
	assert_false(ft_test_is_mounted(life.point));
	return stop;
}

void life_assert_text(const char *text)
{
	if (!strstr(life.error.text, text))
		fail_msg("'%s' is not in: %s", text, life.error.text);
}

void life_fail_to_mount(int code, const char *text)
{
	uint64_t began = ft_now_ns();

	assert_int_equal(fusetrace_mount_wait_ready(life.mounted, SOON, &life.error), code);
	assert_true(ft_now_ns() - began < SOON / 2);
	life_assert_text(text);
}

void life_write_file(const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", life.point, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}
