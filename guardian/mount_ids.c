/* SPDX-License-Identifier: MIT */
/* See mount_ids.h. listmount(2) and statmount(2), which neither libc nor older headers have. */
#include "mount_ids.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef SYS_listmount
#define SYS_listmount 458
#endif

#define ALL_MOUNTS UINT64_MAX /* LSMT_ROOT */
#define BASIC UINT64_C(2)     /* STATMOUNT_MNT_BASIC */
#define BATCH 256

/* struct mnt_id_req of linux/mount.h, as Linux 6.8 has it. */
struct request {
	uint32_t size;
	uint32_t spare;
	uint64_t mount_id;
	uint64_t param;
};

/* The begin of struct statmount there. */
struct answer {
	uint32_t size;
	uint32_t options;
	uint64_t mask;
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t magic;
	uint32_t flags;
	uint32_t type;
	uint64_t mount_id;
	uint64_t parent;
	uint32_t old_id;
	uint32_t old_parent;
	uint64_t rest[56];
};
_Static_assert(offsetof(struct answer, old_id) == 56 && sizeof(struct answer) == 512,
	       "as it is there");

static int ask(uint64_t mount_id, struct answer *answer)
{
	struct request request = {.size = sizeof(request), .mount_id = mount_id, .param = BASIC};

	*answer = (struct answer){0};
	if (syscall(SYS_statmount, &request, answer, sizeof(*answer), 0) < 0)
		return -errno;
	return answer->mask & BASIC ? 0 : -ENODATA;
}

uint64_t mount_id_of(int id)
{
	struct request request = {.size = sizeof(request), .mount_id = ALL_MOUNTS};
	uint64_t found[BATCH];
	struct answer answer;
	long count;

	do {
		count = syscall(SYS_listmount, &request, found, (size_t)BATCH, 0);
		for (long i = 0; i < count; i++) {
			if (ask(found[i], &answer) == 0 && answer.old_id == (uint32_t)id)
				return found[i];
		}
		if (count > 0)
			request.param = found[count - 1];
	} while (count == BATCH);
	return 0;
}

int mount_id_is_there(uint64_t mount_id)
{
	struct answer answer;
	int r = ask(mount_id, &answer);

	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}
