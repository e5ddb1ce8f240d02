/* SPDX-License-Identifier: MIT */
/*
 * Where a trace is written: standard output or a file. What is put is kept in memory until the
 * descriptor takes it, so that a slow reader stops neither the trace nor the signals. The first
 * error ends it: what is put afterwards is dropped. Whether the place is a terminal, in colour and
 * how wide, is known here; how lines look is the business of the views.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fusetrace/fusetrace.h>

/* With more than this in memory a producer should wait. */
#define OUTPUT_ENOUGH (1u << 20)

#define COLOR_AUTO 0u
#define COLOR_ALWAYS 1u
#define COLOR_NEVER 2u

struct output {
	int fd;
	bool is_owned;   /* the descriptor is closed with the output */
	bool is_regular; /* a file: never a reason to wait */
	bool is_terminal;
	bool has_color;
	int error; /* negative errno of what failed; -EPIPE: the reader has gone */
	char *data;
	size_t begin; /* what is not written yet is data[begin] to data[end] */
	size_t end;
	size_t room;
};

/*
 * path NULL or "-": standard output. 0 or a negative errno with the reason. Free with
 * output_done(), which drops what was not written.
 */
int output_open(struct output *output, const char *path, uint32_t color,
		struct fusetrace_error *reterr_error);
void output_done(struct output *output);

/* Room for size bytes at the end, to be filled and then given to output_commit(). NULL: error. */
char *output_reserve(struct output *output, size_t size);
void output_commit(struct output *output, size_t size);

void output_put(struct output *output, const char *data, size_t size);
__attribute__((format(printf, 2, 3))) void output_printf(struct output *output, const char *format,
							 ...);

/* Bytes that are not written yet. */
size_t output_pending(const struct output *output);
/* Writes what the descriptor takes without blocking. */
void output_pump(struct output *output);
/* poll(2) says that nobody can read any more. */
void output_break(struct output *output);
/*
 * Writes everything; gives up when nothing could be written for patience_ns, or when interrupt_fd
 * (-1: none) becomes readable. 0 or a negative errno: -ETIMEDOUT, -ECANCELED or that of the write.
 */
int output_flush(struct output *output, uint64_t patience_ns, int interrupt_fd);

/* Columns of the terminal now; 0 when it is none. */
unsigned int output_columns(const struct output *output);

#endif
