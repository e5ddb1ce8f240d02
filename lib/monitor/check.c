/* SPDX-License-Identifier: MIT */
/* See check.h. */
#include "check.h"

static _Thread_local bool is_running;

int ft_check_run(const struct ft_match *match, const struct fusetrace_op *op)
{
	int r;

	if (!match->user.check)
		return 1;
	is_running = true;
	r = match->user.check(op, match->user.data);
	is_running = false;
	return r > 0 ? 1 : r;
}

int ft_check_run_line(const struct fusetrace_line *wanted, const char *line, size_t length)
{
	int r;

	if (!wanted->check)
		return 1;
	is_running = true;
	r = wanted->check(line, length, wanted->data);
	is_running = false;
	return r > 0 ? 1 : r;
}

bool ft_check_is_running(void)
{
	return is_running;
}
