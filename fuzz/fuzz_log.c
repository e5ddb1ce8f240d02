/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the log source: any bytes as a log. The first byte chooses how it is cut into
 * pieces. The operations must be the same in pieces as in one; none may have a result that no line
 * told, whatever stands in a name. The linker hands the ends that formats report to this file
 * (meson.build, --wrap). Built once with all formats, where it finds out which one a line is of, and
 * once for each, FUZZ_FORMAT, which then gets every line.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "formats/formats.h"
#include "op/json_write.h"
#include "op/opcode.h"
#include "source/source_log.h"
#include "track/history.h"
#include "track/tracker.h"

#define IS_LIVE 0x80 /* of the first byte: times are converted, so runs differ */
#define OPS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __real_ft_sink_end(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event);
void __wrap_ft_sink_end(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event);
void __real_ft_sink_record(struct ft_sink *sink, const struct ft_line *line,
			   const struct ft_json_record *record);
void __wrap_ft_sink_record(struct ft_sink *sink, const struct ft_line *line,
			   const struct ft_json_record *record);

/* One reading of the input. */
struct run {
	struct ft_history *history;
	struct ft_tracker *tracker;
	struct ft_log *log;
	bool is_over;     /* what comes now had no end */
	uint64_t results; /* operations that have one */
	FILE *out;        /* all operations as text */
	char *text;
	size_t text_size;
};

static uint64_t ends_told;

#ifdef FUZZ_FORMAT
#define JOIN(a, b) a##b
#define FORMAT_OF(name) JOIN(ft_format_, name)

static const struct ft_format *const formats[] = {&FORMAT_OF(FUZZ_FORMAT), NULL};
#else
#define formats ft_formats
#endif

static void require(bool holds)
{
	if (!holds)
		abort();
}

void __wrap_ft_sink_end(struct ft_sink *sink, const struct ft_line *line, struct ft_event *event)
{
	ends_told += event->ending != FT_ENDING_UNKNOWN;
	__real_ft_sink_end(sink, line, event);
}

void __wrap_ft_sink_record(struct ft_sink *sink, const struct ft_line *line,
			   const struct ft_json_record *record)
{
	ends_told++;
	__real_ft_sink_record(sink, line, record);
}

/* ---- what must hold of each operation ---- */

static void check_result(const struct fusetrace_op *op)
{
	uint32_t status = fusetrace_op_status(op);
	uint64_t error = 0;
	bool has_error = fusetrace_op_number(op, FUSETRACE_FIELD_ERRNO, &error) == 0;

	require(status == FUSETRACE_STATUS_COMPLETED || status == FUSETRACE_STATUS_FAILED ||
		status == FUSETRACE_STATUS_UNKNOWN);
	require(status != FUSETRACE_STATUS_COMPLETED || error == 0);
	require(status != FUSETRACE_STATUS_FAILED || !has_error || error != 0);
}

static void print(struct run *run, const struct fusetrace_op *op)
{
	int length = fusetrace_op_json(op, NULL, 0);
	char *json = malloc((size_t)length + 1);

	require(json && fusetrace_op_json(op, json, (size_t)length + 1) == length);
	fprintf(run->out, "%s\n", json);
	free(json);
}

static void on_done(struct fusetrace_op *op, void *data)
{
	struct run *run = data;
	bool has_reply = !(ft_opcode_get(fusetrace_op_opcode(op))->behaviour & FT_OPCODE_NO_REPLY);

	check_result(op);
	if (fusetrace_op_status(op) != FUSETRACE_STATUS_UNKNOWN && has_reply) {
		require(!run->is_over);
		require(++run->results <= ends_told);
	}
	print(run, op);
}

static void on_unparsed(uint64_t number, struct ft_bytes line, void *data)
{
	struct run *run = data;

	fprintf(run->out, "%llu %zu\n", (unsigned long long)number, line.length);
	require(line.length > 0 && !memchr(line.data, '\n', line.length));
}

/* ---- runs ---- */

static void open_run(struct run *run, bool is_live)
{
	ends_told = 0;
	run->history = ft_history_new(OPS_MAX);
	run->tracker = ft_tracker_new(FUSETRACE_SOURCE_LOG, run->history, NULL, on_done, run);
	run->log = ft_log_new_of(run->tracker, formats, is_live);
	run->out = open_memstream(&run->text, &run->text_size);
	require(run->log && run->out);
	ft_log_on_unparsed(run->log, on_unparsed, run);
}

static void push(struct run *run, const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1); /* the first byte too many is seen */

	require(exact);
	memcpy(exact, data, size);
	require(ft_log_push(run->log, exact, size) == 0);
	free(exact);
}

static void close_run(struct run *run)
{
	struct ft_log_counts counts;

	require(ft_log_end(run->log) == 0);
	run->is_over = true;
	ft_tracker_abandon(run->tracker);
	require(ft_tracker_in_flight(run->tracker, false) == 0);
	counts = ft_log_counts(run->log);
	require(counts.unparsed <= counts.lines);
	fclose(run->out);
	ft_log_free(run->log);
	ft_tracker_free(run->tracker);
	ft_history_unref(run->history);
}

/* Pieces of 1 to 64 bytes, as the seed says. */
static void push_pieces(struct run *run, const uint8_t *data, size_t size, uint32_t seed)
{
	while (size) {
		size_t piece;

		seed = seed * 1103515245 + 12345;
		piece = 1 + (seed >> 16) % 64;
		piece = piece < size ? piece : size;
		push(run, data, piece);
		data += piece;
		size -= piece;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole = {0}, pieces = {0};
	bool is_live = size && (data[0] & IS_LIVE);

	if (size < 2)
		return 0;
	open_run(&whole, is_live);
	push(&whole, data + 1, size - 1);
	close_run(&whole);
	open_run(&pieces, is_live);
	push_pieces(&pieces, data + 1, size - 1, data[0]);
	close_run(&pieces);
	if (!is_live)
		require(whole.text_size == pieces.text_size &&
			memcmp(whole.text, pieces.text, whole.text_size) == 0);
	free(whole.text);
	free(pieces.text);
	return 0;
}
