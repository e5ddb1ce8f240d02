/* SPDX-License-Identifier: MIT */
/* See guardian_testing.h. */
#include "guardian_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_identity.h"
#include "fuse_mounts.h"
#include "process/mounts.h"
#include "testing.h"

#define PIDS_MAX 64
#define DESCRIPTORS_MAX 64
#define PATH_SIZE 1024

static struct {
	char base[64];
	pid_t pids[PIDS_MAX];
	int pid_count;
	int descriptors[DESCRIPTORS_MAX];
	int descriptor_count;
	const char *why_not;
} ground;

struct leftovers ground_leftovers;
struct processes ground_processes;

/* ---- the place ---- */

static const char *begin(void)
{
	if (geteuid() != 0)
		return "not root";
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return "no /dev/fuse";
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "no mount namespace may be made";
	return mount("none", "/run", "tmpfs", 0, NULL) < 0 ? "nothing can be mounted" : NULL;
}

void ground_begin(void)
{
	ft_test_deadline(200);
	ground.why_not = begin();
}

const char *ground_why_not(void)
{
	return ground.why_not;
}

void ground_skip_where_impossible(void)
{
	if (!ground.why_not)
		return;
	print_message("# skipped: %s\n", ground.why_not);
	skip();
}

int ground_set_up(void **state)
{
	leftovers_init(&ground_leftovers);
	ground_processes = (struct processes){0};
	strcpy(ground.base, "/tmp/guardian_XXXXXX");
	if (!mkdtemp(ground.base))
		return -1;
	return ground.why_not ? 0 : mount("none", ground.base, "tmpfs", 0, NULL);
}

static bool is_in_base(const struct ft_mount *mount)
{
	return strncmp(mount->mountpoint, ground.base, strlen(ground.base)) == 0;
}

static void unmount_list(const struct ft_mount *list, size_t count)
{
	while (count-- > 0) {
		if (is_in_base(&list[count]))
			umount2(list[count].mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
}

static void unmount_all(void)
{
	struct ft_mounts mounts;

	if (ft_mounts_read(&mounts) < 0)
		return;
	for (size_t i = 0; i < mounts.count; i++) {
		struct leftover leftover = {0};

		fuse_mount_learn(&leftover, mounts.entries[i].connection, 0);
		if (is_in_base(&mounts.entries[i]))
			fuse_mount_abort(&leftover);
	}
	unmount_list(mounts.entries, mounts.count);
	unmount_list(mounts.others, mounts.other_count);
	ft_mounts_done(&mounts);
}

int ground_tear_down(void **state)
{
	char *argv[] = {"rm", "-rf", "--one-file-system", "--", ground.base, NULL};
	pid_t pid;

	processes_done(&ground_processes);
	leftovers_done(&ground_leftovers);
	while (ground.pid_count > 0)
		ground_end(ground.pids[0]);
	while (ground.descriptor_count > 0)
		close(ground.descriptors[--ground.descriptor_count]);
	for (int i = 0; i < 4 && !ground.why_not; i++) /* what lies below others */
		unmount_all();
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

const char *ground_path(const char *name)
{
	static char paths[64][PATH_SIZE];
	static int next;
	char *path = paths[next++ % 64];

	snprintf(path, PATH_SIZE, "%s%s%s", ground.base, name[0] ? "/" : "", name);
	return path;
}

const char *ground_directory(const char *name)
{
	const char *path = ground_path(name);

	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	return path;
}

void ground_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

bool ground_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

/* ---- mounts ---- */

static const char *theirs_in(const char *path)
{
	static char theirs[PATH_SIZE + 8];

	snprintf(theirs, sizeof(theirs), "%s/theirs", path);
	return theirs;
}

void ground_cover(const char *path)
{
	assert_int_equal(mount("none", path, "tmpfs", 0, NULL), 0);
	ground_write(theirs_in(path), "theirs");
}

bool ground_is_covered(const char *path)
{
	return ground_exists(theirs_in(path));
}

static int count_on(const struct ft_mount *list, size_t count, const char *path)
{
	int found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(list[i].mountpoint, path) == 0;
	return found;
}

int ground_mounts_on(const char *path)
{
	struct ft_mounts mounts;
	int count;

	assert_int_equal(ft_mounts_read(&mounts), 0);
	count = count_on(mounts.entries, mounts.count, path) +
		count_on(mounts.others, mounts.other_count, path);
	ft_mounts_done(&mounts);
	return count;
}

static struct stuck mount_with(const char *path, int fd)
{
	struct stuck stuck = {.fd = fd};
	struct ft_file_identity found;
	char options[128];

	assert_true(fd >= 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	assert_int_equal(mount("stuck", path, "fuse", 0, options), 0);
	assert_int_equal(ft_file_identity(AT_FDCWD, path, &found), 0);
	stuck.connection = found.device;
	stuck.mount_id = found.mount_id;
	return stuck;
}

struct stuck ground_stick(const char *path)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	assert_true(ground.descriptor_count < DESCRIPTORS_MAX);
	ground.descriptors[ground.descriptor_count++] = fd;
	return mount_with(path, fd);
}

/* keep: a descriptor that it gets; -1: none. */
static pid_t start(char *const argv[], const char *mark, int keep)
{
	char *variables[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", (char *)mark, NULL};
	int ends[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (keep >= 0)
			fcntl(keep, F_SETFD, 0);
		execvpe(argv[0], argv, variables);
		_exit(127);
	}
	ground_adopt(pid);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* until its exec() */
	close(ends[0]);
	return pid;
}

pid_t ground_sleep(const char *mark)
{
	return start((char *[]){"sleep", "600", NULL}, mark, -1);
}

pid_t ground_hold(const char *path, const char *mark, struct stuck *ret_stuck)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	pid_t pid;

	*ret_stuck = mount_with(path, fd);
	pid = start((char *[]){"sleep", "600", NULL}, mark, fd);
	close(fd);
	ret_stuck->fd = -1;
	return pid;
}

pid_t ground_branchfs(const char *path, const char *mark)
{
	const char *program = getenv("FUSETRACE_TEST_BRANCHFS");
	const char *branch = ground_directory("branch");
	struct pollfd mounts = {.fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC),
				.events = POLLPRI};
	int before = ground_mounts_on(path);
	pid_t pid;

	ground_write(ground_path("branch/theirs"), "theirs");
	pid = start((char *[]){(char *)(program ? program : "branchfs"), "-f", (char *)branch,
			       (char *)path, NULL},
		    mark, -1);
	while (ground_mounts_on(path) == before)
		assert_int_equal(poll(&mounts, 1, 20000), 1);
	close(mounts.fd);
	return pid;
}

void ground_learn(struct leftover *leftover, const char *path)
{
	struct ft_file_identity found;

	assert_int_equal(ft_file_identity(AT_FDCWD, path, &found), 0);
	fuse_mount_learn(leftover, found.device, found.mount_id);
}

/* ---- processes ---- */

void ground_adopt(pid_t pid)
{
	assert_true(ground.pid_count < PIDS_MAX);
	ground.pids[ground.pid_count++] = pid;
}

bool ground_runs(pid_t pid)
{
	siginfo_t ended = {0};

	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
	return ended.si_pid == 0;
}

void ground_end(pid_t pid)
{
	for (int i = 0; i < ground.pid_count; i++) {
		if (ground.pids[i] == pid)
			ground.pids[i--] = ground.pids[--ground.pid_count];
	}
	if (waitpid(pid, NULL, WNOHANG) != 0) /* it has ended, or is known to have */
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
