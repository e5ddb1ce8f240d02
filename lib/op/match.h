/* SPDX-License-Identifier: MIT */
/*
 * A compiled struct fusetrace_match: names resolved to opcode sets, the path normalised. The test
 * is cheap and touches only the operation, so the engine can run it on each completed operation;
 * the caller's check function is not part of it.
 */
#ifndef FT_MATCH_H
#define FT_MATCH_H

#include <regex.h>
#include <stdbool.h>

#include "op.h"
#include "opcode.h"

#define FT_MATCH_SELECTORS_MAX 64

struct ft_match {
	struct fusetrace_match user; /* its strings are not used any more */
	uint64_t opcodes;            /* union of the selectors; all ones: any */
	struct ft_op_selector *selectors;
	size_t selector_count; /* 0: any */
	uint32_t path_kind;    /* FUSETRACE_PATH_EXACT, _GLOB, _REGEX; AUTO: any path */
	uint32_t path_hash;    /* of an exact path, as struct ft_name has it */
	char *path;
	char *op;
	char *label;
	char *check_name;
	char *where;
	regex_t regex;
};

/*
 * mountpoint (may be NULL) is taken off an absolute path under it. Free with ft_match_done(). On
 * failure nothing is held.
 */
int ft_match_init(struct ft_match *match, const struct fusetrace_match *user,
		  const char *mountpoint, struct fusetrace_error *reterr_error);
void ft_match_done(struct ft_match *match);

/* Everything but status, errno and check: is this the operation that was meant, well or badly? */
bool ft_match_is_meant(const struct ft_match *match, const struct fusetrace_op *op);
/* Everything but check. Honours FUSETRACE_MATCH_NOT. */
bool ft_match_test(const struct ft_match *match, const struct fusetrace_op *op);
/* Parts of it, for reports. */
bool ft_match_op(const struct ft_match *match, const struct fusetrace_op *op);
bool ft_match_path(const struct ft_match *match, const struct fusetrace_op *op);
/* Whether the operation counts behind mark: begun after it, or MATCH_IN_FLIGHT. NULL: yes. */
bool ft_match_since(const struct ft_match *match, const struct fusetrace_op *op,
		    const struct fusetrace_mark *mark);

/*
 * Whether it comes by itself (forget, statfs, readahead, ...) and the match does not name it: then it
 * breaks no order and is not what was forbidden.
 */
bool ft_match_is_by_chance(const struct ft_match *match, const struct fusetrace_op *op);

/* "release path=/a.txt status=ok" as snprintf(3). */
int ft_match_describe(const struct ft_match *match, char *buffer, size_t size);

#endif
