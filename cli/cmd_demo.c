/* SPDX-License-Identifier: MIT */
/*
 * fusetrace demo: what this is for, on a real filesystem and in a few seconds. Nothing is made up:
 * what it prints was measured while it ran.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "command.h"
#include "demo_mount.h"
#include "message.h"
#include "options.h"
#include "output.h"
#include "signals.h"
#include "views/view.h"

#define MS UINT64_C(1000000)
#define ROUNDS 30
#define PATH_ROOM 512

/* Two delays: one to see and to wait for in vain, one for the rounds. */
#define OPTIONS "delay=release:300ms:*.txt,delay=release:20ms:round*"

/* ---- 1: see it ---- */

static void work(const struct demo_mount *mount)
{
	char path[PATH_ROOM], other[PATH_ROOM];
	int fd = open(demo_path(mount, "notes.txt", path, sizeof(path)),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "hello, world\n", 13) < 0)
		message("the filesystem does not work: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	mkdir(demo_path(mount, "old", path, sizeof(path)), 0755);
	chmod(path, 0700);
	setxattr(path, "user.mood", "fine", 4, 0);
	rename(path, demo_path(mount, "new", other, sizeof(other)));
	if (access(demo_path(mount, "a name with\na newline", path, sizeof(path)), F_OK) == 0)
		message("there is a file that should not be there");
	rmdir(other);
}

static void show_all(const struct demo_mount *mount, struct output *output)
{
	struct fusetrace_reader *reader = NULL;
	struct ft_json_record head = {.kind = FT_JSON_TRACE};
	struct fusetrace_op *op;
	struct view view = {
		.kind = &view_text,
		.output = output,
		.has_lines = true,
		.has_events = true,
		.columns = output_columns(output),
	};

	if (fusetrace_reader_new(mount->monitor, NULL, &reader) < 0)
		return;
	view.kind->head(&view, &head);
	while (fusetrace_reader_next(reader, &op, NULL) > 0) {
		if (!view.has_base)
			view.base_ns = fusetrace_op_start_ns(op);
		view.has_base = true;
		view.kind->op(&view, op);
	}
	fusetrace_reader_free(reader);
}

static int see(const struct demo_mount *mount, struct output *output)
{
	output_printf(
		output,
		"\n1. See every request of a filesystem. Here a file is written and closed, and a\n"
		"   folder made, changed, renamed and removed. The RELEASE of the file is\n"
		"   answered 300 ms late, long after close() has returned.\n\n");
	work(mount);
	fusetrace_wait_idle(mount->monitor, 20 * MS, 5 * FUSETRACE_SECOND, NULL);
	show_all(mount, output);
	output_printf(output, "\n");
	return output_flush(output, FUSETRACE_FOREVER, -1);
}

/* ---- 2: wait for it ---- */

/* How a test waits until the RELEASE of the file that it has closed is answered. */
struct method {
	const char *name;
	uint64_t sleep_ns; /* 0: it does not sleep but waits */
};

struct race {
	unsigned int too_early;
	uint64_t total_ns;
	uint64_t needed_ns;       /* of it, until the RELEASE was answered */
	uint64_t lags_ns[ROUNDS]; /* from the answer to the return of the wait */
};

static void sleep_for(uint64_t duration_ns)
{
	struct timespec time = {.tv_nsec = (long)duration_ns};

	nanosleep(&time, NULL);
}

/* One round: writes and closes, then waits by that method and looks whether it was long enough. */
static int play_round(const struct demo_mount *mount, const struct method *method,
		      unsigned int number, struct race *race)
{
	struct fusetrace_match match = {.sz = sizeof(match), .op = "release"};
	struct fusetrace_op *op = NULL;
	struct fusetrace_mark mark;
	char name[32], path[PATH_ROOM];
	uint64_t begun_ns, ended_ns, answered_ns;
	int fd, r = 0;

	snprintf(name, sizeof(name), "/round%u", number);
	match.path = name;
	fusetrace_mark_now(mount->monitor, &mark);
	fd = open(demo_path(mount, name + 1, path, sizeof(path)), O_WRONLY | O_CREAT | O_CLOEXEC,
		  0644);
	if (fd < 0)
		return -errno;
	begun_ns = ft_now_ns();
	close(fd);
	if (method->sleep_ns)
		sleep_for(method->sleep_ns);
	else
		r = fusetrace_wait(mount->monitor, &mark, &match, 5 * FUSETRACE_SECOND, NULL, NULL);
	ended_ns = ft_now_ns();
	/* From here on only the truth is looked for. */
	if (r == 0)
		r = fusetrace_wait(mount->monitor, &mark, &match, 5 * FUSETRACE_SECOND, &op, NULL);
	if (r < 0)
		return r;
	answered_ns = fusetrace_op_start_ns(op) + fusetrace_op_duration_ns(op);
	fusetrace_op_unref(op);
	race->too_early += answered_ns > ended_ns;
	race->total_ns += ended_ns - begun_ns;
	race->needed_ns += answered_ns - begun_ns;
	race->lags_ns[number] = answered_ns > ended_ns ? 0 : ended_ns - answered_ns;
	return 0;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void tell_race(struct output *output, const struct method *method, struct race *race)
{
	char lag[FT_DURATION_SIZE];

	qsort(race->lags_ns, ROUNDS, sizeof(race->lags_ns[0]), compare);
	ft_format_duration(race->lags_ns[ROUNDS / 2], false, lag, sizeof(lag));
	output_printf(output, "   %-16s %2u of %d too early   %5.2f s", method->name,
		      race->too_early, ROUNDS, (double)race->total_ns / 1e9);
	if (race->too_early == 0)
		output_printf(output, "   %5.2f s for nothing, %s a round",
			      (double)(race->total_ns - race->needed_ns) / 1e9, lag);
	output_printf(output, "\n");
	output_pump(output);
}

static int wait_for_it(const struct demo_mount *mount, struct output *output)
{
	static const struct method methods[] = {
		{"sleep 10 ms", 10 * MS},
		{"sleep 100 ms", 100 * MS},
		{"fusetrace_wait", 0},
	};
	int r = 0;

	output_printf(
		output,
		"2. Wait for exactly one of them. A test closes a file and may go on once its\n"
		"   RELEASE is answered, here after 20 ms. %d rounds with each way to wait:\n\n",
		ROUNDS);
	output_pump(output);
	for (size_t i = 0; r == 0 && i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct race race = {.too_early = 0};

		for (unsigned int k = 0; r == 0 && k < ROUNDS; k++)
			r = demo_is_interrupted() ? -EINTR
						  : play_round(mount, &methods[i], k, &race);
		if (r == 0)
			tell_race(output, &methods[i], &race);
	}
	return r;
}

/* ---- 3: know why not ---- */

static int explain(const struct demo_mount *mount, struct output *output)
{
	struct fusetrace_report *report = NULL;
	struct fusetrace_mark mark;
	char path[PATH_ROOM];
	int fd;

	output_printf(output,
		      "\n3. Know at once why something does not happen. A wait of 100 ms for the\n"
		      "   RELEASE that takes 300 ms:\n\n");
	fusetrace_mark_now(mount->monitor, &mark);
	fd = open(demo_path(mount, "late.txt", path, sizeof(path)), O_WRONLY | O_CREAT | O_CLOEXEC,
		  0644);
	if (fd < 0)
		return -errno;
	close(fd);
	if (fusetrace_wait(mount->monitor, &mark,
			   FUSETRACE_MATCH(.op = "release", .path = "/late.txt",
					   .label = "the file is closed"),
			   100 * MS, NULL, &report) < 0 &&
	    report)
		output_printf(output, "%s", fusetrace_report_text(report));
	fusetrace_report_free(report);
	output_printf(output, "\nThe same from a shell:\n\n"
			      "   fusetrace expect release /late.txt -- touch mnt/late.txt\n\n");
	return output_flush(output, FUSETRACE_FOREVER, -1);
}

/* ---- the command ---- */

static int tour(const struct demo_mount *mount, struct output *output)
{
	int r = see(mount, output);

	if (r == 0 && !demo_is_interrupted())
		r = wait_for_it(mount, output);
	if (r == 0 && !demo_is_interrupted())
		r = explain(mount, output);
	if (demo_is_interrupted())
		return EXIT_SETUP;
	if (r < 0 && r != -EPIPE)
		return fail(EXIT_SETUP, "the demonstration failed: %s: see 'fusetrace doctor'",
			    fusetrace_strerror(r));
	return EXIT_SATISFIED;
}

static int run(const struct options *options)
{
	struct fusetrace_error error;
	struct demo_mount mount;
	struct output output;
	int r;

	if (output_open(&output, NULL, options->color, &error) < 0)
		return fail(EXIT_SETUP, "%s", error.text);
	r = demo_mount_start(&mount, OPTIONS);
	if (r == 0 && !demo_is_interrupted()) {
		output_printf(&output, "branchfs is mounted on %s\n", mount.mountpoint);
		r = tour(&mount, &output);
	}
	demo_mount_done(&mount);
	output_done(&output);
	if (demo_is_interrupted())
		return fail(EXIT_SETUP, "interrupted: all is cleaned up");
	return r;
}

const struct command cmd_demo = {
	.name = "demo",
	.usage = "",
	.summary = "a tour of a few seconds on a real filesystem",
	.details =
		"Mounts branchfs in a temporary folder, shows a trace of it, compares sleeping\n"
		"with waiting, and lets a wait explain why it failed. Cleans up behind itself.\n",
	.operand = OPERAND_NONE,
	.run = run,
};
