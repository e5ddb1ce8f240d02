/* SPDX-License-Identifier: MIT */
/* The smart waits for what the filesystem shows: something is there, or it is gone. */
#include <errno.h>
#include <sys/stat.h>

#include "smart.h"

static bool is_of_kind(const struct ft_answer *answer, uint32_t flags)
{
	if (flags & FUSETRACE_SMART_DIRECTORY)
		return S_ISDIR(answer->mode);
	return !(flags & FUSETRACE_SMART_FILE) || !S_ISDIR(answer->mode);
}

static int look_visible(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct ft_answer answer;
	int r = ft_smart_ask(smart, FT_ASK_NAME, NULL, &answer);

	if (r < 0)
		return r;
	if (answer.result == 0) {
		ft_smart_found(smart, "a %s is there", S_ISDIR(answer.mode) ? "directory" : "file");
		return is_of_kind(&answer, smart->flags);
	}
	if (answer.result == -ENOENT)
		ft_smart_found(smart, "the filesystem says that there is nothing of that name");
	else
		ft_smart_found_error(smart, answer.result);
	return 0;
}

static int look_gone(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct ft_answer answer;
	int r = ft_smart_ask(smart, FT_ASK_NAME, NULL, &answer);

	if (r < 0)
		return r;
	if (answer.result == 0)
		ft_smart_found(smart, "a %s is there", S_ISDIR(answer.mode) ? "directory" : "file");
	else if (answer.result != -ENOENT)
		ft_smart_found_error(smart, answer.result);
	return answer.result == -ENOENT;
}

static const struct ft_smart_kind kind_visible = {
	.aim = "something is visible",
	.look = look_visible,
};
static const struct ft_smart_kind kind_file_visible = {
	.aim = "a file is visible",
	.look = look_visible,
};
static const struct ft_smart_kind kind_directory_visible = {
	.aim = "a directory is visible",
	.look = look_visible,
};
static const struct ft_smart_kind kind_gone = {
	.aim = "it is gone",
	.look = look_gone,
};

static int wait_for_name(struct fusetrace_monitor *monitor, const char *path,
			 const struct ft_smart_kind *kind, uint32_t flags, uint64_t timeout_ns,
			 struct fusetrace_report **reterr_report)
{
	struct ft_smart smart;
	int r = monitor ? ft_monitor_enter(monitor) : 0;

	if (r < 0)
		return r;
	r = ft_smart_init(&smart, monitor, NULL, path, flags, timeout_ns);
	smart.kind = kind;
	if (r == 0)
		r = smart.target.root ? ft_smart_run(&smart) : -EINVAL;
	ft_smart_report(&smart, r, reterr_report);
	ft_smart_done(&smart);
	return r;
}

int fusetrace_wait_visible(struct fusetrace_monitor *monitor, const char *path, uint32_t flags,
			   uint64_t timeout_ns, struct fusetrace_report **reterr_report)
{
	const struct ft_smart_kind *kind = &kind_visible;

	if (flags & FUSETRACE_SMART_DIRECTORY)
		kind = &kind_directory_visible;
	else if (flags & FUSETRACE_SMART_FILE)
		kind = &kind_file_visible;
	return wait_for_name(monitor, path, kind, flags, timeout_ns, reterr_report);
}

int fusetrace_wait_gone(struct fusetrace_monitor *monitor, const char *path, uint32_t flags,
			uint64_t timeout_ns, struct fusetrace_report **reterr_report)
{
	return wait_for_name(monitor, path, &kind_gone, flags, timeout_ns, reterr_report);
}
