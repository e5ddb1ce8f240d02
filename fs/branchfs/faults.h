/* SPDX-License-Identifier: MIT */
/* Faults: operations that are slow, fail, hang or crash because the user asked for it. */
#ifndef BRANCHFS_FAULTS_H
#define BRANCHFS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fusetrace_error;

#define FAULTS_MAX 64

enum fault_kind {
	FAULT_DELAY,
	FAULT_FAIL,
	FAULT_HANG,
	FAULT_CRASH,
};

struct fault {
	enum fault_kind kind;
	char *op;          /* "*": any */
	char *path_glob;   /* NULL: any path, also an unknown one */
	uint64_t delay_ns; /* FAULT_DELAY */
	int error;         /* FAULT_FAIL: positive errno */
	uint64_t nth;      /* which of the operations that it concerns, from 1; 0: each of them */
	uint64_t seen;     /* how many there were; atomic */
};

/* All zeros is an empty list. */
struct fault_list {
	struct fault faults[FAULTS_MAX];
	size_t count;
};

/*
 * Adds the fault that an option describes:
 *	delay=OP:DURATION[:PATHGLOB]	fail=OP:ERRNO[:N[:PATHGLOB]]
 *	hang=OP[:PATHGLOB]		crash=OP:N[:PATHGLOB]
 */
int faults_add(struct fault_list *list, const char *option, struct fusetrace_error *reterr_error);
void faults_done(struct fault_list *list);
bool faults_include(const struct fault_list *list, enum fault_kind kind);

/* What shall happen to one operation, in this order. */
struct fault_effect {
	uint64_t delay_ns;
	bool hangs;
	bool crashes;
	int error; /* positive errno; 0: none */
};

/* Counts the operation and tells what shall happen to it. path may be NULL. Any thread. */
struct fault_effect faults_meet(struct fault_list *list, const char *op, const char *path);

#endif
