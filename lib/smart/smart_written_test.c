/* SPDX-License-Identifier: MIT */
/*
 * What "written" means, operation by operation, in recordings. On real filesystems it is tested in
 * smart_live_test.c and tests/live.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

#define STEPS_MAX 14
#define W (O_WRONLY | O_CREAT)

struct step {
	const char *op; /* "write", ...; "truncate" is a setattr of the size */
	const char *path;
	const char *path2;
	int fh; /* 0: none in the record */
	int flags;
	int error;
	uint64_t offset;
	uint64_t size;
	bool is_cache;     /* the kernel's own, when it writes back */
	bool is_unlinked;  /* of a file without a name */
	bool is_started;   /* in flight */
	uint64_t start_ns; /* 0: behind the end of the step before */
	uint64_t end_ns;   /* 0: a microsecond later */
};

struct example {
	const char *name;
	struct step steps[STEPS_MAX];
	int result; /* of a wait for /a with timeout 0 */
	uint32_t proof;
};

static const struct example examples[] = {
	{"nothing", {{0}}, -ETIMEDOUT},
	{"closed",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"flush", "/a", .fh = 1},
	  {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"flushed, not released",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"flush", "/a", .fh = 1}},
	 -ETIMEDOUT},
	{"opened to write, and nothing more", {{"create", "/a", .fh = 1, .flags = W}}, -ETIMEDOUT},
	{"an empty file",
	 {{"create", "/a", .fh = 1, .flags = W}, {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"synced",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"fsync", "/a", .fh = 1}},
	 0,
	 FUSETRACE_PROOF_FSYNC},
	{"written again after it was synced",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"fsync", "/a", .fh = 1},
	  {"write", "/a", .fh = 1, .size = 5}},
	 -ETIMEDOUT},
	{"synced by another handle",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"fsync", "/a", .fh = 2}},
	 0,
	 FUSETRACE_PROOF_FSYNC},
	{"another one released",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"release", "/a", .fh = 2, .flags = W}},
	 -ETIMEDOUT},
	{"of two that wrote, the last one released",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"release", "/a", .fh = 2, .flags = W}},
	 -ETIMEDOUT},
	{"both released",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"release", "/a", .fh = 2, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"one that wrote nothing stays open",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"release", "/a", .fh = 2, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"likewise, but no write was seen, so it may be gathered",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY | O_TRUNC},
	  {"release", "/a", .fh = 2, .flags = W}},
	 -ETIMEDOUT},
	{"likewise, but the kernel gathers writes",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 1, .size = 5, .is_cache = true},
	  {"release", "/a", .fh = 2, .flags = W}},
	 -ETIMEDOUT},
	{"truncated by no handle, and opened again by another before the release",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"truncate", "/a"},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"open", "/a", .fh = 3, .flags = O_WRONLY},
	  {"release", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"release", "/a", .fh = 2, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"truncated by no handle, and one that was open then stays open",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"truncate", "/a"},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"release", "/a", .fh = 1, .flags = W}},
	 -ETIMEDOUT},
	{"a handle's number comes again, and the new one was not open at the truncation",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"truncate", "/a"},
	  {"open", "/a", .fh = 1, .flags = O_WRONLY},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"release", "/a", .fh = 2, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"the kernel wrote by whatever handle",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY},
	  {"write", "/a", .fh = 2, .size = 5, .is_cache = true},
	  {"release", "/a", .fh = 2, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"the release was sent before another one opened it",
	 {{"create", "/a", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY, .start_ns = 4000000, .end_ns = 5000000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 3000000, .end_ns = 6000000}},
	 -ETIMEDOUT},
	{"likewise, and it is seen who writes",
	 {{"create", "/a", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 2100000, .end_ns = 2200000},
	  {"open", "/a", .fh = 2, .flags = O_WRONLY, .start_ns = 4000000, .end_ns = 5000000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 3000000, .end_ns = 6000000}},
	 -ETIMEDOUT},
	{"a reader got the number before the release was answered",
	 {{"create", "/a", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 2100000, .end_ns = 2200000},
	  {"open", "/a", .fh = 1, .flags = O_RDONLY, .start_ns = 4000000, .end_ns = 5000000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 3000000, .end_ns = 6000000}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"a writer got the number, and has written",
	 {{"create", "/a", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 2100000, .end_ns = 2200000},
	  {"open", "/a", .fh = 1, .flags = O_WRONLY, .start_ns = 4000000, .end_ns = 5000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 5100000, .end_ns = 5200000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 3000000, .end_ns = 6000000}},
	 -ETIMEDOUT},
	{"... and was released",
	 {{"create", "/a", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 2100000, .end_ns = 2200000},
	  {"open", "/a", .fh = 1, .flags = O_WRONLY, .start_ns = 4000000, .end_ns = 5000000},
	  {"write", "/a", .fh = 1, .size = 5, .start_ns = 5100000, .end_ns = 5200000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 3000000, .end_ns = 6000000},
	  {"release", "/a", .fh = 1, .flags = W, .start_ns = 7000000, .end_ns = 8000000}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"truncate(2) of what the kernel has written back",
	 {{"write", "/a", .fh = 1, .size = 5, .is_cache = true}, {"truncate", "/a"}},
	 -ETIMEDOUT},
	{"a reader released",
	 {{"open", "/a", .fh = 3, .flags = O_RDONLY}, {"release", "/a", .fh = 3}},
	 -ETIMEDOUT},
	{"a reader of before released",
	 {{"release", "/a", .fh = 3, .flags = O_RDONLY}},
	 -ETIMEDOUT},
	{"a writer of before released",
	 {{"release", "/a", .fh = 3, .flags = O_WRONLY}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"truncate(2)", {{"truncate", "/a"}}, 0, FUSETRACE_PROOF_TRUNCATE},
	{"truncate(2) while somebody writes",
	 {{"create", "/a", .fh = 1, .flags = W}, {"truncate", "/a"}},
	 -ETIMEDOUT},
	{"ftruncate(2)",
	 {{"create", "/a", .fh = 1, .flags = W}, {"truncate", "/a", .fh = 1}},
	 -ETIMEDOUT},
	{"a source that knows no handles",
	 {{"create", "/a"}, {"write", "/a", .size = 5}, {"release", "/a"}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"likewise, not yet", {{"create", "/a"}, {"write", "/a", .size = 5}}, -ETIMEDOUT},
	{"a write in flight",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"fsync", "/a", .fh = 1},
	  {"write", "/a", .fh = 1, .size = 5, .is_started = true}},
	 -ETIMEDOUT},
	{"a write in flight elsewhere",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W},
	  {"write", "/b", .fh = 2, .size = 5, .is_started = true}},
	 0,
	 FUSETRACE_PROOF_RELEASE},

	{"a write failed",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5, .error = ENOSPC},
	  {"release", "/a", .fh = 1, .flags = W}},
	 -EREMOTEIO},
	{"a write was tried again",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .offset = 10, .size = 5, .error = ENOSPC},
	  {"write", "/a", .fh = 1, .offset = 8, .size = 7},
	  {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"another place was written",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .offset = 10, .size = 5, .error = ENOSPC},
	  {"write", "/a", .fh = 1, .offset = 15, .size = 5},
	  {"release", "/a", .fh = 1, .flags = W}},
	 -EREMOTEIO},
	{"a flush failed",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"flush", "/a", .fh = 1, .error = EIO},
	  {"release", "/a", .fh = 1, .flags = W}},
	 -EREMOTEIO},
	{"an fsync failed, and another one did not",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"fsync", "/a", .fh = 1, .error = EIO},
	  {"fsync", "/a", .fh = 1}},
	 0,
	 FUSETRACE_PROOF_FSYNC},
	{"a filesystem without fsync proves nothing by it",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"fsync", "/a", .fh = 1, .error = ENOSYS}},
	 -ETIMEDOUT},
	{"a failure of the file that was there before",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5, .error = EIO},
	  {"unlink", "/a"},
	  {"create", "/a", .fh = 2, .flags = W},
	  {"release", "/a", .fh = 2, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},

	{"renamed to it",
	 {{"create", "/t", .fh = 1, .flags = W},
	  {"write", "/t", .fh = 1, .size = 5},
	  {"release", "/t", .fh = 1},
	  {"rename", "/t", "/a"}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"renamed to it while it is open",
	 {{"create", "/t", .fh = 1, .flags = W},
	  {"write", "/t", .fh = 1, .size = 5},
	  {"rename", "/t", "/a"}},
	 -ETIMEDOUT},
	{"... and released under its new name",
	 {{"create", "/t", .fh = 1, .flags = W},
	  {"write", "/t", .fh = 1, .size = 5},
	  {"rename", "/t", "/a"},
	  {"release", "/a", .fh = 1, .flags = W}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"the release was sent before the rename and answered after it",
	 {{"create", "/t", .fh = 1, .flags = W, .start_ns = 1000000, .end_ns = 2000000},
	  {"write", "/t", .fh = 1, .size = 5, .start_ns = 3000000, .end_ns = 4000000},
	  {"rename", "/t", "/a", .start_ns = 6000000, .end_ns = 7000000},
	  {"release", "/t", .fh = 1, .start_ns = 5000000, .end_ns = 9000000}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"what is written under the old name later is another file",
	 {{"create", "/t", .fh = 1, .flags = W},
	  {"write", "/t", .fh = 1, .size = 5},
	  {"rename", "/t", "/a"},
	  {"create", "/t", .fh = 2, .flags = W},
	  {"release", "/t", .fh = 2}},
	 -ETIMEDOUT},
	{"an open file that was replaced",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"write", "/a", .fh = 1, .size = 5},
	  {"create", "/t", .fh = 2, .flags = W},
	  {"release", "/t", .fh = 2},
	  {"rename", "/t", "/a"},
	  {"write", "/a", .fh = 1, .size = 5, .is_unlinked = true}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"its directory was renamed",
	 {{"create", "/d/e/x", .fh = 1, .flags = W},
	  {"release", "/d/e/x", .fh = 1},
	  {"rename", "/d/e/x", "/d/a"},
	  {"rename", "/d/a", "/a"}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"two changed places",
	 {{"create", "/b", .fh = 1, .flags = W},
	  {"release", "/b", .fh = 1},
	  {"create", "/a", .fh = 2, .flags = W},
	  {"write", "/a", .fh = 2, .size = 5},
	  {"rename", "/a", "/b", .flags = 2}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"renamed away",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W},
	  {"rename", "/a", "/b"}},
	 -ETIMEDOUT},
	{"a rename that failed",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W},
	  {"rename", "/a", "/b", .error = EXDEV}},
	 0,
	 FUSETRACE_PROOF_RELEASE},
	{"removed",
	 {{"create", "/a", .fh = 1, .flags = W},
	  {"release", "/a", .fh = 1, .flags = W},
	  {"unlink", "/a"}},
	 -ETIMEDOUT},
	{"a name that begins alike",
	 {{"create", "/a.tmp", .fh = 1, .flags = W},
	  {"release", "/a.tmp", .fh = 1},
	  {"rename", "/a.tmp", "/ab"}},
	 -ETIMEDOUT},
};

/* ---- feeding ---- */

static void put(char *line, size_t size, const char *format, ...)
{
	size_t length = strlen(line);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line + length, size - length, format, arguments);
	va_end(arguments);
}

static void feed(struct fusetrace_monitor *monitor, const struct step *step, uint64_t *clock_ns)
{
	char line[600] = "{\"v\":1,";
	uint64_t start_ns = step->start_ns ? step->start_ns : *clock_ns + 1000000;
	uint64_t end_ns = step->end_ns ? step->end_ns : start_ns + 1000;
	bool is_truncation = strcmp(step->op, "truncate") == 0;

	put(line, sizeof(line), "\"op\":\"%s\",\"path\":\"%s\",\"start_ns\":%llu",
	    is_truncation ? "setattr" : step->op, step->path, (unsigned long long)start_ns);
	if (is_truncation)
		put(line, sizeof(line), ",\"valid\":8,\"size\":0");
	if (step->path2)
		put(line, sizeof(line), ",\"path2\":\"%s\"", step->path2);
	if (step->fh)
		put(line, sizeof(line), ",\"fh\":%d", step->fh);
	if (step->flags ||
	    (step->fh && (strcmp(step->op, "open") == 0 || strcmp(step->op, "release") == 0)))
		put(line, sizeof(line), ",\"flags\":%d", step->flags);
	if (step->size)
		put(line, sizeof(line), ",\"offset\":%llu,\"size\":%llu",
		    (unsigned long long)step->offset, (unsigned long long)step->size);
	put(line, sizeof(line), ",\"pid\":%d", step->is_cache ? 0 : 7);
	if (step->is_unlinked)
		put(line, sizeof(line), ",\"unlinked\":true");
	if (step->is_started)
		put(line, sizeof(line), ",\"status\":\"started\"}\n");
	else
		put(line, sizeof(line), ",\"status\":\"%s\",\"errno\":%d,\"duration_ns\":%llu}\n",
		    step->error ? "failed" : "completed", step->error,
		    (unsigned long long)(end_ns - start_ns));
	ft_test_feed_line(monitor, line);
	*clock_ns = end_ns;
}

static void feed_steps(struct fusetrace_monitor *monitor, const struct step *steps)
{
	uint64_t clock_ns = 1000000;

	for (size_t i = 0; i < STEPS_MAX && steps[i].op; i++)
		feed(monitor, &steps[i], &clock_ns);
}

/* ---- tests ---- */

static void check(const struct example *example, int result, uint32_t proof)
{
	if (result != example->result || (result == 0 && proof != example->proof))
		fail_msg("%s: %s (%s) instead of %s (%s)", example->name,
			 fusetrace_strerror(result), fusetrace_proof_name(proof),
			 fusetrace_strerror(example->result), fusetrace_proof_name(example->proof));
}

static void rule_25_each_example(void **state)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct fusetrace_monitor *monitor = ft_test_monitor(0);
		struct fusetrace_report *report = NULL;
		uint32_t proof = 0;
		int r;

		feed_steps(monitor, examples[i].steps);
		r = fusetrace_wait_written(monitor, NULL, "/a", 0, 0, &proof, NULL, &report);
		check(&examples[i], r, proof);
		assert_true((r < 0) == (report != NULL));
		fusetrace_report_free(report);
		fusetrace_monitor_free(monitor);
	}
}

/* The directory above has been called otherwise, or the one above that. */
static void rule_25_renamed_directories(void **state)
{
	static const struct step steps[] = {
		{"create", "/d/e/x", .fh = 1, .flags = W},
		{"write", "/d/e/x", .fh = 1, .size = 5},
		{"rename", "/d", "/n"},
		{"rename", "/n/e", "/n/f"},
		{"release", "/n/f/x", .fh = 1},
		{NULL},
	};
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	uint32_t proof = 0;

	feed_steps(monitor, steps);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/n/f/x", 0, 0, &proof, NULL, NULL),
			 0);
	assert_int_equal(proof, FUSETRACE_PROOF_RELEASE);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/d/e/x", 0, 0, NULL, NULL, NULL),
			 -ETIMEDOUT);
	fusetrace_monitor_free(monitor);
}

static void the_failure_is_given(void **state)
{
	static const struct step steps[] = {
		{"create", "/a", .fh = 1, .flags = W},
		{"write", "/a", .fh = 1, .size = 5, .error = ENOSPC},
		{NULL},
	};
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_report *report = NULL;
	struct fusetrace_op *op = NULL;

	feed_steps(monitor, steps);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/a", 0, FUSETRACE_FOREVER, NULL,
						&op, &report),
			 -EREMOTEIO);
	assert_int_equal(fusetrace_op_errno(op), ENOSPC);
	assert_int_equal(fusetrace_report_verdict(report), FUSETRACE_VERDICT_FAILED);
	assert_non_null(strstr(fusetrace_report_text(report), "ENOSPC"));
	fusetrace_op_unref(op);
	fusetrace_report_free(report);
	fusetrace_monitor_free(monitor);
}

/* What came before the mark counts no more. */
static void since_a_mark(void **state)
{
	static const struct step steps[] = {
		{"create", "/a", .fh = 1, .flags = W},
		{"release", "/a", .fh = 1, .flags = W},
		{NULL},
	};
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	struct fusetrace_mark mark;

	feed_steps(monitor, steps);
	assert_int_equal(fusetrace_mark_now(monitor, &mark), 0);
	assert_int_equal(fusetrace_wait_written(monitor, &mark, "/a", 0, 0, NULL, NULL, NULL),
			 -ETIMEDOUT);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/a", 0, 0, NULL, NULL, NULL), 0);
	fusetrace_monitor_free(monitor);
}

static void lost_events_are_no_proof(void **state)
{
	static const struct step steps[] = {
		{"create", "/a", .fh = 1, .flags = W},
		{"release", "/a", .fh = 1, .flags = W},
		{NULL},
	};
	struct fusetrace_monitor *monitor = ft_test_monitor(0);

	ft_test_feed_line(monitor, "{\"v\":1,\"event\":\"lost\",\"count\":3,\"mono_ns\":1}\n");
	feed_steps(monitor, steps);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/a", 0, 0, NULL, NULL, NULL),
			 -EOVERFLOW);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/b", 0, 0, NULL, NULL, NULL),
			 -EOVERFLOW);
	fusetrace_monitor_free(monitor);
}

/* A rename makes it look at the whole history again: that must not grow with the square. */
static void many_renames(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);
	uint64_t clock_ns = 1;

	feed(monitor, &(struct step){"create", "/a", .fh = 1, .flags = W}, &clock_ns);
	for (int i = 0; i < 20000; i++) {
		feed(monitor, &(struct step){"rename", "/a", "/b"}, &clock_ns);
		feed(monitor, &(struct step){"rename", "/b", "/a"}, &clock_ns);
	}
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/a", 0, 0, NULL, NULL, NULL),
			 -ETIMEDOUT);
	feed(monitor, &(struct step){"release", "/a", .fh = 1, .flags = W}, &clock_ns);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "/a", 0, 0, NULL, NULL, NULL), 0);
	fusetrace_monitor_free(monitor);
}

static void what_cannot_be(void **state)
{
	struct fusetrace_monitor *monitor = ft_test_monitor(0);

	assert_int_equal(fusetrace_wait_written(monitor, NULL, NULL, 0, 0, NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(fusetrace_wait_written(monitor, NULL, "", 0, 0, NULL, NULL, NULL),
			 -EINVAL);
	assert_int_equal(fusetrace_wait_visible(monitor, "/a", 0, 0, NULL), -EINVAL);
	assert_int_equal(fusetrace_wait_gone(monitor, "/a", 0, 0, NULL), -EINVAL);
	assert_int_equal(fusetrace_wait_xattr(monitor, NULL, "/a", NULL, 0, 0, NULL), -EINVAL);
	fusetrace_monitor_free(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_25_each_example),
		cmocka_unit_test(rule_25_renamed_directories),
		cmocka_unit_test(the_failure_is_given),
		cmocka_unit_test(since_a_mark),
		cmocka_unit_test(lost_events_are_no_proof),
		cmocka_unit_test(many_renames),
		cmocka_unit_test(what_cannot_be),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
