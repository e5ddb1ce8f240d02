/* SPDX-License-Identifier: MIT */
/* Cuts pushed bytes into lines and hands each to the JSON reader; see source_replay.h. */
#include "source_replay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

void ft_replay_done(struct ft_replay *replay)
{
	ft_json_reader_done(&replay->reader);
	free(replay->rest);
	replay->rest = NULL;
}

static int take_line(struct ft_replay *replay, const char *line, size_t length,
		     struct fusetrace_error *reterr_error)
{
	struct ft_json_record record;
	struct ft_json_error error;
	int r;

	replay->line++;
	if (length && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return 0;
	r = ft_json_read(&replay->reader, line, length, &record, &error);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return ft_error(reterr_error, -EBADMSG, "line %llu, column %u: %s",
				(unsigned long long)replay->line, error.column, error.text);
	ft_records_take(&replay->records, &record);
	return 0;
}

static int keep_rest(struct ft_replay *replay, const char *data, size_t size,
		     struct fusetrace_error *reterr_error)
{
	size_t needed = replay->rest_size + size;
	char *rest;

	if (needed > FT_JSON_LINE_MAX) {
		replay->rest_size = 0;
		replay->is_skipping = true;
		return ft_error(reterr_error, -EBADMSG,
				"line %llu, column 1: longer than %u bytes: this is no recording",
				(unsigned long long)replay->line + 1, FT_JSON_LINE_MAX);
	}
	if (needed > replay->rest_room) {
		rest = realloc(replay->rest, needed * 2);
		if (!rest)
			return -ENOMEM;
		replay->rest = rest;
		replay->rest_room = needed * 2;
	}
	memcpy(replay->rest + replay->rest_size, data, size);
	replay->rest_size = needed;
	return 0;
}

/* A piece of a line, the last one if is_end. */
static int take_piece(struct ft_replay *replay, const char *data, size_t size, bool is_end,
		      struct fusetrace_error *reterr_error)
{
	int r = replay->is_skipping ? 0 : keep_rest(replay, data, size, reterr_error);

	if (is_end && r == 0)
		return ft_replay_end(replay, reterr_error);
	if (is_end && replay->is_skipping)
		ft_replay_end(replay, NULL);
	return r;
}

int ft_replay_push(struct ft_replay *replay, const char *data, size_t size,
		   struct fusetrace_error *reterr_error)
{
	while (size) {
		const char *newline = memchr(data, '\n', size);
		size_t length = newline ? (size_t)(newline - data) : size;
		int r;

		if (replay->is_skipping || replay->rest_size || !newline)
			r = take_piece(replay, data, length, newline != NULL, reterr_error);
		else
			r = take_line(replay, data, length, reterr_error);
		if (r < 0)
			return r;
		data += length + (newline != NULL);
		size -= length + (newline != NULL);
	}
	return 0;
}

int ft_replay_end(struct ft_replay *replay, struct fusetrace_error *reterr_error)
{
	size_t length = replay->rest_size;

	replay->line += replay->is_skipping;
	replay->is_skipping = false;
	if (length == 0)
		return 0;
	replay->rest_size = 0;
	return take_line(replay, replay->rest, length, reterr_error);
}
