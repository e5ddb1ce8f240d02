/* SPDX-License-Identifier: MIT */
/*
 * Write-behind: what is written reaches the branch a given time after the last writer's release, as
 * with an object store. Until then it is in a spool, and whoever looks through the mount sees it.
 * In all functions but the first three, behind may be NULL: then contents are always in the branch.
 */
#ifndef BRANCHFS_WRITE_BEHIND_H
#define BRANCHFS_WRITE_BEHIND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct write_behind;

/* Free with write_behind_free(). */
int write_behind_new(uint64_t delay_ns, struct write_behind **ret_behind);
/* Starts the thread that writes back. Not before going into the background: fork() loses it. */
int write_behind_start(struct write_behind *behind);
/* Writes everything back and frees. Returns the first error; what met one is lost. NULL is fine. */
int write_behind_free(struct write_behind *behind);

/* For each open and release of a file, with the flags of open(2). O_TRUNC empties it. */
int write_behind_opened(struct write_behind *behind, int fd, int flags);
void write_behind_released(struct write_behind *behind, int fd, int flags);

/* Where the contents of an open file are, until data_end(); scopes that hold one end it. */
struct data {
	int fd;
	bool is_spool;
	struct write_behind *locked;
};
#define DATA_NONE ((struct data){.fd = -1})
#define AUTO_DATA __attribute__((cleanup(data_end)))

int data_begin(struct write_behind *behind, int fd, bool for_writing, struct data *ret_data);
void data_end(struct data *data);

/* Writes the file's contents back now. */
int write_behind_sync(struct write_behind *behind, int fd);

/*
 * fstatat(2), not following links, with what the branch does not know yet: size, blocks and
 * modification time. name may be "" for fd itself.
 */
int write_behind_stat(struct write_behind *behind, int fd, const char *name, struct stat *ret_st);
/* Keeps times that were set with utimens from being overwritten when the contents arrive. */
void write_behind_utimens(struct write_behind *behind, int fd, const struct timespec times[2]);

#endif
