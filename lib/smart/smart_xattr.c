/* SPDX-License-Identifier: MIT */
/*
 * The smart wait for an extended attribute: an operation on it has succeeded, and the filesystem,
 * asked, says the same.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "op/event.h"
#include "smart.h"
#include "wait/wait.h"

#define NAMES_MAX 64 /* the newest; the name of an attribute has up to 255 bytes */

struct xattr_wait {
	const char *wanted; /* NULL: any */
	struct ft_cursor cursor;
	char *names[NAMES_MAX]; /* that were set or removed, each once, newest last */
	size_t count;
	bool has_unnamed;            /* the source does not tell names */
	struct fusetrace_op *failed; /* reference */
};

static bool is_removal(const struct ft_smart *smart)
{
	return smart->flags & FUSETRACE_SMART_REMOVED;
}

/* ---- the operations ---- */

static int add_name(struct xattr_wait *wait, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < wait->count; i++) {
		if (strcmp(wait->names[i], name) != 0 && !(i == 0 && wait->count == NAMES_MAX))
			continue;
		free(wait->names[i]);
		memmove(&wait->names[i], &wait->names[i + 1], (--wait->count - i) * sizeof(char *));
		break;
	}
	wait->names[wait->count++] = copy;
	return 0;
}

static int take(struct ft_smart *smart, struct fusetrace_op *op)
{
	struct xattr_wait *wait = smart->data;
	const char *name = (op->present & FT_HAS(XATTR)) && op->name ? op->name->bytes : NULL;

	if (op->opcode != (is_removal(smart) ? FUSE_REMOVEXATTR : FUSE_SETXATTR) || !op->path ||
	    strcmp(op->path->bytes, smart->inside) != 0 ||
	    (wait->wanted && name && strcmp(name, wait->wanted) != 0))
		return 0;
	if (op->status == FUSETRACE_STATUS_FAILED) {
		fusetrace_op_unref(wait->failed);
		wait->failed = fusetrace_op_ref(op);
		return 0;
	}
	if (op->status != FUSETRACE_STATUS_COMPLETED)
		return 0;
	if (name)
		return add_name(wait, name);
	wait->has_unnamed = true;
	return wait->wanted ? add_name(wait, wait->wanted) : 0;
}

static int take_news(struct ft_smart *smart, uint64_t last_seq)
{
	struct xattr_wait *wait = smart->data;
	struct fusetrace_op *op;
	int r = 0;

	while (r == 0 && wait->cursor.after_seq < last_seq &&
	       (op = ft_cursor_next(&wait->cursor, NULL)))
		r = take(smart, op);
	return r;
}

/* ---- reading back ---- */

/* 1: the filesystem says that it is as it should be; name NULL: any of them. */
static int read_back(struct ft_smart *smart, const char *name)
{
	struct ft_answer answer;
	int r = ft_smart_ask(smart, name ? FT_ASK_XATTR : FT_ASK_XATTRS, name, &answer);

	if (r < 0)
		return r;
	if (answer.result == 0)
		ft_smart_found(smart, "the filesystem says that it is there");
	else if (answer.result == -ENOENT)
		ft_smart_found(smart, "the filesystem says that there is none");
	else
		ft_smart_found_error(smart, answer.result);
	return answer.result == (is_removal(smart) ? -ENOENT : 0);
}

static int read_back_some(struct ft_smart *smart)
{
	struct xattr_wait *wait = smart->data;
	int r = 0;

	for (size_t i = wait->count; r == 0 && i-- > 0;)
		r = read_back(smart, wait->names[i]);
	if (r == 0 && wait->has_unnamed && wait->count == 0)
		r = read_back(smart, NULL);
	return r;
}

static int look_traced(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	struct xattr_wait *wait = smart->data;
	int r = take_news(smart, view->last_seq);

	if (r < 0)
		return r;
	if (wait->count == 0 && !wait->has_unnamed) {
		ft_smart_found(smart, "no such operation has succeeded");
		if (!wait->failed)
			return 0;
		fusetrace_op_unref(smart->subject);
		smart->subject = fusetrace_op_ref(wait->failed);
		return -EREMOTEIO;
	}
	/* What ended cannot be asked any more, and what happened is not enough. */
	return ft_wait_verdict(view) && view->end != FUSETRACE_STATE_STOPPED
		       ? 0
		       : read_back_some(smart);
}

static int look_untraced(struct ft_smart *smart, const struct ft_monitor_view *view)
{
	return read_back(smart, ((struct xattr_wait *)smart->data)->wanted);
}

static const struct ft_smart_kind kind_set = {
	.aim = "an extended attribute is set and reads back",
	.look = look_traced,
	.is_of_history = true,
};
static const struct ft_smart_kind kind_removed = {
	.aim = "an extended attribute is removed",
	.look = look_traced,
	.is_of_history = true,
};
static const struct ft_smart_kind kind_there = {
	.aim = "there is an extended attribute (there is no trace)",
	.look = look_untraced,
};
static const struct ft_smart_kind kind_none = {
	.aim = "there is no extended attribute (there is no trace)",
	.look = look_untraced,
};

static const struct ft_smart_kind *kind_of(const struct fusetrace_monitor *monitor, uint32_t flags)
{
	if (flags & FUSETRACE_SMART_REMOVED)
		return monitor ? &kind_removed : &kind_none;
	return monitor ? &kind_set : &kind_there;
}

int fusetrace_wait_xattr(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			 const char *path, const char *name, uint32_t flags, uint64_t timeout_ns,
			 struct fusetrace_report **reterr_report)
{
	struct xattr_wait wait = {.wanted = name};
	struct ft_smart smart;
	int r = monitor ? ft_monitor_enter(monitor) : 0;

	if (r < 0)
		return r;
	r = ft_smart_init(&smart, monitor, mark, path, flags, timeout_ns);
	smart.kind = kind_of(monitor, flags);
	smart.data = &wait;
	if (r == 0 && monitor)
		ft_cursor_init(&wait.cursor, monitor->history, smart.mark.seq);
	if (r == 0)
		r = smart.target.root ? ft_smart_run(&smart) : -EINVAL;
	ft_smart_report(&smart, r, reterr_report);
	fusetrace_op_unref(wait.failed);
	for (size_t i = 0; i < wait.count; i++)
		free(wait.names[i]);
	if (wait.cursor.history)
		ft_cursor_done(&wait.cursor);
	ft_smart_done(&smart);
	return r;
}
