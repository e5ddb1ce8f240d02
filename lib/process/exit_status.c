/* SPDX-License-Identifier: MIT */
/*
 * See exit_status.h. Three places know how a process has ended, each for a part of its time: the
 * parent's waitid(2) and /proc/PID/stat until it is reaped, its pidfd afterwards (PIDFD_GET_INFO with
 * PIDFD_INFO_EXIT, Linux 6.15).
 */
#include "exit_status.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "process_file.h"

/* The beginning of struct pidfd_info of linux/pidfd.h, which older headers lack. */
struct pidfd_exit_info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t ids[11]; /* of process, users and groups */
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_exit_info) == 64, "linux/pidfd.h: PIDFD_INFO_SIZE_VER0");

#define GET_INFO _IOWR(0xFF, 11, struct pidfd_exit_info)
#define INFO_EXIT (UINT64_C(1) << 3)

static bool ask_pidfd(int pidfd, int *ret_status)
{
	struct pidfd_exit_info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*ret_status = info.exit_code;
	return true;
}

static bool ask_as_parent(int pidfd, int *ret_status)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED)
		*ret_status = W_EXITCODE(info.si_status, 0);
	else
		*ret_status = info.si_status | (info.si_code == CLD_DUMPED ? WCOREFLAG : 0);
	return true;
}

/*
 * The 52nd field. To who may not look into the process it is 0, as after a success: only another number
 * tells something.
 */
static bool ask_zombie(pid_t pid, int *ret_status)
{
	struct ft_process_stat stat;

	if (ft_process_stat(pid, 0, &stat) < 0 || stat.state != 'Z' || stat.exit_code == 0)
		return false;
	*ret_status = stat.exit_code;
	return true;
}

int ft_exit_status(pid_t pid, int pidfd, int *ret_status)
{
	/* It may be reaped between two of the questions. */
	for (int i = 0; i < 2; i++) {
		if (ask_pidfd(pidfd, ret_status) || ask_as_parent(pidfd, ret_status) ||
		    ask_zombie(pid, ret_status))
			return 0;
	}
	return -ENODATA;
}
