/* SPDX-License-Identifier: MIT */
/* Compiles and tests matches; see match.h. */
#include "match.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/glob.h"
#include "base/hash.h"
#include "event.h"

#define OPCODE_READ 15

/* ---- compiling ---- */

static int refuse_name(const char *name, size_t length, struct fusetrace_error *reterr_error)
{
	if (memchr(name, '/', length))
		return ft_error(reterr_error, -EINVAL,
				"there is no operation \"%.*s\": a path is given apart from it",
				(int)length, name);
	return ft_error(reterr_error, -EINVAL,
			"there is no operation \"%.*s\": did you mean \"%s\"?", (int)length, name,
			ft_op_name_nearest(name, length));
}

static int add_selector(struct ft_match *match, const char *name, size_t length,
			struct fusetrace_error *reterr_error)
{
	struct ft_op_selector *selectors;
	struct ft_op_selector selector;

	if (!ft_op_selector_parse(name, length, &selector))
		return refuse_name(name, length, reterr_error);
	if (match->selector_count == FT_MATCH_SELECTORS_MAX)
		return ft_error(reterr_error, -EINVAL, "too many operation names: at most %d",
				FT_MATCH_SELECTORS_MAX);
	selectors = realloc(match->selectors, (match->selector_count + 1) * sizeof(*selectors));
	if (!selectors)
		return -ENOMEM;
	match->selectors = selectors;
	selectors[match->selector_count++] = selector;
	match->opcodes |= selector.opcodes;
	return 0;
}

static size_t trimmed_length(const char *begin, const char *end)
{
	while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end > begin ? (size_t)(end - begin) : 0;
}

static int compile_ops(struct ft_match *match, const char *ops,
		       struct fusetrace_error *reterr_error)
{
	if (!ops || strcmp(ops, "*") == 0 || strcmp(ops, "any") == 0) {
		match->opcodes = UINT64_MAX;
		return 0;
	}
	match->op = strdup(ops);
	if (!match->op)
		return -ENOMEM;
	for (const char *at = ops;; at++) {
		const char *end = at + strcspn(at, ",");
		int r;

		at += strspn(at, " \t");
		r = add_selector(match, at, trimmed_length(at, end), reterr_error);
		if (r < 0)
			return r;
		at = end;
		if (*at == '\0')
			return 0;
	}
}

/* Takes the mountpoint off a path under it. */
static const char *path_in_mount(const char *path, const char *mountpoint)
{
	size_t length = mountpoint ? strlen(mountpoint) : 0;

	if (length > 1 && strncmp(path, mountpoint, length) == 0 &&
	    (path[length] == '/' || path[length] == '\0'))
		return path[length] ? path + length : "/";
	return path;
}

/* An absolute path without empty, "." and ".." components. Free with free(). */
static char *normalise(const char *path)
{
	char *result = malloc(strlen(path) + 2);
	size_t length = 0;

	if (!result)
		return NULL;
	while (*path) {
		size_t component = strcspn(path, "/");

		if (component == 2 && memcmp(path, "..", 2) == 0) {
			while (length && result[--length] != '/')
				;
		} else if (component && !(component == 1 && path[0] == '.')) {
			result[length++] = '/';
			memcpy(result + length, path, component);
			length += component;
		}
		path += component + (path[component] == '/');
	}
	if (length == 0)
		result[length++] = '/';
	result[length] = '\0';
	return result;
}

/*
 * A relative path that leads under the mountpoint from the working directory is meant so. Free with
 * free(); NULL when it does not.
 */
static char *relative_in_mount(const char *path, const char *mountpoint)
{
	char *here FT_AUTO_FREE = path[0] == '/' || !mountpoint ? NULL : getcwd(NULL, 0);
	char *joined FT_AUTO_FREE = NULL;
	char *full FT_AUTO_FREE = NULL;
	const char *inside;

	if (!here || asprintf(&joined, "%s/%s", here, path) < 0)
		return NULL;
	full = normalise(joined);
	inside = full ? path_in_mount(full, mountpoint) : NULL;
	return inside && inside != full ? strdup(inside) : NULL;
}

/* Normalised first, so that the mountpoint is found however the path is written. */
static char *exact_path(const char *path, const char *mountpoint)
{
	char *normal FT_AUTO_FREE = normalise(path);

	return normal ? strdup(path_in_mount(normal, mountpoint)) : NULL;
}

static int compile_regex(struct ft_match *match, const char *path,
			 struct fusetrace_error *reterr_error)
{
	char text[256];
	int r = regcomp(&match->regex, path, REG_EXTENDED | REG_NOSUB);

	if (r) {
		regerror(r, &match->regex, text, sizeof(text));
		return ft_error(reterr_error, -EINVAL, "not a regular expression: %s: %s", path,
				text);
	}
	match->path = strdup(path);
	match->path_kind = FUSETRACE_PATH_REGEX;
	return match->path ? 0 : -ENOMEM;
}

static int compile_path(struct ft_match *match, const struct fusetrace_match *user,
			const char *mountpoint, struct fusetrace_error *reterr_error)
{
	const char *path = user->path;
	uint32_t kind = user->path_kind;
	char *relative FT_AUTO_FREE = NULL;

	if (!path)
		return 0;
	if (kind > FUSETRACE_PATH_REGEX)
		return ft_error(reterr_error, -EINVAL, "path_kind %u does not exist", kind);
	if (path[0] == '\0')
		return ft_error(reterr_error, -EINVAL, "the path is empty: \"/\" is the root");
	if (kind == FUSETRACE_PATH_REGEX)
		return compile_regex(match, path, reterr_error);
	if (kind == FUSETRACE_PATH_AUTO)
		kind = ft_glob_has_magic(ft_bytes_of(path_in_mount(path, mountpoint)))
			       ? FUSETRACE_PATH_GLOB
			       : FUSETRACE_PATH_EXACT;
	/* A pattern without a slash is about the last component, wherever one stands. */
	if (kind == FUSETRACE_PATH_EXACT || strchr(path, '/'))
		relative = relative_in_mount(path, mountpoint);
	if (relative)
		match->path = strdup(relative);
	else if (kind == FUSETRACE_PATH_EXACT)
		match->path = exact_path(path, mountpoint);
	else
		match->path = strdup(path_in_mount(path, mountpoint));
	if (!match->path)
		return -ENOMEM;
	match->path_kind = kind;
	match->path_hash = (uint32_t)ft_hash_bytes(ft_bytes_of(match->path), 0);
	return 0;
}

static int copy_text(const char *text, char **ret_copy)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

int ft_match_init(struct ft_match *match, const struct fusetrace_match *user,
		  const char *mountpoint, struct fusetrace_error *reterr_error)
{
	static const struct fusetrace_match any = {.sz = sizeof(any)};
	int r;

	*match = (struct ft_match){0};
	if (!user)
		user = &any;
	if (user->sz != sizeof(*user))
		return ft_error(reterr_error, -EINVAL,
				"a match of another version of the library: use FUSETRACE_MATCH()");
	if (user->status > FUSETRACE_MATCH_FAILED || user->error < 0 || user->error > 4095)
		return ft_error(reterr_error, -EINVAL, "status %u, errno %d: out of range",
				user->status, user->error);
	match->user = *user;
	r = compile_ops(match, user->op, reterr_error);
	if (r == 0)
		r = compile_path(match, user, mountpoint, reterr_error);
	if (r == 0)
		r = copy_text(user->label, &match->label);
	if (r == 0)
		r = copy_text(user->check_name, &match->check_name);
	if (r == 0)
		r = copy_text(user->where, &match->where);
	if (user->flags & FUSETRACE_MATCH_NOT)
		match->opcodes = UINT64_MAX;
	if (r < 0)
		ft_match_done(match);
	return r;
}

void ft_match_done(struct ft_match *match)
{
	if (match->path_kind == FUSETRACE_PATH_REGEX)
		regfree(&match->regex);
	free(match->selectors);
	free(match->path);
	free(match->op);
	free(match->label);
	free(match->check_name);
	free(match->where);
	*match = (struct ft_match){0};
}

int fusetrace_match_check(const struct fusetrace_match *match, struct fusetrace_error *reterr_error)
{
	struct ft_match compiled;
	int r = ft_match_init(&compiled, match, NULL, reterr_error);

	if (r == 0)
		ft_match_done(&compiled);
	return r;
}

/* ---- testing ---- */

bool ft_match_op(const struct ft_match *match, const struct fusetrace_op *op)
{
	uint64_t bit = ft_opcode_bit(op->opcode);

	for (size_t i = 0; i < match->selector_count; i++) {
		const struct ft_op_selector *selector = &match->selectors[i];

		if ((selector->opcodes & bit) &&
		    (!selector->number || selector->number == op->opcode) &&
		    (!selector->valid || (op->valid & selector->valid)))
			return true;
	}
	return match->selector_count == 0;
}

static bool test_path(const struct ft_match *match, const struct ft_name *name)
{
	struct ft_bytes path = ft_name_bytes(name);

	if (!name)
		return false;
	switch (match->path_kind) {
	case FUSETRACE_PATH_EXACT:
		return ft_bytes_equal(path, ft_bytes_of(match->path));
	case FUSETRACE_PATH_GLOB:
		return ft_glob_match(ft_bytes_of(match->path), path);
	default:
		return regexec(&match->regex, path.data, 0, NULL, 0) == 0;
	}
}

bool ft_match_path(const struct ft_match *match, const struct fusetrace_op *op)
{
	return !match->path || test_path(match, op->path) || test_path(match, op->path2);
}

bool ft_match_is_meant(const struct ft_match *match, const struct fusetrace_op *op)
{
	const struct fusetrace_match *user = &match->user;

	if (!ft_match_op(match, op))
		return false;
	if (user->pid &&
	    (!(op->present & FT_HAS(PID)) || op->pid != (user->pid < 0 ? 0 : (uint64_t)user->pid)))
		return false;
	if (user->nodeid && op->nodeid != user->nodeid)
		return false;
	if (user->min_size && (!(op->present & FT_HAS(SIZE)) || op->size < user->min_size))
		return false;
	if (user->min_duration_ns && op->duration_ns < user->min_duration_ns)
		return false;
	return ft_match_path(match, op);
}

static bool test_result(const struct ft_match *match, const struct fusetrace_op *op)
{
	const struct fusetrace_match *user = &match->user;

	if ((user->flags & FUSETRACE_MATCH_NO_PROBES) && (op->marks & FUSETRACE_OP_PROBE))
		return false;
	if (user->error && op->error != user->error)
		return false;
	if (user->status == FUSETRACE_MATCH_OK)
		return op->status == FUSETRACE_STATUS_COMPLETED;
	if (user->status == FUSETRACE_MATCH_FAILED)
		return op->status == FUSETRACE_STATUS_FAILED;
	return true;
}

bool ft_match_test(const struct ft_match *match, const struct fusetrace_op *op)
{
	bool matches = ft_match_is_meant(match, op) && test_result(match, op);

	return (match->user.flags & FUSETRACE_MATCH_NOT) ? !matches : matches;
}

bool ft_match_is_by_chance(const struct ft_match *match, const struct fusetrace_op *op)
{
	bool is_named = match->selector_count && !(match->user.flags & FUSETRACE_MATCH_NOT);
	bool is_readahead = op->opcode == OPCODE_READ && (op->present & FT_HAS(PID)) && !op->pid;

	return !is_named &&
	       (is_readahead || (ft_opcode_get(op->opcode)->behaviour & FT_OPCODE_UNTIMED));
}

bool ft_match_since(const struct ft_match *match, const struct fusetrace_op *op,
		    const struct fusetrace_mark *mark)
{
	if (!mark || mark->mono_ns == 0)
		return true;
	/* What is in flight has no number yet: it ends behind every mark. */
	if (op->status != FUSETRACE_STATUS_STARTED && op->seq <= mark->seq)
		return false;
	if (match->user.flags & FUSETRACE_MATCH_IN_FLIGHT)
		return true;
	return ft_op_order_ns(op) >= mark->mono_ns;
}

int ft_match_describe(const struct ft_match *match, char *buffer, size_t size)
{
	static const char *const statuses[] = {"", " status=ok", " status=failed"};
	char error[32] = "";

	if (match->user.error)
		snprintf(error, sizeof(error), " errno=%d", match->user.error);
	return snprintf(buffer, size, "%s%s%s%s%s%s", match->op ? match->op : "any operation",
			match->path ? " path=" : "", match->path ? match->path : "",
			statuses[match->user.status], error,
			(match->user.flags & FUSETRACE_MATCH_NOT) ? " (inverted)" : "");
}
