/* SPDX-License-Identifier: MIT */
/*
 * Faults: parsing and deciding. Carrying them out needs the session, which is operations.c's
 * matter. The list does not change once the filesystem runs; only the counters do.
 */
#include "faults.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "operations.h"
#include "support.h"

/* Errno numbers have names in glibc only in this direction. */
static int parse_errno(const char *name)
{
	enum { ERRNO_MAX = 200 };

	for (int number = 1; number < ERRNO_MAX; number++) {
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static int parse_op(struct fault *fault, const char *op, struct fusetrace_error *reterr_error)
{
	if (!op || op[0] == '\0')
		return explain(reterr_error, -EINVAL, "fault without an operation: see --help");
	if (strcmp(op, "*") != 0 && !operation_exists(op))
		return explain(reterr_error, -EINVAL, "unknown operation '%s': use one of *%s", op,
			       operation_names());
	fault->op = strdup(op);
	return fault->op ? 0 : -ENOMEM;
}

static int parse_path_glob(struct fault *fault, const char *glob)
{
	if (!glob || glob[0] == '\0')
		return 0;
	fault->path_glob = strdup(glob);
	return fault->path_glob ? 0 : -ENOMEM;
}

static int parse_delay(struct fault *fault, char **words, struct fusetrace_error *reterr_error)
{
	const char *duration = strsep(words, ":");

	fault->kind = FAULT_DELAY;
	if (!duration || parse_duration(duration, &fault->delay_ns) < 0)
		return explain(reterr_error, -EINVAL,
			       "malformed duration '%s': write 300ms, 2s, 50us or 1m",
			       duration ? duration : "");
	return 0;
}

static int parse_nth(struct fault *fault, const char *count, struct fusetrace_error *reterr_error)
{
	if (parse_count(count, &fault->nth) < 0)
		return explain(reterr_error, -EINVAL,
			       "malformed count '%s': write a number from 1 on", count);
	return 0;
}

static int parse_fail(struct fault *fault, char **words, struct fusetrace_error *reterr_error)
{
	const char *error = strsep(words, ":");
	const char *count = strsep(words, ":");

	fault->kind = FAULT_FAIL;
	fault->error = error ? parse_errno(error) : 0;
	if (fault->error == 0)
		return explain(reterr_error, -EINVAL,
			       "unknown errno '%s': write a name such as ENOSPC",
			       error ? error : "");
	if (!count || strcmp(count, "*") == 0)
		return 0;
	return parse_nth(fault, count, reterr_error);
}

static int parse_hang(struct fault *fault, char **words, struct fusetrace_error *reterr_error)
{
	fault->kind = FAULT_HANG;
	return 0;
}

static int parse_crash(struct fault *fault, char **words, struct fusetrace_error *reterr_error)
{
	const char *count = strsep(words, ":");

	fault->kind = FAULT_CRASH;
	return parse_nth(fault, count ? count : "", reterr_error);
}

/* Each parse function takes the words between operation and path. */
static const struct {
	const char *name;
	int (*parse)(struct fault *fault, char **words, struct fusetrace_error *reterr_error);
} fault_options[] = {
	{"delay", parse_delay},
	{"fail", parse_fail},
	{"hang", parse_hang},
	{"crash", parse_crash},
};

static void fault_done(struct fault *fault)
{
	free(fault->op);
	free(fault->path_glob);
}

static int fault_parse(struct fault *fault, const char *name, char *words,
		       struct fusetrace_error *reterr_error)
{
	for (size_t i = 0; i < sizeof(fault_options) / sizeof(fault_options[0]); i++) {
		int result;

		if (strcmp(name, fault_options[i].name) != 0)
			continue;
		result = parse_op(fault, strsep(&words, ":"), reterr_error);
		if (result == 0)
			result = fault_options[i].parse(fault, &words, reterr_error);
		if (result == 0) /* what is left may hold colons itself */
			result = parse_path_glob(fault, words);
		return result;
	}
	return explain(reterr_error, -EINVAL, "unknown fault '%s': see --help", name);
}

int faults_add(struct fault_list *list, const char *option, struct fusetrace_error *reterr_error)
{
	AUTO_FREE char *copy = strdup(option);
	char *words = copy;
	const char *name = strsep(&words, "=");
	struct fault fault = {0};
	int result;

	if (!copy)
		return explain(reterr_error, -ENOMEM, "out of memory: free some");
	if (list->count == FAULTS_MAX)
		return explain(reterr_error, -EINVAL, "too many faults: give %d at most",
			       FAULTS_MAX);
	result = fault_parse(&fault, name, words, reterr_error);
	if (result < 0) {
		fault_done(&fault);
		return result;
	}
	list->faults[list->count++] = fault;
	return 0;
}

void faults_done(struct fault_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		fault_done(&list->faults[i]);
	list->count = 0;
}

bool faults_include(const struct fault_list *list, enum fault_kind kind)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->faults[i].kind == kind)
			return true;
	}
	return false;
}

/* A glob without a slash is matched against the last component. */
static bool path_matches(const char *glob, const char *path)
{
	if (!path)
		return false;
	if (!strchr(glob, '/'))
		path = strrchr(path, '/') + 1;
	return fnmatch(glob, path, FNM_PATHNAME) == 0;
}

static bool is_concerned(const struct fault *fault, const char *op, const char *path)
{
	if (strcmp(fault->op, "*") != 0 && strcmp(fault->op, op) != 0)
		return false;
	return !fault->path_glob || path_matches(fault->path_glob, path);
}

struct fault_effect faults_meet(struct fault_list *list, const char *op, const char *path)
{
	struct fault_effect effect = {0};

	for (size_t i = 0; i < list->count; i++) {
		struct fault *fault = &list->faults[i];
		uint64_t seen;

		if (!is_concerned(fault, op, path))
			continue;
		seen = __atomic_add_fetch(&fault->seen, 1, __ATOMIC_RELAXED);
		if (fault->nth != 0 && fault->nth != seen)
			continue;
		effect.delay_ns += fault->delay_ns;
		effect.hangs |= fault->kind == FAULT_HANG;
		effect.crashes |= fault->kind == FAULT_CRASH;
		if (effect.error == 0)
			effect.error = fault->error;
	}
	return effect;
}
