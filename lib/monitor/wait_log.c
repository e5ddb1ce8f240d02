/* SPDX-License-Identifier: MIT */
/* See wait_log.h. */
#include "wait_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "monitor.h"
#include "op/json_write.h"

#define JSON_SIZE 2048

void ft_wait_log_init(struct ft_wait_log *log)
{
	*log = (struct ft_wait_log){.entries = NULL};
	pthread_mutex_init(&log->lock, NULL);
}

void ft_wait_log_done(struct ft_wait_log *log)
{
	free(log->entries);
	pthread_mutex_destroy(&log->lock);
}

const char *ft_wait_log_verdict(uint32_t verdict, int r)
{
	if (r >= 0)
		return "satisfied";
	return verdict ? fusetrace_verdict_name(verdict) : fusetrace_strerror(r);
}

void ft_wait_log_add(struct ft_wait_log *log, const struct ft_wait_entry *entry)
{
	pthread_mutex_lock(&log->lock);
	if (!log->entries)
		log->entries = calloc(FT_WAIT_LOG_SIZE, sizeof(*log->entries));
	if (log->entries)
		log->entries[log->count++ % FT_WAIT_LOG_SIZE] = *entry;
	pthread_mutex_unlock(&log->lock);
}

/* A copy of the entries, oldest first; how many there are, or -ENOMEM. */
static int copy_entries(struct ft_wait_log *log, struct ft_wait_entry **ret_entries)
{
	struct ft_wait_entry *copy = malloc(FT_WAIT_LOG_SIZE * sizeof(*copy));
	uint64_t kept;

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&log->lock);
	kept = log->count < FT_WAIT_LOG_SIZE ? log->count : FT_WAIT_LOG_SIZE;
	for (uint64_t i = 0; i < kept; i++)
		copy[i] = log->entries[(log->count - kept + i) % FT_WAIT_LOG_SIZE];
	pthread_mutex_unlock(&log->lock);
	*ret_entries = copy;
	return (int)kept;
}

static int tell(const struct ft_wait_entry *entry, fusetrace_wait_fn *fn, void *data)
{
	const struct fusetrace_wait_record record = {
		.began_ns = entry->began_ns,
		.ended_ns = entry->ended_ns,
		.answer = entry->answer,
		.thread = entry->thread,
		.label = entry->label[0] ? entry->label : NULL,
		.waited_for = entry->waited_for,
		.verdict = entry->verdict,
	};
	const struct ft_json_record line = {
		.kind = FT_JSON_WAIT,
		.has = FT_JSON_HAS_MONO_NS | FT_JSON_HAS_BEGAN_NS | FT_JSON_HAS_PID |
		       (entry->answer ? FT_JSON_HAS_ANSWER : 0),
		.mono_ns = entry->ended_ns,
		.began_ns = entry->began_ns,
		.pid = (uint32_t)entry->thread,
		.answer = entry->answer,
		.label = ft_bytes_of(record.label),
		.waited_for = ft_bytes_of(entry->waited_for),
		.verdict = ft_bytes_of(entry->verdict),
	};
	char json[JSON_SIZE];

	ft_json_write(&line, json, sizeof(json));
	return fn(&record, json, data);
}

int fusetrace_foreach_wait(struct fusetrace_monitor *monitor, fusetrace_wait_fn *fn, void *data)
{
	struct ft_wait_entry *entries FT_AUTO_FREE = NULL;
	int r = ft_monitor_enter(monitor);
	int count;

	if (r < 0 || !fn)
		return r < 0 ? r : -EINVAL;
	count = copy_entries(&monitor->waits, &entries);
	if (count < 0)
		return count;
	for (int i = 0; r == 0 && i < count; i++)
		r = tell(&entries[i], fn, data);
	return r;
}
