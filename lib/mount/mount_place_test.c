/* SPDX-License-Identifier: MIT */
/* What others do to the place where a mount of ours lies: cover, replace, move and delete it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "mount_testing.h"
#include "testing.h"

static void test_covered(void **state)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_int_equal(syscall(SYS_mount, "none", life.point, "tmpfs", 0, NULL), 0);
	assert_int_equal(fusetrace_mount_stop(life.mounted, NULL, &stop, &life.error), -EBUSY);
	life_assert_text("another mount lies on");
	assert_int_equal(fusetrace_mount_pids(life.mounted, NULL, 0), 1);
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, 20 * MS, &life.error),
			 -ETIMEDOUT);
	assert_int_equal(umount2(life.point, 0), 0);
	life_stop_within(0);
}

static void test_two_on_one_point(void **state)
{
	struct fusetrace_mount *below;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	below = life.mounted;
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_true(fusetrace_mount_connection(life.mounted) != fusetrace_mount_connection(below));
	assert_int_equal(fusetrace_mount_wait_unmountable(below, 0, &life.error), -ETIMEDOUT);
	life.mounted = fusetrace_mount_free(life.mounted);
	assert_true(ft_test_is_mounted(life.point));
	life.mounted = below;
	life_stop_within(0);
}

static void test_replaced(void **state)
{
	struct fusetrace_mount *old;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	assert_int_equal(umount2(life.point, 0), 0);
	old = life.mounted;
	life_start_branchfs(NULL, false);
	life_be_ready();
	fusetrace_mount_free(old);
	assert_true(ft_test_is_mounted(life.point));
	life_write_file("a", "x");
	life_stop_within(0);
}

/* The daemon of a mount that is out of sight is told to end: libfuse must not unmount that other one. */
static void test_replaced_while_in_use(void **state)
{
	struct fusetrace_mount *old;
	char path[160];
	int fd;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	life_write_file("a", "x");
	snprintf(path, sizeof(path), "%s/a", life.point);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(umount2(life.point, MNT_DETACH), 0);
	old = life.mounted;
	life_start_branchfs(NULL, false);
	life_be_ready();
	fusetrace_mount_stop(old, FUSETRACE_STOP_OPTS(.unmount_ns = 100 * MS),
			     &(struct fusetrace_stop){0}, NULL);
	assert_int_equal(fusetrace_mount_pids(old, NULL, 0), 0);
	fusetrace_mount_free(old);
	close(fd);
	assert_true(ft_test_is_mounted(life.point));
	life_write_file("b", "x");
	life_stop_within(0);
}

/* ---- a stranger with our number ---- */

/* Its mount has gone, and it is too busy to end. */
static pid_t start_stranger(uint32_t *ret_connection)
{
	pid_t pid = life_start_beside("rw");
	struct stat stat;

	assert_int_equal(lstat(life.point, &stat), 0);
	*ret_connection = minor(stat.st_dev);
	ft_test_stop(pid);
	assert_int_equal(umount2(life.point, MNT_DETACH), 0);
	return pid;
}

static void end_stranger(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* It still holds a descriptor with the number that is given to us next. */
static void test_stranger_with_our_number(void **state)
{
	uint32_t number = 0, ours = 1;
	uint64_t deadline;
	pid_t stranger = 0;
	int status = 0;

	life_skip_where_impossible();
	while (number != ours) { /* others may mount meanwhile */
		if (stranger) {
			life_stop_within(0);
			end_stranger(stranger);
			life.mounted = fusetrace_mount_free(life.mounted);
		}
		stranger = start_stranger(&number);
		life_start_branchfs(NULL, false);
		life_be_ready();
		ours = fusetrace_mount_connection(life.mounted);
	}
	kill(fusetrace_mount_pid(life.mounted), SIGKILL);
	deadline = ft_now_ns() + SOON;
	while (fusetrace_mount_check(life.mounted) > 0) {
		assert_true(ft_now_ns() < deadline);
		usleep(1000);
	}
	assert_int_equal(fusetrace_mount_outcome(life.mounted, &status), 1);
	assert_int_equal(status, SIGKILL);
	assert_true(life_stop_within(0).flags & FUSETRACE_STOP_WAS_DEAD);
	end_stranger(stranger);
}

/* ---- the directory itself ---- */

/* In a mount namespace of its own nothing keeps the directory, and its removal takes every mount on it. */
static void delete_the_mountpoint(void)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    umount2(life.point, 0) < 0 || rmdir(life.point) < 0)
			_exit(errno);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_deleted(void **state)
{
	struct fusetrace_stop stop;

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	delete_the_mountpoint();
	assert_false(ft_test_is_mounted(life.point));
	assert_int_equal(fusetrace_mount_wait_unmountable(life.mounted, SOON, &life.error), -EPIPE);
	stop = life_stop_within(0);
	/* A sanitizer's search for leaks stops the process that is ending. */
	assert_int_equal(stop.flags & ~FUSETRACE_STOP_WAS_STOPPED, FUSETRACE_STOP_HAS_STATUS);
	assert_int_equal(stop.status, 0);
}

static void test_deleted_while_traced(void **state)
{
	life_skip_where_impossible();
	life_make_monitor();
	life_start_branchfs(NULL, false);
	life_be_ready();
	delete_the_mountpoint();
	assert_int_equal(fusetrace_wait_state(life.monitor, FUSETRACE_STATE_UNMOUNTED, SOON), 0);
	life_stop_within(0);
}

/* It goes between the start and the mount: the daemon says so, and so does the error. */
static void test_deleted_before_it_is_mounted(void **state)
{
	life_skip_where_impossible();
	life_start_script("rmdir \"$2\"; exec \"$0\" -f \"$1\" \"$2\"");
	life_fail_to_mount(-EPIPE, "No such file or directory");
	life_stop_within(0);
}

static void test_deleted_before_the_start(void **state)
{
	char *argv[] = {"true", NULL};

	life_skip_where_impossible();
	assert_int_equal(rmdir(life.point), 0);
	assert_int_equal(
		fusetrace_mount_start(FUSETRACE_MOUNT_OPTS(.argv = argv, .mountpoint = life.point),
				      &life.mounted, &life.error),
		-ENOENT);
	life_assert_text(life.point);
}

/* Under another name it is still ours, and is found there. */
static void test_renamed(void **state)
{
	char other[160];

	life_skip_where_impossible();
	life_start_branchfs(NULL, false);
	life_be_ready();
	snprintf(other, sizeof(other), "%s-elsewhere", life.base);
	assert_int_equal(rename(life.base, other), 0);
	life_stop_within(0);
	snprintf(other, sizeof(other), "%s-elsewhere/%s", life.base, strrchr(life.point, '/') + 1);
	assert_false(ft_test_is_mounted(other));
	assert_int_equal(rmdir(other), 0);
	snprintf(other, sizeof(other), "%s-elsewhere", life.base);
	assert_int_equal(rename(other, life.base), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, life_set_up, life_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_covered),
		TEST(test_two_on_one_point),
		TEST(test_replaced),
		TEST(test_replaced_while_in_use),
		TEST(test_stranger_with_our_number),
		TEST(test_deleted),
		TEST(test_deleted_while_traced),
		TEST(test_deleted_before_it_is_mounted),
		TEST(test_deleted_before_the_start),
		TEST(test_renamed),
	};

	ft_test_deadline(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
