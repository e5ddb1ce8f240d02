/* SPDX-License-Identifier: MIT */
/* How a mount was ended, for a person and for a program. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "mount.h"

static const char *const step_words[FUSETRACE_STOP_STEPS] = {"nothing", "unmount", "term", "kill"};
static const char *const step_names[FUSETRACE_STOP_STEPS] = {"", "unmount", "SIGTERM", "SIGKILL"};

static const struct {
	uint32_t flag;
	const char *key;
	const char *text;
} flags[] = {
	{FUSETRACE_STOP_WAS_DEAD, "was_dead", "the mount was left without a daemon"},
	{FUSETRACE_STOP_WAS_STOPPED, "was_stopped", "the daemon was stopped, as by SIGSTOP"},
	{FUSETRACE_STOP_LAZY, "lazy", "unmounted lazily"},
	{FUSETRACE_STOP_ABORTED, "aborted", "its connection was aborted"},
};
#define FLAGS (sizeof(flags) / sizeof(flags[0]))

static int check(const struct fusetrace_stop *stop)
{
	return stop && stop->step < FUSETRACE_STOP_STEPS ? 0 : -EINVAL;
}

static void write_steps(FILE *out, const struct fusetrace_stop *stop)
{
	char duration[FT_DURATION_SIZE];

	if (stop->step == FUSETRACE_STOP_NOTHING)
		fputs("it had ended", out);
	for (uint32_t i = 1, written = 0; i <= stop->step; i++) {
		if (!stop->step_ns[i] && i < stop->step)
			continue;
		ft_format_duration(stop->step_ns[i], false, duration, sizeof(duration));
		fprintf(out, "%s%s %s", written++ ? ", " : "ended by ", step_names[i], duration);
	}
}

int fusetrace_stop_text(const struct fusetrace_stop *stop, char *buffer, size_t size)
{
	char *text FT_AUTO_FREE = NULL;
	char end[64];
	size_t length = 0;
	FILE *out;

	if (check(stop) < 0)
		return -EINVAL;
	out = open_memstream(&text, &length);
	if (!out)
		return -ENOMEM;
	write_steps(out, stop);
	for (size_t i = 0; i < FLAGS; i++) {
		if (stop->flags & flags[i].flag)
			fprintf(out, "; %s", flags[i].text);
	}
	if (stop->flags & FUSETRACE_STOP_HAS_STATUS) {
		ft_mount_describe_end(
			&(struct ft_process){.has_status = true, .status = stop->status}, end,
			sizeof(end));
		fprintf(out, "; the daemon %s", end);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	return snprintf(buffer, size, "%s", text);
}

static json_t *json_of_stop(const struct fusetrace_stop *stop)
{
	json_t *steps = json_object();
	json_t *root = json_pack("{s:i s:s s:i s:o}", "v", 1, "step", step_words[stop->step],
				 "processes", (int)stop->processes, "step_ns", steps);

	for (uint32_t i = 1; root && i < FUSETRACE_STOP_STEPS; i++)
		json_object_set_new(steps, step_words[i],
				    json_integer((json_int_t)stop->step_ns[i]));
	for (size_t i = 0; root && i < FLAGS; i++)
		json_object_set_new(root, flags[i].key, json_boolean(stop->flags & flags[i].flag));
	if (!root || !(stop->flags & FUSETRACE_STOP_HAS_STATUS))
		return root;
	if (WIFSIGNALED(stop->status))
		json_object_set_new(root, "signal", json_integer(WTERMSIG(stop->status)));
	else
		json_object_set_new(root, "exit_code", json_integer(WEXITSTATUS(stop->status)));
	return root;
}

int fusetrace_stop_json(const struct fusetrace_stop *stop, char *buffer, size_t size)
{
	json_t *root = check(stop) < 0 ? NULL : json_of_stop(stop);
	char *text FT_AUTO_FREE = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (check(stop) < 0)
		return -EINVAL;
	return text ? snprintf(buffer, size, "%s", text) : -ENOMEM;
}
