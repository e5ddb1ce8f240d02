/* SPDX-License-Identifier: MIT */
/*
 * The report of a wait that was not satisfied, and what a monitor's reports are told beforehand. The
 * facts are gathered by report_facts.c, judged by report_verdict.c, rendered by report_text.c and
 * report_json.c.
 */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "monitor/engine.h"
#include "report_render.h"

struct fusetrace_report {
	uint32_t verdict;
	char *text;
	char *json;
};

static void render(const struct ft_report_source *source, struct fusetrace_report **reterr_report)
{
	struct fusetrace_report *report =
		source->facts->verdict ? calloc(1, sizeof(*report)) : NULL;

	if (!report)
		return;
	report->verdict = source->facts->verdict;
	report->text = ft_report_text(source);
	report->json = ft_report_json(source);
	if (!report->text || !report->json)
		report = fusetrace_report_free(report);
	if (report)
		*reterr_report = report;
}

void ft_report_gather(struct ft_facts *facts, const struct fusetrace_expect *expect, int result,
		      uint64_t timeout_ns)
{
	ft_facts_gather(facts, expect->monitor, expect, result);
	facts->began_ns = expect->began_ns;
	facts->timeout_ns = timeout_ns;
}

void ft_report_make(struct ft_facts *facts, const struct fusetrace_expect *expect,
		    struct fusetrace_report **reterr_report)
{
	const struct ft_match *match = &expect->matches[facts->slot];
	char waited_for[512], escaped[1024], label[512];
	const struct ft_report_source source = {
		.facts = facts,
		.expect = expect,
		.waited_for = escaped,
		.label = match->label ? label : NULL,
	};

	ft_match_describe(match, waited_for, sizeof(waited_for));
	ft_text_escape(ft_bytes_of(waited_for), escaped, sizeof(escaped));
	ft_text_escape(ft_bytes_of(match->label), label, sizeof(label));
	render(&source, reterr_report);
}

void ft_report_of_facts(struct ft_facts *facts, const char *waited_for, const char *label,
			struct fusetrace_report **reterr_report)
{
	const struct ft_report_source source = {
		.facts = facts,
		.waited_for = waited_for,
		.label = label,
	};

	render(&source, reterr_report);
}

void ft_report_make_idle(struct fusetrace_monitor *monitor, int result, uint64_t began_ns,
			 uint64_t timeout_ns, struct fusetrace_report **reterr_report)
{
	struct ft_facts facts;

	if (!reterr_report)
		return;
	ft_facts_gather(&facts, monitor, NULL, result);
	facts.began_ns = began_ns;
	facts.timeout_ns = timeout_ns;
	render(&(struct ft_report_source){.facts = &facts, .waited_for = "idle"}, reterr_report);
	ft_facts_done(&facts);
}

uint32_t fusetrace_report_verdict(const struct fusetrace_report *report)
{
	return report->verdict;
}

const char *fusetrace_report_text(const struct fusetrace_report *report)
{
	return report->text;
}

const char *fusetrace_report_json(const struct fusetrace_report *report)
{
	return report->json;
}

struct fusetrace_report *fusetrace_report_free(struct fusetrace_report *report)
{
	if (!report)
		return NULL;
	free(report->text);
	free(report->json);
	free(report);
	return NULL;
}

/* ---- what reports also tell ---- */

int fusetrace_monitor_set_trace_path(struct fusetrace_monitor *monitor, const char *path)
{
	char *copy = path ? strdup(path) : NULL;
	int r = ft_monitor_enter(monitor);

	if (r == 0 && path && !copy)
		r = -ENOMEM;
	if (r < 0) {
		free(copy);
		return r;
	}
	ft_engine_lock();
	free(monitor->trace_path);
	monitor->trace_path = copy;
	ft_engine_unlock();
	return 0;
}

int fusetrace_monitor_set_timeout_scale(struct fusetrace_monitor *monitor, double scale)
{
	int r = ft_monitor_enter(monitor);

	if (r < 0 || !(scale >= 0) || isinf(scale))
		return r < 0 ? r : -EINVAL;
	ft_engine_lock();
	monitor->timeout_scale = scale;
	ft_engine_unlock();
	return 0;
}
