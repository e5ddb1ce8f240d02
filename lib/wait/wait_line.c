/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a line of the daemon's output: the engine keeps the lines (monitor_log.c) and wakes who
 * waits for them; the waiter takes a copy of what is new to it and looks through that without a lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "monitor/check.h"
#include "monitor/engine.h"
#include "report.h"
#include "wait.h"

struct line_wait {
	struct fusetrace_monitor *monitor;
	const struct fusetrace_mark *mark; /* or NULL */
	const struct fusetrace_line *wanted;
	regex_t regex; /* of wanted, if that has one */
	struct ft_waiter waiter;
	uint64_t place; /* in the output, that was looked up to */
	uint64_t count; /* lines looked at */
	uint64_t began_ns;
	uint64_t timeout_ns;
	uint64_t interrupts;
	char *found; /* owned, or NULL */
};

/* ---- one line ---- */

/* 1 it is the one, 0 it is not, negative: the check function ends the wait. */
static int test_line(const struct line_wait *wait, const char *line, size_t length)
{
	const struct fusetrace_line *wanted = wait->wanted;

	if (wanted->text && !memmem(line, length, wanted->text, strlen(wanted->text)))
		return 0;
	if (wanted->regex && regexec(&wait->regex, line, 0, NULL, 0) != 0)
		return 0;
	return ft_check_run_line(wanted, line, length);
}

/* All lines of a text, whose newlines are overwritten; as test_line(). */
static int search(struct line_wait *wait, char *text, size_t size)
{
	char *end;
	int r = 0;

	for (char *line = text; r == 0 && line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		if (!end)
			end = text + size;
		*end = '\0';
		wait->count++;
		r = test_line(wait, line, (size_t)(end - line));
		if (r <= 0)
			continue;
		wait->found = malloc((size_t)(end - line) + 1);
		if (!wait->found)
			return -ENOMEM;
		memcpy(wait->found, line, (size_t)(end - line) + 1);
	}
	return r;
}

/* ---- looking ---- */

/* What a look takes of the monitor in one go. */
struct lines_view {
	struct ft_monitor_view monitor;
	char *text;
	size_t size;
	bool has_lost;
	bool has_ended; /* nothing more can come */
};

/* After an unmount a daemon may go on printing: only its own end is one. */
static bool is_daemon_gone(const struct fusetrace_monitor *monitor)
{
	return monitor->state == FUSETRACE_STATE_GONE ||
	       (monitor->state == FUSETRACE_STATE_UNMOUNTED && monitor->exit.pid &&
		monitor->daemon_count == 0);
}

static void take(struct line_wait *wait, struct lines_view *ret_view)
{
	struct fusetrace_monitor *monitor = wait->monitor;

	*ret_view = (struct lines_view){.size = 0};
	ft_engine_lock();
	ft_monitor_look_locked(monitor, &ret_view->monitor);
	/* What was passed over counts as lost for as long as this wait lasts. */
	ret_view->has_lost =
		ft_monitor_has_lost_lines(monitor, wait->mark ? wait->mark->printed : 0);
	ret_view->text =
		ft_last_lines_copy_since(&monitor->last_lines, wait->place, &ret_view->size);
	wait->place = monitor->last_lines.total;
	ret_view->has_ended = is_daemon_gone(monitor) || ft_monitor_logs_have_ended(monitor);
	ft_engine_unlock();
}

/* 1 found, 0 not yet, negative: over. */
static int look(struct line_wait *wait, bool is_last)
{
	struct lines_view view;
	int r;

	take(wait, &view);
	r = view.text ? search(wait, view.text, view.size) : -ENOMEM;
	free(view.text);
	if (r)
		return r;
	if (view.has_ended || view.monitor.state == FUSETRACE_STATE_STOPPED)
		return view.has_lost ? -EOVERFLOW : view.has_ended ? -EPIPE : -ESHUTDOWN;
	if (view.monitor.interrupts != wait->interrupts)
		return -ECANCELED;
	if (is_last)
		return view.has_lost ? -EOVERFLOW : -ETIMEDOUT;
	return 0;
}

static int wait_until(struct line_wait *wait, uint64_t deadline_ns)
{
	int r = look(wait, false);

	if (r || deadline_ns == 0)
		return r ? r : look(wait, true);
	r = ft_wait_register(wait->monitor, &wait->waiter, true);
	while (r == 0) {
		bool is_last = ft_now_ns() >= deadline_ns;

		r = look(wait, is_last);
		if (r == 0)
			r = ft_wait_sleep(wait->monitor, &wait->waiter, -1, deadline_ns);
	}
	ft_wait_register(wait->monitor, &wait->waiter, false);
	return r;
}

/* ---- in vain ---- */

static void describe(const struct fusetrace_line *wanted, char *text, size_t size)
{
	char part[300];
	FILE *out = fmemopen(text, size, "w");

	if (!out)
		return;
	fputs("for a line of the daemon", out);
	if (wanted->text) {
		ft_text_escape(ft_bytes_of(wanted->text), part, sizeof(part));
		fprintf(out, " with '%s'", part);
	}
	if (wanted->regex) {
		ft_text_escape(ft_bytes_of(wanted->regex), part, sizeof(part));
		fprintf(out, " like '%s'", part);
	}
	if (wanted->check) {
		ft_text_escape(ft_bytes_of(wanted->check_name ? wanted->check_name : "the check"),
			       part, sizeof(part));
		fprintf(out, " that %s takes", part);
	}
	fclose(out);
}

/* Whether the line stands before the mark, which is what most often goes wrong. */
static bool is_before_mark(struct line_wait *wait, char *text, size_t size, uint64_t since_size)
{
	bool is_there;
	size_t before = size > since_size ? size - since_size : 0;

	if (!wait->mark || wait->found)
		return false;
	is_there = search(wait, text, before) > 0;
	free(wait->found);
	wait->found = NULL;
	return is_there;
}

static void gather(struct ft_facts *facts, struct line_wait *wait, char **ret_text,
		   size_t *ret_size, uint64_t *ret_since)
{
	struct fusetrace_monitor *monitor = wait->monitor;
	uint64_t printed = wait->mark ? wait->mark->printed : 0;

	ft_engine_lock();
	ft_facts_gather_printed(facts, monitor);
	*ret_text = ft_last_lines_copy(&monitor->last_lines, ret_size);
	*ret_since = monitor->last_lines.total > printed ? monitor->last_lines.total - printed : 0;
	ft_engine_unlock();
}

static void report(struct line_wait *wait, int result, struct fusetrace_report **reterr_report)
{
	const struct fusetrace_match *any = FUSETRACE_MATCH();
	char *text FT_AUTO_FREE = NULL;
	char waited_for[1400] = "", label[512], found[200];
	uint64_t count = wait->count, since = 0;
	struct fusetrace_expect expect;
	struct ft_facts facts;
	size_t size = 0;

	if (!reterr_report || ft_expect_init(&expect, wait->monitor, wait->mark, &any, 1,
					     FUSETRACE_ORDER_ANY, NULL) < 0)
		return;
	ft_facts_gather(&facts, wait->monitor, &expect, result);
	ft_expect_done(&expect);
	gather(&facts, wait, &text, &size, &since);
	if (result == -ETIMEDOUT)
		facts.verdict = FUSETRACE_VERDICT_NOT_SO;
	facts.subject = fusetrace_op_unref(facts.subject);
	snprintf(found, sizeof(found), "lines looked at: %" PRIu64 "%s", count,
		 text && is_before_mark(wait, text, size, since)
			 ? "; one before the mark is like it: take the mark before the action"
			 : "");
	facts.found = found;
	facts.began_ns = wait->began_ns;
	facts.timeout_ns = wait->timeout_ns;
	describe(wait->wanted, waited_for, sizeof(waited_for));
	ft_text_escape(ft_bytes_of(wait->wanted->label), label, sizeof(label));
	ft_report_of_facts(&facts, waited_for, wait->wanted->label ? label : NULL, reterr_report);
	ft_facts_done(&facts);
}

/* ---- the wait ---- */

static int begin(struct line_wait *wait)
{
	struct fusetrace_monitor *monitor = wait->monitor;
	int r;

	ft_engine_lock();
	wait->interrupts = monitor->interrupts;
	r = ft_list_is_empty(&monitor->logs) ? -ENODATA : 0;
	ft_engine_unlock();
	if (r == 0 && wait->wanted->regex &&
	    regcomp(&wait->regex, wait->wanted->regex, REG_EXTENDED | REG_NOSUB) != 0)
		r = -EINVAL;
	return r;
}

int fusetrace_wait_line(struct fusetrace_monitor *monitor, const struct fusetrace_mark *mark,
			const struct fusetrace_line *line, uint64_t timeout_ns, char **ret_line,
			struct fusetrace_report **reterr_report)
{
	struct line_wait wait = {
		.monitor = monitor,
		.mark = mark,
		.wanted = line,
		.waiter = {.event_fd = -1, .wants_lines = true},
		.place = mark ? mark->printed : 0,
		.began_ns = ft_now_ns(),
		.timeout_ns = timeout_ns,
	};
	int r = ft_monitor_enter(monitor);

	if (r == 0 && (!line || line->sz != sizeof(*line)))
		r = -EINVAL;
	if (r == 0)
		r = begin(&wait);
	if (r < 0)
		return r;
	r = wait_until(&wait, ft_wait_deadline(timeout_ns));
	if (r < 0 && r != -EINTR)
		report(&wait, r, reterr_report);
	if (r > 0 && ret_line)
		*ret_line = FT_STEAL_PTR(wait.found);
	free(wait.found);
	if (line->regex)
		regfree(&wait.regex);
	return r > 0 ? 0 : r;
}
